//! A plain-text journal that `hledger check --strict`, `hledger check ordereddates
//! balancednoautoconversion` and `ledger --strict --pedantic` accept: every account
//! and commodity is declared, every amount has its currency's decimals, every
//! transaction is balanced by itself.
//!
//! Entries go in as they were recorded. hledger wants rising dates, so an entry
//! whose event is older than the one before is dated like that one; its true time
//! stands in the comment.

use crate::entry::Book;
use crate::json::Hash;
use crate::money::{Currency, Money};
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use std::collections::BTreeSet;
use std::fmt::{self, Write};
use uuid::Uuid;

/// One entry to write.
#[derive(Debug, Clone)]
pub struct Transaction<'a> {
    /// Its book.
    pub book: Book,
    /// Number in the book.
    pub seq: u64,
    /// Entry id.
    pub id: Uuid,
    /// Kind name.
    pub kind: &'a str,
    /// Event time.
    pub event_time: DateTime<Utc>,
    /// Leaf hash.
    pub leaf_hash: Hash,
    /// `(account name, minor units of the book's currency)`.
    pub lines: Vec<(&'a str, i64)>,
}

/// Writes a journal piece by piece; holds one date.
#[derive(Debug)]
pub struct Journal<W> {
    out: W,
    last: Option<NaiveDate>,
}

impl<W: Write> Journal<W> {
    /// Writes the declarations. `accounts` and `currencies` must cover everything
    /// that follows.
    ///
    /// # Errors
    /// Only those of the writer.
    pub fn new<'a>(
        mut out: W,
        currencies: &BTreeSet<Currency>,
        accounts: impl IntoIterator<Item = &'a str>,
    ) -> Result<Journal<W>, fmt::Error> {
        out.write_str("; Granary journal: + debit, - credit\n\n")?;
        for currency in currencies {
            writeln!(out, "commodity {currency}")?;
            // Without decimals the two programs disagree on how to write a format.
            if currency.exponent() > 0 {
                let decimals = "0".repeat(usize::from(currency.exponent()));
                writeln!(out, "    format 1000.{decimals} {currency}")?;
            }
        }
        out.write_char('\n')?;
        let accounts: BTreeSet<&str> = accounts.into_iter().collect();
        for account in accounts {
            writeln!(out, "account {account}")?;
        }
        Ok(Journal { out, last: None })
    }

    /// Writes one transaction.
    ///
    /// # Errors
    /// Only those of the writer.
    pub fn transaction(&mut self, entry: &Transaction<'_>) -> fmt::Result {
        let day = entry.event_time.date_naive();
        let date = self.last.map_or(day, |last| last.max(day));
        self.last = Some(date);
        let currency = entry.book.currency;
        writeln!(
            self.out,
            "\n{date} * ({currency}-{}) {}",
            entry.seq, entry.kind
        )?;
        let time = entry
            .event_time
            .to_rfc3339_opts(SecondsFormat::Micros, true);
        writeln!(self.out, "    ; entry {}", entry.id)?;
        writeln!(self.out, "    ; event at {time}")?;
        writeln!(self.out, "    ; leaf hash {}", entry.leaf_hash)?;
        for (account, minor) in &entry.lines {
            writeln!(self.out, "    {account}  {}", Money::new(*minor, currency))?;
        }
        Ok(())
    }

    /// Gives the writer back.
    pub fn finish(self) -> W {
        self.out
    }
}

/// The journal of a [`crate::book::Journal`], for tests and small ledgers.
///
/// # Errors
/// Never in practice: writing to a `String` does not fail.
pub fn export(book: &crate::book::Journal) -> Result<String, fmt::Error> {
    let named = |r: &crate::book::Recorded| -> Vec<String> {
        r.entry
            .postings
            .iter()
            .map(|p| p.account.to_string())
            .collect()
    };
    let names: Vec<Vec<String>> = book.entries().iter().map(named).collect();
    let currencies = book
        .entries()
        .iter()
        .map(|r| r.entry.book.currency)
        .collect();
    let accounts = names.iter().flatten().map(String::as_str);
    let mut journal = Journal::new(String::new(), &currencies, accounts)?;
    for (recorded, names) in book.entries().iter().zip(&names) {
        let entry = &recorded.entry;
        let minor = entry.postings.iter().map(|p| p.amount.minor);
        journal.transaction(&Transaction {
            book: entry.book,
            seq: recorded.link.seq,
            id: entry.id,
            kind: entry.kind.as_str(),
            event_time: entry.event_time,
            leaf_hash: recorded.link.leaf_hash,
            lines: names.iter().map(String::as_str).zip(minor).collect(),
        })?;
    }
    Ok(journal.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{Account, Label};
    use crate::book::tests::{journal, purchase, refund, settle, stamp, u};
    use crate::book::{Command, Stamp};

    /// Three currencies, a sale, a refund, a settlement and an event out of order.
    pub(crate) fn sample() -> String {
        let mut j = journal([1, 2, 3]);
        let from = Account::Bank(Label::new("main").unwrap());
        let deposit = |minor, currency| {
            let amount = Money::new(minor, currency);
            Command::TopUp {
                party: u(1),
                amount,
                from: from.clone(),
            }
        };
        let commands = [
            deposit(1_234_567, Currency::KWD),
            deposit(2_500, Currency::JPY),
            purchase(7, 1, 1999),
            refund(7, 500),
            settle(1),
        ];
        for (n, command) in (1u128..).zip(&commands) {
            let mut when = stamp(n);
            if n == 4 {
                when = Stamp {
                    at: "2026-11-20T08:00:00Z".parse().unwrap(),
                    ..when
                };
            }
            j.apply("test", &n.to_string(), command, when).unwrap();
        }
        export(&j).unwrap()
    }

    #[test]
    fn everything_is_declared_and_written_with_its_decimals() {
        let text = sample();
        for line in [
            "    format 1000.00 EUR",
            "commodity JPY",
            "    format 1000.000 KWD",
            "commodity KWD",
            "account Liabilities:Dust",
            "2026-11-24 * (EUR-2) purchase",
            "    Assets:Bank:main  1234.567 KWD",
            "    Assets:Bank:main  2500 JPY",
            "    Income:PlatformFee  -1.99 EUR",
        ] {
            assert!(
                text.lines().any(|l| l == line),
                "{line:?} missing in\n{text}"
            );
        }
        let dates: Vec<&str> = text
            .lines()
            .filter_map(|l| l.split_once(" * "))
            .map(|(d, _)| d)
            .collect();
        assert_eq!(dates.len(), 6);
        assert!(dates.is_sorted());
        // The refund happened earlier than it was recorded.
        assert!(text.contains("; event at 2026-11-20T08:00:00.000000Z"));
    }
}
