//! The single writer of money: a bounded queue, many commands per commit.
//!
//! One thread with its own connection takes what has queued up (at most [`MOST`] commands,
//! at most [`LINGER`] of waiting), plans every command against one state in memory, writes
//! all rows, commits once, and only then answers. What follows from it:
//!
//! - a payment is durable when its caller hears of it, and costs a fraction of a commit;
//! - entry numbers are dense and balances have a floor without a lock in the database;
//! - a refused command (not enough money) leaves the others of its batch alone, and a batch
//!   that the database refuses is taken apart and tried one by one;
//! - a repeated request (same party, same key, same body) gets the first answer again, also
//!   when that answer was lost between commit and caller.
//!
//! On PostgreSQL the writer's session holds an advisory lock. Lock and transaction live in
//! the same session: a node that has lost the lock has lost its transaction too, so two
//! writers can never both commit. On SQLite the data directory's lock does that.
//!
//! The [`log`] over all books is grown apart from it, when a checkpoint is made.
//!
//! [`command`] says what can be asked, [`batch`] holds the state of one transaction, [`plan`],
//! [`provider`], [`disputes`], [`settle`], [`claims`] and [`reserves`] turn commands into rows, [`invoices`]
//! numbers the documents of sales, [`payouts`] and [`bank`] turn those about money that leaves,
//! [`periods`] closes the books of a month,
//! [`writer`] is the thread.

pub mod adjust;
mod bank;
mod batch;
mod claims;
pub mod command;
mod disputes;
pub mod exchange;
pub mod invoices;
pub(crate) mod payouts;
mod periods;
mod plan;
mod points;
pub mod provider;
mod reserves;
mod settle;
pub mod subscriptions;
mod writer;

pub mod audit;
mod audit_claims;
mod audit_exchange;
mod audit_invoices;
mod audit_payouts;
mod audit_provider;
mod audit_subscriptions;
pub mod bench;
pub mod log;
pub mod market;
pub mod reconcile;
#[cfg(test)]
mod tests;

use std::sync::{Arc, mpsc};
use std::time::Duration;

use schema::db::Pool;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

pub use self::bank::CAME_BACK;
pub use self::command::{
    At, Command, DisputeEnd, DisputeOpen, Posted, Purchase, Refund, Request, ReserveTerms, TopUp,
    Work,
};
pub(crate) use self::plan::bank;
use crate::clock::{Clock, Ids};
use crate::error::{Fault, Kind};

/// Most commands of one transaction.
pub const MOST: usize = 1_000;
/// Longest wait for more commands once one has come.
pub const LINGER: Duration = Duration::from_millis(2);
/// Commands that may wait; further callers wait outside the queue.
const QUEUE: usize = 8_192;

/// Handle of the writer; cheap to clone. The thread ends when the last handle is gone and
/// the queue is empty.
#[derive(Clone)]
pub struct Journal {
    queue: mpsc::Sender<Envelope>,
    room: Arc<Semaphore>,
}

/// A command on its way, with the way back.
struct Envelope {
    command: Command,
    answer: oneshot::Sender<Result<Posted, Fault>>,
    _room: OwnedSemaphorePermit,
}

impl Journal {
    /// Starts the writer.
    ///
    /// It takes one connection of the pool for itself. When another node writes to the same
    /// PostgreSQL database, commands are refused with `not_the_writer` until that node ends.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(pool: Pool, clock: Clock, ids: &Ids) -> Result<Self, Fault> {
        let (queue, commands) = mpsc::channel();
        let writer = writer::Writer::new(pool, clock, ids);
        std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || writer.run(&commands))
            .map_err(Fault::internal)?;
        Ok(Self {
            queue,
            room: Arc::new(Semaphore::new(QUEUE)),
        })
    }

    /// Commands that wait for the writer.
    #[must_use]
    pub fn waiting(&self) -> usize {
        QUEUE - self.room.available_permits()
    }

    /// Has a command carried out, and waits until it is durable.
    ///
    /// When the caller gives up waiting, the command is carried out all the same: repeating
    /// the request gives its answer.
    ///
    /// # Errors
    /// Why it was refused, or that the database does not answer; then nothing was done.
    pub async fn submit(&self, command: Command) -> Result<Posted, Fault> {
        let room = self
            .room
            .clone()
            .acquire_owned()
            .await
            .map_err(|_| gone())?;
        let (answer, answered) = oneshot::channel();
        let envelope = Envelope {
            command,
            answer,
            _room: room,
        };
        self.queue.send(envelope).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

/// The fault of an entry for a closed period (I14).
pub(crate) fn closed(period: ledger::period::Period, open: ledger::period::Period) -> Fault {
    Fault::conflict(
        "period_closed",
        format!(
            "The books of {period} are closed. Nothing was booked; book in {open}: an entry keeps \
             the time of what it records."
        ),
    )
}

fn gone() -> Fault {
    Fault::new(
        Kind::Unavailable,
        "journal_stopped",
        "The node is stopping. Repeat the request with the same Idempotency-Key when it is back: \
         it takes effect once.",
    )
}
