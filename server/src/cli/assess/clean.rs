//! The cleaned table, and what it takes to get the original back.
//!
//! Automatic changes are lossless and always made. Changes that may lose something are made
//! only when they are approved by name. Nothing else ever changes a table: no value is
//! guessed, no label changed, no row lost silently.

use std::collections::HashSet;
use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Float64Type, Int64Type, SchemaRef, UInt64Type};
use dataset_core::pack::Output;
use quality::{AssessError, ColumnRule, Inspection, Options, Policy, Report};
use serde_json::Value;
use tempfile::NamedTempFile;

use super::against::Others;
use super::open::{self, Opened};
use super::outputs::place;
use super::undo::{Class, Step, write_log};
use crate::cli::args::{Assess, Format};
use crate::cli::stop::{Exit, Outcome, Stop};

/// A change that somebody allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Approved {
    /// Rows that repeat an earlier row go.
    ExactDuplicates,
    /// Numbers beyond the bounds of their column become the bound.
    Cap(String),
    /// A column goes.
    Drop(String),
}

impl Approved {
    fn read(text: &str) -> Outcome<Self> {
        let text = text.trim();
        match text.split_once(':') {
            None if text == "exact_duplicates" => Ok(Self::ExactDuplicates),
            Some(("cap", column)) => Ok(Self::Cap(column.to_owned())),
            Some(("drop", column)) => Ok(Self::Drop(column.to_owned())),
            _ => Err(Stop::new(
                Exit::Usage,
                format!(
                    "{text:?} is no change that can be approved; use exact_duplicates, \
                     cap:COLUMN or drop:COLUMN"
                ),
            )),
        }
    }
}

/// Assesses a file, writes the cleaned table, the log and what undo needs.
pub fn run(
    file: &Path,
    opened: &mut Opened,
    args: &Assess,
    policy: &Policy,
    others: &Others,
) -> Outcome<Inspection> {
    let Some(pattern) = &args.cleaning.clean else {
        return Err(Stop::new(Exit::Usage, "--clean names the file to write"));
    };
    let path = place(pattern, file);
    let approved = args
        .cleaning
        .approve
        .iter()
        .map(|text| Approved::read(text));
    let approved: Vec<Approved> = approved.collect::<Outcome<_>>()?;
    let failed = |error: AssessError| open::stop(file, &error);
    let schema = quality::cleaned_schema(opened.source.as_ref(), policy).map_err(failed)?;
    let mut edit = Edit::new(&schema, &approved, policy)?;
    if approved.contains(&Approved::ExactDuplicates) {
        edit.keep = Some(firsts(file, opened, args, policy)?);
    }
    let target = unfinished(&path)?;
    let mut output = Output::new(target, edit.schema.clone()).map_err(refusal)?;
    let mut sink = |batch: RecordBatch| {
        let batch = edit
            .apply(batch)
            .map_err(|e| AssessError::Internal(e.to_string()))?;
        output
            .write(&batch)
            .map_err(|refusal| AssessError::Output(refusal.to_string()))
    };
    let inspection = super::assessed(file, opened, args, policy, others, Some(&mut sink))?;
    lossless(file, opened)?;
    let written = output.finish().map_err(refusal)?;
    let target = written
        .inner
        .persist(&path)
        .map_err(|error| Stop::file(&path)(error.error))?;
    drop(target);
    let steps = steps(&inspection.report, &edit);
    let whole = edit.dropped_rows > 0;
    let changed = changed(&inspection.report, &edit, opened.format);
    opened.source.rewind().map_err(failed)?;
    let keep: Box<dyn Fn(&str) -> bool> = match whole {
        true => Box::new(|_| true),
        false => Box::new(move |name| changed.contains(name)),
    };
    write_log(
        file,
        &path,
        opened,
        &keep,
        steps,
        written.sha256.to_string(),
    )?;
    Ok(inspection)
}

/// Refuses a file of which something was left out when it was read: undo could not give it back.
fn lossless(file: &Path, opened: &Opened) -> Outcome {
    let faults = opened.source.faults();
    let lost = faults.iter().find(|fault| fault.rule != "too_few_fields");
    let Some(fault) = lost else {
        return Ok(());
    };
    let why = match fault.rule {
        "not_utf8" => "have bytes that are not UTF-8",
        _ => "have more fields than the header",
    };
    let first: Vec<String> = fault
        .rows
        .iter()
        .take(10)
        .map(ToString::to_string)
        .collect();
    Err(Stop::new(
        Exit::Wrong,
        format!(
            "{}: {} rows {why} (from 0: {}), and the cleaned table would lose them; nothing was \
             written. Correct the file, then clean it.",
            file.display(),
            fault.rows.len(),
            first.join(", ")
        ),
    ))
}

/// Which rows stand for the first time.
fn firsts(file: &Path, opened: &mut Opened, args: &Assess, policy: &Policy) -> Outcome<Vec<bool>> {
    let failed = |error: AssessError| open::stop(file, &error);
    let as_of = args.reading.as_of.unwrap_or_default();
    let source = opened.source.as_mut();
    let inspection = quality::assess_source(source, policy, Options::at(as_of), None, &mut |_| {});
    let prints = inspection.map_err(failed)?.rows.fingerprints;
    opened.source.rewind().map_err(failed)?;
    let mut seen = HashSet::with_capacity(prints.len());
    Ok(prints.into_iter().map(|print| seen.insert(print)).collect())
}

/// What is done to the cleaned batches.
struct Edit {
    schema: SchemaRef,
    /// Columns that stay.
    columns: Vec<usize>,
    caps: Vec<Cap>,
    dropped: Vec<String>,
    keep: Option<Vec<bool>>,
    first: usize,
    dropped_rows: u64,
}

struct Cap {
    column: usize,
    name: String,
    min: Option<Value>,
    max: Option<Value>,
    count: u64,
}

impl Edit {
    fn new(schema: &SchemaRef, approved: &[Approved], policy: &Policy) -> Outcome<Self> {
        let position = |name: &String| {
            schema.index_of(name).map_err(|_| {
                Stop::new(
                    Exit::Usage,
                    format!("--approve names {name:?}, which is no column"),
                )
            })
        };
        let mut columns: Vec<usize> = (0..schema.fields().len()).collect();
        let (mut caps, mut dropped) = (Vec::new(), Vec::new());
        for change in approved {
            match change {
                Approved::ExactDuplicates => {}
                Approved::Drop(name) => {
                    let at = position(name)?;
                    columns.retain(|column| *column != at);
                    dropped.push(name.clone());
                }
                Approved::Cap(name) => caps.push(Cap::new(position(name)?, name, policy)?),
            }
        }
        let projected = schema.project(&columns);
        Ok(Self {
            schema: Arc::new(projected.map_err(|e| Stop::new(Exit::Machine, e.to_string()))?),
            columns,
            caps,
            dropped,
            keep: None,
            first: 0,
            dropped_rows: 0,
        })
    }

    fn apply(&mut self, batch: RecordBatch) -> Result<RecordBatch, arrow::error::ArrowError> {
        let rows = batch.num_rows();
        let mut arrays = batch.columns().to_vec();
        for cap in &mut self.caps {
            if let Some(array) = arrays.get_mut(cap.column) {
                *array = cap.apply(array);
            }
        }
        let batch = RecordBatch::try_new(batch.schema(), arrays)?.project(&self.columns)?;
        let first = self.first;
        self.first += rows;
        let Some(keep) = self
            .keep
            .as_ref()
            .and_then(|keep| keep.get(first..first + rows))
        else {
            return Ok(batch);
        };
        self.dropped_rows += keep.iter().filter(|keep| !**keep).count() as u64;
        filter_record_batch(&batch, &BooleanArray::from(keep.to_vec()))
    }
}

impl Cap {
    fn new(column: usize, name: &str, policy: &Policy) -> Outcome<Self> {
        let usage = |why: &str| Stop::new(Exit::Usage, format!("cap:{name}: {why}"));
        let rule: Option<&ColumnRule> = policy.columns.iter().find(|rule| rule.name == name);
        let rule = rule.ok_or_else(|| usage("the rules do not declare this column"))?;
        if !rule.kind.is_number() || rule.kind.to_string().starts_with("decimal") {
            return Err(usage(
                "only int64, uint64 and float64 columns can be capped",
            ));
        }
        if rule.min.is_none() && rule.max.is_none() {
            return Err(usage("the rules give it neither min nor max"));
        }
        Ok(Self {
            column,
            name: name.to_owned(),
            min: rule.min.clone(),
            max: rule.max.clone(),
            count: 0,
        })
    }

    fn apply(&mut self, array: &ArrayRef) -> ArrayRef {
        macro_rules! capped {
            ($type:ty, $number:expr) => {{
                let array = array.as_primitive::<$type>();
                let (min, max) = (
                    self.min.as_ref().and_then($number),
                    self.max.as_ref().and_then($number),
                );
                let mut count = 0;
                let capped = array.unary::<_, $type>(|value| {
                    let low = min.filter(|min| value < *min);
                    low.or(max.filter(|max| value > *max)).unwrap_or(value)
                });
                for (before, after) in array.iter().zip(capped.iter()) {
                    count += u64::from(before != after && before.is_some_and(|b| b == b));
                }
                self.count += count;
                Arc::new(capped) as ArrayRef
            }};
        }
        use arrow::datatypes::DataType;
        match array.data_type() {
            DataType::Int64 => capped!(Int64Type, Value::as_i64),
            DataType::UInt64 => capped!(UInt64Type, Value::as_u64),
            DataType::Float64 => capped!(Float64Type, Value::as_f64),
            _ => Arc::clone(array),
        }
    }
}

/// Every change, by rule and column.
fn steps(report: &Report, edit: &Edit) -> Vec<Step> {
    let step = |class, rule: &str, column: Option<&str>, count| Step {
        class,
        rule: rule.to_owned(),
        column: column.map(str::to_owned),
        count,
    };
    let cleaning = report.cleaning.iter();
    let automatic =
        cleaning.map(|line| step(Class::Automatic, &line.rule, Some(&line.column), line.count));
    let caps = edit
        .caps
        .iter()
        .map(|cap| step(Class::Approved, "cap", Some(&cap.name), cap.count));
    let dropped = edit.dropped.iter();
    let dropped = dropped.map(|name| step(Class::Approved, "drop", Some(name), report.rows));
    let rows = (edit.dropped_rows > 0)
        .then(|| step(Class::Approved, "exact_duplicates", None, edit.dropped_rows));
    automatic.chain(caps).chain(dropped).chain(rows).collect()
}

/// Columns whose cells are not what they were.
fn changed(report: &Report, edit: &Edit, format: Format) -> HashSet<String> {
    let cleaned = report.cleaning.iter().map(|line| line.column.clone());
    // Reading the text of a CSV file in a type it was found to have loses nothing.
    let retyped = report.profile.iter().filter(|column| {
        format != Format::Csv && column.found.as_deref() != Some(column.kind.as_str())
    });
    let caps = edit.caps.iter().map(|cap| cap.name.clone());
    cleaned
        .chain(retyped.map(|column| column.name.clone()))
        .chain(caps)
        .chain(edit.dropped.iter().cloned())
        .collect()
}

fn refusal(refusal: dataset_core::preflight::Refusal) -> Stop {
    Stop::new(Exit::Machine, refusal.to_string())
}

/// `clean.parquet` with something appended.
pub fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// A file that takes the name of `path` when it is whole, readable by whom the system lets.
pub fn unfinished(path: &Path) -> Outcome<NamedTempFile> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder.unwrap_or(Path::new(".")))
        .map_err(Stop::file(path))
}

/// Opens a file that we wrote.
pub fn own(path: &Path) -> Outcome<File> {
    File::open(path).map_err(Stop::file(path))
}
