//! The node's secrets, outside the database.
//!
//! One random root of 32 bytes lies in the data folder; every secret of the node is
//! derived from it with HKDF-SHA-256 under its own name. Whoever has the root can open
//! every sealed file of the node: it belongs into the backup, and nowhere else.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use bech32::{Bech32, Hrp};
use dataset_core::seal::{Identity, Recipient};
use dataset_core::sign::{NodeKey, VerifyKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use schema::db::Db;

use crate::error::Fault;
use crate::store::counters;

/// Name of the key file in the data folder.
pub const FILE_NAME: &str = "node.key";

const FIRST_LINE: &str = "granary-node-key-1";
/// First line and root in hexadecimal, with their line ends.
const FILE_LEN: u64 = FIRST_LINE.len() as u64 + 66;

/// Type of a signed quality report, as its signature names it.
pub const QUALITY_REPORT: &str = "granary-quality-report+jws";

/// Why there is no node key.
#[derive(Debug, thiserror::Error)]
pub enum KeyFault {
    /// The file cannot be read or made.
    #[error("the node key {0} cannot be read or made: {1}")]
    Io(PathBuf, #[source] io::Error),
    /// Others on this machine may read the file.
    #[error("the node key {0} can be read by others on this machine: run chmod 600 on it")]
    Open(PathBuf),
    /// The file is not a node key.
    #[error("{0} is not a node key: restore it from a backup")]
    Damaged(PathBuf),
    /// The database was filled by a node with another key.
    #[error(
        "the node key is not the one this database was filled with: restore node.key from a backup"
    )]
    Foreign,
    /// The database does not say whose it is.
    #[error("{0}")]
    Database(#[from] Fault),
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    Random,
}

/// Identity to open uploads, key to sign, secrets to key fingerprints and links.
pub struct NodeKeys {
    identity: Identity,
    signing: NodeKey,
    fingerprints: hmac::Key,
    sketches: hmac::Key,
    links: hmac::Key,
}

impl NodeKeys {
    /// Reads the key of this data folder; makes one when there is none, from a seed where
    /// the whole node is made from one: for the demo's story and for tests.
    ///
    /// # Errors
    /// [`KeyFault`]; an existing file is never overwritten.
    pub fn open(data_dir: &Path, seed: Option<u64>) -> Result<Self, KeyFault> {
        let path = data_dir.join(FILE_NAME);
        let at = |error| KeyFault::Io(path.clone(), error);
        match File::open(&path) {
            Ok(file) => read_root(file, &path).map(|root| Self::derive(&root)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                std::fs::create_dir_all(data_dir).map_err(at)?;
                create(data_dir, &path, &new_root(seed)?)?;
                // Whoever was first wins, so read what is there.
                read_root(File::open(&path).map_err(at)?, &path).map(|root| Self::derive(&root))
            }
            Err(error) => Err(at(error)),
        }
    }

    /// Keys that are the same for the same seed.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self::derive(&seeded_root(seed))
    }

    fn derive(root: &[u8; 32]) -> Self {
        let hmac_key = |name| hmac::Key::new(hmac::HMAC_SHA256, &expand(root, name));
        Self {
            identity: identity(&expand(root, "granary age identity")),
            signing: NodeKey::from_seed(&expand(root, "granary signing seed")),
            fingerprints: hmac_key("granary row fingerprints"),
            sketches: hmac_key("granary sketches"),
            links: hmac_key("granary signed links"),
        }
    }

    /// Opens what was sealed to this node.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Where uploads, and everything this node stores, are sealed to.
    #[must_use]
    pub fn recipient(&self) -> Recipient {
        self.identity.to_recipient()
    }

    /// Signs manifests, licences and statements.
    #[must_use]
    pub fn signing(&self) -> &NodeKey {
        &self.signing
    }

    /// Verifies what this node signed.
    #[must_use]
    pub fn verify_key(&self) -> &VerifyKey {
        self.signing.verify_key()
    }

    /// Keys row fingerprints: without it, rows of few possible values could be guessed
    /// from stored fingerprints.
    #[must_use]
    pub fn fingerprints(&self) -> &hmac::Key {
        &self.fingerprints
    }

    /// Keys the hashes of sketches, by which contributions are compared across datasets.
    #[must_use]
    pub fn sketches(&self) -> &hmac::Key {
        &self.sketches
    }

    /// Authenticates short-lived links and page cursors.
    #[must_use]
    pub fn links(&self) -> &hmac::Key {
        &self.links
    }
}

/// Makes sure that a database and a key belong together: with another key its files could
/// not be opened and its signatures not be repeated.
///
/// # Errors
/// [`KeyFault::Foreign`], or the database's own.
pub fn bind(db: &mut Db, keys: &NodeKeys) -> Result<(), KeyFault> {
    let own = keys.verify_key().id();
    match counters::setting_or(db, "verify_key", &own)? == own {
        true => Ok(()),
        false => Err(KeyFault::Foreign),
    }
}

impl fmt::Debug for NodeKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeKeys(secrets of {})", self.recipient())
    }
}

fn new_root(seed: Option<u64>) -> Result<[u8; 32], KeyFault> {
    if let Some(seed) = seed {
        return Ok(seeded_root(seed));
    }
    let mut root = [0; 32];
    SystemRandom::new()
        .fill(&mut root)
        .map_err(|_| KeyFault::Random)?;
    Ok(root)
}

fn seeded_root(seed: u64) -> [u8; 32] {
    expand(&seed.to_be_bytes(), "granary seeded root")
}

fn create(data_dir: &Path, path: &Path, root: &[u8; 32]) -> Result<(), KeyFault> {
    let write = || {
        // Mode 0600 from the first moment.
        let mut file = tempfile::NamedTempFile::with_prefix_in("node-key-", data_dir)?;
        write!(file, "{FIRST_LINE}\n{}\n", hex::encode(root))?;
        file.as_file().sync_all()?;
        match file.persist_noclobber(path) {
            Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => Err(error.error),
            _ => File::open(data_dir)?.sync_all(),
        }
    };
    write().map_err(|error| KeyFault::Io(path.to_owned(), error))
}

fn read_root(file: File, path: &Path) -> Result<[u8; 32], KeyFault> {
    let at = |error| KeyFault::Io(path.to_owned(), error);
    if file.metadata().map_err(at)?.permissions().mode() & 0o077 != 0 {
        return Err(KeyFault::Open(path.to_owned()));
    }
    let mut text = String::new();
    file.take(FILE_LEN + 1)
        .read_to_string(&mut text)
        .map_err(at)?;
    let digits = text
        .strip_prefix(FIRST_LINE)
        .map(str::trim)
        .unwrap_or_default();
    let mut root = [0; 32];
    hex::decode_to_slice(digits, &mut root).map_err(|_| KeyFault::Damaged(path.to_owned()))?;
    Ok(root)
}

/// The age identity of a secret scalar, in the text form of `age-keygen`.
fn identity(secret: &[u8; 32]) -> Identity {
    let parse = || {
        let text =
            bech32::encode_upper::<Bech32>(Hrp::parse("age-secret-key-").ok()?, secret).ok()?;
        text.parse().ok()
    };
    parse().unwrap_or_else(|| unreachable!("32 bytes are always an age secret key"))
}

struct Bytes32;

impl KeyType for Bytes32 {
    fn len(&self) -> usize {
        32
    }
}

/// HKDF-SHA-256 without salt; each secret has its own name.
fn expand(root: &[u8], name: &str) -> [u8; 32] {
    let mut out = [0; 32];
    let filled = Salt::new(HKDF_SHA256, &[])
        .extract(root)
        .expand(&[name.as_bytes()], Bytes32)
        .and_then(|okm| okm.fill(&mut out));
    // ring refuses only more than 8,160 bytes.
    assert!(filled.is_ok(), "32 bytes can always be derived");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let first = NodeKeys::open(folder.path(), None).unwrap();
        let again = NodeKeys::open(folder.path(), None).unwrap();
        assert_eq!(first.recipient(), again.recipient());
        assert_eq!(first.verify_key(), again.verify_key());
        let mode = std::fs::metadata(folder.path().join(FILE_NAME))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            1,
            "no leftovers"
        );
        let other = tempfile::tempdir().unwrap();
        assert_ne!(
            NodeKeys::open(other.path(), None).unwrap().recipient(),
            first.recipient()
        );
    }

    #[test]
    fn a_readable_or_damaged_key_is_refused_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        NodeKeys::open(folder.path(), None).unwrap();
        let path = folder.path().join(FILE_NAME);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(
            NodeKeys::open(folder.path(), None),
            Err(KeyFault::Open(_))
        ));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        for wrong in ["", "granary-node-key-1\n00\n", "granary-node-key-2\n"] {
            std::fs::write(&path, wrong).unwrap();
            assert!(matches!(
                NodeKeys::open(folder.path(), None),
                Err(KeyFault::Damaged(_))
            ));
            assert_eq!(std::fs::read_to_string(&path).unwrap(), wrong);
        }
    }

    #[test]
    fn seeds_repeat_and_differ() {
        assert_eq!(
            NodeKeys::seeded(1).recipient(),
            NodeKeys::seeded(1).recipient()
        );
        let folder = tempfile::tempdir().unwrap();
        let kept = NodeKeys::open(folder.path(), Some(1)).unwrap();
        assert_eq!(kept.recipient(), NodeKeys::seeded(1).recipient());
        assert_eq!(
            NodeKeys::open(folder.path(), None).unwrap().recipient(),
            kept.recipient()
        );
        assert_ne!(
            NodeKeys::seeded(1).recipient(),
            NodeKeys::seeded(2).recipient()
        );
        let shown = format!("{:?}", NodeKeys::seeded(1));
        assert!(!shown.contains("SECRET"), "{shown}");
    }
}
