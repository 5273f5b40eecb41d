//! The terms of an offer: one model, in JSON for programs and in plain words
//! for people.
//!
//! Each clause says how far it reaches: some are enforced by the node, some can
//! be traced afterwards, some are a promise of the buyer. The page that shows
//! them must not suggest more.

use std::{collections::BTreeMap, fmt};

use chrono::{DateTime, Days, Utc};
use serde::{Deserialize, Serialize};

use crate::{digest::Sha256, error::Coded, personal::PersonalClass};

/// What a licence on an offer will permit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    /// When the licence is in force.
    pub window: Window,
    /// Which revisions it covers.
    pub revisions: Revisions,
    /// What may be done with the node's help.
    pub access: Vec<Access>,
    /// How many downloads it includes; absent for any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub download_cap: Option<u32>,
    /// What it may be used for; absent for any purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// Whether commercial use is permitted.
    pub commercial_use: bool,
    /// How far models may be trained on it.
    pub model_training: ModelTraining,
    /// What may be passed on.
    pub redistribution: Redistribution,
    /// The attribution the buyer has to give; absent for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribution: Option<String>,
    /// Whether the buyer deletes all copies when the term ends.
    pub delete_after_term: bool,
    /// The gravest class of personal data it covers; absent for none. The node delivers no
    /// revision of a graver class under it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub personal_data: Option<PersonalClass>,
    /// The legal text that governs the rest.
    pub governing_text: GoverningText,
    /// Clauses that this version does not know. They are kept, so that nothing
    /// signed is lost, and every one of them denies.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, serde_json::Value>,
}

/// When a licence is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Window {
    /// Between two moments, whenever it is bought.
    Fixed {
        /// First moment.
        from: DateTime<Utc>,
        /// First moment after it.
        until: DateTime<Utc>,
    },
    /// A number of days from the purchase.
    Duration {
        /// Days of 24 hours.
        days: u32,
    },
    /// From the purchase on, without end.
    Unlimited,
}

/// Which revisions a licence covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Revisions {
    /// The one that is current at the purchase.
    Fixed,
    /// That one and every later one published during the term.
    AllDuringTerm,
}

/// A kind of access that the node gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// The whole file, sealed to the buyer's key.
    Download,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Download => f.write_str("downloading the whole file"),
        }
    }
}

/// How far models may be trained on the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelTraining {
    /// Not at all.
    None,
    /// For the buyer's own use.
    Internal,
    /// Weights may be published.
    PublishWeights,
    /// Outputs of the models may be sold.
    SellOutputs,
}

/// What may be passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Redistribution {
    /// Nothing.
    None,
    /// Results from which the rows cannot be recovered.
    Derived,
    /// The data itself.
    Allowed,
}

/// A legal text, fixed by its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoverningText {
    /// A name with a version, such as `granary-research-1`.
    pub id: String,
    /// SHA-256 of the text in UTF-8.
    pub sha256: Sha256,
}

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// In the smallest unit of the currency (cents for EUR).
    pub minor: i64,
    /// ISO 4217 code.
    pub currency: String,
}

/// How far a clause reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Force {
    /// The node refuses what it forbids.
    Enforced,
    /// A breach can be traced afterwards.
    Traceable,
    /// The buyer promises it.
    Promised,
}

impl fmt::Display for Force {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Enforced => "enforced",
            Self::Traceable => "traceable",
            Self::Promised => "promised",
        })
    }
}

/// A clause in plain words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Clause {
    /// Its name in the JSON form of the terms.
    pub name: String,
    /// What it says.
    pub text: String,
    /// How far it reaches.
    pub force: Force,
}

/// Why terms cannot be offered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TermsError {
    /// A clause this version does not know.
    #[error("the clause {0:?} is not known: remove it, nobody could enforce it")]
    UnknownClause(String),
    /// The term is empty or out of range.
    #[error("the window is empty or too long: give at least one day and at most 36,500")]
    BadWindow,
    /// No access at all.
    #[error("the terms give no access: name at least `download` in `access`, once")]
    BadAccess,
    /// A cap of zero.
    #[error("a download cap of 0 gives nothing: leave it out or give at least 1")]
    BadCap,
    /// A text that is empty or too long.
    #[error("{0} has to have 1 to 500 characters, without control characters")]
    BadText(&'static str),
}

impl Coded for TermsError {
    fn code(&self) -> &'static str {
        match self {
            Self::UnknownClause(_) => "terms_unknown_clause",
            Self::BadWindow => "terms_bad_window",
            Self::BadAccess => "terms_bad_access",
            Self::BadCap => "terms_bad_cap",
            Self::BadText(_) => "terms_bad_text",
        }
    }
}

const MAX_DAYS: u32 = 36_500;
const MAX_TEXT: usize = 500;

impl Terms {
    /// Checks that the terms may be offered.
    ///
    /// # Errors
    /// The first thing found wrong.
    pub fn validate(&self) -> Result<(), TermsError> {
        if let Some(name) = self.unknown.keys().next() {
            return Err(TermsError::UnknownClause(name.clone()));
        }
        match self.window {
            Window::Fixed { from, until } if from >= until => return Err(TermsError::BadWindow),
            Window::Duration { days } if days == 0 || days > MAX_DAYS => {
                return Err(TermsError::BadWindow);
            }
            _ => {}
        }
        if self.access != [Access::Download] {
            return Err(TermsError::BadAccess);
        }
        if self.download_cap == Some(0) {
            return Err(TermsError::BadCap);
        }
        check_text("purpose", self.purpose.as_deref())?;
        check_text("attribution", self.attribution.as_deref())?;
        check_text("governing_text.id", Some(&self.governing_text.id))
    }

    /// The first moment of the term and the first one after it, for a purchase
    /// at this moment.
    pub fn term(&self, bought_at: DateTime<Utc>) -> (DateTime<Utc>, Option<DateTime<Utc>>) {
        match self.window {
            Window::Fixed { from, until } => (from, Some(until)),
            Window::Duration { days } => {
                let until = bought_at.checked_add_days(Days::new(days.into()));
                (bought_at, Some(until.unwrap_or(DateTime::<Utc>::MAX_UTC)))
            }
            Window::Unlimited => (bought_at, None),
        }
    }

    /// The gravest class of personal data they cover.
    pub fn personal_class(&self) -> PersonalClass {
        self.personal_data.unwrap_or(PersonalClass::None)
    }

    /// All clauses in plain words, in a fixed order.
    pub fn clauses(&self) -> Vec<Clause> {
        use Force::{Enforced, Promised, Traceable};
        let mut clauses = vec![
            clause(
                "assignee",
                Enforced,
                "Only the buyer named in the licence may use it.",
            ),
            clause("window", Enforced, window_text(self.window)),
            clause("revisions", Enforced, revisions_text(self.revisions)),
            clause("access", Enforced, access_text(&self.access)),
            clause("download_cap", Enforced, cap_text(self.download_cap)),
            clause(
                "personal_data",
                Enforced,
                personal_text(self.personal_class()),
            ),
            clause("purpose", Promised, purpose_text(self.purpose.as_deref())),
            clause(
                "commercial_use",
                Promised,
                commercial_text(self.commercial_use),
            ),
            clause(
                "model_training",
                Promised,
                training_text(self.model_training),
            ),
            clause(
                "redistribution",
                match self.redistribution {
                    Redistribution::Allowed => Promised,
                    _ => Traceable,
                },
                redistribution_text(self.redistribution),
            ),
            clause(
                "attribution",
                Promised,
                attribution_text(self.attribution.as_deref()),
            ),
            clause(
                "delete_after_term",
                Promised,
                deletion_text(self.delete_after_term),
            ),
            clause(
                "governing_text",
                Promised,
                format!(
                    "The text {} governs, with SHA-256 {}.",
                    self.governing_text.id, self.governing_text.sha256
                ),
            ),
        ];
        clauses.extend(self.unknown.keys().map(|name| {
            clause(
                name,
                Enforced,
                "This node does not know the clause and will deliver nothing under it.",
            )
        }));
        clauses
    }
}

fn check_text(name: &'static str, text: Option<&str>) -> Result<(), TermsError> {
    let ok = |text: &str| {
        let length = text.chars().count();
        (1..=MAX_TEXT).contains(&length) && !text.chars().any(char::is_control)
    };
    match text {
        Some(text) if !ok(text) => Err(TermsError::BadText(name)),
        _ => Ok(()),
    }
}

fn clause(name: &str, force: Force, text: impl Into<String>) -> Clause {
    Clause {
        name: name.to_owned(),
        text: text.into(),
        force,
    }
}

fn window_text(window: Window) -> String {
    match window {
        Window::Fixed { from, until } => format!(
            "In force from {} until {}.",
            from.format("%Y-%m-%d %H:%M UTC"),
            until.format("%Y-%m-%d %H:%M UTC")
        ),
        Window::Duration { days: 1 } => "In force for 1 day from the purchase.".into(),
        Window::Duration { days } => format!("In force for {days} days from the purchase."),
        Window::Unlimited => "In force from the purchase, without end.".into(),
    }
}

fn revisions_text(revisions: Revisions) -> &'static str {
    match revisions {
        Revisions::Fixed => "Covers the revision that is current at the purchase.",
        Revisions::AllDuringTerm => {
            "Covers the revision that is current at the purchase and every later one published \
             during the term."
        }
    }
}

fn access_text(access: &[Access]) -> String {
    let kinds: Vec<String> = access.iter().map(Access::to_string).collect();
    format!("Includes {}.", kinds.join(" and "))
}

fn cap_text(cap: Option<u32>) -> String {
    match cap {
        None => "Any number of downloads.".into(),
        Some(1) => "One download; resuming it does not count again.".into(),
        Some(cap) => format!("At most {cap} downloads; resuming one does not count again."),
    }
}

fn personal_text(class: PersonalClass) -> &'static str {
    match class {
        PersonalClass::None => "Covers data without personal data.",
        PersonalClass::Pseudonymous => {
            "Covers data about persons whose names were replaced by codes: data protection law applies to it."
        }
        PersonalClass::Personal => {
            "Covers data about persons who can be named: data protection law applies to it."
        }
        PersonalClass::Sensitive => {
            "Covers special categories of personal data: data protection law asks for more than a licence."
        }
    }
}

fn purpose_text(purpose: Option<&str>) -> String {
    match purpose {
        None => "For any purpose.".into(),
        Some(purpose) => format!("For this purpose only: {purpose}."),
    }
}

fn commercial_text(commercial: bool) -> &'static str {
    if commercial {
        "Commercial use is permitted."
    } else {
        "No commercial use."
    }
}

fn training_text(training: ModelTraining) -> &'static str {
    match training {
        ModelTraining::None => "No training of models.",
        ModelTraining::Internal => "Models may be trained for the buyer's own use.",
        ModelTraining::PublishWeights => "Models may be trained and their weights published.",
        ModelTraining::SellOutputs => "Models may be trained and their outputs sold.",
    }
}

fn redistribution_text(redistribution: Redistribution) -> &'static str {
    match redistribution {
        Redistribution::None => "Nothing may be passed on.",
        Redistribution::Derived => {
            "Results may be passed on when the rows cannot be recovered from them."
        }
        Redistribution::Allowed => "The data may be passed on under the same terms.",
    }
}

fn attribution_text(attribution: Option<&str>) -> String {
    match attribution {
        None => "No attribution is asked for.".into(),
        Some(attribution) => format!("Name the source wherever it is used: {attribution}."),
    }
}

fn deletion_text(delete: bool) -> &'static str {
    if delete {
        "All copies are deleted when the term ends."
    } else {
        "Copies may be kept when the term ends."
    }
}
