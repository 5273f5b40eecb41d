//! The keeper of subscriptions: looks from time to time what is due.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::ctx::Ctx;
use crate::flows::tend_subscriptions;

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Looks until it is told to stop. A fault that lasts is told once.
pub(super) async fn keep(ctx: Ctx, stop: CancellationToken) {
    let mut told = String::new();
    while !stop.is_cancelled() {
        let fault = tend_subscriptions::tend(&ctx).await.err();
        let words = fault.map(|fault| format!("{fault}: {:?}", std::error::Error::source(&fault)));
        let words = words.unwrap_or_default();
        if words != told && !words.is_empty() {
            tracing::warn!(fault = %words, "subscriptions could not be looked after");
        }
        told = words;
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}
