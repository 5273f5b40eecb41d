//! Licences: what a buyer may do, signed, and checked before every delivery.
//!
//! An offer carries [`Terms`]. A purchase freezes them into a [`LicenceDoc`],
//! which the node signs; the signed text verifies offline, with the node's
//! public key alone. What happened to the licence since then (downloads, the
//! end of its term, revocation) is its [`LicenceState`].
//!
//! Delivery needs a [`Permit`], and only [`permits`] makes one:
//!
//! ```compile_fail,E0451
//! use dataset_core::licence::Permit;
//! // Nobody else can write one: its fields are private.
//! fn forge(used: Permit) -> Permit {
//!     Permit { counts: false, ..used }
//! }
//! ```
//!
//! A term that this code does not know is never passed over: it denies.

pub mod state;
pub mod template;
pub mod terms;

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

pub use self::{
    state::LicenceState,
    template::Template,
    terms::{Access, Clause, Force, GoverningText, Price, Revisions, Terms, Window},
};
use crate::{
    error::Coded,
    id::{DatasetId, LicenceId, OfferId, OrderId, PartyId, RevisionId},
    personal::PersonalClass,
    seal::Recipient,
    sign::{NodeKey, SignError, VerifyKey},
};

/// The `typ` of a signed licence.
pub const JWS_TYPE: &str = "granary-licence+jws";

/// What is signed when somebody buys: who may do what with which data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LicenceDoc {
    /// The licence.
    pub licence: LicenceId,
    /// The purchase it comes from.
    pub order: OrderId,
    /// The offer that was accepted.
    pub offer: OfferId,
    /// The data.
    pub dataset: DatasetId,
    /// The dataset's title at the time of purchase, for people.
    pub dataset_title: String,
    /// The revision that was current at the time of purchase.
    pub revision: RevisionId,
    /// Its number.
    pub revision_number: u32,
    /// Who grants: the owner of the dataset.
    pub assigner: PartyId,
    /// Who may use it, and nobody else.
    pub assignee: PartyId,
    /// When the purchase was made.
    pub granted_at: DateTime<Utc>,
    /// First moment of the term.
    pub valid_from: DateTime<Utc>,
    /// First moment after the term; absent when the term does not end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<DateTime<Utc>>,
    /// What was paid.
    pub price: Price,
    /// The terms as they were accepted.
    pub terms: Terms,
}

/// Why a licence text cannot be signed or is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LicenceError {
    /// The signature or its wrapping is wrong.
    #[error(transparent)]
    Signature(#[from] SignError),
    /// The signature is right, but the content is not a licence this code knows.
    #[error("the licence is not understood, so it permits nothing: {0}")]
    NotUnderstood(String),
}

impl Coded for LicenceError {
    fn code(&self) -> &'static str {
        match self {
            Self::Signature(error) => error.code(),
            Self::NotUnderstood(_) => "licence_not_understood",
        }
    }
}

/// A licence whose signature has been made or verified here.
#[derive(Debug, Clone, PartialEq)]
pub struct SignedLicence {
    doc: LicenceDoc,
    jws: String,
}

impl SignedLicence {
    /// Signs a licence.
    ///
    /// # Errors
    /// [`LicenceError::NotUnderstood`] when its JSON has no canonical form
    /// (a number out of range).
    pub fn sign(doc: LicenceDoc, key: &NodeKey) -> Result<Self, LicenceError> {
        let payload = serde_json_canonicalizer::to_vec(&doc)
            .map_err(|error| LicenceError::NotUnderstood(error.to_string()))?;
        let jws = key.sign_jws(JWS_TYPE, &payload);
        Ok(Self { doc, jws })
    }

    /// Verifies a licence; needs no network and no clock.
    ///
    /// # Errors
    /// Both kinds of [`LicenceError`].
    pub fn verify(jws: &str, key: &VerifyKey) -> Result<Self, LicenceError> {
        let payload = key.verify_jws(JWS_TYPE, jws)?;
        let doc = serde_json::from_slice(&payload)
            .map_err(|error| LicenceError::NotUnderstood(error.to_string()))?;
        Ok(Self {
            doc,
            jws: jws.to_owned(),
        })
    }

    /// What was signed.
    pub fn doc(&self) -> &LicenceDoc {
        &self.doc
    }

    /// The signed text.
    pub fn jws(&self) -> &str {
        &self.jws
    }
}

/// What somebody asks for under a licence.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Who asks.
    pub party: PartyId,
    /// What they want to do.
    pub access: Access,
    /// The dataset they want it from.
    pub dataset: DatasetId,
    /// The revision they want.
    pub revision: RevisionId,
    /// When that revision was published.
    pub revision_published_at: DateTime<Utc>,
    /// The gravest class of personal data in that revision.
    pub personal_data: PersonalClass,
    /// The key the file is to be sealed to, when it is a download.
    pub recipient: Option<Recipient>,
    /// Whether this download was counted before (the same file in the same
    /// period, a resumed transfer): it then uses up nothing.
    pub counted_before: bool,
}

/// Proof that a licence permits one act. Delivery asks for it by type.
#[derive(Debug)]
pub struct Permit {
    licence: LicenceId,
    party: PartyId,
    access: Access,
    dataset: DatasetId,
    revision: RevisionId,
    recipient: Option<Recipient>,
    at: DateTime<Utc>,
    counts: bool,
}

impl Permit {
    /// The licence that permits.
    pub fn licence(&self) -> LicenceId {
        self.licence
    }

    /// Who is permitted.
    pub fn party(&self) -> PartyId {
        self.party
    }

    /// What is permitted.
    pub fn access(&self) -> Access {
        self.access
    }

    /// On which dataset.
    pub fn dataset(&self) -> DatasetId {
        self.dataset
    }

    /// On which revision.
    pub fn revision(&self) -> RevisionId {
        self.revision
    }

    /// The key the file may be sealed to.
    pub fn recipient(&self) -> Option<&Recipient> {
        self.recipient.as_ref()
    }

    /// The moment it was given.
    pub fn at(&self) -> DateTime<Utc> {
        self.at
    }

    /// Whether the act uses up one download: record it with
    /// [`LicenceState::count_download`] in the same transaction.
    pub fn counts(&self) -> bool {
        self.counts
    }
}

/// The clause that forbids something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeniedBy {
    /// Somebody else holds the licence.
    Assignee,
    /// It is for another dataset.
    Dataset,
    /// It has been revoked.
    Revoked,
    /// It was replaced by a new one.
    Replaced,
    /// Its term is over.
    Expired,
    /// Its term has not begun.
    NotYetValid,
    /// It does not cover this revision.
    Revisions,
    /// It does not give this kind of access.
    Access,
    /// It does not cover personal data of this class.
    PersonalData,
    /// All permitted downloads have been used.
    DownloadCap,
    /// It has a clause this node does not know.
    UnknownClause,
}

impl DeniedBy {
    /// The name of the clause in the terms.
    pub fn clause(self) -> &'static str {
        match self {
            Self::Assignee => "assignee",
            Self::Dataset => "dataset",
            Self::Revoked => "revocation",
            Self::Replaced => "replacement",
            Self::Expired | Self::NotYetValid => "term",
            Self::Revisions => "revisions",
            Self::Access => "access",
            Self::PersonalData => "personal_data",
            Self::DownloadCap => "download_cap",
            Self::UnknownClause => "unknown",
        }
    }

    /// Whether the right is gone for good (HTTP 410), as against not given for
    /// this act (403).
    pub fn is_gone(self) -> bool {
        matches!(self, Self::Revoked | Self::Replaced | Self::Expired)
    }
}

/// A refusal that names its clause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Denial {
    /// The clause that forbids it.
    pub by: DeniedBy,
    /// The same in words, and what can be done.
    pub message: String,
}

impl Coded for Denial {
    fn code(&self) -> &'static str {
        match self.by {
            DeniedBy::Assignee => "licence_not_yours",
            DeniedBy::Dataset => "licence_other_dataset",
            DeniedBy::Revoked => "licence_revoked",
            DeniedBy::Replaced => "licence_replaced",
            DeniedBy::Expired => "licence_expired",
            DeniedBy::NotYetValid => "licence_not_yet_valid",
            DeniedBy::Revisions => "licence_revision_not_covered",
            DeniedBy::Access => "licence_access_not_given",
            DeniedBy::PersonalData => "licence_personal_data_not_covered",
            DeniedBy::DownloadCap => "licence_exhausted",
            DeniedBy::UnknownClause => "licence_unknown_clause",
        }
    }
}

fn deny(by: DeniedBy, message: impl Into<String>) -> Denial {
    Denial {
        by,
        message: message.into(),
    }
}

/// Whether a licence permits what is asked, now.
///
/// The first clause that forbids is named, in this order: assignee, dataset,
/// state, unknown clauses, term, access, revisions, personal data, cap.
///
/// # Errors
/// A [`Denial`] that names the clause.
pub fn permits(
    licence: &SignedLicence,
    state: &LicenceState,
    ask: &Ask,
    now: DateTime<Utc>,
) -> Result<Permit, Denial> {
    let doc = &licence.doc;
    if ask.party != doc.assignee {
        return Err(deny(
            DeniedBy::Assignee,
            "this licence belongs to somebody else",
        ));
    }
    if ask.dataset != doc.dataset {
        return Err(deny(
            DeniedBy::Dataset,
            "this licence is for another dataset",
        ));
    }
    let downloads = check_state(state)?;
    if let Some(name) = doc.terms.unknown.keys().next() {
        return Err(deny(
            DeniedBy::UnknownClause,
            format!("the terms have a clause {name:?} that this node cannot enforce"),
        ));
    }
    check_term(doc, now)?;
    if !doc.terms.access.contains(&ask.access) {
        return Err(deny(
            DeniedBy::Access,
            format!("the licence does not include {}", ask.access),
        ));
    }
    check_revision(doc, ask)?;
    let covered = doc.terms.personal_class();
    if ask.personal_data > covered {
        return Err(deny(
            DeniedBy::PersonalData,
            format!(
                "this revision holds {} data and the licence covers {covered}: buy one under the \
                 current terms, or ask for an earlier revision",
                ask.personal_data
            ),
        ));
    }
    let counts = !ask.counted_before;
    if counts && doc.terms.download_cap.is_some_and(|cap| downloads >= cap) {
        return Err(deny(
            DeniedBy::DownloadCap,
            format!("all {downloads} downloads of this licence have been used: buy another one"),
        ));
    }
    Ok(Permit {
        licence: doc.licence,
        party: ask.party,
        access: ask.access,
        dataset: doc.dataset,
        revision: ask.revision,
        recipient: ask.recipient.clone(),
        at: now,
        counts,
    })
}

/// The number of downloads used, when the licence is alive.
fn check_state(state: &LicenceState) -> Result<u32, Denial> {
    match state {
        LicenceState::Active { downloads } => Ok(*downloads),
        LicenceState::Expired { at, .. } => Err(deny(
            DeniedBy::Expired,
            format!("the licence expired on {}", Instant(*at)),
        )),
        LicenceState::Revoked { at, reason, .. } => Err(deny(
            DeniedBy::Revoked,
            format!("the licence was revoked on {}: {reason}", Instant(*at)),
        )),
        LicenceState::Replaced { at, by, .. } => Err(deny(
            DeniedBy::Replaced,
            format!(
                "the licence was replaced on {} by licence {by}",
                Instant(*at)
            ),
        )),
    }
}

fn check_term(doc: &LicenceDoc, now: DateTime<Utc>) -> Result<(), Denial> {
    if now < doc.valid_from {
        return Err(deny(
            DeniedBy::NotYetValid,
            format!("the licence begins on {}", Instant(doc.valid_from)),
        ));
    }
    match doc.valid_until {
        Some(until) if now >= until => Err(deny(
            DeniedBy::Expired,
            format!("the licence ended on {}: buy a new one", Instant(until)),
        )),
        _ => Ok(()),
    }
}

fn check_revision(doc: &LicenceDoc, ask: &Ask) -> Result<(), Denial> {
    if ask.revision == doc.revision {
        return Ok(());
    }
    match doc.terms.revisions {
        Revisions::Fixed => Err(deny(
            DeniedBy::Revisions,
            format!("the licence covers revision {} only", doc.revision_number),
        )),
        Revisions::AllDuringTerm => {
            let published = ask.revision_published_at;
            let in_term = published >= doc.granted_at
                && doc.valid_until.is_none_or(|until| published < until);
            if in_term {
                Ok(())
            } else {
                Err(deny(
                    DeniedBy::Revisions,
                    format!(
                        "the licence covers revision {} and those published during its term",
                        doc.revision_number
                    ),
                ))
            }
        }
    }
}

struct Instant(DateTime<Utc>);

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Secs, true))
    }
}

#[cfg(test)]
mod tests;
