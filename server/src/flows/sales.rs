//! Who bought a dataset: for its owner and for everybody whose rows were sold.

use schema::wire::{Page, PageQuery, SaleView};
use uuid::Uuid;

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::paging::Window;
use crate::store::{datasets, orders};

/// Sales of a dataset, newest first, with their buyers.
///
/// # Errors
/// `not_found` for everybody but the owner, contributors and operators.
pub async fn list(
    ctx: &Ctx,
    who: &Actor,
    dataset_id: Uuid,
    query: PageQuery,
) -> Result<Page<SaleView>, Fault> {
    let window = Window::of(&query)?;
    let party = who.party;
    let facts = ctx
        .read(move |db| {
            let row = datasets::by_id(db, dataset_id)?;
            datasets::facts(db, Some(party), &row)
        })
        .await?;
    rights::dataset(who, &facts).see_sales()?;
    let sales = ctx
        .read(move |db| orders::sales_of(db, dataset_id, window.before, window.fetch()))
        .await?;
    Ok(window.page(sales, |sale| sale.order_id, |sale| sale))
}
