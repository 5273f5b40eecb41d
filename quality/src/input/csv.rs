//! CSV, read in bounded memory.
//!
//! RFC 4180 with any one-byte delimiter, a header line, UTF-8. A row with another number of fields
//! than the header, or with bytes that are not UTF-8, is read as far as it can be and named: fields
//! that are not there are empty, surplus ones are left out, and each wrong byte is shown as U+FFFD.
//! Cells come as text: what they
//! mean is decided by the rules, or, without rules, by looking at every cell of the file
//! first. A column is only taken for numbers, dates or truth values when each of its values
//! reads back to the same thing: `007`, `+49`, `1e400`, `12345678901234567890123` stay text.

mod guess;

use std::borrow::Cow;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringViewBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use csv_core::{ReadRecordResult, ReaderBuilder};

use self::guess::Guess;
use super::{Fault, Source};
use crate::error::AssessError;
use crate::policy::ColumnType;

/// Bytes read at a time.
const PIECE: usize = 256 * 1024;
/// Bytes looked at for the delimiter.
const SAMPLE: usize = 64 * 1024;
/// Rows of a batch.
const BATCH_ROWS: usize = 32 * 1024;
/// Bytes of text after which a batch ends.
const BATCH_BYTES: usize = 32 << 20;
/// Longest record.
const RECORD_BYTES: usize = 64 << 20;
/// Most columns, as for every other format.
const COLUMNS: usize = 2_000;
const NAME_BYTES: usize = 256;
const BOM: &[u8] = b"\xef\xbb\xbf";

/// A CSV file with a header.
pub struct Csv<R> {
    records: Records<R>,
    schema: SchemaRef,
    kinds: Option<Vec<ColumnType>>,
    rows: Option<u64>,
    delimiter: u8,
    /// Rows handed over since the beginning.
    handed: u32,
    faults: Faults,
}

/// Numbers of the rows that are not as they should be.
#[derive(Default)]
struct Faults {
    short: Vec<u32>,
    long: Vec<u32>,
    bytes: Vec<u32>,
}

impl<R: Read + Seek + Send> Csv<R> {
    /// Reads the header; finds the delimiter (comma, semicolon, tab or bar) when none is given.
    ///
    /// # Errors
    /// [`AssessError::Refused`] when it is no CSV in UTF-8 with a header.
    pub fn open(mut reader: R, delimiter: Option<u8>) -> Result<Self, AssessError> {
        let mut sample = Vec::new();
        reader.rewind().map_err(broken)?;
        reader
            .by_ref()
            .take(SAMPLE as u64)
            .read_to_end(&mut sample)
            .map_err(broken)?;
        if sample.starts_with(b"\xff\xfe") || sample.starts_with(b"\xfe\xff") {
            return Err(refused("The file is UTF-16; convert it to UTF-8."));
        }
        let delimiter = delimiter.unwrap_or_else(|| guess::delimiter(&sample));
        let mut records = Records::new(reader, delimiter)?;
        let Some(header) = records.next()? else {
            return Err(refused(
                "The file is empty; a CSV file begins with a header.",
            ));
        };
        let header: Vec<String> = (0..header.len())
            .map(|at| header.text(at).into_owned())
            .collect();
        let names = names(header)?;
        let fields = names.iter();
        let fields = fields.map(|name| Field::new(name, DataType::Utf8View, true));
        Ok(Self {
            records,
            schema: Arc::new(Schema::new(fields.collect::<Vec<_>>())),
            kinds: None,
            rows: None,
            delimiter,
            handed: 0,
            faults: Faults::default(),
        })
    }

    /// Reads the whole file once to find the type of every column and the number of rows.
    ///
    /// # Errors
    /// [`AssessError::Refused`] naming the line that cannot be read.
    pub fn infer(&mut self) -> Result<(), AssessError> {
        let columns = self.schema.fields().len();
        let mut guesses: Vec<Guess> = vec![Guess::default(); columns];
        let mut rows = 0;
        while let Some(record) = self.records.next()? {
            // What stands in a row of another length may stand in the wrong column.
            if record.len() == columns {
                for (at, guess) in guesses.iter_mut().enumerate() {
                    guess.see(&record.text(at));
                }
            }
            rows += 1;
        }
        self.kinds = Some(guesses.iter().map(Guess::kind).collect());
        self.rows = Some(rows);
        self.rewind()
    }

    /// The byte between fields.
    pub fn delimiter(&self) -> u8 {
        self.delimiter
    }
}

impl<R: Read + Seek + Send> Source for Csv<R> {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn rows(&self) -> Option<u64> {
        self.rows
    }

    fn kinds(&self) -> Option<&[ColumnType]> {
        self.kinds.as_deref()
    }

    fn is_text(&self) -> bool {
        true
    }

    fn faults(&self) -> Vec<Fault> {
        let Faults { short, long, bytes } = &self.faults;
        let named = [
            ("too_few_fields", short),
            ("too_many_fields", long),
            ("not_utf8", bytes),
        ];
        let found = named.into_iter().filter(|(_, rows)| !rows.is_empty());
        let fault = |(rule, rows): (_, &Vec<u32>)| Fault {
            rule,
            rows: rows.clone(),
        };
        found.map(fault).collect()
    }

    fn encoding(&self) -> Option<String> {
        let mark = match self.records.marked {
            true => " with a byte order mark",
            false => "",
        };
        Some(match self.faults.bytes.len() {
            0 => format!("UTF-8{mark}"),
            some => format!("UTF-8{mark}, but not in {some} rows"),
        })
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, AssessError> {
        let columns = self.schema.fields().len();
        let builder = || StringViewBuilder::new().with_fixed_block_size(1 << 20);
        let mut builders: Vec<_> = std::iter::repeat_with(builder).take(columns).collect();
        let (mut rows, mut bytes) = (0, 0);
        while rows < BATCH_ROWS && bytes < BATCH_BYTES {
            let Some(record) = self.records.next()? else {
                break;
            };
            let mut whole = true;
            for (at, builder) in builders.iter_mut().enumerate() {
                let text = record.text(at);
                bytes += text.len();
                whole &= matches!(text, Cow::Borrowed(_));
                builder.append_value(text);
            }
            self.faults.note(self.handed, record.len(), columns, whole);
            self.handed = self.handed.saturating_add(1);
            rows += 1;
        }
        if rows == 0 {
            return Ok(None);
        }
        let columns = builders.iter_mut();
        let columns = columns.map(|builder| Arc::new(builder.finish()) as ArrayRef);
        RecordBatch::try_new(self.schema(), columns.collect())
            .map(Some)
            .map_err(super::internal)
    }

    fn rewind(&mut self) -> Result<(), AssessError> {
        self.records.rewind()?;
        self.handed = 0;
        self.faults = Faults::default();
        self.records.next().map(|_| ())
    }
}

impl Faults {
    fn note(&mut self, row: u32, fields: usize, columns: usize, whole: bool) {
        match fields.cmp(&columns) {
            std::cmp::Ordering::Less => self.short.push(row),
            std::cmp::Ordering::Greater => self.long.push(row),
            std::cmp::Ordering::Equal => {}
        }
        if !whole {
            self.bytes.push(row);
        }
    }
}

/// Names of the header: trimmed, never empty, never twice.
fn names(header: Vec<String>) -> Result<Vec<String>, AssessError> {
    if header.len() > COLUMNS {
        return Err(refused(format!(
            "The header has {} fields; at most {COLUMNS} are allowed.",
            header.len()
        )));
    }
    let mut names: Vec<String> = Vec::with_capacity(header.len());
    for (at, name) in header.iter().enumerate() {
        let bare = match name.trim() {
            "" => format!("column_{}", at + 1),
            name => name.to_owned(),
        };
        if bare.len() > NAME_BYTES || bare.chars().any(char::is_control) {
            return Err(refused(format!(
                "Field {} of the header is no name: 1 to {NAME_BYTES} bytes without control \
                 characters.",
                at + 1
            )));
        }
        if names.contains(&bare) {
            return Err(refused(format!(
                "The header names {bare:?} twice; rename one."
            )));
        }
        names.push(bare);
    }
    Ok(names)
}

/// The records of a file, one after the other, in buffers used again.
struct Records<R> {
    reader: R,
    core: csv_core::Reader,
    delimiter: u8,
    piece: Vec<u8>,
    from: usize,
    filled: usize,
    ended: bool,
    fields: Vec<u8>,
    ends: Vec<usize>,
    /// Begins with a byte order mark.
    marked: bool,
}

/// One record.
struct Record<'a> {
    fields: &'a [u8],
    ends: &'a [usize],
}

impl<R: Read + Seek> Records<R> {
    fn new(reader: R, delimiter: u8) -> Result<Self, AssessError> {
        let mut records = Self {
            reader,
            core: csv_core::Reader::new(),
            delimiter,
            piece: vec![0; PIECE],
            from: 0,
            filled: 0,
            ended: false,
            fields: vec![0; 1024],
            ends: vec![0; 64],
            marked: false,
        };
        records.rewind()?;
        Ok(records)
    }

    fn rewind(&mut self) -> Result<(), AssessError> {
        self.core = ReaderBuilder::new().delimiter(self.delimiter).build();
        self.reader.rewind().map_err(broken)?;
        let mut start = [0; BOM.len()];
        let marked = self.reader.read_exact(&mut start).is_ok() && start == BOM;
        self.marked = marked;
        let skip = if marked { BOM.len() as u64 } else { 0 };
        self.reader.seek(SeekFrom::Start(skip)).map_err(broken)?;
        (self.from, self.filled, self.ended) = (0, 0, false);
        Ok(())
    }

    fn next(&mut self) -> Result<Option<Record<'_>>, AssessError> {
        let line = self.core.line();
        let (mut length, mut count) = (0, 0);
        loop {
            if self.from == self.filled && !self.ended {
                self.filled = self.reader.read(&mut self.piece).map_err(broken)?;
                self.from = 0;
                self.ended = self.filled == 0;
            }
            let (result, read, written, ended) = self.core.read_record(
                &self.piece[self.from..self.filled],
                &mut self.fields[length..],
                &mut self.ends[count..],
            );
            self.from += read;
            length += written;
            count += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if self.fields.len() >= RECORD_BYTES => {
                    return Err(refused(format!(
                        "The record in line {line} is longer than {RECORD_BYTES} bytes; a \
                         quotation mark may be missing."
                    )));
                }
                ReadRecordResult::OutputFull => self.fields.resize(self.fields.len() * 2, 0),
                ReadRecordResult::OutputEndsFull if self.ends.len() > 2 * COLUMNS => {
                    return Err(refused(format!(
                        "The record in line {line} has more than {COLUMNS} fields."
                    )));
                }
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record => {
                    return Ok(Some(Record {
                        fields: &self.fields[..length],
                        ends: &self.ends[..count],
                    }));
                }
                ReadRecordResult::End => return Ok(None),
            }
        }
    }
}

impl<'a> Record<'a> {
    fn len(&self) -> usize {
        self.ends.len()
    }

    /// A field; empty when the record has none there.
    fn text(&self, at: usize) -> Cow<'a, str> {
        let from = match at {
            0 => 0,
            at => self.ends.get(at - 1).copied().unwrap_or(0),
        };
        let to = self.ends.get(at).copied().unwrap_or(from);
        String::from_utf8_lossy(self.fields.get(from..to).unwrap_or_default())
    }
}

fn refused(message: impl Into<String>) -> AssessError {
    AssessError::Refused {
        code: "unreadable_csv",
        message: message.into(),
    }
}

fn broken(error: std::io::Error) -> AssessError {
    AssessError::Unreadable(error.to_string())
}

#[cfg(test)]
mod tests;
