//! Ending a licence early.

use schema::wire::{LicenceView, Revocation};
use uuid::Uuid;

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::flows::licences::view;
use crate::store::{licences, parties};

/// Ends a licence: no new link is given, and links given before stop working at once.
/// What the holder has downloaded is theirs to delete; the money stays where it is.
///
/// # Errors
/// [`Fault::missing`] for a licence that is not the caller's to end; an invalid reason.
pub async fn run(
    ctx: &Ctx,
    who: &Actor,
    id: Uuid,
    revocation: Revocation,
) -> Result<LicenceView, Fault> {
    let reason = revocation.reason.trim().to_owned();
    if reason.is_empty() || reason.chars().count() > 500 || reason.contains(char::is_control) {
        return Err(Fault::invalid(
            "reason",
            "Say why in 1 to 500 characters; the holder reads it.",
        ));
    }
    let (who, node, now) = (who.clone(), ctx.clone(), ctx.now());
    ctx.write(move |db| {
        let held = licences::by_id(db, id)?;
        rights::licence(&who, held.row.party_id.into(), held.owner).revoke()?;
        licences::revoke(db, id, now.into(), &reason)?;
        let held = licences::by_id(db, id)?;
        let holder = parties::by_id(db, held.row.party_id.into())?.view();
        view(&node, &held, holder)
    })
    .await
}
