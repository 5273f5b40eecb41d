//! Tables, batch by batch.
//!
//! A [`Source`] hands over Arrow batches that were decoded within bounds by somebody who knows
//! the file. Here every column is brought into one of the ten types of a contract. Nothing is
//! kept of a batch that is done with, so no cell value leaves memory.

mod csv;
mod ipc;
mod packed;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Field, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use arrow::error::ArrowError;

pub use csv::Csv;
pub use ipc::Ipc;
pub(crate) use packed::Packed;

use crate::clean::target_type;
use crate::error::AssessError;
use crate::policy::{ColumnRule, ColumnType, Policy};

/// A table that can be read from its beginning, batch by batch.
///
/// Batches hold consecutive rows of all columns of [`Source::schema`], tens of thousands of
/// rows each at most; how rows are cut into batches changes nothing in a report.
pub trait Source: Send {
    /// Names and types of the columns.
    fn schema(&self) -> SchemaRef;

    /// Number of rows, when it is known before the end.
    fn rows(&self) -> Option<u64>;

    /// Types of the columns that were found by looking at their cells, when the schema's are
    /// no more than the form they come in.
    fn kinds(&self) -> Option<&[ColumnType]> {
        None
    }

    /// Whether the format knows nothing but text: then reading a number is no change.
    fn is_text(&self) -> bool {
        false
    }

    /// What was wrong with the form of the rows read since the beginning: rows that could be read
    /// nevertheless.
    fn faults(&self) -> Vec<Fault> {
        Vec::new()
    }

    /// The encoding of a format of text.
    fn encoding(&self) -> Option<String> {
        None
    }

    /// The next rows; none at the end.
    ///
    /// # Errors
    /// [`AssessError::Refused`] or [`AssessError::Unreadable`]: the file cannot be read on.
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, AssessError>;

    /// Back to the first row.
    ///
    /// # Errors
    /// As [`Source::next_batch`].
    fn rewind(&mut self) -> Result<(), AssessError>;
}

/// A way in which rows are no proper rows of their format, though they could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Stable name: `too_few_fields`, `too_many_fields`, `not_utf8`.
    pub rule: &'static str,
    /// Numbers of the rows, from 0, ascending.
    pub rows: Vec<u32>,
}

/// Where the columns of a table are not those of the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// A declared column that is not optional is not in the table.
    Missing(String),
    /// A column of the table is not declared.
    Undeclared(String),
}

/// Everything that keeps a table from being measured by these rules, in the order of rules and
/// table; nothing when no columns are declared.
pub fn mismatches(source: &dyn Source, policy: &Policy) -> Vec<Mismatch> {
    if !policy.is_declared() {
        return Vec::new();
    }
    let schema = source.schema();
    let rules = policy.columns.iter();
    let missing = rules.filter(|rule| !rule.optional && schema.index_of(&rule.name).is_err());
    let missing = missing.map(|rule| Mismatch::Missing(rule.name.clone()));
    let declared: HashSet<&str> = policy.columns.iter().map(|c| c.name.as_str()).collect();
    let fields = schema.fields().iter().map(|field| field.name());
    let more = fields.filter(|name| !declared.contains(name.as_str()));
    missing
        .chain(more.cloned().map(Mismatch::Undeclared))
        .collect()
}

/// A table matched with the rules.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    /// Rules in contract order.
    pub rules: Vec<ColumnRule>,
    /// Type of every column as the file has it; `None` when it lacks the column.
    pub found: Vec<Option<String>>,
    /// Position in the file of every column.
    places: Vec<Option<usize>>,
}

impl Table {
    /// Matches a table with the rules; without rules with what was found in it.
    pub fn of(source: &dyn Source, policy: &Policy) -> Result<Self, AssessError> {
        let schema = source.schema();
        let fields = schema.fields().iter().enumerate();
        let types: HashMap<&str, (usize, &DataType)> = fields
            .map(|(place, field)| (field.name().as_str(), (place, field.data_type())))
            .collect();
        let rules = if policy.is_declared() {
            declared(policy, &types)?
        } else {
            let fields = schema.fields().iter();
            let mut rules = fields
                .map(|field| inferred(field.name(), field.data_type()))
                .collect::<Result<Vec<_>, _>>()?;
            for (rule, kind) in rules.iter_mut().zip(source.kinds().unwrap_or_default()) {
                rule.kind = *kind;
            }
            rules
        };
        let known = |rule: &ColumnRule| types.get(rule.name.as_str());
        Ok(Self {
            found: rules
                .iter()
                .map(|rule| known(rule).map(|(_, data_type)| type_name(data_type)))
                .collect(),
            places: rules
                .iter()
                .map(|rule| known(rule).map(|(place, _)| *place))
                .collect(),
            rules,
        })
    }

    /// One column of a batch, in one of the ten types of a contract.
    pub fn column(&self, batch: &RecordBatch, position: usize) -> Result<ArrayRef, ArrowError> {
        let place = self.places.get(position).copied().flatten();
        match place.and_then(|place| batch.columns().get(place)) {
            Some(array) => one_of_ten(array),
            None => {
                let kind = self.rules.get(position).map(|rule| rule.kind);
                let kind = kind.unwrap_or(ColumnType::String);
                Ok(new_null_array(&target_type(kind), batch.num_rows()))
            }
        }
    }

    /// Names and types of the cleaned table.
    pub fn cleaned_schema(&self) -> SchemaRef {
        let fields = self.rules.iter();
        let fields = fields.map(|rule| Field::new(&rule.name, target_type(rule.kind), true));
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }
}

/// The declared rules, when the file has all of their columns and no others.
fn declared(
    policy: &Policy,
    types: &HashMap<&str, (usize, &DataType)>,
) -> Result<Vec<ColumnRule>, AssessError> {
    let names: HashSet<&str> = policy.columns.iter().map(|c| c.name.as_str()).collect();
    let mut foreign: Vec<&&str> = types
        .keys()
        .filter(|name| !names.contains(**name))
        .collect();
    foreign.sort_unstable();
    if let Some(name) = foreign.first() {
        return Err(AssessError::ColumnNotInContract((**name).to_owned()));
    }
    for rule in &policy.columns {
        match types.get(rule.name.as_str()) {
            Some((_, data_type)) => drop(inferred(&rule.name, data_type)?),
            None if rule.optional => {}
            None => return Err(AssessError::MissingColumn(rule.name.clone())),
        }
    }
    Ok(policy.columns.clone())
}

/// What a column of the file is when nothing is declared.
pub(crate) fn inferred(name: &str, data_type: &DataType) -> Result<ColumnRule, AssessError> {
    let kind = match data_type {
        DataType::Boolean => ColumnType::Bool,
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => ColumnType::Int64,
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => {
            ColumnType::UInt64
        }
        DataType::Float16 | DataType::Float32 | DataType::Float64 => ColumnType::Float64,
        DataType::Decimal32(p, s)
        | DataType::Decimal64(p, s)
        | DataType::Decimal128(p, s)
        | DataType::Decimal256(p, s) => match u8::try_from(*s) {
            Ok(scale) if *p <= 38 && scale <= *p => ColumnType::Decimal {
                precision: *p,
                scale,
            },
            _ => return Err(unsupported(name, data_type)),
        },
        // A column of nulls alone has no better type.
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => {
            ColumnType::String
        }
        DataType::Date32 | DataType::Date64 => ColumnType::Date,
        DataType::Time32(_) | DataType::Time64(_) => ColumnType::Time,
        DataType::Timestamp(..) => ColumnType::Timestamp,
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => ColumnType::Binary,
        DataType::Dictionary(_, values) => return inferred(name, values),
        _ => return Err(unsupported(name, data_type)),
    };
    Ok(ColumnRule::bare(name, kind))
}

fn unsupported(name: &str, data_type: &DataType) -> AssessError {
    AssessError::UnsupportedColumnType {
        column: name.to_owned(),
        found: data_type.to_string(),
    }
}

fn type_name(data_type: &DataType) -> String {
    inferred("", data_type).map_or_else(|_| data_type.to_string(), |rule| rule.kind.to_string())
}

/// Brings a column into the widest type of its kind.
pub(crate) fn one_of_ten(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let target = match array.data_type() {
        DataType::Int8 | DataType::Int16 | DataType::Int32 => DataType::Int64,
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 => DataType::UInt64,
        DataType::Float16 | DataType::Float32 => DataType::Float64,
        DataType::Decimal32(p, s) | DataType::Decimal64(p, s) | DataType::Decimal256(p, s) => {
            DataType::Decimal128(*p, *s)
        }
        DataType::Null => DataType::Utf8View,
        DataType::Date64 => DataType::Date32,
        DataType::Time32(_) | DataType::Time64(TimeUnit::Microsecond) => {
            DataType::Time64(TimeUnit::Nanosecond)
        }
        DataType::Binary | DataType::LargeBinary | DataType::FixedSizeBinary(_) => {
            DataType::BinaryView
        }
        DataType::Timestamp(unit, _) => return Ok(instants(array, *unit)),
        DataType::Dictionary(_, values) => return one_of_ten(&cast(array, values)?),
        _ => return Ok(Arc::clone(array)),
    };
    cast(array, &target)
}

/// Timestamps as microseconds in UTC; without a zone they are taken for UTC.
fn instants(array: &ArrayRef, unit: TimeUnit) -> ArrayRef {
    let micros = match unit {
        TimeUnit::Second => array
            .as_primitive::<TimestampSecondType>()
            .unary::<_, TimestampMicrosecondType>(|t| t.saturating_mul(1_000_000)),
        TimeUnit::Millisecond => array
            .as_primitive::<TimestampMillisecondType>()
            .unary::<_, TimestampMicrosecondType>(|t| t.saturating_mul(1_000)),
        TimeUnit::Microsecond => array.as_primitive::<TimestampMicrosecondType>().clone(),
        TimeUnit::Nanosecond => array
            .as_primitive::<TimestampNanosecondType>()
            .unary::<_, TimestampMicrosecondType>(|t| t.div_euclid(1_000)),
    };
    Arc::new(micros.with_timezone("UTC"))
}

/// Any column as text, the way a provider could have written its cells.
pub(crate) fn as_text(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match array.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Ok(Arc::clone(array)),
        // Without its zone (UTC), because zones are not compiled in.
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => {
            let bare = array.as_primitive::<TimestampMicrosecondType>().clone();
            cast(&bare.with_timezone_opt(None::<Arc<str>>), &DataType::Utf8)
        }
        _ => cast(array, &DataType::Utf8),
    }
}

/// Calls `visit` with every cell of a text column.
pub(crate) fn each_text<'a>(array: &'a dyn Array, mut visit: impl FnMut(Option<&'a str>)) {
    match array.data_type() {
        DataType::Utf8View => array.as_string_view().iter().for_each(&mut visit),
        DataType::Utf8 => array.as_string::<i32>().iter().for_each(&mut visit),
        DataType::LargeUtf8 => array.as_string::<i64>().iter().for_each(&mut visit),
        _ => {}
    }
}

pub(crate) fn internal(error: impl std::fmt::Display) -> AssessError {
    AssessError::Internal(error.to_string())
}
