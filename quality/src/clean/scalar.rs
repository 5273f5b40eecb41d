//! Values of fixed size: how they are read from a column, parsed from text,
//! compared, written back and brought to their normal form.

use polars::prelude::*;
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
    fn native(
        series: &Series,
        kind: ColumnType,
        visit: &mut impl FnMut(Read<Self>),
    ) -> PolarsResult<bool>;
    fn parse(text: &str, kind: ColumnType) -> Option<Self>;
    fn collect(cells: Vec<Option<Self>>, kind: ColumnType) -> PolarsResult<Series>;
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
pub(crate) fn target_dtype(kind: ColumnType) -> DataType {
    match kind {
        ColumnType::Bool => DataType::Boolean,
        ColumnType::Int64 => DataType::Int64,
        ColumnType::UInt64 => DataType::UInt64,
        ColumnType::Float64 => DataType::Float64,
        ColumnType::Decimal { precision, scale } => {
            DataType::Decimal(usize::from(precision), usize::from(scale))
        }
        ColumnType::String => DataType::String,
        ColumnType::Date => DataType::Date,
        ColumnType::Time => DataType::Time,
        ColumnType::Timestamp => DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC)),
        ColumnType::Binary => DataType::Binary,
    }
}

fn each<T, U>(
    cells: impl Iterator<Item = Option<T>>,
    convert: impl Fn(T) -> Option<U>,
    visit: &mut impl FnMut(Read<U>),
) -> PolarsResult<bool> {
    for cell in cells {
        visit(match cell {
            None => Read::Null,
            Some(value) => convert(value).map_or(Read::Unfit, Read::Value),
        });
    }
    Ok(true)
}

/// A double that is a whole number a 64-bit integer can hold.
fn whole(value: f64) -> Option<i128> {
    (value == value.trunc() && value.abs() < 1.9e19).then_some(value as i128)
}

impl Scalar for bool {
    fn native(
        series: &Series,
        _: ColumnType,
        visit: &mut impl FnMut(Read<Self>),
    ) -> PolarsResult<bool> {
        match series.dtype() {
            DataType::Boolean => each(series.bool()?.iter(), Some, visit),
            _ => Ok(false),
        }
    }

    fn parse(text: &str, _: ColumnType) -> Option<Self> {
        parse::boolean(text)
    }

    fn collect(cells: Vec<Option<Self>>, _: ColumnType) -> PolarsResult<Series> {
        Ok(BooleanChunked::from_iter_options(PlSmallStr::EMPTY, cells.into_iter()).into_series())
    }

    fn key(self) -> CellKey {
        bool_key(self)
    }

    fn json(self) -> Value {
        Value::from(self)
    }
}

macro_rules! integer {
    ($native:ty, $chunked:ty) => {
        impl Scalar for $native {
            fn native(
                series: &Series,
                _: ColumnType,
                visit: &mut impl FnMut(Read<Self>),
            ) -> PolarsResult<bool> {
                match series.dtype() {
                    DataType::Int64 => each(series.i64()?.iter(), |v| v.try_into().ok(), visit),
                    DataType::UInt64 => each(series.u64()?.iter(), |v| v.try_into().ok(), visit),
                    DataType::Float64 => each(
                        series.f64()?.iter().map(|v| v.filter(|v| !v.is_nan())),
                        |v| whole(v).and_then(|v| v.try_into().ok()),
                        visit,
                    ),
                    _ => Ok(false),
                }
            }

            fn parse(text: &str, _: ColumnType) -> Option<Self> {
                parse::integer(text)?.try_into().ok()
            }

            fn collect(cells: Vec<Option<Self>>, _: ColumnType) -> PolarsResult<Series> {
                let cells = cells.into_iter();
                Ok(<$chunked>::from_iter_options(PlSmallStr::EMPTY, cells).into_series())
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

integer!(i64, Int64Chunked);
integer!(u64, UInt64Chunked);

impl Scalar for f64 {
    fn native(
        series: &Series,
        _: ColumnType,
        visit: &mut impl FnMut(Read<Self>),
    ) -> PolarsResult<bool> {
        match series.dtype() {
            DataType::Float64 => each(series.f64()?.iter(), Some, visit),
            DataType::Int64 => each(
                series.i64()?.iter(),
                |v| Some(v as f64).filter(|f| whole(*f) == Some(i128::from(v))),
                visit,
            ),
            DataType::UInt64 => each(
                series.u64()?.iter(),
                |v| Some(v as f64).filter(|f| whole(*f) == Some(i128::from(v))),
                visit,
            ),
            _ => Ok(false),
        }
    }

    fn parse(text: &str, _: ColumnType) -> Option<Self> {
        parse::float(text)
    }

    fn collect(cells: Vec<Option<Self>>, _: ColumnType) -> PolarsResult<Series> {
        Ok(Float64Chunked::from_iter_options(PlSmallStr::EMPTY, cells.into_iter()).into_series())
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
    fn native(
        series: &Series,
        kind: ColumnType,
        visit: &mut impl FnMut(Read<Self>),
    ) -> PolarsResult<bool> {
        match (kind, series.dtype()) {
            (ColumnType::Decimal { precision, scale }, DataType::Decimal(_, s))
                if *s == usize::from(scale) =>
            {
                let limit = 10i128
                    .checked_pow(u32::from(precision))
                    .unwrap_or(i128::MAX);
                let fits = |v: i128| (v < limit && v > -limit).then_some(Dec(v, scale));
                each(series.decimal()?.physical().iter(), fits, visit)
            }
            _ => Ok(false),
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

    fn collect(cells: Vec<Option<Self>>, kind: ColumnType) -> PolarsResult<Series> {
        let cells = cells
            .into_iter()
            .map(|cell| cell.map(|Dec(value, _)| value));
        let physical = Int128Chunked::from_iter_options(PlSmallStr::EMPTY, cells);
        match kind {
            ColumnType::Decimal { precision, scale } => Ok(physical
                .into_decimal_unchecked(usize::from(precision), usize::from(scale))
                .into_series()),
            _ => Err(polars_err!(ComputeError: "decimal cells in a column of type {kind}")),
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
    ($name:ident, $dtype:pat, $chunked:ident, $physical:ty, $into:expr, $key:ident, $parse:expr, $instant:expr) => {
        impl Scalar for $name {
            fn native(
                series: &Series,
                _: ColumnType,
                visit: &mut impl FnMut(Read<Self>),
            ) -> PolarsResult<bool> {
                match series.dtype() {
                    $dtype => {
                        let physical = series.$chunked()?.physical().iter();
                        each(physical, |value| Some($name(value)), visit)
                    }
                    _ => Ok(false),
                }
            }

            fn parse(text: &str, _: ColumnType) -> Option<Self> {
                $parse(text).map($name)
            }

            fn collect(cells: Vec<Option<Self>>, _: ColumnType) -> PolarsResult<Series> {
                let cells = cells.into_iter().map(|cell| cell.map(|$name(value)| value));
                let physical = <$physical>::from_iter_options(PlSmallStr::EMPTY, cells);
                Ok($into(physical))
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
    DataType::Date,
    date,
    Int32Chunked,
    |days: Int32Chunked| days.into_date().into_series(),
    date_key,
    |text| Some(parse::date(text)?.to_epoch_days()),
    |days| Some(i64::from(days) * MICROS_PER_DAY)
);
logical!(
    Clock,
    DataType::Time,
    time,
    Int64Chunked,
    |nanos: Int64Chunked| nanos.into_time().into_series(),
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
    DataType::Datetime(TimeUnit::Microseconds, _),
    datetime,
    Int64Chunked,
    |micros: Int64Chunked| micros
        .into_datetime(TimeUnit::Microseconds, Some(TimeZone::UTC))
        .into_series(),
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
