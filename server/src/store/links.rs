//! Links that work once. Only the hash of their secret is here.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use schema::columns::{Key, When};
use schema::db::Db;
use schema::on;
use schema::tables::one_time_link;
use uuid::Uuid;

use crate::error::Fault;

/// Makes the account that signs up with it the operator.
pub const OPERATOR: &str = "operator";
/// Sets a new password for its party.
pub const PASSWORD_RESET: &str = "password_reset";

/// A link as stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = one_time_link)]
pub struct LinkRow {
    pub token_hash: Vec<u8>,
    pub purpose: String,
    pub party_id: Option<Key>,
    pub created_at: When,
    pub expires_at: When,
    pub used_at: Option<When>,
}

/// Keeps a new link.
///
/// # Errors
/// The database's own.
pub fn insert(db: &mut Db, row: &LinkRow) -> Result<(), Fault> {
    on!(db, c => diesel::insert_into(one_time_link::table).values(row).execute(c))?;
    Ok(())
}

/// Uses a link up and answers it; `None` when it is unknown, used, or past its time.
/// Two users at once: the update decides, one of them gets `None`.
///
/// # Errors
/// The database's own.
pub fn take(
    db: &mut Db,
    purpose: &str,
    hash: &[u8],
    now: DateTime<Utc>,
) -> Result<Option<LinkRow>, Fault> {
    let taken = on!(db, c => diesel::update(one_time_link::table.find(hash))
        .filter(one_time_link::purpose.eq(purpose))
        .filter(one_time_link::used_at.is_null())
        .filter(one_time_link::expires_at.gt(When::from(now)))
        .set(one_time_link::used_at.eq(Some(When::from(now))))
        .execute(c))?;
    if taken == 0 {
        return Ok(None);
    }
    let row = on!(db, c => one_time_link::table.find(hash).select(LinkRow::as_select()).first(c))?;
    Ok(Some(row))
}

/// Takes unused links of a purpose (and party) out of the world.
///
/// # Errors
/// The database's own.
pub fn forget_unused(db: &mut Db, purpose: &str, party: Option<Uuid>) -> Result<(), Fault> {
    match party {
        Some(party) => on!(db, c => diesel::delete(one_time_link::table)
            .filter(one_time_link::purpose.eq(purpose))
            .filter(one_time_link::party_id.eq(Some(Key(party))))
            .filter(one_time_link::used_at.is_null())
            .execute(c))?,
        None => on!(db, c => diesel::delete(one_time_link::table)
            .filter(one_time_link::purpose.eq(purpose))
            .filter(one_time_link::used_at.is_null())
            .execute(c))?,
    };
    Ok(())
}
