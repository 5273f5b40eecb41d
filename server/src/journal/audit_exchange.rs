//! The verifier's part about exchanges: the two entries of each are there, move what its row
//! says, and stand in the rate it names.

use ledger::account::Account;
use ledger::entry::Kind;
use schema::db::Db;
use schema::wire::LedgerFinding;
use uuid::Uuid;

use super::audit::finding;
use super::exchange::converted;
use crate::error::Fault;
use crate::store::exchanges::{self, ExchangeRow, RateRow};
use crate::store::journal as rows;

/// The invariant's name in findings.
const NAME: &str = "Exchange";
/// Rows of one page.
const PAGE: i64 = 1_000;

/// Holds exchanges, their rates and their entries against each other.
pub(super) fn verify(db: &mut Db, own: &mut Vec<LedgerFinding>) -> Result<(), Fault> {
    let (mut last, mut count) = (Uuid::nil(), 0);
    loop {
        let page = exchanges::after(db, last, PAGE)?;
        let Some((newest, _)) = page.last() else {
            break;
        };
        last = newest.id.0;
        for (row, rate) in &page {
            count += 2;
            if let Some(message) = broken(db, row, rate)? {
                own.push(finding(NAME, format!("exchange {}", row.id.0), message));
            }
        }
    }
    let entries = rows::count_kind(db, Kind::Exchange.as_str())?;
    if entries != count {
        let message = format!("{entries} entries changed money, and {count} belong to an exchange");
        own.push(finding(NAME, "exchanges".to_owned(), message));
    }
    Ok(())
}

fn broken(db: &mut Db, row: &ExchangeRow, rate: &RateRow) -> Result<Option<String>, Fault> {
    let same = rate.give_currency == row.give_currency && rate.get_currency == row.get_currency;
    if !same || converted(rate, row.give_minor).ok() != Some(row.get_minor) {
        return Ok(Some(format!(
            "rate {} does not give {} {} for {} {}",
            rate.id.0, row.get_minor, row.get_currency, row.give_minor, row.give_currency
        )));
    }
    let wallet = Account::Wallet(row.party_id.0).to_string();
    let sides = [
        (row.id, &row.give_currency, row.give_minor),
        (
            row.into_id,
            &row.get_currency,
            row.get_minor.saturating_neg(),
        ),
    ];
    for (id, book, minor) in sides {
        let Some(entry) = rows::entry_named(db, id.0)? else {
            return Ok(Some(format!("entry {} is gone", id.0)));
        };
        let posted = rows::posted(db, &entry.book, entry.seq, &wallet)?;
        if entry.book != *book || posted != Some((Kind::Exchange.as_str().to_owned(), minor)) {
            return Ok(Some(format!(
                "entry {} of {} does not move {minor} {book} in the wallet",
                entry.seq, entry.book
            )));
        }
    }
    Ok(None)
}
