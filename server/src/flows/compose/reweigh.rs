//! A published revision is weighed again, since accounts turned out to be of one house, or not to
//! be, or since rows are claimed or a claim was decided: a new epoch, for what is sold from now on.
//!
//! No epoch is ever edited, and no row of the revision changes: what was sold before stays with
//! the shares it was sold under. Where weights follow from what stands in the rows (strata, label)
//! and a contribution in the revision was withdrawn, its rows cannot be read any more; then the
//! link acts from the next revision on.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use schema::db::Db;
use serde_json::Value;
use uuid::Uuid;

use super::{Plan, freeze, holdings, near, part_rows, share_rows};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::jobs::{self, Work};
use crate::store::epochs::{self, EpochPartRow};
use crate::store::{claims, contributions, datasets, entities, revisions};
use crate::worker::{self, Outcome, Progress};

/// Asks for new epochs of every current revision in which one of these parties has a part;
/// inside the transaction that changed what they are.
///
/// # Errors
/// The database's own.
pub(in crate::flows) fn ask(ctx: &Ctx, db: &mut Db, parties: &[Uuid]) -> Result<(), Fault> {
    for revision in epochs::current_with(db, parties)? {
        jobs::enqueue(ctx, db, Work::Reweigh(revision))?;
    }
    Ok(())
}

/// Weighs a current revision again; nothing happens when another one is current by now, or when
/// the shares come out as they were, so running this twice has one effect.
///
/// # Errors
/// Only what may pass; then it may be run again.
pub async fn run(ctx: &Ctx, id: Uuid, progress: Progress) -> Result<(), Fault> {
    let Some(plan) = ctx.read(move |db| plan(db, id)).await? else {
        return Ok(());
    };
    let mut rows = plan.rows.iter();
    if rows.any(|row| plan.reads(row) && row.cleaned_blob.is_none()) {
        tracing::info!(revision = %id, "rows of a withdrawn part cannot be read: not weighed again");
        return Ok(());
    }
    let contract: Value = serde_json::from_str(&plan.contract).map_err(Fault::internal)?;
    let (plan, progress) = near::prepare(ctx, plan, &contract, progress)
        .await?
        .map_err(Fault::internal)?;
    let holdings = holdings(ctx, &plan).await?;
    let as_of: DateTime<Utc> = plan.revision.created_at.into();
    let weighed = match worker::weigh(ctx, holdings, contract, as_of, progress).await? {
        Outcome::Done(weighed) => weighed,
        Outcome::Refused(refused) => return Err(Fault::internal(refused.message)),
    };
    let Some(epoch) = freeze(&weighed.weights)? else {
        // Nobody has weight: there is nobody else to pay than those whose shares are frozen.
        return Ok(());
    };
    let (now, digest) = (ctx.now(), epoch.digest());
    ctx.write(move |db| {
        datasets::hold(db, plan.dataset.id.0)?;
        let current = revisions::current(db, plan.dataset.id.0)?;
        // Whoever changed links or claims meanwhile asked again.
        let changed = entities::by_party(db)? != plan.entities
            || claims::in_force(db, plan.dataset.id.0)? != plan.claims;
        if changed || current.is_none_or(|current| current.id.0 != id) {
            return Ok(());
        }
        let last = revisions::latest_epoch(db, id)?;
        if last
            .as_ref()
            .is_some_and(|(_, known, _)| *known == digest.0)
        {
            return Ok(());
        }
        let number = last.map_or(0, |(number, _, _)| number) + 1;
        let shares = share_rows(&plan, Some(&epoch), &weighed.weights, number)?;
        revisions::insert_epoch(db, id, number, &digest.0, now.into(), &shares)?;
        let parts = part_rows(&plan, &weighed)?.into_iter();
        let parts: Vec<_> = parts.map(|part| EpochPartRow::of(part, number)).collect();
        epochs::insert_parts(db, &parts)
    })
    .await
}

/// The revision's parts, and the contributions that had been withdrawn when it was composed.
fn plan(db: &mut Db, id: Uuid) -> Result<Option<Plan>, Fault> {
    let revision = revisions::by_id(db, id)?;
    let current = revisions::current(db, revision.dataset_id.0)?;
    if current.is_none_or(|current| current.id.0 != id) {
        return Ok(None);
    }
    let dataset = datasets::by_id(db, revision.dataset_id.0)?;
    let contract = dataset.contract.clone();
    let contract = contract.ok_or_else(|| Fault::internal("no contract"))?;
    let parts = revisions::parts(db, id)?.into_iter();
    let parts: HashSet<Uuid> = parts.map(|part| part.contribution_id.0).collect();
    let asked: DateTime<Utc> = revision.created_at.into();
    let mut rows = contributions::weighed(db, dataset.id.0)?;
    rows.retain(|row| {
        let gone: Option<DateTime<Utc>> = row.withdrawn_at.map(Into::into);
        parts.contains(&row.id.0) || gone.is_some_and(|gone| gone <= asked)
    });
    let read: Value = serde_json::from_str(&contract).map_err(Fault::internal)?;
    Ok(Some(Plan {
        entities: entities::by_party(db)?,
        claims: claims::in_force(db, dataset.id.0)?,
        learns: read.get("strata").is_some() || read.get("held_out").is_some(),
        revision,
        dataset,
        contract,
        previous: None,
        rows,
        near: None,
        published: Some(parts),
    }))
}
