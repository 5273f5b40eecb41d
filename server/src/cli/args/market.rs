//! Commands of accounts, providers and buyers.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use uuid::Uuid;

use super::{Print, Remote};
use crate::cli::amount::Price;

/// Make an account on a node.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  granary sign-up --email ada@example.org --name 'Ada Lovelace'
  pass show granary | granary sign-up --email ada@example.org --name Ada --password-stdin")]
pub struct SignUp {
    /// E-mail address: your sign-in name; other parties never see it.
    #[arg(long)]
    pub email: String,
    /// Name that others see.
    #[arg(long)]
    pub name: String,
    /// Read the password from standard input instead of asking.
    #[arg(long)]
    pub password_stdin: bool,
    /// Token of the one-time operator link.
    #[arg(long, value_name = "TOKEN")]
    pub operator_token: Option<String>,
    #[command(flatten)]
    pub remote: Remote,
}

/// Sign in and keep a token on this machine.
///
/// The token lives in the configuration folder (mode 0600), one per node, and ends after 90
/// days or with `granary logout`. The password is not kept.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  granary login --node https://granary.example --email ada@example.org")]
pub struct Login {
    /// E-mail address of the account.
    #[arg(long)]
    pub email: String,
    /// Read the password from standard input instead of asking.
    #[arg(long)]
    pub password_stdin: bool,
    /// Days the token lives.
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=366))]
    pub days: u16,
    #[command(flatten)]
    pub remote: Remote,
}

/// Give the token back: it is revoked on the node and removed from this machine.
#[derive(Debug, Args)]
pub struct Logout {
    #[command(flatten)]
    pub remote: Remote,
}

/// Make and show the key that opens what you buy; show the node's public key.
#[derive(Debug, Args)]
pub struct Keys {
    #[command(subcommand)]
    pub action: KeysAction,
}

#[derive(Debug, Subcommand)]
pub enum KeysAction {
    /// Make a key on this machine; its secret half never leaves it.
    #[command(after_help = "Examples:
  granary keys new
  granary keys new --out /media/usb/granary-key.txt")]
    New {
        /// Where to put it [default: identity.txt in the configuration folder]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Take the place of a key that is there; the old one is kept beside it.
        #[arg(long)]
        replace: bool,
    },
    /// Print the public half of a key.
    Show {
        #[command(flatten)]
        key: KeyFile,
    },
    /// Print the node's public key, which verifies its licences and statements offline.
    #[command(after_help = "Examples:
  granary keys node > node.pub
  granary statement verify statement.json --key node.pub

Fetch it once and keep it: what it verifies later cannot be rewritten by whoever runs the node then.")]
    Node {
        #[command(flatten)]
        remote: Remote,
    },
}

#[derive(Debug, Clone, Args)]
pub struct KeyFile {
    /// Your key file [default: identity.txt in the configuration folder]
    #[arg(long, env = "GRANARY_KEY", value_name = "FILE")]
    pub key: Option<PathBuf>,
}

/// Create, list, show datasets; invite contributors.
#[derive(Debug, Args)]
pub struct Dataset {
    #[command(subcommand)]
    pub action: DatasetAction,
}

#[derive(Debug, Subcommand)]
pub enum DatasetAction {
    /// Open a new dataset.
    #[command(after_help = "Examples:
  granary dataset create --title 'Flights from New York' --contract flights.json
  granary dataset create --title 'Sensor pool' --admission open --commission-bps 500

Without a contract, the columns of the first accepted contribution become the contract.")]
    Create(CreateDataset),
    /// Datasets of the node.
    List {
        /// Words to look for.
        search: Option<String>,
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
    /// One dataset with its columns, revision and offers.
    Show {
        /// Slug or id.
        dataset: String,
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
    /// Change a dataset, or declare its licence and personal data.
    #[command(after_help = "Examples:
  granary dataset edit flights --licence CC-BY-4.0
  granary dataset edit members --personal email=personal --personal postcode=pseudonymous
  granary dataset edit flights --title 'Flights from New York' --contract flights.json

Classes of personal data: none, pseudonymous, personal, sensitive. A dataset is not published before
its source's licence is said and every column in which personal data was found has a class.")]
    Edit(EditDataset),
    /// Let parties contribute to an invited dataset.
    Invite {
        /// Slug or id.
        dataset: String,
        /// Handles of the parties.
        #[arg(required = true, value_name = "HANDLE")]
        handles: Vec<String>,
        #[command(flatten)]
        remote: Remote,
    },
}

#[derive(Debug, Args)]
pub struct CreateDataset {
    /// Title, 3 to 120 characters.
    #[arg(long)]
    pub title: String,
    /// What the data is and where it comes from.
    #[arg(long, default_value = "")]
    pub description: String,
    /// Short name in addresses [default: made from the title]
    #[arg(long)]
    pub slug: Option<String>,
    /// Column contract, a JSON file.
    #[arg(long, value_name = "FILE")]
    pub contract: Option<PathBuf>,
    /// Who may contribute.
    #[arg(long, value_enum, default_value_t = AdmissionArg::Owner)]
    pub admission: AdmissionArg,
    /// Your commission on each sale in basis points; contributors see it before they upload.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=10_000))]
    pub commission_bps: u16,
    #[command(flatten)]
    pub print: Print,
    #[command(flatten)]
    pub remote: Remote,
}

#[derive(Debug, Args)]
pub struct EditDataset {
    /// Slug or id.
    pub dataset: String,
    /// New title, 3 to 120 characters.
    #[arg(long)]
    pub title: Option<String>,
    /// New description.
    #[arg(long)]
    pub description: Option<String>,
    /// Who may contribute.
    #[arg(long, value_enum)]
    pub admission: Option<AdmissionArg>,
    /// New column contract, a JSON file; only before the first revision.
    #[arg(long, value_name = "FILE")]
    pub contract: Option<PathBuf>,
    /// Licence the source gives the data under, an SPDX identifier where there is one.
    #[arg(long, visible_alias = "license", value_name = "NAME")]
    pub licence: Option<String>,
    /// Class of personal data in a column.
    #[arg(long, value_name = "COLUMN=CLASS", value_parser = class_of_column)]
    pub personal: Vec<(String, String)>,
    #[command(flatten)]
    pub print: Print,
    #[command(flatten)]
    pub remote: Remote,
}

/// `COLUMN=CLASS`; a name of a column may hold the sign, a class does not.
fn class_of_column(text: &str) -> Result<(String, String), String> {
    let parts = text
        .rsplit_once('=')
        .filter(|(column, class)| !column.is_empty() && !class.is_empty());
    let (column, class) = parts.ok_or("write COLUMN=CLASS, for example email=personal")?;
    Ok((column.to_owned(), class.to_owned()))
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum AdmissionArg {
    /// You alone.
    Owner,
    /// You and parties you invite.
    Invited,
    /// Every party.
    Open,
}

/// Seal a Parquet file on this machine and contribute it to a dataset.
///
/// Only sealed bytes leave this machine. The node opens them in a checker process, grades
/// every column and answers with a verdict; a refusal names the limit, row or column.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  granary upload january.parquet --dataset flights-from-new-york
  granary upload january.parquet --dataset flights-from-new-york --no-wait")]
pub struct Upload {
    /// The Parquet file.
    pub file: PathBuf,
    /// Slug or id of the dataset.
    #[arg(long)]
    pub dataset: String,
    /// Do not wait for the verdict.
    #[arg(long)]
    pub no_wait: bool,
    #[command(flatten)]
    pub print: Print,
    #[command(flatten)]
    pub remote: Remote,
}

/// List your contributions, show a verdict and what cost points.
#[derive(Debug, Args)]
pub struct Contribution {
    #[command(subcommand)]
    pub action: ContributionAction,
}

#[derive(Debug, Subcommand)]
pub enum ContributionAction {
    /// Your contributions, or all of a dataset you own.
    List {
        /// Slug or id of a dataset.
        #[arg(long)]
        dataset: Option<String>,
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
    /// One contribution: verdict, grade, losses, what of it stands elsewhere.
    Show {
        /// Its id.
        id: Uuid,
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
    /// Operator: let its rows stand here and in another owner's dataset, so that it can be
    /// published.
    Clear {
        /// Its id.
        id: Uuid,
        /// Why; kept with the contribution.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        remote: Remote,
    },
}

/// Take a contribution back: later revisions are made without it.
///
/// Revisions already published keep it, and go on paying you for it.
#[derive(Debug, Args)]
pub struct Withdraw {
    /// Id of the contribution.
    pub contribution: Uuid,
    #[command(flatten)]
    pub remote: Remote,
}

/// Publish the accepted contributions of your dataset as a revision.
///
/// Rows that several contributors hold are kept once; weights are frozen and decide who is
/// paid what for every sale of this revision.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  granary publish flights-from-new-york --note 'January 2013'")]
pub struct Publish {
    /// Slug or id of the dataset.
    pub dataset: String,
    /// What changed, for the buyers.
    #[arg(long, default_value = "")]
    pub note: String,
    /// Do not wait until it is composed.
    #[arg(long)]
    pub no_wait: bool,
    #[command(flatten)]
    pub print: Print,
    #[command(flatten)]
    pub remote: Remote,
}

/// Put a price on a dataset.
///
/// Shows what one sale would split into, per contributor, and asks before it goes live. With
/// --every the price is that of a subscription, which may cover several datasets.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  granary offer flights-from-new-york --price '19.99 EUR' --template commercial-internal
  granary offer flights-from-new-york --price '9 EUR' --every month --with weather-of-new-york
  granary offer flights-from-new-york --price '5 EUR' --terms terms.json --yes")]
pub struct Offer {
    /// Slug or id of the dataset.
    pub dataset: String,
    /// Price of one licence, like '19.99 EUR'.
    #[arg(long)]
    pub price: Price,
    /// Ready terms: open, research, commercial-internal, commercial-training.
    #[arg(long, conflicts_with = "terms", default_value = "commercial-internal")]
    pub template: String,
    /// Own terms, a JSON file.
    #[arg(long, value_name = "FILE")]
    pub terms: Option<PathBuf>,
    /// Sell a subscription, charged every: month, quarter, year.
    #[arg(long, value_name = "INTERVAL", conflicts_with = "dry_run")]
    pub every: Option<String>,
    /// Further datasets of yours that the subscription covers.
    #[arg(long = "with", value_name = "DATASET", requires = "every")]
    pub with: Vec<String>,
    /// Name of the subscription [default: the datasets' titles]
    #[arg(long, requires = "every")]
    pub title: Option<String>,
    /// Only show the split.
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask.
    #[arg(long, short)]
    pub yes: bool,
    #[command(flatten)]
    pub print: Print,
    #[command(flatten)]
    pub remote: Remote,
}

/// Who bought, and what it brought.
#[derive(Debug, Args)]
pub struct Sales {
    /// Slug or id of the dataset.
    pub dataset: String,
    #[command(flatten)]
    pub print: Print,
    #[command(flatten)]
    pub remote: Remote,
}

/// What is on offer: datasets with a live offer, their grade and price.
#[derive(Debug, Args)]
pub struct Catalog {
    /// Words to look for.
    pub search: Option<String>,
    #[command(flatten)]
    pub print: Print,
    #[command(flatten)]
    pub remote: Remote,
}

/// What an offer allows, clause by clause: what the node enforces and what you promise.
#[derive(Debug, Args)]
pub struct Terms {
    /// Slug or id of the dataset.
    pub dataset: String,
    #[command(flatten)]
    pub print: Print,
    #[command(flatten)]
    pub remote: Remote,
}

/// Buy a licence with the money in your wallet, or by card.
///
/// Shows the clauses and the price and asks. What you see is what you buy: changed terms or
/// a changed price are refused by the node.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  granary buy flights-from-new-york
  granary buy flights-from-new-york --card
  granary buy flights-from-new-york --yes --json")]
pub struct Buy {
    /// Slug or id of the dataset.
    pub dataset: String,
    /// Which offer, when there are several.
    #[arg(long, value_name = "ID")]
    pub offer: Option<Uuid>,
    /// Pay the whole price by card: prints the page of the payment provider.
    #[arg(long)]
    pub card: bool,
    /// Do not ask.
    #[arg(long, short)]
    pub yes: bool,
    /// Name of this purchase: repeating it with the same name never buys twice [default: random]
    #[arg(long, value_name = "NAME")]
    pub once: Option<String>,
    #[command(flatten)]
    pub print: Print,
    #[command(flatten)]
    pub remote: Remote,
}

/// Your purchases.
#[derive(Debug, Args)]
pub struct Orders {
    #[command(flatten)]
    pub print: Print,
    #[command(flatten)]
    pub remote: Remote,
}

/// Fetch, open and check a licensed file.
///
/// An interrupted download goes on where it stopped. The file appears only after it was
/// opened with your key and its digest was found to be the one the node signed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  granary download flights-from-new-york
  granary download 0195c1f2-… --out flights.parquet --key /media/usb/granary-key.txt")]
pub struct Download {
    /// Licence id, or slug of a dataset you hold a licence of.
    pub licence: String,
    /// Where to put it [default: the node's suggestion, in this folder]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Another revision the licence covers.
    #[arg(long, value_name = "ID")]
    pub revision: Option<Uuid>,
    #[command(flatten)]
    pub key: KeyFile,
    #[command(flatten)]
    pub print: Print,
    #[command(flatten)]
    pub remote: Remote,
}

/// List, show and verify licences; move one to a new key.
#[derive(Debug, Args)]
pub struct Licence {
    #[command(subcommand)]
    pub action: LicenceAction,
}

#[derive(Debug, Subcommand)]
pub enum LicenceAction {
    /// Your licences.
    List {
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
    /// One licence with its clauses; --out saves the signed document.
    Show {
        /// Its id.
        id: Uuid,
        /// Save the signed document, which verifies offline.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
    /// Verify a signed licence offline, with the node's public key alone.
    #[command(after_help = "Examples:
  granary licence verify licence.jws --key node.pub
  granary licence verify licence.jws --key 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")]
    Verify {
        /// The signed document.
        file: PathBuf,
        #[command(flatten)]
        node_key: NodeKeyArg,
    },
    /// After the loss of a key: register a new one and download again for it.
    #[command(after_help = "Examples:
  granary keys new --replace
  granary licence reissue 0195c1f2-… --out flights.parquet")]
    Reissue(Download),
}

#[derive(Debug, Clone, Args)]
pub struct NodeKeyArg {
    /// The node's public key: the text itself or a file that holds it.
    #[arg(long = "key", value_name = "KEY")]
    pub key: String,
}
