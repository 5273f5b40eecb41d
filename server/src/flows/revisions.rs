//! Looking at revisions: figures, report, shares.

use std::collections::HashMap;

use schema::db::Db;
use schema::wire::{
    LateCopies, LearnedView, Page, PageQuery, PartLine, PartLoss, PartyView, RevisionView,
    ShareLine, SharedRows, SharesView, SignedReport,
};
use serde_json::Value;
use uuid::Uuid;

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::{Fault, Kind};
use crate::flows::compose::Detail;
use crate::keys::QUALITY_REPORT;
use crate::paging::Window;
use crate::store::revisions::{self as store, PartRow, RevisionRow};
use crate::store::{contributions, datasets, epochs, parties};

/// Revisions of a dataset, newest first; those not published only for the owner and
/// operators.
///
/// # Errors
/// [`Fault::missing`] for a dataset that the caller may not see.
pub async fn list(
    ctx: &Ctx,
    who: Option<&Actor>,
    dataset: Uuid,
    page: PageQuery,
) -> Result<Page<RevisionView>, Fault> {
    let window = Window::of(&page)?;
    let who = who.cloned();
    ctx.read(move |db| {
        let row = datasets::by_id(db, dataset)?;
        let facts = datasets::facts(db, who.as_ref().map(|who| who.party), &row)?;
        rights::dataset(who.as_ref(), &facts).see()?;
        let published_only = rights::revision(who.as_ref(), &facts, false).see().is_err();
        let rows = store::list(db, dataset, published_only, window.before, window.fetch())?;
        Ok(window.page(rows, |row| row.id.0, view))
    })
    .await
}

/// One revision.
///
/// # Errors
/// [`Fault::missing`] when there is none that the caller may see.
pub async fn show(ctx: &Ctx, who: Option<&Actor>, id: Uuid) -> Result<RevisionView, Fault> {
    let who = who.cloned();
    ctx.read(move |db| seen(db, who.as_ref(), id).map(view))
        .await
}

/// The assessment of the revision as a whole.
///
/// # Errors
/// As [`show`]; `not_published` while there is none.
pub async fn report(ctx: &Ctx, who: Option<&Actor>, id: Uuid) -> Result<Value, Fault> {
    let who = who.cloned();
    ctx.read(move |db| {
        let report = seen(db, who.as_ref(), id)?
            .report
            .ok_or_else(not_published)?;
        serde_json::from_str(&report).map_err(Fault::internal)
    })
    .await
}

/// The same, signed by the node over its canonical JSON: who has bought the file measures it
/// again with `granary assess --verify` and finds the same bytes.
///
/// # Errors
/// As [`report`].
pub async fn signed_report(
    ctx: &Ctx,
    who: Option<&Actor>,
    id: Uuid,
) -> Result<SignedReport, Fault> {
    let report = report(ctx, who, id).await?;
    let canonical = serde_json_canonicalizer::to_vec(&report).map_err(Fault::internal)?;
    let key = ctx.keys.signing();
    Ok(SignedReport {
        report,
        public_key: ctx.keys.verify_key().to_string(),
        signature: key.sign_jws(QUALITY_REPORT, &canonical),
    })
}

/// Who is paid for a revision, and why: as its last epoch has it, or the one that is named. Where no row has weight there is no epoch: number
/// and digest are 0 and empty, and the revision cannot be sold.
///
/// # Errors
/// As [`show`]; `not_published` while it is composing.
pub async fn shares(
    ctx: &Ctx,
    who: Option<&Actor>,
    id: Uuid,
    epoch: Option<i32>,
) -> Result<SharesView, Fault> {
    let who = who.cloned();
    ctx.read(move |db| {
        let row = seen(db, who.as_ref(), id)?;
        if !row.published() {
            return Err(not_published());
        }
        let found = match epoch {
            None => store::latest_epoch(db, id)?,
            Some(number) => Some(store::epoch(db, id, number)?.ok_or_else(Fault::missing)?),
        };
        let (epoch, digest, shares) = found.unwrap_or_default();
        let parts = epochs::parts(db, id, epoch)?;
        let details = parts.iter().map(detail).collect::<Result<Vec<_>, _>>()?;
        let mut ids: Vec<Uuid> = parts.iter().map(|part| part.party_id.0).collect();
        ids.extend(shares.iter().map(|share| share.party_id.0));
        ids.extend(
            details
                .iter()
                .flat_map(|detail| detail.late.iter().map(|late| late.party)),
        );
        let people = parties::views(db, &ids)?;
        let mut inputs = details.iter().map(|detail| detail.inputs.clone());
        let inputs_sha256 = inputs.rfind(|digest| !digest.is_empty());
        let learned = details.iter().find_map(|detail| detail.learned);
        let mut lines = Vec::with_capacity(parts.len());
        for (part, detail) in parts.into_iter().zip(details) {
            lines.push(part_line(db, &people, part, detail)?);
        }
        let shares = shares.into_iter().map(|share| {
            Ok(ShareLine {
                party: person(&people, share.party_id.0)?,
                weight: share.weight,
                share: share.share,
            })
        });
        Ok(SharesView {
            revision_id: id,
            epoch,
            digest: hex::encode(digest),
            shares: shares.collect::<Result<_, Fault>>()?,
            parts: lines,
            inputs_sha256,
            learned: learned.map(|learned| LearnedView {
                strata: learned.strata,
                train: learned.train,
                tests: learned.tests,
                tests_used: learned.tests_used,
            }),
        })
    })
    .await
}

fn not_published() -> Fault {
    Fault::new(
        Kind::Conflict,
        "not_published",
        "This revision is not published yet.",
    )
}

fn seen(db: &mut Db, who: Option<&Actor>, id: Uuid) -> Result<RevisionRow, Fault> {
    let row = store::by_id(db, id)?;
    let dataset = datasets::by_id(db, row.dataset_id.0)?;
    let facts = datasets::facts(db, who.map(|who| who.party), &dataset)?;
    rights::revision(who, &facts, row.published()).see()?;
    Ok(row)
}

fn detail(part: &PartRow) -> Result<Detail, Fault> {
    serde_json::from_str(&part.detail).map_err(Fault::internal)
}

fn person(people: &HashMap<Uuid, PartyView>, id: Uuid) -> Result<PartyView, Fault> {
    people
        .get(&id)
        .cloned()
        .ok_or_else(|| Fault::internal("a party is missing"))
}

fn part_line(
    db: &mut Db,
    people: &HashMap<Uuid, PartyView>,
    part: PartRow,
    detail: Detail,
) -> Result<PartLine, Fault> {
    let mut late_copies = Vec::with_capacity(detail.late.len());
    for late in detail.late {
        let first = contributions::by_id(db, late.contribution)?;
        late_copies.push(LateCopies {
            holder: person(people, late.party)?,
            contribution_id: late.contribution,
            receipt_no: i64::try_from(late.receipt_no).map_err(Fault::internal)?,
            received_at: first.received_at.unwrap_or(first.created_at).into(),
            rows: i64::try_from(late.rows).map_err(Fault::internal)?,
        });
    }
    let shared = detail.shared.into_iter();
    let shared = shared.map(|(holders, rows)| SharedRows { holders, rows });
    let losses = detail.losses.into_iter().map(|loss| PartLoss {
        dimension: loss.dimension,
        column: loss.column,
        rule: loss.rule,
        lost_hundredths: loss.lost_hundredths,
    });
    Ok(PartLine {
        contribution_id: part.contribution_id.0,
        party: person(people, part.party_id.0)?,
        receipt_no: part.receipt_no,
        rows_delivered: part.rows_delivered,
        rows_kept: part.rows_kept,
        rows_unique: part.rows_unique,
        rows_shared: part.rows_shared,
        rows_late: part.rows_late,
        shared: shared.collect(),
        mass: part.mass,
        grade: part.grade,
        quality_ppm: detail.mean_quality_ppm,
        losses: losses.collect(),
        utility_ppm: detail.mean_utility_ppm,
        entity_id: detail.entity,
        late_copies,
    })
}

/// The letter of a grade in hundredths.
pub(super) fn letter(hundredths: i32) -> String {
    quality::grade(u32::try_from(hundredths).unwrap_or(0)).to_owned()
}

/// A revision for those who may see it.
pub(super) fn view(row: RevisionRow) -> RevisionView {
    RevisionView {
        id: row.id.0,
        dataset_id: row.dataset_id.0,
        number: row.number,
        state: row.state,
        note: row.note,
        rows: row.rows,
        bytes: row.size,
        sha256: row.digest.map(hex::encode),
        grade: row.grade,
        letter: row.grade.map(letter),
        manifest: row.manifest,
        failure: row.failure,
        created_at: row.created_at.into(),
        published_at: row.published_at.map(Into::into),
        personal_data: row.personal_data,
    }
}
