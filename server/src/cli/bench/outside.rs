//! The others: each does its work in a Python process of its own, so that its peak memory is
//! its own; and so do we. What is not installed is said and left out, never guessed.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::assess::measured;
use crate::cli::args::BenchArgs;
use crate::cli::stop::{Exit, Outcome, Stop};

pub const NEAR: &str = include_str!("anchors/near.py");
pub const RECORDS: &str = include_str!("anchors/records.py");
pub const SHAPLEY: &str = include_str!("anchors/shapley.py");
pub const DISTINCT: &str = include_str!("anchors/distinct.py");

/// What somebody found, and what it took.
pub struct Ran<T> {
    /// Of the work alone: no imports, no reading of the file.
    pub seconds: f64,
    /// Of the whole process, in bytes.
    pub peak: u64,
    pub found: T,
}

/// Runs one tool of a script on a file; the words of an `Err` say why it is left out.
pub fn tool<T: DeserializeOwned>(
    args: &BenchArgs,
    (script, tool): (&str, &str),
    file: &Path,
    more: &[String],
    place: &Path,
) -> Result<Ran<T>, String> {
    let out = place.join(format!("{tool}.json"));
    let mut command = Command::new(&args.python);
    command
        .args(["-c", script, tool])
        .arg(file)
        .arg(&out)
        .args(more);
    let ran = measured(&mut command);
    let told: Value = std::fs::read(&out)
        .ok()
        .and_then(|json| serde_json::from_slice(&json).ok())
        .unwrap_or_default();
    if let Some(module) = told["missing"].as_str() {
        return Err(format!(
            "{tool}: left out, {} has no `{module}`",
            args.python.display()
        ));
    }
    if let Some(why) = told["failed"].as_str() {
        return Err(format!("{tool}: left out, it failed: {why}"));
    }
    let ran = ran.map_err(|_| format!("{tool}: left out, {} failed", args.python.display()))?;
    read(told, ran.peak).map_err(|why| format!("{tool}: left out, {why}"))
}

/// Runs one of our own measurements in a process of its own.
pub fn ours<T: DeserializeOwned>(
    args: &BenchArgs,
    what: &str,
    file: Option<&Path>,
    place: &Path,
) -> Outcome<Ran<T>> {
    let out = place.join("granary.json");
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["bench", what, "--alone"]).arg(&out);
    if let Some(file) = file {
        command.args([OsStr::new("--file"), file.as_os_str()]);
    }
    command.args(["--scale", &args.scale.to_string()]);
    let peak = measured(&mut command)?.peak;
    let json = std::fs::read(&out).map_err(Stop::file(&out))?;
    let told = serde_json::from_slice(&json).map_err(wrong)?;
    read(told, peak).map_err(wrong)
}

/// What [`ours`] reads in the process that started this one.
pub fn alone(out: &Path, seconds: f64, found: &impl Serialize) -> Outcome {
    let json = serde_json::json!({ "seconds": seconds, "found": found });
    std::fs::write(out, json.to_string()).map_err(Stop::file(out))
}

fn read<T: DeserializeOwned>(mut told: Value, peak: u64) -> Result<Ran<T>, String> {
    let seconds = told["seconds"].as_f64().ok_or("it said nothing")?;
    let found = serde_json::from_value(told["found"].take()).map_err(|error| error.to_string())?;
    Ok(Ran {
        seconds,
        peak,
        found,
    })
}

pub fn wrong(error: impl std::fmt::Display) -> Stop {
    Stop::new(Exit::Machine, error.to_string())
}

/// Words under a table, one to a line.
pub fn lines(words: &[String]) -> String {
    words.iter().map(|words| format!("{words}\n")).collect()
}
