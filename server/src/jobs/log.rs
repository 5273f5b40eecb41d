//! The keeper of the log: has a checkpoint signed when one is due.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::ctx::Ctx;
use crate::flows::checkpoint;

/// How often it is looked whether one is due.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Looks until it is told to stop. A fault that lasts is told once.
pub(super) async fn keep(ctx: Ctx, stop: CancellationToken) {
    let mut told = String::new();
    while !stop.is_cancelled() {
        let fault = checkpoint::sign_when_due(&ctx).await.err();
        let words = fault.map(|fault| format!("{fault}: {:?}", std::error::Error::source(&fault)));
        let words = words.unwrap_or_default();
        if words != told && !words.is_empty() {
            tracing::warn!(fault = %words, "no checkpoint could be signed");
        }
        told = words;
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}
