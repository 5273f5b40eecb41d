//! Jobs: work enqueued in the transaction that caused it.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use schema::columns::{Key, When};
use schema::db::Db;
use schema::on;
use schema::tables::job;
use uuid::Uuid;

use crate::error::Fault;

/// A job as its runner sees it.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = job)]
pub struct JobRow {
    pub id: Key,
    pub kind: String,
    pub payload: String,
    pub attempts: i32,
}

/// Puts a job in the queue.
///
/// # Errors
/// The database's own.
pub fn enqueue(
    db: &mut Db,
    id: Uuid,
    kind: &str,
    payload: &str,
    now: DateTime<Utc>,
) -> Result<(), Fault> {
    let now = When::from(now);
    on!(db, c => diesel::insert_into(job::table)
        .values((
            job::id.eq(Key(id)),
            job::kind.eq(kind),
            job::payload.eq(payload),
            job::state.eq("queued"),
            job::attempts.eq(0),
            job::run_at.eq(now),
            job::created_at.eq(now),
        ))
        .execute(c))?;
    Ok(())
}

/// Takes the next job that is due, or whose runner was lost, until `until`: of these kinds, or
/// of any when none is named. To be called in a transaction of its own.
///
/// # Errors
/// The database's own.
pub fn claim(
    db: &mut Db,
    runner: &str,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    kinds: &[&str],
) -> Result<Option<JobRow>, Fault> {
    let (now, any) = (When::from(now), kinds.is_empty());
    macro_rules! due {
        () => {
            job::table
                .filter(
                    job::state
                        .eq("queued")
                        .and(job::run_at.le(now))
                        .or(job::state
                            .eq("running")
                            .and(job::locked_until.le(now).assume_not_null())),
                )
                .filter(any.into_sql::<Bool>().or(job::kind.eq_any(kinds)))
                .order((job::run_at.asc(), job::id.asc()))
                .select(job::id)
        };
    }
    let found: Option<Key> = match db {
        Db::Sqlite(c) => due!().first(&mut **c).optional()?,
        Db::Pg(c) => due!()
            .for_update()
            .skip_locked()
            .first(&mut **c)
            .optional()?,
    };
    let Some(id) = found else { return Ok(None) };
    let row = on!(db, c => diesel::update(job::table.find(id))
        .set((
            job::state.eq("running"),
            job::attempts.eq(job::attempts + 1),
            job::locked_until.eq(When::from(until)),
            job::locked_by.eq(runner),
        ))
        .returning(JobRow::as_returning())
        .get_result(c))?;
    Ok(Some(row))
}

/// Keeps a running job for longer; answers false when it is no longer this runner's.
///
/// # Errors
/// The database's own.
pub fn keep(db: &mut Db, id: Uuid, runner: &str, until: DateTime<Utc>) -> Result<bool, Fault> {
    let kept = on!(db, c => diesel::update(job::table
            .find(Key(id))
            .filter(job::state.eq("running"))
            .filter(job::locked_by.eq(runner)))
        .set(job::locked_until.eq(When::from(until)))
        .execute(c))?;
    Ok(kept == 1)
}

/// Says what a running job is doing.
///
/// # Errors
/// The database's own.
pub fn progress(db: &mut Db, id: Uuid, text: &str) -> Result<(), Fault> {
    on!(db, c => diesel::update(job::table.find(Key(id)).filter(job::state.eq("running")))
        .set(job::progress.eq(text))
        .execute(c))?;
    Ok(())
}

/// How a job leaves its runner.
#[derive(Debug, Clone)]
pub enum Leave {
    /// Its effect stands.
    Done,
    /// Try again at that time; the words say why.
    Again(DateTime<Utc>, String),
    /// Handed back unharmed, because the runner stops.
    Back,
    /// No further attempt; an operator has to look.
    Dead(String),
}

/// Ends this runner's hold of a job; a job that was taken over is left alone.
///
/// # Errors
/// The database's own.
pub fn leave(
    db: &mut Db,
    id: Uuid,
    runner: &str,
    how: &Leave,
    now: DateTime<Utc>,
) -> Result<(), Fault> {
    let (state, error, finished) = match how {
        Leave::Done => ("done", None, Some(When::from(now))),
        Leave::Dead(error) => ("dead", Some(error.as_str()), Some(When::from(now))),
        Leave::Again(_, error) => ("queued", Some(error.as_str()), None),
        Leave::Back => ("queued", None, None),
    };
    macro_rules! mine {
        () => {
            job::table
                .find(Key(id))
                .filter(job::state.eq("running"))
                .filter(job::locked_by.eq(runner))
        };
    }
    match how {
        Leave::Again(at, _) => {
            on!(db, c => diesel::update(mine!()).set(job::run_at.eq(When::from(*at))).execute(c))?;
        }
        Leave::Back => {
            on!(db, c => diesel::update(mine!()).set(job::attempts.eq(job::attempts - 1)).execute(c))?;
        }
        Leave::Done | Leave::Dead(_) => {}
    }
    on!(db, c => diesel::update(mine!())
        .set((
            job::state.eq(state),
            job::last_error.eq(error),
            job::finished_at.eq(finished),
            job::locked_until.eq(None::<When>),
            job::locked_by.eq(None::<String>),
            job::progress.eq(None::<String>),
        ))
        .execute(c))?;
    Ok(())
}

/// Gives back running jobs, and tries dead ones once more: at the start of a node. With a
/// place, only the jobs of its runners; without, all of them.
///
/// # Errors
/// The database's own.
pub fn give_back(db: &mut Db, place: Option<&str>) -> Result<usize, Fault> {
    on!(db, c => diesel::update(job::table.filter(job::state.eq("dead")))
        .set((job::attempts.eq(0), job::finished_at.eq(None::<When>), job::state.eq("queued")))
        .execute(c))?;
    let held: Vec<(Key, Option<String>)> = on!(db, c => job::table
        .filter(job::state.eq("running"))
        .select((job::id, job::locked_by))
        .load(c))?;
    let ours = |holder: &Option<String>| match (place, holder) {
        (Some(place), Some(holder)) => holder.rsplit_once('#').is_some_and(|(at, _)| at == place),
        (Some(_), None) => false,
        (None, _) => true,
    };
    let mut count = 0;
    for (id, _) in held.iter().filter(|(_, holder)| ours(holder)) {
        count += on!(db, c => diesel::update(job::table.find(id))
            .set((
                job::state.eq("queued"),
                job::locked_until.eq(None::<When>),
                job::locked_by.eq(None::<String>),
                job::progress.eq(None::<String>),
            ))
            .execute(c))?;
    }
    Ok(count)
}

/// What the unfinished job with this payload is doing; `None` when there is none.
///
/// # Errors
/// The database's own.
pub fn stage(db: &mut Db, kind: &str, payload: &str) -> Result<Option<String>, Fault> {
    let found: Option<(String, Option<String>)> = on!(db, c => job::table
        .filter(job::state.eq_any(["queued", "running", "dead"]))
        .filter(job::kind.eq(kind))
        .filter(job::payload.eq(payload))
        .order(job::id.desc())
        .select((job::state, job::progress))
        .first(c)
        .optional())?;
    Ok(
        found.map(|(state, progress)| match (state.as_str(), progress) {
            (_, Some(progress)) => progress,
            ("running", None) => "starting".to_owned(),
            ("dead", None) => "stopped: the operator has to look".to_owned(),
            _ => "waiting for a checker".to_owned(),
        }),
    )
}

/// Whether a queued job may be taken now.
///
/// # Errors
/// The database's own.
pub fn due(db: &mut Db, now: When) -> Result<bool, Fault> {
    let due = on!(db, c => diesel::select(diesel::dsl::exists(job::table
            .filter(job::state.eq("queued"))
            .filter(job::run_at.le(now))))
        .get_result(c))?;
    Ok(due)
}

/// How many jobs are in each state, for metrics and tests.
///
/// # Errors
/// The database's own.
pub fn counts(db: &mut Db) -> Result<Vec<(String, i64)>, Fault> {
    let rows = on!(db, c => job::table
        .group_by(job::state)
        .select((job::state, diesel::dsl::count_star()))
        .order(job::state.asc())
        .load(c))?;
    Ok(rows)
}
