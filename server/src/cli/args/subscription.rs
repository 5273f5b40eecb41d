//! subscribe, subscription.

use clap::{Args, Subcommand};
use uuid::Uuid;

use super::{Print, Remote};

/// Get datasets by the month, quarter or year.
///
/// The first term is paid from your wallet now, every further one when it begins, until you
/// cancel. It covers every revision that is published meanwhile.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  granary subscribe flights-from-new-york
  granary subscribe flights-from-new-york --yes --json")]
pub struct Subscribe {
    /// Slug or id of a dataset that the plan covers.
    pub dataset: String,
    /// Which plan, when there are several.
    #[arg(long, value_name = "ID")]
    pub plan: Option<Uuid>,
    /// Do not ask.
    #[arg(long, short)]
    pub yes: bool,
    /// Name of this request: repeating it with the same name never pays twice [default: random]
    #[arg(long, value_name = "NAME")]
    pub once: Option<String>,
    #[command(flatten)]
    pub print: Print,
    #[command(flatten)]
    pub remote: Remote,
}

/// List, show, cancel, resume subscriptions; give unused days back.
#[derive(Debug, Args)]
pub struct Subscription {
    #[command(subcommand)]
    pub action: SubscriptionAction,
}

#[derive(Debug, Subcommand)]
pub enum SubscriptionAction {
    /// Your subscriptions; with --sold those to your plans, with --all everybody's.
    List {
        /// Those to your plans.
        #[arg(long, conflicts_with = "all")]
        sold: bool,
        /// Everybody's, for operators.
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
    /// One subscription: what was charged, earned and is deferred, and when it is charged next.
    Show {
        /// Subscription.
        id: Uuid,
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
    /// Cancel: it ends with the term that is paid.
    Cancel {
        /// Subscription.
        id: Uuid,
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
    /// Take a cancellation back before the end.
    Resume {
        /// Subscription.
        id: Uuid,
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
    /// Ask the provider to give the unused days back; it is cancelled with that.
    Ask {
        /// Subscription.
        id: Uuid,
        /// Why; the provider reads it.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
    /// Give the unused days back and end it: the provider or an operator.
    Refund {
        /// Subscription.
        id: Uuid,
        /// Why; the subscriber sees it.
        #[arg(long)]
        reason: String,
        /// Name of this refund: repeating it with the same name never pays twice [default: random]
        #[arg(long, value_name = "NAME")]
        once: Option<String>,
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
    /// What can be subscribed to: all plans, or those of a dataset.
    Plans {
        /// Slug or id of a dataset.
        dataset: Option<String>,
        /// Yours, retired ones too.
        #[arg(long, conflicts_with = "dataset")]
        mine: bool,
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
    /// Take a plan off the market: running terms go on and are not renewed.
    Retire {
        /// Plan.
        plan: Uuid,
        #[command(flatten)]
        remote: Remote,
    },
    /// Do now what is due: earn ended days, renew, end. For operators; the node does it anyway.
    Run {
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
}
