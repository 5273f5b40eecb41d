//! A provider uploads, is told what is wrong, and publishes.

use std::sync::Arc;

use arrow::array::{Int64Array, StringArray};
use indicatif::ProgressBar;
use schema::wire::*;
use server::client::upload;

use crate::support::files::{self, integers, parquet, table, with};
use crate::support::people::refused;
use crate::support::{TestApp, journeys, readings};

journeys!(
    uploads_and_publishes,
    a_refusal_names_the_place,
    the_same_file_again_is_already_here,
    what_is_not_as_announced_is_refused
);

async fn uploads_and_publishes(app: &mut TestApp) {
    let owner = app.party("owner").await;
    let dataset = app.dataset(&owner, Admission::Owner).await;
    assert!(
        owner
            .client
            .publish(dataset.id, &NewRevision::default())
            .await
            .is_err(),
        "nothing to publish yet"
    );

    let accepted = app.contribute(&owner, &dataset, &readings(0..100)).await;
    assert_eq!(
        (accepted.rows, accepted.receipt_no, accepted.stage),
        (Some(100), Some(1), None)
    );
    assert_eq!(accepted.letter.as_deref(), Some("A"));
    let report = owner.client.contribution_report(accepted.id).await.unwrap();
    assert!(
        !report.to_string().contains("saw frost"),
        "a report holds no cell: {report}"
    );

    let revision = app.publish(&owner, &dataset).await;
    assert_eq!((revision.number, revision.rows), (1, Some(100)));
    let shares = app.visitor.shares(revision.id).await.unwrap();
    assert_eq!(
        shares
            .shares
            .iter()
            .map(|line| line.share)
            .collect::<Vec<_>>(),
        [1_000_000_000_000]
    );
    assert_eq!(
        (shares.parts[0].rows_kept, shares.parts[0].rows_late),
        (100, 0)
    );

    let seen = app.visitor.dataset(&dataset.slug).await.unwrap();
    assert_eq!(seen.revision.as_ref(), Some(&revision));
    let listed = app.visitor.datasets(Some("weather")).await.unwrap();
    assert_eq!(
        listed.iter().map(|found| found.id).collect::<Vec<_>>(),
        [dataset.id]
    );
    assert_eq!(
        app.visitor.revisions(dataset.id).await.unwrap(),
        std::slice::from_ref(&revision)
    );
    assert_eq!(app.visitor.revision(revision.id).await.unwrap(), revision);
    app.visitor.revision_report(revision.id).await.unwrap();
    assert_eq!(owner.client.my_contributions().await.unwrap().len(), 1);
    assert_eq!(
        owner.client.contributions(dataset.id).await.unwrap().len(),
        1
    );
}

async fn a_refusal_names_the_place(app: &mut TestApp) {
    let owner = app.party("owner").await;
    let dataset = app.dataset(&owner, Admission::Owner).await;
    let rows = readings(0..10);
    let without = rows.project(&[0, 1, 3]).unwrap();
    let mut columns: Vec<_> = rows
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .zip(rows.columns().to_vec())
        .collect();
    columns.push(("wind".to_owned(), Arc::new(Int64Array::from(vec![1; 10]))));
    let more = table(
        columns
            .iter()
            .map(|(name, cells)| (name.as_str(), cells.clone()))
            .collect(),
    );
    let cut = parquet(&rows)[..200].to_vec();
    let cases = [
        ("missing_column", "celsius", parquet(&without)),
        ("column_not_in_contract", "wind", parquet(&more)),
        ("parquet_not_parquet", "", b"PAR1 and nothing else".to_vec()),
        ("parquet_not_parquet", "", cut),
        ("no_rows", "", parquet(&rows.slice(0, 0))),
    ];
    for (code, named, file) in cases {
        let refused = app.send_file(&owner, &dataset, &file).await.unwrap();
        assert_eq!(refused.state, ContributionState::Rejected, "{code}");
        let verdict = refused.verdict.unwrap();
        assert_eq!(verdict.code, code, "{verdict:?}");
        assert!(verdict.message.contains(named), "{verdict:?}");
    }
    // Cells that are wrong are counted, not refused.
    let texts = StringArray::from(vec!["1", "2", "3", "NA", "5", "six", "7", "8", "9", "10"]);
    let dirty = app
        .contribute(&owner, &dataset, &with(&rows, "celsius", Arc::new(texts)))
        .await;
    let report = owner.client.contribution_report(dirty.id).await.unwrap();
    let celsius = report["profile"]
        .as_array()
        .unwrap()
        .iter()
        .find(|column| column["name"] == "celsius")
        .unwrap();
    assert_eq!(
        (&celsius["null_tokens"], &celsius["invalid"]),
        (&1.into(), &1.into()),
        "{celsius}"
    );
}

async fn the_same_file_again_is_already_here(app: &mut TestApp) {
    let owner = app.party("owner").await;
    let dataset = app.dataset(&owner, Admission::Open).await;
    let file = parquet(&readings(0..20));
    let first = app.send_file(&owner, &dataset, &file).await.unwrap();
    let again = app.send_file(&owner, &dataset, &file).await.unwrap();
    assert!(!first.already_here && again.already_here);
    assert_eq!((again.id, again.receipt_no), (first.id, Some(1)));
    // Somebody else's equal file is its own contribution: who was first is decided by receipts.
    let other = app.party("other").await;
    let theirs = app.send_file(&other, &dataset, &file).await.unwrap();
    assert_eq!((theirs.already_here, theirs.receipt_no), (false, Some(2)));
}

async fn what_is_not_as_announced_is_refused(app: &mut TestApp) {
    let owner = app.party("owner").await;
    let dataset = app.dataset(&owner, Admission::Owner).await;
    let announced = NewContribution {
        file_name: "a.parquet".to_owned(),
        sha256: "0".repeat(64),
    };
    let contribution = owner.client.announce(dataset.id, &announced).await.unwrap();
    assert_eq!(contribution.state, ContributionState::Awaiting);
    let sealed = app.seal(&parquet(&readings(0..5)));
    let sent = owner
        .client
        .send_content(contribution.id, sealed.len() as u64, sealed.clone().into())
        .await
        .unwrap();
    assert_eq!(
        sent.sealed_sha256,
        Some(dataset_core::digest::Sha256::of(&sealed).to_string())
    );
    let verdict = owner
        .client
        .wait_for_verdict(contribution.id, |_| ())
        .await
        .unwrap();
    assert_eq!(verdict.verdict.unwrap().code, "digest_mismatch");

    // A seal for somebody else never gets a receipt; a file over the limit never leaves the machine.
    let announced = NewContribution {
        file_name: "b.parquet".to_owned(),
        sha256: "1".repeat(64),
    };
    let contribution = owner.client.announce(dataset.id, &announced).await.unwrap();
    let stranger = dataset_core::seal::Identity::generate().to_recipient();
    let mut foreign = Vec::new();
    dataset_core::seal::seal(&mut &b"secret"[..], &mut foreign, &[stranger]).unwrap();
    let sent = owner
        .client
        .send_content(contribution.id, foreign.len() as u64, foreign.into())
        .await;
    refused(sent, 422, "seal_wrong_recipient");
    let after = owner.client.contribution(contribution.id).await.unwrap();
    assert_eq!(
        (after.state, after.receipt_no),
        (ContributionState::Awaiting, None)
    );
    let small = NodeInfo {
        max_upload_bytes: 100,
        ..app.info.clone()
    };
    std::fs::write(app.desk("big.parquet"), parquet(&readings(0..20))).unwrap();
    let sealed = upload::seal(&app.desk("big.parquet"), &small, &ProgressBar::hidden());
    assert!(matches!(
        sealed,
        Err(server::client::ClientError::TooLarge { limit: 100, .. })
    ));
    assert_eq!(
        integers(&files::rows(&parquet(&readings(3..6))), "hour"),
        [3, 4, 5]
    );
}
