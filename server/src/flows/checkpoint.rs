//! Checkpoints: the node signs what its journal is, so that nobody can change it unseen.
//!
//! Made after settlements and before statements, every [`OFTEN`] entries or [`LATE`] after one,
//! when the node stops, and when one is asked for and there is none.

use chrono::{DateTime, TimeDelta, Utc};
use ledger::checkpoint::{Checkpoint, LogKey, origin};
use ledger::json::Hash;
use ledger::merkle;
use schema::db::Db;
use uuid::Uuid;

use crate::ctx::Ctx;
use crate::error::{Fault, Kind};
use crate::journal::log::{self, Grown};
use crate::keys::NodeKeys;
use crate::store::checkpoints::{self as store, CheckpointRow};
use crate::store::journal;

/// From so many entries on a checkpoint is due.
pub const OFTEN: i64 = 1_000;
/// So long after the last one a checkpoint is due when there are new entries.
pub const LATE: TimeDelta = TimeDelta::minutes(1);

/// The name and key that this node's checkpoints are signed with; none while it has no books.
///
/// # Errors
/// The database's own.
pub fn log_key(db: &mut Db, keys: &NodeKeys) -> Result<Option<LogKey>, Fault> {
    let Some(node) = journal::stored_node_id(db)? else {
        return Ok(None);
    };
    let node = Uuid::try_parse(&node).map_err(Fault::internal)?;
    LogKey::new(&origin(node), *keys.verify_key().as_bytes())
        .map(Some)
        .map_err(Fault::internal)
}

/// Signs what the journal has become. Without new entries the last checkpoint stands.
///
/// # Errors
/// The journal is damaged (nothing is signed then), or the database's own.
pub async fn sign(ctx: &Ctx) -> Result<CheckpointRow, Fault> {
    let own = ctx.clone();
    ctx.write(move |db| sign_in(&own, db)).await
}

/// [`sign`] as part of a transaction.
///
/// # Errors
/// Like [`sign`].
pub fn sign_in(ctx: &Ctx, db: &mut Db) -> Result<CheckpointRow, Fault> {
    sign_with(db, &ctx.keys, ctx.now())
}

/// [`sign_in`] with what it takes of the node.
pub(crate) fn sign_with(
    db: &mut Db,
    keys: &NodeKeys,
    now: DateTime<Utc>,
) -> Result<CheckpointRow, Fault> {
    store::hold(db)?;
    let key = log_key(db, keys)?.ok_or_else(|| {
        Fault::new(
            Kind::Unavailable,
            "no_books",
            "The node has no books yet; ask again in a moment.",
        )
    })?;
    let last = store::last(db)?;
    let before = match &last {
        None => Grown {
            size: 0,
            root: merkle::empty_root(),
        },
        Some(row) => Grown {
            size: u64::try_from(row.size).map_err(Fault::internal)?,
            root: Hash(row.root.as_slice().try_into().map_err(Fault::internal)?),
        },
    };
    let grown = log::grow(db, before)?;
    let number = match last {
        Some(row) if grown.size == before.size => return Ok(row),
        Some(row) => row.number + 1,
        None => 1,
    };
    let signing = keys.signing();
    let note = Checkpoint::new(key.name(), grown.size, grown.root)
        .sign(&key, |text| signing.sign(text).to_vec());
    let row = CheckpointRow {
        number,
        size: i64::try_from(grown.size).map_err(Fault::internal)?,
        root: grown.root.0.to_vec(),
        note,
        created_at: now.into(),
    };
    store::insert(db, &row)?;
    Ok(row)
}

/// Signs when it is due; for the keeper of the log, which asks every second.
///
/// # Errors
/// Like [`sign`].
pub async fn sign_when_due(ctx: &Ctx) -> Result<(), Fault> {
    let now = ctx.now();
    let due = ctx
        .read(move |db| {
            let Some(last) = store::last(db)? else {
                return Ok(journal::stored_node_id(db)?.is_some());
            };
            let waiting = log::waiting(db)?;
            let late = now - DateTime::<Utc>::from(last.created_at) >= LATE;
            Ok(waiting >= OFTEN || (waiting > 0 && late))
        })
        .await?;
    if due {
        sign(ctx).await?;
    }
    Ok(())
}

/// The latest checkpoint, a signed note.
///
/// # Errors
/// Like [`sign`] when there is none yet.
pub async fn latest(ctx: &Ctx) -> Result<String, Fault> {
    match ctx.read(store::last).await? {
        Some(row) => Ok(row.note),
        None => Ok(sign(ctx).await?.note),
    }
}

/// A tile of the log by its path below the node's address. Only hashes of salted leaves are
/// published: entries name parties.
///
/// # Errors
/// `not_found` for a path that is no tile, and for hashes the log does not have yet.
pub async fn tile(ctx: &Ctx, path: &str) -> Result<Vec<u8>, Fault> {
    let (level, number, width) = merkle::parse_tile_path(path).ok_or_else(Fault::missing)?;
    let number = i64::try_from(number).map_err(|_| Fault::missing())?;
    let stored = ctx
        .read(move |db| store::tile(db, i32::from(level), number))
        .await?;
    let width = width.map_or(merkle::TILE_WIDTH, usize::from);
    let mut hashes = stored.unwrap_or_default();
    if hashes.len() < 32 * width {
        return Err(Fault::missing());
    }
    hashes.truncate(32 * width);
    Ok(hashes)
}
