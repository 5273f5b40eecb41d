//! Settlement: pools to contributors, then their statements.

use ledger::period::Period;
use schema::db::Db;
use schema::wire::{NewSettlement, PoolSettled, SettlementView, StatementView};
use uuid::Uuid;

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::flows::{statements, tend_subscriptions};
use crate::journal::closed;
use crate::journal::command::{At, Command, Request, Work, amount, earlier};
use crate::store::{journal, parties, periods, pools, statements as store};

/// Settles every pool that moved and issues the statements of the period. Operators only.
/// Nothing to settle is an empty answer. A repeat of the request completes what a crash
/// between settlement and statements left undone.
///
/// # Errors
/// `not_found` for others, `invalid` for a period, `period_passed`, `period_closed`,
/// `idempotency_conflict`.
pub async fn run(
    ctx: &Ctx,
    who: &Actor,
    key: &str,
    new: NewSettlement,
) -> Result<SettlementView, Fault> {
    rights::node(who).settle()?;
    let now = ctx.now();
    let period = match &new.period {
        Some(text) => text
            .parse()
            .map_err(|error| Fault::invalid("period", format!("{error}.")))?,
        None => Period::of(now),
    };
    if period > Period::of(now) {
        return Err(Fault::invalid(
            "period",
            format!("The period {period} has not begun."),
        ));
    }
    let request = Request::new(who.party, key, "settle", &new)?;
    let asked = request.clone();
    let made = ctx.read(move |db| earlier(db, &asked)).await?;
    let ids = match made {
        Some(ids) => ids,
        None => {
            ctx.read(move |db| not_passed(db, period)).await?;
            if new.period.is_some() {
                ctx.read(move |db| still_open(db, period)).await?;
            }
            // What subscriptions have earned until now is settled with the rest.
            tend_subscriptions::earn(ctx).await?;
            let command = Command {
                request,
                at: At { now, period },
                work: Work::Settle(ctx.config.reserve()),
            };
            ctx.journal.submit(command).await?.ids
        }
    };
    let settled = ctx.read(move |db| settled(db, &ids)).await?;
    // A repeated request without a period means the period it was first booked in.
    let period = match settled.first() {
        Some((booked, _)) => booked.parse().map_err(Fault::internal)?,
        None => period,
    };
    let issued = statements::issue(ctx, period).await?;
    // A repeated request is answered like the first: with what stands for everybody.
    let statements = match settled.is_empty() {
        true => issued,
        false => ctx.read(move |db| standing(db, period)).await?,
    };
    Ok(SettlementView {
        period: period.to_string(),
        pools: settled.into_iter().map(|(_, view)| view).collect(),
        statements,
    })
}

/// Who names a closed period is told so; the month of now goes into the first open one.
fn still_open(db: &mut Db, period: Period) -> Result<(), Fault> {
    match periods::is_closed(db, &period.to_string())? {
        false => Ok(()),
        true => Err(closed(period, periods::open_from(db, period)?)),
    }
}

/// A contributor's opening balance is the closing before: settling goes forward.
fn not_passed(db: &mut Db, period: Period) -> Result<(), Fault> {
    match pools::last_settled_period(db)? {
        Some(last) if period.to_string() < last => Err(Fault::conflict(
            "period_passed",
            format!("The period {last} is settled already: settle in it or in a later one."),
        )),
        _ => Ok(()),
    }
}

fn settled(db: &mut Db, ids: &[Uuid]) -> Result<Vec<(String, PoolSettled)>, Fault> {
    let mut views = Vec::with_capacity(ids.len());
    for row in pools::settlements(db, ids)? {
        let view = PoolSettled {
            revision_id: row.revision_id.0,
            epoch: row.epoch,
            delta: amount(row.pool_delta, &row.currency),
            contributors: pools::line_count(db, row.id.0)?,
            dust: row.dust,
            entry: journal::entry_name(&row.book, row.entry_seq),
        };
        views.push((row.period, view));
    }
    Ok(views)
}

/// The latest issue of a period for everybody who has one.
fn standing(db: &mut Db, period: Period) -> Result<Vec<StatementView>, Fault> {
    let period = period.to_string();
    let mut views = Vec::new();
    for (party, currency) in store::issued_in(db, &period)? {
        if let Some(row) = store::latest(db, party.0, &period, &currency)? {
            views.push(row.view(parties::by_id(db, party.0)?.view()));
        }
    }
    views.sort_by_key(|view| view.id);
    Ok(views)
}
