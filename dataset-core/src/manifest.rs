//! The manifest of a revision: what it consists of, signed by its node.
//!
//! The manifest is what makes a downloaded file authentic: its digest is the
//! one the node signed, whoever carried the bytes. It also lists what the
//! revision was made of, by receipt number, so that a contributor can see that
//! they are in it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    digest::Sha256,
    error::Coded,
    id::{ContributionId, DatasetId, PartyId, RevisionId},
    sign::{NodeKey, SignError, VerifyKey},
};

/// The `typ` of a signed manifest.
pub const JWS_TYPE: &str = "granary-manifest+jws";

/// What a revision consists of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The dataset.
    pub dataset: DatasetId,
    /// The revision.
    pub revision: RevisionId,
    /// Its number in the dataset, from 1.
    pub number: u32,
    /// The revision before it; absent in the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<RevisionId>,
    /// When it was published.
    pub published_at: DateTime<Utc>,
    /// Its file, in plaintext.
    pub file: FileEntry,
    /// SHA-256 of the column contract (canonical JSON).
    pub contract_sha256: Sha256,
    /// SHA-256 of the quality report (canonical JSON).
    pub report_sha256: Sha256,
    /// SHA-256 of the frozen shares.
    pub epoch_sha256: Sha256,
    /// The contributions that rows were kept of, by receipt number.
    pub contributions: Vec<ContributionEntry>,
}

/// A file, fixed by its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// SHA-256 of the plaintext.
    pub sha256: Sha256,
    /// Its length in bytes.
    pub len: u64,
    /// Number of rows.
    pub rows: u64,
    /// Which writer wrote it.
    pub writer: String,
}

/// A contribution and what was kept of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContributionEntry {
    /// The contribution.
    pub contribution: ContributionId,
    /// Whose it is.
    pub contributor: PartyId,
    /// Its receipt number.
    pub receipt_no: u64,
    /// SHA-256 of the sealed file as it was received.
    pub sealed_sha256: Sha256,
    /// Rows kept of it.
    pub rows: u64,
}

/// Why a manifest is not signed or not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// The signature or its wrapping is wrong.
    #[error(transparent)]
    Signature(#[from] SignError),
    /// The content contradicts itself or is not that of a manifest.
    #[error("the manifest is wrong: {0}")]
    Content(String),
    /// The file is not the one of the manifest.
    #[error("the file is not the one that was signed: {0}")]
    OtherFile(&'static str),
}

impl Coded for ManifestError {
    fn code(&self) -> &'static str {
        match self {
            Self::Signature(error) => error.code(),
            Self::Content(_) => "manifest_wrong",
            Self::OtherFile(_) => "manifest_other_file",
        }
    }
}

impl Manifest {
    /// Checks that the manifest agrees with itself.
    ///
    /// # Errors
    /// [`ManifestError::Content`].
    pub fn validate(&self) -> Result<(), ManifestError> {
        let wrong = |what: &str| Err(ManifestError::Content(what.into()));
        if self.number == 0 {
            return wrong("revisions are numbered from 1");
        }
        if (self.number == 1) != self.previous.is_none() {
            return wrong("exactly the first revision has none before it");
        }
        let ascending = self
            .contributions
            .windows(2)
            .all(|pair| pair[0].receipt_no < pair[1].receipt_no);
        if !ascending {
            return wrong("the contributions are not in the order of their receipts");
        }
        let rows = self
            .contributions
            .iter()
            .try_fold(0u64, |sum, entry| sum.checked_add(entry.rows));
        if rows != Some(self.file.rows) {
            return wrong("the rows of the contributions are not those of the file");
        }
        Ok(())
    }

    /// Signs the canonical JSON as a compact JWS.
    ///
    /// # Errors
    /// [`ManifestError::Content`].
    pub fn sign(&self, key: &NodeKey) -> Result<String, ManifestError> {
        self.validate()?;
        let payload = serde_json_canonicalizer::to_vec(self)
            .map_err(|error| ManifestError::Content(error.to_string()))?;
        Ok(key.sign_jws(JWS_TYPE, &payload))
    }

    /// Verifies a signed manifest.
    ///
    /// # Errors
    /// [`ManifestError::Signature`] and [`ManifestError::Content`].
    pub fn verify(jws: &str, key: &VerifyKey) -> Result<Self, ManifestError> {
        let payload = key.verify_jws(JWS_TYPE, jws)?;
        let manifest: Self = serde_json::from_slice(&payload)
            .map_err(|error| ManifestError::Content(error.to_string()))?;
        manifest.validate()?;
        Ok(manifest)
    }

    /// Checks that a file of this digest and length is the one of the manifest.
    ///
    /// # Errors
    /// [`ManifestError::OtherFile`].
    pub fn check_file(&self, sha256: &Sha256, len: u64) -> Result<(), ManifestError> {
        if len != self.file.len {
            return Err(ManifestError::OtherFile("its length differs"));
        }
        if *sha256 != self.file.sha256 {
            return Err(ManifestError::OtherFile("its SHA-256 differs"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn manifest() -> Manifest {
        let entry = |n: u64, rows| ContributionEntry {
            contribution: ContributionId::from_uuid(Uuid::from_u128(n.into())),
            contributor: PartyId::from_uuid(Uuid::from_u128(9)),
            receipt_no: n,
            sealed_sha256: Sha256::of(b"sealed"),
            rows,
        };
        Manifest {
            dataset: DatasetId::from_uuid(Uuid::from_u128(1)),
            revision: RevisionId::from_uuid(Uuid::from_u128(2)),
            number: 1,
            previous: None,
            published_at: DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
            file: FileEntry {
                sha256: Sha256::of(b"file"),
                len: 4,
                rows: 30,
                writer: crate::pack::WRITER.into(),
            },
            contract_sha256: Sha256::of(b"contract"),
            report_sha256: Sha256::of(b"report"),
            epoch_sha256: Sha256::of(b"epoch"),
            contributions: vec![entry(3, 10), entry(5, 20)],
        }
    }

    #[test]
    fn a_signed_manifest_verifies_and_knows_its_file() {
        let key = NodeKey::from_seed(&[7; 32]);
        let jws = manifest().sign(&key).unwrap();
        let verified = Manifest::verify(&jws, key.verify_key()).unwrap();
        assert_eq!(verified, manifest());
        verified.check_file(&Sha256::of(b"file"), 4).unwrap();
        assert!(verified.check_file(&Sha256::of(b"fil3"), 4).is_err());
        assert!(verified.check_file(&Sha256::of(b"file"), 5).is_err());
        let other = NodeKey::from_seed(&[8; 32]);
        assert!(Manifest::verify(&jws, other.verify_key()).is_err());
    }

    #[test]
    fn what_contradicts_itself_is_not_signed() {
        let key = NodeKey::from_seed(&[7; 32]);
        type Change = fn(&mut Manifest);
        let changes: [Change; 5] = [
            |m| m.number = 0,
            |m| m.number = 2,
            |m| m.contributions[0].receipt_no = 5,
            |m| m.contributions[0].rows = 11,
            |m| m.contributions[0].rows = u64::MAX,
        ];
        for change in changes {
            let mut manifest = manifest();
            change(&mut manifest);
            assert!(matches!(
                manifest.sign(&key),
                Err(ManifestError::Content(_))
            ));
        }
    }
}
