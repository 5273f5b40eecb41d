//! The log as anybody can check it: from the signed checkpoint and static tiles alone, without a
//! right at the node and without its database (RFC 6962 over C2SP tlog-tiles).

use std::collections::BTreeMap;

use ledger::checkpoint::{Checkpoint, LogKey};
use ledger::json::Hash;
use ledger::merkle::{self, ProofError, TILE_WIDTH, Tiles, verify_consistency};

use super::{Answer, Client, ClientError};

/// How a log has grown, as its tiles show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grown {
    /// The log.
    pub origin: String,
    /// Its entries when the checkpoint was kept.
    pub from: u64,
    /// Its entries now.
    pub to: u64,
}

/// The log of a node at one size, tile by tile as they are needed.
struct Remote<'a> {
    node: &'a Client,
    size: u64,
    tiles: BTreeMap<(u8, u64), Vec<Hash>>,
}

impl Client {
    /// Checks that the node's log today still begins with what a checkpoint that was kept signed.
    ///
    /// # Errors
    /// [`ClientError::Unverified`] with what does not fit; or the node does not answer.
    pub async fn log_since(&self, kept: &str) -> Answer<Grown> {
        let wrong = |words: String| ClientError::Unverified(words);
        let info = self.node_info().await?;
        let key = info.log_key.unwrap_or_default();
        let key: LogKey = key
            .parse()
            .map_err(|error| wrong(format!("the node's log key cannot be read: {error}")))?;
        let older = Checkpoint::verify(kept, &key)
            .map_err(|error| wrong(format!("the checkpoint that was kept: {error}")))?;
        let newer = Checkpoint::verify(&self.checkpoint().await?, &key)
            .map_err(|error| wrong(format!("the node's checkpoint: {error}")))?;
        let grown = Grown {
            origin: newer.origin.clone(),
            from: older.size,
            to: newer.size,
        };
        if older.size > newer.size {
            return Err(wrong(format!(
                "I17: the log held {} entries when the checkpoint was kept and holds {} now: \
                 entries are gone",
                older.size, newer.size
            )));
        }
        let mut log = Remote {
            node: self,
            size: newer.size,
            tiles: BTreeMap::new(),
        };
        let path = log.consistency(older.size).await?;
        if verify_consistency(older.size, newer.size, older.root, newer.root, &path).is_ok() {
            return Ok(grown);
        }
        Err(wrong(format!(
            "I17: the first {} of {} entries are not those that the kept checkpoint signed: keep \
             both checkpoints, they prove it",
            older.size, newer.size
        )))
    }
}

impl Remote<'_> {
    /// The proof that the first `older` leaves are unchanged, out of as few tiles as it takes.
    async fn consistency(&mut self, older: u64) -> Answer<Vec<Hash>> {
        loop {
            let (tiles, mut missing) = (&self.tiles, None);
            let mut log = Tiles::new(|level, number| {
                let known = tiles.get(&(level, number)).cloned();
                known.ok_or_else(|| {
                    missing = Some((level, number));
                    ProofError::MissingTile { level, number }
                })
            });
            let proof = log.prove_consistency(older, self.size);
            drop(log);
            match (proof, missing) {
                (Ok(path), _) => return Ok(path),
                (Err(_), Some(place)) => {
                    let hashes = self.fetch(place).await?;
                    self.tiles.insert(place, hashes);
                }
                (Err(error), None) => {
                    return Err(ClientError::Unverified(format!(
                        "the node's tiles: {error}"
                    )));
                }
            }
        }
    }

    async fn fetch(&self, (level, number): (u8, u64)) -> Answer<Vec<Hash>> {
        let wide = TILE_WIDTH as u64;
        let level_size = self.size.checked_shr(8 * u32::from(level)).unwrap_or(0);
        let full = number < level_size / wide;
        let width = if full { wide } else { level_size % wide };
        let path = merkle::tile_path(level, number, u8::try_from(width).ok());
        let bytes = self.node.bytes(&format!("/{path}")).await?;
        let hashes = merkle::tile_hashes(&bytes).unwrap_or_default();
        if hashes.len() as u64 == width && width > 0 {
            return Ok(hashes);
        }
        let words = format!("{path} holds {} hashes, not {width}", hashes.len());
        Err(ClientError::Unverified(words))
    }
}
