//! A party announces an upload.

use dataset_core::digest::Sha256;
use schema::wire::{ContributionView, NewContribution};
use uuid::Uuid;

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::flows::contributions::view;
use crate::store::contributions::{self, Announced};
use crate::store::datasets;

/// Most characters of a file name.
const FILE_NAME_CHARS: usize = 255;

/// Announces an upload, or answers the standing one of the same file by the same party:
/// `already_here` says that its bytes need not be sent again.
///
/// # Errors
/// [`Fault::missing`], `not_admitted`, or [`Kind::Invalid`](crate::error::Kind) naming the field.
pub async fn run(
    ctx: &Ctx,
    who: &Actor,
    dataset: Uuid,
    new: NewContribution,
) -> Result<ContributionView, Fault> {
    let digest: Sha256 = new.sha256.parse().map_err(|_| {
        Fault::invalid(
            "sha256",
            "Give the SHA-256 of the Parquet file before sealing, 64 hexadecimal digits.",
        )
    })?;
    let file_name = file_name(&new.file_name)?;
    let (who, id, now) = (who.clone(), ctx.id(), ctx.now());
    ctx.write(move |db| {
        // Held, so that two announcements at once do not both find nothing.
        let row = datasets::hold(db, dataset)?;
        rights::dataset(&who, &datasets::facts(db, Some(who.party), &row)?).contribute()?;
        let twin = contributions::standing_twin(db, dataset, who.party, digest.as_bytes())?;
        let id = match &twin {
            Some(twin) => twin.id.0,
            None => {
                let announced = Announced {
                    id: id.into(),
                    dataset_id: row.id,
                    party_id: who.party.into(),
                    file_name,
                    claimed_digest: digest.as_bytes().to_vec(),
                    state: "awaiting",
                    created_at: now.into(),
                };
                contributions::insert(db, &announced)?;
                id
            }
        };
        let already_here = twin.is_some_and(|twin| twin.receipt_no.is_some());
        let row = contributions::by_id(db, id)?;
        Ok(ContributionView {
            already_here,
            ..view(db, row)?
        })
    })
    .await
}

fn file_name(text: &str) -> Result<String, Fault> {
    let name = text.trim();
    let length = name.chars().count();
    if length == 0 || length > FILE_NAME_CHARS || name.chars().any(char::is_control) {
        return Err(Fault::invalid(
            "file_name",
            "A file name has 1 to 255 characters on one line.",
        ));
    }
    Ok(name.to_owned())
}
