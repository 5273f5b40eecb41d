//! What the bank has told us: files, statements, lines.

use diesel::prelude::*;
use schema::columns::{Key, When};
use schema::db::Db;
use schema::on;
use schema::tables::{bank_file, bank_line, bank_statement, entry, posting};
use uuid::Uuid;

use super::journal::{AccountRow, insert_all};
use crate::error::Fault;
use crate::paging::Window;

/// What came of a line.
pub mod outcome {
    /// The bank has debited a payout.
    pub const SETTLED: &str = "settled";
    /// A payout came back, or never left.
    pub const RETURNED: &str = "returned";
    /// The bank has taken the order; nothing moves yet.
    pub const ACCEPTED: &str = "accepted";
    /// It was known already.
    pub const ALREADY: &str = "already";
    /// It names a payout of ours with another amount.
    pub const MISMATCH: &str = "mismatch";
    /// It names a payout of ours that cannot be in this state.
    pub const UNEXPECTED: &str = "unexpected";
    /// It names something that is not ours.
    pub const UNKNOWN: &str = "unknown";
    /// It is no payout.
    pub const OTHER: &str = "other";
}

/// A row of `bank_file`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = bank_file)]
#[diesel(treat_none_as_default_value = false)]
pub struct FileRow {
    /// Identifier.
    pub id: Key,
    /// SHA-256 of its content.
    pub digest: Vec<u8>,
    /// Kind of message.
    pub kind: String,
    /// The bank's name of it.
    pub message: String,
    /// Who imported it.
    pub imported_by: Key,
    /// Its bytes, sealed to the node.
    pub sealed: Vec<u8>,
    /// When.
    pub created_at: When,
}

/// A row of `bank_statement`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = bank_statement)]
#[diesel(treat_none_as_default_value = false)]
pub struct StatementRow {
    /// File.
    pub file_id: Key,
    /// Number in the file, from 1.
    pub number: i32,
    /// The bank's name of it.
    pub name: String,
    /// Currency.
    pub currency: String,
    /// Balance before, minor units.
    pub opening: i64,
    /// Balance after.
    pub closing: i64,
    /// Day of the balance before, ISO 8601.
    pub opened_on: String,
    /// Day of the balance after.
    pub closed_on: String,
}

/// A row of `bank_line`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = bank_line)]
#[diesel(treat_none_as_default_value = false)]
pub struct LineRow {
    /// File.
    pub file_id: Key,
    /// Number in the file, from 1.
    pub line: i32,
    /// Statement in the file; 0 for a verdict.
    pub statement: i32,
    /// Currency; empty for a verdict about something unknown.
    pub currency: String,
    /// Money in positive, money out negative; 0 for a verdict.
    pub amount: i64,
    /// Day, ISO 8601; empty for a verdict.
    pub booked_on: String,
    /// Reference it bears.
    pub reference: String,
    /// The bank's words.
    pub words: String,
    /// See [`outcome`].
    pub outcome: String,
    /// Payout it is about.
    pub payout_id: Option<Key>,
    /// Entry it made; 0 when none, or when it made several.
    pub entry_seq: i64,
}

/// Keeps a file with everything that was read in it.
pub fn insert(
    db: &mut Db,
    file: &FileRow,
    statements: &[StatementRow],
    lines: &[LineRow],
) -> Result<(), Fault> {
    on!(db, c => diesel::insert_into(bank_file::table).values(file).execute(c))?;
    insert_all!(db, bank_statement::table, statements);
    insert_all!(db, bank_line::table, lines);
    Ok(())
}

/// The file of this content, if it was imported.
pub fn by_digest(db: &mut Db, digest: &[u8]) -> Result<Option<FileRow>, Fault> {
    Ok(on!(db, c => bank_file::table
        .filter(bank_file::digest.eq(digest))
        .select(FileRow::as_select())
        .first(c)
        .optional())?)
}

/// A file by identifier.
pub fn find(db: &mut Db, id: Uuid) -> Result<FileRow, Fault> {
    Ok(on!(db, c => bank_file::table.find(Key(id)).select(FileRow::as_select()).first(c))?)
}

/// Files, newest first.
pub fn list(db: &mut Db, window: Window) -> Result<Vec<FileRow>, Fault> {
    Ok(on!(db, c => bank_file::table
        .filter(bank_file::id.lt(Key(window.before)))
        .order(bank_file::id.desc())
        .limit(window.fetch())
        .select(FileRow::as_select())
        .load(c))?)
}

/// Statements of a file, in order.
pub fn statements(db: &mut Db, file: Key) -> Result<Vec<StatementRow>, Fault> {
    Ok(on!(db, c => bank_statement::table
        .filter(bank_statement::file_id.eq(file))
        .order(bank_statement::number)
        .select(StatementRow::as_select())
        .load(c))?)
}

/// Lines of a file, in order.
pub fn lines(db: &mut Db, file: Key) -> Result<Vec<LineRow>, Fault> {
    Ok(on!(db, c => bank_line::table
        .filter(bank_line::file_id.eq(file))
        .order(bank_line::line)
        .select(LineRow::as_select())
        .load(c))?)
}

/// Every statement, by currency and day.
pub fn all_statements(db: &mut Db) -> Result<Vec<StatementRow>, Fault> {
    Ok(on!(db, c => bank_statement::table
        .order((
            bank_statement::currency,
            bank_statement::closed_on,
            bank_statement::file_id,
            bank_statement::number,
        ))
        .select(StatementRow::as_select())
        .load(c))?)
}

/// Every movement of the bank account that a statement showed, by day.
pub fn movements(db: &mut Db) -> Result<Vec<LineRow>, Fault> {
    Ok(on!(db, c => bank_line::table
        .filter(bank_line::statement.gt(0))
        .order((bank_line::booked_on, bank_line::file_id, bank_line::line))
        .select(LineRow::as_select())
        .load(c))?)
}

/// One posting to the bank account in the books.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct BookMove {
    /// Entry number.
    pub seq: i64,
    /// Kind of entry.
    pub kind: String,
    /// Links of the entry, canonical JSON.
    pub meta: String,
    /// Minor units; money in positive.
    pub amount: i64,
    /// When it happened.
    pub at: When,
}

/// Every posting to an account, in order.
pub fn book_moves(db: &mut Db, account: &AccountRow) -> Result<Vec<BookMove>, Fault> {
    Ok(on!(db, c => posting::table
        .inner_join(entry::table.on(entry::book.eq(posting::book).and(entry::seq.eq(posting::seq))))
        .filter(posting::account_id.eq(account.id))
        .order((posting::seq, posting::line))
        .select((posting::seq, entry::kind, entry::meta, posting::amount, entry::event_time))
        .load(c))?)
}
