//! The verifier's part about money that leaves: I15 and I20.

use std::collections::BTreeMap;

use ledger::account::Account;
use ledger::entry::Kind;
use schema::db::Db;
use schema::wire::LedgerFinding;

use super::audit::finding;
use super::reconcile::reconcile;
use crate::error::Fault;
use crate::store::journal as rows;
use crate::store::payouts::{self, PayoutRow, state};

/// Holds runs, entries and the bank against each other.
pub(super) fn verify(db: &mut Db, own: &mut Vec<LedgerFinding>) -> Result<(), Fault> {
    for currency in reconcile(db)? {
        let of = &currency.books.currency;
        if currency.in_transit != currency.in_transit_of_runs {
            own.push(finding(
                "I20",
                format!("account {} of {of}", Account::PayoutInTransit),
                format!(
                    "{} minor units are in transit, the runs say {}",
                    currency.in_transit.minor, currency.in_transit_of_runs.minor
                ),
            ));
        }
        if currency.unexplained.minor != 0 {
            own.push(finding(
                "I15",
                format!("bank account of {of}"),
                format!(
                    "books and bank differ by {} minor units that no break explains",
                    currency.unexplained.minor
                ),
            ));
        }
    }
    for batch in payouts::approved(db)? {
        let lines = payouts::lines(db, batch.id)?;
        let mut sums: BTreeMap<(String, String), (i32, i128)> = BTreeMap::new();
        for line in lines.iter().filter(|line| line.state != state::HELD) {
            let sum = sums
                .entry((line.block.clone(), line.currency.clone()))
                .or_default();
            sum.0 += 1;
            sum.1 += i128::from(line.net);
            entries(db, line, own)?;
        }
        for block in payouts::blocks(db, batch.id)? {
            let key = (block.name.clone(), block.currency.clone());
            let sum = sums.remove(&key).unwrap_or_default();
            if sum != (block.transfers, i128::from(block.total)) {
                own.push(finding(
                    "I20",
                    format!("block {} of payout run {}", block.name, batch.id.0),
                    format!(
                        "its file pays {} in {} transfers, its lines {} in {}",
                        block.total, block.transfers, sum.1, sum.0
                    ),
                ));
            }
        }
        if let Some(((name, _), sum)) = sums.into_iter().next() {
            own.push(finding(
                "I20",
                format!("payout run {}", batch.id.0),
                format!(
                    "{} of its lines stand in no block of its file ({name:?})",
                    sum.0
                ),
            ));
        }
    }
    Ok(())
}

/// The entries of a line post what it says.
fn entries(db: &mut Db, line: &PayoutRow, own: &mut Vec<LedgerFinding>) -> Result<(), Fault> {
    let settled = i64::from(line.settled_seq > 0);
    let returned = i64::from(line.state == state::RETURNED);
    let from_transit = i64::from(line.settled_seq == 0) * returned;
    // Kind, entry, and what it posts to transit; none when there is no such entry.
    let wanted = [
        (Kind::Payout, line.entry_seq, Some(-line.net)),
        (
            Kind::PayoutSettled,
            line.settled_seq,
            (settled == 1).then_some(line.net),
        ),
        (
            Kind::PayoutReturned,
            line.returned_seq,
            (returned == 1).then_some(from_transit * line.net),
        ),
    ];
    for (kind, seq, transit) in wanted {
        let found = rows::posted(
            db,
            &line.currency,
            seq,
            &Account::PayoutInTransit.to_string(),
        )?;
        let sound = match (&found, transit) {
            (Some((found, minor)), Some(transit)) => *found == kind.as_str() && *minor == transit,
            (None, None) => seq == 0,
            _ => false,
        };
        if !sound {
            own.push(finding(
                "I20",
                format!("payout {}", line.id.0),
                format!(
                    "its {kind} is not what entry {seq} of {} posts",
                    line.currency
                ),
            ));
        }
    }
    Ok(())
}
