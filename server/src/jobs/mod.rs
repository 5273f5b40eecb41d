//! Work that goes on after the answer; a job only calls a flow.
//!
//! A job is enqueued in the transaction that caused it, so it exists exactly when its cause
//! does. A runner takes one job at a time under a lease that it renews; when the node dies,
//! the lease ends and the job is taken again. Flows are therefore written so that running
//! them twice has one effect: the last transaction changes a state and does nothing when
//! the state is no longer the one it expects.

mod assess;
mod compose;
mod log;
mod payments;
mod subscriptions;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::FutureExt;
use schema::db::Db;
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::blobs::BlobKey;
use crate::ctx::{Ctx, blocking};
use crate::error::{Fault, Kind};
use crate::store::jobs::{self, JobRow, Leave};
use crate::store::{claims, contributions, epochs, revisions};
use crate::worker::Progress;

/// How long a job stays a runner's without news from it.
const LEASE: TimeDelta = TimeDelta::seconds(30);
/// How often a runner renews its lease.
const RENEW_EVERY: Duration = Duration::from_secs(8);
/// How often the queue is looked at without a bell: other nodes may have filled it.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Shortest time between two counts of the same stage.
const TELL_EVERY: Duration = Duration::from_millis(250);
/// Attempts before an operator has to look. Waiting for disk or database does not count.
const MOST_ATTEMPTS: i32 = 8;
/// Longest wait between attempts.
const LONGEST_WAIT: TimeDelta = TimeDelta::seconds(60);
/// Age below which a file that nothing refers to may belong to another node's work.
const ORPHAN_AGE: TimeDelta = TimeDelta::hours(24);

/// Kinds of jobs that a runner takes; none named takes any.
type Kinds = &'static [&'static str];
const ANY: Kinds = &[];
/// What is short and must not wait for a checker.
const MONEY: Kinds = &[MESSAGE, crate::store::outbox::JOB];
const MESSAGE: &str = "work_message";

/// What there is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// Check, grade and rewrite a contribution.
    Assess(Uuid),
    /// Compose and publish a revision.
    Compose(Uuid),
    /// Weigh a published revision again.
    Reweigh(Uuid),
    /// Look for the rows that somebody claims.
    Claim(Uuid),
    /// Work on a message of the payment provider.
    Message(Uuid),
    /// Tell the payment provider something.
    Tell(Uuid),
}

impl Work {
    fn kind(self) -> &'static str {
        match self {
            Self::Assess(_) => "assess",
            Self::Compose(_) => "compose",
            Self::Reweigh(_) => epochs::REWEIGH,
            Self::Claim(_) => "claim",
            Self::Message(_) => MESSAGE,
            Self::Tell(_) => crate::store::outbox::JOB,
        }
    }

    fn payload(self) -> String {
        let (Self::Assess(id)
        | Self::Compose(id)
        | Self::Reweigh(id)
        | Self::Claim(id)
        | Self::Message(id)
        | Self::Tell(id)) = self;
        id.to_string()
    }

    fn of(row: &JobRow) -> Option<Self> {
        let id = Uuid::try_parse(&row.payload).ok()?;
        let all = [
            Self::Assess,
            Self::Compose,
            Self::Reweigh,
            Self::Claim,
            Self::Message,
            Self::Tell,
        ];
        all.map(|work| work(id))
            .into_iter()
            .find(|work| work.kind() == row.kind)
    }
}

/// Puts work in the queue, inside the transaction that causes it. Ring
/// [`Ctx::ring`] after the commit.
///
/// # Errors
/// The database's own.
pub fn enqueue(ctx: &Ctx, db: &mut Db, work: Work) -> Result<(), Fault> {
    jobs::enqueue(db, ctx.id(), work.kind(), &work.payload(), ctx.now())
}

/// What unfinished work is doing, for people who wait for it.
///
/// # Errors
/// The database's own.
pub fn stage(db: &mut Db, work: Work) -> Result<Option<String>, Fault> {
    jobs::stage(db, work.kind(), &work.payload())
}

/// The node's runners.
pub struct Runners {
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Runners {
    /// Clears up after a killed predecessor, then starts as many runners as configured.
    ///
    /// # Errors
    /// When database or store do not answer.
    pub async fn start(ctx: &Ctx) -> Result<Self, Fault> {
        clear_up(ctx).await?;
        let stop = CancellationToken::new();
        let place = place(ctx);
        let spawn = |slot: String, kinds| {
            let runner = format!("{place}#{slot}");
            tokio::spawn(serve(ctx.clone(), runner, kinds, stop.clone()))
        };
        let mut tasks: Vec<_> = (0..ctx.config.workers.max(1))
            .map(|slot| spawn(slot.to_string(), ANY))
            .collect();
        // Money does not wait behind a large file.
        tasks.push(spawn("money".to_owned(), MONEY));
        tasks.push(tokio::spawn(log::keep(ctx.clone(), stop.clone())));
        tasks.push(tokio::spawn(subscriptions::keep(ctx.clone(), stop.clone())));
        Ok(Self { stop, tasks })
    }

    /// Stops taking jobs, ends running checkers and hands their jobs back unharmed.
    pub async fn stop(self) {
        self.stop.cancel();
        for task in self.tasks {
            // A runner catches the panics of its jobs.
            let _ = task.await;
        }
    }
}

/// Runs every job that is due now, one after the other; answers how many. For commands and
/// tests that have no runners.
///
/// # Errors
/// When the database does not answer.
pub async fn drain(ctx: &Ctx) -> Result<usize, Fault> {
    let stop = CancellationToken::new();
    let runner = ctx.id().to_string();
    let mut count = 0;
    while one(ctx, &runner, ANY, &stop).await? {
        count += 1;
    }
    Ok(count)
}

/// Names the one process that can be at work here: the data folder is locked by it. What a
/// runner of this name holds at a start was left by a killed predecessor.
fn place(ctx: &Ctx) -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let folder = &ctx.config.data_dir;
    let folder = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.clone());
    format!("{}:{}", host.trim(), folder.display())
}

async fn serve(ctx: Ctx, runner: String, kinds: Kinds, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match one(&ctx, &runner, kinds, &stop).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(fault) => tracing::warn!(%fault, cause = ?fault, "the job queue does not answer"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = ctx.job_bell.notified() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Takes and runs one job; answers whether there was one.
async fn one(
    ctx: &Ctx,
    runner: &str,
    kinds: Kinds,
    stop: &CancellationToken,
) -> Result<bool, Fault> {
    let (name, now) = (runner.to_owned(), ctx.now());
    let Some(job) = ctx
        .write(move |db| jobs::claim(db, &name, now, now + LEASE, kinds))
        .await?
    else {
        return Ok(false);
    };
    let id = job.id.0;
    let Some(how) = hold(ctx, runner, &job, stop).await else {
        tracing::warn!(job = %id, "the lease was lost; another runner has the job");
        return Ok(true);
    };
    if let Leave::Dead(why) | Leave::Again(_, why) = &how {
        tracing::warn!(job = %id, kind = %job.kind, attempts = job.attempts, %why, "a job failed");
    }
    let (name, now, dead) = (runner.to_owned(), ctx.now(), matches!(how, Leave::Dead(_)));
    ctx.write(move |db| jobs::leave(db, id, &name, &how, now))
        .await?;
    if dead && let Some(Work::Compose(revision)) = Work::of(&job) {
        compose::give_up(ctx, revision).await?;
    }
    Ok(true)
}

/// Works while renewing the lease; `None` when the lease was lost.
async fn hold(ctx: &Ctx, runner: &str, job: &JobRow, stop: &CancellationToken) -> Option<Leave> {
    let work = AssertUnwindSafe(perform(ctx, job)).catch_unwind();
    tokio::pin!(work);
    let mut renew = tokio::time::interval_at(Instant::now() + RENEW_EVERY, RENEW_EVERY);
    renew.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return Some(Leave::Back),
            ended = &mut work => {
                let ended = ended.unwrap_or_else(|_| Err(Fault::internal("the job panicked")));
                return Some(ended.map_or_else(|fault| after(ctx, job, &fault), |()| Leave::Done));
            }
            _ = renew.tick() => {
                let (id, name, until) = (job.id.0, runner.to_owned(), ctx.now() + LEASE);
                let kept = ctx.write(move |db| jobs::keep(db, id, &name, until)).await;
                // A database that is away for a moment takes no job away.
                if matches!(kept, Ok(false)) {
                    return None;
                }
            }
        }
    }
}

async fn perform(ctx: &Ctx, job: &JobRow) -> Result<(), Fault> {
    match Work::of(job) {
        Some(Work::Assess(contribution)) => {
            assess::run(ctx, contribution, progress(ctx, job.id.0)).await
        }
        Some(Work::Compose(revision)) => compose::run(ctx, revision, progress(ctx, job.id.0)).await,
        Some(Work::Reweigh(revision)) => {
            compose::reweigh(ctx, revision, progress(ctx, job.id.0)).await
        }
        Some(Work::Claim(claim)) => compose::claim(ctx, claim).await,
        Some(Work::Message(message)) => payments::work(ctx, message).await,
        Some(Work::Tell(message)) => payments::tell(ctx, message).await,
        None => Err(Fault::internal(format!(
            "unknown work {:?} {:?}",
            job.kind, job.payload
        ))),
    }
}

/// What becomes of a job that failed.
fn after(ctx: &Ctx, job: &JobRow, fault: &Fault) -> Leave {
    let cause = std::error::Error::source(fault)
        .map(ToString::to_string)
        .unwrap_or_default();
    let why = format!("{}: {cause}", fault.code);
    let waiting = matches!(fault.kind, Kind::Full | Kind::Unavailable);
    if job.attempts >= MOST_ATTEMPTS && !waiting {
        return Leave::Dead(why);
    }
    let wait = TimeDelta::seconds(1_i64 << job.attempts.clamp(0, 10)).min(LONGEST_WAIT);
    Leave::Again(ctx.now() + wait, why)
}

/// Writes what a job is doing where people who wait can see it. Counts within a stage are
/// written a few times a second at most.
fn progress(ctx: &Ctx, id: Uuid) -> Progress {
    let ctx = ctx.clone();
    let mut last: Option<(String, Instant)> = None;
    Box::new(move |text| {
        let stage = text.split(':').next().unwrap_or(text);
        if let Some((told, at)) = &last
            && told == stage
            && at.elapsed() < TELL_EVERY
        {
            return;
        }
        last = Some((stage.to_owned(), Instant::now()));
        let told = ctx
            .pool
            .get()
            .map_err(Fault::from)
            .and_then(|mut db| jobs::progress(&mut db, id, text));
        if let Err(fault) = told {
            tracing::debug!(%fault, "progress was not kept");
        }
    })
}

/// What a killed node left behind: running jobs, half uploads, files nothing refers to.
/// With SQLite this process is the only one; with PostgreSQL others may be at work, so
/// their leases run out by themselves and only old files go.
async fn clear_up(ctx: &Ctx) -> Result<(), Fault> {
    let alone = !ctx.read(|db| Ok(db.is_postgres())).await?;
    let before = (!alone).then(|| ctx.now() - ORPHAN_AGE);
    let blobs = ctx.blobs.clone();
    let staged = blocking(move || blobs.sweep_staged(before)).await?;
    // Listed first: what is kept and recorded after this is not in the list.
    let listed = ctx.blobs.list().await?;
    let mine = (!alone).then(|| place(ctx));
    let (jobs, named) = ctx
        .write(move |db| {
            let jobs = jobs::give_back(db, mine.as_deref())?;
            let named = [
                contributions::blobs(db)?,
                revisions::blobs(db)?,
                claims::blobs(db)?,
            ];
            let named = named.concat();
            Ok((jobs, named))
        })
        .await?;
    let named: std::collections::HashSet<BlobKey> = named
        .iter()
        .map(|name| BlobKey::stored(name))
        .collect::<Result<_, _>>()?;
    let mut orphans = 0;
    for file in listed {
        if !named.contains(&file.key) && before.is_none_or(|before| file.kept_at < before) {
            ctx.blobs.delete(file.key).await?;
            orphans += 1;
        }
    }
    if jobs + staged + orphans > 0 {
        tracing::info!(jobs, staged, orphans, "cleared up after an earlier run");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
