//! Compose and publish a revision; weigh one again; look for rows that somebody claims.

use uuid::Uuid;

use crate::ctx::Ctx;
use crate::error::Fault;
use crate::flows;
use crate::worker::Progress;

pub(super) async fn run(ctx: &Ctx, revision: Uuid, progress: Progress) -> Result<(), Fault> {
    flows::compose::run(ctx, revision, progress).await
}

pub(super) async fn reweigh(ctx: &Ctx, revision: Uuid, progress: Progress) -> Result<(), Fault> {
    flows::compose::reweigh::run(ctx, revision, progress).await
}

pub(super) async fn claim(ctx: &Ctx, claim: Uuid) -> Result<(), Fault> {
    flows::claims::count::run(ctx, claim).await
}

/// After the last attempt the owner may ask again.
pub(super) async fn give_up(ctx: &Ctx, revision: Uuid) -> Result<(), Fault> {
    flows::compose::give_up(ctx, revision).await
}
