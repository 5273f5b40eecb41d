//! Sales tax of a period, by jurisdiction, currency and rate.

use std::collections::BTreeMap;

use ledger::period::Period;
use schema::wire::{TaxAccountLine, TaxReport, TaxReportLine};

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::journal::command::amount;
use crate::store::taxes::{self as store, Moved, TaxSum};

/// Where the accounts of sales tax stand.
const ACCOUNTS: &str = "Liabilities:Tax:Sales:";

/// Jurisdiction, currency, rate, reverse charge.
type Row = (String, String, Option<i32>, bool);
/// How many, net, tax.
type Cell = (i64, i64, i64);

/// What was taken and given back in a period; the running month when none is named. Operators
/// only.
///
/// # Errors
/// `not_found` for others, `invalid` for a period.
pub async fn run(ctx: &Ctx, who: &Actor, period: Option<&str>) -> Result<TaxReport, Fault> {
    rights::node(who).audit()?;
    let period: Period = match period {
        Some(name) => name
            .parse()
            .map_err(|error| Fault::invalid("period", format!("{error}.")))?,
        None => Period::of(ctx.now()),
    };
    let name = period.to_string();
    let of = name.clone();
    let (sold, back, moved) = ctx
        .read(move |db| {
            db.snapshot(|db| {
                let back = store::given_back(db, &of)?;
                Ok((store::sold(db, &of)?, back, store::moved(db, &of)?))
            })
        })
        .await?;
    let lines = lines(sold, back);
    let accounts = accounts(&moved, &lines);
    Ok(TaxReport {
        period: name,
        lines,
        accounts,
    })
}

fn lines(sold: Vec<TaxSum>, back: Vec<TaxSum>) -> Vec<TaxReportLine> {
    let mut rows: BTreeMap<Row, [Cell; 2]> = BTreeMap::new();
    for (side, sums) in [sold, back].into_iter().enumerate() {
        for sum in sums {
            let reversed = sum.reverse_charge.unwrap_or(false);
            let row = (sum.jurisdiction, sum.currency, sum.bps, reversed);
            if let Some(cell) = rows.entry(row).or_default().get_mut(side) {
                *cell = (sum.count, sum.net, sum.tax);
            }
        }
    }
    let line = |(row, cells): (Row, [Cell; 2])| {
        let (jurisdiction, currency, bps, reverse_charge) = row;
        let [(sales, net, collected), (refunds, net_refunded, refunded)] = cells;
        TaxReportLine {
            jurisdiction,
            bps,
            reverse_charge,
            sales,
            net: amount(net, &currency),
            collected: amount(collected, &currency),
            refunds,
            net_refunded: amount(net_refunded, &currency),
            refunded: amount(refunded, &currency),
            owed: amount(collected.saturating_sub(refunded), &currency),
        }
    };
    rows.into_iter().map(line).collect()
}

/// What the accounts moved by, and how much of it the lines do not explain.
fn accounts(moved: &[Moved], lines: &[TaxReportLine]) -> Vec<TaxAccountLine> {
    let line = |of: &Moved| {
        let jurisdiction = of.account.strip_prefix(ACCOUNTS).unwrap_or(&of.account);
        let explained: i64 = lines
            .iter()
            .filter(|line| line.jurisdiction == jurisdiction && line.owed.currency == of.book)
            .map(|line| line.owed.minor)
            .sum();
        let owed = of.minor.saturating_neg();
        TaxAccountLine {
            jurisdiction: jurisdiction.to_owned(),
            moved: amount(owed, &of.book),
            other: amount(owed.saturating_sub(explained), &of.book),
        }
    };
    moved.iter().map(line).collect()
}

/// The lines as CSV (RFC 4180), amounts in minor units.
#[must_use]
pub fn csv(report: &TaxReport) -> String {
    let mut text = String::from(
        "period,jurisdiction,currency,rate_bps,reverse_charge,sales,net,collected,refunds,\
         net_refunded,refunded,owed\r\n",
    );
    for line in &report.lines {
        let bps = line.bps.map(|bps| bps.to_string()).unwrap_or_default();
        // Codes and figures only: nothing has to be quoted.
        let cells = [
            report.period.clone(),
            line.jurisdiction.clone(),
            line.owed.currency.clone(),
            bps,
            line.reverse_charge.to_string(),
            line.sales.to_string(),
            line.net.minor.to_string(),
            line.collected.minor.to_string(),
            line.refunds.to_string(),
            line.net_refunded.minor.to_string(),
            line.refunded.minor.to_string(),
            line.owed.minor.to_string(),
        ];
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    text
}
