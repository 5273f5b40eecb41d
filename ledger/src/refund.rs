//! What a refund or dispute takes from each leg of a sale.
//!
//! The legs of the *running total* given back are apportioned over the legs of
//! the sale by Webster's method; one refund takes the difference between two
//! running totals. Webster never takes a unit back when the total grows (Hamilton
//! does: of 6/6/2 the third leg gets 2 of 10 but 1 of 11), so every difference is
//! ≥ 0, and giving back everything, in any number of parts, gives back exactly
//! the legs.

use crate::plan::Legs;
use std::cmp::Ordering;

/// Why nothing can be given back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefundError {
    /// The amount must be at least 1.
    #[error("the amount to give back must be at least one minor unit, not {0}")]
    BadAmount(i64),
    /// I11.
    #[error(
        "{given_back} of {gross} are given back already: at most {left} more can be, not {amount}"
    )]
    ExceedsPayment {
        /// Gross of the sale.
        gross: i64,
        /// Running total before.
        given_back: i64,
        /// What is left.
        left: i64,
        /// What was asked.
        amount: i64,
    },
    /// More would be restored than is held.
    #[error("only {given_back} are given back: {amount} cannot be restored")]
    NothingToRestore {
        /// Running total before.
        given_back: i64,
        /// What was asked.
        amount: i64,
    },
    /// The legs are negative or do not fit 64 bits.
    #[error("the legs of the sale are not a valid split")]
    BadLegs,
}

/// Webster (Sainte-Laguë): `total` units over `weights`, each next unit to the
/// largest `wᵢ/(2aᵢ+1)`, ties to the earlier position. O(n²) in the few weights,
/// independent of `total`. Exact for all 64-bit values.
///
/// ```
/// use ledger::refund::webster;
/// assert_eq!(webster(10, [6, 6, 2]), Some([5, 4, 1]));
/// assert_eq!(webster(11, [6, 6, 2]), Some([5, 5, 1]));
/// assert_eq!(webster(12, [6, 6, 2]), Some([5, 5, 2]));
/// ```
///
/// `None` when a number is negative, the weights sum to more than 64 bits, or all
/// weights are 0 and `total` is not.
pub fn webster<const N: usize>(total: i64, weights: [i64; N]) -> Option<[i64; N]> {
    if total < 0 || weights.iter().any(|w| *w < 0) {
        return None;
    }
    let sum: i128 = weights.iter().map(|w| i128::from(*w)).sum();
    if sum > i128::from(i64::MAX) {
        return None;
    }
    if sum == 0 {
        return (total == 0).then_some([0; N]);
    }
    // Start where each quota qᵢ = wᵢ·total/sum is rounded, halves down:
    // aᵢ = ⌈qᵢ − ½⌉. These are exactly the units whose wᵢ/(2k−1) exceeds
    // sum/(2·total), the first ones in the order of giving, so at most N units
    // are missing or too many.
    let total = i128::from(total);
    let mut given = weights.map(|w| {
        let twice = 2 * i128::from(w) * total - sum;
        if twice <= 0 {
            0
        } else {
            (twice + 2 * sum - 1) / (2 * sum)
        }
    });
    loop {
        match given.iter().sum::<i128>().cmp(&total) {
            Ordering::Equal => break,
            Ordering::Less => {
                let next = (0..N).reduce(|best, i| {
                    let later_wins = quotient_cmp(&weights, &given, i, 1, best, 1).is_gt();
                    if later_wins { i } else { best }
                })?;
                given[next] += 1;
            }
            Ordering::Greater => {
                let last = (0..N).filter(|i| given[*i] > 0).reduce(|worst, i| {
                    let later_keeps = quotient_cmp(&weights, &given, i, -1, worst, -1).is_gt();
                    if later_keeps { worst } else { i }
                })?;
                given[last] -= 1;
            }
        }
    }
    let mut result = [0i64; N];
    for (slot, units) in result.iter_mut().zip(given) {
        *slot = i64::try_from(units).ok()?;
    }
    Some(result)
}

/// Compares wᵢ/(2gᵢ+s) with wⱼ/(2gⱼ+t) by cross-multiplication.
fn quotient_cmp<const N: usize>(
    weights: &[i64; N],
    given: &[i128; N],
    i: usize,
    s: i128,
    j: usize,
    t: i128,
) -> Ordering {
    let left = i128::from(weights[i]) * (2 * given[j] + t);
    let right = i128::from(weights[j]) * (2 * given[i] + s);
    left.cmp(&right)
}

/// The legs of a running total of `given_back` out of a sale.
///
/// # Errors
/// Bad legs, or a running total outside 0 to gross.
pub fn legs_of_total(sale: Legs, given_back: i64) -> Result<Legs, RefundError> {
    let gross = sale.total().ok_or(RefundError::BadLegs)?;
    if given_back < 0 || given_back > gross {
        let (left, amount) = (gross, given_back);
        return Err(RefundError::ExceedsPayment {
            gross,
            given_back: 0,
            left,
            amount,
        });
    }
    let parts = webster(given_back, sale.to_array()).ok_or(RefundError::BadLegs)?;
    Ok(Legs::from_array(parts))
}

fn difference(after: Legs, before: Legs) -> Legs {
    let (after, before) = (after.to_array(), before.to_array());
    let mut parts = [0; 4];
    for (slot, (a, b)) in parts.iter_mut().zip(after.into_iter().zip(before)) {
        assert!(
            a >= b,
            "Webster never takes a unit back when the total grows"
        );
        *slot = a - b;
    }
    Legs::from_array(parts)
}

/// The legs of giving back `amount` more after `given_back`: refund or dispute.
///
/// # Errors
/// `amount` below 1, or more than is left of the sale (I11).
pub fn take_back(sale: Legs, given_back: i64, amount: i64) -> Result<Legs, RefundError> {
    if amount < 1 {
        return Err(RefundError::BadAmount(amount));
    }
    let before = legs_of_total(sale, given_back)?;
    let gross = sale.total().ok_or(RefundError::BadLegs)?;
    let left = gross - given_back;
    if amount > left {
        return Err(RefundError::ExceedsPayment {
            gross,
            given_back,
            left,
            amount,
        });
    }
    Ok(difference(
        legs_of_total(sale, given_back + amount)?,
        before,
    ))
}

/// The legs that come back when `amount` of the running total was won back.
///
/// # Errors
/// `amount` below 1 or above the running total.
pub fn restore(sale: Legs, given_back: i64, amount: i64) -> Result<Legs, RefundError> {
    if amount < 1 {
        return Err(RefundError::BadAmount(amount));
    }
    if amount > given_back {
        return Err(RefundError::NothingToRestore { given_back, amount });
    }
    let before = legs_of_total(sale, given_back)?;
    Ok(difference(
        before,
        legs_of_total(sale, given_back - amount)?,
    ))
}

/// What a dispute takes: from the sale as far as that reaches, the rest from the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disputed {
    /// The part that counts towards the running total of the sale.
    pub within: i64,
    /// The legs of that part.
    pub legs: Legs,
    /// What is above the payment: `Expenses:DisputeLoss`, never the pool.
    pub above: i64,
}

/// Cuts a dispute of `amount` after `given_back`. A bank may dispute what was refunded
/// already, or more than was paid.
///
/// ```
/// use ledger::{plan::Legs, refund::dispute};
/// let sale = Legs { fee: 10, tax: 0, net: 90, commission: 0 };
/// let taken = dispute(sale, 30, 100)?; // 30 were refunded before
/// assert_eq!((taken.within, taken.legs.net, taken.above), (70, 63, 30));
/// # Ok::<(), ledger::refund::RefundError>(())
/// ```
///
/// # Errors
/// `amount` below 1, or legs that are no valid split.
pub fn dispute(sale: Legs, given_back: i64, amount: i64) -> Result<Disputed, RefundError> {
    if amount < 1 {
        return Err(RefundError::BadAmount(amount));
    }
    let gross = sale.total().ok_or(RefundError::BadLegs)?;
    legs_of_total(sale, given_back)?;
    let within = amount.min(gross - given_back);
    let legs = match within {
        0 => Legs::default(),
        _ => take_back(sale, given_back, within)?,
    };
    Ok(Disputed {
        within,
        legs,
        above: amount - within,
    })
}

/// The legs that a won dispute gives back to the sale: [`restore`], also for one that lay
/// above the payment altogether (`within` 0).
///
/// # Errors
/// `within` below 0 or above the running total.
pub fn won(sale: Legs, given_back: i64, within: i64) -> Result<Legs, RefundError> {
    match within {
        0 => Ok(Legs::default()),
        _ => restore(sale, given_back, within),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sale(fee: i64, tax: i64, net: i64) -> Legs {
        Legs {
            fee,
            tax,
            net,
            commission: 0,
        }
    }

    /// The definition, one unit at a time.
    fn by_hand(total: i64, weights: [i64; 4]) -> [i64; 4] {
        let mut given = [0i64; 4];
        for _ in 0..total {
            let mut best = 0;
            for i in 1..4 {
                if weights[i] * (2 * given[best] + 1) > weights[best] * (2 * given[i] + 1) {
                    best = i;
                }
            }
            given[best] += 1;
        }
        given
    }

    #[test]
    fn ties_go_to_fee_then_tax_then_net() {
        assert_eq!(webster(1, [5, 5, 5]), Some([1, 0, 0]));
        assert_eq!(webster(2, [5, 5, 5]), Some([1, 1, 0]));
        assert_eq!(webster(1, [0, 5, 5]), Some([0, 1, 0]));
        // q = 1.5, 0.5: the unit at 3/3 = 1/1 ties, the earlier leg takes it.
        assert_eq!(webster(2, [3, 1]), Some([2, 0]));
        assert_eq!(webster(2, [1, 3]), Some([1, 1]));
        // Both quotas end in one half and round up together: too many by one.
        assert_eq!(webster(3, [1, 1]), Some([2, 1]));
    }

    #[test]
    fn the_ends_of_the_range_are_exact() {
        assert_eq!(webster(i64::MAX, [i64::MAX, 0, 0]), Some([i64::MAX, 0, 0]));
        let legs = [
            922_337_203_685_477_580,
            7,
            i64::MAX - 922_337_203_685_477_587,
        ];
        assert_eq!(webster(i64::MAX, legs), Some(legs));
        assert_eq!(webster(0, [0, 0]), Some([0, 0]));
        assert_eq!(webster(1, [0, 0]), None);
        assert_eq!(webster(-1, [1, 0]), None);
        assert_eq!(webster(1, [-1, 5]), None);
    }

    #[test]
    fn partial_refunds_by_hand() {
        let legs = sale(10, 0, 90);
        // 33 → 3.3/29.7 → 3/30; 66 → 6.6/59.4 → 7/59; then the rest.
        assert_eq!(take_back(legs, 0, 33), Ok(sale(3, 0, 30)));
        assert_eq!(take_back(legs, 33, 33), Ok(sale(4, 0, 29)));
        assert_eq!(take_back(legs, 66, 34), Ok(sale(3, 0, 31)));
        // A dispute of 33 after a refund of 33, won: exactly what it took.
        assert_eq!(restore(legs, 66, 33), Ok(sale(4, 0, 29)));
    }

    #[test]
    fn limits_are_named() {
        let legs = sale(10, 0, 90);
        assert_eq!(take_back(legs, 0, 0), Err(RefundError::BadAmount(0)));
        assert_eq!(
            take_back(legs, 60, 41),
            Err(RefundError::ExceedsPayment {
                gross: 100,
                given_back: 60,
                left: 40,
                amount: 41
            })
        );
        assert_eq!(
            restore(legs, 10, 11),
            Err(RefundError::NothingToRestore {
                given_back: 10,
                amount: 11
            })
        );
        assert_eq!(take_back(sale(-1, 0, 5), 0, 1), Err(RefundError::BadLegs));
    }

    #[test]
    fn disputes_above_the_payment_cost_the_node() {
        let legs = sale(10, 0, 90);
        let all = dispute(legs, 0, 100).unwrap();
        assert_eq!((all.legs, all.above), (legs, 0));
        let more = dispute(legs, 0, 120).unwrap();
        assert_eq!((more.within, more.legs, more.above), (100, legs, 20));
        let late = dispute(legs, 100, 50).unwrap();
        assert_eq!(
            (late.within, late.legs, late.above),
            (0, Legs::default(), 50)
        );
        assert_eq!(won(legs, 100, late.within), Ok(Legs::default()));
        assert_eq!(won(legs, 100, 100), Ok(legs));
        assert_eq!(dispute(legs, 0, 0), Err(RefundError::BadAmount(0)));
        assert!(dispute(legs, 101, 1).is_err());
        assert_eq!(
            dispute(legs, 0, i64::MAX).map(|d| d.above),
            Ok(i64::MAX - 100)
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn same_as_the_definition(weights in prop::array::uniform4(0i64..40), total in 0i64..170) {
            let sum: i64 = weights.iter().sum();
            prop_assume!(total <= sum);
            prop_assert_eq!(webster(total, weights), Some(by_hand(total, weights)));
        }

        #[test]
        fn any_parts_restore_exactly(fee in 0i64..5_000, tax in 0i64..5_000, net in 0i64..50_000,
                                     commission in 0i64..900, cuts in prop::collection::vec(1i64..9_000, 0..9)) {
            let legs = Legs { fee, tax, net, commission };
            let gross = legs.total().unwrap();
            let (mut done, mut sum) = (0, [0i64; 4]);
            for cut in cuts.into_iter().chain([i64::MAX]) {
                let amount = cut.min(gross - done);
                if amount == 0 { continue; }
                let part = take_back(legs, done, amount).unwrap();
                prop_assert_eq!(part.total(), Some(amount));
                prop_assert_eq!(restore(legs, done + amount, amount).unwrap(), part);
                for (s, p) in sum.iter_mut().zip(part.to_array()) { *s += p; }
                done += amount;
                prop_assert!(sum.iter().zip(legs.to_array()).all(|(s, l)| *s <= l));
            }
            prop_assert_eq!(sum, legs.to_array());
        }
    }
}
