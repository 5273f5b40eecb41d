//! Accounting periods.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use schema::columns::When;
use schema::db::Db;
use schema::on;
use schema::tables::period;

use crate::error::Fault;

/// Whether entries may be booked in a period; a period nobody has heard of is opened.
pub fn open(db: &mut Db, name: &str, now: DateTime<Utc>) -> Result<bool, Fault> {
    let found: Option<Option<When>> = on!(db, c => period::table
        .find(name)
        .select(period::closed_at)
        .first(c)
        .optional())?;
    if let Some(closed_at) = found {
        return Ok(closed_at.is_none());
    }
    on!(db, c => diesel::insert_into(period::table)
        .values((period::name.eq(name), period::opened_at.eq(When::from(now))))
        .execute(c))?;
    Ok(true)
}
