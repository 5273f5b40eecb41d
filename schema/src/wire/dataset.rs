//! Datasets, contributions, revisions and offers.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Amount, PartyView};

/// Who may contribute to a dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Admission {
    /// The owner alone.
    Owner,
    /// The owner and parties they invited.
    Invited,
    /// Every party.
    Open,
}

/// Body of `POST /api/v1/datasets`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDataset {
    /// Title, 3 to 120 characters.
    pub title: String,
    /// What the data is, where it comes from.
    #[serde(default)]
    pub description: String,
    /// Short name in URLs `[a-z0-9-]`; made from the title when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// Column contract; taken from the first accepted contribution when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<Value>,
    /// Who may contribute; `owner` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admission: Option<Admission>,
    /// The owner's commission on each sale in basis points, part of the published terms; 0 when absent.
    #[serde(default)]
    pub commission_bps: u16,
}

/// Body of `PATCH /api/v1/datasets/{id}`; absent fields stay.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DatasetPatch {
    /// New title.
    pub title: Option<String>,
    /// New description.
    pub description: Option<String>,
    /// New admission.
    pub admission: Option<Admission>,
    /// Handles to invite.
    #[serde(default)]
    pub invite: Vec<String>,
    /// New contract; only before the first revision.
    pub contract: Option<Value>,
    /// Licence that the source gives the data under (an SPDX identifier where there is one).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// Class of personal data by column: `none`, `pseudonymous`, `personal` or `sensitive`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub personal: BTreeMap<String, String>,
}

/// A dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DatasetView {
    /// Identifier.
    pub id: Uuid,
    /// Short name in URLs.
    pub slug: String,
    /// Title.
    pub title: String,
    /// Description.
    pub description: String,
    /// Owner.
    pub owner: PartyView,
    /// Who may contribute.
    pub admission: Admission,
    /// The owner's commission in basis points.
    pub commission_bps: u16,
    /// Column contract, once known.
    pub contract: Option<Value>,
    /// Latest published revision.
    pub revision: Option<RevisionView>,
    /// Live offers.
    pub offers: Vec<OfferView>,
    /// `open` or `withdrawn`.
    pub state: String,
    /// When it was created.
    pub created_at: DateTime<Utc>,
}

/// Body of `POST /api/v1/datasets/{id}/contributions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewContribution {
    /// Name of the provider's file, for the provider's own orientation.
    pub file_name: String,
    /// SHA-256 of the Parquet file before sealing; checked after opening.
    pub sha256: String,
}

/// State of a contribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ContributionState {
    /// Announced; the sealed bytes have not arrived.
    Awaiting,
    /// Arrived and receipted; being assessed or about to be.
    Received,
    /// Assessed and part of the next revision.
    Accepted,
    /// Refused, with a code and a message.
    Rejected,
    /// Withdrawn by its contributor.
    Withdrawn,
}

/// A contribution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ContributionView {
    /// Identifier.
    pub id: Uuid,
    /// Dataset it was given to.
    pub dataset_id: Uuid,
    /// Slug of that dataset.
    pub dataset: String,
    /// Who gave it.
    pub party: PartyView,
    /// Provider's file name (only to the contributor, the owner and operators).
    pub file_name: String,
    /// State.
    pub state: ContributionState,
    /// What the assessment is doing, while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// Dense number of the node, given when the sealed bytes were safe.
    pub receipt_no: Option<i64>,
    /// SHA-256 of the sealed bytes.
    pub sealed_sha256: Option<String>,
    /// Sealed size in bytes.
    pub sealed_bytes: Option<i64>,
    /// Rows, once assessed.
    pub rows: Option<i64>,
    /// Q in hundredths, 0 to 10000, once assessed.
    pub grade: Option<i32>,
    /// Grade letter, once assessed.
    pub letter: Option<String>,
    /// Why it was refused.
    pub verdict: Option<Verdict>,
    /// What of it stands in datasets of other owners already.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overlaps: Vec<OverlapView>,
    /// True on the answer to an upload of a file that already stands here.
    #[serde(default)]
    pub already_here: bool,
    /// When it was announced.
    pub created_at: DateTime<Utc>,
    /// When its bytes were safe.
    pub received_at: Option<DateTime<Utc>>,
    /// When it was accepted or rejected.
    pub decided_at: Option<DateTime<Utc>>,
}

/// Why a contribution was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Verdict {
    /// Stable code.
    pub code: String,
    /// Names the limit, row or column, and what to do.
    pub message: String,
}

/// How much of a contribution stood in a dataset of another owner before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OverlapView {
    /// In plain words.
    pub text: String,
    /// Title of the dataset; absent when it is not open to the world.
    pub dataset: Option<String>,
    /// Receipt that brought the first of it there.
    pub first_receipt: i64,
    /// What was compared: `rows`, `loose` (rows with rounded numbers and times), `key` or
    /// `columns`.
    pub measure: String,
    /// Share of the contribution, parts per million.
    pub share_ppm: i32,
    /// 95 % margin of the share, parts per million; 0 when it was counted exactly.
    pub margin_ppm: i32,
    /// Whether every row or key was counted; else it is an estimate with that margin, or of
    /// `columns` a judgement by samples of their values.
    #[serde(default)]
    pub exact: bool,
    /// Columns that stand there, by their names here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// Whether the dataset cannot be published with it until an operator clears it.
    pub gate: bool,
    /// When an operator cleared it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cleared_at: Option<DateTime<Utc>>,
}

/// Body of `POST /api/v1/contributions/{id}/clearance`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewClearance {
    /// Why the rows may stand in both datasets, 1 to 500 characters.
    pub reason: String,
}

/// Body of `POST /api/v1/datasets/{id}/revisions` (publish).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRevision {
    /// What changed, for the buyers.
    #[serde(default)]
    pub note: String,
}

/// A revision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RevisionView {
    /// Identifier.
    pub id: Uuid,
    /// Dataset.
    pub dataset_id: Uuid,
    /// 1, 2, 3 …
    pub number: i32,
    /// `composing`, `published` or `failed`.
    pub state: String,
    /// What changed.
    pub note: String,
    /// Rows.
    pub rows: Option<i64>,
    /// Size of the Parquet file in bytes.
    pub bytes: Option<i64>,
    /// SHA-256 of the Parquet file.
    pub sha256: Option<String>,
    /// Q in hundredths.
    pub grade: Option<i32>,
    /// Grade letter.
    pub letter: Option<String>,
    /// Signed manifest (compact JWS).
    pub manifest: Option<String>,
    /// Why composing failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it was published.
    pub published_at: Option<DateTime<Utc>>,
    /// Gravest class of personal data that was declared of a column: `none`, `pseudonymous`,
    /// `personal` or `sensitive`; absent where nobody was asked yet.
    pub personal_data: Option<String>,
}

/// Answer of `GET /api/v1/revisions/{id}/report`: what `granary assess --verify` reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SignedReport {
    /// The quality report of the revision file.
    pub report: Value,
    /// Ed25519 key of the node, base64url; it stands in `/.well-known/granary.json`, too.
    pub public_key: String,
    /// Compact JWS over the canonical JSON of the report.
    pub signature: String,
}

/// Answer of `GET /api/v1/revisions/{id}/shares`: who is paid for a revision, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SharesView {
    /// Revision.
    pub revision_id: Uuid,
    /// Epoch number within the revision.
    pub epoch: i32,
    /// SHA-256 of the frozen shares.
    pub digest: String,
    /// One line per contributor; shares sum to 10^12.
    pub shares: Vec<ShareLine>,
    /// One line per contribution.
    pub parts: Vec<PartLine>,
    /// SHA-256 of everything that was weighed: rule, contract, and of every contribution its
    /// entity, receipt, grade and row fingerprints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs_sha256: Option<String>,
    /// What strata and utility were measured on, where the contract declares any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learned: Option<LearnedView>,
}

/// What strata and utility of a revision were measured on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LearnedView {
    /// Crowded strata weigh less by row.
    pub strata: bool,
    /// Rows that a learner learned from.
    pub train: u64,
    /// Held-out rows of the owner.
    pub tests: u64,
    /// Those of them that it was tried on; 0: utility was not measured.
    pub tests_used: u64,
}

/// Frozen share of one contributor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ShareLine {
    /// Contributor.
    pub party: PartyView,
    /// Raw weight, a decimal integer.
    pub weight: String,
    /// Share in 10^-12.
    pub share: i64,
}

/// What one contribution brought to a revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PartLine {
    /// Contribution.
    pub contribution_id: Uuid,
    /// Its contributor.
    pub party: PartyView,
    /// Its receipt number.
    pub receipt_no: i64,
    /// Rows delivered.
    pub rows_delivered: i64,
    /// Rows of this contribution's file kept in the revision.
    pub rows_kept: i64,
    /// Distinct rows nobody else holds.
    pub rows_unique: i64,
    /// Distinct rows held independently by others too.
    pub rows_shared: i64,
    /// Distinct rows that were already published: weight 0.
    pub rows_late: i64,
    /// Of the shared ones, how many by the number of independent holders.
    #[serde(default)]
    pub shared: Vec<SharedRows>,
    /// Raw weight mass, a decimal integer in 2^-32 units.
    pub mass: String,
    /// Q in hundredths.
    pub grade: i32,
    /// Average quality of the rows that were weighed, parts per million.
    #[serde(default)]
    pub quality_ppm: u64,
    /// Where the contribution lost most points, three at most.
    #[serde(default)]
    pub losses: Vec<PartLoss>,
    /// Average utility of the rows that were weighed, parts per million; 1000000 where the
    /// contract has no label with held-out rows.
    #[serde(default)]
    pub utility_ppm: u64,
    /// The entity that was weighed, when the operator has linked the contributor's accounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity_id: Option<Uuid>,
    /// For rows that were already published: the first holders.
    pub late_copies: Vec<LateCopies>,
}

/// Rows that several independent holders have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SharedRows {
    /// Independent holders, this one included.
    pub holders: u32,
    /// Rows.
    pub rows: u64,
}

/// One way in which a contribution lost points.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PartLoss {
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

/// Rows of a contribution that an earlier contribution had already brought to market.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LateCopies {
    /// First holder.
    pub holder: PartyView,
    /// First holder's contribution.
    pub contribution_id: Uuid,
    /// First holder's receipt number.
    pub receipt_no: i64,
    /// When the first holder's bytes were received.
    pub received_at: DateTime<Utc>,
    /// Distinct rows.
    pub rows: i64,
}

/// Body of `POST /api/v1/datasets/{id}/offers`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOffer {
    /// Price of one licence.
    pub price: Amount,
    /// Template: `open`, `research`, `commercial-internal`, `commercial-training`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Full terms; overrides the template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<Value>,
    /// Only compute who would get what; nothing goes live.
    #[serde(default)]
    pub dry_run: bool,
}

/// Answer of `POST /api/v1/datasets/{id}/offers`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OfferMade {
    /// The live offer; absent on a dry run.
    pub offer: Option<OfferView>,
    /// What one sale would split into.
    pub split: SalePreview,
}

/// An offer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OfferView {
    /// Identifier.
    pub id: Uuid,
    /// Dataset.
    pub dataset_id: Uuid,
    /// Price of one licence.
    pub price: Amount,
    /// Terms as a document.
    pub terms: Value,
    /// Terms in plain words.
    pub clauses: Vec<ClauseView>,
    /// SHA-256 of the terms; an order must repeat it.
    pub terms_sha256: String,
    /// `live` or `retired`.
    pub state: String,
    /// When it went live.
    pub created_at: DateTime<Utc>,
}

/// One clause in plain words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClauseView {
    /// Clause name, as denials name it.
    pub clause: String,
    /// Plain words.
    pub text: String,
    /// `enforced` (the node blocks), `traceable`, or `promised` (the buyer undertakes).
    pub strength: String,
}

/// What one sale would split into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SalePreview {
    /// What the buyer pays.
    pub gross: Amount,
    /// Platform fee.
    pub fee: Amount,
    /// Sales tax.
    pub tax: Amount,
    /// Owner's commission.
    pub commission: Amount,
    /// What reaches the contributors' pool.
    pub net: Amount,
    /// Net per contributor, before carries: whole minor units rounded down and the rest in 10^-12.
    pub contributors: Vec<PreviewLine>,
}

/// Part of one contributor in a sale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PreviewLine {
    /// Contributor.
    pub party: PartyView,
    /// Share in 10^-12.
    pub share: i64,
    /// Whole minor units.
    pub minor: i64,
    /// Rest in 10^-12 of a minor unit.
    pub residue: i64,
}
