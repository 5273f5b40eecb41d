//! Random commands: the stored books must say what the ledger in memory says.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use futures_util::future::join_all;
use ledger::account::{Account, Label};
use ledger::book::{BookError, Command as Told, Journal as Oracle, Outcome, Stamp};
use ledger::epoch::Epoch;
use ledger::money::{Currency, Money};
use ledger::period::Period;
use ledger::refund::RefundError;
use proptest::prelude::*;
use schema::columns::Key;
use uuid::Uuid;

use super::support::{Bed, Kind, kinds, start};
use crate::error::Fault;
use crate::journal::command::{Command, Posted, Work};
use crate::store::{journal as rows, pools};

const BUYERS: usize = 3;
const CURRENCIES: [Currency; 2] = [Currency::EUR, Currency::JPY];

/// One step of a story.
#[derive(Debug, Clone)]
enum Step {
    TopUp {
        buyer: usize,
        minor: i64,
        currency: usize,
    },
    Buy {
        buyer: usize,
        gross: i64,
        currency: usize,
        epoch: i32,
    },
    Refund {
        order: usize,
        minor: i64,
    },
    Settle,
    Again {
        step: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let amount = prop_oneof![1i64..5_000, Just(1), Just(3)];
    prop_oneof![
        2 => (0..BUYERS, 1i64..20_000, 0..2usize)
            .prop_map(|(buyer, minor, currency)| Step::TopUp { buyer, minor, currency }),
        6 => (0..BUYERS, amount.clone(), 0..2usize, 1i32..=2)
            .prop_map(|(buyer, gross, currency, epoch)| Step::Buy { buyer, gross, currency, epoch }),
        3 => (0..20usize, amount).prop_map(|(order, minor)| Step::Refund { order, minor }),
        2 => Just(Step::Settle),
        1 => (0..20usize).prop_map(|step| Step::Again { step }),
    ]
}

/// What is told to both.
struct Both {
    bed: Bed,
    oracle: Oracle,
    told: Vec<(Command, Told)>,
    orders: Vec<(Uuid, Currency)>,
    waiting: Vec<(Command, Told)>,
}

impl Both {
    fn new(kind: Kind) -> Self {
        let bed = Bed::new(kind, BUYERS, &[1, 2, 5, 0], 700);
        let mut oracle = Oracle::new(Uuid::nil());
        oracle
            .freeze(bed.market.revision, 1, bed.market.epoch.clone())
            .unwrap();
        let raw: BTreeMap<Uuid, u128> = bed
            .market
            .epoch
            .shares()
            .iter()
            .zip([9, 1, 1, 3])
            .map(|((id, _), w)| (*id, w))
            .collect();
        let second = Epoch::freeze(&raw).unwrap();
        bed.market
            .freeze(&mut bed.scratch.db(), 2, &second, &raw, start().into())
            .unwrap();
        oracle.freeze(bed.market.revision, 2, second).unwrap();
        Self {
            bed,
            oracle,
            told: Vec::new(),
            orders: Vec::new(),
            waiting: Vec::new(),
        }
    }

    fn take(&mut self, n: usize, step: &Step) {
        let key = format!("k{n}");
        match *step {
            Step::TopUp {
                buyer,
                minor,
                currency,
            } => self.top_up(&key, buyer, minor, currency),
            Step::Buy {
                buyer,
                gross,
                currency,
                epoch,
            } => self.buy(&key, buyer, gross, currency, epoch),
            Step::Refund { order, minor } => {
                // Only what is acknowledged can be given back.
                self.flush();
                if let Some((order, currency)) = self.orders.get(order).copied() {
                    self.refund(&key, order, currency, minor);
                }
            }
            Step::Settle => {
                self.flush();
                self.settle(&key);
            }
            Step::Again { step } => {
                self.flush();
                self.waiting.extend(self.told.get(step).cloned());
            }
        }
    }

    fn top_up(&mut self, key: &str, buyer: usize, minor: i64, currency: usize) {
        let (market, now) = (&self.bed.market, self.bed.clock.now());
        let (party, currency) = (market.buyers[buyer], CURRENCIES[currency]);
        let command = market.top_up(key, party, minor, currency, now).unwrap();
        let from = Account::Bank(Label::new("main").unwrap());
        let amount = Money::new(minor, currency);
        self.waiting.push((
            command,
            Told::TopUp {
                party,
                amount,
                from,
            },
        ));
    }

    fn buy(&mut self, key: &str, buyer: usize, gross: i64, currency: usize, epoch: i32) {
        let (market, now) = (&self.bed.market, self.bed.clock.now());
        let (buyer, currency) = (market.buyers[buyer], CURRENCIES[currency]);
        let command = market
            .purchase(key, buyer, gross, currency, epoch, now)
            .unwrap();
        let Work::Purchase(purchase) = &command.work else {
            unreachable!()
        };
        let told = Told::Purchase {
            order: purchase.order.id.0,
            buyer,
            revision: market.revision,
            epoch: u32::try_from(epoch).unwrap(),
            price: Money::new(gross, currency),
            plan: market.plan,
            tax: "main".to_owned(),
        };
        self.waiting.push((command, told));
    }

    fn refund(&mut self, key: &str, order: Uuid, currency: Currency, amount: i64) {
        let mut command = self.bed.refund_command(key, order, amount);
        if let Work::Refund(refund) = &mut command.work {
            refund.currency = currency;
        }
        self.waiting.push((command, Told::Refund { order, amount }));
    }

    /// Sends what waits as one burst and tells the oracle the same in the same order.
    fn flush(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        let answers = self
            .bed
            .burst(waiting.iter().map(|(command, _)| command.clone()).collect());
        for ((command, told), answer) in waiting.into_iter().zip(answers) {
            let said = self.oracle.apply(
                &command.request.source(),
                &command.request.key,
                &told,
                stamp(&command),
            );
            compare(&said, &answer);
            if let (Ok(Outcome::Recorded(_)), Told::Purchase { order, price, .. }) = (&said, &told)
            {
                self.orders.push((*order, price.currency));
            }
            if said.is_ok() {
                self.told.push((command, told));
            }
        }
    }

    fn settle(&mut self, key: &str) {
        let command = self.bed.market.settle(key, self.bed.clock.now()).unwrap();
        let moved: Vec<_> = self.oracle.pools().map(|(pool, _)| *pool).collect();
        let mut settled = 0;
        for (revision, epoch, currency) in moved {
            let told = Told::Settle {
                revision,
                epoch,
                currency,
            };
            let stamp = stamp(&command);
            let key = format!("{key}/{epoch}/{currency}");
            match self.oracle.apply("settlement", &key, &told, stamp).unwrap() {
                Outcome::Recorded(_) => settled += 1,
                Outcome::Unmoved => {}
                Outcome::Repeated(_) => unreachable!(),
            }
        }
        assert_eq!(self.bed.submit(command).unwrap().ids.len(), settled);
    }

    /// Every balance, pool and residue, in both directions.
    fn compare_books(&self) {
        let mut db = self.bed.scratch.db();
        for currency in CURRENCIES {
            let stored = rows::sums(&mut db, currency.code()).unwrap();
            for (name, sum) in &stored {
                let account: Account = name.parse().unwrap();
                assert_eq!(
                    *sum,
                    self.oracle.balance(currency, &account),
                    "{name} {currency}"
                );
            }
            for (party, residue) in pools::carries(&mut db, currency.code()).unwrap() {
                assert_eq!(residue, self.oracle.carry(party.0, currency));
            }
            for (party, _) in self.bed.market.epoch.shares() {
                let account = Account::available(*party);
                let found = stored.iter().find(|(name, _)| *name == account.to_string());
                assert_eq!(
                    found.map_or(0, |(_, sum)| *sum),
                    self.oracle.balance(currency, &account)
                );
            }
        }
        for ((revision, epoch, currency), pool) in self.oracle.pools() {
            let epoch = i32::try_from(*epoch).unwrap();
            let row = pools::find(&mut db, *revision, epoch, currency.code()).unwrap();
            let row = row.map_or((0, 0), |row| (row.cumulative, row.settled));
            assert_eq!(row, (pool.cumulative, pool.settled));
        }
        for (id, _) in &self.orders {
            let order = self.oracle.order(*id).unwrap();
            let row = crate::store::orders::by_ids(&mut db, &[Key(*id)])
                .unwrap()
                .remove(0);
            assert_eq!((row.refunded, row.net), (order.refunded, order.legs.net));
        }
    }
}

fn stamp(command: &Command) -> Stamp {
    Stamp {
        entry_id: Uuid::from_u128(1),
        at: command.at.now,
        period: Period::of(command.at.now),
        salt: [0; 16],
    }
}

/// Both accept or both refuse, for the same reason.
fn compare(said: &Result<Outcome, BookError>, answer: &Result<Posted, Fault>) {
    match (said, answer) {
        (Ok(Outcome::Recorded(_)), Ok(posted)) => assert!(!posted.repeated),
        (Ok(Outcome::Repeated(_)), Ok(posted)) => assert!(posted.repeated),
        (Err(error), Err(fault)) => {
            let code = match error {
                BookError::InsufficientFunds { .. } => "insufficient_funds",
                BookError::Refund(RefundError::ExceedsPayment { .. }) => "exceeds_payment",
                BookError::IdempotencyConflict { .. } => "idempotency_conflict",
                other => panic!("unexpected: {other}"),
            };
            assert_eq!(fault.code, code);
        }
        (said, answer) => panic!("the oracle says {said:?}, the store {answer:?}"),
    }
}

impl Bed {
    /// Sends commands without waiting in between, so that they share transactions.
    fn burst(&self, commands: Vec<Command>) -> Vec<Result<Posted, Fault>> {
        self.block_on(join_all(
            commands
                .into_iter()
                .map(|command| self.journal.submit(command)),
        ))
    }
}

fn same_as_in_memory(kind: Kind, steps: &[Step]) {
    let mut both = Both::new(kind);
    for (n, step) in steps.iter().enumerate() {
        both.take(n, step);
        both.bed.clock.advance(TimeDelta::seconds(1));
    }
    both.flush();
    both.compare_books();
    assert_eq!(both.bed.scratch.findings(), []);
    let full = both.orders.clone();
    for (n, (order, currency)) in full.into_iter().enumerate() {
        let left = {
            let order = both.oracle.order(order).unwrap();
            order.legs.total().unwrap() - order.refunded
        };
        if left > 0 {
            both.refund(&format!("rest{n}"), order, currency, left);
        }
    }
    both.flush();
    both.settle("last");
    both.compare_books();
    // Everything given back: nobody has earned anything, not even the dust.
    for currency in CURRENCIES {
        for (name, sum) in rows::sums(&mut both.bed.scratch.db(), currency.code()).unwrap() {
            let kept = name.starts_with("Assets:Bank") || name.starts_with("Liabilities:Wallet");
            assert!(kept || sum == 0, "{name} keeps {sum} {currency}");
        }
    }
    assert_eq!(both.bed.scratch.findings(), []);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn stored_books_equal_the_books_in_memory(steps in prop::collection::vec(step(), 1..40)) {
        for kind in kinds() {
            same_as_in_memory(kind, &steps);
        }
    }
}
