//! What a command would do: entries, pools, and what changes beside them.

use super::{
    BookError, Command, Dispute, Hold, Journal, Order, Payee, Payout, PoolKey, Stamp, Term,
    Transfer, Verdict,
};
use crate::account::{Account, Points};
use crate::entry::Kind;
use crate::money::{Currency, Money};
use crate::period::Period;
use crate::pool::Pool;
use crate::reserve::Reserves;
use crate::rules::{self, Lines};
use crate::settle::Settlement;
use std::collections::BTreeMap;
use uuid::Uuid;

/// What a command would do.
pub(super) struct Plan {
    /// Entries, mostly one.
    pub parts: Vec<Part>,
    /// What is added to cumulative nets.
    pub nets: Vec<(PoolKey, i64)>,
    /// Everything else.
    pub change: Change,
}

/// One entry to be written.
pub(super) struct Part {
    pub kind: Kind,
    pub currency: Currency,
    pub lines: Lines,
    pub links: Vec<(String, String)>,
    /// Its own id where the stamp's is taken.
    pub id: Option<Uuid>,
}

/// State beside entries, balances and pools.
pub(super) enum Change {
    None,
    Sale(Uuid, Box<Order>),
    /// A held sale: the hold is resolved with it.
    Posted(Uuid, Uuid, Box<Order>),
    /// The running total of an order.
    GivenBack(Uuid, i64),
    Disputed(Uuid, Box<Dispute>, i64),
    /// Dispute, order, its running total.
    Decided(Uuid, Uuid, Verdict, i64),
    Settled(Settlement<Uuid>),
    Reserved(Payee, Reserves),
    Paid(Uuid, Box<Payout>),
    Moved(Uuid, Transfer),
    PaidUp(Payee),
    Term(Uuid, Box<Term>),
    Held(Uuid, Box<Hold>),
    Let(Uuid),
    Closed(Period),
}

impl Plan {
    pub fn nothing() -> Plan {
        Plan {
            parts: Vec::new(),
            nets: Vec::new(),
            change: Change::None,
        }
    }

    pub fn entry(kind: Kind, currency: Currency, lines: Lines) -> Plan {
        let part = Part {
            kind,
            currency,
            lines,
            links: Vec::new(),
            id: None,
        };
        Plan {
            parts: vec![part],
            ..Plan::nothing()
        }
    }

    pub fn note(change: Change) -> Plan {
        Plan {
            change,
            ..Plan::nothing()
        }
    }

    /// Links the entries to something, by id.
    pub fn link(mut self, name: &str, value: impl ToString) -> Plan {
        let value = value.to_string();
        for part in &mut self.parts {
            part.links.push((name.to_string(), value.clone()));
        }
        self
    }

    pub fn net(mut self, key: PoolKey, net: i64) -> Plan {
        self.nets.push((key, net));
        self
    }

    pub fn change(mut self, change: Change) -> Plan {
        self.change = change;
        self
    }
}

impl Journal {
    pub(super) fn plan(&self, command: &Command, stamp: &Stamp) -> Result<Plan, BookError> {
        match command {
            Command::TopUp {
                party,
                amount,
                from,
            } => {
                payable(*amount)?;
                let lines = rules::top_up(from.clone(), *party, amount.minor);
                Ok(Plan::entry(Kind::TopUp, amount.currency, lines).link("party", party))
            }
            Command::Purchase { .. } | Command::Post { .. } => self.plan_sale(command, stamp),
            Command::Refund { order, amount } => self.plan_refund(*order, *amount),
            Command::DisputeOpen {
                dispute,
                order,
                amount,
            } => self.plan_dispute(*dispute, *order, *amount),
            Command::DisputeWon { dispute } => self.plan_won(*dispute),
            Command::DisputeLost { dispute, by } => self.plan_lost(*dispute, by),
            Command::Settle {
                revision,
                epoch,
                currency,
            } => self.plan_settlement(*revision, *epoch, *currency),
            Command::ReserveRelease { .. }
            | Command::ReserveHold { .. }
            | Command::Payout { .. }
            | Command::PayoutSettled { .. }
            | Command::PayoutReturned { .. }
            | Command::CloseContributor { .. } => self.plan_payee(command, stamp),
            Command::Charge { .. } | Command::Recognise { .. } | Command::CancelTerm { .. } => {
                self.plan_term(command, stamp)
            }
            Command::Adjust { .. } => self.plan_adjustment(command, stamp),
            Command::Exchange { .. } => self.plan_exchange(command, stamp),
            Command::ClosePeriod { period } => match self.is_closed(*period) {
                true => Ok(Plan::nothing()),
                false => Ok(Plan::note(Change::Closed(*period))),
            },
            Command::PointsIssue { user, points } => {
                points_plan(Kind::PointsIssue, rules::points_issue(*user, *points)?)
            }
            Command::PointsRedeem { user, points } => {
                self.has_points(*user, *points)?;
                points_plan(Kind::PointsRedeem, rules::points_redeem(*user, *points)?)
            }
            Command::PointsExpire { user, points } => {
                self.has_points(*user, *points)?;
                points_plan(Kind::PointsExpire, rules::points_expire(*user, *points)?)
            }
            Command::Authorise { .. } => self.plan_hold(command, stamp),
            Command::Void { hold } => {
                self.open_hold(*hold, stamp.at)?;
                Ok(Plan::note(Change::Let(*hold)))
            }
        }
    }

    fn has_points(&self, user: Uuid, needs: i64) -> Result<(), BookError> {
        let account = Account::Points(Points::User(user));
        let has = self.balance(Currency::PTS, &account).saturating_neg();
        match has >= needs {
            true => Ok(()),
            false => Err(BookError::NotEnoughPoints { has, needs }),
        }
    }

    fn plan_adjustment(&self, command: &Command, stamp: &Stamp) -> Result<Plan, BookError> {
        let Command::Adjust {
            lines,
            currency,
            reason,
            approvers,
            corrects,
        } = command
        else {
            unreachable!("only called for adjustments")
        };
        if !self.ids.contains(corrects) {
            return Err(BookError::Unknown("entry", *corrects));
        }
        let lines = lines.iter().map(|(account, minor)| {
            let minor = minor
                .parse()
                .map_err(|_| BookError::BadMinor(minor.clone()));
            minor.map(|minor: i64| (account.clone(), minor))
        });
        let approved = rules::Adjustment {
            lines: lines.collect::<Result<_, BookError>>()?,
            reason: reason.clone(),
            approvers: *approvers,
            corrects: *corrects,
        }
        .approve()?;
        let mut wallets: BTreeMap<&Account, i128> = BTreeMap::new();
        for (account, minor) in &approved.lines {
            if let Account::Wallet(party) = account {
                let has = i128::from(self.spendable(*party, *currency, stamp.at));
                *wallets.entry(account).or_insert(has) -= i128::from(*minor);
            }
        }
        if let Some(left) = wallets.into_values().find(|left| *left < 0) {
            let needs = i64::try_from(-left).unwrap_or(i64::MAX);
            return Err(BookError::InsufficientFunds { has: 0, needs });
        }
        let mut plan = Plan::entry(Kind::Adjustment, *currency, approved.lines.clone())
            .link("corrects", corrects)
            .link("approved_by", approvers.map(|a| a.to_string()).join(" "));
        for (revision, epoch, net) in approved.pools() {
            if !self.epochs.contains_key(&(revision, epoch)) {
                return Err(BookError::UnknownEpoch(revision, epoch));
            }
            plan = plan.net((revision, epoch, *currency), net);
        }
        Ok(plan)
    }

    fn plan_exchange(&self, command: &Command, stamp: &Stamp) -> Result<Plan, BookError> {
        let Command::Exchange {
            party,
            give,
            get,
            second,
        } = command
        else {
            unreachable!("only called for exchanges")
        };
        let (out, into) = rules::exchange(Account::Wallet(*party), self.node, *give, *get)?;
        self.can_pay(*party, *give, stamp.at)?;
        if *second == stamp.entry_id || self.ids.contains(second) {
            return Err(BookError::Exists("entry", *second));
        }
        let mut plan = Plan::entry(Kind::Exchange, give.currency, out);
        let part = Part {
            kind: Kind::Exchange,
            currency: get.currency,
            lines: into,
            links: Vec::new(),
            id: Some(*second),
        };
        plan.parts.push(part);
        Ok(plan
            .link("given", give)
            .link("got", get)
            .link("first", stamp.entry_id)
            .link("second", second))
    }

    /// Cumulative nets with what the plan adds; the settled part of a settlement.
    pub(super) fn new_pools(&self, plan: &Plan) -> Result<BTreeMap<PoolKey, Pool>, BookError> {
        let mut pools = BTreeMap::new();
        for (key, net) in &plan.nets {
            let pool = pools
                .entry(*key)
                .or_insert_with(|| self.pool(key.0, key.1, key.2));
            match plan.change {
                Change::Settled(_) => pool.settled = pool.cumulative,
                _ => pool.add(*net)?,
            }
        }
        Ok(pools)
    }

    /// What happened beside entries and pools. Everything was checked before.
    pub(super) fn change(&mut self, change: Change) {
        let currency = |journal: &Journal| {
            let last = journal.entries.last();
            last.map_or(Currency::EUR, |last| last.entry.book.currency)
        };
        match change {
            Change::None => {}
            Change::Sale(id, order) => drop(self.orders.insert(id, *order)),
            Change::Posted(hold, id, order) => {
                self.let_go(hold);
                self.orders.insert(id, *order);
            }
            Change::GivenBack(order, total) => self.set_total(order, total),
            Change::Disputed(id, dispute, total) => {
                self.set_total(dispute.order, total);
                self.disputes.insert(id, *dispute);
            }
            Change::Decided(id, order, verdict, total) => {
                self.set_total(order, total);
                if let Some(dispute) = self.disputes.get_mut(&id) {
                    dispute.verdict = verdict;
                }
            }
            Change::Settled(settled) => {
                let currency = currency(self);
                for line in &settled.lines {
                    self.carries
                        .insert((line.contributor, currency), line.carry_after);
                }
            }
            Change::Reserved(payee, reserves) => drop(self.reserves.insert(payee, reserves)),
            Change::Paid(id, payout) => drop(self.payouts.insert(id, *payout)),
            Change::Moved(id, transfer) => {
                if let Some(payout) = self.payouts.get_mut(&id) {
                    payout.transfer = transfer;
                }
            }
            Change::PaidUp(payee) => *self.paid_up.entry(payee).or_default() += 1,
            Change::Term(id, term) => drop(self.terms.insert(id, *term)),
            Change::Held(id, hold) => drop(self.holds.insert(id, *hold)),
            Change::Let(id) => self.let_go(id),
            Change::Closed(period) => {
                let heads = self.chains.iter().map(|(book, chain)| (*book, chain.seq));
                let heads = heads.collect();
                self.closed.insert(period, heads);
            }
        }
    }

    fn set_total(&mut self, order: Uuid, total: i64) {
        if let Some(order) = self.orders.get_mut(&order) {
            order.refunded = total;
        }
    }

    fn let_go(&mut self, hold: Uuid) {
        if let Some(hold) = self.holds.get_mut(&hold) {
            hold.resolved = true;
        }
    }
}

fn points_plan(kind: Kind, lines: Lines) -> Result<Plan, BookError> {
    Ok(Plan::entry(kind, Currency::PTS, lines))
}

/// Refuses points and amounts below 1.
pub(super) fn payable(amount: Money) -> Result<(), BookError> {
    match amount.minor > 0 && amount.currency != Currency::PTS {
        true => Ok(()),
        false => Err(BookError::NotPayable(amount)),
    }
}
