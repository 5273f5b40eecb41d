//! The one who runs the node.

use schema::wire::*;
use serde_json::json;

use crate::support::people::{PASSWORD, eur, refused};
use crate::support::{Person, TestApp, journeys};

journeys!(
    money_comes_in_once,
    a_forgotten_password_is_reset,
    the_books_are_open_to_the_operator
);

async fn money_comes_in_once(app: &mut TestApp) {
    let operator = app.operator().await;
    let party = app.party("party").await;
    let top_up = |minor| NewTopUp {
        party: party.email.clone(),
        amount: eur(minor),
        reference: "transfer 1".to_owned(),
    };
    refused(
        party.client.top_up("mine", &top_up(1)).await,
        404,
        "not_found",
    );
    let done = operator.client.top_up("t1", &top_up(700)).await.unwrap();
    assert_eq!((done.party.id, &done.balance), (party.id, &eur(700)));
    assert_eq!(
        operator.client.top_up("t1", &top_up(700)).await.unwrap(),
        done
    );
    refused(
        operator.client.top_up("t1", &top_up(701)).await,
        409,
        "idempotency_conflict",
    );
    for wrong in [0, -5] {
        assert!(operator.client.top_up("t2", &top_up(wrong)).await.is_err());
    }
    let points = NewTopUp {
        amount: Amount {
            minor: 5,
            currency: "PTS".to_owned(),
        },
        ..top_up(5)
    };
    refused(
        operator.client.top_up("t3", &points).await,
        422,
        "unknown_currency",
    );
    let yen = NewTopUp {
        amount: Amount {
            minor: 5,
            currency: "JPY".to_owned(),
        },
        ..top_up(5)
    };
    operator.client.top_up("t4", &yen).await.unwrap();
    assert_eq!(party.client.wallet().await.unwrap().balances.len(), 2);
}

async fn a_forgotten_password_is_reset(app: &mut TestApp) {
    let operator = app.operator().await;
    let party = app.party("party").await;
    let issue = async |who: &Person| {
        app.call(
            "POST /api/v1/admin/parties/{}/password-resets",
            &[&party.id],
            Some(&who.token),
            None,
        )
        .await
    };
    assert_eq!(issue(&party).await.0, 404);
    let (status, link) = issue(&operator).await;
    assert_eq!(status, 201, "{link}");
    let body = json!({"token": link["token"], "password": "quite another password"});
    let (status, _) = app
        .call("POST /api/v1/password-resets", &[], None, Some(&body))
        .await;
    assert_eq!(status, 204);
    let (status, again) = app
        .call("POST /api/v1/password-resets", &[], None, Some(&body))
        .await;
    assert_eq!(
        (status.as_u16(), &again["code"]),
        (410, &json!("link_ended"))
    );
    refused(party.client.me().await, 401, "credential_ended");
    let old = SignIn {
        email: party.email.clone(),
        password: PASSWORD.to_owned(),
    };
    assert!(app.visitor.sign_in(&old).await.is_err());
    app.sign_in(&party.email, "quite another password").await;
}

async fn the_books_are_open_to_the_operator(app: &mut TestApp) {
    let market = app.market(1000).await;
    let buyer = app.buyer(&market, "buyer", 1000).await;
    buyer.buys(&market.offer).await;
    refused(buyer.client.trial_balance().await, 404, "not_found");
    refused(
        buyer.client.ledger_export("hledger").await,
        404,
        "not_found",
    );
    refused(buyer.client.ledger_verify().await, 404, "not_found");
    let balance = market.operator.client.trial_balance().await.unwrap();
    assert!(balance.books.iter().all(|book| book.total == 0));
    assert!(
        market
            .operator
            .client
            .ledger_export("hledger")
            .await
            .unwrap()
            .contains("PlatformFee")
    );
    assert_eq!(market.operator.client.ledger_verify().await.unwrap(), []);
}
