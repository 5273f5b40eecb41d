//! Recomputing the whole ledger from its rows.

use ledger::checkpoint::Checkpoint;
use schema::db::Db;
use schema::wire::LedgerFinding;

use super::checkpoint::log_key;
use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::journal::audit::{self, Against};
use crate::keys::NodeKeys;

/// Broken invariants with the rows they show in; an empty list when all hold. Reads one
/// unchanging state and needs no running node: on a bare database call [`against`] inside
/// `Db::snapshot`.
///
/// # Errors
/// The database's own.
pub async fn run(ctx: &Ctx) -> Result<Vec<LedgerFinding>, Fault> {
    since(ctx, None).await
}

/// The same for an operator who asks the running node, with a checkpoint that was kept
/// outside: nothing written until then may have been changed or removed.
///
/// # Errors
/// [`Fault::missing`] for everybody else, `invalid` for a checkpoint that is not this node's,
/// or the database's own.
pub async fn ask(
    ctx: &Ctx,
    who: &Actor,
    kept: Option<String>,
) -> Result<Vec<LedgerFinding>, Fault> {
    rights::node(who).audit()?;
    since(ctx, kept).await
}

async fn since(ctx: &Ctx, kept: Option<String>) -> Result<Vec<LedgerFinding>, Fault> {
    let own = ctx.clone();
    ctx.read(move |db| db.snapshot(|db| against(db, Some(&own.keys), kept.as_deref())))
        .await
}

/// Verifies a database, its checkpoints against the node's key where that is at hand, and the
/// journal against a checkpoint that was kept outside.
///
/// # Errors
/// `invalid` for a checkpoint that is not this node's, or the database's own.
pub fn against(
    db: &mut Db,
    keys: Option<&NodeKeys>,
    kept: Option<&str>,
) -> Result<Vec<LedgerFinding>, Fault> {
    let key = match keys {
        Some(keys) => log_key(db, keys)?,
        None => None,
    };
    let refused = |words: String| Fault::invalid("since", words);
    let since = match (kept, &key) {
        (None, _) => None,
        (Some(_), None) => {
            return Err(refused(
                "The node's key is not at hand, so the checkpoint cannot be believed.".to_owned(),
            ));
        }
        (Some(note), Some(key)) => Some(
            Checkpoint::verify(note, key)
                .map_err(|error| refused(format!("The checkpoint is refused: {error}.")))?,
        ),
    };
    audit::verify_against(db, &Against { key, since })
}
