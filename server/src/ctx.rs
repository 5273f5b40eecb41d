//! What every flow may use: one handle, cheap to clone.

use std::ops::Deref;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use schema::db::{Db, Pool};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::blobs::Blobs;
use crate::clock::{Clock, Ids};
use crate::config::Config;
use crate::error::Fault;
use crate::journal::Journal;
use crate::keys::NodeKeys;
use crate::ports::payment::Payments;

/// The node's means: configuration, database, blobs, keys, the journal's writer, time.
#[derive(Clone)]
pub struct Ctx(Arc<Inner>);

/// The fields behind a [`Ctx`].
pub struct Inner {
    /// Settings of the node.
    pub config: Config,
    /// Database connections.
    pub pool: Pool,
    /// Sealed files.
    pub blobs: Blobs,
    /// The node's secrets.
    pub keys: NodeKeys,
    /// Ways for money to come in.
    pub payments: Payments,
    /// The single writer of money.
    pub journal: Journal,
    /// Present.
    pub clock: Clock,
    /// Identifiers.
    pub ids: Ids,
    /// Rung when a job was put in the database.
    pub job_bell: Notify,
    /// Keeps the data folder for this node alone.
    pub lock: std::fs::File,
}

impl Deref for Ctx {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Ctx {
    /// Wraps the node's means.
    #[must_use]
    pub fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// The present.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// A new identifier.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.ids.next(self.now())
    }

    /// Tells every runner that a job was put in the database.
    pub fn ring(&self) {
        // One for each checker's runner, one for the runner of payments.
        for _ in 0..=self.config.workers.max(1) {
            self.job_bell.notify_one();
        }
    }

    /// Runs database work off the async threads, without a transaction: for reads.
    ///
    /// # Errors
    /// What the work answers, or [`Kind::Unavailable`](crate::error::Kind) without a connection.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Db) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let ctx = self.clone();
        blocking(move || work(&mut ctx.pool.get()?)).await
    }

    /// Runs database work off the async threads in one transaction.
    ///
    /// # Errors
    /// What the work answers (then nothing is changed), or the database's own failure.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Db) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let ctx = self.clone();
        blocking(move || ctx.pool.get()?.transaction(work)).await
    }
}

/// Runs blocking work on the blocking threads.
///
/// # Errors
/// What the work answers; a panic inside it becomes an internal fault.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(Fault::internal)?
}
