//! Datasets by the month: charged, used, earned by day, renewed, cancelled, given back.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use ledger::statement;
use schema::wire::*;

use crate::support::browser::{page, send};
use crate::support::market::{Market, by_the_month, wanted};
use crate::support::people::{eur, refused};
use crate::support::{Person, TestApp, journeys, readings};

journeys!(
    a_month_is_used_earned_and_renewed,
    fifty_equal_requests_charge_once,
    unused_days_go_back_exactly,
    unused_days_are_asked_back,
    plans_and_subscriptions_have_pages,
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
    let new = by_the_month(vec![market.dataset.id, second.id], price);
    let plan = market.owner.client.make_plan(&new).await.unwrap();
    (second, plan)
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

async fn points(who: &Person) -> i64 {
    who.client.wallet().await.unwrap().points
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
    // A subscription is no purchase: it stands among the licences, not among orders and sales.
    assert_eq!(buyer.client.orders().await.unwrap(), []);
    assert_eq!(market.owner.client.sales(second.id).await.unwrap(), []);
    let sold = market.owner.client.sold_subscriptions().await.unwrap();
    assert_eq!(sold, std::slice::from_ref(&made));
    assert_eq!(buyer.client.sold_subscriptions().await.unwrap(), []);
    let mine = market.owner.client.my_plans().await.unwrap();
    assert_eq!((mine.len(), mine[0].subscribers), (1, Some(1)));
    assert_eq!(buyer.client.plan(plan.id).await.unwrap().subscribers, None);
    sound(&market).await;

    // The second dataset is taken on the first day; later also a revision that is new.
    let licences = buyer.client.licences().await.unwrap();
    let of = |id| licences.iter().find(|l| l.dataset_id == id).unwrap();
    assert!(licences.iter().all(|l| l.subscription_id == Some(made.id)));
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
    let taken = (now.terms[0].used_days, now.terms[0].used_rows);
    assert_eq!(taken, (2, 40 + newer.rows.unwrap()));
    assert_eq!(now.unused, Some(eur(3100 - 3100 * 10 / days)));
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
    assert_eq!((made.terms[0].points, points(&buyer).await), (10, 10));
    let back = market
        .owner
        .client
        .refund_subscription(made.id, "x", &why)
        .await
        .unwrap();
    assert_eq!(points(&buyer).await, 0, "what nobody used thanks nobody");
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
    let kept = |part: i64| part * 6 / days;
    let left = 1999 - kept(1999);
    let term = &back.terms[0];
    assert_eq!(
        (&term.refunded, &term.earned, &term.deferred),
        (&eur(left), &eur(kept(1800)), &eur(0))
    );
    assert_eq!(wallet(&buyer).await, [eur(4000 - 1999 + left)]);
    assert_eq!(points(&buyer).await, kept(10));
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

async fn unused_days_are_asked_back(app: &mut TestApp) {
    let market = app.market(1000).await;
    let plan = market.plan(3000).await;
    let buyer = app.buyer(&market, "buyer", 3000).await;
    let made = buyer.client.subscribe("a", &wanted(&plan)).await.unwrap();
    let why = |reason: &str| TermRefundRequest {
        reason: reason.to_owned(),
    };
    refused(
        market
            .owner
            .client
            .ask_subscription_refund(made.id, &why("mine"))
            .await,
        404,
        "not_found",
    );
    refused(
        buyer
            .client
            .ask_subscription_refund(made.id, &why(" "))
            .await,
        422,
        "invalid",
    );
    app.later(TimeDelta::days(1));
    let ask = || async {
        let new = why("bought twice");
        buyer.client.ask_subscription_refund(made.id, &new).await
    };
    // Asking cancels and moves nothing; going on takes it back.
    let asked = ask().await.unwrap();
    assert!(asked.cancelled_at.is_some() && asked.refund_asked_at.is_some());
    assert_eq!(
        (asked.state.as_str(), wallet(&buyer).await),
        ("active", vec![eur(0)])
    );
    let resumed = buyer.client.resume_subscription(made.id).await.unwrap();
    assert_eq!(
        (resumed.cancelled_at, resumed.refund_asked_at),
        (None, None)
    );
    let asked = ask().await.unwrap();
    let sold = market.owner.client.sold_subscriptions().await.unwrap();
    assert_eq!(sold, std::slice::from_ref(&asked));
    assert_eq!(sold[0].refund_asked_reason.as_deref(), Some("bought twice"));
    let left = asked.unused.unwrap();
    let yes = NewTermRefund {
        reason: "as asked".to_owned(),
    };
    let owner = &market.owner.client;
    let back = owner
        .refund_subscription(made.id, "yes", &yes)
        .await
        .unwrap();
    assert_eq!((&back.terms[0].refunded, back.unused), (&left, None));
    assert_eq!(wallet(&buyer).await, [left]);
    refused(ask().await, 409, "nothing_unused");
    sound(&market).await;
}

/// What a browser shows and sends, from offering a plan to giving its days back.
async fn plans_and_subscriptions_have_pages(app: &mut TestApp) {
    let market = app.market(1000).await;
    let (owner, slug) = (&market.owner, &market.dataset.slug);
    let buyer = app.buyer(&market, "buyer", 5000).await;
    let (_, form) = page(app, owner, &format!("/my/plans/new?dataset={slug}")).await;
    assert!(form.contains(" checked") && form.contains("list price 10.00 EUR"));
    let fields = "title=Weather+by+the+month&currency=EUR&every=month&template=open";
    let bare = format!("{fields}&amount=30&dataset=another");
    let (status, told) = send(app, owner, "/my/plans/new", &bare).await;
    assert_eq!(status, 422);
    assert!(told.contains("Weather by the month") && told.contains("datasets-wrong"));
    let whole = format!("{fields}&amount=30&dataset={slug}");
    let (status, plan) = send(app, owner, "/my/plans/new", &whole).await;
    assert_eq!(status, 303, "{plan}");
    let plan = plan.split('?').next().unwrap().to_owned();
    let (_, dataset) = page(app, &buyer, &format!("/datasets/{slug}")).await;
    assert!(dataset.contains(&plan), "{dataset}");

    let (_, read) = page(app, &buyer, &plan).await;
    let field = |name: &str| {
        let at = read.split(&format!("name=\"{name}\" value=\"")).nth(1);
        at.unwrap().split('"').next().unwrap().to_owned()
    };
    let form = format!(
        "key=k&terms_sha256={}&minor={}&currency=EUR",
        field("terms_sha256"),
        field("minor")
    );
    let (status, told) = send(app, &buyer, &plan, &form).await;
    assert_eq!(status, 422);
    assert!(told.contains("Tick that you accept"));
    let (status, mine) = send(app, &buyer, &plan, &format!("{form}&accept=yes")).await;
    assert_eq!(status, 303, "{mine}");
    let mine = mine.split('?').next().unwrap().to_owned();
    let (_, again) = page(app, &buyer, &plan).await;
    assert!(again.contains("You subscribe to this already"));
    assert!(page(app, &buyer, "/subscriptions").await.1.contains(&mine));
    let (_, shown) = page(app, &buyer, &mine).await;
    assert!(shown.contains("30.00 EUR") && shown.contains("/cancel"));
    assert!(!shown.contains("/refund\""));

    for (act, form, sees) in [
        ("cancel", "", "/resume"),
        ("resume", "", "/cancel"),
        ("ask", "reason=bought+twice", "asked back"),
    ] {
        let (status, to) = send(app, &buyer, &format!("{mine}/{act}"), form).await;
        assert_eq!(status, 303, "{act}: {to}");
        assert!(page(app, &buyer, &to).await.1.contains(sees), "{act}");
    }
    let stranger = app.party("stranger").await;
    assert_eq!(page(app, &stranger, &mine).await.0, 404);
    let (_, sold) = page(app, owner, "/my/plans").await;
    assert!(
        sold.contains(&mine) && sold.contains("asked back"),
        "{sold}"
    );
    let (status, to) = send(app, owner, &format!("{mine}/refund"), "key=r&reason=yes").await;
    assert_eq!(status, 303, "{to}");
    assert_eq!(wallet(&buyer).await, [eur(5000)]);
    let (_, all) = page(app, &market.operator, "/operator/subscriptions").await;
    assert!(all.contains(&mine) && all.contains("given back"));
    let (status, to) = send(app, owner, &format!("{plan}/retire"), "").await;
    assert_eq!((status, &*to), (303, "/my/plans?done=plan-retired"));
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
