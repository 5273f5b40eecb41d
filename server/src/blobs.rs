//! Sealed files, in a local folder or an S3-compatible store.
//!
//! Every file is first *staged*: written to a temporary name on this machine, whatever the
//! store. Keeping it makes it durable (local: file and folders synced; S3: the upload is
//! complete) and visible at once under its key. What a killed upload leaves is a staged
//! file, which [`Blobs::sweep_staged`] removes at the next start. Nothing here is ever
//! plaintext: callers hand over bytes that are sealed already.

mod local;
mod remote;

use std::fmt;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::stream::BoxStream;
use tempfile::NamedTempFile;
use uuid::Uuid;

use self::local::Local;
use self::remote::Remote;
use crate::ctx::blocking;
use crate::error::{Fault, Kind};

/// What a sealed file holds; its folder in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BlobKind {
    /// Bytes as a provider sealed them.
    Upload,
    /// A contribution rewritten by this node.
    Cleaned,
    /// Keyed fingerprints and qualities of a contribution's rows.
    Marks,
    /// Keyed hashes of what a contribution's rows consist of.
    Items,
    /// Keyed order-free fingerprints of a contribution's rows.
    Prints,
    /// Which rows of a contribution somebody claims.
    Claimed,
    /// Sample values of a contribution or revision.
    Preview,
    /// A revision as it is sold.
    Revision,
}

impl BlobKind {
    const ALL: [Self; 8] = [
        Self::Upload,
        Self::Cleaned,
        Self::Marks,
        Self::Items,
        Self::Prints,
        Self::Claimed,
        Self::Preview,
        Self::Revision,
    ];

    fn folder(self) -> &'static str {
        match self {
            Self::Upload => "uploads",
            Self::Cleaned => "cleaned",
            Self::Marks => "marks",
            Self::Items => "items",
            Self::Prints => "prints",
            Self::Claimed => "claimed",
            Self::Preview => "previews",
            Self::Revision => "revisions",
        }
    }
}

/// Name of a sealed file in the store: its kind and an identifier used once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BlobKey {
    kind: BlobKind,
    id: Uuid,
}

impl BlobKey {
    /// A key for a new file. The identifier must not have been used for another file.
    #[must_use]
    pub fn new(kind: BlobKind, id: Uuid) -> Self {
        Self { kind, id }
    }

    /// What the file holds.
    #[must_use]
    pub fn kind(&self) -> BlobKind {
        self.kind
    }

    /// Reads a key as the database keeps it.
    ///
    /// # Errors
    /// An internal fault naming the text: the node wrote it itself.
    pub fn stored(text: &str) -> Result<Self, Fault> {
        text.parse().map_err(Fault::internal)
    }
}

impl fmt::Display for BlobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}.age", self.kind.folder(), self.id)
    }
}

/// A text that is not the name of a sealed file.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not the name of a sealed file")]
pub struct ParseKeyError(String);

impl FromStr for BlobKey {
    type Err = ParseKeyError;

    fn from_str(text: &str) -> Result<Self, ParseKeyError> {
        let parse = || {
            let (folder, name) = text.split_once('/')?;
            let kind = BlobKind::ALL
                .into_iter()
                .find(|kind| kind.folder() == folder)?;
            let id = Uuid::try_parse(name.strip_suffix(".age")?).ok()?;
            Some(Self { kind, id })
        };
        parse().ok_or_else(|| ParseKeyError(text.to_owned()))
    }
}

/// A file that is being written and that nobody sees yet; dropped, it is gone.
#[derive(Debug)]
pub struct Staged(NamedTempFile);

impl Staged {
    /// The open file, for writing.
    pub fn file(&self) -> &File {
        self.0.as_file()
    }

    /// A second handle of the open file, to be handed to a child process.
    ///
    /// # Errors
    /// When the process has no handle left.
    pub fn handle(&self) -> Result<File, Fault> {
        self.0.as_file().try_clone().map_err(storage_fault)
    }
}

/// A sealed file that lies in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub key: BlobKey,
    /// When it was kept.
    pub kept_at: DateTime<Utc>,
}

/// Handle of the store; cheap to clone.
#[derive(Clone)]
pub struct Blobs {
    staging: PathBuf,
    /// Whether only this process stages there.
    alone: bool,
    store: Store,
}

#[derive(Clone)]
enum Store {
    Local(Arc<Local>),
    Remote(Arc<Remote>),
}

impl Blobs {
    /// Opens the store: `file://PATH`, `s3://BUCKET/PREFIX` (with the usual `AWS_*`
    /// variables), or a folder in the data folder when no address is given.
    ///
    /// # Errors
    /// When the address is not understood or a folder cannot be made.
    pub fn open(url: Option<&str>, data_dir: &Path) -> Result<Self, Fault> {
        let (store, staging) = match url {
            Some(url) if url.starts_with("s3://") => (
                Store::Remote(Arc::new(Remote::open(url)?)),
                data_dir.join("staging"),
            ),
            other => {
                let root = match other {
                    None => data_dir.join("blobs"),
                    Some(url) => PathBuf::from(url.strip_prefix("file://").ok_or_else(|| {
                        Fault::invalid("blobs", "Use file://PATH or s3://BUCKET/PREFIX.")
                    })?),
                };
                let staging = root.join("staging");
                (Store::Local(Arc::new(Local::open(root)?)), staging)
            }
        };
        std::fs::create_dir_all(&staging).map_err(storage_fault)?;
        // The data folder is locked by one process; a folder named by address may be shared.
        let alone = staging.starts_with(data_dir);
        Ok(Self {
            staging,
            alone,
            store,
        })
    }

    /// Starts a file that nobody sees yet.
    ///
    /// # Errors
    /// [`Kind::Full`] or [`Kind::Unavailable`] when the disk refuses.
    pub fn stage(&self) -> Result<Staged, Fault> {
        NamedTempFile::with_prefix_in("part-", &self.staging)
            .map(Staged)
            .map_err(storage_fault)
    }

    /// Makes a staged file durable under its key and answers its size in bytes.
    ///
    /// # Errors
    /// [`Kind::Full`] or [`Kind::Unavailable`]; then nothing is visible.
    pub async fn keep(&self, key: BlobKey, staged: Staged) -> Result<u64, Fault> {
        match &self.store {
            Store::Local(local) => {
                let local = local.clone();
                blocking(move || local.keep(key, staged)).await
            }
            Store::Remote(remote) => remote.keep(key, staged).await,
        }
    }

    /// Opens a file for reading at any place. From S3 the sealed bytes are copied to a
    /// temporary file without a name.
    ///
    /// # Errors
    /// [`Kind::Unavailable`] when the store does not answer or lacks the file.
    pub async fn open_file(&self, key: BlobKey) -> Result<File, Fault> {
        match &self.store {
            Store::Local(local) => {
                let local = local.clone();
                blocking(move || local.open_file(key)).await
            }
            Store::Remote(remote) => remote.open_file(key, &self.staging).await,
        }
    }

    /// Reads a part of a file.
    ///
    /// # Errors
    /// [`Kind::Unavailable`] when the store does not answer, lacks the file, or the file
    /// is shorter.
    pub async fn read(&self, key: BlobKey, range: Range<u64>) -> Result<Bytes, Fault> {
        match &self.store {
            Store::Local(local) => {
                let local = local.clone();
                blocking(move || local.read(key, range)).await
            }
            Store::Remote(remote) => remote.read(key, range).await,
        }
    }

    /// Streams a part of a file; the reader's pace is the pace of reading.
    ///
    /// # Errors
    /// [`Kind::Unavailable`] when the store does not answer or lacks the file.
    pub async fn stream(
        &self,
        key: BlobKey,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, io::Result<Bytes>>, Fault> {
        match &self.store {
            Store::Local(local) => local.stream(key, range).await,
            Store::Remote(remote) => remote.stream(key, range).await,
        }
    }

    /// Removes a file; a missing one is no error.
    ///
    /// # Errors
    /// [`Kind::Unavailable`] when the store does not answer.
    pub async fn delete(&self, key: BlobKey) -> Result<(), Fault> {
        match &self.store {
            Store::Local(local) => {
                let local = local.clone();
                blocking(move || local.delete(key)).await
            }
            Store::Remote(remote) => remote.delete(key).await,
        }
    }

    /// All files of the store, in no order.
    ///
    /// # Errors
    /// [`Kind::Unavailable`] when the store does not answer.
    pub async fn list(&self) -> Result<Vec<Listed>, Fault> {
        match &self.store {
            Store::Local(local) => {
                let local = local.clone();
                blocking(move || local.list()).await
            }
            Store::Remote(remote) => remote.list().await,
        }
    }

    /// Removes what killed uploads left, at the start of a node. From a staging folder that
    /// other nodes use too, only what was last written before that time.
    ///
    /// # Errors
    /// [`Kind::Unavailable`] when the folder cannot be read.
    pub fn sweep_staged(&self, before: Option<DateTime<Utc>>) -> Result<usize, Fault> {
        let mut removed = 0;
        for entry in std::fs::read_dir(&self.staging).map_err(storage_fault)? {
            let entry = entry.map_err(storage_fault)?;
            let written = entry
                .metadata()
                .and_then(|m| m.modified())
                .map_err(storage_fault)?;
            if self.alone || before.is_none_or(|before| DateTime::<Utc>::from(written) < before) {
                std::fs::remove_file(entry.path()).map_err(storage_fault)?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Whether files can be written now.
    ///
    /// # Errors
    /// [`Kind::Full`] or [`Kind::Unavailable`], as a write would answer.
    pub async fn check(&self) -> Result<(), Fault> {
        let blobs = self.clone();
        blocking(move || {
            let staged = blobs.stage()?;
            io::Write::write_all(&mut staged.file(), b"ready?").map_err(storage_fault)
        })
        .await
    }
}

/// Turns a failure of the disk into what the caller can do about it.
pub(crate) fn storage_fault(error: io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => full().because(error),
        _ => unavailable().because(error),
    }
}

/// The node has no room left.
pub(crate) fn full() -> Fault {
    Fault::new(
        Kind::Full,
        "disk_full",
        "The node's disk is full; nothing of this request was kept. The operator has to free space.",
    )
}

fn unavailable() -> Fault {
    Fault::new(
        Kind::Unavailable,
        "storage_unavailable",
        "The node's file store does not answer. What was acknowledged is kept; try again in a moment.",
    )
}

#[cfg(test)]
mod tests;
