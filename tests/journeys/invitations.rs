//! Who may contribute: the owner, the invited, or everybody.

use schema::wire::*;

use crate::support::people::refused;
use crate::support::{TestApp, journeys, readings};

journeys!(only_the_invited_contribute);

fn announced() -> NewContribution {
    NewContribution {
        file_name: "a.parquet".to_owned(),
        sha256: "a".repeat(64),
    }
}

async fn only_the_invited_contribute(app: &mut TestApp) {
    let owner = app.party("owner").await;
    let guest = app.party("guest").await;
    let dataset = app.dataset(&owner, Admission::Invited).await;
    refused(
        guest.client.announce(dataset.id, &announced()).await,
        404,
        "not_found",
    );
    app.contribute(&owner, &dataset, &readings(0..10)).await;
    app.publish(&owner, &dataset).await;
    // Published: seen by everybody, and the reason is said.
    refused(
        guest.client.announce(dataset.id, &announced()).await,
        403,
        "not_admitted",
    );
    let invite = DatasetPatch {
        invite: vec![guest.handle.clone()],
        ..DatasetPatch::default()
    };
    refused(
        guest.client.edit_dataset(dataset.id, &invite).await,
        404,
        "not_found",
    );
    owner
        .client
        .edit_dataset(dataset.id, &invite)
        .await
        .unwrap();
    app.contribute(&guest, &dataset, &readings(10..20)).await;
    let unknown = DatasetPatch {
        invite: vec!["nobody".to_owned()],
        ..DatasetPatch::default()
    };
    let problem = refused(
        owner.client.edit_dataset(dataset.id, &unknown).await,
        422,
        "invalid",
    );
    assert_eq!(problem.clause.as_deref(), Some("invite"));

    let renamed = DatasetPatch {
        title: Some("Other weather".to_owned()),
        admission: Some(Admission::Open),
        ..DatasetPatch::default()
    };
    let now = owner
        .client
        .edit_dataset(dataset.id, &renamed)
        .await
        .unwrap();
    assert_eq!(
        (now.title.as_str(), now.admission),
        ("Other weather", Admission::Open)
    );
    app.party("stranger")
        .await
        .client
        .announce(dataset.id, &announced())
        .await
        .unwrap();
}
