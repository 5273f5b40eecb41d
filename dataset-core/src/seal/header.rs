//! The age header, read without trusting its length.
//!
//! The parser of the `age` crate takes time quadratic in the header's size, and
//! a passphrase stanza makes it spend seconds and gigabytes on purpose. So the
//! grammar is walked here first, once and line by line: only a header that is
//! small, has few stanzas and no other kind than X25519 goes any further.

use std::io::{ErrorKind, Read};

use super::SealError;

/// The longest header accepted, in bytes, from the first byte to the newline
/// after the MAC.
pub const MAX_HEADER_LEN: usize = 16 * 1024;

/// The most recipient stanzas accepted in one header.
pub const MAX_STANZAS: usize = 20;

const VERSION_LINE: &[u8] = b"age-encryption.org/v1";
const ARMOR_LINE: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";
const FULL_LINE: usize = 64;
const MAC_DIGITS: usize = 43;

/// The header of a sealed file: bounded, well-formed, addressed to X25519 keys
/// only. It is not authenticated yet; that takes a key.
#[derive(Clone, PartialEq, Eq)]
pub struct Header {
    bytes: Vec<u8>,
    stanzas: usize,
}

impl Header {
    /// Reads a header and leaves the reader at the first byte of the payload.
    ///
    /// Reads single bytes, at most [`MAX_HEADER_LEN`] of them: give it a
    /// buffered reader or a slice.
    ///
    /// # Errors
    /// Any error of [`SealError`] that concerns the header.
    pub fn read(reader: &mut impl Read) -> Result<Self, SealError> {
        let mut lines = Lines {
            reader,
            bytes: Vec::with_capacity(512),
        };
        lines.version()?;
        let mut stanzas = 0;
        let mut line = lines.next()?;
        loop {
            if let Some(mac) = line.strip_prefix(b"---") {
                check_mac_line(mac)?;
                break;
            }
            stanzas += 1;
            if stanzas > MAX_STANZAS {
                return Err(SealError::TooManyStanzas);
            }
            check_stanza_line(&line)?;
            line = lines.skip_body()?;
        }
        if stanzas == 0 {
            return Err(SealError::HeaderCorrupt("it names no recipient"));
        }
        Ok(Self {
            bytes: lines.bytes,
            stanzas,
        })
    }

    /// The header as it stands in the file.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where the payload (nonce and chunks) begins in the file: the length of
    /// the header in bytes.
    pub fn payload_offset(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// How many recipient stanzas there are, decoys included.
    pub fn stanzas(&self) -> usize {
        self.stanzas
    }
}

impl std::fmt::Debug for Header {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Header({} stanzas, {} bytes)",
            self.stanzas,
            self.bytes.len()
        )
    }
}

struct Lines<'a, R> {
    reader: &'a mut R,
    bytes: Vec<u8>,
}

impl<R: Read> Lines<'_, R> {
    /// Reads the first line, refusing as soon as it is not age's.
    fn version(&mut self) -> Result<(), SealError> {
        for (at, expected) in VERSION_LINE.iter().chain(b"\n").enumerate() {
            match self.byte() {
                Ok(byte) if byte == *expected => {}
                Ok(b'-') if at == 0 => return Err(self.armored_or_not_age()),
                Ok(_) | Err(SealError::Truncated) => return Err(SealError::NotAge),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn armored_or_not_age(&mut self) -> SealError {
        for expected in &ARMOR_LINE[1..] {
            match self.byte() {
                Ok(byte) if byte == *expected => {}
                _ => return SealError::NotAge,
            }
        }
        SealError::Armored
    }

    /// The next line without its newline.
    fn next(&mut self) -> Result<Vec<u8>, SealError> {
        let start = self.bytes.len();
        while self.byte()? != b'\n' {}
        Ok(self.bytes[start..self.bytes.len() - 1].to_vec())
    }

    /// Passes the body of a stanza and returns the line after it.
    fn skip_body(&mut self) -> Result<Vec<u8>, SealError> {
        loop {
            let line = self.next()?;
            if line.len() > FULL_LINE || !line.iter().all(|b| is_base64(*b)) {
                return Err(SealError::HeaderCorrupt("a stanza body is not base64"));
            }
            if line.len() < FULL_LINE {
                return self.next();
            }
        }
    }

    fn byte(&mut self) -> Result<u8, SealError> {
        if self.bytes.len() == MAX_HEADER_LEN {
            return Err(SealError::HeaderTooLarge);
        }
        let mut byte = [0];
        match self.reader.read_exact(&mut byte) {
            Ok(()) => {
                self.bytes.push(byte[0]);
                Ok(byte[0])
            }
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(SealError::Truncated),
            Err(error) => Err(SealError::Io(error)),
        }
    }
}

fn check_stanza_line(line: &[u8]) -> Result<(), SealError> {
    let Some(words) = line.strip_prefix(b"-> ") else {
        return Err(SealError::HeaderCorrupt("a stanza does not begin with ->"));
    };
    let is_word = |word: &[u8]| !word.is_empty() && word.iter().all(u8::is_ascii_graphic);
    if !words.split(|byte| *byte == b' ').all(is_word) {
        return Err(SealError::HeaderCorrupt("a stanza has an empty argument"));
    }
    let kind = words.split(|byte| *byte == b' ').next().unwrap_or(words);
    match kind {
        b"X25519" => Ok(()),
        b"scrypt" => Err(SealError::PassphraseRefused),
        // Implementations add decoys with random names so that nobody relies on
        // the kinds seen so far; all of them end in this word.
        decoy if decoy.ends_with(b"grease") => Ok(()),
        other => Err(SealError::RecipientUnsupported {
            kind: String::from_utf8_lossy(&other[..other.len().min(40)]).into_owned(),
        }),
    }
}

fn check_mac_line(rest: &[u8]) -> Result<(), SealError> {
    match rest.strip_prefix(b" ") {
        Some(mac) if mac.len() == MAC_DIGITS && mac.iter().all(|b| is_base64(*b)) => Ok(()),
        _ => Err(SealError::HeaderCorrupt("its last line is not a MAC")),
    }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/'
}
