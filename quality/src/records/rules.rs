//! What a record consists of and how it is compared.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Rules of matching; the `[records]` section of a rules file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Fields that say who or what a record is about, at most 20.
    pub fields: Vec<Field>,
    /// Blocking keys, each one or several `column` or `column:n` (its first n
    /// characters). Without any, keys are chosen by how well fields tell
    /// records apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub block: Vec<Vec<String>>,
    /// Records of the largest block that is compared.
    #[serde(default = "block_limit")]
    pub block_limit: usize,
    /// Probability from which on a pair matches, parts per million.
    #[serde(default = "probability_ppm")]
    pub probability_ppm: u32,
}

fn block_limit() -> usize {
    500
}

fn probability_ppm() -> u32 {
    500_000
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            fields: Vec::new(),
            block: Vec::new(),
            block_limit: block_limit(),
            probability_ppm: probability_ppm(),
        }
    }
}

/// A field of a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Its column.
    pub column: String,
    /// How two values are compared.
    pub compare: Compare,
    /// Another field whose value may stand here by mistake: given name and
    /// surname, first and second line of an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swap: Option<String>,
}

/// How two values of a field are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compare {
    /// Equal or not.
    Exact,
    /// Names and short texts: Jaro–Winkler similarity ≥ .92, ≥ .8.
    Name,
    /// Numbers and identifiers as written: Damerau–Levenshtein distance 1, 2.
    Code,
    /// Dates as written, year first: one slip, day and month exchanged or two
    /// of year, month and day equal.
    Date,
}

/// What is wrong with rules of matching.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RulesError {
    /// Name at least one field, and not more than can be handled.
    #[error("[records] needs 1 to 20 fields, not {0}")]
    Fields(usize),
    /// A column stands there twice.
    #[error("[records] names the field {0:?} twice")]
    Twice(String),
    /// A key or a swap names something else than a field.
    #[error("[records] speaks of {0:?}, which is none of its fields")]
    Unknown(String),
    /// Fewer keys miss too many pairs.
    #[error(
        "[records] needs at least 4 blocking keys, not {0}; leave `block` out to have them chosen"
    )]
    Keys(usize),
}

/// Most fields: the levels of all of them fit into 64 bits.
const MOST_FIELDS: usize = 20;

/// A part of a blocking key: a field, and how many of its characters (0: all).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub field: usize,
    pub chars: usize,
}

impl Rules {
    /// Checks that fields, swaps and keys fit together.
    ///
    /// # Errors
    /// [`RulesError`] naming what does not.
    pub fn check(&self) -> Result<(), RulesError> {
        if self.fields.is_empty() || self.fields.len() > MOST_FIELDS {
            return Err(RulesError::Fields(self.fields.len()));
        }
        for (at, field) in self.fields.iter().enumerate() {
            if self.place(&field.column)? != at {
                return Err(RulesError::Twice(field.column.clone()));
            }
        }
        for other in self.fields.iter().filter_map(|field| field.swap.as_ref()) {
            self.place(other)?;
        }
        let keys = self.keys()?;
        if (1..4).contains(&keys.len()) {
            return Err(RulesError::Keys(keys.len()));
        }
        Ok(())
    }

    /// The declared keys.
    pub(super) fn keys(&self) -> Result<Vec<Vec<Part>>, RulesError> {
        let part = |text: &String| -> Result<Part, RulesError> {
            let (column, chars) = match text.rsplit_once(':') {
                Some((column, digits)) if self.place(text).is_err() => match digits.parse() {
                    Ok(chars) => (column, chars),
                    Err(_) => return Err(RulesError::Unknown(text.clone())),
                },
                _ => (text.as_str(), 0),
            };
            Ok(Part {
                field: self.place(column)?,
                chars,
            })
        };
        let keys = self.block.iter();
        keys.map(|parts| parts.iter().map(part).collect()).collect()
    }

    pub(super) fn place(&self, column: &str) -> Result<usize, RulesError> {
        let mut fields = self.fields.iter();
        let place = fields.position(|field| field.column == column);
        place.ok_or_else(|| RulesError::Unknown(column.to_owned()))
    }
}
