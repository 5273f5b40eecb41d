//! A buyer measures the bought file again, and the node's signed report comes out.

use std::path::Path;
use std::process::{Command, Output};

use schema::wire::SignedReport;
use serde_json::json;

use crate::support::{TestApp, granary, journeys};

journeys!(a_buyer_measures_the_same);

async fn a_buyer_measures_the_same(app: &mut TestApp) {
    let market = app.market(1000).await;
    let buyer = app.buyer(&market, "buyer", 1000).await;
    let bought = buyer.buys(&market.offer).await;
    let bytes = app.download(&buyer, bought.licence_id).await.unwrap();
    let file = app.desk("bought.parquet");
    std::fs::write(&file, &bytes).unwrap();

    let signed = app.visitor.revision_report(market.revision.id).await;
    let signed = signed.unwrap();
    assert_eq!(signed.public_key, app.info.verify_keys[0].public_key);
    assert_eq!(signed.report["rows"], json!(100));
    assert_eq!(
        signed.report["input"]["sha256"],
        json!(market.revision.sha256)
    );
    assert_eq!(signed.report["rules"]["license"], json!("CC0-1.0"));

    let node = app.visitor.node().to_owned();
    let verify = async |report: &SignedReport, file: &Path, node: &str| {
        let path = app.desk("report.json");
        std::fs::write(&path, serde_json::to_vec(report).unwrap()).unwrap();
        assess(&path, file, node).await
    };
    let found = verify(&signed, &file, &node).await;
    assert!(found.status.success(), "{found:?}");
    let said = String::from_utf8(found.stdout).unwrap();
    assert!(said.contains("byte for byte"), "{said}");
    assert!(said.contains(&format!("{} as expected", signed.public_key)));

    // Another file, another grade, another signer.
    let mut other = bytes.clone();
    let last = other.len() - 9;
    other.truncate(last);
    let cut = app.desk("cut.parquet");
    std::fs::write(&cut, other).unwrap();
    let found = verify(&signed, &cut, &node).await;
    assert_eq!(found.status.code(), Some(5), "{found:?}");
    let mut better = signed.clone();
    better.report["q_hundredths"] = json!(10_000);
    let found = verify(&better, &file, &node).await;
    assert_eq!(found.status.code(), Some(5), "{found:?}");
    let key = dataset_core::sign::NodeKey::from_seed(&[7; 32]);
    let report: quality::Report = serde_json::from_value(signed.report.clone()).unwrap();
    let canonical = report.to_canonical_json().unwrap();
    let forged = SignedReport {
        public_key: key.verify_key().to_string(),
        signature: key.sign_jws("granary-quality-report+jws", &canonical),
        ..signed
    };
    let found = verify(&forged, &file, &node).await;
    assert_eq!(found.status.code(), Some(5), "{found:?}");
}

async fn assess(report: &Path, file: &Path, node: &str) -> Output {
    let mut command = Command::new(granary());
    command.arg("assess").arg(file).arg("--verify").arg(report);
    command.args(["--node", node]);
    // The node answers from this process.
    let ran = tokio::task::spawn_blocking(move || command.output());
    ran.await.unwrap().unwrap()
}
