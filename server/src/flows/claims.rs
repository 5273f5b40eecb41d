//! Claims: a party says that rows of contributions to a dataset are theirs, and names a
//! contribution of their own in which they stand.
//!
//! Nobody's money is held because somebody says so: a claim waits until an operator opens it.
//! From then on what the rows weigh in the current revision, and in every later one, is the
//! weight of an account of its own that holds what it earns; everything else is paid. A decision
//! passes on what is held, and what comes later on epochs of before (`journal/claims`). Rows
//! that were decided for the claimant are the claimant's from then on: no epoch is edited, new
//! ones are made.

pub mod count;

use std::collections::{BTreeSet, HashSet};

use ledger::account::Account;
use schema::columns::Key;
use schema::db::Db;
use schema::wire::{
    Amount, ClaimOutcome, ClaimPartView, ClaimView, NewClaim, NewDecision, Page, PageQuery,
};
use uuid::Uuid;

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::flows::statements;
use crate::jobs::{self, Work as Job};
use crate::journal::command::{At, Command, DecideClaim, Request, Work};
use crate::paging::Window;
use crate::store::claims::{self as store, ClaimRow, PartRow};
use crate::store::contributions::{self, ContributionRow};
use crate::store::{counters, datasets, entities, journal, parties, pools, revisions};

/// Contributions of one claim at most: each may need a child of its own.
const MOST: usize = 32;
/// Claims of one party that wait at most.
const MOST_WAITING: usize = 20;

/// Files a claim; the rows are looked for by a job.
///
/// # Errors
/// [`Fault::missing`] for a dataset one may not see, a contribution that is not part of it and
/// evidence that is not one's own; `invalid` naming the field; `already_claimed`;
/// `nothing_to_claim` when nobody else contributes; `too_many_claims`.
pub async fn file(ctx: &Ctx, who: &Actor, new: NewClaim) -> Result<ClaimView, Fault> {
    let reason = checked(&new.reason)?;
    if new.contributions.len() > MOST {
        return Err(too_many());
    }
    let (who, own) = (who.clone(), ctx.clone());
    let view = ctx
        .write(move |db| {
            let dataset = datasets::by_id(db, new.dataset_id)?;
            let facts = datasets::facts(db, Some(who.party), &dataset)?;
            rights::dataset(&who, &facts).see()?;
            let evidence = contributions::by_id(db, new.evidence)?;
            if evidence.party_id.0 != who.party {
                return Err(Fault::missing());
            }
            if evidence.state != "accepted" {
                return Err(Fault::invalid(
                    "evidence",
                    "Name a contribution of yours that was accepted and not withdrawn.",
                ));
            }
            room(db, &who, &new)?;
            let rows = claimed(db, &who, &new)?;
            let row = ClaimRow {
                id: Key(own.id()),
                dataset_id: dataset.id,
                claimant_id: Key(who.party),
                evidence_id: evidence.id,
                reason,
                state: store::COUNTING.to_owned(),
                created_at: own.now().into(),
                opened_by: None,
                opened_at: None,
                decided_by: None,
                decided_at: None,
                decided_because: None,
            };
            store::insert(db, &row, &rows)?;
            jobs::enqueue(&own, db, Job::Claim(row.id.0))?;
            view(db, &who, row)
        })
        .await?;
    ctx.ring();
    Ok(view)
}

fn checked(reason: &str) -> Result<String, Fault> {
    let reason = reason.trim();
    if !(3..=1_000).contains(&reason.chars().count()) || reason.chars().any(char::is_control) {
        return Err(Fault::invalid(
            "reason",
            "Say why in 3 to 1000 characters; it is kept.",
        ));
    }
    Ok(reason.to_owned())
}

fn too_many() -> Fault {
    Fault::invalid(
        "contributions",
        "Name the contributions that you claim rows of, at most 32; the shares of a revision list \
         them.",
    )
}

/// A party has few claims that wait, and never two alike.
fn room(db: &mut Db, who: &Actor, new: &NewClaim) -> Result<(), Fault> {
    let waiting = store::waiting_of(db, who.party)?;
    let alike =
        |row: &&ClaimRow| row.dataset_id.0 == new.dataset_id && row.evidence_id.0 == new.evidence;
    if let Some(row) = waiting.iter().find(alike) {
        return Err(Fault::conflict(
            "already_claimed",
            format!("Claim {} says so already; it is not decided yet.", row.id.0),
        ));
    }
    if waiting.len() >= MOST_WAITING {
        return Err(Fault::conflict(
            "too_many_claims",
            "Twenty of your claims wait. Take one back, or wait until some are decided.",
        ));
    }
    Ok(())
}

/// What a claim is on: contributions by others than the claimant's own house.
fn claimed(db: &mut Db, who: &Actor, new: &NewClaim) -> Result<Vec<PartRow>, Fault> {
    let entities = entities::by_party(db)?;
    let entity = |party: Uuid| entities.get(&party).copied().unwrap_or(party);
    let mine = entity(who.party);
    let mut rows = contributions::weighed(db, new.dataset_id)?;
    rows.retain(|row| row.state == "accepted" && entity(row.party_id.0) != mine);
    if !new.contributions.is_empty() {
        let known: HashSet<Uuid> = rows.iter().map(|row| row.id.0).collect();
        if new.contributions.iter().any(|id| !known.contains(id)) {
            return Err(Fault::missing());
        }
        rows.retain(|row| new.contributions.contains(&row.id.0));
    }
    match rows.len() {
        0 => Err(Fault::conflict(
            "nothing_to_claim",
            "Nobody but you contributes to this dataset.",
        )),
        1..=MOST => Ok(rows.iter().map(PartRow::of).collect()),
        _ => Err(too_many()),
    }
}

/// Claims, newest first: operators see all, others those that they filed, and those that were
/// opened on contributions of theirs.
///
/// # Errors
/// A bad page.
pub async fn list(ctx: &Ctx, who: &Actor, query: PageQuery) -> Result<Page<ClaimView>, Fault> {
    let window = Window::of(&query)?;
    let who = who.clone();
    let concerned = rights::node(&who)
        .judge_claims()
        .is_err()
        .then_some(who.party);
    let views = ctx
        .read(move |db| {
            let rows = store::list(db, concerned, window.before, window.fetch())?;
            rows.into_iter()
                .map(|row| view(db, &who, row))
                .collect::<Result<Vec<_>, Fault>>()
        })
        .await?;
    Ok(window.page(views, |view| view.id, |view| view))
}

/// A claim.
///
/// # Errors
/// [`Fault::missing`] for whom it does not concern.
pub async fn show(ctx: &Ctx, who: &Actor, id: Uuid) -> Result<ClaimView, Fault> {
    let who = who.clone();
    ctx.read(move |db| {
        let row = store::find(db, id)?;
        view(db, &who, row)
    })
    .await
}

/// What somebody may see of a claim: the holder neither who claims nor why they say they do, the
/// claimant not whose the contributions are.
fn view(db: &mut Db, who: &Actor, row: ClaimRow) -> Result<ClaimView, Fault> {
    let parts = store::parts(db, row.id)?;
    let holds = |part: &PartRow| part.suspense_id.is_some() && part.holder_id.0 == who.party;
    let judge = rights::node(who).judge_claims().is_ok();
    let all = judge || row.claimant_id.0 == who.party;
    let holder = parts.iter().any(holds);
    rights::claim(who, row.claimant_id.0, holder).see()?;
    let dataset = datasets::by_id(db, row.dataset_id.0)?;
    let evidence = contributions::by_id(db, row.evidence_id.0)?;
    let mut views = Vec::new();
    for part in parts.iter().filter(|part| all || holds(part)) {
        if part.rows > 0 || row.state == store::COUNTING {
            let named = judge || part.holder_id.0 == who.party;
            views.push(part_view(db, part, named)?);
        }
    }
    let claimant = match all {
        true => Some(parties::by_id(db, row.claimant_id.0)?.view()),
        false => None,
    };
    Ok(ClaimView {
        id: row.id.0,
        dataset_id: dataset.id.0,
        dataset: dataset.slug,
        state: row.state,
        claimant,
        reason: all.then_some(row.reason),
        evidence_receipt: evidence.receipt_no.unwrap_or_default(),
        evidence_received_at: received(&evidence),
        parts: views,
        created_at: row.created_at.into(),
        opened_at: row.opened_at.map(Into::into),
        decided_at: row.decided_at.map(Into::into),
        decided_because: row.decided_because,
    })
}

fn received(row: &ContributionRow) -> chrono::DateTime<chrono::Utc> {
    row.received_at.unwrap_or(row.created_at).into()
}

fn part_view(db: &mut Db, part: &PartRow, named: bool) -> Result<ClaimPartView, Fault> {
    let row = contributions::by_id(db, part.contribution_id.0)?;
    let mut held = Vec::new();
    if let Some(account) = part.suspense_id {
        let name = Account::available(account.0).to_string();
        for account in journal::accounts_named(db, &name)? {
            held.push(Amount {
                minor: account.balance.saturating_neg(),
                currency: account.book,
            });
        }
    }
    let holder = match named {
        true => Some(parties::by_id(db, part.holder_id.0)?.view()),
        false => None,
    };
    Ok(ClaimPartView {
        contribution_id: row.id.0,
        holder,
        receipt_no: row.receipt_no.unwrap_or_default(),
        received_at: received(&row),
        rows: part.rows,
        of_rows: row.rows.unwrap_or_default(),
        held,
    })
}

/// From now on what the rows earn is held. Opening twice is opening once. Operators only.
///
/// # Errors
/// `not_found` for others and an unknown claim; `claim_not_filed` while rows are looked for, when
/// none was found, and once it was decided or taken back.
pub async fn open(ctx: &Ctx, who: &Actor, id: Uuid) -> Result<ClaimView, Fault> {
    rights::node(who).judge_claims()?;
    let (who, own) = (who.clone(), ctx.clone());
    let view = ctx
        .write(move |db| {
            // One after the other, and none while a revision gets its mark.
            counters::hold(db, counters::RECEIPT)?;
            let mut row = store::find(db, id)?;
            match row.state.as_str() {
                store::OPEN => return view(db, &who, row),
                store::FILED => {}
                state => return Err(not_filed(state)),
            }
            let now = own.now().into();
            for part in store::parts(db, row.id)? {
                if part.rows > 0 {
                    store::suspend(db, &part, own.id(), now)?;
                }
            }
            store::OPEN.clone_into(&mut row.state);
            row.opened_by = Some(Key(who.party));
            row.opened_at = Some(now);
            store::update(db, &row)?;
            if let Some(current) = revisions::current(db, row.dataset_id.0)? {
                jobs::enqueue(&own, db, Job::Reweigh(current.id.0))?;
            }
            view(db, &who, row)
        })
        .await?;
    ctx.ring();
    Ok(view)
}

fn not_filed(state: &str) -> Fault {
    Fault::conflict(
        "claim_not_filed",
        match state {
            store::COUNTING => "Its rows are still being looked for; nothing is held yet.",
            store::NOTHING_SHARED => {
                "No row of the evidence stands in what is claimed; nothing is held."
            }
            _ => "It was decided or taken back already; nothing has changed.",
        },
    )
}

/// The claimant takes back a claim that nobody has opened. Twice is once.
///
/// # Errors
/// [`Fault::missing`] for anybody but the claimant; `claim_open` once an operator has opened it,
/// who then ends it as withdrawn.
pub async fn take_back(ctx: &Ctx, who: &Actor, id: Uuid) -> Result<(), Fault> {
    let (who, now) = (who.clone(), ctx.now());
    ctx.write(move |db| {
        counters::hold(db, counters::RECEIPT)?;
        let mut row = store::find(db, id)?;
        rights::claim(&who, row.claimant_id.0, false).take_back()?;
        match row.state.as_str() {
            store::COUNTING | store::FILED | store::NOTHING_SHARED => {}
            store::WITHDRAWN => return Ok(()),
            _ => {
                return Err(Fault::conflict(
                    "claim_open",
                    "An operator has opened it: only an operator ends it now. Ask them to end it as \
                     withdrawn.",
                ));
            }
        }
        store::WITHDRAWN.clone_into(&mut row.state);
        row.decided_by = Some(Key(who.party));
        row.decided_at = Some(now.into());
        store::update(db, &row)
    })
    .await
}

/// Decides an open claim: in one transaction the pools that hold for it are settled, what they
/// hold goes to whom it was decided for, and new epochs are asked for. Operators only.
///
/// # Errors
/// `not_found` for others and an unknown claim; `invalid` for a bad reason; `claim_not_open`;
/// `idempotency_conflict`.
pub async fn decide(
    ctx: &Ctx,
    who: &Actor,
    key: &str,
    id: Uuid,
    new: NewDecision,
) -> Result<ClaimView, Fault> {
    rights::node(who).judge_claims()?;
    let because = checked(&new.reason)?;
    let state = match new.outcome {
        ClaimOutcome::Holder => store::FOR_HOLDER,
        ClaimOutcome::Claimant => store::FOR_CLAIMANT,
        ClaimOutcome::Withdrawn => store::WITHDRAWN,
    };
    let request = Request::new(who.party, key, "decide claim", &(id, &new))?;
    let now = ctx.now();
    let command = Command {
        request,
        at: At::now(now),
        work: Work::DecideClaim(Box::new(DecideClaim {
            claim: Key(id),
            state,
            because,
            terms: ctx.config.reserve(),
            job: ctx.id(),
        })),
    };
    let ids = ctx.journal.submit(command).await?.ids;
    ctx.ring();
    // A repeat of the request completes what a crash in between left undone.
    for period in ctx.read(move |db| booked_in(db, Key(id), &ids)).await? {
        statements::issue(ctx, period.parse().map_err(Fault::internal)?).await?;
    }
    show(ctx, who, id).await
}

/// Periods in which a decision settled pools or passed something on.
fn booked_in(db: &mut Db, claim: Key, settled: &[Uuid]) -> Result<BTreeSet<String>, Fault> {
    let settled = pools::settlements(db, settled)?.into_iter();
    let mut periods: BTreeSet<String> = settled.map(|row| row.period).collect();
    periods.extend(store::booked_in(db, claim)?);
    Ok(periods)
}
