//! `/plans`, `/subscriptions`: datasets by the month, quarter or year.

use actix_web::web::{Data, Json, Path, Query};
use actix_web::{delete, get, post};
use schema::wire::{
    NewPlan, NewSubscription, NewTermRefund, Page, PageQuery, PlanQuery, PlanView,
    SubscriptionQuery, SubscriptionRun, SubscriptionView, TermRefundRequest,
};
use uuid::Uuid;

use super::answer::{Answer, Created, Done, MoneyKey, created, done, ok};
use crate::auth::{MaybeSigned, Signed};
use crate::ctx::Ctx;
use crate::flows::subscribe::Which;
use crate::flows::{plans, subscribe, tend_subscriptions};

/// Makes a plan of datasets of the caller's.
#[utoipa::path(tag = "subscriptions", responses((status = 201, body = PlanView)))]
#[post("/plans")]
pub async fn make_plan(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    new: Json<NewPlan>,
) -> Created<PlanView> {
    created(plans::make(&ctx, &who, new.into_inner()).await?)
}

/// Live plans, or those that cover a dataset, cheapest first; or the caller's own.
#[utoipa::path(tag = "subscriptions", security(()), params(PlanQuery), responses((status = 200, body = Page<PlanView>)))]
#[get("/plans")]
pub async fn list_plans(
    ctx: Data<Ctx>,
    MaybeSigned(who): MaybeSigned,
    query: Query<PlanQuery>,
) -> Answer<Page<PlanView>> {
    ok(plans::list(&ctx, who.as_ref(), query.into_inner()).await?)
}

/// One plan.
#[utoipa::path(tag = "subscriptions", security(()), responses((status = 200, body = PlanView)))]
#[get("/plans/{id}")]
pub async fn show_plan(
    ctx: Data<Ctx>,
    MaybeSigned(who): MaybeSigned,
    id: Path<Uuid>,
) -> Answer<PlanView> {
    ok(plans::show(&ctx, who.as_ref(), *id).await?)
}

/// Takes a plan off the market; running terms go on to their end and are not renewed.
#[utoipa::path(tag = "subscriptions", responses((status = 204)))]
#[delete("/plans/{id}")]
pub async fn retire_plan(ctx: Data<Ctx>, Signed(who): Signed, id: Path<Uuid>) -> Done {
    plans::retire(&ctx, &who, *id).await?;
    done()
}

/// Subscribes: the first term is charged from the prepaid wallet.
#[utoipa::path(
    tag = "subscriptions",
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = SubscriptionView)),
)]
#[post("/subscriptions")]
pub async fn start_subscription(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    MoneyKey(key): MoneyKey,
    new: Json<NewSubscription>,
) -> Created<SubscriptionView> {
    created(subscribe::run(&ctx, &who, &key, new.into_inner()).await?)
}

/// The caller's subscriptions, or those to the caller's plans, newest first.
#[utoipa::path(tag = "subscriptions", params(SubscriptionQuery), responses((status = 200, body = Page<SubscriptionView>)))]
#[get("/subscriptions")]
pub async fn list_subscriptions(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    query: Query<SubscriptionQuery>,
) -> Answer<Page<SubscriptionView>> {
    let SubscriptionQuery {
        sold,
        cursor,
        limit,
    } = query.into_inner();
    let which = if sold { Which::Sold } else { Which::Mine };
    ok(subscribe::list(&ctx, &who, which, PageQuery { cursor, limit }).await?)
}

/// One subscription with its charges.
#[utoipa::path(tag = "subscriptions", responses((status = 200, body = SubscriptionView)))]
#[get("/subscriptions/{id}")]
pub async fn show_subscription(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    id: Path<Uuid>,
) -> Answer<SubscriptionView> {
    ok(subscribe::show(&ctx, &who, *id).await?)
}

/// Cancels: it ends with the paid term.
#[utoipa::path(tag = "subscriptions", responses((status = 200, body = SubscriptionView)))]
#[post("/subscriptions/{id}/cancel")]
pub async fn cancel_subscription(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    id: Path<Uuid>,
) -> Answer<SubscriptionView> {
    ok(subscribe::cancel(&ctx, &who, *id, true).await?)
}

/// Takes a cancellation back before the end.
#[utoipa::path(tag = "subscriptions", responses((status = 200, body = SubscriptionView)))]
#[post("/subscriptions/{id}/resume")]
pub async fn resume_subscription(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    id: Path<Uuid>,
) -> Answer<SubscriptionView> {
    ok(subscribe::cancel(&ctx, &who, *id, false).await?)
}

/// Asks the provider to give unused days back. It cancels; resuming takes it back.
#[utoipa::path(tag = "subscriptions", responses((status = 200, body = SubscriptionView)))]
#[post("/subscriptions/{id}/refund-request")]
pub async fn ask_subscription_refund(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    id: Path<Uuid>,
    new: Json<TermRefundRequest>,
) -> Answer<SubscriptionView> {
    ok(subscribe::ask_back(&ctx, &who, *id, new.into_inner()).await?)
}

/// Gives the unused days of the running term back and ends the subscription.
#[utoipa::path(
    tag = "subscriptions",
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = SubscriptionView)),
)]
#[post("/subscriptions/{id}/refunds")]
pub async fn refund_subscription(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    MoneyKey(key): MoneyKey,
    id: Path<Uuid>,
    new: Json<NewTermRefund>,
) -> Created<SubscriptionView> {
    created(subscribe::give_back(&ctx, &who, &key, *id, new.into_inner()).await?)
}

/// Everybody's subscriptions, newest first. Operators only.
#[utoipa::path(tag = "operator", params(PageQuery), responses((status = 200, body = Page<SubscriptionView>)))]
#[get("/admin/subscriptions")]
pub async fn list_all_subscriptions(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    page: Query<PageQuery>,
) -> Answer<Page<SubscriptionView>> {
    ok(subscribe::list(&ctx, &who, Which::All, page.into_inner()).await?)
}

/// Does now what the job does from time to time: earns ended days, renews, ends. Operators only.
#[utoipa::path(tag = "operator", responses((status = 200, body = SubscriptionRun)))]
#[post("/admin/subscriptions/run")]
pub async fn run_subscriptions(ctx: Data<Ctx>, Signed(who): Signed) -> Answer<SubscriptionRun> {
    ok(tend_subscriptions::run(&ctx, &who).await?)
}
