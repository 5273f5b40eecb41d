//! Dense counters and small settings of the node.

use diesel::prelude::*;
use schema::db::Db;
use schema::on;
use schema::tables::{node_counter, node_setting};

use crate::error::Fault;

/// Counter behind `receipt_no`: who came first is decided by it.
pub const RECEIPT: &str = "receipt";

/// Counter of contributions that were compared across datasets, one after the other.
pub const COMPARED: &str = "compared";

/// Adds one to a counter and answers its new value, from 1.
///
/// Inside a transaction the value is given to nobody else: SQLite has one writer, and on
/// PostgreSQL the row stays locked until commit. An undone transaction leaves no hole.
///
/// # Errors
/// The database's own.
pub fn next(db: &mut Db, name: &str) -> Result<i64, Fault> {
    on!(db, c => diesel::insert_into(node_counter::table)
        .values((node_counter::name.eq(name), node_counter::value.eq(0)))
        .on_conflict_do_nothing()
        .execute(c))?;
    let value = on!(db, c => diesel::update(node_counter::table.find(name))
        .set(node_counter::value.eq(node_counter::value + 1))
        .returning(node_counter::value)
        .get_result(c))?;
    Ok(value)
}

/// The last value given by a counter; 0 when none was.
///
/// # Errors
/// The database's own.
pub fn current(db: &mut Db, name: &str) -> Result<i64, Fault> {
    let value = on!(db, c => node_counter::table
        .find(name)
        .select(node_counter::value)
        .first(c)
        .optional())?;
    Ok(value.unwrap_or(0))
}

/// The last value given by a counter, which gives no other until the transaction ends.
///
/// # Errors
/// The database's own.
pub fn hold(db: &mut Db, name: &str) -> Result<i64, Fault> {
    if let Db::Pg(c) = db {
        let value = node_counter::table
            .find(name)
            .for_update()
            .select(node_counter::value)
            .first(&mut **c)
            .optional()?;
        return Ok(value.unwrap_or(0));
    }
    current(db, name)
}

/// Answers a setting, keeping `value` for it when there was none.
///
/// # Errors
/// The database's own.
pub fn setting_or(db: &mut Db, name: &str, value: &str) -> Result<String, Fault> {
    on!(db, c => diesel::insert_into(node_setting::table)
        .values((node_setting::name.eq(name), node_setting::value.eq(value)))
        .on_conflict_do_nothing()
        .execute(c))?;
    let kept = on!(db, c => node_setting::table.find(name).select(node_setting::value).first(c))?;
    Ok(kept)
}
