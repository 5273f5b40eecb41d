//! Files of this machine as tables. Nothing they claim is believed: Parquet goes through
//! pre-flight and bounded decoding, as a provider's file does on a node.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use dataset_core::error::Coded;
use dataset_core::pack::Batches;
use dataset_core::preflight::{Limits, Refusal, preflight};
use quality::{AssessError, Csv, Ipc, Source};

use crate::cli::args::{Format, ReadingArgs};
use crate::cli::stop::{Exit, Outcome, Stop};

/// Bytes that one batch of an Arrow file may unpack to.
const ARROW_BATCH: u64 = 4 << 30;

/// A file ready to be read.
pub struct Opened {
    pub source: Box<dyn Source>,
    pub format: Format,
}

/// Opens a file; CSV columns get their types from the cells when `infer` is set.
pub fn open(path: &Path, reading: &ReadingArgs, infer: bool) -> Outcome<Opened> {
    let mut file = File::open(path).map_err(Stop::file(path))?;
    let format = match reading.format {
        Some(format) => format,
        None => sniff(&mut file, path)?,
    };
    let source: Result<Box<dyn Source>, AssessError> = match format {
        Format::Parquet => parquet(file).map(|source| Box::new(source) as _),
        Format::Arrow => Ipc::open(file, ARROW_BATCH, u64::MAX).map(|source| Box::new(source) as _),
        Format::Csv => csv(file, reading, infer)?.map(|source| Box::new(source) as _),
    };
    let source = source.map_err(|error| stop(path, &error))?;
    Ok(Opened { source, format })
}

/// How an assessment that broke off ends the command.
pub fn stop(path: &Path, error: &AssessError) -> Stop {
    let exit = match error {
        AssessError::Policy(_) => Exit::Usage,
        AssessError::Unreadable(_) | AssessError::Output(_) | AssessError::Internal(_) => {
            Exit::Machine
        }
        _ => Exit::Wrong,
    };
    Stop::new(exit, format!("{}: {error}", path.display()))
}

/// Bytes by which a format is told.
const HEAD: u64 = 512;

/// What else people have: how it begins, what it is, and what to do about it.
const FOREIGN: [(&[u8], &str); 9] = [
    (b"\x1f\x8b", "it is compressed by gzip; unpack it first"),
    (
        b"\x28\xb5\x2f\xfd",
        "it is compressed by zstd; unpack it first",
    ),
    (b"BZh", "it is compressed by bzip2; unpack it first"),
    (b"\xfd7zXZ", "it is compressed by xz; unpack it first"),
    (
        b"PK\x03\x04",
        "it is a ZIP file or a workbook; unpack it, or save the sheet as CSV",
    ),
    (
        b"\xd0\xcf\x11\xe0",
        "it is an old workbook; save the sheet as CSV",
    ),
    (b"ORC", "ORC is not read; write the table as Parquet"),
    (
        b"{\"",
        "it looks like JSON; write the table as Parquet or CSV",
    ),
    (
        b"[{",
        "it looks like JSON; write the table as Parquet or CSV",
    ),
];

fn sniff(file: &mut File, path: &Path) -> Outcome<Format> {
    let mut head = Vec::new();
    file.by_ref()
        .take(HEAD)
        .read_to_end(&mut head)
        .and_then(|_| file.rewind())
        .map_err(Stop::file(path))?;
    let foreign = FOREIGN.iter().find(|(begin, _)| head.starts_with(begin));
    if let Some((_, what)) = foreign {
        let words = format!("{}: {what} (or say --format)", path.display());
        return Err(Stop::new(Exit::Wrong, words));
    }
    let ending = path.extension().and_then(|ending| ending.to_str());
    let ending = ending.unwrap_or_default().to_ascii_lowercase();
    Ok(match (head.as_slice(), ending.as_str()) {
        ([b'P', b'A', b'R', b'1' | b'E', ..], _) | (_, "parquet" | "parq") => Format::Parquet,
        ([b'A', b'R', b'R', b'O', b'W', b'1', ..], _) => Format::Arrow,
        ([0xff, 0xff, 0xff, 0xff, ..], _) => Format::Arrow,
        (_, "arrow" | "arrows" | "ipc" | "feather") => Format::Arrow,
        (_, "csv" | "tsv" | "txt") => Format::Csv,
        (head, _) if head.contains(&0) => {
            return Err(Stop::new(
                Exit::Wrong,
                format!("{}: neither Parquet nor CSV nor Arrow IPC", path.display()),
            ));
        }
        _ => Format::Csv,
    })
}

fn csv(file: File, reading: &ReadingArgs, infer: bool) -> Outcome<Result<Csv<File>, AssessError>> {
    let delimiter = match reading.delimiter {
        Some(delimiter) => match u8::try_from(delimiter) {
            Ok(delimiter) if delimiter.is_ascii() => Some(delimiter),
            _ => return Err(Stop::new(Exit::Usage, "--delimiter is one ASCII character")),
        },
        None => None,
    };
    Ok(Csv::open(file, delimiter).and_then(|mut csv| {
        if infer {
            csv.infer()?;
        }
        Ok(csv)
    }))
}

/// The limits of a node, but for the size of what is one's own.
fn parquet(mut file: File) -> Result<Parquet, AssessError> {
    let limits = Limits {
        decoded_len: u64::MAX,
        ..Limits::default()
    };
    let claims = preflight(&mut file, &limits).map_err(|refusal| refused(&refusal))?;
    let batches = Batches::open(file, &claims, &limits).map_err(|refusal| refused(&refusal))?;
    Ok(Parquet(batches))
}

/// A Parquet file that pre-flight let pass.
struct Parquet(Batches<File>);

impl Source for Parquet {
    fn schema(&self) -> SchemaRef {
        self.0.schema()
    }

    fn rows(&self) -> Option<u64> {
        Some(self.0.rows())
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, AssessError> {
        self.0.next_batch().map_err(|refusal| refused(&refusal))
    }

    fn rewind(&mut self) -> Result<(), AssessError> {
        self.0.rewind();
        Ok(())
    }
}

fn refused(refusal: &Refusal) -> AssessError {
    AssessError::Refused {
        code: refusal.code(),
        message: refusal.to_string(),
    }
}
