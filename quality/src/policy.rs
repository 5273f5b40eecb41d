//! The rules a table is judged by: its column contract and null tokens.
//!
//! The same JSON shape serves as a dataset's contract; a rules file for
//! `granary assess` is the same thing in TOML.
//!
//! ```
//! let policy = quality::Policy::from_toml(r#"
//!     license = "CC0-1.0"
//!     key = ["id"]
//!     [[columns]]
//!     name = "id"
//!     type = "int64"
//!     min = 1
//!     [[columns]]
//!     name = "species"
//!     type = "string"
//!     domain = ["setosa", "versicolor", "virginica"]
//! "#)?;
//! assert_eq!(policy.columns.len(), 2);
//! # Ok::<(), quality::AssessError>(())
//! ```

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::approve::{self, Cleaning};
use crate::consistency::Consistency;
use crate::error::AssessError;
use crate::near::NearRules;
use crate::privacy::PersonalClass;
use crate::records;
use crate::verdict::Checks;

/// Texts that mean "no value" in every column unless the policy lists others.
pub const NULL_TOKENS: [&str; 11] = [
    "NA", "N/A", "n/a", "#N/A", "<NA>", "NULL", "null", "NaN", "nan", "NaT", "\\N",
];

/// Further marks that mean "no value" where they cannot be a value: in
/// columns that are not text (an unparseable cell would be an error instead).
pub const EMPTY_MARKS: [&str; 7] = ["-", "--", "?", ".", "None", "none", "na"];

/// Longest text compared with null tokens, in bytes.
const TOKEN_LIMIT: usize = 64;

/// Columns, keys and provenance a table is measured against.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Columns in contract order. Empty: the file's own columns and types are
    /// taken, nothing is declared and documentation is not measured.
    #[serde(default)]
    pub columns: Vec<ColumnRule>,
    /// Columns that together name a row; empty when rows may repeat.
    #[serde(default)]
    pub key: Vec<String>,
    /// Columns without content (row numbers): not part of a row's fingerprint.
    #[serde(default)]
    pub surrogate: Vec<String>,
    /// Where the data come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// How they were collected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Licence identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// Days after which the newest row is out of date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period_days: Option<u32>,
    /// Null tokens instead of [`NULL_TOKENS`]; a value of a column's domain is
    /// never a null token there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub null_tokens: Option<Vec<String>>,
    /// Column that a learner is to predict from the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Rows that a learner is tried on, and never learns from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out: Option<HeldOut>,
    /// Columns whose values together name a stratum; a crowded stratum weighs less by row.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strata: Vec<String>,
    /// Which rows are near duplicates of each other; not looked for when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub near: Option<NearRules>,
    /// Which records are of the same entity; not looked for when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<records::Rules>,
    /// Columns by which a person could be picked out together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quasi_identifiers: Vec<String>,
    /// How many rows have to agree in all of them; 5 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub k_anonymity: Option<u32>,
    /// Rules between columns.
    #[serde(default, skip_serializing_if = "Consistency::is_empty")]
    pub consistency: Consistency,
    /// When a table passes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checks: Option<Checks>,
    /// Changes that may lose something and are made when a cleaned table is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clean: Option<Cleaning>,
}

/// Rows that are kept apart, by the value of a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldOut {
    /// The column.
    pub column: String,
    /// Its value in rows that are held out: a text, a whole number or a truth value.
    pub value: Value,
}

/// What is declared about one column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnRule {
    /// Column name, exact.
    pub name: String,
    /// Declared type.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// May cells be missing?
    #[serde(default)]
    pub optional: bool,
    /// What the column means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Unit of a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Semantic type, for example a vocabulary term.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub semantic: Option<String>,
    /// Smallest allowed value: a number, or ISO 8601 text for dates and times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Value>,
    /// Largest allowed value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Value>,
    /// Regular expression a text must match somewhere (anchor it with ^ and $).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// The only allowed values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<Vec<Value>>,
    /// The class of personal data in it, as its owner declares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub personal: Option<PersonalClass>,
}

/// Declared type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ColumnType {
    /// true or false
    Bool,
    /// signed integer
    Int64,
    /// unsigned integer
    UInt64,
    /// IEEE 754 double
    Float64,
    /// exact number with `precision` digits, `scale` of them after the point
    Decimal {
        /// digits in all, 1..=38
        precision: u8,
        /// digits after the point, 0..=precision
        scale: u8,
    },
    /// text
    String,
    /// day
    Date,
    /// time of day, nanoseconds
    Time,
    /// instant in UTC, microseconds
    Timestamp,
    /// bytes
    Binary,
}

impl ColumnType {
    /// Does a unit of measurement make sense?
    pub fn is_number(self) -> bool {
        matches!(
            self,
            Self::Int64 | Self::UInt64 | Self::Float64 | Self::Decimal { .. }
        )
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Int64 => f.write_str("int64"),
            Self::UInt64 => f.write_str("uint64"),
            Self::Float64 => f.write_str("float64"),
            Self::Decimal { precision, scale } => write!(f, "decimal({precision},{scale})"),
            Self::String => f.write_str("string"),
            Self::Date => f.write_str("date"),
            Self::Time => f.write_str("time"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::Binary => f.write_str("binary"),
        }
    }
}

impl From<ColumnType> for String {
    fn from(kind: ColumnType) -> Self {
        kind.to_string()
    }
}

impl TryFrom<String> for ColumnType {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for ColumnType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "bool" => Self::Bool,
            "int64" => Self::Int64,
            "uint64" => Self::UInt64,
            "float64" => Self::Float64,
            "string" => Self::String,
            "date" => Self::Date,
            "time" => Self::Time,
            "timestamp" => Self::Timestamp,
            "binary" => Self::Binary,
            _ => return decimal(text).ok_or_else(|| unknown_type(text)),
        })
    }
}

fn decimal(text: &str) -> Option<ColumnType> {
    let (precision, scale) = text
        .strip_prefix("decimal(")?
        .strip_suffix(')')?
        .split_once(',')?;
    let precision: u8 = precision.trim().parse().ok()?;
    let scale: u8 = scale.trim().parse().ok()?;
    ((1..=38).contains(&precision) && scale <= precision)
        .then_some(ColumnType::Decimal { precision, scale })
}

fn unknown_type(text: &str) -> String {
    format!(
        "unknown type {text:?}; use bool, int64, uint64, float64, decimal(p,s), string, date, \
         time, timestamp or binary"
    )
}

impl Policy {
    /// Reads the contract JSON.
    ///
    /// # Errors
    /// [`AssessError::Policy`] naming what is wrong, or what only a rule file may say: a contract
    /// goes to nodes, which have no other files and approve no change.
    pub fn from_json(json: &[u8]) -> Result<Self, AssessError> {
        let policy: Self =
            serde_json::from_slice(json).map_err(|e| AssessError::Policy(e.to_string()))?;
        if policy.clean.is_some() {
            let words = "`clean` belongs into a rule file (TOML), not into a contract";
            return Err(AssessError::Policy(words.to_owned()));
        }
        let mut references = policy.consistency.reference.iter();
        if references.any(|reference| reference.file.is_some()) {
            let words = "a reference to a file belongs into a rule file (TOML), not into a contract: \
                         list the values";
            return Err(AssessError::Policy(words.to_owned()));
        }
        policy.check()?;
        Ok(policy)
    }

    /// Reads a rules file.
    ///
    /// # Errors
    /// [`AssessError::Policy`] naming what is wrong.
    pub fn from_toml(text: &str) -> Result<Self, AssessError> {
        let policy: Self = toml::from_str(text).map_err(|e| AssessError::Policy(e.to_string()))?;
        policy.check()?;
        Ok(policy)
    }

    /// Is anything declared about the columns?
    pub fn is_declared(&self) -> bool {
        !self.columns.is_empty()
    }

    /// Checks names, keys and patterns; bounds and domains are checked against
    /// their types when columns are compiled for a run.
    ///
    /// # Errors
    /// [`AssessError::Policy`] naming the column.
    pub fn check(&self) -> Result<(), AssessError> {
        let mut names = HashSet::new();
        for column in &self.columns {
            if !names.insert(column.name.as_str()) {
                return Err(AssessError::Policy(format!(
                    "column {:?} is declared twice",
                    column.name
                )));
            }
            column.compiled_pattern()?;
            if column.pattern.is_some() && column.kind != ColumnType::String {
                return Err(column.fault("a pattern needs a column of type string"));
            }
        }
        let held_out = self.held_out.as_ref().map(|rows| &rows.column);
        let unknown = self
            .key
            .iter()
            .chain(&self.surrogate)
            .chain(&self.strata)
            .chain(&self.label)
            .chain(held_out)
            .find(|name| self.is_declared() && !names.contains(name.as_str()));
        if let Some(name) = unknown {
            return Err(AssessError::Policy(format!(
                "key, surrogate, strata, label or held_out names {name:?}, which is not a \
                 declared column"
            )));
        }
        if let Some(clean) = &self.clean {
            approve::check(&clean.approve, self)?;
        }
        match &self.held_out {
            Some(_) if self.label.is_none() => Err(AssessError::Policy(
                "held_out keeps rows for trying what was learned: it needs a label".into(),
            )),
            Some(rows) if Some(&rows.column) == self.label.as_ref() => Err(AssessError::Policy(
                "held_out and label name the same column".into(),
            )),
            Some(rows)
                if !(rows.value.is_string() || rows.value.is_i64() || rows.value.is_boolean()) =>
            {
                Err(AssessError::Policy(
                    "the value of held_out is a text, a whole number or a truth value".into(),
                ))
            }
            _ => Ok(()),
        }
    }

    /// Null tokens of one column.
    pub(crate) fn tokens(&self, column: &ColumnRule) -> NullTokens {
        let listed: Vec<&str> = match &self.null_tokens {
            Some(tokens) => tokens.iter().map(String::as_str).collect(),
            None => NULL_TOKENS.to_vec(),
        };
        let marks: &[&str] = match column.kind {
            ColumnType::String | ColumnType::Binary => &[],
            _ => &EMPTY_MARKS,
        };
        let allowed = |token: &&str| {
            let domain = column.domain.iter().flatten();
            !domain.into_iter().any(|v| v.as_str() == Some(token))
        };
        NullTokens::new(
            listed
                .into_iter()
                .chain(marks.iter().copied())
                .filter(allowed)
                .filter(|token| token.len() <= TOKEN_LIMIT)
                .map(str::to_owned)
                .collect(),
        )
    }
}

impl ColumnRule {
    /// A column about which only name and type are known.
    pub fn bare(name: impl Into<String>, kind: ColumnType) -> Self {
        Self {
            name: name.into(),
            kind,
            optional: false,
            description: None,
            unit: None,
            semantic: None,
            min: None,
            max: None,
            pattern: None,
            domain: None,
            personal: None,
        }
    }

    pub(crate) fn compiled_pattern(&self) -> Result<Option<Regex>, AssessError> {
        self.pattern
            .as_deref()
            .map(|pattern| Regex::new(pattern).map_err(|e| self.fault(&e.to_string())))
            .transpose()
    }

    pub(crate) fn fault(&self, what: &str) -> AssessError {
        AssessError::Policy(format!("column {:?}: {what}", self.name))
    }
}

/// The null tokens that hold for one column.
pub(crate) struct NullTokens {
    tokens: Vec<String>,
    /// Bit n: there is a token of n bytes.
    lengths: u128,
}

impl NullTokens {
    fn new(tokens: Vec<String>) -> Self {
        let lengths = tokens.iter().fold(0, |bits, t| bits | 1 << t.len());
        Self { tokens, lengths }
    }

    #[inline]
    pub fn contains(&self, text: &str) -> bool {
        text.len() <= TOKEN_LIMIT
            && self.lengths >> text.len() & 1 == 1
            && self.tokens.iter().any(|token| token == text)
    }
}
