//! Labels that people gave to items, and what can be made of them.
//!
//! Annotations are a sidecar table beside the data: one [`Annotation`] per row, with item,
//! annotator, label and time. The table comes from a file of its own or from the JSON that
//! Label Studio exports ([`studio`]); nothing here changes the data that was labelled.
//!
//! | question | call | you get |
//! |---|---|---|
//! | do the annotators agree? | [`agree::alpha`], [`agree::cohen`], [`agree::fleiss`] | a coefficient, 1 = perfectly, 0 = as by chance |
//! | what is the right label? | [`consensus::dawid_skene`] | a label with its probability, and how every annotator errs |
//! | what did each annotator contribute? | [`consensus::Consensus::weights`] | integer weights, ready to be frozen into shares |
//!
//! ```
//! use quality::labels::{Annotation, Answers, Scale, agree};
//!
//! let said = |item: &str, who: &str, label: &str| Annotation::choice(item, who, "species", label);
//! let table = [
//!     said("photo-1", "ada", "rye"), said("photo-1", "ben", "rye"),
//!     said("photo-2", "ada", "oat"), said("photo-2", "ben", "oat"),
//!     said("photo-3", "ada", "oat"), said("photo-3", "ben", "rye"),
//! ];
//! let answers = Answers::new(&table, "species", None)?;
//! let alpha = agree::alpha(&answers, Scale::Nominal)?.unwrap_or(0.0);
//! assert!((alpha - 0.444_444).abs() < 1e-6);
//! # Ok::<(), quality::labels::LabelError>(())
//! ```

pub mod agree;
mod answers;
pub mod consensus;
pub mod studio;
pub mod table;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use answers::{Answer, Answers, Unit};

/// One label that somebody gave to an item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Annotation {
    /// What was labelled: the number or key of a row, a file, a task.
    pub item: String,
    /// Who labelled it.
    pub annotator: String,
    /// What was asked, where a table holds answers to several questions.
    pub question: String,
    /// What sort of answer it is.
    pub kind: Kind,
    /// The answer; empty for somebody who looked and marked nothing.
    pub label: String,
    /// First character and the one after the last, for a marked passage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<DateTime<Utc>>,
}

/// A marked passage in characters, from 0; `end` is the first that is not marked any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// First character.
    pub start: u64,
    /// Character after the last.
    pub end: u64,
}

/// Sorts of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// One or several of given answers.
    Choice,
    /// A mark out of so many.
    Rating,
    /// A number.
    Number,
    /// A passage of a text that was given a label.
    Span,
}

impl Kind {
    /// The name in a table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Choice => "choice",
            Self::Rating => "rating",
            Self::Number => "number",
            Self::Span => "span",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let all = [Self::Choice, Self::Rating, Self::Number, Self::Span];
        all.into_iter().find(|kind| kind.name() == name)
    }

    /// How answers of this kind are compared when nothing else is asked for.
    #[must_use]
    pub fn scale(self) -> Scale {
        match self {
            Self::Choice | Self::Span => Scale::Nominal,
            Self::Rating => Scale::Ordinal,
            Self::Number => Scale::Interval,
        }
    }
}

/// What differences between two labels mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// Equal or not.
    Nominal,
    /// In order, with steps of unknown size.
    Ordinal,
    /// Numbers, compared by difference.
    Interval,
    /// Numbers with a zero, compared by proportion.
    Ratio,
}

impl Annotation {
    /// A choice without time.
    pub fn choice(
        item: impl Into<String>,
        annotator: impl Into<String>,
        question: impl Into<String>,
        label: impl Into<String>,
    ) -> Self {
        Self {
            item: item.into(),
            annotator: annotator.into(),
            question: question.into(),
            kind: Kind::Choice,
            label: label.into(),
            span: None,
            time: None,
        }
    }
}

/// The questions of a table, in alphabetical order, with the kind of their answers.
#[must_use]
pub fn questions(table: &[Annotation]) -> Vec<(String, Kind)> {
    let mut found = std::collections::BTreeMap::new();
    for row in table {
        found.entry(row.question.clone()).or_insert(row.kind);
    }
    found.into_iter().collect()
}

/// Why labels cannot be read or compared.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum LabelError {
    /// Not the JSON that was expected.
    #[error("not Label Studio's JSON: {0}")]
    NotStudio(String),
    /// A table lacks a column, or a cell cannot be read.
    #[error("not a table of annotations: {0}")]
    NotTable(String),
    /// Nobody answered this question.
    #[error("there is no answer to {0:?} in this table")]
    NoAnswers(String),
    /// Spans and other answers to one question, or numbers that are none.
    #[error("answers to {question:?} cannot be compared: {reason}")]
    Mixed {
        /// The question.
        question: String,
        /// What does not fit.
        reason: String,
    },
    /// The coefficient is not defined for answers like these.
    #[error("{0}")]
    NotDefined(String),
}
