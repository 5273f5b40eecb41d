//! What shows that a payout of a statement stands in the journal.
//!
//! Every posting of a payout is about its payee alone, so the entry is shown whole: the leaf,
//! which binds the postings by a salted hash, the salt, and the postings.

use super::placed::{Bound, Placed};
use super::{Head, PayoutKind, PayoutLine, Statement};
use crate::account::Account;
use crate::checkpoint::Checkpoint;
use crate::entry::{Kind, postings_hash};
use crate::json::Hash;
use serde::{Deserialize, Serialize};
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

impl PayoutProof {
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

    fn check(&self, head: &Head, line: &PayoutLine, at: &Checkpoint) -> Result<(), String> {
        let placed = self.placed();
        placed.check_book(head, at)?;
        let body = placed.body(head, at)?;
        let of = match line.kind {
            PayoutKind::Paid => (Kind::Payout, Some(body.id)),
            PayoutKind::Returned => {
                let named = body.metadata.get("payout");
                let named = named.and_then(|id| Uuid::try_parse(id).ok());
                (Kind::PayoutReturned, named)
            }
        };
        if (body.kind, Some(line.payout)) != of {
            return Err("its entry is of something else".into());
        }
        self.check_postings(head, line, &body.postings)
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
