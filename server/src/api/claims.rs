//! `/claims`: who says that rows of others are theirs, and what became of it.

use actix_web::web::{Data, Json, Path, Query};
use actix_web::{delete, get, post};
use schema::wire::{ClaimView, NewClaim, NewDecision, Page, PageQuery};
use uuid::Uuid;

use super::answer::{Answer, Created, Done, MoneyKey, created, done, ok};
use crate::auth::Signed;
use crate::ctx::Ctx;
use crate::flows::claims;

/// Says that rows of contributions to a dataset are the caller's. Nothing is held before an
/// operator opens it.
#[utoipa::path(tag = "claims", responses((status = 201, body = ClaimView)))]
#[post("/claims")]
pub async fn file_claim(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    new: Json<NewClaim>,
) -> Created<ClaimView> {
    created(claims::file(&ctx, &who, new.into_inner()).await?)
}

/// The caller's claims, and those opened on contributions of theirs; all for operators. Newest
/// first.
#[utoipa::path(tag = "claims", params(PageQuery), responses((status = 200, body = Page<ClaimView>)))]
#[get("/claims")]
pub async fn list_claims(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    page: Query<PageQuery>,
) -> Answer<Page<ClaimView>> {
    ok(claims::list(&ctx, &who, page.into_inner()).await?)
}

/// A claim, as far as it concerns the caller.
#[utoipa::path(tag = "claims", responses((status = 200, body = ClaimView)))]
#[get("/claims/{id}")]
pub async fn show_claim(ctx: Data<Ctx>, Signed(who): Signed, id: Path<Uuid>) -> Answer<ClaimView> {
    ok(claims::show(&ctx, &who, *id).await?)
}

/// Takes back a claim that no operator has opened.
#[utoipa::path(tag = "claims", responses((status = 204)))]
#[delete("/claims/{id}")]
pub async fn take_claim_back(ctx: Data<Ctx>, Signed(who): Signed, id: Path<Uuid>) -> Done {
    claims::take_back(&ctx, &who, *id).await?;
    done()
}

/// Opens a claim: from now on what the rows earn is held. Opening twice is opening once.
#[utoipa::path(tag = "operator", responses((status = 201, body = ClaimView)))]
#[post("/admin/claims/{id}/opening")]
pub async fn open_claim(ctx: Data<Ctx>, Signed(who): Signed, id: Path<Uuid>) -> Created<ClaimView> {
    created(claims::open(&ctx, &who, *id).await?)
}

/// Decides an open claim: what is held goes to whom it is decided for.
#[utoipa::path(
    tag = "operator",
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = ClaimView)),
)]
#[post("/admin/claims/{id}/decision")]
pub async fn decide_claim(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    MoneyKey(key): MoneyKey,
    id: Path<Uuid>,
    decision: Json<NewDecision>,
) -> Created<ClaimView> {
    created(claims::decide(&ctx, &who, &key, *id, decision.into_inner()).await?)
}
