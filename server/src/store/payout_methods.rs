//! Where contributors are paid. The account is sealed; only the node's key opens it.

use std::collections::HashMap;

use diesel::prelude::*;
use schema::columns::{Key, When};
use schema::db::Db;
use schema::on;
use schema::tables::payout_method;

use crate::error::Fault;

/// A row of `payout_method`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = payout_method)]
#[diesel(treat_none_as_default_value = false)]
pub struct MethodRow {
    /// Identifier.
    pub id: Key,
    /// Whose.
    pub party_id: Key,
    /// Where its holder lives.
    pub country: String,
    /// Country and last four characters of the account.
    pub hint: String,
    /// Name, account and code of the bank, sealed to the node.
    pub sealed: Vec<u8>,
    /// Since when.
    pub created_at: When,
    /// Until when.
    pub retired_at: Option<When>,
}

/// Puts an account in force; the one before it is retired.
pub fn replace(db: &mut Db, row: &MethodRow) -> Result<(), Fault> {
    retire(db, row.party_id, row.created_at)?;
    on!(db, c => diesel::insert_into(payout_method::table).values(row).execute(c))?;
    Ok(())
}

/// Takes a party's account out of force.
pub fn retire(db: &mut Db, party: Key, at: When) -> Result<usize, Fault> {
    Ok(on!(db, c => diesel::update(payout_method::table
            .filter(payout_method::party_id.eq(party).and(payout_method::retired_at.is_null())))
        .set(payout_method::retired_at.eq(Some(at)))
        .execute(c))?)
}

/// A party's account in force.
pub fn current(db: &mut Db, party: Key) -> Result<Option<MethodRow>, Fault> {
    Ok(on!(db, c => payout_method::table
        .filter(payout_method::party_id.eq(party).and(payout_method::retired_at.is_null()))
        .select(MethodRow::as_select())
        .first(c)
        .optional())?)
}

/// Every account in force, by party.
pub fn all_current(db: &mut Db) -> Result<HashMap<Key, MethodRow>, Fault> {
    let rows: Vec<MethodRow> = on!(db, c => payout_method::table
        .filter(payout_method::retired_at.is_null())
        .select(MethodRow::as_select())
        .load(c))?;
    Ok(rows.into_iter().map(|row| (row.party_id, row)).collect())
}

/// Accounts by identifier, in force or not.
pub fn by_ids(db: &mut Db, ids: &[Key]) -> Result<HashMap<Key, MethodRow>, Fault> {
    let mut found = HashMap::new();
    // SQLite bounds the parameters of one statement.
    for some in ids.chunks(500) {
        let rows: Vec<MethodRow> = on!(db, c => payout_method::table
            .filter(payout_method::id.eq_any(some))
            .select(MethodRow::as_select())
            .load(c))?;
        found.extend(rows.into_iter().map(|row| (row.id, row)));
    }
    Ok(found)
}
