//! Closing a month's books, and where late events are booked then (I14).

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use ledger::period::Period;
use schema::db::Db;

use super::batch::Batch;
use super::command::{At, Command, Posted};
use crate::error::Fault;
use crate::store::periods;

/// Commands with the period they are booked in: an event whose month is closed goes into
/// the first open one and keeps its time. A repeat is answered before that matters.
///
/// # Errors
/// The database's own.
pub(super) fn booked<'a>(
    db: &mut Db,
    commands: &[&'a Command],
) -> Result<Vec<Cow<'a, Command>>, Fault> {
    let mut booked = Vec::with_capacity(commands.len());
    let mut known: Option<(Period, Period)> = None;
    for command in commands {
        let At { now, period } = command.at;
        if period != Period::of(now) {
            // Somebody asked for this very period: it takes the entry or refuses it.
            booked.push(Cow::Borrowed(*command));
            continue;
        }
        let open = match known {
            Some((wanted, open)) if wanted == period => open,
            _ => periods::open_from(db, period)?,
        };
        known = Some((period, open));
        if open == period {
            booked.push(Cow::Borrowed(*command));
        } else {
            let at = At { now, period: open };
            booked.push(Cow::Owned(Command {
                at,
                ..(*command).clone()
            }));
        }
    }
    Ok(booked)
}

/// Closes a period and all before it. Closing a closed one changes nothing.
///
/// # Errors
/// The key was used for something else, or the database.
pub(super) fn close(
    db: &mut Db,
    mut batch: Batch,
    now: DateTime<Utc>,
    command: &Command,
    period: Period,
) -> Result<Posted, Fault> {
    let name = period.to_string();
    let repeated = periods::is_closed(db, &name)?;
    if !repeated {
        batch.answer(&command.request, &[])?;
        batch.write(db)?;
        periods::close(db, &name, now)?;
    }
    Ok(Posted {
        ids: Vec::new(),
        repeated,
    })
}
