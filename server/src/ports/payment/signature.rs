//! The signature of a webhook: `t=SECONDS,v1=HEX[,v1=HEX…]`, HMAC-SHA-256 over the seconds, a
//! dot and the body exactly as it came.
//!
//! Several secrets may be in force while one is exchanged for another, and a message may bear
//! several signatures; one match is enough. Digests are compared in constant time. A message
//! whose time is more than [`TOLERANCE`] away from now, either way, is refused: whoever kept one
//! cannot send it again later.

use chrono::{DateTime, Utc};
use ring::hmac;

/// Furthest a message may be from now, in seconds.
pub const TOLERANCE: i64 = 300;
/// Longest header that is read, in bytes.
const LONGEST: usize = 4_096;
/// Most signatures that are tried.
const MOST: usize = 16;

/// Why a message is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsigned {
    /// The header is missing or is no signature.
    #[error("the Stripe-Signature header is missing or cannot be read")]
    Unreadable,
    /// No signature is one of a known secret over this body.
    #[error("no signature of this message was made with a secret that is known here")]
    Foreign,
    /// The time is too far away.
    #[error("the message was signed {0} seconds away from now; {TOLERANCE} are allowed")]
    Late(i64),
}

/// A secret of a webhook, as the provider shows it.
#[must_use]
pub fn key(secret: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes())
}

/// Checks a message.
///
/// # Errors
/// [`Unsigned`]. The time is looked at only once the signature has shown who wrote it.
pub fn check(
    header: &str,
    body: &[u8],
    keys: &[hmac::Key],
    now: DateTime<Utc>,
) -> Result<(), Unsigned> {
    if header.len() > LONGEST {
        return Err(Unsigned::Unreadable);
    }
    let (mut time, mut tags) = (None, Vec::new());
    for part in header.split(',') {
        match part.trim().split_once('=') {
            Some(("t", value)) => time = Some(value),
            Some(("v1", value)) if tags.len() < MOST => tags.extend(hex::decode(value).ok()),
            _ => {}
        }
    }
    let time = time.ok_or(Unsigned::Unreadable)?;
    let seconds: i64 = time.parse().map_err(|_| Unsigned::Unreadable)?;
    if tags.is_empty() {
        return Err(Unsigned::Unreadable);
    }
    let signed = [time.as_bytes(), b".", body].concat();
    let mut known = false;
    for key in keys {
        for tag in &tags {
            known |= hmac::verify(key, &signed, tag).is_ok();
        }
    }
    if !known {
        return Err(Unsigned::Foreign);
    }
    let away = now.timestamp().saturating_sub(seconds).saturating_abs();
    if away > TOLERANCE {
        return Err(Unsigned::Late(away));
    }
    Ok(())
}

/// The header for a message, as the provider makes it: for tests and the demo.
#[must_use]
pub fn header(secret: &str, body: &[u8], at: DateTime<Utc>) -> String {
    let time = at.timestamp();
    let signed = [time.to_string().as_bytes(), b".", body].concat();
    let tag = hmac::sign(&key(secret), &signed);
    format!("t={time},v1={}", hex::encode(tag.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    const BODY: &[u8] = br#"{"id":"evt_1","object":"event"}"#;
    const SECRET: &str = "whsec_test_secret";

    /// The digest was made by another program:
    /// `printf '%s' '1700000000.{"id":"evt_1","object":"event"}' | openssl dgst -sha256 -hmac whsec_test_secret`
    const VECTOR: &str = "0c8670ed117751cc551a20e35839447075c42800ea3cf3e8a2fbda99cd1e6edd";

    #[test]
    fn a_vector_of_another_program() {
        let header = format!("t=1700000000,v1={VECTOR},v0=ignored");
        let keys = [key(SECRET)];
        assert_eq!(check(&header, BODY, &keys, at(1_700_000_000)), Ok(()));
        assert_eq!(
            super::header(SECRET, BODY, at(1_700_000_000)),
            format!("t=1700000000,v1={VECTOR}")
        );
    }

    #[test]
    fn one_of_several_secrets_and_signatures_is_enough() {
        let good = header(SECRET, BODY, at(100));
        let keys = [key("whsec_old"), key(SECRET), key("whsec_new")];
        assert_eq!(check(&good, BODY, &keys, at(100)), Ok(()));
        let (time, tag) = good.split_once(',').unwrap();
        let several = format!("{time},v1={},{tag}, v1=zz", "0".repeat(64));
        assert_eq!(check(&several, BODY, &keys, at(100)), Ok(()));
        assert_eq!(
            check(&good, BODY, &keys[..1], at(100)),
            Err(Unsigned::Foreign)
        );
        assert_eq!(check(&good, BODY, &[], at(100)), Err(Unsigned::Foreign));
    }

    #[test]
    fn any_other_byte_is_refused() {
        let good = header(SECRET, BODY, at(100));
        let keys = [key(SECRET)];
        for n in 0..BODY.len() {
            let mut body = BODY.to_vec();
            body[n] ^= 1;
            assert_eq!(check(&good, &body, &keys, at(100)), Err(Unsigned::Foreign));
        }
        // The time is signed too, as it is written.
        let shifted = good.replace("t=100", "t=101");
        assert_eq!(
            check(&shifted, BODY, &keys, at(100)),
            Err(Unsigned::Foreign)
        );
        let same = good.replace("t=100", "t=0100");
        assert_eq!(check(&same, BODY, &keys, at(100)), Err(Unsigned::Foreign));
    }

    #[test]
    fn a_replay_outside_the_tolerance_is_refused_either_way() {
        let good = header(SECRET, BODY, at(10_000));
        let keys = [key(SECRET)];
        for (now, answer) in [
            (10_300, Ok(())),
            (10_301, Err(Unsigned::Late(301))),
            (9_700, Ok(())),
            (9_699, Err(Unsigned::Late(301))),
        ] {
            assert_eq!(check(&good, BODY, &keys, at(now)), answer, "{now}");
        }
    }

    #[test]
    fn what_is_no_signature_says_so() {
        let keys = [key(SECRET)];
        let tag = "0".repeat(64);
        for header in [
            String::new(),
            "t=1".to_owned(),
            format!("v1={tag}"),
            format!("t=x,v1={tag}"),
            "t=1,v1=zz".to_owned(),
            format!("t=1,v0={tag}"),
            format!("t=1,v1={tag}{}", " ".repeat(LONGEST)),
        ] {
            assert_eq!(
                check(&header, BODY, &keys, at(1)),
                Err(Unsigned::Unreadable)
            );
        }
    }
}
