//! An owner changes a dataset, or takes it off the market.

use schema::db::Db;
use schema::wire::{DatasetPatch, DatasetView};
use uuid::Uuid;

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::flows::{create_dataset, datasets};
use crate::store::datasets::{self as store, DatasetChange};
use crate::store::{parties, revisions};

/// Most parties invited by one request.
const INVITES: usize = 100;

/// Changes title, description, admission or contract, and invites parties.
///
/// # Errors
/// [`Fault::missing`] for anybody but the owner; `contract_published` once there is a
/// revision; [`Kind::Invalid`](crate::error::Kind) naming the field.
pub async fn run(
    ctx: &Ctx,
    who: &Actor,
    id: Uuid,
    patch: DatasetPatch,
) -> Result<DatasetView, Fault> {
    if patch.invite.len() > INVITES {
        return Err(Fault::invalid(
            "invite",
            "Invite at most 100 parties at once.",
        ));
    }
    let change = DatasetChange {
        title: patch
            .title
            .as_deref()
            .map(create_dataset::title)
            .transpose()?,
        description: patch
            .description
            .as_deref()
            .map(create_dataset::description)
            .transpose()?,
        admission: patch
            .admission
            .map(|admission| store::admission_name(admission).to_owned()),
        contract: patch
            .contract
            .as_ref()
            .map(create_dataset::contract)
            .transpose()?,
        state: None,
    };
    let (who, now) = (who.clone(), ctx.now());
    ctx.write(move |db| {
        let row = store::hold(db, id)?;
        rights::dataset(&who, &store::facts(db, Some(who.party), &row)?).edit()?;
        if change.contract.is_some() && change.contract != row.contract {
            contract_is_free(db, id)?;
        }
        store::change(db, id, &change)?;
        for name in &patch.invite {
            let party = parties::by_handle(db, name.trim())?.ok_or_else(|| {
                Fault::invalid(
                    "invite",
                    format!("There is no party with the handle {name:?}."),
                )
            })?;
            store::invite(db, id, party.id.0, now.into())?;
        }
        let row = store::by_id(db, id)?;
        datasets::view(db, Some(&who), row)
    })
    .await
}

/// Takes a dataset off the market: no more contributions, revisions or sales. Licences that
/// were sold stay good.
///
/// # Errors
/// [`Fault::missing`] for anybody but owner and operator.
pub async fn withdraw(ctx: &Ctx, who: &Actor, id: Uuid) -> Result<(), Fault> {
    let who = who.clone();
    ctx.write(move |db| {
        let row = store::hold(db, id)?;
        rights::dataset(&who, &store::facts(db, Some(who.party), &row)?).withdraw()?;
        let change = DatasetChange {
            state: Some("withdrawn".to_owned()),
            ..DatasetChange::default()
        };
        store::change(db, id, &change)
    })
    .await
}

/// What buyers have bought keeps its columns; and a revision being composed has read them.
fn contract_is_free(db: &mut Db, id: Uuid) -> Result<(), Fault> {
    match revisions::last(db, id)? {
        Some(last) if last.state != "failed" => Err(Fault::conflict(
            "contract_published",
            "The contract can be changed until the first revision; open a new dataset for other columns.",
        )
        .about("contract")),
        _ => Ok(()),
    }
}
