//! One table: read, clean, check, fingerprint, score.
//!
//! The table is read once. While one batch is decoded, the one before it is scanned column by
//! column, and the one before that is fingerprinted, shown to the analyses and written: three
//! kinds of work that share all threads. Every column and every analysis sees the batches in
//! file order, so the number of threads changes nothing.

mod marks;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use bytes::Bytes;
use chrono::{DateTime, SubsecRound, Utc};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use rayon::prelude::*;
use serde::Serialize;

use self::marks::{Marker, Scanned};
use crate::analysis::{self, Analysis, Context, Found};
use crate::consistency;
use crate::contain::{Sketch, SketchSize};
use crate::drift::{Earlier, Summary};
use crate::error::AssessError;
use crate::input::{Packed, Source, Table, internal};
use crate::policy::{ColumnRule, Policy};
use crate::profile::{self, Batch, Column, ColumnPreview, Settings};
use crate::report::{self, Report};

/// Widest table whose frequent values are kept for the preview.
const LABELLED_COLUMNS: usize = 256;

/// Most rows of a table: row numbers have 32 bits.
const MOST_ROWS: u64 = u32::MAX as u64;

/// How far an assessment has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "stage")]
pub enum Stage {
    /// Rows read, cleaned and checked.
    Rows {
        /// so far
        done: u64,
        /// of; 0 when nobody knows before the end
        total: u64,
    },
    /// Counting duplicates.
    Duplicates,
    /// Adding up the score.
    Score,
}

/// What is kept about every row, in file order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowMarks {
    /// Canonical fingerprints of the cleaned rows. They have no key: key them
    /// before they are stored or sent.
    pub fingerprints: Vec<u128>,
    /// Share of valid, non-missing cells, `u32::MAX` = all.
    pub qualities: Vec<u32>,
}

/// Cell values for the eyes of who may see the data; store it sealed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Preview {
    /// Columns in contract order.
    pub columns: Vec<ColumnPreview>,
    /// What later tables are compared with, when [`Options::drift`] asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
}

/// What is known about a table after reading it once.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// Counts, score, losses; no cell values.
    pub report: Report,
    /// Extremes, histograms, frequent values.
    pub preview: Preview,
    /// Fingerprint and quality of every row; empty when [`Options::marks`] is not set.
    pub rows: RowMarks,
    /// What the table is compared with others by; empty when [`Options::sketches`] is not set.
    pub sketches: Vec<Sketch>,
    /// The encoding of a file of text.
    pub encoding: Option<String>,
    /// Rows that nearly repeat an earlier one and repeat none wholly, ascending; empty when
    /// nobody asked for them.
    pub near: Vec<u64>,
}

/// An inspection and the cleaned table.
#[derive(Clone, Debug)]
pub struct Assessment {
    /// Counts, score, losses; no cell values.
    pub report: Report,
    /// Extremes, histograms, frequent values.
    pub preview: Preview,
    /// Fingerprint and quality of every row.
    pub rows: RowMarks,
    /// The cleaned table as Parquet, in contract order and types, the same
    /// rows in the same order.
    pub cleaned: Vec<u8>,
}

/// Where what does not fit into memory goes.
pub type Spill<'a> = &'a mut (dyn FnMut() -> io::Result<File> + Send);

/// Who takes the cleaned table, batch by batch.
pub type Sink<'a> = &'a mut (dyn FnMut(RecordBatch) -> Result<(), AssessError> + Send);

/// How a table is assessed.
pub struct Options<'a> {
    /// The moment timeliness is measured at.
    pub as_of: DateTime<Utc>,
    /// Keep [`RowMarks`]: 20 bytes of memory per row.
    pub marks: bool,
    /// Make [`Sketch`]es, of this size.
    pub sketches: Option<SketchSize>,
    /// Summarise the table, and say what has changed since these earlier ones.
    pub drift: Option<&'a [Earlier]>,
    /// Bytes for what grows with the number of rows; beyond it, it is spilled.
    pub memory: usize,
    /// Makes a temporary file. Without it everything stays in memory: a node never writes
    /// plaintext to a disk.
    pub spill: Option<Spill<'a>>,
}

impl Options<'_> {
    /// All in memory, with marks.
    pub fn at(as_of: DateTime<Utc>) -> Self {
        Self {
            as_of,
            marks: true,
            sketches: None,
            drift: None,
            memory: 512 << 20,
            spill: None,
        }
    }
}

/// Assesses a packed table and cleans it.
///
/// `packed` is a Parquet file of our own writer. `as_of` is the moment
/// timeliness is measured at. The same input gives the same bytes of report
/// and cleaned table on any machine and any number of threads.
///
/// # Errors
/// [`AssessError`] when the table does not fit the contract's columns or
/// cannot be read; never for what stands in cells.
pub fn assess(
    packed: &Bytes,
    policy: &Policy,
    as_of: DateTime<Utc>,
    progress: &mut dyn FnMut(Stage),
) -> Result<Assessment, AssessError> {
    let mut source = Packed::open(packed)?;
    let schema = cleaned_schema(&source, policy)?;
    let cleaned = Vec::with_capacity(packed.len());
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build();
    let mut writer = ArrowWriter::try_new(cleaned, schema, Some(properties)).map_err(internal)?;
    let mut write = |batch: RecordBatch| writer.write(&batch).map_err(internal);
    let inspection = assess_source(
        &mut source,
        policy,
        Options::at(as_of),
        Some(&mut write),
        progress,
    )?;
    Ok(Assessment {
        report: inspection.report,
        preview: inspection.preview,
        rows: inspection.rows,
        cleaned: writer.into_inner().map_err(internal)?,
    })
}

/// Like [`assess`], without writing the cleaned table.
///
/// # Errors
/// As [`assess`].
pub fn inspect(
    packed: &Bytes,
    policy: &Policy,
    as_of: DateTime<Utc>,
    progress: &mut dyn FnMut(Stage),
) -> Result<Inspection, AssessError> {
    let mut source = Packed::open(packed)?;
    assess_source(&mut source, policy, Options::at(as_of), None, progress)
}

/// Like [`inspect`], with the [`Preview::summary`] that later tables are compared with.
///
/// # Errors
/// As [`assess`].
pub fn summarise(
    packed: &Bytes,
    policy: &Policy,
    as_of: DateTime<Utc>,
    progress: &mut dyn FnMut(Stage),
) -> Result<Inspection, AssessError> {
    let mut source = Packed::open(packed)?;
    let options = Options {
        drift: Some(&[]),
        ..Options::at(as_of)
    };
    assess_source(&mut source, policy, options, None, progress)
}

/// Assesses any table, in memory that does not grow with its size when it may spill.
///
/// `sink` takes the cleaned rows in file order, with the columns of [`cleaned_schema`].
///
/// # Errors
/// As [`assess`], and those of source and sink.
pub fn assess_source<'a>(
    source: &mut dyn Source,
    policy: &Policy,
    mut options: Options<'a>,
    sink: Option<Sink<'a>>,
    progress: &mut dyn FnMut(Stage),
) -> Result<Inspection, AssessError> {
    // The report says the moment in whole seconds, and must be made again from what it says.
    options.as_of = options.as_of.trunc_subsecs(0);
    policy.check()?;
    let table = Table::of(source, policy)?;
    let as_of = options.as_of;
    let mut run = Run::new(&table, policy, source, options, sink)?;
    run.read(source, progress)?;
    run.read_again(source, policy, progress)?;
    run.finish(policy, as_of, progress)
}

/// Shows the cleaned rows of a table, in file order, to one analysis and hands it back; nothing
/// is counted or kept beside.
pub(crate) fn show<A: Analysis>(
    source: &mut dyn Source,
    policy: &Policy,
    make: impl FnOnce(&[ColumnRule]) -> A,
) -> Result<A, AssessError> {
    policy.check()?;
    let table = Table::of(source, policy)?;
    let settings = Settings {
        as_of: 0,
        labels: false,
        cleaned: true,
        text: source.is_text(),
    };
    let options = Options {
        marks: false,
        memory: 0,
        ..Options::at(DateTime::UNIX_EPOCH)
    };
    let mut columns = columns(&table, policy, settings)?;
    let mut marker = Marker::new(&table, policy, None, options, None)?;
    let mut analysis = make(&table.rules);
    pipeline(
        source,
        |batch, first| scan(&mut columns, &table, batch, first),
        |scanned| {
            marker.show(scanned, |rows| analysis.scan(rows));
            Ok(())
        },
        |_| {},
    )?;
    Ok(analysis)
}

/// Names and types of a table's columns as they are read when nothing is declared.
///
/// # Errors
/// [`AssessError::UnsupportedColumnType`] naming the column.
pub fn columns_of(source: &dyn Source) -> Result<Vec<ColumnRule>, AssessError> {
    Ok(Table::of(source, &Policy::default())?.rules)
}

/// Names and types of the table that [`assess_source`] hands to its sink.
///
/// # Errors
/// [`AssessError`] when the table does not fit the contract's columns.
pub fn cleaned_schema(source: &dyn Source, policy: &Policy) -> Result<SchemaRef, AssessError> {
    policy.check()?;
    Ok(Table::of(source, policy)?.cleaned_schema())
}

struct Run<'t, 'a> {
    table: &'t Table,
    settings: Settings,
    columns: Vec<Box<dyn Column>>,
    analyses: Vec<Box<dyn Analysis>>,
    marker: Marker<'a>,
    rows: u64,
    encoding: Option<String>,
}

impl<'t, 'a> Run<'t, 'a> {
    fn new(
        table: &'t Table,
        policy: &Policy,
        source: &dyn Source,
        options: Options<'a>,
        sink: Option<Sink<'a>>,
    ) -> Result<Self, AssessError> {
        let rows = source.rows();
        let settings = Settings {
            as_of: options.as_of.timestamp_micros(),
            labels: table.rules.len() <= LABELLED_COLUMNS,
            cleaned: sink.is_some(),
            text: source.is_text(),
        };
        let analyses = analysis::all(&Context {
            policy,
            rules: &table.rules,
            as_of: settings.as_of,
            rows,
            memory: options.memory,
            sketches: options.sketches,
            found: &table.found,
            drift: options.drift,
        })?;
        Ok(Self {
            columns: columns(table, policy, settings)?,
            analyses,
            marker: Marker::new(table, policy, rows, options, sink)?,
            table,
            settings,
            rows: 0,
            encoding: None,
        })
    }

    fn read(
        &mut self,
        source: &mut dyn Source,
        progress: &mut dyn FnMut(Stage),
    ) -> Result<(), AssessError> {
        let total = source.rows().unwrap_or(0);
        progress(Stage::Rows { done: 0, total });
        let (columns, table) = (&mut self.columns, self.table);
        let (marker, analyses) = (&mut self.marker, &mut self.analyses);
        self.rows = pipeline(
            source,
            |batch, first| scan(columns, table, batch, first),
            |scanned| {
                marker.take(scanned, |rows| {
                    analyses
                        .par_iter_mut()
                        .for_each(|analysis| analysis.scan(rows));
                })
            },
            |done| progress(Stage::Rows { done, total }),
        )?;
        self.encoding = source.encoding();
        let faults = source.faults();
        if !faults.is_empty() {
            if !self.analyses.iter().any(|a| a.name() == consistency::NAME) {
                self.analyses.push(consistency::of_faults(self.rows));
            }
            self.analyses.iter_mut().for_each(|a| a.hear(&faults));
        }
        self.analyses.iter_mut().for_each(|a| a.rows_ended());
        Ok(())
    }

    /// For analyses that have to see the rows again, as often as they ask.
    fn read_again(
        &mut self,
        source: &mut dyn Source,
        policy: &Policy,
        progress: &mut dyn FnMut(Stage),
    ) -> Result<(), AssessError> {
        let total = self.rows;
        // What these columns count was counted in the first pass.
        let settings = Settings {
            labels: false,
            cleaned: false,
            ..self.settings
        };
        while self.analyses.iter().any(|a| a.needs_second_pass()) {
            source.rewind()?;
            let mut columns = columns(self.table, policy, settings)?;
            let (table, marker, analyses) = (self.table, &mut self.marker, &mut self.analyses);
            pipeline(
                source,
                |batch, first| scan(&mut columns, table, batch, first),
                |scanned| {
                    marker.show(scanned, |rows| {
                        let wanting = analyses.par_iter_mut();
                        wanting
                            .filter(|analysis| analysis.needs_second_pass())
                            .for_each(|analysis| analysis.scan_again(rows));
                    });
                    Ok(())
                },
                |done| progress(Stage::Rows { done, total }),
            )?;
            self.analyses.iter_mut().for_each(|a| a.end_of_pass());
        }
        Ok(())
    }

    fn finish(
        self,
        policy: &Policy,
        as_of: DateTime<Utc>,
        progress: &mut dyn FnMut(Stage),
    ) -> Result<Inspection, AssessError> {
        progress(Stage::Duplicates);
        let (columns, analyses) = (self.columns, self.analyses);
        let marker = self.marker;
        let finish = |analysis: Box<dyn Analysis>| (analysis.name(), analysis.finish());
        let (counted, mut found): (_, Vec<(&'static str, Found)>) = rayon::join(
            || marker.finish(),
            || analyses.into_par_iter().map(finish).collect(),
        );
        let counted = counted?;
        let sketches = found
            .iter_mut()
            .map(|(_, found)| std::mem::take(&mut found.sketches));
        let sketches = sketches.flatten().collect();
        let summary = found.iter_mut().find_map(|(_, found)| found.summary.take());
        let near = found
            .iter_mut()
            .filter_map(|(_, found)| found.near.as_mut());
        let near = near
            .flat_map(|near| std::mem::take(&mut near.all))
            .collect();
        progress(Stage::Score);
        let report = report::build(&report::Measured {
            policy,
            table: self.table,
            rows: self.rows,
            columns: &columns,
            repeats: &counted.repeats,
            key_repeats: counted.key_repeats.as_ref(),
            as_of,
            found: &found,
        });
        let table = self.table.rules.iter();
        let previews = columns
            .iter()
            .zip(table)
            .map(|(column, _)| column.preview());
        Ok(Inspection {
            report,
            preview: Preview {
                columns: previews.collect(),
                summary,
            },
            rows: counted.marks,
            sketches,
            encoding: self.encoding,
            near,
        })
    }
}

fn columns(
    table: &Table,
    policy: &Policy,
    settings: Settings,
) -> Result<Vec<Box<dyn Column>>, AssessError> {
    let rules = table.rules.iter();
    rules
        .map(|rule| profile::start(rule, policy, settings))
        .collect()
}

/// Decodes, scans and marks three batches at a time, each kind of work in file order; answers
/// the number of rows.
fn pipeline(
    source: &mut dyn Source,
    mut scan: impl FnMut(&RecordBatch, u64) -> Result<Vec<Batch>, ArrowError> + Send,
    mut mark: impl FnMut(&Scanned) -> Result<(), AssessError> + Send,
    mut tell: impl FnMut(u64),
) -> Result<u64, AssessError> {
    let mut decoded = source.next_batch()?;
    let mut scanned: Option<Scanned> = None;
    let mut first = 0;
    while decoded.is_some() || scanned.is_some() {
        let (marked, (columns, next)) = rayon::join(
            || scanned.as_ref().map_or(Ok(()), &mut mark),
            || {
                rayon::join(
                    || decoded.as_ref().map(|batch| scan(batch, first)).transpose(),
                    || match &decoded {
                        Some(_) => source.next_batch(),
                        None => Ok(None),
                    },
                )
            },
        );
        marked?;
        let rows = decoded.as_ref().map_or(0, RecordBatch::num_rows);
        scanned = columns.map_err(internal)?.map(|columns| Scanned {
            first,
            rows,
            columns,
        });
        first += rows as u64;
        if first > MOST_ROWS {
            return Err(AssessError::Refused {
                code: "too_many_rows",
                message: format!("The table has more than {MOST_ROWS} rows; split it."),
            });
        }
        decoded = next?;
        tell(first);
    }
    Ok(first)
}

fn scan(
    columns: &mut [Box<dyn Column>],
    table: &Table,
    batch: &RecordBatch,
    first: u64,
) -> Result<Vec<Batch>, ArrowError> {
    columns
        .par_iter_mut()
        .enumerate()
        .map(|(position, column)| column.scan(&table.column(batch, position)?, first))
        .collect()
}
