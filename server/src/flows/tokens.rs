//! Bearer tokens: credentials of programs.

use chrono::TimeDelta;
use schema::wire::{NewToken, Page, PageQuery, TokenMade, TokenView};
use uuid::Uuid;

use crate::auth::secret::{Purpose, Secret};
use crate::auth::{Actor, Credential, rights};
use crate::ctx::Ctx;
use crate::error::{Fault, Kind};
use crate::paging::Window;
use crate::store::tokens::{self, TokenRow};

/// Days a token lives when the caller does not say.
const USUAL_DAYS: u16 = 90;
/// Most days a token lives.
const MOST_DAYS: u16 = 366;

/// Makes a token. Only a session may: a stolen token must not make others that outlive it.
///
/// # Errors
/// `session_needed`, or [`Kind::Invalid`] naming the field.
pub async fn create(ctx: &Ctx, who: &Actor, new: NewToken) -> Result<TokenMade, Fault> {
    if !matches!(who.credential, Credential::Session(_)) {
        return Err(Fault::new(
            Kind::Forbidden,
            "session_needed",
            "Sign in with your password to make a token; a token cannot make another.",
        ));
    }
    let name = new.name.trim();
    if name.is_empty() || name.chars().count() > 80 || name.contains(char::is_control) {
        return Err(Fault::invalid(
            "name",
            "Say in 1 to 80 characters what the token is for.",
        ));
    }
    let days = new.days.unwrap_or(USUAL_DAYS);
    if !(1..=MOST_DAYS).contains(&days) {
        return Err(Fault::invalid(
            "days",
            format!("A token lives 1 to {MOST_DAYS} days."),
        ));
    }
    let secret = Secret::fresh(Purpose::Token)?;
    let now = ctx.now();
    let row = TokenRow {
        id: ctx.id().into(),
        party_id: who.party.into(),
        name: name.to_owned(),
        token_hash: secret.hash(),
        created_at: now.into(),
        expires_at: Some((now + TimeDelta::days(days.into())).into()),
        revoked_at: None,
        last_used_at: None,
    };
    let info = row.view();
    ctx.write(move |db| tokens::insert(db, &row)).await?;
    Ok(TokenMade {
        token: secret.reveal().to_owned(),
        info,
    })
}

/// The caller's tokens, newest first.
///
/// # Errors
/// `bad_page`.
pub async fn list(ctx: &Ctx, who: &Actor, page: PageQuery) -> Result<Page<TokenView>, Fault> {
    let (window, party) = (Window::of(&page)?, who.party);
    let rows = ctx.read(move |db| tokens::list(db, party, window)).await?;
    Ok(window.page(rows, |row| row.id.into(), |row| row.view()))
}

/// Ends a token at once.
///
/// # Errors
/// [`Fault::missing`] for an unknown or foreign one.
pub async fn revoke(ctx: &Ctx, who: &Actor, id: Uuid) -> Result<(), Fault> {
    let (who, now) = (who.clone(), ctx.now());
    ctx.write(move |db| {
        let token = tokens::by_id(db, id)?;
        rights::own(&who, token.party_id.into()).manage()?;
        tokens::revoke(db, id, now)
    })
    .await
}
