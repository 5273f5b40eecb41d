//! Bearer tokens of programs. Only the hash of their secret is here.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use schema::columns::{Key, When};
use schema::db::Db;
use schema::on;
use schema::tables::{api_token, party};
use schema::wire::TokenView;
use uuid::Uuid;

use crate::error::Fault;
use crate::paging::Window;
use crate::store::parties::PartyRow;

/// A token as stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = api_token)]
pub struct TokenRow {
    pub id: Key,
    pub party_id: Key,
    pub name: String,
    pub token_hash: Vec<u8>,
    pub created_at: When,
    pub expires_at: Option<When>,
    pub revoked_at: Option<When>,
    pub last_used_at: Option<When>,
}

impl TokenRow {
    /// The token without its secret.
    #[must_use]
    pub fn view(&self) -> TokenView {
        TokenView {
            id: self.id.into(),
            name: self.name.clone(),
            created_at: self.created_at.into(),
            expires_at: self.expires_at.map(Into::into),
            revoked_at: self.revoked_at.map(Into::into),
            last_used_at: self.last_used_at.map(Into::into),
        }
    }
}

/// Keeps a new token.
///
/// # Errors
/// The database's own.
pub fn insert(db: &mut Db, row: &TokenRow) -> Result<(), Fault> {
    on!(db, c => diesel::insert_into(api_token::table).values(row).execute(c))?;
    Ok(())
}

/// The party of a token that lives at `now`, with the token.
///
/// # Errors
/// The database's own.
pub fn live(
    db: &mut Db,
    hash: &[u8],
    now: DateTime<Utc>,
) -> Result<Option<(PartyRow, TokenRow)>, Fault> {
    let found = on!(db, c => api_token::table
        .inner_join(party::table)
        .filter(api_token::token_hash.eq(hash))
        .filter(api_token::revoked_at.is_null())
        .filter(api_token::expires_at.is_null().or(api_token::expires_at.gt(When::from(now))))
        .select((PartyRow::as_select(), TokenRow::as_select()))
        .first(c)
        .optional())?;
    Ok(found)
}

/// Whether a use at `now` should be noted: the note is kept to the hour, so that reads stay reads.
#[must_use]
pub fn use_is_news(token: &TokenRow, now: DateTime<Utc>) -> bool {
    token
        .last_used_at
        .is_none_or(|at| now - DateTime::<Utc>::from(at) >= TimeDelta::hours(1))
}

/// Notes a use.
///
/// # Errors
/// The database's own.
pub fn note_use(db: &mut Db, id: Uuid, now: DateTime<Utc>) -> Result<(), Fault> {
    on!(db, c => diesel::update(api_token::table.find(Key(id)))
        .set(api_token::last_used_at.eq(Some(When::from(now))))
        .execute(c))?;
    Ok(())
}

/// A token by id.
///
/// # Errors
/// [`Fault::missing`] or the database's own.
pub fn by_id(db: &mut Db, id: Uuid) -> Result<TokenRow, Fault> {
    let row = on!(db, c => api_token::table.find(Key(id)).select(TokenRow::as_select()).first(c))?;
    Ok(row)
}

/// Tokens of a party, newest first.
///
/// # Errors
/// The database's own.
pub fn list(db: &mut Db, party: Uuid, window: Window) -> Result<Vec<TokenRow>, Fault> {
    let rows = on!(db, c => api_token::table
        .filter(api_token::party_id.eq(Key(party)))
        .filter(api_token::id.lt(Key(window.before)))
        .order(api_token::id.desc())
        .limit(window.fetch())
        .select(TokenRow::as_select())
        .load(c))?;
    Ok(rows)
}

/// Ends one token.
///
/// # Errors
/// The database's own.
pub fn revoke(db: &mut Db, id: Uuid, now: DateTime<Utc>) -> Result<(), Fault> {
    on!(db, c => diesel::update(api_token::table.find(Key(id)))
        .filter(api_token::revoked_at.is_null())
        .set(api_token::revoked_at.eq(Some(When::from(now))))
        .execute(c))?;
    Ok(())
}

/// Ends every token of a party.
///
/// # Errors
/// The database's own.
pub fn revoke_all(db: &mut Db, party: Uuid, now: DateTime<Utc>) -> Result<(), Fault> {
    on!(db, c => diesel::update(api_token::table)
        .filter(api_token::party_id.eq(Key(party)))
        .filter(api_token::revoked_at.is_null())
        .set(api_token::revoked_at.eq(Some(When::from(now))))
        .execute(c))?;
    Ok(())
}
