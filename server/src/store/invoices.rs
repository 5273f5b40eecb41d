//! Invoices and credit notes. The journal's writer numbers them; nothing changes them.

use diesel::prelude::*;
use schema::columns::{Key, When};
use schema::db::Db;
use schema::on;
use schema::tables::invoice;
use uuid::Uuid;

use super::journal::insert_all;
use crate::error::Fault;

/// Kind of an invoice.
pub const INVOICE: &str = "invoice";
/// Kind of a credit note.
pub const CREDIT_NOTE: &str = "credit_note";

/// A row of `invoice`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = invoice)]
#[diesel(treat_none_as_default_value = false)]
pub struct InvoiceRow {
    /// Identifier; also that of the entry that caused it.
    pub id: Key,
    /// Year of issue, UTC.
    pub year: i32,
    /// Number within it, from 1.
    pub number: i64,
    /// [`INVOICE`] or [`CREDIT_NOTE`].
    pub kind: String,
    /// The invoice that a credit note corrects.
    pub corrects: Option<Key>,
    /// The order.
    pub order_id: Key,
    /// Who bought.
    pub buyer_id: Key,
    /// Seller as it was, JSON.
    pub seller: String,
    /// Buyer as it was, JSON.
    pub buyer: String,
    /// What was sold, or given back.
    pub line: String,
    /// Without tax.
    pub net: i64,
    /// The tax.
    pub tax: i64,
    /// With tax.
    pub gross: i64,
    /// Where the tax is owed.
    pub jurisdiction: String,
    /// Name of the tax.
    pub tax_name: String,
    /// Basis points of the price without the tax: 19 % are 1900.
    pub tax_bps: i32,
    /// Whether the buyer owes the tax.
    pub reverse_charge: bool,
    /// Book of the entry.
    pub book: String,
    /// Number of the entry that moved the money of the order.
    pub entry_seq: i64,
    /// When it was issued.
    pub issued_at: When,
}

impl InvoiceRow {
    /// `2026-000001`.
    #[must_use]
    pub fn name(&self) -> String {
        name(self.year, self.number)
    }
}

/// How an invoice is called.
#[must_use]
pub fn name(year: i32, number: i64) -> String {
    format!("{year}-{number:06}")
}

/// The last number of a year; 0 before the first.
pub fn last(db: &mut Db, year: i32) -> Result<i64, Fault> {
    let last: Option<i64> = on!(db, c => invoice::table
        .filter(invoice::year.eq(year))
        .select(diesel::dsl::max(invoice::number))
        .first(c))?;
    Ok(last.unwrap_or(0))
}

/// Writes new ones.
pub fn insert(db: &mut Db, rows: &[InvoiceRow]) -> Result<(), Fault> {
    insert_all!(db, invoice::table, rows);
    Ok(())
}

/// The invoices of orders, without credit notes.
pub fn of_orders(db: &mut Db, orders: &[Key]) -> Result<Vec<InvoiceRow>, Fault> {
    let mut found = Vec::new();
    for some in orders.chunks(4_000) {
        let rows: Vec<InvoiceRow> = on!(db, c => invoice::table
            .filter(invoice::order_id.eq_any(some).and(invoice::kind.eq(INVOICE)))
            .select(InvoiceRow::as_select())
            .load(c))?;
        found.extend(rows);
    }
    Ok(found)
}

/// Invoice and credit notes of one order, oldest first.
pub fn of_order(db: &mut Db, order: Uuid) -> Result<Vec<InvoiceRow>, Fault> {
    Ok(on!(db, c => invoice::table
        .filter(invoice::order_id.eq(Key(order)))
        .order((invoice::year, invoice::number))
        .select(InvoiceRow::as_select())
        .load(c))?)
}

/// One.
pub fn find(db: &mut Db, id: Uuid) -> Result<InvoiceRow, Fault> {
    Ok(on!(db, c => invoice::table
        .find(Key(id))
        .select(InvoiceRow::as_select())
        .first(c))?)
}

/// Several, in any order.
pub fn by_ids(db: &mut Db, ids: &[Key]) -> Result<Vec<InvoiceRow>, Fault> {
    Ok(on!(db, c => invoice::table
        .filter(invoice::id.eq_any(ids))
        .select(InvoiceRow::as_select())
        .load(c))?)
}

/// Those of a buyer, or of everybody; newest first, older than `before`.
pub fn list(
    db: &mut Db,
    buyer: Option<Uuid>,
    before: Uuid,
    limit: i64,
) -> Result<Vec<InvoiceRow>, Fault> {
    macro_rules! newest {
        () => {
            invoice::table
                .filter(invoice::id.lt(Key(before)))
                .order(invoice::id.desc())
                .limit(limit)
                .select(InvoiceRow::as_select())
        };
    }
    Ok(match buyer {
        Some(buyer) => on!(db, c => newest!().filter(invoice::buyer_id.eq(Key(buyer))).load(c))?,
        None => on!(db, c => newest!().load(c))?,
    })
}

/// After a number, in the order of numbers: for the verifier.
pub fn after(
    db: &mut Db,
    (year, number): (i32, i64),
    limit: i64,
) -> Result<Vec<InvoiceRow>, Fault> {
    Ok(on!(db, c => invoice::table
        .filter(invoice::year.gt(year).or(invoice::year.eq(year).and(invoice::number.gt(number))))
        .order((invoice::year, invoice::number))
        .limit(limit)
        .select(InvoiceRow::as_select())
        .load(c))?)
}

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = schema::columns::Id)]
    id: Key,
}

fn ids(db: &mut Db, sql: &str) -> Result<Vec<Uuid>, Fault> {
    let rows: Vec<IdRow> = on!(db, c => diesel::sql_query(sql).load(c))?;
    Ok(rows.into_iter().map(|row| row.id.0).collect())
}

/// Those whose gross or tax is not what their entry posts to the legs of the sale, or to the
/// tax account of their jurisdiction.
pub fn unlike_their_entries(db: &mut Db) -> Result<Vec<Uuid>, Fault> {
    ids(
        db,
        "SELECT i.id FROM invoice i WHERE \
           (CASE WHEN i.kind = 'invoice' THEN -i.gross ELSE i.gross END) <> COALESCE(( \
             SELECT SUM(p.amount) FROM posting p JOIN account a ON a.id = p.account_id \
             WHERE p.book = i.book AND p.seq = i.entry_seq \
               AND a.name NOT LIKE 'Assets:%' AND a.name NOT LIKE 'Liabilities:Wallet:%' \
               AND a.name NOT LIKE 'Expenses:%' AND a.name <> 'Liabilities:DisputeHold'), 0) \
           OR (CASE WHEN i.kind = 'invoice' THEN -i.tax ELSE i.tax END) <> COALESCE(( \
             SELECT SUM(p.amount) FROM posting p JOIN account a ON a.id = p.account_id \
             WHERE p.book = i.book AND p.seq = i.entry_seq \
               AND a.name = 'Liabilities:Tax:Sales:' || i.jurisdiction), 0) \
         ORDER BY i.id",
    )
}

/// Credit notes that name no invoice of their order, or that give back more with others than
/// it took.
pub fn unfounded(db: &mut Db) -> Result<Vec<Uuid>, Fault> {
    ids(
        db,
        "SELECT n.id FROM invoice n LEFT JOIN invoice i ON i.id = n.corrects \
         WHERE (n.kind = 'invoice' AND n.corrects IS NOT NULL) OR (n.kind <> 'invoice' AND ( \
           i.id IS NULL OR i.kind <> 'invoice' OR i.order_id <> n.order_id OR i.gross < ( \
             SELECT SUM(m.gross) FROM invoice m WHERE m.corrects = n.corrects))) ORDER BY n.id",
    )
}

/// Orders that took money after the first invoice of their book and have none, and refunds and
/// lost disputes of invoiced orders without a credit note.
pub fn missing(db: &mut Db) -> Result<Vec<Uuid>, Fault> {
    ids(
        db,
        "SELECT o.id FROM orders o WHERE o.entry_seq > ( \
           SELECT MIN(f.entry_seq) FROM invoice f WHERE f.book = o.book) AND NOT EXISTS ( \
           SELECT 1 FROM invoice i WHERE i.order_id = o.id AND i.kind = 'invoice') \
         UNION ALL SELECT r.id FROM refund r WHERE EXISTS ( \
           SELECT 1 FROM invoice i WHERE i.order_id = r.order_id AND i.kind = 'invoice') \
           AND NOT EXISTS (SELECT 1 FROM invoice n WHERE n.book = r.book \
             AND n.entry_seq = r.entry_seq AND n.kind = 'credit_note') \
         UNION ALL SELECT d.id FROM dispute d JOIN dispute_move m ON m.dispute_id = d.id \
         WHERE d.state = 'lost' AND EXISTS ( \
           SELECT 1 FROM invoice i WHERE i.order_id = d.order_id AND i.kind = 'invoice') \
           AND NOT EXISTS (SELECT 1 FROM invoice n WHERE n.book = m.book \
             AND n.entry_seq = m.entry_seq AND n.kind = 'credit_note')",
    )
}
