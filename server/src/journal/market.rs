//! A small market straight in the tables: ground for the bench and the journal's tests.
//!
//! It goes past uploads and licences on purpose: what is measured and tested here is the
//! writer. The demo and the journeys make their markets through the public API.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use ledger::epoch::Epoch;
use ledger::money::Currency;
use ledger::plan::{Commission, FeePlan, split_sale};
use ledger::tax::treatment;
use schema::columns::{Key, When};
use schema::db::{Db, Pool};
use schema::on;
use schema::tables::{dataset, epoch, epoch_share, offer, party, revision};
use uuid::Uuid;

use super::command::{At, Command, Purchase, Request, ReserveTerms, TopUp, Work};
use super::invoices::Bill;
use crate::clock::Ids;
use crate::error::Fault;
use crate::store::journal::insert_all;
use crate::store::orders::{LicenceRow, OrderRow};

/// What stands in the tables.
#[derive(Debug, Clone)]
pub struct Market {
    /// Identifiers for what is still to come.
    pub ids: Ids,
    /// Owner of the dataset.
    pub owner: Uuid,
    /// Parties with a wallet.
    pub buyers: Vec<Uuid>,
    /// The dataset.
    pub dataset: Uuid,
    /// Its offer.
    pub offer: Uuid,
    /// Its revision, with epoch 1.
    pub revision: Uuid,
    /// Shares of the epoch.
    pub epoch: Epoch<Uuid>,
    /// How sales are cut.
    pub plan: FeePlan,
}

#[derive(Insertable)]
#[diesel(table_name = party)]
#[diesel(treat_none_as_default_value = false)]
struct PartyRow {
    id: Key,
    handle: String,
    email: String,
    display_name: String,
    password_hash: String,
    operator: bool,
    created_at: When,
}

#[derive(Insertable)]
#[diesel(table_name = epoch_share)]
#[diesel(treat_none_as_default_value = false)]
struct ShareRow {
    revision_id: Key,
    epoch: i32,
    party_id: Key,
    weight: String,
    share: i64,
}

impl Market {
    /// Makes a market: `buyers` wallets, and one revision shared by contributors of these
    /// raw weights, whose owner takes `commission_bps`.
    ///
    /// # Errors
    /// Weights that make no epoch, or the database.
    pub fn make(
        pool: &Pool,
        ids: &Ids,
        now: DateTime<Utc>,
        buyers: usize,
        weights: &[u128],
        commission_bps: u16,
    ) -> Result<Self, Fault> {
        let fresh = || ids.next(now);
        let owner = fresh();
        let buyers: Vec<Uuid> = (0..buyers).map(|_| fresh()).collect();
        let raw: BTreeMap<Uuid, u128> = weights.iter().map(|weight| (fresh(), *weight)).collect();
        let (dataset, offer, revision) = (fresh(), fresh(), fresh());
        let epoch = Epoch::freeze(&raw).map_err(Fault::internal)?;
        let bps = u32::from(commission_bps);
        let commission = (bps > 0).then_some(Commission { party: owner, bps });
        let plan = FeePlan {
            commission,
            ..FeePlan::default()
        };
        let market = Self {
            ids: ids.clone(),
            owner,
            buyers,
            dataset,
            offer,
            revision,
            epoch,
            plan,
        };
        pool.get()?
            .transaction(|db| market.write(db, &raw, commission_bps, now.into()))?;
        Ok(market)
    }

    fn write(
        &self,
        db: &mut Db,
        raw: &BTreeMap<Uuid, u128>,
        commission_bps: u16,
        now: When,
    ) -> Result<(), Fault> {
        let everybody = raw.keys().chain(&self.buyers).chain([&self.owner]);
        let parties: Vec<PartyRow> = everybody.map(|id| person(*id, now)).collect();
        insert_all!(db, party::table, &parties);
        on!(db, c => diesel::insert_into(dataset::table)
            .values((
                dataset::id.eq(Key(self.dataset)),
                dataset::owner_id.eq(Key(self.owner)),
                dataset::slug.eq(self.dataset.to_string()),
                dataset::title.eq("Measured"),
                dataset::description.eq(""),
                dataset::admission.eq("open"),
                dataset::commission_bps.eq(i32::from(commission_bps)),
                dataset::state.eq("open"),
                dataset::created_at.eq(now),
            ))
            .execute(c))?;
        on!(db, c => diesel::insert_into(revision::table)
            .values((
                revision::id.eq(Key(self.revision)),
                revision::dataset_id.eq(Key(self.dataset)),
                revision::number.eq(1),
                revision::state.eq("published"),
                revision::note.eq(""),
                revision::created_at.eq(now),
                revision::published_at.eq(Some(now)),
            ))
            .execute(c))?;
        on!(db, c => diesel::insert_into(offer::table)
            .values((
                offer::id.eq(Key(self.offer)),
                offer::dataset_id.eq(Key(self.dataset)),
                offer::terms.eq("{}"),
                offer::terms_digest.eq(vec![0u8; 32]),
                offer::price_minor.eq(1),
                offer::currency.eq("EUR"),
                offer::state.eq("live"),
                offer::created_at.eq(now),
            ))
            .execute(c))?;
        self.freeze(db, 1, &self.epoch, raw, now)
    }

    /// Adds an epoch to the revision.
    ///
    /// # Errors
    /// The database's own.
    pub fn freeze(
        &self,
        db: &mut Db,
        number: i32,
        shares: &Epoch<Uuid>,
        raw: &BTreeMap<Uuid, u128>,
        now: When,
    ) -> Result<(), Fault> {
        on!(db, c => diesel::insert_into(epoch::table)
            .values((
                epoch::revision_id.eq(Key(self.revision)),
                epoch::number.eq(number),
                epoch::digest.eq(shares.digest().0.to_vec()),
                epoch::frozen_at.eq(now),
            ))
            .execute(c))?;
        let rows: Vec<ShareRow> = shares
            .shares()
            .iter()
            .map(|(party, share)| ShareRow {
                revision_id: Key(self.revision),
                epoch: number,
                party_id: Key(*party),
                weight: raw.get(party).copied().unwrap_or(0).to_string(),
                share: *share,
            })
            .collect();
        insert_all!(db, epoch_share::table, &rows);
        Ok(())
    }

    /// A top-up of a buyer's wallet.
    ///
    /// # Errors
    /// A bad key.
    pub fn top_up(
        &self,
        key: &str,
        buyer: Uuid,
        minor: i64,
        currency: Currency,
        now: DateTime<Utc>,
    ) -> Result<Command, Fault> {
        let asked = (buyer, minor, currency.code());
        let work = TopUp {
            payment: None,
            id: self.ids.next(now),
            party: buyer,
            minor,
            currency,
            reference: key.to_owned(),
        };
        Ok(Command {
            request: Request::new(self.owner, key, "top_up", &asked)?,
            at: At::now(now),
            work: Work::TopUp(work),
        })
    }

    /// A purchase by a buyer at a price, of an epoch of the revision.
    ///
    /// # Errors
    /// A bad key, or a price that cannot be cut.
    pub fn purchase(
        &self,
        key: &str,
        buyer: Uuid,
        gross: i64,
        currency: Currency,
        number: i32,
        now: DateTime<Utc>,
    ) -> Result<Command, Fault> {
        let legs = match gross {
            0 => ledger::plan::Legs::default(),
            _ => split_sale(gross, &self.plan).map_err(Fault::internal)?,
        };
        let (order, licence) = (Key(self.ids.next(now)), Key(self.ids.next(now)));
        let order = OrderRow {
            id: order,
            buyer_id: Key(buyer),
            offer_id: Key(self.offer),
            dataset_id: Key(self.dataset),
            revision_id: Key(self.revision),
            epoch: number,
            licence_id: licence,
            currency: currency.code().to_owned(),
            gross,
            fee: legs.fee,
            tax: legs.tax,
            commission: legs.commission,
            net: legs.net,
            refunded: 0,
            refunded_fee: 0,
            refunded_tax: 0,
            refunded_commission: 0,
            refunded_net: 0,
            book: currency.code().to_owned(),
            entry_seq: 0,
            created_at: now.into(),
            jurisdiction: ledger::tax::DEFAULT.to_owned(),
        };
        let licence = LicenceRow {
            id: licence,
            order_id: order.id,
            party_id: Key(buyer),
            dataset_id: Key(self.dataset),
            revision_id: Key(self.revision),
            // As long as a signed licence is.
            document: "x".repeat(1_200),
            valid_from: now.into(),
            valid_until: None,
            downloads_used: 0,
            revoked_at: None,
            revoked_reason: None,
            created_at: now.into(),
        };
        let asked = (self.offer, gross, currency.code(), number);
        let request = Request::new(buyer, key, "buy", &asked)?;
        let work = Purchase {
            payment: None,
            order,
            currency,
            owner: self.owner,
            licence,
            bill: self.bill(),
        };
        Ok(Command {
            request,
            at: At::now(now),
            work: Work::Purchase(Box::new(work)),
        })
    }

    fn bill(&self) -> Bill {
        Bill {
            seller: "{}".to_owned(),
            buyer: "{}".to_owned(),
            line: "Measured".to_owned(),
            tax: treatment(None, false, None, self.plan.tax_bps),
        }
    }

    /// A settlement of all pools.
    ///
    /// # Errors
    /// A bad key.
    pub fn settle(&self, key: &str, now: DateTime<Utc>) -> Result<Command, Fault> {
        let request = Request::new(self.owner, key, "settle", &())?;
        Ok(Command {
            request,
            at: At::now(now),
            work: Work::Settle(ReserveTerms::default()),
        })
    }
}

fn person(id: Uuid, now: When) -> PartyRow {
    PartyRow {
        id: Key(id),
        handle: id.to_string(),
        email: format!("{id}@example.org"),
        display_name: format!("Party {id}"),
        password_hash: String::new(),
        operator: false,
        created_at: now,
    }
}
