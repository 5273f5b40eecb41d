//! Distinct values of columns that are known to have so many, against DuckDB's and polars'
//! estimates.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use serde_json::Value;

use super::assess::measured;
use super::outside::{self, Ran, lines, wrong};
use super::weights::mixed;
use crate::cli::args::BenchArgs;
use crate::cli::stop::{Exit, Outcome, Stop};
use crate::cli::table::{Table, bytes, grouped};

const ROWS: u64 = 2_000_000;
const BATCH: u64 = 100_000;

/// How many distinct values the columns have, each as integers, floats and texts.
const KNOWN: [u64; 6] = [3, 900, 5_000, 60_000, 500_000, ROWS];

/// How far an estimate may be off.
const GOAL: f64 = 0.02;

type Counts = BTreeMap<String, u64>;

pub fn run(args: &BenchArgs, place: &Path) -> Outcome {
    std::fs::create_dir_all(place)?;
    let file = place.join("distinct.parquet");
    let known = generate(&file)?;
    println!(
        "{} rows of {} columns, 3 to {} distinct values",
        grouped(ROWS as i64),
        known.len(),
        grouped(ROWS as i64)
    );
    let mut table = Table::new(&[
        "distinct values (goal: 2 % off on every column)",
        ">seconds",
        ">furthest off",
        ">peak memory",
    ]);
    let mut row = |name: &str, ran: &Ran<Counts>| {
        let off = off(&known, &ran.found);
        table.row([
            name.to_owned(),
            format!("{:.2}", ran.seconds),
            format!("{:.2} %", off * 100.0),
            bytes(ran.peak),
        ]);
        off
    };
    let ours = ours(&file)?;
    let furthest = row("granary assess, with all it does", &ours);
    let mut left_out = Vec::new();
    for tool in ["DuckDB", "polars"] {
        match outside::tool(args, (outside::DISTINCT, tool), &file, &[], place) {
            Ok(ran) => {
                row(tool, &ran);
            }
            Err(words) => left_out.push(words),
        }
    }
    println!("{table}{}", lines(&left_out));
    if furthest > GOAL {
        return Err(Stop::new(
            Exit::Wrong,
            "a count of distinct values is too far off",
        ));
    }
    Ok(())
}

/// The largest share by which a count is wrong; a column that is not there is wholly wrong.
fn off(known: &Counts, found: &Counts) -> f64 {
    let wrong = |(name, known): (&String, &u64)| {
        let found = found.get(name).copied().unwrap_or(0);
        found.abs_diff(*known) as f64 / *known as f64
    };
    known.iter().map(wrong).fold(0.0, f64::max)
}

fn ours(file: &Path) -> Outcome<Ran<Counts>> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("assess").arg(file).arg("--json");
    let ran = measured(&mut command)?;
    let report: Value = serde_json::from_str(&ran.said).map_err(wrong)?;
    let columns = report["profile"].as_array().map_or(&[][..], Vec::as_slice);
    let count = |column: &Value| {
        Some((
            column["name"].as_str()?.to_owned(),
            column["distinct"].as_u64()?,
        ))
    };
    Ok(Ran {
        seconds: ran.seconds,
        peak: ran.peak,
        found: columns.iter().filter_map(count).collect(),
    })
}

/// Writes the columns; answers how many distinct values each has.
fn generate(path: &Path) -> Outcome<Counts> {
    let mut known = Counts::new();
    let mut writer: Option<ArrowWriter<File>> = None;
    for first in (0..ROWS).step_by(BATCH as usize) {
        let mut columns: Vec<(String, ArrayRef)> = Vec::new();
        for count in KNOWN {
            // Every value comes up: rows count through them, and `mixed` maps one to one.
            let values: Vec<u64> = (first..first + BATCH).map(|row| row % count).collect();
            let made = [
                ("integer", integers(&values)),
                ("float", floats(&values)),
                ("text", texts(&values)),
            ];
            for (kind, column) in made {
                let name = format!("{kind}_{count}");
                known.insert(name.clone(), count);
                columns.push((name, column));
            }
        }
        let batch = RecordBatch::try_from_iter(columns).map_err(wrong)?;
        if writer.is_none() {
            let file = File::create(path).map_err(Stop::file(path))?;
            writer = Some(ArrowWriter::try_new(file, batch.schema(), None).map_err(wrong)?);
        }
        if let Some(writer) = &mut writer {
            writer.write(&batch).map_err(wrong)?;
        }
    }
    if let Some(writer) = writer {
        writer.close().map_err(wrong)?;
    }
    Ok(known)
}

fn integers(values: &[u64]) -> ArrayRef {
    let mixed = values.iter().map(|value| mixed(*value) as i64);
    Arc::new(mixed.collect::<Int64Array>())
}

fn floats(values: &[u64]) -> ArrayRef {
    let eighths = values.iter().map(|value| Some(*value as f64 / 8.0));
    Arc::new(eighths.collect::<Float64Array>())
}

fn texts(values: &[u64]) -> ArrayRef {
    let words = values
        .iter()
        .map(|value| Some(format!("{:x}", mixed(*value))));
    Arc::new(words.collect::<StringArray>())
}
