//! The node itself, errors, and pages of lists.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Answer of `GET /.well-known/granary.json`: what a client must know of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NodeInfo {
    /// Human name of the node.
    pub name: String,
    /// Software version.
    pub version: String,
    /// age recipient that uploads are sealed to.
    pub recipient: String,
    /// Keys that verify manifests, licences and statements.
    pub verify_keys: Vec<VerifyKeyInfo>,
    /// Largest sealed upload in bytes.
    pub max_upload_bytes: u64,
    /// Name and key that checkpoints are signed with, as programs for signed notes take it;
    /// absent while the node has no books.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_key: Option<String>,
    /// The latest checkpoint of the journal, a signed note.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
}

/// One Ed25519 public key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VerifyKeyInfo {
    /// Key id as used in `kid` of signed documents.
    pub kid: String,
    /// The raw public key, base64url without padding.
    pub public_key: String,
}

/// Answer of `GET /healthz`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// `ok`.
    pub status: String,
}

/// Answer of `GET /readyz`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Readiness {
    /// `ready`; a node that is not answers a problem document.
    pub status: String,
    /// What holds the processes that open provider files.
    pub checker_limits: Vec<Protection>,
}

/// One limit of the checker processes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Protection {
    /// What is limited.
    pub name: String,
    /// Whether it is in force.
    pub active: bool,
    /// By what means, to what value.
    pub detail: String,
}

/// RFC 9457 problem document; every error answer has this body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// URI reference of the kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// Short summary, the same for every occurrence.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What happened here, what was kept and what to do.
    pub detail: String,
    /// Stable code for programs.
    pub code: String,
    /// Reference of this request in the node's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The licence clause or request field concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The items, newest first unless the route says otherwise.
    pub items: Vec<T>,
    /// Pass as `cursor` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Query of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// Where to go on, from the previous page's `next`.
    pub cursor: Option<String>,
    /// Items wanted, 1 to 200; 50 when absent.
    pub limit: Option<u16>,
}

/// An amount in minor units, for example `{"minor": 1999, "currency": "EUR"}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Amount {
    /// Minor units (cents of EUR, yen of JPY, fils of KWD).
    pub minor: i64,
    /// ISO 4217 code.
    pub currency: String,
}
