//! The life of a revision: composed once, published once, never changed.
//!
//! ```text
//! composing ──> published ──> retracted
//!     └───────> failed
//! ```

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::contribution::LifecycleError;
use crate::digest::Sha256;

/// The states of a revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
pub enum Revision {
    /// Its file is being written.
    Composing {
        /// Since when.
        since: DateTime<Utc>,
    },
    /// It can be licensed and delivered; its content is fixed.
    Published {
        /// Its number in the dataset, from 1.
        number: u32,
        /// When.
        at: DateTime<Utc>,
        /// SHA-256 of its file in plaintext.
        file_sha256: Sha256,
    },
    /// It could not be composed.
    Failed {
        /// When.
        at: DateTime<Utc>,
        /// A stable code.
        code: String,
        /// The same in words.
        message: String,
    },
    /// No longer sold; licences on it remain.
    Retracted {
        /// Its number.
        number: u32,
        /// When.
        at: DateTime<Utc>,
        /// SHA-256 of its file in plaintext.
        file_sha256: Sha256,
        /// Why, in words for buyers.
        reason: String,
    },
}

impl Revision {
    /// The name under which the state is stored.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Composing { .. } => "composing",
            Self::Published { .. } => "published",
            Self::Failed { .. } => "failed",
            Self::Retracted { .. } => "retracted",
        }
    }

    /// Fixes its content and gives it its number.
    ///
    /// # Errors
    /// It is not being composed.
    pub fn publish(
        self,
        number: u32,
        at: DateTime<Utc>,
        file_sha256: Sha256,
    ) -> Result<Self, LifecycleError> {
        match self {
            Self::Composing { .. } => Ok(Self::Published {
                number,
                at,
                file_sha256,
            }),
            other => Err(other.refuses("publish")),
        }
    }

    /// Gives up composing.
    ///
    /// # Errors
    /// It is not being composed.
    pub fn fail(
        self,
        at: DateTime<Utc>,
        code: String,
        message: String,
    ) -> Result<Self, LifecycleError> {
        match self {
            Self::Composing { .. } => Ok(Self::Failed { at, code, message }),
            other => Err(other.refuses("fail")),
        }
    }

    /// Takes it out of sale.
    ///
    /// # Errors
    /// It is not published.
    pub fn retract(self, at: DateTime<Utc>, reason: String) -> Result<Self, LifecycleError> {
        match self {
            Self::Published {
                number,
                file_sha256,
                ..
            } => Ok(Self::Retracted {
                number,
                at,
                file_sha256,
                reason,
            }),
            other => Err(other.refuses("retract")),
        }
    }

    fn refuses(&self, verb: &'static str) -> LifecycleError {
        LifecycleError::new("revision", verb, self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_published_once_and_keeps_its_content() {
        let at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let file = Sha256::of(b"file");
        let composing = Revision::Composing { since: at };
        let published = composing.clone().publish(1, at, file).unwrap();
        assert_eq!(published.name(), "published");
        assert!(published.clone().publish(2, at, Sha256::of(b"x")).is_err());
        assert!(
            published
                .clone()
                .fail(at, "io".into(), "disk full".into())
                .is_err()
        );
        assert!(composing.clone().retract(at, "wrong".into()).is_err());
        match published.retract(at, "wrong".into()).unwrap() {
            Revision::Retracted {
                number,
                file_sha256,
                ..
            } => assert_eq!((number, file_sha256), (1, file)),
            other => panic!("{}", other.name()),
        }
        let failed = composing.fail(at, "io".into(), "disk full".into()).unwrap();
        let error = failed.publish(1, at, file).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot publish this revision: it is failed"
        );
    }
}
