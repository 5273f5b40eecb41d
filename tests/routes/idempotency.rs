//! Equal requests have one effect, however many come at once.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use reqwest::Method;
use schema::wire::*;
use serde_json::json;

use crate::support::market::order;
use crate::support::people::{eur, refused};
use crate::support::{TestApp, journeys};

journeys!(
    fifty_equal_requests_have_one_effect,
    a_key_belongs_to_its_request_and_its_party
);

async fn fifty_equal_requests_have_one_effect(app: &mut TestApp) {
    let market = app.market(1000).await;
    let buyer = app.buyer(&market, "buyer", 10_000).await;
    let order = order(&market.offer);
    let bought = join_all((0..50).map(|_| buyer.client.buy("one", &order))).await;
    let ids: BTreeSet<_> = bought
        .into_iter()
        .map(|answer| answer.unwrap().id)
        .collect();
    assert_eq!(
        (ids.len(), buyer.client.orders().await.unwrap().len()),
        (1, 1)
    );
    assert_eq!(buyer.client.wallet().await.unwrap().balances, [eur(9000)]);

    let id = ids.into_iter().next().unwrap();
    let back = NewRefund {
        amount: eur(10),
        reason: "r".to_owned(),
    };
    let refunds = join_all((0..50).map(|_| market.owner.client.refund(id, "back", &back))).await;
    let refunds: BTreeSet<_> = refunds
        .into_iter()
        .map(|answer| answer.unwrap().id)
        .collect();
    assert_eq!(refunds.len(), 1);
    let top_up = NewTopUp {
        party: "buyer".to_owned(),
        amount: eur(5),
        reference: "t".to_owned(),
    };
    for answer in join_all((0..50).map(|_| market.operator.client.top_up("t", &top_up))).await {
        answer.unwrap();
    }
    let settlement = NewSettlement::default();
    let settled = join_all((0..50).map(|_| market.operator.client.settle("s", &settlement))).await;
    let pools: Vec<_> = settled
        .into_iter()
        .map(|answer| answer.unwrap().pools)
        .collect();
    assert!(
        pools
            .iter()
            .all(|each| *each == pools[0] && each.len() == 1),
        "{pools:?}"
    );
    assert_eq!(buyer.client.wallet().await.unwrap().balances, [eur(9015)]);
}

async fn a_key_belongs_to_its_request_and_its_party(app: &mut TestApp) {
    let market = app.market(1000).await;
    let buyer = app.buyer(&market, "buyer", 10_000).await;
    let other = app.buyer(&market, "other", 10_000).await;
    let first = buyer
        .client
        .buy("key", &order(&market.offer))
        .await
        .unwrap();
    let theirs = other
        .client
        .buy("key", &order(&market.offer))
        .await
        .unwrap();
    assert_ne!(first.id, theirs.id, "keys of two parties are two keys");
    let cheaper = app.offer(&market.owner, &market.dataset, 10).await;
    refused(
        buyer.client.buy("key", &order(&cheaper)).await,
        409,
        "idempotency_conflict",
    );
    let back = NewRefund {
        amount: eur(1),
        reason: "r".to_owned(),
    };
    market
        .owner
        .client
        .refund(first.id, "k", &back)
        .await
        .unwrap();
    refused(
        market.owner.client.refund(theirs.id, "k", &back).await,
        409,
        "idempotency_conflict",
    );

    let body = json!({"offer_id": cheaper.id, "terms_sha256": cheaper.terms_sha256, "price": cheaper.price});
    let (status, answer) = app
        .ask(
            Method::POST,
            "/api/v1/orders",
            Some(&buyer.token),
            Some(&body),
        )
        .await;
    assert_eq!(
        (status.as_u16(), &answer["code"]),
        (400, &json!("idempotency_key_missing"))
    );
    for key in ["", &"k".repeat(201), "two words"] {
        refused(
            buyer.client.buy(key, &order(&cheaper)).await,
            400,
            "idempotency_key_invalid",
        );
    }
    buyer
        .client
        .buy(&"k".repeat(200), &order(&cheaper))
        .await
        .unwrap();
}
