//! From the headers of a request to an [`Actor`].

use std::future::Future;
use std::pin::Pin;

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpRequest, web};
use schema::wire::SessionOpened;

use crate::auth::secret::{Purpose, Secret};
use crate::auth::{Actor, Credential};
use crate::ctx::Ctx;
use crate::error::{Fault, Kind};
use crate::store;

/// Name of the browser's session cookie.
pub const SESSION_COOKIE: &str = "granary_session";

/// Extractor: a signed-in party, or 401.
#[derive(Debug, Clone)]
pub struct Signed(pub Actor);

/// Extractor: a signed-in party, or nobody. A credential that is sent but does not hold is 401
/// as a bearer and nobody as a cookie: a browser keeps ended cookies, a program should be told.
#[derive(Debug, Clone)]
pub struct MaybeSigned(pub Option<Actor>);

/// What a request carries.
enum Carried {
    Nothing,
    Bearer(Option<Secret>),
    Cookie(Option<Secret>),
}

impl Carried {
    fn read(request: &HttpRequest) -> Self {
        if let Some(value) = request.headers().get(AUTHORIZATION) {
            let text = value.to_str().ok().and_then(|text| text.split_once(' '));
            let token = text.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
            return Self::Bearer(token.and_then(|(_, token)| Secret::read(token.trim())));
        }
        match request.cookie(SESSION_COOKIE) {
            Some(cookie) => Self::Cookie(Secret::read(cookie.value())),
            None => Self::Nothing,
        }
    }
}

/// Whose credential the request carries.
async fn actor(request: HttpRequest) -> Result<Option<Actor>, Fault> {
    let ctx = request
        .app_data::<web::Data<Ctx>>()
        .ok_or_else(|| Fault::internal("the application carries no context"))?;
    match Carried::read(&request) {
        Carried::Nothing | Carried::Cookie(None) => Ok(None),
        Carried::Bearer(None) => Err(ended()),
        Carried::Cookie(Some(secret)) => identify(ctx, secret).await,
        Carried::Bearer(Some(secret)) => Ok(Some(identify(ctx, secret).await?.ok_or_else(ended)?)),
    }
}

/// The actor of a session's or token's secret, read from the database each time: a revoked
/// credential ends with the transaction that revokes it.
///
/// # Errors
/// The database's own.
pub async fn identify(ctx: &Ctx, secret: Secret) -> Result<Option<Actor>, Fault> {
    let (now, hash) = (ctx.now(), secret.hash());
    match secret.purpose() {
        Purpose::Link => Ok(None),
        Purpose::Session => {
            let found = ctx
                .read(move |db| store::sessions::live(db, &hash, now))
                .await?;
            Ok(found.map(|(party, id)| Actor::new(party, Credential::Session(id))))
        }
        Purpose::Token => {
            let Some((party, token)) = ctx
                .read(move |db| store::tokens::live(db, &hash, now))
                .await?
            else {
                return Ok(None);
            };
            let id = token.id.into();
            if store::tokens::use_is_news(&token, now) {
                let noted = ctx
                    .write(move |db| store::tokens::note_use(db, id, now))
                    .await;
                // Reads go on while the disk is full or read-only.
                noted.unwrap_or_else(
                    |fault| tracing::warn!(%fault, "the use of a token was not noted"),
                );
            }
            Ok(Some(Actor::new(party, Credential::Token(id))))
        }
    }
}

/// The cookie that carries a session in a browser. Its life is counted by the browser's own clock.
#[must_use]
pub fn session_cookie(ctx: &Ctx, opened: &SessionOpened) -> Cookie<'static> {
    let life = opened.expires_at - ctx.now();
    cookie(
        ctx,
        opened.token.clone(),
        Duration::seconds(life.num_seconds()),
    )
}

/// The cookie that makes a browser forget its session.
#[must_use]
pub fn ended_cookie(ctx: &Ctx) -> Cookie<'static> {
    cookie(ctx, String::new(), Duration::ZERO)
}

fn cookie(ctx: &Ctx, value: String, life: Duration) -> Cookie<'static> {
    Cookie::build(SESSION_COOKIE, value)
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(ctx.config.secure_cookies)
        .max_age(life)
        .finish()
}

fn ended() -> Fault {
    Fault::new(
        Kind::Unauthenticated,
        "credential_ended",
        "This session or token is unknown, expired or revoked. Sign in again.",
    )
}

fn unsigned() -> Fault {
    Fault::new(
        Kind::Unauthenticated,
        "sign_in_needed",
        "Sign in, or send a bearer token.",
    )
}

impl FromRequest for Signed {
    type Error = Fault;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Fault>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async { actor(request).await?.map(Self).ok_or_else(unsigned) })
    }
}

impl FromRequest for MaybeSigned {
    type Error = Fault;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Fault>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async { Ok(Self(actor(request).await?)) })
    }
}
