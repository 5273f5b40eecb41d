//! Changes that may lose something: made only where somebody who knows the data allows them, by
//! name, and column by column.
//!
//! | change | what it does |
//! |---|---|
//! | `coerce:COLUMN=FORM` | reads cells written in another way than the rules' types are |
//! | `unit:COLUMN=FROM:TO` | numbers in one unit become numbers in another |
//! | `unit:COLUMN=TO` | texts such as `1200 g` are all in one unit |
//! | `cap:COLUMN` | what lies beyond a bound of its column becomes the bound |
//! | `impute:COLUMN=HOW` | missing cells become the median, the mean, the mode or a value |
//! | `mask:COLUMN=HOW` | texts and dates say less than they did |
//! | `drop:COLUMN` | a column goes |
//! | `exact_duplicates`, `near_duplicates` | rows that repeat an earlier one go |
//!
//! They are made in this order, whatever order they are named in. The column of the label is
//! never changed.
//!
//! ```
//! use quality::approve::Approved;
//!
//! let changes = Approved::list("coerce:price=1.234,5,impute:price=median,drop:note")?;
//! let words: Vec<String> = changes.iter().map(ToString::to_string).collect();
//! assert_eq!(words, ["coerce:price=1.234,5", "impute:price=median", "drop:note"]);
//! # Ok::<(), String>(())
//! ```

mod coerce;
mod edits;
mod fill;
mod mask;
mod units;

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use coerce::{Coerced, Form};
pub use edits::{Edits, Pseudonym, kept_rows};
pub use fill::Fill;
pub use mask::Mask;

use crate::error::AssessError;
use crate::policy::{ColumnRule, ColumnType, Policy};

/// The changes a rule file allows whenever a cleaned table is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cleaning {
    /// Changes, by name.
    pub approve: Vec<Approved>,
}

/// A change that somebody allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Approved {
    /// Cells are read in a form of their own.
    Coerce {
        /// The column.
        column: String,
        /// How its cells are written.
        form: Form,
    },
    /// Another unit.
    Unit {
        /// The column.
        column: String,
        /// The unit of a column of numbers; texts say their own.
        from: Option<String>,
        /// The unit afterwards.
        to: String,
    },
    /// Values beyond the bounds of their column become the bound.
    Cap(String),
    /// Missing cells get a value.
    Impute {
        /// The column.
        column: String,
        /// Which value.
        fill: Fill,
    },
    /// Cells say less.
    Mask {
        /// The column.
        column: String,
        /// What is left.
        mask: Mask,
    },
    /// A column goes.
    Drop(String),
    /// Rows that repeat an earlier row go.
    ExactDuplicates,
    /// Rows that nearly repeat an earlier row go.
    NearDuplicates,
}

/// What was done by an approved change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Stable name of the change.
    pub rule: &'static str,
    /// Its column; none when rows went.
    pub column: Option<String>,
    /// Cells, or rows.
    pub count: u64,
    /// First row numbers in the original, at most 10.
    pub rows: Vec<u64>,
    /// What was put in, or how it was read.
    pub how: Option<String>,
}

const USE: &str = "use coerce:COLUMN=FORM, unit:COLUMN=FROM:TO, cap:COLUMN, impute:COLUMN=HOW, \
                   mask:COLUMN=HOW, drop:COLUMN, exact_duplicates or near_duplicates";

impl Approved {
    /// Reads changes with commas between them; a form or a value may have commas of its own.
    ///
    /// # Errors
    /// A sentence naming what is no change.
    pub fn list(text: &str) -> Result<Vec<Self>, String> {
        let mut parts: Vec<String> = Vec::new();
        for part in text.split(',') {
            match parts.last_mut() {
                Some(last) if !begins_a_change(part) => {
                    last.push(',');
                    last.push_str(part);
                }
                _ => parts.push(part.to_owned()),
            }
        }
        parts.iter().map(|part| part.parse()).collect()
    }

    /// The column it is about.
    pub fn column(&self) -> Option<&str> {
        match self {
            Self::ExactDuplicates | Self::NearDuplicates => None,
            Self::Cap(column) | Self::Drop(column) => Some(column),
            Self::Coerce { column, .. }
            | Self::Unit { column, .. }
            | Self::Impute { column, .. }
            | Self::Mask { column, .. } => Some(column),
        }
    }

    /// The part of its name before the column.
    fn rule(&self) -> &'static str {
        match self {
            Self::Coerce { .. } => "coerce",
            Self::Unit { .. } => "unit",
            Self::Cap(_) => "cap",
            Self::Impute { .. } => "impute",
            Self::Mask { .. } => "mask",
            Self::Drop(_) => "drop",
            Self::ExactDuplicates => "exact_duplicates",
            Self::NearDuplicates => "near_duplicates",
        }
    }

    fn fault(&self, why: &str) -> AssessError {
        AssessError::Policy(format!("{self}: {why}"))
    }

    /// The rule of its column, for changes that need one.
    fn declared<'p>(&self, policy: &'p Policy) -> Result<&'p ColumnRule, AssessError> {
        let mut rules = policy.columns.iter();
        let found = rules.find(|rule| Some(rule.name.as_str()) == self.column());
        found.ok_or_else(|| self.fault("the rules do not declare this column"))
    }
}

fn begins_a_change(text: &str) -> bool {
    const WORDS: [&str; 6] = ["coerce", "unit", "cap", "impute", "mask", "drop"];
    let text = text.trim();
    let word = text.split_once(':').map(|(word, _)| word);
    ["exact_duplicates", "near_duplicates"].contains(&text)
        || word.is_some_and(|word| WORDS.contains(&word))
}

impl FromStr for Approved {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        match text {
            "exact_duplicates" => return Ok(Self::ExactDuplicates),
            "near_duplicates" => return Ok(Self::NearDuplicates),
            _ => {}
        }
        let no_change = || format!("{text:?} is no change that can be approved; {USE}");
        let (word, subject) = text.split_once(':').ok_or_else(no_change)?;
        let how = || {
            let parts = subject.split_once('=').filter(|(_, how)| !how.is_empty());
            parts.map(|(column, how)| (column.to_owned(), how))
        };
        let needs = |what: &str| format!("{text:?} does not say how; {what}");
        Ok(match word {
            "cap" => Self::Cap(subject.to_owned()),
            "drop" => Self::Drop(subject.to_owned()),
            "coerce" => {
                let (column, form) = how().ok_or_else(|| needs(coerce::USE))?;
                let form = form.parse()?;
                Self::Coerce { column, form }
            }
            "unit" => {
                let (column, unit) = how().ok_or_else(|| needs(units::USE))?;
                let (from, to) = units::names(unit)?;
                Self::Unit { column, from, to }
            }
            "impute" => {
                let (column, fill) = how().ok_or_else(|| needs(fill::USE))?;
                let fill = Fill::read(fill);
                Self::Impute { column, fill }
            }
            "mask" => {
                let (column, mask) = how().ok_or_else(|| needs(mask::USE))?;
                let mask = mask.parse()?;
                Self::Mask { column, mask }
            }
            _ => return Err(no_change()),
        })
    }
}

impl fmt::Display for Approved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.rule())?;
        if let Some(column) = self.column() {
            write!(f, ":{column}")?;
        }
        match self {
            Self::Coerce { form, .. } => write!(f, "={form}"),
            Self::Unit { from, to, .. } => match from {
                Some(from) => write!(f, "={from}:{to}"),
                None => write!(f, "={to}"),
            },
            Self::Impute { fill, .. } => write!(f, "={fill}"),
            Self::Mask { mask, .. } => write!(f, "={mask}"),
            _ => Ok(()),
        }
    }
}

impl From<Approved> for String {
    fn from(change: Approved) -> Self {
        change.to_string()
    }
}

impl TryFrom<String> for Approved {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// Refuses changes that cannot be made under these rules, and those of the label.
///
/// # Errors
/// [`AssessError::Policy`] naming the change and why.
pub fn check(changes: &[Approved], policy: &Policy) -> Result<(), AssessError> {
    for (place, change) in changes.iter().enumerate() {
        let same =
            |other: &Approved| other.rule() == change.rule() && other.column() == change.column();
        if changes.iter().skip(place + 1).any(same) {
            return Err(change.fault("it is named twice"));
        }
        let Some(column) = change.column() else {
            if *change == Approved::NearDuplicates {
                near(change, changes, policy)?;
            }
            continue;
        };
        if policy.label.as_deref() == Some(column) {
            return Err(change.fault("labels are never changed"));
        }
        if policy.is_declared() {
            allowed(change, change.declared(policy)?)?;
        } else if matches!(change, Approved::Coerce { .. } | Approved::Cap(_)) {
            return Err(change.fault("it needs rules that declare the column"));
        }
    }
    Ok(())
}

fn near(change: &Approved, changes: &[Approved], policy: &Policy) -> Result<(), AssessError> {
    if policy.near.is_none() {
        return Err(change.fault("the rules do not say what near duplicates are; add [near]"));
    }
    // A row may be equal to one that goes because it is nearly equal to a third.
    match changes.contains(&Approved::ExactDuplicates) {
        true => Ok(()),
        false => {
            Err(change.fault("approve exact_duplicates, too: equal rows are as near as can be"))
        }
    }
}

/// Does the change fit the declared column?
fn allowed(change: &Approved, rule: &ColumnRule) -> Result<(), AssessError> {
    match change {
        Approved::Coerce { form, .. } => match form.fits(rule.kind) {
            true => Ok(()),
            false => Err(change.fault(&format!("{} is no form of {}", form, rule.kind))),
        },
        Approved::Unit { from, to, .. } => {
            if from.is_some() && rule.unit.as_ref().is_some_and(|unit| unit != to) {
                let unit = rule.unit.as_deref().unwrap_or_default();
                return Err(change.fault(&format!("the rules say the unit is {unit}")));
            }
            units::fits(rule.kind, from.is_some()).map_err(|why| change.fault(why))
        }
        Approved::Cap(_) if rule.min.is_none() && rule.max.is_none() => {
            Err(change.fault("the rules give it neither min nor max"))
        }
        Approved::Cap(_) if matches!(rule.kind, ColumnType::String | ColumnType::Binary) => {
            Err(change.fault("only numbers, dates and times can be capped"))
        }
        _ => Ok(()),
    }
}
