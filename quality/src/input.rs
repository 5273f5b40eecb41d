//! The packed table, row group by row group.
//!
//! Only files of our own writer come here, from memory. polars' eager reader
//! decodes one row group at a time; its streaming engine, which alone can spill
//! to disk, is not used, so no cell value leaves memory.

use std::collections::{HashMap, HashSet};
use std::io::Cursor;
use std::sync::Arc;

use polars::io::parquet::metadata::FileMetadata;
use polars::io::parquet::read::{ParallelStrategy, ParquetReader};
use polars::prelude::*;

use crate::clean::target_dtype;
use crate::error::AssessError;
use crate::policy::{ColumnRule, ColumnType, Policy};

/// Memory for normal forms in one batch.
const BATCH_BYTES: usize = 64 << 20;
const MIN_BATCH_ROWS: usize = 1024;

/// An opened table, matched with the contract.
pub(crate) struct Table<'a> {
    packed: &'a [u8],
    /// Rules in contract order.
    pub rules: Vec<ColumnRule>,
    /// Type of every column as the file has it; `None` when it lacks the column.
    pub found: Vec<Option<String>>,
    /// The footer; a reader given one row group of it reads just that one.
    footer: Arc<FileMetadata>,
    pub rows: u64,
}

impl<'a> Table<'a> {
    pub fn open(packed: &'a [u8], policy: &Policy) -> Result<Self, AssessError> {
        let mut reader = ParquetReader::new(Cursor::new(packed));
        let schema = reader.schema().map_err(unreadable)?;
        let footer = Arc::clone(reader.get_metadata().map_err(unreadable)?);
        let groups = footer.row_groups.iter();
        let rows = groups.map(|group| group.num_rows() as u64).sum();
        let types: HashMap<&str, DataType> = schema
            .iter_values()
            .map(|field| (field.name.as_str(), DataType::from_arrow_field(field)))
            .collect();
        let rules = if policy.is_declared() {
            declared(policy, &types)?
        } else {
            schema
                .iter_values()
                .map(|f| inferred(f.name.as_str(), &DataType::from_arrow_field(f)))
                .collect::<Result<_, _>>()?
        };
        let found = rules
            .iter()
            .map(|rule| types.get(rule.name.as_str()).map(type_name))
            .collect();
        Ok(Self {
            packed,
            rules,
            found,
            footer,
            rows,
        })
    }

    /// Calls `visit` with every batch: first row number and columns in
    /// contract order.
    pub fn for_each_batch(
        &self,
        mut visit: impl FnMut(u64, Vec<Series>) -> Result<(), AssessError>,
    ) -> Result<(), AssessError> {
        let step = (BATCH_BYTES / 16 / self.rules.len().max(1)).max(MIN_BATCH_ROWS);
        let mut first = 0;
        let mut frame = FileMetadata::clone(&self.footer);
        let groups = std::mem::take(&mut frame.row_groups);
        for group in groups.into_iter().filter(|group| group.num_rows() > 0) {
            let rows = group.num_rows();
            let mut footer = frame.clone();
            footer.num_rows = rows;
            footer.row_groups = vec![group];
            let mut reader = ParquetReader::new(Cursor::new(self.packed))
                .read_parallel(ParallelStrategy::Columns)
                .set_rechunk(false);
            reader.set_metadata(Arc::new(footer));
            let group = reader.finish().map_err(unreadable)?;
            for offset in (0..rows).step_by(step) {
                let batch = group.slice(offset as i64, step);
                let columns = self.rules.iter().map(|rule| column(&batch, rule));
                let columns = columns
                    .collect::<PolarsResult<Vec<_>>>()
                    .map_err(internal)?;
                visit((first + offset) as u64, columns)?;
            }
            first += rows;
        }
        Ok(())
    }
}

/// The declared rules, when the file has all of their columns and no others.
fn declared(
    policy: &Policy,
    types: &HashMap<&str, DataType>,
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
            Some(dtype) => drop(inferred(&rule.name, dtype)?),
            None if rule.optional => {}
            None => return Err(AssessError::MissingColumn(rule.name.clone())),
        }
    }
    Ok(policy.columns.clone())
}

/// What a column of the file is when nothing is declared.
fn inferred(name: &str, dtype: &DataType) -> Result<ColumnRule, AssessError> {
    let kind = match dtype {
        DataType::Boolean => ColumnType::Bool,
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => ColumnType::Int64,
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => {
            ColumnType::UInt64
        }
        DataType::Float32 | DataType::Float64 => ColumnType::Float64,
        DataType::Decimal(precision, scale) => {
            match (u8::try_from(*precision), u8::try_from(*scale)) {
                (Ok(precision), Ok(scale)) => ColumnType::Decimal { precision, scale },
                _ => return Err(unsupported(name, dtype)),
            }
        }
        // A column of nulls alone has no better type.
        DataType::String | DataType::Null | DataType::Categorical(..) | DataType::Enum(..) => {
            ColumnType::String
        }
        DataType::Date => ColumnType::Date,
        DataType::Time => ColumnType::Time,
        DataType::Datetime(..) => ColumnType::Timestamp,
        DataType::Binary => ColumnType::Binary,
        _ => return Err(unsupported(name, dtype)),
    };
    Ok(ColumnRule::bare(name, kind))
}

fn unsupported(name: &str, dtype: &DataType) -> AssessError {
    AssessError::UnsupportedColumnType {
        column: name.to_owned(),
        found: dtype.to_string(),
    }
}

fn type_name(dtype: &DataType) -> String {
    inferred("", dtype).map_or_else(|_| dtype.to_string(), |rule| rule.kind.to_string())
}

/// A column in one of the ten types of a contract.
fn column(batch: &DataFrame, rule: &ColumnRule) -> PolarsResult<Series> {
    let Ok(column) = batch.column(&rule.name) else {
        let dtype = target_dtype(rule.kind);
        return Ok(Series::full_null(
            rule.name.as_str().into(),
            batch.height(),
            &dtype,
        ));
    };
    let series = column.as_materialized_series();
    match series.dtype() {
        DataType::Int8 | DataType::Int16 | DataType::Int32 => series.cast(&DataType::Int64),
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 => series.cast(&DataType::UInt64),
        DataType::Float32 => series.cast(&DataType::Float64),
        DataType::Null | DataType::Categorical(..) | DataType::Enum(..) => {
            series.cast(&DataType::String)
        }
        DataType::Datetime(unit, _) => {
            let ticks = series.to_physical_repr().i64()?.clone();
            let micros = match unit {
                TimeUnit::Microseconds => ticks,
                TimeUnit::Nanoseconds => ticks.apply_values(|t| t.div_euclid(1000)),
                TimeUnit::Milliseconds => ticks.apply_values(|t| t.saturating_mul(1000)),
            };
            let utc = Some(TimeZone::UTC);
            Ok(micros
                .into_datetime(TimeUnit::Microseconds, utc)
                .into_series())
        }
        _ => Ok(series.clone()),
    }
}

/// Any column as text, the way a provider could have written its cells.
pub(crate) fn as_text(series: &Series) -> PolarsResult<Series> {
    match series.dtype() {
        DataType::String => Ok(series.clone()),
        // Without its zone (UTC), because zones are not compiled into polars.
        DataType::Datetime(unit, Some(_)) => series
            .to_physical_repr()
            .i64()?
            .clone()
            .into_datetime(*unit, None)
            .into_series()
            .cast(&DataType::String),
        _ => series.cast(&DataType::String),
    }
}

fn unreadable(error: PolarsError) -> AssessError {
    AssessError::Unreadable(error.to_string())
}

pub(crate) fn internal(error: PolarsError) -> AssessError {
    AssessError::Internal(error.to_string())
}
