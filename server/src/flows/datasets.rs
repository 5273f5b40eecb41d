//! Looking at datasets.

use schema::db::Db;
use schema::wire::{DatasetView, Page, PageQuery};

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::flows::revisions::view as revision_view;
use crate::paging::Window;
use crate::store::datasets::{self as store, DatasetRow, Looker};
use crate::store::{offers, parties, revisions};

/// Most characters of a search.
const SEARCH_CHARS: usize = 200;

/// One dataset, by id or short name.
///
/// # Errors
/// [`Fault::missing`] when there is none, or none that the caller may see.
pub async fn show(ctx: &Ctx, who: Option<&Actor>, name: &str) -> Result<DatasetView, Fault> {
    let (who, name) = (who.cloned(), name.to_owned());
    ctx.read(move |db| {
        let row = store::by_name(db, &name)?;
        let facts = store::facts(db, who.as_ref().map(|who| who.party), &row)?;
        rights::dataset(who.as_ref(), &facts).see()?;
        view(db, row)
    })
    .await
}

/// Datasets that the caller may see and that contain the search, newest first.
///
/// # Errors
/// [`Kind::Malformed`](crate::error::Kind) for a bad page.
pub async fn list(
    ctx: &Ctx,
    who: Option<&Actor>,
    search: Option<String>,
    page: PageQuery,
) -> Result<Page<DatasetView>, Fault> {
    let window = Window::of(&page)?;
    let search = search.map(|text| text.trim().chars().take(SEARCH_CHARS).collect::<String>());
    let who = who.cloned();
    let looker = match &who {
        None => Looker::Visitor,
        Some(who) if who.operator => Looker::Operator,
        Some(who) => Looker::Party(who.party),
    };
    ctx.read(move |db| {
        let search = search.as_deref().filter(|text| !text.is_empty());
        let rows = store::list(db, looker, search, window.before, window.fetch())?;
        let page = window.page(rows, |row| row.id.0, |row| row);
        let items = page.items.into_iter().map(|row| view(db, row));
        Ok(Page {
            items: items.collect::<Result<_, _>>()?,
            next: page.next,
        })
    })
    .await
}

/// The caller's own datasets, newest first, withdrawn ones too.
///
/// # Errors
/// [`Kind::Malformed`](crate::error::Kind) for a bad page.
pub async fn mine(ctx: &Ctx, who: &Actor, page: PageQuery) -> Result<Page<DatasetView>, Fault> {
    let window = Window::of(&page)?;
    let party = who.party;
    ctx.read(move |db| {
        let rows = store::owned(db, party, window.before, window.fetch())?;
        let page = window.page(rows, |row| row.id.0, |row| row);
        let items = page.items.into_iter().map(|row| view(db, row));
        Ok(Page {
            items: items.collect::<Result<_, _>>()?,
            next: page.next,
        })
    })
    .await
}

/// A dataset as the caller sees it, with its current revision and live offers.
pub(super) fn view(db: &mut Db, row: DatasetRow) -> Result<DatasetView, Fault> {
    let current = revisions::current(db, row.id.0)?;
    // What was taken off the market has nothing for sale.
    let live = match row.open() {
        true => offers::live(db, row.id.0)?,
        false => Vec::new(),
    };
    let live = live.iter().map(offers::OfferRow::view);
    let contract = row
        .contract
        .as_deref()
        .map(serde_json::from_str)
        .transpose();
    let admission = row.admission();
    Ok(DatasetView {
        id: row.id.0,
        slug: row.slug,
        title: row.title,
        description: row.description,
        owner: parties::by_id(db, row.owner_id.0)?.view(),
        admission,
        commission_bps: u16::try_from(row.commission_bps).map_err(Fault::internal)?,
        contract: contract.map_err(Fault::internal)?,
        revision: current.map(revision_view),
        offers: live.collect::<Result<_, _>>()?,
        state: row.state,
        created_at: row.created_at.into(),
    })
}
