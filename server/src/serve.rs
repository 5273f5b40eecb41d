//! Starting and stopping a node.
//!
//! [`run`] is `granary serve`. [`build_ctx`] and [`start`] are its two halves, usable in-process
//! by the demo and by tests: the first opens everything a flow needs, the second puts the
//! entrances on a listener.

mod app;
mod metrics;
#[cfg(test)]
mod tests;
mod trace;

pub use app::Protections;
pub use metrics::Metrics;

use std::fs::File;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use actix_web::HttpServer;
use actix_web::dev::ServerHandle;
use actix_web::web::Data;
use schema::db::{OpenError, Pool};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::blobs::Blobs;
use crate::clock::{Clock, Ids};
use crate::config::Config;
use crate::ctx::{Ctx, Inner};
use crate::error::Fault;
use crate::flows::{checkpoint, operator_link};
use crate::jobs::Runners;
use crate::journal::Journal;
use crate::keys::{self, KeyFault, NodeKeys};
use crate::ports::payment::Payments;

/// Threads that answer requests; the work behind them has its own.
const WORKERS: usize = 2;
/// Threads of blocking work per worker.
const BLOCKING: usize = 16;
/// Database connections.
const CONNECTIONS: u32 = 8;
/// Longest time a request may take to send its head.
const HEAD_TIME: Duration = Duration::from_secs(15);
/// How long an idle connection is kept.
const IDLE_TIME: Duration = Duration::from_secs(60);
/// Seconds that requests get to finish when the node stops.
const LAST_SECONDS: u64 = 20;

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder cannot be made or written.
    #[error("the data folder {0} cannot be used: {1}")]
    Folder(PathBuf, #[source] io::Error),
    /// Another node works in the data folder.
    #[error("another node works in {0}; stop it first, or choose another --data-dir")]
    Taken(PathBuf),
    /// The database cannot be opened or brought up to date.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// There is no node key, or not the right one.
    #[error(transparent)]
    Key(#[from] KeyFault),
    /// Store, journal or jobs do not start.
    #[error("{0}")]
    Part(#[from] Fault),
    /// The address cannot be listened on.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, #[source] io::Error),
    /// Settings of payments do not fit together.
    #[error("payments: {0}")]
    Payments(String),
    /// The system refuses what the server needs.
    #[error("the server cannot be started: {0}")]
    Server(#[from] io::Error),
    /// A figure to watch cannot be registered.
    #[error("metrics cannot be set up: {0}")]
    Metrics(String),
}

/// Opens everything a flow needs: folder with its lock, key, database (brought up to date),
/// sealed files, journal.
///
/// # Errors
/// [`StartError`]; nothing stays locked then.
pub fn build_ctx(config: Config, clock: Clock, ids: Ids) -> Result<Ctx, StartError> {
    let folder = |error| StartError::Folder(config.data_dir.clone(), error);
    std::fs::create_dir_all(&config.data_dir).map_err(folder)?;
    let payments = Payments::open(&config).map_err(StartError::Payments)?;
    let lock = lock(&config.data_dir)?;
    let seed = match &ids {
        Ids::Seeded { seed, .. } => Some(*seed),
        Ids::Random => None,
    };
    let keys = NodeKeys::open(&config.data_dir, seed)?;
    let pool = Pool::open(&config.database_url(), CONNECTIONS)?;
    pool.migrate()?;
    keys::bind(&mut pool.get().map_err(OpenError::from)?, &keys)?;
    let blobs = Blobs::open(config.blobs.as_deref(), &config.data_dir)?;
    let journal = Journal::start(pool.clone(), clock.clone(), &ids)?;
    let job_bell = Notify::new();
    Ok(Ctx::new(Inner {
        config,
        pool,
        blobs,
        keys,
        payments,
        journal,
        clock,
        ids,
        job_bell,
        lock,
    }))
}

/// Takes the data folder for this node alone; the system gives it back when the node ends.
fn lock(data_dir: &Path) -> Result<File, StartError> {
    let path = data_dir.join("node.lock");
    let folder = |error| StartError::Folder(path.clone(), error);
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(folder)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(StartError::Taken(data_dir.to_owned())),
        Err(std::fs::TryLockError::Error(error)) => Err(folder(error)),
    }
}

/// A node that answers.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its means.
    pub ctx: Ctx,
    server: ServerHandle,
    served: JoinHandle<io::Result<()>>,
    runners: Runners,
}

impl Running {
    /// Stops: takes no new requests, finishes those under way, then hands jobs back. What was
    /// acknowledged is durable at any moment, so nothing is lost when even this is cut short.
    ///
    /// # Errors
    /// When the server itself had failed.
    pub async fn stop(self) -> Result<(), StartError> {
        self.server.stop(true).await;
        let served = self.served.await;
        self.runners.stop().await;
        // Commands whose callers have gone are carried out all the same.
        while self.ctx.journal.waiting() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        if let Err(fault) = checkpoint::sign(&self.ctx).await {
            tracing::warn!(%fault, "the last entries are in no checkpoint yet");
        }
        // Threads that end late may hold the context; the folder is free from here on.
        self.ctx.lock.unlock()?;
        served.map_err(io::Error::other)??;
        Ok(())
    }
}

/// Puts a node's entrances on a listener and starts its jobs.
///
/// Links are made with [`Config::public_url`]: bind the listener first and put its address
/// into the configuration when the port is 0.
///
/// # Errors
/// [`StartError`].
pub async fn start(ctx: Ctx, listener: TcpListener) -> Result<Running, StartError> {
    let address = listener.local_addr()?;
    let metrics = Metrics::new().map_err(StartError::Metrics)?;
    let runners = Runners::start(&ctx).await?;
    let entrances = {
        let (ctx, metrics) = (Data::new(ctx.clone()), Data::new(metrics));
        let protections = Data::new(Protections::default());
        move || app::app(ctx.clone(), metrics.clone(), protections.clone())
    };
    let server = HttpServer::new(entrances)
        .workers(WORKERS)
        .worker_max_blocking_threads(BLOCKING)
        .client_request_timeout(HEAD_TIME)
        .keep_alive(IDLE_TIME)
        .shutdown_timeout(LAST_SECONDS)
        .disable_signals()
        .listen(listener)?
        .run();
    Ok(Running {
        address,
        ctx,
        server: server.handle(),
        served: tokio::spawn(server),
        runners,
    })
}

/// `granary serve`: a node until it is told to stop (SIGINT or SIGTERM).
///
/// # Errors
/// [`StartError`].
pub async fn run(mut config: Config) -> Result<(), StartError> {
    trace::to_stderr(config.log_json);
    let wanted = config.listen;
    let listener = TcpListener::bind(wanted).map_err(|error| StartError::Listen(wanted, error))?;
    config.listen = listener.local_addr()?;
    // Idle connections cost a descriptor each.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    let ctx = build_ctx(config, Clock::System, Ids::Random)?;
    let link = operator_link::ensure(&ctx).await?;
    let running = start(ctx, listener).await?;
    println!(
        "{} is open at {}",
        running.ctx.config.name,
        running.ctx.config.public_url()
    );
    if let Some(link) = link {
        println!("Nobody runs this node yet. Become its operator, once, within a day: {link}");
    }
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    println!("stopping: requests under way are finished first");
    running.stop().await
}
