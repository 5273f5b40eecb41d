//! `/exchange-rates` and `/exchanges`: one currency for another.

use actix_web::web::{Data, Json};
use actix_web::{get, post};
use schema::wire::{ExchangeRateView, ExchangeView, NewExchange, NewExchangeRate};

use super::answer::{Answer, Created, MoneyKey, created, ok};
use crate::auth::Signed;
use crate::ctx::Ctx;
use crate::flows::exchange;

/// Sets what one currency is worth in another from now on.
#[utoipa::path(tag = "operator", responses((status = 201, body = ExchangeRateView)))]
#[post("/admin/exchange-rates")]
pub async fn set_exchange_rate(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    new: Json<NewExchangeRate>,
) -> Created<ExchangeRateView> {
    created(exchange::set_rate(&ctx, &who, new.into_inner()).await?)
}

/// The rates that hold now, one per pair of currencies.
#[utoipa::path(tag = "payments", responses((status = 200, body = [ExchangeRateView])))]
#[get("/exchange-rates")]
pub async fn list_exchange_rates(
    ctx: Data<Ctx>,
    Signed(who): Signed,
) -> Answer<Vec<ExchangeRateView>> {
    ok(exchange::rates(&ctx, &who).await?)
}

/// Changes money in the caller's wallet into another currency.
#[utoipa::path(
    tag = "payments",
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = ExchangeView)),
)]
#[post("/exchanges")]
pub async fn change_money(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    MoneyKey(key): MoneyKey,
    new: Json<NewExchange>,
) -> Created<ExchangeView> {
    created(exchange::run(&ctx, &who, &key, new.into_inner()).await?)
}
