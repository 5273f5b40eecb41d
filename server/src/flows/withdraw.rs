//! A contributor takes a contribution back.

use schema::wire::{ContributionState, ContributionView};
use uuid::Uuid;

use crate::auth::{Actor, rights};
use crate::blobs::BlobKey;
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::flows::contributions::view;
use crate::store::{contributions, datasets};

/// Withdraws a contribution: the next revision leaves its rows out, and its bytes are
/// deleted. Published revisions stay as they are, with the shares frozen in them; a keyed
/// tombstone stays too, so that nobody else becomes the first holder of these rows.
/// Withdrawing twice is withdrawing once.
///
/// # Errors
/// [`Fault::missing`] for anybody but the contributor; `contribution_rejected`.
pub async fn run(ctx: &Ctx, who: &Actor, id: Uuid) -> Result<ContributionView, Fault> {
    let (who, now) = (who.clone(), ctx.now());
    let (view, given_up) = ctx
        .write(move |db| {
            let row = contributions::hold(db, id)?;
            let owner = datasets::by_id(db, row.dataset_id.0)?.owner_id.0;
            rights::contribution(&who, row.party_id.0, owner).withdraw()?;
            let mut given_up = Vec::new();
            match row.state() {
                ContributionState::Withdrawn => {}
                ContributionState::Rejected => {
                    return Err(Fault::conflict(
                        "contribution_rejected",
                        "A rejected contribution is part of nothing; its bytes are deleted already.",
                    ));
                }
                _ => {
                    contributions::withdraw(db, id, now.into())?;
                    given_up.extend([row.sealed_blob, row.cleaned_blob, row.preview_blob]);
                }
            }
            let row = contributions::by_id(db, id)?;
            Ok((view(db, row)?, given_up))
        })
        .await?;
    for name in given_up.into_iter().flatten() {
        // What cannot be deleted now goes with the sweep at the next start.
        if let Err(fault) = ctx.blobs.delete(BlobKey::stored(&name)?).await {
            tracing::warn!(%fault, %name, "a withdrawn file was not deleted yet");
        }
    }
    Ok(view)
}
