//! Epochs: frozen integer shares of a revision.
//!
//! `shares = Hamilton(D, raw)` with `D = 10^12`: everybody gets the floor of the
//! exact quota, the units left go to the largest remainders (ties: larger weight,
//! then id bytes). Shares sum to exactly `D`. An epoch is never edited; a
//! re-scored revision makes a new one.

use crate::json::Hash;
use ring::digest::{Context, SHA256};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Display;
use uuid::Uuid;

/// The denominator of all shares and residues.
pub const D: i64 = 1_000_000_000_000;

/// An id whose order is the byte order of its text.
pub trait ContributorId: Ord + Clone + Display {}
impl ContributorId for String {}
/// Hyphenated lower-case text sorts like the 16 bytes.
impl ContributorId for Uuid {}

/// Why there are no shares.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EpochError {
    /// All weights are 0: the pool waits in suspense, it is never split equally.
    #[error("all weights are 0: the pool waits until a new epoch has weight")]
    NoWeight,
    /// The weights together exceed 128 bits.
    #[error("the weights sum to more than 128 bits")]
    TooLarge,
    /// Stored shares do not make an epoch (I5).
    #[error("the shares of an epoch are at least 0 and sum to {D}, these sum to {0}")]
    BadShares(i128),
    /// Stored shares must be strictly ascending by id.
    #[error("contributor {0} appears twice or out of order")]
    Unsorted(String),
}

/// An immutable vector of shares, ascending by id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Epoch<K> {
    shares: Vec<(K, i64)>,
    digest: Hash,
}

impl<K: ContributorId> Epoch<K> {
    /// Freezes raw weights. O(n log n).
    ///
    /// ```
    /// use ledger::epoch::Epoch;
    /// use std::collections::BTreeMap;
    /// let raw = BTreeMap::from([("a".to_string(), 1u128), ("b".to_string(), 2)]);
    /// let epoch = Epoch::freeze(&raw)?;
    /// assert_eq!(epoch.share(&"a".to_string()), Some(333_333_333_333));
    /// assert_eq!(epoch.share(&"b".to_string()), Some(666_666_666_667));
    /// # Ok::<(), ledger::epoch::EpochError>(())
    /// ```
    ///
    /// # Errors
    /// No weight at all (the pool waits), or weights beyond 128 bits in sum.
    pub fn freeze(raw: &BTreeMap<K, u128>) -> Result<Epoch<K>, EpochError> {
        let sum = raw
            .values()
            .try_fold(0u128, |sum, w| sum.checked_add(*w))
            .ok_or(EpochError::TooLarge)?;
        if sum == 0 {
            return Err(EpochError::NoWeight);
        }
        let mut shares = Vec::with_capacity(raw.len());
        let mut ranking = Vec::with_capacity(raw.len());
        let mut left = D;
        for (index, (id, weight)) in raw.iter().enumerate() {
            let (quota, remainder) = quota(*weight, sum);
            left -= quota;
            shares.push((id.clone(), quota));
            ranking.push((Reverse(remainder), Reverse(*weight), index));
        }
        assert!(left >= 0, "floors never exceed the whole");
        ranking.sort_unstable();
        for (_, _, index) in ranking
            .iter()
            .take(usize::try_from(left).unwrap_or(usize::MAX))
        {
            if let Some((_, share)) = shares.get_mut(*index) {
                *share += 1;
            }
        }
        Epoch::from_shares(shares)
    }

    /// An epoch from stored shares, ascending by id.
    ///
    /// # Errors
    /// Not ascending, negative, or not summing to `D` (I5).
    pub fn from_shares(shares: Vec<(K, i64)>) -> Result<Epoch<K>, EpochError> {
        if let Some(pair) = shares.windows(2).find(|p| p[0].0 >= p[1].0) {
            return Err(EpochError::Unsorted(pair[1].0.to_string()));
        }
        let sum: i128 = shares.iter().map(|(_, s)| i128::from(*s)).sum();
        if sum != i128::from(D) || shares.iter().any(|(_, s)| *s < 0) {
            return Err(EpochError::BadShares(sum));
        }
        let digest = digest(shares.iter().map(|(id, share)| (id, *share)));
        Ok(Epoch { shares, digest })
    }

    /// `(id, share)` ascending by id; shares in units of 1/D.
    pub fn shares(&self) -> &[(K, i64)] {
        &self.shares
    }

    /// One contributor's share.
    pub fn share(&self, id: &K) -> Option<i64> {
        let at = self
            .shares
            .binary_search_by(|(known, _)| known.cmp(id))
            .ok()?;
        self.shares.get(at).map(|(_, share)| *share)
    }

    /// SHA-256 of the `id=share\n` lines.
    pub fn digest(&self) -> Hash {
        self.digest
    }
}

/// SHA-256 of `id=share\n` lines, to be given ascending by id bytes.
pub fn digest<K: Display>(shares: impl IntoIterator<Item = (K, i64)>) -> Hash {
    use std::fmt::Write;
    let mut context = Context::new(&SHA256);
    let mut line = String::new();
    for (id, share) in shares {
        line.clear();
        // Writing to a String cannot fail.
        let _ = writeln!(line, "{id}={share}");
        context.update(line.as_bytes());
    }
    Hash::finish(context)
}

/// `(⌊D·weight/sum⌋, D·weight mod sum)`, exact for all 128-bit weights ≤ sum.
pub(crate) fn quota(weight: u128, sum: u128) -> (i64, u128) {
    let d = D.unsigned_abs();
    if let Some(product) = weight.checked_mul(u128::from(d)) {
        return (i64::try_from(product / sum).unwrap_or(D), product % sum);
    }
    if weight == sum {
        return (D, 0);
    }
    // Double and add over the bits of D, keeping only the remainder below sum.
    let add = |a: u128, b: u128| {
        if a >= sum - b {
            (a - (sum - b), 1)
        } else {
            (a + b, 0)
        }
    };
    let (mut quotient, mut remainder) = (0i64, 0u128);
    for bit in (0..u64::BITS - d.leading_zeros()).rev() {
        let (doubled, carry) = if remainder == 0 {
            (0, 0)
        } else {
            add(remainder, remainder)
        };
        (quotient, remainder) = (2 * quotient + carry, doubled);
        if d >> bit & 1 == 1 {
            let (sum, carry) = add(remainder, weight);
            (quotient, remainder) = (quotient + carry, sum);
        }
    }
    (quotient, remainder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frozen(weights: &[(&str, u128)]) -> Vec<i64> {
        let raw = weights.iter().map(|(id, w)| (id.to_string(), *w)).collect();
        Epoch::freeze(&raw)
            .unwrap()
            .shares()
            .iter()
            .map(|(_, s)| *s)
            .collect()
    }

    #[test]
    fn shares_by_hand() {
        assert_eq!(frozen(&[("a", 1)]), [D]);
        assert_eq!(frozen(&[("a", 0), ("b", 7)]), [0, D]);
        // Three equals: one unit left, equal remainder and weight, so the first id.
        assert_eq!(
            frozen(&[("a", 1), ("b", 1), ("c", 1)]),
            [333_333_333_334, 333_333_333_333, 333_333_333_333]
        );
        // 10^12·(1,1,4)/6: remainders 4, 4, 4 of 6, two units left: larger weight first, then id.
        assert_eq!(
            frozen(&[("a", 1), ("b", 1), ("c", 4)]),
            [166_666_666_667, 166_666_666_666, 666_666_666_667]
        );
        // Sevenths: 10^12 mod 7 = 1, so remainders are 2 and 5: the larger wins.
        assert_eq!(
            frozen(&[("a", 2), ("b", 5)]),
            [285_714_285_714, 714_285_714_286]
        );
    }

    #[test]
    fn id_order_is_byte_order() {
        // "B" < "a" < "b" in bytes: the unit goes to "B".
        assert_eq!(
            frozen(&[("a", 1), ("B", 1), ("b", 1)]),
            [333_333_333_334, 333_333_333_333, 333_333_333_333]
        );
        let (a, b) = (Uuid::from_u128(0x10), Uuid::from_u128(0xa << 100));
        assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
    }

    #[test]
    fn no_weight_means_no_shares() {
        let raw: BTreeMap<String, u128> = BTreeMap::new();
        assert_eq!(Epoch::freeze(&raw), Err(EpochError::NoWeight));
        let raw = BTreeMap::from([("a".to_string(), 0)]);
        assert_eq!(Epoch::freeze(&raw), Err(EpochError::NoWeight));
        let raw = BTreeMap::from([("a".to_string(), u128::MAX), ("b".to_string(), 1)]);
        assert_eq!(Epoch::freeze(&raw), Err(EpochError::TooLarge));
    }

    #[test]
    fn huge_weights_are_exact() {
        let third = u128::MAX / 3;
        assert_eq!(u128::MAX % 3, 0);
        assert_eq!(
            frozen(&[("a", third), ("b", third), ("c", third)]),
            frozen(&[("a", 1), ("b", 1), ("c", 1)])
        );
        assert_eq!(frozen(&[("a", u128::MAX)]), [D]);
        assert_eq!(frozen(&[("a", u128::MAX - 1), ("b", 1)]), [D, 0]);
    }

    #[test]
    fn the_digest_is_of_the_lines() {
        let raw = BTreeMap::from([("b".to_string(), 2u128), ("a".to_string(), 1)]);
        let epoch = Epoch::freeze(&raw).unwrap();
        assert_eq!(
            epoch.digest(),
            Hash::of(&[b"a=333333333333\nb=666666666667\n"])
        );
    }

    #[test]
    fn stored_shares_are_checked() {
        let s = |list: &[(&str, i64)]| {
            list.iter()
                .map(|(i, n)| (i.to_string(), *n))
                .collect::<Vec<_>>()
        };
        assert!(Epoch::from_shares(s(&[("a", D - 1), ("b", 1)])).is_ok());
        assert_eq!(
            Epoch::from_shares(s(&[("a", D - 1)])),
            Err(EpochError::BadShares(i128::from(D) - 1))
        );
        assert!(matches!(
            Epoch::from_shares(s(&[("a", D + 1), ("b", -1)])),
            Err(EpochError::BadShares(_))
        ));
        assert!(matches!(
            Epoch::from_shares(s(&[("b", D), ("a", 0)])),
            Err(EpochError::Unsorted(_))
        ));
        assert!(matches!(
            Epoch::from_shares(s(&[("a", D), ("a", 0)])),
            Err(EpochError::Unsorted(_))
        ));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn shares_sum_to_d_and_follow_weights(raw in prop::collection::btree_map("[a-z]{1,4}", 0u128..1 << 100, 1..20)) {
            prop_assume!(raw.values().any(|w| *w > 0));
            let epoch = Epoch::freeze(&raw).unwrap();
            prop_assert_eq!(epoch.shares().iter().map(|(_, s)| *s).sum::<i64>(), D);
            for (a, wa) in &raw {
                for (b, wb) in &raw {
                    if wa > wb {
                        prop_assert!(epoch.share(a) >= epoch.share(b));
                    }
                }
            }
        }

        #[test]
        fn slow_and_fast_division_agree(weight in 0u128..1 << 88, more in 0u128..1 << 88, shift in 0u32..39) {
            let sum = weight + more + 1;
            let (q, r) = quota(weight, sum);
            prop_assert_eq!(u128::try_from(q).unwrap() * sum + r, weight * D.unsigned_abs() as u128);
            // The same ratio with huge numbers has the same quotient and a scaled remainder.
            prop_assert_eq!(quota(weight << shift, sum << shift), (q, r << shift));
        }
    }
}
