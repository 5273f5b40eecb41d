//! `/admin`: the operator's affairs.

use actix_web::web::{Data, Json, Path, Query};
use actix_web::{HttpResponse, delete, get, post};
use schema::wire::{
    EntityView, LedgerFinding, NewEntity, NewPoints, NewSettlement, NewTopUp, Page, PointsView,
    ResetLink, SettlementView, TopUpView, TrialBalance,
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::answer::{Answer, Created, Done, MoneyKey, created, done, ok};
use crate::auth::Signed;
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::flows::{
    entities, ledger_export, ledger_verify, points, reset_password, settle, top_up, trial_balance,
};

/// Notations of the journal.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Notation {
    /// Plain-text accounting, for `hledger`.
    Hledger,
}

/// Query of the export.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Export {
    /// Notation wanted.
    format: Notation,
}

/// Confirms money that arrived for a party's wallet.
#[utoipa::path(
    tag = "operator",
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = TopUpView)),
)]
#[post("/admin/top-ups")]
pub async fn confirm_top_up(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    MoneyKey(key): MoneyKey,
    new: Json<NewTopUp>,
) -> Created<TopUpView> {
    created(top_up::run(&ctx, &who, &key, new.into_inner()).await?)
}

/// Gives a party points, or writes off what it used up or let lapse. Points are never money.
#[utoipa::path(
    tag = "operator",
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = PointsView)),
)]
#[post("/admin/points")]
pub async fn move_points(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    MoneyKey(key): MoneyKey,
    new: Json<NewPoints>,
) -> Created<PointsView> {
    created(points::run(&ctx, &who, &key, new.into_inner()).await?)
}

/// Moves what pools hold to their contributors and issues statements.
#[utoipa::path(
    tag = "operator",
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = SettlementView)),
)]
#[post("/admin/settlements")]
pub async fn run_settlement(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    MoneyKey(key): MoneyKey,
    new: Json<NewSettlement>,
) -> Created<SettlementView> {
    created(settle::run(&ctx, &who, &key, new.into_inner()).await?)
}

/// Balances of every account; each book sums to 0.
#[utoipa::path(tag = "operator", responses((status = 200, body = TrialBalance)))]
#[get("/admin/trial-balance")]
pub async fn show_trial_balance(ctx: Data<Ctx>, Signed(who): Signed) -> Answer<TrialBalance> {
    ok(trial_balance::run(&ctx, &who).await?)
}

/// The whole journal in a plain-text notation.
#[utoipa::path(
    tag = "operator",
    params(Export),
    responses((status = 200, body = String, content_type = "text/plain; charset=utf-8")),
)]
#[get("/admin/ledger/export")]
pub async fn export_ledger(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    query: Query<Export>,
) -> Result<HttpResponse, Fault> {
    let Notation::Hledger = query.format;
    let journal = ledger_export::hledger(&ctx, &who).await?;
    Ok(HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body(journal))
}

/// Query of the check.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Verify {
    /// A checkpoint that was kept outside, the whole signed note.
    since: Option<String>,
}

/// Checks every invariant of the journal; an empty list means that all hold.
#[utoipa::path(
    tag = "operator",
    params(Verify),
    responses((status = 200, body = Page<LedgerFinding>)),
)]
#[get("/admin/ledger/verify")]
pub async fn verify_ledger(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    query: Query<Verify>,
) -> Answer<Page<LedgerFinding>> {
    let Verify { since } = query.into_inner();
    ok(Page {
        items: ledger_verify::ask(&ctx, &who, since).await?,
        next: None,
    })
}

/// Makes a link with which a party (id, handle or e-mail address) sets a new password, once.
#[utoipa::path(tag = "operator", responses((status = 201, body = ResetLink)))]
#[post("/admin/parties/{id}/password-resets")]
pub async fn issue_password_reset(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    party: Path<String>,
) -> Created<ResetLink> {
    let name = party.into_inner();
    created(reset_password::issue_by_name(&ctx, &who, name).await?)
}

/// Declares parties to be one entity: for what is sold from now on they are weighed as one.
#[utoipa::path(tag = "operator", responses((status = 201, body = EntityView)))]
#[post("/admin/entities")]
pub async fn link_parties(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    new: Json<NewEntity>,
) -> Created<EntityView> {
    created(entities::link(&ctx, &who, new.into_inner()).await?)
}

/// Parties that count as one, by entity.
#[utoipa::path(tag = "operator", responses((status = 200, body = Page<EntityView>)))]
#[get("/admin/entities")]
pub async fn list_entities(ctx: Data<Ctx>, Signed(who): Signed) -> Answer<Page<EntityView>> {
    ok(Page {
        items: entities::list(&ctx, &who).await?,
        next: None,
    })
}

/// Query of an end.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Because {
    /// Why; kept.
    reason: Option<String>,
}

/// Takes a party (id, handle or e-mail address) out of its entity.
#[utoipa::path(tag = "operator", params(Because), responses((status = 204)))]
#[delete("/admin/parties/{id}/entity")]
pub async fn unlink_party(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    party: Path<String>,
    because: Query<Because>,
) -> Done {
    let Because { reason } = because.into_inner();
    entities::unlink(&ctx, &who, party.into_inner(), reason).await?;
    done()
}
