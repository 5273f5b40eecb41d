//! Which accounts each kind of entry touches (LEDGER.md §3): + debit, − credit.
//! One entry per payment, whatever the number of contributors.

use crate::account::{Account, Label};
use crate::plan::Legs;
use crate::settle::Settlement;
use uuid::Uuid;

/// Lines of an entry; amounts of 0 are left out.
pub type Lines = Vec<(Account, i64)>;

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
    let mut lines = purchase(sale, legs);
    for (_, minor) in &mut lines {
        *minor = -*minor;
    }
    lines
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
    use crate::epoch::Epoch;
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
}
