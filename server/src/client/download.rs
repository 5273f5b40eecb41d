//! A file on its way to a buyer: fetched in as many pieces as it takes, opened with the
//! buyer's key, believed only when its digest is the signed one.
//!
//! The sealed bytes collect in `FILE.part`; `FILE.part.etag` names what they belong to, so
//! that a piece of one file is never continued with another. `FILE` itself appears whole
//! and checked, or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use dataset_core::digest::{DigestWriter, Sha256};
use dataset_core::manifest::Manifest;
use dataset_core::seal::{self, Identity};
use dataset_core::sign::{VerifyKey, jws_key_id};
use indicatif::ProgressBar;
use reqwest::{Response, StatusCode, header};
use schema::wire::{DownloadUrl, NodeInfo};
use tempfile::NamedTempFile;

use super::{Answer, Client, ClientError};

/// Connections in a row that bring not one byte before giving up.
const FRUITLESS: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const BLOCK: usize = 1 << 20;

/// A file that arrived, was opened and checked.
#[derive(Debug, Clone)]
pub struct Opened {
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Its digest, equal to the signed one.
    pub sha256: Sha256,
    /// What the node signed about the revision.
    pub manifest: Manifest,
    /// Sealed bytes that were here already from an earlier attempt.
    pub resumed_at: u64,
}

/// Finds the key of a node that signed a document.
///
/// # Errors
/// The node does not publish that key.
pub fn key_for(node: &NodeInfo, document: &str) -> Answer<VerifyKey> {
    let id = jws_key_id(document).map_err(unverified("the signed document"))?;
    let info = node
        .verify_keys
        .iter()
        .find(|key| key.kid == id)
        .ok_or_else(|| {
            ClientError::Unverified(format!(
                "the document is signed with key {id}, which {} does not publish",
                node.name
            ))
        })?;
    info.public_key
        .parse()
        .map_err(unverified("the node's public key"))
}

/// Fetches, opens and checks what a download URL leads to, and puts it at `out`.
///
/// # Errors
/// The connection fails for good (what arrived stays in `FILE.part` and the next call goes
/// on from there), the file is sealed to another key, or it is not what the node signed.
pub async fn fetch(
    client: &Client,
    node: &NodeInfo,
    from: &DownloadUrl,
    identity: &Identity,
    out: &Path,
    bar: &ProgressBar,
) -> Answer<Opened> {
    let key = key_for(node, &from.manifest)?;
    let manifest = Manifest::verify(&from.manifest, &key)
        .map_err(unverified("the manifest of the revision"))?;
    let mut part = Part::open(out, &from.etag)?;
    let resumed_at = part.length;
    bar.set_length(from.sealed_bytes);
    bar.set_position(resumed_at);
    part.fill(client, from, bar).await?;
    bar.set_message("checking");
    let (bytes, sha256) = open_sealed(&part.path, identity, out, &manifest)?;
    part.remove();
    Ok(Opened {
        path: out.to_owned(),
        bytes,
        sha256,
        manifest,
        resumed_at,
    })
}

/// Sealed bytes that have arrived so far.
struct Part {
    path: PathBuf,
    tag: PathBuf,
    length: u64,
}

impl Part {
    fn open(out: &Path, etag: &str) -> Answer<Self> {
        let (path, tag) = (beside(out, ".part"), beside(out, ".part.etag"));
        let known = fs::read_to_string(&tag).is_ok_and(|seen| seen == etag);
        if !known {
            // What lies there belongs to another file: begin anew.
            File::create(&path).map_err(ClientError::file(&path))?;
            fs::write(&tag, etag).map_err(ClientError::file(&tag))?;
        }
        let length = fs::metadata(&path).map_or(0, |meta| meta.len());
        Ok(Self { path, tag, length })
    }

    /// Goes on until everything is here; only a series of fruitless connections ends it.
    async fn fill(&mut self, client: &Client, from: &DownloadUrl, bar: &ProgressBar) -> Answer<()> {
        let (mut fruitless, mut pause) = (0, FIRST_PAUSE);
        while self.length < from.sealed_bytes {
            let before = self.length;
            let outcome = self.take(client, from, bar).await;
            if outcome.as_ref().is_err_and(|error| !error.is_passing()) {
                return outcome;
            }
            if self.length > before {
                (fruitless, pause) = (0, FIRST_PAUSE);
                continue;
            }
            fruitless += 1;
            if fruitless == FRUITLESS {
                return outcome.and(Err(ClientError::Broken {
                    node: client.node().to_owned(),
                    cause: "nothing came any more".to_owned(),
                }));
            }
            bar.set_message("connection lost, going on");
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        if self.length == from.sealed_bytes {
            return Ok(());
        }
        self.remove();
        Err(ClientError::Unverified(format!(
            "{} bytes arrived where {} were announced; the piece is removed, try again",
            self.length, from.sealed_bytes
        )))
    }

    /// One connection: asks for what is missing, keeps what comes.
    async fn take(&mut self, client: &Client, from: &DownloadUrl, bar: &ProgressBar) -> Answer<()> {
        let mut request = client.bare_get(&from.url);
        if self.length > 0 {
            request = request
                .header(header::RANGE, format!("bytes={}-", self.length))
                .header(header::IF_RANGE, &from.etag);
        }
        let mut response = client.send(request).await?;
        let mut file = self.place(&response)?;
        bar.set_position(self.length);
        bar.set_message("downloading");
        let broken = |error: reqwest::Error| ClientError::transport(client.node(), &error);
        while let Some(block) = response.chunk().await.map_err(broken)? {
            file.write_all(&block)
                .map_err(ClientError::file(&self.path))?;
            self.length += block.len() as u64;
            bar.inc(block.len() as u64);
        }
        Ok(())
    }

    /// Where the bytes of an answer belong: at the end, or, if the node starts over, at 0.
    fn place(&mut self, response: &Response) -> Answer<File> {
        let goes_on = response.status() == StatusCode::PARTIAL_CONTENT
            && range_start(response) == Some(self.length);
        let mut options = OpenOptions::new();
        if goes_on {
            options.append(true);
        } else {
            self.length = 0;
            options.write(true).truncate(true);
        }
        options
            .create(true)
            .open(&self.path)
            .map_err(ClientError::file(&self.path))
    }

    fn remove(&self) {
        // What stays behind is harmless: the next download of this name begins anew.
        let _ = fs::remove_file(&self.tag);
        let _ = fs::remove_file(&self.path);
    }
}

fn range_start(response: &Response) -> Option<u64> {
    let range = response
        .headers()
        .get(header::CONTENT_RANGE)?
        .to_str()
        .ok()?;
    range
        .strip_prefix("bytes ")?
        .split('-')
        .next()?
        .parse()
        .ok()
}

/// Opens a sealed file into place; only a file with the expected digest gets its name.
fn open_sealed(
    sealed: &Path,
    identity: &Identity,
    out: &Path,
    manifest: &Manifest,
) -> Answer<(u64, Sha256)> {
    let source = File::open(sealed).map_err(ClientError::file(sealed))?;
    let mut plain = seal::open(source, identity).map_err(ClientError::seal(sealed))?;
    let fresh = NamedTempFile::new_in(folder_of(out)).map_err(ClientError::file(out))?;
    let buffer = BufWriter::with_capacity(BLOCK, fresh.as_file());
    let mut writer = DigestWriter::new(buffer);
    io::copy(&mut plain, &mut writer).map_err(|error| match seal::SealError::find(&error) {
        Some(_) => ClientError::Unverified(format!(
            "{}: the sealed file is damaged; remove it and download again",
            sealed.display()
        )),
        None => ClientError::file(out)(error),
    })?;
    let (mut buffer, sha256, bytes) = writer.finish();
    buffer.flush().map_err(ClientError::file(out))?;
    drop(buffer);
    manifest.check_file(&sha256, bytes).map_err(|error| {
        ClientError::Unverified(format!("{error}; nothing was kept, download it again"))
    })?;
    fresh.as_file().sync_all().map_err(ClientError::file(out))?;
    fresh
        .persist(out)
        .map_err(|error| ClientError::file(out)(error.error))?;
    Ok((bytes, sha256))
}

fn beside(out: &Path, suffix: &str) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn unverified<E: std::fmt::Display>(what: &str) -> impl FnOnce(E) -> ClientError {
    move |error| ClientError::Unverified(format!("{what} does not verify: {error}"))
}

#[cfg(test)]
mod tests;
