//! Measurements, each against a plain tool on the same machine in the same run: only the
//! ratios mean anything from one machine to another. Use a release build.

mod assess;
mod distinct;
mod files;
mod ledger;
mod near;
mod outside;
mod records;
mod shapley;
mod weights;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use schema::db::Pool;

use super::args::{Bench, BenchArgs, BenchWhat};
use super::stop::{Exit, Outcome, Stop};
use crate::journal::bench as money;

const PAYMENTS: usize = 20_000;
const CONTRIBUTORS: usize = 100_000;
const LEAVES: usize = 1_000_000;

pub fn run(args: &Bench) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let place = tempfile::tempdir()?;
    if cfg!(debug_assertions) {
        eprintln!("granary: this is a debug build; its figures say little");
    }
    runtime.block_on(async {
        match &args.what {
            BenchWhat::All(args) => {
                quality(args, place.path())?;
                files::ingest(args, &place.path().join("ingest")).await?;
                files::download(args, &place.path().join("download")).await?;
                payments(args, place.path()).await?;
                ledger::run(args, place.path()).await
            }
            BenchWhat::Quality(args) => quality(args, place.path()),
            BenchWhat::Assess(args) => assess::run(args, place.path()),
            BenchWhat::Distinct(args) => distinct::run(args, place.path()),
            BenchWhat::Near(args) => near::run(args, place.path()),
            BenchWhat::Records(args) => records::run(args, place.path()),
            BenchWhat::Ingest(args) => files::ingest(args, place.path()).await,
            BenchWhat::Download(args) => files::download(args, place.path()).await,
            BenchWhat::Ledger(args) => ledger::run(args, place.path()).await,
            BenchWhat::Payments(args) => payments(args, place.path()).await,
            BenchWhat::Settlement(args) => settlement(args, place.path()).await,
            BenchWhat::Weights(args) => weights::weights(args),
            BenchWhat::Shapley(args) => shapley::run(args, place.path()),
        }
    })
}

/// Every line of the figures of quality.
fn quality(args: &BenchArgs, place: &Path) -> Outcome {
    // The file of the command line is a table for the ingest.
    let args = &BenchArgs {
        file: None,
        ..args.clone()
    };
    assess::run(args, &place.join("assess"))?;
    distinct::run(args, &place.join("distinct"))?;
    near::run(args, &place.join("near"))?;
    records::run(args, &place.join("records"))?;
    shapley::run(args, &place.join("shapley"))?;
    weights::weights(args)?;
    start_up()
}

/// How long a command takes that does nothing: the middle of many.
fn start_up() -> Outcome {
    let me = std::env::current_exe()?;
    let mut taken = Vec::new();
    for _ in 0..21 {
        let start = Instant::now();
        let status = Command::new(&me)
            .arg("--version")
            .stdout(Stdio::null())
            .status()?;
        if status.success() {
            taken.push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    taken.sort_unstable_by(f64::total_cmp);
    let middle = taken.get(taken.len() / 2).copied().unwrap_or(f64::NAN);
    println!("start-up of a command: {middle:.1} ms (goal 50 ms)\n");
    Ok(())
}

impl BenchArgs {
    /// The file that was named, or those of the named folder whose names start so.
    fn inputs(&self, prefix: &str) -> Outcome<Vec<PathBuf>> {
        if let Some(file) = &self.file {
            return Ok(vec![file.clone()]);
        }
        let Some(folder) = &self.data else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(Stop::file(folder))? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with(prefix) && name.ends_with(".parquet") {
                found.push(path);
            }
        }
        found.sort();
        Ok(found)
    }
}

fn fresh(place: &Path, name: &str, url: Option<&String>) -> Outcome<Pool> {
    let url = match url {
        Some(url) => url.clone(),
        None => format!("sqlite:{}", place.join(name).display()),
    };
    let failed = |error: schema::db::OpenError| Stop::new(Exit::Machine, error.to_string());
    let pool = Pool::open(&url, 4).map_err(failed)?;
    pool.migrate().map_err(failed)?;
    Ok(pool)
}

async fn payments(args: &BenchArgs, place: &Path) -> Outcome {
    let pool = fresh(place, "payments.db", args.database_url.as_ref())?;
    let anchor = fresh(place, "anchor.db", args.anchor_url.as_ref())?;
    let count = PAYMENTS * args.scale as usize;
    println!("{}\n", money::payments(&pool, &anchor, count).await?);
    println!("{}\n", money::log(&pool, LEAVES).await?);
    if args.database_url.is_some() {
        return Ok(());
    }
    let (few, many) = (
        fresh(place, "few.db", None)?,
        fresh(place, "many.db", None)?,
    );
    println!(
        "{}\n",
        money::breadth((&few, 10), (&many, CONTRIBUTORS), count).await?
    );
    Ok(())
}

async fn settlement(args: &BenchArgs, place: &Path) -> Outcome {
    let pool = fresh(place, "settlement.db", None)?;
    let rate = money::settlement(&pool, CONTRIBUTORS * args.scale as usize).await?;
    println!("contributor credits of one settlement: {rate}\n");
    Ok(())
}
