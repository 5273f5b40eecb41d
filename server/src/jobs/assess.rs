//! Check, grade and rewrite a contribution.

use uuid::Uuid;

use crate::ctx::Ctx;
use crate::error::Fault;
use crate::flows;
use crate::worker::Progress;

pub(super) async fn run(ctx: &Ctx, contribution: Uuid, progress: Progress) -> Result<(), Fault> {
    flows::assess::run(ctx, contribution, progress).await
}
