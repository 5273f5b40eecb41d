//! Claims: somebody says that rows of a contribution are theirs.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Amount, PartyView};

/// Body of `POST /api/v1/claims`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewClaim {
    /// The dataset in which your rows stand.
    pub dataset_id: Uuid,
    /// Contributions to it that you claim rows of, at most 32; empty for every contribution to it
    /// by others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contributions: Vec<Uuid>,
    /// A contribution of your own, to any dataset of this node, that was accepted: rows that
    /// stand in it are claimed.
    pub evidence: Uuid,
    /// Why they are yours, 3 to 1000 characters; operators read it, the holder does not.
    pub reason: String,
}

/// Body of `POST /api/v1/admin/claims/{id}/decision`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDecision {
    /// For whom.
    pub outcome: ClaimOutcome,
    /// Why, 3 to 1000 characters; kept, and told to both.
    pub reason: String,
}

/// How a claim ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClaimOutcome {
    /// The rows stay the holder's, and what was held is paid to them.
    Holder,
    /// The rows are the claimant's: what was held is paid to them, and what the rows earn from
    /// then on.
    Claimant,
    /// The claimant took it back; as for the holder.
    Withdrawn,
}

/// A claim, as far as whoever asks may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClaimView {
    /// Identifier.
    pub id: Uuid,
    /// The dataset.
    pub dataset_id: Uuid,
    /// Its slug.
    pub dataset: String,
    /// `counting`, `filed`, `nothing_shared`, `open`, `for_holder`, `for_claimant` or `withdrawn`.
    pub state: String,
    /// Who claims; only to themselves and to operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimant: Option<PartyView>,
    /// Why; only to the claimant and to operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Receipt of the claimant's contribution.
    pub evidence_receipt: i64,
    /// When the node gave it.
    pub evidence_received_at: DateTime<Utc>,
    /// What is claimed; to a holder their own contributions alone.
    pub parts: Vec<ClaimPartView>,
    /// When it was filed.
    pub created_at: DateTime<Utc>,
    /// When what the rows earn began to be held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<DateTime<Utc>>,
    /// When it was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<DateTime<Utc>>,
    /// Why so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_because: Option<String>,
}

/// A contribution that is claimed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClaimPartView {
    /// The contribution.
    pub contribution_id: Uuid,
    /// Whose it is; only to themselves and to operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<PartyView>,
    /// Its receipt.
    pub receipt_no: i64,
    /// When the node gave it.
    pub received_at: DateTime<Utc>,
    /// Rows of it that stand in the evidence, counted one by one.
    pub rows: i64,
    /// Rows it has.
    pub of_rows: i64,
    /// What is held of their earnings now, settled; only once it was opened.
    pub held: Vec<Amount>,
}
