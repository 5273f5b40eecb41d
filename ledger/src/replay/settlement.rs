//! The end of a period: pools into contributors, then reserves and payouts.

use super::output::{LineOut, PeriodOut, Row};
use super::{Holder, HolderKey, State, holder_account, pool_account};
use crate::plan::BPS;
use crate::settle::credit_wide;
use std::collections::{BTreeMap, BTreeSet};

type Lines = BTreeMap<HolderKey, Vec<LineOut>>;

impl State<'_> {
    /// Settles moved pools, then every contributor with lines, balance or reserve.
    pub(super) fn settle(&mut self, index: u64, period: &str) {
        let mut lines = self.settle_pools();
        let idle = |h: &Holder| h.available == 0 && h.reserves.is_empty();
        let mut keys: BTreeSet<HolderKey> = lines.keys().cloned().collect();
        keys.extend(
            self.holders
                .iter()
                .filter(|(_, h)| !idle(h))
                .map(|(k, _)| k.clone()),
        );
        let mut result: BTreeMap<String, PeriodOut> = BTreeMap::new();
        for key in keys {
            let row = self.settle_holder(index, &key, lines.remove(&key).unwrap_or_default());
            let (contributor, currency) = key;
            let dust = self.dust.get(&currency).copied().unwrap_or(0);
            let out = result
                .entry(currency)
                .or_insert_with(|| PeriodOut::with_dust(dust));
            out.contributors.insert(contributor, row);
        }
        self.periods.insert(period.to_string(), result);
    }

    /// Pool deltas in (revision, epoch, currency) order; returns the lines made.
    fn settle_pools(&mut self) -> Lines {
        let mut lines = Lines::new();
        let mut entries = Vec::new();
        for ((revision, epoch, currency), pool) in &mut self.pools {
            let delta = pool.cumulative - pool.settled;
            let frozen = self
                .epochs
                .get(&(revision.clone(), *epoch))
                .and_then(Option::as_ref);
            let Some(frozen) = frozen.filter(|_| delta != 0) else {
                continue;
            };
            let mut credited = 0;
            let mut postings = vec![(pool_account(revision, *epoch), delta)];
            for (contributor, share) in frozen.shares() {
                let key = (contributor.clone(), currency.clone());
                let holder = self.holders.entry(key.clone()).or_default();
                let (amount, carry) = credit_wide(holder.carry, delta, *share);
                holder.carry = carry;
                credited += amount;
                postings.push((holder_account(contributor, "Available"), -amount));
                lines.entry(key).or_default().push(LineOut {
                    revision: revision.clone(),
                    epoch: *epoch,
                    pool_delta: delta,
                    share_ppt: *share,
                    amount,
                    carry_after_ppt: carry,
                });
            }
            pool.settled = pool.cumulative;
            *self.dust.entry(currency.clone()).or_default() += delta - credited;
            postings.push(("Liabilities:Dust".into(), credited - delta));
            entries.push((currency.clone(), postings));
        }
        for (currency, postings) in entries {
            let postings: Vec<_> = postings.iter().map(|(a, n)| (a.as_str(), *n)).collect();
            self.post(&currency, &postings);
        }
        lines
    }

    /// Credit, release, hold, draw, pay, withhold: one contributor, one currency.
    fn settle_holder(&mut self, index: u64, key: &HolderKey, lines: Vec<LineOut>) -> Row {
        let (contributor, currency) = key;
        let terms = self.scenario;
        let minimum = terms.min_payout.get(currency).copied().unwrap_or(1);
        let withholding = terms.withholding_bps.get(contributor).copied().unwrap_or(0);
        let holder = self.holders.entry(key.clone()).or_default();
        let mut row = Row {
            opening: holder.available,
            ..Row::default()
        };

        row.credit = lines.iter().map(|line| line.amount).sum();
        row.lines = lines;
        holder.credited += row.credit;
        holder.available += row.credit;

        row.reserve_released = release(holder, index);
        let due = row.credit.max(0) * i128::from(terms.reserve_bps) / BPS;
        row.reserve_held = due.min(holder.available.max(0));
        if row.reserve_held > 0 {
            holder.available -= row.reserve_held;
            let until = index + u64::from(terms.reserve_periods);
            holder.reserves.push((until, row.reserve_held));
        }
        row.reserve_drawn = draw(holder);

        if holder.available > 0 && holder.available >= i128::from(minimum) {
            row.payout_gross = std::mem::take(&mut holder.available);
            row.withheld = row.payout_gross * i128::from(withholding) / BPS;
            row.payout_net = row.payout_gross - row.withheld;
        }
        row.closing = holder.available;
        row.reserve_closing = holder.reserve();
        row.carry_ppt = holder.carry;
        row.check();
        self.post_row(key, &row);
        row
    }

    fn post_row(&mut self, (contributor, currency): &HolderKey, row: &Row) {
        let available = holder_account(contributor, "Available");
        let reserve = holder_account(contributor, "Reserve");
        let to_reserve = row.reserve_held - row.reserve_released - row.reserve_drawn;
        self.post(
            currency,
            &[(&available, to_reserve), (&reserve, -to_reserve)],
        );
        self.post(
            currency,
            &[
                (&available, row.payout_gross),
                ("Liabilities:Tax:Withheld", -row.withheld),
                ("Liabilities:PayoutInTransit", -row.payout_net),
            ],
        );
    }
}

/// Reserves that are due go back to available.
fn release(holder: &mut Holder, index: u64) -> i128 {
    let mut released = 0;
    holder.reserves.retain(|(until, amount)| {
        let due = *until <= index;
        released += if due { *amount } else { 0 };
        !due
    });
    holder.available += released;
    released
}

/// Reserves cover a negative balance, oldest first.
fn draw(holder: &mut Holder) -> i128 {
    let mut drawn = 0;
    for (_, amount) in &mut holder.reserves {
        let need = (-holder.available).max(0).min(*amount);
        *amount -= need;
        holder.available += need;
        drawn += need;
    }
    holder.reserves.retain(|(_, amount)| *amount > 0);
    drawn
}
