//! Measurements, each against a plain tool on the same machine in the same run: only the
//! ratios mean anything from one machine to another. Use a release build.

mod assess;
mod files;
mod near;
mod weights;

use std::path::Path;

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
                assess::run(args, &place.path().join("assess"))?;
                near::run(&without_file(args), &place.path().join("near"))?;
                files::ingest(args, &place.path().join("ingest")).await?;
                files::download(args, &place.path().join("download")).await?;
                payments(args, place.path()).await?;
                settlement(args, place.path()).await?;
                weights::weights(args)?;
                weights::values(place.path())
            }
            BenchWhat::Assess(args) => assess::run(args, place.path()),
            BenchWhat::Near(args) => near::run(args, place.path()),
            BenchWhat::Ingest(args) => files::ingest(args, place.path()).await,
            BenchWhat::Download(args) => files::download(args, place.path()).await,
            BenchWhat::Payments(args) => payments(args, place.path()).await,
            BenchWhat::Settlement(args) => settlement(args, place.path()).await,
            BenchWhat::Weights(args) => weights::weights(args),
            BenchWhat::Shapley(_) => weights::values(place.path()),
        }
    })
}

/// The file of the command line is a table for the ingest, not one of texts.
fn without_file(args: &BenchArgs) -> BenchArgs {
    BenchArgs {
        file: None,
        ..args.clone()
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
