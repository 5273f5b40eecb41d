//! Disputes: the payer's bank takes a payment back until it is decided who keeps it.
//!
//! What is disputed leaves the legs of the sale at once, so that it is never settled or paid
//! out twice, and waits in `Liabilities:DisputeHold`. A bank may dispute more than was paid,
//! or what was refunded already: what is above the payment is the node's loss, never the
//! contributors'.

use super::{Lines, RuleError, nonzero, positive};
use crate::account::{Account, Expense};
use uuid::Uuid;

fn split(what: &'static str, taken: &Lines, above: i64) -> Result<i64, RuleError> {
    if above < 0 {
        return Err(RuleError::BadAmount { what, minor: above });
    }
    if let Some((_, minor)) = taken.iter().find(|(_, minor)| *minor < 1) {
        return Err(RuleError::BadAmount {
            what,
            minor: *minor,
        });
    }
    let sum = taken.iter().map(|(_, m)| i128::from(*m)).sum::<i128>() + i128::from(above);
    let whole = i64::try_from(sum).unwrap_or(i64::MAX);
    match i128::from(whole) == sum {
        true => positive(what, whole),
        false => Err(RuleError::Parts { what, sum, whole }),
    }
}

/// A dispute is opened: `taken` (debits: [`super::legs_taken`] of a sale, or
/// [`taken_from_wallet`] of a top-up) and what is `above` the payment go on hold.
///
/// ```
/// use ledger::account::{Account, Expense};
/// use ledger::rules::dispute_open;
/// let taken = vec![(Account::PlatformFee, 10), (Account::Dust, 90)];
/// let lines = dispute_open(taken, 15)?;
/// assert_eq!(lines[2], (Account::Expense(Expense::DisputeLoss), 15));
/// assert_eq!(lines[3], (Account::DisputeHold, -115));
/// # Ok::<(), ledger::rules::RuleError>(())
/// ```
///
/// # Errors
/// A part below 0, nothing at all, or a sum beyond 64 bits.
pub fn dispute_open(taken: Lines, above: i64) -> Result<Lines, RuleError> {
    let held = split("a dispute", &taken, above)?;
    let loss = (Account::Expense(Expense::DisputeLoss), above);
    let ends = [loss, (Account::DisputeHold, -held)];
    Ok(nonzero(taken.into_iter().chain(ends)))
}

/// A dispute is won: the hold goes back to where it is owed now. `restored` are the debits
/// that the running total gives back ([`crate::refund::restore`], through
/// [`super::legs_taken`]); they may differ by a unit per leg from those taken at the opening
/// when a refund came between, and sum to the same.
///
/// # Errors
/// Like [`dispute_open`].
pub fn dispute_won(restored: Lines, above: i64) -> Result<Lines, RuleError> {
    dispute_open(restored, above).map(super::reversed)
}

/// A dispute is lost: what was held leaves through the provider that took it back.
///
/// # Errors
/// An amount below 1.
pub fn dispute_lost(provider: Account, held: i64) -> Result<Lines, RuleError> {
    let held = positive("a dispute", held)?;
    Ok(vec![(Account::DisputeHold, held), (provider, -held)])
}

/// What a dispute about a top-up can still take from the wallet: at most what it holds.
/// `(debits, above)` for [`dispute_open`].
pub fn taken_from_wallet(wallet: Uuid, holds: i64, disputed: i64) -> (Lines, i64) {
    let from_wallet = disputed.min(holds).max(0);
    let lines = nonzero([(Account::Wallet(wallet), from_wallet)]);
    (lines, disputed - from_wallet)
}

/// What the provider keeps for itself: lines to append to the entry that causes it.
///
/// # Errors
/// A negative amount; 0 gives no lines.
pub fn bank_costs(provider: Account, expense: Expense, minor: i64) -> Result<Lines, RuleError> {
    if minor < 0 {
        let what = "a provider's fee";
        return Err(RuleError::BadAmount { what, minor });
    }
    Ok(nonzero([
        (Account::Expense(expense), minor),
        (provider, -minor),
    ]))
}
