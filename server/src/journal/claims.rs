//! Accounts that hold what claimed rows earn, and to whom they pass it on.
//!
//! A settlement credits such an account like any contributor. Once its claim is decided, every
//! settlement passes on what it holds: also what comes later on epochs of before, and what a
//! refund takes back. What stays with it is its residue, less than a minor unit.

use std::collections::{BTreeMap, HashMap, HashSet};

use ledger::account::Account;
use ledger::entry::Kind as EntryKind;
use ledger::money::Currency;
use ledger::rules;
use schema::columns::Key;
use schema::db::Db;
use uuid::Uuid;

use super::batch::{Batch, Booking};
use super::command::{Command, DecideClaim};
use super::reserves::Payee;
use crate::error::Fault;
use crate::store::claims::{self, ReleaseRow};
use crate::store::{counters, epochs, jobs, journal, revisions};

/// Keeps a verdict and asks for a new epoch; answers the accounts that hold for the claim.
///
/// # Errors
/// `claim_not_open`, `not_found`, or the database's own.
pub(super) fn decide(
    db: &mut Db,
    command: &Command,
    work: &DecideClaim,
) -> Result<HashSet<Uuid>, Fault> {
    // No revision gets its mark meanwhile: it would not know the verdict.
    counters::hold(db, counters::RECEIPT)?;
    let mut row = claims::find(db, work.claim.0)?;
    if row.state != claims::OPEN {
        return Err(Fault::conflict(
            "claim_not_open",
            "Only a claim that is open is decided. Nothing was booked.",
        ));
    }
    let now = command.at.now;
    work.state.clone_into(&mut row.state);
    row.decided_by = Some(Key(command.request.party));
    row.decided_at = Some(now.into());
    row.decided_because = Some(work.because.clone());
    claims::update(db, &row)?;
    if let Some(current) = revisions::current(db, row.dataset_id.0)? {
        jobs::enqueue(
            db,
            work.job,
            epochs::REWEIGH,
            &current.id.0.to_string(),
            now,
        )?;
    }
    let parts = claims::parts(db, row.id)?.into_iter();
    Ok(parts.filter_map(|part| Some(part.suspense_id?.0)).collect())
}

/// Every account that holds, and what is passed on.
pub(super) struct Held {
    accounts: Vec<claims::Held>,
    released: Vec<ReleaseRow>,
}

impl Held {
    /// Reads what accounts there are.
    pub(super) fn load(db: &mut Db) -> Result<Self, Fault> {
        Ok(Self {
            accounts: claims::held(db)?,
            released: Vec::new(),
        })
    }

    /// Adds the accounts it may touch to those that are loaded.
    pub(super) fn accounts(
        &self,
        db: &mut Db,
        wanted: &mut HashMap<Currency, HashSet<Account>>,
    ) -> Result<(), Fault> {
        for held in &self.accounts {
            let Some(winner) = held.winner() else {
                continue;
            };
            let account = Account::available(held.account);
            for row in journal::accounts_named(db, &account.to_string())? {
                let currency: Currency = row.book.parse().map_err(Fault::internal)?;
                if row.balance != 0 {
                    wanted.entry(currency).or_default().insert(account.clone());
                }
            }
            for accounts in wanted.values_mut() {
                if accounts.contains(&account) {
                    accounts.insert(Account::available(winner));
                }
            }
        }
        Ok(())
    }

    /// Passes on what the accounts of decided claims hold, and takes them all out of `credits`:
    /// nothing is reserved of what is held, and of what is passed on as of any credit.
    pub(super) fn pass_on(
        &mut self,
        batch: &mut Batch,
        command: &Command,
        credits: &mut BTreeMap<Payee, i64>,
        fresh: &mut impl FnMut() -> (Uuid, [u8; 16]),
    ) -> Result<(), Fault> {
        let holding: HashSet<Uuid> = self.accounts.iter().map(|held| held.account).collect();
        credits.retain(|(party, _), _| !holding.contains(party));
        for held in &self.accounts {
            let Some(winner) = held.winner() else {
                continue;
            };
            for currency in batch.currencies() {
                let balance = batch.balance(currency, &Account::available(held.account));
                let minor = balance
                    .checked_neg()
                    .ok_or_else(|| Fault::internal("I19: a balance has reached its end"))?;
                if minor == 0 {
                    continue;
                }
                let (id, salt) = fresh();
                let lines = rules::claim_release(held.account, winner, minor);
                let entry_seq = batch.book(Booking {
                    id,
                    kind: EntryKind::ClaimRelease,
                    currency,
                    at: command.at,
                    request: &command.request,
                    key: format!("claim_release:{id}"),
                    links: vec![
                        ("claim", held.claim.id.0.to_string()),
                        ("contribution", held.part.contribution_id.0.to_string()),
                    ],
                    lines: lines.map_err(Fault::internal)?,
                    salt,
                })?;
                let credit = credits.entry((winner, currency)).or_default();
                *credit = credit.saturating_add(minor);
                self.released.push(ReleaseRow {
                    entry_id: Key(id),
                    claim_id: held.claim.id,
                    contribution_id: held.part.contribution_id,
                    party_id: Key(winner),
                    amount: minor,
                    period: command.at.period.to_string(),
                    book: currency.code().to_owned(),
                    entry_seq,
                });
            }
        }
        Ok(())
    }

    /// Writes what was passed on.
    pub(super) fn write(self, db: &mut Db) -> Result<(), Fault> {
        claims::insert_releases(db, &self.released)
    }
}
