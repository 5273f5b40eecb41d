//! Later epochs of a revision: what explains their weights.

use std::collections::HashMap;

use diesel::prelude::*;
use schema::columns::Key;
use schema::db::Db;
use schema::on;
use schema::tables::{epoch_part, revision, revision_part};
use uuid::Uuid;

use crate::error::Fault;
use crate::store::revisions::{self, PartRow};

/// Kind of the job that weighs a revision again.
pub const REWEIGH: &str = "reweigh";

/// What a later epoch says of one part of its revision; rows and grade are those of the part.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = epoch_part)]
pub struct EpochPartRow {
    pub revision_id: Key,
    pub epoch: i32,
    pub contribution_id: Key,
    pub rows_unique: i64,
    pub rows_shared: i64,
    pub rows_late: i64,
    pub mass: String,
    pub detail: String,
}

impl EpochPartRow {
    /// The part as this epoch has it.
    #[must_use]
    pub fn of(part: PartRow, epoch: i32) -> Self {
        Self {
            revision_id: part.revision_id,
            epoch,
            contribution_id: part.contribution_id,
            rows_unique: part.rows_unique,
            rows_shared: part.rows_shared,
            rows_late: part.rows_late,
            mass: part.mass,
            detail: part.detail,
        }
    }

    fn onto(self, part: PartRow) -> PartRow {
        PartRow {
            rows_unique: self.rows_unique,
            rows_shared: self.rows_shared,
            rows_late: self.rows_late,
            mass: self.mass,
            detail: self.detail,
            ..part
        }
    }
}

/// Keeps what explains an epoch.
///
/// # Errors
/// The database's own.
pub fn insert_parts(db: &mut Db, parts: &[EpochPartRow]) -> Result<(), Fault> {
    for part in parts {
        on!(db, c => diesel::insert_into(epoch_part::table).values(part).execute(c))?;
    }
    Ok(())
}

/// What a later epoch says of the parts of its revision, by contribution; nothing of the first.
///
/// # Errors
/// The database's own.
pub fn later_parts(
    db: &mut Db,
    revision: Uuid,
    epoch: i32,
) -> Result<HashMap<Key, EpochPartRow>, Fault> {
    let rows: Vec<EpochPartRow> = on!(db, c => epoch_part::table
        .filter(epoch_part::revision_id.eq(Key(revision)))
        .filter(epoch_part::epoch.eq(epoch))
        .select(EpochPartRow::as_select())
        .load(c))?;
    Ok(rows
        .into_iter()
        .map(|row| (row.contribution_id, row))
        .collect())
}

/// The parts of a revision as an epoch weighed them, by receipt.
///
/// # Errors
/// The database's own.
pub fn parts(db: &mut Db, revision: Uuid, epoch: i32) -> Result<Vec<PartRow>, Fault> {
    let mut later = later_parts(db, revision, epoch)?;
    let parts = revisions::parts(db, revision)?.into_iter();
    let parts = parts.map(|part| match later.remove(&part.contribution_id) {
        Some(row) => row.onto(part),
        None => part,
    });
    Ok(parts.collect())
}

/// Current revisions in which one of these parties has a part.
///
/// # Errors
/// The database's own.
pub fn current_with(db: &mut Db, parties: &[Uuid]) -> Result<Vec<Uuid>, Fault> {
    let mut found = Vec::new();
    for some in parties.chunks(500) {
        let keys: Vec<Key> = some.iter().copied().map(Key).collect();
        let rows: Vec<(Key, Key)> = on!(db, c => revision_part::table
            .inner_join(revision::table.on(revision::id.eq(revision_part::revision_id)))
            .filter(revision_part::party_id.eq_any(&keys))
            .filter(revision::state.eq("published"))
            .select((revision::id, revision::dataset_id))
            .distinct()
            .load(c))?;
        for (id, dataset) in rows {
            let current = revisions::current(db, dataset.0)?;
            if current.is_some_and(|current| current.id == id) && !found.contains(&id.0) {
                found.push(id.0);
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}
