//! The types a column may have, and the Arrow types behind them.

use std::{fmt, str::FromStr};

use arrow::datatypes::{DataType, TimeUnit};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// The type of the values of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColumnKind {
    /// True or false.
    Bool,
    /// Signed integer of 64 bits; holds every narrower one.
    Int64,
    /// Unsigned integer of 64 bits; holds every narrower one.
    UInt64,
    /// IEEE 754 double; holds single and half.
    Float64,
    /// Exact decimal number.
    Decimal {
        /// Digits in total, 1 to 38.
        precision: u8,
        /// Digits after the point, at most `precision`.
        scale: u8,
    },
    /// Text in UTF-8.
    String,
    /// Day without time zone.
    Date,
    /// Time of day in microseconds.
    Time,
    /// Moment in UTC, in microseconds.
    Timestamp,
    /// Bytes.
    Binary,
}

const MAX_PRECISION: u8 = 38;

/// A text that names no type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown column type: use bool, int64, uint64, float64, decimal(p,s) with p up to 38, \
     string, date, time, timestamp or binary"
)]
pub struct ParseKindError;

impl ColumnKind {
    /// The type that holds values of this Arrow type, if there is one.
    pub fn of_arrow(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Boolean => Self::Bool,
            DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => Self::Int64,
            DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => {
                Self::UInt64
            }
            DataType::Float16 | DataType::Float32 | DataType::Float64 => Self::Float64,
            DataType::Decimal32(p, s)
            | DataType::Decimal64(p, s)
            | DataType::Decimal128(p, s)
            | DataType::Decimal256(p, s) => {
                let scale = u8::try_from(*s).ok().filter(|scale| scale <= p)?;
                if *p == 0 || *p > MAX_PRECISION {
                    return None;
                }
                Self::Decimal {
                    precision: *p,
                    scale,
                }
            }
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::String,
            DataType::Date32 | DataType::Date64 => Self::Date,
            DataType::Time32(_) | DataType::Time64(_) => Self::Time,
            DataType::Timestamp(_, _) => Self::Timestamp,
            DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_) => Self::Binary,
            DataType::Dictionary(_, values) => Self::of_arrow(values)?,
            _ => return None,
        })
    }

    /// The Arrow type of such a column in a file written by us.
    pub fn to_arrow(self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int64 => DataType::Int64,
            Self::UInt64 => DataType::UInt64,
            Self::Float64 => DataType::Float64,
            // A scale is at most 38, so it fits.
            Self::Decimal { precision, scale } => DataType::Decimal128(precision, scale as i8),
            Self::String => DataType::Utf8,
            Self::Date => DataType::Date32,
            Self::Time => DataType::Time64(TimeUnit::Microsecond),
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Binary => DataType::Binary,
        }
    }

    /// The data type in schema.org words, as Croissant uses them.
    pub fn to_schema_org(self) -> &'static str {
        match self {
            Self::Bool => "sc:Boolean",
            Self::Int64 | Self::UInt64 => "sc:Integer",
            Self::Float64 | Self::Decimal { .. } => "sc:Float",
            Self::Date => "sc:Date",
            Self::Timestamp => "sc:DateTime",
            Self::Time => "sc:Time",
            Self::String | Self::Binary => "sc:Text",
        }
    }
}

impl fmt::Display for ColumnKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bool => "bool",
            Self::Int64 => "int64",
            Self::UInt64 => "uint64",
            Self::Float64 => "float64",
            Self::Decimal { precision, scale } => return write!(f, "decimal({precision},{scale})"),
            Self::String => "string",
            Self::Date => "date",
            Self::Time => "time",
            Self::Timestamp => "timestamp",
            Self::Binary => "binary",
        })
    }
}

impl FromStr for ColumnKind {
    type Err = ParseKindError;

    fn from_str(text: &str) -> Result<Self, ParseKindError> {
        Ok(match text {
            "bool" => Self::Bool,
            "int64" => Self::Int64,
            "uint64" => Self::UInt64,
            "float64" => Self::Float64,
            "string" => Self::String,
            "date" => Self::Date,
            "time" => Self::Time,
            "timestamp" => Self::Timestamp,
            "binary" => Self::Binary,
            _ => return parse_decimal(text).ok_or(ParseKindError),
        })
    }
}

fn parse_decimal(text: &str) -> Option<ColumnKind> {
    let (precision, scale) = text
        .strip_prefix("decimal(")?
        .strip_suffix(')')?
        .split_once(',')?;
    let (precision, scale): (u8, u8) = (precision.trim().parse().ok()?, scale.trim().parse().ok()?);
    ((1..=MAX_PRECISION).contains(&precision) && scale <= precision)
        .then_some(ColumnKind::Decimal { precision, scale })
}

impl Serialize for ColumnKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ColumnKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}
