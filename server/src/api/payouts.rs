//! `/payout-method`, `/payouts` and the operator's `/admin/payouts`, `/admin/bank-files`,
//! `/admin/reconciliation`.

use actix_web::web::{Data, Json, Path, Payload, Query};
use actix_web::{HttpResponse, delete, get, post, put};
use schema::wire::{
    BankFileView, HoldView, NewHold, NewPayoutMethod, NewPayouts, Page, PageQuery, PayoutBatchView,
    PayoutMethodView, PayoutView, Reconciliation,
};
use uuid::Uuid;

use super::answer::{Answer, Created, Done, MoneyKey, created, done, ok};
use crate::auth::Signed;
use crate::ctx::Ctx;
use crate::error::{Fault, Kind};
use crate::flows::{
    bank_file, payout_approve, payout_hold, payout_method, payout_run, payouts, reconcile,
};
use crate::ports::bank::xml::MOST_BYTES;

/// The account you are paid to, by its end.
#[utoipa::path(tag = "money", responses((status = 200, body = PayoutMethodView)))]
#[get("/payout-method")]
pub async fn show_payout_method(ctx: Data<Ctx>, Signed(who): Signed) -> Answer<PayoutMethodView> {
    ok(payout_method::show(&ctx, &who).await?)
}

/// Sets it; a new one waits some days before it is paid to.
#[utoipa::path(tag = "money", responses((status = 200, body = PayoutMethodView)))]
#[put("/payout-method")]
pub async fn set_payout_method(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    new: Json<NewPayoutMethod>,
) -> Answer<PayoutMethodView> {
    ok(payout_method::set(&ctx, &who, new.into_inner()).await?)
}

/// Takes it away: nothing more is paid to it.
#[utoipa::path(tag = "money", responses((status = 204)))]
#[delete("/payout-method")]
pub async fn remove_payout_method(ctx: Data<Ctx>, Signed(who): Signed) -> Done {
    payout_method::remove(&ctx, &who).await?;
    done()
}

/// Your payouts, newest first.
#[utoipa::path(tag = "money", params(PageQuery), responses((status = 200, body = Page<PayoutView>)))]
#[get("/payouts")]
pub async fn list_my_payouts(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    query: Query<PageQuery>,
) -> Answer<Page<PayoutView>> {
    ok(payouts::mine(&ctx, &who, query.into_inner()).await?)
}

/// Proposes payouts of every balance, or shows what would happen.
#[utoipa::path(tag = "operator", responses((status = 201, body = PayoutBatchView)))]
#[post("/admin/payouts")]
pub async fn propose_payouts(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    new: Json<NewPayouts>,
) -> Created<PayoutBatchView> {
    created(payout_run::run(&ctx, &who, new.into_inner()).await?)
}

/// Runs of payouts, newest first.
#[utoipa::path(tag = "operator", params(PageQuery), responses((status = 200, body = Page<PayoutBatchView>)))]
#[get("/admin/payouts")]
pub async fn list_payouts(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    query: Query<PageQuery>,
) -> Answer<Page<PayoutBatchView>> {
    ok(payouts::list(&ctx, &who, query.into_inner()).await?)
}

/// A run of payouts.
#[utoipa::path(tag = "operator", responses((status = 200, body = PayoutBatchView)))]
#[get("/admin/payouts/{id}")]
pub async fn show_payouts(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    id: Path<Uuid>,
) -> Answer<PayoutBatchView> {
    ok(payouts::show(&ctx, &who, *id).await?)
}

/// Books a run that another operator proposed, and makes the bank's file.
#[utoipa::path(
    tag = "operator",
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = PayoutBatchView)),
)]
#[post("/admin/payouts/{id}/approval")]
pub async fn approve_payouts(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    MoneyKey(key): MoneyKey,
    id: Path<Uuid>,
) -> Created<PayoutBatchView> {
    created(payout_approve::run(&ctx, &who, &key, *id).await?)
}

/// The payment order of an approved run, pain.001.001.09.
#[utoipa::path(
    tag = "operator",
    responses((status = 200, body = String, content_type = "application/xml")),
)]
#[get("/admin/payouts/{id}/file")]
pub async fn show_payout_file(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    id: Path<Uuid>,
) -> Result<HttpResponse, Fault> {
    let file = payouts::file(&ctx, &who, *id).await?;
    let name = format!("attachment; filename=\"payouts-{}.xml\"", *id);
    Ok(HttpResponse::Ok()
        .content_type("application/xml")
        .insert_header(("content-disposition", name))
        .body(file))
}

/// Imports a file of the bank, pain.002 or camt.053; each file once.
#[utoipa::path(
    tag = "operator",
    request_body(content = String, content_type = "application/xml"),
    responses((status = 201, body = BankFileView)),
)]
#[post("/admin/bank-files")]
pub async fn import_bank_file(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    body: Payload,
) -> Created<BankFileView> {
    let file = body
        .to_bytes_limited(MOST_BYTES)
        .await
        .map_err(|_| too_large())?
        .map_err(|error| Fault::new(Kind::Malformed, "malformed", error.to_string()))?;
    created(bank_file::run(&ctx, &who, file.to_vec()).await?)
}

fn too_large() -> Fault {
    let words = format!("A file of the bank has at most {MOST_BYTES} bytes; send it day by day.");
    Fault::new(Kind::TooLarge, "too_large", words)
}

/// Files of the bank, newest first.
#[utoipa::path(tag = "operator", params(PageQuery), responses((status = 200, body = Page<BankFileView>)))]
#[get("/admin/bank-files")]
pub async fn list_bank_files(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    query: Query<PageQuery>,
) -> Answer<Page<BankFileView>> {
    ok(bank_file::list(&ctx, &who, query.into_inner()).await?)
}

/// A file of the bank, with what came of each line.
#[utoipa::path(tag = "operator", responses((status = 200, body = BankFileView)))]
#[get("/admin/bank-files/{id}")]
pub async fn show_bank_file(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    id: Path<Uuid>,
) -> Answer<BankFileView> {
    ok(bank_file::show(&ctx, &who, *id).await?)
}

/// What is under way, what the bank says, and why books and bank differ.
#[utoipa::path(tag = "operator", responses((status = 200, body = Reconciliation)))]
#[get("/admin/reconciliation")]
pub async fn show_reconciliation(ctx: Data<Ctx>, Signed(who): Signed) -> Answer<Reconciliation> {
    ok(reconcile::run(&ctx, &who).await?)
}

/// Holds the payouts of a party (id, handle or e-mail address) back.
#[utoipa::path(tag = "operator", responses((status = 201, body = HoldView)))]
#[post("/admin/parties/{id}/payout-hold")]
pub async fn hold_payouts(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    party: Path<String>,
    new: Json<NewHold>,
) -> Created<HoldView> {
    created(payout_hold::place(&ctx, &who, party.into_inner(), new.into_inner()).await?)
}

/// Lets them go again.
#[utoipa::path(tag = "operator", responses((status = 200, body = HoldView)))]
#[delete("/admin/parties/{id}/payout-hold")]
pub async fn release_payouts(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    party: Path<String>,
) -> Answer<HoldView> {
    ok(payout_hold::release(&ctx, &who, party.into_inner()).await?)
}
