//! Links that carry their own right: short-lived, bound to one file and one grant.
//!
//! Everything is in path and query, because many readers of Parquet over HTTP cannot send
//! a header. The signature covers length-prefixed fields, so no two different links have
//! the same bytes to sign. Keys change daily; today's and yesterday's are accepted.

use chrono::{DateTime, Utc};
use ring::hmac;
use serde::Deserialize;
use uuid::Uuid;

use crate::error::{Fault, Kind};

const VERSION: &[u8] = b"granary-link-1";
const DAY: i64 = 86_400;

/// Query of a signed link.
#[derive(Debug, Clone, Deserialize)]
pub struct LinkQuery {
    /// Grant the link belongs to.
    pub g: Uuid,
    /// End, in seconds since 1970.
    pub e: i64,
    /// Number of the day whose key signed it.
    pub k: i64,
    /// HMAC-SHA-256, hexadecimal.
    pub sig: String,
}

/// Makes the query string of a link to `path` for `grant` until `expires`.
#[must_use]
pub fn sign(
    secret: &hmac::Key,
    path: &str,
    grant: Uuid,
    now: DateTime<Utc>,
    expires: DateTime<Utc>,
) -> String {
    let (end, day) = (expires.timestamp(), now.timestamp().div_euclid(DAY));
    let tag = hmac::sign(&day_key(secret, day), &message(path, grant, end, day));
    // Some readers take a URL for a signed one only when it has a parameter of this name.
    format!(
        "sp=r&g={}&e={end}&k={day}&sig={}",
        grant.simple(),
        hex::encode(tag)
    )
}

/// Checks a link and answers its grant.
///
/// # Errors
/// 403 `bad_signature` for a link that was not made here or was changed, 410 `link_expired`
/// with what to do.
pub fn check(
    secret: &hmac::Key,
    path: &str,
    query: &LinkQuery,
    now: DateTime<Utc>,
) -> Result<Uuid, Fault> {
    let today = now.timestamp().div_euclid(DAY);
    let sig = hex::decode(&query.sig).unwrap_or_default();
    let bytes = message(path, query.g, query.e, query.k);
    let genuine = hmac::verify(&day_key(secret, query.k), &bytes, &sig).is_ok();
    if !genuine {
        return Err(Fault::new(
            Kind::Forbidden,
            "bad_signature",
            "This link was changed or was not made by this node; ask for a new one from the licence.",
        ));
    }
    if now.timestamp() >= query.e || !(today - 1..=today).contains(&query.k) {
        return Err(Fault::new(
            Kind::Gone,
            "link_expired",
            "This link has ended. Ask for a new one from the licence; a download goes on where it stopped.",
        ));
    }
    Ok(query.g)
}

fn day_key(secret: &hmac::Key, day: i64) -> hmac::Key {
    let tag = hmac::sign(secret, &[b"day:".as_slice(), &day.to_be_bytes()].concat());
    hmac::Key::new(hmac::HMAC_SHA256, tag.as_ref())
}

fn message(path: &str, grant: Uuid, end: i64, day: i64) -> Vec<u8> {
    let (end, day) = (end.to_be_bytes(), day.to_be_bytes());
    let fields: [&[u8]; 6] = [
        VERSION,
        b"read",
        path.as_bytes(),
        grant.as_bytes(),
        &end,
        &day,
    ];
    let mut bytes = Vec::new();
    for field in fields {
        bytes.extend_from_slice(&(field.len() as u64).to_be_bytes());
        bytes.extend_from_slice(field);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "/f/0190.parquet.age";

    fn secret() -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &[7; 32])
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn link(now: i64, end: i64) -> LinkQuery {
        let query = sign(&secret(), PATH, Uuid::from_u128(5), at(now), at(end));
        let value = |name: &str| {
            let found = query
                .split('&')
                .find_map(|part| part.strip_prefix(&format!("{name}=")));
            found.unwrap().to_owned()
        };
        LinkQuery {
            g: value("g").parse().unwrap(),
            e: value("e").parse().unwrap(),
            k: value("k").parse().unwrap(),
            sig: value("sig"),
        }
    }

    #[test]
    fn a_link_works_until_its_last_second_and_not_after() {
        let link = link(1000, 2000);
        assert_eq!(
            check(&secret(), PATH, &link, at(1999)).unwrap(),
            Uuid::from_u128(5)
        );
        assert_eq!(
            check(&secret(), PATH, &link, at(2000)).unwrap_err().code,
            "link_expired"
        );
    }

    #[test]
    fn any_changed_field_is_refused() {
        let good = link(1000, 2000);
        let mut changed = vec![good.clone(), good.clone(), good.clone(), good.clone()];
        changed[0].g = Uuid::from_u128(6);
        changed[1].e += 1;
        changed[2].k += 1;
        changed[3].sig = changed[3]
            .sig
            .replace(|c: char| c == good.sig.chars().next().unwrap(), "g");
        for bad in &changed {
            assert_eq!(
                check(&secret(), PATH, bad, at(1500)).unwrap_err().code,
                "bad_signature"
            );
        }
        assert_eq!(
            check(&secret(), "/f/other", &good, at(1500))
                .unwrap_err()
                .code,
            "bad_signature"
        );
    }

    #[test]
    fn the_key_of_the_day_before_yesterday_is_no_longer_accepted() {
        let link = link(0, 10 * DAY);
        assert!(check(&secret(), PATH, &link, at(2 * DAY - 1)).is_ok());
        assert_eq!(
            check(&secret(), PATH, &link, at(2 * DAY)).unwrap_err().code,
            "link_expired"
        );
    }
}
