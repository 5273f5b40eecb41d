//! A new password by a link that works once, given by the operator.

use chrono::TimeDelta;
use schema::wire::ResetLink;
use uuid::Uuid;

use crate::auth::secret::{Purpose, Secret};
use crate::auth::{Actor, password, rights};
use crate::ctx::Ctx;
use crate::error::{Fault, Kind};
use crate::store::links::{self, LinkRow};
use crate::store::{parties, sessions, tokens};

/// How long a link works.
const LINK_LIFE: TimeDelta = TimeDelta::hours(24);

/// Makes a link for a party; earlier ones for it stop working.
///
/// # Errors
/// [`Fault::missing`] for everybody but the operator, and for an unknown party.
pub async fn issue(ctx: &Ctx, who: &Actor, party: Uuid) -> Result<ResetLink, Fault> {
    rights::node(who).reset_password()?;
    let secret = Secret::fresh(Purpose::Link)?;
    let now = ctx.now();
    let expires_at = now + LINK_LIFE;
    let row = LinkRow {
        token_hash: secret.hash(),
        purpose: links::PASSWORD_RESET.to_owned(),
        party_id: Some(party.into()),
        created_at: now.into(),
        expires_at: expires_at.into(),
        used_at: None,
    };
    ctx.write(move |db| {
        parties::by_id(db, party)?;
        links::forget_unused(db, links::PASSWORD_RESET, Some(party))?;
        links::insert(db, &row)
    })
    .await?;
    let url = format!("{}/reset/{}", ctx.config.public_url(), secret.reveal());
    Ok(ResetLink {
        url,
        token: secret.reveal().to_owned(),
        expires_at,
    })
}

/// The same for a party named by handle, e-mail address or identifier.
///
/// # Errors
/// As [`issue`].
pub async fn issue_by_name(ctx: &Ctx, who: &Actor, name: String) -> Result<ResetLink, Fault> {
    rights::node(who).reset_password()?;
    let party = ctx
        .read(move |db| Ok(parties::by_name(db, &name)?.id.into()))
        .await?;
    issue(ctx, who, party).await
}

/// Sets a new password with a link's token, uses the link up, and ends every session and token
/// of the party: whoever had the old password is out.
///
/// # Errors
/// `link_ended` (410) for a link that is unknown, used or past its time; [`Kind::Invalid`]
/// naming the field `password`.
pub async fn use_link(ctx: &Ctx, token: &str, password: String) -> Result<(), Fault> {
    let secret = Secret::read(token)
        .filter(|secret| secret.purpose() == Purpose::Link)
        .ok_or_else(ended)?;
    password::check(&password, "")?;
    let hash = password::hash(ctx, password).await?;
    let now = ctx.now();
    ctx.write(move |db| {
        let link = links::take(db, links::PASSWORD_RESET, &secret.hash(), now)?;
        let party = link
            .and_then(|link| link.party_id)
            .ok_or_else(ended)?
            .into();
        parties::set_password(db, party, &hash)?;
        sessions::revoke_all(db, party, now)?;
        tokens::revoke_all(db, party, now)
    })
    .await
}

fn ended() -> Fault {
    Fault::new(
        Kind::Gone,
        "link_ended",
        "This link is unknown, was used, or its time is over. Ask the node's operator for a new one.",
    )
}
