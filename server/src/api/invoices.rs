//! `/billing`, `/invoices` and the operator's `/admin/invoices`, `/admin/tax-rates`,
//! `/admin/tax-report`.

use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::{Data, Json, Path, Query};
use actix_web::{HttpResponse, get, post, put};
use schema::wire::{
    BillingView, InvoiceView, NewBilling, NewTaxRate, Page, PageQuery, TaxQuery, TaxRateView,
    TaxReport,
};
use uuid::Uuid;

use super::answer::{Answer, Created, created, ok};
use crate::auth::Signed;
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::flows::{billing, invoices, tax_report, taxes};

/// Whom your invoices are made out to.
#[utoipa::path(tag = "money", responses((status = 200, body = BillingView)))]
#[get("/billing")]
pub async fn show_billing(ctx: Data<Ctx>, Signed(who): Signed) -> Answer<BillingView> {
    ok(billing::show(&ctx, &who).await?)
}

/// Sets it, for invoices from now on; it also decides which tax you pay.
#[utoipa::path(tag = "money", responses((status = 200, body = BillingView)))]
#[put("/billing")]
pub async fn set_billing(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    new: Json<NewBilling>,
) -> Answer<BillingView> {
    ok(billing::set(&ctx, &who, new.into_inner()).await?)
}

/// Your invoices and credit notes, newest first.
#[utoipa::path(tag = "money", params(PageQuery), responses((status = 200, body = Page<InvoiceView>)))]
#[get("/invoices")]
pub async fn list_invoices(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    page: Query<PageQuery>,
) -> Answer<Page<InvoiceView>> {
    ok(invoices::list(&ctx, &who, page.into_inner()).await?)
}

/// The invoice on paper.
#[utoipa::path(
    tag = "money",
    responses((status = 200, body = Vec<u8>, content_type = "application/pdf")),
)]
#[get("/invoices/{id}.pdf")]
pub async fn show_invoice_pdf(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    id: Path<Uuid>,
) -> Result<HttpResponse, Fault> {
    let (name, bytes) = invoices::pdf(&ctx, &who, *id).await?;
    Ok(HttpResponse::Ok()
        .content_type("application/pdf")
        .insert_header((
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ))
        .body(bytes))
}

/// The invoice as JSON, under the name of a file.
#[utoipa::path(tag = "money", responses((status = 200, body = InvoiceView)))]
#[get("/invoices/{id}.json")]
pub async fn show_invoice_document(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    id: Path<Uuid>,
) -> Answer<InvoiceView> {
    ok(invoices::show(&ctx, &who, *id).await?)
}

/// An invoice or a credit note.
#[utoipa::path(tag = "money", responses((status = 200, body = InvoiceView)))]
#[get("/invoices/{id}")]
pub async fn show_invoice(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    id: Path<Uuid>,
) -> Answer<InvoiceView> {
    ok(invoices::show(&ctx, &who, *id).await?)
}

/// Everybody's invoices and credit notes, newest first.
#[utoipa::path(tag = "operator", params(PageQuery), responses((status = 200, body = Page<InvoiceView>)))]
#[get("/admin/invoices")]
pub async fn list_all_invoices(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    page: Query<PageQuery>,
) -> Answer<Page<InvoiceView>> {
    ok(invoices::all(&ctx, &who, page.into_inner()).await?)
}

/// Rates of sales tax: by jurisdiction, the one that comes last first.
#[utoipa::path(tag = "operator", responses((status = 200, body = Page<TaxRateView>)))]
#[get("/admin/tax-rates")]
pub async fn list_tax_rates(ctx: Data<Ctx>, Signed(who): Signed) -> Answer<Page<TaxRateView>> {
    ok(taxes::list(&ctx, &who).await?)
}

/// Sets the rate of a jurisdiction from now, or from a later moment on.
#[utoipa::path(tag = "operator", responses((status = 201, body = TaxRateView)))]
#[post("/admin/tax-rates")]
pub async fn set_tax_rate(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    new: Json<NewTaxRate>,
) -> Created<TaxRateView> {
    created(taxes::add(&ctx, &who, new.into_inner()).await?)
}

/// Sales tax of a period.
#[utoipa::path(tag = "operator", params(TaxQuery), responses((status = 200, body = TaxReport)))]
#[get("/admin/tax-report")]
pub async fn show_tax_report(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    query: Query<TaxQuery>,
) -> Answer<TaxReport> {
    ok(tax_report::run(&ctx, &who, query.period.as_deref()).await?)
}

/// The same as CSV, amounts in minor units.
#[utoipa::path(
    tag = "operator",
    params(TaxQuery),
    responses((status = 200, body = String, content_type = "text/csv")),
)]
#[get("/admin/tax-report.csv")]
pub async fn show_tax_csv(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    query: Query<TaxQuery>,
) -> Result<HttpResponse, Fault> {
    let report = tax_report::run(&ctx, &who, query.period.as_deref()).await?;
    let name = format!("attachment; filename=\"tax-{}.csv\"", report.period);
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8; header=present")
        .insert_header((CONTENT_DISPOSITION, name))
        .body(tax_report::csv(&report)))
}
