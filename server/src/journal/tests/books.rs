//! Disputes, closed periods and reserves, on both databases.

use chrono::Duration;
use ledger::account::{Account, Expense};
use ledger::period::Period;
use schema::columns::Key;
use uuid::Uuid;

use super::support::{Bed, EUR, Kind, kinds};
use crate::error::Fault;
use crate::journal::command::{
    At, Command, DisputeEnd, DisputeOpen, Posted, Request, ReserveTerms, Work,
};
use crate::store::{disputes, journal, orders};

impl Bed {
    pub fn tell(&self, key: &str, verb: &str, work: Work) -> Result<Posted, Fault> {
        let request = Request::new(self.market.owner, key, verb, &format!("{key}{verb}")).unwrap();
        self.submit(Command {
            request,
            at: At::now(self.clock.now()),
            work,
        })
    }

    pub fn dispute(&self, key: &str, order: Uuid, minor: i64) -> Result<Posted, Fault> {
        let work = DisputeOpen {
            id: self.market.ids.next(self.clock.now()),
            order: Key(order),
            owner: self.market.owner,
            minor,
            currency: EUR,
            reason: "not known".to_owned(),
        };
        self.tell(key, "dispute", Work::DisputeOpen(work))
    }

    pub fn decide(
        &self,
        key: &str,
        dispute: Uuid,
        order: Uuid,
        won: bool,
    ) -> Result<Posted, Fault> {
        let work = DisputeEnd {
            id: self.market.ids.next(self.clock.now()),
            dispute: Key(dispute),
            order: Key(order),
            owner: self.market.owner,
            currency: EUR,
            won,
        };
        self.tell(key, "verdict", Work::DisputeEnd(work))
    }

    pub fn close(&self, key: &str, period: &str) -> Result<Posted, Fault> {
        self.tell(key, "close", Work::ClosePeriod(period.parse().unwrap()))
    }

    pub fn settle_and_hold(&self, key: &str, bps: u32, periods: u32) -> Result<Posted, Fault> {
        self.tell(key, "settle", Work::Settle(ReserveTerms { bps, periods }))
    }

    fn all_balances(&self) -> Vec<(String, i64)> {
        let mut sums = journal::sums(&mut self.scratch.db(), "EUR").unwrap();
        sums.retain(|(_, sum)| *sum != 0);
        sums
    }

    fn revoked(&self, order: Uuid) -> bool {
        let rows = orders::all_licences(&mut self.scratch.db()).unwrap();
        let row = rows.iter().find(|row| row.order_id == Key(order)).unwrap();
        row.revoked_at.is_some()
    }
}

fn a_won_dispute_leaves_no_trace(kind: Kind) {
    let bed = Bed::new(kind, 1, &[3, 2, 1], 500);
    bed.top_up("t", 0, 9_000).unwrap();
    let order = bed.buy("b", 0, 1_999).unwrap().one().unwrap();
    bed.settle("s0").unwrap();
    let before = bed.all_balances();
    let dispute = bed.dispute("d", order, 700).unwrap().one().unwrap();
    let again = bed.dispute("d", order, 700).unwrap();
    assert_eq!((again.one().unwrap(), again.repeated), (dispute, true));
    bed.settle("s1").unwrap();
    assert_eq!(bed.balance(&Account::DisputeHold.to_string()), -700);
    assert_eq!(bed.scratch.findings(), []);
    // What is on hold cannot be refunded as well.
    let refused = bed.refund("r", order, 1_300).unwrap_err();
    assert_eq!(refused.code, "exceeds_payment");
    bed.decide("w", dispute, order, true).unwrap();
    bed.settle("s2").unwrap();
    assert_eq!(bed.all_balances(), before);
    let row = orders::find(&mut bed.scratch.db(), order).unwrap().0;
    assert_eq!(
        (row.refunded, row.refunded_net, row.refunded_fee),
        (0, 0, 0)
    );
    let closed = bed.decide("w2", dispute, order, false).unwrap_err();
    assert_eq!(closed.code, "dispute_closed");
    assert_eq!(bed.scratch.findings(), []);
    assert!(!bed.revoked(order));
}

fn a_lost_dispute_above_the_payment_is_the_nodes_loss(kind: Kind) {
    let bed = Bed::new(kind, 1, &[1, 1, 1], 0);
    bed.top_up("t", 0, 9_000).unwrap();
    let order = bed.buy("b", 0, 1_000).unwrap().one().unwrap();
    bed.refund("r", order, 400).unwrap();
    let dispute = bed.dispute("d", order, 1_000).unwrap().one().unwrap();
    let loss = Account::Expense(Expense::DisputeLoss).to_string();
    assert_eq!(bed.balance(&loss), 400);
    assert!(!bed.revoked(order), "it may still come back");
    let row = disputes::find(&mut bed.scratch.db(), dispute).unwrap();
    assert_eq!((row.amount, row.of_order), (1_000, 600));
    bed.decide("l", dispute, order, false).unwrap();
    assert!(bed.revoked(order));
    assert_eq!(bed.balance("Assets:Bank:main"), 8_000);
    bed.settle("s").unwrap();
    assert_eq!(bed.scratch.findings(), []);
}

fn late_events_are_booked_in_the_open_period(kind: Kind) {
    let bed = Bed::new(kind, 1, &[1, 2], 0);
    bed.top_up("t", 0, 9_000).unwrap();
    let order = bed.buy("b", 0, 1_000).unwrap().one().unwrap();
    let november = bed.refund_command("late", order, 10);
    bed.clock.advance(Duration::days(10));
    assert!(!bed.close("c", "2026-11").unwrap().repeated);
    assert!(bed.close("c", "2026-11").unwrap().repeated);
    assert!(bed.close("c2", "2026-11").unwrap().repeated);
    let id = bed.submit(november).unwrap().one().unwrap();
    let entry = journal::entry_by_id(&mut bed.scratch.db(), id).unwrap();
    let happened: chrono::DateTime<chrono::Utc> = entry.event_time.into();
    assert_eq!(entry.period, "2026-12");
    assert_eq!(Period::of(happened).to_string(), "2026-11");
    // Who names the closed period is refused, and told where to book.
    let mut command = bed.market.settle("s", bed.clock.now()).unwrap();
    command.at.period = "2026-11".parse().unwrap();
    let refused = bed.submit(command).unwrap_err();
    assert_eq!(refused.code, "period_closed");
    assert!(refused.detail.contains("2026-12"), "{}", refused.detail);
    bed.settle("s2").unwrap();
    assert_eq!(bed.scratch.findings(), []);
}

fn reserves_are_held_released_and_drawn(kind: Kind) {
    let bed = Bed::new(kind, 1, &[1], 5_000);
    bed.top_up("t", 0, 90_000).unwrap();
    let first = bed.buy("b", 0, 2_000).unwrap().one().unwrap();
    bed.settle_and_hold("s1", 1_000, 1).unwrap();
    let contributor = bed.market.epoch.shares()[0].0;
    let (available, reserve) = (
        Account::available(contributor).to_string(),
        Account::reserve(contributor).to_string(),
    );
    // Net 900 after fee 200 and commission 900: a tenth is held.
    assert_eq!(
        (bed.balance(&available), bed.balance(&reserve)),
        (-810, -90)
    );
    assert_eq!(bed.scratch.findings(), []);
    bed.clock.advance(Duration::days(30));
    bed.buy("b2", 0, 200).unwrap();
    bed.settle_and_hold("s2", 1_000, 1).unwrap();
    // 90 are released, 9 of 90 are held anew.
    assert_eq!((bed.balance(&available), bed.balance(&reserve)), (-981, -9));
    bed.refund("r", first, 2_000).unwrap();
    bed.settle_and_hold("s3", 1_000, 1).unwrap();
    // 900 go: 981 were enough, so nothing is drawn.
    assert_eq!((bed.balance(&available), bed.balance(&reserve)), (-81, -9));
    assert_eq!(bed.scratch.findings(), []);
}

/// A reserve for no period is held until the next settlement, also in the same month.
fn a_reserve_of_no_periods_ends_with_the_next_settlement(kind: Kind) {
    let bed = Bed::new(kind, 1, &[1], 0);
    bed.top_up("t", 0, 90_000).unwrap();
    bed.buy("b", 0, 1_000).unwrap();
    bed.settle_and_hold("s1", 1_000, 0).unwrap();
    let contributor = bed.market.epoch.shares()[0].0;
    let (available, reserve) = (
        Account::available(contributor).to_string(),
        Account::reserve(contributor).to_string(),
    );
    assert_eq!(
        (bed.balance(&available), bed.balance(&reserve)),
        (-810, -90)
    );
    bed.buy("b2", 0, 1_000).unwrap();
    bed.settle_and_hold("s2", 1_000, 0).unwrap();
    // 90 are released, 90 of 900 are held anew.
    assert_eq!(
        (bed.balance(&available), bed.balance(&reserve)),
        (-1_710, -90)
    );
    // Nothing has moved since: what is due is released all the same.
    bed.settle_and_hold("s3", 0, 0).unwrap();
    assert_eq!(
        (bed.balance(&available), bed.balance(&reserve)),
        (-1_800, 0)
    );
    assert_eq!(bed.scratch.findings(), []);
}

fn whoever_owes_loses_the_reserve_first(kind: Kind) {
    // The only contributor is also owed nothing else: two sales, one refunded in full.
    let bed = Bed::new(kind, 1, &[1], 0);
    bed.top_up("t", 0, 90_000).unwrap();
    let order = bed.buy("b", 0, 1_000).unwrap().one().unwrap();
    bed.settle_and_hold("s1", 5_000, 6).unwrap();
    let contributor = bed.market.epoch.shares()[0].0;
    bed.refund("r", order, 1_000).unwrap();
    bed.settle_and_hold("s2", 5_000, 6).unwrap();
    assert_eq!(bed.balance(&Account::available(contributor).to_string()), 0);
    assert_eq!(bed.balance(&Account::reserve(contributor).to_string()), 0);
    assert_eq!(bed.scratch.findings(), []);
}

#[test]
fn disputes_hold_and_give_back() {
    kinds().into_iter().for_each(a_won_dispute_leaves_no_trace);
    kinds()
        .into_iter()
        .for_each(a_lost_dispute_above_the_payment_is_the_nodes_loss);
}

#[test]
fn closed_periods_take_no_entry() {
    kinds()
        .into_iter()
        .for_each(late_events_are_booked_in_the_open_period);
}

#[test]
fn reserves_follow_credits() {
    kinds()
        .into_iter()
        .for_each(reserves_are_held_released_and_drawn);
    kinds()
        .into_iter()
        .for_each(a_reserve_of_no_periods_ends_with_the_next_settlement);
    kinds()
        .into_iter()
        .for_each(whoever_owes_loses_the_reserve_first);
}
