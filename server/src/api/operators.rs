//! `/admin/operators`: who runs the node.

use actix_web::web::{Data, Json, Path};
use actix_web::{get, post};
use schema::wire::{Dismissal, NewOperator, OperatorView, Page};

use super::answer::{Answer, Created, created, ok};
use crate::auth::Signed;
use crate::ctx::Ctx;
use crate::flows::operators;

/// Every change of who runs the node, newest first.
#[utoipa::path(tag = "operator", responses((status = 200, body = Page<OperatorView>)))]
#[get("/admin/operators")]
pub async fn list_operators(ctx: Data<Ctx>, Signed(who): Signed) -> Answer<Page<OperatorView>> {
    ok(operators::list(&ctx, &who).await?)
}

/// Makes a party an operator.
#[utoipa::path(tag = "operator", responses((status = 201, body = OperatorView)))]
#[post("/admin/operators")]
pub async fn appoint_operator(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    new: Json<NewOperator>,
) -> Created<OperatorView> {
    created(operators::appoint(&ctx, &who, new.into_inner()).await?)
}

/// Ends it for an operator (id, handle or e-mail address); the last one stays.
#[utoipa::path(tag = "operator", responses((status = 201, body = OperatorView)))]
#[post("/admin/operators/{id}/dismissal")]
pub async fn dismiss_operator(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    party: Path<String>,
    why: Json<Dismissal>,
) -> Created<OperatorView> {
    let (party, why) = (party.into_inner(), why.into_inner());
    created(operators::dismiss(&ctx, &who, party, why.reason).await?)
}
