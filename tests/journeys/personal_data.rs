//! What an owner has to say about personal data before anything is published, and what a
//! licence then covers.

use std::sync::Arc;

use arrow::array::{Int64Array, StringArray};
use schema::wire::*;
use serde_json::json;

use crate::support::files::{Rows, table};
use crate::support::people::{eur, refused};
use crate::support::{Person, TestApp, journeys};

journeys!(
    nothing_is_published_before_personal_data_is_declared,
    a_licence_covers_the_class_it_was_sold_for,
    rows_that_stand_out_are_not_published
);

/// Members with an address each; `post` are their districts.
fn members(rows: std::ops::Range<i64>, email: bool) -> Rows {
    let contact = |row: i64| match email {
        true => format!("member{row}@example.org"),
        false => format!("desk {}", row % 9),
    };
    table(vec![
        (
            "member",
            Arc::new(Int64Array::from_iter_values(rows.clone())),
        ),
        (
            "contact",
            Arc::new(StringArray::from_iter_values(rows.clone().map(contact))),
        ),
        (
            "district",
            Arc::new(Int64Array::from_iter_values(rows.map(|row| row % 4))),
        ),
    ])
}

async fn club(owner: &Person, contract: Option<serde_json::Value>) -> DatasetView {
    let new = NewDataset {
        title: "Members of the club".to_owned(),
        description: String::new(),
        slug: None,
        contract,
        admission: None,
        commission_bps: 0,
    };
    owner.client.create_dataset(&new).await.unwrap()
}

fn classes(of: &[(&str, &str)]) -> DatasetPatch {
    DatasetPatch {
        personal: of
            .iter()
            .map(|(c, class)| ((*c).to_owned(), (*class).to_owned()))
            .collect(),
        ..DatasetPatch::default()
    }
}

async fn nothing_is_published_before_personal_data_is_declared(app: &mut TestApp) {
    let owner = app.party("owner").await;
    let dataset = club(&owner, None).await;
    let early = owner
        .client
        .edit_dataset(dataset.id, &classes(&[("contact", "none")]))
        .await;
    refused(early, 409, "no_contract");

    let given = app
        .contribute(&owner, &dataset, &members(0..40, true))
        .await;
    let report = owner
        .client
        .contribution_report(given.id)
        .await
        .unwrap()
        .to_string();
    assert!(report.contains("undeclared_personal_data"), "{report}");
    assert!(
        !report.contains("@example.org"),
        "a report holds no cell: {report}"
    );

    let ask = || async {
        owner
            .client
            .publish(dataset.id, &NewRevision::default())
            .await
    };
    let problem = refused(ask().await, 409, "licence_missing");
    assert!(problem.detail.contains("--licence"), "{problem:?}");
    let licence = DatasetPatch {
        license: Some("CC-BY-4.0".to_owned()),
        ..DatasetPatch::default()
    };
    owner
        .client
        .edit_dataset(dataset.id, &licence)
        .await
        .unwrap();
    let problem = refused(ask().await, 409, "undeclared_personal_data");
    for part in ["contact (e-mail addresses)", "--personal", "sensitive"] {
        assert!(problem.detail.contains(part), "{problem:?}");
    }
    assert!(!problem.detail.contains("district"), "{problem:?}");

    for wrong in [[("nobody", "none")], [("contact", "secret")]] {
        let answer = owner
            .client
            .edit_dataset(dataset.id, &classes(&wrong))
            .await;
        refused(answer, 422, "invalid");
    }
    let said = owner
        .client
        .edit_dataset(dataset.id, &classes(&[("contact", "personal")]))
        .await;
    let contract = said.unwrap().contract.unwrap();
    assert_eq!(contract["columns"][1]["personal"], "personal");
    let revision = app.publish(&owner, &dataset).await;
    assert_eq!(revision.personal_data.as_deref(), Some("personal"));
    let report = app
        .visitor
        .revision_report(revision.id)
        .await
        .unwrap()
        .report
        .to_string();
    assert!(!report.contains("undeclared_personal_data"), "{report}");

    // The columns are fixed now; what is in them may still be said anew.
    owner
        .client
        .edit_dataset(dataset.id, &classes(&[("contact", "sensitive")]))
        .await
        .unwrap();
    let columns = DatasetPatch {
        contract: Some(json!({"columns": [{"name": "other", "type": "int64"}]})),
        ..DatasetPatch::default()
    };
    refused(
        owner.client.edit_dataset(dataset.id, &columns).await,
        409,
        "contract_published",
    );
}

async fn a_licence_covers_the_class_it_was_sold_for(app: &mut TestApp) {
    let operator = app.operator().await;
    let owner = app.party("owner").await;
    let contract = json!({"columns": [
        {"name": "member", "type": "int64"},
        {"name": "contact", "type": "string"},
        {"name": "district", "type": "int64"},
    ], "license": "CC0-1.0"});
    let dataset = club(&owner, Some(contract)).await;
    app.contribute(&owner, &dataset, &members(0..20, false))
        .await;
    let first = app.publish(&owner, &dataset).await;
    assert_eq!(first.personal_data.as_deref(), Some("none"));
    let offer = app.offer(&owner, &dataset, 100).await;
    assert!(offer.terms.get("personal_data").is_none());
    let buyer = app.party("buyer").await;
    app.top_up(&operator, &buyer, 1_000).await;
    let order = buyer.buys(&offer).await;
    app.download(&buyer, order.licence_id).await.unwrap();

    app.contribute(&owner, &dataset, &members(20..60, true))
        .await;
    owner
        .client
        .edit_dataset(dataset.id, &classes(&[("contact", "personal")]))
        .await
        .unwrap();
    let second = app.publish(&owner, &dataset).await;
    assert_eq!(second.personal_data.as_deref(), Some("personal"));

    // The first revision is delivered as before, the graver one is not.
    let (_, recipient_id) = buyer.recipient().await;
    let ask = |revision| DownloadRequest {
        recipient_id,
        revision_id: Some(revision),
    };
    buyer
        .client
        .download_url(order.licence_id, &ask(first.id))
        .await
        .unwrap();
    let answer = buyer
        .client
        .download_url(order.licence_id, &ask(second.id))
        .await;
    let problem = refused(answer, 403, "licence_personal_data_not_covered");
    assert_eq!(problem.clause.as_deref(), Some("personal_data"));

    // Nor is the old offer sold any more, or a new one made that hides it.
    let again = buyer
        .client
        .buy("again", &crate::support::market::order(&offer))
        .await;
    refused(again, 409, "terms_understate_personal_data");
    let hiding = NewOffer {
        price: eur(100),
        template: None,
        terms: Some({
            let mut terms = offer.terms.clone();
            terms["personal_data"] = json!("pseudonymous");
            terms
        }),
        dry_run: false,
    };
    refused(
        owner.client.offer(dataset.id, &hiding).await,
        422,
        "terms_understate_personal_data",
    );
    let honest = app.offer(&owner, &dataset, 100).await;
    assert_eq!(honest.terms["personal_data"], "personal");
    let clause = honest
        .clauses
        .iter()
        .find(|clause| clause.clause == "personal_data")
        .unwrap();
    assert!(clause.text.contains("persons who can be named") && clause.strength == "enforced");
    let order = buyer.buys(&honest).await;
    assert!(
        !app.download(&buyer, order.licence_id)
            .await
            .unwrap()
            .is_empty()
    );
}

async fn rows_that_stand_out_are_not_published(app: &mut TestApp) {
    let owner = app.party("owner").await;
    let contract = |k: u32| {
        json!({"columns": [
            {"name": "member", "type": "int64"},
            {"name": "contact", "type": "string"},
            {"name": "district", "type": "int64"},
        ], "license": "CC0-1.0", "quasi_identifiers": ["district"], "k_anonymity": k})
    };
    // 42 members in 4 districts: 11, 11, 10 and 10.
    let dataset = club(&owner, Some(contract(11))).await;
    app.contribute(&owner, &dataset, &members(0..42, false))
        .await;
    let asked = owner
        .client
        .publish(dataset.id, &NewRevision::default())
        .await
        .unwrap();
    let revision = owner.client.wait_for_revision(asked.id).await.unwrap();
    assert_eq!(revision.state, "failed");
    let failure = revision.failure.unwrap();
    for part in [
        "k_anonymity",
        "20 rows",
        "district",
        "the smallest group has 10",
    ] {
        assert!(failure.contains(part), "{failure}");
    }
    let looser = DatasetPatch {
        contract: Some(contract(10)),
        ..DatasetPatch::default()
    };
    owner
        .client
        .edit_dataset(dataset.id, &looser)
        .await
        .unwrap();
    assert_eq!(app.publish(&owner, &dataset).await.number, 1);
}
