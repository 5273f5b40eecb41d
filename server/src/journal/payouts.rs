//! Booking a run of payouts: every line or none, in one transaction, with the bank's file.
//!
//! One entry per payee: available → tax withheld and in transit. A balance that no longer
//! covers what was approved refuses the whole run: what is paid is what was seen, and never
//! takes a balance below zero (I12). The file's sums are held against the entries (I20)
//! before anything is written.

use std::collections::{BTreeMap, HashMap, HashSet};

use ledger::account::{Account, Label};
use ledger::entry::Kind as EntryKind;
use ledger::money::{Currency, Money};
use ledger::rules::{self, Paid};
use schema::db::Db;
use uuid::Uuid;

use super::batch::{Batch, Booking};
use super::command::{Command, PayoutRun, Posted};
use crate::error::Fault;
use crate::store::payouts::{self, PayoutRow, run as runs, state};

/// Books a run.
///
/// # Errors
/// `payouts_not_open` when it is approved or replaced already, `payouts_changed` when a balance
/// no longer covers its line.
pub(super) fn run(
    db: &mut Db,
    mut batch: Batch,
    command: &Command,
    work: &PayoutRun,
    mut fresh: impl FnMut() -> (Uuid, [u8; 16]),
) -> Result<Posted, Fault> {
    let stored = payouts::batch(db, work.batch.id.0)?;
    if stored.state != runs::PROPOSED {
        return Err(not_open(&stored.state));
    }
    let mut lines = payouts::lines(db, stored.id)?;
    lines.retain(|line| line.state == state::PROPOSED);
    for line in &mut lines {
        let place = work.places.get(&line.id);
        line.block = place
            .cloned()
            .ok_or_else(|| Fault::internal("I20: a line of the run is not in the file"))?;
    }
    same_as_file(work, &lines)?;
    load(db, &mut batch, &lines)?;
    for line in &mut lines {
        book(&mut batch, command, line, fresh().1)?;
    }
    let ids = [stored.id.0];
    batch.answer(&command.request, &ids)?;
    batch.write(db)?;
    payouts::approve(db, &work.batch, &work.blocks)?;
    for line in &lines {
        payouts::update(db, line)?;
    }
    Ok(Posted {
        ids: ids.to_vec(),
        repeated: false,
    })
}

/// The fault of a run that waits for no approval.
pub(crate) fn not_open(state: &str) -> Fault {
    Fault::conflict(
        "payouts_not_open",
        format!("This run is {state}: only a proposed one can be approved. Nothing was booked."),
    )
}

/// I20: number and sum of every block are those of its lines.
fn same_as_file(work: &PayoutRun, lines: &[PayoutRow]) -> Result<(), Fault> {
    let mut sums: BTreeMap<(&str, &str), (i32, i64)> = BTreeMap::new();
    for line in lines {
        let sum = sums.entry((&line.block, &line.currency)).or_default();
        sum.0 += 1;
        sum.1 = sum
            .1
            .checked_add(line.net)
            .ok_or_else(|| Fault::internal("I19: a block leaves the 64-bit range"))?;
    }
    let file: BTreeMap<(&str, &str), (i32, i64)> = work
        .blocks
        .iter()
        .map(|b| {
            (
                (b.name.as_str(), b.currency.as_str()),
                (b.transfers, b.total),
            )
        })
        .collect();
    if sums == file {
        Ok(())
    } else {
        Err(Fault::internal(
            "I20: the file and the lines of the run differ",
        ))
    }
}

/// Who is paid what, as the ledger's rules take it.
pub(super) fn paid(line: &PayoutRow) -> Result<Paid, Fault> {
    Ok(Paid {
        party: line.party_id.0,
        gross: line.gross,
        withheld: line.withheld,
        jurisdiction: Label::new(&line.jurisdiction).map_err(Fault::internal)?,
    })
}

/// Accounts that lines of payouts touch.
pub(super) fn load<'a>(
    db: &mut Db,
    batch: &mut Batch,
    lines: impl IntoIterator<Item = &'a PayoutRow>,
) -> Result<(), Fault> {
    let mut wanted: HashMap<Currency, HashSet<Account>> = HashMap::new();
    for line in lines {
        let currency: Currency = line.currency.parse().map_err(Fault::internal)?;
        let paid = paid(line)?;
        wanted.entry(currency).or_default().extend([
            Account::available(paid.party),
            Account::TaxWithheld(paid.jurisdiction),
            Account::PayoutInTransit,
            super::plan::bank().map_err(Fault::internal)?,
        ]);
    }
    for (currency, accounts) in wanted {
        batch.load_accounts(db, currency, accounts)?;
    }
    Ok(())
}

fn book(
    batch: &mut Batch,
    command: &Command,
    line: &mut PayoutRow,
    salt: [u8; 16],
) -> Result<(), Fault> {
    let currency: Currency = line.currency.parse().map_err(Fault::internal)?;
    let account = Account::available(line.party_id.0);
    let balance = i128::from(batch.balance(currency, &account));
    if -balance < i128::from(line.gross) {
        return Err(changed(line, currency));
    }
    line.entry_seq = batch.book(Booking {
        id: line.id.0,
        kind: EntryKind::Payout,
        currency,
        at: command.at,
        request: &command.request,
        key: format!("payout:{}", line.id.0),
        links: vec![("batch", line.batch_id.0.to_string())],
        lines: rules::payout(&paid(line)?).map_err(Fault::internal)?,
        salt,
    })?;
    line.state = state::IN_TRANSIT.to_owned();
    line.period = Some(command.at.period.to_string());
    line.changed_at = command.at.now.into();
    Ok(())
}

fn changed(line: &PayoutRow, currency: Currency) -> Fault {
    Fault::conflict(
        "payouts_changed",
        format!(
            "The balance of party {} no longer covers {}: something was given back since the \
             proposal. Nothing was booked; propose the payouts again.",
            line.party_id.0,
            Money::new(line.gross, currency)
        ),
    )
}
