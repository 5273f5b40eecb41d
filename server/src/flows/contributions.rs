//! Looking at contributions.

use schema::db::Db;
use schema::wire::{ContributionState, ContributionView, Page, PageQuery, Verdict};
use serde_json::Value;
use uuid::Uuid;

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::{Fault, Kind};
use crate::flows::overlap;
use crate::flows::revisions::letter;
use crate::jobs::{self, Work};
use crate::paging::Window;
use crate::store::contributions::{self as store, ContributionRow, Of};
use crate::store::{datasets, parties};

/// All contributions to a dataset for its owner and operators, newest first; a contributor
/// sees their own.
///
/// # Errors
/// [`Fault::missing`] for a dataset that the caller may not see.
pub async fn list(
    ctx: &Ctx,
    who: &Actor,
    dataset: Uuid,
    page: PageQuery,
) -> Result<Page<ContributionView>, Fault> {
    let window = Window::of(&page)?;
    let who = who.clone();
    ctx.read(move |db| {
        let row = datasets::by_id(db, dataset)?;
        let before = rights::dataset(&who, &datasets::facts(db, Some(who.party), &row)?);
        before.see()?;
        let of = match before.list_contributions() {
            Ok(_) => Of::Dataset(dataset),
            Err(_) => Of::Both(dataset, who.party),
        };
        views(db, of, window)
    })
    .await
}

/// The caller's contributions, newest first.
///
/// # Errors
/// [`Kind::Malformed`] for a bad page.
pub async fn mine(
    ctx: &Ctx,
    who: &Actor,
    page: PageQuery,
) -> Result<Page<ContributionView>, Fault> {
    let window = Window::of(&page)?;
    let party = who.party;
    ctx.read(move |db| views(db, Of::Party(party), window))
        .await
}

/// One contribution.
///
/// # Errors
/// [`Fault::missing`] for anybody but its contributor, the dataset's owner and operators.
pub async fn show(ctx: &Ctx, who: &Actor, id: Uuid) -> Result<ContributionView, Fault> {
    let who = who.clone();
    ctx.read(move |db| {
        let row = seen(db, &who, id)?;
        view(db, row)
    })
    .await
}

/// The assessment of a contribution: counts and row numbers, no values.
///
/// # Errors
/// As [`show`]; `not_assessed` while there is no report.
pub async fn report(ctx: &Ctx, who: &Actor, id: Uuid) -> Result<Value, Fault> {
    let who = who.clone();
    ctx.read(move |db| {
        let row = seen(db, &who, id)?;
        let report = row.report.ok_or_else(|| {
            Fault::new(
                Kind::Conflict,
                "not_assessed",
                "There is no report: the contribution is not assessed yet, or was refused before it could be graded.",
            )
        })?;
        serde_json::from_str(&report).map_err(Fault::internal)
    })
    .await
}

fn seen(db: &mut Db, who: &Actor, id: Uuid) -> Result<ContributionRow, Fault> {
    let row = store::by_id(db, id)?;
    let owner = datasets::by_id(db, row.dataset_id.0)?.owner_id.0;
    rights::contribution(who, row.party_id.0, owner).see()?;
    Ok(row)
}

fn views(db: &mut Db, of: Of, window: Window) -> Result<Page<ContributionView>, Fault> {
    let rows = store::list(db, of, window.before, window.fetch())?;
    let page = window.page(rows, |row| row.id.0, |row| row);
    let items = page.items.into_iter().map(|row| view(db, row));
    Ok(Page {
        items: items.collect::<Result<_, _>>()?,
        next: page.next,
    })
}

/// A contribution for those who may see it.
pub(super) fn view(db: &mut Db, row: ContributionRow) -> Result<ContributionView, Fault> {
    let state = row.state();
    let stage = match state {
        ContributionState::Received => jobs::stage(db, Work::Assess(row.id.0))?,
        _ => None,
    };
    let message = row.verdict_message.unwrap_or_default();
    Ok(ContributionView {
        id: row.id.0,
        dataset_id: row.dataset_id.0,
        dataset: datasets::by_id(db, row.dataset_id.0)?.slug,
        party: parties::by_id(db, row.party_id.0)?.view(),
        file_name: row.file_name,
        state,
        stage,
        receipt_no: row.receipt_no,
        sealed_sha256: row.sealed_digest.map(hex::encode),
        sealed_bytes: row.sealed_size,
        rows: row.rows,
        grade: row.grade,
        letter: row.grade.map(letter),
        verdict: row.verdict_code.map(|code| Verdict { code, message }),
        overlaps: overlap::views(db, row.id.0)?,
        already_here: false,
        created_at: row.created_at.into(),
        received_at: row.received_at.map(Into::into),
        decided_at: row.decided_at.map(Into::into),
    })
}
