//! Before anything is weighed: what the rows of every contribution consist of, where the contract
//! looks for near duplicates.
//!
//! Each contribution has a child of its own for that, once; what it says is keyed, sealed and
//! kept. Weighing reads only that, so no file decides what another one is like.

use serde_json::{Value, json};
use uuid::Uuid;

use super::Plan;
use crate::blobs::{BlobKey, BlobKind};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::flows::assess::{drop_files, keep, open, stored};
use crate::store::contributions::{self, ContributionRow};
use crate::worker::{self, Outcome, Progress};

/// Version of what is kept of a row; another one is taken anew.
const VERSION: u64 = 1;

/// The plan with the items of all standing contributions, or why a revision cannot be.
pub(super) async fn prepare(
    ctx: &Ctx,
    mut plan: Plan,
    contract: &Value,
    mut progress: Progress,
) -> Result<Result<(Plan, Progress), String>, Fault> {
    let Some(rule) = rule(contract) else {
        return Ok(Ok((plan, progress)));
    };
    for row in &mut plan.rows {
        if row.cleaned_blob.is_none() || row.items_rule.as_ref() == Some(&rule) {
            continue;
        }
        progress("looking for near duplicates");
        if let Err(words) = take(ctx, row, contract, &rule).await? {
            return Ok(Err(words));
        }
    }
    for row in &mut plan.rows {
        // What a withdrawn contribution kept by another rule compares with nothing.
        row.items_blob = row
            .items_blob
            .take()
            .filter(|_| row.items_rule.as_ref() == Some(&rule));
    }
    plan.near = Some(rule);
    Ok(Ok((plan, progress)))
}

/// What decides of which items a row consists; the threshold does not.
fn rule(contract: &Value) -> Option<String> {
    let near = contract.get("near").filter(|near| near.is_object())?;
    let of = |key: &str| near.get(key).cloned().unwrap_or_default();
    Some(json!({"v": VERSION, "columns": of("columns"), "by": of("by")}).to_string())
}

async fn take(
    ctx: &Ctx,
    row: &mut ContributionRow,
    contract: &Value,
    rule: &str,
) -> Result<Result<(), String>, Fault> {
    let cleaned = open(ctx, stored(row.cleaned_blob.as_deref())?).await?;
    let cleaned = cleaned.map_err(Fault::internal)?;
    let rows = u64::try_from(row.rows.unwrap_or(0)).map_err(Fault::internal)?;
    let found = worker::items(ctx, cleaned, contract.clone(), rows, Box::new(|_| {})).await?;
    let items = match found {
        Outcome::Done(items) => items,
        Outcome::Refused(refused) => {
            let number = row.receipt_no.unwrap_or_default();
            return Ok(Err(format!(
                "Near duplicates cannot be looked for in contribution № {number}: {} ({}) \
                 Its contributor withdraws it, then ask again.",
                refused.message, refused.code
            )));
        }
    };
    let blob = keep(ctx, BlobKind::Items, items).await?;
    let replaced = record(ctx, row.id.0, blob, rule.to_owned()).await?;
    let Some(replaced) = replaced else {
        drop_files(ctx, &[blob]).await;
        return Err(Fault::conflict(
            "contributions_changed",
            "A contribution was withdrawn meanwhile.",
        ));
    };
    for name in replaced {
        drop_files(ctx, &[BlobKey::stored(&name)?]).await;
    }
    row.items_blob = Some(blob.to_string());
    row.items_rule = Some(rule.to_owned());
    Ok(Ok(()))
}

async fn record(
    ctx: &Ctx,
    id: Uuid,
    blob: BlobKey,
    rule: String,
) -> Result<Option<Vec<String>>, Fault> {
    let name = blob.to_string();
    let kept = ctx
        .write(move |db| contributions::keep_items(db, id, &name, &rule))
        .await;
    if kept.is_err() {
        drop_files(ctx, &[blob]).await;
    }
    kept
}
