//! Invoices and credit notes, for the buyer and the operator.

use std::collections::HashMap;

use schema::columns::Key;
use schema::db::Db;
use schema::wire::{InvoiceLine, InvoiceParty, InvoiceRef, InvoiceView, Page, PageQuery};
use uuid::Uuid;

use crate::auth::{Actor, rights};
use crate::ctx::{Ctx, blocking};
use crate::error::Fault;
use crate::journal::command::amount;
use crate::paging::Window;
use crate::store::invoices::{self as store, InvoiceRow};
use crate::store::{journal, orders, parties};

mod paper;

pub use paper::percentage;

/// What has to stand on an invoice whose buyer owes the tax.
const REVERSED: &str = "Reverse charge: the recipient of the service owes the tax.";

/// One, for its buyer or an operator.
///
/// # Errors
/// `not_found`.
pub async fn show(ctx: &Ctx, who: &Actor, id: Uuid) -> Result<InvoiceView, Fault> {
    let who = who.clone();
    ctx.read(move |db| {
        let row = store::find(db, id)?;
        rights::invoice(&who, row.buyer_id.0).see()?;
        views(db, vec![row])?.pop().ok_or_else(Fault::missing)
    })
    .await
}

/// The same on paper, with the name to keep it under.
///
/// # Errors
/// `not_found`.
pub async fn pdf(ctx: &Ctx, who: &Actor, id: Uuid) -> Result<(String, Vec<u8>), Fault> {
    let view = show(ctx, who, id).await?;
    blocking(move || {
        let kind = view.kind.replace('_', "-");
        Ok((
            format!("{kind}-{}.pdf", view.number),
            paper::invoice(&view)?,
        ))
    })
    .await
}

/// The caller's, newest first.
///
/// # Errors
/// A bad cursor or limit.
pub async fn list(ctx: &Ctx, who: &Actor, query: PageQuery) -> Result<Page<InvoiceView>, Fault> {
    some(ctx, Some(who.party), query).await
}

/// Everybody's, newest first. Operators only.
///
/// # Errors
/// `not_found` for others, a bad cursor or limit.
pub async fn all(ctx: &Ctx, who: &Actor, query: PageQuery) -> Result<Page<InvoiceView>, Fault> {
    rights::node(who).audit()?;
    some(ctx, None, query).await
}

async fn some(
    ctx: &Ctx,
    buyer: Option<Uuid>,
    query: PageQuery,
) -> Result<Page<InvoiceView>, Fault> {
    let window = Window::of(&query)?;
    let found = ctx
        .read(move |db| {
            let rows = store::list(db, buyer, window.before, window.fetch())?;
            views(db, rows)
        })
        .await?;
    Ok(window.page(found, |view| view.id, |view| view))
}

/// Those of an order, oldest first; none for whoever may see the order alone.
///
/// # Errors
/// `not_found` for whoever may not see the order.
pub async fn of_order(ctx: &Ctx, who: &Actor, order: Uuid) -> Result<Vec<InvoiceView>, Fault> {
    let who = who.clone();
    ctx.read(move |db| {
        let (row, owner) = orders::find(db, order)?;
        rights::order(&who, row.buyer_id.0, owner).see()?;
        if rights::invoice(&who, row.buyer_id.0).see().is_err() {
            return Ok(Vec::new());
        }
        let rows = store::of_order(db, order)?;
        views(db, rows)
    })
    .await
}

fn views(db: &mut Db, rows: Vec<InvoiceRow>) -> Result<Vec<InvoiceView>, Fault> {
    let corrected: Vec<Key> = rows.iter().filter_map(|row| row.corrects).collect();
    let names: HashMap<Key, String> = store::by_ids(db, &corrected)?
        .into_iter()
        .map(|row| (row.id, row.name()))
        .collect();
    let buyers: Vec<Uuid> = rows.iter().map(|row| row.buyer_id.0).collect();
    let buyers = parties::views(db, &buyers)?;
    let view = |row: InvoiceRow| {
        let money = |minor| amount(minor, &row.book);
        let corrects = row.corrects.map(|id| InvoiceRef {
            id: id.0,
            number: names.get(&id).cloned().unwrap_or_default(),
        });
        let party = buyers.get(&row.buyer_id.0).cloned();
        Ok(InvoiceView {
            id: row.id.0,
            number: row.name(),
            corrects,
            order_id: row.order_id.0,
            party: party.ok_or_else(Fault::missing)?,
            seller: frozen(&row.seller)?,
            buyer: frozen(&row.buyer)?,
            lines: vec![InvoiceLine {
                text: row.line.clone(),
                net: money(row.net),
                tax: money(row.tax),
                gross: money(row.gross),
            }],
            net: money(row.net),
            tax: money(row.tax),
            gross: money(row.gross),
            tax_bps: row.tax_bps,
            reverse_charge: row.reverse_charge,
            note: row.reverse_charge.then(|| REVERSED.to_owned()),
            entry: journal::entry_name(&row.book, row.entry_seq),
            issued_at: row.issued_at.into(),
            kind: row.kind,
            jurisdiction: row.jurisdiction,
            tax_name: row.tax_name,
        })
    };
    rows.into_iter().map(view).collect()
}

fn frozen(text: &str) -> Result<InvoiceParty, Fault> {
    serde_json::from_str(text).map_err(Fault::internal)
}
