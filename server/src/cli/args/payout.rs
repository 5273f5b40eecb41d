//! Commands of money that leaves, and of those who run the node.

use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{Args, Subcommand};
use uuid::Uuid;

use super::{Print, Remote};

/// Where you are paid: set, show or remove the account.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  granary payout-method set --name 'Ada Alder' --iban 'DE89 3704 0044 0532 0130 00' --country DE
  granary payout-method show

The node keeps the account sealed and shows its last four characters only. A new account waits
some days before it is paid to.")]
pub struct PayoutMethod {
    #[command(subcommand)]
    pub action: PayoutMethodAction,
}

#[derive(Debug, Subcommand)]
pub enum PayoutMethodAction {
    /// Set the account; the one before it is retired.
    Set {
        /// Name of its holder, as the bank knows it.
        #[arg(long)]
        name: String,
        /// The account.
        #[arg(long)]
        iban: String,
        /// Where the holder lives, two letters like DE.
        #[arg(long)]
        country: String,
        /// Code of the bank; needed outside the SEPA area only.
        #[arg(long)]
        bic: Option<String>,
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
    /// Show the account by its end.
    Show {
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
    /// Remove it: nothing more is paid to it.
    Remove {
        #[command(flatten)]
        remote: Remote,
    },
}

/// Pay contributors: propose, approve, file for the bank, its answers, reconciliation.
///
/// One operator proposes, another approves; only then money is booked and the bank's file made.
#[derive(Debug, Args)]
#[command(after_help = "A month:
  granary payout run --dry-run         who would get what, who is held back and why
  granary payout run                   propose it
  granary payout approve RUN           the second operator books it
  granary payout file RUN --out F.xml  the order for the bank (pain.001)
  granary payout import ANSWER.xml     what the bank says (pain.002, camt.053)
  granary payout reconcile             books beside the bank")]
pub struct Payout {
    #[command(subcommand)]
    pub action: PayoutAction,
}

#[derive(Debug, Subcommand)]
pub enum PayoutAction {
    /// Propose payouts of every balance.
    Run {
        /// Show what would happen, and keep nothing.
        #[arg(long)]
        dry_run: bool,
        /// Day on which the bank is to pay [default: the next working day]
        #[arg(long, value_name = "YYYY-MM-DD")]
        on: Option<NaiveDate>,
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
    /// Runs, newest first.
    List {
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
    /// Your own payouts.
    Mine {
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
    /// One run, line by line.
    Show {
        /// Its id.
        run: Uuid,
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
    /// Book a run that another operator proposed.
    Approve {
        /// Its id.
        run: Uuid,
        /// Do not ask.
        #[arg(long, short)]
        yes: bool,
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
    /// The order for the bank of an approved run, pain.001.001.09.
    File {
        /// Its id.
        run: Uuid,
        /// Where to put it [default: standard output]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        remote: Remote,
    },
    /// Import a file of the bank, pain.002 or camt.053; each file once.
    Import {
        /// The file.
        file: PathBuf,
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
    /// Books beside the bank: what is under way, and why balances differ.
    Reconcile {
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
    /// Hold a party's payouts back.
    Hold {
        /// Handle, e-mail address or id of the party.
        party: String,
        /// Why.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Let them go again.
    Release {
        /// Handle, e-mail address or id of the party.
        party: String,
        #[command(flatten)]
        remote: Remote,
    },
}

/// Who runs the node: list, add, remove operators.
#[derive(Debug, Args)]
pub struct Operator {
    #[command(subcommand)]
    pub action: OperatorAction,
}

#[derive(Debug, Subcommand)]
pub enum OperatorAction {
    /// Every change, newest first.
    List {
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
    /// Make a party an operator.
    Add {
        /// Handle, e-mail address or id of the party.
        party: String,
        /// Why; kept for ever.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// End it; the last operator stays.
    Remove {
        /// Handle, e-mail address or id of the party.
        party: String,
        /// Why; kept for ever.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        remote: Remote,
    },
}
