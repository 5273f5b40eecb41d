//! Ed25519 signatures, raw and as compact JWS.
//!
//! A JWS (RFC 7515, algorithm `EdDSA` of RFC 8037) is one line of text that any
//! JOSE library verifies. Its header always names a type (`typ`), and the
//! verifier has to name the type it expects: a signed licence can never pass
//! for a signed manifest.

use std::{fmt, str::FromStr};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{digest::Sha256, error::Coded};

/// The longest JWS that is looked at, in bytes.
pub const MAX_JWS_LEN: usize = 1024 * 1024;

/// Why a signature or a key is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// Not a seed of 32 bytes or a PKCS#8 document with an Ed25519 key.
    #[error("this is not an Ed25519 key")]
    BadKey,
    /// The text is not a compact JWS of the expected type.
    #[error("this is not a signed document: {0}")]
    Malformed(&'static str),
    /// The document was signed with another key.
    #[error("signed with key {found}, but key {expected} was expected")]
    OtherKey {
        /// Id of the key that was offered for verifying.
        expected: String,
        /// Id of the key that the document names.
        found: String,
    },
    /// The signature does not fit the document.
    #[error("the signature does not verify: the document was changed or signed by somebody else")]
    BadSignature,
}

impl Coded for SignError {
    fn code(&self) -> &'static str {
        match self {
            Self::BadKey => "sign_bad_key",
            Self::Malformed(_) => "sign_malformed",
            Self::OtherKey { .. } => "sign_other_key",
            Self::BadSignature => "sign_bad_signature",
        }
    }
}

/// A node's signing key.
pub struct NodeKey {
    pair: Ed25519KeyPair,
    public: VerifyKey,
}

impl NodeKey {
    /// Makes the key from its 32-byte secret seed (RFC 8032).
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        // ring refuses only other lengths than 32.
        let pair = Ed25519KeyPair::from_seed_unchecked(seed)
            .unwrap_or_else(|_| unreachable!("a seed of 32 bytes is always accepted"));
        Self::from_pair(pair)
    }

    /// Makes the key from a PKCS#8 document (version 1 or 2).
    ///
    /// # Errors
    /// [`SignError::BadKey`].
    pub fn from_pkcs8(document: &[u8]) -> Result<Self, SignError> {
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(document)
            .map(Self::from_pair)
            .map_err(|_| SignError::BadKey)
    }

    fn from_pair(pair: Ed25519KeyPair) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(pair.public_key().as_ref());
        Self {
            pair,
            public: VerifyKey(bytes),
        }
    }

    /// The public half.
    pub fn verify_key(&self) -> &VerifyKey {
        &self.public
    }

    /// Signs bytes.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        let mut signature = [0; 64];
        signature.copy_from_slice(self.pair.sign(message).as_ref());
        signature
    }

    /// Signs a payload as a compact JWS of this type.
    pub fn sign_jws(&self, typ: &str, payload: &[u8]) -> String {
        let header = JwsHeader {
            alg: "EdDSA".into(),
            kid: self.public.id(),
            typ: typ.into(),
            crit: None,
        };
        // A struct of three strings always serializes.
        let header = serde_json_canonicalizer::to_vec(&header).unwrap_or_default();
        let mut text = BASE64_URL_SAFE_NO_PAD.encode(header);
        text.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(payload, &mut text);
        let signature = self.sign(text.as_bytes());
        text.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut text);
        text
    }
}

impl fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeKey(secret of {})", self.public.id())
    }
}

/// The public key that verifies a node's signatures; base64url in text and JSON.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct VerifyKey([u8; 32]);

impl VerifyKey {
    /// Takes 32 bytes as a key. Bytes that are no point of the curve verify
    /// nothing.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes of the key.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key's id: its JWK thumbprint (RFC 7638, SHA-256, base64url).
    pub fn id(&self) -> String {
        let jwk = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{self}"}}"#);
        BASE64_URL_SAFE_NO_PAD.encode(Sha256::of(jwk.as_bytes()).as_bytes())
    }

    /// Verifies a raw signature.
    ///
    /// # Errors
    /// [`SignError::BadSignature`].
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignError> {
        UnparsedPublicKey::new(&ED25519, &self.0)
            .verify(message, signature)
            .map_err(|_| SignError::BadSignature)
    }

    /// Verifies a compact JWS of the expected type and returns its payload.
    ///
    /// # Errors
    /// Any but [`SignError::BadKey`].
    pub fn verify_jws(&self, typ: &str, text: &str) -> Result<Vec<u8>, SignError> {
        let Jws {
            header,
            signed,
            payload,
            signature,
        } = split_jws(text)?;
        if header.alg != "EdDSA" {
            return Err(SignError::Malformed("its algorithm is not EdDSA"));
        }
        if header.crit.is_some() {
            return Err(SignError::Malformed("it demands an unknown extension"));
        }
        if header.typ != typ {
            return Err(SignError::Malformed("it is a document of another type"));
        }
        if header.kid != self.id() {
            return Err(SignError::OtherKey {
                expected: self.id(),
                found: header.kid.chars().take(64).collect(),
            });
        }
        self.verify(signed.as_bytes(), &signature)?;
        Ok(payload)
    }
}

/// The id of the key a JWS says it was signed with; nothing is verified.
///
/// # Errors
/// [`SignError::Malformed`].
pub fn jws_key_id(text: &str) -> Result<String, SignError> {
    split_jws(text).map(|jws| jws.header.kid)
}

#[derive(Serialize, Deserialize)]
struct JwsHeader {
    alg: String,
    kid: String,
    typ: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crit: Option<serde_json::Value>,
}

/// A compact JWS taken apart; nothing in it has been verified.
struct Jws<'t> {
    header: JwsHeader,
    signed: &'t str,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

fn split_jws(text: &str) -> Result<Jws<'_>, SignError> {
    if text.len() > MAX_JWS_LEN {
        return Err(SignError::Malformed("it is longer than 1 MiB"));
    }
    let (signed, signature) = text
        .rsplit_once('.')
        .ok_or(SignError::Malformed("it has no parts"))?;
    let (header, payload) = signed
        .split_once('.')
        .ok_or(SignError::Malformed("it has fewer than three parts"))?;
    let decode = |part: &str| {
        BASE64_URL_SAFE_NO_PAD
            .decode(part)
            .map_err(|_| SignError::Malformed("a part is not base64url"))
    };
    let header = serde_json::from_slice(&decode(header)?)
        .map_err(|_| SignError::Malformed("its header is not understood"))?;
    Ok(Jws {
        header,
        signed,
        payload: decode(payload)?,
        signature: decode(signature)?,
    })
}

impl fmt::Display for VerifyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for VerifyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyKey({self})")
    }
}

impl FromStr for VerifyKey {
    type Err = SignError;

    fn from_str(text: &str) -> Result<Self, SignError> {
        BASE64_URL_SAFE_NO_PAD
            .decode(text.trim())
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or(SignError::BadKey)
    }
}

impl Serialize for VerifyKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for VerifyKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 8032, section 7.1, test 1; RFC 8037, appendix A: key and thumbprint.
    const SEED: [u8; 32] = [
        0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c,
        0xc4, 0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae,
        0x7f, 0x60,
    ];

    #[test]
    fn the_published_vectors_hold() {
        let key = NodeKey::from_seed(&SEED);
        let public = key.verify_key();
        assert_eq!(
            public.to_string(),
            "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
        );
        assert_eq!(public.id(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        assert_eq!(key.sign(b"")[..4], [0xe5, 0x56, 0x43, 0x00]);
    }

    #[test]
    fn a_jws_verifies_with_its_key_and_type_only() {
        let key = NodeKey::from_seed(&SEED);
        let text = key.sign_jws("a+jws", b"{}");
        assert_eq!(key.verify_key().verify_jws("a+jws", &text).unwrap(), b"{}");
        assert!(matches!(
            key.verify_key().verify_jws("b+jws", &text),
            Err(SignError::Malformed(_))
        ));
        let other = NodeKey::from_seed(&[1; 32]);
        assert!(matches!(
            other.verify_key().verify_jws("a+jws", &text),
            Err(SignError::OtherKey { .. })
        ));
        assert_eq!(jws_key_id(&text).unwrap(), key.verify_key().id());
    }

    #[test]
    fn no_changed_character_passes() {
        let key = NodeKey::from_seed(&SEED);
        let text = key.sign_jws("a+jws", br#"{"amount":1}"#);
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(
                key.verify_key().verify_jws("a+jws", &changed).is_err(),
                "position {at}"
            );
        }
    }

    #[test]
    fn keys_are_read_back_and_secrets_not_shown() {
        let key = NodeKey::from_seed(&SEED);
        let public: VerifyKey = key.verify_key().to_string().parse().unwrap();
        assert_eq!(public, *key.verify_key());
        assert!("AAAA".parse::<VerifyKey>().is_err());
        assert!(NodeKey::from_pkcs8(b"no").is_err());
        assert!(format!("{key:?}").starts_with("NodeKey(secret of kPrK"));
    }
}
