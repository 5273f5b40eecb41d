//! Sales and what is given back of them.

use super::plan::{Change, Plan, payable};
use super::{BookError, Command, Dispute, Hold, Journal, Order, Stamp, Verdict};
use crate::account::{Account, Label};
use crate::entry::{EntryError, Kind};
use crate::money::{Currency, Money};
use crate::plan::{FeePlan, split_sale};
use crate::refund::{dispute, take_back, won};
use crate::rules::{self, SaleAccounts};
use crate::settle::settle_pool;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// A sale, wherever its money is waiting.
struct Sale<'a> {
    order: Uuid,
    buyer: Uuid,
    revision: Uuid,
    epoch: u32,
    price: Money,
    plan: &'a FeePlan,
    tax: &'a str,
}

impl Journal {
    pub(super) fn plan_sale(&self, command: &Command, stamp: &Stamp) -> Result<Plan, BookError> {
        match command {
            Command::Purchase {
                order,
                buyer,
                revision,
                epoch,
                price,
                plan,
                tax,
            } => {
                payable(*price)?;
                let sale = Sale {
                    order: *order,
                    buyer: *buyer,
                    revision: *revision,
                    epoch: *epoch,
                    price: *price,
                    plan,
                    tax,
                };
                let (plan, order) = self.sell(&sale)?;
                self.can_pay(*buyer, *price, stamp.at)?;
                Ok(plan.change(Change::Sale(sale.order, Box::new(order))))
            }
            Command::Post {
                hold,
                order,
                revision,
                epoch,
                price,
                plan,
                tax,
            } => {
                let held = self.open_hold(*hold, stamp.at)?;
                if *price > held.minor {
                    let (held, asked) = (held.minor, *price);
                    return Err(BookError::ExceedsHold { held, asked });
                }
                let price = Money::new(*price, held.currency);
                payable(price)?;
                let sale = Sale {
                    order: *order,
                    buyer: held.party,
                    revision: *revision,
                    epoch: *epoch,
                    price,
                    plan,
                    tax,
                };
                let (plan, order) = self.sell(&sale)?;
                let change = Change::Posted(*hold, sale.order, Box::new(order));
                Ok(plan.link("hold", hold).change(change))
            }
            _ => unreachable!("only called for sales"),
        }
    }

    fn sell(&self, sale: &Sale<'_>) -> Result<(Plan, Order), BookError> {
        let Sale {
            order,
            revision,
            epoch,
            price,
            ..
        } = *sale;
        if !self.epochs.contains_key(&(revision, epoch)) {
            return Err(BookError::UnknownEpoch(revision, epoch));
        }
        if self.orders.contains_key(&order) {
            return Err(BookError::OrderExists(order));
        }
        let legs = split_sale(price.minor, sale.plan)?;
        let accounts = SaleAccounts {
            payer: Account::Wallet(sale.buyer),
            revision,
            epoch,
            tax: Label::new(sale.tax).map_err(EntryError::from)?,
            owner: sale.plan.commission.map(|c| c.party),
        };
        let lines = rules::purchase(&accounts, legs);
        let plan = Plan::entry(Kind::Purchase, price.currency, lines)
            .link("order", order)
            .net((revision, epoch, price.currency), legs.net);
        let sold = Order {
            accounts,
            currency: price.currency,
            legs,
            refunded: 0,
        };
        Ok((plan, sold))
    }

    fn known_order(&self, id: Uuid) -> Result<&Order, BookError> {
        self.orders.get(&id).ok_or(BookError::UnknownOrder(id))
    }

    pub(super) fn plan_refund(&self, order: Uuid, amount: i64) -> Result<Plan, BookError> {
        let known = self.known_order(order)?;
        let part = take_back(known.legs, known.refunded, amount)?;
        let lines = rules::refund(&known.accounts, part);
        let SaleAccounts {
            revision, epoch, ..
        } = known.accounts;
        Ok(Plan::entry(Kind::Refund, known.currency, lines)
            .link("order", order)
            .net((revision, epoch, known.currency), -part.net)
            .change(Change::GivenBack(order, known.refunded + amount)))
    }

    pub(super) fn plan_dispute(
        &self,
        id: Uuid,
        order: Uuid,
        amount: i64,
    ) -> Result<Plan, BookError> {
        if self.disputes.contains_key(&id) {
            return Err(BookError::Exists("dispute", id));
        }
        let known = self.known_order(order)?;
        let taken = dispute(known.legs, known.refunded, amount)?;
        let lines =
            rules::dispute_open(rules::legs_taken(&known.accounts, taken.legs), taken.above)?;
        let SaleAccounts {
            revision, epoch, ..
        } = known.accounts;
        let opened = Dispute {
            order,
            amount,
            taken,
            verdict: Verdict::Open,
        };
        let total = known.refunded + taken.within;
        Ok(Plan::entry(Kind::DisputeOpen, known.currency, lines)
            .link("order", order)
            .link("dispute", id)
            .net((revision, epoch, known.currency), -taken.legs.net)
            .change(Change::Disputed(id, Box::new(opened), total)))
    }

    fn open_dispute(&self, id: Uuid) -> Result<(&Dispute, &Order), BookError> {
        let known = self.disputes.get(&id);
        let known = known.ok_or(BookError::Unknown("dispute", id))?;
        if known.verdict != Verdict::Open {
            return Err(BookError::Over("dispute", id));
        }
        Ok((known, self.known_order(known.order)?))
    }

    pub(super) fn plan_won(&self, id: Uuid) -> Result<Plan, BookError> {
        let (known, order) = self.open_dispute(id)?;
        let within = known.taken.within;
        let back = won(order.legs, order.refunded, within)?;
        let lines =
            rules::dispute_won(rules::legs_taken(&order.accounts, back), known.taken.above)?;
        let SaleAccounts {
            revision, epoch, ..
        } = order.accounts;
        let total = order.refunded - within;
        Ok(Plan::entry(Kind::DisputeWon, order.currency, lines)
            .link("order", known.order)
            .link("dispute", id)
            .net((revision, epoch, order.currency), back.net)
            .change(Change::Decided(id, known.order, Verdict::Won, total)))
    }

    pub(super) fn plan_lost(&self, id: Uuid, by: &Account) -> Result<Plan, BookError> {
        let (known, order) = self.open_dispute(id)?;
        let lines = rules::dispute_lost(by.clone(), known.amount)?;
        let change = Change::Decided(id, known.order, Verdict::Lost, order.refunded);
        Ok(Plan::entry(Kind::DisputeLost, order.currency, lines)
            .link("order", known.order)
            .link("dispute", id)
            .change(change))
    }

    pub(super) fn plan_settlement(
        &self,
        revision: Uuid,
        epoch: u32,
        currency: Currency,
    ) -> Result<Plan, BookError> {
        let missing = BookError::UnknownEpoch(revision, epoch);
        let shares = self.epochs.get(&(revision, epoch)).ok_or(missing)?;
        let delta = self.pool(revision, epoch, currency).delta()?;
        if delta == 0 {
            return Ok(Plan::nothing());
        }
        let settled = settle_pool(delta, shares, |party| self.carry(*party, currency))?;
        let lines = rules::settlement(revision, epoch, &settled);
        Ok(Plan::entry(Kind::Settlement, currency, lines)
            .link("epoch", format!("{revision}/{epoch}"))
            .net((revision, epoch, currency), 0)
            .change(Change::Settled(settled)))
    }

    /// Money in a wallet that is not set aside at this moment.
    pub fn spendable(&self, party: Uuid, currency: Currency, at: DateTime<Utc>) -> i64 {
        let has = self.balance(currency, &Account::Wallet(party));
        let held = self.holds.values().filter(|hold| {
            (hold.party, hold.currency) == (party, currency) && !hold.resolved && at < hold.expires
        });
        held.fold(has.saturating_neg(), |has, hold| {
            has.saturating_sub(hold.minor)
        })
    }

    pub(super) fn can_pay(
        &self,
        party: Uuid,
        amount: Money,
        at: DateTime<Utc>,
    ) -> Result<(), BookError> {
        let has = self.spendable(party, amount.currency, at);
        let needs = amount.minor;
        match has >= needs {
            true => Ok(()),
            false => Err(BookError::InsufficientFunds { has, needs }),
        }
    }

    pub(super) fn plan_hold(&self, command: &Command, stamp: &Stamp) -> Result<Plan, BookError> {
        let Command::Authorise {
            hold,
            party,
            amount,
            expires,
        } = command
        else {
            unreachable!("only called for holds")
        };
        payable(*amount)?;
        if self.holds.contains_key(hold) {
            return Err(BookError::Exists("hold", *hold));
        }
        self.can_pay(*party, *amount, stamp.at)?;
        let held = Hold {
            party: *party,
            currency: amount.currency,
            minor: amount.minor,
            expires: *expires,
            resolved: false,
        };
        Ok(Plan::note(Change::Held(*hold, Box::new(held))))
    }

    pub(super) fn open_hold(&self, id: Uuid, at: DateTime<Utc>) -> Result<&Hold, BookError> {
        let hold = self.holds.get(&id);
        let hold = hold.ok_or(BookError::Unknown("hold", id))?;
        match hold.resolved || at >= hold.expires {
            true => Err(BookError::Over("hold", id)),
            false => Ok(hold),
        }
    }
}
