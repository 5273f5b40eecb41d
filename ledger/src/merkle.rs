//! The Merkle tree over leaf hashes: append, root, proofs and their verification
//! (RFC 6962 §2.1, RFC 9162 §2.1), kept in tiles (C2SP tlog-tiles).
//!
//! `MTH({}) = SHA-256()`, `MTH({d}) = SHA-256(0x00 ‖ d)`, `MTH(D[n]) = SHA-256(0x01 ‖
//! MTH(D[0:k]) ‖ MTH(D[k:n]))` with k the largest power of two below n. Sizes, indices
//! and levels count from 0; a proof is a list of 32-byte hashes, lowest level first.
//!
//! [`Tree`] is the growing edge alone: an append costs two hashes on average, the root
//! at most 255 per level of tiles, whatever the size. What is left of the edge goes out
//! as [`Tile`]s: tile (L, N) holds the roots of the complete sub-trees of 256^L leaves
//! number 256·N to 256·N + 255, so a proof reads at most two tiles of each level.
//!
//! ```
//! use ledger::merkle::{self, Tiles, Tree};
//! let mut tree = Tree::default();
//! for data in [b"a", b"b", b"c"] {
//!     tree.push(merkle::leaf(data));
//! }
//! let tiles = tree.take_tiles();
//! let mut stored = Tiles::new(|level, number| {
//!     let tile = tiles.iter().find(|t| (t.level, t.number) == (level, number));
//!     Ok::<_, merkle::ProofError>(tile.map(|t| t.hashes.clone()).unwrap_or_default())
//! });
//! let path = stored.prove_inclusion(1, 3)?;
//! merkle::verify_inclusion(merkle::leaf(b"b"), 1, 3, &path, tree.root())?;
//! assert!(merkle::verify_inclusion(merkle::leaf(b"x"), 1, 3, &path, tree.root()).is_err());
//! # Ok::<(), merkle::ProofError>(())
//! ```

use crate::json::Hash;
use std::collections::HashMap;

/// Hashes of a full tile.
pub const TILE_WIDTH: usize = 256;
/// log2 of [`TILE_WIDTH`].
const TILE_HEIGHT: u32 = 8;
/// Levels of tiles that 2^64 leaves need.
const MOST_LEVELS: u8 = 8;

/// Why there is no proof, or why one is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// An index at or beyond the size, or an older size above the newer.
    #[error("{index} lies outside a tree of {size} leaves")]
    OutOfRange {
        /// The index or older size.
        index: u64,
        /// Leaves of the tree.
        size: u64,
    },
    /// A tile is shorter than the tree's size asks for.
    #[error("tile {} is missing or too short", tile_path(*level, *number, None))]
    MissingTile {
        /// Level of the tile.
        level: u8,
        /// Its number.
        number: u64,
    },
    /// The proof has too few or too many hashes.
    #[error("the proof has {0} hashes, which does not fit the tree")]
    WrongLength(usize),
    /// The hashes lead elsewhere.
    #[error("the proof leads to {0}, not to the root")]
    OtherRoot(Hash),
}

/// `MTH({})`.
pub fn empty_root() -> Hash {
    Hash::of(&[])
}

/// Hash of a leaf.
pub fn leaf(data: &[u8]) -> Hash {
    Hash::of(&[&[0], data])
}

/// Hash of an inner node.
pub fn node(left: Hash, right: Hash) -> Hash {
    Hash::of(&[&[1], &left.0, &right.0])
}

/// Root of a complete sub-tree: the length is a power of two.
fn complete(hashes: &[Hash]) -> Hash {
    match hashes {
        [] => empty_root(),
        [one] => *one,
        more => {
            let (left, right) = more.split_at(more.len() / 2);
            node(complete(left), complete(right))
        }
    }
}

/// The largest power of two below `n`, for n > 1.
fn split(n: u64) -> u64 {
    1 << (63 - (n - 1).leading_zeros())
}

/// A block of up to 256 neighbouring hashes of one level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile {
    /// 0 for leaves, 1 for roots of 256 leaves, …
    pub level: u8,
    /// Number within the level.
    pub number: u64,
    /// 1 to 256 hashes.
    pub hashes: Vec<Hash>,
}

/// The hashes one after the other, 32 bytes each: the body of a tile's file.
pub fn tile_bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// Reads what [`tile_bytes`] wrote; `None` when the length is no multiple of 32.
pub fn tile_hashes(bytes: &[u8]) -> Option<Vec<Hash>> {
    let chunks = bytes.chunks_exact(32);
    if !chunks.remainder().is_empty() {
        return None;
    }
    chunks
        .map(|chunk| chunk.try_into().ok().map(Hash))
        .collect()
}

/// Where a tile lies below the log's prefix: three digits an element, all but the last
/// with an x before them, and `.p/W` for a tile of W < 256 hashes.
///
/// ```
/// use ledger::merkle::tile_path;
/// assert_eq!(tile_path(0, 1_234_067, None), "tile/0/x001/x234/067");
/// assert_eq!(tile_path(1, 3, Some(9)), "tile/1/003.p/9");
/// ```
pub fn tile_path(level: u8, number: u64, width: Option<u8>) -> String {
    let mut parts = format!("{:03}", number % 1000);
    let mut rest = number / 1000;
    while rest > 0 {
        parts = format!("x{:03}/{parts}", rest % 1000);
        rest /= 1000;
    }
    match width {
        Some(width) => format!("tile/{level}/{parts}.p/{width}"),
        None => format!("tile/{level}/{parts}"),
    }
}

/// Reads a path that [`tile_path`] writes: level, number, and width when partial.
pub fn parse_tile_path(path: &str) -> Option<(u8, u64, Option<u8>)> {
    let (level, rest) = path.strip_prefix("tile/")?.split_once('/')?;
    let level: u8 = level.parse().ok()?;
    let (digits, width) = match rest.split_once(".p/") {
        Some((digits, width)) => (digits, Some(width.parse().ok().filter(|w| *w > 0)?)),
        None => (rest, None),
    };
    let number = digits.split('/').try_fold(0u64, |number, part| {
        let digits = part.strip_prefix('x').unwrap_or(part);
        let value = digits.parse::<u64>().ok().filter(|v| *v < 1000)?;
        number.checked_mul(1000)?.checked_add(value)
    })?;
    // One spelling only: what is cached for ever has one name.
    (level < MOST_LEVELS && tile_path(level, number, width) == path)
        .then_some((level, number, width))
}

/// The growing edge of a tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    size: u64,
    /// The unfinished tile of each level, 0 to 255 hashes.
    edge: Vec<Vec<Hash>>,
    full: Vec<Tile>,
}

impl Tree {
    /// Goes on with a stored tree of `size` leaves. `tile` gives the hashes of the last,
    /// unfinished tile of a level; more than were there at this size are left out.
    ///
    /// # Errors
    /// The store's own, or [`ProofError::MissingTile`].
    pub fn resume<E: From<ProofError>>(
        size: u64,
        mut tile: impl FnMut(u8, u64) -> Result<Vec<Hash>, E>,
    ) -> Result<Tree, E> {
        let mut edge = Vec::new();
        let (mut level, mut rest) = (0u8, size);
        while rest > 0 {
            let (number, width) = (rest >> TILE_HEIGHT, (rest & 255) as usize);
            let mut hashes = match width {
                0 => Vec::new(),
                _ => tile(level, number)?,
            };
            if hashes.len() < width {
                return Err(ProofError::MissingTile { level, number }.into());
            }
            hashes.truncate(width);
            edge.push(hashes);
            (level, rest) = (level + 1, number);
        }
        let full = Vec::new();
        Ok(Tree { size, edge, full })
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf by its hash.
    pub fn push(&mut self, leaf: Hash) {
        let (mut hash, mut number) = (leaf, self.size);
        for level in 0..MOST_LEVELS {
            if self.edge.len() <= usize::from(level) {
                self.edge.push(Vec::new());
            }
            number >>= TILE_HEIGHT;
            let tile = &mut self.edge[usize::from(level)];
            tile.push(hash);
            if tile.len() < TILE_WIDTH {
                break;
            }
            let hashes = std::mem::take(tile);
            hash = complete(&hashes);
            self.full.push(Tile {
                level,
                number,
                hashes,
            });
        }
        self.size += 1;
    }

    /// `MTH` of all leaves.
    pub fn root(&self) -> Hash {
        let mut root = None;
        for tile in &self.edge {
            let mut end = tile.len();
            while end > 0 {
                let start = end - (1 << end.trailing_zeros());
                let peak = complete(&tile[start..end]);
                root = Some(root.map_or(peak, |right| node(peak, right)));
                end = start;
            }
        }
        root.unwrap_or_else(empty_root)
    }

    /// The tiles finished since the last call.
    pub fn take_full(&mut self) -> Vec<Tile> {
        std::mem::take(&mut self.full)
    }

    /// The tiles finished since the last call, and the unfinished ones as they are.
    pub fn take_tiles(&mut self) -> Vec<Tile> {
        let mut tiles = self.take_full();
        let mut number = self.size;
        for (level, hashes) in (0u8..).zip(&self.edge) {
            number >>= TILE_HEIGHT;
            if !hashes.is_empty() {
                tiles.push(Tile {
                    level,
                    number,
                    hashes: hashes.clone(),
                });
            }
        }
        tiles
    }
}

/// Proofs out of stored tiles, each read once.
pub struct Tiles<F> {
    fetch: F,
    known: HashMap<(u8, u64), Vec<Hash>>,
}

impl<E: From<ProofError>, F: FnMut(u8, u64) -> Result<Vec<Hash>, E>> Tiles<F> {
    /// `fetch` gives the hashes of a tile by level and number; more than a smaller tree
    /// had are harmless.
    pub fn new(fetch: F) -> Tiles<F> {
        let known = HashMap::new();
        Tiles { fetch, known }
    }

    /// Root of the complete sub-tree of 2^level leaves with this number.
    fn complete(&mut self, level: u32, number: u64) -> Result<Hash, E> {
        // At most 2^64 leaves: the level of a tile is below 8.
        let tile_level = (level / TILE_HEIGHT) as u8;
        let first = number << (level % TILE_HEIGHT);
        let tile = first >> TILE_HEIGHT;
        let start = (first & 255) as usize;
        let end = start + (1 << (level % TILE_HEIGHT));
        if !self.known.contains_key(&(tile_level, tile)) {
            let hashes = (self.fetch)(tile_level, tile)?;
            self.known.insert((tile_level, tile), hashes);
        }
        let known = self.known.get(&(tile_level, tile));
        let hashes = known.and_then(|hashes| hashes.get(start..end));
        hashes.map(complete).ok_or_else(|| {
            let (level, number) = (tile_level, tile);
            ProofError::MissingTile { level, number }.into()
        })
    }

    /// `MTH(D[start:end])`; start is a multiple of the largest power of two in the length.
    fn range(&mut self, start: u64, end: u64) -> Result<Hash, E> {
        let size = end - start;
        if size.is_power_of_two() {
            return self.complete(size.trailing_zeros(), start / size);
        }
        let k = split(size);
        let left = self.complete(k.trailing_zeros(), start / k)?;
        Ok(node(left, self.range(start + k, end)?))
    }

    /// `MTH` of the first `size` leaves.
    ///
    /// # Errors
    /// A tile cannot be read or is too short.
    pub fn root(&mut self, size: u64) -> Result<Hash, E> {
        match size {
            0 => Ok(empty_root()),
            _ => self.range(0, size),
        }
    }

    /// `PATH(index, D[size])`: what leads from a leaf to the root.
    ///
    /// # Errors
    /// The index lies outside, or a tile cannot be read or is too short.
    pub fn prove_inclusion(&mut self, index: u64, size: u64) -> Result<Vec<Hash>, E> {
        if index >= size {
            return Err(ProofError::OutOfRange { index, size }.into());
        }
        let (mut start, mut end) = (0, size);
        let mut path = Vec::new();
        while end - start > 1 {
            let middle = start + split(end - start);
            if index < middle {
                path.push(self.range(middle, end)?);
                end = middle;
            } else {
                path.push(self.range(start, middle)?);
                start = middle;
            }
        }
        path.reverse();
        Ok(path)
    }

    /// `PROOF(older, D[size])`: what shows that the first `older` leaves are unchanged.
    ///
    /// # Errors
    /// The older size is larger, or a tile cannot be read or is too short.
    pub fn prove_consistency(&mut self, older: u64, size: u64) -> Result<Vec<Hash>, E> {
        if older > size {
            return Err(ProofError::OutOfRange { index: older, size }.into());
        }
        let mut path = Vec::new();
        if older == 0 || older == size {
            return Ok(path);
        }
        let (mut start, mut end, mut whole) = (0, size, true);
        while older != end {
            let middle = start + split(end - start);
            if older <= middle {
                path.push(self.range(middle, end)?);
                end = middle;
            } else {
                path.push(self.range(start, middle)?);
                (start, whole) = (middle, false);
            }
        }
        if !whole {
            path.push(self.range(start, end)?);
        }
        path.reverse();
        Ok(path)
    }
}

/// Checks that the leaf is number `index` of the tree (RFC 9162 §2.1.3.2).
///
/// # Errors
/// Why it is not shown.
pub fn verify_inclusion(
    leaf: Hash,
    index: u64,
    size: u64,
    path: &[Hash],
    root: Hash,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::OutOfRange { index, size });
    }
    let (mut own, mut last, mut hash) = (index, size - 1, leaf);
    for sibling in path {
        if last == 0 {
            return Err(ProofError::WrongLength(path.len()));
        }
        if own & 1 == 1 || own == last {
            hash = node(*sibling, hash);
            while own & 1 == 0 && own != 0 {
                (own, last) = (own >> 1, last >> 1);
            }
        } else {
            hash = node(hash, *sibling);
        }
        (own, last) = (own >> 1, last >> 1);
    }
    match (last, hash == root) {
        (0, true) => Ok(()),
        (0, false) => Err(ProofError::OtherRoot(hash)),
        _ => Err(ProofError::WrongLength(path.len())),
    }
}

/// Checks that the tree of `older` leaves is the beginning of the tree of `size` leaves
/// (RFC 9162 §2.1.4.2).
///
/// # Errors
/// Why it is not shown.
pub fn verify_consistency(
    older: u64,
    size: u64,
    older_root: Hash,
    root: Hash,
    path: &[Hash],
) -> Result<(), ProofError> {
    if older > size {
        return Err(ProofError::OutOfRange { index: older, size });
    }
    if older == 0 || older == size {
        let expected = if older == 0 { empty_root() } else { root };
        return match (path.is_empty(), older_root == expected) {
            (true, true) => Ok(()),
            (true, false) => Err(ProofError::OtherRoot(expected)),
            (false, _) => Err(ProofError::WrongLength(path.len())),
        };
    }
    let first = older.is_power_of_two().then_some(older_root);
    let mut hashes = first.into_iter().chain(path.iter().copied());
    let Some(seed) = hashes.next() else {
        return Err(ProofError::WrongLength(0));
    };
    let shift = (older - 1).trailing_ones();
    let (mut own, mut last) = ((older - 1) >> shift, (size - 1) >> shift);
    let (mut from_older, mut from_newer) = (seed, seed);
    for hash in hashes {
        if last == 0 {
            return Err(ProofError::WrongLength(path.len()));
        }
        if own & 1 == 1 || own == last {
            (from_older, from_newer) = (node(hash, from_older), node(hash, from_newer));
            while own & 1 == 0 && own != 0 {
                (own, last) = (own >> 1, last >> 1);
            }
        } else {
            from_newer = node(from_newer, hash);
        }
        (own, last) = (own >> 1, last >> 1);
    }
    match (last, from_older == older_root, from_newer == root) {
        (0, true, true) => Ok(()),
        (0, false, _) => Err(ProofError::OtherRoot(from_older)),
        (0, ..) => Err(ProofError::OtherRoot(from_newer)),
        _ => Err(ProofError::WrongLength(path.len())),
    }
}

#[cfg(test)]
mod tests;
