//! Rates of sales tax, whom invoices are made out to, and the sums of the tax report.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
use schema::columns::{Key, When};
use schema::db::Db;
use schema::on;
use schema::tables::{billing, tax_rate};

use crate::error::Fault;

/// A row of `tax_rate`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = tax_rate)]
#[diesel(treat_none_as_default_value = false)]
pub struct RateRow {
    /// Identifier.
    pub id: Key,
    /// Where.
    pub jurisdiction: String,
    /// As invoices name the tax.
    pub name: String,
    /// Basis points of the price without the tax: 19 % are 1900.
    pub bps: i32,
    /// Whether a business with a tax id owes the tax itself.
    pub reverse_charge: bool,
    /// From when.
    pub valid_from: When,
    /// Until when.
    pub valid_until: Option<When>,
    /// Who set it.
    pub made_by: Key,
    /// When it was set.
    pub created_at: When,
}

/// A row of `billing`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = billing)]
#[diesel(treat_none_as_null = true, treat_none_as_default_value = false)]
pub struct BillingRow {
    /// Whose.
    pub party_id: Key,
    /// Person or company.
    pub name: String,
    /// Postal address.
    pub address: String,
    /// Where tax is owed.
    pub jurisdiction: String,
    /// Tax id of a business.
    pub tax_id: Option<String>,
    /// Since when.
    pub updated_at: When,
}

/// Adds a rate.
pub fn add_rate(db: &mut Db, row: &RateRow) -> Result<(), Fault> {
    on!(db, c => diesel::insert_into(tax_rate::table).values(row).execute(c))?;
    Ok(())
}

/// Every rate: by jurisdiction, the one that comes last first. Of two from the same moment the
/// one that was set later counts.
pub fn rates(db: &mut Db) -> Result<Vec<RateRow>, Fault> {
    Ok(on!(db, c => tax_rate::table
        .order((tax_rate::jurisdiction, tax_rate::valid_from.desc(), tax_rate::id.desc()))
        .select(RateRow::as_select())
        .load(c))?)
}

/// The rate that a moment falls under: the last one that has begun, unless it has ended.
pub fn rate_at(db: &mut Db, jurisdiction: &str, at: When) -> Result<Option<RateRow>, Fault> {
    let last: Option<RateRow> = on!(db, c => tax_rate::table
        .filter(tax_rate::jurisdiction.eq(jurisdiction).and(tax_rate::valid_from.le(at)))
        .order((tax_rate::valid_from.desc(), tax_rate::id.desc()))
        .select(RateRow::as_select())
        .first(c)
        .optional())?;
    Ok(last.filter(|row| row.valid_until.is_none_or(|end| at < end)))
}

/// Whom a party's invoices are made out to.
pub fn billing_of(db: &mut Db, party: Key) -> Result<Option<BillingRow>, Fault> {
    Ok(on!(db, c => billing::table
        .find(party)
        .select(BillingRow::as_select())
        .first(c)
        .optional())?)
}

/// Sets it.
pub fn set_billing(db: &mut Db, row: &BillingRow) -> Result<(), Fault> {
    let changed = on!(db, c => diesel::update(billing::table.find(row.party_id))
        .set(row)
        .execute(c))?;
    if changed == 0 {
        on!(db, c => diesel::insert_into(billing::table).values(row).execute(c))?;
    }
    Ok(())
}

/// Sales of a period, or what of such sales was given back in it.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct TaxSum {
    /// Where.
    #[diesel(sql_type = Text)]
    pub jurisdiction: String,
    /// Currency.
    #[diesel(sql_type = Text)]
    pub currency: String,
    /// Basis points; none without an invoice.
    #[diesel(sql_type = Nullable<Integer>)]
    pub bps: Option<i32>,
    /// Whether the buyer owes the tax.
    #[diesel(sql_type = Nullable<Bool>)]
    pub reverse_charge: Option<bool>,
    /// How many.
    #[diesel(sql_type = BigInt)]
    pub count: i64,
    /// Without tax.
    #[diesel(sql_type = BigInt)]
    pub net: i64,
    /// The tax.
    #[diesel(sql_type = BigInt)]
    pub tax: i64,
}

const SOLD: &str = "SELECT o.jurisdiction, o.currency, i.tax_bps AS bps, i.reverse_charge, \
     COUNT(*) AS count, CAST(SUM(o.gross - o.tax) AS BIGINT) AS net, CAST(SUM(o.tax) AS BIGINT) AS tax \
   FROM orders o JOIN entry e ON e.book = o.book AND e.seq = o.entry_seq \
   LEFT JOIN invoice i ON i.order_id = o.id AND i.kind = 'invoice' \
   WHERE e.period = $1 GROUP BY o.jurisdiction, o.currency, i.tax_bps, i.reverse_charge";

/// A dispute that was won counts against the one that was opened.
const GIVEN_BACK: &str = "SELECT o.jurisdiction, o.currency, i.tax_bps AS bps, i.reverse_charge, \
     CAST(SUM(CASE WHEN g.amount < 0 THEN -1 ELSE 1 END) AS BIGINT) AS count, \
     CAST(SUM(g.amount - g.tax) AS BIGINT) AS net, CAST(SUM(g.tax) AS BIGINT) AS tax \
   FROM give_back g JOIN orders o ON o.id = g.order_id \
   LEFT JOIN invoice i ON i.order_id = o.id AND i.kind = 'invoice' \
   WHERE g.period = $1 GROUP BY o.jurisdiction, o.currency, i.tax_bps, i.reverse_charge";

/// Sales booked in a period.
pub fn sold(db: &mut Db, period: &str) -> Result<Vec<TaxSum>, Fault> {
    sums(db, SOLD, period)
}

/// What was given back in a period, of sales of any.
pub fn given_back(db: &mut Db, period: &str) -> Result<Vec<TaxSum>, Fault> {
    sums(db, GIVEN_BACK, period)
}

fn sums(db: &mut Db, sql: &str, period: &str) -> Result<Vec<TaxSum>, Fault> {
    Ok(on!(db, c => diesel::sql_query(sql).bind::<Text, _>(period).load(c))?)
}

/// What an account moved by.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Moved {
    /// Name of the account.
    #[diesel(sql_type = Text)]
    pub account: String,
    /// Its book.
    #[diesel(sql_type = Text)]
    pub book: String,
    /// Minor units, debit positive.
    #[diesel(sql_type = BigInt)]
    pub minor: i64,
}

/// What the accounts of sales tax moved by in a period.
pub fn moved(db: &mut Db, period: &str) -> Result<Vec<Moved>, Fault> {
    let sql = "SELECT a.name AS account, a.book AS book, CAST(SUM(p.amount) AS BIGINT) AS minor \
         FROM account a JOIN posting p ON p.account_id = a.id \
         JOIN entry e ON e.book = p.book AND e.seq = p.seq \
         WHERE a.name LIKE 'Liabilities:Tax:Sales:%' AND e.period = $1 \
         GROUP BY a.name, a.book ORDER BY a.name, a.book";
    Ok(on!(db, c => diesel::sql_query(sql).bind::<Text, _>(period).load(c))?)
}
