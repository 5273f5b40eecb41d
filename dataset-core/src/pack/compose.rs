//! The kept rows of several files, in order, as one file.

use std::{
    io::{Read, Seek, Write},
    sync::Arc,
};

use arrow::{
    array::{ArrayRef, BooleanArray, RecordBatch},
    buffer::{BooleanBuffer, Buffer},
    compute::{CastOptions, cast_with_options, filter_record_batch},
    datatypes::{Field, Schema, SchemaRef},
};

use super::{
    Meter,
    source::{Source, refuse_arrow},
    with_views,
    writer::Output,
};
use crate::{
    columns::Contract,
    digest::Sha256,
    preflight::{Limits, Refusal, preflight},
};

/// Which rows of a file are kept: one bit per row, in file order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeepMask(BooleanBuffer);

impl KeepMask {
    /// All of `rows` rows.
    pub fn all(rows: usize) -> Self {
        Self(BooleanBuffer::new_set(rows))
    }

    /// One value per row.
    pub fn from_bools(keep: &[bool]) -> Self {
        Self(BooleanBuffer::from(keep))
    }

    /// One bit per row, the first row in the lowest bit of the first byte;
    /// `None` when there are fewer bits than rows.
    pub fn from_bits(bits: Vec<u8>, rows: usize) -> Option<Self> {
        (bits.len() >= rows.div_ceil(8))
            .then(|| Self(BooleanBuffer::new(Buffer::from_vec(bits), 0, rows)))
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.0.len()
    }

    /// Number of rows that are kept.
    pub fn kept(&self) -> usize {
        self.0.count_set_bits()
    }
}

/// One file and what is kept of it.
pub struct Part<R> {
    /// A Parquet file with the columns of the contract.
    pub reader: R,
    /// One bit for each of its rows.
    pub keep: KeepMask,
}

/// What was composed.
#[derive(Debug, Clone)]
pub struct Composed {
    /// Number of rows.
    pub rows: u64,
    /// Rows from each part, in their order.
    pub rows_per_part: Vec<u64>,
    /// Bytes of all decoded values that were read.
    pub decoded_len: u64,
    /// Length of the written file in bytes.
    pub file_len: u64,
    /// SHA-256 of the written file.
    pub file_sha256: Sha256,
    /// Names and types of the columns.
    pub schema: SchemaRef,
}

/// Writes the kept rows of all parts as one file with the columns of the
/// contract, in its order and types.
///
/// Parts are files of this house, so they may unpack to any multiple of their
/// size; the other limits hold.
///
/// # Errors
/// A [`Refusal`]: a part is damaged, lacks a column, has another number of rows
/// than its mask, or holds a value that the contract's type cannot.
pub fn compose<R, W>(
    parts: impl IntoIterator<Item = Part<R>>,
    contract: &Contract,
    limits: &Limits,
    writer: W,
) -> Result<(W, Composed), Refusal>
where
    R: Read + Seek + Send + 'static,
    W: Write + Send,
{
    let plain = Arc::new(contract_schema(contract));
    let target = Arc::new(with_views(&plain));
    let limits = Limits {
        ratio: u64::MAX,
        ..limits.clone()
    };
    let mut output = Output::new(writer, target.clone())?;
    let mut meter = Meter::new(&limits);
    let mut rows_per_part = Vec::new();
    for part in parts {
        rows_per_part.push(copy_part(part, &target, &limits, &mut meter, &mut output)?);
    }
    let written = output.finish()?;
    let composed = Composed {
        rows: rows_per_part.iter().sum(),
        rows_per_part,
        decoded_len: meter.bytes,
        file_len: written.len,
        file_sha256: written.sha256,
        schema: plain,
    };
    Ok((written.inner, composed))
}

/// Every column may hold nulls: what is invalid in a contribution is null in
/// its cleaned file.
fn contract_schema(contract: &Contract) -> Schema {
    let field = |column: &crate::columns::Column| {
        Field::new(column.name.clone(), column.kind.to_arrow(), true)
    };
    Schema::new(contract.columns.iter().map(field).collect::<Vec<_>>())
}

fn copy_part<R, W>(
    mut part: Part<R>,
    target: &SchemaRef,
    limits: &Limits,
    meter: &mut Meter,
    output: &mut Output<W>,
) -> Result<u64, Refusal>
where
    R: Read + Seek + Send + 'static,
    W: Write + Send,
{
    let claims = preflight(&mut part.reader, limits)?;
    if claims.rows != part.keep.rows() as u64 {
        return Err(Refusal::RowCountMismatch {
            place: "the mask of a part covers".into(),
            claimed: part.keep.rows() as u64,
            found: claims.rows,
        });
    }
    let source = Source::open(part.reader, claims.file_len)?;
    source.check_shape(&claims)?;
    let mut first = 0;
    for group in 0..claims.row_groups.len() {
        for batch in source.read_group(group, limits)? {
            let batch = batch?;
            meter.count(&batch)?;
            if first + batch.num_rows() > part.keep.rows() {
                return Err(Refusal::Corrupt("it has more rows than it claims".into()));
            }
            let keep = part.keep.0.slice(first, batch.num_rows());
            first += batch.num_rows();
            let kept = match keep.count_set_bits() {
                0 => continue,
                all if all == batch.num_rows() => batch,
                _ => filter_record_batch(&batch, &BooleanArray::new(keep, None))
                    .map_err(refuse_arrow)?,
            };
            output.write(&arrange(&kept, target)?)?;
        }
    }
    if first != part.keep.rows() {
        return Err(Refusal::RowCountMismatch {
            place: "a part claims".into(),
            claimed: claims.rows,
            found: first as u64,
        });
    }
    Ok(part.keep.kept() as u64)
}

/// The columns of the target, in its order and types.
fn arrange(batch: &RecordBatch, target: &SchemaRef) -> Result<RecordBatch, Refusal> {
    let exact = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    let columns = target
        .fields()
        .iter()
        .map(|field| {
            let column = batch.column_by_name(field.name()).ok_or_else(|| {
                Refusal::Corrupt(format!("a part lacks the column {:?}", field.name()))
            })?;
            if column.data_type() == field.data_type() {
                return Ok(column.clone());
            }
            cast_with_options(column, field.data_type(), &exact).map_err(refuse_arrow)
        })
        .collect::<Result<Vec<ArrayRef>, Refusal>>()?;
    RecordBatch::try_new(target.clone(), columns).map_err(refuse_arrow)
}
