//! A database per test, a market in it, a writer on it.

use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use ledger::money::Currency;
use schema::columns::Key;
use schema::db::{Db, Pool};
use schema::wire::LedgerFinding;
use uuid::Uuid;

use crate::clock::{Clock, Ids};
use crate::error::Fault;
use crate::journal::Journal;
use crate::journal::audit;
use crate::journal::command::{At, Command, Posted, Refund, Request, Work};
use crate::journal::market::Market;

pub const EUR: Currency = Currency::EUR;

/// Which database a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

/// The kinds that can be tested here.
pub fn kinds() -> Vec<Kind> {
    match std::env::var("TEST_DATABASE_URL") {
        Ok(_) => vec![Kind::Sqlite, Kind::Postgres],
        Err(_) => vec![Kind::Sqlite],
    }
}

/// A database that ends with the test.
pub struct Scratch {
    pub pool: Pool,
    pub url: String,
    _dir: Option<tempfile::TempDir>,
}

static COUNT: AtomicU32 = AtomicU32::new(0);

impl Scratch {
    pub fn new(kind: Kind) -> Self {
        let (url, dir) = match kind {
            Kind::Sqlite => {
                let dir = tempfile::tempdir().unwrap();
                (
                    format!("sqlite:{}", dir.path().join("test.db").display()),
                    Some(dir),
                )
            }
            Kind::Postgres => {
                let base = std::env::var("TEST_DATABASE_URL").unwrap();
                let n = COUNT.fetch_add(1, Ordering::SeqCst);
                let name = format!("granary_journal_{}_{n}", std::process::id());
                let mut server = PgConnection::establish(&base).unwrap();
                server
                    .batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
                    .unwrap();
                server
                    .batch_execute(&format!("CREATE DATABASE {name}"))
                    .unwrap();
                let (server_url, _) = base.rsplit_once('/').unwrap();
                (format!("{server_url}/{name}"), None)
            }
        };
        let pool = Pool::open(&url, 4).unwrap();
        pool.migrate().unwrap();
        Self {
            pool,
            url,
            _dir: dir,
        }
    }

    pub fn db(&self) -> Db {
        self.pool.get().unwrap()
    }

    pub fn findings(&self) -> Vec<LedgerFinding> {
        self.db().snapshot(audit::verify).unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let (Ok(base), Some((_, name))) = (
            std::env::var("TEST_DATABASE_URL"),
            self.url.rsplit_once('/'),
        ) && self.url.starts_with("postgres")
            && let Ok(mut server) = PgConnection::establish(&base)
        {
            let _ = server.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        }
    }
}

/// A market with its writer.
pub struct Bed {
    pub scratch: Scratch,
    pub market: Market,
    pub journal: Journal,
    pub clock: Clock,
    runtime: tokio::runtime::Runtime,
}

pub fn start() -> DateTime<Utc> {
    "2026-11-24T10:00:00Z".parse().unwrap()
}

impl Bed {
    /// Buyers, raw weights of the contributors, and the owner's commission.
    pub fn new(kind: Kind, buyers: usize, weights: &[u128], commission_bps: u16) -> Self {
        let scratch = Scratch::new(kind);
        let (clock, ids) = (Clock::manual(start()), Ids::seeded(7));
        let market = Market::make(
            &scratch.pool,
            &ids,
            start(),
            buyers,
            weights,
            commission_bps,
        )
        .unwrap();
        let journal = Journal::start(scratch.pool.clone(), clock.clone(), &ids).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        Self {
            scratch,
            market,
            journal,
            clock,
            runtime,
        }
    }

    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    pub fn submit(&self, command: Command) -> Result<Posted, Fault> {
        self.runtime.block_on(self.journal.submit(command))
    }

    /// Submits all at once; answers in their order.
    pub fn submit_together(&self, commands: Vec<Command>) -> Vec<Result<Posted, Fault>> {
        self.runtime.block_on(async {
            let tasks: Vec<_> = commands
                .into_iter()
                .map(|command| {
                    let journal = self.journal.clone();
                    tokio::spawn(async move { journal.submit(command).await })
                })
                .collect();
            let mut answers = Vec::new();
            for task in tasks {
                answers.push(task.await.unwrap());
            }
            answers
        })
    }

    pub fn top_up(&self, key: &str, buyer: usize, minor: i64) -> Result<Posted, Fault> {
        let command =
            self.market
                .top_up(key, self.market.buyers[buyer], minor, EUR, self.clock.now());
        self.submit(command.unwrap())
    }

    pub fn purchase(&self, key: &str, buyer: usize, gross: i64) -> Command {
        self.market
            .purchase(
                key,
                self.market.buyers[buyer],
                gross,
                EUR,
                1,
                self.clock.now(),
            )
            .unwrap()
    }

    pub fn buy(&self, key: &str, buyer: usize, gross: i64) -> Result<Posted, Fault> {
        self.submit(self.purchase(key, buyer, gross))
    }

    pub fn refund_command(&self, key: &str, order: Uuid, minor: i64) -> Command {
        let owner = self.market.owner;
        let request = Request::new(owner, key, "refund", &(order, minor)).unwrap();
        let work = Refund {
            id: self.market.ids.next(self.clock.now()),
            order: Key(order),
            owner,
            minor,
            currency: EUR,
            reason: "as agreed".to_owned(),
        };
        Command {
            request,
            at: At::now(self.clock.now()),
            work: Work::Refund(work),
        }
    }

    pub fn refund(&self, key: &str, order: Uuid, minor: i64) -> Result<Posted, Fault> {
        self.submit(self.refund_command(key, order, minor))
    }

    pub fn settle(&self, key: &str) -> Result<Posted, Fault> {
        self.submit(self.market.settle(key, self.clock.now()).unwrap())
    }

    /// Balance of an account by its postings, + debit.
    pub fn balance(&self, account: &str) -> i64 {
        crate::store::journal::balance_at(&mut self.scratch.db(), "EUR", account, i64::MAX).unwrap()
    }
}
