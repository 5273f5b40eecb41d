//! Accounts, sessions, tokens and age keys.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Body of `POST /api/v1/accounts`.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// E-mail address, the sign-in name.
    pub email: String,
    /// Name others see; also the base of the handle.
    pub display_name: String,
    /// At least 10 characters.
    pub password: String,
    /// Token of the one-time operator link; the account becomes the node's operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_token: Option<String>,
}

/// Body of `POST /api/v1/sessions`.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// E-mail address.
    pub email: String,
    /// Password.
    pub password: String,
}

/// Answer of a sign-in: also set as a cookie for browsers.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct SessionOpened {
    /// Send as `Authorization: Bearer …`.
    pub token: String,
    /// End of the session.
    pub expires_at: DateTime<Utc>,
    /// Who is signed in.
    pub party: PartyView,
}

/// Answer of `POST /api/v1/admin/parties/{id}/password-resets`: the only time the link is shown.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct ResetLink {
    /// Page on which the party sets a new password, once.
    pub url: String,
    /// The link's token, for `POST /api/v1/password-resets`.
    pub token: String,
    /// End of the link.
    pub expires_at: DateTime<Utc>,
}

/// Body of `POST /api/v1/password-resets`.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordReset {
    /// Token of a reset link.
    pub token: String,
    /// At least 10 characters.
    pub password: String,
}

/// A party as others may see it, or as it sees itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PartyView {
    /// Identifier.
    pub id: Uuid,
    /// Short unique name `[a-z0-9-]`.
    pub handle: String,
    /// Name others see.
    pub display_name: String,
    /// Only to the party itself and to operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether the party runs the node.
    pub operator: bool,
}

/// Body of `POST /api/v1/admin/entities`: these parties are one person or house.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEntity {
    /// Handles, e-mail addresses or identifiers, two or more.
    pub parties: Vec<String>,
    /// How the operator knows, for example `same payout account`; kept.
    pub reason: String,
}

/// Parties that count as one where rows are weighed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EntityView {
    /// Identifier.
    pub id: Uuid,
    /// The parties, with the reason each was linked for.
    pub members: Vec<EntityMember>,
}

/// A party of an entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EntityMember {
    /// The party.
    pub party: PartyView,
    /// How the operator knows.
    pub reason: String,
    /// When it was linked.
    pub linked_at: DateTime<Utc>,
}

/// Body of `POST /api/v1/tokens`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// What the token is for.
    pub name: String,
    /// Life in days, 1 to 366; 90 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u16>,
}

/// Answer of `POST /api/v1/tokens`: the only time the token is shown.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct TokenMade {
    /// The secret; only its hash is kept.
    pub token: String,
    /// What is kept of it.
    pub info: TokenView,
}

/// A bearer token without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenView {
    /// Identifier.
    pub id: Uuid,
    /// What the token is for.
    pub name: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// Last use, to the hour.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// Body of `POST /api/v1/recipients`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRecipient {
    /// age X25519 recipient, `age1…`.
    pub recipient: String,
    /// Name of the key, for example of the machine it lives on.
    pub label: String,
}

/// An age key of a party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecipientView {
    /// Identifier.
    pub id: Uuid,
    /// age recipient.
    pub recipient: String,
    /// Name of the key.
    pub label: String,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
}
