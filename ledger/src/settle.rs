//! Settlement: one pool delta over the shares of its epoch.
//!
//! Per contributor, ascending by id: `(credit, residue') = divmod(residue +
//! delta·share, D)` with floor division, so `0 ≤ residue' < D` also for negative
//! deltas; `dust += delta − Σ credit`. The residue is kept per (contributor,
//! currency) and carried from pool to pool and period to period. Cumulative
//! credits are therefore `⌊Σ settled·share / D⌋`: they do not depend on the order
//! of payments or on how often one settles.

use crate::epoch::{ContributorId, D, Epoch};

/// Why a pool cannot be settled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettleError {
    /// I19.
    #[error("the amount leaves the 64-bit range")]
    Overflow,
    /// I7.
    #[error("contributor {contributor} carries the residue {residue}, outside 0 to {D}")]
    BadResidue {
        /// Whose.
        contributor: String,
        /// The stored value.
        residue: i64,
    },
}

/// What one contributor gets from one pool delta.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreditLine<K> {
    /// Who.
    pub contributor: K,
    /// Their share in 1/D.
    pub share: i64,
    /// Minor units; negative when more was refunded than sold.
    pub credit: i64,
    /// Residue before, in 1/D of a minor unit.
    pub carry_before: i64,
    /// Residue after, in 1/D of a minor unit.
    pub carry_after: i64,
}

/// A settled pool delta: `delta = Σ credit + dust`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement<K> {
    /// The delta that was settled.
    pub delta: i64,
    /// One line per share of the epoch, ascending by id, also where credit is 0.
    pub lines: Vec<CreditLine<K>>,
    /// Change of the dust liability; may be negative.
    pub dust: i64,
}

/// Floor division of `residue + delta·share` by `D`: `(credit, residue')`.
///
/// ```
/// use ledger::settle::credit;
/// assert_eq!(credit(0, 100, 333_333_333_333), (33, 333_333_333_300));
/// assert_eq!(credit(0, -100, 333_333_333_333), (-34, 666_666_666_700));
/// ```
///
/// # Panics
/// When `residue` or `share` is outside 0 to D: callers check stored values first.
pub fn credit(residue: i64, delta: i64, share: i64) -> (i64, i64) {
    let (credit, after) = credit_wide(residue, i128::from(delta), share);
    // |credit| ≤ |delta| because share ≤ D and residue < D.
    let credit = i64::try_from(credit).unwrap_or_else(|_| unreachable!("bounded by delta"));
    (credit, after)
}

/// [`credit`] for the auditor's replay, which does not stop at 64 bits.
/// |delta| must be below 2^86.
pub(crate) fn credit_wide(residue: i64, delta: i128, share: i64) -> (i128, i64) {
    assert!((0..D).contains(&residue), "0 ≤ residue < D (I7)");
    assert!((0..=D).contains(&share), "0 ≤ share ≤ D");
    assert!(delta.unsigned_abs() < 1 << 86, "delta·share fits 128 bits");
    let exact = i128::from(residue) + delta * i128::from(share);
    let after = exact.rem_euclid(i128::from(D));
    let after = i64::try_from(after).unwrap_or_else(|_| unreachable!("below D"));
    (exact.div_euclid(i128::from(D)), after)
}

/// Settles one pool delta. `residue_of` gives the carry of a contributor in the
/// pool's currency (0 when there is none yet); the caller stores `carry_after`.
/// O(contributors), nothing is changed on error.
///
/// # Errors
/// A stored residue outside 0 to D.
pub fn settle_pool<K: ContributorId>(
    delta: i64,
    epoch: &Epoch<K>,
    mut residue_of: impl FnMut(&K) -> i64,
) -> Result<Settlement<K>, SettleError> {
    let mut lines = Vec::with_capacity(epoch.shares().len());
    let mut credited = 0i128;
    for (contributor, share) in epoch.shares() {
        let carry_before = residue_of(contributor);
        if !(0..D).contains(&carry_before) {
            let contributor = contributor.to_string();
            return Err(SettleError::BadResidue {
                contributor,
                residue: carry_before,
            });
        }
        let (credit, carry_after) = credit(carry_before, delta, *share);
        credited += i128::from(credit);
        let (contributor, share) = (contributor.clone(), *share);
        lines.push(CreditLine {
            contributor,
            share,
            credit,
            carry_before,
            carry_after,
        });
    }
    let dust = i128::from(delta) - credited;
    let dust = i64::try_from(dust).map_err(|_| SettleError::Overflow)?;
    Ok(Settlement { delta, lines, dust })
}

/// Units an account gets when it closes: its residue rounded up, once. `paid_up` is how many
/// such units it got before.
pub fn closing_units(residue: i64, paid_up: i64) -> i64 {
    (i64::from(residue > 0) - paid_up).max(0)
}

/// An exact amount: `whole` minor units and `ppt`/D of one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accrued {
    /// Whole minor units, rounded down.
    pub whole: i64,
    /// The rest in 1/D, at least 0 and below D.
    pub ppt: i64,
}

/// What settling now would credit: `(residue + Σ delta·share) / D`, exact, over
/// `(unsettled delta, share)` of the contributor's pools in one currency.
///
/// # Errors
/// The result leaves 64 bits.
pub fn accrued_so_far(
    residue: i64,
    pools: impl IntoIterator<Item = (i64, i64)>,
) -> Result<Accrued, SettleError> {
    let exact = pools
        .into_iter()
        .try_fold(i128::from(residue), |sum, (delta, share)| {
            sum.checked_add(i128::from(delta) * i128::from(share))
        })
        .ok_or(SettleError::Overflow)?;
    let narrow = |n: i128| i64::try_from(n).map_err(|_| SettleError::Overflow);
    Ok(Accrued {
        whole: narrow(exact.div_euclid(i128::from(D)))?,
        ppt: narrow(exact.rem_euclid(i128::from(D)))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn thirds() -> Epoch<String> {
        let raw = ["a", "b", "c"].map(|id| (id.to_string(), 1u128));
        Epoch::freeze(&raw.into()).unwrap()
    }

    #[test]
    fn a_stored_residue_is_checked_before_it_is_used() {
        for residue in [-1, D, i64::MAX] {
            let error = settle_pool(10, &thirds(), |id| if id == "b" { residue } else { 0 });
            let contributor = "b".to_string();
            assert_eq!(
                error,
                Err(SettleError::BadResidue {
                    contributor,
                    residue
                })
            );
        }
    }

    #[test]
    fn the_ends_of_the_range() {
        for delta in [i64::MAX, i64::MIN] {
            assert_eq!(credit(0, delta, D), (delta, 0));
            assert_eq!(credit(D - 1, delta, D), (delta, D - 1));
            let settled = settle_pool(delta, &thirds(), |_| D - 1).unwrap();
            let credits: i128 = settled.lines.iter().map(|l| i128::from(l.credit)).sum();
            assert_eq!(credits + i128::from(settled.dust), i128::from(delta));
        }
        let mut pool = crate::pool::Pool {
            cumulative: i64::MAX,
            settled: -1,
        };
        assert_eq!(pool.add(1), Err(SettleError::Overflow));
        assert_eq!(pool.delta(), Err(SettleError::Overflow));
        assert_eq!(pool.balance(), Ok(i64::MIN));
        let pools = [(i64::MAX, D), (1, D)];
        assert_eq!(accrued_so_far(0, pools), Err(SettleError::Overflow));
    }

    /// Credits over some pool movements, each by the first or the second epoch.
    fn credited(
        epochs: [&Epoch<String>; 2],
        moves: &[(bool, i64)],
    ) -> (BTreeMap<String, i64>, i64) {
        let (mut credits, mut carries, mut dust) = (BTreeMap::new(), BTreeMap::new(), 0);
        for (later, delta) in moves {
            let epoch = epochs[usize::from(*later)];
            let settled = settle_pool(*delta, epoch, |id| carries.get(id).copied().unwrap_or(0));
            let settled = settled.unwrap();
            dust += settled.dust;
            for line in settled.lines {
                carries.insert(line.contributor.clone(), line.carry_after);
                *credits.entry(line.contributor).or_insert(0) += line.credit;
            }
        }
        (credits, dust)
    }

    proptest! {
        /// The weight `held` of `b` goes to an account of its own from the second epoch on, and
        /// what it was credited is passed on to `b` in the end: nobody has another amount than
        /// without it, but for the residue of that account and the rounding of shares, and the
        /// sum over all, dust included, is the same.
        #[test]
        fn a_claim_and_its_end_move_no_money(
            a in 1u128..1 << 40, b in 0u128..1 << 40, held in 1u128..1 << 40,
            moves in prop::collection::vec((any::<bool>(), -1_000_000i64..1_000_000), 1..30),
        ) {
            let freeze = |of: &[(&str, u128)]| {
                let raw = of.iter().map(|(id, weight)| (id.to_string(), *weight)).collect();
                Epoch::freeze(&raw).unwrap()
            };
            let whole = freeze(&[("a", a), ("b", b + held)]);
            let split = freeze(&[("a", a), ("b", b), ("held", held)]);
            let (plain, dust) = credited([&whole, &whole], &moves);
            let (with, with_dust) = credited([&whole, &split], &moves);
            let of = |credits: &BTreeMap<String, i64>, id: &str| credits.get(id).copied().unwrap_or(0);
            let sum = |credits: &BTreeMap<String, i64>| credits.values().sum::<i64>();
            prop_assert_eq!(sum(&plain) + dust, sum(&with) + with_dust);
            let passed_on = of(&with, "b") + of(&with, "held");
            prop_assert!((-2..=1).contains(&(passed_on - of(&plain, "b"))));
            prop_assert!((-1..=1).contains(&(of(&with, "a") - of(&plain, "a"))));
        }

        #[test]
        fn split_deltas_credit_like_one(parts in prop::collection::vec(-5_000i64..5_000, 1..20), share in 0..=D) {
            let (mut carry, mut sum) = (0, 0);
            for delta in &parts {
                let (amount, after) = credit(carry, *delta, share);
                prop_assert!((0..D).contains(&after));
                (carry, sum) = (after, sum + amount);
            }
            prop_assert_eq!((sum, carry), credit(0, parts.iter().sum(), share));
        }
    }
}
