//! A statement as the payee's own books, in plain-text accounting: renderings of the one
//! signed document ([`csv`](super::csv) is another).
//!
//! The payee owns what the node owes: `Assets:Granary:Available`. Every line of the statement
//! and every commission is income of its dataset, as is what a decided claim gave; reserve and payouts move between assets. The
//! file begins with the opening balance and ends by asserting the closing one, so that a
//! program which reads it has added it up. Entries are dated with the period's last day; the
//! integers behind an amount stand beside it.
//!
//! * [`hledger`]: passes `hledger check --strict` and `ledger --strict --pedantic`;
//! * [`beancount`]: passes `bean-check`; the balance is asserted with `~ 0`, because without
//!   it a difference of a cent would pass.

use crate::money::Money;
use crate::statement::Statement;
use chrono::NaiveDate;
use std::collections::BTreeSet;
use uuid::Uuid;

const AVAILABLE: &str = "Assets:Granary:Available";
const RESERVE: &str = "Assets:Granary:Reserve";
const PAID: &str = "Assets:Granary:PaidOut";
const OPENING: &str = "Equity:Opening";

/// An account of the payee's books.
fn income(dataset: Uuid) -> String {
    // Beancount wants a capital letter or digit first.
    format!("Income:Granary:D-{dataset}")
}

fn claim(dataset: Uuid) -> String {
    format!("Income:Claim:D-{dataset}")
}

fn commission(dataset: Uuid) -> String {
    format!("Income:Commission:D-{dataset}")
}

/// Money that goes from one account to another.
struct Move {
    date: NaiveDate,
    what: String,
    notes: Vec<String>,
    to: &'static str,
    from: String,
    minor: i64,
}

/// What a statement says, as movements that add up from opening to closing.
fn moves(s: &Statement) -> Vec<Move> {
    let (first, last) = (s.head.period.first_day(), s.head.period.last_day());
    let plain = |date, what: &str, to, from: &str, minor| Move {
        date,
        what: what.into(),
        notes: Vec::new(),
        to,
        from: from.into(),
        minor,
    };
    let b = &s.bridge;
    let mut moves = vec![plain(
        first,
        "opening balance",
        AVAILABLE,
        OPENING,
        b.opening,
    )];
    for line in &s.lines {
        let (before, delta, share) = (line.carry_before, line.pool_delta, line.share_ppt);
        moves.push(Move {
            notes: vec![
                format!(
                    "entry {}, revision {}, epoch {}",
                    line.entry, line.revision, line.epoch
                ),
                format!(
                    "({before} + {delta} * {share}) / 10^12 = {}, rest {}",
                    line.amount, line.carry_after
                ),
            ],
            ..plain(
                last,
                &format!("{}, revision {}", line.dataset_title, line.revision_number),
                AVAILABLE,
                &income(line.dataset),
                line.amount,
            )
        });
    }
    moves.extend(given(s));
    moves.push(plain(
        last,
        "released from reserve",
        AVAILABLE,
        RESERVE,
        b.released,
    ));
    moves.push(plain(last, "held in reserve", RESERVE, AVAILABLE, b.held));
    moves.push(plain(
        last,
        "drawn from reserve",
        AVAILABLE,
        RESERVE,
        b.drawn,
    ));
    moves.push(plain(last, "paid out", PAID, AVAILABLE, b.paid));
    // Nothing moved says nothing; a line of the statement is shown all the same.
    moves.retain(|one| one.minor != 0 || !one.notes.is_empty());
    moves
}

/// Commissions, and what decided claims gave.
fn given(s: &Statement) -> Vec<Move> {
    let date = s.head.period.last_day();
    let income = |what, from, minor| Move {
        date,
        what,
        notes: Vec::new(),
        to: AVAILABLE,
        from,
        minor,
    };
    let commissions = s.commissions.iter().map(|own| {
        let what = format!("Commission on {}", own.dataset_title);
        income(what, commission(own.dataset), own.amount)
    });
    let claims = s.claims.iter().map(|one| {
        let what = format!("Claim {} on {}, decided", one.claim, one.dataset_title);
        income(what, claim(one.dataset), one.amount)
    });
    commissions.chain(claims).collect()
}

fn accounts(moves: &[Move]) -> BTreeSet<&str> {
    let ends = moves.iter().flat_map(|one| [one.to, one.from.as_str()]);
    ends.chain([AVAILABLE]).collect()
}

/// A text of somebody else on one line, without what the programs read as syntax.
fn line_of(text: &str) -> String {
    let plain = |c: char| match c {
        c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => ' ',
        // hledger and ledger begin a comment with it, and payees with a bar.
        ';' | '|' => ',',
        c => c,
    };
    text.chars()
        .map(plain)
        .collect::<String>()
        .trim()
        .to_owned()
}

fn heading(s: &Statement) -> String {
    let (head, status) = (&s.head, format!("{:?}", s.head.status).to_lowercase());
    let name = line_of(&head.payee_name);
    format!(
        "Granary statement {} of {name} for {}, number {}, {status}",
        head.id, head.period, head.number
    )
}

/// A journal for hledger and ledger.
pub fn hledger(s: &Statement) -> String {
    let (currency, moves) = (s.head.currency, moves(s));
    let money = |minor| Money::new(minor, currency);
    let mut out = format!("; {}\n\ncommodity {currency}\n", heading(s));
    let exponent = usize::from(currency.exponent());
    if exponent > 0 {
        out.push_str(&format!(
            "    format 1000.{} {currency}\n",
            "0".repeat(exponent)
        ));
    }
    out.push('\n');
    for account in accounts(&moves) {
        out.push_str(&format!("account {account}\n"));
    }
    for one in &moves {
        out.push_str(&format!("\n{} * {}\n", one.date, line_of(&one.what)));
        for note in &one.notes {
            out.push_str(&format!("    ; {note}\n"));
        }
        let (to, from) = (money(one.minor), money(less(one.minor)));
        out.push_str(&format!("    {}  {to}\n    {}  {from}\n", one.to, one.from));
    }
    let (date, nothing) = (s.head.period.last_day(), money(0));
    let closing = money(s.bridge.closing);
    out.push_str(&format!(
        "\n{date} * closing balance\n    {AVAILABLE}  {nothing} = {closing}\n"
    ));
    out
}

/// The amount with the other sign; balances stay above −2^63 (I19).
fn less(minor: i64) -> i64 {
    minor.saturating_neg()
}

/// A text in quotes for beancount.
fn quoted(text: &str) -> String {
    let text = line_of(text).replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{text}\"")
}

/// A file for beancount. Its balance is asserted at the beginning of the next period's first
/// day, which is when beancount looks.
pub fn beancount(s: &Statement) -> String {
    let (currency, moves) = (s.head.currency, moves(s));
    let money = |minor| Money::new(minor, currency);
    let first = s.head.period.first_day();
    let mut out = format!(
        "option \"title\" {}\noption \"operating_currency\" \"{currency}\"\n\n{first} commodity {currency}\n",
        quoted(&heading(s))
    );
    for account in accounts(&moves) {
        out.push_str(&format!("{first} open {account} {currency}\n"));
    }
    for one in &moves {
        out.push_str(&format!(
            "\n{} * \"Granary\" {}\n",
            one.date,
            quoted(&one.what)
        ));
        for (note, n) in one.notes.iter().zip(1..) {
            out.push_str(&format!("  note{n}: {}\n", quoted(note)));
        }
        let (to, from) = (money(one.minor), money(less(one.minor)));
        out.push_str(&format!("  {}  {to}\n  {}  {from}\n", one.to, one.from));
    }
    let day = s.head.period.next().map(|next| next.first_day());
    let day = day.unwrap_or_else(|| s.head.period.last_day());
    let closing = money(s.bridge.closing).decimal();
    out.push_str(&format!(
        "\n{day} balance {AVAILABLE}  {closing} ~ 0 {currency}\n"
    ));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;
    use crate::statement::Moves;
    use crate::statement::tests::inputs;

    fn statement() -> Statement {
        let mut inputs = inputs();
        inputs.moves = Moves {
            released: 30,
            held: 100,
            drawn: 5,
        };
        inputs.lines[0].dataset_title = "Tides; \"deep\" | \\ far\nnow".into();
        inputs.build().unwrap()
    }

    #[test]
    fn every_movement_is_there_and_the_closing_balance_is_asserted() {
        let s = statement();
        let text = hledger(&s);
        for line in [
            "commodity EUR",
            "    format 1000.00 EUR",
            "account Assets:Granary:Reserve",
            "2026-11-01 * opening balance",
            "    Equity:Opening  -10.00 EUR",
            "2026-11-30 * Tides, \"deep\" , \\ far now, revision 1",
            "    ; (250 + 3599 * 333333333333) / 10^12 = 1199, rest 666666665717",
            "    Assets:Granary:Available  11.99 EUR",
            "    Income:Granary:D-00000000-0000-0000-0000-000000000028  1.20 EUR",
            "    Income:Commission:D-00000000-0000-0000-0000-000000000029  -0.12 EUR",
            "    Assets:Granary:Reserve  1.00 EUR",
            "    Assets:Granary:Available  0.00 EUR = 20.26 EUR",
        ] {
            assert!(
                text.lines().any(|l| l == line),
                "{line:?} missing in\n{text}"
            );
        }
        let text = beancount(&s);
        for line in [
            "2026-11-01 commodity EUR",
            "2026-11-01 open Assets:Granary:Reserve EUR",
            "2026-11-30 * \"Granary\" \"Tides, \\\"deep\\\" , \\\\ far now, revision 1\"",
            "  Income:Granary:D-00000000-0000-0000-0000-000000000028  1.20 EUR",
            "2026-12-01 balance Assets:Granary:Available  20.26 ~ 0 EUR",
        ] {
            assert!(
                text.lines().any(|l| l == line),
                "{line:?} missing in\n{text}"
            );
        }
    }

    #[test]
    fn decimals_are_those_of_the_currency() {
        for (currency, amount) in [
            (Currency::JPY, "1000 JPY"),
            (Currency::EUR, "10.00 EUR"),
            (Currency::KWD, "1.000 KWD"),
        ] {
            let mut inputs = inputs();
            inputs.head.currency = currency;
            inputs.lines.clear();
            inputs.commissions.clear();
            inputs.proof = Default::default();
            let s = inputs.build().unwrap();
            for text in [hledger(&s), beancount(&s)] {
                assert!(text.contains(&format!("Available  {amount}\n")), "{text}");
            }
            assert_eq!(hledger(&s).contains("format"), currency.exponent() > 0);
        }
    }
}
