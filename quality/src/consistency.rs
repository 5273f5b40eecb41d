//! Rules between columns, and one way of writing within a column.
//!
//! ```toml
//! [[consistency.depends]]          # rows that agree in `from` agree in `to`
//! from = ["tailnum"]
//! to = "manufacturer"
//!
//! [[consistency.check]]            # a comparison within a row
//! left = ["net", "tax"]            # several columns are added
//! op = "="                         # = != < <= > >=
//! right = "gross"                  # or: value = 0
//! tolerance = 0.005                # in the unit of the columns
//! when = { column = "state", op = "=", value = "paid" }
//!
//! [[consistency.reference]]        # the only values allowed
//! column = "origin"
//! values = ["EWR", "JFK", "LGA"]
//!
//! [[consistency.reference]]        # the only values allowed are those of another file
//! column = "tailnum"
//! file = "planes.parquet"          # beside the rule file
//! named = "tail_number"            # its column; of the same name when left out
//! ```
//!
//! Without any rule a text column still has to be written in one way: one spelling of each
//! category (not `NYC` and `nyc`), one unit, one date format, no text decoded in a wrong encoding.
//! `consistency.free` names columns that need not.
//!
//! The same dimension has rows that are no proper rows of their format: CSV rows with another
//! number of fields than the header, or with bytes that are not UTF-8.
//!
//! A rule does not apply to a row in which a cell it needs is missing: completeness counts that.
//! The dimension is the share of rows that keep all rules; a row that breaks three is one bad row.

mod check;
mod depends;
mod forms;
mod held;
mod reference;
mod spelling;

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

pub use reference::Values;

use crate::analysis::{Analysis, Context, DimensionFound, Found, LineFound, Rows};
use crate::error::AssessError;
use crate::input::Fault;
use crate::policy::{ColumnRule, ColumnType};
use crate::profile::SAMPLES;
use crate::score::Dimension;

/// Name of the analysis.
pub(crate) const NAME: &str = "consistency";

/// Most rules of one kind.
const MOST_RULES: usize = 200;
/// Part of the memory for what is kept of rows until all were seen.
const MEMORY: usize = 4;

/// What is declared between columns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consistency {
    /// Functional dependencies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends: Vec<Depends>,
    /// Comparisons within a row.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub check: Vec<Check>,
    /// Sets of allowed values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reference: Vec<Reference>,
    /// Text columns that may be written in several ways.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub free: Vec<String>,
}

impl Consistency {
    /// Is nothing declared?
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Rows that agree in `from` agree in `to`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Depends {
    /// Determining columns.
    pub from: Vec<String>,
    /// Determined column.
    pub to: String,
}

/// A comparison within a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// One column, or several that are added.
    pub left: Operand,
    /// How both sides compare.
    pub op: Op,
    /// One column, or several that are added; instead of `value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub right: Option<Operand>,
    /// A fixed value; instead of `right`. Days and instants as ISO 8601 text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// By how much a number may miss, in the unit of the columns (days for dates, microseconds
    /// for instants); 0 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerance: Option<Number>,
    /// Rows it applies to; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<When>,
}

/// One column or a sum of columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Operand {
    /// A column of any type.
    Column(String),
    /// Columns of numbers.
    Sum(Vec<String>),
}

/// The rows in which a column compares so with a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// The column.
    pub column: String,
    /// How it compares.
    pub op: Op,
    /// With what.
    pub value: Value,
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Op {
    /// equal
    #[serde(rename = "=")]
    Equal,
    /// not equal
    #[serde(rename = "!=")]
    NotEqual,
    /// less
    #[serde(rename = "<")]
    Less,
    /// less or equal
    #[serde(rename = "<=")]
    LessEqual,
    /// greater
    #[serde(rename = ">")]
    Greater,
    /// greater or equal
    #[serde(rename = ">=")]
    GreaterEqual,
}

impl Op {
    /// As it is written.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
        }
    }
}

/// The only values a column may have: listed, or those of a column of another file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// The column.
    pub column: String,
    /// The values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Value>,
    /// A file with the values, beside the rule file; instead of `values`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The column of that file; of the same name when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub named: Option<String>,
    /// SHA-256 that the file must have, lower-case hex. A report always says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The values of the file, once somebody has read them: see [`Values::read`].
    #[serde(skip)]
    pub known: Option<Values>,
}

/// One rule at work.
trait Rule: Send {
    /// Column the points are lost in, if it is one.
    fn column(&self) -> Option<String>;
    /// The rule in a few words.
    fn name(&self) -> String;
    /// Looks at the next rows.
    fn scan(&mut self, rows: &Rows<'_>);
    /// All rows were shown once.
    fn rows_ended(&mut self) {}
    /// Does it have to see the rows again? Like [`Analysis::needs_second_pass`].
    fn needs_second_pass(&self) -> bool {
        false
    }
    /// Looks at the next rows of a further pass.
    fn scan_again(&mut self, _rows: &Rows<'_>) {}
    /// A further pass has ended.
    fn end_of_pass(&mut self) {}
    /// Rows that break it.
    fn broken(self: Box<Self>) -> Bits;
}

/// A set of row numbers, one bit each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bits(Vec<u64>);

impl Bits {
    fn set(&mut self, row: u64) {
        let word = (row / 64) as usize;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (row % 64);
    }

    fn count(&self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// Row numbers in ascending order.
    fn iter(&self) -> impl Iterator<Item = u64> {
        (0u64..).zip(&self.0).flat_map(|(word, bits)| {
            (0..64)
                .filter(move |bit| bits >> bit & 1 == 1)
                .map(move |bit| word * 64 + bit)
        })
    }

    fn intersection(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a & b).collect())
    }

    fn union(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (word, more) in self.0.iter_mut().zip(&other.0) {
            *word |= more;
        }
    }
}

/// Columns by name, with a clear fault for names that are none.
struct Names<'a>(&'a [ColumnRule]);

impl Names<'_> {
    fn find(&self, name: &str) -> Result<(usize, ColumnType), AssessError> {
        let found = self.0.iter().position(|rule| rule.name == name);
        let found = found.and_then(|place| Some((place, self.0.get(place)?.kind)));
        found.ok_or_else(|| {
            AssessError::Policy(format!(
                "a consistency rule names {name:?}, which is not a column"
            ))
        })
    }

    fn find_all(&self, names: &[String]) -> Result<Vec<usize>, AssessError> {
        let found = names.iter().map(|name| Ok(self.find(name)?.0));
        found.collect()
    }
}

/// The analysis, when there is a rule or a text column.
pub(crate) fn start(context: &Context<'_>) -> Result<Option<Box<dyn Analysis>>, AssessError> {
    let declared = &context.policy.consistency;
    let names = Names(context.rules);
    let kinds = [
        declared.depends.len(),
        declared.check.len(),
        declared.reference.len(),
    ];
    if kinds.iter().any(|count| *count > MOST_RULES) {
        let what = format!("there are at most {MOST_RULES} consistency rules of one kind");
        return Err(AssessError::Policy(what));
    }
    let mut rules: Vec<Box<dyn Rule>> = Vec::new();
    for depends in &declared.depends {
        let memory = context.memory / MEMORY / declared.depends.len();
        rules.push(depends::rule(depends, &names, memory)?);
    }
    for check in &declared.check {
        rules.push(check::rule(check, &names)?);
    }
    for reference in &declared.reference {
        rules.push(reference::rule(reference, &names)?);
    }
    for name in &declared.free {
        names.find(name)?;
    }
    let texts =
        context.rules.iter().enumerate().filter(|(_, rule)| {
            rule.kind == ColumnType::String && !declared.free.contains(&rule.name)
        });
    let budget = held::Budget::new(context.memory / MEMORY);
    for (place, rule) in texts {
        rules.push(spelling::rule(place, &rule.name, &budget));
        rules.push(forms::units(place, &rule.name, &budget));
        rules.push(forms::dates(place, &rule.name, &budget));
        rules.push(forms::encoding(place, &rule.name));
    }
    if rules.is_empty() {
        return Ok(None);
    }
    Ok(Some(Box::new(Run { rules, rows: 0 })))
}

/// Rows that are no proper rows of their format.
struct Heard {
    rule: &'static str,
    broken: Bits,
}

impl Rule for Heard {
    fn column(&self) -> Option<String> {
        None
    }

    fn name(&self) -> String {
        self.rule.to_owned()
    }

    fn scan(&mut self, _rows: &Rows<'_>) {}

    fn broken(self: Box<Self>) -> Bits {
        self.broken
    }
}

/// The analysis of a table without rules whose rows are not all proper ones.
pub(crate) fn of_faults(rows: u64) -> Box<dyn Analysis> {
    Box::new(Run {
        rules: Vec::new(),
        rows,
    })
}

struct Run {
    rules: Vec<Box<dyn Rule>>,
    rows: u64,
}

impl Analysis for Run {
    fn name(&self) -> &'static str {
        NAME
    }

    fn scan(&mut self, rows: &Rows<'_>) {
        use rayon::prelude::*;
        self.rows = rows.first + rows.len as u64;
        self.rules.par_iter_mut().for_each(|rule| rule.scan(rows));
    }

    fn hear(&mut self, faults: &[Fault]) {
        let rules = faults.iter().map(|fault| {
            let mut broken = Bits::default();
            fault
                .rows
                .iter()
                .for_each(|row| broken.set(u64::from(*row)));
            Box::new(Heard {
                rule: fault.rule,
                broken,
            }) as Box<dyn Rule>
        });
        self.rules.extend(rules);
    }

    fn rows_ended(&mut self) {
        self.rules.iter_mut().for_each(|rule| rule.rows_ended());
    }

    fn needs_second_pass(&self) -> bool {
        self.rules.iter().any(|rule| rule.needs_second_pass())
    }

    fn scan_again(&mut self, rows: &Rows<'_>) {
        use rayon::prelude::*;
        let rules = self.rules.par_iter_mut();
        rules
            .filter(|rule| rule.needs_second_pass())
            .for_each(|rule| rule.scan_again(rows));
    }

    fn end_of_pass(&mut self) {
        self.rules.iter_mut().for_each(|rule| rule.end_of_pass());
    }

    fn finish(self: Box<Self>) -> Found {
        let (mut all, mut twice) = (Bits::default(), Bits::default());
        let mut found = Vec::new();
        for rule in self.rules {
            let (column, name) = (rule.column(), rule.name());
            let broken = rule.broken();
            twice.union(&all.intersection(&broken));
            all.union(&broken);
            if broken.count() > 0 {
                found.push((column, name, broken));
            }
        }
        let lines = found.into_iter().map(|(column, rule, broken)| LineFound {
            column,
            rule,
            count: broken.count(),
            alone: broken.count() - broken.intersection(&twice).count(),
            rows: broken.iter().take(SAMPLES).collect(),
        });
        Found {
            dimension: Some(DimensionFound {
                dimension: Dimension::Consistency,
                total: self.rows,
                bad: all.count(),
                lines: lines.collect(),
                note: Some(
                    "rows that keep all rules between columns and one way of writing".to_owned(),
                ),
            }),
            ..Found::default()
        }
    }
}

#[cfg(test)]
mod tests;
