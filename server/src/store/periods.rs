//! Accounting periods: which are open, and what stood when one was closed.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use ledger::period::Period;
use schema::columns::When;
use schema::db::Db;
use schema::on;
use schema::tables::{account, balance_snapshot, entry, period, period_close, posting};

use super::journal::insert_all;
use crate::error::Fault;

/// A period with the moment it was closed.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct PeriodRow {
    /// Name, such as `2026-11`.
    pub name: String,
    /// When it was first booked in.
    pub opened_at: When,
    /// When it was closed.
    pub closed_at: Option<When>,
}

/// A row of `period_close`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = period_close)]
#[diesel(treat_none_as_default_value = false)]
pub struct CloseRow {
    /// Period.
    pub period: String,
    /// Book.
    pub book: String,
    /// Its last entry then.
    pub last_seq: i64,
}

/// A row of `balance_snapshot`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = balance_snapshot)]
#[diesel(treat_none_as_default_value = false)]
pub struct SnapshotRow {
    /// Book.
    pub book: String,
    /// Entry up to which it counts.
    pub seq: i64,
    /// Account.
    pub account_id: i64,
    /// Sum of its postings then.
    pub balance: i64,
}

/// The last period that was closed; it and all before it take no entry.
pub fn last_closed(db: &mut Db) -> Result<Option<String>, Fault> {
    Ok(on!(db, c => period::table
        .filter(period::closed_at.is_not_null())
        .select(diesel::dsl::max(period::name))
        .first(c))?)
}

/// Whether a period takes no entry any more.
pub fn is_closed(db: &mut Db, name: &str) -> Result<bool, Fault> {
    Ok(last_closed(db)?.is_some_and(|last| name <= last.as_str()))
}

/// The first period from `wanted` on that takes entries.
pub fn open_from(db: &mut Db, wanted: Period) -> Result<Period, Fault> {
    let Some(last) = last_closed(db)? else {
        return Ok(wanted);
    };
    let last: Period = last.parse().map_err(Fault::internal)?;
    let next = last
        .next()
        .ok_or_else(|| Fault::internal("no period is left"))?;
    Ok(wanted.max(next))
}

/// Whether entries may be booked in a period; a period nobody has heard of is opened.
pub fn open(db: &mut Db, name: &str, now: DateTime<Utc>) -> Result<bool, Fault> {
    if is_closed(db, name)? {
        return Ok(false);
    }
    hear_of(db, name, now)?;
    Ok(true)
}

fn hear_of(db: &mut Db, name: &str, now: DateTime<Utc>) -> Result<(), Fault> {
    let known: i64 = on!(db, c => period::table
        .filter(period::name.eq(name))
        .count()
        .get_result(c))?;
    if known == 0 {
        on!(db, c => diesel::insert_into(period::table)
            .values((period::name.eq(name), period::opened_at.eq(When::from(now))))
            .execute(c))?;
    }
    Ok(())
}

/// Closes a period and every one before it, and writes down where every book and every
/// balance stands. Only the writer may call it: nothing else moves meanwhile.
pub fn close(db: &mut Db, name: &str, now: DateTime<Utc>) -> Result<(), Fault> {
    hear_of(db, name, now)?;
    on!(db, c => diesel::update(period::table
            .filter(period::name.le(name).and(period::closed_at.is_null())))
        .set(period::closed_at.eq(Some(When::from(now))))
        .execute(c))?;
    let heads: Vec<(String, Option<i64>)> = on!(db, c => entry::table
        .group_by(entry::book)
        .order(entry::book)
        .select((entry::book, diesel::dsl::max(entry::seq)))
        .load(c))?;
    for (book, head) in heads {
        let Some(seq) = head else { continue };
        let row = CloseRow {
            period: name.to_owned(),
            book: book.clone(),
            last_seq: seq,
        };
        insert_all!(db, period_close::table, &[row]);
        let balances: Vec<(i64, i64)> = on!(db, c => account::table
            .filter(account::book.eq(&book).and(account::balance.ne(0)))
            .order(account::id)
            .select((account::id, account::balance))
            .load(c))?;
        let known: i64 = on!(db, c => balance_snapshot::table
            .filter(balance_snapshot::book.eq(&book).and(balance_snapshot::seq.eq(seq)))
            .count()
            .get_result(c))?;
        if known > 0 {
            // Nothing has moved since the period before was closed.
            continue;
        }
        let rows: Vec<SnapshotRow> = balances
            .into_iter()
            .map(|(account_id, balance)| SnapshotRow {
                book: book.clone(),
                seq,
                account_id,
                balance,
            })
            .collect();
        insert_all!(db, balance_snapshot::table, &rows);
    }
    Ok(())
}

/// Every period that was booked in or closed, newest first.
pub fn all(db: &mut Db) -> Result<Vec<PeriodRow>, Fault> {
    Ok(on!(db, c => period::table
        .order(period::name.desc())
        .select((period::name, period::opened_at, period::closed_at))
        .load(c))?)
}

/// What one kind of entry did in a period.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Turnover {
    /// Book.
    pub book: String,
    /// Kind of entry.
    pub kind: String,
    /// How many.
    pub entries: i64,
    /// Sum of their debits, minor units.
    pub moved: i64,
}

/// What was booked in a period, by book and kind.
pub fn turnover(db: &mut Db, name: &str) -> Result<Vec<Turnover>, Fault> {
    let entries = diesel::dsl::sql::<BigInt>("CAST(COUNT(DISTINCT entry.seq) AS BIGINT)");
    let moved = diesel::dsl::sql::<BigInt>("CAST(COALESCE(SUM(posting.amount), 0) AS BIGINT)");
    Ok(on!(db, c => entry::table
        .inner_join(posting::table.on(entry::book.eq(posting::book).and(entry::seq.eq(posting::seq))))
        .filter(entry::period.eq(name).and(posting::amount.gt(0)))
        .group_by((entry::book, entry::kind))
        .order((entry::book, entry::kind))
        .select((entry::book, entry::kind, entries, moved))
        .load(c))?)
}

/// Where books stood when periods were closed, for the verifier.
pub fn closes(db: &mut Db) -> Result<Vec<CloseRow>, Fault> {
    Ok(on!(db, c => period_close::table
        .order((period_close::period, period_close::book))
        .select(CloseRow::as_select())
        .load(c))?)
}

/// Balances that were written down: book, number, account, balance; for the verifier.
pub fn snapshots(db: &mut Db) -> Result<Vec<(String, i64, String, i64)>, Fault> {
    Ok(on!(db, c => balance_snapshot::table
        .inner_join(account::table)
        .order((balance_snapshot::book, balance_snapshot::seq, balance_snapshot::account_id))
        .select((balance_snapshot::book, balance_snapshot::seq, account::name, balance_snapshot::balance))
        .load(c))?)
}
