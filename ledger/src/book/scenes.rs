//! Every command of the core, in scenes worked by hand.

use super::tests::{journal, purchase, refund, settle, stamp, top_up, u};
use super::*;
use crate::account::{Expense, Label, Points};
use crate::money::Money;
use crate::plan::{Commission, FeePlan};
use crate::refund::RefundError;
use crate::rules::RuleError;

pub(super) const EUR: Currency = Currency::EUR;

fn psp() -> Account {
    Account::Psp(Label::new("test").unwrap())
}

fn bank() -> Account {
    Account::Bank(Label::new("main").unwrap())
}

fn in_period(n: u128, period: &str) -> Stamp {
    Stamp {
        period: period.parse().unwrap(),
        ..stamp(n)
    }
}

/// A journal with a counter for keys, ids and salts.
pub(super) struct Scene {
    pub(super) journal: Journal,
    pub(super) next: u128,
    pub(super) period: &'static str,
}

impl Scene {
    pub(super) fn new(weights: [u128; 3]) -> Scene {
        Scene {
            journal: journal(weights),
            next: 1,
            period: "2026-11",
        }
    }

    pub(super) fn run(&mut self, command: &Command) -> Result<Outcome, BookError> {
        self.next += 1;
        let stamp = in_period(self.next, self.period);
        self.journal
            .apply("scene", &format!("k{}", self.next), command, stamp)
    }

    /// Runs what must not be refused.
    pub(super) fn does(&mut self, command: &Command) {
        let outcome = self.run(command);
        assert!(outcome.is_ok(), "{command:?}: {outcome:?}");
    }

    fn balance(&self, account: &Account) -> i64 {
        self.journal.balance(EUR, account)
    }

    fn sound(&self) {
        assert_eq!(self.journal.rows().findings(), []);
    }
}

pub(super) fn open(dispute: u128, order: u128, amount: i64) -> Command {
    Command::DisputeOpen {
        dispute: u(dispute),
        order: u(order),
        amount,
    }
}

pub(super) fn won(dispute: u128) -> Command {
    Command::DisputeWon {
        dispute: u(dispute),
    }
}

pub(super) fn lost(dispute: u128) -> Command {
    Command::DisputeLost {
        dispute: u(dispute),
        by: psp(),
    }
}

pub(super) fn payout(id: u128, party: u128, least: i64) -> Command {
    Command::Payout {
        payout: u(id),
        batch: u(800),
        party: u(party),
        currency: EUR,
        least,
        withholding_bps: 1_500,
        jurisdiction: "DE".into(),
    }
}

pub(super) fn settled(id: u128) -> Command {
    Command::PayoutSettled {
        payout: u(id),
        bank: bank(),
    }
}

pub(super) fn returned(id: u128) -> Command {
    Command::PayoutReturned { payout: u(id) }
}

pub(super) fn hold(party: u128, credit: i64, bps: u32, periods: u32) -> Command {
    Command::ReserveHold {
        party: u(party),
        credit: Money::new(credit, EUR),
        bps,
        periods,
    }
}

pub(super) fn release(party: u128) -> Command {
    Command::ReserveRelease {
        party: u(party),
        currency: EUR,
    }
}

fn tax() -> Account {
    Account::TaxSales(Label::new("DE").unwrap())
}

/// Everything that a full reversal must restore.
pub(super) fn standing(journal: &Journal) -> Vec<i64> {
    let mut all: Vec<i64> = (21..24)
        .flat_map(|p| [journal.available(u(p), EUR), journal.carry(u(p), EUR)])
        .collect();
    let shared = [
        Account::Dust,
        Account::PlatformFee,
        tax(),
        Account::DisputeHold,
    ];
    all.extend(shared.iter().map(|account| journal.balance(EUR, account)));
    all
}

#[test]
fn a_dispute_that_is_won_leaves_no_trace() {
    let mut scene = Scene::new([1, 2, 3]);
    scene.does(&purchase(7, 1, 1_000));
    scene.does(&settle(1));
    let before = standing(&scene.journal);
    scene.does(&open(70, 7, 400));
    scene.does(&settle(1));
    assert_eq!(scene.balance(&Account::DisputeHold), -400);
    assert_eq!(scene.journal.order(u(7)).unwrap().refunded, 400);
    assert_eq!(
        scene.run(&open(70, 7, 1)),
        Err(BookError::Exists("dispute", u(70)))
    );
    assert_eq!(
        scene.run(&refund(7, 601)),
        Err(BookError::Refund(RefundError::ExceedsPayment {
            gross: 1_000,
            given_back: 400,
            left: 600,
            amount: 601
        }))
    );
    scene.sound();
    scene.does(&won(70));
    scene.does(&settle(1));
    assert_eq!(standing(&scene.journal), before);
    assert_eq!(scene.run(&won(70)), Err(BookError::Over("dispute", u(70))));
    assert_eq!(scene.run(&lost(70)), Err(BookError::Over("dispute", u(70))));
    assert_eq!(
        scene.run(&lost(71)),
        Err(BookError::Unknown("dispute", u(71)))
    );
    scene.sound();
}

#[test]
fn a_dispute_above_the_payment_costs_the_node_alone() {
    let mut scene = Scene::new([1, 2, 3]);
    let psp_before = scene.balance(&psp());
    scene.does(&purchase(7, 1, 1_000));
    scene.does(&refund(7, 300));
    scene.does(&open(70, 7, 1_000));
    let loss = Account::Expense(Expense::DisputeLoss);
    assert_eq!(scene.balance(&loss), 300);
    let pool = Account::Pool {
        revision: u(50),
        epoch: 1,
    };
    assert_eq!(
        scene.balance(&pool),
        0,
        "the pool gives what it had, no more"
    );
    scene.does(&lost(70));
    assert_eq!(scene.balance(&psp()), psp_before - 1_000);
    assert_eq!(scene.balance(&Account::DisputeHold), 0);
    scene.sound();
    // A second one about the same payment is all loss.
    scene.does(&open(71, 7, 50));
    scene.does(&won(71));
    assert_eq!(scene.balance(&loss), 300);
    scene.sound();
}

#[test]
fn a_payout_settles_or_comes_back() {
    let mut scene = Scene::new([1, 0, 0]);
    scene.does(&purchase(7, 1, 2_000));
    scene.does(&settle(1));
    let has = scene.journal.available(u(21), EUR);
    assert_eq!(has, 830);
    let refused = scene.run(&payout(81, 21, 831));
    assert_eq!(refused, Err(BookError::NothingToPay { has, least: 831 }));
    scene.does(&payout(81, 21, 1));
    let withheld = Account::TaxWithheld(Label::new("DE").unwrap());
    assert_eq!(scene.balance(&withheld), -124); // 15 % of 830 is 124.5
    assert_eq!(scene.balance(&Account::PayoutInTransit), -706);
    let nothing = scene.run(&payout(82, 21, 0));
    assert_eq!(nothing, Err(BookError::NothingToPay { has: 0, least: 1 }));
    scene.does(&settled(81));
    assert_eq!(
        scene.run(&settled(81)),
        Err(BookError::Over("payout", u(81)))
    );
    scene.does(&returned(81));
    assert_eq!(
        scene.run(&returned(81)),
        Err(BookError::Over("payout", u(81)))
    );
    assert_eq!(scene.journal.available(u(21), EUR), 830);
    for account in [withheld, bank(), Account::PayoutInTransit] {
        assert_eq!(scene.balance(&account), 0, "{account}");
    }
    scene.sound();
}

#[test]
fn reserves_are_held_released_and_drawn() {
    let mut scene = Scene::new([1, 0, 0]);
    let commission = Some(Commission {
        party: u(21),
        bps: 10_000,
    });
    let mut sale = purchase(7, 1, 1_000);
    if let Command::Purchase { plan, .. } = &mut sale {
        *plan = FeePlan {
            commission,
            ..FeePlan::default()
        };
    }
    scene.does(&sale);
    scene.does(&hold(21, 900, 2_500, 2));
    scene.does(&hold(21, 900, 2_500, 3));
    assert_eq!(scene.journal.available(u(21), EUR), 450);
    assert_eq!(scene.run(&release(21)), Ok(Outcome::Unmoved));
    assert_eq!(scene.run(&hold(21, -900, 2_500, 3)), Ok(Outcome::Unmoved));
    // 630 of the commission go back: the balance lacks 180, the older reserve gives it.
    scene.does(&refund(7, 700));
    assert_eq!(scene.journal.available(u(21), EUR), 0);
    let left: Vec<i64> = scene
        .journal
        .reserves(u(21), EUR)
        .held()
        .iter()
        .map(|h| h.minor)
        .collect();
    assert_eq!(left, [45, 225]);
    let last = scene.journal.entries().last().unwrap();
    assert_eq!(
        last.entry.kind,
        crate::entry::Kind::Refund,
        "drawn in the same entry"
    );
    scene.sound();
    scene.period = "2027-01";
    scene.does(&release(21));
    assert_eq!(scene.journal.available(u(21), EUR), 45);
    scene.does(&refund(7, 300));
    assert_eq!(
        scene.journal.reserves(u(21), EUR).total(),
        0,
        "45 − 270 + 225 = 0"
    );
    assert_eq!(scene.journal.available(u(21), EUR), 0);
    scene.sound();
}

#[test]
fn a_closed_period_takes_no_entry() {
    let mut scene = Scene::new([1, 2, 3]);
    scene.does(&purchase(7, 1, 1_000));
    let close = Command::ClosePeriod {
        period: "2026-11".parse().unwrap(),
    };
    assert_eq!(scene.run(&close), Ok(Outcome::Unmoved));
    assert_eq!(scene.run(&close), Ok(Outcome::Unmoved));
    for period in ["2026-11", "2026-10"] {
        scene.period = period;
        let refused = scene.run(&refund(7, 5));
        let closed = BookError::PeriodClosed(period.parse().unwrap(), "2026-12".into());
        assert_eq!(refused, Err(closed));
    }
    // Late events keep their time and are booked in the open period.
    scene.period = "2026-12";
    scene.does(&refund(7, 5));
    let last = &scene.journal.entries().last().unwrap().entry;
    assert_eq!(
        (
            last.period.to_string(),
            Period::of(last.event_time).to_string()
        ),
        ("2026-12".into(), "2026-11".into())
    );
    let rows = scene.journal.rows();
    assert!(!rows.closed.is_empty() && !rows.snapshots.is_empty());
    scene.sound();
}

#[test]
fn an_account_closes_with_a_whole_unit_once() {
    let mut scene = Scene::new([1, 1, 0]);
    scene.does(&purchase(7, 1, 100));
    scene.does(&settle(1));
    assert!(scene.journal.carry(u(21), EUR) > 0);
    let before = scene.journal.available(u(21), EUR);
    let close = Command::CloseContributor {
        party: u(21),
        currency: EUR,
    };
    scene.does(&close);
    assert_eq!(scene.journal.available(u(21), EUR), before + 1);
    assert_eq!(
        scene.balance(&Account::Expense(Expense::ClosingRounding)),
        1
    );
    assert_eq!(scene.run(&close), Ok(Outcome::Unmoved), "once");
    scene.does(&purchase(8, 1, 100));
    scene.does(&settle(1));
    scene.sound();
}

pub(super) fn adjust(lines: Vec<(Account, i64)>, corrects: u128) -> Command {
    let lines = lines.into_iter().map(|(a, m)| (a, m.to_string())).collect();
    Command::Adjust {
        lines,
        currency: EUR,
        reason: "fee was charged twice".into(),
        approvers: [u(5), u(6)],
        corrects: u(corrects),
    }
}

#[test]
fn adjustments_go_through_the_pool_and_back() {
    let mut scene = Scene::new([1, 2, 3]);
    scene.does(&purchase(7, 1, 1_000));
    scene.does(&settle(1));
    let entry = scene.journal.entries()[1].entry.id.as_u128();
    let before = standing(&scene.journal);
    let pool = Account::Pool {
        revision: u(50),
        epoch: 1,
    };
    for sign in [1, -1] {
        scene.does(&adjust(
            vec![
                (Account::PlatformFee, 33 * sign),
                (pool.clone(), -33 * sign),
            ],
            entry,
        ));
        scene.does(&settle(1));
        scene.sound();
    }
    assert_eq!(standing(&scene.journal), before);
    let unknown = scene.run(&adjust(vec![(Account::PlatformFee, 1), (pool, -1)], 1));
    assert_eq!(unknown, Err(BookError::Unknown("entry", u(1))));
    let dust = scene.run(&adjust(
        vec![(Account::PlatformFee, 1), (Account::Dust, -1)],
        entry,
    ));
    assert!(matches!(
        dust,
        Err(BookError::Rule(RuleError::NotAdjustable(..)))
    ));
    let wallet = Account::Wallet(u(99));
    let empty = scene.run(&adjust(
        vec![(wallet, 1), (Account::PlatformFee, -1)],
        entry,
    ));
    assert!(matches!(empty, Err(BookError::InsufficientFunds { .. })));
}

#[test]
fn a_term_is_earned_by_days_and_cancelled_by_the_rest() {
    let mut scene = Scene::new([1, 2, 3]);
    let charge = Command::Charge {
        term: u(60),
        buyer: u(1),
        price: Money::new(1_000, EUR),
        plan: FeePlan::default(),
        tax: "DE".into(),
        days: 7,
    };
    scene.does(&charge);
    let day = |day, uses: &[(u32, u64)]| Command::Recognise {
        term: u(60),
        day,
        uses: uses.iter().map(|(e, used)| (u(50), *e, *used)).collect(),
    };
    let wrong = scene.run(&day(2, &[(1, 1)]));
    assert_eq!(
        wrong,
        Err(BookError::NotTheDay {
            day: 2,
            next: 1,
            days: 7
        })
    );
    // 900 over 7 days: 128, 129, 128, …
    scene.does(&day(1, &[(1, 3), (2, 1)]));
    scene.does(&day(2, &[(2, 0)]));
    let pool = |e| scene.journal.pool(u(50), e, EUR).cumulative;
    assert_eq!((pool(1), pool(2)), (96, 32 + 129));
    assert_eq!(scene.balance(&Account::Deferred(u(60))), -(900 - 257));
    let wallet = scene.balance(&Account::Wallet(u(1)));
    scene.does(&Command::CancelTerm { term: u(60) });
    assert_eq!(scene.balance(&Account::Deferred(u(60))), 0);
    assert_eq!(scene.balance(&Account::PlatformFee), -28);
    assert_eq!(scene.balance(&Account::Wallet(u(1))), wallet - (643 + 72));
    assert_eq!(
        scene.run(&day(3, &[(1, 1)])),
        Err(BookError::Over("term", u(60)))
    );
    scene.does(&settle(1));
    scene.does(&settle(2));
    scene.sound();
}

#[test]
fn money_set_aside_is_posted_at_most_once() {
    let mut scene = Scene::new([1, 2, 3]);
    scene.does(&top_up(2, 1_000));
    let at = stamp(0).at;
    let authorise = |id, minor| Command::Authorise {
        hold: u(id),
        party: u(2),
        amount: Money::new(minor, EUR),
        expires: at + chrono::Duration::hours(1),
    };
    scene.does(&authorise(40, 700));
    assert_eq!(
        scene.run(&authorise(41, 301)),
        Err(BookError::InsufficientFunds {
            has: 300,
            needs: 301
        })
    );
    let post = |hold, order, price| Command::Post {
        hold: u(hold),
        order: u(order),
        revision: u(50),
        epoch: 1,
        price,
        plan: FeePlan::default(),
        tax: "DE".into(),
    };
    let more = scene.run(&post(40, 7, 701));
    assert_eq!(
        more,
        Err(BookError::ExceedsHold {
            held: 700,
            asked: 701
        })
    );
    scene.does(&post(40, 7, 600));
    assert_eq!(
        scene.run(&post(40, 8, 1)),
        Err(BookError::Over("hold", u(40)))
    );
    assert_eq!(scene.journal.spendable(u(2), EUR, at), 400);
    scene.does(&authorise(42, 400));
    scene.does(&Command::Void { hold: u(42) });
    assert_eq!(scene.journal.spendable(u(2), EUR, at), 400);
    scene.does(&authorise(43, 400));
    // Expired by the ledger's time, nobody needs to say so.
    let late = Stamp {
        at: at + chrono::Duration::hours(1),
        ..stamp(9_999)
    };
    let posted = scene
        .journal
        .apply("late", "k", &post(43, 9, 400), late.clone());
    assert_eq!(posted, Err(BookError::Over("hold", u(43))));
    assert_eq!(scene.journal.spendable(u(2), EUR, late.at), 400);
    scene.sound();
}

#[test]
fn points_and_other_currencies_have_their_own_books() {
    let mut scene = Scene::new([1, 2, 3]);
    let of = |points| (u(4), points);
    let (user, points) = of(10);
    scene.does(&Command::PointsIssue { user, points });
    let (user, points) = of(6);
    scene.does(&Command::PointsRedeem { user, points });
    let refused = scene.run(&Command::PointsExpire { user, points });
    assert_eq!(
        refused,
        Err(BookError::NotEnoughPoints { has: 4, needs: 6 })
    );
    let (user, points) = of(4);
    scene.does(&Command::PointsExpire { user, points });
    let users = Account::Points(Points::User(user));
    assert_eq!(scene.journal.balance(Currency::PTS, &users), 0);
    let exchange = Command::Exchange {
        party: u(1),
        give: Money::new(1_999, EUR),
        get: Money::new(3_258, Currency::JPY),
        second: u(4_444),
    };
    let before = scene.journal.entries().len();
    assert_eq!(scene.run(&exchange), Ok(Outcome::Recorded(before)));
    let [first, second] = &scene.journal.entries()[before..] else {
        panic!("two entries")
    };
    assert_eq!(
        first.entry.metadata, second.entry.metadata,
        "linked to each other"
    );
    assert_ne!(first.entry.book, second.entry.book);
    assert_eq!(
        scene.journal.balance(Currency::JPY, &Account::Wallet(u(1))),
        -3_258
    );
    scene.sound();
}

#[test]
fn the_core_is_a_function() {
    let state = journal([1, 2, 3]);
    let before = format!("{state:?}");
    let (state, refused) = apply(state, "a", "k", &refund(7, 1), stamp(1));
    assert_eq!(refused, Err(BookError::UnknownOrder(u(7))));
    assert_eq!(format!("{state:?}"), before);
    let (a, one) = apply(state.clone(), "a", "k", &purchase(7, 1, 10), stamp(1));
    let (b, other) = apply(state, "a", "k", &purchase(7, 1, 10), stamp(1));
    assert_eq!(one, other);
    assert_eq!(format!("{a:?}"), format!("{b:?}"));
}
