//! Commands into entries and rows: pure functions on the state of one transaction.

use ledger::account::{Account, AccountError, Expense, Label};
use ledger::entry::Kind as EntryKind;
use ledger::money::{Currency, Money};
use ledger::plan::Legs;
use ledger::refund::{RefundError, take_back};
use ledger::rules::{self, SaleAccounts};
use schema::columns::Key;
use uuid::Uuid;

use super::batch::{Batch, Booking, PoolKey};
use super::command::{Command, Posted, Purchase, Refund, TopUp, Work};
use super::invoices::Given;
use super::{disputes, points, provider};
use crate::error::{Fault, Kind};
use crate::store::orders::{OrderRow, RefundRow};
use crate::store::outbox::OutboxRow;
use crate::store::payments::PaymentRow;

/// The bank account that transfers arrive on.
pub(crate) fn bank() -> Result<Account, AccountError> {
    Ok(Account::Bank(Label::new("main")?))
}

/// Where the sales tax of an order is owed, and given back.
fn sales_tax(order: &OrderRow) -> Result<Label, AccountError> {
    Label::new(order.jurisdiction.as_str())
}

/// What a command may touch, to be loaded before planning.
pub(super) struct Touched {
    pub(super) currency: Currency,
    pub(super) accounts: Vec<Account>,
    pub(super) pool: Option<PoolKey>,
}

/// What a command may touch; none for one that loads for itself or will be refused.
pub(super) fn touches(batch: &Batch, work: &Work) -> Result<Option<Touched>, Fault> {
    match work {
        Work::TopUp(top_up) => Ok(Some(Touched {
            currency: top_up.currency,
            accounts: vec![bank()?, Account::Wallet(top_up.party)],
            pool: None,
        })),
        Work::Points(work) => Ok(Some(points::touches(work))),
        Work::Purchase(purchase) => {
            let payer = match purchase.payment {
                Some(_) => provider::psp()?,
                None => Account::Wallet(purchase.order.buyer_id.0),
            };
            sale(purchase.currency, &purchase.order, purchase.owner, payer).map(Some)
        }
        Work::Refund(refund) => touches_order(batch, refund.order, refund.owner),
        Work::Provider(report) => provider::touches(batch, report),
        Work::DisputeOpen(work) => disputed(touches_order(batch, work.order, work.owner)?),
        Work::DisputeEnd(work) => disputed(touches_order(batch, work.order, work.owner)?),
        Work::Settle(_)
        | Work::ClosePeriod(_)
        | Work::Adjust(_)
        | Work::Exchange(_)
        | Work::DecideClaim(_)
        | Work::Payouts(_)
        | Work::BankFile(_)
        | Work::Subscription(_) => Ok(None),
    }
}

/// What giving an order back may touch; none for an order nobody knows.
pub(super) fn touches_order(
    batch: &Batch,
    order: Key,
    owner: Uuid,
) -> Result<Option<Touched>, Fault> {
    let Some(order) = batch.orders.get(&order) else {
        return Ok(None);
    };
    let currency = order.currency.parse().map_err(Fault::internal)?;
    sale(currency, order, owner, payer_of(batch, order)?).map(Some)
}

fn sale(
    currency: Currency,
    order: &OrderRow,
    owner: Uuid,
    payer: Account,
) -> Result<Touched, Fault> {
    Ok(Touched {
        currency,
        accounts: vec![
            payer,
            Account::PlatformFee,
            Account::TaxSales(sales_tax(order)?),
            Account::available(owner),
            Account::reserve(owner),
            pool_account(order)?,
        ],
        pool: Some((order.revision_id.0, order.epoch, currency)),
    })
}

/// What a dispute may touch beside what its sale did.
fn disputed(sale: Option<Touched>) -> Result<Option<Touched>, Fault> {
    let Some(mut touched) = sale else {
        return Ok(None);
    };
    touched.accounts.extend([
        Account::DisputeHold,
        Account::Expense(Expense::DisputeLoss),
        bank()?,
    ]);
    Ok(Some(touched))
}

pub(super) fn pool_account(order: &OrderRow) -> Result<Account, Fault> {
    let epoch = u32::try_from(order.epoch).map_err(Fault::internal)?;
    Ok(Account::Pool {
        revision: order.revision_id.0,
        epoch,
    })
}

/// Where the money of an order came from, and goes back to.
pub(super) fn payer_of(batch: &Batch, order: &OrderRow) -> Result<Account, Fault> {
    Ok(match batch.paid_by(order.id) {
        Some(_) => provider::psp()?,
        None => Account::Wallet(order.buyer_id.0),
    })
}

/// Who is on which side of an order.
pub(super) fn accounts_of(
    order: &OrderRow,
    owner: Uuid,
    payer: Account,
) -> Result<SaleAccounts, Fault> {
    Ok(SaleAccounts {
        payer,
        revision: order.revision_id.0,
        epoch: u32::try_from(order.epoch).map_err(Fault::internal)?,
        tax: sales_tax(order).map_err(Fault::internal)?,
        owner: Some(owner),
    })
}

/// How an order was cut.
pub(super) fn legs_of(order: &OrderRow) -> Result<Legs, Fault> {
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
        Work::Points(work) => points::plan(batch, command, work, salt)?,
        Work::Purchase(work) => purchase(batch, command, work, salt)?,
        Work::Refund(work) => {
            let id = refund(batch, command, work, Key(command.request.party), salt)?;
            tell_provider(batch, command, work)?;
            id
        }
        Work::Provider(report) => {
            let posted = provider::plan(batch, command, report, salt)?;
            if !posted.ids.is_empty() {
                batch.made(&command.request, posted.ids.clone());
            }
            return Ok(posted);
        }
        Work::DisputeOpen(work) => disputes::open(batch, command, work, salt)?,
        Work::DisputeEnd(work) => disputes::end(batch, command, work, salt)?,
        Work::Settle(_)
        | Work::ClosePeriod(_)
        | Work::Adjust(_)
        | Work::Exchange(_)
        | Work::DecideClaim(_)
        | Work::Payouts(_)
        | Work::BankFile(_)
        | Work::Subscription(_) => {
            return Err(Fault::internal("this has a transaction of its own"));
        }
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
    if let Some(payment) = work.payment {
        batch.set_paid(payment, command.at.now, None)?;
    }
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
        bill,
        payment,
    } = work;
    let mut order = order.clone();
    order.book = currency.code().to_owned();
    if order.gross == 0 {
        // Nothing moves, so there is no entry; the answer is kept under the key instead.
        order.entry_seq = 0;
        batch.answer(&command.request, &[order.id.0])?;
    } else {
        let payer = match payment {
            Some(id) => paying(batch, *id, order.gross)?,
            None => paying_wallet(batch, &order, *currency)?,
        };
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
            lines: rules::purchase(&accounts_of(&order, *owner, payer)?, legs_of(&order)?),
            salt,
        })?;
        batch.set_pool(key, pool);
    }
    if let Some(payment) = payment {
        batch.set_paid(*payment, command.at.now, Some(order.id))?;
    }
    if order.gross != 0 {
        batch.documents.sold(&order, bill)?;
    }
    let id = order.id.0;
    batch.new.orders.push(order);
    batch.new.licences.push(licence.clone());
    Ok(id)
}

/// The wallet, when it holds enough.
fn paying_wallet(batch: &Batch, order: &OrderRow, currency: Currency) -> Result<Account, Fault> {
    let wallet = Account::Wallet(order.buyer_id.0);
    let funds = checked_neg(batch.balance(currency, &wallet))?;
    if funds < order.gross {
        return Err(unpaid(funds, order.gross, currency));
    }
    Ok(wallet)
}

/// The provider, when the payment is this order's whole price and has paid nothing yet.
fn paying(batch: &Batch, payment: Key, gross: i64) -> Result<Account, Fault> {
    let row = batch.payments.get(&payment).ok_or_else(Fault::missing)?;
    if row.state == "paid" || row.amount != gross {
        return Err(Fault::conflict(
            "payment_used",
            "This payment has paid something already, or another price. Nothing was bought.",
        ));
    }
    Ok(provider::psp()?)
}

/// An order that was paid by card is given back to the card: the provider is told, by a job
/// that is written with the entry.
fn tell_provider(batch: &mut Batch, command: &Command, work: &Refund) -> Result<(), Fault> {
    let Some(payment) = batch.paid_by(work.order) else {
        return Ok(());
    };
    let payload = serde_json::json!({
        "payment": payment.id.0,
        "intent": payment.intent_id,
        "minor": work.minor,
        "currency": payment.currency,
    });
    let id = work.id;
    batch.new.outbox.push(OutboxRow {
        id: Key(id),
        kind: "refund".to_owned(),
        payload: payload.to_string(),
        state: "new".to_owned(),
        reason: None,
        answer: None,
        attempts: 0,
        created_at: command.at.now.into(),
        ended_at: None,
    });
    Ok(())
}

/// Gives some or all of an order back, to where it was paid from.
pub(super) fn refund(
    batch: &mut Batch,
    command: &Command,
    work: &Refund,
    requested_by: Key,
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
    let payer = payer_of(batch, &order)?;
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
        lines: rules::refund(&accounts_of(&order, work.owner, payer)?, part),
        salt,
    })?;
    batch.set_pool(key, pool);
    give_back(&mut order, work.minor, part, 1);
    if disputes::gone(batch, &order) {
        let at = command.at.now.into();
        batch
            .new
            .revocations
            .push((order.id, at, format!("Refunded in full: {}", work.reason)));
    }
    let given = Given {
        id: Key(work.id),
        gross: work.minor,
        tax: part.tax,
        entry_seq: seq,
    };
    batch.documents.given_back(order.id, &given);
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
        requested_by,
        book: work.currency.code().to_owned(),
        entry_seq: seq,
        created_at: command.at.now.into(),
    });
    batch.refunded(order, work.minor);
    Ok(work.id)
}

/// Moves the running total of an order by `minor` and its legs: `sign` 1 gives back, −1
/// restores.
pub(super) fn give_back(order: &mut OrderRow, minor: i64, part: Legs, sign: i64) {
    order.refunded += sign * minor;
    order.refunded_fee += sign * part.fee;
    order.refunded_tax += sign * part.tax;
    order.refunded_commission += sign * part.commission;
    order.refunded_net += sign * part.net;
}

fn checked_neg(minor: i64) -> Result<i64, Fault> {
    minor
        .checked_neg()
        .ok_or_else(|| out_of_range("the amount leaves the 64-bit range"))
}

pub(super) fn out_of_range(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Fault {
    Fault::new(
        Kind::Invalid,
        "amount_out_of_range",
        "The sums of this pool would leave the 64-bit range; nothing was booked.",
    )
    .because(cause)
}

pub(super) fn unpaid(funds: i64, price: i64, currency: Currency) -> Fault {
    let money = |minor| Money::new(minor, currency);
    let missing = money(price.saturating_sub(funds));
    Fault::new(
        Kind::Unpaid,
        "insufficient_funds",
        format!(
            "Your wallet holds {}, the price is {}: {missing} are missing. Nothing was bought, and \
             the wallet is as it was. Fill it (`granary wallet fill \"{missing}\"`, or the wallet \
             page), then send the same order again.",
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
                "{} of {} are given back already, so {} cannot be given back. Nothing was changed: \
                 give back at most {}.",
                money(given_back),
                money(gross),
                money(amount),
                money(left)
            ),
        )
        .about("amount"),
        RefundError::BadAmount(_) => Fault::invalid("amount", "Give back at least one minor unit."),
        other => Fault::internal(other),
    }
}

/// More was given back at the provider than was paid here.
pub(super) fn over_refund(row: &PaymentRow, total: i64) -> Fault {
    let money = |minor: i64| match row.currency.parse() {
        Ok(currency) => Money::new(minor, currency).to_string(),
        Err(_) => format!("{minor} minor units of {}", row.currency),
    };
    Fault::new(
        Kind::Invalid,
        "exceeds_payment",
        format!(
            "The provider says that {} of the payment of {} were given back; {} are booked as given \
             back. Nothing was changed: compare the payment at the provider.",
            money(total),
            money(row.amount),
            money(row.given_back)
        ),
    )
}
