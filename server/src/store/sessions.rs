//! Sign-ins. Only the hash of their secret is here.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use schema::columns::{Key, When};
use schema::db::Db;
use schema::on;
use schema::tables::{party, session};
use uuid::Uuid;

use crate::error::Fault;
use crate::store::parties::PartyRow;

/// A session as stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = session)]
pub struct SessionRow {
    pub id: Key,
    pub party_id: Key,
    pub token_hash: Vec<u8>,
    pub created_at: When,
    pub expires_at: When,
    pub revoked_at: Option<When>,
}

/// Keeps a new session.
///
/// # Errors
/// The database's own.
pub fn insert(db: &mut Db, row: &SessionRow) -> Result<(), Fault> {
    on!(db, c => diesel::insert_into(session::table).values(row).execute(c))?;
    Ok(())
}

/// The party of a session that lives at `now`, with the session's id.
///
/// # Errors
/// The database's own.
pub fn live(
    db: &mut Db,
    hash: &[u8],
    now: DateTime<Utc>,
) -> Result<Option<(PartyRow, Uuid)>, Fault> {
    let found: Option<(PartyRow, Key)> = on!(db, c => session::table
        .inner_join(party::table)
        .filter(session::token_hash.eq(hash))
        .filter(session::revoked_at.is_null())
        .filter(session::expires_at.gt(When::from(now)))
        .select((PartyRow::as_select(), session::id))
        .first(c)
        .optional())?;
    Ok(found.map(|(row, id)| (row, id.into())))
}

/// Ends one session.
///
/// # Errors
/// The database's own.
pub fn revoke(db: &mut Db, id: Uuid, now: DateTime<Utc>) -> Result<(), Fault> {
    on!(db, c => diesel::update(session::table.find(Key(id)))
        .filter(session::revoked_at.is_null())
        .set(session::revoked_at.eq(Some(When::from(now))))
        .execute(c))?;
    Ok(())
}

/// Ends every session of a party.
///
/// # Errors
/// The database's own.
pub fn revoke_all(db: &mut Db, party: Uuid, now: DateTime<Utc>) -> Result<(), Fault> {
    on!(db, c => diesel::update(session::table)
        .filter(session::party_id.eq(Key(party)))
        .filter(session::revoked_at.is_null())
        .set(session::revoked_at.eq(Some(When::from(now))))
        .execute(c))?;
    Ok(())
}

/// Forgets sessions of a party that ended before `now`: they open nothing any more.
///
/// # Errors
/// The database's own.
pub fn forget_expired(db: &mut Db, party: Uuid, now: DateTime<Utc>) -> Result<(), Fault> {
    on!(db, c => diesel::delete(session::table)
        .filter(session::party_id.eq(Key(party)))
        .filter(session::expires_at.le(When::from(now)))
        .execute(c))?;
    Ok(())
}
