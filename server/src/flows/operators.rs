//! Who runs the node: appointing another operator, and ending it.

use schema::columns::Key;
use schema::wire::{NewOperator, OperatorView, Page};
use uuid::Uuid;

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::flows::payout_hold::checked;
use crate::store::operators::{self as store, ChangeRow};
use crate::store::parties::{self, PartyRow};

/// Makes a party an operator. Operators only.
///
/// # Errors
/// `not_found` for others and for an unknown party, `invalid` for a bad reason,
/// `operator_already`.
pub async fn appoint(ctx: &Ctx, who: &Actor, new: NewOperator) -> Result<OperatorView, Fault> {
    rights::node(who).appoint()?;
    let reason = checked(&new.reason)?;
    let (id, now, by) = (Key(ctx.id()), ctx.now(), who.clone());
    ctx.write(move |db| {
        let party = parties::by_name(db, &new.party)?;
        if party.operator {
            let words = format!("{} runs this node already.", party.handle);
            return Err(Fault::conflict("operator_already", words));
        }
        let row = ChangeRow {
            id,
            party_id: party.id,
            operator: true,
            changed_by: Key(by.party),
            reason,
            created_at: now.into(),
        };
        store::change(db, &row)?;
        Ok(view(
            &PartyRow {
                operator: true,
                ..party
            },
            Some(&by),
            &row,
        ))
    })
    .await
}

/// Ends it. Operators only; the last one stays.
///
/// # Errors
/// `not_found` for others and for a party that is no operator, `last_operator`.
pub async fn dismiss(
    ctx: &Ctx,
    who: &Actor,
    name: String,
    reason: String,
) -> Result<OperatorView, Fault> {
    rights::node(who).appoint()?;
    let reason = checked(&reason)?;
    let (id, now, by) = (Key(ctx.id()), ctx.now(), who.clone());
    ctx.write(move |db| {
        let now_running = store::current(db)?;
        let party = parties::by_name(db, &name)?;
        if !now_running.iter().any(|one| one.id == party.id) {
            return Err(Fault::missing());
        }
        if now_running.len() == 1 {
            return Err(Fault::conflict(
                "last_operator",
                "Somebody has to run the node: appoint another operator first.",
            ));
        }
        let row = ChangeRow {
            id,
            party_id: party.id,
            operator: false,
            changed_by: Key(by.party),
            reason,
            created_at: now.into(),
        };
        store::change(db, &row)?;
        Ok(view(
            &PartyRow {
                operator: false,
                ..party
            },
            Some(&by),
            &row,
        ))
    })
    .await
}

fn view(party: &PartyRow, by: Option<&Actor>, row: &ChangeRow) -> OperatorView {
    OperatorView {
        party: party.view(),
        operator: row.operator,
        changed_by: by.map(|by| schema::wire::PartyView {
            email: None,
            ..by.view()
        }),
        reason: row.reason.clone(),
        created_at: row.created_at.into(),
    }
}

/// Every change, newest first, and at the end those who run the node without one: the first
/// operator, who came by the link. Operators only.
///
/// # Errors
/// `not_found` for others.
pub async fn list(ctx: &Ctx, who: &Actor) -> Result<Page<OperatorView>, Fault> {
    rights::node(who).appoint()?;
    ctx.read(|db| {
        let (now, changes) = store::all(db)?;
        let ids: Vec<Uuid> = changes
            .iter()
            .flat_map(|row| [row.party_id.0, row.changed_by.0])
            .collect();
        let people = parties::views(db, &ids)?;
        let mut items: Vec<OperatorView> = changes
            .iter()
            .filter_map(|row| {
                Some(OperatorView {
                    party: people.get(&row.party_id.0)?.clone(),
                    operator: row.operator,
                    changed_by: people.get(&row.changed_by.0).cloned(),
                    reason: row.reason.clone(),
                    created_at: row.created_at.into(),
                })
            })
            .collect();
        for row in now {
            if !changes.iter().any(|change| change.party_id == row.id) {
                items.push(OperatorView {
                    party: row.view(),
                    operator: true,
                    changed_by: None,
                    reason: "The first operator".to_owned(),
                    created_at: row.created_at.into(),
                });
            }
        }
        Ok(Page { items, next: None })
    })
    .await
}
