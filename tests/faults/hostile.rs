//! Twelve hostile files against a running node. Each is refused with its code in time, the
//! node is the same process as before, holds hardly more memory, and has nothing left of it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use dataset_core::digest::Sha256;
use dataset_core::seal;
use schema::wire::*;
use serde_json::Value;
use server::client::{Client, ClientError};

use crate::support::people::account;
use crate::support::process::{Home, Process};
use crate::support::{files, readings};
use crate::tidy::root;

#[path = "../../dataset-core/tests/support/hostile.rs"]
mod builders;

/// Longest time to a refusal.
const IN_TIME: Duration = Duration::from_secs(30);
/// Most memory the node may hold more than before.
const GROWTH: u64 = 256 << 20;

/// Files of other projects' test suites that must be refused.
const DAMAGED: [(&str, &str); 5] = [
    ("ARROW-GH-41317.parquet", "unsupported_column_type"),
    ("ARROW-RS-GH-6229-DICTHEADER.parquet", "parquet_range"),
    ("PARQUET-1481.parquet", "parquet_corrupt"),
    ("datapage_v1-corrupt-checksum.parquet", "parquet_corrupt"),
    ("uniform_encryption.parquet.encrypted", "parquet_encrypted"),
];

struct Attack {
    name: String,
    code: &'static str,
    /// Sent as they are.
    sealed: Vec<u8>,
    digest: Sha256,
}

fn attacks(node: &NodeInfo) -> Vec<Attack> {
    let seal = |bytes: &[u8]| {
        let mut sealed = Vec::new();
        seal::seal(
            &mut &bytes[..],
            &mut sealed,
            &[node.recipient.parse().unwrap()],
        )
        .unwrap();
        sealed
    };
    let folder = root().join("dataset-core/tests/badparquet");
    let damaged = DAMAGED.iter().map(|(name, code)| {
        (
            (*name).to_owned(),
            *code,
            std::fs::read(folder.join(name)).unwrap(),
        )
    });
    let wanted = [
        "rle-bomb",
        "list-of-2-31",
        "nested-100000",
        "lying-row-count",
    ];
    let built = builders::parquet_files()
        .into_iter()
        .filter(|file| wanted.contains(&file.name));
    let built = built.map(|file| (file.name.to_owned(), file.code, file.bytes));
    let mut all: Vec<Attack> = damaged
        .chain(built)
        .map(|(name, code, bytes)| Attack {
            name,
            code,
            sealed: seal(&bytes),
            digest: Sha256::of(&bytes),
        })
        .collect();
    let good = files::parquet(&readings(0..20_000));
    let seals = builders::seals(&seal(&good)).into_iter();
    all.extend(seals.map(|file| Attack {
        name: file.name.to_owned(),
        code: file.code,
        sealed: file.bytes,
        digest: Sha256::of(&good),
    }));
    assert_eq!(all.len(), 12);
    all
}

#[test]
fn twelve_hostile_files_are_refused_and_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::new(&folder.path().join("home"), None);
    tokio::runtime::Runtime::new()
        .unwrap()
        .block_on(attacked(&home, folder.path()));
}

async fn attacked(home: &Home, desk: &Path) {
    let mut node = home.start();
    let owner = account(&node, "owner", node.operator_token.clone()).await;
    let dataset = open_dataset(&owner, "Good", Some(files::contract())).await;
    // What a good file costs is not what an attack costs.
    let first = files::sent(&owner, dataset, &files::parquet(&readings(0..50)), desk)
        .await
        .unwrap();
    owner.wait_for_verdict(first.id, |_| ()).await.unwrap();
    let info = owner.node_info().await.unwrap();
    let (before, mut kept) = (node.resident(), blobs(&home.data));
    for (number, attack) in attacks(&info).into_iter().enumerate() {
        let started = Instant::now();
        // Without a contract, so that the file itself is looked at and not only its columns.
        let target = open_dataset(&owner, &attack.name, None).await;
        let code = refusal(&owner, target, &attack).await;
        assert_eq!(code, attack.code, "{}", attack.name);
        assert!(
            started.elapsed() <= IN_TIME,
            "{} took {:?}",
            attack.name,
            started.elapsed()
        );
        assert!(node.alive(), "{} ended the node", attack.name);
        assert!(
            node.resident() < before + GROWTH,
            "{} left {} bytes",
            attack.name,
            node.resident() - before
        );
        nothing_left(&node, home, &kept, &attack.name);
        let from = 1_000 + 50 * number as i64;
        let good = files::sent(
            &owner,
            dataset,
            &files::parquet(&readings(from..from + 50)),
            desk,
        )
        .await
        .unwrap();
        let verdict = owner.wait_for_verdict(good.id, |_| ()).await.unwrap();
        assert_eq!(
            verdict.state,
            ContributionState::Accepted,
            "after {}: {verdict:?}",
            attack.name
        );
        owner.withdraw(good.id).await.unwrap();
        // A withdrawal leaves its tombstone.
        kept = blobs(&home.data);
    }
}

async fn open_dataset(owner: &Client, title: &str, contract: Option<Value>) -> uuid::Uuid {
    let new = NewDataset {
        title: title.to_owned(),
        description: String::new(),
        slug: None,
        contract,
        admission: None,
        commission_bps: 0,
    };
    owner.create_dataset(&new).await.unwrap().id
}

/// The code of the refusal: at the door for a bad seal, else as the verdict.
async fn refusal(owner: &Client, dataset: uuid::Uuid, attack: &Attack) -> String {
    let new = NewContribution {
        file_name: attack.name.clone(),
        sha256: attack.digest.to_string(),
    };
    let announced = owner.announce(dataset, &new).await.unwrap();
    let body = attack.sealed.clone();
    match owner
        .send_content(announced.id, body.len() as u64, body.into())
        .await
    {
        Ok(_) => {
            let verdict = owner.wait_for_verdict(announced.id, |_| ()).await.unwrap();
            assert_eq!(
                verdict.state,
                ContributionState::Rejected,
                "{}",
                attack.name
            );
            verdict.verdict.unwrap().code
        }
        Err(ClientError::Refused(problem)) => {
            let now = owner.contribution(announced.id).await.unwrap();
            assert_eq!(
                (now.state, now.receipt_no),
                (ContributionState::Awaiting, None),
                "{}: half a row",
                attack.name
            );
            problem.code
        }
        Err(other) => panic!("{}: {other:?}", attack.name),
    }
}

fn nothing_left(node: &Process, home: &Home, kept: &[PathBuf], name: &str) {
    assert!(node.children().is_empty(), "{name} left a child");
    let now = blobs(&home.data);
    let new: Vec<_> = now.iter().filter(|file| !kept.contains(file)).collect();
    assert!(new.is_empty(), "{name} left {new:?}");
    let temporary = std::fs::read_dir(home.data.parent().unwrap())
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name());
    let temporary: Vec<_> = temporary
        .filter(|file| file != "node" && file != "node.log")
        .collect();
    assert!(temporary.is_empty(), "{name} left {temporary:?}");
}

/// Every file of the node but its database, lock and keys.
fn blobs(data: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(data)
        .unwrap()
        .flatten()
        .map(|entry| entry.path());
    entries
        .filter(|path| {
            path.is_dir()
                || !path
                    .file_name()
                    .unwrap()
                    .to_string_lossy()
                    .starts_with("granary.db")
        })
        .flat_map(|path| {
            if path.is_dir() {
                blobs(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}
