//! Typed identifiers: a `DatasetId` can never be passed where an `OfferId` is
//! expected.
//!
//! All of them wrap a UUID (version 7 by convention, so that they sort by
//! creation time). This module creates none: identifiers are injected.
//!
//! ```
//! use dataset_core::id::DatasetId;
//! let id: DatasetId = "0192f3c4-0000-7000-8000-000000000001".parse().unwrap();
//! assert_eq!(id.to_string(), "0192f3c4-0000-7000-8000-000000000001");
//! ```

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A text that is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a {kind} id: write a UUID such as 0192f3c4-0000-7000-8000-000000000001")]
pub struct ParseIdError {
    kind: &'static str,
    text: String,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $kind:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Takes a UUID as it is.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID inside.
            pub const fn as_uuid(&self) -> &Uuid {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                Uuid::try_parse(text).map(Self).map_err(|_| ParseIdError {
                    kind: $kind,
                    text: text.chars().take(64).collect(),
                })
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    )*};
}

ids! {
    /// A person or organisation with an account.
    PartyId "party";
    /// A named pool of rows with a column contract.
    DatasetId "dataset";
    /// One sealed upload by one party to one dataset.
    ContributionId "contribution";
    /// An immutable published state of a dataset.
    RevisionId "revision";
    /// Terms and a price on a dataset.
    OfferId "offer";
    /// A purchase.
    OrderId "order";
    /// The signed right an order gives.
    LicenceId "licence";
    /// One recorded use of a licence.
    GrantId "grant";
    /// A stored file, whatever it holds.
    FileId "file";
    /// The frozen shares of one revision.
    EpochId "epoch";
    /// What a contributor earned in a period.
    StatementId "statement";
    /// Money leaving to a contributor.
    PayoutId "payout";
    /// Money going back to a buyer.
    RefundId "refund";
    /// Money put into a wallet.
    TopUpId "top-up";
    /// A unit of background work.
    JobId "job";
    /// A log-in of a browser.
    SessionId "session";
    /// A bearer token of a program.
    TokenId "token";
    /// A public key a party receives files with.
    RecipientId "recipient";
    /// An installation of this software.
    NodeId "node";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_json_are_the_plain_uuid() {
        let uuid = Uuid::from_u128(0x0192_f3c4_0000_7000_8000_0000_0000_0001);
        let id = PartyId::from_uuid(uuid);
        assert_eq!(id.to_string(), uuid.to_string());
        assert_eq!(id.to_string().parse::<PartyId>().unwrap(), id);
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, format!("\"{uuid}\""));
        assert_eq!(serde_json::from_str::<PartyId>(&json).unwrap(), id);
        assert_eq!(format!("{id:?}"), format!("PartyId({uuid})"));
    }

    #[test]
    fn a_wrong_text_says_which_kind_was_expected() {
        let error = "seven".parse::<LicenceId>().unwrap_err();
        assert!(error.to_string().contains("not a licence id"), "{error}");
    }
}
