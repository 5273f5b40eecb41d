//! What is held back of contributors' credits.

use diesel::prelude::*;
use schema::columns::Key;
use schema::db::Db;
use schema::on;
use schema::tables::reserve;

use super::journal::insert_all;
use crate::error::Fault;

/// A row of `reserve`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = reserve)]
#[diesel(treat_none_as_default_value = false)]
pub struct ReserveRow {
    /// Identifier; also that of the entry that held it.
    pub id: Key,
    /// Contributor.
    pub party_id: Key,
    /// Currency.
    pub currency: String,
    /// Period it was held in.
    pub held_in: String,
    /// Period at whose end it is released.
    pub due_in: String,
    /// Held at first.
    pub amount: i64,
    /// Still held.
    pub remaining: i64,
}

/// Everything that is still held, oldest first within each contributor and currency.
pub fn standing(db: &mut Db) -> Result<Vec<ReserveRow>, Fault> {
    Ok(on!(db, c => reserve::table
        .filter(reserve::remaining.gt(0))
        .order((reserve::party_id, reserve::currency, reserve::due_in, reserve::id))
        .select(ReserveRow::as_select())
        .load(c))?)
}

/// What is still held of these parties, oldest first within each contributor and currency.
pub fn of_parties(db: &mut Db, parties: &[Key]) -> Result<Vec<ReserveRow>, Fault> {
    let mut found = Vec::new();
    for some in parties.chunks(4_000) {
        let rows: Vec<ReserveRow> = on!(db, c => reserve::table
            .filter(reserve::remaining.gt(0).and(reserve::party_id.eq_any(some)))
            .order((reserve::party_id, reserve::currency, reserve::due_in, reserve::id))
            .select(ReserveRow::as_select())
            .load(c))?;
        found.extend(rows);
    }
    Ok(found)
}

/// Writes new reserves.
pub fn insert(db: &mut Db, rows: &[ReserveRow]) -> Result<(), Fault> {
    insert_all!(db, reserve::table, rows);
    Ok(())
}

/// Keeps what is left of a reserve.
pub fn set_remaining(db: &mut Db, id: Key, remaining: i64) -> Result<(), Fault> {
    on!(db, c => diesel::update(reserve::table.find(id))
        .set(reserve::remaining.eq(remaining))
        .execute(c))?;
    Ok(())
}
