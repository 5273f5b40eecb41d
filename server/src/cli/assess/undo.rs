//! The log of a cleaning, and its way back.
//!
//! Beside `clean.parquet` lie `clean.parquet.changes.json`, which says what was changed, and
//! `clean.parquet.undo.parquet` with the original cells of every column that changed (of the
//! whole table when rows were taken out). It is plaintext, as the table beside it is.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use dataset_core::digest::Hasher;
use dataset_core::pack::{Batches, Output};
use dataset_core::preflight::{Limits, Refusal, preflight};
use quality::Source;
use serde::{Deserialize, Serialize};

use super::clean::{beside, own, unfinished};
use super::open::{self, Opened};
use crate::cli::print_text;
use crate::cli::stop::{Exit, Outcome, Stop};

const SCHEMA: &str = "granary-changes/1";

/// What was changed, for machines.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Log {
    /// [`SCHEMA`].
    schema: String,
    /// Name of the original.
    original: String,
    /// Columns of the original, in order.
    original_columns: Vec<String>,
    /// SHA-256 of the cleaned file.
    cleaned_sha256: String,
    /// Name and SHA-256 of the file with the original cells; none when nothing changed.
    undo: Option<Sidecar>,
    /// Every change.
    steps: Vec<Step>,
    /// Digests of the cells of every changed column.
    columns: Vec<Digests>,
}

#[derive(Serialize, Deserialize)]
struct Sidecar {
    file: String,
    sha256: String,
    /// Are all columns there, because rows were taken out?
    whole: bool,
}

/// One rule at work.
#[derive(Serialize, Deserialize)]
pub struct Step {
    pub class: Class,
    pub rule: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// Cells, or rows when no column is named.
    pub count: u64,
    /// Numbers of the first of them in the original, from 0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<u64>,
    /// What was put in, or how it was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub how: Option<String>,
}

/// Why a change was made.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Loses nothing.
    Automatic,
    /// Was allowed by name.
    Approved,
}

/// SHA-256 over the cells of a column as text, each with its length.
#[derive(Serialize, Deserialize)]
struct Digests {
    column: String,
    before: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
}

/// Writes log and original cells. `changed` names the columns to keep; the source stands at its
/// beginning.
pub fn write_log(
    file: &Path,
    cleaned: &Path,
    opened: &mut Opened,
    changed: &dyn Fn(&str) -> bool,
    steps: Vec<Step>,
    cleaned_sha256: String,
) -> Outcome {
    let schema = opened.source.schema();
    let names: Vec<String> = schema
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    let kept: Vec<usize> = (0..names.len()).filter(|at| changed(&names[*at])).collect();
    let whole = kept.len() == names.len() && steps.iter().any(|step| step.column.is_none());
    let mut columns = Vec::new();
    let mut undo = None;
    if !kept.is_empty() {
        let path = beside(cleaned, ".undo.parquet");
        let (sha256, before) = sidecar(file, &path, opened, &kept)?;
        let after = digests_of(cleaned)?;
        for (at, before) in kept.iter().zip(before) {
            let name = names[*at].clone();
            let known = after.iter().find(|(column, _)| *column == name);
            columns.push(Digests {
                after: known.map(|(_, digest)| digest.clone()),
                column: name,
                before,
            });
        }
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        undo = Some(Sidecar {
            file: name,
            sha256,
            whole,
        });
    }
    let log = Log {
        schema: SCHEMA.to_owned(),
        original: file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        original_columns: names,
        cleaned_sha256,
        undo,
        steps,
        columns,
    };
    let path = beside(cleaned, ".changes.json");
    let mut bytes = serde_json::to_vec_pretty(&log).map_err(std::io::Error::from)?;
    bytes.push(b'\n');
    std::fs::write(&path, bytes).map_err(Stop::file(&path))
}

/// Copies the original cells of some columns; answers digests of the file and of each column.
fn sidecar(
    file: &Path,
    path: &Path,
    opened: &mut Opened,
    kept: &[usize],
) -> Outcome<(String, Vec<String>)> {
    let schema = opened.source.schema().project(kept).map_err(wrong)?;
    let target = File::create(path).map_err(Stop::file(path))?;
    let mut output = Output::new(target, flat(&schema)).map_err(refused)?;
    let mut hashers: Vec<Hasher> = kept.iter().map(|_| Hasher::new()).collect();
    while let Some(batch) = next(file, opened.source.as_mut())? {
        let batch = unpacked(&batch.project(kept).map_err(wrong)?, &flat(&schema))?;
        for (column, hasher) in batch.columns().iter().zip(&mut hashers) {
            digest(column, hasher)?;
        }
        output.write(&batch).map_err(refused)?;
    }
    let written = output.finish().map_err(refused)?;
    let digests = hashers
        .into_iter()
        .map(|hasher| hasher.finish().to_string());
    Ok((written.sha256.to_string(), digests.collect()))
}

fn next(file: &Path, source: &mut dyn Source) -> Outcome<Option<RecordBatch>> {
    source
        .next_batch()
        .map_err(|error| open::stop(file, &error))
}

/// The same columns without dictionaries, which Parquet files of ours do not have.
fn flat(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| match field.data_type() {
        DataType::Dictionary(_, values) => field
            .as_ref()
            .clone()
            .with_data_type(values.as_ref().clone()),
        DataType::Null => field.as_ref().clone().with_data_type(DataType::Utf8View),
        _ => field.as_ref().clone(),
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn unpacked(batch: &RecordBatch, schema: &SchemaRef) -> Outcome<RecordBatch> {
    let columns = batch.columns().iter().zip(schema.fields());
    let columns = columns.map(
        |(array, field)| match array.data_type() == field.data_type() {
            true => Ok(Arc::clone(array)),
            false => cast(array, field.data_type()),
        },
    );
    let columns = columns
        .collect::<Result<Vec<ArrayRef>, _>>()
        .map_err(wrong)?;
    RecordBatch::try_new(schema.clone(), columns).map_err(wrong)
}

/// Feeds the cells of a column as text, each with its length; a missing one has none.
fn digest(array: &ArrayRef, hasher: &mut Hasher) -> Outcome {
    let mut feed = |cell: Option<&[u8]>| match cell {
        Some(bytes) => {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        }
        None => hasher.update(&u64::MAX.to_le_bytes()),
    };
    match array.data_type() {
        DataType::Utf8View => {
            let cells = array.as_string_view();
            cells.iter().for_each(|cell| feed(cell.map(str::as_bytes)));
        }
        DataType::BinaryView => array.as_binary_view().iter().for_each(feed),
        DataType::Timestamp(..)
        | DataType::Date32
        | DataType::Date64
        | DataType::Time32(_)
        | DataType::Time64(_) => {
            let numbers = cast(array, &DataType::Int64).or_else(|_| {
                cast(array, &DataType::Int32).and_then(|days| cast(&days, &DataType::Int64))
            });
            return digest(
                &cast(&numbers.map_err(wrong)?, &DataType::Utf8View).map_err(wrong)?,
                hasher,
            );
        }
        DataType::Binary | DataType::LargeBinary | DataType::FixedSizeBinary(_) => {
            return digest(&cast(array, &DataType::BinaryView).map_err(wrong)?, hasher);
        }
        _ => return digest(&cast(array, &DataType::Utf8View).map_err(wrong)?, hasher),
    }
    Ok(())
}

/// Digests of all columns of a file of ours.
fn digests_of(path: &Path) -> Outcome<Vec<(String, String)>> {
    let mut batches = batches(path)?;
    let schema = batches.schema();
    let mut hashers: Vec<Hasher> = schema.fields().iter().map(|_| Hasher::new()).collect();
    while let Some(batch) = batches.next_batch().map_err(refused)? {
        for (column, hasher) in batch.columns().iter().zip(&mut hashers) {
            digest(column, hasher)?;
        }
    }
    let names = schema.fields().iter().map(|field| field.name().clone());
    Ok(names
        .zip(hashers.into_iter().map(|h| h.finish().to_string()))
        .collect())
}

fn batches(path: &Path) -> Outcome<Batches<File>> {
    let limits = Limits {
        decoded_len: u64::MAX,
        ratio: u64::MAX,
        ..Limits::default()
    };
    let mut file = own(path)?;
    let claims = preflight(&mut file, &limits).map_err(refused)?;
    Batches::open(file, &claims, &limits).map_err(refused)
}

/// Writes the original beside the cleaned table and proves that it is the original.
pub fn run(log_path: &Path, files: &[PathBuf]) -> Outcome {
    let [cleaned] = files else {
        return Err(Stop::new(
            Exit::Usage,
            "--undo takes the one file that the log is about",
        ));
    };
    let text = std::fs::read(log_path).map_err(Stop::file(log_path))?;
    let log: Log = serde_json::from_slice(&text).map_err(|error| {
        Stop::new(
            Exit::Wrong,
            format!("{}: no log of a cleaning: {error}", log_path.display()),
        )
    })?;
    if log.schema != SCHEMA {
        return Err(Stop::new(
            Exit::Wrong,
            format!("{}: a log of another version", log_path.display()),
        ));
    }
    same(
        cleaned,
        &log.cleaned_sha256,
        "is not the file that was cleaned; it was changed since",
    )?;
    let target = beside(&cleaned.with_extension(""), ".original.parquet");
    let Some(undo) = &log.undo else {
        std::fs::copy(cleaned, &target).map_err(Stop::file(&target))?;
        return print_text(&format!("{}: nothing had been changed\n", target.display()));
    };
    let originals = log_path.with_file_name(&undo.file);
    same(&originals, &undo.sha256, "does not belong to this log")?;
    let mut from = Lockstep::new(batches(&originals)?);
    let mut rest = match undo.whole {
        true => None,
        false => Some(Lockstep::new(batches(cleaned)?)),
    };
    restore(&log, &mut from, rest.as_mut(), &target)?;
    let count: u64 = log.steps.iter().map(|step| step.count).sum();
    print_text(&format!(
        "{}: the original of {}, {count} changes taken back; digests of {} columns agree\n",
        target.display(),
        log.original,
        log.columns.len()
    ))
}

fn same(path: &Path, sha256: &str, words: &str) -> Outcome {
    let (found, _) = super::digest(path).map_err(Stop::file(path))?;
    match found.to_string() == sha256 {
        true => Ok(()),
        false => Err(Stop::new(
            Exit::Wrong,
            format!("{} {words}", path.display()),
        )),
    }
}

/// Puts every column of the original in its place and compares digests.
fn restore(
    log: &Log,
    from: &mut Lockstep,
    mut rest: Option<&mut Lockstep>,
    target: &Path,
) -> Outcome {
    let file = unfinished(target)?;
    let fields = log.original_columns.iter().map(|name| {
        let own = from.schema.field_with_name(name).ok();
        let other = rest
            .as_ref()
            .and_then(|rest| rest.schema.field_with_name(name).ok());
        own.or(other).cloned().ok_or_else(|| {
            Stop::new(
                Exit::Wrong,
                format!("the column {name:?} is in neither file"),
            )
        })
    });
    let schema = Arc::new(Schema::new(fields.collect::<Outcome<Vec<_>>>()?));
    let mut output = Output::new(file, schema.clone()).map_err(refused)?;
    let mut hashers: Vec<Hasher> = log.columns.iter().map(|_| Hasher::new()).collect();
    loop {
        let others = rest.as_mut().map(|rest| rest.left()).transpose()?;
        let rows = from.left()?.min(others.unwrap_or(usize::MAX));
        if rows == 0 {
            break;
        }
        let (own, other) = (from.take(rows), rest.as_mut().map(|rest| rest.take(rows)));
        let columns = log.original_columns.iter().filter_map(|name| {
            let other = other.as_ref().and_then(|batch| batch.column_by_name(name));
            own.column_by_name(name).or(other).cloned()
        });
        let batch = RecordBatch::try_new(schema.clone(), columns.collect()).map_err(wrong)?;
        for (column, hasher) in log.columns.iter().zip(&mut hashers) {
            if let Some(array) = batch.column_by_name(&column.column) {
                digest(array, hasher)?;
            }
        }
        output.write(&batch).map_err(refused)?;
    }
    for (column, hasher) in log.columns.iter().zip(hashers) {
        if hasher.finish().to_string() != column.before {
            let words = format!(
                "the cells of {:?} are not those that were read",
                column.column
            );
            return Err(Stop::new(Exit::Wrong, words));
        }
    }
    let written = output.finish().map_err(refused)?;
    let kept = written.inner.persist(target);
    kept.map(drop)
        .map_err(|error| Stop::file(target)(error.error))
}

/// Batches that are taken in pieces of any length.
struct Lockstep {
    batches: Batches<File>,
    schema: SchemaRef,
    batch: Option<RecordBatch>,
}

impl Lockstep {
    fn new(batches: Batches<File>) -> Self {
        Self {
            schema: batches.schema(),
            batches,
            batch: None,
        }
    }

    /// Rows at hand; 0 at the end.
    fn left(&mut self) -> Outcome<usize> {
        if self
            .batch
            .as_ref()
            .is_none_or(|batch| batch.num_rows() == 0)
        {
            self.batch = self.batches.next_batch().map_err(refused)?;
        }
        Ok(self.batch.as_ref().map_or(0, RecordBatch::num_rows))
    }

    fn take(&mut self, rows: usize) -> RecordBatch {
        let Some(batch) = self.batch.take() else {
            return RecordBatch::new_empty(self.schema.clone());
        };
        let rows = rows.min(batch.num_rows());
        self.batch = Some(batch.slice(rows, batch.num_rows() - rows));
        batch.slice(0, rows)
    }
}

fn refused(refusal: Refusal) -> Stop {
    Stop::new(Exit::Machine, refusal.to_string())
}

fn wrong(error: impl std::fmt::Display) -> Stop {
    Stop::new(Exit::Machine, error.to_string())
}
