//! Proposing a run of payouts: who would get what, and who is held back and why.

use std::collections::{HashMap, HashSet};

use chrono::{Datelike, Days, NaiveDate, Weekday};
use ledger::account::{Account, Sub};
use ledger::money::Currency;
use ledger::rules;
use schema::columns::Key;
use schema::db::Db;
use schema::wire::{NewPayouts, PayoutBatchView};

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::flows::{payout_method, payouts};
use crate::store::payout_methods::{self, MethodRow};
use crate::store::payouts::{self as store, BatchRow, HoldRow, PayoutRow, run as runs, state};
use crate::store::{claims, journal, payouts::failed_methods};

/// Latest day that can be asked for.
const MOST_DAYS: u64 = 60;

/// Why a payee is held back.
pub mod reason {
    /// The balance is below zero: it carries forward.
    pub const NEGATIVE: &str = "negative_balance";
    /// An operator holds the payee's payouts.
    pub const ON_HOLD: &str = "on_hold";
    /// Less than what is paid out at least.
    pub const BELOW_MINIMUM: &str = "below_minimum";
    /// No account to pay to.
    pub const NO_METHOD: &str = "no_payout_method";
    /// The account is new.
    pub const METHOD_WAITS: &str = "payout_method_waits";
    /// The last transfer to the account came back.
    pub const METHOD_FAILED: &str = "payout_method_failed";
    /// After tax nothing is left.
    pub const NOTHING_LEFT: &str = "nothing_left";
}

/// Proposes payouts of every balance; a proposal that still waits is replaced. With `dry_run`
/// nothing is kept. Operators only.
///
/// # Errors
/// `not_found` for others, `invalid` for a day that is past or far off.
pub async fn run(ctx: &Ctx, who: &Actor, new: NewPayouts) -> Result<PayoutBatchView, Fault> {
    rights::node(who).pay_out()?;
    let today = ctx.now().date_naive();
    let execute_on = match new.execute_on {
        Some(day) => checked_day(day, today)?,
        None => next_working_day(today),
    };
    let batch = BatchRow {
        id: Key(ctx.id()),
        state: runs::PROPOSED.to_owned(),
        execute_on: execute_on.to_string(),
        proposed_by: Key(who.party),
        proposed_at: ctx.now().into(),
        approved_by: None,
        approved_at: None,
        period: None,
        file: None,
        file_digest: None,
    };
    let own = ctx.clone();
    ctx.write(move |db| {
        let lines = Proposal::read(&own, db)?.lines(&own, db, batch.id)?;
        if !new.dry_run {
            store::propose(db, &batch, &lines)?;
        }
        let mut view = payouts::view(db, &batch, lines)?;
        if new.dry_run {
            view.id = None;
            "dry_run".clone_into(&mut view.state);
        }
        Ok(view)
    })
    .await
}

fn checked_day(day: NaiveDate, today: NaiveDate) -> Result<NaiveDate, Fault> {
    let last = today.checked_add_days(Days::new(MOST_DAYS));
    if day < today || last.is_some_and(|last| day > last) {
        return Err(Fault::invalid(
            "execute_on",
            format!("The bank pays on a day from today ({today}) to {MOST_DAYS} days from now."),
        ));
    }
    Ok(day)
}

/// Banks work from Monday to Friday; they move holidays themselves.
fn next_working_day(today: NaiveDate) -> NaiveDate {
    let next = |day: &NaiveDate| day.succ_opt();
    std::iter::successors(today.succ_opt(), next)
        .find(|day| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun))
        .unwrap_or(today)
}

/// What decides about every payee.
pub(super) struct Proposal {
    methods: HashMap<Key, MethodRow>,
    failed: HashSet<Key>,
    holds: HashMap<Key, HoldRow>,
}

impl Proposal {
    /// Reads it.
    pub(super) fn read(_ctx: &Ctx, db: &mut Db) -> Result<Self, Fault> {
        Ok(Self {
            methods: payout_methods::all_current(db)?,
            failed: failed_methods(db)?,
            holds: store::holds(db)?,
        })
    }

    fn lines(&self, ctx: &Ctx, db: &mut Db, batch: Key) -> Result<Vec<PayoutRow>, Fault> {
        let mut lines = Vec::new();
        let suspense = claims::suspense(db)?;
        for account in journal::balances_under(db, "Liabilities:Contributor:")? {
            let Ok(Account::Contributor {
                party,
                sub: Sub::Available,
            }) = account.name.parse()
            else {
                continue;
            };
            // Nobody's, until a claim is decided; it has no account of a bank either.
            if suspense.contains(&party) {
                continue;
            }
            let currency: Currency = account.book.parse().map_err(Fault::internal)?;
            let balance = account.balance.saturating_neg();
            lines.push(self.line(ctx, batch, Key(party), currency, balance));
        }
        lines.sort_by(|a, b| (&a.currency, a.party_id).cmp(&(&b.currency, b.party_id)));
        Ok(lines)
    }

    fn line(
        &self,
        ctx: &Ctx,
        batch: Key,
        party: Key,
        currency: Currency,
        balance: i64,
    ) -> PayoutRow {
        let method = self.methods.get(&party);
        let country = method
            .map(|method| method.country.as_str())
            .unwrap_or_default();
        let withheld = rules::withheld(balance.max(0), ctx.config.payouts.withheld_bps(country));
        let held = self.held(ctx, party, currency, balance, withheld);
        let (gross, withheld) = match held {
            None => (balance, withheld),
            Some(_) => (0, 0),
        };
        PayoutRow {
            id: Key(ctx.id()),
            batch_id: batch,
            party_id: party,
            currency: currency.code().to_owned(),
            balance,
            gross,
            withheld,
            net: gross - withheld,
            jurisdiction: country.to_owned(),
            method_id: method.map(|method| method.id),
            state: match held {
                None => state::PROPOSED.to_owned(),
                Some(_) => state::HELD.to_owned(),
            },
            reason: held.unwrap_or_default().to_owned(),
            block: String::new(),
            period: None,
            entry_seq: 0,
            settled_seq: 0,
            returned_seq: 0,
            returned_period: None,
            bank_status: String::new(),
            bank_reason: String::new(),
            changed_at: ctx.now().into(),
        }
    }

    /// Why a payee is not paid, the first reason that holds.
    fn held(
        &self,
        ctx: &Ctx,
        party: Key,
        currency: Currency,
        balance: i64,
        withheld: i64,
    ) -> Option<&'static str> {
        if balance < 0 {
            return Some(reason::NEGATIVE);
        }
        if self.holds.contains_key(&party) {
            return Some(reason::ON_HOLD);
        }
        if balance < ctx.config.payouts.minimum(currency) {
            return Some(reason::BELOW_MINIMUM);
        }
        let Some(method) = self.methods.get(&party) else {
            return Some(reason::NO_METHOD);
        };
        if self.failed.contains(&method.id) {
            return Some(reason::METHOD_FAILED);
        }
        if payout_method::usable_from(ctx, method) > ctx.now() {
            return Some(reason::METHOD_WAITS);
        }
        (balance <= withheld).then_some(reason::NOTHING_LEFT)
    }

    /// The account a proposed line is paid to, if nothing has changed since the proposal.
    pub(super) fn still(&self, ctx: &Ctx, line: &PayoutRow) -> Result<&MethodRow, Fault> {
        let currency: Currency = line.currency.parse().map_err(Fault::internal)?;
        let held = self.held(ctx, line.party_id, currency, line.gross, line.withheld);
        let method = self.methods.get(&line.party_id);
        match method.filter(|method| Some(method.id) == line.method_id && held.is_none()) {
            Some(method) => Ok(method),
            None => Err(Fault::conflict(
                "payouts_changed",
                format!(
                    "Since the proposal something has changed for party {}: {}. Nothing was \
                     booked; propose the payouts again.",
                    line.party_id.0,
                    held.unwrap_or("another payout account")
                ),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn banks_pay_on_working_days_that_come() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert_eq!(next_working_day(day("2026-03-02")), day("2026-03-03"));
        assert_eq!(next_working_day(day("2026-03-06")), day("2026-03-09"));
        assert_eq!(next_working_day(day("2026-03-07")), day("2026-03-09"));
        let today = day("2026-03-02");
        assert!(checked_day(today, today).is_ok());
        assert!(checked_day(day("2026-05-01"), today).is_ok());
        assert!(checked_day(day("2026-05-02"), today).is_err());
        assert!(checked_day(day("2026-03-01"), today).is_err());
    }
}
