//! Giving some or all of an order back.

use schema::columns::Key;
use schema::db::Db;
use schema::wire::{NewRefund, RefundView};
use uuid::Uuid;

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::journal::command::{At, Command, Refund, Request, Work, currency};
use crate::store::{disputes, orders};

/// Gives money back to where it came from, the buyer's wallet or card: by the provider or an
/// operator, with a reason.
/// The licence stays until everything is given back.
///
/// # Errors
/// `not_found`, `invalid` for an amount or reason, `exceeds_payment` naming what is left,
/// `idempotency_conflict`.
pub async fn run(
    ctx: &Ctx,
    who: &Actor,
    key: &str,
    order_id: Uuid,
    new: NewRefund,
) -> Result<RefundView, Fault> {
    let (order, owner) = ctx.read(move |db| orders::find(db, order_id)).await?;
    rights::order(who, order.buyer_id.0, owner).refund()?;
    let currency = currency(&new.amount)?;
    let length = new.reason.trim().chars().count();
    if !(1..=500).contains(&length) {
        return Err(Fault::invalid(
            "reason",
            "Say why, in 1 to 500 characters; the buyer sees it.",
        ));
    }
    let request = Request::new(who.party, key, "refund", &(order_id, &new))?;
    let work = Refund {
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
        work: Work::Refund(work),
    };
    let id = ctx.journal.submit(command).await?.one()?;
    // What was paid by card goes back to the card.
    ctx.ring();
    let views = ctx.read(move |db| views(db, order_id)).await?;
    views
        .into_iter()
        .find(|view| view.id == id)
        .ok_or_else(Fault::missing)
}

/// Refunds of an order, oldest first.
///
/// # Errors
/// `not_found`.
pub async fn list(ctx: &Ctx, who: &Actor, order_id: Uuid) -> Result<Vec<RefundView>, Fault> {
    let (order, owner) = ctx.read(move |db| orders::find(db, order_id)).await?;
    rights::order(who, order.buyer_id.0, owner).see()?;
    ctx.read(move |db| views(db, order_id)).await
}

fn views(db: &mut Db, order_id: Uuid) -> Result<Vec<RefundView>, Fault> {
    let (order, _) = orders::find(db, order_id)?;
    let disputes = disputes::of_orders(db, &[order.id])?;
    let lost: Vec<_> = disputes
        .iter()
        .filter(|row| row.state == disputes::LOST)
        .collect();
    let mut total = 0i64;
    let mut views = Vec::new();
    for row in orders::refunds(db, order_id)? {
        total = total.saturating_add(row.amount);
        // What a lost dispute has taken by then is gone as well.
        let before = lost
            .iter()
            .filter(|one| one.decided_at <= Some(row.created_at));
        let taken: i64 = before.map(|one| one.of_order).sum();
        let gone = total.saturating_add(taken);
        views.push(orders::refund_view(&row, &order, gone));
    }
    Ok(views)
}
