//! Invariants of pools, epochs and residues: I5–I10.

use super::{Audit, CarryRow, EpochRow, PoolRow, ShareRow};
use crate::account::Account;
use crate::epoch::{D, digest};
use std::collections::BTreeMap;

impl Audit {
    /// One pool. I6: its account holds settled − cumulative.
    ///
    /// # Panics
    /// After the first [`Audit::epoch`]: I9 needs the pools first.
    pub fn pool(&mut self, row: &PoolRow) {
        assert!(!self.epochs_began, "push all pools before the first epoch");
        let account = Account::Pool {
            revision: row.revision,
            epoch: row.epoch,
        };
        let booked = self.balance(&account, &row.currency);
        let expected = i128::from(row.settled) - i128::from(row.cumulative);
        if booked != expected {
            let message = format!("its account holds {booked}, settled − cumulative is {expected}");
            let name = format!("pool {}/{}/{}", row.revision, row.epoch, row.currency);
            self.find("I6", name, message);
        }
        *self.settled.entry(row.currency.clone()).or_default() += i128::from(row.settled);
        let pools = self.pools.entry((row.revision, row.epoch)).or_default();
        pools.push((row.currency.clone(), row.settled));
    }

    /// Sum of the postings to an account over the books of one currency.
    fn balance(&self, account: &Account, currency: &str) -> i128 {
        let name = account.to_string();
        let books = self.books.get(currency).into_iter().flatten();
        books
            .filter_map(|b| self.sums.get(&(b.clone(), name.clone())))
            .sum()
    }

    /// One epoch with its shares by party. I5: they sum to D and hash to the digest.
    pub fn epoch(&mut self, row: &EpochRow, shares: &[ShareRow]) {
        self.epochs_began = true;
        let name = format!("epoch {}/{}", row.revision, row.epoch);
        let sum: i128 = shares.iter().map(|s| i128::from(s.share)).sum();
        if sum != i128::from(D) {
            self.find("I5", &name, format!("its shares sum to {sum}, not {D}"));
        }
        if shares.iter().any(|s| s.share < 0) || shares.windows(2).any(|p| p[0].party >= p[1].party)
        {
            self.find(
                "I5",
                &name,
                "its shares are negative, doubled or out of order",
            );
        }
        let hashed = digest(shares.iter().map(|s| (s.party, s.share)));
        if hashed.0.as_slice() != row.digest.as_slice() {
            self.find(
                "I5",
                &name,
                format!("its shares hash to {hashed}, not to its digest"),
            );
        }
        for (currency, settled) in self
            .pools
            .remove(&(row.revision, row.epoch))
            .unwrap_or_default()
        {
            for share in shares {
                let key = (share.party, currency.clone());
                *self.entitled.entry(key).or_default() +=
                    i128::from(settled) * i128::from(share.share);
            }
        }
    }

    /// One residue. I7: within 0 to D.
    pub fn carry(&mut self, row: &CarryRow) {
        let name = format!("carry {}/{}", row.party, row.currency);
        if !(0..D).contains(&row.residue) {
            self.find(
                "I7",
                &name,
                format!("its residue {} is outside 0 to {D}", row.residue),
            );
        }
        self.carries
            .insert((row.party, row.currency.clone()), row.residue);
    }

    pub(super) fn finish_shares(&mut self) {
        for ((revision, epoch), pools) in std::mem::take(&mut self.pools) {
            if pools.iter().any(|(_, settled)| *settled != 0) {
                let name = format!("epoch {revision}/{epoch}");
                self.find("I5", name, "its pools are settled, but it has no shares");
            }
        }
        self.entitlements();
        let mut residues: BTreeMap<String, (i128, i128)> = BTreeMap::new();
        for ((_, currency), residue) in &self.carries {
            let (sum, count) = residues.entry(currency.clone()).or_default();
            (*sum, *count) = (*sum + i128::from(*residue), *count + 1);
        }
        let mut credited: BTreeMap<String, i128> = BTreeMap::new();
        for ((_, currency), amount) in &self.credited {
            *credited.entry(currency.clone()).or_default() += amount;
        }
        let mut currencies: Vec<String> = self
            .settled
            .keys()
            .chain(residues.keys())
            .cloned()
            .collect();
        currencies.sort();
        currencies.dedup();
        for currency in currencies {
            let dust = -self.balance(&Account::Dust, &currency);
            let (sum, count) = residues.get(&currency).copied().unwrap_or_default();
            let name = format!("account Liabilities:Dust in {currency}");
            if dust.checked_mul(i128::from(D)) != Some(sum) {
                self.find(
                    "I8",
                    &name,
                    format!("dust is {dust}, the residues sum to {sum}/{D}"),
                );
            }
            if dust < 0 || dust >= count.max(1) {
                self.find(
                    "I8",
                    &name,
                    format!("dust is {dust} with {count} contributors"),
                );
            }
            let paid = credited.get(&currency).copied().unwrap_or(0) + dust;
            let settled = self.settled.get(&currency).copied().unwrap_or(0);
            if paid != settled {
                let message = format!("credited and dust are {paid}, the pools settled {settled}");
                self.find("I10", format!("currency {currency}"), message);
            }
        }
    }

    /// I9: 0 ≤ entitlement − credited < 1 unit, and the rest is the residue.
    fn entitlements(&mut self) {
        let mut keys: Vec<_> = self
            .entitled
            .keys()
            .chain(self.credited.keys())
            .cloned()
            .collect();
        keys.extend(self.carries.keys().cloned());
        keys.sort();
        keys.dedup();
        for key in keys {
            let entitled = self.entitled.get(&key).copied().unwrap_or(0);
            let credited = self.credited.get(&key).copied().unwrap_or(0);
            let residue = self.carries.get(&key).copied().unwrap_or(0);
            let name = format!("contributor {} in {}", key.0, key.1);
            let Some(rest) = credited
                .checked_mul(i128::from(D))
                .and_then(|c| entitled.checked_sub(c))
            else {
                self.find("I19", name, format!("credited {credited}: beyond 64 bits"));
                continue;
            };
            if !(0..i128::from(D)).contains(&rest) {
                let message = format!("entitled to {entitled}/{D}, credited {credited}");
                self.find("I9", name, message);
            } else if rest != i128::from(residue) {
                let message =
                    format!("entitlement − credited is {rest}/{D}, its residue says {residue}");
                self.find("I9", name, message);
            }
        }
    }
}
