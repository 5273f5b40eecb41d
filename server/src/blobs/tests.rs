use std::io::{Read, Write};

use futures_util::TryStreamExt;

use super::*;

fn key(n: u128) -> BlobKey {
    BlobKey::new(BlobKind::Upload, Uuid::from_u128(n))
}

async fn keep(blobs: &Blobs, key: BlobKey, bytes: &[u8]) -> u64 {
    let staged = blobs.stage().unwrap();
    staged.file().write_all(bytes).unwrap();
    blobs.keep(key, staged).await.unwrap()
}

/// What every store must do, whichever it is.
async fn conforms(blobs: &Blobs) {
    assert_eq!(keep(blobs, key(1), b"0123456789").await, 10);
    assert_eq!(blobs.read(key(1), 2..5).await.unwrap(), &b"234"[..]);
    assert!(blobs.read(key(1), 20..22).await.is_err());
    let streamed: Vec<Bytes> = blobs
        .stream(key(1), 3..10)
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(streamed.concat(), b"3456789");
    let mut whole = String::new();
    blobs
        .open_file(key(1))
        .await
        .unwrap()
        .read_to_string(&mut whole)
        .unwrap();
    assert_eq!(whole, "0123456789");
    assert!(
        blobs
            .list()
            .await
            .unwrap()
            .iter()
            .any(|listed| listed.key == key(1))
    );
    blobs.delete(key(1)).await.unwrap();
    blobs.delete(key(1)).await.unwrap();
    assert!(blobs.open_file(key(1)).await.is_err());
    assert!(
        blobs
            .list()
            .await
            .unwrap()
            .iter()
            .all(|listed| listed.key != key(1))
    );
}

#[tokio::test]
async fn a_folder_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(None, folder.path()).unwrap();
    conforms(&blobs).await;
    let long: Vec<u8> = (0..3_000_000_u32).map(|n| n as u8).collect();
    keep(&blobs, key(2), &long).await;
    let streamed: Vec<Bytes> = blobs
        .stream(key(2), 1..2_999_999)
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(streamed.concat(), &long[1..2_999_999]);
}

/// Runs only where a test server is named, for example seaweedfs with `AWS_ENDPOINT`.
#[tokio::test]
async fn an_s3_service_conforms() {
    let Ok(url) = std::env::var("TEST_S3_URL") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    conforms(&Blobs::open(Some(&url), folder.path()).unwrap()).await;
}

#[tokio::test]
async fn what_was_not_kept_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(None, folder.path()).unwrap();
    let staged = blobs.stage().unwrap();
    staged.file().write_all(b"half").unwrap();
    assert!(blobs.list().await.unwrap().is_empty());
    drop(staged);
    assert_eq!(
        blobs.sweep_staged(None).unwrap(),
        0,
        "a dropped file is gone"
    );
    let some_time = Some(DateTime::UNIX_EPOCH);
    std::mem::forget(blobs.stage().unwrap());
    assert_eq!(
        blobs.sweep_staged(some_time).unwrap(),
        1,
        "swept where nobody else is"
    );
    let elsewhere = tempfile::tempdir().unwrap();
    let url = format!("file://{}", elsewhere.path().display());
    let shared = Blobs::open(Some(&url), folder.path()).unwrap();
    std::mem::forget(shared.stage().unwrap());
    assert_eq!(
        shared.sweep_staged(some_time).unwrap(),
        0,
        "may be another node's"
    );
    assert_eq!(shared.sweep_staged(None).unwrap(), 1);
}

#[tokio::test]
async fn a_key_is_used_once() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(None, folder.path()).unwrap();
    keep(&blobs, key(1), b"first").await;
    let second = blobs.stage().unwrap();
    assert!(blobs.keep(key(1), second).await.is_err());
    assert_eq!(blobs.read(key(1), 0..5).await.unwrap(), &b"first"[..]);
}

#[test]
fn keys_are_read_back_and_nothing_else_is() {
    for kind in BlobKind::ALL {
        let key = BlobKey::new(kind, Uuid::from_u128(7));
        assert_eq!(key.to_string().parse::<BlobKey>().unwrap(), key);
    }
    for wrong in [
        "",
        "uploads/",
        "uploads/x.age",
        "../node.key",
        "uploads/../../node.key",
    ] {
        assert!(wrong.parse::<BlobKey>().is_err(), "{wrong}");
    }
    assert!(Blobs::open(Some("ftp://x"), Path::new("/nowhere")).is_err());
}
