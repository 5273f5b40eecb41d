//! What a client must know of this node.

use schema::wire::{NodeInfo, VerifyKeyInfo};

use crate::ctx::Ctx;

/// Name, keys and limits of the node; public.
#[must_use]
pub fn node_info(ctx: &Ctx) -> NodeInfo {
    let key = ctx.keys.verify_key();
    NodeInfo {
        name: ctx.config.name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        recipient: ctx.keys.recipient().to_string(),
        verify_keys: vec![VerifyKeyInfo {
            kid: key.id(),
            public_key: key.to_string(),
        }],
        max_upload_bytes: ctx.config.max_upload_bytes,
    }
}
