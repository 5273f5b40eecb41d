//! What an analysis sees of a batch.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float64Type, Int64Type, Time64NanosecondType,
    TimestampMicrosecondType, UInt64Type,
};

use crate::dedup::{CellKey, NULL_KEY};

/// Consecutive rows, cleaned.
pub(crate) struct Rows<'a> {
    /// Number in the file of the first of them.
    pub first: u64,
    /// How many.
    pub len: usize,
    /// Canonical fingerprints of the rows (not keyed: see [`crate::dedup`]).
    pub fingerprints: &'a [u128],
    /// Columns in contract order.
    pub columns: Vec<Cells<'a>>,
}

/// One column of consecutive rows, in its declared type.
#[derive(Clone, Copy)]
pub(crate) struct Cells<'a> {
    keys: &'a [CellKey],
    good: &'a [bool],
    values: Values<'a>,
}

#[derive(Clone, Copy)]
enum Values<'a> {
    View(&'a arrow::array::StringViewArray),
    Text(&'a arrow::array::StringArray),
    LargeText(&'a arrow::array::LargeStringArray),
    Other(&'a ArrayRef),
}

impl<'a> Cells<'a> {
    pub fn new(keys: &'a [CellKey], good: &'a [bool], values: &'a ArrayRef) -> Self {
        let values = match values.data_type() {
            DataType::Utf8View => Values::View(values.as_string_view()),
            DataType::Utf8 => Values::Text(values.as_string()),
            DataType::LargeUtf8 => Values::LargeText(values.as_string()),
            _ => Values::Other(values),
        };
        Self { keys, good, values }
    }

    /// The normal form: equal cells of any column and file have equal keys. 0 = missing.
    #[inline]
    pub fn key(&self, row: usize) -> CellKey {
        self.keys.get(row).copied().unwrap_or(NULL_KEY)
    }

    /// All normal forms of the batch.
    pub fn keys(&self) -> &'a [CellKey] {
        self.keys
    }

    /// No value: null, NaN, null token, blank, or unreadable in the declared type.
    #[inline]
    pub fn is_missing(&self, row: usize) -> bool {
        self.key(row) == NULL_KEY
    }

    /// Has a value, and one that keeps the rules of its column.
    #[inline]
    pub fn is_good(&self, row: usize) -> bool {
        self.good.get(row).copied().unwrap_or(false)
    }

    /// The cleaned text of a text column; none when missing.
    #[inline]
    pub fn text(&self, row: usize) -> Option<&'a str> {
        if self.is_missing(row) {
            return None;
        }
        match self.values {
            Values::View(array) => (row < array.len()).then(|| array.value(row)),
            Values::Text(array) => (row < array.len()).then(|| array.value(row)),
            Values::LargeText(array) => (row < array.len()).then(|| array.value(row)),
            Values::Other(_) => None,
        }
    }

    /// The number behind a cell: numbers as they are, days since 1970 of a date, microseconds
    /// since 1970 of a timestamp, nanoseconds since midnight of a time, 0 or 1 of a truth
    /// value. None for missing cells, texts and bytes.
    #[inline]
    pub fn number(&self, row: usize) -> Option<f64> {
        let Values::Other(array) = self.values else {
            return None;
        };
        if self.is_missing(row) || row >= array.len() {
            return None;
        }
        Some(match array.data_type() {
            DataType::Boolean => f64::from(u8::from(array.as_boolean().value(row))),
            DataType::Int64 => array.as_primitive::<Int64Type>().value(row) as f64,
            DataType::UInt64 => array.as_primitive::<UInt64Type>().value(row) as f64,
            DataType::Float64 => array.as_primitive::<Float64Type>().value(row),
            DataType::Date32 => f64::from(array.as_primitive::<Date32Type>().value(row)),
            DataType::Timestamp(..) => {
                array.as_primitive::<TimestampMicrosecondType>().value(row) as f64
            }
            DataType::Time64(_) => array.as_primitive::<Time64NanosecondType>().value(row) as f64,
            DataType::Decimal128(_, scale) => {
                let value = array.as_primitive::<Decimal128Type>().value(row);
                value as f64 / libm::exp10(f64::from(*scale))
            }
            _ => return None,
        })
    }

    /// Calls `visit` with the row of the batch and the number of every cell that has one: see
    /// [`Cells::number`].
    #[inline]
    pub fn each_number(&self, rows: usize, mut visit: impl FnMut(usize, f64)) {
        let keys = self.keys.get(..rows).unwrap_or(self.keys);
        let cells = keys.iter().enumerate();
        let present = cells.filter(|(_, key)| **key != NULL_KEY);
        let Values::Other(array) = self.values else {
            return;
        };
        match array.data_type() {
            DataType::Int64 => {
                let values = array.as_primitive::<Int64Type>().values();
                present.for_each(|(row, _)| {
                    if let Some(value) = values.get(row) {
                        visit(row, *value as f64);
                    }
                });
            }
            DataType::Float64 => {
                let values = array.as_primitive::<Float64Type>().values();
                present.for_each(|(row, _)| {
                    if let Some(value) = values.get(row) {
                        visit(row, *value);
                    }
                });
            }
            _ => present.for_each(|(row, _)| {
                if let Some(value) = self.number(row) {
                    visit(row, value);
                }
            }),
        }
    }
}
