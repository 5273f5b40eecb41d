//! Where an entry that a statement rests on stands in the log: its leaf, and the hashes from
//! there to the root of the checkpoint.

use super::Head;
use crate::checkpoint::{self, Checkpoint};
use crate::entry::{Book, Kind};
use crate::json::Hash;
use crate::merkle::{self, verify_inclusion};
use serde::Deserialize;
use std::collections::BTreeMap;
use uuid::Uuid;

/// What a proof says of an entry's place, whatever the entry is about.
pub(super) struct Placed<'a> {
    pub book: &'a str,
    pub seq: u64,
    /// Number in the log, from 0.
    pub index: u64,
    pub leaf: &'a str,
    pub leaf_hash: Hash,
    pub path: &'a [Hash],
}

#[derive(Deserialize)]
struct Leaf {
    body: Body,
    seq: u64,
}

/// What is read out of a leaf.
#[derive(Deserialize)]
pub(super) struct Body {
    book: String,
    pub id: Uuid,
    pub kind: Kind,
    pub metadata: BTreeMap<String, String>,
    period: String,
    pub postings: Bound,
}

/// The postings, which a leaf binds without showing them.
#[derive(Deserialize)]
pub(super) struct Bound {
    pub count: usize,
    pub sha256: Hash,
}

impl Placed<'_> {
    /// Its book is one of this log, in the statement's currency.
    pub fn check_book(&self, head: &Head, at: &Checkpoint) -> Result<(), String> {
        let book: Book = self.book.parse().map_err(|e| format!("{e}"))?;
        if checkpoint::origin(book.node) != at.origin || book.currency != head.currency {
            return Err(format!("{} is no book of this log", self.book));
        }
        Ok(())
    }

    /// The entry of the leaf, if it is the named one, booked in the statement's period, and held
    /// by the checkpoint.
    pub fn body(&self, head: &Head, at: &Checkpoint) -> Result<Body, String> {
        if merkle::leaf(self.leaf.as_bytes()) != self.leaf_hash {
            return Err("its leaf does not have its leaf_hash".into());
        }
        verify_inclusion(self.leaf_hash, self.index, at.size, self.path, at.root)
            .map_err(|e| format!("the checkpoint does not hold its entry: {e}"))?;
        let leaf: Leaf = serde_json::from_str(self.leaf)
            .map_err(|e| format!("its leaf is not readable: {e}"))?;
        if (leaf.seq, leaf.body.book.as_str()) != (self.seq, self.book) {
            return Err("its leaf is of another entry".into());
        }
        if leaf.body.period != head.period.to_string() {
            return Err(format!("its entry is booked in {}", leaf.body.period));
        }
        Ok(leaf.body)
    }
}
