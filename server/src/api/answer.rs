//! Shapes of answers and of headers that several resources share.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::web::Json;
use actix_web::{CustomizeResponder, FromRequest, HttpRequest, HttpResponse, Responder};
use serde::Serialize;

use crate::error::{Fault, Kind};

/// 200 with a body.
pub type Answer<T> = Result<Json<T>, Fault>;
/// 201 with a body.
pub type Created<T> = Result<CustomizeResponder<Json<T>>, Fault>;
/// 204.
pub type Done = Result<HttpResponse, Fault>;

/// 200 with a body.
///
/// # Errors
/// None: the shape fits handlers.
pub fn ok<T: Serialize>(body: T) -> Answer<T> {
    Ok(Json(body))
}

/// 201 with a body.
///
/// # Errors
/// None: the shape fits handlers.
pub fn created<T: Serialize>(body: T) -> Created<T> {
    Ok(Json(body).customize().with_status(StatusCode::CREATED))
}

/// 202 with a body: taken, not finished.
///
/// # Errors
/// None: the shape fits handlers.
pub fn accepted<T: Serialize>(body: T) -> Created<T> {
    Ok(Json(body).customize().with_status(StatusCode::ACCEPTED))
}

/// 204.
///
/// # Errors
/// None: the shape fits handlers.
pub fn done() -> Done {
    Ok(HttpResponse::NoContent().finish())
}

/// Extractor: the `Idempotency-Key` of a request that moves money, 1 to 200 visible characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoneyKey(pub String);

impl MoneyKey {
    /// Longest key.
    const MOST: usize = 200;

    fn read(request: &HttpRequest) -> Result<Self, Fault> {
        let Some(value) = request.headers().get("idempotency-key") else {
            return Err(Fault::new(
                Kind::Malformed,
                "idempotency_key_missing",
                "This request moves money. Send an `Idempotency-Key` header that you choose once \
                 per intended effect, and send the same one when you repeat the request.",
            )
            .about("Idempotency-Key"));
        };
        let key = value.to_str().unwrap_or_default();
        if key.is_empty()
            || key.len() > Self::MOST
            || !key.bytes().all(|byte| byte.is_ascii_graphic())
        {
            let words = format!(
                "`Idempotency-Key` takes 1 to {} visible ASCII characters.",
                Self::MOST
            );
            return Err(
                Fault::new(Kind::Malformed, "idempotency_key_invalid", words)
                    .about("Idempotency-Key"),
            );
        }
        Ok(Self(key.to_owned()))
    }
}

impl FromRequest for MoneyKey {
    type Error = Fault;
    type Future = Ready<Result<Self, Fault>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::read(request))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn limits_of_the_key() {
        let read = |key: &str| {
            MoneyKey::read(
                &TestRequest::default()
                    .insert_header(("idempotency-key", key))
                    .to_http_request(),
            )
        };
        let missing = MoneyKey::read(&TestRequest::default().to_http_request()).unwrap_err();
        assert_eq!(
            (missing.code, missing.status()),
            ("idempotency_key_missing", 400)
        );
        for good in ["a", &"k".repeat(MoneyKey::MOST)] {
            assert_eq!(read(good).unwrap().0, *good);
        }
        for bad in ["", "two words", &"k".repeat(MoneyKey::MOST + 1)] {
            assert_eq!(
                read(bad).unwrap_err().code,
                "idempotency_key_invalid",
                "{bad}"
            );
        }
    }
}
