//! Commands of contributors' income and of the operator.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use uuid::Uuid;

use super::{NodeKeyArg, Print, Remote};
use crate::cli::amount::Price;
use crate::config::Config;

/// Balance to buy with, earnings, latest movements; `wallet fill` puts money into it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  granary wallet
  granary wallet fill '20.00 EUR'
  granary wallet fill '20.00 EUR' --way transfer
  granary wallet payments")]
pub struct Wallet {
    #[command(subcommand)]
    pub action: Option<WalletAction>,
    #[command(flatten)]
    pub print: Print,
    #[command(flatten)]
    pub remote: Remote,
}

#[derive(Debug, Subcommand)]
pub enum WalletAction {
    /// Begin a payment into the wallet, and print where it is made.
    Fill {
        /// How much, like '20.00 EUR'.
        amount: Price,
        /// How [default: card where the node takes cards, else transfer]
        #[arg(long, value_enum)]
        way: Option<Way>,
        /// Name of this payment: repeating it with the same name never pays twice [default: random]
        #[arg(long, value_name = "NAME")]
        once: Option<String>,
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
    /// Change money in the wallet into another currency, by the node's rate.
    #[command(after_help = "Examples:
  granary wallet change '10.00 EUR' USD")]
    Change {
        /// What you give, like '10.00 EUR'.
        give: Price,
        /// The currency you get.
        into: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
        /// Name of this change: repeating it with the same name never changes twice [default: random]
        #[arg(long, value_name = "NAME")]
        once: Option<String>,
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
    /// Your payments, and what became of them.
    Payments {
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Way {
    /// On the page of the node's payment provider.
    Card,
    /// By a bank transfer, which the operator confirms.
    Transfer,
}

/// What one currency is worth in another: list the rates, set one.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  granary exchange-rate
  granary exchange-rate set '1.00 EUR' '1.08 USD'
  granary exchange-rate set '100.00 EUR' '16342 JPY'

A rate holds in one direction, until another takes its place.")]
pub struct ExchangeRate {
    #[command(subcommand)]
    pub action: Option<ExchangeRateAction>,
    #[command(flatten)]
    pub print: Print,
    #[command(flatten)]
    pub remote: Remote,
}

#[derive(Debug, Subcommand)]
pub enum ExchangeRateAction {
    /// Set a rate from now on; operators only.
    Set {
        /// What is given, like '1.00 EUR'.
        give: Price,
        /// What is got for it, like '1.08 USD'.
        get: Price,
        #[command(flatten)]
        remote: Remote,
    },
}

/// Messages of the payment provider that are not done: list them, work on one again.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  granary messages
  granary messages retry 0195c1f2-…")]
pub struct Messages {
    #[command(subcommand)]
    pub action: Option<MessagesAction>,
    #[command(flatten)]
    pub print: Print,
    #[command(flatten)]
    pub remote: Remote,
}

#[derive(Debug, Subcommand)]
pub enum MessagesAction {
    /// Work on a parked or failed message again.
    Retry {
        /// Its id.
        id: Uuid,
        #[command(flatten)]
        remote: Remote,
    },
    /// Set a parked or failed message of the provider aside for good.
    #[command(after_help = "Examples:
  granary messages ignore 0195c1f2-… --reason 'a payment of our other shop'")]
    Ignore {
        /// Its id.
        id: Uuid,
        /// Why it needs nothing; kept with it.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        remote: Remote,
    },
}

/// List, show and verify statements.
#[derive(Debug, Args)]
pub struct Statement {
    #[command(subcommand)]
    pub action: StatementAction,
}

#[derive(Debug, Subcommand)]
pub enum StatementAction {
    /// Your statements.
    List {
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
    /// One statement, readable; --out saves the signed document, or the format asked for.
    #[command(after_help = "Examples:
  granary statement show ID --out statement.json
  granary statement show ID --format hledger > statement.journal
  granary statement show ID --format pdf --out statement.pdf")]
    Show {
        /// Its id.
        id: Uuid,
        /// Format; all of them say what the signed document says.
        #[arg(long, value_enum, default_value_t = StatementFormat::Text)]
        format: StatementFormat,
        /// Save the signed document, which verifies offline, or the format asked for.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
    /// Recompute a statement offline, with the file and the node's public key alone.
    #[command(after_help = "Examples:
  granary statement verify 2026-01.json --key node.pub
  granary statement verify 2026-01.json --key 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")]
    Verify {
        /// The statement.
        file: PathBuf,
        #[command(flatten)]
        node_key: NodeKeyArg,
    },
}

/// A format of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StatementFormat {
    /// For reading here.
    Text,
    /// The signed document.
    Json,
    /// The lines, amounts in minor units.
    Csv,
    /// The same with types.
    Parquet,
    /// A journal for hledger and ledger.
    Hledger,
    /// A file for beancount.
    Beancount,
    /// On paper.
    Pdf,
}

/// Confirm money that arrived for a wallet.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  granary top-up quill '250.00 EUR' --reference 'RF18 5390 0754 7034'

The same reference for the same wallet and amount is booked once, however often it is sent.")]
pub struct TopUp {
    /// Handle, e-mail address or id of the party.
    pub party: String,
    /// What arrived, like '250.00 EUR'.
    pub amount: Price,
    /// The bank's reference of the transfer.
    #[arg(long)]
    pub reference: String,
    #[command(flatten)]
    pub print: Print,
    #[command(flatten)]
    pub remote: Remote,
}

/// Give points, write off what was used up or lapsed.
///
/// Points are thanks that are counted: they buy nothing and cannot be passed on or paid out.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  granary points issue quill 50 --reason 'found the broken sensor'
  granary points redeem quill 30 --reason 'a seat at the spring meeting'")]
pub struct GivePoints {
    /// What happens to them.
    #[arg(value_name = "MOVE")]
    pub what: PointsVerb,
    /// Handle, e-mail address or id of the party.
    pub party: String,
    /// How many.
    #[arg(value_parser = clap::value_parser!(i64).range(1..))]
    pub points: i64,
    /// Why; 1 to 140 characters.
    #[arg(long)]
    pub reason: String,
    /// Name of this movement: repeating it with the same name has no second effect [default: random]
    #[arg(long, value_name = "NAME")]
    pub once: Option<String>,
    #[command(flatten)]
    pub print: Print,
    #[command(flatten)]
    pub remote: Remote,
}

/// What happens to points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PointsVerb {
    /// They are given.
    Issue,
    /// They are used up for something that is no money.
    Redeem,
    /// They lapse.
    Expire,
}

/// Give back part or all of a sale.
///
/// Fee, tax, commission and pool give back in proportion. A full refund revokes the licence,
/// a partial one keeps it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  granary refund 0195c1f2-… '5.00 EUR' --reason 'three days of data were missing'")]
pub struct Refund {
    /// Id of the order.
    pub order: Uuid,
    /// What to give back, like '5.00 EUR'.
    pub amount: Price,
    /// Why; kept and shown to the buyer.
    #[arg(long)]
    pub reason: String,
    /// Name of this refund: repeating it with the same name never refunds twice [default: random]
    #[arg(long, value_name = "NAME")]
    pub once: Option<String>,
    /// Do not ask.
    #[arg(long, short)]
    pub yes: bool,
    #[command(flatten)]
    pub print: Print,
    #[command(flatten)]
    pub remote: Remote,
}

/// Credit contributors with what their pools earned, and issue statements.
#[derive(Debug, Args)]
pub struct Settle {
    /// Period to book in, YYYY-MM [default: the open period]
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<String>,
    /// Name of this settlement: repeating it with the same name has no second effect [default: random]
    #[arg(long, value_name = "NAME")]
    pub once: Option<String>,
    #[command(flatten)]
    pub print: Print,
    #[command(flatten)]
    pub remote: Remote,
}

/// Record what payers' banks take back, and who keeps it.
#[derive(Debug, Args)]
pub struct Dispute {
    #[command(subcommand)]
    pub action: DisputeAction,
}

#[derive(Debug, Subcommand)]
pub enum DisputeAction {
    /// Put a payment on hold that the payer's bank took back.
    ///
    /// It leaves fee, tax, commission and pool at once. What is above the payment is the
    /// node's loss.
    #[command(after_help = "Examples:
  granary dispute open 0195c1f2-… '19.99 EUR' --reason 'card holder does not know us'")]
    Open {
        /// Id of the order.
        order: Uuid,
        /// What the bank took, like '19.99 EUR'.
        amount: Price,
        /// What the bank says.
        #[arg(long)]
        reason: String,
        /// Name of this dispute: repeating it with the same name has no second effect [default: random]
        #[arg(long, value_name = "NAME")]
        once: Option<String>,
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
    /// The node keeps the payment: everything goes back to where it was.
    Won(Decided),
    /// The payer keeps it.
    Lost(Decided),
    /// Every dispute, newest first.
    List {
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
}

#[derive(Debug, Args)]
pub struct Decided {
    /// Id of the dispute.
    pub dispute: Uuid,
    #[command(flatten)]
    pub print: Print,
    #[command(flatten)]
    pub remote: Remote,
}

/// Correct the journal: one operator proposes, another approves.
#[derive(Debug, Args)]
pub struct Adjust {
    #[command(subcommand)]
    pub action: AdjustAction,
}

#[derive(Debug, Subcommand)]
pub enum AdjustAction {
    /// Propose a correction; nothing is booked yet.
    #[command(after_help = "Examples:
  granary adjust propose --currency EUR --corrects EUR/17 --reason 'fee was charged twice' \\
    --line Income:PlatformFee=199 --line Liabilities:Pool:0195c1f2-…:E1=-199")]
    Propose {
        /// Currency of the lines.
        #[arg(long)]
        currency: String,
        /// Account and minor units, + debit, − credit; the lines sum to 0.
        #[arg(long = "line", value_name = "ACCOUNT=MINOR", required = true)]
        lines: Vec<String>,
        /// Entry it corrects, like EUR/17.
        #[arg(long, value_name = "ENTRY")]
        corrects: String,
        /// Why.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
    /// Approve what another operator proposed, and book it.
    Approve {
        /// Id of the proposal.
        adjustment: Uuid,
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
    /// Every correction, newest first.
    List {
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
}

/// Close the books of a month; list months.
#[derive(Debug, Args)]
pub struct Period {
    #[command(subcommand)]
    pub action: PeriodAction,
}

#[derive(Debug, Subcommand)]
pub enum PeriodAction {
    /// Let a month, and all before it, take no further entry; its statements become final.
    ///
    /// What comes later is booked in the first open month and keeps the time it happened.
    #[command(after_help = "Examples:
  granary settle --period 2026-11
  granary period close 2026-11")]
    Close {
        /// Month, YYYY-MM.
        period: String,
        /// Do not ask.
        #[arg(long, short)]
        yes: bool,
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
    /// Every month that was booked in or closed.
    List {
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
}

/// Sums of all accounts; each book must come to 0.
#[derive(Debug, Args)]
pub struct TrialBalance {
    #[command(flatten)]
    pub print: Print,
    #[command(flatten)]
    pub remote: Remote,
}

/// Verify, export, replay, simulate the journal.
#[derive(Debug, Args)]
pub struct Ledger {
    #[command(subcommand)]
    pub action: LedgerAction,
}

#[derive(Debug, Subcommand)]
pub enum LedgerAction {
    /// Check every invariant on every row of the journal.
    ///
    /// Works on the data folder when no node runs on it, else asks the running node. With a
    /// checkpoint that was kept somewhere else, also that nothing written until then has been
    /// changed or removed since; of another node this can be checked by anybody, from its
    /// public tiles alone.
    #[command(after_help = "Examples:
  granary ledger checkpoint > monday.checkpoint
  granary ledger verify --since monday.checkpoint
  granary ledger verify --since monday.checkpoint --node https://granary.example")]
    Verify {
        /// Checkpoint that was kept, as `granary ledger checkpoint` printed it
        #[arg(long, value_name = "FILE")]
        since: Option<PathBuf>,
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
        #[command(flatten)]
        config: Config,
    },
    /// Print what the node signs its journal to be, to be kept somewhere else.
    Checkpoint {
        #[command(flatten)]
        remote: Remote,
    },
    /// Write the journal for other accounting programs.
    #[command(after_help = "Examples:
  granary ledger export --format hledger > granary.journal
  hledger -f granary.journal check --strict")]
    Export {
        /// Format.
        #[arg(long, value_enum, default_value_t = ExportFormat::Hledger)]
        format: ExportFormat,
        #[command(flatten)]
        remote: Remote,
        #[command(flatten)]
        config: Config,
    },
    /// Run the ledger alone over a plain scenario, to compare with another implementation.
    #[command(after_help = "Examples:
  granary ledger replay scenario.json
  granary ledger replay scenario.json result.json")]
    Replay {
        /// Scenario in the format granary-replay/1.
        scenario: PathBuf,
        /// Where to put the result [default: standard output]
        out: Option<PathBuf>,
    },
    /// Run the ledger in a made-up world of lost answers, crashes and second writers.
    #[command(after_help = "Examples:
  granary ledger sim --seed 4711
  granary ledger sim --count 10000

Every seed is one world. A world that breaks a rule is named by its seed.")]
    Sim {
        /// First world.
        #[arg(long, default_value_t = 0)]
        seed: u64,
        /// How many, one after the other.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
        count: u64,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ExportFormat {
    /// Plain-text accounting journal; passes `hledger check --strict`.
    Hledger,
}

/// Make a link with which a party sets a new password, once.
#[derive(Debug, Args)]
pub struct PasswordReset {
    /// Handle, e-mail address or id of the party.
    pub party: String,
    #[command(flatten)]
    pub remote: Remote,
}

/// Say which accounts are one person or house.
///
/// Whoever holds the same rows under several accounts is weighed as one for what is sold from now
/// on: the rows are held once, since the earliest receipt. Frozen shares stay as they are.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  granary entity link quill inkwell --reason 'same payout account'
  granary entity list
  granary entity unlink inkwell --reason 'sold to somebody else'")]
pub struct Entity {
    #[command(subcommand)]
    pub action: EntityAction,
}

#[derive(Debug, Subcommand)]
pub enum EntityAction {
    /// Link two parties or more; whoever was linked to one of them comes along.
    Link {
        /// Handles, e-mail addresses or ids.
        #[arg(required = true, num_args = 2..)]
        parties: Vec<String>,
        /// How you know; kept.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
    /// All entities of more than one party.
    List {
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
    /// Take a party out of its entity.
    Unlink {
        /// Handle, e-mail address or id.
        party: String,
        /// Why; kept.
        #[arg(long)]
        reason: Option<String>,
        #[command(flatten)]
        remote: Remote,
    },
}
