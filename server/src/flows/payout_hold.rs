//! Holding a party's payouts back, and letting them go again.

use schema::columns::Key;
use schema::db::Db;
use schema::wire::{HoldView, NewHold};

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::store::parties::{self, PartyRow};
use crate::store::payouts::{self as store, HoldRow};

/// Holds a party's payouts, from the next run on. Operators only.
///
/// # Errors
/// `not_found`, `invalid` for a bad reason, `on_hold` when they are held already.
pub async fn place(ctx: &Ctx, who: &Actor, name: String, new: NewHold) -> Result<HoldView, Fault> {
    rights::node(who).pay_out()?;
    let reason = checked(&new.reason)?;
    let (id, now, by) = (Key(ctx.id()), ctx.now(), Key(who.party));
    ctx.write(move |db| {
        let party = parties::by_name(db, &name)?;
        if let Some(known) = store::hold_of(db, party.id)? {
            let words = format!(
                "The payouts of {} are held already: {}",
                party.handle, known.reason
            );
            return Err(Fault::conflict("on_hold", words));
        }
        let row = HoldRow {
            id,
            party_id: party.id,
            reason,
            placed_by: by,
            created_at: now.into(),
            released_by: None,
            released_at: None,
        };
        store::insert_hold(db, &row)?;
        Ok(view(&party, &row))
    })
    .await
}

/// Lets them go. Operators only.
///
/// # Errors
/// `not_found`, also when nothing is held.
pub async fn release(ctx: &Ctx, who: &Actor, name: String) -> Result<HoldView, Fault> {
    rights::node(who).pay_out()?;
    let (now, by) = (ctx.now(), Key(who.party));
    ctx.write(move |db: &mut Db| {
        let party = parties::by_name(db, &name)?;
        let row = store::hold_of(db, party.id)?.ok_or_else(Fault::missing)?;
        store::release(db, row.id, by, now.into())?;
        let row = HoldRow {
            released_by: Some(by),
            released_at: Some(now.into()),
            ..row
        };
        Ok(view(&party, &row))
    })
    .await
}

fn view(party: &PartyRow, row: &HoldRow) -> HoldView {
    HoldView {
        party: party.view(),
        reason: row.reason.clone(),
        created_at: row.created_at.into(),
        released_at: row.released_at.map(Into::into),
    }
}

/// A reason that people will read.
pub(super) fn checked(reason: &str) -> Result<String, Fault> {
    let reason = reason.trim();
    if !(3..=500).contains(&reason.chars().count()) || reason.contains(char::is_control) {
        return Err(Fault::invalid("reason", "Say why in 3 to 500 characters."));
    }
    Ok(reason.to_owned())
}
