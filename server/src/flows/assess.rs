//! A received contribution is opened, checked, graded and rewritten by a child.

use std::fs::File;
use std::sync::Arc;

use dataset_core::digest::Sha256;
use dataset_core::error::Coded;
use dataset_core::seal::{FileKey, Header, SealError, unwrap_file_key};
use uuid::Uuid;

use crate::blobs::{BlobKey, BlobKind, Staged};
use crate::ctx::{Ctx, blocking};
use crate::error::Fault;
use crate::flows::overlap::{self, exact};
use crate::store::contributions::{self, Accepted, ContributionRow};
use crate::store::datasets::{self, DatasetRow};
use crate::store::revisions::{self, RevisionRow};
use crate::worker::{self, AssessInput, Assessed, Earlier, Outcome, Progress, Refused};

/// Assesses a contribution: it ends *accepted* or *rejected*. Nothing happens to one that is
/// decided or withdrawn, so running this twice has one effect.
///
/// # Errors
/// Only what is no fault of the file; then it may be run again.
pub async fn run(ctx: &Ctx, id: Uuid, progress: Progress) -> Result<(), Fault> {
    let (row, dataset, current) = ctx
        .read(move |db| {
            let row = contributions::by_id(db, id)?;
            let dataset = datasets::by_id(db, row.dataset_id.0)?;
            let current = revisions::current(db, dataset.id.0)?;
            Ok((row, dataset, current))
        })
        .await?;
    if row.state != "received" {
        return Ok(());
    }
    let sealed = stored(row.sealed_blob.as_deref())?;
    let input = match open(ctx, sealed).await? {
        Ok((file, key)) => {
            let earlier = earlier(ctx, current.as_ref()).await?;
            input(file, key, &row, &dataset, earlier)?
        }
        Err(error) => {
            let refused = Refused {
                code: error.code().into(),
                message: error.to_string(),
                report: None,
            };
            return reject(ctx, id, sealed, refused).await;
        }
    };
    match worker::assess(ctx, input, progress).await? {
        Outcome::Done(assessed) => accept(ctx, &row, &dataset, assessed).await,
        Outcome::Refused(refused) => reject(ctx, id, sealed, refused).await,
    }
}

/// A sealed file that must be there.
pub(super) fn stored(name: Option<&str>) -> Result<BlobKey, Fault> {
    BlobKey::stored(name.ok_or_else(|| Fault::internal("a sealed file has no name"))?)
}

/// Opens a stored file, and its header with the node's identity: the child gets the key of
/// this one file.
pub(super) async fn open(
    ctx: &Ctx,
    key: BlobKey,
) -> Result<Result<(File, FileKey), SealError>, Fault> {
    let file = ctx.blobs.open_file(key).await?;
    let ctx = ctx.clone();
    blocking(move || {
        let mut reader = std::io::BufReader::new(&file);
        let unwrapped = Header::read(&mut reader)
            .and_then(|header| unwrap_file_key(&header, ctx.keys.identity()));
        match unwrapped {
            Ok(key) => Ok(Ok((file, key))),
            Err(SealError::Io(error)) => Err(Fault::internal(error)),
            Err(error) => Ok(Err(error)),
        }
    })
    .await
}

/// The revision that new rows are compared with. What cannot be opened is not compared with:
/// drift decides nothing.
async fn earlier(ctx: &Ctx, revision: Option<&RevisionRow>) -> Result<Option<Earlier>, Fault> {
    let Some((revision, blob)) = revision.and_then(|r| Some((r, r.preview_blob.as_deref()?)))
    else {
        return Ok(None);
    };
    let preview = open(ctx, stored(Some(blob))?).await?;
    if let Err(error) = &preview {
        tracing::warn!(%error, revision = %revision.id.0, "a preview cannot be opened");
    }
    Ok(preview.ok().map(|preview| Earlier {
        name: format!("revision {}", revision.number),
        preview,
    }))
}

fn input(
    sealed: File,
    key: FileKey,
    row: &ContributionRow,
    dataset: &DatasetRow,
    earlier: Option<Earlier>,
) -> Result<AssessInput, Fault> {
    let claimed = <[u8; 32]>::try_from(row.claimed_digest.as_slice()).map_err(Fault::internal)?;
    let contract = dataset
        .contract
        .as_deref()
        .map(serde_json::from_str)
        .transpose();
    Ok(AssessInput {
        sealed,
        key,
        claimed: Sha256::from_bytes(claimed),
        contract: contract.map_err(Fault::internal)?,
        // The moment it was received: a second run finds the same.
        as_of: row.received_at.unwrap_or(row.created_at).into(),
        earlier,
    })
}

async fn accept(
    ctx: &Ctx,
    row: &ContributionRow,
    dataset: &DatasetRow,
    assessed: Assessed,
) -> Result<(), Fault> {
    let cleaned = keep(ctx, BlobKind::Cleaned, assessed.cleaned).await?;
    let marks = keep(ctx, BlobKind::Marks, assessed.marks).await?;
    let preview = keep(ctx, BlobKind::Preview, assessed.preview).await?;
    let finding = assessed.finding;
    let sketches = Arc::new(overlap::keyed(ctx.keys.sketches(), finding.sketches));
    let fresh = exact::Fresh {
        row,
        dataset,
        contract: &finding.contract,
        cleaned,
        rows: finding.rows,
    };
    let exact = exact::count(ctx, fresh, &sketches).await?;
    let mut files = vec![cleaned, marks, preview];
    files.extend(exact.file());
    let contract =
        serde_json_canonicalizer::to_string(&finding.contract).map_err(Fault::internal)?;
    let verdict = Accepted {
        cleaned_blob: cleaned.to_string(),
        marks_blob: marks.to_string(),
        preview_blob: preview.to_string(),
        rows: i64::try_from(finding.rows).map_err(Fault::internal)?,
        grade: grade(finding.grade)?,
        report: serde_json_canonicalizer::to_string(&finding.report).map_err(Fault::internal)?,
        at: ctx.now().into(),
    };
    let row = row.clone();
    let accepted = ctx
        .write(move |db| {
            let dataset = datasets::hold(db, row.dataset_id.0)?;
            if !datasets::settle_contract(db, dataset.id.0, &contract)? {
                // Changed while the file was checked: check it again, by the new one.
                return Err(Fault::conflict(
                    "contract_changed",
                    "The contract changed meanwhile.",
                ));
            }
            let accepted = contributions::accept(db, row.id.0, &verdict)?;
            if accepted {
                let contract = &finding.contract;
                overlap::record(db, &row, &dataset, contract, &sketches, &exact)?;
            }
            Ok(accepted)
        })
        .await;
    if !matches!(accepted, Ok(true)) {
        drop_files(ctx, &files).await;
    }
    accepted.map(|_| ())
}

/// A grade as the database keeps it.
pub(super) fn grade(hundredths: u32) -> Result<i32, Fault> {
    i32::try_from(hundredths.min(10_000)).map_err(Fault::internal)
}

/// Keeps a staged file under a new name.
pub(super) async fn keep(ctx: &Ctx, kind: BlobKind, staged: Staged) -> Result<BlobKey, Fault> {
    let key = BlobKey::new(kind, ctx.id());
    ctx.blobs.keep(key, staged).await?;
    Ok(key)
}

/// Removes files that nothing refers to; what stays goes with the sweep at the next start.
pub(super) async fn drop_files(ctx: &Ctx, keys: &[BlobKey]) {
    for key in keys {
        if let Err(fault) = ctx.blobs.delete(*key).await {
            tracing::warn!(%fault, %key, "a file was not deleted yet");
        }
    }
}

async fn reject(ctx: &Ctx, id: Uuid, sealed: BlobKey, refused: Refused) -> Result<(), Fault> {
    let now = ctx.now();
    let rejected = ctx
        .write(move |db| {
            let report = refused
                .report
                .as_ref()
                .map(serde_json_canonicalizer::to_string);
            let report = report.transpose().map_err(Fault::internal)?;
            let Refused { code, message, .. } = &refused;
            contributions::reject(db, id, code, message, report.as_deref(), now.into())
        })
        .await?;
    if rejected {
        drop_files(ctx, &[sealed]).await;
    }
    Ok(())
}
