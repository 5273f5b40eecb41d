//! Subscriptions: a term is charged, earned day by day, and given back as far as it was not.

use super::plan::{Change, Plan, payable};
use super::{BookError, Command, Journal, Stamp, Term};
use crate::account::{Account, Label};
use crate::entry::{EntryError, Kind};
use crate::plan::{Legs, by_use, income_of_day, income_until, split_sale};
use crate::refund::RefundError;
use crate::rules::{self, Charge, RuleError};
use uuid::Uuid;

impl Journal {
    pub(super) fn plan_term(&self, command: &Command, stamp: &Stamp) -> Result<Plan, BookError> {
        match command {
            Command::Charge {
                term,
                buyer,
                price,
                plan,
                tax,
                days,
            } => {
                payable(*price)?;
                if self.terms.contains_key(term) {
                    return Err(BookError::Exists("term", *term));
                }
                if *days < 1 {
                    return Err(not_the_day(0, 1, *days));
                }
                let legs = split_sale(price.minor, plan)?;
                let charge = Charge {
                    payer: Account::Wallet(*buyer),
                    subscription: *term,
                    tax: Label::new(tax.as_str()).map_err(EntryError::from)?,
                };
                let lines = rules::subscription_charge(&charge, legs)?;
                self.can_pay(*buyer, *price, stamp.at)?;
                let new = Term {
                    charge,
                    currency: price.currency,
                    legs,
                    days: *days,
                    earned: 0,
                    cancelled: false,
                };
                Ok(Plan::entry(Kind::SubscriptionCharge, price.currency, lines)
                    .link("term", term)
                    .change(Change::Term(*term, Box::new(new))))
            }
            Command::Recognise { term, day, uses } => self.plan_income(*term, *day, uses),
            Command::CancelTerm { term } => self.plan_cancel(*term),
            _ => unreachable!("only called for terms"),
        }
    }

    fn running(&self, id: Uuid) -> Result<&Term, BookError> {
        let term = self.terms.get(&id).ok_or(BookError::Unknown("term", id))?;
        match term.cancelled || term.earned == term.days {
            true => Err(BookError::Over("term", id)),
            false => Ok(term),
        }
    }

    fn plan_income(
        &self,
        id: Uuid,
        day: u32,
        uses: &[(Uuid, u32, u64)],
    ) -> Result<Plan, BookError> {
        let term = self.running(id)?;
        if day != term.earned + 1 {
            return Err(not_the_day(day, term.earned + 1, term.days));
        }
        let missing = |(revision, epoch, _): &&(Uuid, u32, u64)| {
            !self.epochs.contains_key(&(*revision, *epoch))
        };
        if let Some((revision, epoch, _)) = uses.iter().find(missing) {
            return Err(BookError::UnknownEpoch(*revision, *epoch));
        }
        let income = income_of_day(term.legs.net, day, term.days)
            .ok_or_else(|| not_the_day(day, term.earned + 1, term.days))?;
        let earned = Term {
            earned: day,
            ..term.clone()
        };
        let change = Change::Term(id, Box::new(earned));
        if income == 0 {
            return Ok(Plan::note(change));
        }
        let weights: Vec<u64> = uses.iter().map(|(_, _, used)| *used).collect();
        let parts = by_use(income, &weights).ok_or(RuleError::Parts {
            what: "a day's use",
            sum: 0,
            whole: income,
        })?;
        let pools: Vec<(Uuid, u32, i64)> = uses
            .iter()
            .zip(parts)
            .map(|((revision, epoch, _), part)| (*revision, *epoch, part))
            .collect();
        let lines = rules::recognise(id, income, &pools)?;
        let mut plan = Plan::entry(Kind::SubscriptionRecognise, term.currency, lines)
            .link("term", id)
            .link("day", day)
            .change(change);
        for (revision, epoch, part) in pools {
            plan = plan.net((revision, epoch, term.currency), part);
        }
        Ok(plan)
    }

    /// Every leg gives back what was not earned of it, so that nothing stays deferred.
    fn plan_cancel(&self, id: Uuid) -> Result<Plan, BookError> {
        let term = self.running(id)?;
        let mut left = term.legs.to_array();
        for leg in &mut left {
            let earned = income_until(*leg, term.earned, term.days);
            *leg -= earned.ok_or(BookError::Refund(RefundError::BadLegs))?;
        }
        let lines = rules::subscription_refund(&term.charge, Legs::from_array(left))?;
        let over = Term {
            cancelled: true,
            ..term.clone()
        };
        Ok(Plan::entry(Kind::Refund, term.currency, lines)
            .link("term", id)
            .change(Change::Term(id, Box::new(over))))
    }
}

fn not_the_day(day: u32, next: u32, days: u32) -> BookError {
    BookError::NotTheDay { day, next, days }
}
