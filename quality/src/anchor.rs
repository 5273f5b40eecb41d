//! The same work by polars alone, with nothing of ours around it: what measurements of an
//! ingest are set against. It trusts its input; a node never calls it.

use std::io::Cursor;
use std::path::Path;

use polars::io::parquet::read::ParquetReader;
use polars::io::parquet::write::{ParquetCompression, ParquetWriter};
use polars::prelude::*;

use crate::error::AssessError;
use crate::input::internal;

/// Reads a Parquet file, counts nulls and distinct rows, and writes it again with zstd;
/// answers rows and bytes written.
///
/// # Errors
/// [`AssessError::Internal`] when polars refuses the file.
pub fn plain(file: &[u8]) -> Result<(usize, u64), AssessError> {
    let mut frame = ParquetReader::new(Cursor::new(file))
        .finish()
        .map_err(internal)?;
    let nulls = frame.null_count();
    let distinct = frame
        .unique::<&[String], String>(None, UniqueKeepStrategy::Any, None)
        .map_err(internal)?;
    std::hint::black_box((nulls, distinct));
    let mut written = Vec::with_capacity(file.len());
    let bytes = ParquetWriter::new(&mut written)
        .with_compression(ParquetCompression::Zstd(None))
        .finish(&mut frame)
        .map_err(internal)?;
    Ok((frame.height(), bytes))
}

/// Nulls, extremes and distinct counts of every column, by a lazy query over the file; answers
/// the number of rows.
///
/// # Errors
/// [`AssessError::Internal`] when polars refuses the file.
pub fn profile(file: &Path) -> Result<usize, AssessError> {
    let path = file.to_string_lossy();
    let scan =
        || LazyFrame::scan_parquet(PlRefPath::new(path.as_ref()), ScanArgsParquet::default());
    let all = || all().as_expr();
    let frame = scan()
        .map_err(internal)?
        .select([
            len().alias("rows"),
            all().null_count().name().suffix(" nulls"),
            all().min().name().suffix(" min"),
            all().max().name().suffix(" max"),
            all().approx_n_unique().name().suffix(" distinct"),
        ])
        .collect()
        .map_err(internal)?;
    let rows = frame
        .column("rows")
        .and_then(|rows| rows.get(0).map(|r| r.try_extract::<u64>()));
    rows.map_err(internal)?
        .map(|rows| rows as usize)
        .map_err(internal)
}
