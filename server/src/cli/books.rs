//! dispute, adjust, period.

use schema::wire::{
    AdjustmentLine, AdjustmentView, DisputeView, NewAdjustment, NewDispute, PeriodView,
};

use super::amount::show;
use super::args::{Adjust, AdjustAction, Decided, Dispute, DisputeAction, Period, PeriodAction};
use super::stop::{Exit, Outcome, Stop};
use super::table::Table;
use super::{ask, print_json, print_text, settings};

pub async fn dispute(args: Dispute) -> Outcome {
    match args.action {
        DisputeAction::Open {
            order,
            amount,
            reason,
            once,
            print,
            remote,
        } => {
            let new = NewDispute {
                order_id: order,
                amount: amount.amount(),
                reason,
            };
            let client = settings::party(&remote)?;
            let key = ask::once(once.as_deref());
            one(&client.open_dispute(&key, &new).await?, print.json)
        }
        DisputeAction::Won(args) => decide(&args, true).await,
        DisputeAction::Lost(args) => decide(&args, false).await,
        DisputeAction::List { print, remote } => {
            let all = settings::party(&remote)?.disputes().await?;
            if print.json {
                return print_json(&all);
            }
            let mut table = Table::new(&["dispute", "state", ">amount", ">above", "reason"]);
            for row in &all {
                table.row([
                    row.id.to_string(),
                    row.state.clone(),
                    show(&row.amount),
                    show(&row.above),
                    row.reason.clone(),
                ]);
            }
            print_text(&table.to_string())
        }
    }
}

async fn decide(args: &Decided, won: bool) -> Outcome {
    let client = settings::party(&args.remote)?;
    // A verdict is given once, however often it is typed.
    let key = format!("verdict-{}", args.dispute);
    one(
        &client.decide_dispute(args.dispute, &key, won).await?,
        args.print.json,
    )
}

fn one(dispute: &DisputeView, json: bool) -> Outcome {
    if json {
        return print_json(dispute);
    }
    let mut table = Table::pairs();
    table.row(["dispute".to_owned(), dispute.id.to_string()]);
    table.row(["state", &dispute.state]);
    table.row(["taken back".to_owned(), show(&dispute.amount)]);
    table.row(["  above the payment".to_owned(), show(&dispute.above)]);
    print_text(&table.to_string())
}

pub async fn adjust(args: Adjust) -> Outcome {
    match args.action {
        AdjustAction::Propose {
            currency,
            lines,
            corrects,
            reason,
            print,
            remote,
        } => {
            let lines = lines.iter().map(|text| line(text));
            let new = NewAdjustment {
                currency,
                lines: lines.collect::<Outcome<_>>()?,
                reason,
                corrects,
            };
            let made = settings::party(&remote)?.propose_adjustment(&new).await?;
            correction(&made, print.json)
        }
        AdjustAction::Approve {
            adjustment,
            print,
            remote,
        } => {
            let client = settings::party(&remote)?;
            let key = format!("approval-{adjustment}");
            let made = client.approve_adjustment(adjustment, &key).await?;
            correction(&made, print.json)
        }
        AdjustAction::List { print, remote } => {
            let all = settings::party(&remote)?.adjustments().await?;
            if print.json {
                return print_json(&all);
            }
            let mut table = Table::new(&["adjustment", "corrects", "entry", "reason"]);
            for row in &all {
                table.row([
                    row.id.to_string(),
                    row.corrects.clone(),
                    row.entry.clone(),
                    row.reason.clone(),
                ]);
            }
            print_text(&table.to_string())
        }
    }
}

fn line(text: &str) -> Outcome<AdjustmentLine> {
    let parsed = text
        .rsplit_once('=')
        .and_then(|(account, minor)| Some((account.to_owned(), minor.parse().ok()?)));
    let (account, minor) = parsed.ok_or_else(|| {
        Stop::new(
            Exit::Usage,
            format!("{text:?} is no line: write ACCOUNT=MINOR, like Income:PlatformFee=199"),
        )
    })?;
    Ok(AdjustmentLine { account, minor })
}

fn correction(made: &AdjustmentView, json: bool) -> Outcome {
    if json {
        return print_json(made);
    }
    let mut table = Table::pairs();
    table.row(["adjustment".to_owned(), made.id.to_string()]);
    table.row(["corrects", &made.corrects]);
    match made.entry.as_str() {
        "" => table.row(["state", "proposed: another operator must approve it"]),
        entry => table.row(["journal entry", entry]),
    };
    for line in &made.lines {
        table.row([line.account.clone(), line.minor.to_string()]);
    }
    print_text(&table.to_string())
}

pub async fn period(args: Period) -> Outcome {
    match args.action {
        PeriodAction::Close {
            period,
            yes,
            print,
            remote,
        } => {
            let client = settings::party(&remote)?;
            if !yes {
                ask::confirm(&format!(
                    "Close {period} and every month before it? No entry can be booked there any more."
                ))?;
            }
            let key = format!("close-{period}");
            let closed = client.close_period(&period, &key).await?;
            if print.json {
                print_json(&closed)
            } else {
                print_text(&format!("{} is closed.\n", closed.name))
            }
        }
        PeriodAction::List { print, remote } => {
            let all = settings::party(&remote)?.periods().await?;
            if print.json {
                print_json(&all)
            } else {
                print_text(&periods(&all))
            }
        }
    }
}

fn periods(all: &[PeriodView]) -> String {
    let mut table = Table::new(&["period", "opened", "closed"]);
    for row in all {
        table.row([
            row.name.clone(),
            row.opened_at.date_naive().to_string(),
            row.closed_at
                .map_or_else(|| "open".to_owned(), |at| at.date_naive().to_string()),
        ]);
    }
    table.to_string()
}
