//! What stands in for a missing cell.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array};
use arrow::compute::{concat, filter, partition, sort};
use arrow::datatypes::Float64Type;
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::Value;

use crate::clean::cell_of;
use crate::error::AssessError;
use crate::input::internal;
use crate::policy::ColumnType;

pub(super) const USE: &str = "write impute:COLUMN=median, mean, mode or a value";

/// Which value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fill {
    /// The middle one of the column's values; of two the lower, so that it is one of them.
    Median,
    /// The mean of a column of doubles, added in file order.
    Mean,
    /// The most frequent one; of equally frequent ones the lowest.
    Mode,
    /// This one, read as a cell of the column.
    Value(String),
}

impl Fill {
    pub(super) fn read(text: &str) -> Self {
        match text {
            "median" => Self::Median,
            "mean" => Self::Mean,
            "mode" => Self::Mode,
            _ => Self::Value(text.to_owned()),
        }
    }

    pub(super) fn fits(&self, kind: ColumnType) -> Result<(), &'static str> {
        match (self, kind) {
            (_, ColumnType::Binary) => Err("bytes cannot be imputed"),
            (Self::Median, ColumnType::String | ColumnType::Bool) => {
                Err("texts and truth values have no median; use mode or a value")
            }
            (Self::Mean, ColumnType::Float64) => Ok(()),
            (Self::Mean, _) => Err("only float64 columns have a mean; use median"),
            (Self::Value(text), _) if cell_of(&Value::from(text.as_str()), kind).is_none() => {
                Err("the value is none of the column's type")
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Fill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Median => "median",
            Self::Mean => "mean",
            Self::Mode => "mode",
            Self::Value(text) => text,
        })
    }
}

/// Null, or not a number.
pub(super) fn missing(array: &ArrayRef) -> Result<BooleanArray, ArrowError> {
    match array.as_primitive_opt::<Float64Type>() {
        Some(floats) => Ok(floats
            .iter()
            .map(|value| Some(value.is_none_or(f64::is_nan)))
            .collect()),
        None => arrow::compute::is_null(array),
    }
}

/// The values of a column, until it is known what stands in for those it lacks.
#[derive(Default)]
pub(super) struct Values {
    held: Vec<ArrayRef>,
    bytes: usize,
    sum: f64,
    count: u64,
}

impl Values {
    /// Takes the next cells; no more than `most` bytes are held.
    pub fn take(&mut self, array: &ArrayRef, fill: &Fill, most: usize) -> Result<(), AssessError> {
        if let (Fill::Mean, Some(floats)) = (fill, array.as_primitive_opt::<Float64Type>()) {
            for value in floats.iter().flatten().filter(|value| value.is_finite()) {
                self.sum += value;
                self.count += 1;
            }
            return Ok(());
        }
        let there = arrow::compute::not(&missing(array).map_err(internal)?).map_err(internal)?;
        let values = filter(array, &there).map_err(internal)?;
        // Views keep whole buffers of their batch alive unless they are packed anew.
        let values = match values.as_string_view_opt() {
            Some(views) => Arc::new(views.gc()) as ArrayRef,
            None => values,
        };
        self.bytes += values.get_array_memory_size();
        if self.bytes > most {
            return Err(AssessError::Policy(format!(
                "to impute the {fill} the values of the column have to fit into half of the memory; \
                 allow more of it, or name a value"
            )));
        }
        self.held.push(values);
        Ok(())
    }

    /// One cell with what stands in; none where there is no value at all.
    pub fn decide(self, fill: &Fill) -> Result<Option<ArrayRef>, ArrowError> {
        if *fill == Fill::Mean {
            let mean = (self.count > 0).then(|| self.sum / self.count as f64);
            return Ok(mean.map(|mean| Arc::new(Float64Array::from(vec![mean])) as ArrayRef));
        }
        let parts: Vec<&dyn Array> = self.held.iter().map(|part| part.as_ref()).collect();
        if parts.iter().all(|part| part.is_empty()) {
            return Ok(None);
        }
        let sorted = sort(&concat(&parts)?, None)?;
        drop(self.held);
        if *fill == Fill::Median {
            return Ok(Some(sorted.slice((sorted.len() - 1) / 2, 1)));
        }
        let runs = partition(&[Arc::clone(&sorted)])?.ranges();
        let longest = runs.iter().enumerate();
        let longest = longest.max_by_key(|(place, run)| (run.len(), std::cmp::Reverse(*place)));
        Ok(longest.map(|(_, run)| sorted.slice(run.start, 1)))
    }
}

/// A cell as a reader sees it.
pub(super) fn shown(cell: &ArrayRef) -> String {
    let formatter = ArrayFormatter::try_new(cell.as_ref(), &FormatOptions::default());
    formatter.map_or_else(
        |_| String::new(),
        |formatter| formatter.value(0).to_string(),
    )
}
