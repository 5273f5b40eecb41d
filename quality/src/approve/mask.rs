//! Cells that say less than they did.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringViewArray};
use arrow::datatypes::{Date32Type, TimestampMicrosecondType};
use chrono::{DateTime, Datelike, NaiveDate};

use super::edits::Pseudonym;
use crate::policy::ColumnType;

pub(super) const USE: &str = "write mask:COLUMN=redact, hash, last4 or year";

/// What stands for every text.
const REDACTED: &str = "[masked]";
/// Characters that `last4` leaves.
const LEFT: usize = 4;

/// What is left of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mask {
    /// Of a text: that there was one.
    Redact,
    /// Of a text: a pseudonym under a key; equal texts stay equal.
    Hash,
    /// Of a text: its last four characters, if it is longer than that.
    Last4,
    /// Of a date or an instant: its year.
    Year,
}

const WORDS: [(&str, Mask); 4] = [
    ("redact", Mask::Redact),
    ("hash", Mask::Hash),
    ("last4", Mask::Last4),
    ("year", Mask::Year),
];

impl Mask {
    pub(super) fn fits(self, kind: ColumnType) -> Result<(), &'static str> {
        let dated = matches!(kind, ColumnType::Date | ColumnType::Timestamp);
        match self {
            Self::Year if dated => Ok(()),
            Self::Year => Err("only dates and timestamps have a year"),
            _ if kind == ColumnType::String => Ok(()),
            _ => Err("only texts can be masked so; use mask:COLUMN=year or drop:COLUMN"),
        }
    }

    /// The masked column.
    pub(super) fn apply(self, array: &ArrayRef, pseudonym: Option<&Pseudonym>) -> ArrayRef {
        let text = |change: &dyn Fn(&str) -> String| -> ArrayRef {
            let cells = array.as_string_view().iter();
            Arc::new(StringViewArray::from_iter(
                cells.map(|cell| cell.map(change)),
            ))
        };
        match self {
            Self::Redact => text(&|_| REDACTED.to_owned()),
            Self::Hash => text(&|cell| pseudonym.map_or_else(|| REDACTED.to_owned(), |p| p(cell))),
            Self::Last4 => text(&last_four),
            Self::Year => years(array),
        }
    }
}

fn last_four(text: &str) -> String {
    let length = text.chars().count();
    let hidden = if length > LEFT { length - LEFT } else { length };
    let cells = text.chars().enumerate();
    cells
        .map(|(place, c)| if place < hidden { '*' } else { c })
        .collect()
}

/// The first day of the year of every date or instant.
fn years(array: &ArrayRef) -> ArrayRef {
    let first_day = |year: i32| {
        let epoch = DateTime::UNIX_EPOCH.date_naive();
        NaiveDate::from_ymd_opt(year, 1, 1).map_or(0, |day| (day - epoch).num_days())
    };
    if let Some(days) = array.as_primitive_opt::<Date32Type>() {
        return Arc::new(days.unary::<_, Date32Type>(|day| {
            let date = DateTime::from_timestamp(i64::from(day) * 86_400, 0);
            date.map_or(day, |date| first_day(date.year()) as i32)
        }));
    }
    match array.as_primitive_opt::<TimestampMicrosecondType>() {
        Some(instants) => {
            let years = instants.unary::<_, TimestampMicrosecondType>(|at| {
                let date = DateTime::from_timestamp_micros(at);
                date.map_or(at, |date| first_day(date.year()) * 86_400_000_000)
            });
            Arc::new(years.with_timezone("UTC"))
        }
        None => Arc::clone(array),
    }
}

impl FromStr for Mask {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = WORDS.iter().find(|(word, _)| *word == text);
        found
            .map(|(_, mask)| *mask)
            .ok_or_else(|| format!("{text:?} is no way to mask; {USE}"))
    }
}

impl fmt::Display for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = WORDS.iter().find(|(_, mask)| mask == self);
        f.write_str(found.map_or("", |(word, _)| word))
    }
}
