//! The verifier: rows in, broken invariants out (LEDGER.md §4).
//!
//! It trusts no cache and no hash: it recomputes all of them from the rows. Rows
//! are pushed one by one, memory grows with accounts, pools and contributors, not
//! with entries. Orders that matter:
//!
//! 1. [`Audit::closed`] and [`Audit::snapshot`], what was written down on the way;
//! 2. [`Audit::entry`] by (book, seq), each with its postings by line;
//! 3. [`Audit::key`] with equal (source, key) next to each other;
//! 4. [`Audit::pool`], all of them before the first [`Audit::epoch`];
//! 5. [`Audit::epoch`] with its shares by party;
//! 6. [`Audit::dispute`], all of them before the first [`Audit::order`];
//! 7. [`Audit::carry`], [`Audit::account`], [`Audit::reserve`], [`Audit::order`] in any order;
//! 8. [`Audit::statement`] by (party, currency, period, number);
//! 9. [`Audit::finish`].
//!
//! ```
//! use ledger::audit::{Audit, OrderRow};
//! use ledger::plan::Legs;
//! let mut audit = Audit::default();
//! let sale = Legs { fee: 10, tax: 0, net: 90, commission: 0 };
//! audit.order(&OrderRow { id: "o1".into(), gross: 100, sale, refunded: 50,
//!     returned: Legs { fee: 5, tax: 0, net: 44, commission: 1 } });
//! let findings = audit.finish();
//! assert_eq!((findings[0].invariant, findings[0].row.as_str()), ("I11", "order o1"));
//! ```

mod held;
mod journal;
mod shares;
#[cfg(test)]
mod tests;

use crate::json::Hash;
use crate::plan::Legs;
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use uuid::Uuid;

/// At most this many findings are kept; the last one says how many there were.
pub const MAX_FINDINGS: usize = 1_000;

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// `I1` to `I20`.
    pub invariant: &'static str,
    /// The row it shows in, such as `entry 17 of <book>`.
    pub row: String,
    /// What is stored and what it should be.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.invariant, self.row, self.message)
    }
}

/// A journal entry as stored.
#[derive(Debug, Clone)]
pub struct EntryRow {
    /// Book name.
    pub book: String,
    /// Number in the book.
    pub seq: i64,
    /// Entry id.
    pub id: Uuid,
    /// Kind name.
    pub kind: String,
    /// Period booked in.
    pub period: String,
    /// Event time.
    pub event_time: DateTime<Utc>,
    /// Source.
    pub source: String,
    /// Idempotency key.
    pub idem_key: String,
    /// JSON object of texts.
    pub metadata: String,
    /// 16 bytes.
    pub salt: Vec<u8>,
    /// 32 bytes.
    pub body_hash: Vec<u8>,
    /// 32 bytes.
    pub prev_hash: Vec<u8>,
    /// 32 bytes.
    pub leaf_hash: Vec<u8>,
}

/// A posting as stored, joined with its account.
#[derive(Debug, Clone)]
pub struct PostingRow {
    /// Line number.
    pub line: i32,
    /// The book of the account (I18: must be the entry's).
    pub account_book: String,
    /// Account name.
    pub account: String,
    /// Minor units, + debit, − credit.
    pub amount: i64,
}

/// A pool as stored.
#[derive(Debug, Clone)]
pub struct PoolRow {
    /// Revision sold.
    pub revision: Uuid,
    /// Epoch number.
    pub epoch: u32,
    /// Currency code.
    pub currency: String,
    /// Cumulative net.
    pub cumulative: i64,
    /// Settled part.
    pub settled: i64,
}

/// An epoch as stored.
#[derive(Debug, Clone)]
pub struct EpochRow {
    /// Revision.
    pub revision: Uuid,
    /// Epoch number.
    pub epoch: u32,
    /// 32 bytes.
    pub digest: Vec<u8>,
}

/// One share of an epoch as stored.
#[derive(Debug, Clone)]
pub struct ShareRow {
    /// Contributor.
    pub party: Uuid,
    /// Units of 1/D.
    pub share: i64,
}

/// A residue as stored.
#[derive(Debug, Clone)]
pub struct CarryRow {
    /// Contributor.
    pub party: Uuid,
    /// Currency code.
    pub currency: String,
    /// Units of 1/D of a minor unit.
    pub residue: i64,
}

/// An account with its cached balance.
#[derive(Debug, Clone)]
pub struct AccountRow {
    /// Book name.
    pub book: String,
    /// Account name.
    pub account: String,
    /// Cached sum of its postings.
    pub balance: i64,
}

/// The totals of an order as stored.
#[derive(Debug, Clone)]
pub struct OrderRow {
    /// Order id, as shown to people.
    pub id: String,
    /// What was paid.
    pub gross: i64,
    /// How it was cut.
    pub sale: Legs,
    /// Running total given back.
    pub refunded: i64,
    /// Its legs.
    pub returned: Legs,
}

/// What was the last entry of a book when a period was closed.
#[derive(Debug, Clone)]
pub struct ClosedRow {
    /// Period name.
    pub period: String,
    /// Book name.
    pub book: String,
    /// Number of its last entry; 0 when it had none.
    pub last_seq: i64,
}

/// A balance as it was written down at some entry.
#[derive(Debug, Clone)]
pub struct SnapshotRow {
    /// Book name.
    pub book: String,
    /// Number of the entry up to which it counts, that entry included.
    pub seq: i64,
    /// Account name.
    pub account: String,
    /// The sum of its postings at that entry.
    pub balance: i64,
}

/// A dispute as stored.
#[derive(Debug, Clone)]
pub struct DisputeRow {
    /// Dispute id, as shown to people.
    pub id: String,
    /// The order it is about; none when it is about money in a wallet.
    pub order: Option<String>,
    /// Book name.
    pub book: String,
    /// What the payer's bank took.
    pub amount: i64,
    /// The part of it that counts towards the order's running total.
    pub within: i64,
    /// `open`, `won` or `lost`.
    pub state: String,
}

/// A reserve as stored.
#[derive(Debug, Clone)]
pub struct ReserveRow {
    /// Contributor.
    pub party: Uuid,
    /// Currency code.
    pub currency: String,
    /// What is still held of it.
    pub left: i64,
}

/// The bridge of a statement as stored.
#[derive(Debug, Clone, Default)]
pub struct StatementRow {
    /// Statement id, as shown to people.
    pub id: String,
    /// Contributor.
    pub party: Uuid,
    /// Currency code.
    pub currency: String,
    /// Period name.
    pub period: String,
    /// Balance before.
    pub opening: i64,
    /// Credits of the period.
    pub earned: i64,
    /// Reserve released.
    pub released: i64,
    /// Reserve held.
    pub held: i64,
    /// Reserve drawn.
    pub drawn: i64,
    /// Paid out.
    pub paid: i64,
    /// Balance after.
    pub closing: i64,
}

/// The checker. See the module text for the order of calls.
#[derive(Debug, Default)]
pub struct Audit {
    findings: Vec<Finding>,
    suppressed: usize,
    /// Last number and leaf hash of the book being read.
    head: Option<(String, i64, Option<Hash>)>,
    last_key: Option<(String, String)>,
    /// (book, account) → sum of postings.
    sums: BTreeMap<(String, String), i128>,
    /// Currency → its books.
    books: BTreeMap<String, BTreeSet<String>>,
    /// (book, account) pairs that have a stored account row.
    accounts_seen: BTreeSet<(String, String)>,
    /// (party, currency) → credited by settlement entries.
    credited: BTreeMap<(Uuid, String), i128>,
    /// (party, currency) → Σ settled·share.
    entitled: BTreeMap<(Uuid, String), i128>,
    pools: BTreeMap<(Uuid, u32), Vec<(String, i64)>>,
    settled: BTreeMap<String, i128>,
    carries: BTreeMap<(Uuid, String), i64>,
    epochs_began: bool,
    statement: Option<StatementSeen>,
    /// Period → book → last entry when it was closed.
    closed: BTreeMap<String, BTreeMap<String, i64>>,
    /// (book, seq) → account and balance written down there.
    snapshots: BTreeMap<(String, i64), Vec<(String, i64)>>,
    /// Book → what open disputes hold.
    held: BTreeMap<String, i128>,
    /// Order → what disputes that are open or lost took of its running total.
    disputed: BTreeMap<String, i128>,
    /// (party, currency) → sum of reserve rows.
    reserves: BTreeMap<(Uuid, String), i128>,
    /// (party, currency) → units paid up at closing.
    paid_up: BTreeMap<(Uuid, String), i128>,
}

#[derive(Debug)]
struct StatementSeen {
    party: Uuid,
    currency: String,
    period: String,
    /// Closing of the period before `period`.
    before: i128,
    closing: i128,
}

impl Audit {
    fn find(
        &mut self,
        invariant: &'static str,
        row: impl Into<String>,
        message: impl Into<String>,
    ) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(Finding {
                invariant,
                row: row.into(),
                message: message.into(),
            });
        } else {
            self.suppressed += 1;
        }
    }

    /// I11 and the split: legs sum to gross, the returned legs are Webster's, and
    /// nothing given back exceeds what was paid.
    pub fn order(&mut self, row: &OrderRow) {
        let name = format!("order {}", row.id);
        if row.sale.total() != Some(row.gross) || row.gross < 1 {
            return self.find(
                "I11",
                name,
                format!("its legs do not sum to its gross {}", row.gross),
            );
        }
        let held = self.disputed.remove(&row.id).unwrap_or(0);
        if held > i128::from(row.refunded) {
            let message = format!(
                "disputes took {held}, the running total given back is {}",
                row.refunded
            );
            self.find("I11", &name, message);
        }
        match crate::refund::legs_of_total(row.sale, row.refunded) {
            Err(_) => {
                let message = format!("{} given back of {}", row.refunded, row.gross);
                self.find("I11", name, message);
            }
            Ok(legs) if legs != row.returned => {
                let message = format!(
                    "returned legs are {:?}, Webster gives {legs:?}",
                    row.returned
                );
                self.find("I11", name, message);
            }
            Ok(_) => {}
        }
    }

    /// I13: the bridge adds up and starts where the period before ended.
    pub fn statement(&mut self, row: &StatementRow) {
        let name = format!("statement {}", row.id);
        let n = i128::from;
        let bridge = n(row.opening) + n(row.earned) + n(row.released) - n(row.held) + n(row.drawn)
            - n(row.paid);
        if bridge != n(row.closing) {
            let message = format!("the bridge gives {bridge}, closing says {}", row.closing);
            self.find("I13", &name, message);
        }
        let last = self.statement.take();
        let last = last.filter(|l| l.party == row.party && l.currency == row.currency);
        let before = match last {
            None => 0,
            Some(last) if last.period == row.period => last.before,
            Some(last) => last.closing,
        };
        if n(row.opening) != before {
            let message = format!(
                "opening is {}, the period before closed with {before}",
                row.opening
            );
            self.find("I13", &name, message);
        }
        self.statement = Some(StatementSeen {
            party: row.party,
            currency: row.currency.clone(),
            period: row.period.clone(),
            before,
            closing: n(row.closing),
        });
    }

    /// The rules over sums, then all findings in the order they were met.
    pub fn finish(mut self) -> Vec<Finding> {
        self.finish_journal();
        self.finish_shares();
        self.finish_held();
        if self.suppressed > 0 {
            let message = format!("{} more findings are not shown", self.suppressed);
            self.findings.push(Finding {
                invariant: "I1",
                row: "…".into(),
                message,
            });
        }
        self.findings
    }
}
