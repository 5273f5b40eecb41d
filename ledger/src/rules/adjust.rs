//! Adjustments: the one entry whose lines somebody chooses. What keeps it honest is that it
//! says why, that two people stand for it, and that it names the entry it corrects.

use super::{Lines, RuleError};
use crate::account::{Account, Sub};
use uuid::Uuid;

/// A correction as it is proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adjustment {
    /// The lines, in one currency.
    pub lines: Lines,
    /// Why, for people. The journal is bound to it by its hash alone.
    pub reason: String,
    /// Who stands for it: two people.
    pub approvers: [Uuid; 2],
    /// Id of the entry it corrects.
    pub corrects: Uuid,
}

/// A correction that may be booked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approved(Adjustment);

impl std::ops::Deref for Approved {
    type Target = Adjustment;
    fn deref(&self) -> &Adjustment {
        &self.0
    }
}

/// Accounts that stand for rows of their own, which an adjustment would leave behind.
fn adjustable(account: &Account) -> Result<(), RuleError> {
    let why = match account {
        Account::Dust => "it stands for residues",
        Account::DisputeHold => "it stands for open disputes: decide them",
        Account::PayoutInTransit => "it stands for payouts: settle or return them",
        Account::Contributor {
            sub: Sub::Reserve, ..
        } => "it stands for reserves: release them",
        Account::Deferred(_) => "it stands for days of a subscription",
        Account::Points(_) => "points are given and lapse, they are not corrected",
        _ => return Ok(()),
    };
    Err(RuleError::NotAdjustable(account.clone(), why))
}

impl Adjustment {
    /// Checks reason, approvers and lines.
    ///
    /// A line on a pool also moves the pool's cumulative net, by its amount with the other
    /// sign ([`Approved::pools`]): so it reaches the contributors by the same shares as the
    /// sales, at the next settlement, and can be taken back exactly.
    ///
    /// # Errors
    /// The first rule broken.
    pub fn approve(self) -> Result<Approved, RuleError> {
        let length = self.reason.trim().chars().count();
        if !(3..=2_000).contains(&length) {
            return Err(RuleError::NoReason);
        }
        let [first, second] = self.approvers;
        if first == second {
            return Err(RuleError::OneApprover(first));
        }
        let what = "an adjustment";
        for (account, minor) in &self.lines {
            adjustable(account)?;
            if matches!(*minor, 0 | i64::MIN) {
                let minor = *minor;
                return Err(RuleError::BadAmount { what, minor });
            }
        }
        let sum: i128 = self.lines.iter().map(|(_, m)| i128::from(*m)).sum();
        match sum == 0 && self.lines.len() >= 2 {
            true => Ok(Approved(self)),
            false => Err(RuleError::Parts {
                what,
                sum,
                whole: 0,
            }),
        }
    }
}

impl Approved {
    /// `(revision, epoch, change of the cumulative net)` of every line on a pool.
    pub fn pools(&self) -> impl Iterator<Item = (Uuid, u32, i64)> {
        self.0
            .lines
            .iter()
            .filter_map(|(account, minor)| match account {
                Account::Pool { revision, epoch } => Some((*revision, *epoch, -minor)),
                _ => None,
            })
    }
}
