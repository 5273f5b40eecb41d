//! Invoices and credit notes: numbered and written in the transaction of their entry, so that
//! a number is given exactly when money has moved, and none is lost.
//!
//! | entry | document |
//! |---|---|
//! | purchase | invoice over its gross |
//! | refund, by whomever | credit note over what it gives back |
//! | lost dispute | credit note over what it took of the order when it was opened |
//!
//! A free order moves no money and has none; so has what is given back of an order that was
//! bought before there were invoices.

use std::collections::HashMap;

use chrono::{DateTime, Datelike, Utc};
use ledger::tax::Treatment;
use schema::columns::Key;
use schema::db::Db;

use crate::error::Fault;
use crate::store::disputes::{self, MoveRow};
use crate::store::invoices::{self, CREDIT_NOTE, INVOICE, InvoiceRow};
use crate::store::orders::OrderRow;

/// What an invoice says beside its figures, frozen when the order is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bill {
    /// Seller, JSON.
    pub seller: String,
    /// Buyer, JSON.
    pub buyer: String,
    /// What is sold.
    pub line: String,
    /// The tax.
    pub tax: Treatment,
}

/// The documents of one transaction.
pub(super) struct Documents {
    issued_at: DateTime<Utc>,
    next: i64,
    /// Invoices of the orders that are touched.
    known: HashMap<Key, InvoiceRow>,
    /// What disputes of these orders took when they were opened.
    taken: HashMap<Key, MoveRow>,
    new: Vec<InvoiceRow>,
}

/// What was given back.
pub(super) struct Given {
    /// Identifier of the refund, or of the entry that decides.
    pub(super) id: Key,
    /// With tax.
    pub(super) gross: i64,
    /// The tax.
    pub(super) tax: i64,
    /// The entry that moved it.
    pub(super) entry_seq: i64,
}

impl Documents {
    /// Reads the number that comes next, and the invoices of these orders.
    pub(super) fn load(
        db: &mut Db,
        issued_at: DateTime<Utc>,
        orders: &[Key],
    ) -> Result<Self, Fault> {
        let known = invoices::of_orders(db, orders)?;
        let taken = disputes::opening_moves(db, orders)?;
        Ok(Self {
            issued_at,
            next: invoices::last(db, issued_at.year())? + 1,
            known: known.into_iter().map(|row| (row.order_id, row)).collect(),
            taken: taken.into_iter().map(|row| (row.dispute_id, row)).collect(),
            new: Vec::new(),
        })
    }

    /// Makes the invoice of an order whose entry is booked.
    pub(super) fn sold(&mut self, order: &OrderRow, bill: &Bill) -> Result<(), Fault> {
        let row = InvoiceRow {
            id: order.id,
            year: self.issued_at.year(),
            number: self.number(),
            kind: INVOICE.to_owned(),
            corrects: None,
            order_id: order.id,
            buyer_id: order.buyer_id,
            seller: bill.seller.clone(),
            buyer: bill.buyer.clone(),
            line: bill.line.clone(),
            net: order.gross - order.tax,
            tax: order.tax,
            gross: order.gross,
            jurisdiction: order.jurisdiction.clone(),
            tax_name: bill.tax.name.clone(),
            tax_bps: i32::try_from(bill.tax.bps).map_err(Fault::internal)?,
            reverse_charge: bill.tax.reverse_charge,
            book: order.book.clone(),
            entry_seq: order.entry_seq,
            issued_at: self.issued_at.into(),
        };
        self.new.push(row);
        Ok(())
    }

    /// Makes the credit note of what was given back of an order.
    pub(super) fn given_back(&mut self, order: Key, given: &Given) {
        let Some(of) = self.known.get(&order).cloned() else {
            return;
        };
        let row = InvoiceRow {
            id: given.id,
            year: self.issued_at.year(),
            number: self.number(),
            kind: CREDIT_NOTE.to_owned(),
            corrects: Some(of.id),
            net: given.gross - given.tax,
            tax: given.tax,
            gross: given.gross,
            entry_seq: given.entry_seq,
            issued_at: self.issued_at.into(),
            ..of
        };
        self.new.push(row);
    }

    /// Makes the credit note of a dispute that was lost: its own entry moves nothing of the
    /// order, what it took left when it was opened.
    pub(super) fn lost(&mut self, dispute: Key, id: Key) {
        let Some(taken) = self.taken.get(&dispute) else {
            return;
        };
        let given = Given {
            id,
            gross: taken.amount,
            tax: taken.tax,
            entry_seq: taken.entry_seq,
        };
        self.given_back(taken.order_id, &given);
    }

    fn number(&mut self) -> i64 {
        let number = self.next;
        self.next += 1;
        number
    }

    /// Writes them; their orders are written before.
    pub(super) fn write(&self, db: &mut Db) -> Result<(), Fault> {
        invoices::insert(db, &self.new)
    }
}
