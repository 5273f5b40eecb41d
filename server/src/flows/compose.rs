//! A revision is weighed, joined, signed and published.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{BufReader, Read, Seek};

use chrono::{DateTime, Utc};
use dataset_core::columns::Contract;
use dataset_core::digest::{Hasher, Sha256};
use dataset_core::manifest::{ContributionEntry, FileEntry, Manifest};
use dataset_core::pack::WRITER;
use dataset_core::seal::Header;
use ledger::epoch::{self, Epoch, EpochError};
use schema::db::Db;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::blobs::{BlobKey, BlobKind, Staged, storage_fault};
use crate::ctx::{Ctx, blocking};
use crate::error::Fault;
use crate::flows::assess::{drop_files, grade, keep, open, stored};
use crate::flows::gates;
use crate::flows::overlap;
use crate::store::claims::{self, InForce};
use crate::store::contributions::{self, ContributionRow};
use crate::store::counters;
use crate::store::datasets::{self, DatasetRow};
use crate::store::entities;
use crate::store::revisions::{self, PartRow, Published, RevisionRow, ShareRow};
use crate::worker::wire::{ClaimedPart, LatePart, LearnedPart, Weighed, WeighedPart};
use crate::worker::{self, Composed, Holding, Outcome, Progress};

mod near;
pub mod reweigh;

/// Why a contribution earned what it did; kept with each part of a revision.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Detail {
    /// Rows by number of independent holders.
    pub shared: BTreeMap<u32, u64>,
    /// Rows that were published before, by first holder.
    pub late: Vec<Late>,
    /// Average quality of what was weighed, parts per million.
    pub mean_quality_ppm: u64,
    /// Where the contribution lost most points, three at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub losses: Vec<LostPoints>,
    /// Average utility of what was weighed, parts per million.
    #[serde(default = "nothing_measured")]
    pub mean_utility_ppm: u64,
    /// What of it is not in the mass, since others claim the rows, by who gets it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub claimed: BTreeMap<Uuid, ClaimedPart>,
    /// The person or house that was weighed, when it is more than the party.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity: Option<Uuid>,
    /// SHA-256 of everything that was weighed, hexadecimal.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub inputs: String,
    /// What strata and utility were measured on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learned: Option<LearnedPart>,
}

fn nothing_measured() -> u64 {
    1_000_000
}

/// One way in which a contribution lost points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LostPoints {
    /// Dimension of quality.
    pub dimension: String,
    /// Column, when the rule is one of a column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// The rule that was broken.
    pub rule: String,
    /// Hundredths of points.
    pub lost_hundredths: u32,
}

impl LostPoints {
    /// Most ways named.
    const MOST: usize = 3;

    /// The first losses of a report; they stand there in order.
    fn of(report: Option<&str>) -> Vec<Self> {
        #[derive(Deserialize)]
        struct Losses {
            losses: Vec<LostPoints>,
        }
        let read = report.and_then(|report| serde_json::from_str::<Losses>(report).ok());
        let mut losses = read.map_or_else(Vec::new, |read| read.losses);
        losses.retain(|loss| loss.lost_hundredths > 0);
        losses.truncate(Self::MOST);
        losses
    }
}

/// Rows that somebody else had brought to market before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Late {
    /// First holder's contribution.
    pub contribution: Uuid,
    /// First holder.
    pub party: Uuid,
    /// First holder's receipt.
    pub receipt_no: u64,
    /// Rows.
    pub rows: u64,
}

impl From<&LatePart> for Late {
    fn from(late: &LatePart) -> Self {
        let LatePart {
            contribution,
            party,
            receipt_no,
            rows,
        } = *late;
        Self {
            contribution,
            party,
            receipt_no,
            rows,
        }
    }
}

/// Composes and publishes a revision. Nothing happens to one that is not composing, so
/// running this twice has one effect.
///
/// # Errors
/// Only what may pass; then it may be run again.
pub async fn run(ctx: &Ctx, id: Uuid, progress: Progress) -> Result<(), Fault> {
    let Some(plan) = ctx.read(move |db| Plan::read(db, id)).await? else {
        return Ok(());
    };
    let dataset = plan.dataset.id.0;
    if let Some(words) = ctx.read(move |db| overlap::gate(db, dataset)).await? {
        // Accepted after publishing was asked for.
        return fail(ctx, id, words).await;
    }
    let contract: Value = serde_json::from_str(&plan.contract).map_err(Fault::internal)?;
    let (plan, progress) = match near::prepare(ctx, plan, &contract, progress).await? {
        Ok(ready) => ready,
        Err(words) => return fail(ctx, id, words).await,
    };
    let holdings = holdings(ctx, &plan).await?;
    let as_of = plan.revision.created_at.into();
    match worker::compose(ctx, holdings, contract, as_of, progress).await? {
        Outcome::Done(composed) => {
            let contract =
                Contract::from_json(plan.contract.as_bytes()).map_err(Fault::internal)?;
            match gates::of_revision(&contract, &composed.finding.report) {
                Some(closed) => fail(ctx, id, format!("{} ({})", closed.reason, closed.code)).await,
                None => publish(ctx, plan, composed, &contract).await,
            }
        }
        Outcome::Refused(refused) => {
            fail(ctx, id, format!("{} ({})", refused.message, refused.code)).await
        }
    }
}

/// Ends a revision that could not be composed; its owner may ask again.
///
/// # Errors
/// The database's own.
pub async fn give_up(ctx: &Ctx, id: Uuid) -> Result<(), Fault> {
    let words = "The node could not compose this revision; nothing was published. Ask again, or ask the operator.";
    fail(ctx, id, words.to_owned()).await
}

async fn fail(ctx: &Ctx, id: Uuid, words: String) -> Result<(), Fault> {
    ctx.write(move |db| revisions::fail(db, id, &words))
        .await
        .map(|_| ())
}

/// What a revision is to be made of, as it stands when composing begins.
struct Plan {
    revision: RevisionRow,
    dataset: DatasetRow,
    contract: String,
    previous: Option<Uuid>,
    rows: Vec<ContributionRow>,
    /// Entities of linked parties.
    entities: HashMap<Uuid, Uuid>,
    /// Claims in force on rows.
    claims: Vec<InForce>,
    /// By which rule rows are near duplicates, where the contract has one.
    near: Option<String>,
    /// Contributions in a revision that is published already and only weighed again.
    published: Option<HashSet<Uuid>>,
    /// Whether weights follow from what stands in the rows, too.
    learns: bool,
}

impl Plan {
    fn read(db: &mut Db, id: Uuid) -> Result<Option<Self>, Fault> {
        let revision = revisions::by_id(db, id)?;
        if revision.state != "composing" {
            return Ok(None);
        }
        let dataset = datasets::by_id(db, revision.dataset_id.0)?;
        let contract = dataset
            .contract
            .clone()
            .ok_or_else(|| Fault::internal("no contract"))?;
        let previous = revisions::current(db, dataset.id.0)?.map(|current| current.id.0);
        let rows = contributions::weighed(db, dataset.id.0)?;
        let entities = entities::by_party(db)?;
        let claims = claims::in_force(db, dataset.id.0)?;
        Ok(Some(Self {
            revision,
            dataset,
            contract,
            previous,
            rows,
            entities,
            claims,
            near: None,
            published: None,
            learns: true,
        }))
    }

    /// Whether a contribution is part of what is weighed.
    fn stands(&self, row: &ContributionRow) -> bool {
        match &self.published {
            Some(parts) => parts.contains(&row.id.0),
            None => standing(row),
        }
    }

    /// Whether its rows are read: to be joined, or to learn from.
    fn reads(&self, row: &ContributionRow) -> bool {
        self.stands(row) && (self.published.is_none() || self.learns)
    }

    /// The person or house behind a party.
    fn entity(&self, party: Uuid) -> Uuid {
        self.entities.get(&party).copied().unwrap_or(party)
    }
}

fn standing(row: &ContributionRow) -> bool {
    row.state == "accepted"
}

async fn holdings(ctx: &Ctx, plan: &Plan) -> Result<Vec<Holding>, Fault> {
    let mut holdings = Vec::with_capacity(plan.rows.len());
    let owner = plan.entity(plan.dataset.owner_id.0);
    for row in &plan.rows {
        let marks = open(ctx, stored(row.marks_blob.as_deref())?)
            .await?
            .map_err(Fault::internal)?;
        let part = if plan.reads(row) {
            let cleaned = stored(row.cleaned_blob.as_deref())?;
            Some(open(ctx, cleaned).await?.map_err(Fault::internal)?)
        } else {
            None
        };
        let items = match row.items_blob.as_deref().filter(|_| plan.near.is_some()) {
            Some(name) => {
                let file = open(ctx, BlobKey::stored(name)?).await?;
                Some(file.map_err(Fault::internal)?)
            }
            None => None,
        };
        let mut claims = Vec::new();
        for claim in plan.claims.iter().filter(|of| of.contribution == row.id) {
            let file = open(ctx, BlobKey::stored(&claim.rows_blob)?).await?;
            claims.push((claim.payee, file.map_err(Fault::internal)?));
        }
        holdings.push(Holding {
            claims,
            contribution: row.id.0,
            party: row.party_id.0,
            entity: plan.entity(row.party_id.0),
            judges: plan.entity(row.party_id.0) == owner,
            receipt_no: number(row.receipt_no)?,
            published_mark: row
                .published_mark
                .map(|mark| number(Some(mark)))
                .transpose()?,
            grade: u32::try_from(row.grade.unwrap_or(0)).map_err(Fault::internal)?,
            standing: plan.stands(row),
            marks,
            items,
            part,
        });
    }
    Ok(holdings)
}

fn number(stored: Option<i64>) -> Result<u64, Fault> {
    u64::try_from(stored.unwrap_or(-1)).map_err(Fault::internal)
}

fn count(number: u64) -> Result<i64, Fault> {
    i64::try_from(number).map_err(Fault::internal)
}

/// Header and payload of a sealed file.
struct SealedShape {
    payload_offset: u64,
    payload_digest: Sha256,
    size: u64,
}

fn shape(staged: &Staged) -> Result<SealedShape, Fault> {
    let mut file = staged.handle()?;
    file.rewind().map_err(storage_fault)?;
    let mut reader = BufReader::with_capacity(256 * 1024, file);
    let header = Header::read(&mut reader).map_err(Fault::internal)?;
    let (mut hasher, mut piece) = (Hasher::new(), vec![0; 256 * 1024]);
    loop {
        match reader.read(&mut piece).map_err(storage_fault)? {
            0 => break,
            some => hasher.update(&piece[..some]),
        }
    }
    let (payload_offset, length) = (header.payload_offset(), hasher.length());
    Ok(SealedShape {
        payload_offset,
        payload_digest: hasher.finish(),
        size: payload_offset + length,
    })
}

/// Frozen shares; `None` while nobody has weight.
fn freeze(weights: &BTreeMap<Uuid, String>) -> Result<Option<Epoch<Uuid>>, Fault> {
    let raw = weights
        .iter()
        .map(|(party, weight)| Ok((*party, weight.parse()?)));
    let raw: BTreeMap<Uuid, u128> = raw
        .collect::<Result<_, std::num::ParseIntError>>()
        .map_err(Fault::internal)?;
    match Epoch::freeze(&raw) {
        Ok(epoch) => Ok(Some(epoch)),
        Err(EpochError::NoWeight) => Ok(None),
        Err(error) => Err(Fault::internal(error)),
    }
}

async fn publish(
    ctx: &Ctx,
    plan: Plan,
    composed: Composed,
    contract: &Contract,
) -> Result<(), Fault> {
    let Composed {
        finding,
        weighed,
        file,
        preview,
    } = composed;
    let (shape, file) = blocking(move || Ok((shape(&file)?, file))).await?;
    let epoch = freeze(&weighed.weights)?;
    let digest: Sha256 = finding.sha256.parse().map_err(Fault::internal)?;
    let report = serde_json_canonicalizer::to_string(&finding.report).map_err(Fault::internal)?;
    let now = ctx.now();
    let manifest = manifest(
        &plan,
        contract,
        &weighed.parts,
        epoch.as_ref(),
        now,
        &report,
        FileEntry {
            sha256: digest,
            len: finding.size,
            rows: finding.rows,
            writer: WRITER.to_owned(),
        },
    )?;
    let manifest = manifest.sign(ctx.keys.signing()).map_err(Fault::internal)?;
    let blob = keep(ctx, BlobKind::Revision, file).await?;
    let preview = keep(ctx, BlobKind::Preview, preview).await?;
    let row = Published {
        state: "published",
        receipt_mark: 0,
        rows: count(finding.rows)?,
        blob: blob.to_string(),
        sealed_size: count(shape.size)?,
        payload_offset: count(shape.payload_offset)?,
        payload_digest: shape.payload_digest.as_bytes().to_vec(),
        size: count(finding.size)?,
        digest: digest.as_bytes().to_vec(),
        grade: grade(finding.grade)?,
        report,
        preview_blob: preview.to_string(),
        manifest,
        published_at: now.into(),
        personal_data: contract.personal_class().name().to_owned(),
    };
    let parts = part_rows(&plan, &weighed)?;
    let shares = share_rows(&plan, epoch.as_ref(), &weighed.weights, FIRST_EPOCH)?;
    let frozen = epoch.map(|epoch| (epoch.digest(), shares));
    let published = ctx
        .write(move |db| write(db, &plan, row, &parts, frozen, now))
        .await;
    if !matches!(published, Ok(true)) {
        drop_files(ctx, &[blob, preview]).await;
    }
    published.map(|_| ())
}

type Frozen = (ledger::json::Hash, Vec<ShareRow>);

/// The one transaction that publishes; answers whether the revision was still composing.
fn write(
    db: &mut Db,
    plan: &Plan,
    row: Published,
    parts: &[PartRow],
    frozen: Option<Frozen>,
    now: DateTime<Utc>,
) -> Result<bool, Fault> {
    let (dataset, id) = (plan.dataset.id.0, plan.revision.id.0);
    datasets::hold(db, dataset)?;
    // Held, so that whoever gets a later receipt could have read this revision, and nobody opens
    // a claim meanwhile.
    let mark = counters::hold(db, counters::RECEIPT)?;
    if claims::in_force(db, dataset)? != plan.claims {
        return Err(Fault::conflict(
            "claims_changed",
            "A claim was opened or decided meanwhile.",
        ));
    }
    let accepted: Vec<_> = contributions::weighed(db, dataset)?
        .into_iter()
        .filter(standing)
        .map(|row| row.id)
        .collect();
    if parts
        .iter()
        .any(|part| !accepted.contains(&part.contribution_id))
    {
        // Withdrawn while it was composed: compose again without it.
        return Err(Fault::conflict(
            "contributions_changed",
            "A contribution was withdrawn meanwhile.",
        ));
    }
    if !revisions::publish(
        db,
        id,
        &Published {
            receipt_mark: mark,
            ..row
        },
    )? {
        return Ok(false);
    }
    revisions::insert_parts(db, parts)?;
    if let Some((digest, shares)) = frozen {
        revisions::insert_epoch(db, id, FIRST_EPOCH, &digest.0, now.into(), &shares)?;
    }
    let included: Vec<Uuid> = parts.iter().map(|part| part.contribution_id.0).collect();
    contributions::mark_published(db, &included, mark)?;
    Ok(true)
}

/// Epochs of a revision are numbered from 1; weighing again makes another.
const FIRST_EPOCH: i32 = 1;

fn manifest(
    plan: &Plan,
    contract: &Contract,
    parts: &[WeighedPart],
    epoch: Option<&Epoch<Uuid>>,
    now: DateTime<Utc>,
    report: &str,
    file: FileEntry,
) -> Result<Manifest, Fault> {
    let rows: HashMap<Uuid, &ContributionRow> =
        plan.rows.iter().map(|row| (row.id.0, row)).collect();
    let mut contributions = Vec::new();
    for part in parts.iter().filter(|part| part.kept > 0) {
        let row = rows
            .get(&part.contribution)
            .ok_or_else(|| Fault::internal("an unknown part"))?;
        let sealed = row
            .sealed_digest
            .as_deref()
            .and_then(|digest| <[u8; 32]>::try_from(digest).ok());
        contributions.push(ContributionEntry {
            contribution: row.id.0.into(),
            contributor: row.party_id.0.into(),
            receipt_no: number(row.receipt_no)?,
            sealed_sha256: Sha256::from_bytes(
                sealed.ok_or_else(|| Fault::internal("no sealed digest"))?,
            ),
            rows: part.kept,
        });
    }
    let nobody = || epoch::digest(std::iter::empty::<(Uuid, i64)>());
    let epoch_digest = epoch.map_or_else(nobody, Epoch::digest);
    Ok(Manifest {
        dataset: plan.dataset.id.0.into(),
        revision: plan.revision.id.0.into(),
        number: u32::try_from(plan.revision.number).map_err(Fault::internal)?,
        previous: plan.previous.map(Into::into),
        published_at: now,
        file,
        contract_sha256: contract.digest().map_err(Fault::internal)?,
        report_sha256: Sha256::of(report.as_bytes()),
        epoch_sha256: Sha256::from_bytes(epoch_digest.0),
        contributions,
    })
}

fn part_rows(plan: &Plan, weighed: &Weighed) -> Result<Vec<PartRow>, Fault> {
    let parts = weighed.parts.iter();
    let by_id: HashMap<Uuid, &WeighedPart> = parts.map(|part| (part.contribution, part)).collect();
    let mut rows = Vec::new();
    for row in plan.rows.iter().filter(|row| plan.stands(row)) {
        let part = by_id
            .get(&row.id.0)
            .ok_or_else(|| Fault::internal("a part is missing"))?;
        let detail = Detail {
            shared: part.shared.clone(),
            late: part.late.iter().map(Late::from).collect(),
            mean_quality_ppm: part.mean_quality_ppm,
            losses: LostPoints::of(row.report.as_deref()),
            mean_utility_ppm: part.mean_utility_ppm,
            claimed: part.claimed.clone(),
            entity: plan.entities.get(&row.party_id.0).copied(),
            inputs: weighed.inputs.clone(),
            learned: weighed.learned,
        };
        rows.push(PartRow {
            revision_id: plan.revision.id,
            contribution_id: row.id,
            party_id: row.party_id,
            receipt_no: count(number(row.receipt_no)?)?,
            rows_delivered: count(part.rows)?,
            rows_kept: count(part.kept)?,
            rows_unique: count(part.unique)?,
            rows_shared: count(part.shared.values().sum())?,
            rows_late: count(part.late.iter().map(|late| late.rows).sum())?,
            mass: part.mass.clone(),
            grade: row.grade.unwrap_or(0),
            detail: serde_json_canonicalizer::to_string(&detail).map_err(Fault::internal)?,
        });
    }
    Ok(rows)
}

fn share_rows(
    plan: &Plan,
    epoch: Option<&Epoch<Uuid>>,
    weights: &BTreeMap<Uuid, String>,
    number: i32,
) -> Result<Vec<ShareRow>, Fault> {
    let shares = epoch.map(Epoch::shares).unwrap_or_default().iter();
    let row = |(party, share): &(Uuid, i64)| {
        Ok(ShareRow {
            revision_id: plan.revision.id,
            epoch: number,
            party_id: (*party).into(),
            weight: weights
                .get(party)
                .cloned()
                .ok_or_else(|| Fault::internal("a weight is missing"))?,
            share: *share,
        })
    };
    shares.map(row).collect()
}
