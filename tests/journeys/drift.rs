//! What has changed since the last revision stands in the report of new rows.

use serde_json::Value;

use crate::support::{TestApp, journeys, readings};

journeys!(new_rows_are_compared_with_the_current_revision);

fn drift(report: &Value) -> Option<&Value> {
    let sections = report["sections"].as_array()?;
    sections.iter().find(|section| section["name"] == "drift")
}

async fn new_rows_are_compared_with_the_current_revision(app: &mut TestApp) {
    let market = app.market(1_000).await;
    let (owner, dataset) = (&market.owner, &market.dataset);
    let report = |id| async move { owner.client.contribution_report(id).await.unwrap() };
    let more = app.contribute(owner, dataset, &readings(0..500)).await;
    let told = report(more.id).await;
    let found = drift(&told).expect("a revision stands already");
    assert!(
        found["summary"]
            .as_str()
            .unwrap()
            .starts_with("Against revision 1 ("),
        "{found}"
    );
    let lines = found["rows"].as_array().unwrap().iter();
    let names: Vec<&str> = lines.filter_map(|line| line[0]["text"].as_str()).collect();
    assert!(names.contains(&"celsius"), "{names:?}");
    let second = app.publish(owner, dataset).await;
    assert_eq!(second.number, 2);
    let told = owner.client.revision_report(second.id).await.unwrap();
    assert!(
        drift(&told.report).is_none(),
        "a buyer measures the report again from the file alone"
    );
    let third = app.contribute(owner, dataset, &readings(500..600)).await;
    let told = report(third.id).await;
    let found = drift(&told).expect("compared with the newest");
    assert!(
        found["summary"]
            .as_str()
            .unwrap()
            .starts_with("Against revision 2 ("),
        "{found}"
    );
}
