//! Orders with the licences they give, and refunds.

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use schema::columns::{Key, When};
use schema::db::Db;
use schema::on;
use schema::tables::{dataset, licence, orders, party, refund, revision, subscription_licence};
use schema::wire::{Amount, OrderView, PartyView, RefundView, SaleView};
use uuid::Uuid;

use super::journal::{entry_name, insert_all};
use crate::error::Fault;

/// A row of `orders`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = orders)]
#[diesel(treat_none_as_default_value = false)]
pub struct OrderRow {
    /// Identifier; also that of its entry.
    pub id: Key,
    /// Buyer.
    pub buyer_id: Key,
    /// Offer accepted.
    pub offer_id: Key,
    /// Dataset.
    pub dataset_id: Key,
    /// Revision current at the purchase.
    pub revision_id: Key,
    /// Its frozen shares.
    pub epoch: i32,
    /// Licence given.
    pub licence_id: Key,
    /// Currency.
    pub currency: String,
    /// Paid.
    pub gross: i64,
    /// Platform fee in it.
    pub fee: i64,
    /// Sales tax in it.
    pub tax: i64,
    /// Owner's commission in it.
    pub commission: i64,
    /// Net to the pool.
    pub net: i64,
    /// Given back so far.
    pub refunded: i64,
    /// Part of it from the fee.
    pub refunded_fee: i64,
    /// Part of it from the tax.
    pub refunded_tax: i64,
    /// Part of it from the commission.
    pub refunded_commission: i64,
    /// Part of it from the pool.
    pub refunded_net: i64,
    /// Book of the entry.
    pub book: String,
    /// Number of the entry; 0 for an order of price 0, which moves no money.
    pub entry_seq: i64,
    /// When.
    pub created_at: When,
    /// Where its sales tax is owed, and given back.
    pub jurisdiction: String,
}

/// A row of `licence`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = licence)]
#[diesel(treat_none_as_default_value = false)]
pub struct LicenceRow {
    /// Identifier.
    pub id: Key,
    /// Order that paid for it.
    pub order_id: Key,
    /// Holder.
    pub party_id: Key,
    /// Dataset.
    pub dataset_id: Key,
    /// Revision bought.
    pub revision_id: Key,
    /// Signed licence.
    pub document: String,
    /// First moment of the term.
    pub valid_from: When,
    /// First moment after it.
    pub valid_until: Option<When>,
    /// Downloads used.
    pub downloads_used: i32,
    /// When it was revoked.
    pub revoked_at: Option<When>,
    /// Why.
    pub revoked_reason: Option<String>,
    /// When it was given.
    pub created_at: When,
}

/// A row of `refund`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = refund)]
#[diesel(treat_none_as_default_value = false)]
pub struct RefundRow {
    /// Identifier; also that of its entry.
    pub id: Key,
    /// Order.
    pub order_id: Key,
    /// Period booked in.
    pub period: String,
    /// Given back.
    pub amount: i64,
    /// Part from the fee.
    pub fee: i64,
    /// Part from the tax.
    pub tax: i64,
    /// Part from the commission.
    pub commission: i64,
    /// Part from the pool.
    pub net: i64,
    /// Why.
    pub reason: String,
    /// Who gave it back.
    pub requested_by: Key,
    /// Book of the entry.
    pub book: String,
    /// Number of the entry.
    pub entry_seq: i64,
    /// When.
    pub created_at: When,
}

/// Orders by identifier.
pub fn by_ids(db: &mut Db, ids: &[Key]) -> Result<Vec<OrderRow>, Fault> {
    Ok(on!(db, c => orders::table
        .filter(orders::id.eq_any(ids))
        .select(OrderRow::as_select())
        .load(c))?)
}

/// One order with the owner of its dataset.
pub fn find(db: &mut Db, id: Uuid) -> Result<(OrderRow, Uuid), Fault> {
    let (row, owner): (OrderRow, Key) = on!(db, c => orders::table
        .inner_join(dataset::table)
        .filter(orders::id.eq(Key(id)))
        .select((OrderRow::as_select(), dataset::owner_id))
        .first(c))?;
    Ok((row, owner.0))
}

/// Writes new orders.
pub fn insert(db: &mut Db, rows: &[OrderRow]) -> Result<(), Fault> {
    insert_all!(db, orders::table, rows);
    Ok(())
}

/// Writes new licences.
pub fn insert_licences(db: &mut Db, rows: &[LicenceRow]) -> Result<(), Fault> {
    insert_all!(db, licence::table, rows);
    Ok(())
}

/// Writes new refunds.
pub fn insert_refunds(db: &mut Db, rows: &[RefundRow]) -> Result<(), Fault> {
    insert_all!(db, refund::table, rows);
    Ok(())
}

/// Writes the running totals given back of an order.
pub fn set_refunded(db: &mut Db, row: &OrderRow) -> Result<(), Fault> {
    on!(db, c => diesel::update(orders::table.find(row.id))
        .set((
            orders::refunded.eq(row.refunded),
            orders::refunded_fee.eq(row.refunded_fee),
            orders::refunded_tax.eq(row.refunded_tax),
            orders::refunded_commission.eq(row.refunded_commission),
            orders::refunded_net.eq(row.refunded_net),
        ))
        .execute(c))?;
    Ok(())
}

/// Revokes the licence of an order unless it is revoked already.
pub fn revoke_licence(db: &mut Db, order: Key, at: When, reason: &str) -> Result<(), Fault> {
    on!(db, c => diesel::update(licence::table
            .filter(licence::order_id.eq(order).and(licence::revoked_at.is_null())))
        .set((licence::revoked_at.eq(Some(at)), licence::revoked_reason.eq(Some(reason))))
        .execute(c))?;
    Ok(())
}

type OrderParts = (OrderRow, (Key, String, String, bool), (String, i32));

fn order_view((row, buyer, (slug, number)): OrderParts) -> OrderView {
    let amount = |minor| Amount {
        minor,
        currency: row.currency.clone(),
    };
    OrderView {
        id: row.id.0,
        buyer: party_view(buyer),
        dataset_id: row.dataset_id.0,
        dataset: slug,
        revision_id: row.revision_id.0,
        revision: number,
        licence_id: row.licence_id.0,
        gross: amount(row.gross),
        fee: amount(row.fee),
        tax: amount(row.tax),
        commission: amount(row.commission),
        net: amount(row.net),
        refunded: amount(row.refunded),
        entry: entry_name(&row.book, row.entry_seq),
        created_at: row.created_at.into(),
    }
}

/// A party as others see it.
#[must_use]
pub fn party_view((id, handle, display_name, operator): (Key, String, String, bool)) -> PartyView {
    PartyView {
        id: id.0,
        handle,
        display_name,
        email: None,
        operator,
    }
}

macro_rules! order_query {
    () => {
        orders::table
            .inner_join(dataset::table)
            .inner_join(party::table)
            .inner_join(revision::table)
            .select((
                OrderRow::as_select(),
                (
                    party::id,
                    party::handle,
                    party::display_name,
                    party::operator,
                ),
                (dataset::slug, revision::number),
            ))
    };
}

/// An order as its buyer sees it.
pub fn view(db: &mut Db, id: Uuid) -> Result<OrderView, Fault> {
    let parts: OrderParts = on!(db, c => order_query!().filter(orders::id.eq(Key(id))).first(c))?;
    Ok(order_view(parts))
}

/// A buyer's orders, newest first, older than `before`; what licences of a subscription hang on
/// is no purchase.
pub fn of_buyer(
    db: &mut Db,
    buyer: Uuid,
    before: Uuid,
    limit: i64,
) -> Result<Vec<OrderView>, Fault> {
    let before = Key(before);
    let parts: Vec<OrderParts> = on!(db, c => order_query!()
        .filter(orders::buyer_id.eq(Key(buyer)).and(orders::id.lt(before)))
        .filter(not(exists(subscription_licence::table
            .filter(subscription_licence::licence_id.eq(orders::licence_id)))))
        .order(orders::id.desc())
        .limit(limit)
        .load(c))?;
    Ok(parts.into_iter().map(order_view).collect())
}

/// Sales of a dataset, newest first, older than `before`; subscriptions are not among them.
pub fn sales_of(
    db: &mut Db,
    dataset_id: Uuid,
    before: Uuid,
    limit: i64,
) -> Result<Vec<SaleView>, Fault> {
    let before = Key(before);
    let parts: Vec<OrderParts> = on!(db, c => order_query!()
        .filter(orders::dataset_id.eq(Key(dataset_id)).and(orders::id.lt(before)))
        .filter(not(exists(subscription_licence::table
            .filter(subscription_licence::licence_id.eq(orders::licence_id)))))
        .order(orders::id.desc())
        .limit(limit)
        .load(c))?;
    Ok(parts
        .into_iter()
        .map(|parts| sale_view(order_view(parts)))
        .collect())
}

fn sale_view(order: OrderView) -> SaleView {
    SaleView {
        order_id: order.id,
        dataset: order.dataset,
        revision: order.revision,
        buyer: order.buyer,
        gross: order.gross,
        net: order.net,
        refunded: order.refunded,
        created_at: order.created_at,
    }
}

/// Refunds of an order, oldest first.
pub fn refunds(db: &mut Db, order: Uuid) -> Result<Vec<RefundRow>, Fault> {
    Ok(on!(db, c => refund::table
        .filter(refund::order_id.eq(Key(order)))
        .order(refund::entry_seq)
        .select(RefundRow::as_select())
        .load(c))?)
}

/// A refund as the buyer and the provider see it. `total` is what was given back with it.
#[must_use]
pub fn refund_view(row: &RefundRow, order: &OrderRow, total: i64) -> RefundView {
    let amount = |minor| Amount {
        minor,
        currency: order.currency.clone(),
    };
    RefundView {
        id: row.id.0,
        order_id: row.order_id.0,
        amount: amount(row.amount),
        fee: amount(row.fee),
        tax: amount(row.tax),
        commission: amount(row.commission),
        net: amount(row.net),
        reason: row.reason.clone(),
        entry: entry_name(&row.book, row.entry_seq),
        licence_revoked: total == order.gross,
        created_at: row.created_at.into(),
    }
}

/// What a purchase has to know of an offer.
#[derive(Debug, Clone)]
pub struct Sellable {
    /// Dataset.
    pub dataset_id: Uuid,
    /// Its slug.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// Its owner.
    pub owner: Uuid,
    /// The owner's commission in basis points.
    pub commission_bps: i32,
    /// Whether offer and dataset are open for buyers.
    pub live: bool,
    /// Terms as JSON.
    pub terms: String,
    /// Their SHA-256.
    pub terms_digest: Vec<u8>,
    /// Price.
    pub price_minor: i64,
    /// Its currency.
    pub currency: String,
    /// Current revision, its number and its frozen shares.
    pub revision: Option<(Uuid, i32, i32)>,
}

/// What is for sale under an offer, now.
pub fn sellable(db: &mut Db, offer_id: Uuid) -> Result<Sellable, Fault> {
    use schema::tables::offer;
    type Parts = (
        (Key, String, String, Key, i32, String),
        (String, String, Vec<u8>, i64, String),
    );
    let (
        (dataset_id, slug, title, owner, bps, state),
        (offer_state, terms, digest, price, currency),
    ): Parts = on!(db, c => offer::table
            .inner_join(dataset::table)
            .filter(offer::id.eq(Key(offer_id)))
            .select((
                (dataset::id, dataset::slug, dataset::title, dataset::owner_id, dataset::commission_bps, dataset::state),
                (offer::state, offer::terms, offer::terms_digest, offer::price_minor, offer::currency),
            ))
            .first(c))?;
    Ok(Sellable {
        dataset_id: dataset_id.0,
        slug,
        title,
        owner: owner.0,
        commission_bps: bps,
        live: state == "open" && offer_state == "live",
        terms,
        terms_digest: digest,
        price_minor: price,
        currency,
        revision: current_revision(db, dataset_id)?,
    })
}

/// The latest published revision of a dataset with its latest epoch.
fn current_revision(db: &mut Db, dataset_id: Key) -> Result<Option<(Uuid, i32, i32)>, Fault> {
    let latest: Option<(Key, i32)> = on!(db, c => revision::table
        .filter(revision::dataset_id.eq(dataset_id).and(revision::state.eq("published")))
        .order(revision::number.desc())
        .select((revision::id, revision::number))
        .first(c)
        .optional())?;
    let Some((id, number)) = latest else {
        return Ok(None);
    };
    Ok(super::pools::latest_epoch(db, id.0)?.map(|epoch| (id.0, number, epoch)))
}

/// Orders after an identifier, in its order.
pub fn after(db: &mut Db, id: Uuid, limit: i64) -> Result<Vec<OrderRow>, Fault> {
    Ok(on!(db, c => orders::table
        .filter(orders::id.gt(Key(id)))
        .order(orders::id)
        .limit(limit)
        .select(OrderRow::as_select())
        .load(c))?)
}

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = schema::columns::Id)]
    id: Key,
}

fn ids_of(db: &mut Db, sql: &str) -> Result<Vec<Uuid>, Fault> {
    let rows: Vec<IdRow> = on!(db, c => diesel::sql_query(sql).load(c))?;
    Ok(rows.into_iter().map(|row| row.id.0).collect())
}

/// Orders whose gross no entry debits from their buyer's wallet.
pub fn without_payment(db: &mut Db) -> Result<Vec<Uuid>, Fault> {
    ids_of(
        db,
        "SELECT o.id FROM orders o WHERE (o.gross <> 0 OR o.entry_seq <> 0) AND NOT EXISTS ( \
           SELECT 1 FROM entry e JOIN posting p ON p.book = e.book AND p.seq = e.seq AND p.line = 0 \
           WHERE e.book = o.book AND e.seq = o.entry_seq AND e.id = o.id AND p.amount = o.gross) \
         ORDER BY o.id",
    )
}

/// Orders whose refunds do not sum to their running totals, leg by leg.
pub fn with_other_refunds(db: &mut Db) -> Result<Vec<Uuid>, Fault> {
    ids_of(
        db,
        "SELECT o.id FROM orders o LEFT JOIN ( \
           SELECT order_id, SUM(amount) AS amount, SUM(fee) AS fee, SUM(tax) AS tax, \
             SUM(commission) AS commission, SUM(net) AS net FROM give_back GROUP BY order_id \
         ) r ON r.order_id = o.id \
         WHERE o.refunded <> COALESCE(r.amount, 0) OR o.refunded_fee <> COALESCE(r.fee, 0) \
            OR o.refunded_tax <> COALESCE(r.tax, 0) OR o.refunded_commission <> COALESCE(r.commission, 0) \
            OR o.refunded_net <> COALESCE(r.net, 0) ORDER BY o.id",
    )
}

/// Every licence.
pub fn all_licences(db: &mut Db) -> Result<Vec<LicenceRow>, Fault> {
    Ok(on!(db, c => licence::table.select(LicenceRow::as_select()).load(c))?)
}
