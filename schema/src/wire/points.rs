//! Points: thanks that are counted, and never money.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::party::PartyView;

/// What happens to points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PointsMove {
    /// They are given.
    Issue,
    /// They are used up for something that is no money.
    Redeem,
    /// They lapse.
    Expire,
}

/// Body of `POST /api/v1/admin/points`; needs an `Idempotency-Key`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPoints {
    /// Whose points: id, handle or e-mail address.
    pub party: String,
    /// What happens to them.
    #[serde(rename = "move")]
    pub what: PointsMove,
    /// How many, at least 1.
    pub points: i64,
    /// Why; 1 to 140 characters. The journal keeps its hash.
    pub reason: String,
}

/// Points that have moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PointsView {
    /// Whose.
    pub party: PartyView,
    /// What happened.
    #[serde(rename = "move")]
    pub what: PointsMove,
    /// How many.
    pub points: i64,
    /// How many there are after it.
    pub balance: i64,
    /// Journal book and entry number.
    pub entry: String,
}
