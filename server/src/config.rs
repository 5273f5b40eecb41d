//! Settings of a node. Every one has a default that works; flags and `GRANARY_*`
//! variables override.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use crate::journal::ReserveTerms;
use crate::ports::payment::StripeSettings;

mod payouts;
pub mod seller;

pub use payouts::{PayoutConfig, Withholding};
pub use seller::SellerConfig;

/// Settings of `granary serve` and of every command that works on a node's data.
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// Folder of the node: database, sealed files, keys.
    #[arg(long, env = "GRANARY_DATA_DIR", default_value = "granary-data")]
    pub data_dir: PathBuf,

    /// Database: sqlite:PATH or postgres://USER@HOST/NAME [default: sqlite in the data folder]
    #[arg(long, env = "GRANARY_DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,

    /// Sealed files: file://PATH or s3://BUCKET/PREFIX [default: a folder in the data folder]
    #[arg(long, env = "GRANARY_BLOBS")]
    pub blobs: Option<String>,

    /// Address to listen on.
    #[arg(long, env = "GRANARY_LISTEN", default_value = "127.0.0.1:8460")]
    pub listen: SocketAddr,

    /// Address users reach the node at [default: http:// and the listen address]
    #[arg(long, env = "GRANARY_PUBLIC_URL")]
    pub public_url: Option<String>,

    /// Name of the node.
    #[arg(long, env = "GRANARY_NAME", default_value = "Granary")]
    pub name: String,

    /// Platform fee on each sale, in basis points.
    #[arg(long, env = "GRANARY_FEE_BPS", default_value_t = 1000, value_parser = clap::value_parser!(u16).range(0..=10_000))]
    pub fee_bps: u16,

    /// Sales tax inside each price where the table of rates has none, in basis points of the
    /// price without it.
    #[arg(long, env = "GRANARY_TAX_BPS", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=10_000))]
    pub tax_bps: u16,

    /// Points that a subscriber gets for each month of a term that is paid.
    #[arg(long, env = "GRANARY_MEMBER_POINTS", default_value_t = 0)]
    pub member_points: u16,

    /// Part of every credit held back for refunds and disputes, in basis points.
    #[arg(long, env = "GRANARY_RESERVE_BPS", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=10_000))]
    pub reserve_bps: u16,

    /// Periods until what was held back is released.
    #[arg(long, env = "GRANARY_RESERVE_PERIODS", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=120))]
    pub reserve_periods: u16,

    /// Largest sealed upload, in bytes.
    #[arg(long, env = "GRANARY_MAX_UPLOAD", default_value_t = 4 << 30)]
    pub max_upload_bytes: u64,

    /// Most bytes one upload may decode to.
    #[arg(long, env = "GRANARY_MAX_DECODED", default_value_t = 20 << 30)]
    pub max_decoded_bytes: u64,

    /// Memory one checker process may hold, in bytes.
    #[arg(long, env = "GRANARY_WORKER_MEMORY", default_value_t = 2 << 30)]
    pub worker_memory_bytes: u64,

    /// Longest time one checker process may run, in seconds.
    #[arg(long, env = "GRANARY_WORKER_SECONDS", default_value_t = 900)]
    pub worker_seconds: u64,

    /// Checker processes at once.
    #[arg(long, env = "GRANARY_WORKERS", default_value_t = 1)]
    pub workers: usize,

    /// Program that checks provider files in a child process [default: this program]
    #[arg(long, env = "GRANARY_WORKER_PROGRAM", hide = true)]
    pub worker_program: Option<PathBuf>,

    /// Memory of one password check, in KiB; less is only for tests.
    #[arg(long, env = "GRANARY_PASSWORD_MEMORY", default_value_t = 19_456, hide = true, value_parser = clap::value_parser!(u32).range(8..=1_048_576))]
    pub password_memory_kib: u32,

    /// Log as one JSON object per line.
    #[arg(long, env = "GRANARY_LOG_JSON")]
    pub log_json: bool,

    /// Mark cookies Secure (set when users come by https).
    #[arg(long, env = "GRANARY_SECURE_COOKIES")]
    pub secure_cookies: bool,

    /// Where people transfer money to, in your words: account holder, IBAN, BIC.
    #[arg(long, env = "GRANARY_BANK_DETAILS", value_name = "TEXT")]
    pub bank_details: Option<String>,

    /// The card provider.
    #[command(flatten)]
    pub stripe: StripeSettings,
    #[command(flatten)]
    pub payouts: PayoutConfig,
    #[command(flatten)]
    pub seller: SellerConfig,
}

impl Config {
    /// What settlements hold back.
    #[must_use]
    pub fn reserve(&self) -> ReserveTerms {
        ReserveTerms {
            bps: self.reserve_bps.into(),
            periods: self.reserve_periods.into(),
        }
    }

    /// Database URL in force.
    #[must_use]
    pub fn database_url(&self) -> String {
        self.database_url
            .clone()
            .unwrap_or_else(|| format!("sqlite:{}", self.data_dir.join("granary.db").display()))
    }

    /// Address users reach the node at, without a trailing slash.
    #[must_use]
    pub fn public_url(&self) -> String {
        match &self.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("http://{}", self.listen),
        }
    }
}
