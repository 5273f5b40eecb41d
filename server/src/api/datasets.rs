//! `/datasets`: the pools of data and their sales.

use actix_web::web::{Data, Json, Path, Query};
use actix_web::{delete, get, patch, post};
use schema::wire::{DatasetPatch, DatasetView, NewDataset, Page, PageQuery, SaleView};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::answer::{Answer, Created, Done, created, done, ok};
use crate::auth::{MaybeSigned, Signed};
use crate::ctx::Ctx;
use crate::flows::{create_dataset, datasets, edit_dataset, sales};

/// Query of the list of datasets.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// Words in title, description or short name.
    search: Option<String>,
    /// Where to go on, from the previous page's `next`.
    cursor: Option<String>,
    /// Items wanted, 1 to 200; 50 when absent.
    limit: Option<u16>,
}

/// Creates a dataset.
#[utoipa::path(tag = "datasets", responses((status = 201, body = DatasetView)))]
#[post("/datasets")]
pub async fn make_dataset(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    new: Json<NewDataset>,
) -> Created<DatasetView> {
    created(create_dataset::run(&ctx, &who, new.into_inner()).await?)
}

/// Datasets that the caller may see, newest first.
#[utoipa::path(tag = "datasets", security(()), params(Search), responses((status = 200, body = Page<DatasetView>)))]
#[get("/datasets")]
pub async fn list_datasets(
    ctx: Data<Ctx>,
    MaybeSigned(who): MaybeSigned,
    query: Query<Search>,
) -> Answer<Page<DatasetView>> {
    let Search {
        search,
        cursor,
        limit,
    } = query.into_inner();
    ok(datasets::list(&ctx, who.as_ref(), search, PageQuery { cursor, limit }).await?)
}

/// A dataset, by id or short name.
#[utoipa::path(tag = "datasets", security(()), responses((status = 200, body = DatasetView)))]
#[get("/datasets/{id}")]
pub async fn show_dataset(
    ctx: Data<Ctx>,
    MaybeSigned(who): MaybeSigned,
    id: Path<String>,
) -> Answer<DatasetView> {
    ok(datasets::show(&ctx, who.as_ref(), &id).await?)
}

/// Changes a dataset.
#[utoipa::path(tag = "datasets", responses((status = 200, body = DatasetView)))]
#[patch("/datasets/{id}")]
pub async fn change_dataset(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    id: Path<Uuid>,
    patch: Json<DatasetPatch>,
) -> Answer<DatasetView> {
    ok(edit_dataset::run(&ctx, &who, *id, patch.into_inner()).await?)
}

/// Takes a dataset off the market; licences already sold stay good.
#[utoipa::path(tag = "datasets", responses((status = 204)))]
#[delete("/datasets/{id}")]
pub async fn withdraw_dataset(ctx: Data<Ctx>, Signed(who): Signed, id: Path<Uuid>) -> Done {
    edit_dataset::withdraw(&ctx, &who, *id).await?;
    done()
}

/// Who bought it, newest first.
#[utoipa::path(tag = "datasets", params(PageQuery), responses((status = 200, body = Page<SaleView>)))]
#[get("/datasets/{id}/sales")]
pub async fn list_sales(
    ctx: Data<Ctx>,
    Signed(who): Signed,
    id: Path<Uuid>,
    page: Query<PageQuery>,
) -> Answer<Page<SaleView>> {
    ok(sales::list(&ctx, &who, *id, page.into_inner()).await?)
}
