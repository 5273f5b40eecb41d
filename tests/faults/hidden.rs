//! What providers send is nowhere to be read: not in the data folder, not in the journal of
//! the database, not in temporary files, not in logs.

use std::path::Path;
use std::sync::Arc;

use arrow::array::Int64Array;
use schema::wire::*;
use server::client::Client;

use crate::support::Database;
use crate::support::files::{self, parquet, readings_with_remark, with};
use crate::support::people::account;
use crate::support::process::{Home, Process};

/// In every cell of a column of every file; found in no text of this project.
const CANARY: &str = "canary-7f3a91c2-sings";

#[test]
fn cells_are_nowhere_after_accept_reject_and_a_killed_checker() {
    for database in Database::all() {
        let folder = tempfile::tempdir().unwrap();
        let mut home = Home::new(&folder.path().join("home"), database.url());
        home.environment = vec![("RUST_LOG", "debug".to_owned())];
        let desk = tempfile::tempdir().unwrap();
        tokio::runtime::Runtime::new()
            .unwrap()
            .block_on(story(&home, desk.path()));
        let plain = parquet(&readings_with_remark(0..40, CANARY));
        assert!(holds(&plain), "the search would find it");
        let found = search(folder.path());
        assert!(found.is_empty(), "the canary sings in {found:?}");
        assert!(
            std::fs::metadata(&home.log).unwrap().len() > 0,
            "there is a log to search"
        );
        if !database.is_postgres() {
            assert!(
                home.data.join("granary.db").is_file(),
                "there is a database to search"
            );
        }
    }
}

async fn story(home: &Home, desk: &Path) {
    let node = home.start();
    let owner = account(&node, "owner", node.operator_token.clone()).await;
    let dataset = files::published(&owner, &readings_with_remark(0..40, CANARY), desk).await;

    let rows = readings_with_remark(40..80, CANARY);
    let rejected = rows.project(&[0, 1, 3]).unwrap();
    assert_eq!(
        verdict(&owner, dataset, &parquet(&rejected), desk)
            .await
            .state,
        ContributionState::Rejected
    );
    let wild = with(&rows, "hour", Arc::new(Int64Array::from(vec![-1; 40])));
    verdict(&owner, dataset, &parquet(&wild), desk).await;
    killed(&node, &owner, dataset, desk).await;
    // At once, so that nothing is tidied up.
    node.kill();
}

async fn verdict(
    owner: &Client,
    dataset: uuid::Uuid,
    file: &[u8],
    desk: &Path,
) -> ContributionView {
    let sent = files::sent(owner, dataset, file, desk).await.unwrap();
    owner.wait_for_verdict(sent.id, |_| ()).await.unwrap()
}

/// A checker dies in the middle of its work: the file is refused, and not tried again.
async fn killed(node: &Process, owner: &Client, dataset: uuid::Uuid, desk: &Path) {
    let large = parquet(&readings_with_remark(0..300_000, CANARY));
    let sent = files::sent(owner, dataset, &large, desk).await.unwrap();
    // A checker that dies before it was told its task is no verdict about the file.
    let working = |stage: &str| stage.starts_with("checking ") || stage == "rewriting";
    loop {
        let now = owner.contribution(sent.id).await.unwrap();
        assert_eq!(
            now.state,
            ContributionState::Received,
            "it was done before its checker was seen"
        );
        if now.stage.as_deref().is_some_and(working) {
            break;
        }
    }
    for pid in node.children() {
        std::process::Command::new("kill")
            .args(["-9", &pid.to_string()])
            .status()
            .unwrap();
    }
    let verdict = owner.wait_for_verdict(sent.id, |_| ()).await.unwrap();
    assert_eq!(verdict.state, ContributionState::Rejected, "{verdict:?}");
    assert!(owner.contribution_report(sent.id).await.is_err() || verdict.grade.is_none());
}

fn holds(bytes: &[u8]) -> bool {
    bytes
        .windows(CANARY.len())
        .any(|window| window == CANARY.as_bytes())
}

fn search(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for path in std::fs::read_dir(folder)
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
    {
        if path.is_dir() {
            found.extend(search(&path));
        } else if std::fs::read(&path).is_ok_and(|bytes| holds(&bytes)) {
            found.push(path.display().to_string());
        }
    }
    found
}
