//! Rates of exchange, and what was changed by them.

use diesel::prelude::*;
use schema::columns::{Key, When};
use schema::db::Db;
use schema::on;
use schema::tables::{exchange, exchange_rate};
use schema::wire::{Amount, ExchangeRateView, ExchangeView};
use uuid::Uuid;

use super::journal::{entry_by_id, entry_name};
use crate::error::Fault;

/// A row of `exchange_rate`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = exchange_rate)]
pub struct RateRow {
    /// Identifier.
    pub id: Key,
    /// Currency that is given.
    pub give_currency: String,
    /// So much of it, in minor units.
    pub give_minor: i64,
    /// Currency that is got.
    pub get_currency: String,
    /// So much of it, in minor units.
    pub get_minor: i64,
    /// The operator who set it.
    pub set_by: Key,
    /// When.
    pub set_at: When,
}

impl RateRow {
    /// As everybody sees it.
    pub fn view(&self) -> ExchangeRateView {
        ExchangeRateView {
            id: self.id.0,
            give: amount(self.give_minor, &self.give_currency),
            get: amount(self.get_minor, &self.get_currency),
            set_at: self.set_at.into(),
        }
    }
}

/// A row of `exchange`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = exchange)]
pub struct ExchangeRow {
    /// Identifier, also of the entry in the book that gives.
    pub id: Key,
    /// The entry in the book that gets.
    pub into_id: Key,
    /// Whose wallet.
    pub party_id: Key,
    /// By which rate.
    pub rate_id: Key,
    /// Currency that left.
    pub give_currency: String,
    /// Minor units of it.
    pub give_minor: i64,
    /// Currency that came.
    pub get_currency: String,
    /// Minor units of it.
    pub get_minor: i64,
    /// When.
    pub created_at: When,
}

/// Adds a rate.
pub fn set_rate(db: &mut Db, row: &RateRow) -> Result<(), Fault> {
    on!(db, c => diesel::insert_into(exchange_rate::table).values(row).execute(c))?;
    Ok(())
}

/// The rate of a pair that holds now.
pub fn rate(db: &mut Db, give: &str, get: &str) -> Result<Option<RateRow>, Fault> {
    Ok(on!(db, c => exchange_rate::table
        .filter(exchange_rate::give_currency.eq(give).and(exchange_rate::get_currency.eq(get)))
        .order(exchange_rate::id.desc())
        .select(RateRow::as_select())
        .first(c)
        .optional())?)
}

/// The rates that hold now, one per pair, in order of currencies.
pub fn rates(db: &mut Db) -> Result<Vec<RateRow>, Fault> {
    let newer = diesel::alias!(exchange_rate as newer);
    Ok(on!(db, c => exchange_rate::table
        .filter(diesel::dsl::not(diesel::dsl::exists(
            newer.filter(newer.field(exchange_rate::give_currency).eq(exchange_rate::give_currency)
                .and(newer.field(exchange_rate::get_currency).eq(exchange_rate::get_currency))
                .and(newer.field(exchange_rate::id).gt(exchange_rate::id))),
        )))
        .order((exchange_rate::give_currency, exchange_rate::get_currency))
        .select(RateRow::as_select())
        .load(c))?)
}

/// Adds what was changed.
pub fn insert(db: &mut Db, row: &ExchangeRow) -> Result<(), Fault> {
    on!(db, c => diesel::insert_into(exchange::table).values(row).execute(c))?;
    Ok(())
}

/// What was changed, as its party sees it.
pub fn view(db: &mut Db, id: Uuid) -> Result<ExchangeView, Fault> {
    let row: ExchangeRow = on!(db, c => exchange::table
        .find(Key(id))
        .select(ExchangeRow::as_select())
        .first(c))?;
    let (out, into) = (entry_by_id(db, row.id.0)?, entry_by_id(db, row.into_id.0)?);
    Ok(ExchangeView {
        id,
        give: amount(row.give_minor, &row.give_currency),
        get: amount(row.get_minor, &row.get_currency),
        entries: [out, into].map(|entry| entry_name(&entry.book, entry.seq)),
        created_at: row.created_at.into(),
    })
}

/// Everything that was changed after one, with the rate it names; in order.
pub fn after(db: &mut Db, id: Uuid, limit: i64) -> Result<Vec<(ExchangeRow, RateRow)>, Fault> {
    Ok(on!(db, c => exchange::table
        .inner_join(exchange_rate::table.on(exchange_rate::id.eq(exchange::rate_id)))
        .filter(exchange::id.gt(Key(id)))
        .order(exchange::id)
        .limit(limit)
        .select((ExchangeRow::as_select(), RateRow::as_select()))
        .load(c))?)
}

fn amount(minor: i64, currency: &str) -> Amount {
    Amount {
        minor,
        currency: currency.to_owned(),
    }
}
