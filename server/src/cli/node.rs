//! serve, migrate, config, openapi, backup, restore; and work on a node's data in place.

use std::fs::File;

use schema::db::{Db, Pool};

use super::args::{Backup, Migrate, Remote, Restore, Serve, ShowConfig};
use super::stop::{Exit, Outcome, Stop};
use super::table::{Table, bytes, grouped};
use super::{block_on, print_json, print_text};
use crate::config::Config;
use crate::error::Fault;
use crate::flows::backup as copying;
use crate::serve::{self, StartError};
use crate::worker;

/// Held by a node while it works in its data folder.
const LOCK_FILE: &str = "node.lock";

impl From<StartError> for Stop {
    fn from(error: StartError) -> Self {
        Self::new(Exit::Machine, error.to_string())
    }
}

pub fn serve(args: Serve) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    Ok(runtime.block_on(serve::run(args.config))?)
}

fn open(config: &Config) -> Outcome<Pool> {
    Pool::open(&config.database_url(), 2)
        .map_err(|error| Stop::new(Exit::Machine, error.to_string()))
}

pub fn migrate(args: &Migrate) -> Outcome {
    let Config { data_dir, .. } = &args.config;
    std::fs::create_dir_all(data_dir).map_err(Stop::file(data_dir))?;
    let ran = open(&args.config)?
        .migrate()
        .map_err(|error| Stop::new(Exit::Machine, error.to_string()))?;
    match ran.len() {
        0 => print_text("The database is up to date.\n"),
        _ => print_text(&format!(
            "The database is up to date; ran {}.\n",
            ran.join(", ")
        )),
    }
}

pub fn openapi() -> Outcome {
    print_json(&crate::api::openapi())
}

/// A node's data on this machine, held for this command alone.
pub struct Local {
    pool: Pool,
    _lock: File,
}

impl Local {
    /// Takes the data of these settings, unless a node is named or works on them.
    pub fn take(remote: &Remote, config: &Config) -> Outcome<Option<Self>> {
        let there = config.database_url.is_some() || config.data_dir.join("granary.db").exists();
        if remote.node.is_some() || !there {
            return Ok(None);
        }
        let Some(lock) = hold(config)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            pool: open(config)?,
            _lock: lock,
        }))
    }

    /// Reads one unchanging state of the database.
    pub fn read<T>(&self, work: impl FnOnce(&mut Db) -> Result<T, Fault>) -> Outcome<T> {
        let mut db = self.pool.get().map_err(Fault::from)?;
        Ok(db.snapshot(work)?)
    }
}

/// The lock of the data folder, or nothing when a node has it.
fn hold(config: &Config) -> Outcome<Option<File>> {
    let path = config.data_dir.join(LOCK_FILE);
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(Stop::file(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(std::fs::TryLockError::WouldBlock) => Ok(None),
        Err(std::fs::TryLockError::Error(error)) => Err(Stop::file(&path)(error)),
    }
}

pub fn backup(args: &Backup) -> Outcome {
    let made = block_on(async { Ok(copying::back_up(&args.config, &args.to).await?) })?;
    print_text(&format!(
        "{}: database, keys and {} sealed files, {}.\n\
         It holds the node's secret keys: keep it where only you can read it.\n",
        args.to.display(),
        grouped(made.blobs),
        bytes(made.bytes)
    ))
}

pub fn restore(args: &Restore) -> Outcome {
    let put = block_on(async { Ok(copying::restore(&args.from, &args.config).await?) })?;
    print_text(&format!(
        "Restored: database, keys and {} sealed files, {}; every digest was right.\n\
         Next: granary serve --data-dir {}\n",
        grouped(put.blobs),
        bytes(put.bytes),
        args.config.data_dir.display()
    ))
}

pub fn config(args: &ShowConfig) -> Outcome {
    let facts = facts(&args.config);
    let limits = block_on(async { Ok(worker::limits_active(&args.config).await?) })?;
    if args.print.json {
        let settings: serde_json::Map<String, serde_json::Value> = facts
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        return print_json(&serde_json::json!({ "settings": settings, "checker": limits }));
    }
    let mut table = Table::new(&["setting", "value"]);
    for (name, value) in facts {
        table.row([name.to_owned(), value]);
    }
    let mut checker = Table::new(&["limit of the checker", "works here", "how"]);
    for limit in &limits {
        checker.row([
            limit.name.clone(),
            yes(limit.active).to_owned(),
            limit.detail.clone(),
        ]);
    }
    print_text(&format!("{table}\n{checker}"))
}

fn yes(active: bool) -> &'static str {
    if active { "yes" } else { "NO" }
}

fn facts(config: &Config) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("data-dir", config.data_dir.display().to_string()),
        ("database-url", without_password(&config.database_url())),
        (
            "blobs",
            config
                .blobs
                .clone()
                .unwrap_or_else(|| "in the data folder".to_owned()),
        ),
        ("listen", config.listen.to_string()),
        ("public-url", config.public_url()),
        ("name", config.name.clone()),
        ("fee-bps", config.fee_bps.to_string()),
        ("tax-bps", config.tax_bps.to_string()),
        ("member-points", config.member_points.to_string()),
        ("reserve-bps", config.reserve_bps.to_string()),
        ("reserve-periods", config.reserve_periods.to_string()),
        ("max-upload-bytes", grouped_u64(config.max_upload_bytes)),
        ("max-decoded-bytes", grouped_u64(config.max_decoded_bytes)),
        (
            "worker-memory-bytes",
            grouped_u64(config.worker_memory_bytes),
        ),
        ("worker-seconds", config.worker_seconds.to_string()),
        ("workers", config.workers.to_string()),
        ("secure-cookies", config.secure_cookies.to_string()),
        (
            "bank-details",
            config
                .bank_details
                .clone()
                .unwrap_or_else(|| "not set".to_owned()),
        ),
        ("stripe-key", set(config.stripe.set().0)),
        ("stripe-webhook-secrets", set(config.stripe.set().1)),
        ("stripe-url", config.stripe.url().to_owned()),
        ("stripe-version", config.stripe.version().to_owned()),
    ];
    facts.extend(config.payouts.facts());
    facts.extend(config.seller.facts(&config.name));
    facts
}

/// Of a secret, only whether it is there.
fn set(is: bool) -> String {
    if is { "set" } else { "not set" }.to_owned()
}

fn grouped_u64(count: u64) -> String {
    grouped(i64::try_from(count).unwrap_or(i64::MAX))
}

/// A database address that may be shown.
fn without_password(address: &str) -> String {
    match url::Url::parse(address) {
        Ok(mut url) if url.password().is_some() => {
            // Only an address without a host refuses, and that one has no password.
            let _ = url.set_password(Some("***"));
            url.to_string()
        }
        _ => address.to_owned(),
    }
}
