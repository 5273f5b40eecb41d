//! What shows that a payout of a statement stands in the journal.
//!
//! Every posting of a payout is about its payee alone, so the entry is shown whole: the leaf,
//! which binds the postings by a salted hash, the salt, and the postings.

use super::{Head, PayoutKind, PayoutLine, Statement};
use crate::account::Account;
use crate::checkpoint::{self, Checkpoint};
use crate::entry::{Book, Kind, postings_hash};
use crate::json::Hash;
use crate::merkle::{self, verify_inclusion};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The entry of a payout, or of one that came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PayoutProof {
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
    /// The salt before its postings, 32 hexadecimal digits.
    pub salt: String,
    /// Its postings, in their order.
    pub postings: Vec<ProofPosting>,
}

/// One posting: + debit, − credit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProofPosting {
    /// Account name.
    pub account: String,
    /// Minor units.
    #[serde(with = "crate::json::exact")]
    pub amount: i64,
}

#[derive(Deserialize)]
struct Leaf {
    body: Body,
    seq: u64,
}

#[derive(Deserialize)]
struct Body {
    book: String,
    id: Uuid,
    kind: Kind,
    metadata: BTreeMap<String, String>,
    period: String,
    postings: Bound,
}

#[derive(Deserialize)]
struct Bound {
    count: usize,
    sha256: Hash,
}

impl PayoutProof {
    fn check(&self, head: &Head, line: &PayoutLine, at: &Checkpoint) -> Result<(), String> {
        let book: Book = self.book.parse().map_err(|e| format!("{e}"))?;
        if checkpoint::origin(book.node) != at.origin || book.currency != head.currency {
            return Err(format!("{} is no book of this log", self.book));
        }
        if merkle::leaf(self.leaf.as_bytes()) != self.leaf_hash {
            return Err("its leaf does not have its leaf_hash".into());
        }
        verify_inclusion(self.leaf_hash, self.index, at.size, &self.path, at.root)
            .map_err(|e| format!("the checkpoint does not hold its entry: {e}"))?;
        let leaf: Leaf = serde_json::from_str(&self.leaf)
            .map_err(|e| format!("its leaf is not readable: {e}"))?;
        if (leaf.seq, &leaf.body.book) != (self.seq, &self.book) {
            return Err("its leaf is of another entry".into());
        }
        if leaf.body.period != head.period.to_string() {
            return Err(format!("its entry is booked in {}", leaf.body.period));
        }
        let of = match line.kind {
            PayoutKind::Paid => (Kind::Payout, Some(leaf.body.id)),
            PayoutKind::Returned => {
                let named = leaf.body.metadata.get("payout");
                let named = named.and_then(|id| Uuid::try_parse(id).ok());
                (Kind::PayoutReturned, named)
            }
        };
        if (leaf.body.kind, Some(line.payout)) != of {
            return Err("its entry is of something else".into());
        }
        self.check_postings(head, line, &leaf.body.postings)
    }

    fn check_postings(&self, head: &Head, line: &PayoutLine, bound: &Bound) -> Result<(), String> {
        let mut salt = [0; 16];
        hex::decode_to_slice(&self.salt, &mut salt).map_err(|_| "its salt is no salt")?;
        let lines = self.postings.iter().map(|p| (p.account.as_str(), p.amount));
        let hash = postings_hash(&salt, lines.clone());
        if (bound.count, bound.sha256) != (self.postings.len(), hash) {
            return Err("its postings are not those that its entry binds".into());
        }
        let sign = match line.kind {
            PayoutKind::Paid => 1,
            PayoutKind::Returned => -1,
        };
        let sum = |wanted: &dyn Fn(&str) -> bool| -> i128 {
            let some = lines.clone().filter(|(account, _)| wanted(account));
            some.map(|(_, amount)| i128::from(amount)).sum()
        };
        let own = Account::available(head.payee).to_string();
        for (what, posted, stated) in [
            ("gross", sum(&|account| account == own), line.gross),
            (
                "withheld",
                -sum(&|account| account.starts_with("Liabilities:Tax:Withheld:")),
                line.withheld,
            ),
        ] {
            let stated = sign * i128::from(stated);
            if posted != stated {
                return Err(format!("{what} is {stated}, its entry posts {posted}"));
            }
        }
        Ok(())
    }
}

impl Statement {
    /// Every payout is held by its entry. Documents made before proofs of payouts have none.
    pub(super) fn check_payouts(&self, at: &Checkpoint) -> Result<(), String> {
        let proofs = &self.proof.payouts;
        if proofs.is_empty() {
            return Ok(());
        }
        if proofs.len() != self.payouts.len() {
            return Err(format!(
                "it proves {} of {} payouts",
                proofs.len(),
                self.payouts.len()
            ));
        }
        for (proof, line) in proofs.iter().zip(&self.payouts) {
            if proof.seq != line.entry {
                return Err(format!("payout {} has no proof", line.payout));
            }
            let held = proof.check(&self.head, line, at);
            held.map_err(|problem| format!("payout {}: {problem}", line.payout))?;
        }
        Ok(())
    }
}
