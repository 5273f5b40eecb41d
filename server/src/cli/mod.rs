//! The command line: reads arguments, calls the client or a flow, prints.
//!
//! Parsing comes before everything else: help and mistakes are answered before a runtime,
//! a connection or a database is opened.

mod account;
pub mod amount;
mod args;
mod ask;
mod assess;
pub(crate) mod bars;
mod bench;
mod books;
mod claims;
mod consume;
mod earn;
mod labels;
mod ledger;
mod node;
mod operate;
mod pay;
mod payout;
mod provide;
pub(crate) mod report;
mod settings;
mod stop;
mod subscribe;
pub mod table;
mod tax;

use std::ffi::OsStr;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use serde::Serialize;

use self::args::{Cli, Command};

pub use self::args::Demo as DemoArgs;
pub(crate) use self::consume::clauses;
pub(crate) use self::operate::balances;
pub(crate) use self::provide::split;
pub use self::stop::{Exit, Outcome, Stop};

/// Reads the arguments and runs the command.
#[must_use]
pub fn main() -> ExitCode {
    // The checker's child has an empty environment and limits of its own: nothing else
    // may happen in it first.
    if std::env::args_os().nth(1).as_deref() == Some(OsStr::new("worker")) {
        return crate::worker::child_main();
    }
    let cli = Cli::parse();
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(stop) => {
            eprintln!("granary: {stop}");
            ExitCode::from(stop.exit as u8)
        }
    }
}

fn run(command: Command) -> Outcome {
    match command {
        Command::Demo(args) => crate::demo::run(&args),
        Command::Serve(args) => node::serve(args),
        Command::Migrate(args) => node::migrate(&args),
        Command::Config(args) => node::config(&args),
        Command::Openapi(_) => node::openapi(),
        Command::Backup(args) => node::backup(&args),
        Command::Restore(args) => node::restore(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Assess(args) => assess::run(&args),
        Command::Labels(args) => labels::run(args),
        Command::Keys(args) => account::keys(args),
        Command::Ledger(args) => ledger::run(args),
        Command::Licence(args) => consume::licence(args),
        Command::Statement(args) => earn::statement(args),
        remote => block_on(talk(remote)),
    }
}

/// Commands that are nothing but a talk with a node.
async fn talk(command: Command) -> Outcome {
    match command {
        Command::SignUp(args) => account::sign_up(&args).await,
        Command::Login(args) => account::login(&args).await,
        Command::Logout(args) => account::logout(&args).await,
        Command::Dataset(args) => provide::dataset(args).await,
        Command::Upload(args) => provide::upload(&args).await,
        Command::Contribution(args) => provide::contribution(args).await,
        Command::Withdraw(args) => provide::withdraw(&args).await,
        Command::Publish(args) => provide::publish(&args).await,
        Command::Offer(args) => provide::offer(&args).await,
        Command::Sales(args) => provide::sales(&args).await,
        Command::Catalog(args) => consume::catalog(&args).await,
        Command::Terms(args) => consume::terms(&args).await,
        Command::Buy(args) => consume::buy(&args).await,
        Command::Subscribe(args) => subscribe::subscribe(&args).await,
        Command::Subscription(args) => subscribe::subscription(args).await,
        Command::Orders(args) => consume::orders(&args).await,
        Command::Download(args) => consume::download(&args).await,
        Command::Wallet(args) => pay::wallet(&args).await,
        Command::ExchangeRate(args) => pay::exchange_rate(&args).await,
        Command::Messages(args) => pay::messages(&args).await,
        Command::TopUp(args) => operate::top_up(&args).await,
        Command::Points(args) => operate::points(&args).await,
        Command::Refund(args) => operate::refund(&args).await,
        Command::Settle(args) => operate::settle(&args).await,
        Command::Dispute(args) => books::dispute(args).await,
        Command::Claim(args) => claims::claim(args).await,
        Command::Adjust(args) => books::adjust(args).await,
        Command::Period(args) => books::period(args).await,
        Command::TrialBalance(args) => operate::trial_balance(&args).await,
        Command::PasswordReset(args) => operate::password_reset(&args).await,
        Command::Entity(args) => operate::entity(args).await,
        Command::Billing(args) => tax::billing(args).await,
        Command::Invoice(args) => tax::invoice(args).await,
        Command::Tax(args) => tax::tax(args).await,
        Command::PayoutMethod(args) => payout::method(args).await,
        Command::Payout(args) => payout::payout(args).await,
        Command::Operator(args) => payout::operator(args).await,
        _ => Err(Stop::new(
            Exit::Usage,
            "this command does not talk to a node",
        )),
    }
}

/// Runs a command's future on this thread.
pub(crate) fn block_on<T>(work: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(work)
}

/// Prints a result as indented JSON.
fn print_json(value: &impl Serialize) -> Outcome {
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value).map_err(io::Error::from)?;
    writeln!(out)?;
    Ok(())
}

/// Prints text; a closed pipe (`| head`) is no failure.
fn print_text(text: &str) -> Outcome {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}
