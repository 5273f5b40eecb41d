//! What payment providers have still to be told.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use schema::columns::{Key, When};
use schema::db::Db;
use schema::on;
use schema::tables::outbox;
use uuid::Uuid;

use crate::error::Fault;

/// Kind of the job that sends a message; its payload is the message's identifier.
pub const JOB: &str = "tell_provider";

/// A row of `outbox`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = outbox)]
#[diesel(treat_none_as_default_value = false)]
pub struct OutboxRow {
    /// Identifier, and the key under which the provider does it once.
    pub id: Key,
    /// `refund` or `transfer`.
    pub kind: String,
    /// What to say, as JSON.
    pub payload: String,
    /// `new`, `done` or `failed`.
    pub state: String,
    /// Why it is in that state.
    pub reason: Option<String>,
    /// The provider's identifier of what it made.
    pub answer: Option<String>,
    /// How often it was tried.
    pub attempts: i32,
    /// When it was written.
    pub created_at: When,
    /// When it left the queue.
    pub ended_at: Option<When>,
}

/// Keeps a message to be sent.
pub fn insert(db: &mut Db, row: &OutboxRow) -> Result<(), Fault> {
    on!(db, c => diesel::insert_into(outbox::table).values(row).execute(c))?;
    Ok(())
}

/// A message.
///
/// # Errors
/// `not_found`.
pub fn by_id(db: &mut Db, id: Uuid) -> Result<OutboxRow, Fault> {
    Ok(on!(db, c => outbox::table.find(Key(id)).select(OutboxRow::as_select()).first(c))?)
}

/// Counts an attempt.
pub fn attempt(db: &mut Db, id: Uuid) -> Result<(), Fault> {
    on!(db, c => diesel::update(outbox::table.find(Key(id)))
        .set(outbox::attempts.eq(outbox::attempts + 1))
        .execute(c))?;
    Ok(())
}

/// Ends a message: with the provider's answer, or with why it was refused.
pub fn leave(
    db: &mut Db,
    id: Uuid,
    how: Result<&str, &str>,
    now: DateTime<Utc>,
) -> Result<(), Fault> {
    let (state, answer, reason) = match how {
        Ok(answer) => ("done", Some(answer), None),
        Err(why) => ("failed", None, Some(why)),
    };
    on!(db, c => diesel::update(outbox::table.find(Key(id)).filter(outbox::state.eq("new")))
        .set((
            outbox::state.eq(state),
            outbox::answer.eq(answer),
            outbox::reason.eq(reason),
            outbox::ended_at.eq(how.is_ok().then(|| When::from(now))),
        ))
        .execute(c))?;
    Ok(())
}

/// Puts a refused message back to work; false when it is not refused.
pub fn again(db: &mut Db, id: Uuid) -> Result<bool, Fault> {
    let count = on!(db, c => diesel::update(outbox::table.find(Key(id)).filter(outbox::state.eq("failed")))
        .set((outbox::state.eq("new"), outbox::reason.eq(None::<String>)))
        .execute(c))?;
    Ok(count == 1)
}

/// Messages that are not sent, newest first, older than `before`.
pub fn open(db: &mut Db, before: Uuid, limit: i64) -> Result<Vec<OutboxRow>, Fault> {
    let before = Key(before);
    Ok(on!(db, c => outbox::table
        .filter(outbox::state.eq_any(["new", "failed"]))
        .filter(outbox::id.lt(before))
        .order(outbox::id.desc())
        .limit(limit)
        .select(OutboxRow::as_select())
        .load(c))?)
}

/// How many messages are in each state.
pub fn counts(db: &mut Db) -> Result<Vec<(String, i64)>, Fault> {
    Ok(on!(db, c => outbox::table
        .group_by(outbox::state)
        .select((outbox::state, diesel::dsl::count_star()))
        .order(outbox::state)
        .load(c))?)
}
