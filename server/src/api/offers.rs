//! `/datasets/{id}/offers`: terms and prices.

use actix_web::web::{Data, Json, Path};
use actix_web::{get, post};
use schema::wire::{NewOffer, OfferMade, OfferView, Page};
use uuid::Uuid;

use super::answer::{Answer, Created, created, ok};
use crate::auth::{MaybeSigned, Signed};
use crate::ctx::Ctx;
use crate::flows::{offer, offers};

/// Puts an offer on the market, or with `dry_run` only tells what one sale would split into.
#[utoipa::path(tag = "offers", responses((status = 201, body = OfferMade)))]
#[post("/datasets/{id}/offers")]
pub async fn make_offer(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    id: Path<Uuid>,
    new: Json<NewOffer>,
) -> Created<OfferMade> {
    created(offer::run(&ctx, &who, *id, new.into_inner()).await?)
}

/// Live offers on a dataset.
#[utoipa::path(tag = "offers", security(()), responses((status = 200, body = Page<OfferView>)))]
#[get("/datasets/{id}/offers")]
pub async fn list_offers(
    ctx: Data<Ctx>,
    MaybeSigned(who): MaybeSigned,
    id: Path<Uuid>,
) -> Answer<Page<OfferView>> {
    ok(offers::list(&ctx, who.as_ref(), *id).await?)
}
