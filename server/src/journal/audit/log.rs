//! I17: every checkpoint, the oldest and one kept outside too, is what the journal's entries
//! give when they are hashed again; and the trees over settlements' lines are theirs.

use std::collections::BTreeMap;

use ledger::checkpoint::{Checkpoint, LogKey};
use ledger::json::Hash;
use ledger::lines::SaltedLine;
use ledger::merkle::{self, Tile, Tree};
use ledger::settle::CreditLine;
use schema::db::Db;
use schema::wire::LedgerFinding;
use serde_json::Value;
use uuid::Uuid;

use super::{book_name, finding};
use crate::error::Fault;
use crate::journal::log::hashes;
use crate::store::checkpoints::{self as rows, CheckpointRow, RangeRow};
use crate::store::journal;
use crate::store::pools::{LineRow, SettlementRow};

/// Leaf hashes read at once.
const PAGE: i64 = 10_000;
/// Changed leaves that are named one by one.
const MOST_NAMED: usize = 100;

/// What the log is held against besides itself.
#[derive(Debug, Clone, Default)]
pub struct Against {
    /// The key that must have signed the stored checkpoints.
    pub key: Option<LogKey>,
    /// A checkpoint that was kept outside, already believed to be the node's.
    pub since: Option<Checkpoint>,
}

/// A size at which the root is known from somewhere.
struct Mark {
    row: String,
    root: Hash,
    /// Stored beside the journal, not kept outside.
    stored: bool,
}

/// A mark that the journal does not reach.
struct Different {
    mark: Mark,
    size: u64,
    root: Hash,
}

/// The log while it is hashed again.
struct Walk<'a> {
    node: &'a str,
    tree: Tree,
    ranges: Vec<RangeRow>,
    marks: BTreeMap<u64, Vec<Mark>>,
    /// The last size at which a signed root was the journal's own, before the first that
    /// was not.
    agreed: u64,
    different: Vec<Different>,
    named: usize,
    stored: Vec<Hash>,
    own: &'a mut Vec<LedgerFinding>,
}

/// Hashes the log again, entry by entry.
///
/// # Errors
/// The database's own.
pub(super) fn verify(
    db: &mut Db,
    node: &str,
    against: &Against,
    own: &mut Vec<LedgerFinding>,
) -> Result<(), Fault> {
    let marks = marks(rows::all(db)?, against, own);
    let mut walk = Walk {
        node,
        tree: Tree::default(),
        ranges: Vec::new(),
        marks,
        agreed: 0,
        different: Vec::new(),
        named: 0,
        stored: Vec::new(),
        own,
    };
    walk.compare_roots();
    let whole = walk.entries(db)?;
    walk.tell_different();
    if whole {
        walk.finish(db)?;
    }
    Ok(())
}

fn marks(
    checkpoints: Vec<CheckpointRow>,
    against: &Against,
    own: &mut Vec<LedgerFinding>,
) -> BTreeMap<u64, Vec<Mark>> {
    let mut marks: BTreeMap<u64, Vec<Mark>> = BTreeMap::new();
    for (row, number) in checkpoints.iter().zip(1..) {
        let name = format!("checkpoint {}", row.number);
        if let Err(message) = sound(row, number, against) {
            own.push(finding("I17", name.clone(), message));
        }
        if let (Ok(size), Ok(root)) = (u64::try_from(row.size), row.root.as_slice().try_into()) {
            let root = Hash(root);
            marks.entry(size).or_default().push(Mark {
                row: name,
                root,
                stored: true,
            });
        }
    }
    if let Some(since) = &against.since {
        marks.entry(since.size).or_default().push(Mark {
            row: format!("checkpoint of {} entries kept outside", since.size),
            root: since.root,
            stored: false,
        });
    }
    marks
}

/// A stored checkpoint by itself: number, note and signature.
fn sound(row: &CheckpointRow, number: i64, against: &Against) -> Result<(), String> {
    if row.number != number {
        return Err(format!(
            "it should be number {number}: one before it is gone"
        ));
    }
    let read = match &against.key {
        Some(key) => Checkpoint::verify(&row.note, key),
        None => Checkpoint::read(&row.note).map(|(checkpoint, _)| checkpoint),
    };
    let note = read.map_err(|error| error.to_string())?;
    if i64::try_from(note.size) != Ok(row.size) || note.root.0.as_slice() != row.root {
        return Err("its row is not what its note says".to_owned());
    }
    Ok(())
}

impl Walk<'_> {
    fn size(&self) -> i64 {
        i64::try_from(self.tree.size()).unwrap_or(i64::MAX)
    }

    fn say(&mut self, row: String, message: String) {
        self.own.push(finding("I17", row, message));
    }

    /// Every range; false when the walk cannot reach the end.
    fn entries(&mut self, db: &mut Db) -> Result<bool, Fault> {
        let mut next: BTreeMap<String, i64> = BTreeMap::new();
        for range in rows::ranges(db)? {
            let expected = next.entry(range.book.clone()).or_insert(1);
            if self.size() != range.first || range.first_seq != *expected || range.count < 1 {
                let row = format!("log range {}", range.first);
                self.say(row, "it does not follow the range before it".to_owned());
                return Ok(false);
            }
            *expected += range.count;
            self.ranges.push(range.clone());
            if !self.range(db, &range)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// One range; false when an entry is missing and nothing after it can be told.
    fn range(&mut self, db: &mut Db, range: &RangeRow) -> Result<bool, Fault> {
        let last = range.first_seq + range.count - 1;
        let mut seq = range.first_seq - 1;
        while seq < last {
            let page = rows::leaves(db, &range.book, seq, last, PAGE)?;
            let dense = (seq + 1..)
                .zip(&page)
                .all(|(seq, (found, _))| seq == *found);
            if page.is_empty() || !dense {
                let entry = format!("entry {} of {}", seq + 1, book_name(self.node, &range.book));
                let message = "the log holds it, the journal does not: entries were removed";
                self.say(entry, message.to_owned());
                return Ok(false);
            }
            for (number, leaf) in page {
                seq = number;
                self.leaf(db, &range.book, seq, &leaf)?;
            }
            let full = self.tree.take_full();
            self.compare_tiles(db, &full)?;
        }
        Ok(true)
    }

    fn leaf(&mut self, db: &mut Db, book: &str, seq: i64, leaf: &[u8]) -> Result<(), Fault> {
        let place = (self.tree.size() % 256) as usize;
        if place == 0 {
            self.stored = hashes(rows::tile(db, 0, self.size() / 256)?)?;
        }
        let hash = leaf.try_into().map(Hash).unwrap_or(Hash::ZERO);
        if self.stored.get(place) != Some(&hash) {
            self.named += 1;
            if self.named <= MOST_NAMED {
                let entry = format!("entry {seq} of {}", book_name(self.node, book));
                let message = format!("its leaf hash is not leaf {} of the log", self.size());
                self.say(entry, message);
            }
        }
        self.tree.push(hash);
        self.compare_roots();
        Ok(())
    }

    /// What was signed about this size.
    fn compare_roots(&mut self) {
        let size = self.tree.size();
        for mark in self.marks.remove(&size).into_iter().flatten() {
            let root = self.tree.root();
            if mark.root != root {
                self.different.push(Different { mark, size, root });
            } else if self.different.is_empty() {
                self.agreed = size;
            }
        }
    }

    /// Where the journal and a signed root part. When a stored checkpoint differs, the change
    /// lies behind the last one that agreed; when only one kept outside does, the node has
    /// signed two histories, and the change may lie anywhere before.
    fn tell_different(&mut self) {
        let stored = self.different.iter().any(|one| one.mark.stored);
        let first = if stored { self.agreed } else { 0 };
        for Different { mark, size, root } in std::mem::take(&mut self.different) {
            let message = format!(
                "it says that {size} entries have the root {}, the journal has {root}: the first \
                 changed one is among {} to {}",
                mark.root,
                self.entry_at(first.min(size)),
                self.entry_at(size.saturating_sub(1)),
            );
            self.say(mark.row, message);
        }
    }

    fn entry_at(&self, index: u64) -> String {
        let place = i64::try_from(index).unwrap_or(i64::MAX);
        let range = self.ranges.iter().rfind(|range| range.first <= place);
        range.map_or_else(
            || format!("leaf {index}"),
            |range| {
                let seq = range.first_seq + place - range.first;
                format!("entry {seq} of {}", range.book)
            },
        )
    }

    /// Levels above the leaves, which were compared one by one.
    fn compare_tiles(&mut self, db: &mut Db, tiles: &[Tile]) -> Result<(), Fault> {
        for tile in tiles {
            let number = i64::try_from(tile.number).map_err(Fault::internal)?;
            let stored = hashes(rows::tile(db, i32::from(tile.level), number)?)?;
            let longer = stored.len() > tile.hashes.len();
            if stored != tile.hashes && (tile.level > 0 || longer) {
                let name = merkle::tile_path(tile.level, tile.number, None);
                let message = match longer {
                    true => "it holds hashes of entries that the log does not have",
                    false => "its hashes are not those of the tiles below it",
                };
                self.say(name, message.to_owned());
            }
        }
        Ok(())
    }

    fn finish(mut self, db: &mut Db) -> Result<(), Fault> {
        let tiles = self.tree.take_tiles();
        self.compare_tiles(db, &tiles)?;
        let size = self.tree.size();
        for (level, number) in rows::tile_places(db)? {
            let width = u32::try_from(8 * (level + 1)).unwrap_or(0);
            let first = u64::try_from(number).unwrap_or(0).checked_shl(width);
            if first.is_none_or(|first| first >= size) {
                let name = format!("tile/{level}/{number:03}");
                let message = "it holds hashes of entries that the log does not have";
                self.say(name, message.to_owned());
            }
        }
        for (signed, marks) in std::mem::take(&mut self.marks) {
            for mark in marks {
                let message = format!(
                    "it says that there are {signed} entries, the journal has {size}: \
                     the last {} were cut off",
                    signed - size
                );
                self.say(mark.row, message);
            }
        }
        Ok(())
    }
}

/// The tree over a settlement's lines: its root stands in the entry, its leaf is the entry's.
pub(super) fn verify_lines(
    db: &mut Db,
    settlement: &SettlementRow,
    lines: &[LineRow],
    own: &mut Vec<LedgerFinding>,
) -> Result<(), Fault> {
    let id = settlement.id.0;
    let row = format!("settlement {id}");
    let mut say = |message: &str| own.push(finding("I17", row.clone(), message.to_owned()));
    let Some(entry) = journal::entry_at(db, &settlement.book, settlement.entry_seq)? else {
        say("its entry is gone");
        return Ok(());
    };
    let Ok(secret) = <[u8; 16]>::try_from(entry.salt.as_slice()) else {
        // I3 names the entry.
        return Ok(());
    };
    let mut tree = Tree::default();
    for (line, number) in lines.iter().zip(0..) {
        tree.push(SaltedLine::of(&credit_line(line), &secret, number).hash());
    }
    let meta: Value = serde_json::from_str(&entry.meta).unwrap_or_default();
    let stated = |name: &str| meta.get(name).and_then(Value::as_str).unwrap_or_default();
    if stated("lines_root") != tree.root().to_string() {
        say("its lines have not the root that its entry states");
    }
    if stated("lines_count") != lines.len().to_string() {
        say("its entry states another number of lines");
    }
    let leaf = rows::leaf(db, id).unwrap_or_default();
    if merkle::leaf(leaf.as_bytes()).0.as_slice() != entry.leaf_hash {
        say("its leaf is not the one of its entry");
    }
    if !line_tiles_stand(db, id, &tree.take_tiles())? {
        say("the stored tree over its lines is not theirs");
    }
    Ok(())
}

fn line_tiles_stand(db: &mut Db, settlement: Uuid, tiles: &[Tile]) -> Result<bool, Fault> {
    for tile in tiles {
        let number = i64::try_from(tile.number).map_err(Fault::internal)?;
        let stored = rows::line_tile(db, settlement, i32::from(tile.level), number)?;
        if stored != Some(merkle::tile_bytes(&tile.hashes)) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn credit_line(row: &LineRow) -> CreditLine<Uuid> {
    CreditLine {
        contributor: row.party_id.0,
        share: row.share,
        credit: row.amount,
        carry_before: row.carry_before,
        carry_after: row.carry_after,
    }
}
