//! Reserves at the end of a settlement: release what is due, hold part of every credit, and
//! let reserves cover whoever is left owing, oldest first (I12).

use std::collections::{BTreeMap, HashMap, HashSet};

use ledger::account::Account;
use ledger::entry::Kind as EntryKind;
use ledger::money::Currency;
use ledger::reserve::due;
use ledger::rules;
use schema::columns::Key;
use schema::db::Db;
use uuid::Uuid;

use super::batch::{Batch, Booking};
use super::command::{Command, ReserveTerms};
use crate::error::Fault;
use crate::store::reserves::{self, ReserveRow};

/// A contributor in one currency.
pub(super) type Payee = (Uuid, Currency);

/// What one settlement does to reserves.
pub(super) struct Reserves {
    terms: ReserveTerms,
    standing: BTreeMap<Payee, Vec<ReserveRow>>,
    changed: HashSet<Key>,
    new: Vec<ReserveRow>,
}

impl Reserves {
    /// Reads what is held.
    pub(super) fn load(db: &mut Db, terms: ReserveTerms) -> Result<Self, Fault> {
        let mut standing: BTreeMap<Payee, Vec<ReserveRow>> = BTreeMap::new();
        for row in reserves::standing(db)? {
            let currency = row.currency.parse().map_err(Fault::internal)?;
            let payee = (row.party_id.0, currency);
            standing.entry(payee).or_default().push(row);
        }
        Ok(Self {
            terms,
            standing,
            changed: HashSet::new(),
            new: Vec::new(),
        })
    }

    /// Whether there is nothing to release, hold or draw.
    pub(super) fn idle(&self) -> bool {
        self.terms.bps == 0 && self.standing.is_empty()
    }

    /// Adds the accounts it may touch to those that are loaded.
    pub(super) fn accounts(&self, wanted: &mut HashMap<Currency, HashSet<Account>>) {
        for (party, currency) in self.standing.keys() {
            let accounts = wanted.entry(*currency).or_default();
            accounts.extend([Account::available(*party), Account::reserve(*party)]);
        }
        if self.terms.bps > 0 {
            for accounts in wanted.values_mut() {
                let held: Vec<Account> = accounts.iter().filter_map(half).collect();
                accounts.extend(held);
            }
        }
    }

    /// Books every movement. `credits` are those of this settlement.
    pub(super) fn run(
        &mut self,
        batch: &mut Batch,
        command: &Command,
        credits: &BTreeMap<Payee, i64>,
        fresh: &mut impl FnMut() -> (Uuid, [u8; 16]),
    ) -> Result<(), Fault> {
        let mut payees: Vec<Payee> = self.standing.keys().copied().collect();
        if self.terms.bps > 0 {
            payees.extend(credits.keys());
        }
        payees.sort_unstable();
        payees.dedup();
        for payee in payees {
            let credit = credits.get(&payee).copied().unwrap_or(0);
            self.one(batch, command, payee, credit, fresh)?;
        }
        Ok(())
    }

    fn one(
        &mut self,
        batch: &mut Batch,
        command: &Command,
        payee: Payee,
        credit: i64,
        fresh: &mut impl FnMut() -> (Uuid, [u8; 16]),
    ) -> Result<(), Fault> {
        let (party, currency) = payee;
        let now = command.at.period.to_string();
        let rows = self.standing.remove(&payee).unwrap_or_default();
        let (over, mut rows): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|row| row.due_in <= now);
        let released = self.take(over, i64::MAX);
        if released > 0 {
            let lines = rules::reserve_release(party, released).map_err(Fault::internal)?;
            book(
                batch,
                command,
                EntryKind::ReserveRelease,
                currency,
                lines,
                fresh(),
            )?;
        }
        let available = available(batch, payee)?;
        let held = due(credit, available, self.terms.bps);
        if held > 0 {
            let lines = rules::reserve_hold(party, held).map_err(Fault::internal)?;
            let (id, salt) = fresh();
            book(
                batch,
                command,
                EntryKind::ReserveHold,
                currency,
                lines,
                (id, salt),
            )?;
            let due_in = command.at.period.plus(self.terms.periods);
            let due_in = due_in.ok_or_else(|| Fault::internal("no period is left"))?;
            self.new.push(ReserveRow {
                id: Key(id),
                party_id: Key(party),
                currency: currency.code().to_owned(),
                held_in: now,
                due_in: due_in.to_string(),
                amount: held,
                remaining: held,
            });
        }
        let owing = available.min(0).saturating_neg();
        rows.retain(|row| row.remaining > 0);
        let drawn = self.take(rows, owing);
        if drawn > 0 {
            let lines = rules::reserve_release(party, drawn).map_err(Fault::internal)?;
            book(
                batch,
                command,
                EntryKind::ReserveDraw,
                currency,
                lines,
                fresh(),
            )?;
        }
        Ok(())
    }

    /// Takes at most `most` out of rows, in their order; keeps the rows.
    fn take(&mut self, rows: Vec<ReserveRow>, most: i64) -> i64 {
        let mut taken = 0;
        for mut row in rows {
            let part = row.remaining.min(most - taken);
            if part > 0 {
                row.remaining -= part;
                taken += part;
                self.changed.insert(row.id);
            }
            let currency = row.currency.parse().ok();
            if let Some(currency) = currency {
                let payee = (row.party_id.0, currency);
                self.standing.entry(payee).or_default().push(row);
            }
        }
        taken
    }

    /// Writes what has changed.
    pub(super) fn write(self, db: &mut Db) -> Result<(), Fault> {
        reserves::insert(db, &self.new)?;
        for row in self.standing.into_values().flatten() {
            if self.changed.contains(&row.id) {
                reserves::set_remaining(db, row.id, row.remaining)?;
            }
        }
        Ok(())
    }
}

/// Lets the reserve of whoever gave a commission back cover what their balance lacks now.
pub(super) fn cover(
    batch: &mut Batch,
    command: &Command,
    fresh: &mut impl FnMut() -> (Uuid, [u8; 16]),
) -> Result<(), Fault> {
    let Some(payee) = command.work.gives_back() else {
        return Ok(());
    };
    let owing = available(batch, payee)?.min(0).saturating_neg();
    let Some(rows) = batch.reserves.get_mut(&payee) else {
        return Ok(());
    };
    let (mut drawn, mut changed) = (0, Vec::new());
    for row in rows {
        let part = row.remaining.min(owing - drawn);
        if part > 0 {
            row.remaining -= part;
            drawn += part;
            changed.push(row.id);
        }
    }
    if drawn == 0 {
        return Ok(());
    }
    batch.new.drawn.extend(changed);
    let (party, currency) = payee;
    let lines = rules::reserve_release(party, drawn).map_err(Fault::internal)?;
    book(
        batch,
        command,
        EntryKind::ReserveDraw,
        currency,
        lines,
        fresh(),
    )
}

/// The reserve beside an available balance.
fn half(account: &Account) -> Option<Account> {
    match account {
        Account::Contributor { party, .. } => Some(Account::reserve(*party)),
        _ => None,
    }
}

fn available(batch: &Batch, (party, currency): Payee) -> Result<i64, Fault> {
    batch
        .balance(currency, &Account::available(party))
        .checked_neg()
        .ok_or_else(|| Fault::internal("I19: a balance has reached the end of its range"))
}

fn book(
    batch: &mut Batch,
    command: &Command,
    kind: EntryKind,
    currency: Currency,
    lines: rules::Lines,
    (id, salt): (Uuid, [u8; 16]),
) -> Result<(), Fault> {
    batch.book(Booking {
        id,
        kind,
        currency,
        at: command.at,
        request: &command.request,
        key: format!("{kind}:{id}"),
        links: Vec::new(),
        lines,
        salt,
    })?;
    Ok(())
}
