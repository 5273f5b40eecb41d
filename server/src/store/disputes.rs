//! Disputes about orders, and what they moved.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use schema::columns::{Key, When};
use schema::db::Db;
use schema::on;
use schema::tables::{dataset, dispute, dispute_move, epoch_share, orders, revision};
use schema::wire::{Amount, DisputeView};
use uuid::Uuid;

use super::journal::insert_all;
use crate::error::Fault;

/// Held until it is decided.
pub const OPEN: &str = "open";
/// The node keeps the payment.
pub const WON: &str = "won";
/// The payer keeps it.
pub const LOST: &str = "lost";

/// A row of `dispute`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = dispute)]
#[diesel(treat_none_as_default_value = false)]
pub struct DisputeRow {
    /// Identifier; also that of the entry that opened it.
    pub id: Key,
    /// The order; none when it is about money in a wallet.
    pub order_id: Option<Key>,
    /// Book of its entries.
    pub book: String,
    /// What the payer's bank took.
    pub amount: i64,
    /// The part of it that counts towards what is given back of the order.
    pub of_order: i64,
    /// [`OPEN`], [`WON`] or [`LOST`].
    pub state: String,
    /// What the bank says.
    pub reason: String,
    /// When.
    pub opened_at: When,
    /// When it was decided.
    pub decided_at: Option<When>,
}

impl DisputeRow {
    /// As operators see it.
    #[must_use]
    pub fn view(&self) -> DisputeView {
        let amount = |minor| Amount {
            minor,
            currency: self.book.clone(),
        };
        DisputeView {
            id: self.id.0,
            order_id: self.order_id.map(|id| id.0),
            amount: amount(self.amount),
            above: amount(self.amount.saturating_sub(self.of_order)),
            state: self.state.clone(),
            reason: self.reason.clone(),
            opened_at: self.opened_at.into(),
            decided_at: self.decided_at.map(Into::into),
        }
    }
}

/// A row of `dispute_move`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = dispute_move)]
#[diesel(treat_none_as_default_value = false)]
pub struct MoveRow {
    /// Identifier; also that of its entry.
    pub id: Key,
    /// Dispute.
    pub dispute_id: Key,
    /// Order.
    pub order_id: Key,
    /// Period booked in.
    pub period: String,
    /// Taken from the order; negative when it came back.
    pub amount: i64,
    /// Part of it from the fee.
    pub fee: i64,
    /// Part of it from the tax.
    pub tax: i64,
    /// Part of it from the commission.
    pub commission: i64,
    /// Part of it from the pool.
    pub net: i64,
    /// Book of the entry.
    pub book: String,
    /// Number of the entry.
    pub entry_seq: i64,
    /// When.
    pub created_at: When,
}

/// Writes new disputes.
pub fn insert(db: &mut Db, rows: &[DisputeRow]) -> Result<(), Fault> {
    insert_all!(db, dispute::table, rows);
    Ok(())
}

/// Writes what disputes moved.
pub fn insert_moves(db: &mut Db, rows: &[MoveRow]) -> Result<(), Fault> {
    insert_all!(db, dispute_move::table, rows);
    Ok(())
}

/// Keeps a verdict.
pub fn decide(db: &mut Db, row: &DisputeRow) -> Result<(), Fault> {
    on!(db, c => diesel::update(dispute::table.find(row.id))
        .set((dispute::state.eq(&row.state), dispute::decided_at.eq(row.decided_at)))
        .execute(c))?;
    Ok(())
}

/// One dispute.
pub fn find(db: &mut Db, id: Uuid) -> Result<DisputeRow, Fault> {
    Ok(on!(db, c => dispute::table.find(Key(id)).select(DisputeRow::as_select()).first(c))?)
}

/// Every dispute about these orders.
pub fn of_orders(db: &mut Db, orders: &[Key]) -> Result<Vec<DisputeRow>, Fault> {
    let mut found = Vec::new();
    for some in orders.chunks(4_000) {
        let rows: Vec<DisputeRow> = on!(db, c => dispute::table
            .filter(dispute::order_id.eq_any(some))
            .order(dispute::id)
            .select(DisputeRow::as_select())
            .load(c))?;
        found.extend(rows);
    }
    Ok(found)
}

/// What disputes about these orders took of them when they were opened.
pub fn opening_moves(db: &mut Db, orders: &[Key]) -> Result<Vec<MoveRow>, Fault> {
    let mut found = Vec::new();
    for some in orders.chunks(4_000) {
        let rows: Vec<MoveRow> = on!(db, c => dispute_move::table
            .filter(dispute_move::order_id.eq_any(some).and(dispute_move::amount.gt(0)))
            .select(MoveRow::as_select())
            .load(c))?;
        found.extend(rows);
    }
    Ok(found)
}

/// Disputes, newest first, older than `before`.
pub fn list(db: &mut Db, before: Uuid, limit: i64) -> Result<Vec<DisputeRow>, Fault> {
    Ok(on!(db, c => dispute::table
        .filter(dispute::id.lt(Key(before)))
        .order(dispute::id.desc())
        .limit(limit)
        .select(DisputeRow::as_select())
        .load(c))?)
}

/// A dispute as those see it whose income it holds back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Affecting {
    /// Slug of the dataset.
    pub dataset: String,
    /// Its title.
    pub title: String,
    /// Number of the revision.
    pub revision: i32,
    /// Taken from the contributors' pool when it was opened.
    pub from_pool: Amount,
    /// [`OPEN`], [`WON`] or [`LOST`].
    pub state: String,
    /// When.
    pub opened_at: DateTime<Utc>,
}

/// Most that are told.
const TOLD: i64 = 50;

/// The latest disputes about sales that a party earned from, newest first.
pub fn affecting(db: &mut Db, party: Key) -> Result<Vec<Affecting>, Fault> {
    let columns = (
        dispute::id,
        dataset::slug,
        dataset::title,
        revision::number,
        dispute::book,
        dispute::state,
        dispute::opened_at,
    );
    type Row = (Key, String, String, i32, String, String, When);
    macro_rules! sold {
        () => {
            dispute::table
                .inner_join(orders::table.on(dispute::order_id.eq(orders::id.nullable())))
                .inner_join(dataset::table.on(dataset::id.eq(orders::dataset_id)))
                .inner_join(revision::table.on(revision::id.eq(orders::revision_id)))
                .order(dispute::id.desc())
                .limit(TOLD)
        };
    }
    let owned: Vec<Row> = on!(db, c => sold!()
        .filter(dataset::owner_id.eq(party))
        .select(columns)
        .load(c))?;
    let shared: Vec<Row> = on!(db, c => sold!()
        .inner_join(epoch_share::table.on(epoch_share::revision_id.eq(orders::revision_id)
            .and(epoch_share::epoch.eq(orders::epoch))))
        .filter(epoch_share::party_id.eq(party).and(epoch_share::share.gt(0)))
        .select(columns)
        .load(c))?;
    let mut rows = [owned, shared].concat();
    rows.sort_by_key(|row| std::cmp::Reverse(row.0));
    rows.dedup_by_key(|row| row.0);
    let ids: Vec<Key> = rows.iter().map(|row| row.0).collect();
    let taken: Vec<(Key, i64)> = on!(db, c => dispute_move::table
        .filter(dispute_move::dispute_id.eq_any(&ids).and(dispute_move::amount.gt(0)))
        .select((dispute_move::dispute_id, dispute_move::net))
        .load(c))?;
    let taken: std::collections::HashMap<Key, i64> = taken.into_iter().collect();
    let view = |(id, dataset, title, revision, currency, state, opened_at): Row| Affecting {
        dataset,
        title,
        revision,
        from_pool: Amount {
            minor: taken.get(&id).copied().unwrap_or(0),
            currency,
        },
        state,
        opened_at: opened_at.into(),
    };
    Ok(rows.into_iter().map(view).collect())
}

/// Every dispute, for the verifier.
pub fn all(db: &mut Db) -> Result<Vec<DisputeRow>, Fault> {
    Ok(on!(db, c => dispute::table
        .order(dispute::id)
        .select(DisputeRow::as_select())
        .load(c))?)
}
