//! `/orders`: purchases and refunds.

use actix_web::web::{Data, Json, Path, Query};
use actix_web::{get, post};
use schema::wire::{NewOrder, NewRefund, OrderView, Page, PageQuery, RefundView};
use uuid::Uuid;

use super::answer::{Answer, Created, MoneyKey, created, ok};
use crate::auth::Signed;
use crate::ctx::Ctx;
use crate::flows::{buy, refund};

/// Buys a licence from the prepaid wallet.
#[utoipa::path(
    tag = "orders",
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = OrderView)),
)]
#[post("/orders")]
pub async fn place_order(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    MoneyKey(key): MoneyKey,
    new: Json<NewOrder>,
) -> Created<OrderView> {
    created(buy::run(&ctx, &who, &key, new.into_inner()).await?)
}

/// The caller's orders, newest first.
#[utoipa::path(tag = "orders", params(PageQuery), responses((status = 200, body = Page<OrderView>)))]
#[get("/orders")]
pub async fn list_orders(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    page: Query<PageQuery>,
) -> Answer<Page<OrderView>> {
    ok(buy::list(&ctx, &who, page.into_inner()).await?)
}

/// An order: the receipt.
#[utoipa::path(tag = "orders", responses((status = 200, body = OrderView)))]
#[get("/orders/{id}")]
pub async fn show_order(ctx: Data<Ctx>, Signed(who): Signed, id: Path<Uuid>) -> Answer<OrderView> {
    ok(buy::show(&ctx, &who, *id).await?)
}

/// Gives money back; a full refund revokes the licence.
#[utoipa::path(
    tag = "orders",
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = RefundView)),
)]
#[post("/orders/{id}/refunds")]
pub async fn refund_order(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    MoneyKey(key): MoneyKey,
    id: Path<Uuid>,
    new: Json<NewRefund>,
) -> Created<RefundView> {
    created(refund::run(&ctx, &who, &key, *id, new.into_inner()).await?)
}

/// Refunds of an order, oldest first.
#[utoipa::path(tag = "orders", responses((status = 200, body = Page<RefundView>)))]
#[get("/orders/{id}/refunds")]
pub async fn list_refunds(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    id: Path<Uuid>,
) -> Answer<Page<RefundView>> {
    let items = refund::list(&ctx, &who, *id).await?;
    ok(Page { items, next: None })
}
