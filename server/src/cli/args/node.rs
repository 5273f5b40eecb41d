//! Commands that run or keep a node, and the demo.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::config::Config;

/// Turn the whole market once on real data, then stay up.
///
/// Starts a node of its own and lets three providers, a consumer, a copycat and three more
/// buyers act out a market through the public HTTP API: sealing, grading, publishing,
/// buying, opening, copying, refunding, settling. Every step is checked. The story is the
/// same on every run; afterwards the node stays up to look around in the browser.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  granary demo
  granary demo --once                     exit 0 only if every step held
  granary demo --seed 7                   other data, other prices
  granary demo --data-dir ./demo-node     keep the node
  granary demo --database-url postgres://granary@localhost/demo")]
pub struct Demo {
    /// End after the story instead of staying up.
    #[arg(long)]
    pub once: bool,

    /// Keep the node in this folder; it must be empty or absent [default: a temporary folder]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,

    /// Changes which rows the providers hold and what they charge.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,

    /// An empty database: sqlite:PATH or postgres://… [default: SQLite in the data folder]
    #[arg(
        long,
        env = "GRANARY_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub database_url: Option<String>,

    /// Address to listen on [default: a free port of this machine]
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<std::net::SocketAddr>,
}

/// Run the node.
///
/// Needs no configuration: SQLite and sealed files live in the data folder. The first start
/// prints a link that makes its visitor the node's operator, once. Stop with Ctrl-C: open
/// requests are answered first.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  granary serve
  granary serve --listen 0.0.0.0:8460 --public-url https://granary.example --secure-cookies
  granary serve --database-url postgres://granary@localhost/granary --blobs s3://bucket/granary")]
pub struct Serve {
    #[command(flatten)]
    pub config: Config,
}

/// Bring the database up to date.
///
/// `granary serve` does it too; this does it alone, for example before an upgrade goes live.
#[derive(Debug, Args)]
pub struct Migrate {
    #[command(flatten)]
    pub config: Config,
}

/// Print the settings in force and the limits of the checker that work on this machine.
#[derive(Debug, Args)]
pub struct ShowConfig {
    #[command(flatten)]
    pub config: Config,
    #[command(flatten)]
    pub print: super::Print,
}

/// Print the description of the HTTP API as OpenAPI JSON.
#[derive(Debug, Args)]
pub struct Openapi {}

/// Copy database, keys and sealed files of a node.
///
/// The copy is one consistent moment; the node may keep running. PostgreSQL needs pg_dump on
/// this machine. The backup holds the node's secret keys: keep it as you keep the node.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  granary backup --to /backups/granary-2026-01-31
  granary backup --data-dir /srv/granary --to /backups/today.tar")]
pub struct Backup {
    /// Folder to make, or a file that ends in .tar.
    #[arg(long, value_name = "PATH")]
    pub to: PathBuf,
    #[command(flatten)]
    pub config: Config,
}

/// Put a backup into an empty place.
///
/// Every file is checked against the backup's digests before the node could start on it.
/// Nothing is ever overwritten.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  granary restore --from /backups/granary-2026-01-31 --data-dir /srv/granary
  granary restore --from today.tar --database-url postgres://granary@localhost/fresh")]
pub struct Restore {
    /// Folder or .tar file made by `granary backup`.
    #[arg(long, value_name = "PATH")]
    pub from: PathBuf,
    #[command(flatten)]
    pub config: Config,
}

/// Measure this machine against plain tools, all in one run.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  granary bench all
  granary bench quality --python venv/bin/python --data data
  granary bench ledger --postgres postgres://me@localhost/postgres
  granary bench ingest --file big.parquet")]
pub struct Bench {
    #[command(subcommand)]
    pub what: BenchWhat,
}

#[derive(Debug, Clone, Subcommand)]
pub enum BenchWhat {
    /// Everything below, one after the other.
    All(BenchArgs),
    /// Every figure of docs/QUALITY.md, one after the other.
    Quality(BenchArgs),
    /// Assess five million rows; against DuckDB and polars on the same file.
    Assess(BenchArgs),
    /// Count distinct values of columns that are known; against DuckDB and polars.
    Distinct(BenchArgs),
    /// Find near duplicates among texts; against rensa and datasketch on the same texts. A
    /// file must have a column `text`; pairs in `truth_NAME` beside it give precision and recall.
    Near(BenchArgs),
    /// Match records of the same person; against recordlinkage and splink on the same records.
    /// A file must have FEBRL's columns, with the truth in `entity`.
    Records(BenchArgs),
    /// Seal, upload, check, grade; against plain age and polars on the same file.
    Ingest(BenchArgs),
    /// Licensed download, against nginx on the same bytes.
    Download(BenchArgs),
    /// The gates of the money on SQLite and PostgreSQL, against raw inserts and pgbench.
    Ledger(BenchArgs),
    /// Payments per second, single and batched, against raw inserts of the same rows.
    Payments(BenchArgs),
    /// Contributor credits per second.
    Settlement(BenchArgs),
    /// Weights of five million rows of twenty owners, in file order and shuffled.
    Weights(BenchArgs),
    /// KNN-Shapley values, against numpy and pyDVL on the same rows.
    Shapley(BenchArgs),
}

#[derive(Debug, Clone, Args)]
pub struct BenchArgs {
    /// Parquet file to work on [default: one that is made]
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Folder of files with known answers: `text_*.parquet` beside `truth_text_*.parquet`, and
    /// `febrl*.parquet` [default: texts and persons that are made]
    #[arg(long, value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// A Python that has the others; those it lacks are left out, and said to be.
    #[arg(
        long,
        value_name = "PROGRAM",
        env = "GRANARY_TEST_PYTHON",
        default_value = "python3"
    )]
    pub python: PathBuf,
    /// A PostgreSQL server where `ledger` may make databases and drop them again.
    #[arg(long, value_name = "URL")]
    pub postgres: Option<String>,
    /// Measure nothing but our own work, and write it there.
    #[arg(long, hide = true, value_name = "FILE")]
    pub alone: Option<PathBuf>,
    /// An empty database for the payments [default: SQLite in a temporary folder]
    #[arg(long, value_name = "URL", requires = "anchor_url")]
    pub database_url: Option<String>,
    /// Another empty database of the same kind, for the raw inserts.
    #[arg(long, value_name = "URL", requires = "database_url")]
    pub anchor_url: Option<String>,
    /// How much to do: 10 takes ten times as long as 1.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub scale: u32,
}
