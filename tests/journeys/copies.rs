//! Rows of another owner's dataset are recognised, whatever was done to them.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, RecordBatch};
use arrow::datatypes::Float64Type;
use schema::wire::*;
use serde_json::{Value, json};

use crate::support::files::{contract, table};
use crate::support::{Person, Rows, TestApp, journeys, readings};

journeys!(
    a_disguised_copy_is_named_and_not_published,
    what_was_only_in_part_copied_is_told_and_cleared,
    own_rows_and_rows_of_the_same_pool_are_nobodys_copies
);

/// Other names, another order of columns, other decimals.
fn disguised(rows: &Rows) -> Rows {
    let column = |name: &str| rows.column_by_name(name).unwrap().clone();
    let celsius = column("celsius");
    let celsius = celsius.as_primitive::<Float64Type>();
    let moved: Float64Array = celsius.iter().map(|c| c.map(|c| c * 1.000_001)).collect();
    table(vec![
        ("note", column("remark")),
        ("temperature", Arc::new(moved) as ArrayRef),
        ("t", column("hour")),
        ("site", column("station")),
    ])
}

fn joined(parts: &[Rows]) -> Rows {
    arrow::compute::concat_batches(&parts[0].schema(), parts).unwrap()
}

/// What the disguised rows agree on.
fn disguised_contract() -> Value {
    json!({
        "columns": [
            {"name": "note", "type": "string", "optional": true},
            {"name": "temperature", "type": "float64"},
            {"name": "t", "type": "int64"},
            {"name": "site", "type": "string"},
        ],
        "license": "CC0-1.0",
    })
}

/// A dataset with this contract, open to everybody.
async fn dataset_of(owner: &Person, contract: Value) -> DatasetView {
    let new = NewDataset {
        title: format!("Data of {}", owner.handle),
        description: String::new(),
        slug: None,
        contract: Some(contract),
        admission: Some(Admission::Open),
        commission_bps: 0,
    };
    owner.client.create_dataset(&new).await.unwrap()
}

async fn refused_publishing(owner: &Person, dataset: &DatasetView) -> String {
    let answer = owner
        .client
        .publish(dataset.id, &NewRevision::default())
        .await;
    let refusal = answer.unwrap_err();
    assert_eq!(refusal.code(), Some("stands_elsewhere"), "{refusal:?}");
    refusal.to_string()
}

async fn a_disguised_copy_is_named_and_not_published(app: &mut TestApp) {
    let market = app.market(1000).await;
    let copier = app.party("copier").await;
    let dataset = dataset_of(&copier, disguised_contract()).await;
    let copy = disguised(&readings(0..100));
    let verdict = app.contribute(&copier, &dataset, &copy).await;
    let [found] = verdict.overlaps.as_slice() else {
        panic!("{:?}", verdict.overlaps)
    };
    assert_eq!(
        (found.measure.as_str(), found.share_ppm, found.margin_ppm),
        ("loose", 1_000_000, 0)
    );
    assert_eq!(found.dataset.as_ref(), Some(&market.dataset.title));
    assert_eq!(Some(found.first_receipt), market.contribution.receipt_no);
    assert!(found.gate && found.cleared_at.is_none());
    assert!(
        found.text.starts_with("100 % of this already stands in"),
        "{}",
        found.text
    );
    let words = refused_publishing(&copier, &dataset).await;
    assert!(words.contains("Weather of owner"), "{words}");
    // Without it there is something to publish.
    copier.client.withdraw(verdict.id).await.unwrap();
    app.contribute(&copier, &dataset, &disguised(&readings(5_000..5_100)))
        .await;
    assert_eq!(app.publish(&copier, &dataset).await.rows, Some(100));
}

async fn what_was_only_in_part_copied_is_told_and_cleared(app: &mut TestApp) {
    let market = app.market(1000).await;
    let curator = app.party("curator").await;
    let dataset = dataset_of(&curator, contract()).await;
    let mixed = joined(&[readings(0..81), readings(700..719)]);
    let verdict = app.contribute(&curator, &dataset, &mixed).await;
    let shares: Vec<(&str, i32)> = verdict
        .overlaps
        .iter()
        .map(|found| (found.measure.as_str(), found.share_ppm))
        .collect();
    assert_eq!(
        &shares[..2],
        [("loose", 810_000), ("rows", 810_000)],
        "{shares:?}"
    );
    assert!(
        verdict.overlaps[1]
            .text
            .starts_with("81 % of this already stands in")
    );
    refused_publishing(&curator, &dataset).await;
    let why = NewClearance {
        reason: "Both have it from the same open source.".to_owned(),
    };
    let stranger = app.party("stranger").await;
    for nobody in [&stranger, &curator, &market.owner] {
        assert!(nobody.client.clear(verdict.id, &why).await.is_err());
    }
    let cleared = market
        .operator
        .client
        .clear(verdict.id, &why)
        .await
        .unwrap();
    assert!(
        cleared
            .overlaps
            .iter()
            .all(|found| !found.gate || found.cleared_at.is_some())
    );
    assert_eq!(app.publish(&curator, &dataset).await.rows, Some(100));
    // What is contained in a small part is told and does no harm.
    let little = joined(&[readings(0..10), readings(900..990)]);
    let verdict = app
        .contribute(&stranger, &dataset_of(&stranger, contract()).await, &little)
        .await;
    assert!(!verdict.overlaps.is_empty());
    assert!(
        verdict.overlaps.iter().all(|found| !found.gate),
        "{:?}",
        verdict.overlaps
    );
}

async fn own_rows_and_rows_of_the_same_pool_are_nobodys_copies(app: &mut TestApp) {
    let market = app.market(1000).await;
    // Somebody has copied them meanwhile; they are the owner's still.
    let copier = app.party("copier").await;
    let taken = dataset_of(&copier, contract()).await;
    let copied = app.contribute(&copier, &taken, &readings(0..100)).await;
    assert!(!copied.overlaps.is_empty());
    let second = dataset_of(&market.owner, contract()).await;
    let own = app
        .contribute(&market.owner, &second, &readings(0..100))
        .await;
    assert!(own.overlaps.is_empty(), "{:?}", own.overlaps);
    app.publish(&market.owner, &second).await;
    let other = app.party("other").await;
    let pooled = app
        .contribute(&other, &market.dataset, &readings(50..150))
        .await;
    assert!(pooled.overlaps.is_empty(), "priced by the weights");
    // A party that brought rows to a pool may bring them to another owner's, too.
    let own_pool = dataset_of(&app.party("third").await, contract()).await;
    let again = app.contribute(&other, &own_pool, &readings(100..150)).await;
    assert!(again.overlaps.is_empty(), "{:?}", again.overlaps);
    let strange: RecordBatch = readings(10_000..10_050);
    let fresh = app.contribute(&other, &own_pool, &strange).await;
    assert!(fresh.overlaps.is_empty(), "{:?}", fresh.overlaps);
}
