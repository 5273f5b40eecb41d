//! How one payment is cut: platform fee, sales tax, the owner's commission where
//! the dataset's published terms have one, and the net that goes to the pool.
//!
//! All three cuts are floors, so rounding always favours the contributors:
//! `fee = ⌊gross·fee_bps/10⁴⌋`, `tax = ⌊gross·tax_bps/(10⁴ + tax_bps)⌋`: the price holds a tax that
//! is reckoned on top of what is left without it, as value added tax is; 19 % are 1,900,
//! `commission = ⌊(gross − fee − tax)·bps/10⁴⌋`, `net` is what is left.

use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use uuid::Uuid;

/// Basis points in one whole.
pub const BPS: i128 = 10_000;

/// Why a sale cannot be cut.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Gross must be 1 to 2^63 − 1 minor units.
    #[error("the gross amount must be at least one minor unit, not {0}")]
    BadAmount(i64),
    /// A rate above 100 %.
    #[error("a rate of {0} basis points is above 10000")]
    BadRate(u32),
    /// Fee and tax leave nothing.
    #[error("fee {fee} and tax {tax} exceed the gross amount {gross}")]
    LegsExceedGross {
        /// Minor units.
        gross: i64,
        /// Minor units.
        fee: i64,
        /// Minor units.
        tax: i64,
    },
}

/// A share of each sale for the owner of a pooled dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commission {
    /// Who gets it.
    pub party: Uuid,
    /// Basis points of what is left after fee and tax.
    pub bps: u32,
}

/// The rates of one sale, frozen when it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeePlan {
    /// Platform fee in basis points of gross.
    pub fee_bps: u32,
    /// Sales tax that gross holds, in basis points of gross without it: 19 % are 1,900.
    pub tax_bps: u32,
    /// The owner's commission, if the published terms have one.
    pub commission: Option<Commission>,
}

impl Default for FeePlan {
    /// 1,000 bps fee, no tax, no commission.
    fn default() -> Self {
        FeePlan {
            fee_bps: 1_000,
            tax_bps: 0,
            commission: None,
        }
    }
}

/// The parts of an amount in minor units; they sum to it exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Legs {
    /// To `Income:PlatformFee`.
    #[serde(with = "crate::json::exact")]
    pub fee: i64,
    /// To `Liabilities:Tax:Sales`.
    #[serde(with = "crate::json::exact")]
    pub tax: i64,
    /// To the pool.
    #[serde(with = "crate::json::exact")]
    pub net: i64,
    /// To the owner's own account; 0 without a commission.
    #[serde(with = "crate::json::exact")]
    pub commission: i64,
}

impl Legs {
    /// In the order that decides ties: fee, tax, net, commission.
    pub fn to_array(self) -> [i64; 4] {
        [self.fee, self.tax, self.net, self.commission]
    }

    /// From the order of [`Legs::to_array`].
    pub fn from_array([fee, tax, net, commission]: [i64; 4]) -> Legs {
        Legs {
            fee,
            tax,
            net,
            commission,
        }
    }

    /// Sum of the parts; `None` when a part is negative or the sum leaves 64 bits.
    pub fn total(self) -> Option<i64> {
        let parts = self.to_array();
        if parts.iter().any(|p| *p < 0) {
            return None;
        }
        parts.iter().try_fold(0i64, |sum, p| sum.checked_add(*p))
    }
}

fn floor_bps(amount: i64, bps: u32) -> Result<i64, PlanError> {
    if i128::from(bps) > BPS {
        return Err(PlanError::BadRate(bps));
    }
    let cut = i128::from(amount) * i128::from(bps) / BPS;
    i64::try_from(cut).map_err(|_| PlanError::BadAmount(amount))
}

/// The tax that a price holds: `⌊gross·bps/(10⁴ + bps)⌋`.
fn tax_within(gross: i64, bps: u32) -> Result<i64, PlanError> {
    if i128::from(bps) > BPS {
        return Err(PlanError::BadRate(bps));
    }
    let tax = i128::from(gross) * i128::from(bps) / (BPS + i128::from(bps));
    i64::try_from(tax).map_err(|_| PlanError::BadAmount(gross))
}

/// Cuts a sale of `gross` minor units by the plan.
///
/// ```
/// use ledger::plan::{FeePlan, Legs, split_sale};
/// let legs = split_sale(1999, &FeePlan { fee_bps: 1_000, tax_bps: 0, commission: None })?;
/// assert_eq!(legs, Legs { fee: 199, tax: 0, net: 1800, commission: 0 });
/// // 11.90 hold 19 % of 10.00.
/// let legs = split_sale(1190, &FeePlan { fee_bps: 0, tax_bps: 1_900, commission: None })?;
/// assert_eq!((legs.tax, legs.net), (190, 1000));
/// # Ok::<(), ledger::plan::PlanError>(())
/// ```
///
/// # Errors
/// Gross below 1, a rate above 100 %, or fee and tax above gross.
pub fn split_sale(gross: i64, plan: &FeePlan) -> Result<Legs, PlanError> {
    if gross < 1 {
        return Err(PlanError::BadAmount(gross));
    }
    let fee = floor_bps(gross, plan.fee_bps)?;
    let tax = tax_within(gross, plan.tax_bps)?;
    let left = gross
        .checked_sub(fee)
        .and_then(|l| l.checked_sub(tax))
        .filter(|l| *l >= 0)
        .ok_or(PlanError::LegsExceedGross { gross, fee, tax })?;
    let commission = plan.commission.map_or(Ok(0), |c| floor_bps(left, c.bps))?;
    let legs = Legs {
        fee,
        tax,
        net: left - commission,
        commission,
    };
    assert_eq!(
        legs.total(),
        Some(gross),
        "the legs of a sale sum to its gross"
    );
    Ok(legs)
}

/// What day `day` of `days` earns of a deferred `net`:
/// `⌊net·day/days⌋ − ⌊net·(day−1)/days⌋`. The days sum to the net exactly, and no two differ
/// by more than one unit.
///
/// ```
/// use ledger::plan::income_of_day;
/// let days: Vec<_> = (1..=3).map(|day| income_of_day(100, day, 3)).collect();
/// assert_eq!(days, [Some(33), Some(33), Some(34)]);
/// ```
///
/// `None` when `net` is negative or `day` is not 1 to `days`.
pub fn income_of_day(net: i64, day: u32, days: u32) -> Option<i64> {
    if net < 0 || day < 1 || day > days {
        return None;
    }
    let until = |day: u32| i128::from(net) * i128::from(day) / i128::from(days);
    i64::try_from(until(day) - until(day - 1)).ok()
}

/// What is earned by the end of day `day` of `days`: `⌊net·day/days⌋`.
///
/// `None` when `net` is negative or `day` is above `days`.
pub fn income_until(net: i64, day: u32, days: u32) -> Option<i64> {
    if net < 0 || days < 1 || day > days {
        return None;
    }
    i64::try_from(i128::from(net) * i128::from(day) / i128::from(days)).ok()
}

/// Cuts `total` by weights, exactly: floors, and the units left go to the largest
/// remainders (ties: larger weight, then the earlier one). How a day's income goes to what
/// was used that day. All weights 0 cut by equal parts.
///
/// ```
/// assert_eq!(ledger::plan::by_use(10, &[1, 1, 1]), Some(vec![4, 3, 3]));
/// ```
///
/// `None` when `total` is negative, there is no weight at all, or the weights sum to more
/// than 64 bits.
pub fn by_use(total: i64, weights: &[u64]) -> Option<Vec<i64>> {
    if total < 0 || weights.is_empty() {
        return None;
    }
    let equal = vec![1; weights.len()];
    let weights = match weights.iter().all(|w| *w == 0) {
        true => &equal,
        false => weights,
    };
    let sum = weights
        .iter()
        .try_fold(0u64, |sum, w| sum.checked_add(*w))
        .map(i128::from)?;
    let exact = weights.iter().map(|w| i128::from(*w) * i128::from(total));
    let mut ranking = Vec::with_capacity(weights.len());
    let mut parts = Vec::with_capacity(weights.len());
    let mut left = total;
    for ((place, product), weight) in exact.enumerate().zip(weights) {
        let part = i64::try_from(product / sum).ok()?;
        left -= part;
        parts.push(part);
        ranking.push((Reverse(product % sum), Reverse(*weight), place));
    }
    ranking.sort_unstable();
    for (_, _, place) in ranking.into_iter().take(usize::try_from(left).ok()?) {
        parts[place] += 1;
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plan(fee_bps: u32, tax_bps: u32, commission: u32) -> FeePlan {
        let party = Uuid::from_u128(1);
        FeePlan {
            fee_bps,
            tax_bps,
            commission: Some(Commission {
                party,
                bps: commission,
            }),
        }
    }

    proptest! {
        #[test]
        fn days_sum_to_the_net(net in 0i64..=i64::MAX, days in 1u32..400) {
            let each: Vec<i64> = (1..=days).map(|d| income_of_day(net, d, days).unwrap()).collect();
            prop_assert_eq!(each.iter().sum::<i64>(), net);
            let (least, most) = (each.iter().min().unwrap(), each.iter().max().unwrap());
            prop_assert!(most - least <= 1);
            let half = days / 2;
            let until: i64 = each.iter().take(half as usize).sum();
            prop_assert_eq!(income_until(net, half, days), Some(until));
        }

        #[test]
        fn parts_by_use_sum_and_follow_use(total in 0i64..=i64::MAX, uses in prop::collection::vec(0u64..1 << 40, 1..9)) {
            let parts = by_use(total, &uses).unwrap();
            prop_assert_eq!(parts.iter().map(|p| i128::from(*p)).sum::<i128>(), i128::from(total));
            for (a, used_a) in uses.iter().enumerate() {
                for (b, used_b) in uses.iter().enumerate() {
                    prop_assert!(used_a <= used_b || parts[a] >= parts[b]);
                }
            }
        }
    }

    #[test]
    fn what_has_no_days_or_uses_earns_nothing() {
        for (net, day, days) in [(-1, 1, 1), (5, 0, 3), (5, 4, 3), (5, 1, 0)] {
            assert_eq!(income_of_day(net, day, days), None);
        }
        assert_eq!(income_until(5, 0, 3), Some(0));
        assert_eq!(income_until(5, 1, 0), None);
        assert_eq!(by_use(5, &[]), None);
        assert_eq!(by_use(-5, &[1]), None);
        assert_eq!(by_use(5, &[0, 0]), Some(vec![3, 2]));
        assert_eq!(by_use(5, &[u64::MAX, 1]), None);
        assert_eq!(by_use(i64::MAX, &[u64::MAX]), Some(vec![i64::MAX]));
    }

    #[test]
    fn cuts_by_hand() {
        for (gross, fee_bps, tax_bps, comm, want) in [
            (1999, 1000, 0, 0, [199, 0, 1800, 0]),
            (9, 1000, 0, 0, [0, 0, 9, 0]),
            (10_000, 1000, 1900, 500, [1000, 1596, 7034, 370]),
            (1, 10_000, 0, 0, [1, 0, 0, 0]),
            (i64::MAX, 10_000, 0, 0, [i64::MAX, 0, 0, 0]),
            (
                i64::MAX,
                1,
                0,
                0,
                [922_337_203_685_477, 0, 9_222_449_699_651_090_330, 0],
            ),
        ] {
            let legs = split_sale(gross, &plan(fee_bps, tax_bps, comm)).unwrap();
            assert_eq!(legs.to_array(), want, "{gross} {fee_bps} {tax_bps} {comm}");
        }
    }

    #[test]
    fn impossible_cuts_are_refused() {
        assert_eq!(
            split_sale(0, &FeePlan::default()),
            Err(PlanError::BadAmount(0))
        );
        assert_eq!(
            split_sale(-5, &FeePlan::default()),
            Err(PlanError::BadAmount(-5))
        );
        assert_eq!(
            split_sale(5, &plan(10_001, 0, 0)),
            Err(PlanError::BadRate(10_001))
        );
        assert!(matches!(
            split_sale(100, &plan(6_000, 10_000, 0)),
            Err(PlanError::LegsExceedGross {
                gross: 100,
                fee: 60,
                tax: 50
            })
        ));
    }
}
