//! From a provider's sealed file to a verdict. The order of work is the order of trust:
//! every step sees only what the one before it let pass.

use std::fs::File;
use std::io::{Read, Seek};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use dataset_core::columns::{self, Contract};
use dataset_core::digest::Hasher;
use dataset_core::error::Coded;
use dataset_core::pack::{Batches, Output};
use dataset_core::preflight::{Limits, preflight};
use dataset_core::seal::{Plaintext, Recipient, SealError};
use quality::contain::SketchSize;
use quality::{AssessError, Inspection, Options, Policy, Preview, Report, RowMarks, Source, Stage};
use serde_json::Value;

use super::super::child::Voice;
use super::super::fd;
use super::super::wire::{AssessTask, AssessedFinding, Finding, Frame, MARK_LEN};
use super::{Stop, earlier, finish, open_strange, recipient, seal_whole, sealed_output};

/// Marks per frame.
const MARKS_AT_ONCE: usize = 8_192;
/// Bytes read at a time.
const PIECE: usize = 256 * 1024;

pub(in super::super) fn run(task: AssessTask, voice: &mut Voice) -> Finding {
    assess(&task, voice).map_or_else(Finding::from, Finding::Assessed)
}

fn assess(task: &AssessTask, voice: &mut Voice) -> Result<AssessedFinding, Stop> {
    voice.stage("opening the seal");
    let mut plaintext = open_strange(fd::INPUTS, &task.key)?;
    compare_digest(&mut plaintext, &task.claimed_sha256)?;
    let mut rows = decoded(plaintext, task.max_decoded_bytes, voice)?;
    let contract = contract(task.contract.as_ref(), &rows.0.plain_schema())?;
    let policy = Policy::from_json(&contract).map_err(|error| refused(&error))?;
    let recipient = recipient(&task.recipient)?;
    let inspection = clean(task, &mut rows, &policy, &recipient, voice)?;
    voice.stage("sealing");
    send_marks(&inspection.rows, voice)?;
    seal_whole(fd::PREVIEW, &recipient, &preview_json(&inspection.preview)?)?;
    Ok(AssessedFinding {
        rows: inspection.report.rows,
        grade: inspection.report.q_hundredths,
        report: report_json(&inspection.report)?,
        contract: serde_json::from_slice(&contract)
            .map_err(|error| Stop::broken(error.to_string()))?,
        sketches: inspection.sketches,
    })
}

/// Assesses the rows and seals the cleaned ones as they come: neither the file nor its cleaned
/// form is ever whole in memory.
fn clean(
    task: &AssessTask,
    rows: &mut Rows,
    policy: &Policy,
    recipient: &Recipient,
    voice: &mut Voice,
) -> Result<Inspection, Stop> {
    let schema = quality::cleaned_schema(rows, policy).map_err(|error| refused(&error))?;
    let sealed = sealed_output(fd::OUTPUT, recipient)?;
    let mut output = Output::new(sealed, schema).map_err(|refusal| Stop::output(&refusal))?;
    let mut failure = None;
    let mut sink = |batch: RecordBatch| {
        output.write(&batch).map_err(|refusal| {
            let said = AssessError::Output(refusal.to_string());
            failure = Some(Stop::output(&refusal));
            said
        })
    };
    let earlier = earlier::read(task.earlier.as_ref(), fd::INPUTS + 1)?;
    let options = Options {
        sketches: Some(SketchSize::Kept),
        drift: Some(&earlier),
        ..Options::at(task.as_of)
    };
    let inspection = quality::assess_source(rows, policy, options, Some(&mut sink), &mut |stage| {
        tell(voice, stage);
    });
    let inspection = match (inspection, failure) {
        (_, Some(failure)) => return Err(failure),
        (Err(error), None) => return Err(refused(&error)),
        (Ok(inspection), None) => inspection,
    };
    let written = output.finish().map_err(|refusal| Stop::output(&refusal))?;
    finish(written.inner)?;
    Ok(inspection)
}

/// Reads the whole plaintext once: every chunk of the seal is verified before any of it is
/// looked at.
fn compare_digest(plaintext: &mut Plaintext<File>, claimed: &str) -> Result<(), Stop> {
    let mut hasher = Hasher::new();
    let mut piece = vec![0; PIECE];
    loop {
        match plaintext.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => hasher.update(&piece[..count]),
            Err(error) => {
                return Err(match SealError::find(&error) {
                    Some(seal) => Stop::refused(seal),
                    None => Stop::broken(format!("input: {error}")),
                });
            }
        }
    }
    plaintext
        .rewind()
        .map_err(|error| Stop::broken(error.to_string()))?;
    let found = hasher.finish().to_string();
    if found.eq_ignore_ascii_case(claimed) {
        return Ok(());
    }
    Err(Stop::Refused {
        code: "digest_mismatch".to_owned(),
        message: format!(
            "The opened file has the SHA-256 {found}, but {claimed} was announced. \
             Announce the file that is sealed, then upload it."
        ),
        report: None,
    })
}

/// Pre-flight, then bounded decoding.
fn decoded(
    mut plaintext: Plaintext<File>,
    max_decoded_bytes: u64,
    voice: &mut Voice,
) -> Result<Rows, Stop> {
    let limits = Limits {
        decoded_len: max_decoded_bytes,
        ..Limits::default()
    };
    voice.stage("checking the structure");
    let claims = preflight(&mut plaintext, &limits).map_err(|refusal| Stop::refused(&refusal))?;
    if claims.rows == 0 {
        return Err(Stop::Refused {
            code: "no_rows".to_owned(),
            message: "The file has no rows.".to_owned(),
            report: None,
        });
    }
    let batches = Batches::open(plaintext, &claims, &limits);
    batches.map(Rows).map_err(|refusal| Stop::refused(&refusal))
}

/// The rows of a file that this node wrote.
pub(super) fn own_rows(mut file: Plaintext<File>, max_decoded_bytes: u64) -> Result<Rows, Stop> {
    let limits = Limits {
        decoded_len: max_decoded_bytes,
        ratio: u64::MAX,
        ..Limits::default()
    };
    let claims = preflight(&mut file, &limits).map_err(|refusal| Stop::refused(&refusal))?;
    let batches = Batches::open(file, &claims, &limits);
    batches.map(Rows).map_err(|refusal| Stop::refused(&refusal))
}

/// The rows of a provider's file.
pub(super) struct Rows(Batches<Plaintext<File>>);

impl Source for Rows {
    fn schema(&self) -> SchemaRef {
        self.0.schema()
    }

    fn rows(&self) -> Option<u64> {
        Some(self.0.rows())
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, AssessError> {
        self.0.next_batch().map_err(|refusal| AssessError::Refused {
            code: refusal.code(),
            message: refusal.to_string(),
        })
    }

    fn rewind(&mut self) -> Result<(), AssessError> {
        self.0.rewind();
        Ok(())
    }
}

/// The dataset's contract, or the one this first file suggests; as canonical JSON.
fn contract(given: Option<&Value>, schema: &SchemaRef) -> Result<Vec<u8>, Stop> {
    let contract = match given {
        Some(given) => Contract::from_json(given.to_string().as_bytes())
            .map_err(|error| Stop::broken(error.to_string()))?,
        None => columns::infer(schema).map_err(|refusal| Stop::refused(&refusal))?,
    };
    contract.to_json().map_err(|error| Stop::refused(&error))
}

fn tell(voice: &mut Voice, stage: Stage) {
    match stage {
        Stage::Rows { done, total: 0 } => voice.stage(&format!("checking rows: {done}")),
        Stage::Rows { done, total } => voice.stage(&format!("checking rows: {done} of {total}")),
        Stage::Duplicates => voice.stage("counting duplicates"),
        Stage::Score => voice.stage("adding up the score"),
    }
}

fn send_marks(rows: &RowMarks, voice: &mut Voice) -> Result<(), Stop> {
    let prints = rows.fingerprints.chunks(MARKS_AT_ONCE);
    for (prints, qualities) in prints.zip(rows.qualities.chunks(MARKS_AT_ONCE)) {
        let mut records = Vec::with_capacity(prints.len() * MARK_LEN);
        for (print, quality) in prints.iter().zip(qualities) {
            records.extend(print.to_le_bytes());
            records.extend(quality.to_le_bytes());
        }
        voice
            .say(&Frame::Marks(records))
            .map_err(|error| Stop::broken(error.to_string()))?;
    }
    Ok(())
}

/// A graded file that stays as it is.
pub(super) struct Graded {
    pub grade: u32,
    pub report: Value,
    pub preview: Vec<u8>,
}

/// Grades a file of our own writer. What it is compared with later stands in the preview; the
/// report compares with nothing, so whoever has the file can measure it again.
pub(super) fn grade(file: &Bytes, contract: &[u8], as_of: DateTime<Utc>) -> Result<Graded, Stop> {
    let policy = Policy::from_json(contract).map_err(|error| refused(&error))?;
    let inspection =
        quality::summarise(file, &policy, as_of, &mut |_| {}).map_err(|error| refused(&error))?;
    Ok(Graded {
        grade: inspection.report.q_hundredths,
        report: report_json(&inspection.report)?,
        preview: preview_json(&inspection.preview)?,
    })
}

fn report_json(report: &Report) -> Result<Value, Stop> {
    serde_json::to_value(report).map_err(|error| Stop::broken(error.to_string()))
}

fn preview_json(preview: &Preview) -> Result<Vec<u8>, Stop> {
    serde_json::to_vec(preview).map_err(|error| Stop::broken(error.to_string()))
}

/// Whatever stops an assessment stops it again: it is about the file or its contract.
pub(super) fn refused(error: &AssessError) -> Stop {
    Stop::Refused {
        code: error.code().to_owned(),
        message: error.to_string(),
        report: None,
    }
}
