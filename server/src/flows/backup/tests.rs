use std::io::Write;

use clap::Parser;
use uuid::Uuid;

use super::*;
use crate::blobs::BlobKind;
use crate::clock::Ids;
use crate::serve;

#[derive(Parser)]
struct Defaults {
    #[command(flatten)]
    config: Config,
}

fn config(data_dir: PathBuf) -> Config {
    let config = Defaults::try_parse_from(["granary"]).unwrap().config;
    Config {
        data_dir,
        database_url: None,
        blobs: None,
        ..config
    }
}

/// A node that knows one party, one contribution and its sealed file, and has another file
/// that belongs to nothing.
async fn node(folder: &Path) -> (Config, BlobKey) {
    let config = config(folder.join("node"));
    let ctx = serve::build_ctx(config.clone(), Clock::System, Ids::seeded(1)).unwrap();
    let known = BlobKey::new(BlobKind::Upload, Uuid::from_u128(1));
    for (key, bytes) in [
        (known, b"known"),
        (BlobKey::new(BlobKind::Upload, Uuid::from_u128(2)), b"loose"),
    ] {
        let staged = ctx.blobs.stage().unwrap();
        staged.file().write_all(bytes).unwrap();
        ctx.blobs.keep(key, staged).await.unwrap();
    }
    let sql = format!(
        "PRAGMA foreign_keys = OFF; INSERT INTO contribution (id, dataset_id, party_id, file_name, \
         claimed_digest, state, receipt_no, sealed_blob, created_at) VALUES \
         (x'01', x'02', x'03', 'a.parquet', x'04', 'received', 1, '{known}', '2026-01-01T00:00:00Z')"
    );
    ctx.pool.get().unwrap().execute(&sql).unwrap();
    (config, known)
}

fn code(outcome: Result<Copied, Fault>) -> &'static str {
    outcome.unwrap_err().code
}

#[tokio::test]
async fn what_was_backed_up_comes_back_from_a_folder_and_from_a_tar() {
    let folder = tempfile::tempdir().unwrap();
    let (from, known) = node(folder.path()).await;
    for name in ["backup", "backup.tar"] {
        let to = folder.path().join(name);
        let made = back_up(&from, &to).await.unwrap();
        assert_eq!(
            made.blobs, 1,
            "the file that belongs to nothing stays behind"
        );
        assert_eq!(code(back_up(&from, &to).await), "backup_exists");
        let target = config(folder.path().join(format!("{name}-restored")));
        restore(&to, &target).await.unwrap();
        let key = |config: &Config| fs::read(config.data_dir.join(keys::FILE_NAME)).unwrap();
        assert_eq!(key(&from), key(&target));
        let again = serve::build_ctx(target.clone(), Clock::System, Ids::seeded(1)).unwrap();
        assert_eq!(&again.blobs.read(known, 0..5).await.unwrap()[..], b"known");
        let names = contributions::blobs(&mut again.pool.get().unwrap()).unwrap();
        assert_eq!(names, [known.to_string()]);
        assert_eq!(code(restore(&to, &target).await), "not_empty");
    }
}

#[tokio::test]
async fn a_changed_file_is_noticed_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (from, known) = node(folder.path()).await;
    let to = folder.path().join("backup");
    back_up(&from, &to).await.unwrap();
    fs::write(to.join(BLOBS).join(known.to_string()), b"other").unwrap();
    let target = config(folder.path().join("restored"));
    assert_eq!(code(restore(&to, &target).await), "backup_damaged");
    assert!(!target.data_dir.exists());
}

#[tokio::test]
async fn a_sealed_file_that_is_gone_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let (from, known) = node(folder.path()).await;
    fs::remove_file(from.data_dir.join("blobs").join(known.to_string())).unwrap();
    let to = folder.path().join("backup");
    assert_eq!(code(back_up(&from, &to).await), "file_removed");
    assert!(
        !to.exists(),
        "nothing is left under the name of a backup that failed"
    );
}
