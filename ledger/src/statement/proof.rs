//! What shows that a statement's lines stand in the journal: the log's signed checkpoint,
//! and for every line two paths of hashes.
//!
//! 1. The line, salted, with `line.path` leads to the `lines_root` that the settlement
//!    entry's leaf states ([`crate::lines`]).
//! 2. The leaf, hashed, with `path` leads to the root of the checkpoint
//!    ([`crate::merkle`], [`crate::entry`]).
//!    A payout's entry is shown by the same path, with its postings ([`PayoutProof`]).
//! 3. The node has signed the checkpoint ([`crate::checkpoint`]). Kept, it shows later
//!    whether the node still stands by it: `granary ledger verify --since`.

use super::payout_proof::PayoutProof;
use super::placed::{Body, Placed};
use super::{Head, Line, Statement, StatementError};
use crate::checkpoint::{self, Checkpoint, LogKey};
use crate::entry::Kind;
use crate::json::Hash;
use crate::lines::SaltedLine;
use crate::merkle::verify_inclusion;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The journal behind the lines.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// The signed checkpoint, a note with its line ends.
    pub checkpoint: String,
    /// The settlement entries, by number.
    pub entries: Vec<ProofEntry>,
    /// The entries of payouts; none in documents that were made without.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub payouts: Vec<PayoutProof>,
}

/// A settlement entry with the payee's line of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProofEntry {
    /// Book name.
    pub book: String,
    /// Number in the book.
    pub seq: u64,
    /// Number in the log, from 0.
    pub index: u64,
    /// The leaf, canonical JSON, byte for byte as it is hashed.
    pub leaf: String,
    /// SHA-256(0x00 ‖ leaf).
    pub leaf_hash: Hash,
    /// From the leaf to the checkpoint's root, lowest level first.
    pub path: Vec<Hash>,
    /// Of the payee's line.
    pub line: LineProof,
}

/// Where the payee's line stands in the settlement's own tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineProof {
    /// Number of the line, from 0.
    pub number: u64,
    /// Its salt, 32 hexadecimal digits.
    pub salt: String,
    /// From the line to `lines_root`, lowest level first.
    pub path: Vec<Hash>,
}

impl ProofEntry {
    fn placed(&self) -> Placed<'_> {
        Placed {
            book: &self.book,
            seq: self.seq,
            index: self.index,
            leaf: &self.leaf,
            leaf_hash: self.leaf_hash,
            path: &self.path,
        }
    }

    /// Checks the entry alone: the leaf says what it should, and the paths lead to its
    /// roots.
    fn check(&self, head: &Head, line: &Line, at: &Checkpoint) -> Result<(), String> {
        self.check_line(head, line, &self.placed().body(head, at)?)
    }

    fn check_line(&self, head: &Head, line: &Line, body: &Body) -> Result<(), String> {
        let stated = |name: &str| {
            let value = body.metadata.get(name);
            value.ok_or_else(|| format!("its leaf does not state {name}"))
        };
        for (name, own) in [
            ("delta", line.pool_delta.to_string()),
            ("epoch", line.epoch.to_string()),
            ("revision", line.revision.to_string()),
        ] {
            let stated = stated(name)?;
            if *stated != own {
                return Err(format!("{name} is {own}, its entry states {stated}"));
            }
        }
        if body.kind != Kind::Settlement {
            return Err(format!("its entry is a {}, no settlement", body.kind));
        }
        let count = stated("lines_count")?;
        let count = count.parse().map_err(|_| "lines_count is no number")?;
        let root = stated("lines_root")?;
        let root = Hash::from_hex(root).ok_or("lines_root is no hash")?;
        let salted = SaltedLine {
            amount: line.amount,
            carry_after: line.carry_after,
            carry_before: line.carry_before,
            contributor: head.payee,
            salt: self.line.salt.clone(),
            share: line.share_ppt,
        };
        let LineProof { number, path, .. } = &self.line;
        verify_inclusion(salted.hash(), *number, count, path, root)
            .map_err(|e| format!("its entry does not hold the line: {e}"))
    }
}

impl Statement {
    /// Every line is held by its entry, every entry by the checkpoint.
    pub(super) fn check_proof(&self) -> Result<(), StatementError> {
        let wrong = |problem: String| StatementError::Part {
            part: "proof",
            problem,
        };
        if self.lines.is_empty() && self.proof == Proof::default() {
            return Ok(());
        }
        let (at, _) = Checkpoint::read(&self.proof.checkpoint).map_err(|e| wrong(e.to_string()))?;
        let mut known = BTreeMap::new();
        for entry in &self.proof.entries {
            let placed = entry.placed();
            placed.check_book(&self.head, &at).map_err(wrong)?;
            if known.insert(entry.seq, entry).is_some() {
                return Err(wrong(format!("entry {} comes twice", entry.seq)));
            }
        }
        for (line, number) in self.lines.iter().zip(1..) {
            let held = match known.remove(&line.entry) {
                None => Err(format!("its entry {} is not in the proof", line.entry)),
                Some(entry) => entry.check(&self.head, line, &at),
            };
            held.map_err(|problem| StatementError::Line {
                line: number,
                problem,
            })?;
        }
        if let Some(seq) = known.into_keys().next() {
            return Err(wrong(format!("no line rests on entry {seq}")));
        }
        self.check_payouts(&at).map_err(wrong)
    }

    /// The node's key has signed the checkpoint. Answers its number of leaves.
    pub(super) fn check_checkpoint(&self, key: &[u8]) -> Result<u64, StatementError> {
        if self.proof == Proof::default() {
            return Ok(0);
        }
        let signed = || {
            let (at, _) = Checkpoint::read(&self.proof.checkpoint)?;
            let key = key
                .try_into()
                .map_err(|_| checkpoint::CheckpointError::BadKey)?;
            Checkpoint::verify(&self.proof.checkpoint, &LogKey::new(&at.origin, key)?)
        };
        match signed() {
            Ok(at) => Ok(at.size),
            Err(error) => Err(StatementError::Part {
                part: "proof",
                problem: error.to_string(),
            }),
        }
    }
}
