//! Sealed files: age encryption to X25519 keys, binary form.
//!
//! A sealed file is a small *header*, in which a random file key is wrapped for
//! each recipient, and a *payload*: a nonce and chunks of 64 KiB, each with its
//! own tag. Three consequences carry the whole house:
//!
//! - The process that holds the node's identity reads only the header
//!   ([`unwrap_file_key`]); the process that opens the provider's bytes gets
//!   only the key of that one file ([`open_with_file_key`]).
//! - A buyer gets the same payload under a new header ([`rewrap`]), whatever
//!   the size of the file. All buyers of a file share its file key, so this
//!   ciphertext carries no mark of the buyer, and taking a licence back cannot
//!   take the key back. What the bytes are is vouched for by the signed digest
//!   of the manifest, not by the seal.
//! - Any part can be read without the rest: the plaintext is [`Seek`].
//!
//! Every [`seal`] and [`rewrap`] is randomised (by the system's generator inside
//! the `age` crate): make a header once per licence, file and recipient, and
//! keep it, or a resumed download joins two different files.

mod header;
mod key;

use std::{
    cell::RefCell,
    io::{self, BufReader, Read, Seek, SeekFrom, Write},
    iter,
};

use age::{DecryptError, Decryptor, Encryptor, Recipient as _};
use age_core::{
    format::{FileKey as AgeFileKey, Stanza},
    primitives::hkdf,
};
use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use ring::hmac;

pub use self::{
    header::{Header, MAX_HEADER_LEN, MAX_STANZAS},
    key::{FileKey, Identity, ParseKeyError, Recipient},
};
use crate::error::Coded;

/// Plaintext bytes per chunk of the payload.
pub const CHUNK_LEN: u64 = 64 * 1024;

const TAG_LEN: u64 = 16;
const NONCE_LEN: u64 = 16;

/// Why a file cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The file does not begin like a binary age file of version 1.
    #[error("this is not an age file: seal it with `granary upload` or `age -r RECIPIENT`")]
    NotAge,
    /// The file is an age file in text form.
    #[error("this age file is in text form (armored): seal it again without --armor")]
    Armored,
    /// The header is longer than [`MAX_HEADER_LEN`].
    #[error("the header of the sealed file is longer than {MAX_HEADER_LEN} bytes")]
    HeaderTooLarge,
    /// The header has more stanzas than [`MAX_STANZAS`].
    #[error("the sealed file names more than {MAX_STANZAS} recipients")]
    TooManyStanzas,
    /// The file is sealed with a passphrase.
    #[error("the file is sealed with a passphrase: seal it to the recipient key instead")]
    PassphraseRefused,
    /// The file names a recipient of a kind that is not accepted.
    #[error("the sealed file names a {kind:?} recipient: only X25519 keys (age1…) are accepted")]
    RecipientUnsupported {
        /// The kind, cut to 40 bytes.
        kind: String,
    },
    /// The header breaks the grammar or its MAC.
    #[error("the header of the sealed file is damaged: {0}")]
    HeaderCorrupt(&'static str),
    /// None of the stanzas is for this identity.
    #[error("the file is sealed to another key: fetch the current recipient key and seal again")]
    WrongRecipient,
    /// The file ends too early. A last chunk that does not verify counts as
    /// this too, since only the last chunk tells where a file ends.
    #[error("the sealed file is cut short or its end is damaged: upload it again")]
    Truncated,
    /// A chunk does not verify.
    #[error("the sealed file is damaged: a part of it does not verify")]
    Corrupt,
    /// Sealing to nobody was asked for.
    #[error("sealing needs at least one recipient")]
    NoRecipient,
    /// Reading or writing failed.
    #[error("reading or writing a sealed file failed: {0}")]
    Io(#[source] io::Error),
}

impl Coded for SealError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotAge => "seal_not_age",
            Self::Armored => "seal_armored",
            Self::HeaderTooLarge => "seal_header_too_large",
            Self::TooManyStanzas => "seal_too_many_stanzas",
            Self::PassphraseRefused => "seal_passphrase_refused",
            Self::RecipientUnsupported { .. } => "seal_recipient_unsupported",
            Self::HeaderCorrupt(_) => "seal_header_corrupt",
            Self::WrongRecipient => "seal_wrong_recipient",
            Self::Truncated => "seal_truncated",
            Self::Corrupt => "seal_corrupt",
            Self::NoRecipient => "seal_no_recipient",
            Self::Io(_) => "seal_io",
        }
    }
}

impl SealError {
    /// Finds a seal error inside an error of a reader that reads through a
    /// [`Plaintext`], however deep it is wrapped.
    pub fn find<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e SealError> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(found) = error.downcast_ref::<SealError>() {
                return Some(found);
            }
            // The source of an io::Error skips the error it was made from.
            if let Some(inner) = error.downcast_ref::<io::Error>().and_then(|e| e.get_ref()) {
                next = Some(inner);
            } else {
                next = error.source();
            }
        }
        None
    }
}

/// Length in bytes of the payload (nonce, chunks and tags) that seals
/// `plaintext` bytes. A sealed file is its header and this.
pub const fn payload_len(plaintext: u64) -> u64 {
    let chunks = plaintext.div_ceil(CHUNK_LEN);
    let chunks = if chunks == 0 { 1 } else { chunks };
    NONCE_LEN + plaintext + chunks * TAG_LEN
}

/// The number of plaintext bytes in a payload of `payload` bytes, or `None`
/// when no payload has that length.
pub const fn plaintext_len(payload: u64) -> Option<u64> {
    let Some(chunks_len) = payload.checked_sub(NONCE_LEN) else {
        return None;
    };
    let chunks = chunks_len.div_ceil(CHUNK_LEN + TAG_LEN);
    let Some(plaintext) = chunks_len.checked_sub(chunks * TAG_LEN) else {
        return None;
    };
    if payload_len(plaintext) == payload {
        Some(plaintext)
    } else {
        None
    }
}

/// Length in bytes of a whole sealed file with this header.
pub fn sealed_len(header: &Header, plaintext: u64) -> u64 {
    header.payload_offset() + payload_len(plaintext)
}

/// Seals everything the reader gives; returns the number of plaintext bytes.
///
/// # Errors
/// [`SealError::NoRecipient`] and [`SealError::Io`].
pub fn seal(
    reader: &mut impl Read,
    writer: impl Write,
    recipients: &[Recipient],
) -> Result<u64, SealError> {
    let mut sealer = Sealer::new(writer, recipients)?;
    let plaintext = io::copy(reader, &mut sealer).map_err(SealError::Io)?;
    sealer.finish()?;
    Ok(plaintext)
}

/// Seals what is written to it. Without [`Sealer::finish`] the file is cut
/// short and does not open.
pub struct Sealer<W: Write>(age::stream::StreamWriter<W>);

impl<W: Write> Sealer<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// [`SealError::NoRecipient`] and [`SealError::Io`].
    pub fn new(writer: W, recipients: &[Recipient]) -> Result<Self, SealError> {
        let recipients = recipients.iter().map(|r| &r.0 as &dyn age::Recipient);
        // With X25519 keys alone, an empty list is the only thing age refuses.
        let encryptor =
            Encryptor::with_recipients(recipients).map_err(|_| SealError::NoRecipient)?;
        encryptor
            .wrap_output(writer)
            .map(Self)
            .map_err(SealError::Io)
    }

    /// Writes the last chunk and gives the writer back.
    ///
    /// # Errors
    /// [`SealError::Io`].
    pub fn finish(self) -> Result<W, SealError> {
        self.0.finish().map_err(SealError::Io)
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Gets the file key out of a header and checks the header's MAC with it.
///
/// # Errors
/// [`SealError::WrongRecipient`] and [`SealError::HeaderCorrupt`].
pub fn unwrap_file_key(header: &Header, identity: &Identity) -> Result<FileKey, SealError> {
    let capture = Capture {
        identity,
        key: RefCell::new(None),
    };
    // A payload is of no interest here, but age wants to see its nonce.
    let mut bytes = header.as_bytes().to_vec();
    bytes.resize(bytes.len() + NONCE_LEN as usize, 0);
    Decryptor::new_buffered(&bytes[..])
        .and_then(|decryptor| decryptor.decrypt(iter::once(&capture as &dyn age::Identity)))
        .map_err(header_error)?;
    capture.key.into_inner().ok_or(SealError::WrongRecipient)
}

/// An identity that remembers the file key it found, for age verifies a header
/// but keeps the key to itself.
struct Capture<'a> {
    identity: &'a Identity,
    key: RefCell<Option<FileKey>>,
}

impl age::Identity for Capture<'_> {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<AgeFileKey, DecryptError>> {
        let found = self.identity.0.unwrap_stanza(stanza)?;
        if let Ok(key) = &found {
            self.key.replace(Some(FileKey::copy_of(key)));
        }
        Some(found)
    }
}

/// An identity that answers any header with one file key; the MAC then shows
/// whether it was the right one.
struct Known<'a>(&'a FileKey);

impl age::Identity for Known<'_> {
    fn unwrap_stanza(&self, _: &Stanza) -> Option<Result<AgeFileKey, DecryptError>> {
        Some(Ok(self.0.to_age()))
    }
}

/// Makes a header that gives `recipient` the file behind `header`; the payload
/// of the old file follows it byte for byte.
///
/// # Errors
/// Those of [`unwrap_file_key`].
pub fn rewrap(
    header: &Header,
    identity: &Identity,
    recipient: &Recipient,
) -> Result<Vec<u8>, SealError> {
    Ok(header_for(&unwrap_file_key(header, identity)?, recipient))
}

/// Makes a header that wraps this file key for one recipient.
pub fn header_for(key: &FileKey, recipient: &Recipient) -> Vec<u8> {
    let mut header = String::from("age-encryption.org/v1\n");
    // Wrapping for X25519 has no error to return.
    let stanzas = recipient
        .0
        .wrap_file_key(&key.to_age())
        .map(|(stanzas, _)| stanzas)
        .unwrap_or_default();
    for stanza in stanzas {
        header.push_str("-> ");
        header.push_str(&stanza.tag);
        for argument in &stanza.args {
            header.push(' ');
            header.push_str(argument);
        }
        header.push('\n');
        // 32 bytes are 43 digits, one short line.
        header.push_str(&BASE64_STANDARD_NO_PAD.encode(&stanza.body));
        header.push('\n');
    }
    header.push_str("---");
    let mac_key = hkdf(&[], b"header", key.expose());
    let mac = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, &mac_key),
        header.as_bytes(),
    );
    header.push(' ');
    header.push_str(&BASE64_STANDARD_NO_PAD.encode(mac.as_ref()));
    header.push('\n');
    header.into_bytes()
}

/// Opens a sealed file with an identity. The file begins at position 0 of the
/// reader.
///
/// # Errors
/// Any error of [`SealError`] that concerns reading.
pub fn open<R: Read + Seek>(reader: R, identity: &Identity) -> Result<Plaintext<R>, SealError> {
    let mut reader = BufReader::new(reader);
    reader.rewind().map_err(SealError::Io)?;
    let header = Header::read(&mut reader)?;
    let key = unwrap_file_key(&header, identity)?;
    Plaintext::start(reader, &key)
}

/// Opens a sealed file whose file key is known. The file begins at position 0
/// of the reader. The header's MAC and the last chunk are verified at once.
///
/// # Errors
/// Any error of [`SealError`] that concerns reading; a wrong key is
/// [`SealError::HeaderCorrupt`].
pub fn open_with_file_key<R: Read + Seek>(
    reader: R,
    key: &FileKey,
) -> Result<Plaintext<R>, SealError> {
    let mut reader = BufReader::new(reader);
    reader.rewind().map_err(SealError::Io)?;
    Header::read(&mut reader)?;
    Plaintext::start(reader, key)
}

/// The plaintext of a sealed file: every byte it gives has been verified.
///
/// A damaged chunk is an [`io::Error`] in which [`SealError::find`] finds
/// [`SealError::Corrupt`].
pub struct Plaintext<R> {
    stream: age::stream::StreamReader<BufReader<R>>,
    length: u64,
}

impl<R: Read + Seek> Plaintext<R> {
    /// Expects that [`Header::read`] has accepted what the reader begins with.
    fn start(mut reader: BufReader<R>, key: &FileKey) -> Result<Self, SealError> {
        let payload_offset = reader.stream_position().map_err(SealError::Io)?;
        let end = reader.seek(SeekFrom::End(0)).map_err(SealError::Io)?;
        let length = plaintext_len(end - payload_offset).ok_or(SealError::Truncated)?;
        reader.rewind().map_err(SealError::Io)?;
        let mut stream = Decryptor::new_buffered(reader)
            .and_then(|decryptor| decryptor.decrypt(iter::once(&Known(key) as &dyn age::Identity)))
            .map_err(header_error)?;
        // Finding the end verifies the last chunk, and with it the length.
        let verified = stream.seek(SeekFrom::End(0)).map_err(end_error)?;
        if verified != length {
            return Err(SealError::Truncated);
        }
        stream.rewind().map_err(SealError::Io)?;
        Ok(Self { stream, length })
    }

    /// The number of plaintext bytes.
    pub fn length(&self) -> u64 {
        self.length
    }
}

impl<R: Read> Read for Plaintext<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer).map_err(chunk_error)
    }
}

impl<R: Read + Seek> Seek for Plaintext<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.stream.seek(to).map_err(chunk_error)
    }
}

fn chunk_error(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::InvalidData => {
            io::Error::new(io::ErrorKind::InvalidData, SealError::Corrupt)
        }
        _ => error,
    }
}

fn end_error(error: io::Error) -> SealError {
    match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => SealError::Truncated,
        _ => SealError::Io(error),
    }
}

fn header_error(error: DecryptError) -> SealError {
    match error {
        DecryptError::NoMatchingKeys => SealError::WrongRecipient,
        DecryptError::InvalidMac => SealError::HeaderCorrupt("its MAC does not verify"),
        DecryptError::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            SealError::Truncated
        }
        DecryptError::Io(error) => SealError::Io(error),
        _ => SealError::HeaderCorrupt("a stanza is not as the format says"),
    }
}

#[cfg(test)]
mod tests;
