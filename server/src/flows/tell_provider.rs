//! Telling the payment provider what was booked here: refunds to the card.

use ledger::money::Money;
use serde::Deserialize;
use uuid::Uuid;

use crate::ctx::Ctx;
use crate::error::{Fault, Kind};
use crate::store::outbox::{self, OutboxRow};

/// A refund, as the journal's writer has put it into the queue.
#[derive(Deserialize)]
struct Refund {
    intent: Option<String>,
    minor: i64,
    currency: String,
}

/// Sends one message; again and again while the provider does not answer, once in effect.
///
/// # Errors
/// While the provider or the database does not answer. A refusal is kept with its words, for
/// the operator.
pub async fn run(ctx: &Ctx, id: Uuid) -> Result<(), Fault> {
    let row = ctx
        .write(move |db| {
            outbox::attempt(db, id)?;
            outbox::by_id(db, id)
        })
        .await?;
    if row.state != "new" {
        return Ok(());
    }
    let told = tell(ctx, &row).await;
    if let Err(fault) = &told
        && matches!(fault.kind, Kind::Unavailable | Kind::Full | Kind::Internal)
    {
        return told.map(drop);
    }
    let now = ctx.now();
    ctx.write(move |db| {
        let how = told.as_deref().map_err(|fault| fault.detail.as_str());
        outbox::leave(db, id, how, now)
    })
    .await
}

async fn tell(ctx: &Ctx, row: &OutboxRow) -> Result<String, Fault> {
    let refund: Refund = serde_json::from_str(&row.payload).map_err(Fault::internal)?;
    let intent = refund.intent.ok_or_else(|| {
        Fault::conflict(
            "provider_unknown_payment",
            "The provider's name of the payment is not known. The refund is booked here: give it \
             back at the provider by hand.",
        )
    })?;
    let currency = refund.currency.parse().map_err(Fault::internal)?;
    let money = Money::new(refund.minor, currency);
    let key = row.id.0.to_string();
    ctx.payments.cards()?.give_back(&key, &intent, money).await
}
