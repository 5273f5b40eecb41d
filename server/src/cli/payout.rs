//! payout-method, payout, operator.

use schema::wire::*;

use super::amount::show;
use super::args::{
    Operator, OperatorAction, Payout, PayoutAction, PayoutMethod, PayoutMethodAction,
};
use super::stop::{Exit, Outcome, Stop};
use super::table::{Table, folded};
use super::{ask, print_json, print_text, settings};

pub async fn method(args: PayoutMethod) -> Outcome {
    let (view, print) = match args.action {
        PayoutMethodAction::Set {
            name,
            iban,
            country,
            bic,
            print,
            remote,
        } => {
            let new = NewPayoutMethod {
                name,
                iban,
                country,
                bic,
            };
            let client = settings::party(&remote)?;
            (client.set_payout_method(&new).await?, print)
        }
        PayoutMethodAction::Show { print, remote } => {
            (settings::party(&remote)?.payout_method().await?, print)
        }
        PayoutMethodAction::Remove { remote } => {
            settings::party(&remote)?.remove_payout_method().await?;
            return print_text("Removed: nothing more is paid to it.\n");
        }
    };
    if print.json {
        return print_json(&view);
    }
    print_text(&format!(
        "You are paid to {} (holder in {}), from {} on.\n",
        view.account,
        view.country,
        view.usable_from.format("%Y-%m-%d")
    ))
}

pub async fn payout(args: Payout) -> Outcome {
    match args.action {
        PayoutAction::Run {
            dry_run,
            on,
            print,
            remote,
        } => {
            let new = NewPayouts {
                dry_run,
                execute_on: on,
            };
            let run = settings::party(&remote)?.propose_payouts(&new).await?;
            shown(print.json, &run, run_text)
        }
        PayoutAction::List { print, remote } => {
            let runs = settings::party(&remote)?.payout_runs().await?;
            shown(print.json, &runs, |runs| runs_text(runs))
        }
        PayoutAction::Mine { print, remote } => {
            let payouts = settings::party(&remote)?.my_payouts().await?;
            shown(print.json, &payouts, |payouts| mine_text(payouts))
        }
        PayoutAction::Show { run, print, remote } => {
            let run = settings::party(&remote)?.payout_run(run).await?;
            shown(print.json, &run, run_text)
        }
        PayoutAction::Approve {
            run,
            yes,
            print,
            remote,
        } => approve(run, yes, print.json, &remote).await,
        PayoutAction::File { run, out, remote } => {
            let file = settings::party(&remote)?.payout_file(run).await?;
            match out {
                Some(path) => std::fs::write(&path, file).map_err(Stop::file(&path)),
                None => print_text(&file),
            }
        }
        PayoutAction::Import {
            file,
            print,
            remote,
        } => {
            let bytes = std::fs::read(&file).map_err(Stop::file(&file))?;
            let read = settings::party(&remote)?.import_bank_file(bytes).await?;
            shown(print.json, &read, file_text)
        }
        PayoutAction::Reconcile { print, remote } => {
            let found = settings::party(&remote)?.reconciliation().await?;
            shown(print.json, &found, reconciliation_text)?;
            reconciled(&found)
        }
        PayoutAction::Hold {
            party,
            reason,
            remote,
        } => hold(&party, reason, &remote).await,
        PayoutAction::Release { party, remote } => {
            let hold = settings::party(&remote)?.release_payouts(&party).await?;
            print_text(&format!("The payouts of {} go on.\n", hold.party.handle))
        }
    }
}

async fn hold(party: &str, reason: String, remote: &super::args::Remote) -> Outcome {
    let client = settings::party(remote)?;
    let hold = client.hold_payouts(party, &NewHold { reason }).await?;
    print_text(&format!(
        "The payouts of {} are held: {}\n",
        hold.party.handle, hold.reason
    ))
}

fn shown<T: serde::Serialize>(json: bool, value: &T, text: impl Fn(&T) -> String) -> Outcome {
    if json {
        print_json(value)
    } else {
        print_text(&text(value))
    }
}

async fn approve(run: uuid::Uuid, yes: bool, json: bool, remote: &super::args::Remote) -> Outcome {
    let client = settings::party(remote)?;
    if !yes {
        let seen = client.payout_run(run).await?;
        print_text(&run_text(&seen))?;
        ask::confirm("Book these payouts and make the file for the bank?")?;
    }
    // A run is approved once, so its id is the name of the request.
    let done = client
        .approve_payouts(run, &format!("approve-{run}"))
        .await?;
    shown(json, &done, run_text)
}

fn run_text(run: &PayoutBatchView) -> String {
    let head = match (&run.id, run.state.as_str()) {
        (None, _) => "Dry run: nothing was kept.".to_owned(),
        (Some(id), "proposed") => format!(
            "Run {id}, proposed by {}: another operator books it with\n  granary payout approve {id}",
            run.proposed_by.handle
        ),
        (Some(id), state) => format!("Run {id}, {state}, proposed by {}", run.proposed_by.handle),
    };
    let mut text = format!("{head}\nThe bank is to pay on {}.\n", run.execute_on);
    if let (Some(by), Some(digest)) = (&run.approved_by, &run.file_sha256) {
        text.push_str(&format!(
            "Approved by {}; the file for the bank has the SHA-256 {digest}\n",
            by.handle
        ));
    }
    let (held, paid): (Vec<_>, Vec<_>) = run.lines.iter().partition(|line| line.state == "held");
    let mut table = Table::new(&["payee", ">gross", ">withheld", ">net", "to", "state"]);
    for line in &paid {
        table.row([
            line.party.handle.clone(),
            show(&line.gross),
            show(&line.withheld),
            show(&line.net),
            line.account.clone().unwrap_or_default(),
            line.state.clone(),
        ]);
    }
    for total in &run.totals {
        table.row([
            format!("together {}", total.payees),
            show(&total.gross),
            show(&total.withheld),
            show(&total.net),
            String::new(),
            String::new(),
        ]);
    }
    if paid.is_empty() {
        text.push_str("\nNobody is paid.\n");
    } else {
        text.push_str(&format!("\n{table}"));
    }
    if !held.is_empty() {
        let mut table = Table::new(&["held back", ">balance", "why"]);
        for line in held {
            table.row([
                line.party.handle.clone(),
                show(&line.balance),
                line.explanation.clone(),
            ]);
        }
        text.push_str(&format!("\n{table}"));
    }
    text
}

fn runs_text(runs: &[PayoutBatchView]) -> String {
    if runs.is_empty() {
        return "No payouts yet.\n".to_owned();
    }
    let mut table = Table::new(&[
        "run",
        "state",
        "to be paid on",
        ">payees",
        ">net",
        "proposed by",
        "approved by",
    ]);
    for run in runs {
        let handle = |party: &Option<PartyView>| {
            party
                .as_ref()
                .map_or_else(String::new, |party| party.handle.clone())
        };
        let net: Vec<String> = run.totals.iter().map(|total| show(&total.net)).collect();
        table.row([
            run.id.map_or_else(String::new, |id| id.to_string()),
            run.state.clone(),
            run.execute_on.to_string(),
            run.totals
                .iter()
                .map(|total| total.payees)
                .sum::<i64>()
                .to_string(),
            net.join(" + "),
            run.proposed_by.handle.clone(),
            handle(&run.approved_by),
        ]);
    }
    table.to_string()
}

fn mine_text(payouts: &[PayoutView]) -> String {
    if payouts.is_empty() {
        return "Nothing was paid to you yet.\n".to_owned();
    }
    let mut table = Table::new(&[
        "changed",
        ">gross",
        ">withheld",
        ">net",
        "to",
        "what became of it",
    ]);
    for line in payouts {
        table.row([
            line.changed_at.format("%Y-%m-%d").to_string(),
            show(&line.gross),
            show(&line.withheld),
            show(&line.net),
            line.account.clone().unwrap_or_default(),
            line.explanation.clone(),
        ]);
    }
    table.to_string()
}

fn file_text(file: &BankFileView) -> String {
    let mut text = format!("{} {}", file.kind, file.message);
    if file.repeated {
        text.push_str(": imported before, nothing was done again");
    }
    text.push('\n');
    for one in &file.statements {
        text.push_str(&format!(
            "Statement {}: {} on {}, {} on {}\n",
            one.name,
            show(&one.opening),
            one.opened_on,
            show(&one.closing),
            one.closed_on
        ));
    }
    let mut table = Table::new(&["booked", ">amount", "reference", "outcome", "what it means"]);
    for line in &file.lines {
        table.row([
            line.booked_on.clone(),
            line.amount.as_ref().map_or_else(String::new, show),
            line.reference.clone(),
            line.outcome.clone(),
            format!("{} {}", line.explanation, line.words)
                .trim()
                .to_owned(),
        ]);
    }
    if !table.is_empty() {
        text.push_str(&format!("\n{table}"));
    }
    text
}

fn reconciliation_text(found: &Reconciliation) -> String {
    let mut text = String::new();
    for one in &found.currencies {
        let mut facts = Table::pairs();
        facts.row([
            "in the books, Assets:Bank:main".to_owned(),
            show(&one.books),
        ]);
        match (&one.bank, one.bank_on) {
            (Some(bank), Some(on)) => {
                facts.row([format!("at the bank on {on}"), show(bank)]);
            }
            _ => {
                facts.row(["at the bank", "no statement imported yet"]);
            }
        }
        facts.row(["payouts under way".to_owned(), show(&one.in_transit)]);
        facts.row([
            "the same by the runs".to_owned(),
            show(&one.in_transit_of_runs),
        ]);
        text.push_str(&format!("{}\n{facts}", one.books.currency));
        let mut runs =
            Table::new(&["run", ">file", ">settled", ">returned", ">under way"]).indented(2);
        for run in &one.runs {
            runs.row([
                run.batch_id.to_string(),
                show(&run.file),
                show(&run.settled),
                show(&run.returned),
                show(&run.in_transit),
            ]);
        }
        if !runs.is_empty() {
            text.push_str(&runs.to_string());
        }
        for gap in &one.breaks {
            let words = format!(
                "{} {} {}: {}",
                show(&gap.amount),
                gap.on,
                gap.reference,
                gap.words
            );
            for (at, line) in folded(&words, 96).into_iter().enumerate() {
                text.push_str(if at == 0 { "  - " } else { "    " });
                text.push_str(&line);
                text.push('\n');
            }
        }
        text.push_str(&format!("  unexplained: {}\n\n", show(&one.unexplained)));
    }
    if text.is_empty() {
        text.push_str("Nothing was paid out and no bank statement imported yet.\n");
    }
    text
}

fn reconciled(found: &Reconciliation) -> Outcome {
    let wrong = found
        .currencies
        .iter()
        .find(|one| one.unexplained.minor != 0 || one.in_transit != one.in_transit_of_runs);
    match wrong {
        Some(one) => Err(Stop::new(
            Exit::Wrong,
            format!("books and bank of {} do not agree", one.books.currency),
        )),
        None => Ok(()),
    }
}

pub async fn operator(args: Operator) -> Outcome {
    match args.action {
        OperatorAction::List { print, remote } => {
            let all = settings::party(&remote)?.operators().await?;
            shown(print.json, &all, |all| operators_text(all))
        }
        OperatorAction::Add {
            party,
            reason,
            remote,
        } => {
            let new = NewOperator { party, reason };
            let made = settings::party(&remote)?.appoint_operator(&new).await?;
            print_text(&format!("{} runs this node now.\n", made.party.handle))
        }
        OperatorAction::Remove {
            party,
            reason,
            remote,
        } => {
            let client = settings::party(&remote)?;
            let gone = client
                .dismiss_operator(&party, &Dismissal { reason })
                .await?;
            print_text(&format!("{} runs this node no more.\n", gone.party.handle))
        }
    }
}

fn operators_text(all: &[OperatorView]) -> String {
    let mut table = Table::new(&["when", "who", "change", "by", "why"]);
    for one in all {
        let by = one.changed_by.as_ref().map_or("", |by| by.handle.as_str());
        table.row([
            one.created_at.format("%Y-%m-%d %H:%M").to_string().as_str(),
            &one.party.handle,
            if one.operator { "operator" } else { "no more" },
            by,
            &one.reason,
        ]);
    }
    table.to_string()
}
