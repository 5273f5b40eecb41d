//! The contributor lines of a settlement as a salted tree.
//!
//! A settlement has one line per contributor and one leaf in the log. If the leaf listed
//! the lines, showing it to one contributor would show everybody's income. So the leaf
//! states totals and the root of a tree of its own:
//!
//! * line = RFC 8785 of `{amount, carry_after, carry_before, contributor, salt, share}`,
//!   its hash SHA-256(0x00 ‖ line); `salt` is [`line_salt`](crate::entry::line_salt) of
//!   the line's number, in hexadecimal;
//! * lines in ascending order of contributor ids, numbered from 0; the tree over them is
//!   the one of [`merkle`].
//!
//! A contributor gets their own line with its salt and the path to the root. The hashes of
//! the path are of salted lines: they show how many others there are, and nothing else.

use crate::entry::line_salt;
use crate::epoch::Epoch;
use crate::json::{Hash, canonical_plain};
use crate::merkle::{self, Tree};
use crate::settle::{CreditLine, Settlement};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One contributor's line as it is hashed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SaltedLine {
    /// Minor units credited.
    #[serde(with = "crate::json::exact")]
    pub amount: i64,
    /// Residue after, in 1/10^12 of a minor unit.
    pub carry_after: i64,
    /// Residue before, in 1/10^12 of a minor unit.
    pub carry_before: i64,
    /// Random id of the contributor in the ledger.
    pub contributor: Uuid,
    /// 32 hexadecimal digits.
    pub salt: String,
    /// Share in 1/10^12.
    pub share: i64,
}

impl SaltedLine {
    /// Line `number` of a settlement whose entry has this secret.
    pub fn of(line: &CreditLine<Uuid>, secret: &[u8; 16], number: u64) -> SaltedLine {
        SaltedLine {
            amount: line.credit,
            carry_after: line.carry_after,
            carry_before: line.carry_before,
            contributor: line.contributor,
            salt: hex::encode(line_salt(secret, number)),
            share: line.share,
        }
    }

    /// Its leaf hash in the settlement's tree.
    pub fn hash(&self) -> Hash {
        match self.text() {
            Some(text) => merkle::leaf(text.as_bytes()),
            None => merkle::leaf(&canonical_plain(self)),
        }
    }

    /// The canonical form written down directly, which is ten times as quick: a settlement
    /// may have a million lines. `None` where a text would need escaping or an integer
    /// another form.
    fn text(&self) -> Option<String> {
        let plain = self.salt.bytes().all(|b| b.is_ascii_hexdigit());
        let safe = |n: i64| n.unsigned_abs() < 1 << 53;
        let SaltedLine {
            amount,
            carry_after,
            carry_before,
            contributor,
            salt,
            share,
        } = self;
        let all_safe = [*amount, *carry_after, *carry_before, *share]
            .into_iter()
            .all(safe);
        (plain && all_safe).then(|| {
            format!(
                "{{\"amount\":{amount},\"carry_after\":{carry_after},\
                 \"carry_before\":{carry_before},\"contributor\":\"{contributor}\",\
                 \"salt\":\"{salt}\",\"share\":{share}}}"
            )
        })
    }
}

/// The tree over the lines of a settlement; its tiles are still in it.
pub fn tree(lines: &[CreditLine<Uuid>], secret: &[u8; 16]) -> Tree {
    let mut tree = Tree::default();
    for (line, number) in lines.iter().zip(0..) {
        tree.push(SaltedLine::of(line, secret, number).hash());
    }
    tree
}

/// What the metadata of a settlement entry states, by name.
pub fn links(
    revision: Uuid,
    number: u32,
    epoch: &Epoch<Uuid>,
    settled: &Settlement<Uuid>,
    root: Hash,
) -> Vec<(&'static str, String)> {
    let total: i128 = settled.lines.iter().map(|l| i128::from(l.credit)).sum();
    vec![
        ("delta", settled.delta.to_string()),
        ("dust", settled.dust.to_string()),
        ("epoch", number.to_string()),
        ("epoch_digest", epoch.digest().to_string()),
        ("lines_count", settled.lines.len().to_string()),
        ("lines_root", root.to_string()),
        ("lines_total", total.to_string()),
        ("revision", revision.to_string()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settle::settle_pool;
    use std::collections::BTreeMap;

    fn settled(count: u128) -> (Epoch<Uuid>, Settlement<Uuid>) {
        let weights: BTreeMap<Uuid, u128> =
            (0..count).map(|n| (Uuid::from_u128(n), n + 1)).collect();
        let epoch = Epoch::freeze(&weights).unwrap();
        let settled = settle_pool(1_999, &epoch, |_| 0).unwrap();
        (epoch, settled)
    }

    #[test]
    fn a_line_is_canonical_json_with_its_own_salt() {
        let (_, settled) = settled(3);
        let line = SaltedLine::of(&settled.lines[1], &[5; 16], 1);
        let salt = hex::encode(line_salt(&[5; 16], 1));
        let text = format!(
            "{{\"amount\":666,\"carry_after\":333333332667,\"carry_before\":0,\
             \"contributor\":\"00000000-0000-0000-0000-000000000001\",\"salt\":\"{salt}\",\
             \"share\":333333333333}}"
        );
        assert_eq!(String::from_utf8(canonical_plain(&line)).unwrap(), text);
        assert_eq!(line.hash(), Hash::of(&[&[0], text.as_bytes()]));
        let other = SaltedLine::of(&settled.lines[1], &[6; 16], 1);
        assert_ne!(line.hash(), other.hash());
    }

    #[test]
    fn the_quick_form_is_the_canonical_one() {
        let (_, settled) = settled(3);
        let mut line = SaltedLine::of(&settled.lines[1], &[5; 16], 1);
        for amount in [0, -1, 7, (1 << 53) - 1, 1 << 53, i64::MAX, i64::MIN] {
            line.amount = amount;
            let canonical = String::from_utf8(canonical_plain(&line)).unwrap();
            let quick = line.text();
            assert!(quick.is_none_or(|text| text == canonical));
            assert_eq!(line.text().is_some(), amount.unsigned_abs() < 1 << 53);
            assert_eq!(line.hash(), merkle::leaf(canonical.as_bytes()));
        }
        line.salt = "\",\"share\":0".into();
        assert_eq!(line.hash(), merkle::leaf(&canonical_plain(&line)));
    }

    #[test]
    fn the_root_binds_every_line_and_its_place() {
        let (_, settled) = settled(300);
        let root = tree(&settled.lines, &[5; 16]).root();
        let mut other = settled.lines.clone();
        other[299].carry_after += 1;
        assert_ne!(root, tree(&other, &[5; 16]).root());
        let mut other = settled.lines.clone();
        other.swap(0, 1);
        assert_ne!(root, tree(&other, &[5; 16]).root());
    }

    #[test]
    fn the_leaf_states_totals_only() {
        let (epoch, settled) = settled(3);
        let root = tree(&settled.lines, &[5; 16]).root();
        let links = links(Uuid::from_u128(9), 4, &epoch, &settled, root);
        let get = |name: &str| links.iter().find(|(n, _)| *n == name).unwrap().1.as_str();
        let sum: i64 = settled.lines.iter().map(|l| l.credit).sum();
        assert_eq!(
            (get("delta"), get("lines_count"), get("epoch")),
            ("1999", "3", "4")
        );
        assert_eq!(get("lines_total"), sum.to_string());
        assert_eq!(get("dust"), (1_999 - sum).to_string());
        assert_eq!(get("lines_root"), root.to_string());
        assert!(links.is_sorted());
    }
}
