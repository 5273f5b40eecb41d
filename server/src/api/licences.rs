//! `/licences`: signed rights and delivery under them.

use actix_web::web::{Data, Json, Path, Query};
use actix_web::{get, post};
use schema::wire::{DownloadRequest, DownloadUrl, LicenceView, Page, PageQuery, Revocation};
use uuid::Uuid;

use super::answer::{Answer, Created, created, ok};
use crate::auth::Signed;
use crate::ctx::Ctx;
use crate::flows::{deliver, licences, revoke};

/// The caller's licences, newest first.
#[utoipa::path(tag = "licences", params(PageQuery), responses((status = 200, body = Page<LicenceView>)))]
#[get("/licences")]
pub async fn list_licences(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    page: Query<PageQuery>,
) -> Answer<Page<LicenceView>> {
    ok(licences::list(&ctx, &who, page.into_inner()).await?)
}

/// A licence with its signed document.
#[utoipa::path(tag = "licences", responses((status = 200, body = LicenceView)))]
#[get("/licences/{id}")]
pub async fn show_licence(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    id: Path<Uuid>,
) -> Answer<LicenceView> {
    ok(licences::show(&ctx, &who, *id).await?)
}

/// Ends a licence early; the holder sees why.
#[utoipa::path(tag = "licences", responses((status = 200, body = LicenceView)))]
#[post("/licences/{id}/revoke")]
pub async fn revoke_licence(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    id: Path<Uuid>,
    why: Json<Revocation>,
) -> Answer<LicenceView> {
    ok(revoke::run(&ctx, &who, *id, why.into_inner()).await?)
}

/// A short-lived URL of the file, sealed for one of the holder's keys.
#[utoipa::path(tag = "licences", responses((status = 201, body = DownloadUrl)))]
#[post("/licences/{id}/download-urls")]
pub async fn make_download_url(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    id: Path<Uuid>,
    ask: Json<DownloadRequest>,
) -> Created<DownloadUrl> {
    created(deliver::url(&ctx, &who, *id, ask.into_inner()).await?)
}
