//! `/payments`, `/webhooks`: money on its way in, and what its provider says.

use actix_web::web::{Bytes, Data, Json, Path, Query};
use actix_web::{HttpRequest, get, post};
use schema::wire::{MessageView, NewPayment, Page, PageQuery, PaymentView, Received, SetAside};
use uuid::Uuid;

use super::answer::{Answer, Created, Done, MoneyKey, created, done, ok};
use crate::auth::Signed;
use crate::ctx::Ctx;
use crate::flows::{messages, pay, payments, take_message};
use crate::serve::Metrics;

/// Begins a payment: into the wallet, or straight for an order.
#[utoipa::path(
    tag = "payments",
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = PaymentView)),
)]
#[post("/payments")]
pub async fn begin_payment(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    MoneyKey(key): MoneyKey,
    new: Json<NewPayment>,
) -> Created<PaymentView> {
    created(pay::run(&ctx, &who, &key, new.into_inner()).await?)
}

/// The caller's payments, newest first.
#[utoipa::path(tag = "payments", params(PageQuery), responses((status = 200, body = Page<PaymentView>)))]
#[get("/payments")]
pub async fn list_payments(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    page: Query<PageQuery>,
) -> Answer<Page<PaymentView>> {
    ok(payments::list(&ctx, &who, page.into_inner()).await?)
}

/// A payment: how it can be made, and what became of it.
#[utoipa::path(tag = "payments", responses((status = 200, body = PaymentView)))]
#[get("/payments/{id}")]
pub async fn show_payment(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    id: Path<Uuid>,
) -> Answer<PaymentView> {
    ok(payments::show(&ctx, &who, *id).await?)
}

/// Messages of and to the payment provider that are not done.
#[utoipa::path(tag = "operator", params(PageQuery), responses((status = 200, body = Page<MessageView>)))]
#[get("/admin/messages")]
pub async fn list_messages(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    page: Query<PageQuery>,
) -> Answer<Page<MessageView>> {
    ok(messages::list(&ctx, &who, page.into_inner()).await?)
}

/// Works on a parked or failed message again.
#[utoipa::path(tag = "operator", responses((status = 204)))]
#[post("/admin/messages/{id}/retry")]
pub async fn retry_message(ctx: Data<Ctx>, Signed(who): Signed, id: Path<Uuid>) -> Done {
    messages::retry(&ctx, &who, *id).await?;
    done()
}

/// Sets a parked or failed message of the provider aside for good, with a reason.
#[utoipa::path(tag = "operator", responses((status = 204)))]
#[post("/admin/messages/{id}/ignore")]
pub async fn ignore_message(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    id: Path<Uuid>,
    why: Json<SetAside>,
) -> Done {
    messages::ignore(&ctx, &who, *id, why.into_inner()).await?;
    done()
}

/// A signed message of the payment provider: kept, then answered, worked on afterwards.
#[utoipa::path(
    tag = "payments",
    security(()),
    params(("Stripe-Signature" = String, Header)),
    request_body(content = serde_json::Value),
    responses((status = 200, body = Received)),
)]
#[post("/webhooks/stripe")]
pub async fn take_stripe_message(
    ctx: Data<Ctx>,
    metrics: Data<Metrics>,
    request: HttpRequest,
    body: Bytes,
) -> Answer<Received> {
    let header = request.headers().get("stripe-signature");
    let header = header.and_then(|value| value.to_str().ok());
    let taken = take_message::run(&ctx, header, &body).await;
    metrics.count_webhook(taken.as_ref().map_or_else(|fault| fault.code, |_| "kept"));
    ok(taken?)
}
