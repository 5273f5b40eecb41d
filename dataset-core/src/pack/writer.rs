//! Our own writer: the same rows give the same bytes.

use std::io::Write;

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use parquet::{
    arrow::arrow_writer::{ArrowWriter, ArrowWriterOptions},
    basic::{Compression, ZstdLevel},
    file::properties::{EnabledStatistics, WriterProperties, WriterVersion},
};

use super::source::refuse;
use crate::{
    digest::{DigestWriter, Sha256},
    preflight::Refusal,
};

/// Who wrote the file, as its `created_by` says. The number changes whenever
/// the same rows would give other bytes.
pub const WRITER: &str = "granary writer 1";

const ROW_GROUP_ROWS: usize = 1024 * 1024;
const ROW_GROUP_LEN: usize = 128 * 1024 * 1024;
const PAGE_ROWS: usize = 64 * 1024;

fn properties() -> WriterProperties {
    let level = ZstdLevel::try_new(3).unwrap_or_default();
    WriterProperties::builder()
        .set_created_by(WRITER.to_owned())
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(Compression::ZSTD(level))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_max_row_group_bytes(Some(ROW_GROUP_LEN))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .build()
}

/// A Parquet file being written, batch by batch.
pub struct Output<W: Write + Send> {
    writer: ArrowWriter<DigestWriter<W>>,
}

/// A Parquet file that has been written.
pub struct Written<W> {
    /// Where it was written to.
    pub inner: W,
    /// Its length in bytes.
    pub len: u64,
    /// Its digest.
    pub sha256: Sha256,
}

impl<W: Write + Send> Output<W> {
    /// Begins a file with these columns.
    ///
    /// # Errors
    /// A [`Refusal`]: a type cannot be written, or the writer failed.
    pub fn new(writer: W, schema: SchemaRef) -> Result<Self, Refusal> {
        let options = ArrowWriterOptions::new()
            .with_properties(properties())
            .with_skip_arrow_metadata(true);
        ArrowWriter::try_new_with_options(DigestWriter::new(writer), schema, options)
            .map(|writer| Self { writer })
            .map_err(refuse)
    }

    /// Writes rows.
    ///
    /// # Errors
    /// A [`Refusal`]: the columns are others, or the writer failed.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), Refusal> {
        self.writer.write(batch).map_err(refuse)
    }

    /// Writes the footer.
    ///
    /// # Errors
    /// A [`Refusal`]: the writer failed.
    pub fn finish(self) -> Result<Written<W>, Refusal> {
        let (inner, sha256, len) = self.writer.into_inner().map_err(refuse)?.finish();
        Ok(Written { inner, len, sha256 })
    }
}
