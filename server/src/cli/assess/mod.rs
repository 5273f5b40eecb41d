//! `granary assess`: the grade of files on this machine. No node, no network, no database.

mod against;
mod clean;
pub(super) mod open;
mod outputs;
mod rules;
mod signed;
mod undo;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use dataset_core::digest::Sha256;
use indicatif::ProgressBar;
use quality::contain::SketchSize;
use quality::report::Input;
use quality::verdict::Check;
use quality::{Inspection, Options, Policy, Stage};

use self::against::Others;
use self::open::Opened;
use super::args::{Assess, Format, ReadingArgs, SchemaOf};
use super::bars;
use super::stop::{Exit, Outcome, Stop};
use super::{print_json, print_text};
use crate::clock::Clock;

pub fn run(args: &Assess) -> Outcome {
    if let Some(schema) = args.schema {
        return print_text(match schema {
            SchemaOf::Report => quality::schemas::REPORT,
            SchemaOf::Rules => quality::schemas::RULES,
        });
    }
    if let Some(log) = &args.cleaning.undo {
        return undo::run(log, &args.files);
    }
    if let Some(report) = &args.verify {
        return signed::verify(report, args);
    }
    if args.infer_rules {
        return rules::infer(args);
    }
    outputs::check(args)?;
    let policy = rules::read(args)?;
    rules::checks(args, &policy, Format::Parquet)?;
    let others = Others::read(args, &policy)?;
    let mut failures = Vec::new();
    for file in &args.files {
        failures.extend(one(file, args, &policy, &others)?);
    }
    match failures.len() {
        0 => Ok(()),
        _ => Err(Stop::new(
            Exit::Wrong,
            format!("failed: {}", failures.join("; ")),
        )),
    }
}

/// Assesses one file and writes what was asked for; answers why it fails.
fn one(file: &Path, args: &Assess, policy: &Policy, others: &Others) -> Outcome<Vec<String>> {
    let mut opened = open::open(file, &args.reading, !policy.is_declared())?;
    rules::fits(file, &opened, policy)?;
    let named = !args.report.is_empty() || args.json;
    let digest = named.then(|| Digest::begin(file));
    let mut inspection = match &args.cleaning.clean {
        Some(_) => clean::run(file, &mut opened, args, policy, others)?,
        None => assessed(file, &mut opened, args, policy, others, None)?,
    };
    others.compare(&mut inspection);
    if let Some(digest) = digest {
        let input = digest.end(file, opened.format, &inspection)?;
        inspection.report.input = Some(input);
    }
    if args.json {
        print_json(&inspection.report)?;
    } else if !args.quiet {
        print_text(&outputs::summary(file, &inspection))?;
    }
    outputs::write(file, args, &inspection)?;
    let checks = rules::checks(args, policy, opened.format)?;
    let failures = checks.failures(&inspection.report);
    let name = file.display();
    Ok(failures
        .iter()
        .map(|why| format!("{name}: {why}"))
        .collect())
}

/// Reads a table once, with a bar on standard error.
fn assessed(
    file: &Path,
    opened: &mut Opened,
    args: &Assess,
    policy: &Policy,
    others: &Others,
    sink: Option<quality::Sink<'_>>,
) -> Outcome<Inspection> {
    assessed_at(file, opened, args, policy, others, sink, args.reading.as_of)
}

fn assessed_at(
    file: &Path,
    opened: &mut Opened,
    args: &Assess,
    policy: &Policy,
    others: &Others,
    sink: Option<quality::Sink<'_>>,
    as_of: Option<DateTime<Utc>>,
) -> Outcome<Inspection> {
    let bar = bar(file, args.quiet);
    let folder = tmp_dir(&args.reading);
    let mut spill = || tempfile::tempfile_in(&folder);
    // Lives as long as what is spilled, and no longer.
    let sink = sink.map(|sink| &mut *sink as quality::Sink<'_>);
    let options = Options {
        as_of: as_of.unwrap_or_else(|| Clock::System.now()),
        marks: false,
        sketches: (!args.against.is_empty()).then_some(SketchSize::Exact),
        drift: (!others.earlier.is_empty()).then_some(&others.earlier),
        memory: (args.reading.memory as usize) << 20,
        spill: Some(&mut spill),
    };
    let result = quality::assess_source(opened.source.as_mut(), policy, options, sink, &mut |s| {
        tell(&bar, s);
    });
    bar.finish_and_clear();
    result.map_err(|error| open::stop(file, &error))
}

fn tmp_dir(reading: &ReadingArgs) -> PathBuf {
    reading.tmp_dir.clone().unwrap_or_else(std::env::temp_dir)
}

fn bar(file: &Path, quiet: bool) -> ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    bars::rows(&name)
}

fn tell(bar: &ProgressBar, stage: Stage) {
    match stage {
        Stage::Rows { done, total } => {
            bar.set_length(total.max(done));
            bar.set_position(done);
        }
        Stage::Duplicates => bar.set_message("counting duplicates"),
        Stage::Score => bar.set_message("adding up the score"),
    }
}

/// The digest of a file, computed beside the assessment.
struct Digest(std::thread::JoinHandle<std::io::Result<(Sha256, u64)>>);

impl Digest {
    fn begin(file: &Path) -> Self {
        let file = file.to_owned();
        Self(std::thread::spawn(move || digest(&file)))
    }

    fn end(self, file: &Path, format: Format, inspection: &Inspection) -> Outcome<Input> {
        let ended = self.0.join();
        let ended = ended.unwrap_or_else(|_| Err(std::io::Error::other("the digest broke off")));
        let (sha256, bytes) = ended.map_err(Stop::file(file))?;
        Ok(Input {
            format: match format {
                Format::Parquet => "parquet",
                Format::Csv => "csv",
                Format::Arrow => "arrow",
            }
            .to_owned(),
            encoding: inspection.encoding.clone(),
            bytes,
            sha256: sha256.to_string(),
        })
    }
}

fn digest(file: &Path) -> std::io::Result<(Sha256, u64)> {
    use std::io::Read;
    let mut file = std::fs::File::open(file)?;
    let mut hasher = dataset_core::digest::Hasher::new();
    let mut piece = vec![0; 1 << 20];
    let mut bytes = 0;
    loop {
        match file.read(&mut piece)? {
            0 => return Ok((hasher.finish(), bytes)),
            count => {
                hasher.update(&piece[..count]);
                bytes += count as u64;
            }
        }
    }
}

/// A check as typed.
fn check(text: &str) -> Outcome<Check> {
    text.parse()
        .map_err(|error: String| Stop::new(Exit::Usage, error))
}
