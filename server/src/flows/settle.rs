//! Settlement: pools to contributors, then their statements.

use ledger::period::Period;
use schema::db::Db;
use schema::wire::{NewSettlement, PoolSettled, SettlementView, StatementView};
use uuid::Uuid;

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::flows::statements;
use crate::journal::command::{At, Command, Request, Work, amount, earlier};
use crate::store::{journal, parties, pools, statements as issued};

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
        Some(text) => text.parse().map_err(|error| Fault::invalid("period", format!("{error}.")))?,
        None => Period::of(now),
    };
    if period > Period::of(now) {
        return Err(Fault::invalid("period", format!("The period {period} has not begun.")));
    }
    let request = Request::new(who.party, key, "settle", &new)?;
    let asked = request.clone();
    let made = ctx.read(move |db| earlier(db, &asked)).await?;
    let ids = match made {
        Some(ids) => ids,
        None => {
            ctx.read(move |db| not_passed(db, period)).await?;
            let command = Command { request, at: At { now, period }, work: Work::Settle };
            ctx.journal.submit(command).await?.ids
        }
    };
    let settled = ctx.read(move |db| settled(db, &ids)).await?;
    // A repeated request without a period means the period it was first booked in.
    let period = match settled.first() {
        Some((booked, _, _)) => booked.parse().map_err(Fault::internal)?,
        None => period,
    };
    let new_statements = statements::issue(ctx, period).await?;
    let statements = ctx.read({
        let ids: Vec<Uuid> = settled.iter().map(|(_, id, _)| *id).collect();
        move |db| all_statements(db, period, &ids, new_statements)
    });
    Ok(SettlementView {
        period: period.to_string(),
        statements: statements.await?,
        pools: settled.into_iter().map(|(_, _, view)| view).collect(),
    })
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

fn settled(db: &mut Db, ids: &[Uuid]) -> Result<Vec<(String, Uuid, PoolSettled)>, Fault> {
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
        views.push((row.period, row.id.0, view));
    }
    Ok(views)
}

/// What was issued now, and the latest issue of everybody the settlement has a line for:
/// a repeated request is answered like the first.
fn all_statements(
    db: &mut Db,
    period: Period,
    settlements: &[Uuid],
    mut views: Vec<StatementView>,
) -> Result<Vec<StatementView>, Fault> {
    let period = period.to_string();
    let mut known: std::collections::HashSet<(Uuid, String)> =
        views.iter().map(|view| (view.party.id, view.closing.currency.clone())).collect();
    for row in pools::settlements(db, settlements)? {
        for line in pools::lines(db, row.id.0)? {
            let payee = (line.party_id.0, row.currency.clone());
            if known.contains(&payee) {
                continue;
            }
            if let Some(statement) = issued::latest(db, payee.0, &period, &payee.1)? {
                views.push(statement.view(parties::by_id(db, payee.0)?.view()));
            }
            known.insert(payee);
        }
    }
    views.sort_by_key(|view| view.id);
    Ok(views)
}
