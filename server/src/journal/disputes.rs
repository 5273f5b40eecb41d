//! Disputes about orders: what is disputed leaves the legs of the sale at once and waits on
//! hold; what lies above the payment is the node's loss, never the pool's.

use ledger::account::Account;
use ledger::entry::Kind as EntryKind;
use ledger::plan::Legs;
use ledger::refund::{dispute, won};
use ledger::rules;
use schema::columns::Key;
use uuid::Uuid;

use super::batch::{Batch, Booking};
use super::command::{Command, DisputeEnd, DisputeOpen};
use super::plan::{accounts_of, bank, give_back, legs_of, out_of_range, payer_of};
use crate::error::Fault;
use crate::store::disputes::{DisputeRow, LOST, MoveRow, OPEN, WON};
use crate::store::orders::OrderRow;

/// Where the money of an order is taken back from: the provider it came through, or else the
/// bank.
fn taken_by(batch: &Batch, order: &OrderRow) -> Result<Account, Fault> {
    Ok(match payer_of(batch, order)? {
        Account::Wallet(_) => bank()?,
        provider => provider,
    })
}

/// Whether all of an order is given back for good: what is still disputed may come back.
pub(super) fn gone(batch: &Batch, order: &OrderRow) -> bool {
    let mine = batch.disputes.values();
    let open: i64 = mine
        .filter(|row| row.order_id == Some(order.id) && row.state == OPEN)
        .map(|row| row.of_order)
        .sum();
    order.refunded - open == order.gross
}

pub(super) fn open(
    batch: &mut Batch,
    command: &Command,
    work: &DisputeOpen,
    salt: [u8; 16],
) -> Result<Uuid, Fault> {
    let mut order = batch
        .orders
        .get(&work.order)
        .cloned()
        .ok_or_else(Fault::missing)?;
    if order.currency != work.currency.code() {
        let detail = format!("The order was paid in {}: name {0}.", order.currency);
        return Err(Fault::invalid("amount", detail));
    }
    if order.gross == 0 {
        return Err(Fault::invalid("order_id", "The order moved no money."));
    }
    let taken = dispute(legs_of(&order)?, order.refunded, work.minor)
        .map_err(|error| Fault::invalid("amount", format!("{error}.")))?;
    let key = (order.revision_id.0, order.epoch, work.currency);
    let mut pool = batch.pool(key);
    pool.add(-taken.legs.net).map_err(out_of_range)?;
    let sale = accounts_of(&order, work.owner, payer_of(batch, &order)?)?;
    let lines = rules::dispute_open(rules::legs_taken(&sale, taken.legs), taken.above)
        .map_err(Fault::internal)?;
    let seq = batch.book(Booking {
        id: work.id,
        kind: EntryKind::DisputeOpen,
        currency: work.currency,
        at: command.at,
        request: &command.request,
        key: command.request.key.clone(),
        links: vec![("order", order.id.0.to_string())],
        lines,
        salt,
    })?;
    batch.set_pool(key, pool);
    give_back(&mut order, taken.within, taken.legs, 1);
    let row = DisputeRow {
        id: Key(work.id),
        order_id: Some(order.id),
        book: work.currency.code().to_owned(),
        amount: work.minor,
        of_order: taken.within,
        state: OPEN.to_owned(),
        reason: work.reason.clone(),
        opened_at: command.at.now.into(),
        decided_at: None,
    };
    if taken.within > 0 {
        let part = moved(
            command,
            work.id,
            &row,
            &order,
            (taken.within, taken.legs),
            seq,
        );
        batch.new.moves.push(part);
    }
    batch.new.disputes.push(row.id);
    batch.disputes.insert(row.id, row);
    batch.new.refunded.insert(order.id);
    batch.orders.insert(order.id, order);
    Ok(work.id)
}

pub(super) fn end(
    batch: &mut Batch,
    command: &Command,
    work: &DisputeEnd,
    salt: [u8; 16],
) -> Result<Uuid, Fault> {
    let mut row = batch
        .disputes
        .get(&work.dispute)
        .cloned()
        .ok_or_else(Fault::missing)?;
    if row.state != OPEN {
        return Err(Fault::conflict(
            "dispute_closed",
            format!("The dispute was {} before. Nothing was booked.", row.state),
        ));
    }
    let mut order = batch
        .orders
        .get(&work.order)
        .cloned()
        .ok_or_else(Fault::missing)?;
    let key = (order.revision_id.0, order.epoch, work.currency);
    let mut pool = batch.pool(key);
    let within = row.of_order;
    let (kind, lines, back) = if work.won {
        let back = won(legs_of(&order)?, order.refunded, within).map_err(Fault::internal)?;
        pool.add(back.net).map_err(out_of_range)?;
        let sale = accounts_of(&order, work.owner, payer_of(batch, &order)?)?;
        let lines = rules::dispute_won(rules::legs_taken(&sale, back), row.amount - within);
        (EntryKind::DisputeWon, lines, back)
    } else {
        let lines = rules::dispute_lost(taken_by(batch, &order)?, row.amount);
        (EntryKind::DisputeLost, lines, Legs::default())
    };
    let seq = batch.book(Booking {
        id: work.id,
        kind,
        currency: work.currency,
        at: command.at,
        request: &command.request,
        key: command.request.key.clone(),
        links: vec![
            ("dispute", row.id.0.to_string()),
            ("order", order.id.0.to_string()),
        ],
        lines: lines.map_err(Fault::internal)?,
        salt,
    })?;
    batch.set_pool(key, pool);
    row.state = if work.won { WON } else { LOST }.to_owned();
    row.decided_at = Some(command.at.now.into());
    if work.won && within > 0 {
        give_back(&mut order, within, back, -1);
        let negative = back.to_array().map(|leg| -leg);
        let back = (-within, Legs::from_array(negative));
        let part = moved(command, work.id, &row, &order, back, seq);
        batch.new.moves.push(part);
        batch.new.refunded.insert(order.id);
    }
    batch.new.decided.insert(row.id);
    batch.disputes.insert(row.id, row);
    if !work.won {
        lose(batch, command, work, &order);
    }
    batch.orders.insert(order.id, order);
    Ok(work.id)
}

/// What is lost has its credit note, and ends the licence when nothing is left.
fn lose(batch: &mut Batch, command: &Command, work: &DisputeEnd, order: &OrderRow) {
    batch.documents.lost(work.dispute, Key(work.id));
    if gone(batch, order) {
        let reason = "A dispute about the payment was lost: all of it is given back.".to_owned();
        let at = command.at.now.into();
        batch.new.revocations.push((order.id, at, reason));
    }
}

fn moved(
    command: &Command,
    id: Uuid,
    of: &DisputeRow,
    order: &OrderRow,
    (amount, legs): (i64, Legs),
    entry_seq: i64,
) -> MoveRow {
    MoveRow {
        id: Key(id),
        dispute_id: of.id,
        order_id: order.id,
        period: command.at.period.to_string(),
        amount,
        fee: legs.fee,
        tax: legs.tax,
        commission: legs.commission,
        net: legs.net,
        book: of.book.clone(),
        entry_seq,
        created_at: command.at.now.into(),
    }
}
