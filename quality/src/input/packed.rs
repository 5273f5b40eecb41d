//! A file of our own writer, in memory.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use bytes::Bytes;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};

use super::Source;
use crate::error::AssessError;

/// Bytes of fixed-width values and views decoded at a time.
const BATCH_BYTES: usize = 16 << 20;
const BATCH_ROWS: usize = 32 * 1024;
/// A view, or a decimal.
const WIDEST: usize = 16;

/// A Parquet file in memory. Only files of our own writer come here: nothing in them is
/// checked but what the decoder checks.
pub(crate) struct Packed {
    file: Bytes,
    metadata: ArrowReaderMetadata,
    batches: ParquetRecordBatchReader,
}

impl Packed {
    pub fn open(file: &Bytes) -> Result<Self, AssessError> {
        let plain = ArrowReaderMetadata::load(file, ArrowReaderOptions::new())
            .map_err(|error| unreadable(&error))?;
        let options = ArrowReaderOptions::new().with_schema(views(plain.schema()));
        let metadata = ArrowReaderMetadata::try_new(Arc::clone(plain.metadata()), options)
            .map_err(|error| unreadable(&error))?;
        Ok(Self {
            batches: batches(file, &metadata)?,
            file: file.clone(),
            metadata,
        })
    }
}

/// Texts and bytes as views, which share the memory of the pages they come from.
fn views(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| {
        let data_type = match field.data_type() {
            DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
            DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
            other => other.clone(),
        };
        field.as_ref().clone().with_data_type(data_type)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn batches(
    file: &Bytes,
    metadata: &ArrowReaderMetadata,
) -> Result<ParquetRecordBatchReader, AssessError> {
    let width = metadata.schema().fields().len().max(1) * WIDEST;
    ParquetRecordBatchReaderBuilder::new_with_metadata(file.clone(), metadata.clone())
        .with_batch_size((BATCH_BYTES / width).clamp(1, BATCH_ROWS))
        .build()
        .map_err(|error| unreadable(&error))
}

impl Source for Packed {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.metadata.schema())
    }

    fn rows(&self) -> Option<u64> {
        let rows = self.metadata.metadata().file_metadata().num_rows();
        u64::try_from(rows).ok()
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, AssessError> {
        self.batches
            .next()
            .transpose()
            .map_err(|error| unreadable(&error))
    }

    fn rewind(&mut self) -> Result<(), AssessError> {
        self.batches = batches(&self.file, &self.metadata)?;
        Ok(())
    }
}

fn unreadable(error: &dyn std::error::Error) -> AssessError {
    AssessError::Unreadable(error.to_string())
}
