//! The pages about books: what operators decide, and what those see whom it concerns.

use chrono::TimeDelta;
use reqwest::Method;
use schema::wire::*;

use crate::support::people::eur;
use crate::support::{Person, TestApp, journeys};

journeys!(
    months_corrections_and_disputes_are_decided_on_one_page,
    a_replaced_statement_leads_to_the_one_in_force,
);

pub(super) async fn page(app: &TestApp, who: &Person, path: &str) -> (u16, String) {
    let (status, _, body) = app
        .ask_with(Method::GET, path, Some(&who.token), None, &[])
        .await;
    (status.as_u16(), String::from_utf8(body).unwrap())
}

/// Sends a form as a browser does; answers status and where it leads, or the page.
pub(super) async fn send(app: &TestApp, who: &Person, path: &str, form: &str) -> (u16, String) {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let request = client
        .post(format!("{}{path}", app.visitor.node()))
        .bearer_auth(&who.token)
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(form.to_owned());
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    match answer.headers().get("Location") {
        Some(to) => (status, to.to_str().unwrap().to_owned()),
        None => (status, answer.text().await.unwrap()),
    }
}

async fn months_corrections_and_disputes_are_decided_on_one_page(app: &mut TestApp) {
    let market = app.market(1000).await;
    let buyer = app.buyer(&market, "buyer", 3000).await;
    let mut orders = Vec::new();
    for _ in 0..3 {
        orders.push(buyer.buys(&market.offer).await);
    }
    let operator = &market.operator;
    for (n, order) in orders[..2].iter().enumerate() {
        let new = NewDispute {
            order_id: order.id,
            amount: eur(1000),
            reason: format!("the holder does not know us {n}"),
        };
        let opened = operator.client.open_dispute(&format!("d{n}"), &new).await;
        opened.unwrap();
    }
    let lines = [("Income:PlatformFee", 40), ("Expenses:DisputeLoss", -40)];
    let correction = NewAdjustment {
        currency: "EUR".to_owned(),
        lines: lines
            .map(|(account, minor)| AdjustmentLine {
                account: account.to_owned(),
                minor,
            })
            .to_vec(),
        reason: "The fee was agreed to be lower.".to_owned(),
        corrects: orders[0].entry.clone(),
    };
    let proposed = operator
        .client
        .propose_adjustment(&correction)
        .await
        .unwrap();

    let (status, books) = page(app, operator, "/operator/books").await;
    assert_eq!(status, 200);
    for words in [
        "2026-03",
        "Dispute open",
        "Waits for another operator.",
        "the holder does not know us 1",
        "Settle first",
    ] {
        assert!(books.contains(words), "{words}: {books}");
    }
    assert_eq!(page(app, &buyer, "/operator/books").await.0, 404);

    // A dispute is won, one is lost; the same form again does nothing more.
    let disputes = operator.client.disputes().await.unwrap();
    for (dispute, won) in disputes.iter().zip([true, false]) {
        let form = format!("key=f-{}&id={}&won={won}", dispute.id, dispute.id);
        for _ in 0..2 {
            let sent = send(app, operator, "/operator/books/decide", &form).await;
            assert_eq!(sent, (303, "/operator/books?done=decided".to_owned()));
        }
    }
    let states = operator.client.disputes().await.unwrap();
    let states: Vec<_> = states.into_iter().map(|one| one.state).collect();
    assert_eq!(states, ["won", "lost"]);

    // Nobody books the own proposal; somebody else does.
    let form = format!("id={}", proposed.id);
    let (status, told) = send(app, operator, "/operator/books/correct", &form).await;
    assert!(
        status == 409 && told.contains("another operator must"),
        "{told}"
    );
    let second = app.second_operator().await;
    let sent = send(app, &second, "/operator/books/correct", &form).await;
    assert_eq!(sent, (303, "/operator/books?done=corrected".to_owned()));

    // A running month cannot be closed, one that is over can.
    app.settle(&market).await;
    let close = "period=2026-03";
    let (status, told) = send(app, operator, "/operator/books/close", close).await;
    assert!(
        status == 409 && told.contains("Nothing was closed"),
        "{told}"
    );
    app.later(TimeDelta::days(31));
    let (_, books) = page(app, operator, "/operator/books").await;
    assert!(books.contains("value=\"2026-03\""), "{books}");
    let sent = send(app, operator, "/operator/books/close", close).await;
    assert_eq!(sent, (303, "/operator/books?done=closed".to_owned()));
    let periods = operator.client.periods().await.unwrap();
    let closed = periods.iter().find(|one| one.closed_at.is_some());
    assert_eq!(closed.map(|one| one.name.as_str()), Some("2026-03"));

    // Whom it concerns: the buyer sees no words of the bank, the owner what it took.
    let (_, receipt) = page(app, &buyer, &format!("/orders/{}", orders[0].id)).await;
    assert!(receipt.contains("The payment is gone."), "{receipt}");
    assert!(!receipt.contains("does not know us"), "{receipt}");
    let (_, receipt) = page(app, &market.owner, &format!("/orders/{}", orders[0].id)).await;
    assert!(receipt.contains("does not know us 0"), "{receipt}");
    let (_, mine) = page(app, &market.owner, "/statements").await;
    for words in [
        "Disputed sales",
        "9.00 EUR",
        "The payment came back in full.",
    ] {
        assert!(mine.contains(words), "{words}: {mine}");
    }
    let (_, theirs) = page(app, &buyer, "/statements").await;
    assert!(!theirs.contains("Disputed sales"), "{theirs}");
}

async fn a_replaced_statement_leads_to_the_one_in_force(app: &mut TestApp) {
    let market = app.market(1000).await;
    app.earned(&market, 1).await;
    let first = market.owner.client.statements().await.unwrap()[0].id;
    let (_, html) = page(app, &market.owner, &format!("/statements/{first}")).await;
    assert!(!html.contains("took the place"), "{html}");
    let buyer = app.buyer(&market, "second", 1000).await;
    buyer.buys(&market.offer).await;
    app.settle(&market).await;
    let next = market.owner.client.statements().await.unwrap()[0].id;
    assert_ne!(next, first);
    let (_, html) = page(app, &market.owner, &format!("/statements/{first}")).await;
    let link = format!("took the place of this one: <a href=\"/statements/{next}\">");
    assert!(html.contains(&link), "{html}");
}
