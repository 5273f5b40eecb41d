//! Why a command was not applied.

use crate::account::Account;
use crate::entry::EntryError;
use crate::money::Money;
use crate::period::Period;
use crate::plan::PlanError;
use crate::refund::RefundError;
use crate::rules::RuleError;
use crate::settle::SettleError;
use uuid::Uuid;

/// Why a command was not applied; nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BookError {
    /// I4.
    #[error(
        "source {source_name:?} already used the key {key:?} for another request: use a new key"
    )]
    IdempotencyConflict {
        /// The source.
        source_name: String,
        /// Its key.
        key: String,
    },
    /// The wallet cannot pay.
    #[error("the wallet holds {has} minor units, {needs} are needed: top up first")]
    InsufficientFunds {
        /// Minor units in the wallet that are not set aside.
        has: i64,
        /// Minor units asked.
        needs: i64,
    },
    /// Points buy nothing, and only positive amounts move.
    #[error(
        "{0} cannot be paid: amounts of money are at least one minor unit, points are no money"
    )]
    NotPayable(Money),
    /// No frozen shares under this name.
    #[error("revision {0} has no epoch {1}")]
    UnknownEpoch(Uuid, u32),
    /// An epoch is never edited.
    #[error(
        "epoch {1} of revision {0} is frozen with other shares: a re-scored revision makes a new epoch"
    )]
    EpochFrozen(Uuid, u32),
    /// Unknown order.
    #[error("there is no order {0}")]
    UnknownOrder(Uuid),
    /// An order id is used once.
    #[error("order {0} exists already")]
    OrderExists(Uuid),
    /// Unknown id of another kind.
    #[error("there is no {0} {1}")]
    Unknown(&'static str, Uuid),
    /// An id of another kind is used once.
    #[error("{0} {1} exists already")]
    Exists(&'static str, Uuid),
    /// It was decided, returned, posted or cancelled before.
    #[error("{0} {1} is over already")]
    Over(&'static str, Uuid),
    /// I14.
    #[error("the period {0} is closed: book in {1}, with the time of the event as it was")]
    PeriodClosed(Period, String),
    /// I12: a negative or small balance is carried forward.
    #[error("{has} minor units are available, at least {least} are paid out: the rest is carried")]
    NothingToPay {
        /// Minor units available; negative when owing.
        has: i64,
        /// The least that is paid out.
        least: i64,
    },
    /// Days of a term come one after the other.
    #[error("day {next} of {days} is next to be earned, not day {day}")]
    NotTheDay {
        /// Asked for.
        day: u32,
        /// Next.
        next: u32,
        /// Of the term.
        days: u32,
    },
    /// Fewer points than asked for.
    #[error("the user has {has} points, {needs} are needed")]
    NotEnoughPoints {
        /// Points of the user.
        has: i64,
        /// Asked.
        needs: i64,
    },
    /// More than is held.
    #[error("{held} minor units are held, {asked} cannot be posted: hold more")]
    ExceedsHold {
        /// Set aside.
        held: i64,
        /// Asked.
        asked: i64,
    },
    /// An amount in a text.
    #[error("{0:?} is not a number of minor units")]
    BadMinor(String),
    /// I19.
    #[error("account {0} would leave the 64-bit range")]
    Overflow(Account),
    /// The sale cannot be cut.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Nothing can be given back.
    #[error(transparent)]
    Refund(#[from] RefundError),
    /// The pool cannot be settled.
    #[error(transparent)]
    Settle(#[from] SettleError),
    /// The lines are refused.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// The entry is not balanced or keyed.
    #[error(transparent)]
    Entry(#[from] EntryError),
}
