//! A party proves its password and gets a session.

use std::net::IpAddr;

use chrono::TimeDelta;
use schema::wire::{SessionOpened, SignIn};

use crate::auth::password;
use crate::auth::secret::{Purpose, Secret};
use crate::auth::throttle::Attempt;
use crate::ctx::Ctx;
use crate::error::{Fault, Kind};
use crate::store::parties;
use crate::store::sessions::{self, SessionRow};

/// How long a session lives; each sign-in makes a new one.
pub const SESSION_LIFE: TimeDelta = TimeDelta::days(7);

/// Opens a session. An unknown address costs the same work and gets the same answer as a wrong
/// password; the attempt counts before the password is looked at, so that many guesses at once
/// do not slip past the throttle.
///
/// # Errors
/// `sign_in_failed` (401), or `throttled` (429) with the seconds to wait.
pub async fn run(ctx: &Ctx, sign_in: SignIn, peer: Option<IpAddr>) -> Result<SessionOpened, Fault> {
    let email = sign_in.email.trim().to_lowercase();
    let attempt = Attempt::new(&email, peer);
    let now = ctx.now();
    let party = {
        let attempt = attempt.clone();
        ctx.write(move |db| {
            attempt.begin(db, now)?;
            parties::by_email(db, &email)
        })
        .await?
    };
    if sign_in.password.len() > password::MAX_BYTES {
        return Err(failed());
    }
    let kept = party.as_ref().map(|row| row.password_hash.clone());
    let right = password::verify(ctx, sign_in.password, kept).await?;
    let party = party.filter(|_| right).ok_or_else(failed)?;
    let secret = Secret::fresh(Purpose::Session)?;
    let expires_at = now + SESSION_LIFE;
    let session = SessionRow {
        id: ctx.id().into(),
        party_id: party.id,
        token_hash: secret.hash(),
        created_at: now.into(),
        expires_at: expires_at.into(),
        revoked_at: None,
    };
    ctx.write(move |db| {
        attempt.succeed(db, now)?;
        sessions::forget_expired(db, session.party_id.into(), now)?;
        sessions::insert(db, &session)
    })
    .await?;
    Ok(SessionOpened {
        token: secret.reveal().to_owned(),
        expires_at,
        party: party.own_view(),
    })
}

fn failed() -> Fault {
    Fault::new(
        Kind::Unauthenticated,
        "sign_in_failed",
        "E-mail address and password do not belong together.",
    )
}
