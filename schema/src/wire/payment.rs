//! Money on its way in, and what payment providers say.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Amount, NewOrder};

/// How a party pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PayWay {
    /// On the page of the node's payment provider.
    Card,
    /// By a bank transfer, which the operator confirms.
    Transfer,
}

impl PayWay {
    /// The name on the wire and in the tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Transfer => "transfer",
        }
    }
}

/// Body of `POST /api/v1/payments`; needs an `Idempotency-Key`.
///
/// With `order` the money pays that order and nothing else; without it fills the wallet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPayment {
    /// What to fill the wallet with; left out where an order says its price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Amount>,
    /// The order to pay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<NewOrder>,
    /// How; the card where the node takes cards, else a transfer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub way: Option<PayWay>,
}

/// A payment: how it can be made, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PaymentView {
    /// Identifier.
    pub id: Uuid,
    /// How.
    pub way: PayWay,
    /// `open`, `paid` or `ended`.
    pub state: String,
    /// What is paid.
    pub amount: Amount,
    /// Given back so far, to where it came from.
    pub given_back: Amount,
    /// What to name in a transfer.
    pub reference: String,
    /// Page of the payment provider, while it can be paid there.
    pub url: Option<String>,
    /// Where to transfer to, in the operator's words.
    pub instructions: Option<String>,
    /// Offer it pays for; none where it fills the wallet.
    pub offer_id: Option<Uuid>,
    /// The order it has paid.
    pub order_id: Option<Uuid>,
    /// What went otherwise than meant, in words.
    pub note: Option<String>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When the money had come.
    pub paid_at: Option<DateTime<Utc>>,
}

/// A message of or to a payment provider that is not done, for the operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MessageView {
    /// Identifier.
    pub id: Uuid,
    /// `in` or `out`.
    pub direction: String,
    /// The provider's identifier of an event; of a message out, the payment's.
    pub name: String,
    /// What it is about.
    pub kind: String,
    /// `new`, `parked` or `failed`.
    pub state: String,
    /// Why it is not done, and what to do.
    pub reason: Option<String>,
    /// How often it was tried.
    pub attempts: i32,
    /// When it came or was written.
    pub at: DateTime<Utc>,
}

/// Body of `POST /api/v1/admin/messages/{id}/ignore`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetAside {
    /// Why the message needs nothing; kept with it.
    pub reason: String,
}

/// The answer to a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Received {
    /// Always true: the message is kept.
    pub received: bool,
}
