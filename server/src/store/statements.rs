//! Statements: what was issued, to whom.

use diesel::prelude::*;
use ledger::audit::StatementRow as Bridge;
use schema::columns::{Key, When};
use schema::db::Db;
use schema::on;
use schema::tables::statement;
use schema::wire::{Amount, PartyView, StatementView};
use uuid::Uuid;

use crate::error::Fault;

/// A row of `statement`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = statement)]
#[diesel(treat_none_as_default_value = false)]
pub struct StatementRow {
    /// Identifier.
    pub id: Key,
    /// Payee.
    pub party_id: Key,
    /// Period.
    pub period: String,
    /// Currency.
    pub currency: String,
    /// Issue within party, period and currency.
    pub number: i32,
    /// Balance at the start.
    pub opening: i64,
    /// Earned in the period.
    pub earned: i64,
    /// Balance at the end.
    pub closing: i64,
    /// The signed file.
    pub document: String,
    /// Its signature, base64.
    pub signature: String,
    /// The issue it replaces.
    pub supersedes: Option<Key>,
    /// When it was issued.
    pub created_at: When,
}

impl StatementRow {
    /// In short, as the payee sees it.
    #[must_use]
    pub fn view(&self, party: PartyView) -> StatementView {
        let amount = |minor| Amount { minor, currency: self.currency.clone() };
        StatementView {
            id: self.id.0,
            party,
            period: self.period.clone(),
            number: self.number,
            opening: amount(self.opening),
            earned: amount(self.earned),
            closing: amount(self.closing),
            created_at: self.created_at.into(),
        }
    }
}

/// Keeps others from issuing until the transaction ends. On SQLite the transaction does.
pub fn hold(db: &mut Db) -> Result<(), Fault> {
    if db.is_postgres() {
        // The name of the lock: "stateme" and a 1.
        db.execute("SELECT pg_advisory_xact_lock(8319104456293147953)")?;
    }
    Ok(())
}

/// Writes a statement.
pub fn insert(db: &mut Db, row: &StatementRow) -> Result<(), Fault> {
    on!(db, c => diesel::insert_into(statement::table).values(row).execute(c))?;
    Ok(())
}

/// One statement.
pub fn find(db: &mut Db, id: Uuid) -> Result<StatementRow, Fault> {
    Ok(on!(db, c => statement::table.find(Key(id)).select(StatementRow::as_select()).first(c))?)
}

/// The latest issue for a party, period and currency.
pub fn latest(
    db: &mut Db,
    party: Uuid,
    period: &str,
    currency: &str,
) -> Result<Option<StatementRow>, Fault> {
    Ok(on!(db, c => statement::table
        .filter(statement::party_id.eq(Key(party)))
        .filter(statement::period.eq(period).and(statement::currency.eq(currency)))
        .order(statement::number.desc())
        .select(StatementRow::as_select())
        .first(c)
        .optional())?)
}

/// Periods a party has statements for in one currency, in order.
pub fn periods_of(db: &mut Db, party: Uuid, currency: &str) -> Result<Vec<String>, Fault> {
    Ok(on!(db, c => statement::table
        .filter(statement::party_id.eq(Key(party)).and(statement::currency.eq(currency)))
        .select(statement::period)
        .distinct()
        .order(statement::period)
        .load(c))?)
}

/// A party's statements, newest first, older than `before`.
pub fn of_party(
    db: &mut Db,
    party: Uuid,
    before: Uuid,
    limit: i64,
) -> Result<Vec<StatementRow>, Fault> {
    Ok(on!(db, c => statement::table
        .filter(statement::party_id.eq(Key(party)).and(statement::id.lt(Key(before))))
        .order(statement::id.desc())
        .limit(limit)
        .select(StatementRow::as_select())
        .load(c))?)
}

/// The bridge of every statement, by party, currency, period and issue, for the verifier.
pub fn bridges(db: &mut Db) -> Result<Vec<Bridge>, Fault> {
    type Parts = (Key, Key, String, String, i64, i64, i64);
    let rows: Vec<Parts> = on!(db, c => statement::table
        .order((statement::party_id, statement::currency, statement::period, statement::number))
        .select((
            statement::id,
            statement::party_id,
            statement::currency,
            statement::period,
            statement::opening,
            statement::earned,
            statement::closing,
        ))
        .load(c))?;
    let bridge = |(id, party, currency, period, opening, earned, closing): Parts| Bridge {
        id: id.0.to_string(),
        party: party.0,
        currency,
        period,
        opening,
        earned,
        closing,
        ..Bridge::default()
    };
    Ok(rows.into_iter().map(bridge).collect())
}
