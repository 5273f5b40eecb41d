//! Random months of paying out: no payout takes a balance below zero, what the files pay is
//! what is in transit, and every cent is in one place.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use schema::wire::*;
use server::client::ClientError;
use server::ports::bank::check;
use uuid::Uuid;

use crate::support::bank::{self, BRITISH, Booked, FRENCH, earnings};
use crate::support::people::eur;
use crate::support::{Market, Person, TestApp, journeys};

/// Lives of a usual run per database; `GRANARY_PROPERTY_CASES` asks for more.
const CASES: u64 = 2;
/// What the buyer can spend, in cents.
const START: i64 = 50_000_000;

/// One thing that happens.
#[derive(Debug, Clone)]
enum Act {
    Buy,
    Refund { which: usize, minor: i64 },
    Settle,
    Account { british: bool },
    Wait { days: i64 },
    Propose,
    Approve,
    Bank { which: usize, back: bool, off: i64 },
    Reject { which: usize },
    Hold { on: bool },
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => Just(Act::Buy),
        2 => (0..20usize, 1..900i64).prop_map(|(which, minor)| Act::Refund { which, minor }),
        3 => Just(Act::Settle),
        1 => any::<bool>().prop_map(|british| Act::Account { british }),
        2 => (1..6i64).prop_map(|days| Act::Wait { days }),
        3 => Just(Act::Propose),
        3 => Just(Act::Approve),
        3 => (0..20usize, any::<bool>(), prop_oneof![4 => Just(0i64), 1 => Just(1i64)])
            .prop_map(|(which, back, off)| Act::Bank { which, back, off }),
        1 => (0..20usize).prop_map(|which| Act::Reject { which }),
        1 => any::<bool>().prop_map(|on| Act::Hold { on }),
    ]
}

journeys!(payouts_never_overdraw_and_files_are_what_is_in_transit);

/// What arithmetic says, fed with acknowledged answers alone.
#[derive(Default)]
struct Model {
    orders: Vec<(Uuid, i64)>,
    /// Payouts by identifier: the run's lines, with the state that the bank's files give.
    payouts: BTreeMap<Uuid, (PayoutView, &'static str)>,
    runs: BTreeMap<Uuid, PayoutBatchView>,
    proposed: Option<Uuid>,
    files: usize,
    bank: i64,
}

struct Scene {
    market: Market,
    buyer: Person,
    second: Person,
    model: Model,
}

async fn payouts_never_overdraw_and_files_are_what_is_in_transit(app: &mut TestApp) {
    let market = app.market(1000).await;
    let second = app.deputy(&market.operator).await;
    let buyer = app.buyer(&market, "buyer", START).await;
    market.owner.is_paid_to(FRENCH, "FR").await;
    app.later(TimeDelta::days(4));
    let mut scene = Scene {
        market,
        buyer,
        second,
        model: Model::default(),
    };
    let cases = std::env::var("GRANARY_PROPERTY_CASES")
        .map_or(CASES, |text| text.parse().expect("a number"));
    for case in 0..cases {
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[case as u8 + 50; 32]);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        let acts = prop::collection::vec(act(), 40)
            .new_tree(&mut runner)
            .unwrap()
            .current();
        for (n, act) in acts.iter().enumerate() {
            scene.perform(app, act, &format!("k-{case}-{n}")).await;
        }
        let wrong = app.leftovers();
        assert!(
            wrong.is_empty(),
            "case {case} {acts:?}:\n{}",
            wrong.join("\n")
        );
        scene.everything_is_somewhere(app, case, &acts).await;
    }
    assert!(
        !scene.model.runs.is_empty(),
        "no run was ever approved: the acts are too tame"
    );
}

impl Scene {
    async fn perform(&mut self, app: &TestApp, act: &Act, key: &str) {
        let (first, owner) = (&self.market.operator, &self.market.owner);
        match *act {
            Act::Buy => {
                let bought = self.buyer.buys(&self.market.offer).await;
                self.model.orders.push((bought.id, bought.gross.minor));
            }
            Act::Refund { which, minor } if !self.model.orders.is_empty() => {
                let which = which % self.model.orders.len();
                let (id, left) = self.model.orders[which];
                let back = NewRefund {
                    amount: eur(minor),
                    reason: "r".to_owned(),
                };
                if owner.client.refund(id, key, &back).await.is_ok() {
                    self.model.orders[which].1 = left - minor;
                }
            }
            Act::Settle => app.settle(&self.market).await,
            Act::Account { british: true } => owner.is_paid_to(BRITISH, "US").await,
            Act::Account { british: false } => owner.is_paid_to(FRENCH, "FR").await,
            Act::Wait { days } => app.later(TimeDelta::days(days)),
            Act::Propose => {
                self.propose().await;
            }
            Act::Approve => self.approve(key).await,
            Act::Bank { which, back, off } => self.bank(which, back, off).await,
            Act::Reject { which } => self.reject(which).await,
            Act::Hold { on: true } => {
                let hold = NewHold {
                    reason: "hold".to_owned(),
                };
                let _ = first.client.hold_payouts(&owner.handle, &hold).await;
            }
            Act::Hold { on: false } => {
                let _ = first.client.release_payouts(&owner.handle).await;
            }
            Act::Refund { .. } => {}
        }
    }

    async fn propose(&mut self) -> Uuid {
        let client = &self.market.operator.client;
        let run = client
            .propose_payouts(&NewPayouts::default())
            .await
            .unwrap();
        self.model.proposed = run.id;
        run.id.unwrap()
    }

    async fn approve(&mut self, key: &str) {
        let id = match self.model.proposed {
            Some(id) => id,
            None => self.propose().await,
        };
        let before = earnings(&self.market.owner).await.minor;
        match self.second.client.approve_payouts(id, key).await {
            Ok(run) => {
                let after = earnings(&self.market.owner).await.minor;
                let gross: i64 = run.totals.iter().map(|total| total.gross.minor).sum();
                assert_eq!(before - after, gross);
                assert!(after >= 0 && gross <= before, "{run:?}");
                let file = self.market.operator.client.payout_file(id).await.unwrap();
                let read = check::read(file.as_bytes()).unwrap();
                let paid: i64 = read.references.iter().map(|(_, money)| money.minor).sum();
                assert_eq!(
                    paid,
                    run.totals.iter().map(|total| total.net.minor).sum::<i64>()
                );
                for line in run.lines.iter().filter(|line| line.state == "in_transit") {
                    self.model
                        .payouts
                        .insert(line.id, (line.clone(), "in_transit"));
                }
                self.model.runs.insert(id, run);
                self.model.proposed = None;
            }
            Err(ClientError::Refused(problem)) => {
                let known = [
                    "payouts_changed",
                    "payouts_stale",
                    "nothing_to_pay",
                    "payouts_not_open",
                ];
                assert!(known.contains(&problem.code.as_str()), "{problem:?}");
                assert_eq!(earnings(&self.market.owner).await.minor, before);
            }
            Err(other) => panic!("{other:?}"),
        }
    }

    /// A payout of the model, with the state to be changed.
    fn pick(&self, which: usize) -> Option<(Uuid, PayoutView, &'static str)> {
        let all = &self.model.payouts;
        let (id, (line, state)) = all.iter().nth(which % all.len().max(1))?;
        Some((*id, line.clone(), *state))
    }

    async fn bank(&mut self, which: usize, back: bool, off: i64) {
        let Some((id, line, state)) = self.pick(which) else {
            return;
        };
        let mut booked = if back {
            Booked::back(&line)
        } else {
            Booked::debit(&line)
        };
        booked.minor += off;
        self.model.files += 1;
        let name = format!("s{}", self.model.files);
        let file = bank::statement(
            &name,
            5_000_000 + self.model.bank,
            "2026-03-20",
            &[booked.clone()],
        );
        self.model.bank += booked.minor;
        let read = self
            .market
            .operator
            .client
            .import_bank_file(file)
            .await
            .unwrap();
        let (wanted, after) = match (off, back, state) {
            (1, ..) => ("mismatch", state),
            (_, false, "in_transit") => ("settled", "settled"),
            (_, false, "settled") | (_, true, "returned") => ("already", state),
            (_, true, "settled") => ("returned", "returned"),
            _ => ("unexpected", state),
        };
        assert_eq!(read.lines[0].outcome, wanted, "{line:?} {state}");
        self.model.payouts.insert(id, (line, after));
    }

    async fn reject(&mut self, which: usize) {
        let Some((id, line, state)) = self.pick(which) else {
            return;
        };
        self.model.files += 1;
        let name = format!("r{}", self.model.files);
        let run = &self.model.runs[&line.batch_id];
        let file = bank::status(&name, run, "PART", &[(&line, "RJCT")]);
        let read = self
            .market
            .operator
            .client
            .import_bank_file(file)
            .await
            .unwrap();
        let (wanted, after) = match state {
            "in_transit" => ("returned", "returned"),
            "returned" => ("already", "returned"),
            _ => ("unexpected", state),
        };
        assert_eq!(read.lines[1].outcome, wanted);
        self.model.payouts.insert(id, (line, after));
    }

    async fn everything_is_somewhere(&self, app: &TestApp, case: u64, acts: &[Act]) {
        let operator = &self.market.operator;
        app.settle(&self.market).await;
        let sum = |wanted: &str, of: fn(&PayoutView) -> i64| -> i64 {
            let all = self.model.payouts.values();
            all.filter(|(_, state)| *state == wanted)
                .map(|(line, _)| of(line))
                .sum()
        };
        let net = |line: &PayoutView| line.net.minor;
        let gross = |line: &PayoutView| line.gross.minor;
        let withheld = |line: &PayoutView| line.withheld.minor;
        let balance = operator.client.trial_balance().await.unwrap();
        let of = |part: &str| -> i64 {
            let accounts = balance.books.iter().flat_map(|book| &book.accounts);
            let found = accounts.filter(|account| account.account.contains(part));
            found.map(|account| account.balance).sum()
        };
        let context = format!("case {case} {acts:?}");
        assert_eq!(-of("PayoutInTransit"), sum("in_transit", net), "{context}");
        assert_eq!(
            -of("Tax:Withheld"),
            sum("in_transit", withheld) + sum("settled", withheld)
        );
        assert_eq!(of("Assets:Bank"), START - sum("settled", net), "{context}");
        // Income after fees: what was sold and not given back, less fee, is earned or paid.
        let kept: i64 = self.model.orders.iter().map(|(_, left)| left).sum();
        let owed = -(of("Available") + of("Dust") + of("Pool"));
        let paid = sum("in_transit", gross) + sum("settled", gross);
        assert_eq!(owed + paid - of("PlatformFee"), kept, "{context}");
        assert_eq!(
            earnings(&self.market.owner).await.minor,
            -of("Available"),
            "{context}"
        );
        let books = operator.client.reconciliation().await.unwrap();
        for one in books.currencies {
            assert_eq!(
                (one.unexplained.minor, &one.in_transit),
                (0, &one.in_transit_of_runs)
            );
        }
        assert_eq!(app.leftovers(), Vec::<String>::new(), "{context}");
    }
}
