//! What the operator tells the books: disputes, and the end of a month.

use chrono::Duration;
use schema::wire::*;

use crate::support::people::{eur, refused};
use crate::support::{TestApp, journeys};

journeys!(
    a_disputed_payment_waits_and_comes_back,
    a_lost_dispute_ends_the_licence,
    a_correction_takes_two_people,
    a_month_is_closed,
);

fn disputed(order: &OrderView, minor: i64) -> NewDispute {
    NewDispute {
        order_id: order.id,
        amount: eur(minor),
        reason: "the card holder does not know us".to_owned(),
    }
}

async fn a_disputed_payment_waits_and_comes_back(app: &mut TestApp) {
    let market = app.market(1999).await;
    let buyer = app.buyer(&market, "buyer", 1999).await;
    let bought = buyer.buys(&market.offer).await;
    let operator = &market.operator.client;
    refused(
        market
            .owner
            .client
            .open_dispute("d", &disputed(&bought, 5))
            .await,
        404,
        "not_found",
    );
    refused(market.owner.client.disputes().await, 404, "not_found");
    let open = operator
        .open_dispute("d", &disputed(&bought, 2500))
        .await
        .unwrap();
    assert_eq!(
        (open.state.as_str(), open.above.clone()),
        ("open", eur(501))
    );
    let again = operator.open_dispute("d", &disputed(&bought, 2500)).await;
    assert_eq!(again.unwrap(), open);
    refused(
        operator.open_dispute("d", &disputed(&bought, 1)).await,
        409,
        "idempotency_conflict",
    );
    let back = NewRefund {
        amount: eur(1),
        reason: "x".to_owned(),
    };
    refused(
        operator.refund(bought.id, "r", &back).await,
        422,
        "exceeds_payment",
    );
    refused(
        market.owner.client.decide_dispute(open.id, "v", true).await,
        404,
        "not_found",
    );
    let won = operator.decide_dispute(open.id, "v", true).await.unwrap();
    assert_eq!(won.state, "won");
    refused(
        operator.decide_dispute(open.id, "other", false).await,
        409,
        "dispute_closed",
    );
    assert_eq!(operator.disputes().await.unwrap(), [won]);
    let settled = operator
        .settle("s", &NewSettlement::default())
        .await
        .unwrap();
    assert_eq!(settled.pools[0].delta, eur(1800), "as if nothing had been");
    assert_eq!(operator.ledger_verify().await.unwrap(), []);
}

async fn a_lost_dispute_ends_the_licence(app: &mut TestApp) {
    let market = app.market(1999).await;
    let buyer = app.buyer(&market, "buyer", 1999).await;
    let bought = buyer.buys(&market.offer).await;
    let operator = &market.operator.client;
    let open = operator
        .open_dispute("d2", &disputed(&bought, 1999))
        .await
        .unwrap();
    let licence = || buyer.client.licence(bought.licence_id);
    assert_eq!(licence().await.unwrap().revoked_reason, None);
    let lost = operator.decide_dispute(open.id, "v2", false).await.unwrap();
    assert_eq!(lost.state, "lost");
    assert!(licence().await.unwrap().revoked_reason.is_some());
    let settled = operator
        .settle("s2", &NewSettlement::default())
        .await
        .unwrap();
    assert!(settled.pools.is_empty(), "{settled:?}");
    assert_eq!(operator.ledger_verify().await.unwrap(), []);
}

async fn a_correction_takes_two_people(app: &mut TestApp) {
    let market = app.market(1000).await;
    let buyer = app.buyer(&market, "buyer", 1000).await;
    let bought = buyer.buys(&market.offer).await;
    let operator = &market.operator.client;
    let line = |account: &str, minor| AdjustmentLine {
        account: account.to_owned(),
        minor,
    };
    let pool = format!("Liabilities:Pool:{}:E1", market.revision.id);
    let new = NewAdjustment {
        currency: "EUR".to_owned(),
        lines: vec![line("Income:PlatformFee", 40), line(&pool, -40)],
        reason: "The fee of this sale was agreed to be lower.".to_owned(),
        corrects: bought.entry.clone(),
    };
    refused(
        market.owner.client.propose_adjustment(&new).await,
        404,
        "not_found",
    );
    for (lines, reason) in [
        (vec![line("Income:PlatformFee", 40)], new.reason.as_str()),
        (
            vec![line("Liabilities:Dust", 1), line(&pool, -1)],
            &new.reason,
        ),
        (new.lines.clone(), ""),
    ] {
        let (lines, reason) = (lines, reason.to_owned());
        let wrong = NewAdjustment {
            lines,
            reason,
            ..new.clone()
        };
        refused(operator.propose_adjustment(&wrong).await, 422, "invalid");
    }
    let proposed = operator.propose_adjustment(&new).await.unwrap();
    assert_eq!((proposed.entry.as_str(), proposed.approved_by), ("", None));
    refused(
        operator.approve_adjustment(proposed.id, "a").await,
        409,
        "own_proposal",
    );
    let second = app.second_operator().await;
    let booked = second
        .client
        .approve_adjustment(proposed.id, "a")
        .await
        .unwrap();
    assert_eq!(booked.approved_by, Some(second.id));
    assert_ne!(booked.entry, "");
    assert_eq!(operator.adjustments().await.unwrap(), [booked]);
    refused(
        second.client.approve_adjustment(proposed.id, "b").await,
        409,
        "adjustment_approved",
    );
    let settled = operator
        .settle("s", &NewSettlement::default())
        .await
        .unwrap();
    assert_eq!(settled.pools[0].delta, eur(940));
    assert_eq!(settled.statements[0].closing, eur(940));
    assert_eq!(operator.ledger_verify().await.unwrap(), []);
}

async fn a_month_is_closed(app: &mut TestApp) {
    let market = app.market(1000).await;
    let buyer = app.buyer(&market, "buyer", 5000).await;
    buyer.buys(&market.offer).await;
    let operator = &market.operator.client;
    let settled = operator
        .settle("s", &NewSettlement::default())
        .await
        .unwrap();
    let month = settled.period.clone();
    refused(
        operator.close_period(&month, "c").await,
        409,
        "period_running",
    );
    app.later(Duration::days(31));
    let operator = app.again("operator").await.client;
    refused(
        app.again("owner")
            .await
            .client
            .close_period(&month, "c")
            .await,
        404,
        "not_found",
    );
    refused(operator.close_period("never", "c").await, 422, "invalid");
    let closed = operator.close_period(&month, "c").await.unwrap();
    assert!(closed.closed_at.is_some());
    assert_eq!(operator.close_period(&month, "c").await.unwrap(), closed);
    let owner = app.again("owner").await.client;
    let statements = owner.statements().await.unwrap();
    let last = owner.statement_document(statements[0].id).await.unwrap();
    assert!(last.contains("\"status\":\"final\""), "{last}");
    let named = NewSettlement {
        period: Some(month.clone()),
    };
    refused(operator.settle("s2", &named).await, 409, "period_closed");
    app.again("buyer").await.buys(&market.offer).await;
    let later = operator
        .settle("s3", &NewSettlement::default())
        .await
        .unwrap();
    assert_ne!(later.period, month);
    assert_eq!(later.statements[0].opening, settled.statements[0].closing);
    let periods = operator.periods().await.unwrap();
    assert_eq!(periods.len(), 2);
    assert_eq!(periods[0].closed_at, None);
    assert_eq!(operator.ledger_verify().await.unwrap(), []);
}
