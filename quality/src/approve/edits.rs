//! Approved changes at work on the cleaned table, batch by batch.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, Scalar, StringViewArray};
use arrow::compute::kernels::cmp::{gt, lt};
use arrow::compute::kernels::zip::zip;
use arrow::compute::{and, filter_record_batch, not};
use arrow::datatypes::{Float64Type, SchemaRef};
use arrow::error::ArrowError;
use rayon::prelude::*;
use serde_json::Value;

use super::fill::{Fill, Values, missing, shown};
use super::units::{self, Conversion};
use super::{Approved, Made, Mask, check};
use crate::clean::cell_of;
use crate::error::AssessError;
use crate::input::{inferred, internal};
use crate::policy::{ColumnType, Policy};
use crate::profile::SAMPLES;

/// Makes a pseudonym of a text; the same of the same text.
pub type Pseudonym = Box<dyn Fn(&str) -> String + Send>;

/// Approved changes of a table, in the order in which they are made.
pub struct Edits {
    schema: SchemaRef,
    /// Columns that stay.
    columns: Vec<usize>,
    edits: Vec<Edit>,
    dropped: Vec<String>,
    pseudonym: Option<Pseudonym>,
    /// Which rows stay; all of them when absent.
    keep: Option<Vec<bool>>,
    exact: bool,
    near: Vec<u64>,
    rows: u64,
    gone: Vec<Made>,
}

struct Edit {
    place: usize,
    name: String,
    change: Change,
    count: u64,
    rows: Vec<u64>,
}

enum Change {
    Unit(String, Conversion),
    TextUnit(String),
    Cap(Option<ArrayRef>, Option<ArrayRef>),
    /// What is wanted, what is known until it is decided, and what was decided.
    Fill(Fill, Values, Option<ArrayRef>),
    Mask(Mask),
}

impl Edits {
    /// Changes of a table with the columns of [`crate::cleaned_schema`].
    ///
    /// # Errors
    /// [`AssessError::Policy`] when a change cannot be made: see [`check`].
    pub fn new(
        schema: &SchemaRef,
        changes: &[Approved],
        policy: &Policy,
        pseudonym: Option<Pseudonym>,
    ) -> Result<Self, AssessError> {
        check(changes, policy)?;
        let mut columns: Vec<usize> = (0..schema.fields().len()).collect();
        let (mut edits, mut dropped) = (Vec::new(), Vec::new());
        for change in changes {
            let Some(name) = change.column() else {
                continue;
            };
            let place = schema.index_of(name);
            let place = place.map_err(|_| change.fault("there is no such column"))?;
            if matches!(
                change,
                Approved::Mask {
                    mask: Mask::Hash,
                    ..
                }
            ) && pseudonym.is_none()
            {
                return Err(change.fault("pseudonyms need a key; name one with --mask-key FILE"));
            }
            if let Approved::Drop(_) = change {
                columns.retain(|column| *column != place);
                dropped.push(name.to_owned());
            }
            let kind = inferred(name, schema.field(place).data_type())?.kind;
            edits.extend(edit(change, policy, place, kind)?);
        }
        edits.sort_by_key(|edit: &Edit| edit.change.rank());
        Ok(Self {
            schema: Arc::new(schema.project(&columns).map_err(internal)?),
            columns,
            edits,
            dropped,
            pseudonym,
            keep: None,
            exact: changes.contains(&Approved::ExactDuplicates),
            near: Vec::new(),
            rows: 0,
            gone: Vec::new(),
        })
    }

    /// Columns of the changed table.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Whether all rows have to be shown to [`Edits::look`] before the first is changed.
    pub fn looks_first(&self) -> bool {
        let open = |edit: &Edit| matches!(&edit.change, Change::Fill(_, _, None));
        self.edits.iter().any(open)
    }

    /// Takes the next cleaned rows, to know what stands in for missing cells; `memory` bytes
    /// may be held of them.
    ///
    /// # Errors
    /// [`AssessError::Policy`] when they do not suffice.
    pub fn look(&mut self, batch: &RecordBatch, memory: usize) -> Result<(), AssessError> {
        let columns = self
            .edits
            .iter()
            .filter(|e| matches!(e.change, Change::Fill(..)));
        let most = memory / 2 / columns.count().max(1);
        let mut arrays = batch.columns().to_vec();
        for edit in &mut self.edits {
            let Some(array) = arrays.get_mut(edit.place) else {
                continue;
            };
            match &mut edit.change {
                Change::Fill(fill, values, None) => values.take(array, fill, most)?,
                // It is done before cells are filled, so the median is one of its results.
                Change::Unit(..) | Change::TextUnit(_) | Change::Cap(..) => {
                    let changed = edit.change.apply(array, None).map_err(internal)?;
                    *array = changed.0;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// All rows were shown: decides what stands in for missing cells.
    ///
    /// # Errors
    /// [`AssessError::Policy`] for a column without any value.
    pub fn decide(&mut self) -> Result<(), AssessError> {
        for edit in &mut self.edits {
            if let Change::Fill(fill, values, decided @ None) = &mut edit.change {
                let found = std::mem::take(values).decide(fill).map_err(internal)?;
                *decided = Some(found.ok_or_else(|| {
                    let name = &edit.name;
                    AssessError::Policy(format!("impute:{name}={fill}: it has no value at all"))
                })?);
            }
        }
        Ok(())
    }

    /// Takes rows out: see [`kept_rows`].
    pub fn keep(&mut self, keep: Vec<bool>, near: Vec<u64>) {
        self.keep = Some(keep);
        self.near = near;
    }

    /// The next cleaned rows, changed.
    ///
    /// # Errors
    /// [`AssessError::Internal`] when a column has another type than was said.
    pub fn apply(&mut self, batch: &RecordBatch) -> Result<RecordBatch, AssessError> {
        self.changed(batch).map_err(internal)
    }

    fn changed(&mut self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let mut arrays = batch.columns().to_vec();
        for edit in &mut self.edits {
            if let Some(array) = arrays.get_mut(edit.place) {
                let (changed, cells) = edit.change.apply(array, self.pseudonym.as_ref())?;
                *array = changed;
                edit.note(&cells, self.rows);
            }
        }
        let arrays = self
            .columns
            .iter()
            .filter_map(|place| arrays.get(*place).cloned());
        let batch = RecordBatch::try_new(self.schema(), arrays.collect())?;
        let first = self.rows as usize;
        self.rows += batch.num_rows() as u64;
        let keep = self.keep.as_ref();
        match keep.and_then(|keep| keep.get(first..first + batch.num_rows())) {
            Some(keep) => filter_record_batch(&batch, &BooleanArray::from(keep.to_vec())),
            None => Ok(batch),
        }
    }

    /// Everything that was done, in order; call it once, at the end.
    pub fn made(&mut self) -> Vec<Made> {
        let edits = self.edits.iter().map(|edit| Made {
            rule: edit.change.rule(),
            column: Some(edit.name.clone()),
            count: edit.count,
            rows: edit.rows.clone(),
            how: edit.change.how(),
        });
        let dropped = self.dropped.iter().map(|name| Made {
            rule: "drop",
            column: Some(name.clone()),
            count: self.rows,
            rows: Vec::new(),
            how: None,
        });
        let mut made: Vec<Made> = edits.chain(dropped).collect();
        let keep = self.keep.take().unwrap_or_default();
        let gone = (0u64..)
            .zip(&keep)
            .filter(|(_, keep)| !**keep)
            .map(|(row, _)| row);
        let (near, exact): (Vec<u64>, Vec<u64>) =
            gone.partition(|row| self.near.binary_search(row).is_ok());
        if self.exact {
            self.gone.push(rows_gone("exact_duplicates", exact));
        }
        if !self.near.is_empty() {
            self.gone.push(rows_gone("near_duplicates", near));
        }
        made.append(&mut self.gone);
        made
    }
}

fn rows_gone(rule: &'static str, rows: Vec<u64>) -> Made {
    Made {
        rule,
        column: None,
        count: rows.len() as u64,
        rows: rows.into_iter().take(SAMPLES).collect(),
        how: None,
    }
}

/// Which rows stay, by their fingerprints and by the rows that nearly repeat an earlier one.
pub fn kept_rows(prints: &[u128], near: &[u64]) -> Vec<bool> {
    let print = |row: &u32| prints.get(*row as usize).copied();
    let mut order: Vec<u32> = (0u32..).take(prints.len()).collect();
    order.par_sort_unstable_by_key(|row| (print(row), *row));
    let mut keep = vec![true; prints.len()];
    for pair in order.windows(2) {
        if let [before, row] = pair
            && print(before) == print(row)
            && let Some(keep) = keep.get_mut(*row as usize)
        {
            *keep = false;
        }
    }
    for row in near {
        let place = usize::try_from(*row).ok();
        if let Some(keep) = place.and_then(|place| keep.get_mut(place)) {
            *keep = false;
        }
    }
    keep
}

/// What a change does to the cells of its column, if it does anything to cells here.
fn edit(
    change: &Approved,
    policy: &Policy,
    place: usize,
    kind: ColumnType,
) -> Result<Option<Edit>, AssessError> {
    let unfit = |why: &str| change.fault(why);
    let made = match change {
        Approved::Unit { from, to, .. } => {
            units::fits(kind, from.is_some()).map_err(unfit)?;
            match from {
                None => Change::TextUnit(to.clone()),
                Some(from) => {
                    let conversion = Conversion::between(from, to);
                    let conversion = conversion.ok_or_else(|| unfit("an unknown unit"))?;
                    Change::Unit(format!("{from} to {to}"), conversion)
                }
            }
        }
        Approved::Cap(_) => {
            let rule = change.declared(policy)?;
            let bound = |bound: &Option<Value>| match bound {
                None => Ok(None),
                Some(value) => match cell_of(value, kind) {
                    Some(cell) => Ok(Some(cell)),
                    None => Err(unfit("its bound is no value of its type")),
                },
            };
            Change::Cap(bound(&rule.min)?, bound(&rule.max)?)
        }
        Approved::Impute { fill, .. } => {
            fill.fits(kind).map_err(unfit)?;
            let known = match fill {
                Fill::Value(text) => cell_of(&Value::from(text.as_str()), kind),
                _ => None,
            };
            Change::Fill(fill.clone(), Values::default(), known)
        }
        Approved::Mask { mask, .. } => {
            mask.fits(kind).map_err(unfit)?;
            Change::Mask(*mask)
        }
        _ => return Ok(None),
    };
    Ok(Some(Edit {
        place,
        name: change.column().unwrap_or_default().to_owned(),
        change: made,
        count: 0,
        rows: Vec::new(),
    }))
}

impl Edit {
    fn note(&mut self, cells: &BooleanArray, first: u64) {
        self.count += cells.true_count() as u64;
        let room = SAMPLES.saturating_sub(self.rows.len());
        if room > 0 {
            let changed = (first..).zip(cells).filter(|(_, cell)| *cell == Some(true));
            self.rows.extend(changed.map(|(row, _)| row).take(room));
        }
    }
}

impl Change {
    fn rank(&self) -> u8 {
        match self {
            Self::Unit(..) | Self::TextUnit(_) => 0,
            Self::Cap(..) => 1,
            Self::Fill(..) => 2,
            Self::Mask(_) => 3,
        }
    }

    fn rule(&self) -> &'static str {
        match self {
            Self::Unit(..) | Self::TextUnit(_) => "unit",
            Self::Cap(..) => "cap",
            Self::Fill(..) => "impute",
            Self::Mask(_) => "mask",
        }
    }

    fn how(&self) -> Option<String> {
        match self {
            Self::Unit(how, _) => Some(how.clone()),
            Self::TextUnit(to) => Some(format!("to {to}")),
            Self::Cap(min, max) => {
                let bound = |word: &str, cell: &Option<ArrayRef>| {
                    cell.as_ref().map(|cell| format!("{word} {}", shown(cell)))
                };
                let bounds = [bound("min", min), bound("max", max)];
                let bounds: Vec<String> = bounds.into_iter().flatten().collect();
                Some(bounds.join(", "))
            }
            Self::Fill(fill, _, cell) => Some(match fill {
                Fill::Value(text) => text.clone(),
                _ => format!("{fill} {}", cell.as_ref().map_or(String::new(), shown)),
            }),
            Self::Mask(mask) => Some(mask.to_string()),
        }
    }

    /// The changed column, and which cells are not what they were.
    fn apply(
        &self,
        array: &ArrayRef,
        pseudonym: Option<&Pseudonym>,
    ) -> Result<(ArrayRef, BooleanArray), ArrowError> {
        let there = || not(&missing(array)?);
        match self {
            Self::Unit(_, conversion) => {
                let values = array.as_primitive::<Float64Type>();
                let changed = values.unary::<_, Float64Type>(|value| conversion.of(value));
                Ok((Arc::new(changed), there()?))
            }
            Self::TextUnit(to) => {
                let mut cells = Vec::with_capacity(array.len());
                let texts = array.as_string_view().iter().map(|cell| {
                    let new = cell.and_then(|text| units::rewritten(text, to));
                    cells.push(Some(new.is_some()));
                    new.or_else(|| cell.map(str::to_owned))
                });
                let texts = Arc::new(StringViewArray::from_iter(texts));
                Ok((texts, BooleanArray::from(cells)))
            }
            Self::Cap(min, max) => {
                let mut capped = Arc::clone(array);
                let none = BooleanArray::from(vec![false; array.len()]);
                let mut cells = none;
                for (bound, low) in [(min, true), (max, false)] {
                    let Some(bound) = bound else { continue };
                    let bound = Scalar::new(Arc::clone(bound));
                    let beyond = if low {
                        lt(array, &bound)?
                    } else {
                        gt(array, &bound)?
                    };
                    let beyond = and(&sure(&beyond), &there()?)?;
                    capped = zip(&beyond, &bound, &capped)?;
                    cells = arrow::compute::or(&cells, &beyond)?;
                }
                Ok((capped, cells))
            }
            Self::Fill(_, _, Some(cell)) => {
                let gaps = missing(array)?;
                let filled = zip(&gaps, &Scalar::new(Arc::clone(cell)), array)?;
                Ok((filled, gaps))
            }
            Self::Fill(_, _, None) => Err(ArrowError::ComputeError(
                "cells are filled before it was decided with what".to_owned(),
            )),
            Self::Mask(mask) => Ok((mask.apply(array, pseudonym), there()?)),
        }
    }
}

/// A comparison with a missing cell is not true.
fn sure(cells: &BooleanArray) -> BooleanArray {
    cells.iter().map(|cell| Some(cell == Some(true))).collect()
}
