//! The sealed bytes of an announced contribution arrive.
//!
//! Order: look at the age header as soon as it is there, hash while writing, sync file and
//! folder, and only then, in one transaction, the receipt and the job. What is acknowledged
//! is therefore durable, and a killed upload leaves nothing that anybody sees.

use std::fmt::Display;
use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use dataset_core::digest::{Hasher, Sha256};
use dataset_core::error::Coded;
use dataset_core::seal::{Header, MAX_HEADER_LEN, SealError, unwrap_file_key};
use futures_util::{Stream, StreamExt};
use schema::wire::ContributionView;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::auth::{Actor, rights};
use crate::blobs::{BlobKey, BlobKind, Staged, storage_fault};
use crate::ctx::{Ctx, blocking};
use crate::error::{Fault, Kind};
use crate::flows::contributions::view;
use crate::jobs::{self, Work};
use crate::store::contributions::{self, ContributionRow, Receipt};
use crate::store::{counters, datasets};

/// Longest silence of a sender.
const SILENCE: Duration = Duration::from_secs(60);

/// Takes the sealed bytes; the answer means that they are safe and have a receipt number.
/// Sending the same bytes again answers the same; nothing is kept twice.
///
/// # Errors
/// [`Fault::missing`]; [`Kind::TooLarge`]; [`Kind::Invalid`] with the seal's own code;
/// `content_differs` when other bytes arrived before; [`Kind::Full`] or
/// [`Kind::Unavailable`], then nothing was kept.
pub async fn run<S, E>(
    ctx: &Ctx,
    who: &Actor,
    id: Uuid,
    stream: S,
    content_length: Option<u64>,
) -> Result<ContributionView, Fault>
where
    S: Stream<Item = Result<Bytes, E>>,
    E: Display,
{
    let me = who.clone();
    let row = ctx.read(move |db| mine(db, &me, id)).await?;
    if content_length.is_some_and(|length| length > ctx.config.max_upload_bytes) {
        return Err(too_large(ctx));
    }
    let staged = match row.state.as_str() {
        "awaiting" => {
            let blobs = ctx.blobs.clone();
            Some(blocking(move || blobs.stage()).await?)
        }
        _ => None,
    };
    let arrived = pump(ctx, stream, staged, content_length).await?;
    match arrived.staged {
        Some(staged) => keep(ctx, who, id, staged, arrived.digest, arrived.size).await,
        None => repeat(ctx, row, arrived.digest).await,
    }
}

fn mine(db: &mut schema::db::Db, who: &Actor, id: Uuid) -> Result<ContributionRow, Fault> {
    let row = contributions::by_id(db, id)?;
    let dataset = datasets::by_id(db, row.dataset_id.0)?;
    rights::contribution(who, row.party_id.0, dataset.owner_id.0).send()?;
    if row.receipt_no.is_none() {
        // Admission may have changed since it was announced.
        rights::dataset(who, &datasets::facts(db, Some(who.party), &dataset)?).contribute()?;
    }
    Ok(row)
}

/// The bytes were here before, or others were.
async fn repeat(
    ctx: &Ctx,
    row: ContributionRow,
    digest: Sha256,
) -> Result<ContributionView, Fault> {
    match row.sealed_digest.as_deref() {
        Some(kept) if kept == digest.as_bytes() => ctx.read(move |db| view(db, row)).await,
        Some(_) => Err(Fault::conflict(
            "content_differs",
            "Other sealed bytes were received for this contribution; announce a new one for this file.",
        )),
        None => Err(withdrawn()),
    }
}

fn withdrawn() -> Fault {
    Fault::conflict(
        "contribution_withdrawn",
        "This contribution was withdrawn; announce a new one.",
    )
}

async fn keep(
    ctx: &Ctx,
    who: &Actor,
    id: Uuid,
    staged: Staged,
    digest: Sha256,
    size: u64,
) -> Result<ContributionView, Fault> {
    let key = BlobKey::new(BlobKind::Upload, ctx.id());
    ctx.blobs.keep(key, staged).await?;
    let (job_ctx, me) = (ctx.clone(), who.clone());
    let kept = ctx
        .write(move |db| {
            let row = contributions::hold(db, id)?;
            if row.state != "awaiting" {
                return Ok((row, false));
            }
            mine(db, &me, id)?;
            let receipt = Receipt {
                receipt_no: counters::next(db, counters::RECEIPT)?,
                blob: key.to_string(),
                digest: digest.as_bytes().to_vec(),
                size: i64::try_from(size).map_err(Fault::internal)?,
                at: job_ctx.now().into(),
            };
            contributions::receive(db, id, &receipt)?;
            jobs::enqueue(&job_ctx, db, Work::Assess(id))?;
            Ok((contributions::by_id(db, id)?, true))
        })
        .await;
    match kept {
        Ok((row, true)) => {
            ctx.ring();
            ctx.read(move |db| view(db, row)).await
        }
        // The same upload ran twice at once and the other one was first.
        Ok((row, false)) => {
            ctx.blobs.delete(key).await?;
            repeat(ctx, row, digest).await
        }
        Err(fault) => {
            // A commit whose answer was lost may have happened, so the file is left to the
            // sweep at the next start, which knows whether anything refers to it.
            Err(fault)
        }
    }
}

struct Arrived {
    /// Absent where bytes were only compared.
    staged: Option<Staged>,
    digest: Sha256,
    size: u64,
}

/// Moves the stream to the writer at the writer's pace.
async fn pump<S, E>(
    ctx: &Ctx,
    stream: S,
    staged: Option<Staged>,
    content_length: Option<u64>,
) -> Result<Arrived, Fault>
where
    S: Stream<Item = Result<Bytes, E>>,
    E: Display,
{
    let (sender, receiver) = mpsc::channel(8);
    let writer_ctx = ctx.clone();
    let writer = tokio::task::spawn_blocking(move || write(&writer_ctx, staged, receiver));
    tokio::pin!(stream);
    let torn = loop {
        match tokio::time::timeout(SILENCE, stream.next()).await {
            Ok(Some(Ok(bytes))) => {
                // The writer has given up and says why when asked.
                if sender.send(bytes).await.is_err() {
                    break None;
                }
            }
            Ok(None) => break None,
            Ok(Some(Err(error))) => break Some(error.to_string()),
            Err(_) => break Some("nothing came for a minute".to_owned()),
        }
    };
    drop(sender);
    let arrived = writer.await.map_err(Fault::internal)?;
    if let Some(why) = torn {
        return Err(incomplete(&why));
    }
    let arrived = arrived?;
    match content_length {
        Some(length) if length != arrived.size => {
            Err(incomplete("fewer bytes came than announced"))
        }
        _ => Ok(arrived),
    }
}

fn incomplete(why: &str) -> Fault {
    Fault::new(
        Kind::Malformed,
        "upload_incomplete",
        format!("The upload broke off ({why}); nothing was kept. Send it again."),
    )
}

fn too_large(ctx: &Ctx) -> Fault {
    let limit = ctx.config.max_upload_bytes;
    Fault::new(
        Kind::TooLarge,
        "upload_too_large",
        format!("A sealed upload has at most {limit} bytes on this node; split the file."),
    )
}

fn write(
    ctx: &Ctx,
    staged: Option<Staged>,
    mut receiver: mpsc::Receiver<Bytes>,
) -> Result<Arrived, Fault> {
    let mut hasher = Hasher::new();
    let mut head = Some(Vec::with_capacity(MAX_HEADER_LEN));
    while let Some(bytes) = receiver.blocking_recv() {
        if hasher.length() + bytes.len() as u64 > ctx.config.max_upload_bytes {
            return Err(too_large(ctx));
        }
        hasher.update(&bytes);
        if let Some(some) = &mut head {
            let room = MAX_HEADER_LEN + 1 - some.len();
            some.extend(bytes.iter().take(room));
            if some.len() > MAX_HEADER_LEN {
                check_header(ctx, some)?;
                head = None;
            }
        }
        if let Some(staged) = &staged {
            staged.file().write_all(&bytes).map_err(storage_fault)?;
        }
    }
    if let Some(some) = head {
        check_header(ctx, &some)?;
    }
    let size = hasher.length();
    Ok(Arrived {
        staged,
        digest: hasher.finish(),
        size,
    })
}

/// Refuses at once what no child needs to see: another kind of file, a passphrase, a header
/// without end, a file sealed to somebody else.
fn check_header(ctx: &Ctx, head: &[u8]) -> Result<(), Fault> {
    Header::read(&mut &head[..])
        .and_then(|header| unwrap_file_key(&header, ctx.keys.identity()))
        .map(|_| ())
        .map_err(|error| refuse(&error))
}

fn refuse(error: &SealError) -> Fault {
    Fault::new(Kind::Invalid, error.code(), error.to_string())
}
