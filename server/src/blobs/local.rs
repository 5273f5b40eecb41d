//! The store as a folder: `KIND/ID.age`.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use tokio::sync::mpsc;

use super::{BlobKey, BlobKind, Listed, Staged, storage_fault};
use crate::ctx::blocking;
use crate::error::Fault;

/// Bytes per piece of a stream.
const PIECE: u64 = 512 * 1024;

pub(super) struct Local {
    root: PathBuf,
}

impl Local {
    pub(super) fn open(root: PathBuf) -> Result<Self, Fault> {
        for kind in BlobKind::ALL {
            fs::create_dir_all(root.join(kind.folder())).map_err(storage_fault)?;
        }
        sync_folder(&root).map_err(storage_fault)?;
        if let Some(parent) = root
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
        {
            sync_folder(parent).map_err(storage_fault)?;
        }
        Ok(Self { root })
    }

    fn path(&self, key: BlobKey) -> PathBuf {
        self.root.join(key.to_string())
    }

    pub(super) fn keep(&self, key: BlobKey, staged: Staged) -> Result<u64, Fault> {
        let path = self.path(key);
        staged.0.as_file().sync_all().map_err(storage_fault)?;
        let file = staged
            .0
            .persist_noclobber(&path)
            .map_err(|e| storage_fault(e.error))?;
        let folder = path.parent().unwrap_or(&self.root);
        sync_folder(folder).map_err(storage_fault)?;
        Ok(file.metadata().map_err(storage_fault)?.len())
    }

    pub(super) fn open_file(&self, key: BlobKey) -> Result<File, Fault> {
        File::open(self.path(key)).map_err(storage_fault)
    }

    pub(super) fn read(&self, key: BlobKey, range: Range<u64>) -> Result<Bytes, Fault> {
        let file = self.open_file(key)?;
        let length =
            usize::try_from(range.end.saturating_sub(range.start)).map_err(Fault::internal)?;
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, range.start)
            .map_err(storage_fault)?;
        Ok(bytes.into())
    }

    pub(super) async fn stream(
        &self,
        key: BlobKey,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, io::Result<Bytes>>, Fault> {
        let path = self.path(key);
        let mut file = blocking(move || {
            let mut file = File::open(path).map_err(storage_fault)?;
            file.seek(SeekFrom::Start(range.start))
                .map_err(storage_fault)?;
            Ok(file)
        })
        .await?;
        let (sender, receiver) = mpsc::channel(4);
        tokio::task::spawn_blocking(move || {
            let mut left = range.end.saturating_sub(range.start);
            while left > 0 {
                let piece = read_piece(&mut file, left.min(PIECE));
                left -= piece.as_ref().map_or(left, |bytes| bytes.len() as u64);
                // A reader that went away needs no more.
                if sender.blocking_send(piece).is_err() {
                    return;
                }
            }
        });
        let pieces = futures_util::stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|piece| (piece, receiver))
        });
        Ok(pieces.boxed())
    }

    pub(super) fn delete(&self, key: BlobKey) -> Result<(), Fault> {
        match fs::remove_file(self.path(key)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(storage_fault(error)),
            _ => Ok(()),
        }
    }

    pub(super) fn list(&self) -> Result<Vec<Listed>, Fault> {
        let mut found = Vec::new();
        for kind in BlobKind::ALL {
            let folder = self.root.join(kind.folder());
            for entry in fs::read_dir(folder).map_err(storage_fault)? {
                let entry = entry.map_err(storage_fault)?;
                let name = format!("{}/{}", kind.folder(), entry.file_name().to_string_lossy());
                let Ok(key) = name.parse() else { continue };
                let kept_at = entry
                    .metadata()
                    .and_then(|m| m.modified())
                    .map_err(storage_fault)?;
                found.push(Listed {
                    key,
                    kept_at: DateTime::<Utc>::from(kept_at),
                });
            }
        }
        Ok(found)
    }
}

fn read_piece(file: &mut File, length: u64) -> io::Result<Bytes> {
    let mut bytes = vec![0; length as usize];
    file.read_exact(&mut bytes)?;
    Ok(bytes.into())
}

/// Makes the names in a folder durable.
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
