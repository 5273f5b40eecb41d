//! Pools become earnings, and a statement proves them offline.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;

use ledger::statement;
use schema::wire::*;

use crate::support::people::{eur, refused};
use crate::support::{TestApp, journeys};

journeys!(earnings_are_proved_offline, settling_twice_pays_once);

async fn earnings_are_proved_offline(app: &mut TestApp) {
    let market = app.market(1999).await;
    let buyer = app.buyer(&market, "buyer", 10_000).await;
    buyer.buys(&market.offer).await;
    buyer.buys(&market.offer).await;
    refused(
        buyer.client.settle("mine", &NewSettlement::default()).await,
        404,
        "not_found",
    );
    app.later(TimeDelta::days(20));
    let settled = market
        .operator
        .client
        .settle("march", &NewSettlement::default())
        .await
        .unwrap();
    assert_eq!(
        settled
            .pools
            .iter()
            .map(|pool| (pool.delta.minor, pool.dust))
            .collect::<Vec<_>>(),
        [(3600, 0)]
    );
    let [statement] = settled.statements.as_slice() else {
        panic!("{settled:?}")
    };
    assert_eq!(
        (statement.party.id, &statement.earned, &statement.closing),
        (market.owner.id, &eur(3600), &eur(3600))
    );
    assert_eq!(
        market.owner.client.wallet().await.unwrap().earnings,
        [eur(3600)]
    );

    let listed = market.owner.client.statements().await.unwrap();
    assert_eq!(listed, std::slice::from_ref(statement));
    assert_eq!(
        market.owner.client.statement(statement.id).await.unwrap(),
        *statement
    );
    refused(buyer.client.statement(statement.id).await, 404, "not_found");
    let document = market
        .owner
        .client
        .statement_document(statement.id)
        .await
        .unwrap();
    let key = URL_SAFE_NO_PAD
        .decode(&app.info.verify_keys[0].public_key)
        .unwrap();
    let checked = statement::verify(document.as_bytes(), &key).unwrap();
    assert_eq!(
        (checked.payee, checked.earned.minor),
        (market.owner.id, 3600)
    );
    // One figure changed: nothing verifies any more.
    let forged = document.replace("3600", "3601");
    assert_ne!(forged, document);
    assert!(statement::verify(forged.as_bytes(), &key).is_err());
}

async fn settling_twice_pays_once(app: &mut TestApp) {
    let market = app.market(1000).await;
    let buyer = app.buyer(&market, "buyer", 10_000).await;
    buyer.buys(&market.offer).await;
    let once = market
        .operator
        .client
        .settle("k", &NewSettlement::default())
        .await
        .unwrap();
    assert_eq!(
        market
            .operator
            .client
            .settle("k", &NewSettlement::default())
            .await
            .unwrap(),
        once
    );
    let nothing = market
        .operator
        .client
        .settle("k2", &NewSettlement::default())
        .await
        .unwrap();
    assert!(nothing.pools.is_empty(), "{nothing:?}");
    app.later(TimeDelta::days(40));
    buyer.buys(&market.offer).await;
    let april = market
        .operator
        .client
        .settle("k3", &NewSettlement::default())
        .await
        .unwrap();
    let [statement] = april.statements.as_slice() else {
        panic!("{april:?}")
    };
    assert_eq!(
        (&statement.opening, &statement.earned, &statement.closing),
        (&eur(900), &eur(900), &eur(1800))
    );
    assert_ne!(statement.period, once.period);
}
