//! A journal in memory that applies whole commands: the oracle the SQL store is
//! compared with, and the smallest complete ledger.
//!
//! [`Journal::apply`] is all or nothing. Ids, time and salt come in a [`Stamp`].
//! A command is applied once per (source, key): the same command again answers
//! with the entry it made and changes nothing, another command is a conflict (I4).
//! What is compared is the command, not the entry: the legs of a refund depend on
//! what was refunded before, so the same refund sent twice would plan two entries.
//!
//! A command is first planned (lines, pools, what changes beside them; `&self`), then all
//! of it is checked, then it is done: nothing can fail any more at that point. An entry that
//! would take a contributor's balance below zero draws their reserve in the same entry, so
//! that a negative balance and a reserve never stand side by side (I12).
//!
//! ```
//! use ledger::{account::{Account, Label}, book::{Command, Journal, Outcome, Stamp}, money::Currency};
//! use uuid::Uuid;
//! let mut journal = Journal::new(Uuid::from_u128(1));
//! let from = Account::Bank(Label::new("main")?);
//! let command = Command::TopUp { party: Uuid::from_u128(2), amount: "20.00 EUR".parse()?, from };
//! let stamp = Stamp { entry_id: Uuid::from_u128(3), at: "2026-11-24T10:00:00Z".parse()?,
//!     period: "2026-11".parse()?, salt: [0; 16] };
//! assert_eq!(journal.apply("desk", "slip-1", &command, stamp.clone())?, Outcome::Recorded(0));
//! assert_eq!(journal.apply("desk", "slip-1", &command, stamp)?, Outcome::Repeated(0));
//! assert_eq!(journal.balance(Currency::EUR, &Account::Wallet(Uuid::from_u128(2))), -2000);
//! assert!(journal.rows().findings().is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod command;
mod error;
mod payee;
mod plan;
mod rows;
mod sale;
#[cfg(test)]
mod scenes;
#[cfg(test)]
mod streams;
mod term;
#[cfg(test)]
pub(crate) mod tests;

pub use command::Command;
pub use error::BookError;
pub use rows::Rows;

use crate::account::{Account, Sub};
use crate::entry::{Book, Chain, Draft, Entry, Link};
use crate::epoch::Epoch;
use crate::json::{Hash, canonical_plain};
use crate::money::Currency;
use crate::period::Period;
use crate::plan::Legs;
use crate::pool::Pool;
use crate::refund::Disputed;
use crate::reserve::Reserves;
use crate::rules::{Charge, Lines, Paid, SaleAccounts};
use crate::settle::Settlement;
use chrono::{DateTime, Utc};
use plan::{Change, Part, Plan};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// What the node adds to a command.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// Id of the entry.
    pub entry_id: Uuid,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// The open period it is booked in.
    pub period: Period,
    /// 16 random bytes.
    pub salt: [u8; 16],
}

/// What [`Journal::apply`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A new entry, by its place in [`Journal::entries`]. An exchange writes two, this one
    /// and the one after it.
    Recorded(usize),
    /// The command had been applied before, as this entry.
    Repeated(usize),
    /// No entry: nothing moves, or has moved since.
    Unmoved,
}

/// A written entry.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// What it says.
    pub entry: Entry,
    /// Where it stands in its book's chain.
    pub link: Link,
    /// The salt of its leaf.
    pub salt: [u8; 16],
    /// For a settlement: the contributor lines.
    pub settlement: Option<Settlement<Uuid>>,
}

/// Totals of an order.
#[derive(Debug, Clone)]
pub struct Order {
    /// Its accounts, for refunds.
    pub accounts: SaleAccounts,
    /// Currency of all figures.
    pub currency: Currency,
    /// How it was cut.
    pub legs: Legs,
    /// Running total given back: refunds, and disputes that are open or lost.
    pub refunded: i64,
}

/// Where a dispute stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Held until it is decided.
    Open,
    /// The node keeps the payment.
    Won,
    /// The payer keeps it.
    Lost,
}

/// A dispute about an order.
#[derive(Debug, Clone)]
pub struct Dispute {
    /// The order.
    pub order: Uuid,
    /// What the payer's bank took.
    pub amount: i64,
    /// How it was cut when it was opened.
    pub taken: Disputed,
    /// Where it stands.
    pub verdict: Verdict,
}

/// Where a payout stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transfer {
    /// The bank was told.
    InTransit,
    /// Paid from this bank account.
    Settled(Account),
    /// It came back.
    Returned,
}

/// A payout.
#[derive(Debug, Clone)]
pub struct Payout {
    /// The file it is part of.
    pub batch: Uuid,
    /// Who, how much, tax.
    pub paid: Paid,
    /// Currency.
    pub currency: Currency,
    /// Where it stands.
    pub transfer: Transfer,
}

/// A subscription's term.
#[derive(Debug, Clone)]
pub struct Term {
    /// Its accounts.
    pub charge: Charge,
    /// Currency.
    pub currency: Currency,
    /// How the charge was cut; `net` is deferred.
    pub legs: Legs,
    /// Days of the term.
    pub days: u32,
    /// Days earned so far.
    pub earned: u32,
    /// The days that were left have been given back.
    pub cancelled: bool,
}

/// Money of a wallet set aside.
#[derive(Debug, Clone)]
pub struct Hold {
    /// Whose wallet.
    pub party: Uuid,
    /// Currency.
    pub currency: Currency,
    /// How much.
    pub minor: i64,
    /// Void from this moment on.
    pub expires: DateTime<Utc>,
    /// Posted or voided.
    pub resolved: bool,
}

type PoolKey = (Uuid, u32, Currency);
type Payee = (Uuid, Currency);

/// The journal of one node and everything derived from it.
#[derive(Debug, Clone)]
pub struct Journal {
    node: Uuid,
    entries: Vec<Recorded>,
    chains: BTreeMap<Book, Chain>,
    balances: BTreeMap<(Book, Account), i64>,
    keys: BTreeMap<(String, String), (Hash, Option<usize>)>,
    ids: BTreeSet<Uuid>,
    epochs: BTreeMap<(Uuid, u32), Epoch<Uuid>>,
    pools: BTreeMap<PoolKey, Pool>,
    carries: BTreeMap<Payee, i64>,
    orders: BTreeMap<Uuid, Order>,
    disputes: BTreeMap<Uuid, Dispute>,
    reserves: BTreeMap<Payee, Reserves>,
    payouts: BTreeMap<Uuid, Payout>,
    terms: BTreeMap<Uuid, Term>,
    holds: BTreeMap<Uuid, Hold>,
    paid_up: BTreeMap<Payee, i64>,
    /// Closed periods with the last entry of every book at that moment.
    closed: BTreeMap<Period, BTreeMap<Book, u64>>,
}

/// Everything of one new entry that is checked before anything is done.
struct Checked {
    entry: Entry,
    balances: BTreeMap<(Book, Account), i64>,
    reserves: Vec<(Payee, Reserves)>,
    salt: [u8; 16],
}

/// The core as a function: a state and a command in, the new state and what happened out.
/// A refused command gives the state back as it was.
pub fn apply(
    mut state: Journal,
    source: &str,
    key: &str,
    command: &Command,
    stamp: Stamp,
) -> (Journal, Result<Outcome, BookError>) {
    let outcome = state.apply(source, key, command, stamp);
    (state, outcome)
}

impl Journal {
    /// An empty journal.
    pub fn new(node: Uuid) -> Journal {
        Journal {
            node,
            entries: Vec::new(),
            chains: BTreeMap::new(),
            balances: BTreeMap::new(),
            keys: BTreeMap::new(),
            ids: BTreeSet::new(),
            epochs: BTreeMap::new(),
            pools: BTreeMap::new(),
            carries: BTreeMap::new(),
            orders: BTreeMap::new(),
            disputes: BTreeMap::new(),
            reserves: BTreeMap::new(),
            payouts: BTreeMap::new(),
            terms: BTreeMap::new(),
            holds: BTreeMap::new(),
            paid_up: BTreeMap::new(),
            closed: BTreeMap::new(),
        }
    }

    /// Registers frozen shares. The same epoch again is no change.
    ///
    /// # Errors
    /// Other shares under the same name.
    pub fn freeze(
        &mut self,
        revision: Uuid,
        number: u32,
        epoch: Epoch<Uuid>,
    ) -> Result<(), BookError> {
        match self.epochs.get(&(revision, number)) {
            Some(known) if *known != epoch => Err(BookError::EpochFrozen(revision, number)),
            _ => {
                self.epochs.insert((revision, number), epoch);
                Ok(())
            }
        }
    }

    /// Applies a command once.
    ///
    /// # Errors
    /// See [`BookError`]; the journal is unchanged then.
    pub fn apply(
        &mut self,
        source: &str,
        key: &str,
        command: &Command,
        stamp: Stamp,
    ) -> Result<Outcome, BookError> {
        let request = Hash::of(&[&canonical_plain(command)]);
        let keyed = (source.to_string(), key.to_string());
        match self.keys.get(&keyed) {
            Some((known, place)) if *known == request => {
                return Ok(place.map_or(Outcome::Unmoved, Outcome::Repeated));
            }
            Some(_) => return Err(conflict(keyed)),
            None => {}
        }
        let plan = self.plan(command, &stamp)?;
        if plan.parts.is_empty() && matches!(plan.change, Change::None) {
            return Ok(Outcome::Unmoved);
        }
        if !plan.parts.is_empty() && self.is_closed(stamp.period) {
            return Err(self.period_closed(stamp.period));
        }
        let pools = self.new_pools(&plan)?;
        let checked = self.check(&plan, &keyed, &stamp)?;
        let place = (!checked.is_empty()).then_some(self.entries.len());
        let mut settlement = match &plan.change {
            Change::Settled(settlement) => Some(settlement.clone()),
            _ => None,
        };
        for one in checked {
            let key = (one.entry.source.clone(), one.entry.idem_key.clone());
            self.keys.insert(key, (request, place));
            self.write(one, settlement.take());
        }
        self.keys.insert(keyed, (request, place));
        self.pools.extend(pools);
        self.change(plan.change);
        Ok(place.map_or(Outcome::Unmoved, Outcome::Recorded))
    }

    /// Drafts, balances and reserves of every entry planned, in order.
    fn check(
        &self,
        plan: &Plan,
        (source, key): &(String, String),
        stamp: &Stamp,
    ) -> Result<Vec<Checked>, BookError> {
        let mut checked: Vec<Checked> = Vec::new();
        for (number, part) in (1..).zip(&plan.parts) {
            let Part {
                kind,
                currency,
                lines,
                links,
                id,
            } = part;
            let book = self.book(*currency);
            let (lines, reserves) = self.drawn(book, lines.clone());
            let idem_key = match number {
                1 => key.clone(),
                n => format!("{key}/{n}"),
            };
            if number > 1 && self.keys.contains_key(&(source.clone(), idem_key.clone())) {
                return Err(conflict((source.clone(), idem_key)));
            }
            let mut draft = Draft {
                id: id.unwrap_or(stamp.entry_id),
                kind: *kind,
                book,
                period: stamp.period,
                event_time: stamp.at,
                source: source.clone(),
                idem_key,
                metadata: links.iter().cloned().collect(),
                postings: Vec::new(),
            };
            for (account, minor) in lines {
                draft.post(account, minor);
            }
            let entry = draft.balance()?;
            let balances = self.new_balances(&entry)?;
            // Part of the salt of a second entry: never the same twice.
            let salt = match number {
                1 => stamp.salt,
                n => other_salt(&stamp.salt, n),
            };
            checked.push(Checked {
                entry,
                balances,
                reserves,
                salt,
            });
        }
        Ok(checked)
    }

    /// Adds to an entry what it draws from reserves: whoever's balance it takes below zero
    /// loses reserve first (I12).
    fn drawn(&self, book: Book, mut lines: Lines) -> (Lines, Vec<(Payee, Reserves)>) {
        let mut left: BTreeMap<Uuid, i128> = BTreeMap::new();
        for (account, minor) in &lines {
            if let Account::Contributor {
                party,
                sub: Sub::Available,
            } = account
            {
                *left.entry(*party).or_default() -= i128::from(*minor);
            }
        }
        let mut changed = Vec::new();
        for (party, change) in left.into_iter().filter(|(_, change)| *change < 0) {
            let payee = (party, book.currency);
            let Some(reserves) = self.reserves.get(&payee) else {
                continue;
            };
            let balance = change - i128::from(self.balance_in(book, &Account::available(party)));
            let balance = i64::try_from(balance.min(0)).unwrap_or(i64::MIN);
            let mut reserves = reserves.clone();
            let drawn = reserves.draw(balance);
            if drawn > 0 {
                lines.push((Account::reserve(party), drawn));
                lines.push((Account::available(party), -drawn));
                changed.push((payee, reserves));
            }
        }
        (lines, changed)
    }

    fn new_balances(&self, entry: &Entry) -> Result<BTreeMap<(Book, Account), i64>, BookError> {
        let mut changed: BTreeMap<(Book, Account), i64> = BTreeMap::new();
        for posting in &entry.postings {
            let key = (entry.book, posting.account.clone());
            let stored = self.balances.get(&key).copied().unwrap_or(0);
            let slot = changed.entry(key).or_insert(stored);
            let sum = slot
                .checked_add(posting.amount.minor)
                .filter(|s| *s != i64::MIN);
            *slot = sum.ok_or_else(|| BookError::Overflow(posting.account.clone()))?;
        }
        Ok(changed)
    }

    fn write(&mut self, checked: Checked, settlement: Option<Settlement<Uuid>>) {
        let Checked {
            entry,
            balances,
            reserves,
            salt,
        } = checked;
        self.balances.extend(balances);
        self.reserves.extend(reserves);
        let chain = self.chains.entry(entry.book).or_default();
        let link = chain.append(&entry.body(&salt), &salt);
        self.ids.insert(entry.id);
        self.entries.push(Recorded {
            entry,
            link,
            salt,
            settlement,
        });
    }

    fn book(&self, currency: Currency) -> Book {
        Book {
            node: self.node,
            currency,
        }
    }

    fn is_closed(&self, period: Period) -> bool {
        self.closed
            .last_key_value()
            .is_some_and(|(last, _)| period <= *last)
    }

    /// The first period from `wanted` on that takes entries.
    pub fn open_from(&self, wanted: Period) -> Period {
        let last = self.closed.last_key_value().map(|(last, _)| *last);
        match last.and_then(Period::next) {
            Some(next) => wanted.max(next),
            None => wanted,
        }
    }

    fn period_closed(&self, period: Period) -> BookError {
        let last = self.closed.last_key_value().map(|(last, _)| *last);
        let next = last.and_then(Period::next);
        let next = next.map_or_else(|| "no other".to_string(), |p| p.to_string());
        BookError::PeriodClosed(period, next)
    }

    fn balance_in(&self, book: Book, account: &Account) -> i64 {
        self.balances
            .get(&(book, account.clone()))
            .copied()
            .unwrap_or(0)
    }

    /// All entries in the order they were written.
    pub fn entries(&self) -> &[Recorded] {
        &self.entries
    }

    /// Balance of an account: + debit, − credit.
    pub fn balance(&self, currency: Currency, account: &Account) -> i64 {
        self.balance_in(self.book(currency), account)
    }

    /// What `party` can be paid: negative when they owe.
    pub fn available(&self, party: Uuid, currency: Currency) -> i64 {
        self.balance(currency, &Account::available(party))
            .saturating_neg()
    }

    /// A pool; empty when nothing was sold.
    pub fn pool(&self, revision: Uuid, epoch: u32, currency: Currency) -> Pool {
        self.pools
            .get(&(revision, epoch, currency))
            .copied()
            .unwrap_or_default()
    }

    /// A contributor's residue in 1/D of a minor unit.
    pub fn carry(&self, party: Uuid, currency: Currency) -> i64 {
        self.carries.get(&(party, currency)).copied().unwrap_or(0)
    }

    /// An order's totals.
    pub fn order(&self, id: Uuid) -> Option<&Order> {
        self.orders.get(&id)
    }

    /// A dispute.
    pub fn dispute(&self, id: Uuid) -> Option<&Dispute> {
        self.disputes.get(&id)
    }

    /// A payout.
    pub fn payout(&self, id: Uuid) -> Option<&Payout> {
        self.payouts.get(&id)
    }

    /// A subscription's term.
    pub fn term(&self, id: Uuid) -> Option<&Term> {
        self.terms.get(&id)
    }

    /// What is held back of `party`.
    pub fn reserves(&self, party: Uuid, currency: Currency) -> Reserves {
        self.reserves
            .get(&(party, currency))
            .cloned()
            .unwrap_or_default()
    }

    /// Every pool in settling order.
    pub fn pools(&self) -> impl Iterator<Item = (&PoolKey, &Pool)> {
        self.pools.iter()
    }
}

fn conflict((source_name, key): (String, String)) -> BookError {
    BookError::IdempotencyConflict { source_name, key }
}

fn other_salt(salt: &[u8; 16], number: u32) -> [u8; 16] {
    let hash = Hash::of(&[salt, &number.to_be_bytes()]);
    let mut other = [0; 16];
    other.copy_from_slice(&hash.0[..16]);
    other
}
