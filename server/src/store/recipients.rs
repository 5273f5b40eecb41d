//! age keys of parties: what deliveries are sealed for.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use schema::columns::{Key, When};
use schema::db::Db;
use schema::on;
use schema::tables::recipient;
use schema::wire::RecipientView;
use uuid::Uuid;

use crate::error::Fault;
use crate::paging::Window;

/// A key as stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = recipient)]
pub struct RecipientRow {
    pub id: Key,
    pub party_id: Key,
    pub age_key: String,
    pub label: String,
    pub created_at: When,
    pub retired_at: Option<When>,
}

impl RecipientRow {
    /// The key as its party sees it.
    #[must_use]
    pub fn view(&self) -> RecipientView {
        RecipientView {
            id: self.id.into(),
            recipient: self.age_key.clone(),
            label: self.label.clone(),
            created_at: self.created_at.into(),
        }
    }
}

/// Keeps a new key.
///
/// # Errors
/// The database's own.
pub fn insert(db: &mut Db, row: &RecipientRow) -> Result<(), Fault> {
    on!(db, c => diesel::insert_into(recipient::table).values(row).execute(c))?;
    Ok(())
}

/// A key by id, retired or not.
///
/// # Errors
/// [`Fault::missing`] or the database's own.
pub fn by_id(db: &mut Db, id: Uuid) -> Result<RecipientRow, Fault> {
    let row =
        on!(db, c => recipient::table.find(Key(id)).select(RecipientRow::as_select()).first(c))?;
    Ok(row)
}

/// A party's key by its text, retired or not.
///
/// # Errors
/// The database's own.
pub fn by_text(db: &mut Db, party: Uuid, text: &str) -> Result<Option<RecipientRow>, Fault> {
    let row = on!(db, c => recipient::table
        .filter(recipient::party_id.eq(Key(party)))
        .filter(recipient::age_key.eq(text))
        .select(RecipientRow::as_select())
        .first(c)
        .optional())?;
    Ok(row)
}

/// Keys of a party that are in use, newest first.
///
/// # Errors
/// The database's own.
pub fn list(db: &mut Db, party: Uuid, window: Window) -> Result<Vec<RecipientRow>, Fault> {
    let rows = on!(db, c => recipient::table
        .filter(recipient::party_id.eq(Key(party)))
        .filter(recipient::retired_at.is_null())
        .filter(recipient::id.lt(Key(window.before)))
        .order(recipient::id.desc())
        .limit(window.fetch())
        .select(RecipientRow::as_select())
        .load(c))?;
    Ok(rows)
}

/// Takes a key out of use, or back into use with `None`.
///
/// # Errors
/// The database's own.
pub fn set_retired(db: &mut Db, id: Uuid, at: Option<DateTime<Utc>>) -> Result<(), Fault> {
    on!(db, c => diesel::update(recipient::table.find(Key(id)))
        .set(recipient::retired_at.eq(at.map(When::from)))
        .execute(c))?;
    Ok(())
}
