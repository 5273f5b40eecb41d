//! Books beside the bank (I15, I20): what is under way, what the bank says, and every reason
//! why they differ.
//!
//! The bank's last closing balance less the account in the books is explained line by line:
//! what stood before the first statement, gaps between statements, what only the bank knows,
//! what only the books know. A difference that remains is a fault of the ledger, not of life.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use ledger::account::Account;
use schema::db::Db;
use schema::wire::{Break, CurrencyReconciliation, RunInTransit};

use super::command::amount;
use crate::error::Fault;
use crate::store::bank_files::{self, BookMove, LineRow, StatementRow, outcome};
use crate::store::journal as rows;
use crate::store::payouts::{self, BatchRow, PayoutRow, state};

/// Every currency with payouts, bank movements or statements. Reads only; call it on one
/// unchanging state ([`Db::snapshot`]).
///
/// # Errors
/// Sums beyond 64 bits, or the database's own.
pub fn reconcile(db: &mut Db) -> Result<Vec<CurrencyReconciliation>, Fault> {
    let bank = super::plan::bank().map_err(Fault::internal)?.to_string();
    let banks = rows::accounts_named(db, &bank)?;
    let transit = rows::accounts_named(db, &Account::PayoutInTransit.to_string())?;
    let of_runs: BTreeMap<String, i64> = payouts::in_transit(db)?.into_iter().collect();
    let mut statements: BTreeMap<String, Vec<StatementRow>> = BTreeMap::new();
    for row in bank_files::all_statements(db)? {
        statements
            .entry(row.currency.clone())
            .or_default()
            .push(row);
    }
    let mut lines: BTreeMap<String, Vec<LineRow>> = BTreeMap::new();
    for row in bank_files::movements(db)? {
        lines.entry(row.currency.clone()).or_default().push(row);
    }
    let mut runs = runs(db)?;
    let named = banks.iter().chain(&transit).map(|row| row.book.clone());
    let currencies: BTreeSet<String> = named
        .chain(statements.keys().cloned())
        .chain(of_runs.keys().cloned())
        .collect();
    let mut all = Vec::new();
    for currency in currencies {
        let account = banks.iter().find(|row| row.book == currency);
        let moves = match account {
            Some(account) => bank_files::book_moves(db, account)?,
            None => Vec::new(),
        };
        let found = Found {
            statements: statements.remove(&currency).unwrap_or_default(),
            lines: lines.remove(&currency).unwrap_or_default(),
            books: account.map_or(0, |row| row.balance),
            moves,
        };
        let owed = transit.iter().find(|row| row.book == currency);
        let in_transit = owed.map_or(0, |row| row.balance).saturating_neg();
        let (breaks, unexplained) = found.breaks(&currency)?;
        let last = found.statements.last();
        all.push(CurrencyReconciliation {
            in_transit: amount(in_transit, &currency),
            in_transit_of_runs: amount(of_runs.get(&currency).copied().unwrap_or(0), &currency),
            runs: runs.remove(&currency).unwrap_or_default(),
            books: amount(found.books, &currency),
            bank: last.map(|row| amount(row.closing, &currency)),
            bank_on: last.and_then(|row| row.closed_on.parse().ok()),
            breaks,
            unexplained: amount(unexplained, &currency),
        });
    }
    Ok(all)
}

fn runs(db: &mut Db) -> Result<BTreeMap<String, Vec<RunInTransit>>, Fault> {
    let mut all: BTreeMap<String, Vec<RunInTransit>> = BTreeMap::new();
    for batch in payouts::approved(db)? {
        let mut by_currency: BTreeMap<String, Vec<PayoutRow>> = BTreeMap::new();
        for row in payouts::lines(db, batch.id)? {
            if row.entry_seq > 0 {
                by_currency
                    .entry(row.currency.clone())
                    .or_default()
                    .push(row);
            }
        }
        for (currency, lines) in by_currency {
            let run = run(&batch, &lines, &currency)?;
            all.entry(currency).or_default().push(run);
        }
    }
    Ok(all)
}

fn run(batch: &BatchRow, lines: &[PayoutRow], currency: &str) -> Result<RunInTransit, Fault> {
    let sum = |of: &dyn Fn(&PayoutRow) -> bool| {
        let total: i128 = lines
            .iter()
            .filter(|row| of(row))
            .map(|row| i128::from(row.net))
            .sum();
        i64::try_from(total)
            .map(|minor| amount(minor, currency))
            .map_err(Fault::internal)
    };
    let approved_at: Option<DateTime<Utc>> = batch.approved_at.map(Into::into);
    Ok(RunInTransit {
        batch_id: batch.id.0,
        approved_at: approved_at.unwrap_or_default(),
        file: sum(&|_| true)?,
        settled: sum(&|row| row.settled_seq > 0)?,
        returned: sum(&|row| row.state == state::RETURNED)?,
        in_transit: sum(&|row| row.state == state::IN_TRANSIT)?,
    })
}

/// What is known of one currency.
struct Found {
    statements: Vec<StatementRow>,
    lines: Vec<LineRow>,
    books: i64,
    moves: Vec<BookMove>,
}

impl Found {
    /// Every reason for a difference, and what remains of it.
    fn breaks(&self, currency: &str) -> Result<(Vec<Break>, i64), Fault> {
        let Some(last) = self.statements.last() else {
            return Ok((Vec::new(), 0));
        };
        let mut breaks = self.between_statements(currency);
        let lonely = self.matched();
        breaks.extend(lonely.0.into_iter().map(|line| at_the_bank(line, currency)));
        breaks.extend(
            lonely
                .1
                .into_iter()
                .map(|one| in_the_books(one, &last.closed_on, currency)),
        );
        let explained: i128 = breaks.iter().map(|one| i128::from(one.amount.minor)).sum();
        let rest = i128::from(last.closing) - i128::from(self.books) - explained;
        Ok((breaks, i64::try_from(rest).map_err(Fault::internal)?))
    }

    fn between_statements(&self, currency: &str) -> Vec<Break> {
        let mut breaks = Vec::new();
        let mut before: Option<&StatementRow> = None;
        for statement in &self.statements {
            let known = before.map_or(0, |one| one.closing);
            let gap = statement.opening.saturating_sub(known);
            if gap != 0 {
                let (kind, words) = match before {
                    None => (
                        "before_first_statement",
                        "What stood in the account before the first statement that was imported."
                            .to_owned(),
                    ),
                    Some(one) => (
                        "missing_statement",
                        format!(
                            "Statement {} closes with another balance than {} opens with: import \
                             what lies between.",
                            one.name, statement.name
                        ),
                    ),
                };
                breaks.push(Break {
                    kind: kind.to_owned(),
                    amount: amount(gap, currency),
                    on: statement.opened_on.clone(),
                    reference: statement.name.clone(),
                    words,
                });
            }
            before = Some(statement);
        }
        breaks
    }

    /// Lines and postings that have no partner.
    fn matched(&self) -> (Vec<&LineRow>, Vec<&BookMove>) {
        let ours = |line: &&LineRow| {
            !matches!(line.outcome.as_str(), outcome::SETTLED | outcome::RETURNED)
        };
        let mut lines: Vec<&LineRow> = self.lines.iter().filter(ours).collect();
        let mut lonely = Vec::new();
        for one in &self.moves {
            let links = links(&one.meta);
            if links.contains_key("bank_file") {
                // Its line made it.
                continue;
            }
            let reference = links
                .get("reference")
                .map(String::as_str)
                .unwrap_or_default();
            let partner = lines.iter().position(|line| {
                line.amount == one.amount
                    && !reference.is_empty()
                    && (line.reference == reference || line.words.contains(reference))
            });
            match partner {
                Some(at) => {
                    lines.remove(at);
                }
                None => lonely.push(one),
            }
        }
        (lines, lonely)
    }
}

fn links(meta: &str) -> BTreeMap<String, String> {
    serde_json::from_str(meta).unwrap_or_default()
}

fn at_the_bank(line: &LineRow, currency: &str) -> Break {
    let words = match line.outcome.as_str() {
        outcome::OTHER if line.amount > 0 => {
            "Money came in that no top-up names: confirm it with this reference, or send it back."
        }
        outcome::OTHER => {
            "The bank debited something that is no payout: a fee, or an order of yours."
        }
        outcome::MISMATCH => {
            "It bears the reference of a payout, but another amount: ask the bank."
        }
        outcome::UNEXPECTED => {
            "It bears the reference of a payout that cannot be in this state: ask the bank."
        }
        outcome::ALREADY => "The same payout stood on an earlier line: a statement overlaps.",
        _ => "It bears a reference that is not ours: ask the bank.",
    };
    Break {
        kind: "only_at_the_bank".to_owned(),
        amount: amount(line.amount, currency),
        on: line.booked_on.clone(),
        reference: match line.reference.as_str() {
            "" => line.words.clone(),
            reference => reference.to_owned(),
        },
        words: words.to_owned(),
    }
}

fn in_the_books(one: &BookMove, closed_on: &str, currency: &str) -> Break {
    let at: DateTime<Utc> = one.at.into();
    let on = at.date_naive().to_string();
    let words = if on.as_str() > closed_on {
        format!(
            "A {} after the last statement: import the next one.",
            one.kind
        )
    } else {
        format!(
            "A {} that no statement shows under its reference: look for it at the bank.",
            one.kind
        )
    };
    Break {
        kind: "only_in_the_books".to_owned(),
        amount: amount(one.amount.saturating_neg(), currency),
        on,
        reference: rows::entry_name(currency, one.seq),
        words,
    }
}
