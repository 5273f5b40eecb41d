//! Secrets handed out once. The node keeps their SHA-256: a thief of the database holds nothing
//! that opens a door. They carry 256 random bits, so a plain hash needs no salt and no stretching.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};

use crate::error::Fault;

/// What a secret is for; the first letters of its text say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A sign-in.
    Session,
    /// A bearer token of a program.
    Token,
    /// A link that works once.
    Link,
}

impl Purpose {
    const ALL: [Self; 3] = [Self::Session, Self::Token, Self::Link];

    const fn prefix(self) -> &'static str {
        match self {
            Self::Session => "gns_",
            Self::Token => "gnt_",
            Self::Link => "gnl_",
        }
    }
}

/// A secret's text; its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    purpose: Purpose,
    text: String,
}

impl Secret {
    /// A fresh secret from the system's generator. Never seeded: a replayed story gets other secrets.
    ///
    /// # Errors
    /// An internal fault when the system gives no randomness.
    pub fn fresh(purpose: Purpose) -> Result<Self, Fault> {
        let mut bytes = [0_u8; 32];
        SystemRandom::new()
            .fill(&mut bytes)
            .map_err(|_| Fault::internal("the system gave no randomness"))?;
        let text = format!("{}{}", purpose.prefix(), URL_SAFE_NO_PAD.encode(bytes));
        Ok(Self { purpose, text })
    }

    /// Reads a secret somebody sent; `None` for what was never ours.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let purpose = Purpose::ALL
            .into_iter()
            .find(|p| text.starts_with(p.prefix()))?;
        let body = text.get(purpose.prefix().len()..)?;
        let bytes = URL_SAFE_NO_PAD.decode(body).ok()?;
        (bytes.len() == 32).then(|| Self {
            purpose,
            text: text.to_owned(),
        })
    }

    /// What it is for.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// What the node keeps.
    #[must_use]
    pub fn hash(&self) -> Vec<u8> {
        digest(&SHA256, self.text.as_bytes()).as_ref().to_vec()
    }

    /// The text to hand out.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({:?})", self.purpose)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_handed_out_reads_back_with_the_same_hash() {
        for purpose in Purpose::ALL {
            let made = Secret::fresh(purpose).unwrap();
            let read = Secret::read(made.reveal()).unwrap();
            assert_eq!(read.purpose(), purpose);
            assert_eq!(read.hash(), made.hash());
            assert_ne!(Secret::fresh(purpose).unwrap(), made);
        }
    }

    #[test]
    fn strangers_text_is_no_secret_and_debug_hides_ours() {
        for text in ["", "gnt_", "gnt_abc", "gnx_AAAA", "gnt_é", "gnt_****"] {
            assert!(Secret::read(text).is_none(), "{text}");
        }
        let made = Secret::fresh(Purpose::Token).unwrap();
        assert!(!format!("{made:?}").contains(&made.reveal()[4..]));
    }
}
