//! Measuring the writer against the database it writes to.
//!
//! Every figure comes with an anchor taken in the same run on the same machine, because
//! only the ratio travels. All functions want empty, migrated databases of their own.

use std::fmt;
use std::time::Instant;

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use ledger::merkle::{self, Tree};
use ledger::money::Currency;
use schema::db::{Db, Pool};
use uuid::Uuid;

use super::Journal;
use super::audit::each_entry;
use super::command::{Command, Posted};
use super::log::{Grown, grow};
use super::market::Market;
use crate::clock::{Clock, Ids};
use crate::ctx::blocking;
use crate::error::Fault;
use crate::store::invoices::{self, InvoiceRow};
use crate::store::journal::{self as rows, EntryRow, PostingRow};
use crate::store::orders::{self, LicenceRow, OrderRow};

/// Payments of one transaction in the raw anchor: as many as the writer takes.
const TOGETHER: usize = super::MOST;
/// Wallets that pay.
const BUYERS: usize = 64;
const PRICE: i64 = 1_999;
const CURRENCY: Currency = Currency::EUR;

/// How often something was done, and how long it took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// How often.
    pub count: usize,
    /// Seconds.
    pub seconds: f64,
}

impl Rate {
    fn since(count: usize, start: Instant) -> Self {
        Self {
            count,
            seconds: start.elapsed().as_secs_f64(),
        }
    }

    /// Times per second.
    #[must_use]
    pub fn per_second(&self) -> f64 {
        self.count as f64 / self.seconds.max(1e-9)
    }

    /// How many times faster than `other`.
    #[must_use]
    pub fn over(&self, other: &Self) -> f64 {
        self.per_second() / other.per_second().max(1e-9)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.0}/s ({} in {:.2} s)",
            self.per_second(),
            self.count,
            self.seconds
        )
    }
}

/// The log: hashing alone, and the entries of a database taken into it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Logged {
    /// Leaves hashed and appended in memory.
    pub leaves: Rate,
    /// Stored entries that got a place, with tiles and root, in one transaction.
    pub entries: Rate,
}

impl fmt::Display for Logged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "SHA-256 leaves appended to a tree: {}", self.leaves)?;
        write!(f, "entries taken into the log: {}", self.entries)
    }
}

/// Measures the log on a database whose entries have no place in it yet.
///
/// # Errors
/// The database's own.
pub async fn log(pool: &Pool, leaves: usize) -> Result<Logged, Fault> {
    let pool = pool.clone();
    blocking(move || {
        let (start, mut tree) = (Instant::now(), Tree::default());
        for n in 0..leaves {
            tree.push(merkle::leaf(&n.to_be_bytes()));
        }
        let leaves = Rate::since(leaves, start);
        let empty = Grown {
            size: 0,
            root: merkle::empty_root(),
        };
        let start = Instant::now();
        let grown = pool.get()?.transaction(|db| grow(db, empty))?;
        let count = usize::try_from(grown.size).map_err(Fault::internal)?;
        Ok(Logged {
            leaves,
            entries: Rate::since(count, start),
        })
    })
    .await
}

/// Payments through the writer, and the same rows inserted by hand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Payments {
    /// Each of 64 callers waits for its payment before it sends the next.
    pub single: Rate,
    /// All are sent at once.
    pub batched: Rate,
    /// The batched rows again: multi-row inserts, 1,000 payments per transaction.
    pub raw: Rate,
}

impl fmt::Display for Payments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "payments, one at a time over {BUYERS} callers: {}",
            self.single
        )?;
        writeln!(f, "payments, batched: {}", self.batched)?;
        writeln!(f, "raw inserts of the same rows: {}", self.raw)?;
        write!(f, "batched / raw: {:.2}", self.batched.over(&self.raw))
    }
}

/// A market, its writer, and the moment all of it happens at.
struct Ground {
    market: Market,
    journal: Journal,
    now: DateTime<Utc>,
}

impl Ground {
    async fn make(pool: &Pool, weights: Vec<u128>, funds: i64) -> Result<Self, Fault> {
        // The same seed gives the same parties in the anchor's database.
        let (clock, ids) = (Clock::System, Ids::seeded(1));
        let now = clock.now();
        let (own, seeds) = (pool.clone(), ids.clone());
        let market = blocking(move || Market::make(&own, &seeds, now, BUYERS, &weights, 0)).await?;
        let journal = Journal::start(pool.clone(), clock, &ids)?;
        for (n, buyer) in market.buyers.iter().enumerate() {
            journal
                .submit(market.top_up(&format!("t{n}"), *buyer, funds, CURRENCY, now)?)
                .await?;
        }
        Ok(Self {
            market,
            journal,
            now,
        })
    }

    fn purchases(&self, run: &str, count: usize) -> Result<Vec<Command>, Fault> {
        let buyers = self.market.buyers.iter().cycle().take(count).enumerate();
        buyers
            .map(|(n, buyer)| {
                let key = format!("{run}{n}");
                self.market
                    .purchase(&key, *buyer, PRICE, CURRENCY, 1, self.now)
            })
            .collect()
    }

    /// Sends everything at once, and waits until all is durable.
    async fn send(&self, commands: Vec<Command>) -> Result<Rate, Fault> {
        let (count, start) = (commands.len(), Instant::now());
        let answers = join_all(
            commands
                .into_iter()
                .map(|command| self.journal.submit(command)),
        )
        .await;
        answers
            .into_iter()
            .collect::<Result<Vec<Posted>, Fault>>()?;
        Ok(Rate::since(count, start))
    }
}

/// Payments per second through the writer on `pool`, and by hand on `anchor`.
///
/// # Errors
/// The databases' own.
pub async fn payments(pool: &Pool, anchor: &Pool, count: usize) -> Result<Payments, Fault> {
    let ground = Ground::make(pool, vec![1, 2, 3], funds(count)).await?;
    let batched = ground.send(ground.purchases("b", count)?).await?;
    let raw = raw(&ground, pool, anchor).await?;
    let single = one_by_one(&ground, count).await?;
    Ok(Payments {
        single,
        batched,
        raw,
    })
}

fn funds(count: usize) -> i64 {
    i64::try_from(count)
        .unwrap_or(i64::MAX / (4 * PRICE))
        .saturating_mul(2 * PRICE)
}

async fn one_by_one(ground: &Ground, count: usize) -> Result<Rate, Fault> {
    let mut commands = ground.purchases("s", count)?;
    let start = Instant::now();
    let mut callers = Vec::with_capacity(BUYERS);
    let each = count.div_ceil(BUYERS);
    while !commands.is_empty() {
        let own = commands.split_off(commands.len().saturating_sub(each));
        let journal = ground.journal.clone();
        callers.push(tokio::spawn(async move {
            for command in own {
                journal.submit(command).await?;
            }
            Ok::<(), Fault>(())
        }));
    }
    for caller in callers {
        caller.await.map_err(Fault::internal)??;
    }
    Ok(Rate::since(count, start))
}

/// The rows of some payments, as they stand in the tables.
struct Written {
    entries: Vec<EntryRow>,
    postings: Vec<PostingRow>,
    orders: Vec<OrderRow>,
    licences: Vec<LicenceRow>,
    invoices: Vec<InvoiceRow>,
}

/// Inserts the rows that the writer has just written once more, into the anchor.
async fn raw(ground: &Ground, pool: &Pool, anchor: &Pool) -> Result<Rate, Fault> {
    let weights: Vec<u128> = vec![1, 2, 3];
    let (source, target, now) = (pool.clone(), anchor.clone(), ground.now);
    blocking(move || {
        Market::make(&target, &Ids::seeded(1), now, BUYERS, &weights, 0)?;
        let (mut from, mut to) = (source.get()?, target.get()?);
        let accounts = rows::every_account(&mut from)?;
        to.transaction(|db| rows::insert_accounts(db, &accounts))?;
        let bundles = bundles(&mut from)?;
        let count = bundles.iter().map(|bundle| bundle.orders.len()).sum();
        let start = Instant::now();
        for bundle in &bundles {
            to.transaction(|db| {
                rows::insert_entries(db, &bundle.entries)?;
                rows::insert_postings(db, &bundle.postings)?;
                orders::insert(db, &bundle.orders)?;
                orders::insert_licences(db, &bundle.licences)?;
                invoices::insert(db, &bundle.invoices)
            })?;
        }
        Ok(Rate::since(count, start))
    })
    .await
}

fn bundles(db: &mut Db) -> Result<Vec<Written>, Fault> {
    let mut entries = Vec::new();
    each_entry(db, CURRENCY.code(), |entry, lines| {
        if entry.kind == ledger::entry::Kind::Purchase.as_str() {
            entries.push((entry.clone(), lines.clone()));
        }
        Ok(())
    })?;
    let (orders, licences, invoices) = (
        orders::after(db, Uuid::nil(), i64::MAX)?,
        orders::all_licences(db)?,
        invoices::after(db, (i32::MIN, 0), i64::MAX)?,
    );
    let mut invoices: std::collections::HashMap<_, _> = invoices
        .into_iter()
        .map(|row| (row.order_id, row))
        .collect();
    let mut orders: std::collections::HashMap<_, _> =
        orders.into_iter().map(|row| (row.id, row)).collect();
    let mut licences: std::collections::HashMap<_, _> = licences
        .into_iter()
        .map(|row| (row.order_id, row))
        .collect();
    Ok(entries
        .chunks(TOGETHER)
        .map(|some| Written {
            entries: some.iter().map(|(entry, _)| entry.clone()).collect(),
            postings: some.iter().flat_map(|(_, lines)| lines.clone()).collect(),
            orders: some
                .iter()
                .filter_map(|(entry, _)| orders.remove(&entry.id))
                .collect(),
            licences: some
                .iter()
                .filter_map(|(entry, _)| licences.remove(&entry.id))
                .collect(),
            invoices: some
                .iter()
                .filter_map(|(entry, _)| invoices.remove(&entry.id))
                .collect(),
        })
        .collect())
}

/// Cost of a payment with few and with many contributors behind it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Breadth {
    /// Contributors on the one side, and payments to them.
    pub few: (usize, Rate),
    /// Contributors on the other side, and payments to them.
    pub many: (usize, Rate),
}

impl fmt::Display for Breadth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "payments with {} contributors: {}",
            self.few.0, self.few.1
        )?;
        writeln!(
            f,
            "payments with {} contributors: {}",
            self.many.0, self.many.1
        )?;
        write!(
            f,
            "cost with many / with few: {:.2}",
            self.few.1.over(&self.many.1)
        )
    }
}

/// Payments per second on two databases that differ in their number of contributors. Each
/// warms up first, then they take turns.
///
/// # Errors
/// The databases' own.
pub async fn breadth(
    few: (&Pool, usize),
    many: (&Pool, usize),
    count: usize,
) -> Result<Breadth, Fault> {
    const TURNS: usize = 4;
    let small = Ground::make(few.0, vec![1; few.1], funds(2 * count)).await?;
    let large = Ground::make(many.0, vec![1; many.1], funds(2 * count)).await?;
    let mut spent = [0.0, 0.0];
    for turn in 0..=TURNS {
        for (ground, spent) in [&small, &large].into_iter().zip(&mut spent) {
            let some = ground.purchases(&format!("turn{turn}-"), count / TURNS)?;
            let rate = ground.send(some).await?;
            if turn > 0 {
                *spent += rate.seconds;
            }
        }
    }
    let count = count / TURNS * TURNS;
    let rate = |seconds| Rate { count, seconds };
    Ok(Breadth {
        few: (few.1, rate(spent[0])),
        many: (many.1, rate(spent[1])),
    })
}

/// Contributor credits per second of one settlement over that many contributors.
///
/// # Errors
/// The database's own.
pub async fn settlement(pool: &Pool, contributors: usize) -> Result<Rate, Fault> {
    let weights = (1..=contributors as u128).collect();
    let price = i64::try_from(contributors)
        .map_err(Fault::internal)?
        .saturating_mul(1_000);
    let ground = Ground::make(pool, weights, price).await?;
    let (market, now) = (&ground.market, ground.now);
    let buyer = market.buyers.first().copied().unwrap_or_default();
    ground
        .journal
        .submit(market.purchase("b", buyer, price, CURRENCY, 1, now)?)
        .await?;
    let start = Instant::now();
    ground.journal.submit(market.settle("s", now)?).await?;
    Ok(Rate::since(contributors, start))
}
