//! `/accounts`, `/me`, `/password-resets`.

use actix_web::web::{Data, Json};
use actix_web::{get, post};
use schema::wire::{NewAccount, PartyView, PasswordReset};

use super::answer::{Answer, Created, Done, created, done, ok};
use crate::auth::Signed;
use crate::ctx::Ctx;
use crate::flows::{me, reset_password, sign_up};

/// Opens an account.
#[utoipa::path(tag = "accounts", security(()), responses((status = 201, body = PartyView)))]
#[post("/accounts")]
pub async fn open_account(ctx: Data<Ctx>, new: Json<NewAccount>) -> Created<PartyView> {
    created(sign_up::run(&ctx, new.into_inner()).await?)
}

/// The signed-in party.
#[utoipa::path(tag = "accounts", responses((status = 200, body = PartyView)))]
#[get("/me")]
pub async fn show_me(Signed(who): Signed) -> Answer<PartyView> {
    ok(me::show(&who))
}

/// Sets a new password with the token of a one-time link, and ends every session and token.
#[utoipa::path(tag = "accounts", security(()), responses((status = 204)))]
#[post("/password-resets")]
pub async fn reset_my_password(ctx: Data<Ctx>, reset: Json<PasswordReset>) -> Done {
    let PasswordReset { token, password } = reset.into_inner();
    reset_password::use_link(&ctx, &token, password).await?;
    done()
}
