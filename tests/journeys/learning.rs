//! Rows are paid by what a learner gains from them, where the owner keeps rows for trying it.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, StringArray};
use schema::wire::*;
use serde_json::json;

use crate::support::files::table;
use crate::support::{Person, Rows, TestApp, journeys};

journeys!(rows_that_mislead_earn_less);

/// Points of two kinds, far apart; the label is wrong where `lie` says so.
fn points(range: std::ops::Range<usize>, split: &str, lie: impl Fn(usize) -> bool) -> Rows {
    let kind = |n: usize| n % 2;
    let place = |n: usize, axis: usize| {
        let centre = if kind(n) == axis { 10.0 } else { 0.0 };
        centre + ((n * 37 + axis * 11) % 29) as f64 / 10.0 + n as f64 / 1_000.0
    };
    let label = |n: usize| {
        if (kind(n) == 1) == lie(n) {
            "rye"
        } else {
            "oat"
        }
    };
    let column = |axis: usize| -> ArrayRef {
        let places = range.clone().map(|n| place(n, axis));
        Arc::new(Float64Array::from_iter_values(places))
    };
    table(vec![
        ("length", column(0)),
        ("width", column(1)),
        (
            "grain",
            Arc::new(StringArray::from_iter_values(range.clone().map(label))),
        ),
        (
            "split",
            Arc::new(StringArray::from_iter_values(range.clone().map(|_| split))),
        ),
    ])
}

async fn rows_that_mislead_earn_less(app: &mut TestApp) {
    let owner = app.party("owner").await;
    let (honest, liar) = (app.party("honest").await, app.party("liar").await);
    let contract = json!({
        "columns": [
            {"name": "length", "type": "float64"},
            {"name": "width", "type": "float64"},
            {"name": "grain", "type": "string", "domain": ["oat", "rye"]},
            {"name": "split", "type": "string"},
        ],
        "label": "grain",
        "held_out": {"column": "split", "value": "test"},
        "license": "CC0-1.0",
    });
    let new = NewDataset {
        title: "Grains".to_owned(),
        description: String::new(),
        slug: None,
        contract: Some(contract),
        admission: Some(Admission::Open),
        commission_bps: 0,
    };
    let dataset = owner.client.create_dataset(&new).await.unwrap();
    app.contribute(&owner, &dataset, &points(0..40, "test", |_| false))
        .await;
    app.contribute(&honest, &dataset, &points(100..200, "train", |_| false))
        .await;
    // A third of these are mislabelled; half are called test rows, which only the owner may.
    app.contribute(&liar, &dataset, &points(300..350, "train", |n| n % 3 == 0))
        .await;
    app.contribute(&liar, &dataset, &points(350..400, "test", |n| n % 3 == 0))
        .await;
    let revision = app.publish(&owner, &dataset).await;
    let shares = app.visitor.shares(revision.id).await.unwrap();
    let learned = shares.learned.unwrap();
    assert_eq!(
        (learned.train, learned.tests, learned.tests_used),
        (200, 40, 40)
    );
    let utility = |who: &Person| -> Vec<u64> {
        let parts = shares.parts.iter().filter(|part| part.party.id == who.id);
        parts.map(|part| part.utility_ppm).collect()
    };
    assert_eq!(utility(&owner), [1_000_000], "who judges is not judged");
    let of_honest = utility(&honest)[0];
    assert!(of_honest > 1_000_000, "{of_honest}");
    let of_liar = utility(&liar);
    assert!(
        of_liar.iter().all(|lies| *lies < of_honest),
        "{of_liar:?} {of_honest}"
    );
    assert!(
        of_liar.iter().all(|lies| *lies != 1_000_000),
        "both were judged: {of_liar:?}"
    );
    let share = |who: &Person| {
        let line = shares.shares.iter().find(|line| line.party.id == who.id);
        line.unwrap().share
    };
    assert!(share(&liar) < share(&honest));
    // The same contributions weigh the same again.
    let report = app.visitor.revision_report(revision.id).await.unwrap();
    assert_eq!(report.report["rows"], json!(240));
}
