//! A party ends the credential it came with.

use crate::auth::{Actor, Credential};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::store::{sessions, tokens};

/// Ends the session (or the bearer token) that this request came with, at once.
///
/// # Errors
/// The database's own.
pub async fn run(ctx: &Ctx, who: &Actor) -> Result<(), Fault> {
    let (credential, now) = (who.credential, ctx.now());
    ctx.write(move |db| match credential {
        Credential::Session(id) => sessions::revoke(db, id, now),
        Credential::Token(id) => tokens::revoke(db, id, now),
    })
    .await
}
