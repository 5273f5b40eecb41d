//! One pass over one column: cleaning, checks, counts, normal forms.

mod binary;
mod distinct;
mod scalar;
mod shape;
mod text;
mod values;

use arrow::array::ArrayRef;
use arrow::error::ArrowError;
use serde::Serialize;

use crate::dedup::{CellKey, KeySet};
use crate::error::AssessError;
use crate::policy::{ColumnRule, ColumnType, Policy};
pub use values::{ColumnPreview, Frequent, Histogram};

/// Row numbers named per finding.
pub(crate) const SAMPLES: usize = 10;

/// How often something was found and where first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Finding {
    pub count: u64,
    pub rows: Vec<u64>,
}

impl Finding {
    #[inline]
    pub fn note(&mut self, row: u64) {
        self.count += 1;
        if self.rows.len() < SAMPLES {
            self.rows.push(row);
        }
    }
}

/// Findings of a fixed list of rules.
macro_rules! findings {
    ($(#[$doc:meta])* $name:ident { $($field:ident => $label:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default)]
        pub(crate) struct $name { $(pub $field: Finding),+ }

        impl $name {
            /// Every rule with its name, in fixed order.
            pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Finding)> {
                [$(($label, &self.$field)),+].into_iter()
            }
        }
    };
}

findings!(
    /// Cells without a value.
    Missing {
        null => "null",
        nan => "nan",
        token => "null_token",
        blank => "blank",
    }
);
findings!(
    /// Cells with a value that breaks a rule; each counts under the first rule
    /// it breaks.
    Invalid {
        kind => "type",
        range => "range",
        pattern => "pattern",
        domain => "domain",
    }
);
findings!(
    /// What cleaning did.
    Cleaned {
        trim => "trim",
        nfc => "nfc",
        control => "control_characters",
        token => "null_token_to_null",
        blank => "blank_to_null",
        coerced => "coerced_to_declared_type",
        unfit => "unreadable_to_null",
    }
);

/// Everything counted about the cells of one column.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    pub missing: Missing,
    pub invalid: Invalid,
    pub cleaned: Cleaned,
}

/// Lengths of texts in characters, of binary values in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Lengths {
    /// Shortest value.
    pub min: u64,
    /// Longest value.
    pub max: u64,
    /// Average, hundredths.
    pub mean_hundredths: u64,
}

#[derive(Default)]
pub(crate) struct LengthCounter {
    lengths: Option<(u64, u64)>,
    sum: u64,
    values: u64,
}

impl LengthCounter {
    #[inline]
    pub fn add(&mut self, length: u64) {
        let (min, max) = self.lengths.unwrap_or((length, length));
        self.lengths = Some((min.min(length), max.max(length)));
        self.sum = self.sum.saturating_add(length);
        self.values += 1;
    }

    pub fn finish(&self) -> Option<Lengths> {
        self.lengths.map(|(min, max)| Lengths {
            min,
            max,
            mean_hundredths: (u128::from(self.sum) * 100 / u128::from(self.values)) as u64,
        })
    }
}

/// Sum over all rules.
pub(crate) fn total<'a>(findings: impl Iterator<Item = (&'static str, &'a Finding)>) -> u64 {
    findings.map(|(_, finding)| finding.count).sum()
}

/// What a pass over a batch of one column yields, row by row.
pub(crate) struct Batch {
    /// Normal forms of the cleaned cells.
    pub keys: Vec<CellKey>,
    /// Is the cell present and valid?
    pub good: Vec<bool>,
    /// The cleaned cells in the declared type; where the run keeps no cleaned table, missing
    /// cells may still have the value that stands for nothing.
    pub cleaned: ArrayRef,
}

/// The running pass over one column.
pub(crate) trait Column: Send {
    /// Takes the next batch, whose first row has this number in the file.
    fn scan(&mut self, cells: &ArrayRef, first_row: u64) -> Result<Batch, ArrowError>;
    fn facts(&self) -> &Facts;
    /// Number of distinct present values, and whether it is exact.
    fn distinct(&self) -> (u64, bool);
    fn lengths(&self) -> Option<Lengths> {
        None
    }
    /// Newest instant not after `as_of`, microseconds since 1970.
    fn newest(&self) -> Option<i64> {
        None
    }
    fn preview(&self) -> ColumnPreview;
}

/// Settings of a run that columns need.
#[derive(Clone, Copy)]
pub(crate) struct Settings {
    /// Microseconds since 1970.
    pub as_of: i64,
    /// Keep labels of frequent values for the preview?
    pub labels: bool,
    /// Is there somebody who takes the cleaned table?
    pub cleaned: bool,
    /// Does the format know nothing but text, so that reading a number is no coercion?
    pub text: bool,
}

/// Starts the pass over one column.
pub(crate) fn start(
    rule: &ColumnRule,
    policy: &Policy,
    settings: Settings,
) -> Result<Box<dyn Column>, AssessError> {
    use crate::clean::{Clock, Day, Dec, Instant};
    use scalar::ScalarColumn;
    Ok(match rule.kind {
        ColumnType::Bool => Box::new(ScalarColumn::<bool>::new(rule, policy, settings)?),
        ColumnType::Int64 => Box::new(ScalarColumn::<i64>::new(rule, policy, settings)?),
        ColumnType::UInt64 => Box::new(ScalarColumn::<u64>::new(rule, policy, settings)?),
        ColumnType::Float64 => Box::new(ScalarColumn::<f64>::new(rule, policy, settings)?),
        ColumnType::Decimal { .. } => Box::new(ScalarColumn::<Dec>::new(rule, policy, settings)?),
        ColumnType::Date => Box::new(ScalarColumn::<Day>::new(rule, policy, settings)?),
        ColumnType::Time => Box::new(ScalarColumn::<Clock>::new(rule, policy, settings)?),
        ColumnType::Timestamp => Box::new(ScalarColumn::<Instant>::new(rule, policy, settings)?),
        ColumnType::String => Box::new(text::TextColumn::new(rule, policy, settings)?),
        ColumnType::Binary => Box::new(binary::BinaryColumn::new(rule)?),
    })
}

/// Normal forms of the declared domain.
fn domain_keys(
    rule: &ColumnRule,
    key: impl Fn(&serde_json::Value) -> Option<CellKey>,
) -> Result<Option<KeySet>, AssessError> {
    let Some(domain) = &rule.domain else {
        return Ok(None);
    };
    let keys = domain.iter().map(|value| {
        key(value).ok_or_else(|| rule.fault(&format!("domain value {value} is no {}", rule.kind)))
    });
    keys.collect::<Result<_, _>>().map(Some)
}

/// A declared value as text, the way a cell would carry it.
fn declared_text(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
