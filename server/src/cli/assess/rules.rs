//! Rules: read, completed by arguments, or inferred.

use std::fmt::Write;

use quality::verdict::Checks;
use quality::{Policy, Report};

use super::against::Others;
use super::open;
use crate::cli::args::Assess;
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
    Ok(policy)
}

/// When a file passes: by arguments, else by the rule file, else by its rules alone.
pub fn checks(args: &Assess, policy: &Policy) -> Outcome<Checks> {
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
