//! The log: one Merkle tree over the entries of all books (C2SP tlog-tiles).
//!
//! Entries are written without it. When a checkpoint is made, what each book has gained since
//! takes the next places: book after book, each in the order of its numbers. That is recorded
//! as ranges, so that place and entry lead to each other without a row per entry, and the
//! work is that of the new entries alone. Deeper levels and the last, growing tiles come from
//! [`ledger::merkle`].

use ledger::json::Hash;
use ledger::merkle::{self, ProofError, Tiles, Tree};
use schema::db::Db;
use uuid::Uuid;

use crate::error::Fault;
use crate::store::checkpoints::{self as rows, RangeRow, TileRow};

/// Leaf hashes read at once.
const PAGE: i64 = 10_000;

impl From<ProofError> for Fault {
    fn from(error: ProofError) -> Self {
        Self::internal(format!("I17: {error}: run `granary ledger verify`"))
    }
}

/// Reads stored hashes; a tile that is not there has none.
pub fn hashes(stored: Option<Vec<u8>>) -> Result<Vec<Hash>, Fault> {
    merkle::tile_hashes(&stored.unwrap_or_default())
        .ok_or_else(|| Fault::internal("I17: a tile's length is no multiple of 32"))
}

fn tile(db: &mut Db, level: u8, number: u64) -> Result<Vec<Hash>, Fault> {
    let number = i64::try_from(number).map_err(Fault::internal)?;
    hashes(rows::tile(db, i32::from(level), number)?)
}

/// The log as far as it has grown: number of leaves and root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grown {
    /// Leaves.
    pub size: u64,
    /// Their root.
    pub root: Hash,
}

/// Gives every entry without one its place in the log. Call it inside the transaction that
/// stores the checkpoint. `last` is what the latest checkpoint says.
///
/// # Errors
/// The stored tiles do not have the last root, an entry is missing, or the database's own.
/// Nothing may be signed then.
pub fn grow(db: &mut Db, last: Grown) -> Result<Grown, Fault> {
    let mut tree = Tree::resume(last.size, |level, number| tile(db, level, number))?;
    if tree.root() != last.root {
        return Err(Fault::internal(format!(
            "I17: the tiles of {} leaves have not the root that was signed: \
             run `granary ledger verify`",
            last.size
        )));
    }
    let mut ranges = Vec::new();
    for (book, head) in rows::heads(db)? {
        let placed = rows::placed(db, &book)?;
        if head > placed {
            ranges.push(RangeRow {
                first: i64::try_from(tree.size()).map_err(Fault::internal)?,
                count: head - placed,
                first_seq: placed + 1,
                book: book.clone(),
            });
            push(db, &mut tree, &book, placed, head)?;
        }
    }
    let tiles = tree.take_tiles();
    let tiles: Vec<TileRow> = tiles
        .iter()
        .map(|tile| {
            Ok(TileRow {
                level: i32::from(tile.level),
                number: i64::try_from(tile.number).map_err(Fault::internal)?,
                hashes: merkle::tile_bytes(&tile.hashes),
            })
        })
        .collect::<Result<_, Fault>>()?;
    if !ranges.is_empty() {
        rows::insert_ranges(db, &ranges)?;
        rows::put_tiles(db, &tiles)?;
    }
    Ok(Grown {
        size: tree.size(),
        root: tree.root(),
    })
}

/// Appends a book's entries after one, up to another.
fn push(db: &mut Db, tree: &mut Tree, book: &str, after: i64, until: i64) -> Result<(), Fault> {
    let mut seq = after;
    while seq < until {
        let page = rows::leaves(db, book, seq, until, PAGE)?;
        if page.is_empty() {
            return Err(gone(book, seq + 1));
        }
        for (number, leaf) in page {
            seq += 1;
            if number != seq {
                return Err(gone(book, seq));
            }
            tree.push(Hash(leaf.as_slice().try_into().map_err(Fault::internal)?));
        }
    }
    Ok(())
}

fn gone(book: &str, seq: i64) -> Fault {
    Fault::internal(format!(
        "I3: entry {seq} of {book} is gone: run `granary ledger verify`"
    ))
}

/// Entries that have no place yet.
///
/// # Errors
/// The database's own.
pub fn waiting(db: &mut Db) -> Result<i64, Fault> {
    let mut count = 0;
    for (book, head) in rows::heads(db)? {
        count += head - rows::placed(db, &book)?;
    }
    Ok(count)
}

/// Where an entry stands in the log, and what leads from it to the root of `size` leaves.
///
/// # Errors
/// The entry has no place within that size, or the tiles do not reach.
pub fn prove(db: &mut Db, book: &str, seq: i64, size: u64) -> Result<(u64, Vec<Hash>), Fault> {
    let range = rows::range_of(db, book, seq)?
        .ok_or_else(|| Fault::internal(format!("entry {seq} of {book} is not in the log yet")))?;
    let index = u64::try_from(range.first + seq - range.first_seq).map_err(Fault::internal)?;
    let mut tiles = Tiles::new(|level, number| tile(db, level, number));
    Ok((index, tiles.prove_inclusion(index, size)?))
}

/// What leads from line `number` of a settlement to the root of its tree of `count` lines.
///
/// # Errors
/// The number lies outside, or the tiles do not reach.
pub fn prove_line(
    db: &mut Db,
    settlement: Uuid,
    number: u64,
    count: u64,
) -> Result<Vec<Hash>, Fault> {
    let mut tiles = Tiles::new(|level: u8, number: u64| {
        let number = i64::try_from(number).map_err(Fault::internal)?;
        hashes(rows::line_tile(db, settlement, i32::from(level), number)?)
    });
    tiles.prove_inclusion(number, count)
}
