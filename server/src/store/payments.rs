//! Payments on their way in, and the provider's own objects about them.
//!
//! Two hands write these rows. What was *seen* (session, intent, charge, the largest total given
//! back, the status of a refund or dispute) only grows, so that messages may come in any order and
//! any number of times. What is *booked* (state, order, given back, returned, `booked`) is written
//! by the journal's writer alone, in the transaction of its entries.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use schema::columns::{Key, When};
use schema::db::Db;
use schema::on;
use schema::tables::{payment, provider_object};
use uuid::Uuid;

use crate::error::Fault;

/// A row of `payment`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = payment)]
#[diesel(treat_none_as_default_value = false)]
pub struct PaymentRow {
    /// Identifier.
    pub id: Key,
    /// Who pays.
    pub party_id: Key,
    /// Its key for this request.
    pub idem_key: String,
    /// SHA-256 of what was asked.
    pub request_hash: Vec<u8>,
    /// `card` or `transfer`.
    pub way: String,
    /// Currency.
    pub currency: String,
    /// Minor units.
    pub amount: i64,
    /// The order to pay, as JSON; none fills the wallet.
    pub wanted: Option<String>,
    /// What a transfer names.
    pub reference: String,
    /// `open`, `paid` or `ended`.
    pub state: String,
    /// The provider's page.
    pub session_id: Option<String>,
    /// The provider's payment.
    pub intent_id: Option<String>,
    /// The provider's charge.
    pub charge_id: Option<String>,
    /// Address of the page.
    pub url: Option<String>,
    /// What went wrong last, in the provider's words.
    pub failure: Option<String>,
    /// When.
    pub failed_at: Option<When>,
    /// The largest total given back that the provider named.
    pub seen_back: i64,
    /// Given back out of the wallet, as booked.
    pub given_back: i64,
    /// Of that, what did not arrive and went into the wallet.
    pub returned: i64,
    /// The order it paid.
    pub order_id: Option<Key>,
    /// When it was asked for.
    pub created_at: When,
    /// When the money had come.
    pub paid_at: Option<When>,
}

/// A row of `provider_object`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = provider_object)]
#[diesel(treat_none_as_default_value = false)]
pub struct ObjectRow {
    /// The provider's identifier.
    pub id: String,
    /// `refund`, `dispute`, `payout` or `transfer`.
    pub kind: String,
    /// Payment it belongs to.
    pub payment_id: Option<Key>,
    /// Currency.
    pub currency: String,
    /// Minor units.
    pub amount: i64,
    /// Status, in this node's words.
    pub status: String,
    /// Rank of the status: a higher one replaces a lower one.
    pub standing: i32,
    /// What of it is booked.
    pub booked: String,
    /// Of a dispute over a wallet's money: what the wallet held and gave.
    pub from_wallet: i64,
    /// When it was first heard of.
    pub created_at: When,
}

/// Keeps a new payment; false when the party's key has one already.
pub fn insert(db: &mut Db, row: &PaymentRow) -> Result<bool, Fault> {
    let count = on!(db, c => diesel::insert_into(payment::table)
        .values(row)
        .on_conflict((payment::party_id, payment::idem_key))
        .do_nothing()
        .execute(c))?;
    Ok(count == 1)
}

/// The payment under a party's key.
pub fn by_key(db: &mut Db, party: Uuid, key: &str) -> Result<Option<PaymentRow>, Fault> {
    Ok(on!(db, c => payment::table
        .filter(payment::party_id.eq(Key(party)).and(payment::idem_key.eq(key)))
        .select(PaymentRow::as_select())
        .first(c)
        .optional())?)
}

/// A payment.
///
/// # Errors
/// `not_found`.
pub fn by_id(db: &mut Db, id: Uuid) -> Result<PaymentRow, Fault> {
    Ok(on!(db, c => payment::table.find(Key(id)).select(PaymentRow::as_select()).first(c))?)
}

/// The payment with the provider's identifier of a payment or charge.
pub fn by_provider_id(db: &mut Db, id: &str) -> Result<Option<PaymentRow>, Fault> {
    Ok(on!(db, c => payment::table
        .filter(payment::intent_id.eq(id).or(payment::charge_id.eq(id)))
        .select(PaymentRow::as_select())
        .first(c)
        .optional())?)
}

/// The open transfer that a bank reference names.
pub fn open_transfer(db: &mut Db, reference: &str) -> Result<Option<PaymentRow>, Fault> {
    Ok(on!(db, c => payment::table
        .filter(payment::reference.eq(reference))
        .filter(payment::way.eq("transfer").and(payment::state.eq("open")))
        .select(PaymentRow::as_select())
        .first(c)
        .optional())?)
}

/// Payments by identifier.
pub fn by_ids(db: &mut Db, ids: &[Key]) -> Result<Vec<PaymentRow>, Fault> {
    Ok(on!(db, c => payment::table
        .filter(payment::id.eq_any(ids))
        .select(PaymentRow::as_select())
        .load(c))?)
}

/// The payments that paid these orders.
pub fn of_orders(db: &mut Db, orders: &[Key]) -> Result<Vec<PaymentRow>, Fault> {
    Ok(on!(db, c => payment::table
        .filter(payment::order_id.eq_any(orders))
        .select(PaymentRow::as_select())
        .load(c))?)
}

/// A party's payments, newest first, older than `before`.
pub fn of_party(
    db: &mut Db,
    party: Uuid,
    before: Uuid,
    limit: i64,
) -> Result<Vec<PaymentRow>, Fault> {
    let before = Key(before);
    Ok(on!(db, c => payment::table
        .filter(payment::party_id.eq(Key(party)).and(payment::id.lt(before)))
        .order(payment::id.desc())
        .limit(limit)
        .select(PaymentRow::as_select())
        .load(c))?)
}

/// Keeps where a payment can be made.
pub fn set_page(db: &mut Db, id: Uuid, session: &str, url: &str) -> Result<(), Fault> {
    on!(db, c => diesel::update(payment::table.find(Key(id)))
        .set((payment::session_id.eq(Some(session)), payment::url.eq(Some(url))))
        .execute(c))?;
    Ok(())
}

/// Keeps the provider's identifiers of a payment, each once it is known.
pub fn see_ids(
    db: &mut Db,
    id: Uuid,
    intent: Option<&str>,
    charge: Option<&str>,
) -> Result<(), Fault> {
    if let Some(intent) = intent {
        on!(db, c => diesel::update(payment::table.find(Key(id)).filter(payment::intent_id.is_null()))
            .set(payment::intent_id.eq(Some(intent)))
            .execute(c))?;
    }
    if let Some(charge) = charge {
        on!(db, c => diesel::update(payment::table.find(Key(id)))
            .set(payment::charge_id.eq(Some(charge)))
            .execute(c))?;
    }
    Ok(())
}

/// Keeps why a try to pay failed, unless something later is known.
pub fn see_failure(db: &mut Db, id: Uuid, words: &str, at: DateTime<Utc>) -> Result<(), Fault> {
    let at = When::from(at);
    on!(db, c => diesel::update(payment::table
            .find(Key(id))
            .filter(payment::failed_at.is_null().or(payment::failed_at.le(at).assume_not_null())))
        .set((payment::failure.eq(Some(words)), payment::failed_at.eq(Some(at))))
        .execute(c))?;
    Ok(())
}

/// An open payment that cannot be made any more.
pub fn end(db: &mut Db, id: Uuid) -> Result<(), Fault> {
    on!(db, c => diesel::update(payment::table.find(Key(id)).filter(payment::state.eq("open")))
        .set(payment::state.eq("ended"))
        .execute(c))?;
    Ok(())
}

/// Raises the total given back that the provider named.
pub fn see_given_back(db: &mut Db, id: Uuid, total: i64) -> Result<(), Fault> {
    on!(db, c => diesel::update(payment::table.find(Key(id)).filter(payment::seen_back.lt(total)))
        .set(payment::seen_back.eq(total))
        .execute(c))?;
    Ok(())
}

/// Writes what the journal's writer has booked of a payment.
pub fn set_booked(db: &mut Db, row: &PaymentRow) -> Result<(), Fault> {
    on!(db, c => diesel::update(payment::table.find(row.id))
        .set((
            payment::state.eq(&row.state),
            payment::given_back.eq(row.given_back),
            payment::returned.eq(row.returned),
            payment::order_id.eq(row.order_id),
            payment::paid_at.eq(row.paid_at),
        ))
        .execute(c))?;
    Ok(())
}

/// Keeps an object of the provider, or its status when that is further on than the known one.
pub fn see_object(db: &mut Db, row: &ObjectRow) -> Result<(), Fault> {
    on!(db, c => diesel::insert_into(provider_object::table)
        .values(row)
        .on_conflict(provider_object::id)
        .do_nothing()
        .execute(c))?;
    on!(db, c => diesel::update(provider_object::table
            .find(&row.id)
            .filter(provider_object::standing.lt(row.standing)))
        .set((
            provider_object::status.eq(&row.status),
            provider_object::standing.eq(row.standing),
            provider_object::amount.eq(row.amount),
        ))
        .execute(c))?;
    Ok(())
}

/// Objects by identifier.
pub fn objects(db: &mut Db, ids: &[String]) -> Result<Vec<ObjectRow>, Fault> {
    Ok(on!(db, c => provider_object::table
        .filter(provider_object::id.eq_any(ids))
        .select(ObjectRow::as_select())
        .load(c))?)
}

/// Refunds of a payment that the provider has named.
pub fn refunds_of(db: &mut Db, id: Uuid) -> Result<Vec<ObjectRow>, Fault> {
    Ok(on!(db, c => provider_object::table
        .filter(provider_object::payment_id.eq(Some(Key(id))))
        .filter(provider_object::kind.eq("refund"))
        .order(provider_object::id)
        .select(ObjectRow::as_select())
        .load(c))?)
}

/// Disputes about wallets' money that are booked.
pub fn booked_disputes(db: &mut Db) -> Result<Vec<ObjectRow>, Fault> {
    Ok(on!(db, c => provider_object::table
        .filter(provider_object::kind.eq("dispute").and(provider_object::booked.ne("")))
        .order(provider_object::id)
        .select(ObjectRow::as_select())
        .load(c))?)
}

/// Writes what the journal's writer has booked of an object.
pub fn set_object_booked(db: &mut Db, row: &ObjectRow) -> Result<(), Fault> {
    on!(db, c => diesel::update(provider_object::table.find(&row.id))
        .set((
            provider_object::booked.eq(&row.booked),
            provider_object::from_wallet.eq(row.from_wallet),
        ))
        .execute(c))?;
    Ok(())
}
