//! Signed checkpoints of the log (C2SP tlog-checkpoint in a C2SP signed note).
//!
//! ```text
//! granary/0192…/ledger        the log's origin, which is also its key's name
//! 20852163                    number of leaves
//! CsUYapGGPo4dkMgIAUqo…       root, base64
//!
//! — granary/0192…/ledger Az3grlgtzPICa5OS8npVm…
//! ```
//!
//! The signature is over the text up to and with its last line end before the empty line.
//! A signature line holds the base64 of a 4-byte key id and the signature; the key id of an
//! Ed25519 key is the beginning of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key). Lines of other
//! keys, such as those of witnesses, are kept and not judged.
//!
//! ```
//! # use ledger::{checkpoint::{Checkpoint, LogKey}, merkle};
//! # use ring::signature::{Ed25519KeyPair, KeyPair};
//! # let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
//! # let public: [u8; 32] = pair.public_key().as_ref().try_into()?;
//! let key = LogKey::new("granary/mill/ledger", public)?;
//! let empty = Checkpoint::new(key.name(), 0, merkle::empty_root());
//! let note = empty.sign(&key, |bytes| pair.sign(bytes).as_ref().to_vec());
//! assert_eq!(Checkpoint::verify(&note, &key)?, empty);
//! assert_eq!(key.to_string().parse(), Ok(key)); // the text form others verify with
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::json::Hash;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, UnparsedPublicKey};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// Signature type byte of plain Ed25519.
const ED25519_TYPE: u8 = 1;
/// Begins a signature line.
const DASH: &str = "\u{2014} ";
/// Longest note read: a log's own line and many witnesses.
const MOST_BYTES: usize = 1 << 20;

/// Why a checkpoint is not read or not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Not a checkpoint in a signed note.
    #[error("this is not a signed checkpoint: {0}")]
    Unreadable(&'static str),
    /// Another log.
    #[error("this is a checkpoint of {0}, not of this log")]
    OtherLog(String),
    /// No line of the log's key.
    #[error("the checkpoint bears no signature of the key {0}")]
    NotSigned(String),
    /// A line of the log's key that does not fit.
    #[error("the checkpoint's signature does not match its text")]
    BadSignature,
    /// A name with spaces or `+`, or empty.
    #[error("{0:?} cannot name a key: no spaces, no +")]
    BadName(String),
    /// Not the text form of a key.
    #[error("a log key looks like name+8 hexadecimal digits+base64")]
    BadKey,
}

/// The origin of a node's log, which is also the name of its key.
///
/// It holds the random id that the node's books have, not its address, which may change.
pub fn origin(node: Uuid) -> String {
    format!("granary/{node}/ledger")
}

/// The public key of a log: name and Ed25519 key. Its text form is the one `note` tools
/// read: `name+key id+base64(0x01 ‖ key)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogKey {
    name: String,
    public: [u8; 32],
}

impl LogKey {
    /// A key under a name.
    ///
    /// # Errors
    /// A name that is empty or has white space, control characters or a `+`.
    pub fn new(name: &str, public: [u8; 32]) -> Result<LogKey, CheckpointError> {
        let bad = |c: char| c.is_whitespace() || c.is_control() || c == '+';
        if name.is_empty() || name.contains(bad) {
            return Err(CheckpointError::BadName(name.chars().take(80).collect()));
        }
        Ok(LogKey {
            name: name.to_owned(),
            public,
        })
    }

    /// Its name, which is the log's origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first 4 bytes of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ key).
    pub fn id(&self) -> [u8; 4] {
        let hash = Hash::of(&[self.name.as_bytes(), b"\n", &[ED25519_TYPE], &self.public]);
        [hash.0[0], hash.0[1], hash.0[2], hash.0[3]]
    }
}

impl fmt::Display for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = STANDARD.encode([&[ED25519_TYPE], self.public.as_slice()].concat());
        write!(f, "{}+{}+{key}", self.name, hex::encode(self.id()))
    }
}

impl FromStr for LogKey {
    type Err = CheckpointError;
    fn from_str(text: &str) -> Result<LogKey, CheckpointError> {
        let parse = || {
            let (name, rest) = text.split_once('+')?;
            let (id, key) = rest.split_once('+')?;
            let bytes = STANDARD.decode(key).ok()?;
            let public = bytes.strip_prefix(&[ED25519_TYPE])?.try_into().ok()?;
            let key = LogKey::new(name, public).ok()?;
            (hex::encode(key.id()) == id).then_some(key)
        };
        parse().ok_or(CheckpointError::BadKey)
    }
}

/// What a log commits to: its first `size` leaves have this root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log.
    pub origin: String,
    /// Number of leaves.
    pub size: u64,
    /// Their root.
    pub root: Hash,
    /// Further lines, none of them empty; not used here.
    pub extensions: Vec<String>,
}

/// A line of signature in a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    /// Name of the key.
    pub name: String,
    /// Its key id.
    pub key_id: [u8; 4],
    /// The signature, in the form its algorithm has.
    pub signature: Vec<u8>,
}

impl Checkpoint {
    /// A checkpoint without extensions.
    pub fn new(origin: &str, size: u64, root: Hash) -> Checkpoint {
        Checkpoint {
            origin: origin.to_owned(),
            size,
            root,
            extensions: Vec::new(),
        }
    }

    /// The text that is signed, with its last line end.
    pub fn text(&self) -> String {
        let root = STANDARD.encode(self.root.0);
        let mut text = format!("{}\n{}\n{root}\n", self.origin, self.size);
        for line in &self.extensions {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// The signed note. `sign` gets the text's bytes and answers with the 64-byte Ed25519
    /// signature of the key.
    pub fn sign(&self, key: &LogKey, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
        let text = self.text();
        let signature = [key.id().as_slice(), &sign(text.as_bytes())].concat();
        format!(
            "{text}\n{DASH}{} {}\n",
            key.name,
            STANDARD.encode(signature)
        )
    }

    /// Reads a note without believing it.
    ///
    /// # Errors
    /// [`CheckpointError::Unreadable`].
    pub fn read(note: &str) -> Result<(Checkpoint, Vec<NoteSignature>), CheckpointError> {
        let unreadable = CheckpointError::Unreadable;
        if note.len() > MOST_BYTES {
            return Err(unreadable("it is longer than a mebibyte"));
        }
        if note.contains(|c: char| c.is_control() && c != '\n') {
            return Err(unreadable("it holds control characters"));
        }
        let (text, signatures) = note
            .rsplit_once("\n\n")
            .ok_or(unreadable("no empty line before the signatures"))?;
        let mut lines = text.split('\n');
        let mut line = |missing| {
            lines
                .next()
                .filter(|l| !l.is_empty())
                .ok_or(unreadable(missing))
        };
        let origin = line("no origin")?.to_owned();
        let size = line("no size")?;
        let parsed: u64 = size
            .parse()
            .map_err(|_| unreadable("the size is no number"))?;
        if parsed.to_string() != size {
            return Err(unreadable("the size is no plain number"));
        }
        let root = STANDARD.decode(line("no root")?).ok();
        let root = root.and_then(|bytes| bytes.try_into().ok());
        let root = Hash(root.ok_or(unreadable("the root is no base64 of 32 bytes"))?);
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        if extensions.iter().any(String::is_empty) {
            return Err(unreadable("an empty line in the text"));
        }
        let signatures = signatures
            .strip_suffix('\n')
            .ok_or(unreadable("the last line does not end"))?
            .split('\n')
            .map(signature_line)
            .collect::<Option<_>>()
            .ok_or(unreadable("a signature line is malformed"))?;
        let checkpoint = Checkpoint {
            origin,
            size: parsed,
            root,
            extensions,
        };
        Ok((checkpoint, signatures))
    }

    /// Reads a note and checks that the log's key signed it. Lines of other keys are let be.
    ///
    /// # Errors
    /// What is wrong first.
    pub fn verify(note: &str, key: &LogKey) -> Result<Checkpoint, CheckpointError> {
        let (checkpoint, signatures) = Checkpoint::read(note)?;
        if checkpoint.origin != key.name {
            return Err(CheckpointError::OtherLog(checkpoint.origin));
        }
        let own = |line: &&NoteSignature| line.name == key.name && line.key_id == key.id();
        let mut lines = signatures.iter().filter(own).peekable();
        if lines.peek().is_none() {
            return Err(CheckpointError::NotSigned(key.to_string()));
        }
        let text = checkpoint.text();
        for line in lines {
            UnparsedPublicKey::new(&ED25519, &key.public)
                .verify(text.as_bytes(), &line.signature)
                .map_err(|_| CheckpointError::BadSignature)?;
        }
        Ok(checkpoint)
    }
}

fn signature_line(line: &str) -> Option<NoteSignature> {
    let (name, value) = line.strip_prefix(DASH)?.split_once(' ')?;
    let bytes = STANDARD.decode(value).ok()?;
    let (key_id, signature) = bytes.split_first_chunk::<4>()?;
    let sound = !name.is_empty() && !name.contains('+') && !signature.is_empty();
    sound.then(|| NoteSignature {
        name: name.to_owned(),
        key_id: *key_id,
        signature: signature.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::signature::{Ed25519KeyPair, KeyPair};

    fn pair(seed: u8) -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
    }

    fn key(seed: u8) -> LogKey {
        let public = pair(seed).public_key().as_ref().try_into().unwrap();
        LogKey::new("granary/mill/ledger", public).unwrap()
    }

    fn signed() -> (Checkpoint, String) {
        let checkpoint = Checkpoint::new("granary/mill/ledger", 12, Hash([3; 32]));
        let note = checkpoint.sign(&key(7), |bytes| pair(7).sign(bytes).as_ref().to_vec());
        (checkpoint, note)
    }

    /// The key and note of the Go package golang.org/x/mod/sumdb/note.
    #[test]
    fn a_published_note_key_is_read() {
        let text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let key: LogKey = text.parse().unwrap();
        assert_eq!(key.to_string(), text);
        let message = "If you think cryptography is the answer to your problem,\n\
                       then you don't know what your problem is.\n";
        let line = "\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
        let line = signature_line(line).unwrap();
        assert_eq!(
            (line.name.as_str(), line.key_id),
            ("PeterNeumann", key.id())
        );
        UnparsedPublicKey::new(&ED25519, &key.public)
            .verify(message.as_bytes(), &line.signature)
            .unwrap();
    }

    #[test]
    fn a_note_is_text_with_a_line_of_signature() {
        let (checkpoint, note) = signed();
        let mut lines = note.lines();
        assert_eq!(lines.next(), Some("granary/mill/ledger"));
        assert_eq!(lines.next(), Some("12"));
        assert_eq!(
            lines.next(),
            Some("AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=")
        );
        assert_eq!(lines.next(), Some(""));
        assert!(
            lines
                .next()
                .unwrap()
                .starts_with("\u{2014} granary/mill/ledger ")
        );
        assert_eq!(lines.next(), None);
        assert_eq!(Checkpoint::verify(&note, &key(7)), Ok(checkpoint));
        assert_eq!(signed().1, note);
    }

    #[test]
    fn witness_lines_and_extensions_are_let_be() {
        let (mut checkpoint, note) = signed();
        // A cosignature/v1 of a witness: key id, timestamp and signature, 4 + 8 + 64 bytes.
        let witness = format!("{DASH}witness.example {}\n", STANDARD.encode([9u8; 76]));
        let cosigned = format!("{note}{witness}");
        assert_eq!(
            Checkpoint::verify(&cosigned, &key(7)),
            Ok(checkpoint.clone())
        );
        assert_eq!(Checkpoint::read(&cosigned).unwrap().1.len(), 2);
        checkpoint.extensions = vec!["extension 1".into()];
        let note = checkpoint.sign(&key(7), |bytes| pair(7).sign(bytes).as_ref().to_vec());
        assert_eq!(Checkpoint::verify(&note, &key(7)), Ok(checkpoint));
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let (checkpoint, note) = signed();
        for place in 0..note.len() {
            let mut bytes = note.clone().into_bytes();
            bytes[place] ^= 1;
            let believed = String::from_utf8(bytes)
                .ok()
                .and_then(|other| Checkpoint::verify(&other, &key(7)).ok());
            assert_eq!(believed, None, "byte {place} of {checkpoint:?}");
        }
        for length in 0..note.len() {
            if note.is_char_boundary(length) {
                assert!(Checkpoint::verify(&note[..length], &key(7)).is_err());
            }
        }
    }

    #[test]
    fn keys_and_names_are_told_apart() {
        let (_, note) = signed();
        assert!(matches!(
            Checkpoint::verify(&note, &key(8)),
            Err(CheckpointError::NotSigned(_))
        ));
        let other = LogKey::new("granary/other/ledger", key(7).public).unwrap();
        assert!(matches!(
            Checkpoint::verify(&note, &other),
            Err(CheckpointError::OtherLog(_))
        ));
        assert_ne!(other.id(), key(7).id());
        // A line under the right name and key id that is not the key's.
        let forged = signed().0.sign(&key(7), |_| vec![0; 64]);
        assert_eq!(
            Checkpoint::verify(&forged, &key(7)),
            Err(CheckpointError::BadSignature)
        );
        for name in ["", "a b", "a+b", "a\nb"] {
            assert!(LogKey::new(name, [0; 32]).is_err());
        }
        for text in [
            "",
            "a+b",
            "name+00000000+AQ==",
            "a+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        ] {
            assert_eq!(text.parse::<LogKey>(), Err(CheckpointError::BadKey));
        }
    }

    #[test]
    fn what_is_no_checkpoint_is_refused_by_name() {
        let line = signed().1.lines().last().unwrap().to_owned();
        for (text, words) in [
            (String::new(), "empty line"),
            (format!("o\n1\n\n{line}\n"), "no root"),
            (format!("o\nx\nAA==\n\n{line}\n"), "no number"),
            (format!("o\n01\nAA==\n\n{line}\n"), "plain number"),
            (format!("o\n1\nAA==\n\n{line}\n"), "32 bytes"),
            (format!("o\r\n1\n\n{line}\n"), "control"),
            (signed().1.trim_end().to_owned(), "does not end"),
            (signed().1.replace(DASH, "- "), "malformed"),
        ] {
            let error = Checkpoint::read(&text).unwrap_err().to_string();
            assert!(error.contains(words), "{text:?}: {error}");
        }
    }
}
