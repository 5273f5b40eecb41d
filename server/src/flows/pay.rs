//! Beginning a payment: into the wallet, or straight for an order.

use ledger::money::Money;
use schema::columns::Key;
use schema::wire::{NewOrder, NewPayment, PaymentView};

use super::{buy, payments as views};
use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::journal::command::{Request, currency, key_conflict};
use crate::ports::payment::{Ask, Begun, PaymentPort, reference};
use crate::store::payments::{self, PaymentRow};
use crate::store::{datasets, orders};

/// Begins a payment, and answers how it can be made. The same key and body again answer the
/// same payment, also when the first answer was lost on its way.
///
/// # Errors
/// `invalid`, `unknown_currency`, `no_cards`, `orders_by_card`, what [`buy`] refuses of an order,
/// `idempotency_conflict`, `provider_refused`, `provider_unavailable`.
pub async fn run(ctx: &Ctx, who: &Actor, key: &str, new: NewPayment) -> Result<PaymentView, Fault> {
    rights::own(who, who.party).manage()?;
    let request = Request::new(who.party, key, "pay", &new)?;
    let port = ctx.payments.way(new.way)?;
    let (party, name) = (who.party, key.to_owned());
    let known = ctx
        .read(move |db| payments::by_key(db, party, &name))
        .await?;
    let row = match known {
        Some(row) => row,
        None => {
            let money = price(ctx, who, &new, port).await?;
            keep(ctx, &request, &new, money, port).await?
        }
    };
    if row.request_hash != request.hash.0 {
        return Err(key_conflict(key));
    }
    let row = begin(ctx, port, row).await?;
    let own = ctx.clone();
    ctx.read(move |db| views::view(db, &own.payments, row))
        .await
}

/// What has to be paid.
async fn price(
    ctx: &Ctx,
    who: &Actor,
    new: &NewPayment,
    port: &dyn PaymentPort,
) -> Result<Money, Fault> {
    let amount = match (&new.amount, &new.order) {
        (Some(amount), None) => amount,
        (None, Some(order)) => {
            may_buy(ctx, who, order).await?;
            if !port.gives_back() {
                return Err(Fault::conflict(
                    "orders_by_card",
                    "An order is paid from the wallet or by card. Nothing was bought; fill the \
                     wallet by a transfer, then buy.",
                ));
            }
            &order.price
        }
        _ => {
            return Err(Fault::invalid(
                "amount",
                "Name either an amount for the wallet or an order to pay.",
            ));
        }
    };
    let money = Money::new(amount.minor, currency(amount)?);
    if money.minor < 1 {
        return Err(Fault::invalid(
            "amount",
            "A payment is at least one minor unit; what is free needs none: buy it.",
        ));
    }
    Ok(money)
}

async fn may_buy(ctx: &Ctx, who: &Actor, order: &NewOrder) -> Result<(), Fault> {
    let (party, offer) = (who.party, order.offer_id);
    let (what, facts) = ctx
        .read(move |db| {
            let what = orders::sellable(db, offer)?;
            buy::covers(db, &what)?;
            let row = datasets::by_id(db, what.dataset_id)?;
            Ok((what, datasets::facts(db, Some(party), &row)?))
        })
        .await?;
    rights::dataset(who, &facts).buy()?;
    buy::check(order, &what)
}

/// Keeps the payment before the provider hears of it: an answer that is lost finds it again.
async fn keep(
    ctx: &Ctx,
    request: &Request,
    new: &NewPayment,
    money: Money,
    port: &dyn PaymentPort,
) -> Result<PaymentRow, Fault> {
    let id = ctx.id();
    let wanted = new.order.as_ref().map(serde_json::to_string);
    let row = PaymentRow {
        id: Key(id),
        party_id: Key(request.party),
        idem_key: request.key.clone(),
        request_hash: request.hash.0.to_vec(),
        way: port.way().as_str().to_owned(),
        currency: money.currency.code().to_owned(),
        amount: money.minor,
        wanted: wanted.transpose().map_err(Fault::internal)?,
        reference: reference(id),
        state: "open".to_owned(),
        session_id: None,
        intent_id: None,
        charge_id: None,
        url: None,
        failure: None,
        failed_at: None,
        seen_back: 0,
        given_back: 0,
        returned: 0,
        order_id: None,
        created_at: ctx.now().into(),
        paid_at: None,
    };
    let (party, key) = (request.party, request.key.clone());
    ctx.write(move |db| {
        if payments::insert(db, &row)? {
            return Ok(row);
        }
        // An equal request was faster.
        payments::by_key(db, party, &key)?.ok_or_else(Fault::missing)
    })
    .await
}

/// Asks the provider for its page, once.
async fn begin(ctx: &Ctx, port: &dyn PaymentPort, row: PaymentRow) -> Result<PaymentRow, Fault> {
    let needed = row.state == "open" && row.url.is_none() && row.way == port.way().as_str();
    if !needed {
        return Ok(row);
    }
    let id = row.id.0;
    let what = match &row.wanted {
        Some(_) => format!("Licence, {}", row.reference),
        None => format!("Wallet, {}", row.reference),
    };
    let ask = Ask {
        id,
        money: Money::new(row.amount, row.currency.parse().map_err(Fault::internal)?),
        what: format!("{}: {what}", ctx.config.name),
        reference: row.reference.clone(),
        back_to: format!("{}/payments/{id}", ctx.config.public_url()),
    };
    match port.begin(&ask).await? {
        Begun::Transfer => Ok(row),
        Begun::Page { session, url } => {
            ctx.write(move |db| {
                payments::set_page(db, id, &session, &url)?;
                payments::by_id(db, id)
            })
            .await
        }
    }
}
