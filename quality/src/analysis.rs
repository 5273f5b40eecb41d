//! Whole-table analyses: what is measured beside single cells, in the same pass.
//!
//! A run reads the table once. Every batch of rows is cleaned, checked and brought to its
//! normal forms column by column; then each [`Analysis`] sees the batch, in file order and
//! beside the other analyses. At the end each hands over what it [`Found`]. To add one: write
//! a module with a type that implements [`Analysis`], and give it a line in [`all`].
//!
//! What an analysis finds goes into the report, which everybody may read: counts, shares, row
//! numbers and column names, never the value of a cell.

// What only analyses read is unused until there is one of each kind.
#![allow(dead_code)]

mod cells;

use serde::{Deserialize, Serialize};

pub(crate) use cells::{Cells, Rows};

use crate::contain::{self, Sketch, SketchSize};
use crate::drift::{self, Earlier, Summary};
use crate::error::AssessError;
use crate::input::Fault;
use crate::learn;
use crate::near;
use crate::policy::{ColumnRule, Policy};
use crate::records;
use crate::score::Dimension;
use crate::{consistency, outlier, privacy};

/// What an analysis is started with.
pub(crate) struct Context<'a> {
    pub policy: &'a Policy,
    /// One rule per column, in contract order: the order of [`Rows::column`].
    pub rules: &'a [ColumnRule],
    /// The moment of the assessment, microseconds since 1970.
    pub as_of: i64,
    /// Number of rows, when the file says it (a CSV file does not).
    pub rows: Option<u64>,
    /// Bytes an analysis may hold; it says so in its section when it had to stop earlier.
    pub memory: usize,
    /// Whether sketches are wanted, and how large.
    pub sketches: Option<SketchSize>,
    /// Type of every column as the file has it; none where it lacks the column.
    pub found: &'a [Option<String>],
    /// Whether the table is to be summarised, and earlier ones it is compared with.
    pub drift: Option<&'a [Earlier]>,
}

/// Something measured over rows in the shared pass.
pub(crate) trait Analysis: Send {
    /// The name under which a report would list it as not measured.
    fn name(&self) -> &'static str;

    /// Takes the next rows. Batches come in file order; their size says nothing and must not
    /// change what is found.
    fn scan(&mut self, rows: &Rows<'_>);

    /// All rows were shown once.
    fn rows_ended(&mut self) {}

    /// Whether the table has to be read once more. It costs as much as the first time. The
    /// answer must not change within a pass.
    fn needs_second_pass(&self) -> bool {
        false
    }

    /// Takes the next rows of a further pass.
    fn scan_again(&mut self, _rows: &Rows<'_>) {}

    /// A further pass has ended; [`Analysis::needs_second_pass`] is asked again.
    fn end_of_pass(&mut self) {}

    /// Hears what was wrong with the form of rows, before it finishes.
    fn hear(&mut self, _faults: &[Fault]) {}

    /// Hands over what was found.
    fn finish(self: Box<Self>) -> Found;
}

/// Every analysis that has something to do under these rules.
pub(crate) fn all(context: &Context<'_>) -> Result<Vec<Box<dyn Analysis>>, AssessError> {
    let mut found: Vec<Box<dyn Analysis>> = Vec::new();
    // One line per analysis:
    found.extend(contain::analysis::start(context));
    found.extend(near::analysis::start(context)?);
    found.extend(records::analysis::start(context)?);
    found.extend(learn::panel::start(context)?);
    found.extend(consistency::start(context)?);
    found.extend(outlier::start(context)?);
    found.extend(outlier::joint::start(context));
    found.extend(privacy::start(context)?);
    found.extend(drift::start(context));
    Ok(found)
}

/// What an analysis hands over; most leave most of it empty.
#[derive(Default)]
pub(crate) struct Found {
    /// A dimension of the score that only this analysis measures.
    pub dimension: Option<DimensionFound>,
    /// Rows that nearly repeat another one: half a duplicate each.
    pub near: Option<NearFound>,
    /// Tables for readers.
    pub sections: Vec<Section>,
    /// What keeps the table from being published.
    pub gates: Vec<Gate>,
    /// What the table is compared with others by.
    pub sketches: Vec<Sketch>,
    /// What later tables are compared with.
    pub summary: Option<Summary>,
}

/// A dimension measured, with every way points are lost.
pub(crate) struct DimensionFound {
    pub dimension: Dimension,
    /// Rows, cells or items it is measured over; 0 = no data, not applicable.
    pub total: u64,
    /// Bad ones. Usually the sum of the lines; less when a row breaks several rules.
    pub bad: u64,
    pub lines: Vec<LineFound>,
    pub note: Option<String>,
}

/// One rule that is broken.
pub(crate) struct LineFound {
    pub column: Option<String>,
    pub rule: String,
    pub count: u64,
    /// Bad ones that would be good without this rule alone: all of them, unless some break
    /// another rule, too.
    pub alone: u64,
    /// First row numbers, ascending, at most 10.
    pub rows: Vec<u64>,
}

/// Rows whose text nearly repeats another row's.
pub(crate) struct NearFound {
    /// Rows beyond the first of their cluster that are no exact duplicates.
    pub count: u64,
    /// First row numbers, ascending, at most 10.
    pub rows: Vec<u64>,
    /// All of them, ascending.
    pub all: Vec<u64>,
    /// How they were found, for example `J >= 0.8 on 5-word shingles, verified`.
    pub scope: String,
}

/// A table of the report about one subject. Counts, shares, names and row numbers only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// Stable name for machines: `personal_data`, `class_balance`, `outliers`, `drift`…
    pub name: String,
    /// Heading for people.
    pub title: String,
    /// What was found, in one or two sentences.
    pub summary: String,
    /// What was done and how, formula and thresholds included.
    pub method: String,
    /// Column heads.
    pub heads: Vec<String>,
    /// Rows of cells, as many as there are heads.
    pub rows: Vec<Vec<Figure>>,
}

/// A cell of a [`Section`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// A name or a word.
    Text(String),
    /// A count.
    Count(u64),
    /// A share in parts per million; drawn as a bar.
    Ppm(u32),
    /// A signed quantity in millionths, for example a difference.
    Millionths(i64),
    /// Row numbers, from 0.
    Rows(Vec<u64>),
    /// Not applicable.
    None,
}

/// Something that keeps a table from being published whatever its score.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// Stable name: `licence_missing`, `undeclared_personal_data`, `containment`…
    pub name: String,
    /// What was found and what to do about it.
    pub reason: String,
    /// Columns concerned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
}
