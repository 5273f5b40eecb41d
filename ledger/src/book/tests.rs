//! The rules of LEDGER.md §4 as properties of random command streams.

use super::*;
use crate::account::Label;
use crate::epoch::D;
use crate::money::Money;
use crate::plan::FeePlan;
use crate::refund::RefundError;
use proptest::prelude::*;

pub(crate) fn u(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

pub(crate) fn stamp(n: u128) -> Stamp {
    Stamp {
        entry_id: u(1_000 + n),
        at: "2026-11-24T10:00:00Z".parse().unwrap(),
        period: "2026-11".parse().unwrap(),
        salt: n.to_be_bytes(),
    }
}

pub(crate) fn top_up(party: u128, minor: i64) -> Command {
    let from = Account::Psp(Label::new("test").unwrap());
    Command::TopUp {
        party: u(party),
        amount: Money::new(minor, Currency::EUR),
        from,
    }
}

pub(crate) fn purchase(order: u128, epoch: u32, minor: i64) -> Command {
    Command::Purchase {
        order: u(order),
        buyer: u(1),
        revision: u(50),
        epoch,
        price: Money::new(minor, Currency::EUR),
        plan: FeePlan {
            fee_bps: 1_000,
            // 7 % of the price.
            tax_bps: 753,
            commission: None,
        },
        tax: "DE".into(),
    }
}

pub(crate) fn refund(order: u128, amount: i64) -> Command {
    Command::Refund {
        order: u(order),
        amount,
    }
}

pub(crate) fn settle(epoch: u32) -> Command {
    Command::Settle {
        revision: u(50),
        epoch,
        currency: Currency::EUR,
    }
}

/// A funded journal with an epoch 1 over three and an epoch 2 over two of them.
pub(crate) fn journal(weights: [u128; 3]) -> Journal {
    let mut journal = Journal::new(u(9));
    let raw = BTreeMap::from([
        (u(21), weights[0]),
        (u(22), weights[1]),
        (u(23), weights[2] + 1),
    ]);
    journal
        .freeze(u(50), 1, Epoch::freeze(&raw).unwrap())
        .unwrap();
    let raw = BTreeMap::from([(u(21), weights[2] + 3), (u(22), weights[0])]);
    journal
        .freeze(u(50), 2, Epoch::freeze(&raw).unwrap())
        .unwrap();
    journal
        .apply("test", "fund", &top_up(1, 1_000_000_000), stamp(0))
        .unwrap();
    journal
}

fn run(journal: &mut Journal, n: u128, command: &Command) -> Result<Outcome, BookError> {
    journal.apply("test", &format!("k{n}"), command, stamp(n))
}

/// Cumulative figures that nothing but the payments may influence.
fn standing(journal: &Journal) -> Vec<(i64, i64)> {
    let of = |p| {
        let account = Account::available(u(p));
        (
            -journal.balance(Currency::EUR, &account),
            journal.carry(u(p), Currency::EUR),
        )
    };
    let mut all: Vec<_> = (21..24).map(of).collect();
    all.push((journal.balance(Currency::EUR, &Account::Dust), 0));
    all.push((journal.balance(Currency::EUR, &Account::PlatformFee), 0));
    all
}

#[test]
fn one_sale_one_refund_one_settlement_by_hand() {
    let mut j = journal([1, 1, 0]);
    run(&mut j, 1, &purchase(7, 1, 1000)).unwrap();
    let pool = Account::Pool {
        revision: u(50),
        epoch: 1,
    };
    let balance = |j: &Journal, a: &Account| j.balance(Currency::EUR, a);
    // fee 100, tax 70, net 830
    assert_eq!(balance(&j, &pool), -830);
    assert_eq!(balance(&j, &Account::PlatformFee), -100);
    assert_eq!(
        balance(&j, &Account::TaxSales(Label::new("DE").unwrap())),
        -70
    );
    assert_eq!(balance(&j, &Account::Wallet(u(1))), -(1_000_000_000 - 1000));
    // 300 back: 30/21/249
    run(&mut j, 2, &refund(7, 300)).unwrap();
    assert_eq!(
        (balance(&j, &pool), balance(&j, &Account::PlatformFee)),
        (-581, -70)
    );
    // 581 over three equals: 193.67 each, dust 2
    assert!(matches!(
        run(&mut j, 3, &settle(1)),
        Ok(Outcome::Recorded(3))
    ));
    assert_eq!((balance(&j, &pool), balance(&j, &Account::Dust)), (0, -2));
    for p in 21..24 {
        assert_eq!(balance(&j, &Account::available(u(p))), -193);
    }
    assert_eq!(run(&mut j, 4, &settle(1)), Ok(Outcome::Unmoved));
    assert_eq!(j.rows().findings(), []);
}

#[test]
fn a_command_counts_once_per_key() {
    let mut j = journal([1, 2, 3]);
    assert_eq!(
        run(&mut j, 1, &purchase(7, 1, 1000)),
        Ok(Outcome::Recorded(1))
    );
    run(&mut j, 2, &refund(7, 400)).unwrap();
    let before = standing(&j);
    // The same refund again would have other legs by now: it is still the same command.
    assert_eq!(run(&mut j, 2, &refund(7, 400)), Ok(Outcome::Repeated(2)));
    assert_eq!(
        run(&mut j, 1, &purchase(7, 1, 1000)),
        Ok(Outcome::Repeated(1))
    );
    let conflict = run(&mut j, 2, &refund(7, 401));
    assert!(matches!(
        conflict,
        Err(BookError::IdempotencyConflict { .. })
    ));
    // Another source has its own keys.
    assert_eq!(
        j.apply("other", "k2", &refund(7, 100), stamp(5)),
        Ok(Outcome::Recorded(3))
    );
    assert_eq!(j.entries().len(), 4);
    assert_ne!(before, standing(&j));
}

#[test]
fn refusals_change_nothing() {
    let mut j = journal([1, 2, 3]);
    run(&mut j, 1, &purchase(7, 1, 1000)).unwrap();
    let rows = format!("{:?}", j);
    let eur = |n| Money::new(n, Currency::EUR);
    for (command, want) in [
        (
            purchase(8, 1, 2_000_000_000),
            BookError::InsufficientFunds {
                has: 999_999_000,
                needs: 2_000_000_000,
            },
        ),
        (purchase(8, 1, 0), BookError::NotPayable(eur(0))),
        (purchase(8, 9, 5), BookError::UnknownEpoch(u(50), 9)),
        (purchase(7, 1, 5), BookError::OrderExists(u(7))),
        (refund(8, 5), BookError::UnknownOrder(u(8))),
        (refund(7, 0), BookError::Refund(RefundError::BadAmount(0))),
        (top_up(1, -5), BookError::NotPayable(eur(-5))),
        (
            top_up(1, i64::MAX),
            BookError::Overflow(Account::Psp(Label::new("test").unwrap())),
        ),
        (settle(9), BookError::UnknownEpoch(u(50), 9)),
    ] {
        assert_eq!(run(&mut j, 99, &command), Err(want));
        assert_eq!(format!("{j:?}"), rows);
    }
    let points = Command::TopUp {
        party: u(1),
        amount: Money::new(5, Currency::PTS),
        from: Account::Psp(Label::new("test").unwrap()),
    };
    assert!(matches!(
        run(&mut j, 99, &points),
        Err(BookError::NotPayable(_))
    ));
}

#[test]
fn an_epoch_is_never_edited() {
    let mut j = journal([1, 2, 3]);
    let same = Epoch::freeze(&BTreeMap::from([(u(21), 6), (u(22), 1)])).unwrap();
    assert_eq!(j.freeze(u(50), 2, same), Ok(()));
    let other = Epoch::freeze(&BTreeMap::from([(u(21), 6), (u(22), 2)])).unwrap();
    assert_eq!(
        j.freeze(u(50), 2, other),
        Err(BookError::EpochFrozen(u(50), 2))
    );
}

/// (epoch 1 or 2, gross, per mille refunded)
type Sale = (bool, i64, i64);

fn apply_sales(j: &mut Journal, sales: &[Sale], order: &[usize], settle_every: usize, twice: bool) {
    let mut n = 1;
    for (step, index) in order.iter().enumerate() {
        let (second, gross, mille) = sales[*index];
        let epoch = if second { 2 } else { 1 };
        let id = 100 + *index as u128;
        let mut commands = vec![purchase(id, epoch, gross)];
        let back = gross * mille / 1000;
        if back > 0 {
            commands.push(refund(id, back));
        }
        for (part, command) in commands.iter().enumerate() {
            for _ in 0..=usize::from(twice) {
                j.apply("sales", &format!("{id}/{part}"), command, stamp(n))
                    .unwrap();
            }
            n += 1;
        }
        if step % settle_every == 0 {
            for e in [1, 2] {
                j.apply("settle", &format!("{n}/{e}"), &settle(e), stamp(n + 1_000))
                    .unwrap();
            }
        }
    }
    for e in [1, 2] {
        j.apply("settle", &format!("last/{e}"), &settle(e), stamp(9_000))
            .unwrap();
    }
}

fn weights() -> impl Strategy<Value = [u128; 3]> {
    prop::array::uniform3(0u128..1_000).prop_filter("some weight in both", |w| w[0] + w[1] > 0)
}

fn sales() -> impl Strategy<Value = Vec<Sale>> {
    prop::collection::vec(
        (
            any::<bool>(),
            1i64..5_000,
            prop_oneof![Just(0i64), 0..=1000i64],
        ),
        1..12,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn order_repeats_and_settling_frequency_change_nothing(
        weights in weights(), sales in sales(), every in 1usize..5, twice: bool, seed in any::<u64>(),
    ) {
        let straight: Vec<usize> = (0..sales.len()).collect();
        let mut other = straight.clone();
        other.sort_by_key(|i| (*i as u64 + 1).wrapping_mul(seed | 1));
        let (mut a, mut b) = (journal(weights), journal(weights));
        apply_sales(&mut a, &sales, &straight, usize::MAX, false);
        apply_sales(&mut b, &sales, &other, every, twice);
        prop_assert_eq!(standing(&a), standing(&b));
        prop_assert_eq!(a.rows().findings(), vec![]);
        prop_assert_eq!(b.rows().findings(), vec![]);
    }

    #[test]
    fn residues_and_dust_stay_in_bounds(weights in weights(), sales in sales(), every in 1usize..4) {
        let mut j = journal(weights);
        let order: Vec<usize> = (0..sales.len()).collect();
        apply_sales(&mut j, &sales, &order, every, false);
        let residues: Vec<i64> = (21..24).map(|p| j.carry(u(p), Currency::EUR)).collect();
        prop_assert!(residues.iter().all(|r| (0..D).contains(r)));
        let dust = -j.balance(Currency::EUR, &Account::Dust);
        prop_assert_eq!(i128::from(dust) * i128::from(D), residues.iter().map(|r| i128::from(*r)).sum::<i128>());
        prop_assert!((0..3).contains(&dust));
    }

    #[test]
    fn refunding_everything_in_any_parts_restores_everything(
        weights in weights(), sales in sales(), parts in prop::collection::vec(1i64..2_000, 1..4), every in 1usize..4,
    ) {
        let mut j = journal(weights);
        let before = standing(&j);
        let order: Vec<usize> = (0..sales.len()).collect();
        apply_sales(&mut j, &sales, &order, every, false);
        let mut n = 20_000;
        for index in order {
            let id = 100 + index as u128;
            for part in parts.iter().chain([&i64::MAX]) {
                let known = j.order(u(id)).unwrap();
                let left = known.legs.total().unwrap() - known.refunded;
                if left > 0 {
                    run(&mut j, n, &refund(id, left.min(*part))).unwrap();
                    n += 1;
                }
            }
            run(&mut j, n, &settle(1)).unwrap();
            run(&mut j, n + 1, &settle(2)).unwrap();
            n += 2;
        }
        prop_assert_eq!(standing(&j), before);
        prop_assert_eq!(j.rows().findings(), vec![]);
    }

    #[test]
    fn a_payment_lowers_nobody_and_more_share_is_never_less_money(
        weights in weights(), sales in sales(), gross in 1i64..10_000,
    ) {
        let mut j = journal(weights);
        let order: Vec<usize> = (0..sales.len()).collect();
        apply_sales(&mut j, &sales, &order, 2, false);
        let before = standing(&j);
        run(&mut j, 30_000, &purchase(9_999, 1, gross)).unwrap();
        run(&mut j, 30_001, &settle(1)).unwrap();
        let after = standing(&j);
        prop_assert!(before.iter().zip(&after).take(3).all(|(b, a)| a.0 >= b.0));
        // Alone in a fresh journal: money follows shares.
        let mut j = journal(weights);
        run(&mut j, 1, &purchase(1, 1, gross)).unwrap();
        run(&mut j, 2, &settle(1)).unwrap();
        let shares = [weights[0], weights[1], weights[2] + 1];
        let paid = standing(&j);
        for a in 0..3 {
            for b in 0..3 {
                prop_assert!(shares[a] < shares[b] || paid[a].0 >= paid[b].0);
            }
        }
    }

    #[test]
    fn credits_equal_the_exact_entitlement_rounded_down(weights in weights(), sales in sales()) {
        let mut j = journal(weights);
        let order: Vec<usize> = (0..sales.len()).collect();
        apply_sales(&mut j, &sales, &order, 1, false);
        for p in 21..24u128 {
            let exact: i128 = [1, 2].iter().map(|e| {
                let share = j.epochs[&(u(50), *e)].share(&u(p)).unwrap_or(0);
                i128::from(j.pool(u(50), *e, Currency::EUR).cumulative) * i128::from(share)
            }).sum();
            let credited = -i128::from(j.balance(Currency::EUR, &Account::available(u(p))));
            prop_assert_eq!(credited, exact.div_euclid(i128::from(D)));
            prop_assert_eq!(i128::from(j.carry(u(p), Currency::EUR)), exact.rem_euclid(i128::from(D)));
        }
    }
}

#[test]
fn what_accrues_is_what_settling_credits() {
    let mut j = journal([3, 5, 7]);
    run(&mut j, 1, &purchase(1, 1, 999)).unwrap();
    run(&mut j, 2, &settle(1)).unwrap();
    run(&mut j, 3, &purchase(2, 1, 500)).unwrap();
    run(&mut j, 4, &purchase(3, 2, 777)).unwrap();
    run(&mut j, 5, &refund(1, 999)).unwrap();
    let p = u(21);
    let pools = [1, 2].map(|e| {
        let delta = j.pool(u(50), e, Currency::EUR).delta().unwrap();
        (delta, j.epochs[&(u(50), e)].share(&p).unwrap())
    });
    let accrued = crate::settle::accrued_so_far(j.carry(p, Currency::EUR), pools).unwrap();
    let before = j.balance(Currency::EUR, &Account::available(p));
    run(&mut j, 6, &settle(1)).unwrap();
    run(&mut j, 7, &settle(2)).unwrap();
    let credited = before - j.balance(Currency::EUR, &Account::available(p));
    assert_eq!(
        (accrued.whole, accrued.ppt),
        (credited, j.carry(p, Currency::EUR))
    );
}
