//! statement.

use std::path::Path;

use ledger::statement::{self, PayoutKind, Statement as Document};
use schema::wire::StatementView;

use super::amount::{number, show};
use super::args::{Statement, StatementAction, StatementFormat};
use super::stop::{Exit, Outcome, Stop};
use super::table::{Table, grade, grouped, share};
use super::{block_on, consume, print_json, print_text, settings};

pub fn statement(args: Statement) -> Outcome {
    match args.action {
        StatementAction::Verify { file, node_key } => verify(&file, &node_key.key),
        StatementAction::List { print, remote } => block_on(async {
            let list = settings::party(&remote)?.statements().await?;
            if print.json {
                print_json(&list)
            } else {
                print_text(&statements(&list))
            }
        }),
        StatementAction::Show {
            id,
            format,
            out,
            print,
            remote,
        } => block_on(async {
            let client = settings::party(&remote)?;
            let out = out.as_deref();
            match ending(format) {
                Some(ending) => keep(&client.statement_file(id, ending).await?, ending, out),
                None => {
                    let file = client.statement_document(id).await?;
                    document(&file, print.json || format == StatementFormat::Json, out)
                }
            }
        }),
    }
}

/// The name of a format that the node renders.
fn ending(format: StatementFormat) -> Option<&'static str> {
    match format {
        StatementFormat::Text | StatementFormat::Json => None,
        StatementFormat::Csv => Some("csv"),
        StatementFormat::Parquet => Some("parquet"),
        StatementFormat::Hledger => Some("hledger"),
        StatementFormat::Beancount => Some("beancount"),
        StatementFormat::Pdf => Some("pdf"),
    }
}

/// Saves or prints a rendered statement; what is no text is only saved.
fn keep(bytes: &[u8], ending: &str, out: Option<&Path>) -> Outcome {
    if let Some(path) = out {
        return std::fs::write(path, bytes).map_err(Stop::file(path));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if !matches!(ending, "pdf" | "parquet") => print_text(text),
        _ => {
            let words = format!("{ending} is no text: name a file with --out");
            Err(Stop::new(Exit::Usage, words))
        }
    }
}

fn document(file: &str, json: bool, out: Option<&Path>) -> Outcome {
    if let Some(path) = out {
        std::fs::write(path, file).map_err(Stop::file(path))?;
    }
    if json {
        return print_text(&format!("{}\n", file.trim_end()));
    }
    let document = Document::read(file.trim_end().as_bytes())
        .map_err(|error| Stop::new(Exit::Wrong, error.to_string()))?;
    print_text(&render(&document))
}

fn statements(list: &[StatementView]) -> String {
    if list.is_empty() {
        return "No statements yet.\n".to_owned();
    }
    let mut table = Table::new(&["period", ">no", ">opening", ">earned", ">closing", "id"]);
    for one in list {
        table.row([
            one.period.clone(),
            one.number.to_string(),
            show(&one.opening),
            show(&one.earned),
            show(&one.closing),
            one.id.to_string(),
        ]);
    }
    table.to_string()
}

/// A statement for people; every figure is the document's own.
#[must_use]
pub fn render(document: &Document) -> String {
    let (head, bridge) = (&document.head, &document.bridge);
    let currency = head.currency.code();
    let mut text = format!(
        "Statement of {} for {}, number {}\n{}\n\n",
        head.payee_name, head.period, head.number, document.answer
    );
    let mut sums = Table::new(&["balance", &format!(">{currency}")]).indented(2);
    for (name, minor, always) in [
        ("opening", bridge.opening, true),
        ("earned", bridge.earned, true),
        ("released from reserve", bridge.released, false),
        ("held in reserve", bridge.held, false),
        ("drawn from reserve", bridge.drawn, false),
        ("paid out", bridge.paid, false),
        ("closing", bridge.closing, true),
    ] {
        if always || minor != 0 {
            sums.row([name.to_owned(), number(minor, currency)]);
        }
    }
    text.push_str(&format!("{sums}\n{}{}", lines(document), payouts(document)));
    text
}

fn payouts(document: &Document) -> String {
    let currency = document.head.currency.code();
    let mut table = Table::new(&["payout", ">gross", ">withheld", ">net", "reference"]).indented(2);
    for one in &document.payouts {
        let kind = match one.kind {
            PayoutKind::Paid => "paid",
            PayoutKind::Returned => "came back",
        };
        table.row([
            kind.to_owned(),
            number(one.gross, currency),
            number(one.withheld, currency),
            number(one.net, currency),
            one.payout.simple().to_string(),
        ]);
    }
    if table.is_empty() {
        String::new()
    } else {
        format!("\n{table}")
    }
}

fn lines(document: &Document) -> String {
    let currency = document.head.currency.code();
    let heads = [
        "dataset", ">rev", ">sales", ">rows", ">grade", ">pool", ">share", ">amount",
    ];
    let mut table = Table::new(&heads).indented(2);
    for line in &document.lines {
        table.row([
            line.dataset_title.clone(),
            line.revision_number.to_string(),
            line.sales.to_string(),
            grouped(i64::try_from(line.rows).unwrap_or(i64::MAX)),
            grade(line.quality.map(i32::from), None),
            number(line.pool_delta, currency),
            share(line.share_ppt),
            number(line.amount, currency),
        ]);
    }
    let mut text = if table.is_empty() {
        String::new()
    } else {
        table.to_string()
    };
    for (line, part) in document
        .lines
        .iter()
        .filter_map(|line| Some((line, line.subscriptions?)))
    {
        text.push_str(&format!(
            "  Subscriptions of {} revision {}: {} for {} rows taken on {} days, {} for {} days without use\n",
            line.dataset_title,
            line.revision_number,
            number(part.by_use, currency),
            part.used_rows,
            part.used_days,
            number(part.by_list_price, currency),
            part.unused_days
        ));
    }
    for line in &document.commissions {
        text.push_str(&format!(
            "  Owner's commission on {}: {}\n",
            line.dataset_title,
            number(line.amount, currency)
        ));
    }
    text
}

fn verify(file: &Path, key: &str) -> Outcome {
    let key = consume::node_key(key)?;
    let bytes = std::fs::read(file).map_err(Stop::file(file))?;
    let sound = statement::verify(&bytes, key.as_bytes())
        .map_err(|error| Stop::new(Exit::Wrong, format!("{}: {error}", file.display())))?;
    print_text(&format!(
        "Genuine and correct: the signature and every figure were recomputed.\n\
         Period {}: opening {}, earned {}, paid {}, closing {}\n\
         {} lines, {} journal entries shown in the log of {} that the node has signed. {}\n",
        sound.period,
        sound.opening,
        sound.earned,
        sound.paid,
        sound.closing,
        sound.lines,
        sound.entries,
        sound.log_size,
        sound.answer
    ))
}
