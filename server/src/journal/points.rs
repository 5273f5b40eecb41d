//! The points book: what is given, used up and lapses. It has no account in common with money.

use ledger::account::{Account, Points};
use ledger::entry::Kind as EntryKind;
use ledger::money::Currency;
use ledger::rules;
use uuid::Uuid;

use super::batch::{Batch, Booking};
use super::command::{Command, PointsMoved};
use super::plan::Touched;
use crate::error::Fault;

pub(super) fn touches(work: &PointsMoved) -> Touched {
    let all = [Points::Issued, Points::Redeemed, Points::Expired];
    let user = Account::Points(Points::User(work.user));
    Touched {
        currency: Currency::PTS,
        accounts: all.into_iter().map(Account::Points).chain([user]).collect(),
        pool: None,
    }
}

/// Books points; nobody uses up what was not given.
pub(super) fn plan(
    batch: &mut Batch,
    command: &Command,
    work: &PointsMoved,
    salt: [u8; 16],
) -> Result<Uuid, Fault> {
    let lines = match work.kind {
        EntryKind::PointsIssue => rules::points_issue(work.user, work.points),
        kind => {
            enough(batch, work)?;
            match kind {
                EntryKind::PointsRedeem => rules::points_redeem(work.user, work.points),
                _ => rules::points_expire(work.user, work.points),
            }
        }
    };
    batch.book(Booking {
        id: work.id,
        kind: work.kind,
        currency: Currency::PTS,
        at: command.at,
        request: &command.request,
        key: command.request.key.clone(),
        links: vec![],
        lines: lines.map_err(|error| Fault::invalid("points", format!("{error}.")))?,
        salt,
    })?;
    Ok(work.id)
}

fn enough(batch: &Batch, work: &PointsMoved) -> Result<(), Fault> {
    let user = Account::Points(Points::User(work.user));
    let has = batch.balance(Currency::PTS, &user).saturating_neg();
    match has >= work.points {
        true => Ok(()),
        false => Err(Fault::conflict(
            "not_enough_points",
            format!(
                "There are {has} points, and {} were asked for. Nothing was booked.",
                work.points
            ),
        )
        .about("points")),
    }
}
