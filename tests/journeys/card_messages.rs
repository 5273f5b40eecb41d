//! Messages of the payment provider that need nothing: enquiries, and what is about others.

use reqwest::Method;
use schema::wire::*;

use crate::support::cards::{Names, Provider, event};
use crate::support::market::order;
use crate::support::people::{eur, refused};
use crate::support::{TestApp, card_journeys};

card_journeys!(
    an_enquiry_moves_no_money_until_it_is_a_dispute,
    a_foreign_message_is_set_aside_with_a_reason,
    a_refund_says_when_a_lost_dispute_took_the_rest,
);

async fn an_enquiry_moves_no_money_until_it_is_a_dispute(app: &mut TestApp, _: &Provider) {
    let market = app.market(1000).await;
    let buyer = app.party("buyer").await;
    let new = NewPayment {
        order: Some(order(&market.offer)),
        ..NewPayment::default()
    };
    let names = Names::of(&buyer.client.pay("k", &new).await.unwrap());
    app.say_all(&[names.paid(1000)]).await;
    let before = market.operator.client.trial_balance().await.unwrap();
    let mut asks = names.dispute("a", 1000, "warning_needs_response");
    asks["type"] = "charge.dispute.created".into();
    asks["id"] = "evt_asks".into();
    let warning = serde_json::json!({"id": "issfr_1", "object": "radar.early_fraud_warning",
        "actionable": true, "charge": names.charge(), "fraud_type": "made_with_stolen_card",
        "payment_intent": names.intent()});
    let warning = event("evt_w", "radar.early_fraud_warning.created", 1, warning);
    let reviewed = names.dispute("a", 1000, "warning_under_review");
    app.say_all(&[asks, warning, reviewed]).await;
    let now = market.operator.client.trial_balance().await.unwrap();
    assert_eq!(now, before, "an enquiry takes nothing");
    assert_eq!(market.operator.client.disputes().await.unwrap(), []);
    // The bank was not content with the answer: now it takes the money.
    app.say_all(&[names.dispute("a", 1000, "needs_response")])
        .await;
    let open = market.operator.client.disputes().await.unwrap();
    assert_eq!((open.len(), open[0].state.as_str()), (1, "open"));
    app.say_all(&[names.dispute("a", 1000, "won")]).await;
    // A late word about the enquiry changes nothing any more.
    app.say_all(&[names.dispute("a", 1000, "warning_closed")])
        .await;
    let won = market.operator.client.disputes().await.unwrap();
    assert_eq!((won.len(), won[0].state.as_str()), (1, "won"));
    assert_eq!(
        market.operator.client.provider_messages().await.unwrap(),
        []
    );
}

async fn a_foreign_message_is_set_aside_with_a_reason(app: &mut TestApp, _: &Provider) {
    let operator = app.operator().await;
    let payer = app.party("payer").await;
    let names = Names::of(&payer.fills("a", 700).await);
    // Another shop of the same account at the provider.
    let mut foreign = names.charge_refunded(900, 900);
    foreign["data"]["object"]["id"] = "ch_elsewhere".into();
    foreign["data"]["object"]["payment_intent"] = "pi_elsewhere".into();
    foreign["data"]["object"]["metadata"] = serde_json::json!({});
    app.say_all(&[foreign.clone()]).await;
    let waiting = operator.client.provider_messages().await.unwrap();
    assert_eq!((waiting.len(), waiting[0].state.as_str()), (1, "parked"));
    let (id, why) = (waiting[0].id, |reason: &str| SetAside {
        reason: reason.to_owned(),
    });
    let theirs = payer.client.ignore_message(id, &why("x")).await;
    refused(theirs, 404, "not_found");
    let empty = operator.client.ignore_message(id, &why(" ")).await;
    refused(empty, 422, "invalid");
    let reason = "a payment of our other shop";
    operator
        .client
        .ignore_message(id, &why(reason))
        .await
        .unwrap();
    assert_eq!(operator.client.provider_messages().await.unwrap(), []);
    let again = operator.client.ignore_message(id, &why(reason)).await;
    refused(again, 404, "not_found");
    // The same message once more is known, and stays aside.
    app.say_all(&[foreign]).await;
    assert_eq!(operator.client.provider_messages().await.unwrap(), []);
    let (_, _, page) = app.ask_with(Method::GET, "/metrics", None, None, &[]).await;
    let page = String::from_utf8(page).unwrap();
    assert!(
        page.contains("granary_inbox{state=\"ignored\"} 1"),
        "{page}"
    );
}

async fn a_refund_says_when_a_lost_dispute_took_the_rest(app: &mut TestApp, _: &Provider) {
    let market = app.market(1000).await;
    let buyer = app.buyer(&market, "buyer", 1000).await;
    let bought = buyer.buys(&market.offer).await;
    let operator = &market.operator.client;
    let new = NewDispute {
        order_id: bought.id,
        amount: eur(600),
        reason: "not as described".to_owned(),
    };
    let open = operator.open_dispute("d", &new).await.unwrap();
    let back = |minor| NewRefund {
        amount: eur(minor),
        reason: "r".to_owned(),
    };
    let part = market.owner.client.refund(bought.id, "a", &back(100)).await;
    assert!(!part.unwrap().licence_revoked, "the dispute may be won");
    operator.decide_dispute(open.id, "v", false).await.unwrap();
    let licence = buyer.client.licence(bought.licence_id).await.unwrap();
    assert_eq!(licence.state, "active");
    let rest = market.owner.client.refund(bought.id, "b", &back(300)).await;
    assert!(rest.unwrap().licence_revoked);
    let licence = buyer.client.licence(bought.licence_id).await.unwrap();
    assert_eq!(licence.state, "revoked");
}
