//! A file on its way to a node: sealed on this machine, announced, sent.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use dataset_core::digest::{DigestReader, Sha256};
use dataset_core::seal::{self, Recipient};
use futures_util::TryStreamExt;
use indicatif::ProgressBar;
use schema::wire::{ContributionState, ContributionView, NewContribution, NodeInfo};
use tempfile::NamedTempFile;
use tokio_util::io::ReaderStream;
use uuid::Uuid;

use super::{Answer, Client, ClientError};

const BLOCK: usize = 1 << 20;

/// A file sealed to a node. The sealed copy is removed when this is dropped.
pub struct Sealed {
    copy: NamedTempFile,
    path: PathBuf,
    name: String,
    sha256: Sha256,
    plain_bytes: u64,
    sealed_bytes: u64,
}

impl Sealed {
    /// SHA-256 of the file before sealing.
    #[must_use]
    pub fn sha256(&self) -> Sha256 {
        self.sha256
    }

    /// Size of the file before sealing.
    #[must_use]
    pub fn plain_bytes(&self) -> u64 {
        self.plain_bytes
    }

    /// Size of the sealed copy.
    #[must_use]
    pub fn sealed_bytes(&self) -> u64 {
        self.sealed_bytes
    }
}

/// Seals a file to the node's recipient; the node's limit is checked before anything is sent.
///
/// # Errors
/// The file cannot be read, is larger than the node takes, or the node's recipient is no key.
pub fn seal(file: &Path, node: &NodeInfo, bar: &ProgressBar) -> Answer<Sealed> {
    let recipient: Recipient = node.recipient.parse().map_err(|error| {
        ClientError::Unverified(format!("the node's recipient is not usable: {error}"))
    })?;
    let source = File::open(file).map_err(ClientError::file(file))?;
    let length = source.metadata().map_err(ClientError::file(file))?.len();
    let smallest = seal::payload_len(length);
    if smallest > node.max_upload_bytes {
        return Err(too_large(file, smallest, node));
    }
    bar.set_length(length);
    let copy = NamedTempFile::with_prefix("granary-sealed-").map_err(ClientError::file(file))?;
    let mut reader = DigestReader::new(bar.wrap_read(BufReader::with_capacity(BLOCK, source)));
    let mut writer = BufWriter::with_capacity(BLOCK, copy.as_file());
    seal::seal(&mut reader, &mut writer, &[recipient]).map_err(ClientError::seal(file))?;
    writer.flush().map_err(ClientError::file(copy.path()))?;
    drop(writer);
    let (_, sha256, plain_bytes) = reader.finish();
    let sealed_bytes = copy
        .as_file()
        .metadata()
        .map_err(ClientError::file(copy.path()))?
        .len();
    if sealed_bytes > node.max_upload_bytes {
        return Err(too_large(file, sealed_bytes, node));
    }
    let name = file
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    Ok(Sealed {
        copy,
        path: file.to_owned(),
        name,
        sha256,
        plain_bytes,
        sealed_bytes,
    })
}

fn too_large(file: &Path, sealed: u64, node: &NodeInfo) -> ClientError {
    ClientError::TooLarge {
        path: file.to_owned(),
        sealed,
        limit: node.max_upload_bytes,
    }
}

impl Client {
    /// Announces a sealed file to a dataset and sends it, unless it already stands there.
    ///
    /// # Errors
    /// The node refuses it or cannot be reached. An interrupted upload may simply be repeated.
    pub async fn upload(
        &self,
        dataset: Uuid,
        sealed: &Sealed,
        bar: &ProgressBar,
    ) -> Answer<ContributionView> {
        let announced = self
            .announce(
                dataset,
                &NewContribution {
                    file_name: sealed.name.clone(),
                    sha256: sealed.sha256.to_string(),
                },
            )
            .await?;
        if announced.state != ContributionState::Awaiting {
            return Ok(announced);
        }
        bar.set_position(0);
        bar.set_length(sealed.sealed_bytes);
        let file = tokio::fs::File::open(sealed.copy.path())
            .await
            .map_err(ClientError::file(&sealed.path))?;
        let counted = bar.clone();
        let blocks = ReaderStream::with_capacity(file, BLOCK)
            .inspect_ok(move |block| counted.inc(block.len() as u64));
        let body = reqwest::Body::wrap_stream(blocks);
        self.send_content(announced.id, sealed.sealed_bytes, body)
            .await
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read};

    use dataset_core::seal::Identity;

    use super::*;

    fn node(recipient: String, max_upload_bytes: u64) -> NodeInfo {
        NodeInfo {
            name: "n".into(),
            version: "0".into(),
            recipient,
            verify_keys: Vec::new(),
            max_upload_bytes,
            log_key: None,
            checkpoint: None,
        }
    }

    #[test]
    fn what_is_sealed_here_opens_there_and_has_the_digest_of_the_plain_file() {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(&[7; 70_000]).unwrap();
        let identity = Identity::generate();
        let node = node(identity.to_recipient().to_string(), 1 << 20);
        let sealed = seal(file.path(), &node, &ProgressBar::hidden()).unwrap();
        let bytes = std::fs::read(sealed.copy.path()).unwrap();
        assert_eq!(bytes.len() as u64, sealed.sealed_bytes());
        let mut opened = Vec::new();
        seal::open(Cursor::new(bytes), &identity)
            .unwrap()
            .read_to_end(&mut opened)
            .unwrap();
        assert_eq!(opened, [7; 70_000]);
        assert_eq!(sealed.sha256(), Sha256::of(&opened));
    }

    #[test]
    fn a_file_over_the_limit_never_leaves_the_machine() {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(&[7; 70_000]).unwrap();
        let node = node(Identity::generate().to_recipient().to_string(), 70_000);
        let refused = seal(file.path(), &node, &ProgressBar::hidden());
        assert!(matches!(
            refused,
            Err(ClientError::TooLarge { limit: 70_000, .. })
        ));
    }
}
