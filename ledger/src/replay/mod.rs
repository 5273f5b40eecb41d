//! The auditor's replay: a plain scenario in, every figure out (LEDGER.md §9,
//! format `granary-replay/1`), so that anyone with a second implementation can
//! compare them.
//!
//! ```
//! let out = ledger::replay::run(r#"{
//!   "periods": ["2026-11"], "fee_bps": 1000,
//!   "epochs": [{"revision": "r", "epoch": 1, "weights": {"ada": 1, "bo": 2}}],
//!   "events": [{"id": "p1", "type": "payment", "period": "2026-11", "revision": "r",
//!               "epoch": 1, "currency": "EUR", "gross": 1999}]}"#)?;
//! let out: serde_json::Value = serde_json::from_str(&out)?;
//! assert_eq!(out["payments"]["p1"]["net"], 1800);
//! assert_eq!(out["credited"]["EUR"]["bo"], 1200);
//! assert_eq!(out["dust"]["EUR"], 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where the format leaves room, and what is done
//! * An event is compared whole (all its fields, in any order; numbers as they are
//!   written, of any length): a field that is written out with its default makes
//!   another body. Every further event with the
//!   same id and another body adds one line to `rejected`; a repeat of an event
//!   that was itself rejected adds none.
//! * The first check of a child is its parent: unknown → it waits, rejected →
//!   `payment_rejected` or `dispute_rejected`. Then `bad_amount`, `unknown_currency`,
//!   `unknown_epoch`, `legs_exceed_gross`, `exceeds_payment`, `dispute_closed`, in
//!   this order; the first that applies is given.
//! * A child that waited runs, and counts, in the period its parent arrived in.
//!   Its own children run right after it, before its next sibling.
//! * An amount that is no integer (or absent) is a `bad_amount`. A negative or
//!   oversized fee or tax is `legs_exceed_gross`.
//! * A parent id that names an event of another type is an unknown parent.
//! * Events of a period that is not listed never happen: they are neither run,
//!   rejected nor parked.
//! * `refunded` of a payment is its running total: refunds plus disputes that are
//!   open or lost; `r_*` are its legs.
//! * Every contributor of an epoch has a line when its pool is settled, also with
//!   share or amount 0. A pool whose cumulative net equals what was settled did not
//!   move and has no lines.
//! * An epoch whose weights are all 0 has shares of 0; its pool accepts payments
//!   and waits unsettled.
//! * A currency appears in a period when a contributor has a row there; `dust` is
//!   its dust after that period's settlement. `credited`, `carry_ppt`, `available`
//!   and `dust` list everyone and every currency that ever had a line, also at 0.
//! * `credit` of a row is the sum of its lines; the reserve is held from that sum.
//! * Balances are exact beyond 64 bits: the replay reports, it does not refuse.
//! * An unknown event type, an event without id or parent id, a malformed epoch or
//!   setting make the file unreadable. The same epoch twice is unreadable too.

mod events;
mod exact;
mod input;
mod output;
mod settlement;
#[cfg(test)]
mod tests;

use crate::epoch::Epoch;
#[cfg(test)]
use crate::json::Hash;
use input::{Event, Scenario};
use std::collections::{BTreeMap, BTreeSet};

/// The format's name in input (optional) and output.
pub const FORMAT: &str = "granary-replay/1";

/// The file cannot be read as a scenario.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// Not JSON, or a field of the wrong type.
    #[error("the scenario is not readable: {0}")]
    Json(#[from] serde_json::Error),
    /// Another format.
    #[error("the scenario says format {0:?}: this program reads {FORMAT}")]
    Format(String),
    /// An event without what its type needs.
    #[error("event number {number} is not readable: {problem}")]
    Event {
        /// Counted from 1.
        number: usize,
        /// What is missing or unknown.
        problem: String,
    },
    /// One (revision, epoch) given twice, or with weights beyond 128 bits.
    #[error("epoch {revision}/{epoch} is not usable: {problem}")]
    Epoch {
        /// Revision name.
        revision: String,
        /// Epoch number.
        epoch: i64,
        /// Why.
        problem: String,
    },
    /// A period twice.
    #[error("period {0:?} is listed twice")]
    Period(String),
}

/// Runs a scenario and returns the result as indented JSON with a final newline.
///
/// # Errors
/// Only when the scenario cannot be read; business refusals are in the result.
pub fn run(scenario_json: &str) -> Result<String, ReplayError> {
    let (scenario, events) = input::read(scenario_json)?;
    let mut state = State::new(&scenario)?;
    let mut done = BTreeSet::new();
    for (index, period) in scenario.periods.iter().enumerate() {
        if !done.insert(period) {
            return Err(ReplayError::Period(period.clone()));
        }
        for event in events.iter().filter(|e| &e.period == period) {
            state.arrive(event);
        }
        state.settle(index as u64, period);
    }
    let mut text = serde_json::to_string_pretty(&output::Output::of(&state))?;
    text.push('\n');
    Ok(text)
}

type PoolKey = (String, i64, String);
type HolderKey = (String, String);

/// Everything the run knows. Sums are 128-bit: see the module text.
struct State<'a> {
    scenario: &'a Scenario,
    /// `None`: an epoch without weight, whose pools wait.
    epochs: BTreeMap<(String, i64), Option<Epoch<String>>>,
    /// First body of every id that arrived.
    seen: BTreeMap<&'a str, &'a Event<'a>>,
    payments: BTreeMap<&'a str, Known<Payment>>,
    disputes: BTreeMap<&'a str, Known<Dispute>>,
    /// Children by the kind and id of the parent they wait for, then by their id.
    waiting: BTreeMap<(Parent, &'a str), BTreeMap<&'a str, &'a Event<'a>>>,
    rejected: Vec<(&'a str, &'static str)>,
    pools: BTreeMap<PoolKey, PoolSums>,
    holders: BTreeMap<HolderKey, Holder>,
    dust: BTreeMap<String, i128>,
    /// By currency and account name: + debit, − credit.
    accounts: BTreeMap<(String, String), i128>,
    periods: BTreeMap<String, BTreeMap<String, output::PeriodOut>>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Parent {
    Payment,
    Dispute,
}

/// A parent that arrived: its children run, or are refused.
enum Known<T> {
    Accepted(T),
    Rejected,
}

struct Payment {
    pool: PoolKey,
    gross: i64,
    /// fee, tax, net
    legs: [i64; 3],
    /// Running total given back and its legs.
    given_back: i64,
    returned: [i64; 3],
}

struct Dispute {
    payment: String,
    amount: i64,
    open: bool,
}

#[derive(Default)]
struct PoolSums {
    cumulative: i128,
    settled: i128,
}

/// One contributor in one currency.
#[derive(Default)]
struct Holder {
    credited: i128,
    carry: i64,
    available: i128,
    /// Oldest first: index of the period it is released in, amount.
    reserves: Vec<(u64, i128)>,
}

impl Holder {
    fn reserve(&self) -> i128 {
        self.reserves.iter().map(|(_, amount)| amount).sum()
    }
}

impl<'a> State<'a> {
    fn new(scenario: &'a Scenario) -> Result<State<'a>, ReplayError> {
        Ok(State {
            scenario,
            epochs: input::freeze(&scenario.epochs)?,
            seen: BTreeMap::new(),
            payments: BTreeMap::new(),
            disputes: BTreeMap::new(),
            waiting: BTreeMap::new(),
            rejected: Vec::new(),
            pools: BTreeMap::new(),
            holders: BTreeMap::new(),
            dust: BTreeMap::new(),
            accounts: BTreeMap::new(),
            periods: BTreeMap::new(),
        })
    }

    /// Adds to accounts; the lines of one call must balance.
    fn post(&mut self, currency: &str, lines: &[(&str, i128)]) {
        assert_eq!(
            lines.iter().map(|(_, n)| n).sum::<i128>(),
            0,
            "every entry balances (I1)"
        );
        for (account, amount) in lines {
            *self
                .accounts
                .entry((currency.into(), (*account).into()))
                .or_default() += amount;
        }
    }
}

fn pool_account(revision: &str, epoch: i64) -> String {
    format!("Liabilities:Pool:{revision}:E{epoch}")
}

fn holder_account(contributor: &str, half: &str) -> String {
    format!("Liabilities:Contributor:{contributor}:{half}")
}
