//! Everybody around the ledger, driven by one number.

use super::Told;
use super::disk::{Commit, Disk, Stop};
use crate::account::{Account, Label};
use crate::book::{BookError, Command, Journal, Outcome, Stamp};
use crate::epoch::Epoch;
use crate::money::{Currency, Money};
use crate::period::Period;
use crate::plan::{Commission, FeePlan};
use chrono::{DateTime, Duration, Utc};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Buyers, contributors and everything else have small ids of their own range.
pub(super) const EUR: Currency = Currency::EUR;
pub(super) const REVISION: u128 = 50;
pub(super) const CONTRIBUTORS: std::ops::Range<u128> = 21..24;
const BUYERS: u128 = 3;

pub(super) fn u(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

/// SplitMix64: small, and the same everywhere.
pub(super) struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to `n` − 1.
    fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn minor(&mut self, most: u64) -> i64 {
        i64::try_from(1 + self.below(most)).unwrap_or(1)
    }
}

/// Somebody's request, which is sent until it is answered.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    source: &'static str,
    key: String,
    command: Command,
    at: DateTime<Utc>,
    sent: bool,
}

/// What was answered: the command with the entry it made.
#[derive(Debug, Clone)]
pub(super) struct Acknowledged {
    pub command: Command,
    /// Available before it, for payouts and closings: what they took is theirs to say.
    pub entry: Option<usize>,
}

pub(super) struct World {
    dice: Dice,
    now: DateTime<Utc>,
    /// What the writer holds in memory.
    memory: Journal,
    fence: u64,
    pub disk: Disk,
    waiting: Vec<Ask>,
    /// Child before parent: sent again when something was answered.
    parked: Vec<Ask>,
    pub acknowledged: Vec<Acknowledged>,
    pub epochs: BTreeMap<u32, Epoch<Uuid>>,
    orders: u128,
    disputes: u128,
    payouts: u128,
    count: u128,
    pub told: Told,
    pub wrong: Option<String>,
}

fn frozen(weights: [u128; 3]) -> Option<Epoch<Uuid>> {
    let raw = CONTRIBUTORS.map(u).zip(weights).collect();
    Epoch::freeze(&raw).ok()
}

impl World {
    pub(super) fn new(seed: u64) -> World {
        let now = DateTime::UNIX_EPOCH + Duration::days(20_000);
        let journal = Journal::new(u(9));
        let mut world = World {
            dice: Dice(seed),
            now,
            memory: journal.clone(),
            fence: 0,
            disk: Disk::new(journal),
            waiting: Vec::new(),
            parked: Vec::new(),
            acknowledged: Vec::new(),
            epochs: BTreeMap::new(),
            orders: 0,
            disputes: 0,
            payouts: 0,
            count: 0,
            told: Told::default(),
            wrong: None,
        };
        world.fence = world.disk.lead();
        world.freeze();
        world
    }

    /// A new epoch while everything else goes on. It is part of the next commit.
    fn freeze(&mut self) {
        let number = u32::try_from(self.epochs.len() + 1).unwrap_or(u32::MAX);
        let weights = [0; 3].map(|_| u128::from(self.dice.below(100)));
        let Some(epoch) = frozen(weights).or_else(|| frozen([1, 1, 1])) else {
            return;
        };
        let mut new = self.disk.journal().clone();
        let fence = self.disk.lead();
        self.fence = fence;
        if let Err(error) = new.freeze(u(REVISION), number, epoch.clone()) {
            self.wrong = Some(format!("freezing: {error}"));
        }
        self.disk.commit(fence, &new, Stop::Never);
        self.epochs.insert(number, epoch);
        self.memory = new;
    }

    /// One thing happens.
    pub(super) fn step(&mut self) {
        let hours = i64::try_from(self.dice.below(60)).unwrap_or(0) - 6;
        self.now += Duration::hours(hours);
        match self.dice.below(20) {
            0 => self.freeze(),
            1 => self.crash(),
            2 => self.second_writer(),
            _ => {
                if let Some((source, command)) = self.somebody() {
                    self.ask(source, command);
                }
            }
        }
        if !self.dice.one_in(3) {
            self.serve();
        }
    }

    fn ask(&mut self, source: &'static str, command: Command) {
        self.count += 1;
        let ask = Ask {
            source,
            key: format!("k{}", self.count),
            command,
            at: self.now,
            sent: false,
        };
        // The provider and the bank say many things twice.
        if self.dice.one_in(4) {
            self.waiting.push(ask.clone());
        }
        self.waiting.push(ask);
    }

    fn somebody(&mut self) -> Option<(&'static str, Command)> {
        let buyer = u(1 + u128::from(self.dice.below(BUYERS as u64)));
        let party = u(CONTRIBUTORS.start + u128::from(self.dice.below(3)));
        let epoch = 1 + u32::try_from(self.dice.below(self.epochs.len() as u64)).unwrap_or(0);
        let order = u(1_000 + u128::from(self.dice.below(self.orders as u64 + 1)));
        let dispute = u(2_000 + u128::from(self.dice.below(self.disputes as u64 + 2)));
        let payout = u(3_000 + u128::from(self.dice.below(self.payouts as u64 + 1)));
        Some(match self.dice.below(24) {
            0..=3 => ("psp", self.top_up(buyer)),
            4..=8 => ("client", self.purchase(buyer, epoch)),
            9..=11 => ("client", self.refund(order)),
            12 | 13 => ("psp", self.dispute(order)),
            14 => ("psp", Command::DisputeWon { dispute }),
            15 => {
                let by = psp()?;
                ("psp", Command::DisputeLost { dispute, by })
            }
            16 | 17 => ("job", settle(epoch)),
            18 => ("job", self.hold(party)),
            19 => {
                let currency = EUR;
                ("job", Command::ReserveRelease { party, currency })
            }
            20 => ("operator", self.pay(party)),
            21 => {
                let bank = Account::Bank(Label::new("main").ok()?);
                ("bank", Command::PayoutSettled { payout, bank })
            }
            22 => ("bank", Command::PayoutReturned { payout }),
            _ => ("operator", self.close()),
        })
    }

    fn top_up(&mut self, party: Uuid) -> Command {
        let amount = Money::new(self.dice.minor(9_000), EUR);
        // The label is a constant; a wallet filled from dust would be refused by everybody.
        let from = psp().unwrap_or(Account::Dust);
        Command::TopUp {
            party,
            amount,
            from,
        }
    }

    fn purchase(&mut self, buyer: Uuid, epoch: u32) -> Command {
        self.orders += 1;
        let owner = Commission {
            party: u(CONTRIBUTORS.start),
            bps: 1_500,
        };
        Command::Purchase {
            order: u(1_000 + self.orders),
            buyer,
            revision: u(REVISION),
            epoch,
            price: Money::new(self.dice.minor(3_000), EUR),
            plan: FeePlan {
                fee_bps: 1_000,
                tax_bps: 700,
                commission: self.dice.one_in(3).then_some(owner),
            },
            tax: "DE".to_string(),
        }
    }

    fn refund(&mut self, order: Uuid) -> Command {
        Command::Refund {
            order,
            amount: self.dice.minor(2_000),
        }
    }

    fn dispute(&mut self, order: Uuid) -> Command {
        self.disputes += 1;
        Command::DisputeOpen {
            dispute: u(2_000 + self.disputes),
            order,
            amount: self.dice.minor(3_000),
        }
    }

    fn hold(&mut self, party: Uuid) -> Command {
        Command::ReserveHold {
            party,
            credit: Money::new(self.dice.minor(500), EUR),
            bps: 2_500,
            periods: u32::try_from(self.dice.below(3)).unwrap_or(0),
        }
    }

    fn pay(&mut self, party: Uuid) -> Command {
        self.payouts += 1;
        Command::Payout {
            payout: u(3_000 + self.payouts),
            batch: u(4_000),
            party,
            currency: EUR,
            least: self.dice.minor(300),
            withholding_bps: 1_500,
            jurisdiction: "DE".to_string(),
        }
    }

    fn close(&mut self) -> Command {
        let period = Period::of(self.now - Duration::days(31));
        Command::ClosePeriod { period }
    }

    /// The writer takes what has queued up, in any order, and commits it as one.
    fn serve(&mut self) {
        let mut batch = Vec::new();
        for _ in 0..1 + self.dice.below(4) {
            if self.waiting.is_empty() {
                break;
            }
            let place = self.dice.below(self.waiting.len() as u64);
            batch.push(self.waiting.swap_remove(place as usize));
        }
        let stop = match self.dice.below(16) {
            0 => Stop::Before,
            1 => Stop::Torn,
            2 => Stop::Unanswered,
            _ => Stop::Never,
        };
        self.commit(batch, stop);
    }

    fn commit(&mut self, mut batch: Vec<Ask>, stop: Stop) {
        let mut answers = Vec::new();
        for ask in &mut batch {
            self.told.repeated += u32::from(ask.sent);
            ask.sent = true;
            let stamp = self.stamp(ask.at);
            let said = self.memory.apply(ask.source, &ask.key, &ask.command, stamp);
            answers.push(said);
        }
        match self.disk.commit(self.fence, &self.memory, stop) {
            Commit::Done => {
                for (ask, said) in batch.into_iter().zip(answers) {
                    self.answer(ask, said);
                }
                self.waiting.append(&mut self.parked);
            }
            Commit::Crashed => {
                self.waiting.append(&mut batch);
                self.crash();
            }
            Commit::Fenced => {
                self.told.fenced += 1;
                self.waiting.append(&mut batch);
                self.crash();
            }
        }
    }

    /// The open period for the time of an event.
    fn stamp(&mut self, at: DateTime<Utc>) -> Stamp {
        self.count += 1;
        Stamp {
            entry_id: u(1_000_000 + self.count),
            at,
            period: self.memory.open_from(Period::of(at)),
            salt: self.count.to_be_bytes(),
        }
    }

    fn answer(&mut self, ask: Ask, said: Result<Outcome, BookError>) {
        match said {
            Ok(Outcome::Recorded(entry)) => {
                self.told.acknowledged += 1;
                let (command, entry) = (ask.command, Some(entry));
                self.acknowledged.push(Acknowledged { command, entry });
            }
            Ok(Outcome::Repeated(entry)) => {
                // Lost before, or told twice: it counts once.
                if !self.acknowledged.iter().any(|a| a.entry == Some(entry)) {
                    self.told.acknowledged += 1;
                    let (command, entry) = (ask.command, Some(entry));
                    self.acknowledged.push(Acknowledged { command, entry });
                }
            }
            Ok(Outcome::Unmoved) => {}
            Err(BookError::UnknownOrder(_) | BookError::Unknown(..)) if self.count < 2_000 => {
                // A child before its parent, as far as anybody knows.
                if !self.dice.one_in(4) {
                    self.parked.push(ask);
                }
            }
            Err(BookError::IdempotencyConflict { .. }) => {
                self.wrong = Some(format!("a repeat was taken for another: {:?}", ask.command));
            }
            Err(_) => self.told.refused += 1,
        }
    }

    /// The process is gone; a new one reads the disk and takes the lead.
    fn crash(&mut self) {
        self.told.restarts += 1;
        self.memory = self.disk.journal().clone();
        self.fence = self.disk.lead();
    }

    /// Another process takes the lead while this one still believes in its own.
    fn second_writer(&mut self) {
        self.disk.lead();
    }

    /// Serves until nobody waits. What was parked stays parked.
    pub(super) fn drain(&mut self) {
        let parked = std::mem::take(&mut self.parked);
        while !self.waiting.is_empty() {
            let batch = std::mem::take(&mut self.waiting);
            self.commit(batch, Stop::Never);
            self.parked.clear();
        }
        self.parked = parked;
    }

    /// Everything that is still on its way arrives, and every pool is settled.
    pub(super) fn rest(&mut self) {
        self.waiting.append(&mut self.parked);
        self.drain();
        let epochs: Vec<u32> = self.epochs.keys().copied().collect();
        for epoch in epochs {
            self.ask("job", settle(epoch));
        }
        self.drain();
    }
}

fn psp() -> Option<Account> {
    Label::new("test").ok().map(Account::Psp)
}

fn settle(epoch: u32) -> Command {
    Command::Settle {
        revision: u(REVISION),
        epoch,
        currency: EUR,
    }
}
