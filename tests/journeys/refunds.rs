//! Money goes back the way it came.

use schema::wire::*;

use crate::support::people::{eur, refused};
use crate::support::{TestApp, journeys};

journeys!(a_part_keeps_the_licence_and_the_rest_ends_it);

fn back(minor: i64) -> NewRefund {
    NewRefund {
        amount: eur(minor),
        reason: "not as described".to_owned(),
    }
}

async fn a_part_keeps_the_licence_and_the_rest_ends_it(app: &mut TestApp) {
    let market = app.market(1999).await;
    let buyer = app.buyer(&market, "buyer", 1999).await;
    let bought = buyer.buys(&market.offer).await;
    refused(
        buyer.client.refund(bought.id, "own", &back(1)).await,
        404,
        "not_found",
    );

    // 1000 of 1999 over fee 199 and net 1800: 99.55 and 900.45.
    let part = market
        .owner
        .client
        .refund(bought.id, "part", &back(1000))
        .await
        .unwrap();
    assert_eq!(
        (
            part.fee.minor,
            part.tax.minor,
            part.net.minor,
            part.licence_revoked
        ),
        (100, 0, 900, false)
    );
    assert_eq!(
        market
            .owner
            .client
            .refund(bought.id, "part", &back(1000))
            .await
            .unwrap(),
        part
    );
    refused(
        market
            .owner
            .client
            .refund(bought.id, "part", &back(999))
            .await,
        409,
        "idempotency_conflict",
    );
    assert_eq!(
        buyer.client.licence(bought.licence_id).await.unwrap().state,
        "active"
    );
    refused(
        market
            .owner
            .client
            .refund(bought.id, "too much", &back(1000))
            .await,
        400,
        "idempotency_key_invalid",
    );
    let over = refused(
        market
            .owner
            .client
            .refund(bought.id, "over", &back(1000))
            .await,
        422,
        "exceeds_payment",
    );
    assert!(
        over.detail.contains("9.99") || over.detail.contains("999"),
        "names what is left: {over:?}"
    );

    let rest = market
        .operator
        .client
        .refund(bought.id, "rest", &back(999))
        .await
        .unwrap();
    assert_eq!(
        (rest.fee.minor, rest.net.minor, rest.licence_revoked),
        (99, 900, true)
    );
    assert_eq!(buyer.client.wallet().await.unwrap().balances, [eur(1999)]);
    assert_eq!(
        buyer.client.licence(bought.licence_id).await.unwrap().state,
        "revoked"
    );
    refused(
        app.download(&buyer, bought.licence_id).await,
        410,
        "licence_revoked",
    );
    assert_eq!(
        market.owner.client.order(bought.id).await.unwrap().refunded,
        eur(1999)
    );
    let (status, listed) = app
        .call(
            "GET /api/v1/orders/{}/refunds",
            &[&bought.id],
            Some(&buyer.token),
            None,
        )
        .await;
    assert_eq!(
        (status.as_u16(), listed["items"].as_array().map(Vec::len)),
        (200, Some(2))
    );

    // Everything went back: nothing is left to settle but zeros.
    let settled = market
        .operator
        .client
        .settle("month", &NewSettlement::default())
        .await
        .unwrap();
    assert!(
        settled
            .statements
            .iter()
            .all(|statement| statement.earned.minor == 0),
        "{settled:?}"
    );
}
