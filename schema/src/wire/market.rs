//! Orders, licences, delivery.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Amount, ClauseView, PartyView};

/// Body of `POST /api/v1/orders`; needs an `Idempotency-Key`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOrder {
    /// Offer to accept.
    pub offer_id: Uuid,
    /// Terms the buyer has read; a different digest is refused, so nobody buys terms unseen.
    pub terms_sha256: String,
    /// Expected price; a changed price is refused.
    pub price: Amount,
}

/// An order: the buyer's receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderView {
    /// Identifier.
    pub id: Uuid,
    /// Buyer.
    pub buyer: PartyView,
    /// Dataset.
    pub dataset_id: Uuid,
    /// Slug of the dataset.
    pub dataset: String,
    /// Revision current at purchase, whose contributors this sale pays.
    pub revision_id: Uuid,
    /// Its number.
    pub revision: i32,
    /// Licence this order gave.
    pub licence_id: Uuid,
    /// Paid.
    pub gross: Amount,
    /// Platform fee in it.
    pub fee: Amount,
    /// Sales tax in it.
    pub tax: Amount,
    /// Owner's commission in it.
    pub commission: Amount,
    /// Net to the contributors.
    pub net: Amount,
    /// Refunded so far.
    pub refunded: Amount,
    /// Journal book and entry number.
    pub entry: String,
    /// When it was paid.
    pub created_at: DateTime<Utc>,
}

/// Body of `POST /api/v1/orders/{id}/refunds`; needs an `Idempotency-Key`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRefund {
    /// Minor units to give back, in the order's currency.
    pub amount: Amount,
    /// Why; kept and shown.
    pub reason: String,
}

/// A refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefundView {
    /// Identifier.
    pub id: Uuid,
    /// Order.
    pub order_id: Uuid,
    /// Given back.
    pub amount: Amount,
    /// Part of it from the fee.
    pub fee: Amount,
    /// Part of it from the tax.
    pub tax: Amount,
    /// Part of it from the owner's commission.
    pub commission: Amount,
    /// Part of it from the contributors' pool.
    pub net: Amount,
    /// Why.
    pub reason: String,
    /// Journal book and entry number.
    pub entry: String,
    /// True when the order is now refunded in full and its licence revoked.
    pub licence_revoked: bool,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// A licence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LicenceView {
    /// Identifier.
    pub id: Uuid,
    /// Order that paid for it.
    pub order_id: Uuid,
    /// Subscription that pays for it instead.
    pub subscription_id: Option<Uuid>,
    /// Holder.
    pub holder: PartyView,
    /// Dataset.
    pub dataset_id: Uuid,
    /// Slug of the dataset.
    pub dataset: String,
    /// Title of the dataset.
    pub title: String,
    /// Revision bought.
    pub revision_id: Uuid,
    /// Its number.
    pub revision: i32,
    /// `active`, `upcoming`, `expired`, `revoked` or `exhausted`.
    pub state: String,
    /// Why it was revoked.
    pub revoked_reason: Option<String>,
    /// Terms in plain words.
    pub clauses: Vec<ClauseView>,
    /// The signed licence (compact JWS); verifies offline.
    pub document: String,
    /// First moment of the window.
    pub valid_from: DateTime<Utc>,
    /// End of the window; open-ended when absent.
    pub valid_until: Option<DateTime<Utc>>,
    /// Downloads granted so far.
    pub downloads_used: i32,
    /// When it was given.
    pub created_at: DateTime<Utc>,
}

/// Body of `POST /api/v1/licences/{id}/revoke`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// Why; the holder sees it.
    pub reason: String,
}

/// Body of `POST /api/v1/licences/{id}/download-urls`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DownloadRequest {
    /// The holder's age key to seal for, from `POST /api/v1/recipients`.
    pub recipient_id: Uuid,
    /// Revision wanted; the one bought when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision_id: Option<Uuid>,
}

/// Answer of `POST /api/v1/licences/{id}/download-urls`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DownloadUrl {
    /// Signed URL of the sealed file; GET and HEAD, Range and If-Range.
    pub url: String,
    /// Suggested file name.
    pub file_name: String,
    /// Size of the sealed file in bytes.
    pub sealed_bytes: u64,
    /// Strong ETag of the sealed file for this holder key.
    pub etag: String,
    /// SHA-256 of the Parquet file inside.
    pub sha256: String,
    /// Size of the Parquet file inside.
    pub bytes: i64,
    /// Signed manifest of the revision (compact JWS) that names that digest.
    pub manifest: String,
    /// When the URL ends.
    pub expires_at: DateTime<Utc>,
    /// Grant recorded for this delivery.
    pub grant_id: Uuid,
}
