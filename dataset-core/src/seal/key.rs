//! The three kinds of keys: who may open, who can open, and the key of one file.

use std::{fmt, hash::Hash, str::FromStr};

use age::secrecy::{ExposeSecret, SecretString};
use age_core::format::{FILE_KEY_BYTES, FileKey as AgeFileKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A text that is not a key of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseKeyError {
    /// Not an X25519 public key.
    #[error("not an X25519 recipient: it begins with age1 and has 62 characters")]
    Recipient,
    /// Not an X25519 secret key.
    #[error("not an X25519 identity: it begins with AGE-SECRET-KEY-1 and has 74 characters")]
    Identity,
}

const RECIPIENT_TEXT_LEN: usize = 62;
const IDENTITY_TEXT_LEN: usize = 74;

/// A public X25519 key (`age1…`): files are sealed to it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Recipient(pub(super) age::x25519::Recipient);

impl FromStr for Recipient {
    type Err = ParseKeyError;

    fn from_str(text: &str) -> Result<Self, ParseKeyError> {
        let text = text.trim();
        if text.len() != RECIPIENT_TEXT_LEN {
            return Err(ParseKeyError::Recipient);
        }
        text.parse().map(Self).map_err(|_| ParseKeyError::Recipient)
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient({self})")
    }
}

impl Serialize for Recipient {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Recipient {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

/// A secret X25519 key (`AGE-SECRET-KEY-1…`): it opens what was sealed to its
/// recipient.
#[derive(Clone)]
pub struct Identity(pub(super) age::x25519::Identity);

impl Identity {
    /// A fresh identity from the system's random generator.
    pub fn generate() -> Self {
        Self(age::x25519::Identity::generate())
    }

    /// The public half.
    pub fn to_recipient(&self) -> Recipient {
        Recipient(self.0.to_public())
    }

    /// The secret as text, the way `age-keygen` writes it.
    pub fn expose(&self) -> SecretString {
        self.0.to_string()
    }
}

impl FromStr for Identity {
    type Err = ParseKeyError;

    fn from_str(text: &str) -> Result<Self, ParseKeyError> {
        let text = text.trim();
        if text.len() != IDENTITY_TEXT_LEN {
            return Err(ParseKeyError::Identity);
        }
        text.parse().map(Self).map_err(|_| ParseKeyError::Identity)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity(secret of {})", self.to_recipient())
    }
}

/// The key of one sealed file. Whoever has it can read that file and no other.
/// It is wiped from memory when dropped and never shown by `Debug`.
pub struct FileKey(AgeFileKey);

impl FileKey {
    /// Length in bytes.
    pub const LEN: usize = FILE_KEY_BYTES;

    /// Takes the bytes of a key that came over a private channel.
    pub fn from_bytes(bytes: &[u8; Self::LEN]) -> Self {
        Self(AgeFileKey::init_with_mut(|key| key.copy_from_slice(bytes)))
    }

    /// The bytes of the key, to be handed over a private channel.
    pub fn expose(&self) -> &[u8; Self::LEN] {
        self.0.expose_secret()
    }

    pub(super) fn copy_of(key: &AgeFileKey) -> Self {
        Self::from_bytes(key.expose_secret())
    }

    pub(super) fn to_age(&self) -> AgeFileKey {
        Self::copy_of(&self.0).0
    }
}

impl Clone for FileKey {
    fn clone(&self) -> Self {
        Self::copy_of(&self.0)
    }
}

impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileKey(secret)")
    }
}
