//! The store as an S3-compatible service.

use std::fs::File;
use std::io::{self, Seek, Write};
use std::ops::Range;
use std::path::Path as FsPath;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt, WriteMultipart};
use tokio::io::AsyncReadExt;

use super::{BlobKey, Listed, Staged, storage_fault, unavailable};
use crate::error::Fault;

/// Bytes per part of an upload; with at most 10,000 parts this reaches 80 GiB.
const PART: usize = 8 * 1024 * 1024;
/// Parts on their way at once.
const PARTS_AT_ONCE: usize = 4;

pub(super) struct Remote {
    store: AmazonS3,
    prefix: Path,
}

impl Remote {
    pub(super) fn open(url: &str) -> Result<Self, Fault> {
        let prefix = url
            .trim_start_matches("s3://")
            .split_once('/')
            .map_or("", |(_, rest)| rest);
        let store = AmazonS3Builder::from_env()
            .with_url(url)
            .build()
            .map_err(|error| Fault::invalid("blobs", error.to_string()))?;
        let prefix = Path::parse(prefix.trim_end_matches('/'))
            .map_err(|error| Fault::invalid("blobs", error.to_string()))?;
        Ok(Self { store, prefix })
    }

    fn path(&self, key: BlobKey) -> Path {
        key.to_string()
            .split('/')
            .fold(self.prefix.clone(), |path, part| path.join(part))
    }

    pub(super) async fn keep(&self, key: BlobKey, staged: Staged) -> Result<u64, Fault> {
        let mut handle = staged.handle()?;
        handle.rewind().map_err(storage_fault)?;
        let mut file = tokio::fs::File::from_std(handle);
        let upload = self
            .store
            .put_multipart(&self.path(key))
            .await
            .map_err(store_fault)?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PART);
        match send(&mut file, &mut upload).await {
            Ok(size) => {
                upload.finish().await.map_err(store_fault)?;
                Ok(size)
            }
            Err(fault) => {
                // The service drops unfinished uploads by itself if this fails too.
                let _ = upload.abort().await;
                Err(fault)
            }
        }
    }

    pub(super) async fn open_file(&self, key: BlobKey, folder: &FsPath) -> Result<File, Fault> {
        let mut file = tempfile::tempfile_in(folder).map_err(storage_fault)?;
        let mut pieces = self
            .store
            .get(&self.path(key))
            .await
            .map_err(store_fault)?
            .into_stream();
        while let Some(piece) = pieces.try_next().await.map_err(store_fault)? {
            file.write_all(&piece).map_err(storage_fault)?;
        }
        file.rewind().map_err(storage_fault)?;
        Ok(file)
    }

    pub(super) async fn read(&self, key: BlobKey, range: Range<u64>) -> Result<Bytes, Fault> {
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        self.store
            .get_range(&self.path(key), range)
            .await
            .map_err(store_fault)
    }

    pub(super) async fn stream(
        &self,
        key: BlobKey,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, io::Result<Bytes>>, Fault> {
        if range.is_empty() {
            return Ok(futures_util::stream::empty().boxed());
        }
        let options = GetOptions::new().with_range(Some(GetRange::Bounded(range)));
        let answer = self
            .store
            .get_opts(&self.path(key), options)
            .await
            .map_err(store_fault)?;
        Ok(answer.into_stream().map_err(io::Error::other).boxed())
    }

    pub(super) async fn delete(&self, key: BlobKey) -> Result<(), Fault> {
        match self.store.delete(&self.path(key)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(store_fault(error)),
        }
    }

    pub(super) async fn list(&self) -> Result<Vec<Listed>, Fault> {
        let mut found = Vec::new();
        let mut entries = self.store.list(Some(&self.prefix));
        while let Some(entry) = entries.try_next().await.map_err(store_fault)? {
            let parts: Vec<String> = entry
                .location
                .prefix_match(&self.prefix)
                .into_iter()
                .flatten()
                .map(|part| part.as_ref().to_owned())
                .collect();
            if let Ok(key) = parts.join("/").parse() {
                found.push(Listed {
                    key,
                    kept_at: entry.last_modified,
                });
            }
        }
        Ok(found)
    }
}

async fn send(file: &mut tokio::fs::File, upload: &mut WriteMultipart) -> Result<u64, Fault> {
    let mut size = 0;
    loop {
        let mut part = Vec::with_capacity(PART);
        let count = file
            .take(PART as u64)
            .read_to_end(&mut part)
            .await
            .map_err(storage_fault)?;
        if count == 0 {
            return Ok(size);
        }
        size += count as u64;
        upload
            .wait_for_capacity(PARTS_AT_ONCE)
            .await
            .map_err(store_fault)?;
        upload.put(part.into());
    }
}

fn store_fault(error: object_store::Error) -> Fault {
    unavailable().because(error)
}
