//! Reading a Parquet file through any seekable reader, in bounded batches.

use std::{
    error::Error,
    io::{self, BufReader, Read, Seek, SeekFrom},
    sync::{Arc, Mutex, PoisonError},
};

use arrow::{
    array::RecordBatch,
    datatypes::{DataType, Schema, SchemaRef},
    error::ArrowError,
};
use bytes::Bytes;
use parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::{
            ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
            ParquetRecordBatchReaderBuilder,
        },
    },
    errors::ParquetError,
    file::reader::{ChunkReader, Length},
};

use super::{contained::contained, with_views};
use crate::{
    columns,
    preflight::{Limits, Preflight, Refusal},
};

const MAX_BATCH_ROWS: u64 = 64 * 1024;

/// A Parquet file ready to be decoded.
pub(super) struct Source<R> {
    reader: Shared<R>,
    metadata: ArrowReaderMetadata,
    plain: SchemaRef,
}

impl<R: Read + Seek + Send + 'static> Source<R> {
    /// Reads the footer. Preflight has to have let the file pass.
    pub fn open(reader: R, file_len: u64) -> Result<Self, Refusal> {
        let reader = Shared {
            reader: Arc::new(Mutex::new(reader)),
            file_len,
            fault: Arc::default(),
        };
        // An Arrow schema inside the file is one more thing to believe; the
        // Parquet schema says everything that is needed.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let metadata =
            ArrowReaderMetadata::load(&reader, options).map_err(|error| reader.refuse(&error))?;
        let plain = Schema::new(metadata.schema().fields().clone());
        columns::infer(&plain)?;
        let options = ArrowReaderOptions::new().with_schema(Arc::new(with_views(&plain)));
        let metadata =
            ArrowReaderMetadata::try_new(metadata.metadata().clone(), options).map_err(refuse)?;
        Ok(Self {
            reader,
            metadata,
            plain: Arc::new(plain),
        })
    }

    /// The columns as batches carry them: texts and bytes as views.
    pub fn schema(&self) -> SchemaRef {
        self.metadata.schema().clone()
    }

    /// The columns with ordinary texts and bytes.
    pub fn plain_schema(&self) -> SchemaRef {
        self.plain.clone()
    }

    /// What the decoder sees has to be what preflight saw.
    pub fn check_shape(&self, claims: &Preflight) -> Result<(), Refusal> {
        let metadata = self.metadata.metadata();
        let same_names = self.plain.fields().len() == claims.columns.len()
            && std::iter::zip(self.plain.fields(), &claims.columns)
                .all(|(field, leaf)| *field.name() == leaf.name);
        let same_groups = metadata.num_row_groups() == claims.row_groups.len()
            && std::iter::zip(metadata.row_groups(), &claims.row_groups)
                .all(|(group, claim)| u64::try_from(group.num_rows()) == Ok(claim.rows));
        if same_names && same_groups {
            Ok(())
        } else {
            Err(Refusal::Corrupt(
                "its footer can be read in two ways".into(),
            ))
        }
    }

    /// The batches of one row group.
    pub fn read_group(
        &self,
        group: usize,
        limits: &Limits,
    ) -> Result<impl Iterator<Item = Result<RecordBatch, Refusal>>, Refusal> {
        let mut batches = self
            .group(group, limits)
            .build()
            .map_err(|error| self.reader.refuse(&error))?;
        Ok(std::iter::from_fn(move || {
            match contained(|| batches.next()) {
                Ok(batch) => batch.map(|batch| batch.map_err(|error| self.reader.refuse(&error))),
                Err(refusal) => Some(Err(refusal)),
            }
        }))
    }

    /// The batches of one column of a row group; those of all columns are cut at the same rows.
    pub fn read_column(
        &self,
        group: usize,
        column: usize,
        limits: &Limits,
    ) -> Result<ParquetRecordBatchReader, Refusal> {
        let builder = self.group(group, limits);
        let only = ProjectionMask::leaves(builder.parquet_schema(), [column]);
        builder
            .with_projection(only)
            .build()
            .map_err(|error| self.refuse(&error))
    }

    fn group(&self, group: usize, limits: &Limits) -> ParquetRecordBatchReaderBuilder<Shared<R>> {
        let (reader, metadata) = (self.reader.clone(), self.metadata.clone());
        ParquetRecordBatchReaderBuilder::new_with_metadata(reader, metadata)
            .with_row_groups(vec![group])
            .with_batch_size(batch_rows(self.metadata.schema(), limits))
    }

    /// The refusal for an error of the decoder.
    pub fn refuse(&self, error: &(dyn Error + 'static)) -> Refusal {
        self.reader.refuse(error)
    }
}

/// How many rows are decoded at a time, so that their fixed-width part stays
/// inside the limit.
fn batch_rows(schema: &Schema, limits: &Limits) -> usize {
    let width = |data_type: &DataType| match data_type {
        DataType::FixedSizeBinary(width) => u64::from(width.unsigned_abs()),
        // A view is 16 bytes.
        other => other.primitive_width().unwrap_or(16) as u64,
    };
    let row: u64 = schema
        .fields()
        .iter()
        .map(|field| width(field.data_type()))
        .sum();
    (limits.batch_len / row.max(1)).clamp(1, MAX_BATCH_ROWS) as usize
}

/// One reader for all columns; each read says where it begins.
pub(super) struct Shared<R> {
    reader: Arc<Mutex<R>>,
    file_len: u64,
    /// Why reading first failed: the decoder keeps only the words of an error.
    fault: Arc<Mutex<Option<Refusal>>>,
}

impl<R> Clone for Shared<R> {
    fn clone(&self) -> Self {
        Self {
            reader: self.reader.clone(),
            file_len: self.file_len,
            fault: self.fault.clone(),
        }
    }
}

impl<R> Shared<R> {
    /// The refusal for an error of the decoder: why reading failed, if it did.
    fn refuse(&self, error: &(dyn Error + 'static)) -> Refusal {
        let fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        fault.clone().unwrap_or_else(|| refuse_any(error))
    }
}

impl<R: Read + Seek> Shared<R> {
    fn at<T>(&self, at: u64, read: impl FnOnce(&mut R) -> io::Result<T>) -> io::Result<T> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let result = reader
            .seek(SeekFrom::Start(at))
            .and_then(|_| read(&mut *reader));
        if let Err(error) = &result {
            let mut fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
            fault.get_or_insert_with(|| Refusal::of_io(error));
        }
        result
    }
}

impl<R: Send> Length for Shared<R> {
    fn len(&self) -> u64 {
        self.file_len
    }
}

impl<R: Read + Seek + Send> ChunkReader for Shared<R> {
    type T = BufReader<At<R>>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        // Only page headers are read this way.
        Ok(BufReader::with_capacity(
            1024,
            At {
                shared: self.clone(),
                at: start,
            },
        ))
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        let inside = start
            .checked_add(length as u64)
            .is_some_and(|end| end <= self.file_len);
        if !inside {
            return Err(ParquetError::EOF("a range behind the file".into()));
        }
        let mut buffer = vec![0; length];
        self.at(start, |reader| reader.read_exact(&mut buffer))?;
        Ok(buffer.into())
    }
}

pub(super) struct At<R> {
    shared: Shared<R>,
    at: u64,
}

impl<R: Read + Seek> Read for At<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.shared.at(self.at, |reader| reader.read(buffer))?;
        self.at += count as u64;
        Ok(count)
    }
}

pub(super) fn refuse(error: ParquetError) -> Refusal {
    refuse_any(&error)
}

pub(super) fn refuse_arrow(error: ArrowError) -> Refusal {
    refuse_any(&error)
}

fn refuse_any(error: &(dyn Error + 'static)) -> Refusal {
    Refusal::reading(error).unwrap_or_else(|| {
        let text = error.to_string();
        let text = text
            .trim_start_matches("Parquet argument error: ")
            .trim_start_matches("Parquet error: ");
        Refusal::Corrupt(text.chars().take(200).collect())
    })
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::Field;

    use super::*;

    #[test]
    fn batches_stay_inside_their_limit() {
        let of = |columns: usize, data_type: DataType| {
            let field = |n| Field::new(format!("c{n}"), data_type.clone(), true);
            Schema::new((0..columns).map(field).collect::<Vec<_>>())
        };
        let limits = Limits::default();
        let rows = |schema| batch_rows(&schema, &limits) as u64;
        // 32 MiB are 64 Ki rows of 64 columns of 8 bytes.
        assert_eq!(rows(of(64, DataType::Int64)), MAX_BATCH_ROWS);
        assert_eq!(rows(of(65, DataType::Int64)), limits.batch_len / (65 * 8));
        assert_eq!(
            rows(of(2_000, DataType::Utf8View)),
            limits.batch_len / 32_000
        );
        assert_eq!(rows(of(2_000, DataType::FixedSizeBinary(65_536))), 1);
    }
}
