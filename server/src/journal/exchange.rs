//! One currency for another: two entries in two books, written together.

use ledger::account::Account;
use ledger::entry::Kind as EntryKind;
use ledger::money::{Currency, Money};
use ledger::rules::{self, Lines, Rate, RuleError};
use schema::columns::Key;
use schema::db::Db;
use uuid::Uuid;

use super::batch::{Batch, Booking};
use super::command::{Command, Exchange, Posted};
use crate::error::{Fault, Kind};
use crate::store::exchanges::{self, ExchangeRow, RateRow};

/// Changes money in a wallet.
///
/// # Errors
/// `insufficient_funds`, what the ledger refuses, or the database.
pub(super) fn run(
    db: &mut Db,
    mut batch: Batch,
    command: &Command,
    work: &Exchange,
    fresh: &mut impl FnMut() -> (Uuid, [u8; 16]),
) -> Result<Posted, Fault> {
    let (node, wallet) = (batch.node(), Account::Wallet(command.request.party));
    let (out, into) = rules::exchange(wallet.clone(), node, work.give, work.get)
        .map_err(|error| Fault::invalid("get", format!("{error}.")))?;
    for currency in [work.give.currency, work.get.currency] {
        let touched = [wallet.clone(), Account::Node(node)];
        batch.load_accounts(db, currency, touched.into())?;
    }
    covered(&batch, &wallet, work.give)?;
    let (second, salt) = fresh();
    let key = command.request.key.clone();
    let one = |id, other: Uuid, currency, key, lines: Lines, salt| Booking {
        id,
        kind: EntryKind::Exchange,
        currency,
        at: command.at,
        request: &command.request,
        key,
        links: vec![("rate", work.rate.to_string()), ("with", other.to_string())],
        lines,
        salt,
    };
    let (give, get): (Currency, Currency) = (work.give.currency, work.get.currency);
    batch.book(one(work.id, second, give, key, out, salt))?;
    let key = format!("exchange:{}", work.id);
    batch.book(one(second, work.id, get, key, into, fresh().1))?;
    batch.write(db)?;
    exchanges::insert(db, &row(command, work, second))?;
    Ok(Posted {
        ids: vec![work.id],
        repeated: false,
    })
}

fn covered(batch: &Batch, wallet: &Account, give: Money) -> Result<(), Fault> {
    let funds = batch.balance(give.currency, wallet).saturating_neg();
    if funds >= give.minor {
        return Ok(());
    }
    let has = Money::new(funds, give.currency);
    Err(Fault::new(
        Kind::Unpaid,
        "insufficient_funds",
        format!("Your wallet holds {has} and cannot give {give}. Nothing was changed."),
    )
    .about("give"))
}

fn row(command: &Command, work: &Exchange, second: Uuid) -> ExchangeRow {
    let side = |money: Money| (money.currency.code().to_owned(), money.minor);
    let ((give_currency, give_minor), (get_currency, get_minor)) =
        (side(work.give), side(work.get));
    ExchangeRow {
        id: Key(work.id),
        into_id: Key(second),
        party_id: Key(command.request.party),
        rate_id: Key(work.rate),
        give_currency,
        give_minor,
        get_currency,
        get_minor,
        created_at: command.at.now.into(),
    }
}

/// What is got for an amount; the fraction of a unit stays with the node.
///
/// # Errors
/// `invalid` for an amount below 1, or one too small to get anything for.
pub fn converted(rate: &RateRow, minor: i64) -> Result<i64, Fault> {
    let ratio = Rate {
        give: rate.give_minor,
        get: rate.get_minor,
    };
    ratio.convert(minor).map_err(|error| {
        let why = match error {
            RuleError::Parts { .. } => "That is too much to be changed at once.".to_owned(),
            _ if minor > 0 => "That is too little: less than one minor unit is got.".to_owned(),
            _ => "At least one minor unit is changed.".to_owned(),
        };
        Fault::invalid("give", why)
    })
}
