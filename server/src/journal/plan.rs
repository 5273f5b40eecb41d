//! Commands into entries and rows: pure functions on the state of one transaction.

use std::collections::HashMap;

use ledger::account::{Account, AccountError, Label};
use ledger::entry::Kind as EntryKind;
use ledger::money::{Currency, Money};
use ledger::plan::Legs;
use ledger::refund::{RefundError, take_back};
use ledger::rules::{self, SaleAccounts};
use schema::columns::Key;
use uuid::Uuid;

use super::batch::{Batch, Booking, PoolKey};
use super::command::{Command, Posted, Purchase, Refund, TopUp, Work};
use crate::error::{Fault, Kind};
use crate::store::orders::{OrderRow, RefundRow};

/// The bank account that transfers arrive on.
pub(crate) fn bank() -> Result<Account, AccountError> {
    Ok(Account::Bank(Label::new("main")?))
}

/// Where sales tax is owed until jurisdictions are told apart.
fn sales_tax() -> Result<Label, AccountError> {
    Label::new("main")
}

/// What a command may touch, to be loaded before planning.
pub(super) struct Touched {
    pub(super) currency: Currency,
    pub(super) accounts: Vec<Account>,
    pub(super) pool: Option<PoolKey>,
}

/// What a command may touch; none for one that loads for itself or will be refused.
pub(super) fn touches(
    work: &Work,
    orders: &HashMap<Key, OrderRow>,
) -> Result<Option<Touched>, Fault> {
    let sale = |currency, order: &OrderRow, owner| -> Result<Option<Touched>, Fault> {
        Ok(Some(Touched {
            currency,
            accounts: vec![
                Account::Wallet(order.buyer_id.0),
                Account::PlatformFee,
                Account::TaxSales(sales_tax().map_err(Fault::internal)?),
                Account::available(owner),
                pool_account(order)?,
            ],
            pool: Some((order.revision_id.0, order.epoch, currency)),
        }))
    };
    match work {
        Work::TopUp(top_up) => Ok(Some(Touched {
            currency: top_up.currency,
            accounts: vec![
                bank().map_err(Fault::internal)?,
                Account::Wallet(top_up.party),
            ],
            pool: None,
        })),
        Work::Purchase(purchase) => sale(purchase.currency, &purchase.order, purchase.owner),
        Work::Refund(refund) => match orders.get(&refund.order) {
            Some(order) => sale(refund.currency, order, refund.owner),
            None => Ok(None),
        },
        Work::Settle => Ok(None),
    }
}

fn pool_account(order: &OrderRow) -> Result<Account, Fault> {
    let epoch = u32::try_from(order.epoch).map_err(Fault::internal)?;
    Ok(Account::Pool {
        revision: order.revision_id.0,
        epoch,
    })
}

/// Who is on which side of an order.
fn accounts_of(order: &OrderRow, owner: Uuid) -> Result<SaleAccounts, Fault> {
    Ok(SaleAccounts {
        payer: Account::Wallet(order.buyer_id.0),
        revision: order.revision_id.0,
        epoch: u32::try_from(order.epoch).map_err(Fault::internal)?,
        tax: sales_tax().map_err(Fault::internal)?,
        owner: Some(owner),
    })
}

/// How an order was cut.
fn legs_of(order: &OrderRow) -> Result<Legs, Fault> {
    let OrderRow {
        fee,
        tax,
        net,
        commission,
        ..
    } = *order;
    let legs = Legs {
        fee,
        tax,
        net,
        commission,
    };
    match legs.total() {
        Some(total) if total == order.gross => Ok(legs),
        _ => Err(Fault::internal(format!(
            "I11: the legs of order {} do not sum to its gross",
            order.id.0
        ))),
    }
}

/// Plans one command.
///
/// # Errors
/// Why it is refused; the state is then as before.
pub(super) fn plan(batch: &mut Batch, command: &Command, salt: [u8; 16]) -> Result<Posted, Fault> {
    if let Some(ids) = batch.before(command)? {
        return Ok(Posted {
            ids,
            repeated: true,
        });
    }
    let id = match &command.work {
        Work::TopUp(work) => top_up(batch, command, work, salt)?,
        Work::Purchase(work) => purchase(batch, command, work, salt)?,
        Work::Refund(work) => refund(batch, command, work, salt)?,
        Work::Settle => return Err(Fault::internal("a settlement has a transaction of its own")),
    };
    batch.made(&command.request, vec![id]);
    Ok(Posted {
        ids: vec![id],
        repeated: false,
    })
}

fn top_up(
    batch: &mut Batch,
    command: &Command,
    work: &TopUp,
    salt: [u8; 16],
) -> Result<Uuid, Fault> {
    batch.book(Booking {
        id: work.id,
        kind: EntryKind::TopUp,
        currency: work.currency,
        at: command.at,
        request: &command.request,
        key: command.request.key.clone(),
        links: vec![("reference", work.reference.clone())],
        lines: rules::top_up(bank().map_err(Fault::internal)?, work.party, work.minor),
        salt,
    })?;
    Ok(work.id)
}

fn purchase(
    batch: &mut Batch,
    command: &Command,
    work: &Purchase,
    salt: [u8; 16],
) -> Result<Uuid, Fault> {
    let Purchase {
        order,
        currency,
        owner,
        licence,
    } = work;
    let mut order = order.clone();
    order.book = currency.code().to_owned();
    if order.gross == 0 {
        // Nothing moves, so there is no entry; the answer is kept under the key instead.
        order.entry_seq = 0;
        batch.answer(&command.request, &[order.id.0])?;
    } else {
        let wallet = Account::Wallet(order.buyer_id.0);
        let funds = checked_neg(batch.balance(*currency, &wallet))?;
        if funds < order.gross {
            return Err(unpaid(funds, order.gross, *currency));
        }
        let key = (order.revision_id.0, order.epoch, *currency);
        let mut pool = batch.pool(key);
        pool.add(order.net).map_err(out_of_range)?;
        order.entry_seq = batch.book(Booking {
            id: order.id.0,
            kind: EntryKind::Purchase,
            currency: *currency,
            at: command.at,
            request: &command.request,
            key: command.request.key.clone(),
            links: vec![
                ("licence", licence.id.0.to_string()),
                ("offer", order.offer_id.0.to_string()),
            ],
            lines: rules::purchase(&accounts_of(&order, *owner)?, legs_of(&order)?),
            salt,
        })?;
        batch.set_pool(key, pool);
    }
    let id = order.id.0;
    batch.new.orders.push(order);
    batch.new.licences.push(licence.clone());
    Ok(id)
}

fn refund(
    batch: &mut Batch,
    command: &Command,
    work: &Refund,
    salt: [u8; 16],
) -> Result<Uuid, Fault> {
    let mut order = batch
        .orders
        .get(&work.order)
        .cloned()
        .ok_or_else(Fault::missing)?;
    if order.currency != work.currency.code() {
        let detail = format!("The order was paid in {}: give back {0}.", order.currency);
        return Err(Fault::invalid("amount", detail));
    }
    let part = take_back(legs_of(&order)?, order.refunded, work.minor)
        .map_err(|error| cannot_give_back(error, work.currency))?;
    let key = (order.revision_id.0, order.epoch, work.currency);
    let mut pool = batch.pool(key);
    pool.add(-part.net).map_err(out_of_range)?;
    let seq = batch.book(Booking {
        id: work.id,
        kind: EntryKind::Refund,
        currency: work.currency,
        at: command.at,
        request: &command.request,
        key: command.request.key.clone(),
        links: vec![("order", order.id.0.to_string())],
        lines: rules::refund(&accounts_of(&order, work.owner)?, part),
        salt,
    })?;
    batch.set_pool(key, pool);
    order.refunded += work.minor;
    order.refunded_fee += part.fee;
    order.refunded_tax += part.tax;
    order.refunded_commission += part.commission;
    order.refunded_net += part.net;
    if order.refunded == order.gross {
        let at = command.at.now.into();
        batch
            .new
            .revocations
            .push((order.id, at, format!("Refunded in full: {}", work.reason)));
    }
    batch.new.refunds.push(RefundRow {
        id: Key(work.id),
        order_id: order.id,
        period: command.at.period.to_string(),
        amount: work.minor,
        fee: part.fee,
        tax: part.tax,
        commission: part.commission,
        net: part.net,
        reason: work.reason.clone(),
        requested_by: Key(command.request.party),
        book: work.currency.code().to_owned(),
        entry_seq: seq,
        created_at: command.at.now.into(),
    });
    batch.new.refunded.insert(order.id);
    batch.orders.insert(order.id, order);
    Ok(work.id)
}

fn checked_neg(minor: i64) -> Result<i64, Fault> {
    minor
        .checked_neg()
        .ok_or_else(|| out_of_range("the amount leaves the 64-bit range"))
}

fn out_of_range(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Fault {
    Fault::new(
        Kind::Invalid,
        "amount_out_of_range",
        "The sums of this pool would leave the 64-bit range; nothing was booked.",
    )
    .because(cause)
}

fn unpaid(funds: i64, price: i64, currency: Currency) -> Fault {
    let money = |minor| Money::new(minor, currency);
    let missing = money(price.saturating_sub(funds));
    Fault::new(
        Kind::Unpaid,
        "insufficient_funds",
        format!(
            "Your wallet holds {}, the price is {}: {missing} are missing. Nothing was bought. \
             Have the operator top up your wallet, then send the same order again.",
            money(funds),
            money(price),
        ),
    )
}

fn cannot_give_back(error: RefundError, currency: Currency) -> Fault {
    let money = |minor| Money::new(minor, currency);
    match error {
        RefundError::ExceedsPayment {
            gross,
            given_back,
            left,
            amount,
        } => Fault::new(
            Kind::Invalid,
            "exceeds_payment",
            format!(
                "{} of {} are given back already: {} are left, {} cannot be given back.",
                money(given_back),
                money(gross),
                money(left),
                money(amount)
            ),
        )
        .about("amount"),
        RefundError::BadAmount(_) => Fault::invalid("amount", "Give back at least one minor unit."),
        other => Fault::internal(other),
    }
}
