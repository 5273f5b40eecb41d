//! Entries, postings and accounts: the journal's own tables.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Text};
use schema::columns::{Id, Key, When};
use schema::db::Db;
use schema::on;
use schema::tables::{account, entry, node_setting, posting};
use uuid::Uuid;

use crate::error::Fault;

/// Inserts all rows with the fewest statements the database takes: multi-row statements
/// on SQLite, `COPY` on PostgreSQL once it is worth its round trips.
macro_rules! insert_all {
    ($db:expr, $table:expr, $rows:expr) => {{
        let rows: &[_] = $rows;
        match $db {
            schema::db::Db::Sqlite(connection) => {
                let c: &mut diesel::sqlite::SqliteConnection = connection;
                for chunk in rows.chunks($crate::store::journal::SQLITE_ROWS) {
                    diesel::RunQueryDsl::execute(
                        diesel::insert_into($table).values(chunk),
                        &mut *c,
                    )?;
                }
            }
            schema::db::Db::Pg(connection) => {
                let c: &mut diesel::pg::PgConnection = connection;
                if rows.len() > $crate::store::journal::COPY_FROM_ROWS {
                    diesel::ExecuteCopyFromDsl::execute(
                        diesel::copy_from($table).from_insertable(rows),
                        &mut *c,
                    )?;
                } else if !rows.is_empty() {
                    diesel::RunQueryDsl::execute(
                        diesel::insert_into($table).values(rows),
                        &mut *c,
                    )?;
                }
            }
        }
    }};
}
pub(crate) use insert_all;

/// Rows of one multi-row statement on SQLite; 21 columns stay far below its 32,766 values.
pub(crate) const SQLITE_ROWS: usize = 100;
/// From here on PostgreSQL takes rows by `COPY`.
pub(crate) const COPY_FROM_ROWS: usize = 16;
/// Names asked for in one query.
const NAMES: usize = 4_000;

/// A row of `entry`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = entry)]
#[diesel(treat_none_as_default_value = false)]
pub struct EntryRow {
    /// Book, named by its currency.
    pub book: String,
    /// Dense number within the book.
    pub seq: i64,
    /// Identifier; also that of the order, refund, top-up or settlement it books.
    pub id: Key,
    /// Kind of entry.
    pub kind: String,
    /// Period it is booked in.
    pub period: String,
    /// When it happened.
    pub event_time: When,
    /// When it was written.
    pub recorded_at: When,
    /// Who asked.
    pub source: String,
    /// That source's key.
    pub idem_key: String,
    /// SHA-256 of what was asked.
    pub request_hash: Vec<u8>,
    /// Links, canonical JSON.
    pub meta: String,
    /// 16 random bytes.
    pub salt: Vec<u8>,
    /// SHA-256 of the body.
    pub body_hash: Vec<u8>,
    /// Leaf hash before.
    pub prev_hash: Vec<u8>,
    /// Leaf hash.
    pub leaf_hash: Vec<u8>,
}

/// A row of `posting`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = posting)]
#[diesel(treat_none_as_default_value = false)]
pub struct PostingRow {
    /// Book.
    pub book: String,
    /// Entry.
    pub seq: i64,
    /// Line in the entry.
    pub line: i32,
    /// Account.
    pub account_id: i64,
    /// Minor units, debit positive.
    pub amount: i64,
}

/// A row of `account`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = account)]
#[diesel(treat_none_as_default_value = false)]
pub struct AccountRow {
    /// Number.
    pub id: i64,
    /// Book.
    pub book: String,
    /// Name.
    pub name: String,
    /// Sum of its postings.
    pub balance: i64,
}

/// What a repeated request needs to know of the entry it made.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct KeyRow {
    /// Entry.
    #[diesel(sql_type = Id)]
    pub id: Key,
    /// Its kind.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// Its book.
    #[diesel(sql_type = Text)]
    pub book: String,
    /// Its number.
    #[diesel(sql_type = BigInt)]
    pub seq: i64,
    /// Who asked.
    #[diesel(sql_type = Text)]
    pub source: String,
    /// The key.
    #[diesel(sql_type = Text)]
    pub idem_key: String,
    /// SHA-256 of what was asked.
    #[diesel(sql_type = Binary)]
    pub request_hash: Vec<u8>,
}

/// Entries that stand under these (source, key) pairs.
pub fn keys(db: &mut Db, pairs: &[(&str, &str)]) -> Result<Vec<KeyRow>, Fault> {
    if pairs.is_empty() {
        return Ok(Vec::new());
    }
    let list = pair_list(db, pairs.len(), "text");
    let sql = format!(
        "SELECT id, kind, book, seq, source, idem_key, request_hash FROM entry \
         WHERE (source, idem_key) IN (VALUES {list})"
    );
    let rows = on!(db, c => {
        let mut query = diesel::sql_query(sql).into_boxed();
        for (source, key) in pairs {
            query = query.bind::<Text, _>(*source).bind::<Text, _>(*key);
        }
        query.load::<KeyRow>(c)
    })?;
    Ok(rows)
}

/// The identifier of this node's books; made once.
pub fn node_id(db: &mut Db, fresh: Uuid) -> Result<Uuid, Fault> {
    if let Some(text) = stored_node_id(db)? {
        return Uuid::try_parse(&text).map_err(Fault::internal);
    }
    on!(db, c => diesel::insert_into(node_setting::table)
        .values((node_setting::name.eq(NODE_ID), node_setting::value.eq(fresh.to_string())))
        .execute(c))?;
    Ok(fresh)
}

/// The identifier of this node's books, once it has any.
pub fn stored_node_id(db: &mut Db) -> Result<Option<String>, Fault> {
    Ok(on!(db, c => node_setting::table
        .filter(node_setting::name.eq(NODE_ID))
        .select(node_setting::value)
        .first(c)
        .optional())?)
}

const NODE_ID: &str = "ledger_node_id";

/// Number and leaf hash of the last entry of a book.
pub fn head(db: &mut Db, book: &str) -> Result<Option<(i64, Vec<u8>)>, Fault> {
    Ok(on!(db, c => entry::table
        .filter(entry::book.eq(book))
        .order(entry::seq.desc())
        .select((entry::seq, entry::leaf_hash))
        .first(c)
        .optional())?)
}

/// Books that hold entries, by name.
pub fn books(db: &mut Db) -> Result<Vec<String>, Fault> {
    Ok(on!(db, c => entry::table
        .select(entry::book)
        .distinct()
        .order(entry::book)
        .load(c))?)
}

/// Number of entries of a book.
pub fn count(db: &mut Db, book: &str) -> Result<i64, Fault> {
    Ok(on!(db, c => entry::table.filter(entry::book.eq(book)).count().get_result(c))?)
}

/// The accounts of these names that exist.
pub fn accounts(db: &mut Db, book: &str, names: &[String]) -> Result<Vec<AccountRow>, Fault> {
    let mut found = Vec::with_capacity(names.len());
    for some in names.chunks(NAMES) {
        let rows: Vec<AccountRow> = on!(db, c => account::table
            .filter(account::book.eq(book))
            .filter(account::name.eq_any(some))
            .select(AccountRow::as_select())
            .load(c))?;
        found.extend(rows);
    }
    Ok(found)
}

/// Every account of a book, by name.
pub fn all_accounts(db: &mut Db, book: &str) -> Result<Vec<AccountRow>, Fault> {
    Ok(on!(db, c => account::table
        .filter(account::book.eq(book))
        .order(account::name)
        .select(AccountRow::as_select())
        .load(c))?)
}

/// The highest account number given; 0 when there is none.
pub fn last_account(db: &mut Db) -> Result<i64, Fault> {
    let last: Option<i64> =
        on!(db, c => account::table.select(diesel::dsl::max(account::id)).first(c))?;
    Ok(last.unwrap_or(0))
}

/// Writes new entries.
pub fn insert_entries(db: &mut Db, rows: &[EntryRow]) -> Result<(), Fault> {
    insert_all!(db, entry::table, rows);
    Ok(())
}

/// Writes new postings.
pub fn insert_postings(db: &mut Db, rows: &[PostingRow]) -> Result<(), Fault> {
    insert_all!(db, posting::table, rows);
    Ok(())
}

/// Writes new accounts.
pub fn insert_accounts(db: &mut Db, rows: &[AccountRow]) -> Result<(), Fault> {
    insert_all!(db, account::table, rows);
    Ok(())
}

/// Sets balances of accounts by number.
pub fn set_balances(db: &mut Db, balances: &[(i64, i64)]) -> Result<(), Fault> {
    match db {
        Db::Sqlite(c) => {
            for (id, balance) in balances {
                diesel::update(account::table.find(id))
                    .set(account::balance.eq(balance))
                    .execute(&mut **c)?;
            }
        }
        Db::Pg(c) if !balances.is_empty() => {
            let (ids, values): (Vec<i64>, Vec<i64>) = balances.iter().copied().unzip();
            diesel::sql_query(
                "UPDATE account SET balance = new.balance \
                 FROM unnest($1, $2) AS new (id, balance) WHERE account.id = new.id",
            )
            .bind::<diesel::sql_types::Array<BigInt>, _>(ids)
            .bind::<diesel::sql_types::Array<BigInt>, _>(values)
            .execute(&mut **c)?;
        }
        Db::Pg(_) => {}
    }
    Ok(())
}

/// One movement of an account.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Movement {
    /// Entry number.
    pub seq: i64,
    /// Kind of entry.
    pub kind: String,
    /// Minor units, debit positive.
    pub amount: i64,
    /// When it happened.
    pub at: When,
}

/// The latest movements of an account, newest first.
pub fn movements(db: &mut Db, account: &AccountRow, limit: i64) -> Result<Vec<Movement>, Fault> {
    Ok(on!(db, c => posting::table
        .inner_join(entry::table.on(entry::book.eq(posting::book).and(entry::seq.eq(posting::seq))))
        .filter(posting::account_id.eq(account.id))
        .order((posting::seq.desc(), posting::line.desc()))
        .limit(limit)
        .select((posting::seq, entry::kind, posting::amount, entry::event_time))
        .load(c))?)
}

/// Sum of an account's postings up to an entry, that entry included.
pub fn balance_at(db: &mut Db, book: &str, name: &str, seq: i64) -> Result<i64, Fault> {
    Ok(on!(db, c => posting::table
        .inner_join(account::table)
        .filter(account::book.eq(book).and(account::name.eq(name)))
        .filter(posting::seq.le(seq))
        .select(exact_sum())
        .first(c))?)
}

/// Sum of every account's postings: what the books say, not what the cache says.
pub fn sums(db: &mut Db, book: &str) -> Result<Vec<(String, i64)>, Fault> {
    Ok(on!(db, c => posting::table
        .inner_join(account::table)
        .filter(posting::book.eq(book))
        .group_by(account::name)
        .order(account::name)
        .select((account::name, exact_sum()))
        .load(c))?)
}

/// `SUM` of a bigint is numeric on PostgreSQL; both databases fail when it leaves 64 bits (I19).
fn exact_sum() -> diesel::expression::SqlLiteral<BigInt> {
    diesel::dsl::sql("CAST(COALESCE(SUM(posting.amount), 0) AS BIGINT)")
}

/// Sums of one account's postings by period.
pub fn sums_by_period(db: &mut Db, account: &AccountRow) -> Result<Vec<(String, i64)>, Fault> {
    Ok(on!(db, c => posting::table
        .inner_join(entry::table.on(entry::book.eq(posting::book).and(entry::seq.eq(posting::seq))))
        .filter(posting::account_id.eq(account.id))
        .group_by(entry::period)
        .order(entry::period)
        .select((entry::period, exact_sum()))
        .load(c))?)
}

/// Sums of one account's postings in a period by kind of entry.
pub fn sums_by_kind(
    db: &mut Db,
    account: &AccountRow,
    period: &str,
) -> Result<Vec<(String, i64)>, Fault> {
    Ok(on!(db, c => posting::table
        .inner_join(entry::table.on(entry::book.eq(posting::book).and(entry::seq.eq(posting::seq))))
        .filter(posting::account_id.eq(account.id).and(entry::period.eq(period)))
        .group_by(entry::kind)
        .order(entry::kind)
        .select((entry::kind, exact_sum()))
        .load(c))?)
}

/// Entries of a book after a number, in order.
pub fn entries_after(
    db: &mut Db,
    book: &str,
    after: i64,
    limit: i64,
) -> Result<Vec<EntryRow>, Fault> {
    Ok(on!(db, c => entry::table
        .filter(entry::book.eq(book).and(entry::seq.gt(after)))
        .order(entry::seq)
        .limit(limit)
        .select(EntryRow::as_select())
        .load(c))?)
}

/// Postings of a book from one place to an entry, in order; the account by number.
pub fn postings_of(
    db: &mut Db,
    book: &str,
    from: (i64, i32),
    to_seq: i64,
    limit: i64,
) -> Result<Vec<PostingRow>, Fault> {
    let (seq, line) = from;
    Ok(on!(db, c => posting::table
        .filter(posting::book.eq(book).and(posting::seq.le(to_seq)))
        .filter(posting::seq.gt(seq).or(posting::seq.eq(seq).and(posting::line.gt(line))))
        .order((posting::seq, posting::line))
        .limit(limit)
        .select(PostingRow::as_select())
        .load(c))?)
}

/// Postings of one entry in their order, with the names of accounts; at most so many.
pub fn named_postings(
    db: &mut Db,
    book: &str,
    seq: i64,
    most: i64,
) -> Result<Vec<(String, i64)>, Fault> {
    Ok(on!(db, c => posting::table
        .inner_join(account::table)
        .filter(posting::book.eq(book).and(posting::seq.eq(seq)))
        .order(posting::line)
        .limit(most)
        .select((account::name, posting::amount))
        .load(c))?)
}

/// One entry by its identifier.
pub fn entry_by_id(db: &mut Db, id: Uuid) -> Result<EntryRow, Fault> {
    Ok(on!(db, c => entry::table
        .filter(entry::id.eq(Key(id)))
        .select(EntryRow::as_select())
        .first(c))?)
}

/// One entry by its identifier, when there is one.
pub fn entry_named(db: &mut Db, id: Uuid) -> Result<Option<EntryRow>, Fault> {
    Ok(on!(db, c => entry::table
        .filter(entry::id.eq(Key(id)))
        .select(EntryRow::as_select())
        .first(c)
        .optional())?)
}

/// Entries of a kind, in all books.
pub fn count_kind(db: &mut Db, kind: &str) -> Result<i64, Fault> {
    Ok(on!(db, c => entry::table.filter(entry::kind.eq(kind)).count().get_result(c))?)
}

/// Kind of an entry, and what it posts to an account: 0 when it does not touch it.
pub fn posted(
    db: &mut Db,
    book: &str,
    seq: i64,
    name: &str,
) -> Result<Option<(String, i64)>, Fault> {
    let kind: Option<String> = on!(db, c => entry::table
        .find((book, seq))
        .select(entry::kind)
        .first(c)
        .optional())?;
    let Some(kind) = kind else {
        return Ok(None);
    };
    let minor: i64 = on!(db, c => posting::table
        .inner_join(account::table)
        .filter(posting::book.eq(book).and(posting::seq.eq(seq)))
        .filter(account::name.eq(name))
        .select(exact_sum())
        .first(c))?;
    Ok(Some((kind, minor)))
}

/// One entry by its place.
pub fn entry_at(db: &mut Db, book: &str, seq: i64) -> Result<Option<EntryRow>, Fault> {
    Ok(on!(db, c => entry::table
        .find((book, seq))
        .select(EntryRow::as_select())
        .first(c)
        .optional())?)
}

/// Names of accounts by number.
pub fn account_names(db: &mut Db) -> Result<HashMap<i64, (String, String)>, Fault> {
    let rows: Vec<(i64, String, String)> = on!(db, c => account::table
        .select((account::id, account::book, account::name))
        .load(c))?;
    Ok(rows
        .into_iter()
        .map(|(id, book, name)| (id, (book, name)))
        .collect())
}

/// The accounts of this name in every book, by book.
pub fn accounts_named(db: &mut Db, name: &str) -> Result<Vec<AccountRow>, Fault> {
    Ok(on!(db, c => account::table
        .filter(account::name.eq(name))
        .order(account::book)
        .select(AccountRow::as_select())
        .load(c))?)
}

/// How an entry is named outside: book and number; empty when no money moved.
#[must_use]
pub fn entry_name(book: &str, seq: i64) -> String {
    if seq == 0 {
        String::new()
    } else {
        format!("{book}/{seq}")
    }
}

/// Prefix that keeps the journal's answers apart from others under the same key.
const ANSWER: &str = "journal:";

/// What a request has made where no single entry bears its key: a settlement of any number
/// of pools, or an order of price 0. A row of `idempotency`.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName, Insertable)]
#[diesel(table_name = schema::tables::idempotency)]
#[diesel(treat_none_as_default_value = false)]
pub struct AnswerRow {
    /// Who asked.
    #[diesel(sql_type = Id)]
    pub party_id: Key,
    /// The key, with the journal's prefix.
    #[diesel(sql_type = Text)]
    pub idem_key: String,
    /// SHA-256 of what was asked.
    #[diesel(sql_type = Binary)]
    pub request_hash: Vec<u8>,
    /// HTTP status of the answer.
    #[diesel(sql_type = diesel::sql_types::Integer)]
    pub status: i32,
    /// Identifiers of what was made, a JSON list.
    #[diesel(sql_type = Text)]
    pub response: String,
    /// When.
    #[diesel(sql_type = schema::columns::Instant)]
    pub created_at: When,
}

impl AnswerRow {
    /// A row for a request.
    pub fn new(
        party: Uuid,
        key: &str,
        request_hash: Vec<u8>,
        ids: &[Uuid],
        now: DateTime<Utc>,
    ) -> Result<Self, Fault> {
        Ok(Self {
            party_id: Key(party),
            idem_key: format!("{ANSWER}{key}"),
            request_hash,
            status: 200,
            response: serde_json::to_string(ids).map_err(Fault::internal)?,
            created_at: now.into(),
        })
    }

    /// The key as the caller gave it.
    #[must_use]
    pub fn key(&self) -> &str {
        self.idem_key.strip_prefix(ANSWER).unwrap_or(&self.idem_key)
    }

    /// Identifiers of what was made.
    pub fn ids(&self) -> Result<Vec<Uuid>, Fault> {
        serde_json::from_str(&self.response).map_err(Fault::internal)
    }
}

/// Answers that stand under these (party, key) pairs.
pub fn answers(db: &mut Db, pairs: &[(Uuid, &str)]) -> Result<Vec<AnswerRow>, Fault> {
    if pairs.is_empty() {
        return Ok(Vec::new());
    }
    let list = pair_list(db, pairs.len(), "uuid");
    let sql = format!(
        "SELECT party_id, idem_key, request_hash, status, response, created_at FROM idempotency \
         WHERE (party_id, idem_key) IN (VALUES {list})"
    );
    Ok(on!(db, c => {
        let mut query = diesel::sql_query(sql).into_boxed();
        for (party, key) in pairs {
            query = query.bind::<Id, _>(Key(*party)).bind::<Text, _>(format!("{ANSWER}{key}"));
        }
        query.load::<AnswerRow>(c)
    })?)
}

/// Writes answers.
pub fn insert_answers(db: &mut Db, rows: &[AnswerRow]) -> Result<(), Fault> {
    insert_all!(db, schema::tables::idempotency::table, rows);
    Ok(())
}

/// Placeholders of a list of pairs.
fn pair_list(db: &Db, pairs: usize, first: &str) -> String {
    let mut list = String::with_capacity(pairs * 24);
    for n in 0..pairs {
        if n > 0 {
            list.push_str(", ");
        }
        if db.is_postgres() {
            list.push_str(&format!("(${}::{first}, ${})", 2 * n + 1, 2 * n + 2));
        } else {
            list.push_str("(?, ?)");
        }
    }
    list
}

/// Makes this session the writer; false when another session is. Always true on SQLite,
/// where the lock on the data directory decides.
pub fn lock_writer(db: &mut Db, number: i64) -> Result<bool, Fault> {
    match db {
        Db::Sqlite(_) => Ok(true),
        Db::Pg(c) => Ok(
            diesel::select(diesel::dsl::sql::<diesel::sql_types::Bool>(&format!(
                "pg_try_advisory_lock({number})"
            )))
            .get_result(&mut **c)?,
        ),
    }
}

/// Lets another session become the writer.
pub fn unlock_writer(db: &mut Db, number: i64) -> Result<(), Fault> {
    if db.is_postgres() {
        db.execute(&format!("SELECT pg_advisory_unlock({number})"))?;
    }
    Ok(())
}

/// Source, key, book and number of entries after a place, ordered by source and key.
pub fn keys_after(
    db: &mut Db,
    after: &(String, String, String, i64),
    limit: i64,
) -> Result<Vec<(String, String, String, i64)>, Fault> {
    let (source, key, book, seq) = after;
    Ok(on!(db, c => entry::table
        .filter(entry::source.ge(source))
        .filter(entry::source.gt(source).or(entry::idem_key.gt(key)).or(
            entry::idem_key.eq(key).and(
                entry::book.gt(book).or(entry::book.eq(book).and(entry::seq.gt(seq))),
            ),
        ))
        .order((entry::source, entry::idem_key, entry::book, entry::seq))
        .limit(limit)
        .select((entry::source, entry::idem_key, entry::book, entry::seq))
        .load(c))?)
}

/// Every account of every book.
pub fn every_account(db: &mut Db) -> Result<Vec<AccountRow>, Fault> {
    Ok(on!(db, c => account::table.order(account::id).select(AccountRow::as_select()).load(c))?)
}

/// Accounts of a book that are not empty and whose name starts so.
pub fn balances_under(db: &mut Db, prefix: &str) -> Result<Vec<AccountRow>, Fault> {
    Ok(on!(db, c => account::table
        .filter(account::name.ge(prefix).and(account::name.lt(format!("{prefix}\u{7f}"))))
        .filter(account::balance.ne(0))
        .order(account::id)
        .select(AccountRow::as_select())
        .load(c))?)
}
