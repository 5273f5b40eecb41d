//! What a payment provider does by itself: fees, money sent to the bank, money given back out
//! of a wallet that it had filled.

use super::{Lines, RuleError, positive};
use crate::account::{Account, Expense};
use uuid::Uuid;

/// The provider keeps a fee, or gives one back (a negative amount).
///
/// ```
/// use ledger::account::{Account, Expense, Label};
/// let psp = Account::Psp(Label::new("test")?);
/// let lines = ledger::rules::provider_fee(psp.clone(), Expense::PspFee, 59).unwrap();
/// assert_eq!(lines[1], (psp, -59));
/// # Ok::<(), ledger::account::AccountError>(())
/// ```
///
/// # Errors
/// A fee of 0, or −2^63.
pub fn provider_fee(provider: Account, expense: Expense, minor: i64) -> Result<Lines, RuleError> {
    let what = "a provider's fee";
    positive(what, minor.checked_abs().unwrap_or(0))?;
    Ok(vec![(Account::Expense(expense), minor), (provider, -minor)])
}

/// The provider sends money to the bank.
///
/// # Errors
/// An amount below 1.
pub fn provider_payout(provider: Account, bank: Account, minor: i64) -> Result<Lines, RuleError> {
    let minor = positive("a provider's payout", minor)?;
    Ok(vec![(bank, minor), (provider, -minor)])
}

/// That money came back from the bank.
///
/// # Errors
/// An amount below 1.
pub fn provider_payout_failed(
    provider: Account,
    bank: Account,
    minor: i64,
) -> Result<Lines, RuleError> {
    provider_payout(provider, bank, minor).map(super::reversed)
}

/// A top-up is given back to where it came from. That the wallet holds it is the caller's
/// check: a wallet never goes below zero.
///
/// # Errors
/// An amount below 1.
pub fn top_up_refund(wallet: Uuid, provider: Account, minor: i64) -> Result<Lines, RuleError> {
    let minor = positive("a refund", minor)?;
    Ok(vec![(Account::Wallet(wallet), minor), (provider, -minor)])
}
