//! `/admin/disputes`, `/admin/adjustments` and `/admin/periods`: what operators tell the books.

use actix_web::web::{Data, Json, Path, Query};
use actix_web::{get, post};
use schema::wire::{
    AdjustmentView, DisputeVerdict, DisputeView, NewAdjustment, NewDispute, Page, PageQuery,
    PeriodView,
};
use uuid::Uuid;

use super::answer::{Answer, Created, MoneyKey, created, ok};
use crate::auth::Signed;
use crate::ctx::Ctx;
use crate::flows::{adjust, dispute, period};

/// Puts a payment on hold that the payer's bank took back.
#[utoipa::path(
    tag = "operator",
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = DisputeView)),
)]
#[post("/admin/disputes")]
pub async fn open_dispute(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    MoneyKey(key): MoneyKey,
    new: Json<NewDispute>,
) -> Created<DisputeView> {
    created(dispute::open(&ctx, &who, &key, new.into_inner()).await?)
}

/// Every dispute, newest first.
#[utoipa::path(tag = "operator", params(PageQuery), responses((status = 200, body = Page<DisputeView>)))]
#[get("/admin/disputes")]
pub async fn list_disputes(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    page: Query<PageQuery>,
) -> Answer<Page<DisputeView>> {
    ok(dispute::list(&ctx, &who, page.into_inner()).await?)
}

/// Decides who keeps a disputed payment; a won one gives back exactly what it took.
#[utoipa::path(
    tag = "operator",
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = DisputeView)),
)]
#[post("/admin/disputes/{id}/verdict")]
pub async fn decide_dispute(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    MoneyKey(key): MoneyKey,
    id: Path<Uuid>,
    verdict: Json<DisputeVerdict>,
) -> Created<DisputeView> {
    created(dispute::decide(&ctx, &who, &key, *id, verdict.into_inner()).await?)
}

/// Proposes a correction; another operator must approve it before it is booked.
#[utoipa::path(tag = "operator", responses((status = 201, body = AdjustmentView)))]
#[post("/admin/adjustments")]
pub async fn propose_adjustment(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    new: Json<NewAdjustment>,
) -> Created<AdjustmentView> {
    created(adjust::propose(&ctx, &who, new.into_inner()).await?)
}

/// Every correction, proposed or booked, newest first.
#[utoipa::path(tag = "operator", params(PageQuery), responses((status = 200, body = Page<AdjustmentView>)))]
#[get("/admin/adjustments")]
pub async fn list_adjustments(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    page: Query<PageQuery>,
) -> Answer<Page<AdjustmentView>> {
    ok(adjust::list(&ctx, &who, page.into_inner()).await?)
}

/// Approves what another operator proposed, and books it.
#[utoipa::path(
    tag = "operator",
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = AdjustmentView)),
)]
#[post("/admin/adjustments/{id}/approval")]
pub async fn approve_adjustment(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    MoneyKey(key): MoneyKey,
    id: Path<Uuid>,
) -> Created<AdjustmentView> {
    created(adjust::approve(&ctx, &who, &key, *id).await?)
}

/// Closes a period, such as `2026-11`, and all before it: no entry is booked there any more.
#[utoipa::path(
    tag = "operator",
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = PeriodView)),
)]
#[post("/admin/periods/{name}/close")]
pub async fn close_period(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    MoneyKey(key): MoneyKey,
    name: Path<String>,
) -> Created<PeriodView> {
    created(period::close(&ctx, &who, &key, &name).await?)
}

/// Every period that was booked in or closed, newest first.
#[utoipa::path(tag = "operator", responses((status = 200, body = Page<PeriodView>)))]
#[get("/admin/periods")]
pub async fn list_periods(ctx: Data<Ctx>, Signed(who): Signed) -> Answer<Page<PeriodView>> {
    ok(period::list(&ctx, &who).await?)
}
