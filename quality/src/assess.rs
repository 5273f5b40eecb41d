//! One contribution: read, clean, check, fingerprint, score.

#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use polars::io::parquet::write::{BatchedWriter, ParquetCompression, ParquetWriter};
use polars::prelude::*;
use polars_core::runtime::THREAD_POOL;
use rayon::prelude::*;
use serde::Serialize;

use crate::clean::target_dtype;
use crate::dedup::{self, CellKey, Repeats};
use crate::error::AssessError;
use crate::input::{Table, internal};
use crate::policy::Policy;
use crate::profile::{self, Batch, Column, ColumnPreview, SAMPLES, Settings};
use crate::report::{self, Report};

/// Widest table whose frequent values are kept for the preview.
const LABELLED_COLUMNS: usize = 256;

/// How far an assessment has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "stage")]
pub enum Stage {
    /// Rows read, cleaned and checked.
    Rows {
        /// so far
        done: u64,
        /// of
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
}

/// What is known about a table after reading it once.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// Counts, score, losses; no cell values.
    pub report: Report,
    /// Extremes, histograms, frequent values.
    pub preview: Preview,
    /// Fingerprint and quality of every row.
    pub rows: RowMarks,
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
    packed: &[u8],
    policy: &Policy,
    as_of: DateTime<Utc>,
    progress: &mut dyn FnMut(Stage),
) -> Result<Assessment, AssessError> {
    let table = Table::open(packed, policy)?;
    let schema: Schema = table
        .rules
        .iter()
        .map(|rule| Field::new(rule.name.as_str().into(), target_dtype(rule.kind)))
        .collect();
    let mut cleaned = Vec::with_capacity(packed.len());
    let mut writer = ParquetWriter::new(&mut cleaned)
        .with_compression(ParquetCompression::Zstd(None))
        .batched(&schema)
        .map_err(internal)?;
    let mut run = Run::new(&table, policy, as_of)?;
    run.read(&table, Some(&mut writer), progress)?;
    writer.finish().map_err(internal)?;
    drop(writer);
    let inspection = run.finish(&table, policy, as_of, progress);
    Ok(Assessment {
        report: inspection.report,
        preview: inspection.preview,
        rows: inspection.rows,
        cleaned,
    })
}

/// Like [`assess`], without writing the cleaned table.
///
/// # Errors
/// As [`assess`].
pub fn inspect(
    packed: &[u8],
    policy: &Policy,
    as_of: DateTime<Utc>,
    progress: &mut dyn FnMut(Stage),
) -> Result<Inspection, AssessError> {
    let table = Table::open(packed, policy)?;
    let mut run = Run::new(&table, policy, as_of)?;
    run.read(&table, None, progress)?;
    Ok(run.finish(&table, policy, as_of, progress))
}

struct Run {
    columns: Vec<Box<dyn Column>>,
    /// Positions of the columns that make the fingerprint.
    content: Vec<usize>,
    /// Positions of the key columns.
    key: Vec<usize>,
    marks: RowMarks,
    key_prints: Vec<u128>,
}

impl Run {
    fn new(table: &Table<'_>, policy: &Policy, as_of: DateTime<Utc>) -> Result<Self, AssessError> {
        policy.check()?;
        let settings = Settings {
            as_of: as_of.timestamp_micros(),
            labels: table.rules.len() <= LABELLED_COLUMNS,
        };
        let columns = table
            .rules
            .iter()
            .map(|rule| profile::start(rule, policy, settings))
            .collect::<Result<_, _>>()?;
        let named = |names: &[String], name: &String| names.contains(name);
        let positions = |wanted: &dyn Fn(&String) -> bool| {
            let rules = table.rules.iter().enumerate();
            rules
                .filter(|(_, rule)| wanted(&rule.name))
                .map(|(position, _)| position)
                .collect::<Vec<_>>()
        };
        let content = positions(&|name| !named(&policy.surrogate, name));
        let key = positions(&|name| named(&policy.key, name));
        if content.is_empty() {
            let what = "no column is left to compare rows by; not all can be surrogates";
            return Err(AssessError::Policy(what.into()));
        }
        if key.len() < policy.key.len() {
            let what = "the key names a column that the table does not have";
            return Err(AssessError::Policy(what.into()));
        }
        Ok(Self {
            columns,
            content,
            key,
            marks: RowMarks::default(),
            key_prints: Vec::new(),
        })
    }

    fn read(
        &mut self,
        table: &Table<'_>,
        mut writer: Option<&mut BatchedWriter<&mut Vec<u8>>>,
        progress: &mut dyn FnMut(Stage),
    ) -> Result<(), AssessError> {
        let total = table.rows;
        progress(Stage::Rows { done: 0, total });
        table.for_each_batch(|first, series| {
            let rows = series.first().map_or(0, |column| column.len());
            let batches = self.scan(&series, first).map_err(internal)?;
            self.mark(&batches, rows);
            if let Some(writer) = &mut writer {
                let columns = batches
                    .into_iter()
                    .map(|b| b.cleaned.rechunk().into_column());
                let frame = DataFrame::new(rows, columns.collect()).map_err(internal)?;
                writer.write_batch(&frame).map_err(internal)?;
            }
            let done = first + rows as u64;
            progress(Stage::Rows { done, total });
            Ok(())
        })
    }

    fn scan(&mut self, series: &[Series], first: u64) -> PolarsResult<Vec<Batch>> {
        THREAD_POOL.install(|| {
            self.columns
                .par_iter_mut()
                .zip(series)
                .map(|(column, series)| column.scan(series, first))
                .collect()
        })
    }

    fn mark(&mut self, batches: &[Batch], rows: usize) {
        let pick = |positions: &[usize]| -> Vec<&[CellKey]> {
            let batches = positions.iter().filter_map(|p| batches.get(*p));
            batches.map(|batch| batch.keys.as_slice()).collect()
        };
        let (content, key) = (pick(&self.content), pick(&self.key));
        let prints = THREAD_POOL.install(|| dedup::fingerprints(&content, rows));
        self.marks.fingerprints.extend(prints);
        if !key.is_empty() {
            let prints = THREAD_POOL.install(|| dedup::fingerprints(&key, rows));
            self.key_prints.extend(prints);
        }
        let mut good = vec![0u64; rows];
        for batch in self.content.iter().filter_map(|p| batches.get(*p)) {
            for (count, good) in good.iter_mut().zip(&batch.good) {
                *count += u64::from(*good);
            }
        }
        let cells = self.content.len() as u64;
        let share = |good: u64| (good * u64::from(u32::MAX) / cells) as u32;
        self.marks.qualities.extend(good.into_iter().map(share));
    }

    fn finish(
        self,
        table: &Table<'_>,
        policy: &Policy,
        as_of: DateTime<Utc>,
        progress: &mut dyn FnMut(Stage),
    ) -> Inspection {
        progress(Stage::Duplicates);
        let count = |prints: &[u128]| -> Repeats {
            THREAD_POOL.install(|| dedup::repeats(prints, SAMPLES))
        };
        let repeats = count(&self.marks.fingerprints);
        let key_repeats = (!self.key.is_empty()).then(|| count(&self.key_prints));
        progress(Stage::Score);
        let report = report::build(&report::Measured {
            policy,
            table,
            columns: &self.columns,
            repeats: &repeats,
            key_repeats: key_repeats.as_ref(),
            as_of,
        });
        let columns = self.columns.iter().map(|column| column.preview());
        Inspection {
            report,
            preview: Preview {
                columns: columns.collect(),
            },
            rows: self.marks,
        }
    }
}
