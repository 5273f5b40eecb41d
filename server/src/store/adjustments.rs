//! Corrections of the journal, as proposed and as approved.

use diesel::prelude::*;
use schema::columns::{Key, When};
use schema::db::Db;
use schema::on;
use schema::tables::{adjustment, adjustment_move};
use schema::wire::{AdjustmentLine, AdjustmentView};
use uuid::Uuid;

use super::journal::{entry_by_id, entry_name, insert_all};
use crate::error::Fault;

/// A row of `adjustment`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = adjustment)]
#[diesel(treat_none_as_default_value = false)]
pub struct AdjustmentRow {
    /// Identifier; also that of its entry.
    pub id: Key,
    /// Currency of its lines.
    pub currency: String,
    /// Its lines, JSON.
    pub lines: String,
    /// Why.
    pub reason: String,
    /// Entry it corrects.
    pub corrects: Key,
    /// Who proposed it.
    pub proposed_by: Key,
    /// When.
    pub proposed_at: When,
    /// Who approved it: somebody else.
    pub approved_by: Option<Key>,
    /// When.
    pub approved_at: Option<When>,
    /// Number of its entry; 0 while it is only proposed.
    pub entry_seq: i64,
}

impl AdjustmentRow {
    /// Its lines.
    pub fn lines(&self) -> Result<Vec<AdjustmentLine>, Fault> {
        serde_json::from_str(&self.lines).map_err(Fault::internal)
    }

    /// As operators see it.
    pub fn view(&self, db: &mut Db) -> Result<AdjustmentView, Fault> {
        let corrected = entry_by_id(db, self.corrects.0)?;
        Ok(AdjustmentView {
            id: self.id.0,
            currency: self.currency.clone(),
            lines: self.lines()?,
            reason: self.reason.clone(),
            corrects: entry_name(&corrected.book, corrected.seq),
            proposed_by: self.proposed_by.0,
            proposed_at: self.proposed_at.into(),
            approved_by: self.approved_by.map(|party| party.0),
            approved_at: self.approved_at.map(Into::into),
            entry: entry_name(&self.currency, self.entry_seq),
        })
    }
}

/// A row of `adjustment_move`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = adjustment_move)]
#[diesel(treat_none_as_default_value = false)]
pub struct MoveRow {
    /// Correction.
    pub adjustment_id: Key,
    /// Revision of the pool.
    pub revision_id: Key,
    /// Its epoch.
    pub epoch: i32,
    /// Period of the entry that is corrected.
    pub period_of: String,
    /// Added to the pool.
    pub net: i64,
    /// Book of the entry.
    pub book: String,
    /// Number of the entry.
    pub entry_seq: i64,
}

/// Writes a proposal.
pub fn insert(db: &mut Db, row: &AdjustmentRow) -> Result<(), Fault> {
    on!(db, c => diesel::insert_into(adjustment::table).values(row).execute(c))?;
    Ok(())
}

/// Keeps an approval with what it moved.
pub fn approve(db: &mut Db, row: &AdjustmentRow, moves: &[MoveRow]) -> Result<(), Fault> {
    on!(db, c => diesel::update(adjustment::table.find(row.id))
        .set((
            adjustment::approved_by.eq(row.approved_by),
            adjustment::approved_at.eq(row.approved_at),
            adjustment::entry_seq.eq(row.entry_seq),
        ))
        .execute(c))?;
    insert_all!(db, adjustment_move::table, moves);
    Ok(())
}

/// One correction.
pub fn find(db: &mut Db, id: Uuid) -> Result<AdjustmentRow, Fault> {
    Ok(on!(db, c => adjustment::table
        .find(Key(id))
        .select(AdjustmentRow::as_select())
        .first(c))?)
}

/// Corrections, newest first, older than `before`.
pub fn list(db: &mut Db, before: Uuid, limit: i64) -> Result<Vec<AdjustmentRow>, Fault> {
    Ok(on!(db, c => adjustment::table
        .filter(adjustment::id.lt(Key(before)))
        .order(adjustment::id.desc())
        .limit(limit)
        .select(AdjustmentRow::as_select())
        .load(c))?)
}

/// What corrections added to a pool between two entries, by the period they are about:
/// period, how many, net.
pub fn between(
    db: &mut Db,
    (revision, epoch): (Key, i32),
    book: &str,
    (after, until): (i64, i64),
) -> Result<Vec<(String, i64, i64)>, Fault> {
    let count = diesel::dsl::sql::<diesel::sql_types::BigInt>("CAST(COUNT(*) AS BIGINT)");
    let net = diesel::dsl::sql::<diesel::sql_types::BigInt>("CAST(SUM(net) AS BIGINT)");
    Ok(on!(db, c => adjustment_move::table
        .filter(adjustment_move::revision_id.eq(revision).and(adjustment_move::epoch.eq(epoch)))
        .filter(adjustment_move::book.eq(book))
        .filter(adjustment_move::entry_seq.gt(after).and(adjustment_move::entry_seq.lt(until)))
        .group_by(adjustment_move::period_of)
        .order(adjustment_move::period_of)
        .select((adjustment_move::period_of, count, net))
        .load(c))?)
}
