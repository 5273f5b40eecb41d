//! Adjustments: a correction that one operator proposed and another approves.

use std::collections::HashSet;

use ledger::account::Account;
use ledger::entry::Kind as EntryKind;
use ledger::json::Hash;
use ledger::money::Currency;
use ledger::rules::{Adjustment, Approved};
use schema::columns::Key;
use schema::db::Db;
use uuid::Uuid;

use super::batch::{Batch, Booking};
use super::command::{Command, Posted};
use super::plan::out_of_range;
use crate::error::Fault;
use crate::store::adjustments::{self, AdjustmentRow, MoveRow};
use crate::store::{journal as rows, pools};

/// Reads a proposal as the ledger's rule does, with a second person to stand for it.
///
/// # Errors
/// `invalid` naming the line, the reason or the approver.
pub fn checked(row: &AdjustmentRow, second: Uuid) -> Result<Approved, Fault> {
    let mut lines = Vec::new();
    for line in row.lines()? {
        let account: Account = line
            .account
            .parse()
            .map_err(|error| Fault::invalid("lines", format!("{error}.")))?;
        if let Account::Contributor { .. } = account {
            return Err(Fault::invalid(
                "lines",
                "Contributors are corrected through their pool, so that everybody's share of it \
                 stays what it was: post to Liabilities:Pool instead.",
            ));
        }
        lines.push((account, line.minor));
    }
    Adjustment {
        lines,
        reason: row.reason.clone(),
        approvers: [row.proposed_by.0, second],
        corrects: row.corrects.0,
    }
    .approve()
    .map_err(|error| Fault::invalid("lines", format!("{error}.")))
}

/// Books a proposal that the asker approves.
///
/// # Errors
/// `adjustment_approved`, `own_proposal`, what the ledger refuses, or the database.
pub(super) fn run(
    db: &mut Db,
    mut batch: Batch,
    command: &Command,
    id: Key,
    fresh: &mut impl FnMut() -> (Uuid, [u8; 16]),
) -> Result<Posted, Fault> {
    let mut row = adjustments::find(db, id.0)?;
    if row.approved_by.is_some() {
        return Err(Fault::conflict(
            "adjustment_approved",
            "Somebody has approved it before; it is booked once.",
        ));
    }
    let approved = checked(&row, command.request.party)?;
    let currency: Currency = row.currency.parse().map_err(Fault::internal)?;
    let accounts: HashSet<Account> = approved.lines.iter().map(|(a, _)| a.clone()).collect();
    batch.load_accounts(db, currency, accounts)?;
    for (revision, epoch, net) in approved.pools() {
        let number = i32::try_from(epoch).map_err(Fault::internal)?;
        pools::epoch_digest(db, revision, number)?;
        let key = (revision, number, currency);
        batch.load_pool(db, key)?;
        let mut pool = batch.pool(key);
        pool.add(net).map_err(out_of_range)?;
        batch.set_pool(key, pool);
    }
    let (_, salt) = fresh();
    row.entry_seq = batch.book(Booking {
        id: id.0,
        kind: EntryKind::Adjustment,
        currency,
        at: command.at,
        request: &command.request,
        key: command.request.key.clone(),
        links: vec![
            ("approved_by", command.request.party.to_string()),
            ("corrects", row.corrects.0.to_string()),
            ("proposed_by", row.proposed_by.0.to_string()),
            (
                "reason_sha256",
                Hash::of(&[row.reason.as_bytes()]).to_string(),
            ),
        ],
        lines: approved.lines.clone(),
        salt,
    })?;
    row.approved_by = Some(Key(command.request.party));
    row.approved_at = Some(command.at.now.into());
    batch.write(db)?;
    let corrected = rows::entry_by_id(db, row.corrects.0)?;
    adjustments::approve(db, &row, &moves(&row, &approved, &corrected.period)?)?;
    Ok(Posted {
        ids: vec![id.0],
        repeated: false,
    })
}

/// What it moves in pools, one row per pool.
fn moves(row: &AdjustmentRow, approved: &Approved, period: &str) -> Result<Vec<MoveRow>, Fault> {
    let mut moves: Vec<MoveRow> = Vec::new();
    for (revision, epoch, net) in approved.pools() {
        let epoch = i32::try_from(epoch).map_err(Fault::internal)?;
        let key = |m: &&mut MoveRow| m.revision_id.0 == revision && m.epoch == epoch;
        if let Some(known) = moves.iter_mut().find(key) {
            known.net = known.net.saturating_add(net);
            continue;
        }
        moves.push(MoveRow {
            adjustment_id: row.id,
            revision_id: Key(revision),
            epoch,
            period_of: period.to_owned(),
            net,
            book: row.currency.clone(),
            entry_seq: row.entry_seq,
        });
    }
    Ok(moves)
}
