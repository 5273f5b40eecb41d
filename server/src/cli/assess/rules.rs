//! Rules: read, completed by arguments, or inferred.

use std::fmt::Write;
use std::path::Path;

use quality::consistency::Values;
use quality::verdict::Checks;
use quality::{Mismatch, Policy, Report};

use super::against::Others;
use super::open::{self, Opened};
use crate::cli::args::{Assess, Format, ReadingArgs};
use crate::cli::print_text;
use crate::cli::stop::{Exit, Outcome, Stop};

/// The rules of the command line.
pub fn read(args: &Assess) -> Outcome<Policy> {
    let mut policy = match &args.rules {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(Stop::file(path))?;
            let policy = match path.extension().is_some_and(|ending| ending == "json") {
                true => Policy::from_json(text.as_bytes()),
                false => Policy::from_toml(&text),
            };
            policy
                .map_err(|error| Stop::new(Exit::Usage, format!("{}: {error}", path.display())))?
        }
        None => Policy::default(),
    };
    if !args.reading.key.is_empty() {
        policy.key.clone_from(&args.reading.key);
    }
    let rules = args.rules.as_deref();
    references(&mut policy, rules.unwrap_or(Path::new("")), &args.reading)?;
    Ok(policy)
}

/// Part of the memory for the values of files that rules refer to.
const REFERENCES: usize = 4;

/// Reads the values of files that rules refer to; they lie beside `rules`.
pub fn references(policy: &mut Policy, rules: &Path, reading: &ReadingArgs) -> Outcome {
    let kinds: Vec<_> = policy
        .columns
        .iter()
        .map(|c| (c.name.clone(), c.kind))
        .collect();
    let null_tokens = policy.null_tokens.clone();
    let references = &mut policy.consistency.reference;
    let files = references
        .iter()
        .filter(|reference| reference.file.is_some())
        .count();
    let memory = ((reading.memory as usize) << 20) / REFERENCES / files.max(1);
    for reference in references {
        let Some(file) = &reference.file else {
            continue;
        };
        let path = rules.with_file_name(file);
        let fault = |exit: Exit, why: &str| {
            let column = &reference.column;
            let words = format!(
                "the values of {column:?} stand in {}: {why}",
                path.display()
            );
            Stop::new(exit, words)
        };
        let digest = super::digest(&path).map_err(|e| fault(Exit::Machine, &e.to_string()))?;
        let sha256 = digest.0.to_string();
        if reference
            .sha256
            .as_ref()
            .is_some_and(|expected| *expected != sha256)
        {
            return Err(fault(
                Exit::Wrong,
                "it is another file than the rules mean (its SHA-256 differs)",
            ));
        }
        let kind = kinds.iter().find(|(name, _)| *name == reference.column);
        let kind = kind.map(|(_, kind)| *kind);
        let reading = ReadingArgs {
            format: None,
            delimiter: None,
            ..reading.clone()
        };
        let mut opened = open::open(&path, &reading, kind.is_none())
            .map_err(|stop| fault(stop.exit, &stop.words))?;
        let named = reference.named.as_ref().unwrap_or(&reference.column);
        let source = opened.source.as_mut();
        let known = Values::read(source, named, kind, null_tokens.as_deref(), memory);
        let known = known.map_err(|error| {
            let stop = open::stop(&path, &error);
            fault(stop.exit, &error.to_string())
        })?;
        (reference.known, reference.sha256) = (Some(known), Some(sha256));
    }
    Ok(())
}

/// Says of all columns at once where a file and its rules differ, so far that nothing can be
/// measured.
pub fn fits(file: &Path, opened: &Opened, policy: &Policy) -> Outcome {
    let found = quality::mismatches(opened.source.as_ref(), policy);
    let name = |mismatch: &Mismatch| match mismatch {
        Mismatch::Missing(name) => (Some(name.clone()), None),
        Mismatch::Undeclared(name) => (None, Some(name.clone())),
    };
    let (missing, more): (Vec<_>, Vec<_>) = found.iter().map(name).unzip();
    let list = |names: Vec<Option<String>>| -> Vec<String> {
        names
            .into_iter()
            .flatten()
            .map(|name| format!("{name:?}"))
            .collect()
    };
    let (missing, more) = (list(missing), list(more));
    let mut parts = Vec::new();
    if !missing.is_empty() {
        parts.push(format!(
            "the file lacks {} (add them, or declare them optional)",
            missing.join(", ")
        ));
    }
    if !more.is_empty() {
        parts.push(format!(
            "the rules do not declare {} (declare them, or drop them)",
            more.join(", ")
        ));
    }
    match parts.is_empty() {
        true => Ok(()),
        false => Err(Stop::new(
            Exit::Wrong,
            format!("failed: {}: columns: {}", file.display(), parts.join("; ")),
        )),
    }
}

/// When a file passes: by arguments, else by the rule file, else by its rules alone.
pub fn checks(args: &Assess, policy: &Policy, format: Format) -> Outcome<Checks> {
    let mut checks = policy.checks.clone().unwrap_or_default();
    if let Some(least) = args.verdict.min_score {
        checks.min_score = Some(least);
    }
    if let Some(list) = &args.verdict.fail_on {
        let named = list.iter().filter(|word| word.trim() != "none");
        let read = named.map(|word| super::check(word));
        checks.fail_on = Some(read.collect::<Outcome<_>>()?);
    }
    if checks.fail_on.is_none() && (policy.is_declared() || !policy.key.is_empty()) {
        checks.fail_on = Some(Checks::of_rules());
    }
    if format == Format::Csv {
        // It has no types that could be others than declared.
        checks = checks.without_columns();
    }
    Ok(checks)
}

/// Prints rules that the first file keeps.
pub fn infer(args: &Assess) -> Outcome {
    let Some(file) = args.files.first() else {
        return Ok(());
    };
    let policy = read(args)?;
    let mut opened = open::open(file, &args.reading, true)?;
    let inspection = super::assessed(file, &mut opened, args, &policy, &Others::default(), None)?;
    print_text(&toml(&inspection.report, &inspection.preview, &policy))
}

/// A starting file: what is true of the data now, and what only people can say as comments.
fn toml(report: &Report, preview: &quality::Preview, policy: &Policy) -> String {
    let mut out = String::new();
    // Writing to a String does not fail.
    let _ = write_toml(&mut out, report, preview, policy);
    out
}

fn write_toml(
    out: &mut String,
    report: &Report,
    preview: &quality::Preview,
    policy: &Policy,
) -> std::fmt::Result {
    writeln!(
        out,
        "# Inferred from {} rows. Correct it: these rules say what is, not what should be.\n\
         # Its JSON Schema: granary assess --schema rules",
        report.rows
    )?;
    writeln!(
        out,
        "\n# license = \"CC-BY-4.0\"\n# source = \"where the data come from\"\n# method = \"how they were collected\"\n# period_days = 30"
    )?;
    let key = match policy.key.is_empty() {
        true => unique(report).map(|name| vec![name]).unwrap_or_default(),
        false => policy.key.clone(),
    };
    writeln!(out, "key = {}", texts(&key))?;
    writeln!(
        out,
        "\n[checks]\n# min_score = 90\nfail_on = [\"invalid\", \"missing\", \"keys\"]"
    )?;
    for (column, values) in report.profile.iter().zip(&preview.columns) {
        writeln!(
            out,
            "\n[[columns]]\nname = {}\ntype = \"{}\"",
            text(&column.name),
            column.kind
        )?;
        if column.missing > 0 {
            writeln!(
                out,
                "optional = true  # {} of {} missing",
                column.missing, report.rows
            )?;
        }
        for (word, bound) in [("min", &values.min), ("max", &values.max)] {
            // A time is shown in seconds, which is not what it is; infinity is no value of TOML.
            let exact = column.kind != "time" && column.kind != "bool";
            if let Some(bound) = bound.as_ref().filter(|bound| exact && !bound.is_null()) {
                writeln!(out, "{word} = {}", value(bound))?;
            }
        }
        if let Some(domain) = domain(column, values) {
            writeln!(out, "domain = {}", texts(&domain))?;
        }
        let unit = if is_number(&column.kind) {
            "\n# unit = \"\""
        } else {
            ""
        };
        writeln!(out, "# description = \"\"\n# semantic = \"\"{unit}")?;
    }
    Ok(())
}

fn is_number(kind: &str) -> bool {
    ["int64", "uint64", "float64"].contains(&kind) || kind.starts_with("decimal")
}

/// The first column without gaps and repeats.
fn unique(report: &Report) -> Option<String> {
    let mut candidates = report.profile.iter().filter(|column| {
        column.missing == 0 && column.distinct_exact && column.distinct == report.rows
    });
    candidates
        .find(|column| !column.kind.starts_with("float"))
        .map(|column| column.name.clone())
}

/// Few values that occur often are probably all there are.
fn domain(
    column: &quality::report::ColumnProfile,
    values: &quality::ColumnPreview,
) -> Option<Vec<String>> {
    const MOST: u64 = 10;
    const OFTEN: u64 = 5;
    /// Longer ones are shown cut.
    const LONGEST: usize = 79;
    let closed = column.kind == "string"
        && column.distinct_exact
        && column.distinct > 0
        && column.distinct <= MOST
        && values.top.len() as u64 == column.distinct
        && values.top.iter().all(|value| value.count >= OFTEN)
        && values
            .top
            .iter()
            .all(|value| value.value.chars().count() <= LONGEST);
    closed.then(|| {
        let mut domain: Vec<String> = values.top.iter().map(|value| value.value.clone()).collect();
        domain.sort();
        domain
    })
}

fn value(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(value) => text(value),
        other => other.to_string(),
    }
}

/// A basic string of TOML; JSON's escapes are a subset of its own.
fn text(text: &str) -> String {
    serde_json::Value::from(text)
        .to_string()
        .replace('\u{7f}', "\\u007f")
}

fn texts(list: &[String]) -> String {
    let list: Vec<String> = list.iter().map(|item| text(item)).collect();
    format!("[{}]", list.join(", "))
}
