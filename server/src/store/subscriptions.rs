//! Subscriptions: plans, who subscribes, what was charged and what is earned of it.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use ledger::plan::Legs;
use ledger::subscription::Interval;
use schema::columns::{Key, When};
use schema::db::Db;
use schema::on;
use schema::tables::{
    dataset, epoch, grants, offer, revision, subscription, subscription_income, subscription_item,
    subscription_licence, subscription_plan, subscription_term,
};
use uuid::Uuid;

use super::grants::DOWNLOAD;
use super::journal::insert_all;
use crate::error::Fault;

/// How long a charge is tried again that the wallet did not cover.
pub const GRACE: TimeDelta = TimeDelta::days(7);
/// States of a subscription.
pub mod state {
    pub const ACTIVE: &str = "active";
    pub const PAST_DUE: &str = "past_due";
    pub const ENDED: &str = "ended";
    pub const LAPSED: &str = "lapsed";
    pub const REFUNDED: &str = "refunded";
}

/// A row of `subscription_plan`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = subscription_plan)]
#[diesel(treat_none_as_default_value = false)]
pub struct PlanRow {
    pub id: Key,
    pub owner_id: Key,
    pub title: String,
    pub billed_every: String,
    pub price_minor: i64,
    pub currency: String,
    pub terms: String,
    pub terms_digest: Vec<u8>,
    pub state: String,
    pub created_at: When,
    pub retired_at: Option<When>,
}

impl PlanRow {
    /// The length of its terms.
    pub fn interval(&self) -> Result<Interval, Fault> {
        self.billed_every.parse().map_err(Fault::internal)
    }

    pub fn live(&self) -> bool {
        self.state == "live"
    }
}

/// A row of `subscription_item`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = subscription_item)]
#[diesel(treat_none_as_default_value = false)]
pub struct ItemRow {
    pub plan_id: Key,
    pub dataset_id: Key,
    pub offer_id: Key,
    pub list_minor: i64,
}

/// A row of `subscription`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = subscription)]
#[diesel(treat_none_as_default_value = false)]
#[diesel(treat_none_as_null = true)]
pub struct SubscriptionRow {
    pub id: Key,
    pub plan_id: Key,
    pub party_id: Key,
    pub state: String,
    /// From where the months of its terms are counted.
    pub anchor: When,
    /// Terms since then.
    pub anchored: i32,
    /// Terms since the beginning.
    pub terms_charged: i32,
    pub ends_at: When,
    pub cancelled_at: Option<When>,
    pub ended_at: Option<When>,
    pub ended_reason: Option<String>,
    pub refund_asked_at: Option<When>,
    pub refund_asked_reason: Option<String>,
    pub created_at: When,
}

impl SubscriptionRow {
    /// Whether it may still be charged.
    pub fn runs(&self) -> bool {
        [state::ACTIVE, state::PAST_DUE].contains(&self.state.as_str())
    }

    /// The row after it ended.
    #[must_use]
    pub fn over(&self, state: &str, reason: &str, at: DateTime<Utc>) -> Self {
        Self {
            state: state.to_owned(),
            ended_at: Some(at.into()),
            ended_reason: Some(reason.to_owned()),
            ..self.clone()
        }
    }
}

/// A row of `subscription_term`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = subscription_term)]
#[diesel(treat_none_as_default_value = false)]
#[diesel(treat_none_as_null = true)]
pub struct TermRow {
    pub id: Key,
    pub subscription_id: Key,
    pub number: i32,
    pub starts_at: When,
    pub ends_at: When,
    pub days: i32,
    pub currency: String,
    pub gross: i64,
    pub fee: i64,
    pub tax: i64,
    pub net: i64,
    pub earned_days: i32,
    pub earned: i64,
    /// When the next day is over; none when nothing is left to earn.
    pub earns_next_at: Option<When>,
    pub refunded_fee: i64,
    pub refunded_tax: i64,
    pub refunded_net: i64,
    pub refund_reason: Option<String>,
    pub refunded_by: Option<Key>,
    pub refund_seq: i64,
    /// Member points that came with it.
    pub points: i64,
    pub book: String,
    pub entry_seq: i64,
    pub created_at: When,
}

impl TermRow {
    /// How it was cut.
    pub fn legs(&self) -> Legs {
        Legs {
            fee: self.fee,
            tax: self.tax,
            net: self.net,
            commission: 0,
        }
    }

    /// Net that is neither earned nor given back.
    pub fn deferred(&self) -> i64 {
        self.net
            .saturating_sub(self.earned)
            .saturating_sub(self.refunded_net)
    }

    /// Given back in all.
    pub fn refunded(&self) -> i64 {
        self.refunded_fee
            .saturating_add(self.refunded_tax)
            .saturating_add(self.refunded_net)
    }
}

/// A row of `subscription_licence`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = subscription_licence)]
#[diesel(treat_none_as_default_value = false)]
pub struct LicenceLink {
    pub licence_id: Key,
    pub term_id: Key,
    pub dataset_id: Key,
}

/// A row of `subscription_income`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = subscription_income)]
#[diesel(treat_none_as_default_value = false)]
pub struct IncomeRow {
    pub id: Key,
    pub term_id: Key,
    pub revision_id: Key,
    pub epoch: i32,
    pub basis: String,
    pub days: i32,
    pub used_rows: i64,
    pub amount: i64,
    pub period: String,
    pub book: String,
    pub entry_seq: i64,
}

pub fn insert_plan(db: &mut Db, row: &PlanRow, items: &[ItemRow]) -> Result<(), Fault> {
    on!(db, c => diesel::insert_into(subscription_plan::table).values(row).execute(c))?;
    insert_all!(db, subscription_item::table, items);
    Ok(())
}

/// Keeps an offer that only carries terms: it is never live.
pub fn insert_offer(db: &mut Db, row: &super::offers::OfferRow) -> Result<(), Fault> {
    on!(db, c => diesel::insert_into(offer::table).values(row).execute(c))?;
    Ok(())
}

pub fn plan(db: &mut Db, id: Uuid) -> Result<PlanRow, Fault> {
    Ok(on!(db, c => subscription_plan::table
        .find(Key(id))
        .select(PlanRow::as_select())
        .first(c))?)
}

/// Live plans, or those of one dataset, cheapest first.
pub fn live_plans(db: &mut Db, dataset: Option<Uuid>) -> Result<Vec<PlanRow>, Fault> {
    let of: Option<Vec<Key>> = match dataset {
        Some(id) => Some(on!(db, c => subscription_item::table
            .filter(subscription_item::dataset_id.eq(Key(id)))
            .select(subscription_item::plan_id)
            .load(c))?),
        None => None,
    };
    let rows: Vec<PlanRow> = on!(db, c => subscription_plan::table
        .filter(subscription_plan::state.eq("live"))
        .order((subscription_plan::currency, subscription_plan::price_minor, subscription_plan::id))
        .limit(1_000)
        .select(PlanRow::as_select())
        .load(c))?;
    Ok(rows
        .into_iter()
        .filter(|row| of.as_ref().is_none_or(|of| of.contains(&row.id)))
        .collect())
}

/// Plans of an owner, newest first, retired ones too.
pub fn plans_of(db: &mut Db, owner: Uuid) -> Result<Vec<PlanRow>, Fault> {
    Ok(on!(db, c => subscription_plan::table
        .filter(subscription_plan::owner_id.eq(Key(owner)))
        .order(subscription_plan::id.desc())
        .limit(1_000)
        .select(PlanRow::as_select())
        .load(c))?)
}

/// How many subscriptions to a plan run.
pub fn subscribers(db: &mut Db, plan: Key) -> Result<i64, Fault> {
    Ok(on!(db, c => subscription::table
        .filter(subscription::plan_id.eq(plan))
        .filter(subscription::state.eq_any([state::ACTIVE, state::PAST_DUE]))
        .count()
        .get_result(c))?)
}

pub fn retire_plan(db: &mut Db, id: Uuid, at: When) -> Result<(), Fault> {
    on!(db, c => diesel::update(subscription_plan::table.find(Key(id)))
        .filter(subscription_plan::state.eq("live"))
        .set((subscription_plan::state.eq("retired"), subscription_plan::retired_at.eq(Some(at))))
        .execute(c))?;
    Ok(())
}

/// Datasets of a plan with their slug and title, in one order for ever.
pub fn items(db: &mut Db, plan: Key) -> Result<Vec<(ItemRow, String, String)>, Fault> {
    Ok(on!(db, c => subscription_item::table
        .inner_join(dataset::table)
        .filter(subscription_item::plan_id.eq(plan))
        .order(subscription_item::dataset_id)
        .select((ItemRow::as_select(), dataset::slug, dataset::title))
        .load(c))?)
}

pub fn insert(db: &mut Db, row: &SubscriptionRow) -> Result<(), Fault> {
    on!(db, c => diesel::insert_into(subscription::table).values(row).execute(c))?;
    Ok(())
}

pub fn find(db: &mut Db, id: Uuid) -> Result<SubscriptionRow, Fault> {
    Ok(on!(db, c => subscription::table
        .find(Key(id))
        .select(SubscriptionRow::as_select())
        .first(c))?)
}

/// Writes what became of a subscription, unless it is no more as it was seen.
pub fn change(db: &mut Db, seen: &SubscriptionRow, new: &SubscriptionRow) -> Result<bool, Fault> {
    let cancelled = seen.cancelled_at;
    let count = match cancelled {
        Some(at) => on!(db, c => diesel::update(subscription::table
                .filter(subscription::id.eq(seen.id))
                .filter(subscription::state.eq(&seen.state))
                .filter(subscription::terms_charged.eq(seen.terms_charged))
                .filter(subscription::cancelled_at.eq(at)))
            .set(new)
            .execute(c))?,
        None => on!(db, c => diesel::update(subscription::table
                .filter(subscription::id.eq(seen.id))
                .filter(subscription::state.eq(&seen.state))
                .filter(subscription::terms_charged.eq(seen.terms_charged))
                .filter(subscription::cancelled_at.is_null()))
            .set(new)
            .execute(c))?,
    };
    Ok(count == 1)
}

/// The one that a party runs on a plan.
pub fn running(db: &mut Db, party: Key, plan: Key) -> Result<Option<SubscriptionRow>, Fault> {
    Ok(on!(db, c => subscription::table
        .filter(subscription::party_id.eq(party).and(subscription::plan_id.eq(plan)))
        .filter(subscription::state.eq_any([state::ACTIVE, state::PAST_DUE]))
        .select(SubscriptionRow::as_select())
        .first(c)
        .optional())?)
}

/// Whose subscriptions a list holds.
#[derive(Debug, Clone, Copy)]
pub enum Whose {
    /// A subscriber's.
    Of(Key),
    /// Those to the plans of an owner.
    SoldBy(Key),
    All,
}

/// Subscriptions, newest first, older than `before`.
pub fn list(
    db: &mut Db,
    whose: Whose,
    before: Uuid,
    limit: i64,
) -> Result<Vec<SubscriptionRow>, Fault> {
    Ok(on!(db, c => {
        let mut query = subscription::table
            .inner_join(subscription_plan::table)
            .filter(subscription::id.lt(Key(before)))
            .into_boxed();
        query = match whose {
            Whose::Of(party) => query.filter(subscription::party_id.eq(party)),
            Whose::SoldBy(owner) => query.filter(subscription_plan::owner_id.eq(owner)),
            Whose::All => query,
        };
        query
            .order(subscription::id.desc())
            .limit(limit)
            .select(SubscriptionRow::as_select())
            .load(c)
    })?)
}

/// Subscriptions whose paid term is over and that nobody has decided about.
pub fn due(db: &mut Db, now: When) -> Result<Vec<SubscriptionRow>, Fault> {
    Ok(on!(db, c => subscription::table
        .filter(subscription::state.eq_any([state::ACTIVE, state::PAST_DUE]))
        .filter(subscription::ends_at.le(now))
        .order(subscription::id)
        .select(SubscriptionRow::as_select())
        .load(c))?)
}

pub fn insert_term(db: &mut Db, row: &TermRow, links: &[LicenceLink]) -> Result<(), Fault> {
    on!(db, c => diesel::insert_into(subscription_term::table).values(row).execute(c))?;
    insert_all!(db, subscription_licence::table, links);
    Ok(())
}

pub fn set_term(db: &mut Db, row: &TermRow) -> Result<(), Fault> {
    on!(db, c => diesel::update(subscription_term::table.find(row.id)).set(row).execute(c))?;
    Ok(())
}

pub fn term(db: &mut Db, id: Uuid) -> Result<TermRow, Fault> {
    Ok(on!(db, c => subscription_term::table
        .find(Key(id))
        .select(TermRow::as_select())
        .first(c))?)
}

/// Terms of a subscription, newest first.
pub fn terms(db: &mut Db, id: Key) -> Result<Vec<TermRow>, Fault> {
    Ok(on!(db, c => subscription_term::table
        .filter(subscription_term::subscription_id.eq(id))
        .order(subscription_term::number.desc())
        .select(TermRow::as_select())
        .load(c))?)
}

/// Every term, by subscription and number, for the verifier.
pub fn all_terms(db: &mut Db) -> Result<Vec<TermRow>, Fault> {
    Ok(on!(db, c => subscription_term::table
        .order((subscription_term::subscription_id, subscription_term::number))
        .select(TermRow::as_select())
        .load(c))?)
}

/// Terms with a day that is over and not yet earned.
pub fn unearned(db: &mut Db, now: When) -> Result<Vec<Uuid>, Fault> {
    let ids: Vec<Key> = on!(db, c => subscription_term::table
        .filter(subscription_term::earns_next_at.le(now))
        .order(subscription_term::id)
        .select(subscription_term::id)
        .load(c))?;
    Ok(ids.into_iter().map(|id| id.0).collect())
}

/// Licences of a term, by dataset.
pub fn licences(db: &mut Db, term: Key) -> Result<Vec<Key>, Fault> {
    Ok(on!(db, c => subscription_licence::table
        .filter(subscription_licence::term_id.eq(term))
        .order(subscription_licence::dataset_id)
        .select(subscription_licence::licence_id)
        .load(c))?)
}

/// Counted deliveries under a term: when, revision, rows.
pub fn uses(db: &mut Db, term: Key) -> Result<Vec<(DateTime<Utc>, Uuid, i64)>, Fault> {
    let rows: Vec<(When, Key, i64)> = on!(db, c => grants::table
        .inner_join(subscription_licence::table.on(subscription_licence::licence_id.eq(grants::licence_id)))
        .filter(subscription_licence::term_id.eq(term).and(grants::kind.eq(DOWNLOAD)))
        .order((grants::created_at, grants::id))
        .select((grants::created_at, grants::revision_id, grants::rows))
        .load(c))?;
    Ok(rows
        .into_iter()
        .map(|(at, revision, rows)| (at.into(), revision.0, rows))
        .collect())
}

/// A published revision with its latest epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    pub at: DateTime<Utc>,
    pub revision: Uuid,
    pub epoch: i32,
}

/// Published revisions of a dataset that somebody is paid for, oldest first.
pub fn published(db: &mut Db, of: Key) -> Result<Vec<Published>, Fault> {
    let rows: Vec<(Option<When>, Key, i32)> = on!(db, c => revision::table
        .inner_join(epoch::table.on(epoch::revision_id.eq(revision::id)))
        .filter(revision::dataset_id.eq(of).and(revision::state.eq("published")))
        .order((revision::number, epoch::number))
        .select((revision::published_at, revision::id, epoch::number))
        .load(c))?;
    let mut found: Vec<Published> = Vec::new();
    for (at, revision, epoch) in rows {
        let at = at.map_or(DateTime::<Utc>::MIN_UTC, Into::into);
        match found.last_mut() {
            Some(last) if last.revision == revision.0 => last.epoch = epoch,
            _ => found.push(Published {
                at,
                revision: revision.0,
                epoch,
            }),
        }
    }
    Ok(found)
}

pub fn insert_income(db: &mut Db, rows: &[IncomeRow]) -> Result<(), Fault> {
    insert_all!(db, subscription_income::table, rows);
    Ok(())
}

/// Income of terms, for the verifier.
pub fn income_of(db: &mut Db, term: Key) -> Result<Vec<IncomeRow>, Fault> {
    Ok(on!(db, c => subscription_income::table
        .filter(subscription_income::term_id.eq(term))
        .order((subscription_income::entry_seq, subscription_income::id))
        .select(IncomeRow::as_select())
        .load(c))?)
}

/// What subscriptions brought to a pool between two entries.
pub fn income_between(
    db: &mut Db,
    (of, number): (Key, i32),
    book: &str,
    (since, until): (i64, i64),
) -> Result<Vec<IncomeRow>, Fault> {
    Ok(on!(db, c => subscription_income::table
        .filter(subscription_income::revision_id.eq(of).and(subscription_income::epoch.eq(number)))
        .filter(subscription_income::book.eq(book))
        .filter(subscription_income::entry_seq.gt(since).and(subscription_income::entry_seq.lt(until)))
        .select(IncomeRow::as_select())
        .load(c))?)
}
