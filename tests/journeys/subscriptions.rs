//! Datasets by the month: charged, used, earned by day, renewed, cancelled, given back.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use ledger::statement;
use schema::wire::*;

use crate::support::market::Market;
use crate::support::people::{eur, refused};
use crate::support::{Person, TestApp, journeys, readings};

journeys!(
    a_month_is_used_earned_and_renewed,
    fifty_equal_requests_charge_once,
    unused_days_go_back_exactly,
    an_empty_wallet_gets_a_week,
);

/// A second dataset of the owner, and a plan over both.
async fn plan(app: &TestApp, market: &Market, price: i64) -> (DatasetView, PlanView) {
    let new = NewDataset {
        title: "Weather again".to_owned(),
        description: String::new(),
        slug: None,
        contract: Some(crate::support::files::contract()),
        admission: Some(Admission::Open),
        commission_bps: 0,
    };
    let second = market.owner.client.create_dataset(&new).await.unwrap();
    app.contribute(&market.owner, &second, &readings(1000..1040))
        .await;
    app.publish(&market.owner, &second).await;
    let new = NewPlan {
        datasets: vec![market.dataset.id, second.id],
        title: None,
        every: "month".to_owned(),
        price: eur(price),
        template: Some("commercial_internal".to_owned()),
        terms: None,
    };
    let plan = market.owner.client.make_plan(&new).await.unwrap();
    (second, plan)
}

fn wanted(plan: &PlanView) -> NewSubscription {
    NewSubscription {
        plan_id: plan.id,
        terms_sha256: plan.terms_sha256.clone(),
        price: plan.price.clone(),
    }
}

async fn sound(market: &Market) {
    let found = market.operator.client.ledger_verify().await.unwrap();
    assert!(found.is_empty(), "{found:?}");
}

async fn due(market: &Market) -> (u64, u64, u64, u64) {
    let done = market.operator.client.run_subscriptions().await.unwrap();
    (done.earned, done.renewed, done.past_due, done.ended)
}

async fn wallet(who: &Person) -> Vec<Amount> {
    who.client.wallet().await.unwrap().balances
}

async fn a_month_is_used_earned_and_renewed(app: &mut TestApp) {
    // Both offered alone at 20.00: days without use are divided by the list prices, 2000 and 0.
    let market = app.market(2000).await;
    let (second, plan) = plan(app, &market, 3100).await;
    assert_eq!(plan.datasets.len(), 2);
    assert_eq!(
        market.owner.client.plans(Some(second.id)).await.unwrap(),
        std::slice::from_ref(&plan)
    );
    assert_eq!(market.owner.client.plan(plan.id).await.unwrap(), plan);
    let buyer = app.buyer(&market, "buyer", 6500).await;
    let made = buyer.client.subscribe("one", &wanted(&plan)).await.unwrap();
    assert_eq!((made.state.as_str(), made.terms.len()), ("active", 1));
    assert_eq!(made.next_charge_at, Some(made.ends_at));
    let first = &made.terms[0];
    assert_eq!(
        (
            &first.gross,
            &first.net,
            &first.deferred,
            first.licences.len()
        ),
        (&eur(3100), &eur(2790), &eur(2790), 2)
    );
    refused(
        buyer.client.subscribe("two", &wanted(&plan)).await,
        409,
        "already_subscribed",
    );
    sound(&market).await;

    // The second dataset is taken on the first day; later also a revision that is new.
    let licences = buyer.client.licences().await.unwrap();
    let of = |id| licences.iter().find(|l| l.dataset_id == id).unwrap();
    app.download(&buyer, of(second.id).id).await.unwrap();
    app.later(TimeDelta::days(2));
    app.contribute(&market.owner, &market.dataset, &readings(100..160))
        .await;
    let newer = app.publish(&market.owner, &market.dataset).await;
    let (_, recipient_id) = buyer.recipient().await;
    let ask = DownloadRequest {
        recipient_id,
        revision_id: Some(newer.id),
    };
    let licence = of(market.dataset.id).id;
    buyer.client.download_url(licence, &ask).await.unwrap();

    app.later(TimeDelta::days(8));
    assert_eq!(due(&market).await, (1, 0, 0, 0));
    assert_eq!(due(&market).await, (0, 0, 0, 0));
    let days = i64::from(first.days);
    let now = buyer.client.subscription(made.id).await.unwrap();
    assert_eq!(now.terms[0].earned_days, 10);
    assert_eq!(now.terms[0].earned, eur(2790 * 10 / days));
    sound(&market).await;

    // Cancelled, taken back, renewed on the day; days, net and licences are those of the month.
    let cancelled = buyer.client.cancel_subscription(made.id).await.unwrap();
    assert!(cancelled.cancelled_at.is_some() && cancelled.next_charge_at.is_none());
    let resumed = buyer.client.resume_subscription(made.id).await.unwrap();
    assert_eq!(resumed.cancelled_at, None);
    refused(
        market.owner.client.cancel_subscription(made.id).await,
        404,
        "not_found",
    );
    app.later(TimeDelta::days(days - 10));
    assert_eq!(due(&market).await, (1, 1, 0, 0));
    assert_eq!(due(&market).await, (0, 0, 0, 0));
    let now = buyer.client.subscription(made.id).await.unwrap();
    assert_eq!(now.terms.len(), 2);
    assert_eq!(now.terms[0].starts_at, first.ends_at);
    assert_eq!(now.terms[1].earned, eur(2790));
    assert_eq!(wallet(&buyer).await, [eur(300)]);
    let settled = market
        .operator
        .client
        .settle("s", &NewSettlement::default())
        .await
        .unwrap();
    let delta: i64 = settled.pools.iter().map(|pool| pool.delta.minor).sum();
    assert_eq!((delta, settled.pools.len()), (2790, 3));
    sound(&market).await;

    // Day 1 went to the second dataset, day 3 to the new revision, the others by list price.
    let document = market
        .owner
        .client
        .statement_document(settled.statements[0].id)
        .await
        .unwrap();
    let key = URL_SAFE_NO_PAD
        .decode(&app.info.verify_keys[0].public_key)
        .unwrap();
    assert_eq!(
        statement::verify(document.as_bytes(), &key)
            .unwrap()
            .earned
            .minor,
        2790
    );
    let read = statement::Statement::read(document.as_bytes()).unwrap();
    let parts: Vec<_> = read.lines.iter().filter_map(|l| l.subscriptions).collect();
    let used: u64 = parts.iter().map(|part| part.used_days).sum();
    let unused: u64 = parts.iter().map(|part| part.unused_days).sum();
    assert_eq!(parts.len(), 3);
    // A day without use counts once at every dataset it is divided to; one has no list price.
    assert_eq!((used, unused), (2, days as u64 - 2));

    // The plan ends: what is paid goes on, and is not charged again.
    market.owner.client.retire_plan(plan.id).await.unwrap();
    app.later(TimeDelta::days(31));
    assert_eq!(due(&market).await, (1, 0, 0, 1));
    let over = buyer.client.subscriptions().await.unwrap();
    assert_eq!(over[0].state, "ended");
    assert!(app.download(&buyer, licence).await.is_err());
    sound(&market).await;
}

async fn fifty_equal_requests_charge_once(app: &mut TestApp) {
    let market = app.market(1000).await;
    let (_, plan) = plan(app, &market, 1000).await;
    let buyer = app.buyer(&market, "buyer", 2500).await;
    let want = wanted(&plan);
    let asks = (0..50).map(|_| buyer.client.subscribe("once", &want));
    for made in futures_util::future::join_all(asks).await {
        assert_eq!(made.unwrap().terms.len(), 1);
    }
    assert_eq!(wallet(&buyer).await, [eur(1500)]);
    let id = buyer.client.subscriptions().await.unwrap()[0].id;
    let days = buyer.client.subscription(id).await.unwrap().terms[0].days;
    app.later(TimeDelta::days(days.into()));
    let runs = (0..50).map(|_| market.operator.client.run_subscriptions());
    for done in futures_util::future::join_all(runs).await {
        done.unwrap();
    }
    assert_eq!(wallet(&buyer).await, [eur(500)]);
    let all = market.operator.client.all_subscriptions().await.unwrap();
    assert_eq!(all[0].terms.len(), 2);
    sound(&market).await;
    // The verifier sees every figure that was changed by hand.
    for (what, back) in [
        ("earned = earned + 1", "earned = earned - 1"),
        ("refunded_net = 1", "refunded_net = 0"),
        ("net = net - 1", "net = net + 1"),
        (
            "earned_days = earned_days - 1",
            "earned_days = earned_days + 1",
        ),
    ] {
        for (change, broken) in [(what, true), (back, false)] {
            let sql = format!("UPDATE subscription_term SET {change} WHERE number = 1");
            app.ctx
                .write(move |db| Ok(db.execute(&sql)?))
                .await
                .unwrap();
            let found = market.operator.client.ledger_verify().await.unwrap();
            let named = found.iter().any(|finding| finding.invariant == "Deferred");
            assert_eq!(named, broken, "{what}: {found:?}");
        }
    }
    market
        .operator
        .client
        .settle("s", &NewSettlement::default())
        .await
        .unwrap();
}

async fn unused_days_go_back_exactly(app: &mut TestApp) {
    let market = app.market(1000).await;
    let (_, plan) = plan(app, &market, 1999).await;
    let poor = app.buyer(&market, "poor", 1998).await;
    refused(
        poor.client.subscribe("one", &wanted(&plan)).await,
        402,
        "insufficient_funds",
    );
    assert_eq!(wallet(&poor).await, [eur(1998)]);
    let why = NewTermRefund {
        reason: "not as described".to_owned(),
    };

    // Nothing used on the first day: everything goes back.
    let buyer = app.buyer(&market, "buyer", 4000).await;
    let made = buyer.client.subscribe("a", &wanted(&plan)).await.unwrap();
    refused(
        buyer.client.refund_subscription(made.id, "x", &why).await,
        404,
        "not_found",
    );
    let back = market
        .owner
        .client
        .refund_subscription(made.id, "x", &why)
        .await
        .unwrap();
    assert_eq!(back.state, "refunded");
    assert_eq!(back.terms[0].refunded, eur(1999));
    assert_eq!(wallet(&buyer).await, [eur(4000)]);
    let again = market
        .owner
        .client
        .refund_subscription(made.id, "x", &why)
        .await
        .unwrap();
    assert_eq!(again, back);
    sound(&market).await;

    // Five days over and the sixth used: six stay, of every leg.
    let made = buyer.client.subscribe("b", &wanted(&plan)).await.unwrap();
    let (days, licence) = (i64::from(made.terms[0].days), made.terms[0].licences[0]);
    app.later(TimeDelta::days(5));
    app.download(&buyer, licence).await.unwrap();
    let back = market
        .operator
        .client
        .refund_subscription(made.id, "y", &why)
        .await
        .unwrap();
    let kept = |leg: i64| leg * 6 / days;
    let left = 1999 - kept(199) - kept(1800);
    let term = &back.terms[0];
    assert_eq!(
        (&term.refunded, &term.earned, &term.deferred),
        (&eur(left), &eur(kept(1800)), &eur(0))
    );
    assert_eq!(wallet(&buyer).await, [eur(4000 - 1999 + left)]);
    let ended = buyer.client.licence(licence).await.unwrap();
    assert_eq!(ended.state, "revoked");
    refused(
        market
            .owner
            .client
            .refund_subscription(made.id, "z", &why)
            .await,
        409,
        "nothing_unused",
    );
    sound(&market).await;
}

async fn an_empty_wallet_gets_a_week(app: &mut TestApp) {
    let market = app.market(1000).await;
    let (_, plan) = plan(app, &market, 1000).await;
    let buyer = app.buyer(&market, "buyer", 1000).await;
    let made = buyer.client.subscribe("a", &wanted(&plan)).await.unwrap();
    app.later(TimeDelta::days(made.terms[0].days.into()));
    assert_eq!(due(&market).await, (1, 0, 1, 0));
    let late = buyer.client.subscription(made.id).await.unwrap();
    assert_eq!((late.state.as_str(), late.terms.len()), ("past_due", 1));
    assert!(late.grace_until.is_some());
    // Paid three days late: the month begins then, nobody pays for days that are past.
    app.later(TimeDelta::days(3));
    app.top_up(&market.operator, &buyer, 1000).await;
    assert_eq!(due(&market).await, (0, 1, 0, 0));
    let paid = buyer.client.subscription(made.id).await.unwrap();
    assert_eq!(paid.state, "active");
    assert_eq!(paid.terms[0].starts_at, made.ends_at + TimeDelta::days(3));
    // Never paid again: it lapses after the week, with nothing half done.
    app.later(TimeDelta::days(paid.terms[0].days.into()));
    assert_eq!(due(&market).await, (1, 0, 1, 0));
    app.later(TimeDelta::days(8));
    assert_eq!(due(&market).await, (0, 0, 0, 1));
    let lapsed = buyer.client.subscription(made.id).await.unwrap();
    assert_eq!((lapsed.state.as_str(), lapsed.terms.len()), ("lapsed", 2));
    sound(&market).await;
}
