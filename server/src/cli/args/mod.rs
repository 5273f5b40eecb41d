//! What can be typed, and its help. No command does anything here.

mod assess;
mod claims;
mod labels;
mod market;
mod money;
mod node;
mod payout;
mod subscription;
mod tax;

use clap::{Args, Parser, Subcommand};

pub use assess::*;
pub use claims::*;
pub use labels::*;
pub use market::*;
pub use money::*;
pub use node::*;
pub use payout::*;
pub use subscription::*;
pub use tax::*;

/// Every command by what people come for; a test keeps it complete.
const OVERVIEW: &str = "\
{about}

Usage: granary <COMMAND> [OPTIONS]

Try it
  demo             Turn the whole market once on real data, then stay up

On this machine alone
  assess           Grade files: checks, duplicates, score, report, cleaned table
  labels           Agreement and consensus of annotators; exchange with Label Studio

Run a node
  serve            Run the node
  migrate          Bring the database up to date
  config           Print the settings in force and the limits of the checker
  openapi          Print the description of the HTTP API
  backup           Copy database, keys and sealed files of a node
  restore          Put a backup into an empty place
  bench            Measure ingest, download, payments and settlement

Your account
  sign-up          Make an account on a node
  login            Sign in and keep a token on this machine
  logout           Give the token back
  keys             Make the key that opens what you buy

Provide data
  dataset          Create, list, show, edit datasets; invite contributors
  upload           Seal a Parquet file on this machine and contribute it
  contribution     List your contributions, show a verdict and the losses
  withdraw         Take a contribution back
  publish          Publish the accepted contributions as a revision
  offer            Put a price on a dataset, after seeing who would get what
  sales            Who bought, and what it brought

Use data
  catalog          What is on offer
  terms            What an offer allows, clause by clause
  buy              Buy a licence
  subscribe        Get datasets by the month, quarter or year
  subscription     List, show, cancel, resume subscriptions; give unused days back
  orders           Your purchases
  invoice          Your invoices and credit notes: list, show, PDF
  billing          Whom your invoices are made out to
  download         Fetch, open and check a licensed file
  licence          List, show, verify licences; move one to a new key

Earn
  wallet           Balance, earnings, movements; fill it
  statement        List, show, verify statements
  claim            Say that rows of others are yours; open and decide it
  payout-method    Where you are paid: set, show or remove the account

Operate
  top-up           Confirm money that arrived for a wallet
  exchange-rate    What currencies are worth in each other: list, set
  points           Give points, write off what was used up or lapsed
  messages         Payment provider: what is not done, and another try
  refund           Give back part or all of a sale
  settle           Credit contributors and issue statements
  payout           Pay contributors: propose, approve, bank files, reconcile
  dispute          Record what payers' banks take back, and who keeps it
  adjust           Correct the journal: one operator proposes, another approves
  period           Close the books of a month; list months
  tax              Rates of sales tax, and the report of a month
  trial-balance    Sums of all accounts
  ledger           Verify, export, replay, simulate the journal
  password-reset   Make a link for a new password
  entity           Say which accounts are one person or house
  operator         Who runs the node: list, add, remove operators

Options:
{options}

Exit codes:
  0 done   1 failed on this machine   2 wrong usage   3 the node refused
  4 sign in first   5 a check found something wrong   6 node out of reach: try again

Each command explains itself: granary buy --help
";

/// A marketplace for data: sealed, graded, weighed, licensed and paid by weight.
#[derive(Debug, Parser)]
#[command(name = "granary", version, help_template = OVERVIEW, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Demo(Demo),
    Assess(Assess),
    Labels(Labels),
    Serve(Serve),
    Migrate(Migrate),
    Config(ShowConfig),
    Openapi(Openapi),
    Backup(Backup),
    Restore(Restore),
    Bench(Bench),
    SignUp(SignUp),
    Login(Login),
    Logout(Logout),
    Keys(Keys),
    Dataset(Dataset),
    Upload(Upload),
    Contribution(Contribution),
    Withdraw(Withdraw),
    Publish(Publish),
    Offer(Offer),
    Sales(Sales),
    Catalog(Catalog),
    Terms(Terms),
    Buy(Buy),
    Subscribe(Subscribe),
    Subscription(Subscription),
    Orders(Orders),
    Invoice(Invoice),
    Billing(Billing),
    Download(Download),
    #[command(alias = "license")]
    Licence(Licence),
    Wallet(Wallet),
    Statement(Statement),
    TopUp(TopUp),
    Points(GivePoints),
    ExchangeRate(ExchangeRate),
    Messages(Messages),
    Refund(Refund),
    Settle(Settle),
    Dispute(Dispute),
    Claim(Claim),
    Adjust(Adjust),
    Period(Period),
    Tax(Tax),
    TrialBalance(TrialBalance),
    Ledger(Ledger),
    PasswordReset(PasswordReset),
    Entity(Entity),
    PayoutMethod(PayoutMethod),
    Payout(Payout),
    Operator(Operator),
}

/// Which node, and as whom.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Node")]
pub struct Remote {
    /// Address of the node [default: the one of the last login, else http://127.0.0.1:8460]
    #[arg(long, env = "GRANARY_NODE", value_name = "URL")]
    pub node: Option<String>,

    /// Token to use instead of the one `granary login` keeps.
    #[arg(
        long,
        env = "GRANARY_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN"
    )]
    pub token: Option<String>,
}

/// How to print.
#[derive(Debug, Clone, Copy, Args)]
pub struct Print {
    /// Print the node's JSON instead of a table.
    #[arg(long)]
    pub json: bool,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_parser_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_overview_names_every_command_and_no_other() {
        let command = Cli::command();
        let known: BTreeSet<&str> = command.get_subcommands().map(|c| c.get_name()).collect();
        let shown: BTreeSet<&str> = OVERVIEW
            .lines()
            .filter_map(|line| line.strip_prefix("  "))
            .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()))
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        assert_eq!(shown, known);
    }
}
