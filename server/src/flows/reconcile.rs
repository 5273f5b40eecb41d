//! Books beside the bank.

use schema::wire::Reconciliation;

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::journal::reconcile::reconcile;

/// What is under way, what the bank says, and why they differ. Operators only.
///
/// # Errors
/// `not_found` for others.
pub async fn run(ctx: &Ctx, who: &Actor) -> Result<Reconciliation, Fault> {
    rights::node(who).audit()?;
    let currencies = ctx.read(|db| db.snapshot(reconcile)).await?;
    Ok(Reconciliation { currencies })
}
