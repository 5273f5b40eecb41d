use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use chrono::DateTime;
use dataset_core::id::{DatasetId, RevisionId};
use dataset_core::manifest::FileEntry;
use dataset_core::sign::NodeKey;
use schema::wire::VerifyKeyInfo;
use uuid::Uuid;

use super::*;

const ETAG: &str = "\"one\"";

/// A node's signature, a buyer's key and a sealed file between them.
struct Fixture {
    folder: tempfile::TempDir,
    identity: Identity,
    key: NodeKey,
    plain: Vec<u8>,
    sealed: Vec<u8>,
}

impl Fixture {
    fn new() -> Self {
        let identity = Identity::generate();
        let plain: Vec<u8> = (0..300_000u32).map(|n| (n % 251) as u8).collect();
        let mut sealed = Vec::new();
        seal::seal(&mut &plain[..], &mut sealed, &[identity.to_recipient()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        Self {
            folder,
            identity,
            key: NodeKey::from_seed(&[7; 32]),
            plain,
            sealed,
        }
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("file.parquet")
    }

    fn manifest(&self, signed: &[u8]) -> String {
        let manifest = Manifest {
            dataset: DatasetId::from_uuid(Uuid::from_u128(1)),
            revision: RevisionId::from_uuid(Uuid::from_u128(2)),
            number: 1,
            previous: None,
            published_at: DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
            file: FileEntry {
                sha256: Sha256::of(signed),
                len: signed.len() as u64,
                rows: 0,
                writer: "test".into(),
            },
            contract_sha256: Sha256::of(b"contract"),
            report_sha256: Sha256::of(b"report"),
            epoch_sha256: Sha256::of(b"epoch"),
            contributions: Vec::new(),
        };
        manifest.sign(&self.key).unwrap()
    }

    /// Fetches from a server that plays these parts, one connection each.
    async fn fetch(&self, signed: &[u8], parts: Vec<Part>) -> (Answer<Opened>, Vec<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let node = format!("http://{}", listener.local_addr().unwrap());
        let from = DownloadUrl {
            url: format!("{node}/f/file"),
            file_name: "file.parquet.age".into(),
            sealed_bytes: self.sealed.len() as u64,
            etag: ETAG.into(),
            sha256: Sha256::of(signed).to_string(),
            bytes: signed.len() as i64,
            manifest: self.manifest(signed),
            expires_at: DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
            grant_id: Uuid::from_u128(3),
        };
        let info = NodeInfo {
            name: "n".into(),
            version: "0".into(),
            recipient: String::new(),
            verify_keys: vec![VerifyKeyInfo {
                kid: self.key.verify_key().id(),
                public_key: self.key.verify_key().to_string(),
            }],
            max_upload_bytes: 0,
            log_key: None,
            checkpoint: None,
        };
        let server = play(listener, self.sealed.clone(), parts);
        let client = Client::new(&node).unwrap();
        let bar = ProgressBar::hidden();
        let opened = super::fetch(&client, &info, &from, &self.identity, &self.out(), &bar).await;
        (opened, server.join().unwrap())
    }
}

/// What the server does with one connection.
enum Part {
    /// Promises the rest, sends that much of it, hangs up.
    Break(usize),
    /// Sends the rest.
    Rest,
    /// Ignores the range and sends everything.
    All,
}

/// Plays the parts and answers the Range header of each request.
fn play(listener: TcpListener, file: Vec<u8>, parts: Vec<Part>) -> JoinHandle<Vec<String>> {
    std::thread::spawn(move || {
        let mut ranges = Vec::new();
        for part in parts {
            let (mut stream, _) = listener.accept().unwrap();
            let (range, condition) = asked(&stream);
            let start = range
                .trim_start_matches("bytes=")
                .trim_end_matches('-')
                .parse();
            let goes_on = !matches!(part, Part::All) && condition == ETAG;
            let start: usize = if goes_on { start.unwrap_or(0) } else { 0 };
            let status = if start > 0 {
                "206 Partial Content"
            } else {
                "200 OK"
            };
            let rest = &file[start..];
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nContent-Range: bytes {start}-{}/{}\r\n\
                 Connection: close\r\n\r\n",
                rest.len(),
                file.len() - 1,
                file.len()
            );
            stream.write_all(head.as_bytes()).unwrap();
            let sent = if let Part::Break(bytes) = part {
                &rest[..bytes]
            } else {
                rest
            };
            stream.write_all(sent).unwrap();
            ranges.push(range);
        }
        ranges
    })
}

fn asked(stream: &TcpStream) -> (String, String) {
    let (mut range, mut condition) = (String::new(), String::new());
    for line in BufReader::new(stream.take(1 << 16)).lines() {
        let line = line.unwrap();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(": ") {
            match name.to_ascii_lowercase().as_str() {
                "range" => value.clone_into(&mut range),
                "if-range" => value.clone_into(&mut condition),
                _ => {}
            }
        }
    }
    (range, condition)
}

#[tokio::test]
async fn a_broken_download_goes_on_where_it_stopped() {
    let it = Fixture::new();
    let parts = vec![Part::Break(100_000), Part::Break(50_000), Part::Rest];
    let (opened, ranges) = it.fetch(&it.plain, parts).await;
    assert_eq!(opened.unwrap().sha256, Sha256::of(&it.plain));
    assert_eq!(ranges, ["", "bytes=100000-", "bytes=150000-"]);
    assert_eq!(fs::read(it.out()).unwrap(), it.plain);
    assert_eq!(
        fs::read_dir(it.folder.path()).unwrap().count(),
        1,
        "no piece stays behind"
    );
}

#[tokio::test]
async fn a_piece_of_an_earlier_run_is_used_and_one_of_another_file_is_not() {
    let it = Fixture::new();
    let tag = beside(&it.out(), ".part.etag");
    fs::write(beside(&it.out(), ".part"), &it.sealed[..70_000]).unwrap();
    fs::write(&tag, ETAG).unwrap();
    let (opened, ranges) = it.fetch(&it.plain, vec![Part::Rest]).await;
    assert_eq!(opened.unwrap().resumed_at, 70_000);
    assert_eq!(ranges, ["bytes=70000-"]);

    fs::write(beside(&it.out(), ".part"), [0; 70_000]).unwrap();
    fs::write(&tag, "\"other\"").unwrap();
    let (opened, ranges) = it.fetch(&it.plain, vec![Part::Rest]).await;
    assert_eq!(opened.unwrap().resumed_at, 0);
    assert_eq!(ranges, [""]);
}

#[tokio::test]
async fn a_node_that_starts_over_is_followed() {
    let it = Fixture::new();
    let (opened, _) = it
        .fetch(&it.plain, vec![Part::Break(100_000), Part::All])
        .await;
    assert_eq!(opened.unwrap().bytes, it.plain.len() as u64);
}

#[tokio::test]
async fn a_file_that_is_not_the_signed_one_never_gets_its_name() {
    let it = Fixture::new();
    let mut other = it.plain.clone();
    other[5] ^= 1;
    let (opened, _) = it.fetch(&other, vec![Part::Rest]).await;
    assert!(matches!(opened, Err(ClientError::Unverified(_))));
    assert!(!it.out().exists());
}
