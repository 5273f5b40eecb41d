//! A node in one place: database, key and sealed files, each with its digest; and back.
//!
//! A backup is one moment of the database. It is taken first; sealed files never change under
//! their name, so copying them afterwards gives what that moment refers to. A file that was
//! removed meanwhile is noticed, and the backup is not made. Both directions end complete or
//! leave nothing under the wanted name: work happens in a folder beside it that is moved into
//! place at the end.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Output};

use chrono::{DateTime, Utc};
use dataset_core::digest::{DigestReader, DigestWriter};
use diesel::RunQueryDsl;
use diesel::dsl::sql;
use diesel::sql_types::BigInt;
use schema::db::{Db, Pool};
use schema::on;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::blobs::{BlobKey, Blobs};
use crate::clock::Clock;
use crate::config::Config;
use crate::error::{Fault, Kind};
use crate::keys;
use crate::store::{claims, contributions, revisions};

const FORMAT: &str = "granary-backup/1";
const CONTENTS: &str = "backup.json";
const DATABASE: &str = "database";
const BLOBS: &str = "blobs";

/// What went into a backup or came out of one.
#[derive(Debug, Clone, Copy)]
pub struct Copied {
    /// Sealed files.
    pub blobs: i64,
    /// Bytes of everything.
    pub bytes: u64,
}

/// The list of a backup: what is in it, and the digest of each file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    format: String,
    software: String,
    made_at: DateTime<Utc>,
    engine: Engine,
    files: Vec<Entry>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Engine {
    Sqlite,
    Postgres,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    bytes: u64,
    sha256: String,
}

impl Contents {
    fn copied(&self) -> Copied {
        let blobs = self
            .files
            .iter()
            .filter(|entry| blob_key(&entry.name).is_some())
            .count();
        Copied {
            blobs: i64::try_from(blobs).unwrap_or(i64::MAX),
            bytes: self.files.iter().map(|entry| entry.bytes).sum(),
        }
    }
}

fn refused(code: &'static str, words: impl Into<String>) -> Fault {
    Fault::new(Kind::Conflict, code, words)
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> Fault {
    let path = path.display().to_string();
    move |error| Fault::internal(format!("{path}: {error}"))
}

/// Copies a node to `to`: a new folder, or a new file when the name ends in `.tar`.
///
/// # Errors
/// Something has that name already, a part cannot be read, or the disk refuses; then nothing
/// is left under that name.
pub async fn back_up(config: &Config, to: &Path) -> Result<Copied, Fault> {
    if to.exists() {
        let words = format!("{} exists; a backup never overwrites", to.display());
        return Err(refused("backup_exists", words));
    }
    let key = config.data_dir.join(keys::FILE_NAME);
    if !key.exists() {
        let words = format!("there is no node in {}", config.data_dir.display());
        return Err(refused("no_node", words));
    }
    let folder = beside(to)?;
    let mut files = Vec::new();
    let (engine, needed) = copy_database(config, folder.path())?;
    files.push(entry_of(folder.path(), DATABASE)?);
    files.push(copy(
        &mut File::open(&key).map_err(failed(&key))?,
        folder.path(),
        keys::FILE_NAME,
    )?);
    copy_blobs(config, folder.path(), needed, &mut files).await?;
    let contents = Contents {
        format: FORMAT.to_owned(),
        software: env!("CARGO_PKG_VERSION").to_owned(),
        made_at: Clock::System.now(),
        engine,
        files,
    };
    let text = serde_json::to_vec_pretty(&contents).map_err(Fault::internal)?;
    copy(&mut text.as_slice(), folder.path(), CONTENTS)?;
    if is_tar(to) {
        pack(folder.path(), to)?
    } else {
        move_into_place(folder, to)?
    }
    Ok(contents.copied())
}

fn is_tar(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "tar")
}

/// A private folder on the same disk as `place`.
fn beside(place: &Path) -> Result<TempDir, Fault> {
    let parent = match place.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(parent).map_err(failed(parent))?;
    tempfile::Builder::new()
        .prefix(".granary-")
        .tempdir_in(parent)
        .map_err(failed(parent))
}

fn move_into_place(folder: TempDir, to: &Path) -> Result<(), Fault> {
    let made = folder.keep();
    fs::rename(&made, to).map_err(failed(to))?;
    sync_folder(to)
}

fn sync_folder(of: &Path) -> Result<(), Fault> {
    let parent = of.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    File::open(parent)
        .and_then(|folder| folder.sync_all())
        .map_err(failed(parent))
}

fn pack(folder: &Path, to: &Path) -> Result<(), Fault> {
    let place = beside(to)?;
    let path = place.path().join("backup.tar");
    let file = private_file(&path)?;
    let mut tar = tar::Builder::new(file);
    tar.append_dir_all(".", folder).map_err(failed(to))?;
    tar.into_inner()
        .and_then(|file| file.sync_all())
        .map_err(failed(to))?;
    fs::rename(&path, to).map_err(failed(to))?;
    sync_folder(to)
}

fn private_file(path: &Path) -> Result<File, Fault> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed(parent))?;
    }
    let mut options = OpenOptions::new();
    options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(failed(path))
}

/// Copies a stream to a file of the folder and notes its digest.
fn copy(from: &mut impl io::Read, folder: &Path, name: &str) -> Result<Entry, Fault> {
    let path = folder.join(name);
    let mut writer = DigestWriter::new(private_file(&path)?);
    io::copy(from, &mut writer).map_err(failed(&path))?;
    let (file, sha256, bytes) = writer.finish();
    file.sync_all().map_err(failed(&path))?;
    Ok(Entry {
        name: name.to_owned(),
        bytes,
        sha256: sha256.to_string(),
    })
}

/// Notes the digest of a file that is there.
fn entry_of(folder: &Path, name: &str) -> Result<Entry, Fault> {
    let path = folder.join(name);
    let mut reader = DigestReader::new(BufReader::new(File::open(&path).map_err(failed(&path))?));
    io::copy(&mut reader, &mut io::sink()).map_err(failed(&path))?;
    let (_, sha256, bytes) = reader.finish();
    Ok(Entry {
        name: name.to_owned(),
        bytes,
        sha256: sha256.to_string(),
    })
}

fn open_pool(url: &str) -> Result<Pool, Fault> {
    Pool::open(url, 1).map_err(Fault::internal)
}

/// One moment of the database, and the sealed files it refers to.
fn copy_database(config: &Config, folder: &Path) -> Result<(Engine, BTreeSet<String>), Fault> {
    let pool = open_pool(&config.database_url())?;
    let target = folder.join(DATABASE);
    match &mut pool.get()? {
        db @ Db::Sqlite(_) => {
            let quoted = target.display().to_string().replace('\'', "''");
            db.execute(&format!("VACUUM INTO '{quoted}'"))?;
            let copied = open_pool(&format!("sqlite:{}", target.display()))?;
            let private = fs::Permissions::from_mode(0o600);
            fs::set_permissions(&target, private).map_err(failed(&target))?;
            let needed = referred(&mut copied.get()?)?;
            Ok((Engine::Sqlite, needed))
        }
        db @ Db::Pg(_) => db.snapshot(|db| {
            let name: String = on!(db, c => diesel::select(
                sql::<diesel::sql_types::Text>("pg_export_snapshot()")).get_result(c))?;
            let mut dump = Command::new("pg_dump");
            dump.args(["--format=custom", "--no-owner", "--no-privileges"])
                .arg(format!("--snapshot={name}"))
                .arg(format!("--file={}", target.display()));
            run(dump, &config.database_url(), "pg_dump")?;
            Ok((Engine::Postgres, referred(db)?))
        }),
    }
}

fn referred(db: &mut Db) -> Result<BTreeSet<String>, Fault> {
    let mut names: BTreeSet<String> = contributions::blobs(db)?.into_iter().collect();
    names.extend(revisions::blobs(db)?);
    names.extend(claims::blobs(db)?);
    Ok(names)
}

/// Runs a PostgreSQL program; the password goes by the environment, which others cannot read.
fn run(mut program: Command, url: &str, name: &str) -> Result<(), Fault> {
    let mut address = url::Url::parse(url).map_err(Fault::internal)?;
    if let Some(password) = address.password() {
        program.env("PGPASSWORD", password);
        // An address that had a password may also have none.
        let _ = address.set_password(None);
    }
    let Output { status, stderr, .. } = program
        .arg(format!("--dbname={address}"))
        .output()
        .map_err(|error| {
            let words = format!("{name} is needed on this machine for PostgreSQL: {error}");
            refused("program_missing", words)
        })?;
    if status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&stderr);
    Err(refused(
        "program_failed",
        format!("{name} failed: {}", words.trim()),
    ))
}

async fn copy_blobs(
    config: &Config,
    folder: &Path,
    mut needed: BTreeSet<String>,
    files: &mut Vec<Entry>,
) -> Result<(), Fault> {
    let blobs = Blobs::open(config.blobs.as_deref(), &config.data_dir)?;
    let mut names: Vec<(String, BlobKey)> = blobs
        .list()
        .await?
        .into_iter()
        .map(|file| (file.key.to_string(), file.key))
        .collect();
    names.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    for (name, key) in names {
        // What the moment of the database does not know is not part of it.
        if needed.remove(&name) {
            let mut file = blobs.open_file(key).await?;
            files.push(copy(&mut file, folder, &format!("{BLOBS}/{name}"))?);
        }
    }
    match needed.first() {
        None => Ok(()),
        Some(name) => Err(refused(
            "file_removed",
            format!("the sealed file {name} went away while the backup was made; run it again"),
        )),
    }
}

fn blob_key(name: &str) -> Option<BlobKey> {
    name.strip_prefix(BLOBS)?.strip_prefix('/')?.parse().ok()
}

/// Puts a backup into an empty place: data folder, database and store of these settings.
///
/// # Errors
/// The place is not empty, the backup is damaged or of another kind of database, or the disk
/// refuses. What is checked can be checked before anything is written.
pub async fn restore(from: &Path, config: &Config) -> Result<Copied, Fault> {
    let unpacked = if from.is_file() {
        Some(unpack(from, &config.data_dir)?)
    } else {
        None
    };
    let folder = unpacked.as_ref().map_or(from, TempDir::path);
    let contents = read_contents(folder)?;
    check_place(config, contents.engine)?;
    for entry in &contents.files {
        check(folder, entry)?;
    }
    let blobs = Blobs::open(config.blobs.as_deref(), &config.data_dir)?;
    if !blobs.list().await?.is_empty() {
        return Err(not_empty("the store of sealed files"));
    }
    for entry in &contents.files {
        if let Some(key) = blob_key(&entry.name) {
            let staged = blobs.stage()?;
            let path = folder.join(&entry.name);
            let mut source = File::open(&path).map_err(failed(&path))?;
            io::copy(&mut source, &mut staged.file()).map_err(failed(&path))?;
            blobs.keep(key, staged).await?;
        }
    }
    place_database(config, &folder.join(DATABASE), contents.engine)?;
    // The key comes last: without it, nothing takes the folder for a node.
    let key = folder.join(keys::FILE_NAME);
    copy(
        &mut File::open(&key).map_err(failed(&key))?,
        &config.data_dir,
        keys::FILE_NAME,
    )?;
    Ok(contents.copied())
}

fn unpack(from: &Path, data_dir: &Path) -> Result<TempDir, Fault> {
    let folder = beside(data_dir)?;
    let file = File::open(from).map_err(failed(from))?;
    let mut archive = tar::Archive::new(BufReader::new(file));
    archive.set_preserve_permissions(false);
    archive.set_preserve_mtime(false);
    archive.unpack(folder.path()).map_err(|error| {
        refused(
            "backup_damaged",
            format!("{} cannot be unpacked: {error}", from.display()),
        )
    })?;
    Ok(folder)
}

fn read_contents(folder: &Path) -> Result<Contents, Fault> {
    let damaged = |why: String| {
        refused(
            "backup_damaged",
            format!("{} is not a backup: {why}", folder.display()),
        )
    };
    let bytes = fs::read(folder.join(CONTENTS)).map_err(|error| damaged(error.to_string()))?;
    let contents: Contents =
        serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
    if contents.format != FORMAT {
        return Err(damaged(format!(
            "its format is {:?}, not {FORMAT:?}",
            contents.format
        )));
    }
    for name in [DATABASE, keys::FILE_NAME] {
        if !contents.files.iter().any(|entry| entry.name == name) {
            return Err(damaged(format!("it has no {name}")));
        }
    }
    let plain = |name: &str| {
        Path::new(name)
            .components()
            .all(|c| matches!(c, Component::Normal(_)))
    };
    match contents.files.iter().find(|entry| !plain(&entry.name)) {
        Some(entry) => Err(damaged(format!("{:?} is no file name", entry.name))),
        None => Ok(contents),
    }
}

fn check(folder: &Path, entry: &Entry) -> Result<(), Fault> {
    let found = entry_of(folder, &entry.name)?;
    if (found.bytes, &found.sha256) == (entry.bytes, &entry.sha256) {
        return Ok(());
    }
    let words = format!(
        "{} of the backup is damaged: its digest differs",
        entry.name
    );
    Err(refused("backup_damaged", words))
}

fn not_empty(what: &str) -> Fault {
    refused(
        "not_empty",
        format!("{what} is not empty; a restore never overwrites"),
    )
}

/// Makes sure that nothing would be overwritten.
fn check_place(config: &Config, engine: Engine) -> Result<(), Fault> {
    let taken = fs::read_dir(&config.data_dir).is_ok_and(|mut entries| entries.next().is_some());
    if taken {
        return Err(not_empty(&config.data_dir.display().to_string()));
    }
    let url = config.database_url();
    let sqlite = sqlite_path(&url);
    match (engine, &sqlite) {
        (Engine::Sqlite, Some(path)) if path.exists() => {
            Err(not_empty(&path.display().to_string()))
        }
        (Engine::Sqlite, Some(_)) => Ok(()),
        (Engine::Postgres, None) => match tables(&url)? {
            0 => Ok(()),
            _ => Err(not_empty("the database")),
        },
        _ => Err(refused(
            "other_database",
            format!("this is a backup of {engine:?}; restore it to a database of that kind"),
        )),
    }
}

fn sqlite_path(url: &str) -> Option<PathBuf> {
    Some(PathBuf::from(
        url.strip_prefix("sqlite:")?.trim_start_matches("//"),
    ))
}

fn tables(url: &str) -> Result<i64, Fault> {
    let count = "(SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public')";
    let pool = open_pool(url)?;
    let mut db = pool.get()?;
    Ok(on!(&mut db, c => diesel::select(sql::<BigInt>(count)).get_result(c))?)
}

fn place_database(config: &Config, copied: &Path, engine: Engine) -> Result<(), Fault> {
    let url = config.database_url();
    match (engine, sqlite_path(&url)) {
        (Engine::Sqlite, Some(path)) => {
            let mut source = File::open(copied).map_err(failed(copied))?;
            let mut target = private_file(&path)?;
            io::copy(&mut source, &mut target).map_err(failed(&path))?;
            target.sync_all().map_err(failed(&path))
        }
        _ => {
            let mut program = Command::new("pg_restore");
            program.args(["--exit-on-error", "--single-transaction", "--no-owner"]);
            program.args(["--no-privileges"]).arg(copied);
            run(program, &url, "pg_restore")
        }
    }
}

#[cfg(test)]
mod tests;
