//! What happens to a contributor's money after it is credited.

use super::plan::{Change, Plan};
use super::{BookError, Command, Journal, Payout, Stamp, Transfer};
use crate::account::{Account, Label};
use crate::entry::{EntryError, Kind};
use crate::money::Currency;
use crate::reserve::due;
use crate::rules::{self, Paid};
use crate::settle::closing_units;
use uuid::Uuid;

impl Journal {
    pub(super) fn plan_payee(&self, command: &Command, stamp: &Stamp) -> Result<Plan, BookError> {
        match command {
            Command::ReserveRelease { party, currency } => {
                let mut reserves = self.reserves(*party, *currency);
                let minor = reserves.release(stamp.period.number());
                if minor == 0 {
                    return Ok(Plan::nothing());
                }
                let lines = rules::reserve_release(*party, minor)?;
                let change = Change::Reserved((*party, *currency), reserves);
                Ok(Plan::entry(Kind::ReserveRelease, *currency, lines).change(change))
            }
            Command::ReserveHold {
                party,
                credit,
                bps,
                periods,
            } => {
                let currency = credit.currency;
                let minor = due(credit.minor, self.available(*party, currency), *bps);
                if minor == 0 {
                    return Ok(Plan::nothing());
                }
                let mut reserves = self.reserves(*party, currency);
                reserves.hold(stamp.period.number().saturating_add(*periods), minor);
                let lines = rules::reserve_hold(*party, minor)?;
                let change = Change::Reserved((*party, currency), reserves);
                Ok(Plan::entry(Kind::ReserveHold, currency, lines).change(change))
            }
            Command::Payout { .. } => self.plan_payout(command),
            Command::PayoutSettled { payout, bank } => {
                let known = self.known_payout(*payout)?;
                if known.transfer != Transfer::InTransit {
                    return Err(BookError::Over("payout", *payout));
                }
                let lines = rules::payout_settled(bank.clone(), known.paid.net()?)?;
                let change = Change::Moved(*payout, Transfer::Settled(bank.clone()));
                Ok(Plan::entry(Kind::PayoutSettled, known.currency, lines)
                    .link("payout", payout)
                    .change(change))
            }
            Command::PayoutReturned { payout } => {
                let known = self.known_payout(*payout)?;
                let held = match &known.transfer {
                    Transfer::InTransit => Account::PayoutInTransit,
                    Transfer::Settled(bank) => bank.clone(),
                    Transfer::Returned => return Err(BookError::Over("payout", *payout)),
                };
                let lines = rules::payout_returned(&known.paid, held)?;
                let change = Change::Moved(*payout, Transfer::Returned);
                Ok(Plan::entry(Kind::PayoutReturned, known.currency, lines)
                    .link("payout", payout)
                    .change(change))
            }
            Command::CloseContributor { party, currency } => self.plan_closing(*party, *currency),
            _ => unreachable!("only called for a contributor's money"),
        }
    }

    fn known_payout(&self, id: Uuid) -> Result<&Payout, BookError> {
        let known = self.payouts.get(&id);
        known.ok_or(BookError::Unknown("payout", id))
    }

    fn plan_payout(&self, command: &Command) -> Result<Plan, BookError> {
        let Command::Payout {
            payout,
            batch,
            party,
            currency,
            least,
            withholding_bps,
            jurisdiction,
        } = command
        else {
            unreachable!("only called for payouts")
        };
        if self.payouts.contains_key(payout) {
            return Err(BookError::Exists("payout", *payout));
        }
        let (has, least) = (self.available(*party, *currency), (*least).max(1));
        if has < least {
            return Err(BookError::NothingToPay { has, least });
        }
        let paid = Paid {
            party: *party,
            gross: has,
            withheld: rules::withheld(has, *withholding_bps),
            jurisdiction: Label::new(jurisdiction.as_str()).map_err(EntryError::from)?,
        };
        let lines = rules::payout(&paid)?;
        let sent = Payout {
            batch: *batch,
            paid,
            currency: *currency,
            transfer: Transfer::InTransit,
        };
        Ok(Plan::entry(Kind::Payout, *currency, lines)
            .link("batch", batch)
            .link("payout", payout)
            .change(Change::Paid(*payout, Box::new(sent))))
    }

    fn plan_closing(&self, party: Uuid, currency: Currency) -> Result<Plan, BookError> {
        let payee = (party, currency);
        let paid_up = self.paid_up.get(&payee).copied().unwrap_or(0);
        match closing_units(self.carry(party, currency), paid_up) {
            0 => Ok(Plan::nothing()),
            _ => Ok(
                Plan::entry(Kind::AccountClosing, currency, rules::closing(party))
                    .link("party", party)
                    .change(Change::PaidUp(payee)),
            ),
        }
    }
}
