//! What the payment provider has told, summed by currency: for the verifier, which holds the
//! provider's account in the books against it (I15).

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use schema::db::Db;
use schema::on;
use schema::tables::{account, dispute, entry, payment, posting, provider_object, refund};

use crate::error::Fault;

/// Sums by currency.
pub type Sums = Vec<(String, i64)>;

/// What it told.
#[derive(Debug, Default)]
pub struct Told {
    /// Payments that came, and refunds that came back.
    pub came: Sums,
    /// Given back to payers.
    pub given_back: Sums,
    /// Lost in disputes.
    pub lost: Sums,
    /// Sent to the bank.
    pub paid_out: Sums,
}

fn summed(column: &'static str) -> diesel::expression::SqlLiteral<BigInt> {
    diesel::dsl::sql(&format!("CAST(COALESCE(SUM({column}), 0) AS BIGINT)"))
}

/// Everything the provider told and the writer has believed.
pub fn told(db: &mut Db) -> Result<Told, Fault> {
    let card = "card";
    let paid: Sums = on!(db, c => payment::table
        .filter(payment::way.eq(card).and(payment::state.eq("paid")))
        .group_by(payment::currency)
        .select((payment::currency, summed("payment.amount + payment.returned")))
        .load(c))?;
    let of_wallets: Sums = on!(db, c => payment::table
        .filter(payment::way.eq(card).and(payment::order_id.is_null()))
        .group_by(payment::currency)
        .select((payment::currency, summed("payment.given_back")))
        .load(c))?;
    let of_orders: Sums = on!(db, c => refund::table
        .inner_join(payment::table.on(payment::order_id.eq(refund::order_id.nullable())))
        .filter(payment::way.eq(card))
        .group_by(payment::currency)
        .select((payment::currency, summed("refund.amount")))
        .load(c))?;
    let lost_wallets: Sums = on!(db, c => provider_object::table
        .filter(provider_object::kind.eq("dispute").and(provider_object::booked.eq("lost")))
        .group_by(provider_object::currency)
        .select((provider_object::currency, summed("provider_object.amount")))
        .load(c))?;
    let lost_orders: Sums = on!(db, c => dispute::table
        .inner_join(payment::table.on(payment::order_id.eq(dispute::order_id)))
        .filter(payment::way.eq(card).and(dispute::state.eq("lost")))
        .group_by(payment::currency)
        .select((payment::currency, summed("dispute.amount")))
        .load(c))?;
    let paid_out: Sums = on!(db, c => provider_object::table
        .filter(provider_object::kind.eq("payout").and(provider_object::booked.eq("paid")))
        .group_by(provider_object::currency)
        .select((provider_object::currency, summed("provider_object.amount")))
        .load(c))?;
    Ok(Told {
        came: paid,
        given_back: [of_wallets, of_orders].concat(),
        lost: [lost_wallets, lost_orders].concat(),
        paid_out,
    })
}

/// What an account was posted, by book and kind of entry.
pub fn posted_by_kind(
    db: &mut Db,
    name: &str,
) -> Result<BTreeMap<String, Vec<(String, i64)>>, Fault> {
    let rows: Vec<(String, String, i64)> = on!(db, c => posting::table
        .inner_join(entry::table.on(entry::book.eq(posting::book).and(entry::seq.eq(posting::seq))))
        .inner_join(account::table.on(account::id.eq(posting::account_id)))
        .filter(account::name.eq(name))
        .group_by((entry::book, entry::kind))
        .select((entry::book, entry::kind, summed("posting.amount")))
        .load(c))?;
    let mut books: BTreeMap<String, Vec<(String, i64)>> = BTreeMap::new();
    for (book, kind, sum) in rows {
        books.entry(book).or_default().push((kind, sum));
    }
    Ok(books)
}
