//! Filling a wallet with money that the bank has reported.

use ledger::account::Account;
use ledger::money::Currency;
use schema::columns::Key;
use schema::wire::{NewTopUp, TopUpView};
use serde::Serialize;
use uuid::Uuid;

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::journal::command::{At, Command, Request, TopUp, Work, amount, currency};
use crate::store::parties::{self, PartyRow};
use crate::store::{journal, payments};

/// What is asked, with the party found: its name may change hands between two requests.
#[derive(Serialize)]
struct Asked<'a> {
    party: Uuid,
    minor: i64,
    currency: &'a str,
    reference: &'a str,
}

/// Confirms a top-up. Operators only.
///
/// # Errors
/// `not_found` for an unknown party, `invalid` for an amount below 1 or a bad reference,
/// `unknown_currency`, `idempotency_conflict`.
pub async fn run(ctx: &Ctx, who: &Actor, key: &str, new: NewTopUp) -> Result<TopUpView, Fault> {
    rights::node(who).top_up()?;
    let currency = currency(&new.amount)?;
    check(&new)?;
    let name = new.party.clone();
    let party = ctx.read(move |db| parties::by_name(db, &name)).await?;
    let asked = Asked {
        party: party.id.0,
        minor: new.amount.minor,
        currency: currency.code(),
        reference: &new.reference,
    };
    let request = Request::new(who.party, key, "top_up", &asked)?;
    let announced = announced(ctx, &party, &new, currency).await?;
    let work = TopUp {
        payment: announced,
        id: ctx.id(),
        party: party.id.0,
        minor: new.amount.minor,
        currency,
        reference: new.reference,
    };
    let command = Command {
        request,
        at: At::now(ctx.now()),
        work: Work::TopUp(work),
    };
    let posted = ctx.journal.submit(command).await?;
    let id = posted.one()?;
    let wallet = Account::Wallet(party.id.0).to_string();
    let (entry, balance) = ctx
        .read(move |db| {
            let entry = journal::entry_by_id(db, id)?;
            let balance = journal::balance_at(db, &entry.book, &wallet, entry.seq)?;
            Ok((entry, balance))
        })
        .await?;
    Ok(TopUpView {
        party: party.view(),
        amount: new.amount,
        balance: amount(balance.saturating_neg(), currency.code()),
        entry: journal::entry_name(&entry.book, entry.seq),
    })
}

/// The transfer that was announced under this reference, when it is the one that came. A
/// reference that names no open transfer is the bank's own, and fills the wallet as well.
async fn announced(
    ctx: &Ctx,
    party: &PartyRow,
    new: &NewTopUp,
    currency: Currency,
) -> Result<Option<Key>, Fault> {
    let reference = new.reference.trim().to_uppercase();
    let found = ctx
        .read(move |db| payments::open_transfer(db, &reference))
        .await?;
    let Some(row) = found else { return Ok(None) };
    if row.party_id != party.id {
        return Err(Fault::invalid(
            "party",
            "This reference was given to another party. Nothing was booked: look whose transfer \
             it is.",
        ));
    }
    let same = (row.amount, row.currency.as_str()) == (new.amount.minor, currency.code());
    Ok(same.then_some(row.id))
}

fn check(new: &NewTopUp) -> Result<(), Fault> {
    if new.amount.minor < 1 {
        return Err(Fault::invalid(
            "amount",
            "A top-up is at least one minor unit.",
        ));
    }
    let length = new.reference.chars().count();
    if !(1..=140).contains(&length) || new.reference.chars().any(char::is_control) {
        return Err(Fault::invalid(
            "reference",
            "Give the bank's reference of the transfer: 1 to 140 characters. It is kept for ever.",
        ));
    }
    Ok(())
}
