//! A node is put back from its backup, and nothing is missing.

use schema::wire::*;

use crate::support::market::order;
use crate::support::people::{account, eur, sign_in};
use crate::support::process::Home;
use crate::support::{Database, files, outside, readings};

#[test]
fn a_restored_node_has_the_same_books_and_files() {
    for (from, to) in Database::all().into_iter().zip(Database::all()) {
        if from.is_postgres()
            && outside::program("pg_dump", "apt-get install postgresql-client").is_none()
        {
            continue;
        }
        tokio::runtime::Runtime::new()
            .unwrap()
            .block_on(goes_and_comes_back(&from, &to));
    }
}

async fn goes_and_comes_back(from: &Database, to: &Database) {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::new(&folder.path().join("a"), from.url());
    let node = home.start();
    let operator = account(&node, "operator", node.operator_token.clone()).await;
    let owner = account(&node, "owner", None).await;
    let dataset = files::published(&owner, &readings(0..30), folder.path()).await;
    let template = Some("open".to_owned());
    let offer = NewOffer {
        price: eur(990),
        template,
        terms: None,
        dry_run: false,
    };
    let offer = owner.offer(dataset, &offer).await.unwrap().offer.unwrap();
    let top_up = NewTopUp {
        party: "owner".to_owned(),
        amount: eur(990),
        reference: "transfer".to_owned(),
    };
    operator.top_up("t", &top_up).await.unwrap();
    let bought = owner.buy("b", &order(&offer)).await.unwrap();
    operator
        .settle("s", &NewSettlement::default())
        .await
        .unwrap();
    let books = operator.trial_balance().await.unwrap();
    let info = node.client().node_info().await.unwrap();

    // While the node runs.
    let copy = folder.path().join("copy");
    outside::run(home.command("backup").arg("--to").arg(&copy));
    node.kill();

    let home = Home::new(&folder.path().join("b"), to.url());
    outside::run(home.command("restore").arg("--from").arg(&copy));
    let node = home.start_with_operator();
    assert_eq!(
        node.client().node_info().await.unwrap().recipient,
        info.recipient
    );
    let operator = sign_in(&node, "operator").await;
    assert_eq!(operator.trial_balance().await.unwrap(), books);
    assert_eq!(operator.ledger_verify().await.unwrap(), []);
    let owner = sign_in(&node, "owner").await;
    let licence = owner.licence(bought.licence_id).await.unwrap();
    files::downloaded(&owner, licence.id, folder.path()).await;
    // It goes on: the next sale continues the books.
    operator.top_up("t2", &top_up).await.unwrap();
    owner.buy("b2", &order(&offer)).await.unwrap();
    assert_eq!(operator.ledger_verify().await.unwrap(), []);
    node.kill();
    // Nothing is ever overwritten.
    let again = home
        .command("restore")
        .arg("--from")
        .arg(&copy)
        .output()
        .unwrap();
    assert!(!again.status.success(), "{}", outside::text(&again));
}
