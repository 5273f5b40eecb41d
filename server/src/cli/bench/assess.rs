//! `granary assess` on a file with known faults, against DuckDB doing the same jobs and polars
//! profiling alone, each in a process of its own where its peak memory can be read.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{
    ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use dataset_core::pack::Output;

use crate::cli::args::BenchArgs;
use crate::cli::stop::{Exit, Outcome, Stop};
use crate::cli::table::{Table, bytes, grouped};

const ROWS: usize = 5_000_000;
const BATCH: usize = 64 * 1024;

const RULES: &str = r#"
license = "CC0-1.0"
[checks]
fail_on = []
[[columns]]
name = "id"
type = "int64"
min = 0
[[columns]]
name = "shop"
type = "int64"
optional = true
min = 1
max = 500
[[columns]]
name = "items"
type = "int64"
optional = true
min = 0
max = 99
[[columns]]
name = "price"
type = "float64"
optional = true
min = 0
[[columns]]
name = "weight"
type = "float64"
optional = true
min = 0
max = 1000
[[columns]]
name = "country"
type = "string"
optional = true
pattern = "^[A-Z]{2}$"
[[columns]]
name = "status"
type = "string"
optional = true
domain = ["new", "paid", "sent", "returned"]
[[columns]]
name = "customer"
type = "string"
optional = true
pattern = "^C[0-9]{6}$"
[[columns]]
name = "note"
type = "string"
optional = true
[[columns]]
name = "at"
type = "timestamp"
optional = true
min = "2020-01-01"
"#;

const DUCKDB: &str = r##"
import duckdb, sys, time
f = sys.argv[1]
c = duckdb.connect()
c.execute("SET threads=2"); c.execute("SET enable_progress_bar=false")
def timed(q):
    t = time.time(); c.execute(q).fetchall(); return time.time() - t
a = timed(f"SUMMARIZE SELECT * FROM '{f}'")
b = timed(f"""SELECT count(*) FILTER (id < 0), count(*) FILTER (shop NOT BETWEEN 1 AND 500),
 count(*) FILTER (items NOT BETWEEN 0 AND 99), count(*) FILTER (price < 0),
 count(*) FILTER (weight NOT BETWEEN 0 AND 1000), count(*) FILTER (NOT regexp_matches(country, '^[A-Z]{{2}}$')),
 count(*) FILTER (status NOT IN ('new','paid','sent','returned')),
 count(*) FILTER (NOT regexp_matches(customer, '^C[0-9]{{6}}$')),
 count(*) FILTER (note IN ('NA','N/A','NULL','')), count(*) FILTER ("at" < '2020-01-01') FROM '{f}'""")
d = timed(f"""SELECT count(*) - count(DISTINCT hash(id,shop,items,price,weight,country,status,customer,note,"at")) FROM '{f}'""")
print(f"SUMMARIZE {a:.2f} s, ten checks {b:.2f} s, duplicates {d:.2f} s")
"##;

pub fn run(args: &BenchArgs, place: &Path) -> Outcome {
    std::fs::create_dir_all(place)?;
    let rows = ROWS * args.scale as usize;
    let (file, rules) = (place.join("orders.parquet"), place.join("rules.toml"));
    let size = generate(&file, rows)?;
    std::fs::write(&rules, RULES)?;
    println!(
        "{} rows of 10 columns, {}",
        grouped(rows as i64),
        bytes(size)
    );
    let me = std::env::current_exe()?;
    let mut ours = Command::new(&me);
    ours.arg("assess")
        .arg(&file)
        .arg("--rules")
        .arg(&rules)
        .arg("--quiet");
    let ours = measured(&mut ours)?;
    let mut table = Table::new(&[
        "profile, 10 checks, duplicates, score",
        ">seconds",
        ">CPU seconds",
        ">peak memory",
        ">ours / it",
    ]);
    let mut row = |name: &str, seconds: f64, process: Option<&Measured>| {
        let none = || "–".to_owned();
        table.row([
            name.to_owned(),
            format!("{seconds:.2}"),
            process.map_or_else(none, |process| format!("{:.2}", process.cpu)),
            process.map_or_else(none, |process| bytes(process.peak)),
            format!("{:.2}", ours.seconds / seconds),
        ]);
    };
    row("granary assess", ours.seconds, Some(&ours));
    let mut duckdb = Command::new(&args.python);
    duckdb.args(["-c", DUCKDB]).arg(&file);
    let mut said = String::new();
    match measured(&mut duckdb) {
        Ok(theirs) => {
            row("DuckDB, the same three jobs", theirs.seconds, Some(&theirs));
            said = theirs.said;
        }
        Err(_) => said.push_str("DuckDB is not there: install `duckdb` for python3\n"),
    }
    let start = Instant::now();
    quality::anchor::profile(&file).map_err(|error| Stop::new(Exit::Machine, error.to_string()))?;
    row(
        "polars, lazy profile alone",
        start.elapsed().as_secs_f64(),
        None,
    );
    println!("{table}{said}");
    Ok(())
}

/// A process that ended well.
pub(super) struct Measured {
    pub(super) seconds: f64,
    /// Of all threads: what it costs, however busy the machine is with other things.
    cpu: f64,
    /// Bytes.
    pub(super) peak: u64,
    pub(super) said: String,
}

pub(super) fn measured(command: &mut Command) -> Outcome<Measured> {
    let start = Instant::now();
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut said = String::new();
    if let Some(mut out) = child.stdout.take() {
        out.read_to_string(&mut said)?;
    }
    let (mut status, mut usage) = (0, std::mem::MaybeUninit::<libc::rusage>::zeroed());
    let id = i32::try_from(child.id()).unwrap_or(-1);
    // SAFETY: both pointers are valid for the call; the child is ours and not waited for yet.
    let waited = unsafe { libc::wait4(id, &raw mut status, 0, usage.as_mut_ptr()) };
    let seconds = start.elapsed().as_secs_f64();
    if waited != id || status != 0 {
        return Err(Stop::new(Exit::Machine, "a measured program failed"));
    }
    // SAFETY: zeroed memory is a valid rusage, and wait4 filled it.
    let usage = unsafe { usage.assume_init() };
    let spent = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    Ok(Measured {
        seconds,
        cpu: spent(usage.ru_utime) + spent(usage.ru_stime),
        peak: u64::try_from(usage.ru_maxrss).unwrap_or(0) * 1024,
        said,
    })
}

/// Orders with 1 % exact duplicates, 5 % nulls and 2 % null tokens; the same on every run.
fn generate(path: &Path, rows: usize) -> Outcome<u64> {
    let failed = |error: &dyn std::fmt::Display| Stop::new(Exit::Machine, error.to_string());
    let file = File::create(path).map_err(Stop::file(path))?;
    let mut output = Output::new(file, schema().into()).map_err(|e| failed(&e))?;
    for first in (0..rows).step_by(BATCH) {
        let numbers: Vec<u64> = (first..rows.min(first + BATCH))
            .map(|row| origin(row as u64))
            .collect();
        let batch = RecordBatch::try_new(schema().into(), columns(&numbers));
        output
            .write(&batch.map_err(|e| failed(&e))?)
            .map_err(|e| failed(&e))?;
    }
    output
        .finish()
        .map(|written| written.len)
        .map_err(|e| failed(&e))
}

fn schema() -> Schema {
    let at = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let columns = [
        ("id", DataType::Int64),
        ("shop", DataType::Int32),
        ("items", DataType::Int32),
        ("price", DataType::Float64),
        ("weight", DataType::Float64),
        ("country", DataType::Utf8),
        ("status", DataType::Utf8),
        ("customer", DataType::Utf8),
        ("note", DataType::Utf8),
        ("at", at),
    ];
    Schema::new(
        columns
            .map(|(name, kind)| Field::new(name, kind, true))
            .to_vec(),
    )
}

/// Every hundredth row is a copy of one before it.
fn origin(row: u64) -> u64 {
    if row % 100 == 99 { row - 50 } else { row }
}

/// SplitMix64: a number that looks random, from its place alone.
fn hash(row: u64, column: u64) -> u64 {
    let mut z =
        row.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ column.wrapping_mul(0xd1b5_4a32_d192_ed03);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn columns(rows: &[u64]) -> Vec<ArrayRef> {
    const COUNTRIES: [&str; 12] = [
        "AT", "BE", "CH", "DE", "DK", "ES", "FR", "GB", "IT", "NL", "PL", "PT",
    ];
    const STATES: [&str; 4] = ["new", "paid", "sent", "returned"];
    const START: i64 = 1_577_836_800_000_000;
    // 5 % of the cells are null, but for the first column.
    let cell = |row: u64, column: u64| {
        (!hash(row, column + 100).is_multiple_of(20)).then(|| hash(row, column))
    };
    // 2 % of the texts stand for nothing.
    let text = |row: u64, column: u64, make: &dyn Fn(u64) -> String| {
        cell(row, column).map(|n| {
            if hash(row, column + 200).is_multiple_of(50) {
                "NA".to_owned()
            } else {
                make(n)
            }
        })
    };
    let texts = |column: u64, make: &dyn Fn(u64) -> String| -> ArrayRef {
        Arc::new(
            rows.iter()
                .map(|row| text(*row, column, make))
                .collect::<StringArray>(),
        )
    };
    let floats = |column: u64, make: &dyn Fn(u64) -> f64| -> ArrayRef {
        Arc::new(
            rows.iter()
                .map(|row| cell(*row, column).map(make))
                .collect::<Float64Array>(),
        )
    };
    let small = |column: u64, modulus: u64, least: i32| -> ArrayRef {
        let make = |row: &u64| cell(*row, column).map(|n| (n % modulus) as i32 + least);
        Arc::new(rows.iter().map(make).collect::<Int32Array>())
    };
    let at = rows
        .iter()
        .map(|row| cell(*row, 9).map(|n| START + (n % 157_680_000) as i64 * 1_000_000));
    vec![
        Arc::new(
            rows.iter()
                .map(|row| Some(*row as i64))
                .collect::<Int64Array>(),
        ),
        small(1, 500, 1),
        small(2, 100, 0),
        floats(3, &|n| (n % 100_000) as f64 / 100.0),
        floats(4, &|n| n as f64 / u64::MAX as f64 * 1000.0),
        texts(5, &|n| COUNTRIES[n as usize % 12].to_owned()),
        texts(6, &|n| STATES[n as usize % 4].to_owned()),
        texts(7, &|n| format!("C{:06}", n % 200_000)),
        texts(8, &|n| {
            format!("order note {} of batch {}", n % 1_000_000, n % 97)
        }),
        Arc::new(
            at.collect::<TimestampMicrosecondArray>()
                .with_timezone("UTC"),
        ),
    ]
}
