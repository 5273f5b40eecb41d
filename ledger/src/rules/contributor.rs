//! What happens to a contributor's money after it is credited: reserve, payout, closing.

use super::{Lines, RuleError, nonzero, positive};
use crate::account::{Account, Expense, Label};
use crate::plan::BPS;
use uuid::Uuid;

/// Available → Reserve.
///
/// # Errors
/// An amount below 1.
pub fn reserve_hold(party: Uuid, minor: i64) -> Result<Lines, RuleError> {
    let minor = positive("a reserve", minor)?;
    Ok(vec![
        (Account::available(party), minor),
        (Account::reserve(party), -minor),
    ])
}

/// Reserve → Available: when it is due (`reserve_release`), or to cover a negative balance
/// (`reserve_draw`).
///
/// # Errors
/// An amount below 1.
pub fn reserve_release(party: Uuid, minor: i64) -> Result<Lines, RuleError> {
    reserve_hold(party, minor).map(super::reversed)
}

/// What the account of a decided claim holds goes to whom it was decided for: below 0 when it
/// was given back to a buyer meanwhile.
///
/// # Errors
/// An amount of 0 or −2^63, or an account that is passed on to itself.
pub fn claim_release(held: Uuid, party: Uuid, minor: i64) -> Result<Lines, RuleError> {
    if matches!(minor, 0 | i64::MIN) || held == party {
        let what = "what a claim releases";
        return Err(RuleError::BadAmount { what, minor });
    }
    Ok(vec![
        (Account::available(held), minor),
        (Account::available(party), -minor),
    ])
}

/// One contributor's payout in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paid {
    /// Who is paid.
    pub party: Uuid,
    /// What leaves their balance.
    pub gross: i64,
    /// Tax of it that is kept back ([`withheld`]).
    pub withheld: i64,
    /// Where that tax is owed.
    pub jurisdiction: Label,
}

impl Paid {
    /// What the bank is told to pay.
    ///
    /// # Errors
    /// Gross below 1, tax below 0, or nothing left to pay.
    pub fn net(&self) -> Result<i64, RuleError> {
        let Paid {
            gross, withheld, ..
        } = *self;
        positive("a payout", gross)?;
        match (0..gross).contains(&withheld) {
            true => Ok(gross - withheld),
            false => Err(RuleError::Withholding { gross, withheld }),
        }
    }
}

/// `⌊gross·bps/10⁴⌋`: tax withheld from a payout. Rates above 100 % withhold all.
///
/// ```
/// assert_eq!(ledger::rules::withheld(1_999, 1_500), 299);
/// ```
pub fn withheld(gross: i64, bps: u32) -> i64 {
    let bps = i128::from(bps).min(BPS);
    // |gross·bps/10⁴| ≤ |gross|
    i64::try_from((i128::from(gross) * bps).div_euclid(BPS)).unwrap_or(gross)
}

/// Available → tax withheld and payout in transit.
///
/// # Errors
/// See [`Paid::net`]. That the balance covers it (I12) is the caller's check: a payout
/// never takes a balance below zero.
pub fn payout(paid: &Paid) -> Result<Lines, RuleError> {
    let net = paid.net()?;
    Ok(nonzero([
        (Account::available(paid.party), paid.gross),
        (
            Account::TaxWithheld(paid.jurisdiction.clone()),
            -paid.withheld,
        ),
        (Account::PayoutInTransit, -net),
    ]))
}

/// The bank has paid: in transit → bank.
///
/// # Errors
/// An amount below 1.
pub fn payout_settled(bank: Account, net: i64) -> Result<Lines, RuleError> {
    let net = positive("a payout", net)?;
    Ok(vec![(Account::PayoutInTransit, net), (bank, -net)])
}

/// The payout came back: the contributor is owed the gross again, the tax is owed no more.
/// `held` is where the net was: `PayoutInTransit`, or the bank when it had been settled.
///
/// # Errors
/// See [`Paid::net`].
pub fn payout_returned(paid: &Paid, held: Account) -> Result<Lines, RuleError> {
    let mut lines = super::reversed(payout(paid)?);
    for (account, _) in &mut lines {
        if *account == Account::PayoutInTransit {
            *account = held.clone();
        }
    }
    Ok(lines)
}

/// An account closes with a residue: the node pays it up to one whole unit.
///
/// The residue itself stays on its row, as part of what dust stands for (I8), and belongs to
/// the node from then on; so a contributor gets this unit once, also when the account is
/// opened and closed again.
pub fn closing(party: Uuid) -> Lines {
    vec![
        (Account::Expense(Expense::ClosingRounding), 1),
        (Account::available(party), -1),
    ]
}
