//! Canonical JSON, hashes and exact integers.
//!
//! RFC 8785 writes every number as an IEEE double, so an integer beyond
//! ±(2^53 − 1) would silently change its value. [`exact`] therefore writes such
//! an integer as a decimal string (RFC 8785, appendix D) and every smaller one
//! as a plain number; each value has exactly one accepted form.

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A SHA-256 digest, shown and serialised as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// What the first entry of a chain names as its predecessor.
    pub const ZERO: Hash = Hash([0; 32]);

    /// SHA-256 of the parts, one after the other.
    pub fn of(parts: &[&[u8]]) -> Hash {
        let mut context = Context::new(&SHA256);
        for part in parts {
            context.update(part);
        }
        Hash::finish(context)
    }

    pub(crate) fn finish(context: Context) -> Hash {
        let mut bytes = [0u8; 32];
        bytes.copy_from_slice(context.finish().as_ref());
        Hash(bytes)
    }

    /// Reads 64 lower-case hex digits.
    pub fn from_hex(text: &str) -> Option<Hash> {
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            return None;
        }
        let mut bytes = [0u8; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Hash(bytes))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl Serialize for Hash {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        Hash::from_hex(&text)
            .ok_or_else(|| serde::de::Error::custom("a hash is 64 lower-case hex digits"))
    }
}

/// RFC 8785 bytes of a value. Integers must go through [`exact`].
///
/// # Errors
/// Only when the value itself refuses to serialise.
pub fn canonical<T: Serialize>(value: &T) -> Result<Vec<u8>, serde_json::Error> {
    serde_json_canonicalizer::to_vec(value)
}

/// [`canonical`] for the crate's own plain types (texts, integers, lists, maps with
/// text keys), which always serialise: hashing nothing instead would be worse than
/// stopping.
pub(crate) fn canonical_plain<T: Serialize>(value: &T) -> Vec<u8> {
    canonical(value).unwrap_or_else(|e| unreachable!("plain data always serialises: {e}"))
}

/// Serde form of an `i64` that survives RFC 8785: see the module text.
pub mod exact {
    use serde::de::{Error, Unexpected, Visitor};
    use serde::{Deserializer, Serializer};
    use std::fmt;

    const SAFE: i64 = (1 << 53) - 1;

    /// A number within ±(2^53 − 1), otherwise a decimal string.
    pub fn serialize<S: Serializer>(value: &i64, s: S) -> Result<S::Ok, S::Error> {
        if (-SAFE..=SAFE).contains(value) {
            s.serialize_i64(*value)
        } else {
            s.collect_str(value)
        }
    }

    /// Accepts exactly what [`serialize`] writes.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<i64, D::Error> {
        struct Exact;
        impl Visitor<'_> for Exact {
            type Value = i64;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an integer within ±(2^53−1), or a larger one as a decimal string")
            }
            fn visit_i64<E: Error>(self, v: i64) -> Result<i64, E> {
                match (-SAFE..=SAFE).contains(&v) {
                    true => Ok(v),
                    false => Err(E::invalid_value(Unexpected::Signed(v), &self)),
                }
            }
            fn visit_u64<E: Error>(self, v: u64) -> Result<i64, E> {
                match i64::try_from(v) {
                    Ok(v) => self.visit_i64(v),
                    Err(_) => Err(E::invalid_value(Unexpected::Unsigned(v), &self)),
                }
            }
            fn visit_str<E: Error>(self, v: &str) -> Result<i64, E> {
                match v.parse::<i64>() {
                    Ok(n) if !(-SAFE..=SAFE).contains(&n) && n.to_string() == v => Ok(n),
                    _ => Err(E::invalid_value(Unexpected::Str(v), &self)),
                }
            }
        }
        d.deserialize_any(Exact)
    }
}

/// Serde form of a `u128` weight: always a decimal string.
pub mod decimal {
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes the decimal digits.
    pub fn serialize<S: Serializer>(value: &u128, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(value)
    }

    /// Reads decimal digits without sign or leading zeros.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<u128, D::Error> {
        let text = String::deserialize(d)?;
        match text.parse::<u128>() {
            Ok(n) if n.to_string() == text => Ok(n),
            _ => Err(serde::de::Error::custom("a weight is a decimal string")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct N(#[serde(with = "exact")] i64);

    #[test]
    fn integers_keep_their_value_in_canonical_json() {
        let safe = (1i64 << 53) - 1;
        for n in [0, -1, safe, -safe, safe + 1, -safe - 1, i64::MAX, i64::MIN] {
            let bytes = canonical(&N(n)).unwrap();
            assert_eq!(serde_json::from_slice::<N>(&bytes).unwrap(), N(n));
            assert_eq!(bytes.first() == Some(&b'"'), n.unsigned_abs() > safe as u64);
        }
        assert!(serde_json::from_str::<N>("\"5\"").is_err());
        assert!(serde_json::from_str::<N>("9007199254740992").is_err());
        assert!(serde_json::from_str::<N>("1.5").is_err());
    }

    #[test]
    fn hash_text_round_trips_and_is_lower_case() {
        let empty = Hash::of(&[]);
        assert_eq!(
            empty.to_string(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(Hash::from_hex(&empty.to_string()), Some(empty));
        assert_eq!(Hash::from_hex(&empty.to_string().to_uppercase()), None);
        assert_eq!(Hash::of(&[b"ab", b"c"]), Hash::of(&[b"abc"]));
    }
}
