//! Random streams of every command of the core.

use super::scenes::*;
use super::tests::{purchase, refund, settle, u};
use super::*;
use crate::money::Money;
use crate::plan::{Commission, FeePlan};
use proptest::prelude::*;

/// One random step; numbers choose among what exists.
#[derive(Debug, Clone)]
enum Step {
    Buy {
        epoch: u32,
        gross: i64,
        commission: u32,
    },
    Refund {
        of: u128,
        amount: i64,
    },
    Open {
        of: u128,
        amount: i64,
    },
    Decide {
        of: u128,
        win: bool,
    },
    Settle,
    Hold {
        party: u128,
        bps: u32,
        periods: u32,
    },
    Release,
    Pay {
        party: u128,
        least: i64,
    },
    Bank {
        of: u128,
        back: bool,
    },
    Adjust {
        net: i64,
    },
    Leave {
        party: u128,
    },
    Month,
    Day {
        uses: u64,
    },
    Cancel,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1u32..3, 1i64..5_000, prop_oneof![Just(0u32), Just(2_000)])
            .prop_map(|(epoch, gross, commission)| Step::Buy { epoch, gross, commission }),
        3 => (0u128..12, 1i64..3_000).prop_map(|(of, amount)| Step::Refund { of, amount }),
        2 => (0u128..12, 1i64..6_000).prop_map(|(of, amount)| Step::Open { of, amount }),
        2 => (0u128..8, any::<bool>()).prop_map(|(of, win)| Step::Decide { of, win }),
        3 => Just(Step::Settle),
        2 => (21u128..24, 0u32..10_001, 0u32..3)
            .prop_map(|(party, bps, periods)| Step::Hold { party, bps, periods }),
        1 => Just(Step::Release),
        2 => (21u128..24, 0i64..900).prop_map(|(party, least)| Step::Pay { party, least }),
        2 => (0u128..8, any::<bool>()).prop_map(|(of, back)| Step::Bank { of, back }),
        1 => (-500i64..500).prop_map(|net| Step::Adjust { net }),
        1 => (21u128..24).prop_map(|party| Step::Leave { party }),
        1 => Just(Step::Month),
        1 => (0u64..9).prop_map(|uses| Step::Day { uses }),
        1 => Just(Step::Cancel),
    ]
}

/// A run of random steps, each with the ids it may need.
struct Run {
    scene: Scene,
    orders: u128,
    disputes: u128,
    payouts: u128,
    days: u32,
    month: u32,
    credits: BTreeMap<u128, i64>,
}

const MONTHS: [&str; 4] = ["2026-11", "2026-12", "2027-01", "2027-02"];

impl Run {
    fn new(weights: [u128; 3]) -> Run {
        let mut scene = Scene::new(weights);
        scene.does(&Command::Charge {
            term: u(60),
            buyer: u(1),
            price: Money::new(1_234, EUR),
            plan: FeePlan::default(),
            tax: "DE".into(),
            days: 5,
        });
        Run {
            scene,
            orders: 0,
            disputes: 0,
            payouts: 0,
            days: 0,
            month: 0,
            credits: BTreeMap::new(),
        }
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Buy {
                epoch,
                gross,
                commission,
            } => self.buy(epoch, gross, commission),
            Step::Refund { of, amount } => self.tell(&refund(1_000 + of, amount)),
            Step::Open { of, amount } => {
                self.disputes += 1;
                self.tell(&open(2_000 + self.disputes, 1_000 + of, amount));
            }
            Step::Decide { of, win: true } => self.tell(&won(2_000 + of)),
            Step::Decide { of, win: false } => self.tell(&lost(2_000 + of)),
            Step::Settle => self.settle(),
            Step::Hold {
                party,
                bps,
                periods,
            } => {
                let credit = self.credits.remove(&party).unwrap_or(0);
                self.tell(&hold(party, credit, bps, periods));
            }
            Step::Release => (21..24).for_each(|party| self.tell(&release(party))),
            Step::Pay { party, least } => {
                self.payouts += 1;
                self.tell(&payout(3_000 + self.payouts, party, least));
            }
            Step::Bank { of, back: true } => self.tell(&returned(3_000 + of)),
            Step::Bank { of, back: false } => self.tell(&settled(3_000 + of)),
            Step::Adjust { net } if net != 0 => {
                let entry = self.scene.journal.entries()[0].entry.id.as_u128();
                let pool = Account::Pool {
                    revision: u(50),
                    epoch: 1,
                };
                self.tell(&adjust(
                    vec![(Account::PlatformFee, net), (pool, -net)],
                    entry,
                ));
            }
            Step::Adjust { .. } => {}
            Step::Leave { party } => self.tell(&Command::CloseContributor {
                party: u(party),
                currency: EUR,
            }),
            Step::Month => self.next_month(),
            Step::Day { uses } => {
                let uses = vec![(u(50), 1, uses), (u(50), 2, 4)];
                let day = self.days + 1;
                if self
                    .scene
                    .run(&Command::Recognise {
                        term: u(60),
                        day,
                        uses,
                    })
                    .is_ok()
                {
                    self.days = day;
                }
            }
            Step::Cancel => self.tell(&Command::CancelTerm { term: u(60) }),
        }
    }

    /// Runs what may be refused, and changes nothing then.
    fn tell(&mut self, command: &Command) {
        let before = format!("{:?}", self.scene.journal);
        if self.scene.run(command).is_err() {
            assert_eq!(format!("{:?}", self.scene.journal), before);
        }
    }

    fn buy(&mut self, epoch: u32, gross: i64, commission: u32) {
        let mut command = purchase(1_000 + self.orders, epoch, gross);
        if let Command::Purchase { plan, .. } = &mut command {
            plan.commission = (commission > 0).then_some(Commission {
                party: u(21),
                bps: commission,
            });
        }
        self.orders += 1;
        self.scene.does(&command);
    }

    fn settle(&mut self) {
        let before: Vec<i64> = (21..24)
            .map(|p| self.scene.journal.available(u(p), EUR))
            .collect();
        self.scene.does(&settle(1));
        self.scene.does(&settle(2));
        for (p, before) in (21..24).zip(before) {
            let credit = self.scene.journal.available(u(p), EUR) - before;
            self.credits.insert(p, credit);
        }
    }

    fn next_month(&mut self) {
        if self.month < 3 {
            let period = self.scene.period.parse().unwrap();
            self.tell(&Command::ClosePeriod { period });
            self.month += 1;
            self.scene.period = MONTHS[self.month as usize];
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Whatever is asked in whatever order: the verifier finds nothing (I1–I11, I14, I16,
    /// I18, I19), nobody owes beside a reserve (I12), and what is under way is what payouts
    /// say (I20).
    #[test]
    fn any_stream_of_commands_keeps_the_invariants(steps in prop::collection::vec(step(), 1..60), weights in prop::array::uniform3(0u128..50)) {
        prop_assume!(weights[0] + weights[1] > 0);
        let mut run = Run::new(weights);
        for step in &steps {
            run.take(step);
            let journal = &run.scene.journal;
            for p in 21..24 {
                prop_assert!(journal.available(u(p), EUR) >= 0 || journal.reserves(u(p), EUR).total() == 0);
            }
            let mut under_way = 0;
            for payout in journal.payouts.values().filter(|p| p.transfer == Transfer::InTransit) {
                under_way += payout.paid.net().unwrap();
            }
            prop_assert_eq!(-journal.balance(EUR, &Account::PayoutInTransit), under_way);
        }
        prop_assert_eq!(run.scene.journal.rows().findings(), vec![]);
    }

    /// Disputes that are all won, with refunds in between, leave what the refunds alone leave.
    #[test]
    fn won_disputes_restore_credits_residues_dust_fee_and_tax(
        weights in prop::array::uniform3(1u128..50), gross in 10i64..5_000,
        steps in prop::collection::vec((any::<bool>(), 1i64..2_000, any::<bool>()), 1..8),
    ) {
        let (mut with, mut without) = (Scene::new(weights), Scene::new(weights));
        let mut opened = Vec::new();
        for scene in [&mut with, &mut without] {
            scene.does(&purchase(7, 1, gross));
            scene.does(&settle(1));
        }
        for (n, (dispute, amount, settles)) in (0u128..).zip(steps) {
            if dispute {
                with.does(&open(2_000 + n, 7, amount));
                opened.push(2_000 + n);
            } else if with.run(&refund(7, amount)).is_ok() {
                without.does(&refund(7, amount));
            }
            if settles {
                with.does(&settle(1));
            }
        }
        opened.reverse();
        for dispute in opened {
            with.does(&won(dispute));
        }
        with.does(&settle(1));
        without.does(&settle(1));
        prop_assert_eq!(standing(&with.journal), standing(&without.journal));
        prop_assert_eq!(with.journal.rows().findings(), vec![]);
    }
}
