//! The signed file: making it and believing it.

use super::{Statement, StatementError};
use crate::json::canonical_plain;
use crate::money::Money;
use crate::period::Period;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

const ALGORITHM: &str = "Ed25519";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File<S> {
    signature: Signature,
    statement: S,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signature {
    algorithm: String,
    key: String,
    value: String,
}

/// What a verified statement says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedSummary {
    /// Statement id.
    pub id: Uuid,
    /// The contributor.
    pub payee: Uuid,
    /// The period.
    pub period: Period,
    /// Balance at its start.
    pub opening: Money,
    /// Credits of the period.
    pub earned: Money,
    /// Paid out.
    pub paid: Money,
    /// Balance at its end.
    pub closing: Money,
    /// Number of lines recomputed.
    pub lines: usize,
    /// Number of journal entries shown to be in the log.
    pub entries: usize,
    /// Leaves of the log at the statement's checkpoint; 0 without one.
    pub log_size: u64,
    /// The one-line answer.
    pub answer: String,
}

impl Statement {
    /// The RFC 8785 bytes that are signed.
    pub fn to_canonical(&self) -> Vec<u8> {
        canonical_plain(self)
    }

    /// The signed file. `sign` gets the canonical bytes and answers with the
    /// 64-byte Ed25519 signature of the 32-byte public key `key`.
    ///
    /// ```
    /// # use ledger::statement::{Inputs, Head, Status, Moves, verify};
    /// # use ring::signature::{Ed25519KeyPair, KeyPair};
    /// # let head = Head { id: uuid::Uuid::nil(), number: 1, supersedes: None, status: Status::Final,
    /// #   payee: uuid::Uuid::nil(), payee_name: "Ada".into(), node: "mill".into(),
    /// #   period: "2026-11".parse()?, currency: ledger::money::Currency::EUR,
    /// #   issued_at: "2026-12-01T00:00:00Z".parse()? };
    /// # let inputs = Inputs { head, opening: 500, moves: Moves::default(), payouts: vec![], ever_paid: false,
    /// #   carry_opening: 0, lines: vec![], commissions: vec![], claims: vec![], proof: Default::default() };
    /// let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    /// let key: [u8; 32] = pair.public_key().as_ref().try_into()?;
    /// let file = inputs.build()?.sign(&key, |bytes| pair.sign(bytes).as_ref().to_vec());
    /// assert_eq!(verify(&file, &key)?.closing.minor, 500);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sign(&self, key: &[u8; 32], sign: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
        let value = STANDARD.encode(sign(&self.to_canonical()));
        let signature = Signature {
            algorithm: ALGORITHM.into(),
            key: STANDARD.encode(key),
            value,
        };
        canonical_plain(&File {
            signature,
            statement: self,
        })
    }

    /// Reads the document out of a file without believing it: for rendering a
    /// statement of the own store. Use [`verify`] for anything that came from outside.
    ///
    /// # Errors
    /// Not a statement file.
    pub fn read(file: &[u8]) -> Result<Statement, StatementError> {
        parse(file).map(|f| f.statement)
    }
}

fn parse(file: &[u8]) -> Result<File<Statement>, StatementError> {
    serde_json::from_slice(file).map_err(|e| StatementError::Unreadable(e.to_string()))
}

/// Checks a statement file with nothing but the node's 32-byte Ed25519 public key:
/// form, signature, every figure, and that the lines stand in the log that the node signed.
///
/// # Errors
/// What is wrong first; a wrong line is named even when the signature fails too.
pub fn verify(file: &[u8], public_key: &[u8]) -> Result<VerifiedSummary, StatementError> {
    let file = file.strip_suffix(b"\n").unwrap_or(file);
    let parsed = parse(file)?;
    let figures = parsed.statement.check();
    let signed = check_signature(&parsed, public_key);
    match (signed, figures) {
        (Ok(()), Ok(())) => {}
        (Err(StatementError::BadSignature), Err(wrong)) => {
            return Err(StatementError::Tampered(Box::new(wrong)));
        }
        (Err(error), _) | (Ok(()), Err(error)) => return Err(error),
    }
    if canonical_plain(&parsed) != file {
        return Err(StatementError::NotCanonical);
    }
    let log_size = parsed.statement.check_checkpoint(public_key)?;
    let Statement {
        head,
        bridge,
        lines,
        proof,
        answer,
        ..
    } = parsed.statement;
    let money = |minor| Money::new(minor, head.currency);
    Ok(VerifiedSummary {
        id: head.id,
        payee: head.payee,
        period: head.period,
        opening: money(bridge.opening),
        earned: money(bridge.earned),
        paid: money(bridge.paid),
        closing: money(bridge.closing),
        lines: lines.len(),
        entries: proof.entries.len(),
        log_size,
        answer,
    })
}

fn check_signature(file: &File<Statement>, public_key: &[u8]) -> Result<(), StatementError> {
    let Signature {
        algorithm,
        key,
        value,
    } = &file.signature;
    if algorithm != ALGORITHM {
        return Err(StatementError::Unreadable(format!(
            "unknown signature algorithm {algorithm:?}"
        )));
    }
    if STANDARD.decode(key).ok().as_deref() != Some(public_key) {
        return Err(StatementError::OtherKey);
    }
    let value = STANDARD
        .decode(value)
        .map_err(|_| StatementError::BadSignature)?;
    UnparsedPublicKey::new(&ED25519, public_key)
        .verify(&file.statement.to_canonical(), &value)
        .map_err(|_| StatementError::BadSignature)
}
