//! Commands about claims on rows.

use clap::{Args, Subcommand, ValueEnum};
use uuid::Uuid;

use super::{Print, Remote};

/// Say that rows of others are yours; operators open and decide it.
///
/// What the rows earn is held from the moment an operator opens the claim until it is decided.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  granary claim file --dataset flights --evidence 018f… --reason 'our survey of 2025'
  granary claim list
  granary claim open 018f…
  granary claim decide 018f… --for claimant --reason 'the survey was published before'")]
pub struct Claim {
    #[command(subcommand)]
    pub action: ClaimAction,
}

#[derive(Debug, Subcommand)]
pub enum ClaimAction {
    /// Claim the rows of a dataset that stand in a contribution of yours.
    File {
        /// Slug or id of the dataset.
        #[arg(long)]
        dataset: String,
        /// Your contribution, to any dataset of the node.
        #[arg(long)]
        evidence: Uuid,
        /// Contributions you claim rows of [default: all by others]
        #[arg(long = "contribution", value_name = "ID")]
        contributions: Vec<Uuid>,
        /// Why the rows are yours; for operators.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
    /// Claims that concern you; all for operators.
    List {
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
    /// Take a claim back that nobody has opened.
    TakeBack {
        /// The claim.
        claim: Uuid,
        #[command(flatten)]
        remote: Remote,
    },
    /// Hold what the rows earn from now on (operators).
    Open {
        /// The claim.
        claim: Uuid,
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
    /// End an open claim: what is held goes to whom it is decided for (operators).
    Decide {
        /// The claim.
        claim: Uuid,
        /// For whom.
        #[arg(long = "for", value_enum)]
        winner: Winner,
        /// Why; kept, and told to both.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
}

/// Whom a claim is decided for.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Winner {
    /// The rows stay theirs.
    Holder,
    /// The rows are theirs from now on.
    Claimant,
    /// Nobody: the claimant took it back; as for the holder.
    Nobody,
}
