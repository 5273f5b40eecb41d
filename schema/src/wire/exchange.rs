//! One currency for another.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Amount;

/// Body of `POST /api/v1/admin/exchange-rates`: so much for so much.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewExchangeRate {
    /// What is given.
    pub give: Amount,
    /// What is got for it, in another currency.
    pub get: Amount,
}

/// A rate, from when it was set until another takes its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExchangeRateView {
    /// Identifier.
    pub id: Uuid,
    /// What is given.
    pub give: Amount,
    /// What is got for it.
    pub get: Amount,
    /// Since when.
    pub set_at: DateTime<Utc>,
}

/// Body of `POST /api/v1/exchanges`; needs an `Idempotency-Key`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewExchange {
    /// What leaves the wallet.
    pub give: Amount,
    /// What comes into it: the amount that was shown. When the rate gives another by now,
    /// nothing is changed.
    pub get: Amount,
}

/// Money that was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExchangeView {
    /// Identifier, also of the entry it left by.
    pub id: Uuid,
    /// What left the wallet.
    pub give: Amount,
    /// What came into it.
    pub get: Amount,
    /// The two entries of the journal, each in its book.
    pub entries: [String; 2],
    /// When.
    pub created_at: DateTime<Utc>,
}
