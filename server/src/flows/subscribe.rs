//! Subscribing, and what a subscriber and an owner may do with it later.
//!
//! A term gives one licence per dataset, in force for the days of the term. The licences hang
//! on orders at 0, because what is paid is the term.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use dataset_core::licence::{LicenceDoc, Price, SignedLicence, Terms, Window};
use ledger::plan::{FeePlan, Legs, split_sale};
use ledger::subscription::{day_of, days_between};
use ledger::tax::DEFAULT;
use schema::columns::Key;
use schema::db::Db;
use schema::wire::{
    Amount, NewSubscription, NewTermRefund, Page, PageQuery, SubscriptionView, TermRefundRequest,
    TermView,
};
use uuid::Uuid;

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::{Fault, Kind};
use crate::flows::gates;
use crate::journal::command::{At, Command, Request, Work, earlier};
use crate::journal::subscriptions::{Act, NewTerm, nothing_unused, would_go_back};
use crate::paging::Window as Turn;
use crate::store::datasets::DatasetRow;
use crate::store::journal::entry_name;
use crate::store::orders::{LicenceRow, OrderRow};
use crate::store::subscriptions::{
    self as store, GRACE, ItemRow, LicenceLink, PlanRow, Published, SubscriptionRow, TermRow,
    Whose, state,
};
use crate::store::{datasets, parties, revisions};

/// From this much later on, a term begins when it is charged: nobody pays for days that are
/// past.
const LATE: TimeDelta = TimeDelta::days(1);

/// Subscribes: charges the first term out of the caller's wallet and gives its licences. The
/// same key and body again get the same subscription.
///
/// # Errors
/// `not_found`, `not_for_sale`, `price_changed`, `terms_changed`, `insufficient_funds`,
/// `already_subscribed`, `idempotency_conflict`.
pub async fn run(
    ctx: &Ctx,
    who: &Actor,
    key: &str,
    new: NewSubscription,
) -> Result<SubscriptionView, Fault> {
    let request = Request::new(who.party, key, "subscribe", &new)?;
    let asked = request.clone();
    let made = ctx.read(move |db| earlier(db, &asked)).await?;
    let id = match made.as_deref() {
        Some([id]) => *id,
        Some(_) => {
            return Err(Fault::internal(
                "one subscription was expected under this key",
            ));
        }
        None => {
            let (node, actor, now) = (ctx.clone(), who.clone(), ctx.now());
            let first = ctx
                .read(move |db| {
                    let plan = store::plan(db, new.plan_id)?;
                    for (item, ..) in store::items(db, plan.id)? {
                        let row = datasets::by_id(db, item.dataset_id.0)?;
                        let facts = datasets::facts(db, Some(actor.party), &row)?;
                        rights::dataset(&actor, &facts).buy()?;
                    }
                    as_read(&new, &plan)?;
                    term(&node, db, &plan, None, (actor.party, now))
                })
                .await?;
            let command = Command {
                request,
                at: At::now(now),
                work: Work::Subscription(Act::Charge(Box::new(first))),
            };
            ctx.journal.submit(command).await?.one()?
        }
    };
    let now = ctx.now();
    ctx.read(move |db| {
        let row = store::find(db, id)?;
        view(db, &row, now)
    })
    .await
}

/// What is charged must be what the subscriber has read.
fn as_read(new: &NewSubscription, plan: &PlanRow) -> Result<(), Fault> {
    if !plan.live() {
        return Err(Fault::conflict(
            "not_for_sale",
            "This plan was retired; nothing was charged.",
        ));
    }
    if (new.price.minor, new.price.currency.as_str()) != (plan.price_minor, plan.currency.as_str())
    {
        let words = "The price is not the one you name: read the plan again.";
        return Err(Fault::conflict("price_changed", words).about("price"));
    }
    if new.terms_sha256 != hex::encode(&plan.terms_digest) {
        let words = "The terms are not the ones you name: read the plan again.";
        return Err(Fault::conflict("terms_changed", words).about("terms_sha256"));
    }
    Ok(())
}

/// The whole write set of a term: the first one, or the one after `seen`.
///
/// # Errors
/// `not_for_sale` or `terms_understate_personal_data` where nothing could be delivered.
pub(super) fn term(
    ctx: &Ctx,
    db: &mut Db,
    plan: &PlanRow,
    seen: Option<&SubscriptionRow>,
    (party, now): (Uuid, DateTime<Utc>),
) -> Result<NewTerm, Fault> {
    let span = Span::of(plan, seen, now)?;
    let id = seen.map_or_else(|| Key(ctx.id()), |seen| seen.id);
    let number = seen.map_or(1, |seen| seen.terms_charged.saturating_add(1));
    let legs = legs(ctx, plan)?;
    let row = TermRow {
        id: Key(ctx.id()),
        subscription_id: id,
        number,
        starts_at: span.starts_at.into(),
        ends_at: span.ends_at.into(),
        days: span.days,
        currency: plan.currency.clone(),
        gross: plan.price_minor,
        fee: legs.fee,
        tax: legs.tax,
        net: legs.net,
        earned_days: 0,
        earned: 0,
        earns_next_at: Some((span.starts_at + TimeDelta::days(1)).into()),
        refunded_fee: 0,
        refunded_tax: 0,
        refunded_net: 0,
        refund_reason: None,
        refunded_by: None,
        refund_seq: 0,
        points: i64::from(ctx.config.member_points) * i64::from(plan.interval()?.months()),
        book: plan.currency.clone(),
        entry_seq: 0,
        created_at: now.into(),
    };
    let subscription = SubscriptionRow {
        id,
        plan_id: plan.id,
        party_id: Key(party),
        state: state::ACTIVE.to_owned(),
        anchor: span.anchor.into(),
        anchored: span.anchored,
        terms_charged: number,
        ends_at: span.ends_at.into(),
        cancelled_at: None,
        ended_at: None,
        ended_reason: None,
        refund_asked_at: None,
        refund_asked_reason: None,
        created_at: seen.map_or(now.into(), |seen| seen.created_at),
    };
    let mut new = NewTerm {
        subscription,
        seen: seen.cloned(),
        term: row,
        orders: Vec::new(),
        licences: Vec::new(),
        links: Vec::new(),
    };
    for (item, ..) in store::items(db, plan.id)? {
        licence(ctx, db, plan, &item, &mut new)?;
    }
    Ok(new)
}

/// How the price of a term is cut.
fn legs(ctx: &Ctx, plan: &PlanRow) -> Result<Legs, Fault> {
    let fees = FeePlan {
        fee_bps: ctx.config.fee_bps.into(),
        tax_bps: ctx.config.tax_bps.into(),
        commission: None,
    };
    split_sale(plan.price_minor, &fees).map_err(Fault::internal)
}

/// When a term is.
struct Span {
    anchor: DateTime<Utc>,
    anchored: i32,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    days: i32,
}

impl Span {
    fn of(
        plan: &PlanRow,
        seen: Option<&SubscriptionRow>,
        now: DateTime<Utc>,
    ) -> Result<Self, Fault> {
        let beyond = || Fault::internal("a term beyond the calendar");
        let prompt = seen.filter(|seen| now - DateTime::<Utc>::from(seen.ends_at) <= LATE);
        let (anchor, anchored, starts_at) = match prompt {
            Some(seen) => (
                seen.anchor.into(),
                seen.anchored.saturating_add(1),
                seen.ends_at.into(),
            ),
            None => (now, 1, now),
        };
        let number = u32::try_from(anchored).map_err(Fault::internal)?;
        let ends_at = plan.interval()?.end(anchor, number).ok_or_else(beyond)?;
        let days = days_between(starts_at, ends_at).ok_or_else(beyond)?;
        Ok(Self {
            anchor,
            anchored,
            starts_at,
            ends_at,
            days: i32::try_from(days).map_err(Fault::internal)?,
        })
    }
}

/// Adds the licence on one dataset, in force for the term and for every revision in it.
fn licence(
    ctx: &Ctx,
    db: &mut Db,
    plan: &PlanRow,
    item: &ItemRow,
    new: &mut NewTerm,
) -> Result<(), Fault> {
    let (row, current, number, terms) = sellable(db, plan, item)?;
    let (from, until) = (new.term.starts_at.into(), new.term.ends_at.into());
    let (order, id) = (ctx.id(), ctx.id());
    let doc = LicenceDoc {
        licence: id.into(),
        order: order.into(),
        offer: item.offer_id.0.into(),
        dataset: row.id.0.into(),
        dataset_title: row.title.clone(),
        revision: current.revision.into(),
        revision_number: number,
        assigner: plan.owner_id.0.into(),
        assignee: new.subscription.party_id.0.into(),
        granted_at: new.term.created_at.into(),
        valid_from: from,
        valid_until: Some(until),
        price: Price {
            minor: 0,
            currency: plan.currency.clone(),
        },
        terms: Terms {
            window: Window::Fixed { from, until },
            ..terms
        },
    };
    let signed = SignedLicence::sign(doc, ctx.keys.signing()).map_err(Fault::internal)?;
    new.orders.push(free(new, plan, item, current, (order, id)));
    new.licences.push(LicenceRow {
        id: Key(id),
        order_id: Key(order),
        party_id: new.subscription.party_id,
        dataset_id: row.id,
        revision_id: Key(current.revision),
        document: signed.jws().to_owned(),
        valid_from: new.term.starts_at,
        valid_until: Some(new.term.ends_at),
        downloads_used: 0,
        revoked_at: None,
        revoked_reason: None,
        created_at: new.term.created_at,
    });
    new.links.push(LicenceLink {
        licence_id: Key(id),
        term_id: new.term.id,
        dataset_id: row.id,
    });
    Ok(())
}

/// A dataset of the plan as it can be delivered now: its revision, the number of that, terms.
fn sellable(
    db: &mut Db,
    plan: &PlanRow,
    item: &ItemRow,
) -> Result<(DatasetRow, Published, u32, Terms), Fault> {
    let row = datasets::by_id(db, item.dataset_id.0)?;
    let latest = store::published(db, row.id)?.pop();
    let Some(current) = latest.filter(|_| row.open()) else {
        return Err(Fault::conflict(
            "not_for_sale",
            format!("{} is off the market; nothing was charged.", row.slug),
        ));
    };
    let revision = revisions::by_id(db, current.revision)?;
    let terms: Terms = serde_json::from_str(&plan.terms).map_err(Fault::internal)?;
    let class = gates::class(revision.personal_data.as_deref());
    if class > terms.personal_class() {
        return Err(Fault::conflict(
            "terms_understate_personal_data",
            format!(
                "{} holds {class} data now, which the plan's terms do not cover; nothing was charged. Ask the owner for a new plan.",
                row.slug
            ),
        ));
    }
    let number = u32::try_from(revision.number).map_err(Fault::internal)?;
    Ok((row, current, number, terms))
}

/// The order a licence of the term hangs on.
fn free(
    new: &NewTerm,
    plan: &PlanRow,
    item: &ItemRow,
    current: Published,
    (order, licence): (Uuid, Uuid),
) -> OrderRow {
    OrderRow {
        id: Key(order),
        buyer_id: new.subscription.party_id,
        offer_id: item.offer_id,
        dataset_id: item.dataset_id,
        revision_id: Key(current.revision),
        epoch: current.epoch,
        licence_id: Key(licence),
        currency: plan.currency.clone(),
        gross: 0,
        fee: 0,
        tax: 0,
        commission: 0,
        net: 0,
        refunded: 0,
        refunded_fee: 0,
        refunded_tax: 0,
        refunded_commission: 0,
        refunded_net: 0,
        book: plan.currency.clone(),
        entry_seq: 0,
        created_at: new.term.created_at,
        jurisdiction: DEFAULT.to_owned(),
    }
}

/// A subscription, for its subscriber, the plan's owner and operators.
///
/// # Errors
/// `not_found`.
pub async fn show(ctx: &Ctx, who: &Actor, id: Uuid) -> Result<SubscriptionView, Fault> {
    let (who, now) = (who.clone(), ctx.now());
    ctx.read(move |db| {
        let (row, plan) = both(db, id)?;
        rights::subscription(&who, row.party_id.0, plan.owner_id.0).see()?;
        view(db, &row, now)
    })
    .await
}

fn both(db: &mut Db, id: Uuid) -> Result<(SubscriptionRow, PlanRow), Fault> {
    let row = store::find(db, id)?;
    let plan = store::plan(db, row.plan_id.0)?;
    Ok((row, plan))
}

/// Which subscriptions a list holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The caller's own.
    Mine,
    /// Those to the caller's plans.
    Sold,
    /// Everybody's, for operators.
    All,
}

/// Subscriptions, newest first.
///
/// # Errors
/// `not_found` for others who ask for all; a bad cursor or limit.
pub async fn list(
    ctx: &Ctx,
    who: &Actor,
    which: Which,
    query: PageQuery,
) -> Result<Page<SubscriptionView>, Fault> {
    let turn = Turn::of(&query)?;
    let whose = match which {
        Which::Mine => Whose::Of(Key(who.party)),
        Which::Sold => Whose::SoldBy(Key(who.party)),
        Which::All => {
            rights::node(who).mind_subscriptions()?;
            Whose::All
        }
    };
    let now = ctx.now();
    ctx.read(move |db| {
        let rows = store::list(db, whose, turn.before, turn.fetch())?;
        let page = turn.page(rows, |row| row.id.0, |row| view(db, &row, now));
        Ok(Page {
            items: page.items.into_iter().collect::<Result<_, _>>()?,
            next: page.next,
        })
    })
    .await
}

/// Cancels at the end of the paid term, or takes that back before it.
///
/// # Errors
/// `not_found`, `subscription_over`.
pub async fn cancel(
    ctx: &Ctx,
    who: &Actor,
    id: Uuid,
    cancel: bool,
) -> Result<SubscriptionView, Fault> {
    let (who, now) = (who.clone(), ctx.now());
    ctx.write(move |db| {
        let (seen, plan) = both(db, id)?;
        rights::subscription(&who, seen.party_id.0, plan.owner_id.0).change()?;
        let paid = now < DateTime::<Utc>::from(seen.ends_at);
        if !seen.runs() || (!cancel && !paid) {
            return Err(Fault::conflict(
                "subscription_over",
                "This subscription is over; nothing was changed. Subscribe again to go on.",
            ));
        }
        let new = match (cancel, paid) {
            (false, _) => SubscriptionRow {
                cancelled_at: None,
                refund_asked_at: None,
                refund_asked_reason: None,
                ..seen.clone()
            },
            (true, true) => SubscriptionRow {
                cancelled_at: seen.cancelled_at.or(Some(now.into())),
                ..seen.clone()
            },
            // Nothing is paid any more: it ends at once.
            (true, false) => seen.over(state::ENDED, "Cancelled.", now),
        };
        changed(db, &seen, &new, now)
    })
    .await
}

fn changed(
    db: &mut Db,
    seen: &SubscriptionRow,
    new: &SubscriptionRow,
    now: DateTime<Utc>,
) -> Result<SubscriptionView, Fault> {
    match store::change(db, seen, new)? {
        true => view(db, new, now),
        false => Err(Fault::conflict(
            "subscription_changed",
            "Another request has changed the subscription meanwhile. Nothing was done now: look at it again.",
        )),
    }
}

/// Asks the provider to give the unused days of the paid term back. It cancels the subscription,
/// which goes on to its end until the provider decides; resuming it takes the request back.
///
/// # Errors
/// `not_found`, `invalid` for a reason, `nothing_unused`.
pub async fn ask_back(
    ctx: &Ctx,
    who: &Actor,
    id: Uuid,
    new: TermRefundRequest,
) -> Result<SubscriptionView, Fault> {
    let (who, now) = (who.clone(), ctx.now());
    ctx.write(move |db| {
        let (seen, plan) = both(db, id)?;
        rights::subscription(&who, seen.party_id.0, plan.owner_id.0).change()?;
        let reason = reason(&new.reason, "the provider reads it")?;
        if unused_now(db, &seen, now)?.is_none_or(|left| left.minor == 0) {
            return Err(nothing_unused());
        }
        let new = SubscriptionRow {
            cancelled_at: seen.cancelled_at.or(Some(now.into())),
            refund_asked_at: Some(now.into()),
            refund_asked_reason: Some(reason),
            ..seen.clone()
        };
        changed(db, &seen, &new, now)
    })
    .await
}

fn reason(typed: &str, who: &str) -> Result<String, Fault> {
    let reason = typed.trim();
    match (1..=500).contains(&reason.chars().count()) {
        true => Ok(reason.to_owned()),
        false => Err(Fault::invalid(
            "reason",
            format!("Say why, in 1 to 500 characters; {who}."),
        )),
    }
}

/// What would go back of the paid term now; none of a subscription that is over.
fn unused_now(
    db: &mut Db,
    row: &SubscriptionRow,
    now: DateTime<Utc>,
) -> Result<Option<Amount>, Fault> {
    if !row.runs() {
        return Ok(None);
    }
    let Some(term) = store::terms(db, row.id)?.into_iter().next() else {
        return Ok(None);
    };
    Ok(Some(Amount {
        minor: would_go_back(db, &term, row.plan_id, now)?,
        currency: term.currency,
    }))
}

/// Gives the unused days of the running term back to the wallet, ends its licences and the
/// subscription: by the plan's owner or an operator, with a reason.
///
/// # Errors
/// `not_found`, `invalid` for a reason, `nothing_unused`, `idempotency_conflict`.
pub async fn give_back(
    ctx: &Ctx,
    who: &Actor,
    key: &str,
    id: Uuid,
    new: NewTermRefund,
) -> Result<SubscriptionView, Fault> {
    let (row, plan) = ctx.read(move |db| both(db, id)).await?;
    rights::subscription(who, row.party_id.0, plan.owner_id.0).give_back()?;
    let why = reason(&new.reason, "the subscriber sees it")?;
    let request = Request::new(who.party, key, "refund_subscription", &(id, &new))?;
    let latest = ctx.read(move |db| store::terms(db, row.id)).await?;
    let Some(term) = latest.first() else {
        return Err(Fault::new(
            Kind::Internal,
            "internal",
            "A subscription without a term.",
        ));
    };
    let command = Command {
        request,
        at: At::now(ctx.now()),
        work: Work::Subscription(Act::GiveBack {
            term: term.id,
            reason: why,
        }),
    };
    ctx.journal.submit(command).await?;
    show(ctx, who, id).await
}

/// A subscription with its charges.
///
/// # Errors
/// The database's own.
pub(super) fn view(
    db: &mut Db,
    row: &SubscriptionRow,
    now: DateTime<Utc>,
) -> Result<SubscriptionView, Fault> {
    let plan = store::plan(db, row.plan_id.0)?;
    let mut terms = Vec::new();
    for term in store::terms(db, row.id)? {
        terms.push(term_view(db, &term)?);
    }
    let ends_at: DateTime<Utc> = row.ends_at.into();
    let renews = row.state == state::ACTIVE && row.cancelled_at.is_none() && plan.live();
    Ok(SubscriptionView {
        id: row.id.0,
        subscriber: parties::by_id(db, row.party_id.0)?.view(),
        owner: parties::by_id(db, plan.owner_id.0)?.view(),
        plan_id: plan.id.0,
        title: plan.title,
        every: plan.billed_every,
        price: Amount {
            minor: plan.price_minor,
            currency: plan.currency,
        },
        state: row.state.clone(),
        ends_at,
        next_charge_at: renews.then_some(ends_at),
        grace_until: (row.state == state::PAST_DUE).then_some(ends_at + GRACE),
        cancelled_at: row.cancelled_at.map(Into::into),
        ended_at: row.ended_at.map(Into::into),
        ended_reason: row.ended_reason.clone(),
        unused: unused_now(db, row, now)?,
        refund_asked_at: row.refund_asked_at.map(Into::into),
        refund_asked_reason: row.refund_asked_reason.clone(),
        terms,
        created_at: row.created_at.into(),
    })
}

fn term_view(db: &mut Db, term: &TermRow) -> Result<TermView, Fault> {
    let amount = |minor| Amount {
        minor,
        currency: term.currency.clone(),
    };
    let (uses, begin) = (store::uses(db, term.id)?, term.starts_at.into());
    let days: BTreeSet<u32> = uses.iter().map(|(at, ..)| day_of(begin, *at)).collect();
    Ok(TermView {
        id: term.id.0,
        number: term.number,
        starts_at: term.starts_at.into(),
        ends_at: term.ends_at.into(),
        days: term.days,
        gross: amount(term.gross),
        fee: amount(term.fee),
        tax: amount(term.tax),
        net: amount(term.net),
        earned_days: term.earned_days,
        earned: amount(term.earned),
        deferred: amount(term.deferred()),
        used_days: i32::try_from(days.len()).map_err(Fault::internal)?,
        used_rows: uses
            .iter()
            .fold(0, |sum, (_, _, rows)| rows.saturating_add(sum)),
        points: term.points,
        refunded: amount(term.refunded()),
        refund_reason: term.refund_reason.clone(),
        entry: entry_name(&term.book, term.entry_seq),
        licences: store::licences(db, term.id)?
            .into_iter()
            .map(|id| id.0)
            .collect(),
    })
}
