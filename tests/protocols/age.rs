//! The stock `age` command opens what we deliver, and what it seals we take.

use std::process::Command;

use dataset_core::digest::Sha256;
use dataset_core::seal::Identity;
use schema::wire::*;

use crate::support::files::{self, parquet};
use crate::support::outside::{program, run};
use crate::support::{Database, TestApp, app, readings};

const INSTALL: &str = "apt-get install age";

#[test]
fn age_opens_a_delivery_and_seals_an_upload() {
    if program("age", INSTALL).is_some() && program("age-keygen", INSTALL).is_some() {
        app::run(Database::sqlite(), opens_and_seals);
    }
}

async fn opens_and_seals(app: &mut TestApp) {
    let market = app.market(100).await;
    let key_file = app.desk("key.txt");
    run(Command::new("age-keygen").arg("-o").arg(&key_file));
    let key = std::fs::read_to_string(&key_file).unwrap();
    let key: Identity = key.lines().last().unwrap().parse().unwrap();
    let buyer = app.buyer(&market, "buyer", 100).await;
    let bought = buyer.buys(&market.offer).await;
    let new = NewRecipient {
        recipient: key.to_recipient().to_string(),
        label: "age".to_owned(),
    };
    let recipient_id = buyer.client.add_recipient(&new).await.unwrap().id;
    let ask = DownloadRequest {
        recipient_id,
        revision_id: None,
    };
    let link = buyer
        .client
        .download_url(bought.licence_id, &ask)
        .await
        .unwrap();
    let sealed = app
        .http
        .get(&link.url)
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    let (file, opened) = (app.desk("bought.age"), app.desk("bought.parquet"));
    std::fs::write(&file, &sealed).unwrap();
    run(Command::new("age")
        .arg("--decrypt")
        .arg("-i")
        .arg(&key_file)
        .arg("-o")
        .arg(&opened)
        .arg(&file));
    let opened = std::fs::read(&opened).unwrap();
    assert_eq!(Sha256::of(&opened).to_string(), link.sha256);
    assert_eq!(files::rows(&opened).num_rows(), 100);

    let (plain, sealed) = (app.desk("mine.parquet"), app.desk("mine.age"));
    let file = parquet(&readings(200..240));
    std::fs::write(&plain, &file).unwrap();
    run(Command::new("age")
        .args(["--encrypt", "-r", &app.info.recipient, "-o"])
        .arg(&sealed)
        .arg(&plain));
    let new = NewContribution {
        file_name: "mine.parquet".to_owned(),
        sha256: Sha256::of(&file).to_string(),
    };
    let announced = buyer
        .client
        .announce(market.dataset.id, &new)
        .await
        .unwrap();
    let sealed = std::fs::read(&sealed).unwrap();
    buyer
        .client
        .send_content(announced.id, sealed.len() as u64, sealed.into())
        .await
        .unwrap();
    let verdict = buyer
        .client
        .wait_for_verdict(announced.id, |_| ())
        .await
        .unwrap();
    assert_eq!(
        (verdict.state, verdict.rows),
        (ContributionState::Accepted, Some(40)),
        "{verdict:?}"
    );
}
