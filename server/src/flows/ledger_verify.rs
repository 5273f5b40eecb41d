//! Recomputing the whole ledger from its rows.

use schema::wire::LedgerFinding;

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::journal::audit;

/// Broken invariants with the rows they show in; an empty list when all hold. Reads one
/// unchanging state and needs no running node: on a bare database call
/// [`audit::verify`] inside `Db::snapshot`.
///
/// # Errors
/// The database's own.
pub async fn run(ctx: &Ctx) -> Result<Vec<LedgerFinding>, Fault> {
    ctx.read(|db| db.snapshot(audit::verify)).await
}

/// The same for an operator who asks the running node.
///
/// # Errors
/// [`Fault::missing`] for everybody else, or the database's own.
pub async fn ask(ctx: &Ctx, who: &Actor) -> Result<Vec<LedgerFinding>, Fault> {
    rights::node(who).audit()?;
    run(ctx).await
}
