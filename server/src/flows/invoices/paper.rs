//! An invoice on paper.

use schema::wire::{Amount, InvoiceParty, InvoiceView};

use crate::error::Fault;
use crate::flows::paper::{self, COLUMNS, Text, wrapped};

/// Where the buyer's half begins.
const HALF: usize = 47;

/// The PDF.
pub(super) fn invoice(view: &InvoiceView) -> Result<Vec<u8>, Fault> {
    let kind = match view.corrects {
        Some(_) => "Credit note",
        None => "Invoice",
    };
    let title = format!("{kind} {}", view.number);
    let mut text = Text::default();
    text.lines.push(title.clone());
    head(&mut text, view);
    parties(&mut text, view);
    text.section("What for");
    for line in &view.lines {
        text.say(&line.text);
    }
    sums(&mut text, view);
    if text.lines.iter().any(|line| paper::lacks(line)) {
        text.lines.push(String::new());
        text.say(
            "Some characters above are not in the font of this paper and stand as ?; the JSON of \
             the same invoice holds them.",
        );
    }
    paper::pdf(&title, &format!("{title} · {}", view.id), &text.lines)
}

fn head(text: &mut Text, view: &InvoiceView) {
    text.lines.push(String::new());
    let issued = view.issued_at.format("%-d %B %Y, %H:%M UTC").to_string();
    text.pair("Issued", &issued);
    if let Some(invoice) = &view.corrects {
        text.pair("Corrects invoice", &invoice.number);
    }
    text.pair("Order", &view.order_id.to_string());
    text.pair("Journal entry", &view.entry);
}

/// Seller and buyer beside each other.
fn parties(text: &mut Text, view: &InvoiceView) {
    let row = |left: &str, right: &str| {
        let left: String = left.chars().take(HALF - 2).collect();
        format!("{left:<HALF$}{right}")
    };
    text.lines.push(String::new());
    text.lines.push(row("Seller", "Buyer"));
    text.lines.push("─".repeat(COLUMNS));
    let (seller, buyer) = (block(&view.seller), block(&view.buyer));
    for n in 0..seller.len().max(buyer.len()) {
        let at = |block: &[String]| block.get(n).cloned().unwrap_or_default();
        text.lines.push(row(&at(&seller), &at(&buyer)));
    }
}

/// Lines no longer than half the paper.
fn block(party: &InvoiceParty) -> Vec<String> {
    let mut lines = vec![party.name.clone()];
    lines.extend(party.address.lines().map(str::to_owned));
    if !party.jurisdiction.is_empty() {
        lines.push(format!("Taxed in {}", party.jurisdiction));
    }
    if let Some(id) = &party.tax_id {
        lines.push(format!("Tax id {id}"));
    }
    let broken = lines.iter().flat_map(|line| wrapped(line, HALF - 2));
    broken.collect()
}

fn sums(text: &mut Text, view: &InvoiceView) {
    text.section(match view.corrects {
        Some(_) => "Given back",
        None => "Paid",
    });
    text.pair("Net", &money(&view.net));
    let place = match view.jurisdiction.as_str() {
        ledger::tax::DEFAULT => String::new(),
        place => format!(", owed in {place}"),
    };
    let rate = match view.reverse_charge {
        true => format!("{}, reverse charge", view.tax_name),
        false => {
            let rate = percentage(view.tax_bps);
            format!("{}, {rate} %{place}", view.tax_name)
        }
    };
    text.pair(&rate, &money(&view.tax));
    text.pair("Gross", &money(&view.gross));
    if let Some(note) = &view.note {
        text.lines.push(String::new());
        text.say(note);
    }
}

/// `19`, `5.5`: of basis points.
#[must_use]
pub fn percentage(bps: i32) -> String {
    let text = format!("{}.{:02}", bps / 100, bps % 100);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn money(amount: &Amount) -> String {
    match amount.currency.parse() {
        Ok(currency) => ledger::money::Money::new(amount.minor, currency).to_string(),
        Err(_) => format!("{} minor units of {}", amount.minor, amount.currency),
    }
}

#[cfg(test)]
mod tests {
    use super::percentage;

    #[test]
    fn rates_read_as_people_write_them() {
        for (bps, text) in [
            (0, "0"),
            (1_900, "19"),
            (550, "5.5"),
            (725, "7.25"),
            (10_000, "100"),
        ] {
            assert_eq!(percentage(bps), text);
        }
    }
}
