//! How values read on a page: amounts, counts, times, shares, digests, states.

use chrono::{DateTime, SecondsFormat, Utc};
use ledger::money::Money;
use schema::wire::{Admission, Amount, ContributionState, InvoiceView, OfferView};

use crate::error::Fault;
use crate::flows::invoices::percentage;

/// `1,234.56 EUR`: minor units with the currency's own decimals.
pub fn money(amount: &Amount) -> String {
    match amount.currency.parse() {
        Ok(currency) => {
            let decimal = Money::new(amount.minor, currency).decimal();
            format!("{} {}", grouped(&decimal), amount.currency)
        }
        // A currency this version does not know: the integer is all that can be said truthfully.
        Err(_) => format!("{} minor units of {}", amount.minor, amount.currency),
    }
}

/// An amount that goes back: with the minus sign.
pub fn negative(amount: &Amount) -> String {
    money(&Amount {
        minor: amount.minor.saturating_neg(),
        ..amount.clone()
    })
}

/// An amount in a currency, for figures that travel as bare minor units.
pub fn minor(minor: &i64, currency: &str) -> String {
    money(&Amount {
        minor: *minor,
        currency: currency.to_owned(),
    })
}

/// Reads the amount a person typed; `field` names the input to mend.
pub fn typed_amount(field: &str, number: &str, currency: &str) -> Result<Amount, Fault> {
    let text = format!("{} {}", number.trim(), currency.trim().to_uppercase());
    let money: Money = text
        .parse()
        .map_err(|e| Fault::invalid(field, format!("{e}.")))?;
    Ok(Amount {
        minor: money.minor,
        currency: money.currency.code().to_owned(),
    })
}

/// Digits in groups of three; sign and decimals stay.
fn grouped(decimal: &str) -> String {
    let (sign, digits) = decimal
        .strip_prefix('-')
        .map_or(("", decimal), |rest| ("−", rest));
    let (whole, part) = digits
        .split_once('.')
        .map_or((digits, None), |(w, p)| (w, Some(p)));
    let mut out = String::from(sign);
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(part) = part {
        out.push('.');
        out.push_str(part);
    }
    out
}

/// `98.20 %` of parts per million; cut, not rounded.
pub fn percent(ppm: &u64) -> String {
    format!("{}.{:02} %", ppm / 10_000, ppm % 10_000 / 100)
}

/// Points out of a hundred, from hundredths.
pub fn points(hundredths: &u32) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// A count, in groups of three.
pub fn count(n: &i64) -> String {
    grouped(&n.to_string())
}

/// A count that may not be known yet.
pub fn maybe_count(n: &Option<i64>) -> String {
    n.as_ref().map_or_else(|| "–".to_owned(), count)
}

/// `19 %`, `5.5 %`: of basis points.
pub fn rate(bps: &i32) -> String {
    format!("{} %", percentage(*bps))
}

/// The tax of an invoice: its name with its rate, or that the buyer owes it.
pub fn taxed(invoice: &InvoiceView) -> String {
    match invoice.reverse_charge {
        true => format!("{}, reverse charge", invoice.tax_name),
        false => format!("{}, {}", invoice.tax_name, rate(&invoice.tax_bps)),
    }
}

/// How a rate of the table is marked.
pub fn rate_look(state: &str) -> &'static str {
    match state {
        "in_force" => "good",
        "coming" => "wait",
        _ => "plain",
    }
}

/// `1 row`, `2,000 rows`.
pub fn rows(n: &i64) -> String {
    format!("{} {}", count(n), if *n == 1 { "row" } else { "rows" })
}

/// `1 sale`, `2,000 sales`.
pub fn some(n: &u64, what: &str) -> String {
    let count = count(&i64::try_from(*n).unwrap_or(i64::MAX));
    if *n == 1 {
        format!("{count} {what}")
    } else {
        format!("{count} {what}s")
    }
}

/// A journal entry as it is cited: currency of the book and number.
pub fn entry(book: &str, seq: &u64) -> String {
    format!("{}/{seq}", book.rsplit('/').next().unwrap_or(book))
}

/// How far a clause reaches, and what that means.
pub const STRENGTHS: [(&str, &str); 3] = [
    ("enforced", "the node blocks the rest"),
    ("traceable", "a breach can be traced"),
    ("promised", "you undertake it"),
];

/// A size in bytes, kB, MB or GB, to three figures.
pub fn bytes(n: &i64) -> String {
    let scaled = |unit: i64, name: &str| {
        let tenths = n.saturating_mul(10) / unit;
        format!(
            "{}.{} {name}",
            count(&(tenths / 10)),
            tenths.unsigned_abs() % 10
        )
    };
    match *n {
        ..1_000 => format!("{n} bytes"),
        1_000..1_000_000 => scaled(1_000, "kB"),
        1_000_000..1_000_000_000 => scaled(1_000_000, "MB"),
        _ => scaled(1_000_000_000, "GB"),
    }
}

/// The same for sizes that cannot be negative.
pub fn size(n: &u64) -> String {
    bytes(&i64::try_from(*n).unwrap_or(i64::MAX))
}

/// Name of a sealed file once it is opened.
pub fn opened(sealed: &str) -> &str {
    sealed.strip_suffix(".age").unwrap_or("opened.parquet")
}

/// `24 Nov 2026`.
pub fn day(at: &DateTime<Utc>) -> String {
    at.format("%-d %b %Y").to_string()
}

/// `24 Nov 2026, 03:07 UTC`.
pub fn moment(at: &DateTime<Utc>) -> String {
    at.format("%-d %b %Y, %H:%M UTC").to_string()
}

/// A moment that may not have come yet.
pub fn maybe_moment(at: &Option<DateTime<Utc>>) -> String {
    at.as_ref().map_or_else(|| "–".to_owned(), moment)
}

/// RFC 3339, for `datetime` attributes.
pub fn iso(at: &DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Parts in 10^12 as a percentage with four decimals, rounded down: `61.5384 %`.
pub fn share(ppt: &i64) -> String {
    let millionths = ppt / 1_000_000;
    format!("{}.{:04} %", millionths / 10_000, millionths % 10_000)
}

/// A price: `free` when nothing is asked.
pub fn price(price: &Amount) -> String {
    if price.minor == 0 {
        "free".to_owned()
    } else {
        money(price)
    }
}

/// The lowest price among live offers.
pub fn from_price(offers: &[OfferView]) -> Option<String> {
    let live = offers.iter().filter(|o| o.state == "live");
    live.min_by_key(|o| o.price.minor).map(|o| price(&o.price))
}

/// Basis points as a percentage: `10 %`, `2.5 %`.
pub fn bps(bps: &u16) -> String {
    let text = format!("{}.{:02}", bps / 100, bps % 100);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// Q in hundredths as people read it: `93.20`.
pub fn score(hundredths: &i32) -> String {
    format!(
        "{}.{:02}",
        hundredths / 100,
        hundredths.unsigned_abs() % 100
    )
}

/// Letter and score, once both are known.
pub fn graded(letter: &Option<String>, hundredths: &Option<i32>) -> Option<(String, String)> {
    Some((letter.clone()?, score(hundredths.as_ref()?)))
}

/// The same where it travels unsigned.
pub fn quality(hundredths: &u16) -> String {
    score(&i32::from(*hundredths))
}

/// The first characters of a digest or identifier.
pub fn short(text: &str) -> String {
    match text.char_indices().nth(12) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The last characters of an identifier: those that differ between neighbours in time.
pub fn tail(id: &uuid::Uuid) -> String {
    let text = id.simple().to_string();
    format!("…{}", &text[text.len() - 8..])
}

/// `purchase` → `Purchase`, `top_up` → `Top up`.
pub fn title(code: &str) -> String {
    let spaced = code.replace(['_', '-'], " ");
    let mut chars = spaced.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + chars.as_str()
    })
}

/// Who may contribute, as a sentence.
pub fn admission(admission: &Admission) -> &'static str {
    match admission {
        Admission::Owner => "The owner alone contributes",
        Admission::Invited => "Invited parties contribute",
        Admission::Open => "Open: anybody may contribute",
    }
}

/// Name and look of a contribution's state.
pub fn contribution(state: &ContributionState) -> (&'static str, &'static str) {
    match state {
        ContributionState::Awaiting => ("Awaiting upload", "wait"),
        ContributionState::Received => ("Being checked", "wait"),
        ContributionState::Accepted => ("Accepted", "good"),
        ContributionState::Rejected => ("Refused", "bad"),
        ContributionState::Withdrawn => ("Withdrawn", "plain"),
    }
}

/// Look of the state words of licences, revisions, offers and datasets.
pub fn look(state: &str) -> &'static str {
    match state {
        "active" | "published" | "live" | "open" | "settled" | "approved" => "good",
        "composing" | "upcoming" | "proposed" | "in_transit" => "wait",
        "revoked" | "failed" | "returned" => "bad",
        _ => "plain",
    }
}

/// The look of a dispute's state.
pub fn dispute_look(state: &str) -> &'static str {
    match state {
        "won" => "good",
        "lost" => "bad",
        _ => "wait",
    }
}

/// What a dispute's state means for the money.
pub fn dispute_means(state: &str) -> &'static str {
    match state {
        "won" => "The payment came back in full.",
        "lost" => "The payment is gone.",
        _ => "The amount is held until the bank has decided.",
    }
}

/// The sentence for a thing just done, by the fixed word that the redirect carries.
pub fn done(code: &str) -> Option<&'static str> {
    Some(match code {
        "signed-out" => "You are signed out.",
        "account" => "Your account is ready. Sign in with the password you chose.",
        "password" => {
            "Your new password is set. Sign in with it; sessions opened before have ended."
        }
        "dataset" => "The dataset stands. Next: upload a first file with the command below.",
        "saved" => "Saved.",
        "plan" => "It is on sale: on this page, and on the pages of its datasets.",
        "plan-retired" => {
            "Retired. Nobody subscribes any more; terms that are paid go on to their end."
        }
        "subscribed" => "Subscribed. The first term is paid and its licences are in force.",
        "cancelled" => "Cancelled. Nothing more is charged; what is paid goes on to its end.",
        "resumed" => "It goes on: the next term is charged when this one ends.",
        "asked-back" => "Asked. The provider sees your reason; nothing more is charged.",
        "days-back" => "The unused days are given back to the wallet, and the licences have ended.",
        "publishing" => {
            "The revision is being composed. This page shows it as soon as it is published."
        }
        "offer" => "The offer is live: it is on the dataset's page now.",
        "refunded" => "The refund is booked: to the buyer's wallet, or back to the card that paid.",
        "retried" => "It is being worked on again.",
        "revoked" => "The licence is revoked. Its holder sees the reason.",
        "withdrawn" => {
            "Withdrawn. It takes no part in later revisions; revisions already published stay as they are."
        }
        "key" => "The key is registered. Downloads can be sealed for it now.",
        "key-gone" => "The key is retired. Nothing more is sealed for it.",
        "payout-method" => {
            "Your account is set. It waits some days before it is paid to; if you did not set it, \
             change your password and remove it now."
        }
        "payout-method-gone" => "The account is removed: nothing more is paid to it.",
        "paid" => "Booked. Next: hand the file to the bank, and import what it answers.",
        "appointed" => "Appointed: they run this node from now on.",
        "dismissed" => "Ended: they run this node no more.",
        "closed" => "Closed: its statements are final now, and it takes no entry any more.",
        "changed" => "The money is changed: two entries of the journal, one in each book.",
        "corrected" => "The correction is booked.",
        "decided" => "The decision is booked.",
        "ignored" => "Set aside. Your reason is kept with the message.",
        "token-gone" => "The token is revoked.",
        "bought" => "Paid. This is your receipt; the licence is in force.",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(minor: i64, currency: &str) -> Amount {
        Amount {
            minor,
            currency: currency.to_owned(),
        }
    }

    #[test]
    fn money_keeps_the_decimals_of_its_currency() {
        assert_eq!(money(&amount(123_456_789, "EUR")), "1,234,567.89 EUR");
        assert_eq!(money(&amount(-5, "EUR")), "−0.05 EUR");
        assert_eq!(money(&amount(1500, "JPY")), "1,500 JPY");
        assert_eq!(money(&amount(5, "KWD")), "0.005 KWD");
        assert_eq!(money(&amount(5, "???")), "5 minor units of ???");
    }

    #[test]
    fn typed_amounts_are_read_or_explained() {
        assert_eq!(
            typed_amount("price", " 19.99", "eur").unwrap(),
            amount(1999, "EUR")
        );
        let fault = typed_amount("price", "19,99", "EUR").unwrap_err();
        assert_eq!(fault.clause.as_deref(), Some("price"));
        assert!(fault.detail.contains("19.99 EUR"), "{}", fault.detail);
    }

    #[test]
    fn counts_sizes_and_shares_read_well() {
        assert_eq!(count(&1_234_567), "1,234,567");
        assert_eq!(count(&100), "100");
        assert_eq!(bytes(&999), "999 bytes");
        assert_eq!(bytes(&1_550_000), "1.5 MB");
        assert_eq!(share(&615_384_615_384), "61.5384 %");
        assert_eq!(share(&1_000_000_000_000), "100.0000 %");
        assert_eq!(bps(&1000), "10 %");
        assert_eq!(bps(&250), "2.5 %");
        assert_eq!(bps(&0), "0 %");
        assert_eq!(score(&9320), "93.20");
        assert_eq!(short("0123456789abcdef"), "0123456789ab…");
        assert_eq!(title("top_up"), "Top up");
    }
}
