//! Pools, epochs, residues and settlements.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};
use schema::columns::{Id, Key, When};
use schema::db::Db;
use schema::on;
use schema::tables::{carry, epoch, epoch_share, pool, settlement, settlement_line};
use uuid::Uuid;

use super::journal::insert_all;
use crate::error::Fault;

/// A row of `pool`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = pool)]
#[diesel(treat_none_as_default_value = false)]
pub struct PoolRow {
    /// Revision sold.
    pub revision_id: Key,
    /// Its frozen shares.
    pub epoch: i32,
    /// Currency.
    pub currency: String,
    /// Net of all sales and refunds.
    pub cumulative: i64,
    /// The part credited to contributors.
    pub settled: i64,
}

/// A row of `carry`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = carry)]
#[diesel(treat_none_as_default_value = false)]
pub struct CarryRow {
    /// Contributor.
    pub party_id: Key,
    /// Currency.
    pub currency: String,
    /// Residue in 10^-12 of a minor unit.
    pub residue: i64,
}

/// A row of `settlement`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = settlement)]
#[diesel(treat_none_as_default_value = false)]
pub struct SettlementRow {
    /// Identifier; also that of its entry.
    pub id: Key,
    /// Period booked in.
    pub period: String,
    /// Currency.
    pub currency: String,
    /// Revision.
    pub revision_id: Key,
    /// Epoch.
    pub epoch: i32,
    /// Moved out of the pool.
    pub pool_delta: i64,
    /// Change of the dust account.
    pub dust: i64,
    /// Book of the entry.
    pub book: String,
    /// Number of the entry.
    pub entry_seq: i64,
    /// When.
    pub created_at: When,
}

/// A row of `settlement_line`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = settlement_line)]
#[diesel(treat_none_as_default_value = false)]
pub struct LineRow {
    /// Settlement.
    pub settlement_id: Key,
    /// Contributor.
    pub party_id: Key,
    /// Share in 10^-12.
    pub share: i64,
    /// Credited minor units.
    pub amount: i64,
    /// Residue before.
    pub carry_before: i64,
    /// Residue after.
    pub carry_after: i64,
}

/// A pool.
pub fn find(
    db: &mut Db,
    revision: Uuid,
    number: i32,
    currency: &str,
) -> Result<Option<PoolRow>, Fault> {
    Ok(on!(db, c => pool::table
        .find((Key(revision), number, currency))
        .select(PoolRow::as_select())
        .first(c)
        .optional())?)
}

/// Pools that moved since their last settlement, in the order they are settled in.
pub fn moved(db: &mut Db) -> Result<Vec<PoolRow>, Fault> {
    Ok(on!(db, c => pool::table
        .filter(pool::cumulative.ne(pool::settled))
        .order((pool::revision_id, pool::epoch, pool::currency))
        .select(PoolRow::as_select())
        .load(c))?)
}

/// Every pool, in the order of settlement.
pub fn all(db: &mut Db) -> Result<Vec<PoolRow>, Fault> {
    Ok(on!(db, c => pool::table
        .order((pool::revision_id, pool::epoch, pool::currency))
        .select(PoolRow::as_select())
        .load(c))?)
}

/// Writes a pool's sums, making the row when it is new.
pub fn put(db: &mut Db, row: &PoolRow) -> Result<(), Fault> {
    on!(db, c => diesel::insert_into(pool::table)
        .values(row)
        .on_conflict((pool::revision_id, pool::epoch, pool::currency))
        .do_update()
        .set((pool::cumulative.eq(row.cumulative), pool::settled.eq(row.settled)))
        .execute(c))?;
    Ok(())
}

/// The latest epoch of a revision; none while its contributors have no weight.
pub fn latest_epoch(db: &mut Db, revision: Uuid) -> Result<Option<i32>, Fault> {
    Ok(on!(db, c => epoch::table
        .filter(epoch::revision_id.eq(Key(revision)))
        .select(diesel::dsl::max(epoch::number))
        .first(c))?)
}

/// Stored digest of an epoch.
pub fn epoch_digest(db: &mut Db, revision: Uuid, number: i32) -> Result<Vec<u8>, Fault> {
    Ok(on!(db, c => epoch::table
        .find((Key(revision), number))
        .select(epoch::digest)
        .first(c))?)
}

/// Every epoch with its digest, by revision and number.
pub fn epochs(db: &mut Db) -> Result<Vec<(Key, i32, Vec<u8>)>, Fault> {
    Ok(on!(db, c => epoch::table
        .order((epoch::revision_id, epoch::number))
        .select((epoch::revision_id, epoch::number, epoch::digest))
        .load(c))?)
}

/// Frozen shares of an epoch, ascending by contributor.
pub fn shares(db: &mut Db, revision: Uuid, number: i32) -> Result<Vec<(Key, i64)>, Fault> {
    Ok(on!(db, c => epoch_share::table
        .filter(epoch_share::revision_id.eq(Key(revision)).and(epoch_share::epoch.eq(number)))
        .order(epoch_share::party_id)
        .select((epoch_share::party_id, epoch_share::share))
        .load(c))?)
}

/// Residues of everybody in one currency.
pub fn carries(db: &mut Db, currency: &str) -> Result<Vec<(Key, i64)>, Fault> {
    Ok(on!(db, c => carry::table
        .filter(carry::currency.eq(currency))
        .order(carry::party_id)
        .select((carry::party_id, carry::residue))
        .load(c))?)
}

/// Writes residues, making rows that are new.
pub fn put_carries(db: &mut Db, rows: &[CarryRow]) -> Result<(), Fault> {
    match db {
        Db::Sqlite(c) => {
            for row in rows {
                diesel::insert_into(carry::table)
                    .values(row)
                    .on_conflict((carry::party_id, carry::currency))
                    .do_update()
                    .set(carry::residue.eq(row.residue))
                    .execute(&mut **c)?;
            }
        }
        Db::Pg(c) => {
            for some in rows.chunks(100_000) {
                let parties: Vec<Key> = some.iter().map(|row| row.party_id).collect();
                let currencies: Vec<&str> = some.iter().map(|row| row.currency.as_str()).collect();
                let residues: Vec<i64> = some.iter().map(|row| row.residue).collect();
                diesel::sql_query(
                    "INSERT INTO carry (party_id, currency, residue) SELECT * FROM unnest($1, $2, $3) \
                     ON CONFLICT (party_id, currency) DO UPDATE SET residue = excluded.residue",
                )
                .bind::<Array<Id>, _>(parties)
                .bind::<Array<Text>, _>(currencies)
                .bind::<Array<BigInt>, _>(residues)
                .execute(&mut **c)?;
            }
        }
    }
    Ok(())
}

/// Writes settlements.
pub fn insert_settlements(db: &mut Db, rows: &[SettlementRow]) -> Result<(), Fault> {
    insert_all!(db, settlement::table, rows);
    Ok(())
}

/// Writes settlement lines.
pub fn insert_lines(db: &mut Db, rows: &[LineRow]) -> Result<(), Fault> {
    insert_all!(db, settlement_line::table, rows);
    Ok(())
}

/// Settlements by identifier, in the order they were made.
pub fn settlements(db: &mut Db, ids: &[Uuid]) -> Result<Vec<SettlementRow>, Fault> {
    let ids: Vec<Key> = ids.iter().copied().map(Key).collect();
    Ok(on!(db, c => settlement::table
        .filter(settlement::id.eq_any(ids))
        .order((settlement::revision_id, settlement::epoch, settlement::currency))
        .select(SettlementRow::as_select())
        .load(c))?)
}

/// Every settlement in the order of their entries.
pub fn all_settlements(db: &mut Db) -> Result<Vec<SettlementRow>, Fault> {
    Ok(on!(db, c => settlement::table
        .order((settlement::book, settlement::entry_seq))
        .select(SettlementRow::as_select())
        .load(c))?)
}

/// The latest period anything was settled in.
pub fn last_settled_period(db: &mut Db) -> Result<Option<String>, Fault> {
    Ok(on!(db, c => settlement::table
        .select(diesel::dsl::max(settlement::period))
        .first(c))?)
}

/// Lines of a settlement, ascending by contributor.
pub fn lines(db: &mut Db, settlement: Uuid) -> Result<Vec<LineRow>, Fault> {
    Ok(on!(db, c => settlement_line::table
        .filter(settlement_line::settlement_id.eq(Key(settlement)))
        .order(settlement_line::party_id)
        .select(LineRow::as_select())
        .load(c))?)
}

/// Number of contributors of a settlement.
pub fn line_count(db: &mut Db, settlement: Uuid) -> Result<i64, Fault> {
    Ok(on!(db, c => settlement_line::table
        .filter(settlement_line::settlement_id.eq(Key(settlement)))
        .count()
        .get_result(c))?)
}

/// A contributor's lines of a period in one currency, in the order of settlement.
pub fn lines_of(
    db: &mut Db,
    party: Uuid,
    period: &str,
    currency: &str,
) -> Result<Vec<(SettlementRow, LineRow)>, Fault> {
    Ok(on!(db, c => settlement_line::table
        .inner_join(settlement::table)
        .filter(settlement_line::party_id.eq(Key(party)))
        .filter(settlement::period.eq(period).and(settlement::currency.eq(currency)))
        .order(settlement::entry_seq)
        .select((SettlementRow::as_select(), LineRow::as_select()))
        .load(c))?)
}

/// Contributors with a line in a period, with the currency.
pub fn paid_in(db: &mut Db, period: &str) -> Result<Vec<(Key, String)>, Fault> {
    Ok(on!(db, c => settlement_line::table
        .inner_join(settlement::table)
        .filter(settlement::period.eq(period))
        .select((settlement_line::party_id, settlement::currency))
        .distinct()
        .order((settlement_line::party_id, settlement::currency))
        .load(c))?)
}

/// Every residue.
pub fn all_carries(db: &mut Db) -> Result<Vec<(Key, String, i64)>, Fault> {
    Ok(on!(db, c => carry::table
        .order((carry::party_id, carry::currency))
        .select((carry::party_id, carry::currency, carry::residue))
        .load(c))?)
}
