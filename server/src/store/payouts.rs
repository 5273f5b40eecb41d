//! Runs of payouts, their lines, and what holds a payee back.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use schema::columns::{Key, When};
use schema::db::Db;
use schema::on;
use schema::tables::{payout, payout_batch, payout_block, payout_hold};
use uuid::Uuid;

use super::journal::insert_all;
use crate::error::Fault;
use crate::paging::Window;

/// States of a line.
pub mod state {
    /// Not paid in this run.
    pub const HELD: &str = "held";
    /// Waits for the approval of the run.
    pub const PROPOSED: &str = "proposed";
    /// Booked, and on its way to the payee.
    pub const IN_TRANSIT: &str = "in_transit";
    /// Debited by the bank.
    pub const SETTLED: &str = "settled";
    /// Came back, or never left.
    pub const RETURNED: &str = "returned";
}

/// States of a run.
pub mod run {
    /// Waits for its approval.
    pub const PROPOSED: &str = "proposed";
    /// Booked; the file is made.
    pub const APPROVED: &str = "approved";
    /// A later proposal took its place.
    pub const REPLACED: &str = "replaced";
}

/// A row of `payout_batch`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = payout_batch)]
#[diesel(treat_none_as_default_value = false)]
pub struct BatchRow {
    /// Identifier.
    pub id: Key,
    /// See [`run`].
    pub state: String,
    /// Day on which the bank is to pay, ISO 8601.
    pub execute_on: String,
    /// Who proposed it.
    pub proposed_by: Key,
    /// When.
    pub proposed_at: When,
    /// Who approved it.
    pub approved_by: Option<Key>,
    /// When.
    pub approved_at: Option<When>,
    /// Period it is booked in.
    pub period: Option<String>,
    /// The bank's file, sealed to the node.
    pub file: Option<Vec<u8>>,
    /// SHA-256 of the file as the bank gets it.
    pub file_digest: Option<Vec<u8>>,
}

/// A row of `payout_block`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = payout_block)]
#[diesel(treat_none_as_default_value = false)]
pub struct BlockRow {
    /// Run.
    pub batch_id: Key,
    /// Its name in the file.
    pub name: String,
    /// Its currency.
    pub currency: String,
    /// Number of transfers.
    pub transfers: i32,
    /// Their sum, minor units.
    pub total: i64,
}

/// A row of `payout`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = payout)]
#[diesel(treat_none_as_default_value = false)]
pub struct PayoutRow {
    /// Identifier; also that of its journal entry.
    pub id: Key,
    /// Run.
    pub batch_id: Key,
    /// Payee.
    pub party_id: Key,
    /// Currency.
    pub currency: String,
    /// Balance when it was proposed, minor units.
    pub balance: i64,
    /// Out of the balance.
    pub gross: i64,
    /// Kept back as tax.
    pub withheld: i64,
    /// Transferred.
    pub net: i64,
    /// Where the tax is owed.
    pub jurisdiction: String,
    /// Account paid to.
    pub method_id: Option<Key>,
    /// See [`state`].
    pub state: String,
    /// Why it is held back or came back, a code.
    pub reason: String,
    /// Block of the file it stands in.
    pub block: String,
    /// Period it is booked in.
    pub period: Option<String>,
    /// Its entry; 0 while there is none.
    pub entry_seq: i64,
    /// Entry of its settlement.
    pub settled_seq: i64,
    /// Entry of its return.
    pub returned_seq: i64,
    /// Period of its return.
    pub returned_period: Option<String>,
    /// What the bank said last.
    pub bank_status: String,
    /// Why, in the bank's words.
    pub bank_reason: String,
    /// When it last changed.
    pub changed_at: When,
}

/// A row of `payout_hold`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = payout_hold)]
#[diesel(treat_none_as_default_value = false)]
pub struct HoldRow {
    /// Identifier.
    pub id: Key,
    /// Whose payouts.
    pub party_id: Key,
    /// Why.
    pub reason: String,
    /// Who placed it.
    pub placed_by: Key,
    /// When.
    pub created_at: When,
    /// Who ended it.
    pub released_by: Option<Key>,
    /// When.
    pub released_at: Option<When>,
}

/// Keeps a new run with its lines; an earlier one that still waits is replaced.
pub fn propose(db: &mut Db, batch: &BatchRow, lines: &[PayoutRow]) -> Result<(), Fault> {
    on!(db, c => diesel::update(payout_batch::table.filter(payout_batch::state.eq(run::PROPOSED)))
        .set(payout_batch::state.eq(run::REPLACED))
        .execute(c))?;
    on!(db, c => diesel::insert_into(payout_batch::table).values(batch).execute(c))?;
    insert_all!(db, payout::table, lines);
    Ok(())
}

/// A run by identifier.
pub fn batch(db: &mut Db, id: Uuid) -> Result<BatchRow, Fault> {
    Ok(on!(db, c => payout_batch::table
        .find(Key(id))
        .select(BatchRow::as_select())
        .first(c))?)
}

/// Runs, newest first.
pub fn batches(db: &mut Db, window: Window) -> Result<Vec<BatchRow>, Fault> {
    Ok(on!(db, c => payout_batch::table
        .filter(payout_batch::id.lt(Key(window.before)))
        .order(payout_batch::id.desc())
        .limit(window.fetch())
        .select(BatchRow::as_select())
        .load(c))?)
}

/// Every approved run, in order.
pub fn approved(db: &mut Db) -> Result<Vec<BatchRow>, Fault> {
    Ok(on!(db, c => payout_batch::table
        .filter(payout_batch::state.eq(run::APPROVED))
        .order(payout_batch::id)
        .select(BatchRow::as_select())
        .load(c))?)
}

/// Writes the approval of a run: its file, its blocks.
pub fn approve(db: &mut Db, row: &BatchRow, blocks: &[BlockRow]) -> Result<(), Fault> {
    on!(db, c => diesel::update(payout_batch::table.find(row.id))
        .set((
            payout_batch::state.eq(&row.state),
            payout_batch::approved_by.eq(row.approved_by),
            payout_batch::approved_at.eq(row.approved_at),
            payout_batch::period.eq(&row.period),
            payout_batch::file.eq(&row.file),
            payout_batch::file_digest.eq(&row.file_digest),
        ))
        .execute(c))?;
    insert_all!(db, payout_block::table, blocks);
    Ok(())
}

/// Blocks of a run's file, by name.
pub fn blocks(db: &mut Db, batch: Key) -> Result<Vec<BlockRow>, Fault> {
    Ok(on!(db, c => payout_block::table
        .filter(payout_block::batch_id.eq(batch))
        .order(payout_block::name)
        .select(BlockRow::as_select())
        .load(c))?)
}

/// Lines of a run, by payee and currency.
pub fn lines(db: &mut Db, batch: Key) -> Result<Vec<PayoutRow>, Fault> {
    Ok(on!(db, c => payout::table
        .filter(payout::batch_id.eq(batch))
        .order((payout::currency, payout::party_id))
        .select(PayoutRow::as_select())
        .load(c))?)
}

/// A line by identifier.
pub fn find(db: &mut Db, id: Uuid) -> Result<Option<PayoutRow>, Fault> {
    Ok(on!(db, c => payout::table
        .find(Key(id))
        .select(PayoutRow::as_select())
        .first(c)
        .optional())?)
}

/// The lines of a block of any run, by its name in the file.
pub fn of_block(db: &mut Db, block: &str) -> Result<Vec<PayoutRow>, Fault> {
    Ok(on!(db, c => payout::table
        .filter(payout::block.eq(block))
        .filter(payout::entry_seq.gt(0))
        .order(payout::id)
        .select(PayoutRow::as_select())
        .load(c))?)
}

/// Payouts of a party that were booked, newest first.
pub fn of_party(db: &mut Db, party: Uuid, window: Window) -> Result<Vec<PayoutRow>, Fault> {
    Ok(on!(db, c => payout::table
        .filter(payout::party_id.eq(Key(party)).and(payout::entry_seq.gt(0)))
        .filter(payout::id.lt(Key(window.before)))
        .order(payout::id.desc())
        .limit(window.fetch())
        .select(PayoutRow::as_select())
        .load(c))?)
}

/// Payouts that left a payee's balance in a period or came back in it, in order of entry.
pub fn moved_in(
    db: &mut Db,
    party: Uuid,
    currency: &str,
    period: &str,
) -> Result<Vec<PayoutRow>, Fault> {
    Ok(on!(db, c => payout::table
        .filter(payout::party_id.eq(Key(party)).and(payout::currency.eq(currency)))
        .filter(payout::period.eq(period).or(payout::returned_period.eq(period)))
        .order(payout::entry_seq)
        .select(PayoutRow::as_select())
        .load(c))?)
}

/// Whether a payee was paid in a period or before.
pub fn ever_paid(db: &mut Db, party: Uuid, currency: &str, until: &str) -> Result<bool, Fault> {
    let found: Option<Key> = on!(db, c => payout::table
        .filter(payout::party_id.eq(Key(party)).and(payout::currency.eq(currency)))
        .filter(payout::period.le(until))
        .select(payout::id)
        .first(c)
        .optional())?;
    Ok(found.is_some())
}

/// Whether a party stands in any run.
pub fn listed(db: &mut Db, party: Uuid) -> Result<bool, Fault> {
    let found: Option<Key> = on!(db, c => payout::table
        .filter(payout::party_id.eq(Key(party)))
        .select(payout::id)
        .first(c)
        .optional())?;
    Ok(found.is_some())
}

/// Payees whose balance a payout moved in a period.
pub fn payees_in(db: &mut Db, period: &str) -> Result<Vec<(Key, String)>, Fault> {
    Ok(on!(db, c => payout::table
        .filter(payout::period.eq(period).or(payout::returned_period.eq(period)))
        .select((payout::party_id, payout::currency))
        .distinct()
        .load(c))?)
}

/// Accounts whose last transfer came back.
pub fn failed_methods(db: &mut Db) -> Result<HashSet<Key>, Fault> {
    let rows: Vec<(Option<Key>, String)> = on!(db, c => payout::table
        .filter(payout::entry_seq.gt(0))
        .order(payout::id)
        .select((payout::method_id, payout::state))
        .load(c))?;
    let mut last: HashMap<Key, bool> = HashMap::new();
    for (method, state) in rows {
        if let Some(method) = method {
            last.insert(method, state == state::RETURNED);
        }
    }
    Ok(last
        .into_iter()
        .filter_map(|(method, failed)| failed.then_some(method))
        .collect())
}

/// Writes what became of a line.
pub fn update(db: &mut Db, row: &PayoutRow) -> Result<(), Fault> {
    on!(db, c => diesel::update(payout::table.find(row.id))
        .set((
            payout::state.eq(&row.state),
            payout::reason.eq(&row.reason),
            payout::block.eq(&row.block),
            payout::period.eq(&row.period),
            payout::entry_seq.eq(row.entry_seq),
            payout::settled_seq.eq(row.settled_seq),
            payout::returned_seq.eq(row.returned_seq),
            payout::returned_period.eq(&row.returned_period),
            payout::bank_status.eq(&row.bank_status),
            payout::bank_reason.eq(&row.bank_reason),
            payout::changed_at.eq(row.changed_at),
        ))
        .execute(c))?;
    Ok(())
}

/// Sum of what is under way, by currency.
pub fn in_transit(db: &mut Db) -> Result<Vec<(String, i64)>, Fault> {
    Ok(on!(db, c => payout::table
        .filter(payout::state.eq(state::IN_TRANSIT))
        .group_by(payout::currency)
        .order(payout::currency)
        .select((
            payout::currency,
            diesel::dsl::sql::<BigInt>("CAST(COALESCE(SUM(net), 0) AS BIGINT)"),
        ))
        .load(c))?)
}

/// Keeps a hold.
pub fn insert_hold(db: &mut Db, row: &HoldRow) -> Result<(), Fault> {
    on!(db, c => diesel::insert_into(payout_hold::table).values(row).execute(c))?;
    Ok(())
}

/// The hold on a party that lasts.
pub fn hold_of(db: &mut Db, party: Key) -> Result<Option<HoldRow>, Fault> {
    Ok(on!(db, c => payout_hold::table
        .filter(payout_hold::party_id.eq(party).and(payout_hold::released_at.is_null()))
        .order(payout_hold::created_at.desc())
        .select(HoldRow::as_select())
        .first(c)
        .optional())?)
}

/// Every hold that lasts, by party.
pub fn holds(db: &mut Db) -> Result<HashMap<Key, HoldRow>, Fault> {
    let rows: Vec<HoldRow> = on!(db, c => payout_hold::table
        .filter(payout_hold::released_at.is_null())
        .select(HoldRow::as_select())
        .load(c))?;
    Ok(rows.into_iter().map(|row| (row.party_id, row)).collect())
}

/// Ends a hold.
pub fn release(db: &mut Db, id: Key, by: Key, at: When) -> Result<(), Fault> {
    on!(db, c => diesel::update(payout_hold::table.find(id))
        .set((
            payout_hold::released_by.eq(Some(by)),
            payout_hold::released_at.eq(Some(at)),
        ))
        .execute(c))?;
    Ok(())
}
