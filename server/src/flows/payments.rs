//! Payments as the one who pays sees them.

use ledger::money::Money;
use schema::db::Db;
use schema::wire::{NewOrder, Page, PageQuery, PayWay, PaymentView};
use uuid::Uuid;

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::journal::command::amount;
use crate::paging::Window;
use crate::ports::payment::Payments;
use crate::store::orders;
use crate::store::payments::{self, PaymentRow};

/// One payment.
///
/// # Errors
/// `not_found`, also for somebody else's.
pub async fn show(ctx: &Ctx, who: &Actor, id: Uuid) -> Result<PaymentView, Fault> {
    let row = ctx.read(move |db| payments::by_id(db, id)).await?;
    rights::own(who, row.party_id.0).manage()?;
    let own = ctx.clone();
    ctx.read(move |db| view(db, &own.payments, row)).await
}

/// The caller's payments, newest first.
///
/// # Errors
/// A bad cursor or limit.
pub async fn list(ctx: &Ctx, who: &Actor, query: PageQuery) -> Result<Page<PaymentView>, Fault> {
    let window = Window::of(&query)?;
    let (party, own) = (who.party, ctx.clone());
    let found = ctx
        .read(move |db| {
            let rows = payments::of_party(db, party, window.before, window.fetch())?;
            rows.into_iter()
                .map(|row| view(db, &own.payments, row))
                .collect::<Result<Vec<_>, _>>()
        })
        .await?;
    Ok(window.page(found, |payment| payment.id, |payment| payment))
}

/// A payment with how it can be made.
pub(super) fn view(db: &mut Db, ways: &Payments, row: PaymentRow) -> Result<PaymentView, Fault> {
    let money = Money::new(row.amount, row.currency.parse().map_err(Fault::internal)?);
    let open = row.state == "open";
    let way = if row.way == PayWay::Card.as_str() {
        PayWay::Card
    } else {
        PayWay::Transfer
    };
    let given_back = match row.order_id {
        Some(order) => {
            let refunds = orders::refunds(db, order.0)?;
            refunds.iter().map(|refund| refund.amount).sum()
        }
        None => row.given_back,
    };
    let wanted = row.wanted.as_deref();
    let wanted: Option<NewOrder> = wanted.and_then(|text| serde_json::from_str(text).ok());
    let instructions = (open && way == PayWay::Transfer)
        .then(|| ways.transfer.instructions(money, &row.reference));
    Ok(PaymentView {
        id: row.id.0,
        way,
        state: row.state.clone(),
        amount: amount(row.amount, &row.currency),
        given_back: amount(given_back, &row.currency),
        note: note(&row, money),
        reference: row.reference,
        url: row.url.filter(|_| open),
        instructions,
        offer_id: wanted.map(|order| order.offer_id),
        order_id: row.order_id.map(|id| id.0),
        created_at: row.created_at.into(),
        paid_at: row.paid_at.map(Into::into),
    })
}

/// What went otherwise than meant.
fn note(row: &PaymentRow, money: Money) -> Option<String> {
    match row.state.as_str() {
        "paid" if row.wanted.is_some() && row.order_id.is_none() => Some(format!(
            "The offer ended or changed while you were paying, so nothing was bought: {money} are \
             in your wallet."
        )),
        "open" => row.failure.as_ref().map(|why| {
            format!("The last try failed: {why} Nothing was charged; you can try again.")
        }),
        "ended" => Some(
            "The provider's page has closed without a payment. Nothing was charged; begin again."
                .to_owned(),
        ),
        _ => None,
    }
}
