//! Who runs the node, and who decided it.

use diesel::prelude::*;
use schema::columns::{Key, When};
use schema::db::Db;
use schema::on;
use schema::tables::{operator_change, party};

use super::parties::PartyRow;
use crate::error::Fault;

/// A row of `operator_change`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = operator_change)]
#[diesel(treat_none_as_default_value = false)]
pub struct ChangeRow {
    /// Identifier.
    pub id: Key,
    /// Who.
    pub party_id: Key,
    /// Operator from now on, or no more.
    pub operator: bool,
    /// Who decided.
    pub changed_by: Key,
    /// Why.
    pub reason: String,
    /// When.
    pub created_at: When,
}

/// Changes whether a party runs the node, and keeps who decided it.
pub fn change(db: &mut Db, row: &ChangeRow) -> Result<(), Fault> {
    on!(db, c => diesel::update(party::table.find(row.party_id))
        .set(party::operator.eq(row.operator))
        .execute(c))?;
    on!(db, c => diesel::insert_into(operator_change::table).values(row).execute(c))?;
    Ok(())
}

/// Those who run the node now; the rows stay as they are until the transaction ends.
pub fn current(db: &mut Db) -> Result<Vec<PartyRow>, Fault> {
    let rows = match db {
        Db::Sqlite(c) => party::table
            .filter(party::operator.eq(true))
            .order(party::id)
            .select(PartyRow::as_select())
            .load(&mut **c),
        Db::Pg(c) => party::table
            .filter(party::operator.eq(true))
            .order(party::id)
            .select(PartyRow::as_select())
            .for_update()
            .load(&mut **c),
    }?;
    Ok(rows)
}

/// Those who run the node now, and every change, newest first.
pub fn all(db: &mut Db) -> Result<(Vec<PartyRow>, Vec<ChangeRow>), Fault> {
    let now = on!(db, c => party::table
        .filter(party::operator.eq(true))
        .order(party::id)
        .select(PartyRow::as_select())
        .load(c))?;
    let changes = on!(db, c => operator_change::table
        .order(operator_change::id.desc())
        .select(ChangeRow::as_select())
        .load(c))?;
    Ok((now, changes))
}
