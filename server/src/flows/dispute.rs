//! Disputes: a payer's bank takes a payment back until it is decided who keeps it.

use ledger::money::Currency;
use schema::columns::Key;
use schema::wire::{DisputeVerdict, DisputeView, NewDispute, Page, PageQuery};
use uuid::Uuid;

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::journal::command::{At, Command, DisputeEnd, DisputeOpen, Request, Work, currency};
use crate::paging::Window;
pub use crate::store::disputes::Affecting;
use crate::store::{disputes, orders};

/// How the reason of a dispute ends that the payment provider decides.
pub const BY_PROVIDER: &str = " at the payment provider";

/// Puts what the bank took on hold: it leaves fee, tax, commission and pool at once, and what
/// is above the payment is the node's loss. Operators only.
///
/// # Errors
/// `not_found` for others or an unknown order, `invalid` for an amount or reason,
/// `idempotency_conflict`.
pub async fn open(
    ctx: &Ctx,
    who: &Actor,
    key: &str,
    new: NewDispute,
) -> Result<DisputeView, Fault> {
    rights::node(who).dispute()?;
    let order_id = new.order_id;
    let (_, owner) = ctx.read(move |db| orders::find(db, order_id)).await?;
    let currency = currency(&new.amount)?;
    let length = new.reason.trim().chars().count();
    if !(1..=500).contains(&length) {
        return Err(Fault::invalid(
            "reason",
            "Say what the bank says, in 1 to 500 characters.",
        ));
    }
    let request = Request::new(who.party, key, "dispute", &new)?;
    let work = DisputeOpen {
        id: ctx.id(),
        order: Key(order_id),
        owner,
        minor: new.amount.minor,
        currency,
        reason: new.reason,
    };
    let command = Command {
        request,
        at: At::now(ctx.now()),
        work: Work::DisputeOpen(work),
    };
    let id = ctx.journal.submit(command).await?.one()?;
    show(ctx, id).await
}

/// Decides who keeps the payment. A won dispute gives back exactly what it took; a lost one
/// sends it away, and ends the licence when nothing of the payment is left. Operators only.
///
/// # Errors
/// `not_found` for others or an unknown dispute, `dispute_closed`, `idempotency_conflict`.
pub async fn decide(
    ctx: &Ctx,
    who: &Actor,
    key: &str,
    id: Uuid,
    verdict: DisputeVerdict,
) -> Result<DisputeView, Fault> {
    rights::node(who).dispute()?;
    let (row, owner) = ctx
        .read(move |db| {
            let row = disputes::find(db, id)?;
            let order = row.order_id.ok_or_else(Fault::missing)?;
            let (_, owner) = orders::find(db, order.0)?;
            Ok((row, owner))
        })
        .await?;
    let currency: Currency = row.book.parse().map_err(Fault::internal)?;
    let work = DisputeEnd {
        id: ctx.id(),
        dispute: row.id,
        order: row.order_id.ok_or_else(Fault::missing)?,
        owner,
        currency,
        won: verdict.won,
    };
    let command = Command {
        request: Request::new(who.party, key, "verdict", &(id, &verdict))?,
        at: At::now(ctx.now()),
        work: Work::DisputeEnd(work),
    };
    ctx.journal.submit(command).await?;
    show(ctx, id).await
}

async fn show(ctx: &Ctx, id: Uuid) -> Result<DisputeView, Fault> {
    Ok(ctx.read(move |db| disputes::find(db, id)).await?.view())
}

/// Every dispute, newest first. Operators only.
///
/// # Errors
/// `not_found` for others, or a bad page.
pub async fn list(ctx: &Ctx, who: &Actor, query: PageQuery) -> Result<Page<DisputeView>, Fault> {
    rights::node(who).dispute()?;
    let window = Window::of(&query)?;
    let rows = ctx
        .read(move |db| disputes::list(db, window.before, window.fetch()))
        .await?;
    Ok(window.page(rows, |row| row.id.0, |row| row.view()))
}

/// Disputes about an order, oldest first: for its buyer, the dataset's owner and operators.
///
/// # Errors
/// `not_found` for others.
pub async fn of_order(ctx: &Ctx, who: &Actor, order: Uuid) -> Result<Vec<DisputeView>, Fault> {
    let (row, owner) = ctx.read(move |db| orders::find(db, order)).await?;
    rights::order(who, row.buyer_id.0, owner).see()?;
    let rows = ctx
        .read(move |db| disputes::of_orders(db, &[Key(order)]))
        .await?;
    Ok(rows.iter().map(disputes::DisputeRow::view).collect())
}

/// Disputes that hold or held back income of the caller, as owner or contributor, newest first.
/// Buyers and their banks' words are not told.
///
/// # Errors
/// The database's own.
pub async fn mine(ctx: &Ctx, who: &Actor) -> Result<Vec<Affecting>, Fault> {
    rights::own(who, who.party).manage()?;
    let party = Key(who.party);
    ctx.read(move |db| disputes::affecting(db, party)).await
}
