//! The points book: what is given, used up and lapses. It has no account in common with money.

use ledger::account::{Account, Points};
use ledger::entry::Kind as EntryKind;
use ledger::money::Currency;
use ledger::rules;
use schema::db::Db;
use uuid::Uuid;

use super::batch::{Batch, Booking};
use super::command::{Command, PointsMoved};
use super::plan::Touched;
use crate::error::Fault;
use crate::store::subscriptions::TermRow;

pub(super) fn touches(work: &PointsMoved) -> Touched {
    let all = [Points::Issued, Points::Redeemed, Points::Expired];
    let user = Account::Points(Points::User(work.user));
    Touched {
        currency: Currency::PTS,
        accounts: all.into_iter().map(Account::Points).chain([user]).collect(),
        pool: None,
    }
}

/// Books the member points of a term that is charged.
pub(super) fn of_term(
    db: &mut Db,
    batch: &mut Batch,
    command: &Command,
    (term, user): (&TermRow, Uuid),
    fresh: &mut impl FnMut() -> (Uuid, [u8; 16]),
) -> Result<(), Fault> {
    let kind = EntryKind::PointsIssue;
    with_term(db, batch, command, (term, user, kind, term.points), fresh)
}

/// Lets the member points of days that go back lapse, as far as they are still there.
pub(super) fn of_unused(
    db: &mut Db,
    batch: &mut Batch,
    command: &Command,
    (term, user, used): (&TermRow, Uuid, u32),
    fresh: &mut impl FnMut() -> (Uuid, [u8; 16]),
) -> Result<(), Fault> {
    let days = i128::from(term.days.max(1));
    let kept = i128::from(term.points) * i128::from(used) / days;
    let lapsed = i64::try_from(i128::from(term.points) - kept).map_err(Fault::internal)?;
    let kind = EntryKind::PointsExpire;
    with_term(db, batch, command, (term, user, kind, lapsed), fresh)
}

fn with_term(
    db: &mut Db,
    batch: &mut Batch,
    command: &Command,
    (term, user, kind, most): (&TermRow, Uuid, EntryKind, i64),
    fresh: &mut impl FnMut() -> (Uuid, [u8; 16]),
) -> Result<(), Fault> {
    let account = Account::Points(Points::User(user));
    let other = match kind {
        EntryKind::PointsIssue => Points::Issued,
        _ => Points::Expired,
    };
    let touched = [account.clone(), Account::Points(other)];
    batch.load_accounts(db, Currency::PTS, touched.into())?;
    let (points, lines) = match kind {
        EntryKind::PointsIssue => (most, rules::points_issue(user, most)),
        _ => {
            let there = batch.balance(Currency::PTS, &account).saturating_neg();
            let points = most.min(there);
            (points, rules::points_expire(user, points))
        }
    };
    if points < 1 {
        return Ok(());
    }
    let (id, salt) = fresh();
    batch.book(Booking {
        id,
        kind,
        currency: Currency::PTS,
        at: command.at,
        request: &command.request,
        key: format!("{}:{}", kind.as_str(), term.id.0),
        links: vec![("term", term.id.0.to_string())],
        lines: lines.map_err(Fault::internal)?,
        salt,
    })?;
    Ok(())
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
