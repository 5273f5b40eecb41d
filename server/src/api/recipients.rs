//! `/recipients`: age keys that deliveries are sealed for.

use actix_web::web::{Data, Json, Path, Query};
use actix_web::{delete, get, post};
use schema::wire::{NewRecipient, Page, PageQuery, RecipientView};
use uuid::Uuid;

use super::answer::{Answer, Created, Done, created, done, ok};
use crate::auth::Signed;
use crate::ctx::Ctx;
use crate::flows::recipients;

/// Registers an age key.
#[utoipa::path(tag = "accounts", responses((status = 201, body = RecipientView)))]
#[post("/recipients")]
pub async fn add_recipient(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    new: Json<NewRecipient>,
) -> Created<RecipientView> {
    created(recipients::add(&ctx, &who, new.into_inner()).await?)
}

/// The caller's keys in use, newest first.
#[utoipa::path(tag = "accounts", params(PageQuery), responses((status = 200, body = Page<RecipientView>)))]
#[get("/recipients")]
pub async fn list_recipients(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    page: Query<PageQuery>,
) -> Answer<Page<RecipientView>> {
    ok(recipients::list(&ctx, &who, page.into_inner()).await?)
}

/// Takes a key out of use.
#[utoipa::path(tag = "accounts", responses((status = 204)))]
#[delete("/recipients/{id}")]
pub async fn retire_recipient(ctx: Data<Ctx>, Signed(who): Signed, id: Path<Uuid>) -> Done {
    recipients::retire(&ctx, &who, *id).await?;
    done()
}
