//! Settlement, statements, and the books.

use std::collections::BTreeMap;

use ledger::statement::{self, HELD};
use schema::wire::{NewSettlement, SettlementView};
use uuid::Uuid;

use super::Market;
use super::sell::shares_of;
use crate::cli::amount::{number, show};
use crate::cli::balances;
use crate::cli::table::Table;
use crate::demo::tell::{Slip, Step, equal, hold};
use crate::demo::world::World;

const WHOLE: i128 = 1_000_000_000_000;

/// Credits foretold by arithmetic of our own: minor units and what is carried, per party.
type Credits = BTreeMap<Uuid, (i128, i128)>;

/// The pools are settled; every credit is what the arithmetic of LEDGER.md says.
pub async fn settlement(world: &mut World, market: &Market) -> Step {
    world.later(14, 0);
    world.chapter("Settlement")?;
    let done = market
        .miller
        .client
        .settle("the-story", &NewSettlement::default())
        .await?;
    let credits = foretold(market)?;
    let mut table = Table::new(&[
        "pool of",
        ">moved",
        ">contributors",
        ">dust",
        "journal entry",
    ]);
    for pool in &done.pools {
        let revision = market
            .revisions
            .iter()
            .find(|(r, _)| r.id == pool.revision_id);
        table.row([
            revision.map_or("–".into(), |(r, _)| format!("revision {}", r.number)),
            show(&pool.delta),
            pool.contributors.to_string(),
            number(pool.dust, "EUR"),
            pool.entry.clone(),
        ]);
    }
    world.tell.block(table)?;
    by_hand(world, market, &done)?;
    compare(&done, &credits)
}

/// What sold, minus what was given back, per revision.
fn pools(market: &Market) -> BTreeMap<i32, i64> {
    let mut pools = BTreeMap::new();
    for sale in &market.sales {
        *pools.entry(sale.revision).or_default() += sale.net.minor;
    }
    for (revision, net) in &market.refunded_net {
        *pools.entry(*revision).or_default() -= net;
    }
    pools
}

fn foretold(market: &Market) -> Step<Credits> {
    let mut credits = Credits::new();
    for (revision, delta) in pools(market) {
        for line in &shares_of(market, revision)?.shares {
            let (credit, carried) = credits.entry(line.party.id).or_default();
            let sum = *carried + i128::from(delta) * i128::from(line.share);
            *credit += sum.div_euclid(WHOLE);
            *carried = sum.rem_euclid(WHOLE);
        }
    }
    Ok(credits)
}

fn compare(done: &SettlementView, credits: &Credits) -> Step {
    equal(done.statements.len(), credits.len(), "number of statements")?;
    for statement in &done.statements {
        let foretold = credits.get(&statement.party.id).map(|(credit, _)| *credit);
        let what = format!("credit of {}", statement.party.display_name);
        equal(Some(i128::from(statement.earned.minor)), foretold, what)?;
    }
    let moved: i64 = done.pools.iter().map(|pool| pool.delta.minor).sum();
    let dust: i64 = done.pools.iter().map(|pool| pool.dust).sum();
    let earned: i64 = done
        .statements
        .iter()
        .map(|statement| statement.earned.minor)
        .sum();
    equal(earned + dust, moved, "credits and dust together")?;
    let carried: i128 = credits.values().map(|(_, carried)| carried).sum();
    equal(
        i128::from(dust) * WHOLE,
        carried,
        "dust and what is carried",
    )
}

/// One line of the settlement that anybody can recompute with a pocket calculator.
fn by_hand(world: &World, market: &Market, done: &SettlementView) -> Step {
    let (_, delta) = pools(market)
        .into_iter()
        .next()
        .ok_or_else(|| Slip("no pool".to_owned()))?;
    let shares = shares_of(market, 1)?;
    let line = shares
        .shares
        .iter()
        .find(|line| line.party.id == market.birch.id);
    let share = line
        .ok_or_else(|| Slip("Birch has no share".to_owned()))?
        .share;
    let product = i128::from(delta) * i128::from(share);
    hold(
        done.pools.iter().any(|pool| pool.delta.minor == delta),
        "the pool moved",
    )?;
    world.tell.text(&format!(
        "By hand, Birch's part of revision 1: {delta} cents times {share} parts of 10^12 is \
         {product}; divided by 10^12 that is {} cents, and {} parts of a cent are carried. Dust is \
         the sum of what everybody carries; it stays in an account of its own.",
        product.div_euclid(WHOLE),
        product.rem_euclid(WHOLE)
    ))
}

/// Everybody's statement, fetched and verified with the node's public key alone.
pub async fn statements(world: &mut World, market: &Market) -> Step {
    world.chapter("Statements")?;
    let key = world.verify_key()?;
    let mut table = Table::new(&[
        "statement of",
        "period",
        ">opening",
        ">earned",
        ">closing",
        "in a word",
    ]);
    for person in market.contributors() {
        let list = person.client.statements().await?;
        let view = list
            .first()
            .ok_or_else(|| Slip(format!("no statement of {}", person.name)))?;
        let file = person.client.statement_document(view.id).await?;
        let sound = statement::verify(file.as_bytes(), key.as_bytes())?;
        equal(sound.payee, person.id, "payee of the statement")?;
        equal(sound.closing.minor, view.closing.minor, "closing balance")?;
        equal(
            sound.opening.minor + sound.earned.minor,
            sound.closing.minor,
            "the bridge",
        )?;
        hold(
            sound.answer.contains(HELD),
            "the statement says that nothing was paid out yet",
        )?;
        let changed = file.replacen("\"earned\":", "\"earned\":1", 1);
        hold(
            statement::verify(changed.as_bytes(), key.as_bytes()).is_err(),
            "a changed figure is noticed",
        )?;
        table.row([
            person.name.clone(),
            view.period.clone(),
            number(view.opening.minor, "EUR"),
            number(view.earned.minor, "EUR"),
            number(view.closing.minor, "EUR"),
            HELD.to_owned(),
        ]);
    }
    world.tell.block(table)?;
    world.tell.text(
        "Each of them was verified with the file and the node's public key alone: the signature, \
         and every line recomputed with integers (granary statement verify FILE --key KEY). One \
         changed digit is noticed.",
    )
}

/// The whole ledger comes to nothing, and its verifier finds nothing.
pub async fn books(world: &mut World, market: &Market) -> Step {
    world.chapter("The books")?;
    let operator = &market.miller.client;
    let mut sums = operator.trial_balance().await?;
    for book in &mut sums.books {
        equal(book.total, 0, format!("trial balance of {}", book.book))?;
        for account in &mut book.accounts {
            account.account = readable(market, &account.account);
        }
    }
    world.tell.block(balances(&sums))?;
    let findings = operator.ledger_verify().await?;
    if let Some(first) = findings.first() {
        return Err(Slip(format!(
            "{} {}: {}",
            first.invariant, first.row, first.message
        )));
    }
    let export = operator.ledger_export("hledger").await?;
    hold(
        export.contains("Income:PlatformFee"),
        "the journal can be exported",
    )?;
    world.tell.text(
        "The verifier has recomputed every hash, sum, share, carry and statement from the rows: \
         every invariant holds. The market has turned once.",
    )
}

/// Account names with the people's names and revision numbers in place of identifiers.
fn readable(market: &Market, account: &str) -> String {
    let name = |part: &str| {
        let Ok(id) = part.parse::<Uuid>() else {
            return part.to_owned();
        };
        let revision = market
            .revisions
            .iter()
            .find(|(revision, _)| revision.id == id);
        match revision {
            Some((revision, _)) => format!("revision {}", revision.number),
            None => market.name_of(id).unwrap_or_else(|| part.to_owned()),
        }
    };
    account.split(':').map(name).collect::<Vec<_>>().join(":")
}
