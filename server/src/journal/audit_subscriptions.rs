//! The verifier's part about subscriptions: what is deferred is what was charged and is
//! neither earned nor given back, account by account and term by term.

use std::collections::BTreeMap;

use ledger::account::Account;
use ledger::entry::Kind;
use ledger::plan::income_until;
use ledger::subscription::unused;
use schema::db::Db;
use schema::wire::LedgerFinding;

use super::audit::finding;
use crate::error::Fault;
use crate::store::journal as rows;
use crate::store::subscriptions::{self as store, TermRow};

/// The invariant's name in findings.
const NAME: &str = "Deferred";

/// Holds terms, their days and the deferred accounts against each other.
pub(super) fn verify(db: &mut Db, own: &mut Vec<LedgerFinding>) -> Result<(), Fault> {
    let mut deferred: BTreeMap<(String, String), i128> = BTreeMap::new();
    for term in store::all_terms(db)? {
        let account = Account::Deferred(term.subscription_id.0).to_string();
        let left = i128::from(term.net) - i128::from(term.earned) - i128::from(term.refunded_net);
        *deferred
            .entry((term.book.clone(), account.clone()))
            .or_default() += left;
        let broken = figures(&term)
            .or(days(db, &term)?)
            .or(entries(db, &term, &account)?);
        if let Some(message) = broken {
            own.push(finding(NAME, format!("term {}", term.id.0), message));
        }
    }
    for account in rows::every_account(db)? {
        if matches!(account.name.parse(), Ok(Account::Deferred(_))) {
            let key = (account.book.clone(), account.name.clone());
            let left = deferred.remove(&key).unwrap_or(0);
            if left != -i128::from(account.balance) {
                own.push(finding(
                    NAME,
                    format!("account {} of {}", account.name, account.book),
                    format!("its balance is {}, its terms defer {left}", account.balance),
                ));
            }
        }
    }
    for ((book, account), left) in deferred.into_iter().filter(|(_, left)| *left != 0) {
        own.push(finding(
            NAME,
            format!("account {account} of {book}"),
            format!("there is none, and its terms defer {left}"),
        ));
    }
    Ok(())
}

/// What a term says of itself.
fn figures(term: &TermRow) -> Option<String> {
    let legs = term.legs();
    if legs.total() != Some(term.gross) {
        return Some("fee, tax and net do not sum to its gross".to_owned());
    }
    let days = u32::try_from(term.days).unwrap_or(0);
    let earned_days = u32::try_from(term.earned_days).unwrap_or(u32::MAX);
    if income_until(term.net, earned_days, days) != Some(term.earned) {
        return Some(format!(
            "{} of {} days have earned {} of {}, which is not their part",
            term.earned_days, term.days, term.earned, term.net
        ));
    }
    let back = (term.refunded_fee, term.refunded_tax, term.refunded_net);
    let wanted = match term.refund_seq {
        0 => Some((0, 0, 0)),
        _ => unused(legs, earned_days, days).map(|left| (left.fee, left.tax, left.net)),
    };
    (wanted != Some(back)).then(|| "what was given back is not its unused days".to_owned())
}

/// Its days in pools sum to what it says is earned.
fn days(db: &mut Db, term: &TermRow) -> Result<Option<String>, Fault> {
    let parts = store::income_of(db, term.id)?;
    let sum: i128 = parts.iter().map(|part| i128::from(part.amount)).sum();
    let sound = sum == i128::from(term.earned);
    Ok((!sound).then(|| format!("its days brought {sum} to pools, it says {}", term.earned)))
}

/// Its charge and refund post what it says.
fn entries(db: &mut Db, term: &TermRow, account: &str) -> Result<Option<String>, Fault> {
    let charge = (Kind::SubscriptionCharge, term.entry_seq, -term.net);
    let refund = (Kind::Refund, term.refund_seq, term.refunded_net);
    for (kind, seq, minor) in [charge, refund] {
        // What is nothing has no posting, and what has not happened no entry.
        if minor == 0 {
            continue;
        }
        let found = rows::posted(db, &term.book, seq, account)?;
        if found != Some((kind.as_str().to_owned(), minor)) {
            let words = format!("its {kind} is not what entry {seq} of {} posts", term.book);
            return Ok(Some(words));
        }
    }
    Ok(None)
}
