//! Refuses requests that another site made a signed-in browser send.
//!
//! Cookies are `SameSite=Lax` already. This looks at what the browser itself says of a request
//! that changes something: `Sec-Fetch-Site` where it is sent (https and localhost), else `Origin`.
//! A request that carries an `Authorization` header cannot come from another site without its
//! script holding the token, so it passes. One that rides on the cookie and says nothing of where
//! it comes from is refused.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, HOST, HeaderMap, HeaderName, ORIGIN};
use actix_web::middleware::Next;
use actix_web::{Error, web};

use crate::auth::SESSION_COOKIE;
use crate::ctx::Ctx;
use crate::error::{Fault, Kind};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Middleware: lets safe and same-site requests through.
///
/// The others are answered `cross_site` (403).
///
/// # Errors
/// None of its own.
pub async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let safe = request.method().is_safe();
    let public_url = request
        .app_data::<web::Data<Ctx>>()
        .map(|ctx| ctx.config.public_url());
    let cookie = request.cookie(SESSION_COOKIE).is_some();
    if safe
        || is_own(
            request.headers(),
            cookie,
            public_url.as_deref().unwrap_or_default(),
        )
    {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    // An answer, not an error: what is around this still needs the request.
    Ok(request.error_response(refusal()).map_into_right_body())
}

fn refusal() -> Fault {
    Fault::new(
        Kind::Forbidden,
        "cross_site",
        "This request did not come from one of the node's own pages. Programs send a bearer token instead of the cookie.",
    )
}

fn is_own(headers: &HeaderMap, cookie: bool, public_url: &str) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if headers.contains_key(AUTHORIZATION) {
        return true;
    }
    if let Some(site) = text(SEC_FETCH_SITE) {
        return site == "same-origin" || site == "none";
    }
    match text(ORIGIN) {
        Some(origin) => origin == origin_of(public_url) || same_host(origin, text(HOST)),
        None => !cookie,
    }
}

/// Scheme and authority of a URL.
fn origin_of(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..].find('/').map_or(url.len(), |at| start + at);
    &url[..end]
}

/// Whether an origin names the host the request was sent to. `null` names none.
fn same_host(origin: &str, host: Option<&str>) -> bool {
    origin
        .split_once("://")
        .is_some_and(|(_, named)| !named.is_empty() && host == Some(named))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn own(headers: &[(&'static str, &'static str)], cookie: bool) -> bool {
        let map = headers
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect();
        is_own(&map, cookie, "https://granary.example/node")
    }

    #[test]
    fn what_passes_and_what_does_not() {
        type Case<'a> = (&'a [(&'a str, &'a str)], bool, bool);
        let table: &[Case<'_>] = &[
            // what the browser says, whether a cookie rides along, whether it passes
            (&[("sec-fetch-site", "same-origin")], true, true),
            (&[("sec-fetch-site", "none")], true, true),
            (&[("sec-fetch-site", "cross-site")], true, false),
            (&[("sec-fetch-site", "same-site")], true, false),
            (&[("sec-fetch-site", "cross-site")], false, false),
            (
                &[
                    ("sec-fetch-site", "cross-site"),
                    ("origin", "https://granary.example"),
                ],
                true,
                false,
            ),
            (
                &[
                    ("sec-fetch-site", "cross-site"),
                    ("authorization", "Bearer x"),
                ],
                true,
                true,
            ),
            (&[("origin", "https://granary.example")], true, true),
            (&[("origin", "http://granary.example")], true, false),
            (
                &[("origin", "https://granary.example.evil.example")],
                true,
                false,
            ),
            (
                &[
                    ("origin", "http://10.0.0.5:8460"),
                    ("host", "10.0.0.5:8460"),
                ],
                true,
                true,
            ),
            (
                &[("origin", "null"), ("host", "10.0.0.5:8460")],
                true,
                false,
            ),
            (&[("origin", "null"), ("host", "")], true, false),
            (&[], true, false),
            (&[], false, true),
        ];
        for (headers, cookie, passes) in table {
            assert_eq!(
                own(headers, *cookie),
                *passes,
                "{headers:?} cookie={cookie}"
            );
        }
    }
}
