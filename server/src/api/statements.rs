//! `/wallet` and `/statements`: what came in, what went out, what was earned.

use actix_web::web::{Data, Path, Query};
use actix_web::{HttpResponse, get};
use schema::wire::{Page, PageQuery, StatementView, WalletView};
use uuid::Uuid;

use super::answer::{Answer, ok};
use crate::auth::Signed;
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::flows::{statements, wallet};

/// Prepaid balances, earnings and the latest movements.
#[utoipa::path(tag = "money", responses((status = 200, body = WalletView)))]
#[get("/wallet")]
pub async fn show_wallet(ctx: Data<Ctx>, Signed(who): Signed) -> Answer<WalletView> {
    ok(wallet::show(&ctx, &who).await?)
}

/// The caller's statements, newest first.
#[utoipa::path(tag = "money", params(PageQuery), responses((status = 200, body = Page<StatementView>)))]
#[get("/statements")]
pub async fn list_statements(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    page: Query<PageQuery>,
) -> Answer<Page<StatementView>> {
    ok(statements::list(&ctx, &who, page.into_inner()).await?)
}

/// The signed statement itself, byte for byte; `granary statement verify` checks it offline.
#[utoipa::path(tag = "money", responses((status = 200, body = serde_json::Value)))]
#[get("/statements/{id}.json")]
pub async fn show_statement_document(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    id: Path<Uuid>,
) -> Result<HttpResponse, Fault> {
    let document = statements::document(&ctx, &who, *id).await?;
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .body(document))
}

/// A statement in short.
#[utoipa::path(tag = "money", responses((status = 200, body = StatementView)))]
#[get("/statements/{id}")]
pub async fn show_statement(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    id: Path<Uuid>,
) -> Answer<StatementView> {
    ok(statements::show(&ctx, &who, *id).await?)
}
