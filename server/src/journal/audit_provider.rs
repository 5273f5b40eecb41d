//! The verifier's part about the payment provider's account: I15.
//!
//! The provider's reports are its messages. What they told is kept apart from the entries they
//! made (payments, refunds, disputes, payouts to the bank), so each kind of movement in the books
//! is held against what was told of it. Fees are told by their own movements, each of which is
//! one entry, and corrections by two operators; both are what they are.

use std::collections::BTreeSet;

use ledger::entry::Kind;
use schema::db::Db;
use schema::wire::LedgerFinding;

use super::audit::finding;
use super::provider::psp;
use crate::error::Fault;
use crate::store::provider_sums::{self, Sums};

/// Holds the account against what the provider told, kind by kind.
pub(super) fn verify(db: &mut Db, own: &mut Vec<LedgerFinding>) -> Result<(), Fault> {
    let told = provider_sums::told(db)?;
    let books = provider_sums::posted_by_kind(db, &psp()?.to_string())?;
    let all = [&told.came, &told.given_back, &told.lost, &told.paid_out];
    let named = all.into_iter().flatten().map(|(currency, _)| currency);
    let currencies: BTreeSet<&String> = named.chain(books.keys()).collect();
    for currency in currencies {
        let none = Vec::new();
        let posted = books.get(currency).unwrap_or(&none);
        let sum = |wanted: &dyn Fn(&str) -> bool| -> i128 {
            let some = posted.iter().filter(|(kind, _)| wanted(kind));
            some.map(|(_, sum)| i128::from(*sum)).sum()
        };
        let is = |kind: Kind| move |found: &str| found == kind.as_str();
        let of = |sums: &Sums| -> i128 {
            let some = sums.iter().filter(|(known, _)| known == currency);
            some.map(|(_, sum)| i128::from(*sum)).sum()
        };
        for (what, books, told) in [
            ("payments that came", sum(&came), of(&told.came)),
            ("refunds", sum(&is(Kind::Refund)), -of(&told.given_back)),
            (
                "lost disputes",
                sum(&is(Kind::DisputeLost)),
                -of(&told.lost),
            ),
            (
                "payouts to the bank",
                sum(&is(Kind::ProviderPayout)),
                -of(&told.paid_out),
            ),
        ] {
            if books != told {
                own.push(finding(
                    "I15",
                    format!("provider account of {currency}"),
                    format!(
                        "the books have {books} minor units of {what}, the provider told {told}"
                    ),
                ));
            }
        }
    }
    Ok(())
}

/// Whether an entry of this kind brings money in: any that is not known to do something else.
fn came(kind: &str) -> bool {
    let others = [
        Kind::Refund,
        Kind::DisputeOpen,
        Kind::DisputeWon,
        Kind::DisputeLost,
        Kind::Payout,
        Kind::PayoutSettled,
        Kind::PayoutReturned,
        Kind::Adjustment,
        Kind::Exchange,
        Kind::ProviderFee,
        Kind::ProviderPayout,
    ];
    others.iter().all(|other| other.as_str() != kind)
}
