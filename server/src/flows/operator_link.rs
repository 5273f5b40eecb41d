//! The link with which the first operator signs up.

use chrono::TimeDelta;

use crate::auth::secret::{Purpose, Secret};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::store::links::{self, LinkRow};
use crate::store::parties;

/// How long a link works.
const LINK_LIFE: TimeDelta = TimeDelta::hours(24);

/// While the node has no operator: a fresh link, in place of any earlier one. Only its hash is
/// kept, so it is shown now or never.
///
/// # Errors
/// The database's own.
pub async fn ensure(ctx: &Ctx) -> Result<Option<String>, Fault> {
    let secret = Secret::fresh(Purpose::Link)?;
    let now = ctx.now();
    let row = LinkRow {
        token_hash: secret.hash(),
        purpose: links::OPERATOR.to_owned(),
        party_id: None,
        created_at: now.into(),
        expires_at: (now + LINK_LIFE).into(),
        used_at: None,
    };
    let made = ctx
        .write(move |db| {
            if parties::operator_exists(db)? {
                return Ok(false);
            }
            links::forget_unused(db, links::OPERATOR, None)?;
            links::insert(db, &row)?;
            Ok(true)
        })
        .await?;
    let url = || format!("{}/operator/{}", ctx.config.public_url(), secret.reveal());
    Ok(made.then(url))
}
