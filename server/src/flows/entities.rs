//! Parties that are one person or house, as the operator knows.
//!
//! They are weighed as one: a row that several of them brought is held once, since the earliest
//! of their receipts. Every current revision with a part of theirs gets a new epoch, for what is
//! sold from then on; shares that are frozen stay as they are.

use std::collections::BTreeSet;

use schema::columns::Key;
use schema::db::Db;
use schema::wire::{EntityMember, EntityView, NewEntity};
use uuid::Uuid;

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::flows::compose::reweigh;
use crate::store::entities::{self as store, LinkRow};
use crate::store::{counters, parties};

/// Most parties of one request.
const MOST: usize = 100;

/// Links parties. Whoever was linked to one of them before is of the same entity now.
///
/// # Errors
/// `not_found` for everybody but the operator, and for an unknown party; `invalid` for fewer
/// than two parties or a bad reason.
pub async fn link(ctx: &Ctx, who: &Actor, new: NewEntity) -> Result<EntityView, Fault> {
    rights::node(who).link_parties()?;
    check(&new)?;
    let (by, now, own) = (who.party, ctx.now(), ctx.clone());
    ctx.write(move |db| {
        // One after the other: two links at once could join the same parties twice.
        counters::hold(db, counters::RECEIPT)?;
        let mut named = BTreeSet::new();
        for name in &new.parties {
            named.insert(parties::by_name(db, name)?.id.0);
        }
        if named.len() < 2 {
            return Err(Fault::invalid(
                "parties",
                "Name two different parties or more; these names are of one.",
            ));
        }
        let links = store::in_force(db)?;
        let met: BTreeSet<Uuid> = links
            .iter()
            .filter(|link| named.contains(&link.party_id.0))
            .map(|link| link.entity_id.0)
            .collect();
        // The entity of the lowest id takes the others in; the first has that of a party.
        let entity = met.first().or(named.first()).copied().unwrap_or_default();
        let mut moved: BTreeSet<Uuid> = links
            .iter()
            .filter(|link| met.contains(&link.entity_id.0))
            .map(|link| link.party_id.0)
            .collect();
        moved.extend(&named);
        for party in moved.iter().copied() {
            let old = links.iter().find(|link| link.party_id.0 == party);
            if old.is_some_and(|link| link.entity_id.0 == entity) {
                continue;
            }
            store::end(db, party, now.into(), Some(&new.reason))?;
            store::insert(
                db,
                &LinkRow {
                    id: Key(own.id()),
                    party_id: Key(party),
                    entity_id: Key(entity),
                    reason: new.reason.clone(),
                    linked_by: Key(by),
                    linked_at: now.into(),
                    ended_at: None,
                    ended_because: None,
                },
            )?;
        }
        let moved: Vec<Uuid> = moved.into_iter().collect();
        reweigh::ask(&own, db, &moved)?;
        let all = views(db)?;
        all.into_iter()
            .find(|view| view.id == entity)
            .ok_or_else(|| Fault::internal("the entity is missing"))
    })
    .await
    .inspect(|_| ctx.ring())
}

fn check(new: &NewEntity) -> Result<(), Fault> {
    if !(2..=MOST).contains(&new.parties.len()) {
        return Err(Fault::invalid(
            "parties",
            "Name 2 to 100 parties that are one person or house.",
        ));
    }
    check_reason(&new.reason)
}

fn check_reason(reason: &str) -> Result<(), Fault> {
    let length = reason.trim().chars().count();
    if !(3..=200).contains(&length) || reason.chars().any(char::is_control) {
        return Err(Fault::invalid(
            "reason",
            "Say how you know, in 3 to 200 characters; it is kept.",
        ));
    }
    Ok(())
}

/// All entities of more than one party.
///
/// # Errors
/// `not_found` for everybody but the operator.
pub async fn list(ctx: &Ctx, who: &Actor) -> Result<Vec<EntityView>, Fault> {
    rights::node(who).link_parties()?;
    ctx.read(views).await
}

fn views(db: &mut Db) -> Result<Vec<EntityView>, Fault> {
    let links = store::in_force(db)?;
    let ids: Vec<Uuid> = links.iter().map(|link| link.party_id.0).collect();
    let people = parties::views(db, &ids)?;
    let mut entities: Vec<EntityView> = Vec::new();
    for link in links {
        let Some(party) = people.get(&link.party_id.0).cloned() else {
            continue;
        };
        let member = EntityMember {
            party,
            reason: link.reason,
            linked_at: link.linked_at.into(),
        };
        match entities.last_mut() {
            Some(last) if last.id == link.entity_id.0 => last.members.push(member),
            _ => entities.push(EntityView {
                id: link.entity_id.0,
                members: vec![member],
            }),
        }
    }
    Ok(entities)
}

/// Takes a party out of its entity; it stands alone again for what is sold from now on.
///
/// # Errors
/// `not_found` for everybody but the operator, for an unknown party and one that is not linked;
/// `invalid` for a bad reason.
pub async fn unlink(
    ctx: &Ctx,
    who: &Actor,
    party: String,
    reason: Option<String>,
) -> Result<(), Fault> {
    rights::node(who).link_parties()?;
    if let Some(reason) = &reason {
        check_reason(reason)?;
    }
    let (now, own) = (ctx.now(), ctx.clone());
    ctx.write(move |db| {
        counters::hold(db, counters::RECEIPT)?;
        let party = parties::by_name(db, &party)?.id.0;
        let links = store::in_force(db)?;
        let entity = links.iter().find(|link| link.party_id.0 == party);
        let entity = entity.map(|link| link.entity_id);
        if !store::end(db, party, now.into(), reason.as_deref())? {
            return Err(Fault::missing());
        }
        let members = links.iter().filter(|link| Some(link.entity_id) == entity);
        let members: Vec<Uuid> = members.map(|link| link.party_id.0).collect();
        reweigh::ask(&own, db, &members)
    })
    .await
    .inspect(|()| ctx.ring())
}
