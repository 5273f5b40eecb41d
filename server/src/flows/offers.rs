//! Reading the live offers of a dataset.

use schema::wire::{OfferView, Page};
use uuid::Uuid;

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::store::{datasets, offers};

/// Live offers of a dataset, cheapest first.
///
/// # Errors
/// [`Fault::missing`] for a dataset that is unknown or not the caller's to see.
pub async fn list(ctx: &Ctx, who: Option<&Actor>, dataset: Uuid) -> Result<Page<OfferView>, Fault> {
    let who = who.cloned();
    ctx.read(move |db| {
        let row = datasets::by_id(db, dataset)?;
        let facts = datasets::facts(db, who.as_ref().map(|actor| actor.party), &row)?;
        rights::dataset(who.as_ref(), &facts).see()?;
        let items = offers::live(db, dataset)?
            .iter()
            .map(offers::OfferRow::view)
            .collect::<Result<_, _>>()?;
        Ok(Page { items, next: None })
    })
    .await
}
