//! Messages of payment providers, kept before they are answered.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use schema::columns::{Key, When};
use schema::db::Db;
use schema::on;
use schema::tables::inbox;
use uuid::Uuid;

use crate::error::Fault;

/// A row of `inbox`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = inbox)]
#[diesel(treat_none_as_default_value = false)]
pub struct InboxRow {
    /// Identifier.
    pub id: Key,
    /// Which provider.
    pub source: String,
    /// The provider's identifier.
    pub event_id: String,
    /// What it is about.
    pub kind: String,
    /// The message as it came; cleared when nothing is left to do.
    pub payload: Option<String>,
    /// `new`, `parked`, `done`, `ignored` or `failed`.
    pub state: String,
    /// Why it is in that state.
    pub reason: Option<String>,
    /// The provider's identifier of what has to come first.
    pub waits_for: Option<String>,
    /// How often it was tried.
    pub attempts: i32,
    /// When it came.
    pub received_at: When,
    /// When it left the queue.
    pub ended_at: Option<When>,
}

/// How a message leaves its attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    /// Its effect stands.
    Done,
    /// It is about nothing of this node's.
    Ignored(String),
    /// It waits for what the provider calls so.
    Parked(String, String),
    /// An operator has to look.
    Failed(String),
}

/// Keeps a message; false when it was kept before.
pub fn insert(db: &mut Db, row: &InboxRow) -> Result<bool, Fault> {
    let count = on!(db, c => diesel::insert_into(inbox::table)
        .values(row)
        .on_conflict((inbox::source, inbox::event_id))
        .do_nothing()
        .execute(c))?;
    Ok(count == 1)
}

/// A message.
///
/// # Errors
/// `not_found`.
pub fn by_id(db: &mut Db, id: Uuid) -> Result<InboxRow, Fault> {
    Ok(on!(db, c => inbox::table.find(Key(id)).select(InboxRow::as_select()).first(c))?)
}

/// Counts an attempt.
pub fn attempt(db: &mut Db, id: Uuid) -> Result<(), Fault> {
    on!(db, c => diesel::update(inbox::table.find(Key(id)))
        .set(inbox::attempts.eq(inbox::attempts + 1))
        .execute(c))?;
    Ok(())
}

/// Ends an attempt at a message that is still to be worked on.
pub fn leave(db: &mut Db, id: Uuid, how: &Left, now: DateTime<Utc>) -> Result<(), Fault> {
    let (state, reason, waits_for, ended) = match how {
        Left::Done => ("done", None, None, true),
        Left::Ignored(why) => ("ignored", Some(why), None, true),
        Left::Parked(on, why) => ("parked", Some(why), Some(on), false),
        Left::Failed(why) => ("failed", Some(why), None, false),
    };
    let ended_at = ended.then(|| When::from(now));
    macro_rules! it {
        () => {
            inbox::table.find(Key(id)).filter(inbox::state.eq("new"))
        };
    }
    if ended {
        on!(db, c => diesel::update(it!()).set(inbox::payload.eq(None::<String>)).execute(c))?;
    }
    on!(db, c => diesel::update(it!())
        .set((
            inbox::state.eq(state),
            inbox::reason.eq(reason),
            inbox::waits_for.eq(waits_for),
            inbox::ended_at.eq(ended_at),
        ))
        .execute(c))?;
    Ok(())
}

/// Puts parked messages that wait for one of these back to work, and answers which.
pub fn wake(db: &mut Db, names: &[String]) -> Result<Vec<Uuid>, Fault> {
    let found: Vec<Key> = on!(db, c => inbox::table
        .filter(inbox::state.eq("parked").and(inbox::waits_for.eq_any(names)))
        .order(inbox::id)
        .select(inbox::id)
        .load(c))?;
    let mut woken = Vec::new();
    for id in found {
        if again(db, id.0, "parked")? {
            woken.push(id.0);
        }
    }
    Ok(woken)
}

/// Puts a message in this state back to work; false when it is in another.
pub fn again(db: &mut Db, id: Uuid, from: &str) -> Result<bool, Fault> {
    let count = on!(db, c => diesel::update(inbox::table.find(Key(id)).filter(inbox::state.eq(from)))
        .set((
            inbox::state.eq("new"),
            inbox::reason.eq(None::<String>),
            inbox::waits_for.eq(None::<String>),
        ))
        .execute(c))?;
    Ok(count == 1)
}

/// Messages that are not done, newest first, older than `before`.
pub fn open(db: &mut Db, before: Uuid, limit: i64) -> Result<Vec<InboxRow>, Fault> {
    let before = Key(before);
    Ok(on!(db, c => inbox::table
        .filter(inbox::state.eq_any(["new", "parked", "failed"]))
        .filter(inbox::id.lt(before))
        .order(inbox::id.desc())
        .limit(limit)
        .select(InboxRow::as_select())
        .load(c))?)
}

/// How many messages are in each state.
pub fn counts(db: &mut Db) -> Result<Vec<(String, i64)>, Fault> {
    Ok(on!(db, c => inbox::table
        .group_by(inbox::state)
        .select((inbox::state, diesel::dsl::count_star()))
        .order(inbox::state)
        .load(c))?)
}
