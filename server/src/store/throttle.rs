//! Failed sign-ins, counted per name (an account, an address, or both).

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use schema::columns::When;
use schema::db::Db;
use schema::on;
use schema::tables::sign_in_throttle;

use crate::error::Fault;

/// Failures under one name. `blocked_until` is the time of the last one while none is blocked.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = sign_in_throttle)]
pub struct ThrottleRow {
    pub name: String,
    pub failures: i32,
    pub blocked_until: When,
}

/// The count under a name, locked until the transaction ends: equal attempts at once are counted
/// one after the other.
///
/// # Errors
/// The database's own.
pub fn lock(db: &mut Db, name: &str, now: DateTime<Utc>) -> Result<ThrottleRow, Fault> {
    let fresh = ThrottleRow {
        name: name.to_owned(),
        failures: 0,
        blocked_until: now.into(),
    };
    let row = on!(db, c => diesel::insert_into(sign_in_throttle::table)
        .values(&fresh)
        .on_conflict(sign_in_throttle::name)
        .do_update()
        .set(sign_in_throttle::name.eq(name))
        .returning(ThrottleRow::as_returning())
        .get_result(c))?;
    Ok(row)
}

/// Sets the count under a locked name.
///
/// # Errors
/// The database's own.
pub fn set(db: &mut Db, row: &ThrottleRow) -> Result<(), Fault> {
    on!(db, c => diesel::update(sign_in_throttle::table.find(&row.name))
        .set((
            sign_in_throttle::failures.eq(row.failures),
            sign_in_throttle::blocked_until.eq(row.blocked_until),
        ))
        .execute(c))?;
    Ok(())
}

/// Forgets every name whose last failure lies before `then`.
///
/// # Errors
/// The database's own.
pub fn forget_before(db: &mut Db, then: DateTime<Utc>) -> Result<(), Fault> {
    on!(db, c => diesel::delete(sign_in_throttle::table)
        .filter(sign_in_throttle::blocked_until.lt(When::from(then)))
        .execute(c))?;
    Ok(())
}
