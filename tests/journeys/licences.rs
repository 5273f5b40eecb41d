//! Rights end when their document says so, and a lost key does not end them.

use chrono::TimeDelta;
use schema::wire::*;
use serde_json::json;

use crate::support::market::Market;
use crate::support::people::{eur, refused};
use crate::support::{Person, TestApp, journeys};

journeys!(
    a_term_ends,
    downloads_are_counted,
    a_revoked_licence_is_gone,
    a_lost_key_is_replaced
);

/// An offer with some clauses of its own.
async fn offer_with(app: &TestApp, market: &Market, clauses: serde_json::Value) -> OfferView {
    let mut terms = market.offer.terms.clone();
    for (name, value) in clauses.as_object().unwrap() {
        terms[name] = value.clone();
    }
    let new = NewOffer {
        price: eur(500),
        template: None,
        terms: Some(terms),
        dry_run: false,
    };
    let made = market
        .owner
        .client
        .offer(market.dataset.id, &new)
        .await
        .unwrap();
    assert!(
        app.visitor
            .offers(market.dataset.id)
            .await
            .unwrap()
            .iter()
            .any(|offer| Some(offer) == made.offer.as_ref())
    );
    made.offer.unwrap()
}

async fn ended(
    app: &TestApp,
    buyer: &Person,
    licence: &OrderView,
    status: u16,
    code: &str,
    clause: &str,
) {
    let answer = app.download(buyer, licence.licence_id).await;
    let problem = refused(answer, status, code);
    assert_eq!(problem.clause.as_deref(), Some(clause), "{problem:?}");
}

async fn a_term_ends(app: &mut TestApp) {
    let market = app.market(1000).await;
    let offer = offer_with(
        app,
        &market,
        json!({"window": {"kind": "duration", "days": 30}}),
    )
    .await;
    let buyer = app.buyer(&market, "buyer", 500).await;
    let bought = buyer.buys(&offer).await;
    let (_, recipient_id) = buyer.recipient().await;
    let ask = DownloadRequest {
        recipient_id,
        revision_id: None,
    };
    app.later(TimeDelta::days(30) - TimeDelta::seconds(60));
    let link = buyer
        .client
        .download_url(bought.licence_id, &ask)
        .await
        .unwrap();
    assert_eq!(
        link.expires_at,
        app.clock.now() + TimeDelta::seconds(60),
        "a link does not outlive its licence"
    );
    assert_eq!(app.http.get(&link.url).send().await.unwrap().status(), 200);
    app.later(TimeDelta::seconds(60));
    ended(app, &buyer, &bought, 410, "licence_expired", "term").await;
    assert_eq!(app.http.get(&link.url).send().await.unwrap().status(), 410);
    assert_eq!(
        buyer.client.licence(bought.licence_id).await.unwrap().state,
        "expired"
    );
}

async fn downloads_are_counted(app: &mut TestApp) {
    let market = app.market(1000).await;
    let offer = offer_with(app, &market, json!({"download_cap": 2})).await;
    let buyer = app.buyer(&market, "buyer", 500).await;
    let bought = buyer.buys(&offer).await;
    let (identity, recipient) = buyer.recipient().await;
    for _ in 0..3 {
        app.download_to(&buyer, bought.licence_id, &identity, recipient)
            .await
            .unwrap();
    }
    app.download(&buyer, bought.licence_id).await.unwrap();
    ended(
        app,
        &buyer,
        &bought,
        403,
        "licence_exhausted",
        "download_cap",
    )
    .await;
    // What was counted stays open to the key it was counted for.
    app.download_to(&buyer, bought.licence_id, &identity, recipient)
        .await
        .unwrap();
    assert_eq!(
        buyer
            .client
            .licence(bought.licence_id)
            .await
            .unwrap()
            .downloads_used,
        2
    );
}

async fn a_revoked_licence_is_gone(app: &mut TestApp) {
    let market = app.market(1000).await;
    let buyer = app.buyer(&market, "buyer", 1000).await;
    let stranger = app.party("stranger").await;
    let bought = buyer.buys(&market.offer).await;
    let (_, recipient_id) = buyer.recipient().await;
    let ask = DownloadRequest {
        recipient_id,
        revision_id: None,
    };
    let link = buyer
        .client
        .download_url(bought.licence_id, &ask)
        .await
        .unwrap();
    let why = Revocation {
        reason: "used against the terms".to_owned(),
    };
    refused(
        buyer.client.revoke(bought.licence_id, &why).await,
        404,
        "not_found",
    );
    refused(
        stranger.client.licence(bought.licence_id).await,
        404,
        "not_found",
    );
    refused(
        stranger.client.download_url(bought.licence_id, &ask).await,
        404,
        "not_found",
    );
    let revoked = market
        .owner
        .client
        .revoke(bought.licence_id, &why)
        .await
        .unwrap();
    assert_eq!(
        (revoked.state.as_str(), revoked.revoked_reason),
        ("revoked", Some(why.reason.clone()))
    );
    ended(app, &buyer, &bought, 410, "licence_revoked", "revocation").await;
    assert_eq!(
        app.http.get(&link.url).send().await.unwrap().status(),
        410,
        "a link does not outlive a revocation"
    );
}

async fn a_lost_key_is_replaced(app: &mut TestApp) {
    let market = app.market(1000).await;
    let buyer = app.buyer(&market, "buyer", 1000).await;
    let bought = buyer.buys(&market.offer).await;
    let (lost, recipient) = buyer.recipient().await;
    let first = app
        .download_to(&buyer, bought.licence_id, &lost, recipient)
        .await
        .unwrap();
    let known = buyer.client.recipients().await.unwrap();
    assert_eq!(
        known.iter().map(|key| key.id).collect::<Vec<_>>(),
        [recipient]
    );
    let (status, _) = app
        .call(
            "DELETE /api/v1/recipients/{}",
            &[&recipient],
            Some(&buyer.token),
            None,
        )
        .await;
    assert_eq!(status, 204);
    assert_eq!(
        app.download(&buyer, bought.licence_id).await.unwrap(),
        first,
        "the same file to a new key"
    );
    let ask = DownloadRequest {
        recipient_id: recipient,
        revision_id: None,
    };
    refused(
        buyer.client.download_url(bought.licence_id, &ask).await,
        409,
        "recipient_retired",
    );
}
