//! From a stranger's Parquet file to a file written by us, and from many such
//! files to one.
//!
//! [`pack`] decodes what [`preflight`](crate::preflight) let pass, in batches
//! and counting every row and byte, and writes the same values again. The file
//! that comes out is *faithful* (names, types and values are those of the
//! input) and *ours*: lengths, row counts, statistics and checksums are true,
//! because this writer made them. [`compose`] writes the rows that are kept of
//! several files, in order, as one file with the columns of a contract.
//!
//! The same rows always give the same bytes: nothing about time, machine or
//! input file gets into the output.

mod batches;
mod compose;
mod contained;
mod source;
mod writer;

use std::io::{Read, Seek, Write};

use arrow::{
    array::{Array, RecordBatch},
    datatypes::{DataType, Schema, SchemaRef},
};

use self::source::Source;
pub use self::{
    batches::Batches,
    compose::{Composed, KeepMask, Part, compose},
    writer::{Output, WRITER, Written},
};
use crate::{
    columns,
    digest::Sha256,
    preflight::{Limits, Preflight, Refusal, preflight},
};

/// What was packed.
#[derive(Debug, Clone)]
pub struct Packed {
    /// Number of rows, decoded one by one.
    pub rows: u64,
    /// Number of columns.
    pub columns: usize,
    /// Bytes of all decoded values.
    pub decoded_len: u64,
    /// Length of the written file in bytes.
    pub file_len: u64,
    /// SHA-256 of the written file.
    pub file_sha256: Sha256,
    /// Names and types of the columns.
    pub schema: SchemaRef,
}

/// Decodes a file and writes it again with our own writer.
///
/// `claims` has to come from [`preflight`] of the same reader. At most
/// [`Limits::batch_len`] bytes of fixed-width values are decoded at a time;
/// texts stay in the pages they were read from.
///
/// # Errors
/// A [`Refusal`]: the file is damaged, lies about its rows, or decodes to more
/// than [`Limits::decoded_len`].
pub fn pack<R, W>(
    reader: R,
    claims: &Preflight,
    limits: &Limits,
    writer: W,
) -> Result<(W, Packed), Refusal>
where
    R: Read + Seek + Send + 'static,
    W: Write + Send,
{
    let source = Source::open(reader, claims.file_len)?;
    source.check_shape(claims)?;
    let mut output = Output::new(writer, source.schema())?;
    let mut meter = Meter::new(limits);
    for (group, claim) in claims.row_groups.iter().enumerate() {
        let mut rows = 0u64;
        for batch in source.read_group(group, limits)? {
            let batch = batch?;
            rows += batch.num_rows() as u64;
            meter.count(&batch)?;
            if rows > claim.rows {
                break;
            }
            output.write(&batch)?;
        }
        if rows != claim.rows {
            return Err(Refusal::RowCountMismatch {
                place: format!("row group {group} claims"),
                claimed: claim.rows,
                found: rows,
            });
        }
    }
    let schema = source.plain_schema();
    let written = output.finish()?;
    let packed = Packed {
        rows: meter.rows,
        columns: schema.fields().len(),
        decoded_len: meter.bytes,
        file_len: written.len,
        file_sha256: written.sha256,
        schema,
    };
    Ok((written.inner, packed))
}

/// Names, types and number of rows of a Parquet file, after a [`preflight`].
///
/// # Errors
/// A [`Refusal`].
pub fn read_schema<R>(mut reader: R, limits: &Limits) -> Result<(SchemaRef, u64), Refusal>
where
    R: Read + Seek + Send + 'static,
{
    let claims = preflight(&mut reader, limits)?;
    let source = Source::open(reader, claims.file_len)?;
    source.check_shape(&claims)?;
    Ok((source.plain_schema(), claims.rows))
}

/// Counts decoded rows and bytes, and stops at the limit.
struct Meter {
    rows: u64,
    bytes: u64,
    limit: u64,
}

impl Meter {
    fn new(limits: &Limits) -> Self {
        Self {
            rows: 0,
            bytes: 0,
            limit: limits.decoded_len,
        }
    }

    fn count(&mut self, batch: &RecordBatch) -> Result<(), Refusal> {
        self.rows += batch.num_rows() as u64;
        for column in batch.columns() {
            self.bytes = self.bytes.saturating_add(decoded_len(column.as_ref()));
        }
        if self.bytes > self.limit {
            return Err(Refusal::DecodedTooLarge { limit: self.limit });
        }
        Ok(())
    }
}

/// Bytes the values of a column take when each is written out on its own.
fn decoded_len(column: &dyn Array) -> u64 {
    use arrow::array::AsArray;
    let rows = column.len() as u64;
    match column.data_type() {
        DataType::Boolean => rows.div_ceil(8),
        DataType::Utf8View => {
            let views = column.as_string_view();
            views.lengths().map(u64::from).sum::<u64>() + 4 * rows
        }
        DataType::BinaryView => {
            let views = column.as_binary_view();
            views.lengths().map(u64::from).sum::<u64>() + 4 * rows
        }
        DataType::FixedSizeBinary(width) => rows * u64::from(width.unsigned_abs()),
        other => rows * other.primitive_width().unwrap_or(8) as u64,
    }
}

/// The same columns with texts and bytes as views, which share the memory of
/// the pages they come from.
fn with_views(schema: &Schema) -> Schema {
    retyped(schema, |data_type| match data_type {
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
        other => other.clone(),
    })
}

fn retyped(schema: &Schema, retype: impl Fn(&DataType) -> DataType) -> Schema {
    let fields: Vec<_> = schema
        .fields()
        .iter()
        .map(|field| {
            let data_type = retype(field.data_type());
            field.as_ref().clone().with_data_type(data_type)
        })
        .collect();
    Schema::new(fields)
}

impl From<columns::Refusal> for Refusal {
    fn from(refusal: columns::Refusal) -> Self {
        match refusal {
            columns::Refusal::UnsupportedColumnType { column, data_type } => {
                Self::UnsupportedColumnType {
                    column,
                    found: data_type,
                }
            }
            other => Self::Corrupt(other.to_string()),
        }
    }
}
