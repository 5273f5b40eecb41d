//! A party's own money: what it can buy with, what it has earned.

use ledger::account::{Account, Points};
use schema::db::Db;
use schema::wire::{Amount, WalletMovement, WalletView};
use uuid::Uuid;

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::journal::command::amount;
use crate::store::journal::{self, AccountRow};

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
        points: 0,
        movements: Vec::new(),
    };
    for row in journal::accounts_named(db, &Account::Wallet(party).to_string())? {
        wallet.balances.push(credit(row.balance, &row.book));
        wallet.movements.extend(movements(db, &row)?);
    }
    let points = Account::Points(Points::User(party)).to_string();
    for row in journal::accounts_named(db, &points)? {
        wallet.points = row.balance.saturating_neg();
        wallet.movements.extend(movements(db, &row)?);
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

fn movements(db: &mut Db, row: &AccountRow) -> Result<Vec<WalletMovement>, Fault> {
    let latest = journal::movements(db, row, LATEST)?.into_iter();
    Ok(latest
        .map(|movement| WalletMovement {
            entry: journal::entry_name(&row.book, movement.seq),
            kind: movement.kind,
            amount: credit(movement.amount, &row.book),
            at: movement.at.into(),
        })
        .collect())
}

/// What the node owes is a credit; its owner reads it as theirs.
fn credit(minor: i64, currency: &str) -> Amount {
    amount(minor.saturating_neg(), currency)
}
