//! The report: what was found, counted exactly, without any cell value.

mod build;
mod chart;
mod export;
mod html;
mod markdown;
mod render;

use serde::{Deserialize, Serialize};

pub use crate::analysis::{Figure, Gate, Section};
use crate::assess::Preview;
use crate::error::AssessError;
use crate::policy::Policy;
use crate::profile::Lengths;
pub use crate::score::Dimension;
pub(crate) use build::{Measured, build};
pub use chart::chart_svg;

/// Version of the report's shape.
pub const SCHEMA: &str = "granary-quality/1";

/// Result of an assessment. Integers only; row numbers start at 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    /// The moment timeliness was measured at, RFC 3339.
    pub as_of: String,
    /// `exact`: every row was read. (`sampled` would carry an interval.)
    pub exactness: String,
    /// Number of rows.
    pub rows: u64,
    /// Number of columns.
    pub columns: u64,
    /// The score, hundredths, 0..=10000.
    pub q_hundredths: u32,
    /// Grade letter, see [`crate::grade`].
    pub grade: String,
    /// All six dimensions, measured or not.
    pub dimensions: Vec<DimensionScore>,
    /// Where points were lost, most first.
    pub losses: Vec<Loss>,
    /// Rows that repeat.
    pub duplicates: Duplicates,
    /// What automatic cleaning changed.
    pub cleaning: Vec<CleaningLine>,
    /// Counts per column, in contract order.
    pub profile: Vec<ColumnProfile>,
    /// What keeps the table from being published, whatever its score.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<Gate>,
    /// Subjects with a table of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sections: Vec<Section>,
    /// What this report says nothing about.
    pub not_measured: Vec<String>,
    /// The rules it was measured by; absent when nothing was declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Policy>,
    /// The file that was measured, when whoever measured it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Input>,
}

/// Which file a report is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// `parquet`, `csv` or `arrow`.
    pub format: String,
    /// Encoding of a file of text: `UTF-8`, and where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256 of the file, lower-case hex.
    pub sha256: String,
}

/// One dimension of quality.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DimensionScore {
    /// Which one.
    pub name: Dimension,
    /// Where ISO/IEC 25012 has it.
    pub iso_25012: String,
    /// Where GB/T 36344 has it.
    pub gb_t_36344: String,
    /// Weight before leaving out what is not applicable, percent.
    pub weight_percent: u32,
    /// Was it measured? If not, it has no part in the score.
    pub applicable: bool,
    /// Its s, parts per million.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score_ppm: Option<u32>,
    /// Bad cells, rows or items.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bad: Option<u64>,
    /// Out of so many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// Hundredths of points lost here.
    pub lost_hundredths: u32,
    /// Scope or reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// One line of explanation: a rule, broken in a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// Dimension the points are lost to.
    pub dimension: Dimension,
    /// Column, when the rule is one of a column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// The rule.
    pub rule: String,
    /// How often it is broken.
    pub count: u64,
    /// Share of the cells, rows or items it applies to, parts per million.
    pub share_ppm: u32,
    /// Hundredths of points lost by it.
    pub lost_hundredths: u32,
    /// The score if this alone were put right, hundredths.
    pub q_if_fixed_hundredths: u32,
    /// First row numbers, at most 10.
    pub rows: Vec<u64>,
}

/// Rows that repeat an earlier row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duplicates {
    /// Rows minus distinct rows, after cleaning, without surrogate columns.
    pub exact_rows: u64,
    /// Distinct rows.
    pub distinct_rows: u64,
    /// Rows minus distinct keys, when a key is declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_repeats: Option<u64>,
    /// First row numbers of repeats, at most 10.
    pub rows: Vec<u64>,
    /// Rows that nearly repeat another one, when they were looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub near_rows: Option<u64>,
    /// `exact only`: near duplicates were not looked for; else how they were.
    pub scope: String,
}

/// One rule of automatic cleaning at work in a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CleaningLine {
    /// The rule.
    pub rule: String,
    /// The column.
    pub column: String,
    /// Cells changed.
    pub count: u64,
    /// First row numbers, at most 10.
    pub rows: Vec<u64>,
}

/// Counts of one column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnProfile {
    /// Name.
    pub name: String,
    /// Declared (else inferred) type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Type in the file; absent when the file lacks the column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// May cells be missing?
    pub optional: bool,
    /// Left out of row fingerprints?
    pub surrogate: bool,
    /// Cells without value, of any of the four kinds that follow.
    pub missing: u64,
    /// Missing cells, parts per million of the rows.
    pub missing_ppm: u32,
    /// Nulls.
    pub nulls: u64,
    /// Not-a-number values.
    pub nans: u64,
    /// Texts that mean null.
    pub null_tokens: u64,
    /// Empty texts or only white space.
    pub blanks: u64,
    /// Cells whose value breaks a rule.
    pub invalid: u64,
    /// Distinct values.
    pub distinct: u64,
    /// Is `distinct` exact (below 4,096) or an estimate (± 2 %)?
    pub distinct_exact: bool,
    /// Lengths of texts in characters, of binary values in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lengths: Option<Lengths>,
}

impl Report {
    /// RFC 8785 canonical JSON: the bytes to hash, sign and store.
    ///
    /// # Errors
    /// [`AssessError::Internal`] if a value could not be written.
    pub fn to_canonical_json(&self) -> Result<Vec<u8>, AssessError> {
        serde_json_canonicalizer::to_vec(self).map_err(|e| AssessError::Internal(e.to_string()))
    }

    /// Reads a stored report.
    ///
    /// # Errors
    /// [`AssessError::Unreadable`] when it is not one of this version.
    pub fn from_json(json: &[u8]) -> Result<Self, AssessError> {
        let report: Self =
            serde_json::from_slice(json).map_err(|e| AssessError::Unreadable(e.to_string()))?;
        match report.schema == SCHEMA {
            true => Ok(report),
            false => Err(AssessError::Unreadable(format!(
                "schema {:?} is not {SCHEMA:?}",
                report.schema
            ))),
        }
    }

    /// Plain text for a terminal.
    pub fn render_text(&self) -> String {
        render::text(self)
    }

    /// A page that needs nothing else: pictures, each with its table. With `values` it shows
    /// extremes and frequent values, which reveal cells.
    pub fn to_html(&self, title: &str, values: Option<&Preview>) -> String {
        html::page(self, title, values)
    }

    /// Markdown, for reviews and wikis.
    pub fn to_markdown(&self, title: &str) -> String {
        markdown::page(self, title)
    }

    /// The W3C Data Quality Vocabulary as JSON-LD: one measurement per dimension, and the score.
    pub fn to_dqv(&self, name: &str) -> serde_json::Value {
        export::dqv(self, name)
    }

    /// The fields of a Croissant record set, with the measurements as its quality.
    pub fn to_croissant(&self, name: &str) -> serde_json::Value {
        export::croissant(self, name)
    }
}

/// Hundredths as `89.66`.
fn hundredths(value: u32) -> String {
    format!("{}.{:02}", value / 100, value % 100)
}

/// Parts per million as a percentage with two digits, `12.34`.
fn percent(ppm: u32) -> String {
    hundredths((ppm + 50) / 100)
}
