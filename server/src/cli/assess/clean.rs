//! The cleaned table, and what it takes to get the original back.
//!
//! Automatic changes are lossless and always made. Changes that may lose something are made
//! only when they are approved by name. Nothing else ever changes a table: no value is
//! guessed, no label changed, no row lost silently.

use std::collections::HashSet;
use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use dataset_core::pack::Output;
use quality::approve::{Approved, Coerced, Edits, Made, Pseudonym, kept_rows};
use quality::report::CleaningLine;
use quality::{AssessError, Inspection, Options, Policy, Report, Source};
use ring::hmac;
use tempfile::NamedTempFile;

use super::against::Others;
use super::open::{self, Opened};
use super::outputs::place;
use super::undo::{Class, Step, write_log};
use crate::cli::args::{Assess, Format};
use crate::cli::stop::{Exit, Outcome, Stop};

/// Least length of the key of pseudonyms, in bytes.
const KEY_LEN: usize = 16;
/// Bytes of a pseudonym, which is twice as many characters.
const PSEUDONYM_LEN: usize = 16;

/// Every change that somebody allowed, in the rules or on the command line.
fn approvals(args: &Assess, policy: &Policy) -> Outcome<Vec<Approved>> {
    let ruled = policy.clean.iter().flat_map(|clean| clean.approve.clone());
    let mut approved: Vec<Approved> = ruled.collect();
    for text in &args.cleaning.approve {
        for change in Approved::list(text).map_err(|why| Stop::new(Exit::Usage, why))? {
            if !approved.contains(&change) {
                approved.push(change);
            }
        }
    }
    Ok(approved)
}

/// Pseudonyms under the key in a file.
fn pseudonym(args: &Assess) -> Outcome<Option<Pseudonym>> {
    let Some(path) = &args.cleaning.mask_key else {
        return Ok(None);
    };
    let key = std::fs::read(path).map_err(Stop::file(path))?;
    if key.len() < KEY_LEN {
        let path = path.display();
        let words = format!("{path}: the key of pseudonyms has at least {KEY_LEN} bytes");
        return Err(Stop::new(Exit::Usage, words));
    }
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    Ok(Some(Box::new(move |text| {
        let tag = hmac::sign(&key, text.as_bytes());
        hex::encode(tag.as_ref().get(..PSEUDONYM_LEN).unwrap_or(tag.as_ref()))
    })))
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
    let approved = approvals(args, policy)?;
    let failed = |error: AssessError| open::stop(file, &error);
    let schema = quality::cleaned_schema(opened.source.as_ref(), policy).map_err(failed)?;
    let mut edits = Edits::new(&schema, &approved, policy, pseudonym(args)?).map_err(failed)?;
    let coerced = approved
        .iter()
        .any(|c| matches!(c, Approved::Coerce { .. }));
    // The report is about the file as it is.
    let report = match coerced {
        true => Some(super::assessed(file, opened, args, policy, others, None)?),
        false => None,
    };
    if coerced {
        opened.source.rewind().map_err(failed)?;
    }
    look_first(file, opened, args, policy, (&approved, &mut edits))?;
    let target = unfinished(&path)?;
    let mut output = Output::new(target, edits.schema()).map_err(refusal)?;
    let mut sink = |batch: RecordBatch| {
        let batch = edits.apply(&batch)?;
        output
            .write(&batch)
            .map_err(|refusal| AssessError::Output(refusal.to_string()))
    };
    let (inspection, automatic, mut made) = match report {
        None => {
            let inspection = super::assessed(file, opened, args, policy, others, Some(&mut sink))?;
            let automatic = inspection.report.cleaning.clone();
            (inspection, automatic, Vec::new())
        }
        Some(inspection) => {
            let mut source = coerce(file, opened, &approved, policy)?;
            let cleaned = rest(file, &mut source, args, policy, &mut sink).map_err(failed)?;
            (inspection, cleaned.report.cleaning, source.made())
        }
    };
    made.extend(edits.made());
    lossless(file, opened)?;
    let written = output.finish().map_err(refusal)?;
    let target = written
        .inner
        .persist(&path)
        .map_err(|error| Stop::file(&path)(error.error))?;
    drop(target);
    opened.source.rewind().map_err(failed)?;
    let whole = made
        .iter()
        .any(|made| made.column.is_none() && made.count > 0);
    let changed = changed(&inspection.report, &automatic, &made, opened.format);
    let keep = |name: &str| whole || changed.contains(name);
    let (steps, sha256) = (steps(automatic, made), written.sha256.to_string());
    write_log(file, &path, opened, &keep, steps, sha256)?;
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

/// Reads the table once where rows go or cells are filled with what others say.
fn look_first(
    file: &Path,
    opened: &mut Opened,
    args: &Assess,
    policy: &Policy,
    (approved, edits): (&[Approved], &mut Edits),
) -> Outcome {
    let rows = approved.contains(&Approved::ExactDuplicates);
    if !rows && !edits.looks_first() {
        return Ok(());
    }
    let failed = |error: AssessError| open::stop(file, &error);
    let mut source = coerce(file, opened, approved, policy)?;
    let memory = (args.reading.memory as usize) << 20;
    let mut look = |batch: RecordBatch| edits.look(&batch, memory);
    let found = read((file, &mut source), args, policy, rows, &mut look).map_err(failed)?;
    edits.decide().map_err(failed)?;
    if rows {
        let near = match approved.contains(&Approved::NearDuplicates) {
            true => found.near,
            false => Vec::new(),
        };
        edits.keep(kept_rows(&found.rows.fingerprints, &near), near);
    }
    opened.source.rewind().map_err(failed)
}

fn coerce<'a>(
    file: &Path,
    opened: &'a mut Opened,
    approved: &[Approved],
    policy: &Policy,
) -> Outcome<Coerced<'a>> {
    Coerced::new(opened.source.as_mut(), approved, policy).map_err(|error| open::stop(file, &error))
}

/// Writes the table that was read in approved forms; its report is known already.
fn rest(
    file: &Path,
    source: &mut dyn Source,
    args: &Assess,
    policy: &Policy,
    sink: quality::Sink<'_>,
) -> Result<Inspection, AssessError> {
    // Near duplicates, records and what stands between columns change no cell.
    let policy = Policy {
        near: None,
        records: None,
        label: None,
        held_out: None,
        clean: None,
        consistency: quality::Consistency::default(),
        ..policy.clone()
    };
    read((file, source), args, &policy, false, sink)
}

/// Reads a table for its cells, with a bar on standard error.
fn read(
    (file, source): (&Path, &mut dyn Source),
    args: &Assess,
    policy: &Policy,
    marks: bool,
    sink: quality::Sink<'_>,
) -> Result<Inspection, AssessError> {
    let bar = super::bar(file, args.quiet);
    let folder = super::tmp_dir(&args.reading);
    let mut spill = || tempfile::tempfile_in(&folder);
    // Lives as long as what is spilled, and no longer.
    let sink = &mut *sink as quality::Sink<'_>;
    let options = Options {
        marks,
        memory: (args.reading.memory as usize) << 20,
        spill: Some(&mut spill),
        ..Options::at(args.reading.as_of.unwrap_or_default())
    };
    let mut told = |stage| super::tell(&bar, stage);
    let found = quality::assess_source(source, policy, options, Some(sink), &mut told);
    bar.finish_and_clear();
    found
}

/// Every change, by rule and column.
fn steps(automatic: Vec<CleaningLine>, made: Vec<Made>) -> Vec<Step> {
    let automatic = automatic.into_iter().map(|line| Step {
        class: Class::Automatic,
        rule: line.rule,
        column: Some(line.column),
        count: line.count,
        rows: line.rows,
        how: None,
    });
    let made = made.into_iter().filter(|made| made.count > 0);
    let approved = made.map(|made| Step {
        class: Class::Approved,
        rule: made.rule.to_owned(),
        column: made.column,
        count: made.count,
        rows: made.rows,
        how: made.how,
    });
    automatic.chain(approved).collect()
}

/// Columns whose cells are not what they were.
fn changed(
    report: &Report,
    automatic: &[CleaningLine],
    made: &[Made],
    format: Format,
) -> HashSet<String> {
    let cleaned = automatic.iter().map(|line| line.column.clone());
    // Reading the text of a CSV file in a type it was found to have loses nothing.
    let retyped = report.profile.iter().filter(|column| {
        format != Format::Csv && column.found.as_deref() != Some(column.kind.as_str())
    });
    let made = made.iter().filter_map(|made| made.column.clone());
    cleaned
        .chain(retyped.map(|column| column.name.clone()))
        .chain(made)
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
