//! One handle for both databases.
//!
//! SQLite and PostgreSQL speak through the same queries: [`on!`](crate::on) expands an
//! expression once per backend, so that everything diesel can do on one backend alone
//! (batch insert, `ON CONFLICT`, `RETURNING`, `SKIP LOCKED`) stays usable.

use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::pg::PgConnection;
use diesel::r2d2::{self, ConnectionManager, CustomizeConnection, PooledConnection};
use diesel::sqlite::SqliteConnection;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

const SQLITE_MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES_MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Why the database could not be opened or brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL names neither a SQLite file nor a PostgreSQL server.
    #[error("database URL {0:?} is not understood; use sqlite:PATH or postgres://USER@HOST/NAME")]
    Url(String),
    /// No connection could be made in time.
    #[error("the database does not answer: {0}")]
    Connect(#[from] r2d2::PoolError),
    /// A migration failed; the database stays at the last complete one.
    #[error("a migration failed: {0}")]
    Migrate(String),
}

/// One connection, checked out of a [`Pool`].
pub enum Db {
    /// The embedded database.
    Sqlite(PooledConnection<ConnectionManager<SqliteConnection>>),
    /// A PostgreSQL server.
    Pg(PooledConnection<ConnectionManager<PgConnection>>),
}

/// Evaluates one query on whichever backend the connection speaks.
///
/// ```ignore
/// let names: Vec<String> = on!(db, c => party::table.select(party::handle).load(c))?;
/// ```
#[macro_export]
macro_rules! on {
    ($db:expr, $c:ident => $query:expr) => {
        match $db {
            $crate::db::Db::Sqlite(connection) => {
                let $c: &mut ::diesel::sqlite::SqliteConnection = connection;
                $query
            }
            $crate::db::Db::Pg(connection) => {
                let $c: &mut ::diesel::pg::PgConnection = connection;
                $query
            }
        }
    };
}

impl Db {
    /// Runs `work` in one transaction: committed when it answers `Ok`, else undone.
    ///
    /// On SQLite the write lock is taken at once (`BEGIN IMMEDIATE`): a deferred
    /// transaction that reads first can fail to upgrade and would lose its work.
    ///
    /// # Errors
    /// What `work` answers, or the database's own error at begin or commit.
    pub fn transaction<T, E>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E>
    where
        E: From<diesel::result::Error>,
    {
        match self {
            Db::Sqlite(c) => {
                AnsiTransactionManager::begin_transaction_sql(&mut **c, "BEGIN IMMEDIATE")?
            }
            Db::Pg(c) => AnsiTransactionManager::begin_transaction_sql(&mut **c, "BEGIN")?,
        }
        self.finish(work)
    }

    /// Runs `work` on one unchanging state of the database, without stopping writers.
    ///
    /// # Errors
    /// What `work` answers, or the database's own error at begin or end.
    pub fn snapshot<T, E>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E>
    where
        E: From<diesel::result::Error>,
    {
        match self {
            Db::Sqlite(c) => {
                AnsiTransactionManager::begin_transaction_sql(&mut **c, "BEGIN DEFERRED")?
            }
            Db::Pg(c) => AnsiTransactionManager::begin_transaction_sql(
                &mut **c,
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            )?,
        }
        self.finish(work)
    }

    fn finish<T, E>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E>
    where
        E: From<diesel::result::Error>,
    {
        match work(self) {
            Ok(value) => {
                on!(self, c => AnsiTransactionManager::commit_transaction(c))?;
                Ok(value)
            }
            Err(error) => {
                on!(self, c => AnsiTransactionManager::rollback_transaction(c))?;
                Err(error)
            }
        }
    }

    /// Runs plain SQL without results.
    ///
    /// # Errors
    /// The database's own error.
    pub fn execute(&mut self, sql: &str) -> diesel::QueryResult<()> {
        on!(self, c => c.batch_execute(sql))
    }

    /// Whether this is PostgreSQL, for the few statements that differ.
    #[must_use]
    pub fn is_postgres(&self) -> bool {
        matches!(self, Db::Pg(_))
    }
}

/// A pool of connections to one database.
#[derive(Clone)]
pub enum Pool {
    /// The embedded database.
    Sqlite(r2d2::Pool<ConnectionManager<SqliteConnection>>),
    /// A PostgreSQL server.
    Pg(r2d2::Pool<ConnectionManager<PgConnection>>),
}

#[derive(Debug)]
struct SqliteSettings;

impl CustomizeConnection<SqliteConnection, r2d2::Error> for SqliteSettings {
    fn on_acquire(&self, connection: &mut SqliteConnection) -> Result<(), r2d2::Error> {
        connection
            .batch_execute(
                "PRAGMA busy_timeout = 15000; PRAGMA journal_mode = WAL; \
                 PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;",
            )
            .map_err(r2d2::Error::QueryError)
    }
}

impl Pool {
    /// Opens `sqlite:PATH` (the file is made when missing) or `postgres://…`.
    ///
    /// # Errors
    /// [`OpenError::Url`] for another scheme, [`OpenError::Connect`] when nobody answers.
    pub fn open(url: &str, size: u32) -> Result<Self, OpenError> {
        let wait = Duration::from_secs(10);
        if let Some(path) = url.strip_prefix("sqlite:") {
            let manager = ConnectionManager::new(path.trim_start_matches("//"));
            let pool = r2d2::Pool::builder()
                .max_size(size)
                .min_idle(Some(1))
                .connection_timeout(wait)
                .connection_customizer(Box::new(SqliteSettings))
                .build(manager)?;
            Ok(Self::Sqlite(pool))
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let pool = r2d2::Pool::builder()
                .max_size(size)
                .min_idle(Some(1))
                .connection_timeout(wait)
                .build(ConnectionManager::new(url))?;
            Ok(Self::Pg(pool))
        } else {
            Err(OpenError::Url(url.to_owned()))
        }
    }

    /// Checks a connection out, waiting a bounded time for a free one.
    ///
    /// # Errors
    /// When none is free in time or the database does not answer.
    pub fn get(&self) -> Result<Db, r2d2::PoolError> {
        match self {
            Pool::Sqlite(pool) => pool.get().map(Db::Sqlite),
            Pool::Pg(pool) => pool.get().map(Db::Pg),
        }
    }

    /// Brings the tables up to date and answers the names of the migrations it ran.
    ///
    /// # Errors
    /// [`OpenError::Migrate`] with the failing migration's own message.
    pub fn migrate(&self) -> Result<Vec<String>, OpenError> {
        let ran = match self.get()? {
            Db::Sqlite(mut c) => names(c.run_pending_migrations(SQLITE_MIGRATIONS)),
            Db::Pg(mut c) => names(c.run_pending_migrations(POSTGRES_MIGRATIONS)),
        };
        ran.map_err(|error| OpenError::Migrate(error.to_string()))
    }
}

type MigrationResult<T> = diesel::migration::Result<T>;

fn names(
    ran: MigrationResult<Vec<diesel::migration::MigrationVersion<'_>>>,
) -> MigrationResult<Vec<String>> {
    Ok(ran?.iter().map(ToString::to_string).collect())
}
