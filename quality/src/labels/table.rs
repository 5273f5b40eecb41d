//! Annotations as a table in a file.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{Field, Schema};
use chrono::{DateTime, SecondsFormat, Utc};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::{Annotation, Kind, LabelError, Span};
use crate::analysis::{Analysis, Cells, Found, Rows};
use crate::assess;
use crate::input::Source;
use crate::policy::{ColumnRule, Policy};

/// The question of tables that have no column for it.
pub const QUESTION: &str = "label";

/// Columns that a table must have.
const NEEDED: [&str; 3] = ["item", "annotator", "label"];
/// Columns that it may have.
const OPTIONAL: [&str; 5] = ["question", "kind", "start", "end", "time"];

/// Reads a table with the columns `item`, `annotator` and `label`, and where they are there
/// `question`, `kind` (choice, rating, number, span), `start` and `end` (characters), `time`
/// (RFC 3339, or a timestamp). Other columns are passed over.
///
/// # Errors
/// [`LabelError::NotTable`] naming the column or row.
pub fn read(source: &mut dyn Source) -> Result<Vec<Annotation>, LabelError> {
    // Labels are taken as they stand: "NA" is a label like others.
    let policy = Policy {
        null_tokens: Some(Vec::new()),
        ..Policy::default()
    };
    let reader = assess::show(source, &policy, Reader::new)
        .map_err(|error| LabelError::NotTable(error.to_string()))?;
    match reader.fault {
        Some(fault) => Err(LabelError::NotTable(fault)),
        None => Ok(reader.table),
    }
}

struct Reader {
    /// Positions of [`NEEDED`], then [`OPTIONAL`].
    places: [Option<usize>; 8],
    table: Vec<Annotation>,
    fault: Option<String>,
}

impl Reader {
    fn new(rules: &[ColumnRule]) -> Self {
        let mut places = [None; 8];
        for (place, name) in places.iter_mut().zip(NEEDED.iter().chain(&OPTIONAL)) {
            *place = rules.iter().position(|rule| rule.name == **name);
        }
        let missing = NEEDED
            .iter()
            .zip(&places)
            .find(|(_, place)| place.is_none());
        Self {
            fault: missing.map(|(name, _)| format!("it has no column {name:?}")),
            places,
            table: Vec::new(),
        }
    }

    fn row(&self, rows: &Rows<'_>, row: usize) -> Result<Annotation, String> {
        let cells = |at: usize| {
            let place = self.places.get(at).copied().flatten();
            place.and_then(|place| rows.columns.get(place))
        };
        let text = |at: usize| cells(at).and_then(|cells| written(cells, row));
        let needed = |at: usize| {
            let name = NEEDED.get(at).copied().unwrap_or_default();
            text(at).ok_or_else(|| format!("{name} is empty"))
        };
        let border = |at: usize| match text(at) {
            None => Ok(None),
            Some(text) => {
                let number = text.parse::<u64>();
                number
                    .map(Some)
                    .map_err(|_| format!("{text:?} is not a place in a text"))
            }
        };
        let span = match (border(5)?, border(6)?) {
            (Some(start), Some(end)) if start < end => Some(Span { start, end }),
            (None, None) => None,
            _ => return Err("start and end are no passage".to_owned()),
        };
        let kind = match text(4) {
            Some(name) => Kind::named(&name).ok_or_else(|| {
                format!("{name:?} is no kind; use choice, rating, number or span")
            })?,
            None if span.is_some() => Kind::Span,
            None => Kind::Choice,
        };
        let label = if kind == Kind::Span && span.is_none() {
            text(2).unwrap_or_default()
        } else {
            needed(2)?
        };
        Ok(Annotation {
            kind,
            span,
            time: cells(7).map_or(Ok(None), |cells| time(cells, row))?,
            ..Annotation::choice(
                needed(0)?,
                needed(1)?,
                text(3).unwrap_or_else(|| QUESTION.to_owned()),
                label,
            )
        })
    }
}

/// A cell as text; whole numbers without a point.
fn written(cells: &Cells<'_>, row: usize) -> Option<String> {
    cells
        .text(row)
        .map(str::to_owned)
        .or_else(|| cells.number(row).map(|number| number.to_string()))
}

fn time(cells: &Cells<'_>, row: usize) -> Result<Option<DateTime<Utc>>, String> {
    if let Some(text) = cells.text(row) {
        return match DateTime::parse_from_rfc3339(text) {
            Ok(time) => Ok(Some(time.to_utc())),
            Err(_) => Err(format!("{text:?} is not a time like 2026-01-31T12:00:00Z")),
        };
    }
    Ok(cells
        .number(row)
        .and_then(|micros| DateTime::from_timestamp_micros(micros as i64)))
}

impl Analysis for Reader {
    fn name(&self) -> &'static str {
        "annotations"
    }

    fn scan(&mut self, rows: &Rows<'_>) {
        for row in 0..rows.len {
            if self.fault.is_some() {
                return;
            }
            match self.row(rows, row) {
                Ok(annotation) => self.table.push(annotation),
                Err(fault) => {
                    self.fault = Some(format!("row {}: {fault}", rows.first + row as u64));
                }
            }
        }
    }

    fn finish(self: Box<Self>) -> Found {
        Found::default()
    }
}

/// Writes the table as Parquet.
///
/// # Errors
/// [`LabelError::NotTable`] when the writer fails.
pub fn parquet(table: &[Annotation]) -> Result<Vec<u8>, LabelError> {
    let fault = |error: &dyn std::fmt::Display| LabelError::NotTable(error.to_string());
    let text = |of: fn(&Annotation) -> &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(table.iter().map(of)))
    };
    let border = |of: fn(Span) -> u64| -> ArrayRef {
        let borders = table.iter().map(|row| row.span.map(|span| of(span) as i64));
        Arc::new(Int64Array::from_iter(borders))
    };
    let times = table
        .iter()
        .map(|row| row.time.map(|time| time.timestamp_micros()));
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("item", text(|row| &row.item)),
        ("annotator", text(|row| &row.annotator)),
        ("question", text(|row| &row.question)),
        ("kind", text(|row| row.kind.name())),
        ("label", text(|row| &row.label)),
        ("start", border(|span| span.start)),
        ("end", border(|span| span.end)),
        (
            "time",
            Arc::new(TimestampMicrosecondArray::from_iter(times).with_timezone("UTC")),
        ),
    ];
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, array)| {
            let optional = OPTIONAL.contains(name) && !["question", "kind"].contains(name);
            Field::new(*name, array.data_type().clone(), optional)
        })
        .collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays);
    let batch = batch.map_err(|error| fault(&error))?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties))
        .map_err(|error| fault(&error))?;
    writer.write(&batch).map_err(|error| fault(&error))?;
    writer.into_inner().map_err(|error| fault(&error))
}

/// Writes the table as CSV (RFC 4180).
#[must_use]
pub fn csv(table: &[Annotation]) -> String {
    let mut text = String::from("item,annotator,question,kind,label,start,end,time\r\n");
    for row in table {
        let border = |of: fn(Span) -> u64| row.span.map_or_else(String::new, |s| of(s).to_string());
        let time = row
            .time
            .map(|time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true));
        let cells = [
            quoted(&row.item),
            quoted(&row.annotator),
            quoted(&row.question),
            row.kind.name().to_owned(),
            quoted(&row.label),
            border(|span| span.start),
            border(|span| span.end),
            time.unwrap_or_default(),
        ];
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    text
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\r', '\n']) || text.is_empty() {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{Csv, Packed};

    fn table() -> Vec<Annotation> {
        let mut table = vec![
            Annotation::choice("1", "ada", "mood", "glad, \"really\""),
            Annotation::choice("2", "ben", "mood", "NA"),
            Annotation {
                kind: Kind::Span,
                span: Some(Span { start: 3, end: 9 }),
                ..Annotation::choice("2", "ben", "who", "PERSON")
            },
            Annotation {
                kind: Kind::Rating,
                ..Annotation::choice("2", "cai", "stars", "4")
            },
        ];
        table[1].time = DateTime::from_timestamp_micros(1_700_000_000_123_456);
        table
    }

    #[test]
    fn parquet_and_csv_give_the_table_back() {
        let file = parquet(&table()).expect("written");
        let mut packed = Packed::open(&file.into()).expect("Parquet");
        assert_eq!(read(&mut packed), Ok(table()));
        let text = csv(&table());
        let mut text = Csv::open(std::io::Cursor::new(text.into_bytes()), None).expect("CSV");
        assert_eq!(read(&mut text), Ok(table()));
    }

    #[test]
    fn what_is_no_table_of_annotations_is_refused_with_its_place() {
        for (text, says) in [
            ("item,label\n1,x\n", "no column \"annotator\""),
            (
                "item,annotator,label\n1,a,x\n2,,y\n",
                "row 1: annotator is empty",
            ),
            ("item,annotator,label,kind\n1,a,x,guess\n", "no kind"),
            ("item,annotator,label,start,end\n1,a,x,5,5\n", "no passage"),
            ("item,annotator,label,time\n1,a,x,yesterday\n", "not a time"),
        ] {
            let cursor = std::io::Cursor::new(text.as_bytes().to_vec());
            let mut source = Csv::open(cursor, Some(b',')).expect("CSV");
            let error = read(&mut source).expect_err(text).to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
