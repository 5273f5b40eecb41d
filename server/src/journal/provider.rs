//! What a payment provider reports, turned into entries.
//!
//! Messages come late, twice and in any order, so no command says "add this": each says how
//! something stands, a total or a status, and only what is missing of it is booked. Two messages
//! about the same total therefore have one effect, whichever comes first, also when two jobs work
//! on them at once: they meet here, in the one writer.
//!
//! | report | debit | credit |
//! |---|---|---|
//! | [`ProviderReport::Fill`] | PSP | Wallet |
//! | [`ProviderReport::GivenBack`] | the legs of the order, or Wallet | PSP |
//! | [`ProviderReport::Returned`] | PSP | Wallet |
//! | [`ProviderReport::Fee`] | Expenses:PSPFee or DisputeFee | PSP |
//! | [`ProviderReport::Payout`] | Bank (and back when it failed) | PSP |
//! | [`ProviderReport::Dispute`] | Wallet, DisputeLoss | DisputeHold, and on from there |

use ledger::account::{Account, AccountError, Expense, Label};
use ledger::entry::Kind as EntryKind;
use ledger::money::Currency;
use ledger::rules::{self, Lines, RuleError};
use schema::columns::Key;
use uuid::Uuid;

use super::batch::{Batch, Booking};
use super::command::{Command, Posted, Refund};
use super::plan::{self, Touched};
use crate::error::Fault;
use crate::store::payments::{ObjectRow, PaymentRow};

/// The account of the provider's money.
///
/// # Errors
/// None: the name is a good one.
pub fn psp() -> Result<Account, AccountError> {
    Ok(Account::Psp(Label::new("stripe")?))
}

/// How something stands at the provider.
#[derive(Debug, Clone)]
pub enum ProviderReport {
    /// A payment has come, for the wallet.
    Fill {
        /// The payment.
        payment: Key,
        /// Identifier of the entry.
        id: Uuid,
    },
    /// So much of a payment was given back at the provider, in all.
    GivenBack {
        /// The payment.
        payment: Key,
        /// Owner of the dataset, where it paid an order.
        owner: Uuid,
        /// Currency of the payment.
        currency: Currency,
        /// In all, minor units.
        total: i64,
        /// Why, for the buyer.
        reason: String,
        /// Identifier of the refund and its entry.
        id: Uuid,
    },
    /// So much of what was given back did not reach the payer, in all: it goes to the wallet.
    Returned {
        /// The payment.
        payment: Key,
        /// In all, minor units.
        total: i64,
        /// Identifier of the entry.
        id: Uuid,
    },
    /// The provider kept a fee; a negative one was given back.
    Fee {
        /// What for.
        expense: Expense,
        /// Minor units, not 0.
        minor: i64,
        /// Their currency, which may be another than the payment's.
        currency: Currency,
        /// The provider's identifier of the movement.
        movement: String,
        /// Identifier of the entry.
        id: Uuid,
    },
    /// The provider sent money to the bank; a failed one comes back.
    Payout {
        /// The provider's identifier.
        object: String,
        /// Its currency.
        currency: Currency,
        /// Identifiers of the entries: out, back.
        ids: [Uuid; 2],
    },
    /// A payment into a wallet is disputed.
    Dispute {
        /// The provider's identifier.
        object: String,
        /// The payment.
        payment: Key,
        /// Identifiers of the entries: opened, ended.
        ids: [Uuid; 2],
    },
}

impl ProviderReport {
    /// The payment it is about.
    pub(super) fn payment(&self) -> Option<Key> {
        match self {
            Self::Fill { payment, .. }
            | Self::GivenBack { payment, .. }
            | Self::Returned { payment, .. }
            | Self::Dispute { payment, .. } => Some(*payment),
            Self::Fee { .. } | Self::Payout { .. } => None,
        }
    }

    /// Whose balance it may take below zero: the owner of an order gives a commission back.
    pub(super) fn gives_back(&self) -> Option<(Uuid, Currency)> {
        match self {
            Self::GivenBack {
                owner, currency, ..
            } if !owner.is_nil() => Some((*owner, *currency)),
            _ => None,
        }
    }

    /// The provider's object it is about.
    pub(super) fn object(&self) -> Option<&str> {
        match self {
            Self::Payout { object, .. } | Self::Dispute { object, .. } => Some(object),
            _ => None,
        }
    }
}

/// What a report may touch; none where the payment is not known, which is refused later.
pub(super) fn touches(batch: &Batch, report: &ProviderReport) -> Result<Option<Touched>, Fault> {
    let account = |made: Result<Account, AccountError>| made.map_err(Fault::internal);
    let mut accounts = vec![account(psp())?];
    let currency = match report {
        ProviderReport::Fee {
            expense, currency, ..
        } => {
            accounts.push(Account::Expense(*expense));
            *currency
        }
        ProviderReport::Payout { currency, .. } => {
            accounts.push(account(plan::bank())?);
            *currency
        }
        _ => {
            let Some(row) = report.payment().and_then(|id| batch.payments.get(&id)) else {
                return Ok(None);
            };
            if let (ProviderReport::GivenBack { owner, .. }, Some(order)) = (report, row.order_id) {
                return plan::touches_order(batch, order, *owner);
            }
            accounts.extend([
                Account::Wallet(row.party_id.0),
                Account::DisputeHold,
                Account::Expense(Expense::DisputeLoss),
            ]);
            row.currency.parse().map_err(Fault::internal)?
        }
    };
    Ok(Some(Touched {
        currency,
        accounts,
        pool: None,
    }))
}

/// Plans a report. Nothing missing is an answer, not an error.
///
/// # Errors
/// Why it is refused; the state is then as before.
pub(super) fn plan(
    batch: &mut Batch,
    command: &Command,
    report: &ProviderReport,
    salt: [u8; 16],
) -> Result<Posted, Fault> {
    let made = match report {
        ProviderReport::Fill { payment, id } => fill(batch, command, *payment, *id, salt)?,
        ProviderReport::GivenBack {
            payment,
            owner,
            currency,
            total,
            reason,
            id,
        } => {
            let row = payment_of(batch, *payment)?;
            match row.order_id {
                Some(order) => {
                    let work = Refund {
                        id: *id,
                        order,
                        owner: *owner,
                        minor: total - batch.refunds(order),
                        currency: *currency,
                        reason: reason.clone(),
                    };
                    if work.minor < 1 {
                        None
                    } else {
                        Some(plan::refund(batch, command, &work, row.party_id, salt)?)
                    }
                }
                None => given_back(batch, command, row, *total, *id, salt)?,
            }
        }
        ProviderReport::Returned { payment, total, id } => {
            returned(batch, command, *payment, *total, *id, salt)?
        }
        ProviderReport::Fee {
            expense,
            minor,
            currency,
            movement,
            id,
        } => {
            let lines = rules::provider_fee(psp()?, *expense, *minor)?;
            let kind = EntryKind::ProviderFee;
            let links = vec![("movement", movement.clone())];
            one(batch, command, (*id, kind, *currency), links, lines, salt)?
        }
        ProviderReport::Payout {
            object,
            currency,
            ids,
        } => payout(batch, command, object, *currency, *ids, salt)?,
        ProviderReport::Dispute {
            object,
            payment,
            ids,
        } => dispute(batch, command, object, *payment, *ids, salt)?,
    };
    Ok(Posted {
        ids: made.into_iter().collect(),
        repeated: false,
    })
}

impl From<RuleError> for Fault {
    fn from(error: RuleError) -> Self {
        Self::internal(error)
    }
}

impl From<AccountError> for Fault {
    fn from(error: AccountError) -> Self {
        Self::internal(error)
    }
}

fn payment_of(batch: &Batch, id: Key) -> Result<PaymentRow, Fault> {
    batch.payments.get(&id).cloned().ok_or_else(Fault::missing)
}

fn object_of(batch: &Batch, id: &str) -> Result<ObjectRow, Fault> {
    batch.objects.get(id).cloned().ok_or_else(Fault::missing)
}

/// Books one entry under the request's own key.
fn one(
    batch: &mut Batch,
    command: &Command,
    (id, kind, currency): (Uuid, EntryKind, Currency),
    links: Vec<(&'static str, String)>,
    lines: Lines,
    salt: [u8; 16],
) -> Result<Option<Uuid>, Fault> {
    batch.book(Booking {
        id,
        kind,
        currency,
        at: command.at,
        request: &command.request,
        key: command.request.key.clone(),
        links,
        lines,
        salt,
    })?;
    Ok(Some(id))
}

fn fill(
    batch: &mut Batch,
    command: &Command,
    payment: Key,
    id: Uuid,
    salt: [u8; 16],
) -> Result<Option<Uuid>, Fault> {
    let row = payment_of(batch, payment)?;
    if row.state == "paid" {
        return Ok(None);
    }
    let currency: Currency = row.currency.parse().map_err(Fault::internal)?;
    let lines = rules::top_up(psp()?, row.party_id.0, row.amount);
    let links = vec![("payment", payment.0.to_string())];
    let made = one(
        batch,
        command,
        (id, EntryKind::TopUp, currency),
        links,
        lines,
        salt,
    )?;
    batch.set_paid(payment, command.at.now, None)?;
    Ok(made)
}

/// Out of the wallet it had filled, back to the payer.
fn given_back(
    batch: &mut Batch,
    command: &Command,
    mut row: PaymentRow,
    total: i64,
    id: Uuid,
    salt: [u8; 16],
) -> Result<Option<Uuid>, Fault> {
    let missing = total - row.given_back;
    if missing < 1 {
        return Ok(None);
    }
    if total > row.amount {
        return Err(plan::over_refund(&row, total));
    }
    let currency: Currency = row.currency.parse().map_err(Fault::internal)?;
    let lines = rules::top_up_refund(row.party_id.0, psp()?, missing)?;
    let links = vec![("payment", row.id.0.to_string())];
    let made = one(
        batch,
        command,
        (id, EntryKind::Refund, currency),
        links,
        lines,
        salt,
    )?;
    row.given_back = total;
    batch.set_payment(row);
    Ok(made)
}

/// A refund that the payer's bank did not take: the provider has it again, the payer's wallet
/// gets it.
fn returned(
    batch: &mut Batch,
    command: &Command,
    payment: Key,
    total: i64,
    id: Uuid,
    salt: [u8; 16],
) -> Result<Option<Uuid>, Fault> {
    let mut row = payment_of(batch, payment)?;
    let missing = total - row.returned;
    if missing < 1 {
        return Ok(None);
    }
    let currency: Currency = row.currency.parse().map_err(Fault::internal)?;
    let lines = rules::top_up(psp()?, row.party_id.0, missing);
    let links = vec![("payment", payment.0.to_string())];
    let made = one(
        batch,
        command,
        (id, EntryKind::TopUp, currency),
        links,
        lines,
        salt,
    )?;
    row.returned = total;
    batch.set_payment(row);
    Ok(made)
}

/// Books one step of an object's life, under a key of its own.
fn step(
    batch: &mut Batch,
    command: &Command,
    (object, name): (&str, &str),
    (id, kind, currency): (Uuid, EntryKind, Currency),
    lines: Lines,
    salt: [u8; 16],
) -> Result<Uuid, Fault> {
    batch.book(Booking {
        id,
        kind,
        currency,
        at: command.at,
        request: &command.request,
        key: step_key(object, name),
        links: vec![("object", object.to_owned())],
        lines,
        salt,
    })?;
    Ok(id)
}

/// The key of one step of an object's life.
#[must_use]
pub fn step_key(object: &str, name: &str) -> String {
    format!("{object}:{name}")
}

/// A salt of its own for the second entry of a command.
fn second(salt: [u8; 16]) -> [u8; 16] {
    let hash = ledger::json::Hash::of(&[&salt, b"second"]);
    let mut other = [0; 16];
    other.copy_from_slice(&hash.0[..16]);
    other
}

fn payout(
    batch: &mut Batch,
    command: &Command,
    object: &str,
    currency: Currency,
    ids: [Uuid; 2],
    salt: [u8; 16],
) -> Result<Option<Uuid>, Fault> {
    let mut row = object_of(batch, object)?;
    let kind = EntryKind::ProviderPayout;
    let made = match (row.booked.as_str(), row.status.as_str()) {
        ("", "paid") => {
            let lines = rules::provider_payout(psp()?, plan::bank()?, row.amount)?;
            let made = step(
                batch,
                command,
                (object, "paid"),
                (ids[0], kind, currency),
                lines,
                salt,
            )?;
            "paid".clone_into(&mut row.booked);
            made
        }
        ("paid", "failed") => {
            let lines = rules::provider_payout_failed(psp()?, plan::bank()?, row.amount)?;
            let made = step(
                batch,
                command,
                (object, "failed"),
                (ids[1], kind, currency),
                lines,
                salt,
            )?;
            "failed".clone_into(&mut row.booked);
            made
        }
        _ => return Ok(None),
    };
    batch.set_object(row);
    Ok(Some(made))
}

/// A dispute about money that filled a wallet. What the wallet still holds is put on hold; what
/// was spent meanwhile is the node's loss, never the contributors'.
fn dispute(
    batch: &mut Batch,
    command: &Command,
    object: &str,
    payment: Key,
    ids: [Uuid; 2],
    salt: [u8; 16],
) -> Result<Option<Uuid>, Fault> {
    let mut row = object_of(batch, object)?;
    let payment = payment_of(batch, payment)?;
    let currency: Currency = payment.currency.parse().map_err(Fault::internal)?;
    let wallet = payment.party_id.0;
    let mut made = None;
    if row.booked.is_empty() {
        let holds = batch
            .balance(currency, &Account::Wallet(wallet))
            .saturating_neg();
        let paid = payment.amount.saturating_sub(payment.given_back);
        let (taken, above) = rules::taken_from_wallet(wallet, holds.min(paid), row.amount);
        row.from_wallet = row.amount - above;
        let lines = rules::dispute_open(taken, above)?;
        let what = (ids[0], EntryKind::DisputeOpen, currency);
        made = Some(step(batch, command, (object, "open"), what, lines, salt)?);
        "open".clone_into(&mut row.booked);
        batch.set_object(row.clone());
    }
    if row.booked == "open" && row.status != "open" {
        let (kind, lines) = if row.status == "won" {
            let (back, above) = rules::taken_from_wallet(wallet, row.from_wallet, row.amount);
            (EntryKind::DisputeWon, rules::dispute_won(back, above)?)
        } else {
            let lost = rules::dispute_lost(psp()?, row.amount)?;
            (EntryKind::DisputeLost, lost)
        };
        let status = row.status.clone();
        let what = (ids[1], kind, currency);
        let ended = step(batch, command, (object, &status), what, lines, second(salt))?;
        made = Some(ended);
        row.booked = status;
        batch.set_object(row);
    }
    Ok(made)
}
