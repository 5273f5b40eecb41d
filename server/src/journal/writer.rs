//! The writer's thread: gathers, runs, answers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Instant;

use ledger::json::Hash;
use schema::db::{Db, Pool};
use uuid::Uuid;

use super::batch::Batch;
use super::command::{Command, Posted, Work};
use super::{
    Envelope, LINGER, MOST, adjust, bank, exchange, payouts, periods, plan, reserves, settle,
    subscriptions,
};
use crate::clock::{Clock, Ids};
use crate::error::{Fault, Kind};
use crate::store::journal as rows;

/// Number of the advisory lock that makes one session the writer: "granary" and a 1.
const LOCK: i64 = 0x6772_616e_6172_7901;
/// Keeps the writer's identifiers apart from those of the flows when both repeat a seed.
const STREAM: u64 = 0x6a6f_7572_6e61_6c00;

type Outcome = Result<Posted, Fault>;

pub(super) struct Writer {
    pool: Pool,
    clock: Clock,
    ids: Ids,
    open: Option<Open>,
    last: usize,
}

/// A connection that may write, and whose books it writes.
struct Open {
    db: Db,
    node: Uuid,
}

impl Writer {
    pub(super) fn new(pool: Pool, clock: Clock, ids: &Ids) -> Self {
        let ids = match ids {
            Ids::Random => Ids::Random,
            Ids::Seeded { seed, .. } => Ids::seeded(seed ^ STREAM),
        };
        Self {
            pool,
            clock,
            ids,
            open: None,
            last: 1,
        }
    }

    /// Serves until every handle is gone.
    pub(super) fn run(mut self, queue: &Receiver<Envelope>) {
        if let Err(fault) = self.connect() {
            tracing::warn!(%fault, "the journal does not write yet");
        }
        while let Ok(first) = queue.recv() {
            let envelopes = self.gather(first, queue);
            self.last = envelopes.len();
            let (exclusive, shared): (Vec<_>, Vec<_>) =
                envelopes.into_iter().partition(|e| e.command.work.alone());
            self.serve(shared);
            for envelope in exclusive {
                self.serve(vec![envelope]);
            }
        }
        self.release();
    }

    /// Takes what has queued up; waits for more only while fewer have come than last time.
    fn gather(&self, first: Envelope, queue: &Receiver<Envelope>) -> Vec<Envelope> {
        let deadline = Instant::now() + LINGER;
        let mut taken = vec![first];
        while taken.len() < MOST {
            let next = match queue.try_recv() {
                Ok(next) => Ok(next),
                Err(_) if taken.len() >= self.last => break,
                Err(_) => queue.recv_timeout(deadline.saturating_duration_since(Instant::now())),
            };
            match next {
                Ok(next) => taken.push(next),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
        }
        taken
    }

    fn serve(&mut self, envelopes: Vec<Envelope>) {
        if envelopes.is_empty() {
            return;
        }
        let commands: Vec<&Command> = envelopes.iter().map(|e| &e.command).collect();
        let outcomes = match self.attempt(&commands) {
            Ok(outcomes) => outcomes,
            // The database refused the batch: find out which of them it is, one by one.
            Err(_) if commands.len() > 1 => {
                commands.iter().map(|command| self.alone(command)).collect()
            }
            Err(fault) => vec![self.again(&commands, fault)],
        };
        for (envelope, outcome) in envelopes.into_iter().zip(outcomes) {
            // A caller that no longer waits will ask again under the same key.
            let _ = envelope.answer.send(outcome);
        }
    }

    fn alone(&mut self, command: &Command) -> Outcome {
        match self.attempt(&[command]) {
            Ok(mut outcomes) => outcomes
                .pop()
                .unwrap_or_else(|| Err(Fault::internal("no outcome"))),
            Err(fault) => Err(fault),
        }
    }

    /// A lost connection is tried once more: the commit may have come through, and then the
    /// key tells.
    fn again(&mut self, commands: &[&Command], fault: Fault) -> Outcome {
        match (
            self.open.is_none() && fault.code != "not_the_writer",
            commands,
        ) {
            (true, [command]) => self.alone(command),
            _ => Err(fault),
        }
    }

    /// Runs commands in one transaction. An error means that nothing was done.
    fn attempt(&mut self, commands: &[&Command]) -> Result<Vec<Outcome>, Fault> {
        self.connect()?;
        let Some(Open { db, node }) = &mut self.open else {
            return Err(Fault::internal("connected without a connection"));
        };
        let (node, now, ids) = (*node, self.clock.now(), &self.ids);
        let mut fresh = || (ids.next(now), salt(ids, now));
        let ran = catch_unwind(AssertUnwindSafe(|| {
            db.transaction(|db| {
                let booked = periods::booked(db, commands)?;
                let commands: Vec<&Command> = booked.iter().map(AsRef::as_ref).collect();
                match commands.as_slice() {
                    [command] if command.work.alone() => {
                        alone(db, node, now, command, &mut fresh).map(|posted| vec![Ok(posted)])
                    }
                    commands => run_batch(db, node, now, commands, &mut fresh),
                }
            })
        }));
        let result = ran.unwrap_or_else(|_| {
            // The transaction's state is unknown: the connection goes, and with it the work.
            self.open = None;
            Err(Fault::internal("the journal's writer panicked"))
        });
        if result.is_err() && !self.alive() {
            self.open = None;
        }
        result
    }

    fn alive(&mut self) -> bool {
        self.open
            .as_mut()
            .is_some_and(|open| open.db.execute("SELECT 1").is_ok())
    }

    /// Makes sure of a connection that may write.
    fn connect(&mut self) -> Result<(), Fault> {
        if self.open.is_some() {
            return Ok(());
        }
        let mut db = self.pool.get()?;
        if !rows::lock_writer(&mut db, LOCK)? {
            return Err(Fault::new(
                Kind::Unavailable,
                "not_the_writer",
                "Another node writes this ledger. Nothing was done: send the request to that node, \
                 or repeat it here with the same Idempotency-Key when that node has ended.",
            ));
        }
        let fresh = self.ids.next(self.clock.now());
        let node = rows::node_id(&mut db, fresh)?;
        self.open = Some(Open { db, node });
        Ok(())
    }

    fn release(&mut self) {
        if let Some(mut open) = self.open.take() {
            // Another session may write as soon as this one is back in the pool.
            if let Err(fault) = rows::unlock_writer(&mut open.db, LOCK) {
                tracing::warn!(%fault, "the journal's lock could not be given back");
            }
        }
    }
}

/// Runs a command that has a transaction of its own; a repeat is answered before it.
fn alone(
    db: &mut Db,
    node: Uuid,
    now: chrono::DateTime<chrono::Utc>,
    command: &Command,
    fresh: &mut impl FnMut() -> (Uuid, [u8; 16]),
) -> Outcome {
    let batch = Batch::load(db, node, now, &[command])?;
    if let Some(ids) = batch.before(command)? {
        return Ok(Posted {
            ids,
            repeated: true,
        });
    }
    match &command.work {
        Work::Payouts(work) => payouts::run(db, batch, command, work, fresh),
        Work::BankFile(work) => bank::run(db, batch, command, work, fresh),
        Work::Settle(terms) => settle::run(db, batch, command, *terms, fresh),
        Work::DecideClaim(work) => settle::run(db, batch, command, work.terms, fresh),
        Work::ClosePeriod(period) => periods::close(db, batch, now, command, *period),
        Work::Exchange(work) => exchange::run(db, batch, command, work, fresh),
        Work::Subscription(act) => subscriptions::run(db, batch, command, act, fresh),
        Work::Adjust(id) => adjust::run(db, batch, command, *id, fresh),
        _ => Err(Fault::internal("this is run with others")),
    }
}

fn run_batch(
    db: &mut Db,
    node: Uuid,
    now: chrono::DateTime<chrono::Utc>,
    commands: &[&Command],
    fresh: &mut impl FnMut() -> (Uuid, [u8; 16]),
) -> Result<Vec<Outcome>, Fault> {
    let mut batch = Batch::load(db, node, now, commands)?;
    let mut outcomes: Vec<Outcome> = Vec::with_capacity(commands.len());
    for command in commands {
        let outcome = plan::plan(&mut batch, command, fresh().1);
        if outcome.is_ok() {
            reserves::cover(&mut batch, command, fresh)?;
        }
        outcomes.push(outcome);
    }
    batch.write(db)?;
    Ok(outcomes)
}

/// 16 bytes nobody can guess: two identifiers hold 148 random bits.
fn salt(ids: &Ids, now: chrono::DateTime<chrono::Utc>) -> [u8; 16] {
    let hash = Hash::of(&[ids.next(now).as_bytes(), ids.next(now).as_bytes()]);
    let mut salt = [0; 16];
    salt.copy_from_slice(&hash.0[..16]);
    salt
}
