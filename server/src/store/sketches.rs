//! Sketches of contributions, the index of their keyed hashes, and what was found with it.

use diesel::prelude::*;
use schema::columns::{Key, When};
use schema::db::Db;
use schema::on;
use schema::tables::{contribution, overlap, sketch, sketch_entry};
use uuid::Uuid;

use crate::error::Fault;

/// Hashes asked for, or written, in one statement.
const AT_ONCE: usize = 2_000;

/// A sketch as stored: how far it reaches, not what is in it.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = sketch)]
#[diesel(treat_none_as_default_value = false)]
pub struct SketchRow {
    pub contribution_id: Key,
    pub kind: String,
    /// Place of the column in the contract; 0 for rows and keys.
    pub place: i32,
    pub members: i64,
    /// The greatest hash kept, halved so that it fits; absent when all were kept.
    pub bound: Option<i64>,
}

/// A keyed hash, under the contribution that brought it to the dataset first.
#[derive(Debug, Clone, Copy, Queryable, Selectable, Insertable)]
#[diesel(table_name = sketch_entry)]
#[diesel(treat_none_as_default_value = false)]
pub struct EntryRow {
    pub hash: i64,
    pub dataset_id: Key,
    pub contribution_id: Key,
}

/// How much of a contribution stands in a dataset of another owner.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = overlap)]
#[diesel(treat_none_as_default_value = false)]
pub struct OverlapRow {
    pub contribution_id: Key,
    pub dataset_id: Key,
    pub measure: String,
    pub share_ppm: i32,
    pub margin_ppm: i32,
    pub first_receipt: i64,
    /// Names of own columns, as a JSON list.
    pub detail: String,
    pub gate: bool,
    pub cleared_by: Option<Key>,
    pub cleared_at: Option<When>,
    pub cleared_because: Option<String>,
}

/// Where hashes stand: at most one entry per hash and dataset, whatever number of contributions
/// these have.
///
/// # Errors
/// The database's own.
pub fn entries(db: &mut Db, hashes: &[i64]) -> Result<Vec<EntryRow>, Fault> {
    let mut found = Vec::new();
    for some in hashes.chunks(AT_ONCE) {
        let rows: Vec<EntryRow> = on!(db, c => sketch_entry::table
            .filter(sketch_entry::hash.eq_any(some))
            .order((sketch_entry::hash.asc(), sketch_entry::dataset_id.asc()))
            .select(EntryRow::as_select())
            .load(c))?;
        found.extend(rows);
    }
    Ok(found)
}

/// How far the sketches of one kind reach, of some contributions.
///
/// # Errors
/// The database's own.
pub fn bounds(
    db: &mut Db,
    contributions: &[Key],
    kind: &str,
) -> Result<Vec<(Key, Option<i64>)>, Fault> {
    let mut found = Vec::new();
    for some in contributions.chunks(AT_ONCE) {
        let rows: Vec<(Key, Option<i64>)> = on!(db, c => sketch::table
            .filter(sketch::contribution_id.eq_any(some))
            .filter(sketch::kind.eq(kind))
            .select((sketch::contribution_id, sketch::bound))
            .load(c))?;
        found.extend(rows);
    }
    Ok(found)
}

/// Keeps the sketches of a contribution, and its hashes where the dataset has none yet.
///
/// # Errors
/// The database's own.
pub fn insert(db: &mut Db, sketches: &[SketchRow], entries: &[EntryRow]) -> Result<(), Fault> {
    for some in sketches.chunks(AT_ONCE) {
        on!(db, c => diesel::insert_into(sketch::table).values(some).execute(c))?;
    }
    for some in entries.chunks(AT_ONCE) {
        on!(db, c => diesel::insert_into(sketch_entry::table)
            .values(some)
            .on_conflict_do_nothing()
            .execute(c))?;
    }
    Ok(())
}

/// Keeps what was found.
///
/// # Errors
/// The database's own.
pub fn insert_overlaps(db: &mut Db, rows: &[OverlapRow]) -> Result<(), Fault> {
    for some in rows.chunks(AT_ONCE) {
        on!(db, c => diesel::insert_into(overlap::table).values(some).execute(c))?;
    }
    Ok(())
}

/// What was found for a contribution, the largest share first.
///
/// # Errors
/// The database's own.
pub fn overlaps(db: &mut Db, contribution: Uuid) -> Result<Vec<OverlapRow>, Fault> {
    let rows = on!(db, c => overlap::table
        .filter(overlap::contribution_id.eq(Key(contribution)))
        .order((
            overlap::gate.desc(),
            overlap::share_ppm.desc(),
            overlap::first_receipt.asc(),
            overlap::measure.asc(),
            overlap::dataset_id.asc(),
        ))
        .select(OverlapRow::as_select())
        .load(c))?;
    Ok(rows)
}

/// What keeps a dataset from being published: uncleared gates of its accepted contributions,
/// by receipt.
///
/// # Errors
/// The database's own.
pub fn gates(db: &mut Db, dataset: Uuid) -> Result<Vec<(OverlapRow, Option<i64>)>, Fault> {
    let rows = on!(db, c => overlap::table
        .inner_join(contribution::table.on(contribution::id.eq(overlap::contribution_id)))
        .filter(contribution::dataset_id.eq(Key(dataset)))
        .filter(contribution::state.eq("accepted"))
        .filter(overlap::gate.eq(true))
        .filter(overlap::cleared_at.is_null())
        .order((contribution::receipt_no.asc(), overlap::share_ppm.desc()))
        .select((OverlapRow::as_select(), contribution::receipt_no))
        .load(c))?;
    Ok(rows)
}

/// Clears the gates of a contribution; answers how many stood.
///
/// # Errors
/// The database's own.
pub fn clear(
    db: &mut Db,
    contribution: Uuid,
    by: Uuid,
    at: When,
    because: &str,
) -> Result<usize, Fault> {
    let cleared = on!(db, c => diesel::update(overlap::table
            .filter(overlap::contribution_id.eq(Key(contribution)))
            .filter(overlap::gate.eq(true))
            .filter(overlap::cleared_at.is_null()))
        .set((
            overlap::cleared_by.eq(Key(by)),
            overlap::cleared_at.eq(at),
            overlap::cleared_because.eq(because),
        ))
        .execute(c))?;
    Ok(cleared)
}
