//! What subscriptions need as time goes by: days are earned, terms renewed, ends recorded.
//!
//! Everything here may run at any time, twice and on several nodes: what it does is decided
//! by the rows in the writer's transaction, and a renewal has one key for ever.

use chrono::{DateTime, Utc};
use schema::wire::SubscriptionRun;

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::{Fault, Kind};
use crate::flows::subscribe;
use crate::journal::command::{At, Command, Request, Work};
use crate::journal::subscriptions::Act;
use crate::store::subscriptions::{self as store, GRACE, PlanRow, SubscriptionRow, state};
use schema::columns::Key;

/// Does what is due, for an operator who does not wait for the job.
///
/// # Errors
/// `not_found` for others, or the database.
pub async fn run(ctx: &Ctx, who: &Actor) -> Result<SubscriptionRun, Fault> {
    rights::node(who).mind_subscriptions()?;
    tend(ctx).await
}

/// Does what is due.
///
/// # Errors
/// The database's own. What was done before stands.
pub async fn tend(ctx: &Ctx) -> Result<SubscriptionRun, Fault> {
    let mut done = SubscriptionRun {
        earned: earn(ctx).await?,
        ..SubscriptionRun::default()
    };
    let now = ctx.now();
    for seen in ctx.read(move |db| store::due(db, now.into())).await? {
        match renew(ctx, seen).await? {
            Became::Renewed => done.renewed += 1,
            Became::PastDue => done.past_due += 1,
            Became::Over => done.ended += 1,
            Became::Same => {}
        }
    }
    Ok(done)
}

/// Books every day that is over; answers how many terms moved.
///
/// # Errors
/// The database's own. What was done before stands.
pub async fn earn(ctx: &Ctx) -> Result<u64, Fault> {
    let now = ctx.now();
    let terms = ctx.read(move |db| store::unearned(db, now.into())).await?;
    let mut moved = 0;
    for term in terms {
        let key = format!("subscription:{term}:earn");
        let command = Command {
            request: Request::of_node(&key, "earn", &now)?,
            at: At::now(now),
            work: Work::Subscription(Act::Earn(Key(term))),
        };
        ctx.journal.submit(command).await?;
        moved += 1;
    }
    Ok(moved)
}

/// What became of a subscription whose term is over.
enum Became {
    Renewed,
    PastDue,
    Over,
    Same,
}

async fn renew(ctx: &Ctx, seen: SubscriptionRow) -> Result<Became, Fault> {
    let ends_at: DateTime<Utc> = seen.ends_at.into();
    let plan_id = seen.plan_id.0;
    let plan = ctx.read(move |db| store::plan(db, plan_id)).await?;
    if let Some(why) = no_more(&seen, &plan) {
        let over = seen.over(state::ENDED, why, ends_at);
        return change(ctx, seen, over, Became::Over).await;
    }
    match charge(ctx, &seen, plan).await {
        Ok(repeated) => Ok(if repeated {
            Became::Same
        } else {
            Became::Renewed
        }),
        Err(fault) if fault.kind == Kind::Unpaid => unpaid(ctx, seen, ends_at).await,
        // The datasets are no longer to be had on these terms: nobody pays for nothing.
        Err(fault) if ["not_for_sale", "terms_understate_personal_data"].contains(&fault.code) => {
            let over = seen.over(state::ENDED, &fault.detail, ctx.now());
            change(ctx, seen, over, Became::Over).await
        }
        Err(fault) if fault.code == "subscription_changed" => Ok(Became::Same),
        Err(fault) => Err(fault),
    }
}

fn no_more(seen: &SubscriptionRow, plan: &PlanRow) -> Option<&'static str> {
    match (seen.cancelled_at, plan.live()) {
        (Some(_), _) => Some("Cancelled."),
        (None, false) => Some("The plan is no longer offered."),
        (None, true) => None,
    }
}

/// Charges another term; answers whether it was charged before.
async fn charge(ctx: &Ctx, seen: &SubscriptionRow, plan: PlanRow) -> Result<bool, Fault> {
    let now = ctx.now();
    let number = seen.terms_charged.saturating_add(1);
    let key = format!("subscription:{}:term:{number}", seen.id.0);
    let request = Request::of_node(&key, "renew", &(seen.id.0, number))?;
    let (node, before) = (ctx.clone(), seen.clone());
    let new = ctx
        .read(move |db| {
            let party = before.party_id.0;
            subscribe::term(&node, db, &plan, Some(&before), (party, now))
        })
        .await?;
    let command = Command {
        request,
        at: At::now(now),
        work: Work::Subscription(Act::Charge(Box::new(new))),
    };
    Ok(ctx.journal.submit(command).await?.repeated)
}

/// The wallet does not cover the charge: it is tried again for a while, without licences.
async fn unpaid(ctx: &Ctx, seen: SubscriptionRow, ends_at: DateTime<Utc>) -> Result<Became, Fault> {
    let now = ctx.now();
    if now >= ends_at + GRACE {
        let why = format!(
            "The wallet did not cover the charge within {} days.",
            GRACE.num_days()
        );
        let over = seen.over(state::LAPSED, &why, now);
        return change(ctx, seen, over, Became::Over).await;
    }
    if seen.state == state::PAST_DUE {
        return Ok(Became::Same);
    }
    let late = SubscriptionRow {
        state: state::PAST_DUE.to_owned(),
        ..seen.clone()
    };
    change(ctx, seen, late, Became::PastDue).await
}

/// Records a new state unless something else has happened meanwhile.
async fn change(
    ctx: &Ctx,
    seen: SubscriptionRow,
    new: SubscriptionRow,
    became: Became,
) -> Result<Became, Fault> {
    let changed = ctx.write(move |db| store::change(db, &seen, &new)).await?;
    Ok(if changed { became } else { Became::Same })
}
