//! A party's own money: what it can buy with, what it has earned.

use ledger::account::Account;
use schema::db::Db;
use schema::wire::{Amount, WalletMovement, WalletView};
use uuid::Uuid;

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::journal::command::amount;
use crate::store::journal;

/// Movements shown.
const LATEST: i64 = 50;

/// Balances and the latest movements of the caller's wallet.
///
/// # Errors
/// The database's own.
pub async fn show(ctx: &Ctx, who: &Actor) -> Result<WalletView, Fault> {
    rights::own(who, who.party).manage()?;
    let party = who.party;
    ctx.read(move |db| view(db, party)).await
}

fn view(db: &mut Db, party: Uuid) -> Result<WalletView, Fault> {
    let mut wallet = WalletView {
        balances: Vec::new(),
        earnings: Vec::new(),
        movements: Vec::new(),
    };
    for row in journal::accounts_named(db, &Account::Wallet(party).to_string())? {
        wallet.balances.push(credit(row.balance, &row.book));
        for movement in journal::movements(db, &row, LATEST)? {
            wallet.movements.push(WalletMovement {
                entry: journal::entry_name(&row.book, movement.seq),
                kind: movement.kind,
                amount: credit(movement.amount, &row.book),
                at: movement.at.into(),
            });
        }
    }
    for row in journal::accounts_named(db, &Account::available(party).to_string())? {
        wallet.earnings.push(credit(row.balance, &row.book));
    }
    wallet
        .movements
        .sort_by_key(|movement| std::cmp::Reverse(movement.at));
    wallet
        .movements
        .truncate(usize::try_from(LATEST).unwrap_or(usize::MAX));
    Ok(wallet)
}

/// What the node owes is a credit; its owner reads it as theirs.
fn credit(minor: i64, currency: &str) -> Amount {
    amount(minor.saturating_neg(), currency)
}
