//! One currency for another: two entries in two books, linked by their metadata. Each
//! balances by itself against the node's own account, which so shows its open position in
//! every currency.

use super::{Lines, RuleError, positive};
use crate::account::Account;
use crate::money::{BookKind, Money};
use uuid::Uuid;

/// A rate as a pair of amounts: so much of one currency for so much of the other. No
/// decimals, so nothing is lost in writing it down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// What is given, in minor units of its currency.
    pub give: i64,
    /// What is got for it, in minor units of the other.
    pub get: i64,
}

impl Rate {
    /// `⌊minor·get/give⌋`: the fraction of a unit stays with the node.
    ///
    /// ```
    /// use ledger::rules::Rate;
    /// // 1.00 EUR = 163 JPY
    /// assert_eq!(Rate { give: 100, get: 163 }.convert(1_999)?, 3_258);
    /// # Ok::<(), ledger::rules::RuleError>(())
    /// ```
    ///
    /// # Errors
    /// A side below 1, an amount below 1, or a result that is 0 or beyond 64 bits.
    pub fn convert(self, minor: i64) -> Result<i64, RuleError> {
        let Rate { give, get } = self;
        if give < 1 || get < 1 {
            return Err(RuleError::BadRate(give, get));
        }
        let minor = positive("an exchange", minor)?;
        let exact = i128::from(minor) * i128::from(get) / i128::from(give);
        let result = i64::try_from(exact).map_err(|_| RuleError::Parts {
            what: "an exchange",
            sum: exact,
            whole: i64::MAX,
        })?;
        positive("an exchange", result)
    }
}

/// Takes `give` out of `account` in one book and puts `get` into it in the other.
/// `(lines of the first book, lines of the second)`.
///
/// # Errors
/// An amount below 1, one currency only, or points.
pub fn exchange(
    account: Account,
    node: Uuid,
    give: Money,
    get: Money,
) -> Result<(Lines, Lines), RuleError> {
    let money = |m: Money| m.currency.kind() == BookKind::Money;
    if give.currency == get.currency || !money(give) || !money(get) {
        return Err(RuleError::NotExchangeable(give.currency, get.currency));
    }
    let given = positive("an exchange", give.minor)?;
    let got = positive("an exchange", get.minor)?;
    Ok((
        vec![(account.clone(), given), (Account::Node(node), -given)],
        vec![(Account::Node(node), got), (account, -got)],
    ))
}
