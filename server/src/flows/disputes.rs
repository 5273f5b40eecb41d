//! A dispute as it stands at the payment provider, into the books.

use crate::ctx::Ctx;
use crate::error::Fault;
use crate::journal::command::Work;
use crate::journal::provider::{ProviderReport, step_key};
use crate::ports::payment::event::Thing;
use crate::store::inbox::Left;
use crate::store::payments::PaymentRow;

/// Books what is missing: the hold, then its end.
///
/// # Errors
/// What the writer refuses.
pub async fn run(ctx: &Ctx, row: &PaymentRow, thing: &Thing) -> Result<Left, Fault> {
    if let Some(order) = row.order_id {
        return Ok(Left::Failed(format!(
            "{} of the payment of order {} are disputed ({}). Nothing was booked: hold it against \
             the order by hand.",
            thing.money, order.0, thing.status
        )));
    }
    let report = ProviderReport::Dispute {
        object: thing.id.clone(),
        payment: row.id,
        ids: [ctx.id(), ctx.id()],
    };
    let key = step_key(&thing.id, thing.status);
    let body = (&thing.id, thing.money.minor, row.id.0);
    super::work_message::book(ctx, &key, "dispute", &body, Work::Provider(report)).await?;
    Ok(Left::Done)
}
