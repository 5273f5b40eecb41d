//! What a client must know of this node.

use schema::wire::{NodeInfo, VerifyKeyInfo};

use crate::ctx::Ctx;
use crate::error::Fault;
use crate::flows::checkpoint::log_key;
use crate::store::checkpoints;

/// Name, keys and limits of the node, and what its journal is; public.
///
/// # Errors
/// The database's own.
pub async fn node_info(ctx: &Ctx) -> Result<NodeInfo, Fault> {
    let own = ctx.clone();
    let (log_key, last) = ctx
        .read(move |db| Ok((log_key(db, &own.keys)?, checkpoints::last(db)?)))
        .await?;
    let key = ctx.keys.verify_key();
    Ok(NodeInfo {
        name: ctx.config.name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        recipient: ctx.keys.recipient().to_string(),
        verify_keys: vec![VerifyKeyInfo {
            kid: key.id(),
            public_key: key.to_string(),
        }],
        max_upload_bytes: ctx.config.max_upload_bytes,
        log_key: log_key.map(|key| key.to_string()),
        checkpoint: last.map(|row| row.note),
    })
}
