//! Subscriptions: plans, what was charged, what is earned of it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Amount, ClauseView, PartyView};

/// Body of `POST /api/v1/plans`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPlan {
    /// Datasets it covers, all of them the caller's, each with a published revision.
    pub datasets: Vec<Uuid>,
    /// Name of the plan; the datasets' titles when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// `month`, `quarter` or `year`.
    pub every: String,
    /// Price of one term.
    pub price: Amount,
    /// Template: `open`, `research`, `commercial-internal`, `commercial-training`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Full terms; overrides the template. Window and revisions are the subscription's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<Value>,
}

/// A dataset of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanItem {
    /// Dataset.
    pub dataset_id: Uuid,
    /// Its slug.
    pub dataset: String,
    /// Its title.
    pub title: String,
    /// List price when the plan was made: how days without use are divided.
    pub list_price: Amount,
}

/// A plan: what can be subscribed to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlanView {
    /// Identifier.
    pub id: Uuid,
    /// Who offers it.
    pub owner: PartyView,
    /// Its name.
    pub title: String,
    /// `month`, `quarter` or `year`.
    pub every: String,
    /// Price of one term.
    pub price: Amount,
    /// What it covers.
    pub datasets: Vec<PlanItem>,
    /// Terms in plain words.
    pub clauses: Vec<ClauseView>,
    /// SHA-256 of the terms in canonical form.
    pub terms_sha256: String,
    /// `live` or `retired`: running terms of a retired plan go on, and are not renewed.
    pub state: String,
    /// Subscriptions that run; told to its owner and operators alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscribers: Option<i64>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// Query of `GET /api/v1/plans`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PlanQuery {
    /// Only plans that cover this dataset.
    pub dataset: Option<Uuid>,
    /// The caller's own plans, newest first, retired ones too.
    #[serde(default)]
    pub mine: bool,
}

/// Query of `GET /api/v1/subscriptions`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct SubscriptionQuery {
    /// Those to the caller's plans, instead of the caller's own.
    #[serde(default)]
    pub sold: bool,
    /// Where to go on, from the previous page's `next`.
    pub cursor: Option<String>,
    /// Items wanted, 1 to 200; 50 when absent.
    pub limit: Option<u16>,
}

/// Body of `POST /api/v1/subscriptions`; needs an `Idempotency-Key`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSubscription {
    /// Plan to subscribe to.
    pub plan_id: Uuid,
    /// Terms the subscriber has read.
    pub terms_sha256: String,
    /// Expected price; a changed price is refused.
    pub price: Amount,
}

/// One charge of a subscription, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TermView {
    /// Identifier.
    pub id: Uuid,
    /// Counted from 1.
    pub number: i32,
    /// First moment.
    pub starts_at: DateTime<Utc>,
    /// First moment after it.
    pub ends_at: DateTime<Utc>,
    /// Its days.
    pub days: i32,
    /// Charged.
    pub gross: Amount,
    /// Platform fee in it.
    pub fee: Amount,
    /// Sales tax in it.
    pub tax: Amount,
    /// Net for the contributors, earned day by day.
    pub net: Amount,
    /// Days that are earned.
    pub earned_days: i32,
    /// Part of the net that went to pools.
    pub earned: Amount,
    /// Part of the net that is still deferred.
    pub deferred: Amount,
    /// Days on which something was taken under its licences.
    pub used_days: i32,
    /// Rows that were taken.
    pub used_rows: i64,
    /// Member points that came with it; of unused days that went back they lapse.
    pub points: i64,
    /// Given back for unused days.
    pub refunded: Amount,
    /// Why.
    pub refund_reason: Option<String>,
    /// Journal book and entry number of the charge.
    pub entry: String,
    /// Licences it gives, one per dataset.
    pub licences: Vec<Uuid>,
}

/// A subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SubscriptionView {
    /// Identifier.
    pub id: Uuid,
    /// Who subscribes.
    pub subscriber: PartyView,
    /// Who offers the plan.
    pub owner: PartyView,
    /// Its plan.
    pub plan_id: Uuid,
    /// The plan's name.
    pub title: String,
    /// `month`, `quarter` or `year`.
    pub every: String,
    /// Price of one term.
    pub price: Amount,
    /// `active`, `past_due`, `ended`, `lapsed` or `refunded`.
    pub state: String,
    /// End of the term that is paid.
    pub ends_at: DateTime<Utc>,
    /// When the next term is charged; absent when it was cancelled or is over.
    pub next_charge_at: Option<DateTime<Utc>>,
    /// Until when a charge that the wallet could not pay is tried again.
    pub grace_until: Option<DateTime<Utc>>,
    /// When it was cancelled: it ends with its paid term.
    pub cancelled_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// Why it ended.
    pub ended_reason: Option<String>,
    /// What would go back of the paid term if its unused days went back now.
    pub unused: Option<Amount>,
    /// When the subscriber asked for that.
    pub refund_asked_at: Option<DateTime<Utc>>,
    /// Why, in the subscriber's words.
    pub refund_asked_reason: Option<String>,
    /// Every charge, newest first.
    pub terms: Vec<TermView>,
    /// When it began.
    pub created_at: DateTime<Utc>,
}

/// Body of `POST /api/v1/subscriptions/{id}/refunds`; needs an `Idempotency-Key`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTermRefund {
    /// Why; the subscriber sees it.
    pub reason: String,
}

/// Body of `POST /api/v1/subscriptions/{id}/refund-request`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TermRefundRequest {
    /// Why; the provider reads it.
    pub reason: String,
}

/// Answer of `POST /api/v1/admin/subscriptions/run`: what was due.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SubscriptionRun {
    /// Terms whose ended days were earned.
    pub earned: u64,
    /// Subscriptions charged for another term.
    pub renewed: u64,
    /// Subscriptions whose wallet did not cover the charge.
    pub past_due: u64,
    /// Subscriptions that ended.
    pub ended: u64,
}
