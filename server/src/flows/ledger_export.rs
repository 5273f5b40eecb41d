//! The journal in notations of other programs.

use std::collections::{BTreeSet, HashMap};

use ledger::entry::Book;
use ledger::export::hledger::{Journal, Transaction};
use ledger::json::Hash;
use ledger::money::Currency;
use schema::db::Db;
use uuid::Uuid;

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::journal::audit::{Lines, each_entry};
use crate::store::journal::{self, EntryRow};

/// The whole journal for `hledger`. Operators only.
///
/// # Errors
/// `not_found` for others; rows that cannot be read: run `granary ledger verify`.
pub async fn hledger(ctx: &Ctx, who: &Actor) -> Result<String, Fault> {
    rights::node(who).audit()?;
    ctx.read(|db| db.snapshot(export)).await
}

/// The same from a bare database, for the operator's command line.
///
/// # Errors
/// As [`hledger`].
pub fn export(db: &mut Db) -> Result<String, Fault> {
    let node = journal::stored_node_id(db)?.unwrap_or_default();
    let names = journal::account_names(db)?;
    let books = journal::books(db)?;
    let currencies: BTreeSet<Currency> = books
        .iter()
        .map(|book| book.parse())
        .collect::<Result<_, _>>()
        .map_err(Fault::internal)?;
    let accounts = names.values().map(|(_, name)| name.as_str());
    let mut out = Journal::new(String::new(), &currencies, accounts).map_err(Fault::internal)?;
    for book in &books {
        let currency: Currency = book.parse().map_err(Fault::internal)?;
        let full = Book {
            node: Uuid::try_parse(&node).map_err(Fault::internal)?,
            currency,
        };
        each_entry(db, book, |entry, lines| {
            let transaction = transaction(full, entry, lines, &names)?;
            out.transaction(&transaction).map_err(Fault::internal)
        })?;
    }
    Ok(out.finish())
}

fn transaction<'a>(
    book: Book,
    entry: &'a EntryRow,
    lines: &Lines,
    names: &'a HashMap<i64, (String, String)>,
) -> Result<Transaction<'a>, Fault> {
    let leaf: [u8; 32] = entry
        .leaf_hash
        .as_slice()
        .try_into()
        .map_err(Fault::internal)?;
    let lines = lines
        .iter()
        .map(|line| {
            names
                .get(&line.account_id)
                .map(|(_, name)| (name.as_str(), line.amount))
        })
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| {
            Fault::internal("a posting names no account: run `granary ledger verify`")
        })?;
    Ok(Transaction {
        book,
        seq: u64::try_from(entry.seq).map_err(Fault::internal)?,
        id: entry.id.0,
        kind: &entry.kind,
        event_time: entry.event_time.into(),
        leaf_hash: Hash(leaf),
        lines,
    })
}
