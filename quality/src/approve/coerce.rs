//! Cells written in a way that is not read by itself, because it could be read in two: `1,234`,
//! `03/04/2021`, `2.5` in a column of whole numbers. Who knows the file says how it is written.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, Utc};
use serde_json::Value;

use super::{Approved, Made};
use crate::clean::{float, key_of, tidy};
use crate::error::AssessError;
use crate::input::{Fault, Source, as_text, each_text, internal, one_of_ten};
use crate::policy::{ColumnType, Policy};
use crate::profile::SAMPLES;

pub(super) const USE: &str = "write coerce:COLUMN=round, a number such as 1,234.5 or 1.234,5, a \
                              date such as %d/%m/%Y, epoch, epoch_ms, or two words such as ja/nein";

/// How the cells of a column are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// Fractions in a column of whole numbers; rounded, half to even.
    Round,
    /// Digits in groups of three, and the character before the fraction.
    Number {
        /// Between groups.
        group: char,
        /// Before the fraction.
        point: char,
    },
    /// Days, instants or times in a pattern of strftime.
    Pattern(String),
    /// Seconds since 1970.
    Epoch,
    /// Milliseconds since 1970.
    EpochMillis,
    /// The words for true and false.
    Words(String, String),
}

const NUMBERS: [(&str, char, char); 5] = [
    ("1,234.5", ',', '.'),
    ("1.234,5", '.', ','),
    ("1 234,5", ' ', ','),
    ("1 234.5", ' ', '.'),
    ("1'234.5", '\'', '.'),
];

impl Form {
    pub(super) fn fits(&self, kind: ColumnType) -> bool {
        match self {
            Self::Round => matches!(kind, ColumnType::Int64 | ColumnType::UInt64),
            Self::Number { .. } => kind.is_number(),
            Self::Pattern(_) => matches!(
                kind,
                ColumnType::Date | ColumnType::Time | ColumnType::Timestamp
            ),
            Self::Epoch | Self::EpochMillis => kind == ColumnType::Timestamp,
            Self::Words(..) => kind == ColumnType::Bool,
        }
    }

    /// The same in the way it is read by itself; none where it is not written so.
    fn read(&self, text: &str, kind: ColumnType) -> Option<String> {
        match self {
            Self::Round => {
                let value = libm::rint(float(text)?);
                (value.abs() < 9e15).then(|| format!("{value:.0}"))
            }
            Self::Number { group, point } => number(text, *group, *point),
            Self::Pattern(pattern) => dated(text, pattern, kind),
            Self::Epoch => instant(text.parse().ok()?, 1),
            Self::EpochMillis => instant(text.parse().ok()?, 1_000),
            Self::Words(yes, no) => {
                let is = |word: &String| text.to_lowercase() == word.to_lowercase();
                is(yes)
                    .then(|| "true".to_owned())
                    .or_else(|| is(no).then(|| "false".to_owned()))
            }
        }
    }
}

/// `-1.234.567,5` as `-1234567.5`.
fn number(text: &str, group: char, point: char) -> Option<String> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once(point).unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let groups: Vec<&str> = whole
        .split(|c| c == group || group == ' ' && matches!(c, '\u{a0}' | '\u{202f}'))
        .collect();
    let (first, others) = groups.split_first()?;
    let grouped = others.iter().all(|part| part.len() == 3)
        && (others.is_empty() || (1..=3).contains(&first.len()));
    if !grouped || first.is_empty() || !groups.iter().all(|part| all_digits(part)) {
        return None;
    }
    if !all_digits(fraction) || digits.ends_with(point) {
        return None;
    }
    let dot = if fraction.is_empty() { "" } else { "." };
    Some(format!("{sign}{}{dot}{fraction}", groups.concat()))
}

/// Years of two digits in a pattern for four are not taken for the first century.
const FIRST_YEAR: i32 = 100;

fn dated(text: &str, pattern: &str, kind: ColumnType) -> Option<String> {
    let day = || {
        let day = NaiveDate::parse_from_str(text, pattern).ok();
        day.filter(|day| day.year() >= FIRST_YEAR)
    };
    match kind {
        ColumnType::Date => day().map(|day| day.format("%Y-%m-%d").to_string()),
        ColumnType::Time => {
            let time = NaiveTime::parse_from_str(text, pattern).ok()?;
            Some(time.format("%H:%M:%S%.f").to_string())
        }
        _ => {
            let zoned = DateTime::parse_from_str(text, pattern).ok();
            let at = zoned.map(|at| at.naive_utc());
            let at = at.or_else(|| NaiveDateTime::parse_from_str(text, pattern).ok());
            let at = at.or_else(|| day()?.and_hms_opt(0, 0, 0));
            let at = at.filter(|at| at.year() >= FIRST_YEAR)?;
            Some(rfc3339(at.and_utc()))
        }
    }
}

fn instant(count: i64, per_second: i64) -> Option<String> {
    let rest = count.rem_euclid(per_second) * (1_000_000_000 / per_second);
    let nanos = u32::try_from(rest).ok()?;
    DateTime::from_timestamp(count.div_euclid(per_second), nanos).map(rfc3339)
}

fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

impl FromStr for Form {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "round" => return Ok(Self::Round),
            "epoch" => return Ok(Self::Epoch),
            "epoch_ms" => return Ok(Self::EpochMillis),
            _ => {}
        }
        if let Some((_, group, point)) = NUMBERS.iter().find(|(form, ..)| *form == text) {
            let (group, point) = (*group, *point);
            return Ok(Self::Number { group, point });
        }
        let wrong = || format!("{text:?} is no form of cells; {USE}");
        if text.contains('%') {
            let sound = !StrftimeItems::new(text).any(|item| matches!(item, Item::Error));
            return match sound {
                true => Ok(Self::Pattern(text.to_owned())),
                false => Err(wrong()),
            };
        }
        let words = text.split_once('/');
        let words = words.filter(|(yes, no)| !yes.is_empty() && !no.is_empty() && yes != no);
        let (yes, no) = words.ok_or_else(wrong)?;
        Ok(Self::Words(yes.to_owned(), no.to_owned()))
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Round => f.write_str("round"),
            Self::Number { group, point } => {
                let form = NUMBERS.iter().find(|(_, g, p)| (g, p) == (group, point));
                f.write_str(form.map_or("", |(form, ..)| form))
            }
            Self::Pattern(pattern) => f.write_str(pattern),
            Self::Epoch => f.write_str("epoch"),
            Self::EpochMillis => f.write_str("epoch_ms"),
            Self::Words(yes, no) => write!(f, "{yes}/{no}"),
        }
    }
}

/// A table whose cells are read in the forms that were approved.
pub struct Coerced<'a> {
    inner: &'a mut dyn Source,
    schema: SchemaRef,
    columns: Vec<Column>,
    rows: u64,
}

struct Column {
    place: usize,
    name: String,
    kind: ColumnType,
    form: Form,
    count: u64,
    rows: Vec<u64>,
}

impl<'a> Coerced<'a> {
    /// The same rows, with the cells of some columns rewritten.
    ///
    /// # Errors
    /// [`AssessError::Policy`] when a change names no column of the table.
    pub fn new(
        inner: &'a mut dyn Source,
        changes: &[Approved],
        policy: &Policy,
    ) -> Result<Self, AssessError> {
        let schema = inner.schema();
        let mut fields: Vec<Field> = schema.fields().iter().map(|f| f.as_ref().clone()).collect();
        let mut columns = Vec::new();
        for change in changes {
            let Approved::Coerce { form, .. } = change else {
                continue;
            };
            let rule = change.declared(policy)?;
            let place = schema.index_of(&rule.name);
            let place = place.map_err(|_| change.fault("the file has no such column"))?;
            if let Some(field) = fields.get_mut(place) {
                *field = field.clone().with_data_type(DataType::Utf8View);
            }
            columns.push(Column {
                place,
                name: rule.name.clone(),
                kind: rule.kind,
                form: form.clone(),
                count: 0,
                rows: Vec::new(),
            });
        }
        Ok(Self {
            inner,
            schema: Arc::new(Schema::new(fields)),
            columns,
            rows: 0,
        })
    }

    /// What was rewritten since the first row.
    pub fn made(&self) -> Vec<Made> {
        let columns = self.columns.iter();
        let made = columns.map(|column| Made {
            rule: "coerce",
            column: Some(column.name.clone()),
            count: column.count,
            rows: column.rows.clone(),
            how: Some(column.form.to_string()),
        });
        made.collect()
    }

    fn rewrite(&mut self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let mut arrays = batch.columns().to_vec();
        for column in &mut self.columns {
            if let Some(array) = arrays.get_mut(column.place) {
                *array = column.rewrite(array, self.rows)?;
            }
        }
        self.rows += batch.num_rows() as u64;
        RecordBatch::try_new(Arc::clone(&self.schema), arrays)
    }
}

impl Column {
    fn rewrite(&mut self, array: &ArrayRef, first: u64) -> Result<ArrayRef, ArrowError> {
        let texts = as_text(&one_of_ten(array)?)?;
        let mut cells: Vec<Option<String>> = Vec::with_capacity(texts.len());
        let (mut row, mut buffer) = (first, String::new());
        each_text(&texts, |cell| {
            let cell = cell.map(|text| {
                let tidied = tidy(text, &mut buffer).0;
                let strict = key_of(&Value::from(tidied), self.kind);
                let new = self.form.read(tidied, self.kind);
                let new = new.filter(|new| {
                    let key = key_of(&Value::from(new.as_str()), self.kind);
                    key.is_some() && key != strict
                });
                if new.is_some() {
                    self.count += 1;
                    if self.rows.len() < SAMPLES {
                        self.rows.push(row);
                    }
                }
                new.unwrap_or_else(|| text.to_owned())
            });
            cells.push(cell);
            row += 1;
        });
        Ok(Arc::new(StringViewArray::from_iter(cells)))
    }
}

impl Source for Coerced<'_> {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn rows(&self) -> Option<u64> {
        self.inner.rows()
    }

    fn kinds(&self) -> Option<&[ColumnType]> {
        self.inner.kinds()
    }

    fn is_text(&self) -> bool {
        self.inner.is_text()
    }

    fn faults(&self) -> Vec<Fault> {
        self.inner.faults()
    }

    fn encoding(&self) -> Option<String> {
        self.inner.encoding()
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, AssessError> {
        let batch = self.inner.next_batch()?;
        let rewritten = batch.map(|batch| self.rewrite(&batch)).transpose();
        rewritten.map_err(internal)
    }

    fn rewind(&mut self) -> Result<(), AssessError> {
        self.rows = 0;
        for column in &mut self.columns {
            (column.count, column.rows) = (0, Vec::new());
        }
        self.inner.rewind()
    }
}
