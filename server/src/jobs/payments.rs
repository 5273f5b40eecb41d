//! Messages of and to payment providers.

use uuid::Uuid;

use crate::ctx::Ctx;
use crate::error::Fault;
use crate::flows;

pub(super) async fn work(ctx: &Ctx, message: Uuid) -> Result<(), Fault> {
    flows::work_message::run(ctx, message).await
}

pub(super) async fn tell(ctx: &Ctx, message: Uuid) -> Result<(), Fault> {
    flows::tell_provider::run(ctx, message).await
}
