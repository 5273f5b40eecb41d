//! Points: an operator gives them, writes off what was used up, and lets the rest lapse.

use ledger::account::{Account, Points};
use ledger::entry::Kind as EntryKind;
use schema::wire::{NewPoints, PointsMove, PointsView};
use serde::Serialize;
use uuid::Uuid;

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::journal::command::{At, Command, PointsMoved, Request, Work};
use crate::store::{journal, parties};

/// What is asked, with the party found: its name may change hands between two requests.
#[derive(Serialize)]
struct Asked<'a> {
    party: Uuid,
    #[serde(rename = "move")]
    what: PointsMove,
    points: i64,
    reason: &'a str,
}

/// Moves points. Operators only.
///
/// # Errors
/// `not_found` for an unknown party, `invalid` for fewer points than 1 or a bad reason,
/// `not_enough_points`, `idempotency_conflict`.
pub async fn run(ctx: &Ctx, who: &Actor, key: &str, new: NewPoints) -> Result<PointsView, Fault> {
    rights::node(who).give_points()?;
    check(&new)?;
    let name = new.party.clone();
    let party = ctx.read(move |db| parties::by_name(db, &name)).await?;
    let user = party.id.0;
    let asked = Asked {
        party: user,
        what: new.what,
        points: new.points,
        reason: &new.reason,
    };
    let command = Command {
        request: Request::new(who.party, key, "points", &asked)?,
        at: At::now(ctx.now()),
        work: Work::Points(PointsMoved {
            id: ctx.id(),
            kind: match new.what {
                PointsMove::Issue => EntryKind::PointsIssue,
                PointsMove::Redeem => EntryKind::PointsRedeem,
                PointsMove::Expire => EntryKind::PointsExpire,
            },
            user,
            points: new.points,
        }),
    };
    let id = ctx.journal.submit(command).await?.one()?;
    let account = Account::Points(Points::User(user)).to_string();
    let (entry, balance) = ctx
        .read(move |db| {
            let entry = journal::entry_by_id(db, id)?;
            let balance = journal::balance_at(db, &entry.book, &account, entry.seq)?;
            Ok((entry, balance))
        })
        .await?;
    Ok(PointsView {
        party: party.view(),
        what: new.what,
        points: new.points,
        balance: balance.saturating_neg(),
        entry: journal::entry_name(&entry.book, entry.seq),
    })
}

fn check(new: &NewPoints) -> Result<(), Fault> {
    if new.points < 1 {
        return Err(Fault::invalid("points", "At least one point moves."));
    }
    let length = new.reason.trim().chars().count();
    if !(1..=140).contains(&length) || new.reason.chars().any(char::is_control) {
        return Err(Fault::invalid("reason", "Say why, in 1 to 140 characters."));
    }
    Ok(())
}
