//! Which accounts each kind of entry touches (LEDGER.md §3): + debit, − credit.
//! One entry per payment, whatever the number of contributors.
//!
//! | kind | rule |
//! |---|---|
//! | top_up | [`top_up`] |
//! | purchase, refund | [`purchase`], [`refund`] |
//! | dispute_open, dispute_won, dispute_lost | [`dispute_open`], [`dispute_won`], [`dispute_lost`] |
//! | settlement | [`settlement`] |
//! | reserve_hold, reserve_release, reserve_draw | [`reserve_hold`], [`reserve_release`] (a draw posts like a release) |
//! | claim_release | [`claim_release`] |
//! | payout, payout_settled, payout_returned | [`payout`], [`payout_settled`], [`payout_returned`] |
//! | subscription_charge, subscription_recognise | [`subscription_charge`], [`recognise`] |
//! | provider_fee, provider_payout | [`provider_fee`], [`provider_payout`] |
//! | adjustment | [`Adjustment::approve`] |
//! | account_closing | [`closing`] |
//! | exchange | [`exchange`]: two entries in two books |
//! | points_issue, points_redeem, points_expire | [`points_issue`], [`points_redeem`], [`points_expire`] |
//!
//! All amounts are minor units. [`purchase`], [`refund`] and [`settlement`] take parts that
//! were checked when they were cut; the others check what they are given and answer a
//! [`RuleError`], so that a wrong sign never turns an entry around.

mod adjust;
mod contributor;
mod dispute;
mod exchange;
mod points;
mod provider;
mod subscription;

pub use adjust::{Adjustment, Approved};
pub use contributor::{
    Paid, claim_release, closing, payout, payout_returned, payout_settled, reserve_hold,
    reserve_release, withheld,
};
pub use dispute::{bank_costs, dispute_lost, dispute_open, dispute_won, taken_from_wallet};
pub use exchange::{Rate, exchange};
pub use points::{points_expire, points_issue, points_redeem};
pub use provider::{provider_fee, provider_payout, provider_payout_failed, top_up_refund};
pub use subscription::{Charge, recognise, subscription_charge, subscription_refund};

use crate::account::{Account, Label};
use crate::money::Currency;
use crate::plan::Legs;
use crate::settle::Settlement;
use uuid::Uuid;

/// Lines of an entry; amounts of 0 are left out.
pub type Lines = Vec<(Account, i64)>;

/// Why there are no lines.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// Amounts of a rule are positive; the rule gives the sign.
    #[error("{what} must be at least one minor unit, not {minor}")]
    BadAmount {
        /// Which amount.
        what: &'static str,
        /// What was given.
        minor: i64,
    },
    /// More is withheld than is paid out.
    #[error("{withheld} of {gross} cannot be withheld: at least one minor unit must be paid")]
    Withholding {
        /// Paid out before tax.
        gross: i64,
        /// Tax.
        withheld: i64,
    },
    /// The parts do not make the whole, or leave 64 bits.
    #[error("the parts of {what} sum to {sum}, not to {whole}")]
    Parts {
        /// Of what.
        what: &'static str,
        /// Their sum.
        sum: i128,
        /// What it should be.
        whole: i64,
    },
    /// An adjustment says why.
    #[error("an adjustment needs a reason of 3 to 2000 characters")]
    NoReason,
    /// An adjustment has two approvers.
    #[error("an adjustment needs two different approvers: {0} cannot approve it twice")]
    OneApprover(Uuid),
    /// Some accounts stand for rows of their own.
    #[error("{0} cannot be adjusted: {1}")]
    NotAdjustable(Account, &'static str),
    /// A rate has two positive sides.
    #[error("a rate needs two amounts of at least one minor unit, not {0} and {1}")]
    BadRate(i64, i64),
    /// Both sides of an exchange are money of different currencies.
    #[error("{0} cannot be exchanged for {1}: use two currencies of money")]
    NotExchangeable(Currency, Currency),
}

pub(crate) fn positive(what: &'static str, minor: i64) -> Result<i64, RuleError> {
    match minor > 0 {
        true => Ok(minor),
        false => Err(RuleError::BadAmount { what, minor }),
    }
}

fn reversed(mut lines: Lines) -> Lines {
    for (_, minor) in &mut lines {
        // Every rule posts positive 64-bit amounts with a sign, so none is −2^63.
        *minor = minor.saturating_neg();
    }
    lines
}

/// Who is on which side of a sale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaleAccounts {
    /// Who pays: a wallet, or the payment provider.
    pub payer: Account,
    /// The revision sold.
    pub revision: Uuid,
    /// Its frozen epoch.
    pub epoch: u32,
    /// Where the sales tax is owed.
    pub tax: Label,
    /// Who gets the commission leg, if the terms have one.
    pub owner: Option<Uuid>,
}

/// Money arrives: `from` (PSP or bank) to a wallet.
pub fn top_up(from: Account, wallet: Uuid, minor: i64) -> Lines {
    nonzero([(from, minor), (Account::Wallet(wallet), -minor)])
}

/// A sale: the payer gives the gross, fee, tax, pool and owner get the legs.
///
/// # Panics
/// A commission without an owner, or legs that are no valid split.
pub fn purchase(sale: &SaleAccounts, legs: Legs) -> Lines {
    let gross = legs
        .total()
        .unwrap_or_else(|| panic!("legs are checked by split_sale"));
    let SaleAccounts {
        payer,
        revision,
        epoch,
        tax,
        owner,
    } = sale;
    let mut lines = vec![
        (payer.clone(), gross),
        (Account::PlatformFee, -legs.fee),
        (Account::TaxSales(tax.clone()), -legs.tax),
        (
            Account::Pool {
                revision: *revision,
                epoch: *epoch,
            },
            -legs.net,
        ),
    ];
    match owner {
        Some(owner) => lines.push((Account::available(*owner), -legs.commission)),
        None => assert_eq!(legs.commission, 0, "a commission needs its owner"),
    }
    nonzero(lines)
}

/// A refund: the same accounts as the sale, the other way. `legs` is the part
/// given back ([`crate::refund::take_back`]), also after the epoch is settled.
pub fn refund(sale: &SaleAccounts, legs: Legs) -> Lines {
    reversed(purchase(sale, legs))
}

/// The accounts of a sale without its payer: what a dispute takes from, as debits.
pub fn legs_taken(sale: &SaleAccounts, legs: Legs) -> Lines {
    let payer = &sale.payer;
    let back = refund(sale, legs).into_iter();
    back.filter(|(account, _)| account != payer).collect()
}

/// A settled pool delta: pool to contributors and dust.
pub fn settlement(revision: Uuid, epoch: u32, settled: &Settlement<Uuid>) -> Lines {
    let pool = Account::Pool { revision, epoch };
    let credits = settled
        .lines
        .iter()
        .map(|l| (Account::available(l.contributor), -l.credit));
    let ends = [(pool, settled.delta), (Account::Dust, -settled.dust)];
    nonzero(ends.into_iter().chain(credits))
}

fn nonzero(lines: impl IntoIterator<Item = (Account, i64)>) -> Lines {
    lines.into_iter().filter(|(_, minor)| *minor != 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Expense;
    use crate::epoch::Epoch;
    use crate::money::{BookKind, Money};
    use crate::settle::settle_pool;

    #[test]
    fn every_rule_balances() {
        let u = Uuid::from_u128;
        let sale = SaleAccounts {
            payer: Account::Wallet(u(1)),
            revision: u(2),
            epoch: 1,
            tax: Label::new("DE").unwrap(),
            owner: Some(u(3)),
        };
        let legs = Legs {
            fee: 10,
            tax: 19,
            net: 61,
            commission: 10,
        };
        let lines = purchase(&sale, legs);
        assert_eq!(lines.len(), 5);
        assert_eq!(lines[0], (Account::Wallet(u(1)), 100));
        assert_eq!(lines[4], (Account::available(u(3)), -10));
        let back = refund(&sale, legs);
        for ((a, m), (b, n)) in lines.iter().zip(&back) {
            assert_eq!((a, *m), (b, -n));
        }
        let epoch = Epoch::freeze(&[(u(5), 1), (u(6), 2)].into()).unwrap();
        for delta in [100, -100, 1, -1] {
            let lines = settlement(u(2), 1, &settle_pool(delta, &epoch, |_| 0).unwrap());
            assert_eq!(lines.iter().map(|(_, m)| m).sum::<i64>(), 0);
            assert!(lines.iter().all(|(_, m)| *m != 0));
        }
        assert_eq!(
            top_up(Account::Dust, u(1), 5),
            [(Account::Dust, 5), (Account::Wallet(u(1)), -5)]
        );
    }

    fn sum(lines: &Lines) -> i128 {
        lines.iter().map(|(_, m)| i128::from(*m)).sum()
    }

    fn sale() -> (SaleAccounts, Legs) {
        let u = Uuid::from_u128;
        let sale = SaleAccounts {
            payer: Account::Psp(Label::new("card").unwrap()),
            revision: u(2),
            epoch: 1,
            tax: Label::new("DE").unwrap(),
            owner: Some(u(3)),
        };
        let legs = Legs {
            fee: 10,
            tax: 19,
            net: 61,
            commission: 10,
        };
        (sale, legs)
    }

    #[test]
    fn a_dispute_takes_the_legs_and_gives_them_back() {
        let (accounts, legs) = sale();
        let taken = legs_taken(&accounts, legs);
        assert_eq!(taken.len(), 4);
        let open = dispute_open(taken.clone(), 25).unwrap();
        assert_eq!(open.last(), Some(&(Account::DisputeHold, -125)));
        let pools: Vec<_> = open
            .iter()
            .filter(|(a, _)| matches!(a, Account::Pool { .. }))
            .collect();
        assert_eq!(pools.len(), 1);
        assert_eq!(pools[0].1, 61, "what is above never touches the pool");
        let won = dispute_won(taken, 25).unwrap();
        for ((a, m), (b, n)) in open.iter().zip(&won) {
            assert_eq!((a, *m), (b, -n));
        }
        let lost = dispute_lost(accounts.payer.clone(), 125).unwrap();
        assert_eq!(lost, [(Account::DisputeHold, 125), (accounts.payer, -125)]);
        assert!(dispute_open(Lines::new(), 0).is_err());
        assert!(dispute_open(vec![(Account::Dust, -1)], 5).is_err());
        assert!(dispute_open(vec![(Account::Dust, i64::MAX)], 1).is_err());
        assert!(dispute_lost(Account::Dust, 0).is_err());
    }

    #[test]
    fn a_disputed_top_up_takes_what_the_wallet_holds() {
        let wallet = Uuid::from_u128(1);
        assert_eq!(
            taken_from_wallet(wallet, 70, 100),
            (vec![(Account::Wallet(wallet), 70)], 30)
        );
        assert_eq!(taken_from_wallet(wallet, -5, 100), (vec![], 100));
        let (taken, above) = taken_from_wallet(wallet, 200, 100);
        assert_eq!(sum(&dispute_open(taken, above).unwrap()), 0);
        let costs = bank_costs(Account::Dust, Expense::DisputeFee, 1_500).unwrap();
        assert_eq!(sum(&costs), 0);
        assert_eq!(
            bank_costs(Account::Dust, Expense::DisputeFee, 0),
            Ok(vec![])
        );
        assert!(bank_costs(Account::Dust, Expense::PspFee, -1).is_err());
    }

    #[test]
    fn payouts_settle_or_return() {
        let paid = Paid {
            party: Uuid::from_u128(3),
            gross: 1_999,
            withheld: withheld(1_999, 1_500),
            jurisdiction: Label::new("DE").unwrap(),
        };
        assert_eq!(paid.net(), Ok(1_700));
        let out = payout(&paid).unwrap();
        assert_eq!(out.len(), 3);
        assert_eq!(sum(&out), 0);
        let bank = Account::Bank(Label::new("main").unwrap());
        let settled = payout_settled(bank.clone(), 1_700).unwrap();
        assert_eq!(
            settled,
            [(Account::PayoutInTransit, 1_700), (bank.clone(), -1_700)]
        );
        for held in [Account::PayoutInTransit, bank] {
            let back = payout_returned(&paid, held.clone()).unwrap();
            assert_eq!(back[0], (Account::available(paid.party), -1_999));
            assert_eq!(back[2], (held, 1_700));
            assert_eq!(sum(&back), 0);
        }
        for (gross, withheld) in [(0, 0), (5, 5), (5, -1), (-5, 0)] {
            let paid = Paid {
                gross,
                withheld,
                ..paid.clone()
            };
            assert!(payout(&paid).is_err());
        }
        assert_eq!(withheld(i64::MAX, 20_000), i64::MAX);
        assert_eq!(withheld(9, 1_000), 0);
    }

    #[test]
    fn reserves_and_closing() {
        let party = Uuid::from_u128(3);
        let held = reserve_hold(party, 5).unwrap();
        assert_eq!(
            held,
            [
                (Account::available(party), 5),
                (Account::reserve(party), -5)
            ]
        );
        assert_eq!(reserve_release(party, 5), Ok(reversed(held)));
        assert!(reserve_hold(party, 0).is_err());
        assert_eq!(sum(&closing(party)), 0);
        use crate::settle::closing_units;
        assert_eq!(
            [(0, 0), (1, 0), (1, 1), (0, 1)].map(|(r, p)| closing_units(r, p)),
            [0, 1, 0, 0]
        );
    }

    #[test]
    fn subscriptions_are_deferred_first() {
        let u = Uuid::from_u128;
        let charge = Charge {
            payer: Account::Wallet(u(1)),
            subscription: u(2),
            tax: Label::new("DE").unwrap(),
        };
        let legs = Legs {
            commission: 0,
            net: 71,
            ..sale().1
        };
        let lines = subscription_charge(&charge, legs).unwrap();
        assert_eq!(lines[3], (Account::Deferred(u(2)), -71));
        assert_eq!(sum(&lines), 0);
        assert_eq!(subscription_refund(&charge, legs), Ok(reversed(lines)));
        assert!(subscription_charge(&charge, sale().1).is_err());
        assert!(subscription_charge(&charge, Legs::default()).is_err());
        let day = recognise(u(2), 7, &[(u(5), 1, 3), (u(6), 2, 4), (u(7), 1, 0)]).unwrap();
        assert_eq!((day.len(), sum(&day)), (3, 0));
        assert!(recognise(u(2), 7, &[(u(5), 1, 3)]).is_err());
        assert!(recognise(u(2), 7, &[(u(5), 1, 8), (u(6), 1, -1)]).is_err());
        assert!(recognise(u(2), 0, &[]).is_err());
    }

    #[test]
    fn points_and_currencies_stay_apart() {
        let u = Uuid::from_u128(4);
        for lines in [points_issue(u, 5), points_redeem(u, 5), points_expire(u, 5)] {
            let lines = lines.unwrap();
            assert_eq!(sum(&lines), 0);
            assert!(lines.iter().all(|(a, _)| a.kind() == BookKind::Points));
        }
        assert!(points_issue(u, 0).is_err());
        let money = |minor, currency| Money { minor, currency };
        let (eur, jpy) = (money(1_999, Currency::EUR), money(3_258, Currency::JPY));
        let (out, into) = exchange(Account::Wallet(u), u, eur, jpy).unwrap();
        assert_eq!(
            out,
            [(Account::Wallet(u), 1_999), (Account::Node(u), -1_999)]
        );
        assert_eq!(
            into,
            [(Account::Node(u), 3_258), (Account::Wallet(u), -3_258)]
        );
        for (give, get) in [
            (eur, money(5, Currency::EUR)),
            (eur, money(5, Currency::PTS)),
            (eur, money(0, Currency::JPY)),
        ] {
            assert!(exchange(Account::Wallet(u), u, give, get).is_err());
        }
        let rate = |give, get| Rate { give, get };
        assert_eq!(rate(3, 1).convert(10), Ok(3));
        assert!(rate(3, 1).convert(2).is_err(), "nothing for something");
        assert!(rate(0, 1).convert(2).is_err());
        assert!(rate(1, 2).convert(i64::MAX).is_err());
    }

    #[test]
    fn adjustments_need_a_reason_and_two_people() {
        let u = Uuid::from_u128;
        let pool = Account::Pool {
            revision: u(2),
            epoch: 1,
        };
        let sound = Adjustment {
            lines: vec![(Account::PlatformFee, 7), (pool, -7)],
            reason: "fee booked twice".into(),
            approvers: [u(1), u(2)],
            corrects: u(9),
        };
        let approved = sound.clone().approve().unwrap();
        assert_eq!(approved.pools().collect::<Vec<_>>(), [(u(2), 1, 7)]);
        let with = |change: fn(&mut Adjustment)| {
            let mut other = sound.clone();
            change(&mut other);
            other.approve().unwrap_err()
        };
        assert_eq!(with(|a| a.reason = " x ".into()), RuleError::NoReason);
        assert_eq!(
            with(|a| a.approvers[1] = a.approvers[0]),
            RuleError::OneApprover(u(1))
        );
        assert!(matches!(
            with(|a| a.lines[0].1 = 8),
            RuleError::Parts { sum: 1, .. }
        ));
        assert!(matches!(with(|a| a.lines.clear()), RuleError::Parts { .. }));
        assert!(matches!(
            with(|a| a.lines[0].1 = i64::MIN),
            RuleError::BadAmount { .. }
        ));
        for account in [
            Account::Dust,
            Account::DisputeHold,
            Account::PayoutInTransit,
            Account::reserve(u(1)),
            Account::Deferred(u(1)),
            Account::Points(crate::account::Points::Issued),
        ] {
            let mut other = sound.clone();
            other.lines[0].0 = account;
            assert!(matches!(other.approve(), Err(RuleError::NotAdjustable(..))));
        }
    }
}
