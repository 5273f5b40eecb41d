//! An owner asks for a revision of everything that was accepted.

use std::collections::BTreeSet;

use schema::columns::Key;
use schema::db::Db;
use schema::wire::{NewRevision, RevisionView};
use uuid::Uuid;

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::flows::gates;
use crate::flows::overlap;
use crate::flows::revisions::view;
use crate::jobs::{self, Work};
use crate::store::contributions;
use crate::store::datasets;
use crate::store::entities;
use crate::store::revisions::{self as store, Asked, RevisionRow};

/// Most characters of a note.
const NOTE_CHARS: usize = 2_000;

/// Asks for a revision; it is *composing* until a job has published it.
///
/// # Errors
/// [`Fault::missing`] for anybody but the owner; `dataset_withdrawn`; `already_composing`;
/// `licence_missing` and `undeclared_personal_data` until the owner has said what is missing;
/// `nothing_to_publish` without an accepted contribution; `nothing_new` when the current
/// revision was made of the same contributions, by the same entities; `stands_elsewhere` when
/// much of one stands in a dataset of another owner and no operator has cleared it.
pub async fn run(
    ctx: &Ctx,
    who: &Actor,
    dataset: Uuid,
    new: NewRevision,
) -> Result<RevisionView, Fault> {
    let note = new.note.trim().to_owned();
    if note.chars().count() > NOTE_CHARS {
        return Err(Fault::invalid(
            "note",
            "A note has at most 2000 characters.",
        ));
    }
    let (who, job_ctx) = (who.clone(), ctx.clone());
    let view = ctx
        .write(move |db| {
            let row = datasets::hold(db, dataset)?;
            rights::dataset(&who, &datasets::facts(db, Some(who.party), &row)?).publish()?;
            if !row.open() {
                return Err(Fault::conflict(
                    "dataset_withdrawn",
                    "This dataset was taken off the market.",
                ));
            }
            let last = store::last(db, dataset)?;
            something_new(db, dataset, last.as_ref())?;
            if let Some(words) = overlap::gate(db, dataset)? {
                return Err(Fault::conflict("stands_elsewhere", words));
            }
            gates::pass(db, &row)?;
            let id = ask(&job_ctx, db, dataset, last, note)?;
            jobs::enqueue(&job_ctx, db, Work::Compose(id))?;
            Ok(view(store::by_id(db, id)?))
        })
        .await?;
    ctx.ring();
    Ok(view)
}

fn something_new(db: &mut Db, dataset: Uuid, last: Option<&RevisionRow>) -> Result<(), Fault> {
    if last.is_some_and(|last| last.state == "composing") {
        return Err(Fault::conflict(
            "already_composing",
            "A revision is being composed; wait until it is published.",
        ));
    }
    let accepted: BTreeSet<Key> = contributions::weighed(db, dataset)?
        .into_iter()
        .filter(|row| row.state == "accepted")
        .map(|row| row.id)
        .collect();
    if accepted.is_empty() {
        return Err(Fault::conflict(
            "nothing_to_publish",
            "There is no accepted contribution. Upload one, or wait until it is assessed.",
        ));
    }
    let Some(current) = store::current(db, dataset)? else {
        return Ok(());
    };
    let parts = store::parts(db, current.id.0)?;
    let parties: Vec<Uuid> = parts.iter().map(|part| part.party_id.0).collect();
    let parts: BTreeSet<Key> = parts.iter().map(|part| part.contribution_id).collect();
    // Accounts that turned out to be of one house are weighed anew.
    let relinked = entities::changed_since(db, &parties, current.created_at)?;
    if parts == accepted && !relinked {
        return Err(Fault::conflict(
            "nothing_new",
            format!(
                "Revision {} holds all accepted contributions already.",
                current.number
            ),
        ));
    }
    Ok(())
}

fn ask(
    ctx: &Ctx,
    db: &mut Db,
    dataset: Uuid,
    last: Option<RevisionRow>,
    note: String,
) -> Result<Uuid, Fault> {
    let now = ctx.now().into();
    if let Some(failed) = last.as_ref().filter(|last| last.state == "failed") {
        store::ask_again(db, failed.id.0, &note, now)?;
        return Ok(failed.id.0);
    }
    let id = ctx.id();
    let asked = Asked {
        id: id.into(),
        dataset_id: dataset.into(),
        number: last.map_or(1, |last| last.number + 1),
        state: "composing",
        note,
        created_at: now,
    };
    store::insert(db, &asked)?;
    Ok(id)
}
