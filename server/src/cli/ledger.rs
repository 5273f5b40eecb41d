//! ledger verify, export, replay, sim.

use std::path::Path;

use schema::wire::LedgerFinding;

use super::args::{ExportFormat, Ledger, LedgerAction, Print, Remote};
use super::node::Local;
use super::stop::{Exit, Outcome, Stop};
use super::table::Table;
use super::{block_on, print_json, print_text, settings};
use crate::client::log::Grown;
use crate::config::Config;
use crate::flows::{ledger_export, ledger_verify};
use crate::keys::{self, NodeKeys};

pub fn run(args: Ledger) -> Outcome {
    match args.action {
        LedgerAction::Replay { scenario, out } => replay(&scenario, out.as_deref()),
        LedgerAction::Sim { seed, count } => simulate(seed, count),
        LedgerAction::Verify {
            since,
            print,
            remote,
            config,
        } => verify(since.as_deref(), print, &remote, &config),
        LedgerAction::Checkpoint { remote } => checkpoint(&remote),
        LedgerAction::Export {
            format: ExportFormat::Hledger,
            remote,
            config,
        } => export(&remote, &config),
    }
}

/// The pure ledger over a scenario; business refusals are part of the result.
fn replay(scenario: &Path, out: Option<&Path>) -> Outcome {
    let text = std::fs::read_to_string(scenario).map_err(Stop::file(scenario))?;
    let result = ::ledger::replay::run(&text)
        .map_err(|error| Stop::new(Exit::Machine, format!("{}: {error}", scenario.display())))?;
    match out {
        Some(path) => std::fs::write(path, result).map_err(Stop::file(path)),
        None => print_text(&result),
    }
}

/// Worlds of consecutive seeds; the first one that breaks a rule ends it.
fn simulate(seed: u64, count: u64) -> Outcome {
    let mut all = ::ledger::sim::Told::default();
    for seed in (seed..=u64::MAX).take(usize::try_from(count).unwrap_or(usize::MAX)) {
        let told = ::ledger::sim::run(seed)
            .map_err(|failure| Stop::new(Exit::Wrong, format!("seed {seed}, {failure}")))?;
        all.add(told);
    }
    let mut table = Table::pairs();
    for (what, number) in [
        ("worlds", count),
        ("commands answered", all.acknowledged.into()),
        ("asked again", all.repeated.into()),
        ("refused", all.refused.into()),
        ("crashes", all.restarts.into()),
        ("writers fenced off", all.fenced.into()),
    ] {
        table.row([what.to_owned(), number.to_string()]);
    }
    print_text(&format!("{table}Every rule was kept.\n"))
}

fn verify(since: Option<&Path>, print: Print, remote: &Remote, config: &Config) -> Outcome {
    let since = match since {
        Some(path) => Some(std::fs::read_to_string(path).map_err(Stop::file(path))?),
        None => None,
    };
    let since = since.as_deref();
    let findings = match Local::take(remote, config)? {
        Some(local) => {
            let keys = own_keys(config)?;
            local.read(|db| ledger_verify::against(db, keys.as_ref(), since))?
        }
        None => match (since, block_on(ask(remote, since))?) {
            // Nobody's rows could be read: what the tiles show is the answer.
            (Some(_), (None, Some(grown))) => return grown_only(&grown, print),
            (_, (findings, _)) => findings.unwrap_or_default(),
        },
    };
    if print.json {
        print_json(&findings)?;
    } else {
        print_text(&found(&findings))?;
    }
    match findings.len() {
        0 => Ok(()),
        1 => Err(Stop::new(Exit::Wrong, "the ledger breaks one invariant")),
        n => Err(Stop::new(
            Exit::Wrong,
            format!("the ledger breaks invariants in {n} places"),
        )),
    }
}

/// Asks a node: with a checkpoint, its tiles, which everybody may read; and its rows, where the
/// caller is an operator of it.
async fn ask(
    remote: &Remote,
    since: Option<&str>,
) -> Outcome<(Option<Vec<LedgerFinding>>, Option<Grown>)> {
    let Some(kept) = since else {
        let client = settings::party(remote)?;
        return Ok((Some(client.ledger_verify().await?), None));
    };
    let client = settings::visitor(remote)?;
    let grown = client.log_since(kept).await?;
    if !client.signed_in() || !client.me().await?.operator {
        return Ok((None, Some(grown)));
    }
    let findings = client.ledger_verify_since(kept).await?;
    Ok((Some(findings), Some(grown)))
}

fn grown_only(grown: &Grown, print: Print) -> Outcome {
    if print.json {
        // As every other verification: what is wrong, which is nothing.
        return print_json(&Vec::<LedgerFinding>::new());
    }
    print_text(&format!(
        "{}: {} entries, of which the first {} are those that the kept checkpoint signed.\n\
         Checked from the node's public tiles; its rows can be checked by its operator.\n",
        grown.origin, grown.to, grown.from
    ))
}

/// The key of the node whose data this is; none is made where there is none.
fn own_keys(config: &Config) -> Outcome<Option<NodeKeys>> {
    if !config.data_dir.join(keys::FILE_NAME).exists() {
        return Ok(None);
    }
    NodeKeys::open(&config.data_dir, None)
        .map(Some)
        .map_err(|error| Stop::new(Exit::Machine, error.to_string()))
}

/// The node's latest checkpoint, to be kept somewhere else.
fn checkpoint(remote: &Remote) -> Outcome {
    let note = block_on(async { Ok(settings::visitor(remote)?.checkpoint().await?) })?;
    print_text(&note)
}

fn found(findings: &[LedgerFinding]) -> String {
    if findings.is_empty() {
        return "The ledger is sound: every invariant holds on every row.\n".to_owned();
    }
    let mut table = Table::new(&["rule", "row", "what is wrong"]);
    for finding in findings {
        table.row([&finding.invariant, &finding.row, &finding.message]);
    }
    table.to_string()
}

fn export(remote: &Remote, config: &Config) -> Outcome {
    let text = match Local::take(remote, config)? {
        Some(local) => local.read(ledger_export::export)?,
        None => block_on(async { Ok(settings::party(remote)?.ledger_export("hledger").await?) })?,
    };
    print_text(&text)
}
