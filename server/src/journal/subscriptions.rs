//! Subscriptions: a term is charged and deferred, earned day by day, and given back as far
//! as it was not.
//!
//! What may happen depends on the rows as they stand in the writer's transaction, not on what
//! a flow has read before: so a renewal, a day and a refund each happen once, however often
//! and by whomever they are asked for.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use ledger::account::{Account, Label};
use ledger::entry::Kind as EntryKind;
use ledger::money::Currency;
use ledger::period::Period;
use ledger::plan::Legs;
use ledger::rules::{self, Charge};
use ledger::subscription::{day_of, days_over, earn, end_of_day, unused};
use schema::columns::Key;
use schema::db::Db;
use uuid::Uuid;

use super::batch::{Batch, Booking, PoolKey};
use super::command::{At, Command, Posted};
use super::plan::{out_of_range, unpaid};
use super::points;
use crate::error::Fault;
use crate::store::orders::{LicenceRow, OrderRow};
use crate::store::subscriptions::{
    self as store, IncomeRow, LicenceLink, Published, SubscriptionRow, TermRow, state,
};
use crate::store::{orders, periods};

/// A term to be charged, with everything it gives.
#[derive(Debug, Clone)]
pub struct NewTerm {
    /// The subscription as it is to stand.
    pub subscription: SubscriptionRow,
    /// As it was seen; none for a new one.
    pub seen: Option<SubscriptionRow>,
    /// The term; the writer fills in the entry number.
    pub term: TermRow,
    /// What licences hang on: nothing is paid by these.
    pub orders: Vec<OrderRow>,
    /// One licence per dataset.
    pub licences: Vec<LicenceRow>,
    /// Which of them belongs to which dataset.
    pub links: Vec<LicenceLink>,
}

/// What happens to a subscription.
#[derive(Debug, Clone)]
pub enum Act {
    /// The first term, or another one.
    Charge(Box<NewTerm>),
    /// Days of a term that are over.
    Earn(Key),
    /// Unused days of a term go back.
    GiveBack {
        /// The term.
        term: Key,
        /// Why.
        reason: String,
    },
}

/// Carries out what happens.
///
/// # Errors
/// `insufficient_funds`, `already_subscribed`, `subscription_changed`, `nothing_unused`, what
/// the ledger refuses, or the database.
pub(super) fn run(
    db: &mut Db,
    mut batch: Batch,
    command: &Command,
    act: &Act,
    fresh: &mut impl FnMut() -> (Uuid, [u8; 16]),
) -> Result<Posted, Fault> {
    let id = match act {
        Act::Charge(new) => charge(db, &mut batch, command, new, fresh)?,
        Act::Earn(term) => {
            let row = store::term(db, term.0)?;
            let over = days_over(row.starts_at.into(), count(row.days)?, command.at.now);
            earn_until(db, &mut batch, command, row, over, fresh)?;
            term.0
        }
        Act::GiveBack { term, reason } => {
            give_back(db, &mut batch, command, (*term, reason), fresh)?
        }
    };
    Ok(Posted {
        ids: vec![id],
        repeated: false,
    })
}

fn count(n: i32) -> Result<u32, Fault> {
    u32::try_from(n).map_err(Fault::internal)
}

fn charged(row: &TermRow, party: Key) -> Result<Charge, Fault> {
    Ok(Charge {
        payer: Account::Wallet(party.0),
        subscription: row.subscription_id.0,
        tax: tax()?,
    })
}

fn tax() -> Result<Label, Fault> {
    Label::new(ledger::tax::DEFAULT).map_err(Fault::internal)
}

fn changed() -> Fault {
    Fault::conflict(
        "subscription_changed",
        "The subscription was charged, cancelled or ended by another request meanwhile. Nothing was done now: look at it again.",
    )
}

/// Nothing is left that could go back.
#[must_use]
pub fn nothing_unused() -> Fault {
    Fault::conflict(
        "nothing_unused",
        "No day of this subscription is paid and unused: nothing was given back.",
    )
}

fn charge(
    db: &mut Db,
    batch: &mut Batch,
    command: &Command,
    new: &NewTerm,
    fresh: &mut impl FnMut() -> (Uuid, [u8; 16]),
) -> Result<Uuid, Fault> {
    let NewTerm {
        subscription,
        seen,
        term,
        ..
    } = new;
    let party = subscription.party_id;
    if seen.is_none() && store::running(db, party, subscription.plan_id)?.is_some() {
        return Err(Fault::conflict(
            "already_subscribed",
            "You run a subscription to this plan already; nothing was charged.",
        ));
    }
    let currency: Currency = term.currency.parse().map_err(Fault::internal)?;
    let who = charged(term, party)?;
    let lines = rules::subscription_charge(&who, term.legs()).map_err(Fault::internal)?;
    let accounts = lines.iter().map(|(account, _)| account.clone()).collect();
    batch.load_accounts(db, currency, accounts)?;
    let funds = batch.balance(currency, &who.payer).saturating_neg();
    if funds < term.gross {
        return Err(unpaid(funds, term.gross, currency));
    }
    // The identifier of the entry answers a repeat: a new subscription's own, else the term's.
    let id = match seen {
        None => subscription.id.0,
        Some(_) => term.id.0,
    };
    let entry_seq = batch.book(Booking {
        id,
        kind: EntryKind::SubscriptionCharge,
        currency,
        at: command.at,
        request: &command.request,
        key: command.request.key.clone(),
        links: vec![
            ("subscription", subscription.id.0.to_string()),
            ("term", term.id.0.to_string()),
        ],
        lines,
        salt: fresh().1,
    })?;
    points::of_term(db, batch, command, (term, party.0), fresh)?;
    batch.write(db)?;
    match seen {
        None => store::insert(db, subscription)?,
        Some(seen) => {
            if !store::change(db, seen, subscription)? {
                return Err(changed());
            }
        }
    }
    orders::insert(db, &new.orders)?;
    orders::insert_licences(db, &new.licences)?;
    let term = TermRow {
        entry_seq,
        ..term.clone()
    };
    store::insert_term(db, &term, &new.links)?;
    Ok(id)
}

/// A pool that days go to, and why.
type Part = (bool, Uuid, i32);

/// What the days of a term go by: deliveries, and what the subscriber was entitled to.
struct Basis {
    starts_at: DateTime<Utc>,
    /// Day, pool, rows.
    uses: Vec<(u32, Uuid, i32, i64)>,
    /// Published revisions and list price of every dataset.
    entitled: Vec<(Vec<Published>, i64)>,
}

impl Basis {
    fn load(db: &mut Db, term: &TermRow, plan: Key) -> Result<Self, Fault> {
        let starts_at = term.starts_at.into();
        let mut entitled = Vec::new();
        for (item, ..) in store::items(db, plan)? {
            entitled.push((store::published(db, item.dataset_id)?, item.list_minor));
        }
        let epoch_of = |revision| {
            let mut all = entitled.iter().flat_map(|(published, _)| published);
            all.find(|p| p.revision == revision).map(|p| p.epoch)
        };
        // Nobody is paid for a revision without weights: a day with only such use is unused.
        let uses = store::uses(db, term.id)?
            .into_iter()
            .filter_map(|(at, revision, rows)| {
                Some((day_of(starts_at, at), revision, epoch_of(revision)?, rows))
            })
            .collect();
        Ok(Self {
            starts_at,
            uses,
            entitled,
        })
    }

    /// Whether a day can bring something to a pool on this ground.
    fn brings(&self, day: u32, part: &Part) -> bool {
        let weights = self.weights(day);
        let equal = weights.iter().all(|(_, weight)| *weight == 0);
        let mut of = weights.iter();
        of.any(|(of, weight)| of == part && (equal || *weight > 0))
    }

    fn used(&self, day: u32) -> bool {
        self.uses.iter().any(|(of, ..)| *of == day)
    }

    /// Days that are used up of `days`: those that are over, and the running one once
    /// something was taken in it.
    fn used_up(&self, days: u32, now: DateTime<Utc>) -> u32 {
        let over = days_over(self.starts_at, days, now);
        (over + u32::from(self.used(over + 1))).min(days)
    }

    /// Rows that were taken from a pool on some days.
    fn rows(&self, days: (u32, u32), pool: (Uuid, i32)) -> i64 {
        let of = self.uses.iter().filter(|(day, revision, epoch, _)| {
            (days.0..=days.1).contains(day) && (*revision, *epoch) == pool
        });
        of.fold(0, |sum, (.., rows)| sum.saturating_add(*rows))
    }

    fn weights(&self, day: u32) -> Vec<(Part, u64)> {
        let mut weights: BTreeMap<Part, u64> = BTreeMap::new();
        for (_, revision, epoch, rows) in self.uses.iter().filter(|(of, ..)| *of == day) {
            let weight = weights.entry((true, *revision, *epoch)).or_default();
            *weight = weight.saturating_add(u64::try_from(*rows).unwrap_or(0));
        }
        if weights.is_empty() {
            let end = end_of_day(self.starts_at, day).unwrap_or(DateTime::<Utc>::MAX_UTC);
            for (published, list) in &self.entitled {
                let current = published.iter().rev().find(|p| p.at < end);
                if let Some(p) = current.or_else(|| published.first()) {
                    let weight = u64::try_from(*list).unwrap_or(0);
                    weights.insert((false, p.revision, p.epoch), weight);
                }
            }
        }
        let most = u64::MAX / u64::try_from(weights.len().max(1)).unwrap_or(u64::MAX);
        weights
            .into_iter()
            .map(|(part, weight)| (part, weight.min(most)))
            .collect()
    }
}

/// Days that are booked together: those that end in one month.
struct Chunk {
    first: u32,
    last: u32,
    at: At,
    parts: BTreeMap<Part, i64>,
}

fn chunks(
    db: &mut Db,
    term: &TermRow,
    basis: &Basis,
    (until, now): (u32, DateTime<Utc>),
) -> Result<Vec<Chunk>, Fault> {
    let mut chunks: Vec<Chunk> = Vec::new();
    for day in count(term.earned_days)? + 1..=until {
        let end = end_of_day(basis.starts_at, day).ok_or_else(|| out_of_range("a day"))?;
        // A day that is given up while it runs is booked now, not in a time to come.
        let end = now.min(end - chrono::TimeDelta::microseconds(1));
        let period = periods::open_from(db, Period::of(end))?;
        match chunks.last_mut() {
            Some(chunk) if chunk.at.period == period => {
                chunk.last = day;
                chunk.at.now = end;
            }
            _ => chunks.push(Chunk {
                first: day,
                last: day,
                at: At { now: end, period },
                parts: BTreeMap::new(),
            }),
        }
    }
    let of = count(term.days)?;
    for chunk in &mut chunks {
        let days = chunk.first..=chunk.last;
        chunk.parts = earn(term.net, of, days, |day| basis.weights(day))
            .ok_or_else(|| Fault::internal(format!("term {} has nobody to earn it", term.id.0)))?;
    }
    Ok(chunks)
}

/// Accounts of a term's days, for [`Batch::load_accounts`], which is called once per book.
fn accounts_of(term: &TermRow, chunks: &[Chunk]) -> Result<HashSet<Account>, Fault> {
    let mut accounts: HashSet<Account> = [Account::Deferred(term.subscription_id.0)].into();
    for (_, revision, epoch) in chunks.iter().flat_map(|chunk| chunk.parts.keys()) {
        accounts.insert(Account::Pool {
            revision: *revision,
            epoch: count(*epoch)?,
        });
    }
    Ok(accounts)
}

/// Books the days of a term up to `until`.
fn earn_until(
    db: &mut Db,
    batch: &mut Batch,
    command: &Command,
    mut term: TermRow,
    until: u32,
    fresh: &mut impl FnMut() -> (Uuid, [u8; 16]),
) -> Result<(), Fault> {
    if term.earns_next_at.is_none() || count(term.earned_days)? >= until {
        return Ok(());
    }
    let plan = store::find(db, term.subscription_id.0)?.plan_id;
    let basis = Basis::load(db, &term, plan)?;
    let chunks = chunks(db, &term, &basis, (until, command.at.now))?;
    let currency: Currency = term.currency.parse().map_err(Fault::internal)?;
    batch.load_accounts(db, currency, accounts_of(&term, &chunks)?)?;
    let rows = book_days(db, batch, command, &mut term, (&basis, &chunks), fresh)?;
    batch.write(db)?;
    store::set_term(db, &term)?;
    store::insert_income(db, &rows)
}

/// Entries and rows of days; the accounts are loaded before.
fn book_days(
    db: &mut Db,
    batch: &mut Batch,
    command: &Command,
    term: &mut TermRow,
    (basis, chunks): (&Basis, &[Chunk]),
    fresh: &mut impl FnMut() -> (Uuid, [u8; 16]),
) -> Result<Vec<IncomeRow>, Fault> {
    let currency: Currency = term.currency.parse().map_err(Fault::internal)?;
    let mut rows = Vec::new();
    for chunk in chunks {
        let income = chunk.parts.values().sum::<i64>();
        if income > 0 {
            let mut pools: BTreeMap<(Uuid, i32), i64> = BTreeMap::new();
            for ((_, revision, epoch), minor) in &chunk.parts {
                *pools.entry((*revision, *epoch)).or_default() += minor;
            }
            add_to_pools(db, batch, &pools, currency)?;
            let parts = pools
                .iter()
                .map(|((revision, epoch), minor)| Ok((*revision, count(*epoch)?, *minor)))
                .collect::<Result<Vec<_>, Fault>>()?;
            let (id, salt) = fresh();
            let seq = batch.book(Booking {
                id,
                kind: EntryKind::SubscriptionRecognise,
                currency,
                at: chunk.at,
                request: &command.request,
                key: format!("subscription:{}:day:{}", term.id.0, chunk.last),
                links: vec![
                    ("days", format!("{}-{}", chunk.first, chunk.last)),
                    ("term", term.id.0.to_string()),
                ],
                lines: rules::recognise(term.subscription_id.0, income, &parts)
                    .map_err(Fault::internal)?,
                salt,
            })?;
            rows.extend(income_rows(term, basis, chunk, seq, fresh)?);
        }
        term.earned = term.earned.saturating_add(income);
        term.earned_days = i32::try_from(chunk.last).map_err(Fault::internal)?;
    }
    let next = count(term.earned_days)? + 1;
    term.earns_next_at = match next <= count(term.days)? {
        true => end_of_day(basis.starts_at, next).map(Into::into),
        false => None,
    };
    Ok(rows)
}

fn add_to_pools(
    db: &mut Db,
    batch: &mut Batch,
    parts: &BTreeMap<(Uuid, i32), i64>,
    currency: Currency,
) -> Result<(), Fault> {
    for ((revision, epoch), minor) in parts {
        let key: PoolKey = (*revision, *epoch, currency);
        batch.load_pool(db, key)?;
        let mut pool = batch.pool(key);
        pool.add(*minor).map_err(out_of_range)?;
        batch.set_pool(key, pool);
    }
    Ok(())
}

/// What the days of a chunk brought to each pool; parts of nothing have no row.
fn income_rows(
    term: &TermRow,
    basis: &Basis,
    chunk: &Chunk,
    seq: i64,
    fresh: &mut impl FnMut() -> (Uuid, [u8; 16]),
) -> Result<Vec<IncomeRow>, Fault> {
    let mut rows = Vec::new();
    let days = (chunk.first, chunk.last);
    for (part, amount) in chunk.parts.iter().filter(|(_, minor)| **minor > 0) {
        let (used, revision, epoch) = part;
        let of = (days.0..=days.1).filter(|day| basis.brings(*day, part));
        rows.push(IncomeRow {
            id: Key(fresh().0),
            term_id: term.id,
            revision_id: Key(*revision),
            epoch: *epoch,
            basis: if *used { "use" } else { "entitled" }.to_owned(),
            days: i32::try_from(of.count()).map_err(Fault::internal)?,
            used_rows: match used {
                true => basis.rows(days, (*revision, *epoch)),
                false => 0,
            },
            amount: *amount,
            period: chunk.at.period.to_string(),
            book: term.currency.clone(),
            entry_seq: seq,
        });
    }
    Ok(rows)
}

/// What would go back of a term if its unused days went back now.
///
/// # Errors
/// A row that does not add up, or the database.
pub fn would_go_back(
    db: &mut Db,
    term: &TermRow,
    plan: Key,
    now: DateTime<Utc>,
) -> Result<i64, Fault> {
    let days = count(term.days)?;
    let used = Basis::load(db, term, plan)?.used_up(days, now);
    let left = unused(term.legs(), used, days).and_then(Legs::total);
    left.ok_or_else(|| out_of_range("unused days"))
}

/// Books the used days, gives the others back, revokes the licences and ends it all.
fn give_back(
    db: &mut Db,
    batch: &mut Batch,
    command: &Command,
    (id, reason): (Key, &str),
    fresh: &mut impl FnMut() -> (Uuid, [u8; 16]),
) -> Result<Uuid, Fault> {
    let mut term = store::term(db, id.0)?;
    let seen = store::find(db, term.subscription_id.0)?;
    let (now, days) = (command.at.now, count(term.days)?);
    let basis = Basis::load(db, &term, seen.plan_id)?;
    let used = basis.used_up(days, now);
    let left = unused(term.legs(), used, days).ok_or_else(|| out_of_range("unused days"))?;
    let whole = left.total().unwrap_or(0);
    if !seen.runs() || term.refund_seq != 0 || whole == 0 {
        return Err(nothing_unused());
    }
    let chunks = chunks(db, &term, &basis, (used, now))?;
    let currency: Currency = term.currency.parse().map_err(Fault::internal)?;
    let who = charged(&term, seen.party_id)?;
    let lines = rules::subscription_refund(&who, left).map_err(Fault::internal)?;
    let mut accounts = accounts_of(&term, &chunks)?;
    accounts.extend(lines.iter().map(|(account, _)| account.clone()));
    batch.load_accounts(db, currency, accounts)?;
    let rows = book_days(db, batch, command, &mut term, (&basis, &chunks), fresh)?;
    let (entry, salt) = fresh();
    term.refund_seq = batch.book(Booking {
        id: entry,
        kind: EntryKind::Refund,
        currency,
        at: command.at,
        request: &command.request,
        key: command.request.key.clone(),
        links: vec![
            ("subscription", seen.id.0.to_string()),
            ("term", term.id.0.to_string()),
        ],
        lines,
        salt,
    })?;
    points::of_unused(db, batch, command, (&term, seen.party_id.0, used), fresh)?;
    batch.write(db)?;
    returned(&mut term, left, (reason, command.request.party));
    store::set_term(db, &term)?;
    store::insert_income(db, &rows)?;
    let why = format!("Unused days given back: {reason}");
    if !store::change(db, &seen, &seen.over(state::REFUNDED, &why, now))? {
        return Err(changed());
    }
    for licence in store::licences(db, term.id)? {
        crate::store::licences::revoke(db, licence.0, now.into(), &why)?;
    }
    Ok(entry)
}

fn returned(term: &mut TermRow, left: Legs, (reason, by): (&str, Uuid)) {
    term.refunded_fee = left.fee;
    term.refunded_tax = left.tax;
    term.refunded_net = left.net;
    term.refund_reason = Some(reason.to_owned());
    term.refunded_by = Some(Key(by));
    term.earns_next_at = None;
}
