//! An operator lets rows stand in two datasets.

use schema::wire::{ContributionView, NewClearance};
use uuid::Uuid;

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::flows::contributions::view;
use crate::store::{contributions, datasets, sketches};

/// Clears what keeps a contribution from being published: the operator knows that its rows
/// may stand in both datasets. Clearing twice is clearing once.
///
/// # Errors
/// [`Fault::missing`] for anybody but an operator; an invalid reason; `nothing_to_clear`.
pub async fn run(
    ctx: &Ctx,
    who: &Actor,
    id: Uuid,
    new: NewClearance,
) -> Result<ContributionView, Fault> {
    let reason = new.reason.trim().to_owned();
    if reason.is_empty() || reason.chars().count() > 500 || reason.contains(char::is_control) {
        return Err(Fault::invalid(
            "reason",
            "Say why in 1 to 500 characters; it is kept with the contribution.",
        ));
    }
    let (who, now) = (who.clone(), ctx.now());
    ctx.write(move |db| {
        let row = contributions::by_id(db, id)?;
        let owner = datasets::by_id(db, row.dataset_id.0)?.owner_id.0;
        rights::contribution(&who, row.party_id.0, owner).clear()?;
        sketches::clear(db, id, who.party, now.into(), &reason)?;
        let gated = sketches::overlaps(db, id)?.iter().any(|found| found.gate);
        if !gated {
            return Err(Fault::conflict(
                "nothing_to_clear",
                "Nothing keeps this contribution from being published.",
            ));
        }
        view(db, row)
    })
    .await
}
