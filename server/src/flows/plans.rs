//! Plans: datasets of one owner, at a price per month, quarter or year.
//!
//! A plan's terms hold for every dataset in it. Their window is the paid term, and they cover
//! every revision that is published in it: both belong to subscribing and cannot be chosen.

use dataset_core::licence::{Revisions, Terms, Window};
use ledger::subscription::Interval;
use schema::columns::Key;
use schema::db::Db;
use schema::wire::{Amount, NewOffer, NewPlan, Page, PlanItem, PlanQuery, PlanView};
use uuid::Uuid;

use super::offer;
use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::store::offers::{self, OfferRow};
use crate::store::subscriptions::{self as store, ItemRow, PlanRow};
use crate::store::{datasets, parties};

/// Most datasets of one plan.
const MOST: usize = 50;

/// Makes a plan that can be subscribed to from now on.
///
/// # Errors
/// `invalid` naming the field, `nothing_published`, `commission_in_plan`,
/// [`Fault::missing`] for a dataset that is not the caller's.
pub async fn make(ctx: &Ctx, who: &Actor, new: NewPlan) -> Result<PlanView, Fault> {
    let every: Interval = new
        .every
        .parse()
        .map_err(|error| Fault::invalid("every", format!("{error}.")))?;
    let price = offer::checked_price(&new.price)?;
    if price.minor == 0 {
        return Err(Fault::invalid(
            "price",
            "A subscription has a price; offer the dataset at 0 instead.",
        ));
    }
    let mut wanted = new.datasets.clone();
    wanted.sort_unstable();
    wanted.dedup();
    if !(1..=MOST).contains(&wanted.len()) {
        let words = format!("Name 1 to {MOST} datasets.");
        return Err(Fault::invalid("datasets", words));
    }
    let terms = offer::chosen_terms(&NewOffer {
        price: price.clone(),
        template: new.template.clone(),
        terms: new.terms.clone(),
        dry_run: false,
    })?;
    let terms = Terms {
        window: Window::Unlimited,
        revisions: Revisions::AllDuringTerm,
        ..terms
    };
    let (id, now, node, who) = (ctx.id(), ctx.now(), ctx.clone(), who.clone());
    ctx.write(move |db| {
        let (terms, titles) = covered(db, &who, &wanted, terms)?;
        let (text, digest) = offers::canonical(&terms)?;
        let plan = PlanRow {
            id: Key(id),
            owner_id: Key(who.party),
            title: title(new.title.as_deref(), &titles)?,
            billed_every: every.to_string(),
            price_minor: price.minor,
            currency: price.currency.clone(),
            terms: text,
            terms_digest: digest.as_bytes().to_vec(),
            state: "live".to_owned(),
            created_at: now.into(),
            retired_at: None,
        };
        let mut items = Vec::with_capacity(wanted.len());
        for dataset in &wanted {
            items.push(item(db, &plan, *dataset, node.id())?);
        }
        store::insert_plan(db, &plan, &items)?;
        view(db, &plan, Some(&who))
    })
    .await
}

/// Terms that cover the personal data of every dataset, and the datasets' titles.
fn covered(
    db: &mut Db,
    who: &Actor,
    wanted: &[Uuid],
    terms: Terms,
) -> Result<(Terms, Vec<String>), Fault> {
    let (mut class, mut titles) = (terms.personal_data, Vec::new());
    for id in wanted {
        let row = datasets::hold(db, *id)?;
        rights::dataset(who, &datasets::facts(db, Some(who.party), &row)?).offer()?;
        if !row.open() || store::published(db, row.id)?.is_empty() {
            return Err(Fault::conflict(
                "nothing_published",
                format!(
                    "{} has no published revision on the market that anybody is paid for: publish one first.",
                    row.slug
                ),
            )
            .about("datasets"));
        }
        if row.commission_bps > 0 {
            return Err(Fault::conflict(
                "commission_in_plan",
                format!(
                    "The owner of {} takes a commission, and a subscription has none: all of its income goes to the contributors of what was used. Offer the dataset by itself.",
                    row.slug
                ),
            )
            .about("datasets"));
        }
        class = class.max(offer::covering(db, *id, terms.clone())?.personal_data);
        titles.push(row.title);
    }
    let terms = Terms {
        personal_data: class,
        ..terms
    };
    Ok((terms, titles))
}

fn title(given: Option<&str>, titles: &[String]) -> Result<String, Fault> {
    let title: String = match given.map(str::trim) {
        Some(given) => given.to_owned(),
        None => titles.join(", ").chars().take(200).collect(),
    };
    let length = title.chars().count();
    match (1..=200).contains(&length) && !title.chars().any(char::is_control) {
        true => Ok(title),
        false => Err(Fault::invalid(
            "title",
            "A title has 1 to 200 characters, on one line.",
        )),
    }
}

/// The offer behind a dataset of the plan: it carries the terms and is never for sale.
fn item(db: &mut Db, plan: &PlanRow, dataset: Uuid, offer: Uuid) -> Result<ItemRow, Fault> {
    let live = offers::live(db, dataset)?;
    let list = live
        .iter()
        .filter(|offer| offer.currency == plan.currency)
        .map(|offer| offer.price_minor)
        .min();
    store::insert_offer(
        db,
        &OfferRow {
            id: Key(offer),
            dataset_id: Key(dataset),
            terms: plan.terms.clone(),
            terms_digest: plan.terms_digest.clone(),
            price_minor: 0,
            currency: plan.currency.clone(),
            state: "retired".to_owned(),
            created_at: plan.created_at,
            retired_at: Some(plan.created_at),
        },
    )?;
    Ok(ItemRow {
        plan_id: plan.id,
        dataset_id: Key(dataset),
        offer_id: Key(offer),
        list_minor: list.unwrap_or(0),
    })
}

/// Live plans whose datasets the caller may see, cheapest first; or all of the caller's own,
/// newest first.
///
/// # Errors
/// The database's own.
pub async fn list(
    ctx: &Ctx,
    who: Option<&Actor>,
    query: PlanQuery,
) -> Result<Page<PlanView>, Fault> {
    let who = who.cloned();
    ctx.read(move |db| {
        let plans = match (&who, query.mine) {
            (Some(owner), true) => store::plans_of(db, owner.party)?,
            (None, true) => Vec::new(),
            (_, false) => store::live_plans(db, query.dataset)?,
        };
        let mut views = Vec::new();
        for plan in plans {
            if seen(db, who.as_ref(), &plan)? {
                views.push(view(db, &plan, who.as_ref())?);
            }
        }
        Ok(Page {
            items: views,
            next: None,
        })
    })
    .await
}

/// One plan; a retired one too, for those who subscribed to it.
///
/// # Errors
/// [`Fault::missing`] where the caller may not see its datasets.
pub async fn show(ctx: &Ctx, who: Option<&Actor>, id: Uuid) -> Result<PlanView, Fault> {
    let who = who.cloned();
    ctx.read(move |db| {
        let plan = store::plan(db, id)?;
        match seen(db, who.as_ref(), &plan)? {
            true => view(db, &plan, who.as_ref()),
            false => Err(Fault::missing()),
        }
    })
    .await
}

fn seen(db: &mut Db, who: Option<&Actor>, plan: &PlanRow) -> Result<bool, Fault> {
    for (item, ..) in store::items(db, plan.id)? {
        let row = datasets::by_id(db, item.dataset_id.0)?;
        let facts = datasets::facts(db, who.map(|actor| actor.party), &row)?;
        if rights::dataset(who, &facts).see().is_err() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Takes a plan off the market: running terms go on to their end and are not renewed.
///
/// # Errors
/// [`Fault::missing`] for anybody but its owner and operators.
pub async fn retire(ctx: &Ctx, who: &Actor, id: Uuid) -> Result<(), Fault> {
    let (who, now) = (who.clone(), ctx.now());
    ctx.write(move |db| {
        let plan = store::plan(db, id)?;
        rights::subscription(&who, Uuid::nil(), plan.owner_id.0).retire()?;
        store::retire_plan(db, id, now.into())
    })
    .await
}

fn may_mind(who: Option<&Actor>, plan: &PlanRow) -> bool {
    who.is_some_and(|who| {
        rights::subscription(who, Uuid::nil(), plan.owner_id.0)
            .retire()
            .is_ok()
    })
}

/// A plan as everybody sees it; how many subscribe is told to those who may retire it.
///
/// # Errors
/// Stored terms that cannot be read, or the database.
fn view(db: &mut Db, plan: &PlanRow, who: Option<&Actor>) -> Result<PlanView, Fault> {
    let amount = |minor| Amount {
        minor,
        currency: plan.currency.clone(),
    };
    let terms: Terms = serde_json::from_str(&plan.terms).map_err(Fault::internal)?;
    let mut clauses = offers::clause_views(&terms);
    for clause in clauses.iter_mut().filter(|one| one.clause == "window") {
        clause.text = format!(
            "For one {} from the first charge, and one more with every further charge.",
            plan.billed_every
        );
    }
    let datasets = store::items(db, plan.id)?
        .into_iter()
        .map(|(item, slug, title)| PlanItem {
            dataset_id: item.dataset_id.0,
            dataset: slug,
            title,
            list_price: amount(item.list_minor),
        });
    Ok(PlanView {
        id: plan.id.0,
        title: plan.title.clone(),
        every: plan.billed_every.clone(),
        price: amount(plan.price_minor),
        datasets: datasets.collect(),
        clauses,
        terms_sha256: hex::encode(&plan.terms_digest),
        state: plan.state.clone(),
        subscribers: match may_mind(who, plan) {
            true => Some(store::subscribers(db, plan.id)?),
            false => None,
        },
        created_at: plan.created_at.into(),
        owner: parties::by_id(db, plan.owner_id.0)?.view(),
    })
}
