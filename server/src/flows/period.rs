//! Closing the books of a month.

use ledger::period::Period;
use schema::wire::{Page, PeriodView};

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::flows::{checkpoint, statements, tend_subscriptions};
use crate::journal::command::{At, Command, Request, Work};
pub use crate::store::periods::Turnover;
use crate::store::{periods, pools};

/// Closes a period and all before it: their statements become final, and what comes later is
/// booked in the first open period with the time it happened. Closing twice changes nothing.
/// Operators only.
///
/// # Errors
/// `not_found` for others, `invalid` for a period, `period_running`, `idempotency_conflict`.
pub async fn close(ctx: &Ctx, who: &Actor, key: &str, name: &str) -> Result<PeriodView, Fault> {
    rights::node(who).close_period()?;
    let period: Period = name
        .parse()
        .map_err(|error| Fault::invalid("period", format!("{error}.")))?;
    let now = ctx.now();
    if period >= Period::of(now) {
        return Err(Fault::conflict(
            "period_running",
            format!(
                "The period {period} is not over: it runs until {}. Nothing was closed; close it \
                 after that day.",
                period.last_day()
            ),
        ));
    }
    // Days that ended in the period are earned in it.
    tend_subscriptions::earn(ctx).await?;
    let command = Command {
        request: Request::new(who.party, key, "close_period", &period)?,
        at: At::now(now),
        work: Work::ClosePeriod(period),
    };
    ctx.journal.submit(command).await?;
    // Signed with what it holds, also when it has no statement to issue.
    checkpoint::sign(ctx).await?;
    statements::issue(ctx, period).await?;
    let name = period.to_string();
    let rows = ctx.read(periods::all).await?;
    rows.into_iter()
        .find(|row| row.name == name)
        .map(view)
        .ok_or_else(Fault::missing)
}

/// Every period that was booked in or closed, newest first. Operators only.
///
/// # Errors
/// `not_found` for others.
pub async fn list(ctx: &Ctx, who: &Actor) -> Result<Page<PeriodView>, Fault> {
    rights::node(who).audit()?;
    let rows = ctx.read(periods::all).await?;
    Ok(Page {
        items: rows.into_iter().map(view).collect(),
        next: None,
    })
}

/// What closing a period would make final.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlook {
    /// The period.
    pub name: String,
    /// Whether its last day is past: only then it can be closed.
    pub over: bool,
    /// What was booked in it, by book and kind of entry.
    pub turnover: Vec<Turnover>,
}

/// Every open period with what closing it would make final, oldest first; and how many pools
/// still wait for a settlement. Changes nothing. Operators only.
///
/// # Errors
/// `not_found` for others.
pub async fn outlook(ctx: &Ctx, who: &Actor) -> Result<(Vec<Outlook>, usize), Fault> {
    rights::node(who).close_period()?;
    let running = Period::of(ctx.now());
    ctx.read(move |db| {
        let mut open = Vec::new();
        let rows = periods::all(db)?;
        for row in rows.into_iter().rev().filter(|row| row.closed_at.is_none()) {
            let period: Period = row.name.parse().map_err(Fault::internal)?;
            open.push(Outlook {
                over: period < running,
                turnover: periods::turnover(db, &row.name)?,
                name: row.name,
            });
        }
        let pools = pools::all(db)?.into_iter();
        let unsettled = pools.filter(|pool| pool.cumulative != pool.settled).count();
        Ok((open, unsettled))
    })
    .await
}

fn view(row: periods::PeriodRow) -> PeriodView {
    PeriodView {
        name: row.name,
        opened_at: row.opened_at.into(),
        closed_at: row.closed_at.map(Into::into),
    }
}
