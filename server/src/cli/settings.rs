//! What this machine remembers: a token per node, and the key that opens files.

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use age::secrecy::ExposeSecret;
use dataset_core::seal::{Identity, Recipient};
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::args::Remote;
use super::stop::{Exit, Outcome, Stop};
use crate::client::Client;

const HERE: &str = "http://127.0.0.1:8460";

/// Folder of the settings: `GRANARY_CONFIG_DIR`, else `granary` among the user's settings.
fn folder() -> Outcome<PathBuf> {
    let from = |name: &str| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    from("GRANARY_CONFIG_DIR")
        .or_else(|| from("XDG_CONFIG_HOME").map(|dir| dir.join("granary")))
        .or_else(|| from("HOME").map(|home| home.join(".config/granary")))
        .ok_or_else(|| Stop::new(Exit::Machine, "no home folder: set GRANARY_CONFIG_DIR"))
}

/// Tokens of this machine, one per node.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Logins {
    /// Node of the last login.
    current: Option<String>,
    nodes: BTreeMap<String, Login>,
}

/// One login.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Login {
    /// Who.
    pub handle: String,
    /// The bearer token.
    pub token: String,
    /// Its id on the node, to give it back.
    pub token_id: uuid::Uuid,
}

impl Logins {
    fn path() -> Outcome<PathBuf> {
        Ok(folder()?.join("logins.json"))
    }

    /// What this machine remembers; nothing when it was never told.
    pub fn load() -> Outcome<Self> {
        let path = Self::path()?;
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                let words = format!(
                    "{}: {error}; remove the file and log in again",
                    path.display()
                );
                Stop::new(Exit::Machine, words)
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Stop::file(&path)(error)),
        }
    }

    fn save(&self) -> Outcome {
        let path = Self::path()?;
        let folder = private_folder(&path)?;
        // A temporary file is readable by its owner alone, and so is what it becomes.
        let mut fresh = NamedTempFile::new_in(folder).map_err(Stop::file(&path))?;
        serde_json::to_writer_pretty(&mut fresh, self)
            .map_err(|error| Stop::file(&path)(error.into()))?;
        fresh
            .persist(&path)
            .map_err(|error| Stop::file(&path)(error.error))?;
        Ok(())
    }

    /// Remembers a login and makes its node the current one.
    pub fn keep(mut self, node: &str, login: Login) -> Outcome {
        self.nodes.insert(node.to_owned(), login);
        self.current = Some(node.to_owned());
        self.save()
    }

    /// Forgets a login and answers it.
    pub fn forget(mut self, node: &str) -> Outcome<Option<Login>> {
        let login = self.nodes.remove(node);
        if self.current.as_deref() == Some(node) {
            self.current = None;
        }
        self.save()?;
        Ok(login)
    }
}

/// Address of the node a command means.
pub fn node_of(remote: &Remote) -> Outcome<String> {
    let named = match &remote.node {
        Some(node) => Some(node.clone()),
        None => Logins::load()?.current,
    };
    Ok(named
        .unwrap_or_else(|| HERE.to_owned())
        .trim_end_matches('/')
        .to_owned())
}

/// A client of the node, with the token if there is one.
pub fn visitor(remote: &Remote) -> Outcome<Client> {
    let node = node_of(remote)?;
    let client = Client::new(&node)?;
    let token = match &remote.token {
        Some(token) => Some(token.clone()),
        None => Logins::load()?
            .nodes
            .get(&node)
            .map(|login| login.token.clone()),
    };
    Ok(match token {
        Some(token) => client.with_token(token),
        None => client,
    })
}

/// A client that is signed in.
pub fn party(remote: &Remote) -> Outcome<Client> {
    let client = visitor(remote)?;
    if client.signed_in() {
        return Ok(client);
    }
    let words = format!("not signed in at {}: use `granary login`", client.node());
    Err(Stop::new(Exit::SignIn, words))
}

/// Where a key file is when nobody says otherwise.
pub fn key_path(named: Option<&Path>) -> Outcome<PathBuf> {
    match named {
        Some(path) => Ok(path.to_owned()),
        None => Ok(folder()?.join("identity.txt")),
    }
}

/// Makes a key file, readable by its owner alone; never over an existing one.
pub fn write_key(path: &Path) -> Outcome<Recipient> {
    private_folder(path)?;
    let identity = Identity::generate();
    let recipient = identity.to_recipient();
    let text = format!(
        "# age key of a Granary user; whoever has this file can open what you bought\n\
         # public key: {recipient}\n{}\n",
        identity.expose().expose_secret()
    );
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(Stop::file(path))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(Stop::file(path))?;
    Ok(recipient)
}

/// Reads a key file, as `granary keys new` or `age-keygen` wrote it.
pub fn read_key(path: &Path) -> Outcome<Identity> {
    let text = fs::read_to_string(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Stop::new(
            Exit::Machine,
            format!(
                "there is no key at {}: make one with `granary keys new`",
                path.display()
            ),
        ),
        _ => Stop::file(path)(error),
    })?;
    let mut keys = text
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty() && !l.starts_with('#'));
    let wrong = |why: &str| Stop::new(Exit::Machine, format!("{}: {why}", path.display()));
    match (keys.next(), keys.next()) {
        (Some(key), None) => key
            .parse()
            .map_err(|_| wrong("this is not an age X25519 key file")),
        (None, _) => Err(wrong("there is no key in this file")),
        _ => Err(wrong("there are several keys in this file; keep one")),
    }
}

/// Makes the folder of a private file, for its owner alone.
fn private_folder(file: &Path) -> Outcome<&Path> {
    let folder = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => return Ok(Path::new(".")),
    };
    if !folder.exists() {
        fs::create_dir_all(folder).map_err(Stop::file(folder))?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
            .map_err(Stop::file(folder))?;
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_is_private_is_read_back_and_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/identity.txt");
        let recipient = write_key(&path).unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(read_key(&path).unwrap().to_recipient(), recipient);
        let before = fs::read(&path).unwrap();
        assert!(write_key(&path).is_err());
        assert_eq!(fs::read(&path).unwrap(), before);
    }

    #[test]
    fn what_is_no_key_file_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        assert!(
            read_key(&path)
                .unwrap_err()
                .words
                .contains("granary keys new")
        );
        fs::write(&path, "# nothing\n").unwrap();
        assert!(
            read_key(&path)
                .unwrap_err()
                .words
                .contains("no key in this file")
        );
        fs::write(&path, "AGE-SECRET-KEY-1\n").unwrap();
        assert!(read_key(&path).unwrap_err().words.contains("not an age"));
    }
}
