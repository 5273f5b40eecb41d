//! An owner changes a dataset, or takes it off the market.

use dataset_core::columns::Contract;
use dataset_core::personal::PersonalClass;
use schema::db::Db;
use schema::wire::{DatasetPatch, DatasetView};
use uuid::Uuid;

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::flows::{create_dataset, datasets};
use crate::store::datasets::{self as store, DatasetChange};
use crate::store::{contributions, parties, revisions};

/// Most parties invited by one request.
const INVITES: usize = 100;

/// Changes title, description, admission or contract, declares licence and personal data, and
/// invites parties.
///
/// # Errors
/// [`Fault::missing`] for anybody but the owner; `contract_published` once there is a
/// revision; `no_contract` for declarations before there is one; `contract_in_use` for other columns than those of accepted contributions;
/// [`Kind::Invalid`](crate::error::Kind) naming the field.
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
        if let Some(new) = change.contract.as_deref()
            && row.contract.as_deref() != Some(new)
        {
            contract_is_free(db, id, row.contract.as_deref(), new)?;
        }
        let known = change.contract.as_deref().or(row.contract.as_deref());
        let declared = declare(db, id, known, &patch)?;
        let change = DatasetChange {
            contract: declared.or(change.contract),
            ..change
        };
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
        datasets::view(db, row)
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

/// The contract with what the owner declares of licence and personal data; nothing when they
/// declare nothing. Unlike its columns it may change at any time but while a revision is
/// composed, which has read it: new rows may bring personal data that the first ones did not have.
fn declare(
    db: &mut Db,
    id: Uuid,
    known: Option<&str>,
    patch: &DatasetPatch,
) -> Result<Option<String>, Fault> {
    if patch.license.is_none() && patch.personal.is_empty() {
        return Ok(None);
    }
    if revisions::last(db, id)?.is_some_and(|last| last.state == "composing") {
        return Err(Fault::conflict(
            "already_composing",
            "A revision is being composed; wait until it is published.",
        ));
    }
    let known = known.ok_or_else(|| {
        Fault::conflict(
            "no_contract",
            "The columns are not known yet: they come with the first accepted contribution or with a contract.",
        )
    })?;
    let mut contract = Contract::from_json(known.as_bytes()).map_err(Fault::internal)?;
    if let Some(license) = &patch.license {
        contract.license = Some(license.trim().to_owned()).filter(|text| !text.is_empty());
    }
    for (name, class) in &patch.personal {
        let column = contract
            .columns
            .iter_mut()
            .find(|column| column.name == *name);
        let column = column.ok_or_else(|| {
            Fault::invalid("personal", format!("The contract has no column {name:?}."))
        })?;
        column.personal = Some(PersonalClass::by_name(class).ok_or_else(|| {
            Fault::invalid(
                "personal",
                format!("{class:?} is no class of personal data; use none, pseudonymous, personal or sensitive."),
            )
        })?);
    }
    let json = serde_json::to_value(&contract).map_err(Fault::internal)?;
    create_dataset::contract(&json).map(Some)
}

/// What buyers have bought keeps its columns, and a revision being composed has read them.
/// What was accepted was rewritten, and its rows were fingerprinted, by columns and keys.
fn contract_is_free(db: &mut Db, id: Uuid, old: Option<&str>, new: &str) -> Result<(), Fault> {
    if revisions::last(db, id)?.is_some_and(|last| last.state != "failed") {
        return Err(Fault::conflict(
            "contract_published",
            "The contract can be changed until the first revision; open a new dataset for other columns.",
        )
        .about("contract"));
    }
    let same = old.is_none_or(|old| same_rows(old, new));
    if same || contributions::weighed(db, id)?.is_empty() {
        return Ok(());
    }
    Err(Fault::conflict(
        "contract_in_use",
        "Contributions were accepted by this contract: names and types of columns, key and surrogate \
         stay. Descriptions, units and limits can be changed.",
    )
    .about("contract"))
}

/// Whether both contracts give the same cleaned rows and fingerprints.
fn same_rows(old: &str, new: &str) -> bool {
    let read = |json: &str| Contract::from_json(json.as_bytes()).ok();
    let (Some(old), Some(new)) = (read(old), read(new)) else {
        return false;
    };
    let columns = |contract: &Contract| -> Vec<_> {
        let columns = contract.columns.iter();
        columns
            .map(|column| (column.name.clone(), column.kind))
            .collect()
    };
    columns(&old) == columns(&new) && old.key == new.key && old.surrogate == new.surrogate
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_may_change_and_rows_may_not() {
        let old = r#"{"columns":[{"name":"a","type":"int64"},{"name":"b","type":"string"}]}"#;
        let described = r#"{"columns":[{"name":"a","type":"int64","min":1,"unit":"m"},
            {"name":"b","type":"string","description":"name"}],"license":"CC0-1.0"}"#;
        assert!(same_rows(old, described));
        for other in [
            r#"{"columns":[{"name":"a","type":"int64"}]}"#,
            r#"{"columns":[{"name":"b","type":"string"},{"name":"a","type":"int64"}]}"#,
            r#"{"columns":[{"name":"a","type":"float64"},{"name":"b","type":"string"}]}"#,
            r#"{"columns":[{"name":"a","type":"int64"},{"name":"b","type":"string"}],"key":["a"]}"#,
            "{}",
        ] {
            assert!(!same_rows(old, other), "{other}");
        }
    }
}
