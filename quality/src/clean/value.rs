//! Declared values, read as a cell of their column would be.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringViewArray};
use serde_json::Value;

use super::{Clock, Day, Dec, Instant, Scalar, tidy};
use crate::dedup::{CellKey, text_key};
use crate::policy::ColumnType;

/// Normal form of a declared value in a column of this type.
pub(crate) fn key_of(value: &Value, kind: ColumnType) -> Option<CellKey> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        _ => return None,
    };
    fn key<T: Scalar>(text: &str, kind: ColumnType) -> Option<CellKey> {
        T::parse(text, kind).map(Scalar::key)
    }
    match kind {
        ColumnType::Bool => key::<bool>(&text, kind),
        ColumnType::Int64 => key::<i64>(&text, kind),
        ColumnType::UInt64 => key::<u64>(&text, kind),
        ColumnType::Float64 => key::<f64>(&text, kind),
        ColumnType::Decimal { .. } => key::<Dec>(&text, kind),
        ColumnType::Date => key::<Day>(&text, kind),
        ColumnType::Time => key::<Clock>(&text, kind),
        ColumnType::Timestamp => key::<Instant>(&text, kind),
        ColumnType::String => Some(text_key(tidy(&text, &mut String::new()).0)),
        ColumnType::Binary => None,
    }
}

/// A declared value as a cleaned column of one cell.
pub(crate) fn cell_of(value: &Value, kind: ColumnType) -> Option<ArrayRef> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        _ => return None,
    };
    fn cell<T: Scalar>(text: &str, kind: ColumnType) -> Option<ArrayRef> {
        T::collect(vec![Some(T::parse(text, kind)?)], kind).ok()
    }
    match kind {
        ColumnType::Bool => cell::<bool>(&text, kind),
        ColumnType::Int64 => cell::<i64>(&text, kind),
        ColumnType::UInt64 => cell::<u64>(&text, kind),
        ColumnType::Float64 => cell::<f64>(&text, kind),
        ColumnType::Decimal { .. } => cell::<Dec>(&text, kind),
        ColumnType::Date => cell::<Day>(&text, kind),
        ColumnType::Time => cell::<Clock>(&text, kind),
        ColumnType::Timestamp => cell::<Instant>(&text, kind),
        ColumnType::String => {
            let text = tidy(&text, &mut String::new()).0.to_owned();
            Some(Arc::new(StringViewArray::from(vec![text.as_str()])))
        }
        ColumnType::Binary => None,
    }
}

/// Microseconds since 1970 of a day or an instant.
pub(crate) fn micros(text: &str) -> Option<i64> {
    super::parse::timestamp(text).map(|at| at.and_utc().timestamp_micros())
}

/// Nanoseconds since midnight.
pub(crate) fn nanos(text: &str) -> Option<i64> {
    use chrono::Timelike;
    let time = super::parse::time(text)?;
    Some(i64::from(time.num_seconds_from_midnight()) * 1_000_000_000 + i64::from(time.nanosecond()))
}
