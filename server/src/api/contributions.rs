//! `/contributions`: sealed uploads and what became of them.

use actix_web::http::header::CONTENT_LENGTH;
use actix_web::web::{Data, Json, Path, Payload, Query};
use actix_web::{HttpRequest, delete, get, post, put};
use schema::wire::{ContributionView, NewClearance, NewContribution, Page, PageQuery};
use serde_json::Value;
use uuid::Uuid;

use super::answer::{Answer, Created, created, ok};
use crate::auth::Signed;
use crate::ctx::Ctx;
use crate::flows::{clear_overlap, contribute, contributions, receive, withdraw};

/// Announces an upload; `already_here` in the answer says that nothing needs to be sent.
#[utoipa::path(tag = "contributions", responses((status = 201, body = ContributionView)))]
#[post("/datasets/{id}/contributions")]
pub async fn announce_contribution(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    id: Path<Uuid>,
    new: Json<NewContribution>,
) -> Created<ContributionView> {
    created(contribute::run(&ctx, &who, *id, new.into_inner()).await?)
}

/// Every contribution to a dataset, for its owner; newest first.
#[utoipa::path(tag = "contributions", params(PageQuery), responses((status = 200, body = Page<ContributionView>)))]
#[get("/datasets/{id}/contributions")]
pub async fn list_dataset_contributions(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    id: Path<Uuid>,
    page: Query<PageQuery>,
) -> Answer<Page<ContributionView>> {
    ok(contributions::list(&ctx, &who, *id, page.into_inner()).await?)
}

/// The caller's contributions, newest first.
#[utoipa::path(tag = "contributions", params(PageQuery), responses((status = 200, body = Page<ContributionView>)))]
#[get("/contributions")]
pub async fn list_my_contributions(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    page: Query<PageQuery>,
) -> Answer<Page<ContributionView>> {
    ok(contributions::mine(&ctx, &who, page.into_inner()).await?)
}

/// Takes the sealed bytes in one go; the answer means that they are safe.
#[utoipa::path(
    tag = "contributions",
    request_body(content_type = "application/octet-stream"),
    responses((status = 200, body = ContributionView)),
)]
#[put("/contributions/{id}/content")]
pub async fn send_content(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    id: Path<Uuid>,
    request: HttpRequest,
    payload: Payload,
) -> Answer<ContributionView> {
    let length = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    ok(receive::run(&ctx, &who, *id, payload, length).await?)
}

/// A contribution.
#[utoipa::path(tag = "contributions", responses((status = 200, body = ContributionView)))]
#[get("/contributions/{id}")]
pub async fn show_contribution(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    id: Path<Uuid>,
) -> Answer<ContributionView> {
    ok(contributions::show(&ctx, &who, *id).await?)
}

/// Its quality report.
#[utoipa::path(tag = "contributions", responses((status = 200, body = Value)))]
#[get("/contributions/{id}/report")]
pub async fn show_contribution_report(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    id: Path<Uuid>,
) -> Answer<Value> {
    ok(contributions::report(&ctx, &who, *id).await?)
}

/// Takes it back: it is in no later revision.
#[utoipa::path(tag = "contributions", responses((status = 200, body = ContributionView)))]
#[delete("/contributions/{id}")]
pub async fn withdraw_contribution(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    id: Path<Uuid>,
) -> Answer<ContributionView> {
    ok(withdraw::run(&ctx, &who, *id).await?)
}

/// An operator lets its rows stand in this dataset and in another owner's.
#[utoipa::path(tag = "operator", responses((status = 200, body = ContributionView)))]
#[post("/contributions/{id}/clearance")]
pub async fn clear_contribution(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    id: Path<Uuid>,
    new: Json<NewClearance>,
) -> Answer<ContributionView> {
    ok(clear_overlap::run(&ctx, &who, *id, new.into_inner()).await?)
}
