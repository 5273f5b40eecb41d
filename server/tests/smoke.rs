//! The `granary` program as a process: its checker child, and one upload from announcement
//! to published revision. Running it here also makes `cargo test` build the program.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use clap::Parser;
use dataset_core::digest::Sha256;
use dataset_core::manifest::Manifest;
use dataset_core::seal::{Recipient, seal};
use parquet::arrow::ArrowWriter;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use server::clock::{Clock, Ids};
use server::config::Config;
use server::serve::{self, Running};
use server::worker::{self, wire::ProbeTask};

const GRANARY: &str = env!("CARGO_BIN_EXE_granary");

/// Stands in cells; must stand nowhere on the node's disk.
const CANARY: &str = "canary-b1c9f2-tweet";

#[derive(Parser)]
struct Args {
    #[command(flatten)]
    config: Config,
}

fn config(folder: &Path, more: &[&str]) -> Config {
    let folder = folder.display().to_string();
    let usual = [
        "test",
        "--data-dir",
        &folder,
        "--worker-program",
        GRANARY,
        "--password-memory-kib",
        "8",
    ];
    Args::parse_from(usual.iter().chain(more)).config
}

#[test]
fn the_checker_is_not_to_be_started_by_hand() {
    let output = Command::new(GRANARY).arg("worker").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(words.contains("started by the node"), "{words}");
}

#[tokio::test]
async fn a_checker_reaches_neither_network_nor_files_nor_programs() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), &[]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let secret = folder.path().join("secret");
    fs::write(&secret, "secret").unwrap();
    let task = ProbeTask {
        connect: Some(listener.local_addr().unwrap().to_string()),
        open: Some(secret.display().to_string()),
        ..ProbeTask::default()
    };
    let (limits, tried) = worker::probe(&config, task).await.unwrap();
    let tried = tried.unwrap();
    for attempt in ["connect", "open", "create", "run"] {
        assert!(tried[attempt].starts_with("denied"), "{attempt}: {tried:?}");
    }
    assert_eq!(tried["thread"], "threads can be started");
    assert_eq!(tried["environment"], "POLARS_MAX_THREADS RAYON_NUM_THREADS");
    for name in [
        "core dumps",
        "not dumpable",
        "data segment",
        "open files",
        "network and processes",
    ] {
        assert!(
            limits
                .iter()
                .any(|limit| limit.name == name && limit.active),
            "{name}: {limits:?}"
        );
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_checker_that_goes_astray_is_ended_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(
        folder.path(),
        &[
            "--worker-memory-bytes",
            "100000000",
            "--worker-seconds",
            "1",
        ],
    );
    let astray = [
        (
            ProbeTask {
                hog: true,
                ..ProbeTask::default()
            },
            "checker_memory",
        ),
        (
            ProbeTask {
                spin: true,
                ..ProbeTask::default()
            },
            "checker_time",
        ),
        (
            ProbeTask {
                abort: true,
                ..ProbeTask::default()
            },
            "checker_died",
        ),
        (
            ProbeTask {
                panic: Some(CANARY.to_owned()),
                ..ProbeTask::default()
            },
            "checker_died",
        ),
    ];
    for (task, code) in astray {
        let (_, ended) = worker::probe(&config, task).await.unwrap();
        let refused = ended.unwrap_err();
        assert_eq!(refused.code, code);
        assert!(!refused.message.contains(CANARY));
    }
}

struct Node {
    running: Running,
    base: String,
    client: Client,
}

impl Node {
    async fn start(folder: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut config = config(folder, &[]);
        config.listen = listener.local_addr().unwrap();
        let clock = Clock::manual("2026-01-01T00:00:00Z".parse().unwrap());
        let ctx = serve::build_ctx(config, clock, Ids::seeded(1)).unwrap();
        let running = serve::start(ctx, listener).await.unwrap();
        let base = format!("http://{}/api/v1", running.address);
        Self {
            running,
            base,
            client: Client::new(),
        }
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        (status, answer.json().await.unwrap_or(Value::Null))
    }

    async fn account(&self, name: &str) -> String {
        let email = format!("{name}@example.org");
        let new = json!({"email": email, "display_name": name, "password": "correct horse"});
        let (status, answer) = self.ask(Method::POST, "/accounts", "", Some(new)).await;
        assert_eq!(status, 201, "{answer}");
        let sign_in = json!({"email": email, "password": "correct horse"});
        let (_, opened) = self.ask(Method::POST, "/sessions", "", Some(sign_in)).await;
        opened["token"].as_str().unwrap().to_owned()
    }

    async fn announce(&self, token: &str, dataset: &str, file: &[u8]) -> Value {
        let new = json!({"file_name": "birds.parquet", "sha256": Sha256::of(file)});
        let path = format!("/datasets/{dataset}/contributions");
        let (status, announced) = self.ask(Method::POST, &path, token, Some(new)).await;
        assert_eq!(status, 201, "{announced}");
        announced
    }

    async fn send(&self, token: &str, id: &str, sealed: Vec<u8>) -> (StatusCode, Value) {
        let path = format!("{}/contributions/{id}/content", self.base);
        let answer = self
            .client
            .put(path)
            .bearer_auth(token)
            .body(sealed)
            .send()
            .await
            .unwrap();
        let status = answer.status();
        (status, answer.json().await.unwrap())
    }

    fn sealed(&self, file: &[u8]) -> Vec<u8> {
        sealed_to(&self.running.ctx.keys.recipient(), file)
    }

    /// Uploads a file and waits for the verdict.
    async fn upload(&self, token: &str, dataset: &str, file: &[u8]) -> Value {
        let announced = self.announce(token, dataset, file).await;
        let id = announced["id"].as_str().unwrap();
        let (status, received) = self.send(token, id, self.sealed(file)).await;
        assert_eq!(status, 200, "{received}");
        let path = format!("/contributions/{id}");
        self.until(&path, token, |view| {
            !["awaiting", "received"].contains(&view["state"].as_str().unwrap())
        })
        .await
    }

    async fn until(&self, path: &str, token: &str, done: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..600 {
            let (_, view) = self.ask(Method::GET, path, token, None).await;
            if done(&view) {
                return view;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{path} did not come to an end");
    }
}

fn sealed_to(recipient: &Recipient, file: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::new();
    seal(&mut &file[..], &mut sealed, std::slice::from_ref(recipient)).unwrap();
    sealed
}

/// Rows `from..to`, each with the canary in a cell.
fn birds(from: i64, to: i64) -> Vec<u8> {
    let ring: ArrayRef = Arc::new(Int64Array::from_iter_values(from..to));
    let song: ArrayRef = Arc::new(StringArray::from_iter_values(
        (from..to).map(|n| format!("{CANARY}-{n}")),
    ));
    let batch = RecordBatch::try_from_iter([("ring", ring), ("song", song)]).unwrap();
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    file
}

/// Every file below a folder that holds these bytes.
fn holders(folder: &Path, needle: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holders(&path, needle));
        } else if fs::read(&path)
            .unwrap()
            .windows(needle.len())
            .any(|window| window == needle)
        {
            found.push(path.display().to_string());
        }
    }
    found
}

fn files_in(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

#[tokio::test]
async fn from_announcement_to_published_revision() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path()).await;
    let (anna, ben) = (node.account("anna").await, node.account("ben").await);
    let new = json!({"title": "Birds", "admission": "open"});
    let (status, dataset) = node.ask(Method::POST, "/datasets", &anna, Some(new)).await;
    assert_eq!(status, 201, "{dataset}");
    let dataset = dataset["id"].as_str().unwrap().to_owned();
    let revisions = format!("/datasets/{dataset}/revisions");

    let (status, early) = node
        .ask(Method::POST, &revisions, &anna, Some(json!({})))
        .await;
    assert_eq!(
        (status.as_u16(), early["code"].as_str()),
        (409, Some("nothing_to_publish"))
    );

    // Anna brings 100 rows, Ben 50 of the same and 30 of his own.
    let first = node.upload(&anna, &dataset, &birds(0, 100)).await;
    assert_eq!(first["state"], "accepted", "{first}");
    assert_eq!(
        (first["receipt_no"].as_i64(), first["rows"].as_i64()),
        (Some(1), Some(100))
    );
    let second = node.upload(&ben, &dataset, &birds(50, 130)).await;
    assert_eq!(
        (second["state"].as_str(), second["receipt_no"].as_i64()),
        (Some("accepted"), Some(2))
    );
    let again = node.announce(&ben, &dataset, &birds(50, 130)).await;
    assert_eq!(
        (&again["already_here"], &again["id"]),
        (&json!(true), &second["id"])
    );

    let first_revision = || Some(json!({"note": "first"}));
    let (status, early) = node
        .ask(Method::POST, &revisions, &anna, first_revision())
        .await;
    assert_eq!(
        (status.as_u16(), early["code"].as_str()),
        (409, Some("licence_missing"))
    );
    let licence = Some(json!({"license": "CC0-1.0"}));
    let path = format!("/datasets/{dataset}");
    let (status, edited) = node.ask(Method::PATCH, &path, &anna, licence).await;
    assert_eq!(status, 200, "{edited}");
    let (status, asked) = node
        .ask(Method::POST, &revisions, &anna, first_revision())
        .await;
    assert_eq!(status, 202, "{asked}");
    let path = format!("/revisions/{}", asked["id"].as_str().unwrap());
    let revision = node
        .until(&path, &anna, |view| view["state"] != "composing")
        .await;
    assert_eq!(revision["state"], "published", "{revision}");
    assert_eq!(revision["rows"], 130);
    let jws = revision["manifest"].as_str().unwrap();
    let manifest = Manifest::verify(jws, node.running.ctx.keys.verify_key()).unwrap();
    assert_eq!(
        manifest.file.sha256.to_string(),
        revision["sha256"].as_str().unwrap()
    );

    // 50 rows of Anna's alone, 30 of Ben's alone, 50 shared by halves: 75 to 55.
    let (_, shares) = node
        .ask(Method::GET, &format!("{path}/shares"), "", None)
        .await;
    let shares: Vec<i64> = shares["shares"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["share"].as_i64().unwrap())
        .collect();
    assert_eq!(shares.iter().sum::<i64>(), 1_000_000_000_000);
    // Qualities are whole parts of 2^32: the last digits are theirs.
    let near = |share: &i64| (share - 576_923_076_923).abs() < 1_000;
    assert!(shares.iter().any(near), "{shares:?}");
    let (status, same) = node
        .ask(Method::POST, &revisions, &anna, Some(json!({})))
        .await;
    assert_eq!(
        (status.as_u16(), same["code"].as_str()),
        (409, Some("nothing_new"))
    );

    // Uploaded after publication: 130 late copies, 5 rows of its own.
    let carl = node.account("carl").await;
    let late = node.upload(&carl, &dataset, &birds(0, 135)).await;
    assert_eq!(late["state"], "accepted", "{late}");
    let (_, asked) = node
        .ask(Method::POST, &revisions, &anna, Some(json!({})))
        .await;
    let path = format!("/revisions/{}", asked["id"].as_str().unwrap());
    let revision = node
        .until(&path, &anna, |view| view["state"] != "composing")
        .await;
    assert_eq!(
        (revision["rows"].as_i64(), revision["number"].as_i64()),
        (Some(135), Some(2)),
        "{revision}"
    );
    let (_, shares) = node
        .ask(Method::GET, &format!("{path}/shares"), "", None)
        .await;
    let part = shares["parts"]
        .as_array()
        .unwrap()
        .iter()
        .find(|part| part["rows_late"] != 0)
        .unwrap();
    assert_eq!(
        (part["rows_late"].as_i64(), part["rows_unique"].as_i64()),
        (Some(130), Some(5))
    );
    assert_eq!(part["late_copies"][0]["receipt_no"], 1);

    node.running.stop().await.unwrap();
    assert_eq!(
        holders(folder.path(), CANARY.as_bytes()),
        Vec::<String>::new()
    );
    assert_eq!(files_in(&folder.path().join("blobs/staging")), 0);
}

#[tokio::test]
async fn what_is_refused_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path()).await;
    let anna = node.account("anna").await;
    let (_, dataset) = node
        .ask(
            Method::POST,
            "/datasets",
            &anna,
            Some(json!({"title": "Birds"})),
        )
        .await;
    let dataset = dataset["id"].as_str().unwrap();

    // The seal itself is refused at once.
    let good = birds(0, 10);
    let announced = node.announce(&anna, dataset, &good).await;
    let id = announced["id"].as_str().unwrap();
    let other = dataset_core::seal::Identity::generate().to_recipient();
    let attacks = [
        (b"hello".to_vec(), "seal_not_age"),
        (
            [&b"age-encryption.org/v1\n-> X25519 "[..], &[b'a'; 1 << 20]].concat(),
            "seal_header_too_large",
        ),
        (
            b"age-encryption.org/v1\n-> scrypt aaaa 22\naaaa\n--- a\n".to_vec(),
            "seal_passphrase_refused",
        ),
        (sealed_to(&other, &good), "seal_wrong_recipient"),
    ];
    for (bytes, code) in attacks {
        let (status, problem) = node.send(&anna, id, bytes).await;
        assert_eq!(
            (status.as_u16(), problem["code"].as_str()),
            (422, Some(code))
        );
    }

    // Everything else is the child's verdict.
    let mut cut = birds(0, 20_000);
    cut.truncate(cut.len() / 2);
    let (_, sealed) = (cut.clone(), node.sealed(&cut));
    let torn = {
        let announced = node.announce(&anna, dataset, &cut).await;
        let id = announced["id"].as_str().unwrap().to_owned();
        let (status, _) = node
            .send(&anna, &id, sealed[..sealed.len() - 9].to_vec())
            .await;
        assert_eq!(status, 200);
        node.until(&format!("/contributions/{id}"), &anna, |view| {
            view["state"] == "rejected"
        })
        .await
    };
    assert_eq!(torn["verdict"]["code"], "seal_truncated", "{torn}");
    let rejected = node.upload(&anna, dataset, &cut).await;
    assert_eq!(
        rejected["verdict"]["code"], "parquet_not_parquet",
        "{rejected}"
    );
    let announced = node.announce(&anna, dataset, b"something else").await;
    let claimed = announced["id"].as_str().unwrap();
    node.send(&anna, claimed, node.sealed(&good)).await;
    let path = format!("/contributions/{claimed}");
    let lied = node
        .until(&path, &anna, |view| view["state"] == "rejected")
        .await;
    assert_eq!(lied["verdict"]["code"], "digest_mismatch");

    assert_eq!(files_in(&folder.path().join("blobs/staging")), 0);
    assert_eq!(files_in(&folder.path().join("blobs/uploads")), 0);
    let (status, _) = node.send(&anna, id, node.sealed(&good)).await;
    assert_eq!(status, 200, "a good upload right after");
    let path = format!("/contributions/{id}");
    let accepted = node
        .until(&path, &anna, |view| view["state"] != "received")
        .await;
    assert_eq!(accepted["state"], "accepted", "{accepted}");
    node.running.stop().await.unwrap();
    assert_eq!(
        holders(folder.path(), CANARY.as_bytes()),
        Vec::<String>::new()
    );
}
