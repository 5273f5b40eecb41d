//! `/revisions`: published states of datasets.

use actix_web::web::{Data, Json, Path, Query};
use actix_web::{get, post};
use schema::wire::{NewRevision, Page, PageQuery, RevisionView, SharesView, SignedReport};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::answer::{Answer, Created, accepted, ok};
use crate::auth::{MaybeSigned, Signed};
use crate::ctx::Ctx;
use crate::flows::{publish, revisions};

/// Starts a revision of all accepted contributions; it is published when composed.
#[utoipa::path(tag = "revisions", responses((status = 202, body = RevisionView)))]
#[post("/datasets/{id}/revisions")]
pub async fn publish_revision(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    id: Path<Uuid>,
    new: Json<NewRevision>,
) -> Created<RevisionView> {
    accepted(publish::run(&ctx, &who, *id, new.into_inner()).await?)
}

/// Revisions of a dataset, newest first.
#[utoipa::path(tag = "revisions", security(()), params(PageQuery), responses((status = 200, body = Page<RevisionView>)))]
#[get("/datasets/{id}/revisions")]
pub async fn list_revisions(
    ctx: Data<Ctx>,
    MaybeSigned(who): MaybeSigned,
    id: Path<Uuid>,
    page: Query<PageQuery>,
) -> Answer<Page<RevisionView>> {
    ok(revisions::list(&ctx, who.as_ref(), *id, page.into_inner()).await?)
}

/// A revision.
#[utoipa::path(tag = "revisions", security(()), responses((status = 200, body = RevisionView)))]
#[get("/revisions/{id}")]
pub async fn show_revision(
    ctx: Data<Ctx>,
    MaybeSigned(who): MaybeSigned,
    id: Path<Uuid>,
) -> Answer<RevisionView> {
    ok(revisions::show(&ctx, who.as_ref(), *id).await?)
}

/// Its quality report, signed by the node.
#[utoipa::path(tag = "revisions", security(()), responses((status = 200, body = SignedReport)))]
#[get("/revisions/{id}/report")]
pub async fn show_revision_report(
    ctx: Data<Ctx>,
    MaybeSigned(who): MaybeSigned,
    id: Path<Uuid>,
) -> Answer<SignedReport> {
    ok(revisions::signed_report(&ctx, who.as_ref(), *id).await?)
}

/// Query of the shares.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct OfEpoch {
    /// Number of the epoch; the last one when absent.
    epoch: Option<i32>,
}

/// Who is paid for it, and why.
#[utoipa::path(tag = "revisions", security(()), params(OfEpoch), responses((status = 200, body = SharesView)))]
#[get("/revisions/{id}/shares")]
pub async fn show_shares(
    ctx: Data<Ctx>,
    MaybeSigned(who): MaybeSigned,
    id: Path<Uuid>,
    of: Query<OfEpoch>,
) -> Answer<SharesView> {
    ok(revisions::shares(&ctx, who.as_ref(), *id, of.epoch).await?)
}
