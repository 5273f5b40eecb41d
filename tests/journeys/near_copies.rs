//! Who changes a word in every bought text and sells it again.

use std::sync::Arc;

use arrow::array::StringArray;
use schema::wire::*;
use serde_json::json;

use crate::support::files::{table, with};
use crate::support::people::refused;
use crate::support::{Person, Rows, TestApp, journeys};

journeys!(
    a_changed_word_makes_no_new_text,
    without_near_duplicates_declared_every_text_is_its_own
);

const TEXTS: usize = 30;

/// Texts of 120 words that no other text has.
fn texts(numbers: std::ops::Range<usize>) -> Rows {
    let text = |number: usize| {
        let words = (0..120).map(|at| format!("w{}", number * 1_009 + at));
        words.collect::<Vec<_>>().join(" ")
    };
    let title = |number: usize| format!("text {number}");
    table(vec![
        (
            "title",
            Arc::new(StringArray::from_iter_values(numbers.clone().map(title))),
        ),
        (
            "text",
            Arc::new(StringArray::from_iter_values(numbers.map(text))),
        ),
    ])
}

/// The same texts, another word in the middle of each: 111 of 121 runs of five words are alike.
fn changed(bought: &Rows) -> Rows {
    let texts = bought.column_by_name("text").unwrap();
    let texts = texts.as_any().downcast_ref::<StringArray>().unwrap();
    let change = |text: Option<&str>| {
        let mut words: Vec<&str> = text.unwrap().split(' ').collect();
        words[60] = "stolen";
        words.join(" ")
    };
    let changed = StringArray::from_iter_values(texts.iter().map(change));
    with(bought, "text", Arc::new(changed))
}

async fn market(app: &TestApp, near: bool) -> (Person, Person, DatasetView, RevisionView) {
    app.operator().await;
    let owner = app.party("owner").await;
    let mut contract = json!({
        "columns": [{"name": "title", "type": "string"}, {"name": "text", "type": "string"}],
        "license": "CC0-1.0",
    });
    if near {
        contract["near"] = json!({"columns": ["text"]});
    }
    let new = NewDataset {
        title: "Texts of the owner".to_owned(),
        description: "Made up".to_owned(),
        slug: None,
        contract: Some(contract),
        admission: Some(Admission::Open),
        commission_bps: 0,
    };
    let dataset = owner.client.create_dataset(&new).await.unwrap();
    app.contribute(&owner, &dataset, &texts(0..TEXTS)).await;
    let revision = app.publish(&owner, &dataset).await;
    assert_eq!(revision.rows, Some(TEXTS as i64));
    (owner, app.party("copycat").await, dataset, revision)
}

async fn a_changed_word_makes_no_new_text(app: &mut TestApp) {
    let (owner, copycat, dataset, first) = market(app, true).await;
    let before = app.visitor.shares(first.id).await.unwrap();
    let copies = changed(&texts(0..TEXTS));
    app.contribute(&copycat, &dataset, &copies).await;
    let second = app.publish(&owner, &dataset).await;
    assert_eq!(second.rows, Some(TEXTS as i64), "copies are not delivered");
    let after = app.visitor.shares(second.id).await.unwrap();
    // The copycat earns 0, and the victim weighs what it weighed.
    assert_eq!(after.shares, before.shares);
    let part = of(&after, &copycat);
    assert_eq!((part.rows_unique, part.rows_late), (0, TEXTS as i64));
    assert_eq!(part.late_copies[0].holder.id, owner.id);
    assert_ne!(after.inputs_sha256, before.inputs_sha256);

    // With texts of its own it is paid for those, and the victim still weighs the same.
    app.contribute(&copycat, &dataset, &texts(100..105)).await;
    let third = app.publish(&owner, &dataset).await;
    assert_eq!(third.rows, Some(TEXTS as i64 + 5));
    let shares = app.visitor.shares(third.id).await.unwrap();
    assert_eq!(weight(&shares, &owner), weight(&before, &owner));
    let (own, theirs) = (weight(&shares, &owner), weight(&shares, &copycat));
    assert!(theirs > 0 && theirs * 5 < own, "{theirs} of {own}");

    // Whoever brought a text first keeps it, withdrawn or not; nobody else becomes first.
    let mine = owner.client.contributions(dataset.id).await.unwrap();
    let mine = mine.iter().find(|of| of.party.id == owner.id).unwrap();
    owner.client.withdraw(mine.id).await.unwrap();
    let fourth = app.publish(&owner, &dataset).await;
    assert_eq!(fourth.rows, Some(5));
    let shares = app.visitor.shares(fourth.id).await.unwrap();
    assert_eq!(weight(&shares, &copycat), theirs);
}

async fn without_near_duplicates_declared_every_text_is_its_own(app: &mut TestApp) {
    let (owner, copycat, dataset, _) = market(app, false).await;
    app.contribute(&copycat, &dataset, &changed(&texts(0..TEXTS)))
        .await;
    let second = app.publish(&owner, &dataset).await;
    assert_eq!(second.rows, Some(2 * TEXTS as i64));
    let shares = app.visitor.shares(second.id).await.unwrap();
    assert_eq!(of(&shares, &copycat).rows_unique, TEXTS as i64);
    // The owner says what makes texts alike before the first revision; afterwards it is fixed.
    let patch = DatasetPatch {
        contract: Some(json!({
            "columns": [{"name": "title", "type": "string"}, {"name": "text", "type": "string"}],
            "near": {},
        })),
        ..DatasetPatch::default()
    };
    let answer = owner.client.edit_dataset(dataset.id, &patch).await;
    refused(answer, 409, "contract_published");
}

fn of(shares: &SharesView, who: &Person) -> PartLine {
    let line = shares.parts.iter().find(|line| line.party.id == who.id);
    line.unwrap().clone()
}

fn weight(shares: &SharesView, who: &Person) -> u128 {
    let line = shares.shares.iter().find(|line| line.party.id == who.id);
    line.unwrap().weight.parse().unwrap()
}
