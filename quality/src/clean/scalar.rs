//! Values of fixed size: how they are read from a column, parsed from text,
//! compared, written back and brought to their normal form.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, Date32Array, Decimal128Array,
    Float64Array, Int64Array, PrimitiveArray, Time64NanosecondArray, TimestampMicrosecondArray,
    UInt64Array,
};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float64Type, Int64Type, Time64NanosecondType, TimeUnit,
    TimestampMicrosecondType, UInt64Type,
};
use arrow::error::ArrowError;
use serde_json::Value;

use super::parse;
use crate::dedup::{
    CellKey, bool_key, date_key, decimal_key, float_key, integer_key, time_key, timestamp_key,
};
use crate::policy::ColumnType;

/// One cell of a column whose type in the file is no text.
pub(crate) enum Read<T> {
    Null,
    Value(T),
    /// There is a value, but it cannot be one of the declared type.
    Unfit,
}

/// Days since 1970-01-01.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
pub(crate) struct Day(i32);
/// Nanoseconds since midnight.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
pub(crate) struct Clock(i64);
/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
pub(crate) struct Instant(i64);
/// Unscaled value of a decimal column, with its scale.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
pub(crate) struct Dec(i128, u8);

/// A value of fixed size of one declared type.
pub(crate) trait Scalar: Copy + PartialOrd + Send + 'static {
    /// Visits all cells; `false` when the column must go through text.
    fn native(array: &dyn Array, kind: ColumnType, visit: &mut impl FnMut(Read<Self>)) -> bool;
    fn parse(text: &str, kind: ColumnType) -> Option<Self>;
    fn collect(cells: Vec<Option<Self>>, kind: ColumnType) -> Result<ArrayRef, ArrowError>;
    fn key(self) -> CellKey;
    fn json(self) -> Value;
    /// The number behind it, for means and histograms.
    fn measure(self) -> Option<f64> {
        None
    }
    /// Microseconds since 1970, for timeliness.
    fn instant(self) -> Option<i64> {
        None
    }
    fn is_nan(self) -> bool {
        false
    }
}

/// Type of a cleaned column.
pub(crate) fn target_type(kind: ColumnType) -> DataType {
    match kind {
        ColumnType::Bool => DataType::Boolean,
        ColumnType::Int64 => DataType::Int64,
        ColumnType::UInt64 => DataType::UInt64,
        ColumnType::Float64 => DataType::Float64,
        // A scale is at most 38.
        ColumnType::Decimal { precision, scale } => DataType::Decimal128(precision, scale as i8),
        ColumnType::String => DataType::Utf8View,
        ColumnType::Date => DataType::Date32,
        ColumnType::Time => DataType::Time64(TimeUnit::Nanosecond),
        ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        ColumnType::Binary => DataType::BinaryView,
    }
}

fn each<P: ArrowPrimitiveType, U>(
    array: &PrimitiveArray<P>,
    convert: impl Fn(P::Native) -> Option<U>,
    visit: &mut impl FnMut(Read<U>),
) -> bool {
    let read = |value: P::Native| convert(value).map_or(Read::Unfit, Read::Value);
    match array.nulls() {
        None => array.values().iter().for_each(|value| visit(read(*value))),
        Some(nulls) => {
            for (value, present) in array.values().iter().zip(nulls.iter()) {
                visit(if present { read(*value) } else { Read::Null });
            }
        }
    }
    true
}

/// A double that is a whole number a 64-bit integer can hold.
fn whole(value: f64) -> Option<i128> {
    (value == value.trunc() && value.abs() < 1.9e19).then_some(value as i128)
}

impl Scalar for bool {
    fn native(array: &dyn Array, _: ColumnType, visit: &mut impl FnMut(Read<Self>)) -> bool {
        let Some(cells) = array.as_boolean_opt() else {
            return false;
        };
        for cell in cells {
            visit(cell.map_or(Read::Null, Read::Value));
        }
        true
    }

    fn parse(text: &str, _: ColumnType) -> Option<Self> {
        parse::boolean(text)
    }

    fn collect(cells: Vec<Option<Self>>, _: ColumnType) -> Result<ArrayRef, ArrowError> {
        Ok(Arc::new(BooleanArray::from(cells)))
    }

    fn key(self) -> CellKey {
        bool_key(self)
    }

    fn json(self) -> Value {
        Value::from(self)
    }
}

macro_rules! integer {
    ($native:ty, $array:ty) => {
        impl Scalar for $native {
            fn native(
                array: &dyn Array,
                _: ColumnType,
                visit: &mut impl FnMut(Read<Self>),
            ) -> bool {
                match array.data_type() {
                    DataType::Int64 => each(
                        array.as_primitive::<Int64Type>(),
                        |v| v.try_into().ok(),
                        visit,
                    ),
                    DataType::UInt64 => each(
                        array.as_primitive::<UInt64Type>(),
                        |v| v.try_into().ok(),
                        visit,
                    ),
                    DataType::Float64 => {
                        let fits = |v: f64| whole(v).and_then(|v| v.try_into().ok());
                        // NaN is a missing value, as a null is.
                        let floats = array.as_primitive::<Float64Type>();
                        for value in floats {
                            visit(match value.filter(|value| !value.is_nan()) {
                                None => Read::Null,
                                Some(value) => fits(value).map_or(Read::Unfit, Read::Value),
                            });
                        }
                        true
                    }
                    _ => false,
                }
            }

            fn parse(text: &str, _: ColumnType) -> Option<Self> {
                parse::integer(text)?.try_into().ok()
            }

            fn collect(cells: Vec<Option<Self>>, _: ColumnType) -> Result<ArrayRef, ArrowError> {
                Ok(Arc::new(<$array>::from(cells)))
            }

            fn key(self) -> CellKey {
                integer_key(i128::from(self))
            }

            fn json(self) -> Value {
                Value::from(self)
            }

            fn measure(self) -> Option<f64> {
                Some(self as f64)
            }
        }
    };
}

integer!(i64, Int64Array);
integer!(u64, UInt64Array);

impl Scalar for f64 {
    fn native(array: &dyn Array, _: ColumnType, visit: &mut impl FnMut(Read<Self>)) -> bool {
        match array.data_type() {
            DataType::Float64 => each(array.as_primitive::<Float64Type>(), Some, visit),
            DataType::Int64 => each(
                array.as_primitive::<Int64Type>(),
                |v| Some(v as f64).filter(|f| whole(*f) == Some(i128::from(v))),
                visit,
            ),
            DataType::UInt64 => each(
                array.as_primitive::<UInt64Type>(),
                |v| Some(v as f64).filter(|f| whole(*f) == Some(i128::from(v))),
                visit,
            ),
            _ => false,
        }
    }

    fn parse(text: &str, _: ColumnType) -> Option<Self> {
        parse::float(text)
    }

    fn collect(cells: Vec<Option<Self>>, _: ColumnType) -> Result<ArrayRef, ArrowError> {
        Ok(Arc::new(Float64Array::from(cells)))
    }

    fn key(self) -> CellKey {
        float_key(self)
    }

    fn json(self) -> Value {
        Value::from(self)
    }

    fn measure(self) -> Option<f64> {
        Some(self)
    }

    fn is_nan(self) -> bool {
        f64::is_nan(self)
    }
}

impl Scalar for Dec {
    fn native(array: &dyn Array, kind: ColumnType, visit: &mut impl FnMut(Read<Self>)) -> bool {
        match (kind, array.data_type()) {
            (ColumnType::Decimal { precision, scale }, DataType::Decimal128(_, s))
                if i16::from(*s) == i16::from(scale) =>
            {
                let limit = 10i128
                    .checked_pow(u32::from(precision))
                    .unwrap_or(i128::MAX);
                let fits = |v: i128| (v < limit && v > -limit).then_some(Dec(v, scale));
                each(array.as_primitive::<Decimal128Type>(), fits, visit)
            }
            _ => false,
        }
    }

    fn parse(text: &str, kind: ColumnType) -> Option<Self> {
        match kind {
            ColumnType::Decimal { precision, scale } => {
                Some(Dec(parse::decimal(text, precision, scale)?, scale))
            }
            _ => None,
        }
    }

    fn collect(cells: Vec<Option<Self>>, kind: ColumnType) -> Result<ArrayRef, ArrowError> {
        let cells = cells
            .into_iter()
            .map(|cell| cell.map(|Dec(value, _)| value));
        let array: Decimal128Array = cells.collect();
        match kind {
            ColumnType::Decimal { precision, scale } => Ok(Arc::new(
                array.with_precision_and_scale(precision, scale as i8)?,
            )),
            _ => Err(ArrowError::CastError(format!(
                "decimal cells in a column of type {kind}"
            ))),
        }
    }

    fn key(self) -> CellKey {
        decimal_key(self.0, self.1)
    }

    fn json(self) -> Value {
        let (sign, digits) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        let one = 10u128.pow(u32::from(self.1));
        match self.1 {
            0 => Value::from(format!("{sign}{digits}")),
            scale => Value::from(format!(
                "{sign}{}.{:0scale$}",
                digits / one,
                digits % one,
                scale = usize::from(scale)
            )),
        }
    }

    fn measure(self) -> Option<f64> {
        Some(self.0 as f64 / 10u128.pow(u32::from(self.1)) as f64)
    }
}

/// A logical type over a physical one.
macro_rules! logical {
    ($name:ident, $dtype:pat, $physical:ty, $array:ty, $finish:expr, $key:ident, $parse:expr, $instant:expr) => {
        impl Scalar for $name {
            fn native(
                array: &dyn Array,
                _: ColumnType,
                visit: &mut impl FnMut(Read<Self>),
            ) -> bool {
                match array.data_type() {
                    $dtype => each(
                        array.as_primitive::<$physical>(),
                        |value| Some($name(value)),
                        visit,
                    ),
                    _ => false,
                }
            }

            fn parse(text: &str, _: ColumnType) -> Option<Self> {
                $parse(text).map($name)
            }

            fn collect(cells: Vec<Option<Self>>, _: ColumnType) -> Result<ArrayRef, ArrowError> {
                let cells = cells.into_iter().map(|cell| cell.map(|$name(value)| value));
                let array: $array = cells.collect();
                Ok(Arc::new($finish(array)))
            }

            fn key(self) -> CellKey {
                $key(self.0)
            }

            fn json(self) -> Value {
                Value::from(self.text())
            }

            fn instant(self) -> Option<i64> {
                $instant(self.0)
            }
        }
    };
}

const MICROS_PER_DAY: i64 = 86_400_000_000;

logical!(
    Day,
    DataType::Date32,
    Date32Type,
    Date32Array,
    std::convert::identity,
    date_key,
    |text| Some(parse::date(text)?.to_epoch_days()),
    |days| Some(i64::from(days) * MICROS_PER_DAY)
);
logical!(
    Clock,
    DataType::Time64(TimeUnit::Nanosecond),
    Time64NanosecondType,
    Time64NanosecondArray,
    std::convert::identity,
    time_key,
    |text| {
        use chrono::Timelike;
        let time = parse::time(text)?;
        let seconds = i64::from(time.num_seconds_from_midnight());
        Some(seconds * 1_000_000_000 + i64::from(time.nanosecond()))
    },
    |_| None
);
logical!(
    Instant,
    DataType::Timestamp(TimeUnit::Microsecond, _),
    TimestampMicrosecondType,
    TimestampMicrosecondArray,
    |micros: TimestampMicrosecondArray| micros.with_timezone("UTC"),
    timestamp_key,
    |text| Some(parse::timestamp(text)?.and_utc().timestamp_micros()),
    Some
);

impl Day {
    fn text(self) -> String {
        chrono::DateTime::from_timestamp(i64::from(self.0) * 86_400, 0).map_or_else(
            || format!("{} days since 1970", self.0),
            |at| at.format("%Y-%m-%d").to_string(),
        )
    }
}

impl Clock {
    fn text(self) -> String {
        let seconds = self.0 / 1_000_000_000;
        format!(
            "{:02}:{:02}:{:02}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        )
    }
}

impl Instant {
    fn text(self) -> String {
        chrono::DateTime::from_timestamp_micros(self.0).map_or_else(
            || format!("{} µs since 1970", self.0),
            |at| at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
        )
    }
}
