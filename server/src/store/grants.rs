//! Grants: one recorded use of a licence each; what metering counts.

use diesel::prelude::*;
use schema::columns::{Key, When};
use schema::db::Db;
use schema::on;
use schema::tables::grants;
use uuid::Uuid;

use crate::error::Fault;

/// First delivery of a file to a key: it counts.
pub const DOWNLOAD: &str = "download";
/// A further link for the same file and key: it adds nothing.
pub const REPEAT: &str = "repeat";

/// A grant as stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = grants)]
pub struct GrantRow {
    pub id: Key,
    pub licence_id: Key,
    pub revision_id: Key,
    pub recipient_id: Option<Key>,
    pub kind: String,
    pub rows: i64,
    pub created_at: When,
}

/// Records a grant.
///
/// # Errors
/// The database's own.
pub fn insert(db: &mut Db, row: &GrantRow) -> Result<(), Fault> {
    on!(db, c => diesel::insert_into(grants::table).values(row).execute(c))?;
    Ok(())
}

/// A grant by id.
///
/// # Errors
/// [`Fault::missing`] or the database's own.
pub fn by_id(db: &mut Db, id: Uuid) -> Result<GrantRow, Fault> {
    Ok(on!(db, c => grants::table.find(Key(id)).select(GrantRow::as_select()).first(c))?)
}
