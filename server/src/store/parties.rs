//! Parties: who has an account.

use std::collections::HashMap;

use diesel::prelude::*;
use schema::columns::{Key, When};
use schema::db::Db;
use schema::on;
use schema::tables::party;
use schema::wire::PartyView;
use uuid::Uuid;

use crate::error::Fault;

/// A party as stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = party)]
pub struct PartyRow {
    pub id: Key,
    pub handle: String,
    pub email: String,
    pub display_name: String,
    pub password_hash: String,
    pub operator: bool,
    pub created_at: When,
}

/// How the handles begin of accounts that hold what is claimed. A colon is in no handle that
/// anybody can choose.
pub const SUSPENSE: &str = "held:";

impl PartyRow {
    /// Whether it is the account of a claim, which is nobody's: it is found by no name.
    fn suspense(&self) -> bool {
        self.handle.starts_with(SUSPENSE)
    }

    /// The party as others see it.
    #[must_use]
    pub fn view(&self) -> PartyView {
        PartyView {
            id: self.id.into(),
            handle: self.handle.clone(),
            display_name: self.display_name.clone(),
            email: None,
            operator: self.operator,
        }
    }

    /// The party as it sees itself.
    #[must_use]
    pub fn own_view(&self) -> PartyView {
        PartyView {
            email: Some(self.email.clone()),
            ..self.view()
        }
    }
}

/// Code of the fault when another transaction took handle or address first.
pub const TAKEN: &str = "taken_meanwhile";

/// Keeps a new party.
///
/// # Errors
/// [`TAKEN`], or the database's own.
pub fn insert(db: &mut Db, row: &PartyRow) -> Result<(), Fault> {
    use diesel::result::{DatabaseErrorKind::UniqueViolation, Error::DatabaseError};
    match on!(db, c => diesel::insert_into(party::table).values(row).execute(c)) {
        Err(DatabaseError(UniqueViolation, _)) => Err(Fault::conflict(
            TAKEN,
            "The name or address was taken at the same moment; send it again.",
        )),
        other => Ok(other.map(drop)?),
    }
}

/// A party by id.
///
/// # Errors
/// [`Fault::missing`] or the database's own.
pub fn by_id(db: &mut Db, id: Uuid) -> Result<PartyRow, Fault> {
    let row = on!(db, c => party::table.find(Key(id)).select(PartyRow::as_select()).first(c))?;
    Ok(row)
}

/// A party by its sign-in name (lower case).
///
/// # Errors
/// The database's own.
pub fn by_email(db: &mut Db, email: &str) -> Result<Option<PartyRow>, Fault> {
    let row = on!(db, c => party::table
        .filter(party::email.eq(email))
        .select(PartyRow::as_select())
        .first(c)
        .optional())?;
    Ok(row.filter(|row: &PartyRow| !row.suspense()))
}

/// A party by its handle.
///
/// # Errors
/// The database's own.
pub fn by_handle(db: &mut Db, handle: &str) -> Result<Option<PartyRow>, Fault> {
    let row = on!(db, c => party::table
        .filter(party::handle.eq(handle))
        .select(PartyRow::as_select())
        .first(c)
        .optional())?;
    Ok(row.filter(|row: &PartyRow| !row.suspense()))
}

/// A party by id, handle or e-mail address, as people name it.
///
/// # Errors
/// [`Fault::missing`] or the database's own.
pub fn by_name(db: &mut Db, name: &str) -> Result<PartyRow, Fault> {
    if let Ok(id) = Uuid::try_parse(name) {
        let found = by_id(db, id)?;
        return Some(found)
            .filter(|row| !row.suspense())
            .ok_or_else(Fault::missing);
    }
    let name = name.trim().to_lowercase();
    let found = if name.contains('@') {
        by_email(db, &name)?
    } else {
        by_handle(db, &name)?
    };
    found.ok_or_else(Fault::missing)
}

/// The public views of many parties at once; unknown ids are left out.
///
/// # Errors
/// The database's own.
pub fn views(db: &mut Db, ids: &[Uuid]) -> Result<HashMap<Uuid, PartyView>, Fault> {
    let mut found = HashMap::new();
    // SQLite bounds the parameters of one statement.
    for some in ids.chunks(500) {
        let keys: Vec<Key> = some.iter().copied().map(Key).collect();
        let rows: Vec<PartyRow> = on!(db, c => party::table
            .filter(party::id.eq_any(&keys))
            .select(PartyRow::as_select())
            .load(c))?;
        found.extend(rows.iter().map(|row| (row.id.0, row.view())));
    }
    Ok(found)
}

/// Whether a handle is free.
///
/// # Errors
/// The database's own.
pub fn handle_free(db: &mut Db, handle: &str) -> Result<bool, Fault> {
    Ok(by_handle(db, handle)?.is_none())
}

/// Whether anybody runs this node.
///
/// # Errors
/// The database's own.
pub fn operator_exists(db: &mut Db) -> Result<bool, Fault> {
    let found: Option<Key> = on!(db, c => party::table
        .filter(party::operator.eq(true))
        .select(party::id)
        .first(c)
        .optional())?;
    Ok(found.is_some())
}

/// Replaces the kept password hash.
///
/// # Errors
/// The database's own.
pub fn set_password(db: &mut Db, id: Uuid, hash: &str) -> Result<(), Fault> {
    on!(db, c => diesel::update(party::table.find(Key(id)))
        .set(party::password_hash.eq(hash))
        .execute(c))?;
    Ok(())
}
