//! `/wallet` and `/statements`: what came in, what went out, what was earned.

use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpResponse, get};
use schema::wire::{Page, PageQuery, StatementView, WalletView};
use uuid::Uuid;

use super::answer::{Answer, ok};
use crate::auth::{Actor, Signed};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::flows::statement_files::{self, Form};
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

async fn file(ctx: &Ctx, who: &Actor, id: Uuid, form: Form) -> Result<HttpResponse, Fault> {
    let file = statement_files::show(ctx, who, id, form).await?;
    let name = format!("attachment; filename=\"{}\"", file.name);
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, form.media_type()))
        .insert_header((CONTENT_DISPOSITION, name))
        .body(file.bytes))
}

/// The statement's lines as CSV, amounts in minor units.
#[utoipa::path(tag = "money", responses((status = 200, body = String, content_type = "text/csv")))]
#[get("/statements/{id}.csv")]
pub async fn show_statement_csv(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    id: Path<Uuid>,
) -> Result<HttpResponse, Fault> {
    file(&ctx, &who, *id, Form::Csv).await
}

/// The statement's lines as Parquet, amounts as 64-bit minor units.
#[utoipa::path(
    tag = "money",
    responses((status = 200, body = Vec<u8>, content_type = "application/vnd.apache.parquet")),
)]
#[get("/statements/{id}.parquet")]
pub async fn show_statement_parquet(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    id: Path<Uuid>,
) -> Result<HttpResponse, Fault> {
    file(&ctx, &who, *id, Form::Parquet).await
}

/// The statement as a journal for hledger and ledger.
#[utoipa::path(tag = "money", responses((status = 200, body = String, content_type = "text/plain")))]
#[get("/statements/{id}.hledger")]
pub async fn show_statement_hledger(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    id: Path<Uuid>,
) -> Result<HttpResponse, Fault> {
    file(&ctx, &who, *id, Form::Hledger).await
}

/// The statement as a file for beancount.
#[utoipa::path(tag = "money", responses((status = 200, body = String, content_type = "text/plain")))]
#[get("/statements/{id}.beancount")]
pub async fn show_statement_beancount(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    id: Path<Uuid>,
) -> Result<HttpResponse, Fault> {
    file(&ctx, &who, *id, Form::Beancount).await
}

/// The statement on paper.
#[utoipa::path(tag = "money", responses((status = 200, body = Vec<u8>, content_type = "application/pdf")))]
#[get("/statements/{id}.pdf")]
pub async fn show_statement_pdf(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    id: Path<Uuid>,
) -> Result<HttpResponse, Fault> {
    file(&ctx, &who, *id, Form::Pdf).await
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
