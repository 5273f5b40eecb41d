//! The points book. Points are never money: they are given, used up or lapse, and no rule
//! takes them anywhere else.

use super::{Lines, RuleError, positive};
use crate::account::{Account, Points};
use uuid::Uuid;

/// Points are given.
///
/// # Errors
/// Fewer than 1.
pub fn points_issue(user: Uuid, points: i64) -> Result<Lines, RuleError> {
    moved(Points::Issued, Points::User(user), points)
}

/// Points are used up. That the user has them is the caller's check.
///
/// # Errors
/// Fewer than 1.
pub fn points_redeem(user: Uuid, points: i64) -> Result<Lines, RuleError> {
    moved(Points::User(user), Points::Redeemed, points)
}

/// Points lapse.
///
/// # Errors
/// Fewer than 1.
pub fn points_expire(user: Uuid, points: i64) -> Result<Lines, RuleError> {
    moved(Points::User(user), Points::Expired, points)
}

fn moved(from: Points, to: Points, points: i64) -> Result<Lines, RuleError> {
    let points = positive("a number of points", points)?;
    Ok(vec![
        (Account::Points(from), points),
        (Account::Points(to), -points),
    ])
}
