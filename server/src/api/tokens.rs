//! `/tokens`: bearer tokens of programs.

use actix_web::web::{Data, Json, Path, Query};
use actix_web::{delete, get, post};
use schema::wire::{NewToken, Page, PageQuery, TokenMade, TokenView};
use uuid::Uuid;

use super::answer::{Answer, Created, Done, created, done, ok};
use crate::auth::Signed;
use crate::ctx::Ctx;
use crate::flows::tokens;

/// Makes a bearer token; its secret is shown this once.
#[utoipa::path(tag = "accounts", responses((status = 201, body = TokenMade)))]
#[post("/tokens")]
pub async fn make_token(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    new: Json<NewToken>,
) -> Created<TokenMade> {
    created(tokens::create(&ctx, &who, new.into_inner()).await?)
}

/// The caller's tokens, newest first.
#[utoipa::path(tag = "accounts", params(PageQuery), responses((status = 200, body = Page<TokenView>)))]
#[get("/tokens")]
pub async fn list_tokens(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    page: Query<PageQuery>,
) -> Answer<Page<TokenView>> {
    ok(tokens::list(&ctx, &who, page.into_inner()).await?)
}

/// Ends a token at once.
#[utoipa::path(tag = "accounts", responses((status = 204)))]
#[delete("/tokens/{id}")]
pub async fn revoke_token(ctx: Data<Ctx>, Signed(who): Signed, id: Path<Uuid>) -> Done {
    tokens::revoke(&ctx, &who, *id).await?;
    done()
}
