//! The life of a contribution: one sealed upload, assessed once.
//!
//! ```text
//! awaiting ──> received ──> assessing ──> accepted ──> withdrawn
//!     │            │            │ └────> rejected
//!     └────────────┴──> withdrawn   (not while it is being assessed)
//! ```
//!
//! A state is consumed by the verb that ends it, so a handler cannot act on a
//! state that is no longer true.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{digest::Sha256, error::Coded};

/// A verb that the present state does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot {verb} this {thing}: it is {state}")]
pub struct LifecycleError {
    thing: &'static str,
    verb: &'static str,
    state: &'static str,
}

impl LifecycleError {
    pub(crate) fn new(thing: &'static str, verb: &'static str, state: &'static str) -> Self {
        Self { thing, verb, state }
    }

    /// The name of the state it was in.
    pub fn state(&self) -> &'static str {
        self.state
    }
}

impl Coded for LifecycleError {
    fn code(&self) -> &'static str {
        "wrong_state"
    }
}

/// What arrived: the sealed bytes as they were received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// Counts every upload of the node, in the order of arrival. Who came first
    /// is decided by it.
    pub receipt_no: u64,
    /// When the upload was complete.
    pub at: DateTime<Utc>,
    /// Length of the sealed file in bytes.
    pub sealed_len: u64,
    /// SHA-256 of the sealed file.
    pub sealed_sha256: Sha256,
}

/// Why a contribution was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rejection {
    /// A stable code, such as `parquet_too_deep`.
    pub code: String,
    /// The same in words, naming limit, row or column.
    pub message: String,
}

/// The states of a contribution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
pub enum Contribution {
    /// Announced; its content has not arrived.
    Awaiting,
    /// Its content is stored and waits to be assessed.
    Received {
        /// What arrived.
        receipt: Receipt,
    },
    /// A worker is looking at it.
    Assessing {
        /// What arrived.
        receipt: Receipt,
        /// When the worker began.
        since: DateTime<Utc>,
    },
    /// It may become part of revisions.
    Accepted {
        /// What arrived.
        receipt: Receipt,
        /// When.
        at: DateTime<Utc>,
        /// Rows that were kept.
        rows: u64,
    },
    /// It will never become part of a revision.
    Rejected {
        /// What arrived.
        receipt: Receipt,
        /// When.
        at: DateTime<Utc>,
        /// Why.
        rejection: Rejection,
    },
    /// Taken back by its contributor. Revisions published before keep it.
    Withdrawn {
        /// What had arrived, if anything.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        receipt: Option<Receipt>,
        /// When.
        at: DateTime<Utc>,
    },
}

impl Contribution {
    /// The name under which the state is stored.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Awaiting => "awaiting",
            Self::Received { .. } => "received",
            Self::Assessing { .. } => "assessing",
            Self::Accepted { .. } => "accepted",
            Self::Rejected { .. } => "rejected",
            Self::Withdrawn { .. } => "withdrawn",
        }
    }

    /// What arrived, once something has.
    pub fn receipt(&self) -> Option<&Receipt> {
        match self {
            Self::Awaiting => None,
            Self::Received { receipt }
            | Self::Assessing { receipt, .. }
            | Self::Accepted { receipt, .. }
            | Self::Rejected { receipt, .. } => Some(receipt),
            Self::Withdrawn { receipt, .. } => receipt.as_ref(),
        }
    }

    /// The content has arrived.
    ///
    /// # Errors
    /// It had arrived before, or the contribution was withdrawn.
    pub fn receive(self, receipt: Receipt) -> Result<Self, LifecycleError> {
        match self {
            Self::Awaiting => Ok(Self::Received { receipt }),
            other => Err(other.refuses("receive")),
        }
    }

    /// A worker begins. A contribution whose worker died is begun again.
    ///
    /// # Errors
    /// There is nothing to assess.
    pub fn assess(self, since: DateTime<Utc>) -> Result<Self, LifecycleError> {
        match self {
            Self::Received { receipt } | Self::Assessing { receipt, .. } => {
                Ok(Self::Assessing { receipt, since })
            }
            other => Err(other.refuses("assess")),
        }
    }

    /// The verdict is good.
    ///
    /// # Errors
    /// It is not being assessed.
    pub fn accept(self, at: DateTime<Utc>, rows: u64) -> Result<Self, LifecycleError> {
        match self {
            Self::Assessing { receipt, .. } => Ok(Self::Accepted { receipt, at, rows }),
            other => Err(other.refuses("accept")),
        }
    }

    /// The verdict is bad.
    ///
    /// # Errors
    /// It is neither received nor being assessed.
    pub fn reject(self, at: DateTime<Utc>, rejection: Rejection) -> Result<Self, LifecycleError> {
        match self {
            Self::Received { receipt } | Self::Assessing { receipt, .. } => Ok(Self::Rejected {
                receipt,
                at,
                rejection,
            }),
            other => Err(other.refuses("reject")),
        }
    }

    /// The contributor takes it back.
    ///
    /// # Errors
    /// It is being assessed, was rejected, or is withdrawn already.
    pub fn withdraw(self, at: DateTime<Utc>) -> Result<Self, LifecycleError> {
        match self {
            Self::Awaiting => Ok(Self::Withdrawn { receipt: None, at }),
            Self::Received { receipt } | Self::Accepted { receipt, .. } => Ok(Self::Withdrawn {
                receipt: Some(receipt),
                at,
            }),
            other => Err(other.refuses("withdraw")),
        }
    }

    fn refuses(&self, verb: &'static str) -> LifecycleError {
        LifecycleError::new("contribution", verb, self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + second, 0).unwrap()
    }

    fn receipt() -> Receipt {
        Receipt {
            receipt_no: 7,
            at: at(0),
            sealed_len: 100,
            sealed_sha256: Sha256::of(b"sealed"),
        }
    }

    fn rejection() -> Rejection {
        Rejection {
            code: "parquet_too_deep".into(),
            message: "too deep".into(),
        }
    }

    fn every_state() -> [Contribution; 6] {
        let received = Contribution::Awaiting.receive(receipt()).unwrap();
        let assessing = received.clone().assess(at(1)).unwrap();
        [
            Contribution::Awaiting,
            received,
            assessing.clone(),
            assessing.clone().accept(at(2), 10).unwrap(),
            assessing.reject(at(2), rejection()).unwrap(),
            Contribution::Awaiting.withdraw(at(3)).unwrap(),
        ]
    }

    #[test]
    fn every_verb_in_every_state() {
        type Verb = fn(Contribution) -> Result<Contribution, LifecycleError>;
        // One row per verb, one column per state: awaiting, received, assessing,
        // accepted, rejected, withdrawn; the state it leads to, or - for none.
        let table: [(Verb, [&str; 6]); 5] = [
            (
                |c| c.receive(receipt()),
                ["received", "-", "-", "-", "-", "-"],
            ),
            (
                |c| c.assess(at(4)),
                ["-", "assessing", "assessing", "-", "-", "-"],
            ),
            (
                |c| c.accept(at(5), 3),
                ["-", "-", "accepted", "-", "-", "-"],
            ),
            (
                |c| c.reject(at(5), rejection()),
                ["-", "rejected", "rejected", "-", "-", "-"],
            ),
            (
                |c| c.withdraw(at(6)),
                ["withdrawn", "withdrawn", "-", "withdrawn", "-", "-"],
            ),
        ];
        for (verb, expected) in table {
            for (state, expected) in every_state().into_iter().zip(expected) {
                let before = state.clone();
                match verb(state) {
                    Ok(after) => {
                        assert_eq!(after.name(), expected);
                        if let Some(kept) = before.receipt() {
                            assert_eq!(after.receipt(), Some(kept), "a receipt is never lost");
                        }
                    }
                    Err(error) => {
                        assert_eq!(expected, "-", "{error}");
                        assert_eq!(error.state(), before.name());
                    }
                }
            }
        }
    }

    #[test]
    fn json_names_the_state_and_reads_back() {
        for state in every_state() {
            let json = serde_json::to_value(&state).unwrap();
            assert_eq!(json["state"], state.name());
            assert_eq!(serde_json::from_value::<Contribution>(json).unwrap(), state);
        }
    }
}
