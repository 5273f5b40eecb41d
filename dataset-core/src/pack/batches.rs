//! A stranger's file, batch by batch, without writing it again.

use std::io::{Read, Seek};

use arrow::{
    array::{ArrayRef, RecordBatch},
    datatypes::SchemaRef,
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use rayon::prelude::*;

use super::{
    Meter,
    contained::contained,
    source::{Source, refuse_arrow},
};
use crate::preflight::{Limits, Preflight, Refusal};

/// The rows of a file that [`preflight`](crate::preflight::preflight) let pass.
///
/// They are decoded within the same bounds as by [`pack`](super::pack), all columns at a time,
/// each on a thread of its own where there are several. Texts and bytes come as views.
pub struct Batches<R> {
    source: Source<R>,
    limits: Limits,
    /// Rows that every row group claims.
    claims: Vec<u64>,
    meter: Meter,
    /// Row groups that were begun.
    begun: usize,
    columns: Vec<ParquetRecordBatchReader>,
    /// Rows of the current group that were decoded.
    rows: u64,
}

impl<R: Read + Seek + Send + 'static> Batches<R> {
    /// Opens a file. `claims` has to come from preflight of the same reader.
    ///
    /// # Errors
    /// A [`Refusal`]: the footer can be read in two ways, or a column is not flat.
    pub fn open(reader: R, claims: &Preflight, limits: &Limits) -> Result<Self, Refusal> {
        let source = Source::open(reader, claims.file_len)?;
        source.check_shape(claims)?;
        Ok(Self {
            source,
            meter: Meter::new(limits),
            limits: limits.clone(),
            claims: claims.row_groups.iter().map(|group| group.rows).collect(),
            begun: 0,
            columns: Vec::new(),
            rows: 0,
        })
    }

    /// Names and types of the columns, texts and bytes as views.
    pub fn schema(&self) -> SchemaRef {
        self.source.schema()
    }

    /// Names and types of the columns, with ordinary texts and bytes.
    pub fn plain_schema(&self) -> SchemaRef {
        self.source.plain_schema()
    }

    /// Number of rows that the file claims; decoding fails when it lied.
    pub fn rows(&self) -> u64 {
        self.claims.iter().sum()
    }

    /// Back to the first row.
    pub fn rewind(&mut self) {
        self.meter = Meter::new(&self.limits);
        self.columns = Vec::new();
        self.begun = 0;
        self.rows = 0;
    }

    /// The next rows; none at the end.
    ///
    /// # Errors
    /// A [`Refusal`]: the file is damaged, lies about its rows, or decodes to more than
    /// [`Limits::decoded_len`].
    pub fn next_batch(&mut self) -> Result<Option<RecordBatch>, Refusal> {
        loop {
            if let Some(batch) = self.next_of_group()? {
                return Ok(Some(batch));
            }
            self.end_group()?;
            if self.begun == self.claims.len() {
                return Ok(None);
            }
            let columns = 0..self.source.schema().fields().len();
            self.columns = columns
                .map(|column| self.source.read_column(self.begun, column, &self.limits))
                .collect::<Result<_, _>>()?;
            self.begun += 1;
            self.rows = 0;
        }
    }

    fn next_of_group(&mut self) -> Result<Option<RecordBatch>, Refusal> {
        let source = &self.source;
        let columns: Vec<Option<ArrayRef>> = self
            .columns
            .par_iter_mut()
            .map(|column| {
                let batch = contained(|| column.next())?;
                let batch = batch.transpose().map_err(|error| source.refuse(&error))?;
                Ok(batch.and_then(|batch| batch.columns().first().cloned()))
            })
            .collect::<Result<_, Refusal>>()?;
        if columns.iter().all(Option::is_none) {
            return Ok(None);
        }
        let rows = columns.iter().flatten().map(|column| column.len() as u64);
        let (most, least) = (rows.clone().max(), rows.min());
        if most != least || columns.iter().any(Option::is_none) {
            return Err(self.mismatch(self.rows + least.unwrap_or(0)));
        }
        let columns = columns.into_iter().flatten().collect();
        let batch = RecordBatch::try_new(self.source.schema(), columns).map_err(refuse_arrow)?;
        self.meter.count(&batch)?;
        self.rows += batch.num_rows() as u64;
        Ok(Some(batch))
    }

    /// What was decoded of a group has to be what it claims.
    fn end_group(&self) -> Result<(), Refusal> {
        let ended = self.begun.checked_sub(1).and_then(|at| self.claims.get(at));
        match ended {
            Some(claim) if *claim != self.rows => Err(self.mismatch(self.rows)),
            _ => Ok(()),
        }
    }

    fn mismatch(&self, found: u64) -> Refusal {
        let group = self.begun.saturating_sub(1);
        Refusal::RowCountMismatch {
            place: format!("row group {group} claims"),
            claimed: self.claims.get(group).copied().unwrap_or(0),
            found,
        }
    }
}
