//! Which parties are one entity: linked by the operator, never forgotten.

use std::collections::HashMap;

use diesel::prelude::*;
use schema::columns::{Key, When};
use schema::db::Db;
use schema::on;
use schema::tables::entity_link;
use uuid::Uuid;

use crate::error::Fault;

/// A party's link to its entity, in force until it ended.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = entity_link)]
pub struct LinkRow {
    pub id: Key,
    pub party_id: Key,
    pub entity_id: Key,
    pub reason: String,
    pub linked_by: Key,
    pub linked_at: When,
    pub ended_at: Option<When>,
    pub ended_because: Option<String>,
}

/// The links in force, by entity and time.
///
/// # Errors
/// The database's own.
pub fn in_force(db: &mut Db) -> Result<Vec<LinkRow>, Fault> {
    let rows = on!(db, c => entity_link::table
        .filter(entity_link::ended_at.is_null())
        .order((entity_link::entity_id.asc(), entity_link::linked_at.asc(), entity_link::party_id.asc()))
        .select(LinkRow::as_select())
        .load(c))?;
    Ok(rows)
}

/// The entity of every linked party.
///
/// # Errors
/// The database's own.
pub fn by_party(db: &mut Db) -> Result<HashMap<Uuid, Uuid>, Fault> {
    let rows = in_force(db)?.into_iter();
    Ok(rows.map(|row| (row.party_id.0, row.entity_id.0)).collect())
}

/// Whether a link of one of these parties began or ended after a moment.
///
/// # Errors
/// The database's own.
pub fn changed_since(db: &mut Db, parties: &[Uuid], at: When) -> Result<bool, Fault> {
    for some in parties.chunks(500) {
        let keys: Vec<Key> = some.iter().copied().map(Key).collect();
        let found: Option<Key> = on!(db, c => entity_link::table
            .filter(entity_link::party_id.eq_any(&keys))
            .filter(entity_link::linked_at.gt(at).or(entity_link::ended_at.gt(at)))
            .select(entity_link::id)
            .first(c)
            .optional())?;
        if found.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Keeps a link.
///
/// # Errors
/// The database's own.
pub fn insert(db: &mut Db, row: &LinkRow) -> Result<(), Fault> {
    on!(db, c => diesel::insert_into(entity_link::table).values(row).execute(c))?;
    Ok(())
}

/// Ends the link of a party; answers whether there was one.
///
/// # Errors
/// The database's own.
pub fn end(db: &mut Db, party: Uuid, at: When, because: Option<&str>) -> Result<bool, Fault> {
    let changed = on!(db, c => diesel::update(entity_link::table
            .filter(entity_link::party_id.eq(Key(party)))
            .filter(entity_link::ended_at.is_null()))
        .set((
            entity_link::ended_at.eq(at),
            entity_link::ended_because.eq(because),
        ))
        .execute(c))?;
    Ok(changed > 0)
}
