//! One currency for another in a party's own wallet, by the rate the operators have set.

use ledger::money::Money;
use schema::columns::Key;
use schema::wire::{Amount, ExchangeRateView, ExchangeView, NewExchange, NewExchangeRate};

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::journal::command::{At, Command, Exchange, Request, Work, amount, currency, earlier};
use crate::journal::exchange::converted;
use crate::store::exchanges::{self, RateRow};

/// Sets what one currency is worth in another from now on. Operators only.
///
/// # Errors
/// `not_found` for others, `unknown_currency`, `invalid` for an amount below 1 or one
/// currency only.
pub async fn set_rate(
    ctx: &Ctx,
    who: &Actor,
    new: NewExchangeRate,
) -> Result<ExchangeRateView, Fault> {
    rights::node(who).set_rates()?;
    let (give, get) = (currency(&new.give)?, currency(&new.get)?);
    if give == get {
        return Err(Fault::invalid("get", "A rate is between two currencies."));
    }
    for (field, side) in [("give", &new.give), ("get", &new.get)] {
        if side.minor < 1 {
            return Err(Fault::invalid(
                field,
                "Each side is at least one minor unit.",
            ));
        }
    }
    let row = RateRow {
        id: Key(ctx.id()),
        give_currency: give.code().to_owned(),
        give_minor: new.give.minor,
        get_currency: get.code().to_owned(),
        get_minor: new.get.minor,
        set_by: Key(who.party),
        set_at: ctx.now().into(),
    };
    ctx.write(move |db| {
        exchanges::set_rate(db, &row)?;
        Ok(row.view())
    })
    .await
}

/// The rates that hold now, one per pair.
///
/// # Errors
/// The database's own.
pub async fn rates(ctx: &Ctx, who: &Actor) -> Result<Vec<ExchangeRateView>, Fault> {
    rights::own(who, who.party).manage()?;
    let rows = ctx.read(exchanges::rates).await?;
    Ok(rows.iter().map(RateRow::view).collect())
}

/// Changes money in the caller's wallet.
///
/// # Errors
/// `no_rate`, `rate_changed` when another amount would be got by now, `insufficient_funds`,
/// `unknown_currency`, `invalid`, `idempotency_conflict`.
pub async fn run(
    ctx: &Ctx,
    who: &Actor,
    key: &str,
    new: NewExchange,
) -> Result<ExchangeView, Fault> {
    rights::own(who, who.party).manage()?;
    let (give, get) = (currency(&new.give)?, currency(&new.get)?);
    if give == get {
        return Err(Fault::invalid("get", "Name another currency to get."));
    }
    let request = Request::new(who.party, key, "exchange", &new)?;
    let asked = request.clone();
    // A repeat is answered whatever the rate is by now.
    if let Some(ids) = ctx.read(move |db| earlier(db, &asked)).await?
        && let [id] = ids[..]
    {
        return ctx.read(move |db| exchanges::view(db, id)).await;
    }
    let rate = rate_of(ctx, give.code(), get.code()).await?;
    let now = converted(&rate, new.give.minor)?;
    if now != new.get.minor {
        let now = amount(now, get.code());
        return Err(Fault::conflict(
            "rate_changed",
            format!(
                "For this, {} {} in minor units are got by now, not {}. Nothing was changed: \
                 look at the rate and send the new amount.",
                now.minor, now.currency, new.get.minor
            ),
        )
        .about("get"));
    }
    let work = Exchange {
        id: ctx.id(),
        rate: rate.id.0,
        give: Money::new(new.give.minor, give),
        get: Money::new(new.get.minor, get),
    };
    let command = Command {
        request,
        at: At::now(ctx.now()),
        work: Work::Exchange(work),
    };
    let id = ctx.journal.submit(command).await?.one()?;
    ctx.read(move |db| exchanges::view(db, id)).await
}

/// What would be got for an amount now.
///
/// # Errors
/// Like [`run`].
pub async fn quote(ctx: &Ctx, who: &Actor, give: &Amount, into: &str) -> Result<i64, Fault> {
    rights::own(who, who.party).manage()?;
    let rate = rate_of(ctx, currency(give)?.code(), into).await?;
    converted(&rate, give.minor)
}

async fn rate_of(ctx: &Ctx, give: &str, get: &str) -> Result<RateRow, Fault> {
    let pair = (give.to_owned(), get.to_owned());
    let rate = ctx
        .read(move |db| exchanges::rate(db, &pair.0, &pair.1))
        .await?;
    rate.ok_or_else(|| {
        Fault::conflict(
            "no_rate",
            format!("The node does not change {give} into {get}. Nothing was changed."),
        )
        .about("get")
    })
}
