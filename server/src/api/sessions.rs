//! `/sessions`: signing in and out.

use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse, delete, post};
use schema::wire::{SessionOpened, SignIn};

use super::answer::Done;
use crate::auth::{Signed, ended_cookie, session_cookie};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::flows::{sign_in as flow, sign_out as end};

/// Opens a session: the token is for programs, the cookie for browsers.
#[utoipa::path(tag = "accounts", security(()), responses((status = 201, body = SessionOpened)))]
#[post("/sessions")]
pub async fn sign_in(
    ctx: Data<Ctx>,
    request: HttpRequest,
    body: Json<SignIn>,
) -> Result<HttpResponse, Fault> {
    let peer = request.peer_addr().map(|peer| peer.ip());
    let opened = flow::run(&ctx, body.into_inner(), peer).await?;
    Ok(HttpResponse::Created()
        .cookie(session_cookie(&ctx, &opened))
        .json(opened))
}

/// Ends the session or token that the request came with.
#[utoipa::path(tag = "accounts", responses((status = 204)))]
#[delete("/sessions")]
pub async fn sign_out(ctx: Data<Ctx>, Signed(who): Signed) -> Done {
    end::run(&ctx, &who).await?;
    Ok(HttpResponse::NoContent()
        .cookie(ended_cookie(&ctx))
        .finish())
}
