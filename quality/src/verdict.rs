//! Passed or failed: what a pipeline asks.
//!
//! A check names what must not be found, and how much of it is tolerated:
//!
//! | check | fails when |
//! |---|---|
//! | `columns` | a column has another type in the file than declared |
//! | `invalid` | a cell breaks the rules of its column |
//! | `invalid(price) > 0.1%` | more than 0.1 % of the cells of that column do |
//! | `missing > 5%` | more than 5 % of the cells of non-optional columns are missing |
//! | `duplicates > 10` | more than ten rows repeat an earlier one |
//! | `near` | a row nearly repeats another one |
//! | `keys` | a declared key is not unique |
//! | `consistency` | a rule between columns is broken |
//! | `stale` | the newest row is older than the declared period |
//! | `drift` | a column shifted, was dropped or has another type since the earlier table |
//! | `gates` | something keeps the table from being published |
//!
//! ```
//! use quality::verdict::Check;
//! let check: Check = "missing(age) > 2.5 %".parse()?;
//! assert_eq!(check.to_string(), "missing(age) > 2.5%");
//! # Ok::<(), String>(())
//! ```

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::report::Report;
use crate::score::Dimension;

/// The checks of a rule file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checks {
    /// Least score, 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_score: Option<u32>,
    /// What must not be found. Absent: what rules can break, see [`Checks::of_rules`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail_on: Option<Vec<Check>>,
}

/// One thing that must not be found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Check {
    what: What,
    column: Option<String>,
    most: Most,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Columns,
    Invalid,
    Missing,
    Duplicates,
    Near,
    Keys,
    Consistency,
    Stale,
    Drift,
    Gates,
}

const WORDS: [(&str, What); 10] = [
    ("columns", What::Columns),
    ("invalid", What::Invalid),
    ("missing", What::Missing),
    ("duplicates", What::Duplicates),
    ("near", What::Near),
    ("keys", What::Keys),
    ("consistency", What::Consistency),
    ("stale", What::Stale),
    ("drift", What::Drift),
    ("gates", What::Gates),
];

/// What is tolerated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Most {
    Count(u64),
    Ppm(u32),
}

impl Checks {
    /// What fails a table when rules are declared but no checks: broken rules.
    pub fn of_rules() -> Vec<Check> {
        [
            What::Columns,
            What::Invalid,
            What::Missing,
            What::Keys,
            What::Consistency,
        ]
        .map(|what| Check {
            what,
            column: None,
            most: Most::Count(0),
        })
        .to_vec()
    }

    /// The same for a table of a format that has no types but text.
    #[must_use]
    pub fn without_columns(mut self) -> Self {
        if let Some(checks) = &mut self.fail_on {
            checks.retain(|check| check.what != What::Columns);
        }
        self
    }

    /// What failed, one sentence each; nothing when the table passed.
    pub fn failures(&self, report: &Report) -> Vec<String> {
        let least = self
            .min_score
            .filter(|least| report.q_hundredths < least * 100);
        let score = least.map(|least| {
            let q = report.q_hundredths;
            format!("the score is {}.{:02}, below {least}", q / 100, q % 100)
        });
        let checks = self.fail_on.iter().flatten();
        score
            .into_iter()
            .chain(checks.filter_map(|check| check.failure(report)))
            .collect()
    }
}

impl Check {
    /// Why this check fails, if it does. What was not measured cannot fail, but for a column
    /// that the table does not have.
    pub fn failure(&self, report: &Report) -> Option<String> {
        if self.what == What::Columns {
            return self.retyped(report);
        }
        let (bad, total) = match self.counts(report) {
            Ok(counts) => counts?,
            Err(missing) => return Some(missing),
        };
        let too_many = match self.most {
            Most::Count(most) => bad > most,
            Most::Ppm(most) => u128::from(bad) * 1_000_000 > u128::from(most) * u128::from(total),
        };
        too_many.then(|| {
            let share = bad as f64 * 100.0 / total.max(1) as f64;
            let place = self
                .column
                .as_deref()
                .map_or(String::new(), |c| format!(" in {c:?}"));
            format!("{self}: {bad} of {total}{place} ({share:.3} %)")
        })
    }

    /// Which columns have another type in the file, if they are too many.
    fn retyped(&self, report: &Report) -> Option<String> {
        let columns = report.profile.iter();
        let other = columns.filter_map(|column| {
            let found = column
                .found
                .as_ref()
                .filter(|found| **found != column.kind)?;
            Some(format!(
                "{:?} is {found}, declared {}",
                column.name, column.kind
            ))
        });
        let other: Vec<String> = other.collect();
        let (bad, total) = (other.len() as u128, report.columns);
        let too_many = match self.most {
            Most::Count(most) => bad > u128::from(most),
            Most::Ppm(most) => bad * 1_000_000 > u128::from(most) * u128::from(total),
        };
        too_many.then(|| format!("{self}: {}", other.join(", ")))
    }

    /// Bad ones and all of them.
    fn counts(&self, report: &Report) -> Result<Option<(u64, u64)>, String> {
        if let Some(name) = &self.column {
            let column = report.profile.iter().find(|column| column.name == *name);
            let column = column.ok_or_else(|| format!("{self}: there is no column {name:?}"))?;
            return Ok(Some(match self.what {
                What::Missing => (column.missing, report.rows),
                _ => (
                    column.invalid,
                    report.rows - column.missing.min(report.rows),
                ),
            }));
        }
        let dimension = |wanted| {
            let found = report.dimensions.iter().find(|d| d.name == wanted)?;
            found.bad.zip(found.total)
        };
        Ok(match self.what {
            What::Columns => None,
            What::Invalid => dimension(Dimension::Validity),
            What::Missing => dimension(Dimension::Completeness),
            What::Consistency => dimension(Dimension::Consistency),
            What::Stale => dimension(Dimension::Timeliness),
            What::Duplicates => Some((report.duplicates.exact_rows, report.rows)),
            What::Near => report.duplicates.near_rows.map(|near| (near, report.rows)),
            What::Keys => report
                .duplicates
                .key_repeats
                .map(|keys| (keys, report.rows)),
            What::Drift => crate::drift::drifted(report),
            What::Gates => Some((report.gates.len() as u64, report.gates.len() as u64)),
        })
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = WORDS.iter().find(|(_, what)| *what == self.what);
        f.write_str(word.map_or("", |(word, _)| word))?;
        if let Some(column) = &self.column {
            write!(f, "({column})")?;
        }
        match self.most {
            Most::Count(0) => Ok(()),
            Most::Count(most) => write!(f, " > {most}"),
            Most::Ppm(most) => {
                let digits = format!("{}.{:04}", most / 10_000, most % 10_000);
                let digits = digits.trim_end_matches('0').trim_end_matches('.');
                write!(f, " > {digits}%")
            }
        }
    }
}

impl From<Check> for String {
    fn from(check: Check) -> Self {
        check.to_string()
    }
}

impl TryFrom<String> for Check {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for Check {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = || WORDS.map(|(word, _)| word).join(", ");
        let wrong = || {
            format!(
                "{text:?} is no check; write one of {} and, after >, a count or a percentage",
                known()
            )
        };
        let (subject, most) = match text.rsplit_once('>') {
            Some((subject, most)) => (subject.trim(), limit(most.trim()).ok_or_else(wrong)?),
            None => (text.trim(), Most::Count(0)),
        };
        let (word, column) = match subject.strip_suffix(')').and_then(|s| s.split_once('(')) {
            Some((word, column)) => (word.trim(), Some(column.to_owned())),
            None => (subject, None),
        };
        let found = WORDS.iter().find(|(name, _)| *name == word);
        let what = found.map(|(_, what)| *what).ok_or_else(wrong)?;
        if column.is_some() && !matches!(what, What::Invalid | What::Missing) {
            return Err(format!(
                "{text:?}: only invalid and missing are counted by column"
            ));
        }
        Ok(Self { what, column, most })
    }
}

fn limit(text: &str) -> Option<Most> {
    let Some(share) = text.strip_suffix('%') else {
        return text.parse().ok().map(Most::Count);
    };
    let (whole, fraction) = share.trim().split_once('.').unwrap_or((share.trim(), ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 4 {
        return None;
    }
    let whole: u32 = whole.parse().ok().filter(|whole| *whole <= 100)?;
    let fraction: u32 = format!("{fraction:0<4}").parse().ok()?;
    Some(Most::Ppm(whole * 10_000 + fraction))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_read_back() {
        for text in [
            "invalid",
            "missing(a b) > 5",
            "duplicates > 0.5%",
            "keys > 100%",
        ] {
            let check: Check = text.parse().expect("a check");
            assert_eq!(check.to_string(), text);
        }
        for bad in [
            "",
            "ugly",
            "invalid > x",
            "invalid > 1.23456%",
            "duplicates(a)",
            "missing > 101%",
        ] {
            assert!(bad.parse::<Check>().is_err(), "{bad}");
        }
    }
}
