//! Subscriptions: what is charged is deferred, and earned day by day.

use super::{Lines, RuleError, nonzero, positive};
use crate::account::{Account, Label};
use crate::plan::Legs;
use uuid::Uuid;

/// Who is on which side of a subscription's charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// Who pays: a wallet, or the payment provider.
    pub payer: Account,
    /// The subscription.
    pub subscription: Uuid,
    /// Where the sales tax is owed.
    pub tax: Label,
}

/// A charge: the payer gives the gross; fee and tax are due now, the net is deferred.
///
/// # Errors
/// Legs that are no valid split, or that have a commission: owners' commissions are cut when
/// the income is recognised, since only then it is known whose data was used.
pub fn subscription_charge(charge: &Charge, legs: Legs) -> Result<Lines, RuleError> {
    let gross = legs.total().unwrap_or(0);
    positive("a charge", gross)?;
    if legs.commission != 0 {
        let (what, sum) = ("a charge", i128::from(gross - legs.commission));
        return Err(RuleError::Parts {
            what,
            sum,
            whole: gross,
        });
    }
    Ok(nonzero([
        (charge.payer.clone(), gross),
        (Account::PlatformFee, -legs.fee),
        (Account::TaxSales(charge.tax.clone()), -legs.tax),
        (Account::Deferred(charge.subscription), -legs.net),
    ]))
}

/// Unused days given back: the legs of the charge, the other way. Never more than is still
/// deferred.
///
/// # Errors
/// Like [`subscription_charge`].
pub fn subscription_refund(charge: &Charge, legs: Legs) -> Result<Lines, RuleError> {
    subscription_charge(charge, legs).map(super::reversed)
}

/// A day's income (see [`crate::plan::income_of_day`]) to the pools that were used, whose
/// parts sum to it: `(revision, epoch, minor)`, from [`crate::plan::by_use`].
///
/// # Errors
/// Income below 1, a negative part, or parts that do not sum to it.
pub fn recognise(
    subscription: Uuid,
    income: i64,
    pools: &[(Uuid, u32, i64)],
) -> Result<Lines, RuleError> {
    positive("income", income)?;
    let what = "income";
    if let Some((_, _, minor)) = pools.iter().find(|(_, _, minor)| *minor < 0) {
        return Err(RuleError::BadAmount {
            what,
            minor: *minor,
        });
    }
    let sum: i128 = pools.iter().map(|(_, _, m)| i128::from(*m)).sum();
    if sum != i128::from(income) {
        let whole = income;
        return Err(RuleError::Parts { what, sum, whole });
    }
    let earned = pools.iter().map(|(revision, epoch, minor)| {
        let (revision, epoch) = (*revision, *epoch);
        (Account::Pool { revision, epoch }, -minor)
    });
    let deferred = (Account::Deferred(subscription), income);
    Ok(nonzero([deferred].into_iter().chain(earned)))
}
