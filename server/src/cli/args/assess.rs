//! The assessment of files on this machine.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Grade files on this machine: profile, checks, duplicates, score, and why.
///
/// Every row is read once, in bounded memory; nothing is sent anywhere. Without rules types are
/// inferred and nothing can fail; with --rules the exit code says whether the file passed. A
/// damaged or hostile file is refused before anything is unpacked.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  granary assess flights.parquet
  granary assess survey.csv --infer-rules > rules.toml
  granary assess survey.csv --rules rules.toml --report report.html --min-score 90
  granary assess day.csv --rules rules.toml --fail-on 'invalid > 0.1%,missing(age) > 5%'
  granary assess raw.csv --rules rules.toml --clean clean.parquet
  granary assess mine.parquet --against theirs.parquet
  granary assess may.csv --against april.csv --fail-on drift
  granary assess data.parquet --verify report.json
  granary assess bought.parquet --verify revision.json --node https://granary.example

Exit codes: 0 passed   1 a file cannot be read or written   2 wrong usage or rules
            5 a check failed, the file was refused, or the report is not its own")]
pub struct Assess {
    /// Parquet, CSV or Arrow IPC files.
    #[arg(required_unless_present = "schema", value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Print the JSON Schema of reports or of rules.
    #[arg(long, value_enum, conflicts_with = "files")]
    pub schema: Option<SchemaOf>,

    /// Rules to measure by (TOML, or the JSON of a contract).
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,

    /// Print rules inferred from the file, to start a rule file with.
    #[arg(long, conflicts_with_all = ["rules", "verify", "clean", "undo"])]
    pub infer_rules: bool,

    /// Write the report; the ending chooses its form: .json, .html, .md, .dqv.jsonld,
    /// .croissant.json. {} stands for the name of the assessed file.
    #[arg(long, value_name = "FILE")]
    pub report: Vec<PathBuf>,

    /// Show extremes and frequent values in HTML reports. Such a report reveals cells.
    #[arg(long)]
    pub values: bool,

    /// Print the report as JSON.
    #[arg(long)]
    pub json: bool,

    /// Print nothing but failures.
    #[arg(long, short)]
    pub quiet: bool,

    #[command(flatten)]
    pub verdict: VerdictArgs,

    #[command(flatten)]
    pub cleaning: CleaningArgs,

    #[command(flatten)]
    pub reading: ReadingArgs,

    /// Say how many of the rows stand in these files, too, and what has changed since them.
    #[arg(long, value_name = "FILE")]
    pub against: Vec<PathBuf>,

    /// Sign JSON reports with this Ed25519 key (PKCS#8, PEM or DER).
    #[arg(long, value_name = "KEY", requires = "report")]
    pub sign: Option<PathBuf>,

    /// Measure again as this report was made, and say whether the same bytes come out.
    #[arg(long, value_name = "REPORT", conflicts_with_all = ["rules", "as_of", "key", "clean"])]
    pub verify: Option<PathBuf>,

    /// Public key that a signed report must verify with (base64url).
    #[arg(long, value_name = "KEY", requires = "verify")]
    pub public_key: Option<String>,

    /// Node whose key a signed report must verify with; it is asked for its keys, nothing else.
    #[arg(
        long = "node",
        value_name = "URL",
        requires = "verify",
        conflicts_with = "public_key"
    )]
    pub signed_by: Option<String>,
}

/// When a file passes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Verdict")]
pub struct VerdictArgs {
    /// Fail below this score, 0 to 100.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=100))]
    pub min_score: Option<u32>,

    /// Fail on these findings: columns, invalid, missing, duplicates, near, keys, consistency,
    /// stale, drift, gates; with a tolerance as `invalid > 0.1%`, by column as
    /// `missing(age) > 5`; or none.
    #[arg(long, value_name = "CHECKS", value_delimiter = ',')]
    pub fail_on: Option<Vec<String>>,
}

/// The cleaned table.
#[derive(Debug, Args)]
#[command(next_help_heading = "Cleaning")]
pub struct CleaningArgs {
    /// Write the cleaned table as Parquet, with a log of what changed beside it.
    #[arg(long, value_name = "FILE")]
    pub clean: Option<PathBuf>,

    /// Changes that may lose something and so need your word, with commas between them:
    /// coerce:COLUMN=FORM, unit:COLUMN=FROM:TO, cap:COLUMN, impute:COLUMN=median, mask:COLUMN=last4,
    /// drop:COLUMN, exact_duplicates, near_duplicates. The rule file may name them, too.
    #[arg(long, value_name = "CHANGES", requires = "clean")]
    pub approve: Vec<String>,

    /// Key of the pseudonyms of mask:COLUMN=hash: a file of 16 bytes or more, kept secret.
    #[arg(long, value_name = "FILE", requires = "clean")]
    pub mask_key: Option<PathBuf>,

    /// Give a cleaned table its original cells back, from the log written beside it.
    #[arg(long, value_name = "LOG", conflicts_with_all = ["clean", "rules", "verify"])]
    pub undo: Option<PathBuf>,
}

/// How files are read.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Reading")]
pub struct ReadingArgs {
    /// Format [default: by content]
    #[arg(long, value_enum)]
    pub format: Option<Format>,

    /// Character between the fields of a CSV file [default: found]
    #[arg(long, value_name = "CHAR")]
    pub delimiter: Option<char>,

    /// Columns that together name a row, when no rules say so.
    #[arg(
        long,
        value_name = "COLUMN",
        value_delimiter = ',',
        conflicts_with = "rules"
    )]
    pub key: Vec<String>,

    /// Moment at which timeliness is measured, RFC 3339 [default: now]
    #[arg(long, value_name = "TIME")]
    pub as_of: Option<chrono::DateTime<chrono::Utc>>,

    /// Memory for what grows with the number of rows, in MiB; the rest goes to --tmp-dir.
    #[arg(long, value_name = "MIB", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..))]
    pub memory: u32,

    /// Folder for temporary files [default: that of the system]
    #[arg(long, value_name = "DIR")]
    pub tmp_dir: Option<PathBuf>,
}

/// Formats that can be assessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Parquet,
    Csv,
    /// Arrow IPC file or stream (Feather 2).
    Arrow,
}

/// What there is a JSON Schema of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    Report,
    Rules,
}
