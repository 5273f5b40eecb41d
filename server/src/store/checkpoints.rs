//! The log of all books: places of entries, tiles of hashes, signed checkpoints, and the
//! trees over settlements' lines.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use schema::columns::{Key, When};
use schema::db::Db;
use schema::on;
use schema::tables::{checkpoint, entry, log_range, log_tile, settlement_leaf, settlement_tile};
use uuid::Uuid;

use super::journal::insert_all;
use crate::error::Fault;

/// A row of `log_range`: entries of one book that stand in the log one after the other.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = log_range)]
#[diesel(treat_none_as_default_value = false)]
pub struct RangeRow {
    /// Place of the first one, from 0.
    pub first: i64,
    /// How many.
    pub count: i64,
    /// Their book.
    pub book: String,
    /// Number of the first one in the book.
    pub first_seq: i64,
}

/// A row of `log_tile`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = log_tile)]
#[diesel(treat_none_as_default_value = false)]
pub struct TileRow {
    /// 0 for leaves.
    pub level: i32,
    /// Number within the level.
    pub number: i64,
    /// 32 bytes each.
    pub hashes: Vec<u8>,
}

/// A row of `checkpoint`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = checkpoint)]
#[diesel(treat_none_as_default_value = false)]
pub struct CheckpointRow {
    /// Dense, from 1.
    pub number: i64,
    /// Leaves.
    pub size: i64,
    /// Their root, 32 bytes.
    pub root: Vec<u8>,
    /// The signed note.
    pub note: String,
    /// When it was signed.
    pub created_at: When,
}

/// A row of `settlement_leaf`.
#[derive(Debug, Clone, PartialEq, Eq, Insertable)]
#[diesel(table_name = settlement_leaf)]
#[diesel(treat_none_as_default_value = false)]
pub struct LeafRow {
    /// Settlement.
    pub settlement_id: Key,
    /// Canonical JSON, as it is hashed.
    pub leaf: String,
}

/// A row of `settlement_tile`.
#[derive(Debug, Clone, PartialEq, Eq, Insertable)]
#[diesel(table_name = settlement_tile)]
#[diesel(treat_none_as_default_value = false)]
pub struct LineTileRow {
    /// Settlement.
    pub settlement_id: Key,
    /// 0 for lines.
    pub level: i32,
    /// Number within the level.
    pub number: i64,
    /// 32 bytes each.
    pub hashes: Vec<u8>,
}

/// Keeps others from growing the log until the transaction ends. On SQLite the transaction does.
pub fn hold(db: &mut Db) -> Result<(), Fault> {
    if db.is_postgres() {
        // The name of the lock: "checkpo" and a 1.
        db.execute("SELECT pg_advisory_xact_lock(7163086685011472129)")?;
    }
    Ok(())
}

/// Number of the last entry of every book, by book; as quick with a million entries as with
/// one.
pub fn heads(db: &mut Db) -> Result<Vec<(String, i64)>, Fault> {
    #[derive(QueryableByName)]
    struct Head {
        #[diesel(sql_type = Text)]
        book: String,
        #[diesel(sql_type = BigInt)]
        seq: i64,
    }
    let heads: Vec<Head> = on!(db, c => diesel::sql_query(
        "WITH RECURSIVE names (book) AS ( \
           SELECT MIN(book) FROM entry UNION ALL \
           SELECT (SELECT MIN(entry.book) FROM entry WHERE entry.book > names.book) \
           FROM names WHERE names.book IS NOT NULL \
         ) SELECT book, (SELECT MAX(seq) FROM entry WHERE entry.book = names.book) AS seq \
         FROM names WHERE book IS NOT NULL ORDER BY book",
    ).load(c))?;
    Ok(heads
        .into_iter()
        .map(|head| (head.book, head.seq))
        .collect())
}

/// Number of the last entry of a book that has a place in the log; 0 for none.
pub fn placed(db: &mut Db, book: &str) -> Result<i64, Fault> {
    let last: Option<(i64, i64)> = on!(db, c => log_range::table
        .filter(log_range::book.eq(book))
        .order(log_range::first_seq.desc())
        .select((log_range::first_seq, log_range::count))
        .first(c)
        .optional())?;
    Ok(last.map_or(0, |(first, count)| first + count - 1))
}

/// Numbers and leaf hashes of a book's entries after one, up to another.
pub fn leaves(
    db: &mut Db,
    book: &str,
    after: i64,
    until: i64,
    limit: i64,
) -> Result<Vec<(i64, Vec<u8>)>, Fault> {
    Ok(on!(db, c => entry::table
        .filter(entry::book.eq(book).and(entry::seq.gt(after)).and(entry::seq.le(until)))
        .order(entry::seq)
        .limit(limit)
        .select((entry::seq, entry::leaf_hash))
        .load(c))?)
}

/// The range that holds an entry.
pub fn range_of(db: &mut Db, book: &str, seq: i64) -> Result<Option<RangeRow>, Fault> {
    let range: Option<RangeRow> = on!(db, c => log_range::table
        .filter(log_range::book.eq(book).and(log_range::first_seq.le(seq)))
        .order(log_range::first_seq.desc())
        .select(RangeRow::as_select())
        .first(c)
        .optional())?;
    Ok(range.filter(|range| seq < range.first_seq + range.count))
}

/// Every range in the order of the log.
pub fn ranges(db: &mut Db) -> Result<Vec<RangeRow>, Fault> {
    Ok(on!(db, c => log_range::table
        .order(log_range::first)
        .select(RangeRow::as_select())
        .load(c))?)
}

/// Gives entries their places.
pub fn insert_ranges(db: &mut Db, rows: &[RangeRow]) -> Result<(), Fault> {
    insert_all!(db, log_range::table, rows);
    Ok(())
}

/// The hashes of a tile; none when it is not there.
pub fn tile(db: &mut Db, level: i32, number: i64) -> Result<Option<Vec<u8>>, Fault> {
    Ok(on!(db, c => log_tile::table
        .find((level, number))
        .select(log_tile::hashes)
        .first(c)
        .optional())?)
}

/// Places of all tiles, by level and number.
pub fn tile_places(db: &mut Db) -> Result<Vec<(i32, i64)>, Fault> {
    Ok(on!(db, c => log_tile::table
        .order((log_tile::level, log_tile::number))
        .select((log_tile::level, log_tile::number))
        .load(c))?)
}

/// Writes tiles; one that has grown takes the place of what it was.
pub fn put_tiles(db: &mut Db, rows: &[TileRow]) -> Result<(), Fault> {
    for row in rows {
        on!(db, c => diesel::insert_into(log_tile::table)
            .values(row)
            .on_conflict((log_tile::level, log_tile::number))
            .do_update()
            .set(log_tile::hashes.eq(&row.hashes))
            .execute(c))?;
    }
    Ok(())
}

/// The latest checkpoint.
pub fn last(db: &mut Db) -> Result<Option<CheckpointRow>, Fault> {
    Ok(on!(db, c => checkpoint::table
        .order(checkpoint::number.desc())
        .select(CheckpointRow::as_select())
        .first(c)
        .optional())?)
}

/// Every checkpoint, in order.
pub fn all(db: &mut Db) -> Result<Vec<CheckpointRow>, Fault> {
    Ok(on!(db, c => checkpoint::table
        .order(checkpoint::number)
        .select(CheckpointRow::as_select())
        .load(c))?)
}

/// Writes a checkpoint.
pub fn insert(db: &mut Db, row: &CheckpointRow) -> Result<(), Fault> {
    on!(db, c => diesel::insert_into(checkpoint::table).values(row).execute(c))?;
    Ok(())
}

/// Writes the leaves of settlements.
pub fn insert_leaves(db: &mut Db, rows: &[LeafRow]) -> Result<(), Fault> {
    insert_all!(db, settlement_leaf::table, rows);
    Ok(())
}

/// The leaf of a settlement.
pub fn leaf(db: &mut Db, settlement: Uuid) -> Result<String, Fault> {
    Ok(on!(db, c => settlement_leaf::table
        .find(Key(settlement))
        .select(settlement_leaf::leaf)
        .first(c))?)
}

/// Writes the tiles of settlements' trees.
pub fn insert_line_tiles(db: &mut Db, rows: &[LineTileRow]) -> Result<(), Fault> {
    insert_all!(db, settlement_tile::table, rows);
    Ok(())
}

/// The hashes of a tile of a settlement's tree; none when it is not there.
pub fn line_tile(
    db: &mut Db,
    settlement: Uuid,
    level: i32,
    number: i64,
) -> Result<Option<Vec<u8>>, Fault> {
    Ok(on!(db, c => settlement_tile::table
        .find((Key(settlement), level, number))
        .select(settlement_tile::hashes)
        .first(c)
        .optional())?)
}
