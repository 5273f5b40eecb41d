//! What happened to a licence since it was signed.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{contribution::LifecycleError, id::LicenceId};

/// The life of a licence. Every end is final: nothing leads back to active, so
/// a clock that jumps cannot revive a right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
pub enum LicenceState {
    /// In force, as far as the signed terms say.
    Active {
        /// Downloads counted so far.
        downloads: u32,
    },
    /// Its term was found to be over.
    Expired {
        /// Downloads counted.
        downloads: u32,
        /// When the term ended.
        at: DateTime<Utc>,
    },
    /// Taken back, by a refund or by the owner.
    Revoked {
        /// Downloads counted.
        downloads: u32,
        /// When.
        at: DateTime<Utc>,
        /// Why, in words for the buyer.
        reason: String,
    },
    /// Issued again under another number.
    Replaced {
        /// Downloads counted.
        downloads: u32,
        /// When.
        at: DateTime<Utc>,
        /// The new licence.
        by: LicenceId,
    },
}

impl LicenceState {
    /// The state of a new licence.
    pub const NEW: Self = Self::Active { downloads: 0 };

    /// The name under which the state is stored.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Active { .. } => "active",
            Self::Expired { .. } => "expired",
            Self::Revoked { .. } => "revoked",
            Self::Replaced { .. } => "replaced",
        }
    }

    /// Downloads counted so far.
    pub fn downloads(&self) -> u32 {
        match self {
            Self::Active { downloads }
            | Self::Expired { downloads, .. }
            | Self::Revoked { downloads, .. }
            | Self::Replaced { downloads, .. } => *downloads,
        }
    }

    /// Counts one download.
    ///
    /// # Errors
    /// The licence is no longer active.
    pub fn count_download(self) -> Result<Self, LifecycleError> {
        let downloads = self.active("download")?;
        Ok(Self::Active {
            downloads: downloads.saturating_add(1),
        })
    }

    /// Ends the licence because its term is over.
    ///
    /// # Errors
    /// The licence is no longer active.
    pub fn expire(self, at: DateTime<Utc>) -> Result<Self, LifecycleError> {
        let downloads = self.active("expire")?;
        Ok(Self::Expired { downloads, at })
    }

    /// Takes the licence back.
    ///
    /// # Errors
    /// The licence is no longer active.
    pub fn revoke(self, at: DateTime<Utc>, reason: String) -> Result<Self, LifecycleError> {
        let downloads = self.active("revoke")?;
        Ok(Self::Revoked {
            downloads,
            at,
            reason,
        })
    }

    /// Puts another licence in its place.
    ///
    /// # Errors
    /// The licence is no longer active.
    pub fn replace(self, at: DateTime<Utc>, by: LicenceId) -> Result<Self, LifecycleError> {
        let downloads = self.active("replace")?;
        Ok(Self::Replaced { downloads, at, by })
    }

    fn active(&self, verb: &'static str) -> Result<u32, LifecycleError> {
        match self {
            Self::Active { downloads } => Ok(*downloads),
            _ => Err(LifecycleError::new("licence", verb, self.name())),
        }
    }
}
