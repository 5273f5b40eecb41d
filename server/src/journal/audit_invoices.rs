//! The verifier's part about invoices and credit notes: I22.
//!
//! Numbers are dense within each year, every document is what its entry posts, every credit
//! note names the invoice it corrects, and nothing that was sold or given back since there are
//! invoices is without one.

use schema::db::Db;
use schema::wire::LedgerFinding;

use super::audit::finding;
use crate::error::Fault;
use crate::store::invoices;

/// Documents of one page.
const PAGE: i64 = 2_000;

/// Holds documents, their numbers and the entries against each other.
pub(super) fn verify(db: &mut Db, own: &mut Vec<LedgerFinding>) -> Result<(), Fault> {
    let mut last = (i32::MIN, 0);
    loop {
        let page = invoices::after(db, last, PAGE)?;
        if page.is_empty() {
            break;
        }
        for row in page {
            let expected = if row.year == last.0 { last.1 + 1 } else { 1 };
            if row.number != expected {
                let due = invoices::name(row.year, expected);
                let message = format!("the number due is {due}: numbers are given without a gap");
                own.push(finding("I22", format!("invoice {}", row.name()), message));
            }
            if row.net.checked_add(row.tax) != Some(row.gross) {
                let message = "net and tax do not sum to its gross".to_owned();
                own.push(finding("I22", format!("invoice {}", row.name()), message));
            }
            last = (row.year, row.number);
        }
    }
    let unlike = "gross or tax is not what its entry posts".to_owned();
    let unfounded = "it names no invoice of its order that covers what is given back".to_owned();
    let without = "it has moved money of a sale and has no invoice or credit note".to_owned();
    for (what, ids, message) in [
        ("invoice", invoices::unlike_their_entries(db)?, unlike),
        ("invoice", invoices::unfounded(db)?, unfounded),
        ("entry", invoices::missing(db)?, without),
    ] {
        for id in ids {
            own.push(finding("I22", format!("{what} {id}"), message.clone()));
        }
    }
    Ok(())
}
