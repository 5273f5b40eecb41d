//! Requests to the provider: one key per effect, tried again only where that can help.
//!
//! Retried, at most [`TRIES`] times within one call: no connection, a broken one, 429, 5xx, 409
//! while an equal request is under way, and whatever the provider itself asks to have repeated
//! (`Stripe-Should-Retry`). Every POST bears an idempotency key, so that a repeat is no second
//! effect. Redirects are refused, to any place: the key must not go where the settings do not
//! say.

use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use url::Url;

use crate::error::{Fault, Kind};

/// Tries of one call; a job goes on afterwards.
const TRIES: u32 = 3;
/// Wait before the second try; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// Longest wait within one call.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Longest time of one try.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// Longest answer that is read, in bytes.
const LONGEST_ANSWER: usize = 1 << 20;
/// Most of the provider's own words that are passed on.
const WORDS: usize = 300;

pub(super) struct Api {
    http: reqwest::Client,
    base: String,
    version: String,
    key: String,
}

/// Why one try did not succeed.
enum Miss {
    /// Repeating can help.
    Passing(String, Option<Duration>),
    /// It cannot.
    Refused(Fault),
}

impl Api {
    pub(super) fn new(base: &str, version: &str, key: String) -> Result<Self, String> {
        let wrong = |why: &str| Err(format!("the payment provider's address {base:?} {why}"));
        let Ok(url) = Url::parse(base) else {
            return wrong("cannot be read; write it like https://api.stripe.com");
        };
        let here = match url.host() {
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
            Some(url::Host::Domain(name)) => name == "localhost",
            None => return wrong("names no host"),
        };
        if !(url.scheme() == "https" || here && url.scheme() == "http") {
            return wrong("is not https: the key would be sent in the clear");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return wrong("holds a password; put the key into its file");
        }
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_WITHIN)
            .timeout(ANSWER_WITHIN)
            .redirect(Policy::none())
            .user_agent(concat!("granary/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self {
            http,
            base: base.trim_end_matches('/').to_owned(),
            version: version.to_owned(),
            key,
        })
    }

    pub(super) async fn get(&self, path: &str) -> Result<Value, Fault> {
        self.insist(|| self.request(Method::GET, path)).await
    }

    pub(super) async fn post<K: AsRef<str>>(
        &self,
        path: &str,
        key: &str,
        form: &[(K, String)],
    ) -> Result<Value, Fault> {
        let form: Vec<(&str, &str)> = form
            .iter()
            .map(|(name, value)| (name.as_ref(), value.as_str()))
            .collect();
        self.insist(|| {
            self.request(Method::POST, path)
                .header("Idempotency-Key", key)
                .form(&form)
        })
        .await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(&self.key)
            .header("Stripe-Version", &self.version)
    }

    async fn insist(&self, request: impl Fn() -> RequestBuilder) -> Result<Value, Fault> {
        let mut tries = 1;
        loop {
            match once(request()).await {
                Ok(answer) => return Ok(answer),
                Err(Miss::Refused(fault)) => return Err(fault),
                Err(Miss::Passing(why, _)) if tries >= TRIES => return Err(away(why)),
                Err(Miss::Passing(why, wait)) => {
                    tracing::debug!(%why, tries, "the payment provider is asked again");
                    let wait = wait.unwrap_or(FIRST_WAIT * 2_u32.pow(tries - 1));
                    tokio::time::sleep(wait.min(LONGEST_WAIT)).await;
                    tries += 1;
                }
            }
        }
    }
}

async fn once(request: RequestBuilder) -> Result<Value, Miss> {
    let answer = request.send().await;
    // The address is left out: it says nothing that the settings do not.
    let answer = answer.map_err(|error| Miss::Passing(error.without_url().to_string(), None))?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let body = read(answer).await?;
    if status.is_success() {
        return serde_json::from_slice(&body).map_err(|_| Miss::Refused(unreadable(status)));
    }
    let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
    Err(sort(status, &headers, &answer["error"]))
}

async fn read(mut answer: Response) -> Result<Vec<u8>, Miss> {
    let mut body = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(some)) if body.len() + some.len() > LONGEST_ANSWER => {
                return Err(Miss::Refused(unreadable(answer.status())));
            }
            Ok(Some(some)) => body.extend_from_slice(&some),
            Ok(None) => return Ok(body),
            Err(error) => return Err(Miss::Passing(error.without_url().to_string(), None)),
        }
    }
}

/// Whether a refusal may pass, and its words.
fn sort(status: StatusCode, headers: &HeaderMap, error: &Value) -> Miss {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let wait = text(RETRY_AFTER.as_str()).and_then(|seconds| seconds.parse().ok());
    let under_way = error["code"] == "lock_timeout" || error["code"] == "idempotency_key_in_use";
    let passing = match text("stripe-should-retry") {
        Some("true") => true,
        Some("false") => false,
        _ => {
            status == StatusCode::TOO_MANY_REQUESTS
                || status.is_server_error()
                || status == StatusCode::CONFLICT && under_way
        }
    };
    if passing {
        return Miss::Passing(format!("answered {status}"), wait.map(Duration::from_secs));
    }
    if status.is_redirection() {
        return Miss::Refused(refused("it sends elsewhere, which is not followed", status));
    }
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        return Miss::Refused(refused("it does not accept the node's key", status));
    }
    let words = error["message"].as_str().unwrap_or("it gives no reason");
    let words: String = words
        .chars()
        .filter(|c| !c.is_control())
        .take(WORDS)
        .collect();
    Miss::Refused(refused(&words, status))
}

fn refused(words: &str, status: StatusCode) -> Fault {
    Fault::new(
        Kind::Conflict,
        "provider_refused",
        format!(
            "The payment provider refused ({}): {words}. Nothing was charged or moved by this \
             request; what was booked before stands.",
            status.as_u16()
        ),
    )
}

fn unreadable(status: StatusCode) -> Fault {
    refused("its answer cannot be read", status)
}

fn away(why: String) -> Fault {
    Fault::new(
        Kind::Unavailable,
        "provider_unavailable",
        "The payment provider does not answer. What was asked is kept: send it again with the \
         same Idempotency-Key, it takes effect once.",
    )
    .because(why)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn passing(status: u16, headers: &[(&'static str, &str)], error: Value) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        let status = StatusCode::from_u16(status).unwrap();
        matches!(sort(status, &map, &error), Miss::Passing(..))
    }

    #[test]
    fn only_what_can_pass_is_tried_again() {
        let none = Value::Null;
        let table = [
            (429, true),
            (500, true),
            (503, true),
            (400, false),
            (401, false),
            (402, false),
            (404, false),
            (302, false),
        ];
        for (status, again) in table {
            assert_eq!(passing(status, &[], none.clone()), again, "{status}");
        }
        assert!(passing(409, &[], json!({"code": "lock_timeout"})));
        assert!(!passing(409, &[], none.clone()));
        assert!(!passing(
            500,
            &[("stripe-should-retry", "false")],
            none.clone()
        ));
        assert!(passing(400, &[("stripe-should-retry", "true")], none));
    }

    #[test]
    fn the_providers_words_are_bounded() {
        let long = json!({"message": "x\u{7}".repeat(2_000)});
        let Miss::Refused(fault) = sort(StatusCode::BAD_REQUEST, &HeaderMap::new(), &long) else {
            panic!("a refusal")
        };
        assert!(fault.detail.len() < 600 && !fault.detail.contains('\u{7}'));
    }
}
