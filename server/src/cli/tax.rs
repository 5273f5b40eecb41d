//! billing, invoice, tax.

use std::path::Path;

use chrono::{DateTime, Utc};
use schema::wire::*;

use super::amount::show;
use super::args::{Billing, BillingAction, Invoice, InvoiceAction, Tax, TaxAction};
use super::stop::{Outcome, Stop};
use super::table::Table;
use super::{print_json, print_text, settings};
use crate::flows::invoices::percentage;

pub async fn billing(args: Billing) -> Outcome {
    let (view, print) = match args.action {
        BillingAction::Set {
            name,
            address,
            jurisdiction,
            tax_id,
            print,
            remote,
        } => {
            let new = NewBilling {
                name,
                address: address.replace("\\n", "\n"),
                jurisdiction,
                tax_id,
            };
            (settings::party(&remote)?.set_billing(&new).await?, print)
        }
        BillingAction::Show { print, remote } => {
            (settings::party(&remote)?.billing().await?, print)
        }
    };
    if print.json {
        return print_json(&view);
    }
    let mut table = Table::pairs();
    table.row(["name", &view.name]);
    for line in view.address.lines() {
        table.row(["", line]);
    }
    table.row(["taxed in", &view.jurisdiction]);
    table.row(["tax id", view.tax_id.as_deref().unwrap_or("none")]);
    print_text(&table.to_string())
}

pub async fn invoice(args: Invoice) -> Outcome {
    match args.action {
        InvoiceAction::List { all, print, remote } => {
            let client = settings::party(&remote)?;
            let list = match all {
                true => client.all_invoices().await?,
                false => client.invoices().await?,
            };
            if print.json {
                print_json(&list)
            } else {
                print_text(&invoices(&list))
            }
        }
        InvoiceAction::Show {
            invoice,
            pdf,
            print,
            remote,
        } => {
            let client = settings::party(&remote)?;
            if let Some(path) = pdf {
                return kept(&path, client.invoice_pdf(invoice).await?);
            }
            let view = client.invoice(invoice).await?;
            if print.json {
                print_json(&view)
            } else {
                print_text(&one(&view))
            }
        }
    }
}

fn kept(path: &Path, bytes: Vec<u8>) -> Outcome {
    std::fs::write(path, bytes).map_err(Stop::file(path))?;
    print_text(&format!("Written to {}.\n", path.display()))
}

fn invoices(list: &[InvoiceView]) -> String {
    if list.is_empty() {
        return "No invoices yet.\n".to_owned();
    }
    let heads = [
        "number", "issued", "kind", "buyer", ">net", ">tax", ">gross", "id",
    ];
    let mut table = Table::new(&heads);
    for one in list {
        table.row([
            one.number.clone(),
            one.issued_at.date_naive().to_string(),
            kind(one),
            one.buyer.name.clone(),
            show(&one.net),
            show(&one.tax),
            show(&one.gross),
            one.id.to_string(),
        ]);
    }
    table.to_string()
}

fn kind(view: &InvoiceView) -> String {
    match &view.corrects {
        Some(invoice) => format!("credit note to {}", invoice.number),
        None => "invoice".to_owned(),
    }
}

fn one(view: &InvoiceView) -> String {
    let mut table = Table::pairs();
    table.row(["number".to_owned(), view.number.clone()]);
    table.row(["kind".to_owned(), kind(view)]);
    table.row(["issued".to_owned(), minute(&view.issued_at)]);
    for (name, party) in [("seller", &view.seller), ("buyer", &view.buyer)] {
        table.row([name, &party.name]);
        for line in party.address.lines() {
            table.row(["", line]);
        }
        if let Some(id) = &party.tax_id {
            table.row([String::new(), format!("tax id {id}")]);
        }
    }
    for line in &view.lines {
        table.row(["for", &line.text]);
    }
    table.row(["net".to_owned(), show(&view.net)]);
    let tax = match view.reverse_charge {
        true => format!("{}, reverse charge", view.tax_name),
        false => format!("{}, {}", view.tax_name, rate(Some(view.tax_bps))),
    };
    table.row([tax, show(&view.tax)]);
    table.row(["gross".to_owned(), show(&view.gross)]);
    if let Some(note) = &view.note {
        table.row(["note", note]);
    }
    table.row(["order".to_owned(), view.order_id.to_string()]);
    table.row(["journal entry", &view.entry]);
    table.to_string()
}

fn minute(at: &DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

fn rate(bps: Option<i32>) -> String {
    bps.map_or_else(
        || "unknown".to_owned(),
        |bps| format!("{} %", percentage(bps)),
    )
}

pub async fn tax(args: Tax) -> Outcome {
    match args.action {
        TaxAction::Rates { print, remote } => {
            let list = settings::party(&remote)?.tax_rates().await?;
            if print.json {
                print_json(&list)
            } else {
                print_text(&rates(&list))
            }
        }
        TaxAction::Set {
            jurisdiction,
            name,
            bps,
            reverse_charge,
            from,
            until,
            print,
            remote,
        } => {
            let new = NewTaxRate {
                jurisdiction,
                name,
                bps,
                reverse_charge,
                valid_from: from,
                valid_until: until,
            };
            let made = settings::party(&remote)?.set_tax_rate(&new).await?;
            if print.json {
                print_json(&made)
            } else {
                print_text(&rates(&[made]))
            }
        }
        TaxAction::Report {
            period,
            csv,
            print,
            remote,
        } => {
            let client = settings::party(&remote)?;
            if csv {
                return print_text(&client.tax_csv(period.as_deref()).await?);
            }
            let report = client.tax_report(period.as_deref()).await?;
            if print.json {
                print_json(&report)
            } else {
                print_text(&report_text(&report))
            }
        }
    }
}

fn rates(list: &[TaxRateView]) -> String {
    if list.is_empty() {
        return "No rates: the node's own --tax-bps applies to everybody.\n".to_owned();
    }
    let heads = [
        "jurisdiction",
        "name",
        ">rate",
        "reverse charge",
        "from",
        "until",
        "state",
    ];
    let mut table = Table::new(&heads);
    for one in list {
        let until = one.valid_until.as_ref().map(minute);
        table.row([
            one.jurisdiction.clone(),
            one.name.clone(),
            rate(Some(one.bps)),
            if one.reverse_charge { "yes" } else { "no" }.to_owned(),
            minute(&one.valid_from),
            until.unwrap_or_else(|| "open".to_owned()),
            one.state.replace('_', " "),
        ]);
    }
    table.to_string()
}

fn report_text(report: &TaxReport) -> String {
    if report.lines.is_empty() && report.accounts.is_empty() {
        return format!("Nothing was sold or given back in {}.\n", report.period);
    }
    let heads = [
        "jurisdiction",
        ">rate",
        ">sales",
        ">net",
        ">collected",
        ">refunds",
        ">net back",
        ">tax back",
        ">owed",
    ];
    let mut table = Table::new(&heads);
    for line in &report.lines {
        let rate = match line.reverse_charge {
            true => "reversed".to_owned(),
            false => rate(line.bps),
        };
        table.row([
            line.jurisdiction.clone(),
            rate,
            line.sales.to_string(),
            show(&line.net),
            show(&line.collected),
            line.refunds.to_string(),
            show(&line.net_refunded),
            show(&line.refunded),
            show(&line.owed),
        ]);
    }
    let mut text = format!("Sales tax of {}\n{table}", report.period);
    for account in report.accounts.iter().filter(|one| one.other.minor != 0) {
        text.push_str(&format!(
            "The account of {} moved by {}; {} of it are corrections or other entries.\n",
            account.jurisdiction,
            show(&account.moved),
            show(&account.other)
        ));
    }
    text
}
