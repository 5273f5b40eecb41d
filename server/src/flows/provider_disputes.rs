//! A dispute as it stands at the payment provider, into the books.

use schema::columns::Key;

use super::dispute::BY_PROVIDER;
use super::work_message::book;
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::journal::command::{DisputeEnd, DisputeOpen, Work};
use crate::journal::provider::{ProviderReport, step_key};
use crate::ports::payment::event::Thing;
use crate::store::inbox::Left;
use crate::store::orders;
use crate::store::payments::{self, PaymentRow};

/// Books what is missing: the hold, then its end.
///
/// # Errors
/// What the writer refuses.
pub async fn run(ctx: &Ctx, row: &PaymentRow, thing: &Thing) -> Result<Left, Fault> {
    if let Some(order) = row.order_id {
        of_order(ctx, row, order, thing).await?;
        return Ok(Left::Done);
    }
    let report = ProviderReport::Dispute {
        object: thing.id.clone(),
        payment: row.id,
        ids: [ctx.id(), ctx.id()],
    };
    let key = step_key(&thing.id, thing.status);
    let body = (&thing.id, thing.money.minor, row.id.0);
    book(ctx, &key, "dispute", &body, Work::Provider(report)).await?;
    Ok(Left::Done)
}

/// A dispute about an order that was paid by card. How it stands is what is known of it, not
/// what this message says: a later one may have come before.
async fn of_order(ctx: &Ctx, row: &PaymentRow, order: Key, thing: &Thing) -> Result<(), Fault> {
    let ids = [thing.id.clone()];
    let (known, owner) = ctx
        .read(move |db| {
            let known = payments::objects(db, &ids)?;
            Ok((known, orders::find(db, order.0)?.1))
        })
        .await?;
    let status = known
        .first()
        .map_or(thing.status, |object| object.status.as_str());
    let currency = thing.money.currency;
    let body = (&thing.id, thing.money.minor, row.id.0);
    let open = DisputeOpen {
        id: ctx.id(),
        order,
        owner,
        minor: thing.money.minor,
        currency,
        reason: format!("{}{BY_PROVIDER}", thing.id),
    };
    let key = step_key(&thing.id, "open");
    let opened = book(ctx, &key, "dispute", &body, Work::DisputeOpen(open)).await?;
    if status == "open" {
        return Ok(());
    }
    let end = DisputeEnd {
        id: ctx.id(),
        dispute: Key(opened.one()?),
        order,
        owner,
        currency,
        won: status == "won",
    };
    let key = step_key(&thing.id, status);
    book(ctx, &key, "verdict", &body, Work::DisputeEnd(end)).await?;
    Ok(())
}
