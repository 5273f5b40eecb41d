//! Which rows of the contributions that are claimed stand in the evidence.
//!
//! Keyed order-free fingerprints are compared, as where an upload is counted against what stands
//! in the node: whatever the columns are called and in which order they stand. Rows that were
//! changed are not found.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::sync::Arc;

use dataset_core::seal::{FileKey, Sealer};
use quality::contain::Slice;
use schema::db::Db;
use serde_json::Value;
use uuid::Uuid;

use crate::blobs::{BlobKind, Staged, storage_fault};
use crate::ctx::{Ctx, blocking};
use crate::error::Fault;
use crate::flows::assess::{drop_files, keep};
use crate::flows::overlap::exact;
use crate::store::claims::{self as store, PartRow};
use crate::store::contributions::{self, ContributionRow};
use crate::store::datasets;

/// Rows compared at a time: 16 bytes each.
const SLICE: u64 = 1 << 22;
/// Place of the fingerprint of the whole row among those that are kept.
const WHOLE_ROW: usize = 0;

/// A contribution, and the contract of its dataset.
struct Rows {
    row: ContributionRow,
    contract: Value,
}

impl Rows {
    fn read(db: &mut Db, id: Uuid) -> Result<Self, Fault> {
        let row = contributions::by_id(db, id)?;
        let contract = datasets::by_id(db, row.dataset_id.0)?.contract;
        let contract = contract.ok_or_else(|| Fault::internal("no contract"))?;
        Ok(Self {
            contract: serde_json::from_str(&contract).map_err(Fault::internal)?,
            row,
        })
    }

    fn count(&self) -> Result<u64, Fault> {
        u64::try_from(self.row.rows.unwrap_or(0)).map_err(Fault::internal)
    }

    /// Its sealed fingerprints, if they can be had.
    async fn prints(&self, ctx: &Ctx) -> Result<Option<Prints>, Fault> {
        let found = exact::prints_of(ctx, &self.row, &self.contract).await?;
        let rows = self.count()?;
        Ok(found.map(|(file, key)| Prints { file, key, rows }))
    }
}

struct Prints {
    file: File,
    key: FileKey,
    rows: u64,
}

/// Counts a claim. Nothing happens to one that was counted or taken back, so running this twice
/// has one effect.
///
/// # Errors
/// Only what may pass; then it may be run again.
pub async fn run(ctx: &Ctx, id: Uuid) -> Result<(), Fault> {
    let plan = ctx.read(move |db| {
        let claim = store::find(db, id)?;
        if claim.state != store::COUNTING {
            return Ok(None);
        }
        let evidence = Rows::read(db, claim.evidence_id.0)?;
        let parts = store::parts(db, claim.id)?.into_iter();
        let parts = parts.map(|part| Ok((Rows::read(db, part.contribution_id.0)?, part)));
        let parts: Vec<(Rows, PartRow)> = parts.collect::<Result<_, Fault>>()?;
        Ok(Some((claim.id, evidence, parts)))
    });
    let Some((claim, evidence, parts)) = plan.await? else {
        return Ok(());
    };
    let (mut found, mut kept) = (Vec::new(), Vec::new());
    let mine = evidence.prints(ctx).await?.map(Arc::new);
    for (rows, part) in parts {
        let Some(mine) = mine.clone() else {
            break;
        };
        let Some(theirs) = rows.prints(ctx).await? else {
            continue;
        };
        let own = ctx.clone();
        let Some((count, staged)) = blocking(move || shared(&own, &mine, &theirs)).await? else {
            continue;
        };
        let blob = keep(ctx, BlobKind::Claimed, staged).await?;
        kept.push(blob);
        found.push(PartRow {
            rows: count,
            rows_blob: Some(blob.to_string()),
            ..part
        });
    }
    let counted = ctx.write(move |db| store::counted(db, claim, &found)).await;
    if !matches!(counted, Ok(true)) {
        drop_files(ctx, &kept).await;
    }
    counted.map(|_| ())
}

/// How many rows of theirs stand in mine, and which, sealed; `None` when there are none.
fn shared(ctx: &Ctx, mine: &Prints, theirs: &Prints) -> Result<Option<(i64, Staged)>, Fault> {
    let bytes = usize::try_from(theirs.rows.div_ceil(8)).map_err(Fault::internal)?;
    let mut bits = vec![0u8; bytes];
    let parts = Slice::needed(mine.rows, SLICE);
    for part in 0..parts {
        let mut slice = Slice::of(part, parts);
        exact::each(&mine.file, &mine.key, WHOLE_ROW, |print| slice.push(print))?;
        slice.close();
        let mut row = 0usize;
        exact::each(&theirs.file, &theirs.key, WHOLE_ROW, |print| {
            if let Some(byte) = bits.get_mut(row / 8).filter(|_| slice.has(print)) {
                *byte |= 1 << (row % 8);
            }
            row += 1;
        })?;
    }
    let count: i64 = bits.iter().map(|byte| i64::from(byte.count_ones())).sum();
    if count == 0 {
        return Ok(None);
    }
    let staged = ctx.blobs.stage()?;
    let writer = BufWriter::new(staged.handle()?);
    let mut sealer = Sealer::new(writer, &[ctx.keys.recipient()]).map_err(Fault::internal)?;
    sealer.write_all(&bits).map_err(storage_fault)?;
    let mut writer = sealer.finish().map_err(Fault::internal)?;
    writer.flush().map_err(storage_fault)?;
    Ok(Some((count, staged)))
}
