//! The second implementation: what everybody is owed, from acknowledged commands alone.
//!
//! It knows nothing of residues, running legs or chains. A leg of what was given back is
//! found by giving units away one by one, a credit is the exact entitlement rounded down.

use super::world::{Acknowledged, CONTRIBUTORS, EUR, REVISION, u};
use crate::account::{Account, Label};
use crate::book::{Command, Journal};
use crate::entry::Kind;
use crate::epoch::{D, Epoch};
use std::collections::BTreeMap;
use uuid::Uuid;

#[derive(Default)]
struct Sale {
    buyer: Uuid,
    epoch: u32,
    /// fee, tax, net, commission
    legs: [i64; 4],
    refunded: i64,
}

/// What the acknowledged commands add up to.
#[derive(Default)]
pub(super) struct Auditor<'a> {
    epochs: BTreeMap<u32, &'a Epoch<Uuid>>,
    wallets: BTreeMap<Uuid, i64>,
    sales: BTreeMap<Uuid, Sale>,
    disputes: BTreeMap<Uuid, (Uuid, i64)>,
    verdicts: Vec<(Uuid, bool)>,
    psp: i64,
    commands: usize,
}

impl<'a> Auditor<'a> {
    pub(super) fn of(told: &[Acknowledged], epochs: &'a BTreeMap<u32, Epoch<Uuid>>) -> Auditor<'a> {
        let mut auditor = Auditor {
            epochs: epochs.iter().map(|(n, e)| (*n, e)).collect(),
            ..Auditor::default()
        };
        // Parents first: answers may come back in any order.
        for one in told {
            auditor.hear(&one.command);
        }
        for one in told {
            auditor.hear_child(&one.command);
        }
        auditor.commands = told.len();
        auditor
    }

    fn hear(&mut self, command: &Command) {
        match command {
            Command::TopUp { party, amount, .. } => {
                *self.wallets.entry(*party).or_default() += amount.minor;
                self.psp += amount.minor;
            }
            Command::Purchase {
                order,
                buyer,
                epoch,
                price,
                plan,
                ..
            } => {
                let bps = |of: i64, bps: u32| of * i64::from(bps) / 10_000;
                // Without the tax: the least amount that with its tax reaches the price.
                let without = {
                    let whole = 10_000 + i64::from(plan.tax_bps);
                    (price.minor * 10_000 + whole - 1) / whole
                };
                let (fee, tax) = (bps(price.minor, plan.fee_bps), price.minor - without);
                let left = price.minor - fee - tax;
                let commission = plan.commission.map_or(0, |c| bps(left, c.bps));
                *self.wallets.entry(*buyer).or_default() -= price.minor;
                let sale = Sale {
                    buyer: *buyer,
                    epoch: *epoch,
                    legs: [fee, tax, left - commission, commission],
                    ..Sale::default()
                };
                self.sales.insert(*order, sale);
            }
            _ => {}
        }
    }

    fn hear_child(&mut self, command: &Command) {
        match command {
            Command::Refund { order, amount } => {
                if let Some(sale) = self.sales.get_mut(order) {
                    sale.refunded += amount;
                    *self.wallets.entry(sale.buyer).or_default() += amount;
                }
            }
            Command::DisputeOpen {
                dispute,
                order,
                amount,
            } => {
                self.disputes.insert(*dispute, (*order, *amount));
            }
            Command::DisputeWon { dispute } => self.verdicts.push((*dispute, true)),
            Command::DisputeLost { dispute, .. } => {
                self.verdicts.push((*dispute, false));
            }
            _ => {}
        }
    }

    /// Holds a journal against it.
    pub(super) fn compare(&self, journal: &Journal) -> Result<(), String> {
        let made = journal.entries().len();
        if made != self.commands {
            return Err(format!("{} commands, {made} entries", self.commands));
        }
        for (party, minor) in &self.wallets {
            same(
                "wallet",
                journal.balance(EUR, &Account::Wallet(*party)),
                -minor,
            )?;
        }
        let mut total = [0i64; 4];
        let mut nets: BTreeMap<u32, i64> = BTreeMap::new();
        for (id, sale) in &self.sales {
            let order = journal.order(*id).ok_or("an acknowledged order is gone")?;
            let disputed = self.disputed(*id, journal)?;
            same("given back", order.refunded, sale.refunded + disputed)?;
            let back = by_hand(sale.refunded + disputed, sale.legs);
            for (place, leg) in total.iter_mut().enumerate() {
                *leg += sale.legs[place] - back[place];
            }
            *nets.entry(sale.epoch).or_default() += sale.legs[2] - back[2];
        }
        let tax = Label::new("DE").map_err(|error| error.to_string())?;
        same(
            "fees",
            journal.balance(EUR, &Account::PlatformFee),
            -total[0],
        )?;
        same(
            "taxes",
            journal.balance(EUR, &Account::TaxSales(tax)),
            -total[1],
        )?;
        self.on_hold(journal)?;
        for (epoch, net) in &nets {
            let pool = journal.pool(u(REVISION), *epoch, EUR);
            same("pool", pool.cumulative, *net)?;
        }
        for party in CONTRIBUTORS.map(u) {
            self.owed(journal, party, total[3])?;
        }
        Ok(())
    }

    /// What disputes of an order that are open or lost took of it.
    fn disputed(&self, order: Uuid, journal: &Journal) -> Result<i64, String> {
        let mut sum = 0;
        for (id, (of, amount)) in self.disputes.iter().filter(|(_, (of, _))| *of == order) {
            let known = journal
                .dispute(*id)
                .ok_or("an acknowledged dispute is gone")?;
            same("dispute", known.amount, *amount)?;
            same(
                "parts of a dispute",
                known.taken.within + known.taken.above,
                *amount,
            )?;
            if known.order != *of {
                return Err("a dispute about another order".into());
            }
            let won = self.verdicts.contains(&(*id, true));
            sum += if won { 0 } else { known.taken.within };
        }
        Ok(sum)
    }

    fn on_hold(&self, journal: &Journal) -> Result<(), String> {
        let (mut held, mut lost) = (0, 0);
        for (id, (_, amount)) in &self.disputes {
            match self.verdicts.iter().find(|(of, _)| of == id) {
                None => held += amount,
                Some((_, false)) => lost += amount,
                Some(_) => {}
            }
        }
        same(
            "on hold",
            journal.balance(EUR, &Account::DisputeHold),
            -held,
        )?;
        let psp = Account::Psp(Label::new("test").map_err(|error| error.to_string())?);
        same("provider", journal.balance(EUR, &psp), self.psp - lost)
    }

    /// A contributor's balance is their entitlement rounded down, and commissions for the
    /// owner, less what was paid out.
    fn owed(&self, journal: &Journal, party: Uuid, commissions: i64) -> Result<(), String> {
        let mut exact = 0i128;
        for (number, epoch) in &self.epochs {
            let pool = journal.pool(u(REVISION), *number, EUR);
            let share = epoch.share(&party).unwrap_or(0);
            exact += i128::from(pool.settled) * i128::from(share);
        }
        let credited = exact.div_euclid(i128::from(D));
        let rest = exact.rem_euclid(i128::from(D));
        let carried = i128::from(journal.carry(party, EUR));
        if rest != carried {
            return Err(format!("{party} carries {carried}, owed {rest}"));
        }
        let own = if party == u(CONTRIBUTORS.start) {
            commissions
        } else {
            0
        };
        let held = journal.reserves(party, EUR).total();
        let booked = journal.available(party, EUR) + held + paid_out(journal, party);
        if i128::from(booked) != credited + i128::from(own) {
            return Err(format!(
                "{party} has {booked} with what was paid, is owed {credited} and {own}"
            ));
        }
        match journal.available(party, EUR) < 0 && held > 0 {
            true => Err(format!("{party} owes beside a reserve")),
            false => Ok(()),
        }
    }
}

/// Payouts of a party less what came back, read from the entries.
fn paid_out(journal: &Journal, party: Uuid) -> i64 {
    let account = Account::available(party);
    let entries = journal.entries().iter();
    entries
        .filter(|e| matches!(e.entry.kind, Kind::Payout | Kind::PayoutReturned))
        .flat_map(|e| &e.entry.postings)
        .filter(|posting| posting.account == account)
        .map(|posting| posting.amount.minor)
        .sum()
}

/// One unit after the other to the leg with the largest `w/(2a+1)`, ties to the first.
fn by_hand(total: i64, legs: [i64; 4]) -> [i64; 4] {
    let mut given = [0i64; 4];
    for _ in 0..total {
        let mut best = 0;
        for i in 1..4 {
            if legs[i] * (2 * given[best] + 1) > legs[best] * (2 * given[i] + 1) {
                best = i;
            }
        }
        given[best] += 1;
    }
    given
}

fn same(what: &str, found: i64, wanted: i64) -> Result<(), String> {
    match found == wanted {
        true => Ok(()),
        false => Err(format!(
            "{what}: {found} in the journal, {wanted} by the commands"
        )),
    }
}
