//! Paying by card and by transfer.

use chrono::TimeDelta;
use reqwest::Method;
use schema::wire::*;
use server::store::jobs;

use crate::support::cards::{Names, Provider, SECRETS, event};
use crate::support::market::order;
use crate::support::people::{eur, refused};
use crate::support::{Person, TestApp, card_journeys, journeys};

card_journeys!(
    a_wallet_is_filled_by_card,
    an_order_is_paid_by_card_and_given_back_to_it,
    money_for_what_is_gone_stays_with_the_payer,
    a_failed_or_closed_page_charges_nothing,
    a_message_waits_for_its_payment,
    a_failed_message_is_told_and_tried_again,
    only_signed_messages_are_kept,
    a_provider_that_is_away_is_asked_again,
    a_redirect_is_not_followed,
    a_refund_that_the_bank_refuses_lands_in_the_wallet,
    a_disputed_wallet_is_held_and_decided,
    a_disputed_order_is_held_and_decided,
    a_transfer_is_announced_and_confirmed,
);
journeys!(a_node_without_a_provider_takes_transfers_alone);

async fn account(operator: &Person, part: &str) -> i64 {
    let balance = operator.client.trial_balance().await.unwrap();
    let accounts = balance.books.iter().flat_map(|book| &book.accounts);
    let some = accounts.filter(|account| account.account.starts_with(part));
    some.map(|account| account.balance).sum()
}

async fn a_wallet_is_filled_by_card(app: &mut TestApp, provider: &Provider) {
    let operator = app.operator().await;
    let payer = app.party("payer").await;
    let begun = payer.fills("once", 2000).await;
    assert_eq!((begun.state.as_str(), begun.way), ("open", PayWay::Card));
    assert!(
        begun
            .url
            .as_ref()
            .unwrap()
            .starts_with("https://checkout.example/")
    );
    // The same request again asks the provider nothing.
    assert_eq!(payer.fills("once", 2000).await, begun);
    let asked = provider.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(asked[0].key.as_deref(), Some(begun.id.to_string().as_str()));
    assert_eq!(asked[0].version.as_deref(), Some("2024-12-18.acacia"));
    assert_eq!(
        asked[0].field("line_items[0][price_data][unit_amount]"),
        "2000"
    );
    let ours = "payment_intent_data[metadata][granary_payment]";
    assert_eq!(asked[0].field(ours), begun.id.to_string());

    let names = Names::of(&begun);
    app.say_all(&[
        names.page_completed(2000),
        names.paid(2000),
        names.charged(2000),
    ])
    .await;
    let paid = payer.client.payment(begun.id).await.unwrap();
    assert_eq!((paid.state.as_str(), &paid.url), ("paid", &None));
    assert_eq!(payer.client.payments().await.unwrap(), [paid]);
    assert_eq!(payer.client.wallet().await.unwrap().balances, [eur(2000)]);
    // The provider keeps a fee, told by its own movement; its account holds the rest.
    assert_eq!(account(&operator, "Expenses:PSPFee").await, 59);
    assert_eq!(account(&operator, "Assets:PSP:stripe").await, 1941);
    // Then it sends money to the bank.
    app.say_all(&[names.payout(1941, "paid")]).await;
    assert_eq!(account(&operator, "Assets:PSP:stripe").await, 0);
    assert_eq!(account(&operator, "Assets:Bank:main").await, 1941);
    assert_eq!(operator.client.provider_messages().await.unwrap(), []);
    let stranger = app.party("stranger").await;
    refused(stranger.client.payment(begun.id).await, 404, "not_found");
    let other = NewPayment {
        amount: Some(eur(1)),
        ..NewPayment::default()
    };
    refused(
        payer.client.pay("once", &other).await,
        409,
        "idempotency_conflict",
    );
}

async fn an_order_is_paid_by_card_and_given_back_to_it(app: &mut TestApp, provider: &Provider) {
    let market = app.market(1999).await;
    let buyer = app.party("buyer").await;
    let new = NewPayment {
        order: Some(order(&market.offer)),
        ..NewPayment::default()
    };
    let begun = buyer.client.pay("k", &new).await.unwrap();
    assert_eq!(begun.amount, eur(1999));
    let names = Names::of(&begun);
    app.say_all(&[names.paid(1999), names.page_completed(1999)])
        .await;
    let paid = buyer.client.payment(begun.id).await.unwrap();
    let bought = buyer.client.order(paid.order_id.unwrap()).await.unwrap();
    assert_eq!((&bought.gross, &paid.note), (&eur(1999), &None));
    assert_eq!(buyer.client.wallet().await.unwrap().balances, []);
    assert_eq!(account(&market.operator, "Assets:PSP").await, 1999);
    assert!(app.download(&buyer, bought.licence_id).await.is_ok());

    let back = |minor| NewRefund {
        amount: eur(minor),
        reason: "three days were missing".to_owned(),
    };
    let owner = &market.owner.client;
    let refund = owner.refund(bought.id, "r", &back(500)).await.unwrap();
    app.quiet().await;
    let told = provider.asked().pop().unwrap();
    assert_eq!(told.line, "POST /v1/refunds");
    assert_eq!(told.key.as_deref(), Some(refund.id.to_string().as_str()));
    assert_eq!(
        (told.field("amount"), told.field("payment_intent")),
        ("500", names.intent().as_str())
    );
    // The provider reports the same refund: nothing new is booked. Then one more of its own.
    app.say_all(&[names.charge_refunded(1999, 500)]).await;
    assert_eq!(account(&market.operator, "Assets:PSP").await, 1499);
    app.say_all(&[names.charge_refunded(1999, 1999)]).await;
    assert_eq!(account(&market.operator, "Assets:PSP").await, 0);
    let order = buyer.client.order(bought.id).await.unwrap();
    assert_eq!(order.refunded, eur(1999));
    let licence = buyer.client.licence(bought.licence_id).await.unwrap();
    assert_eq!(licence.state, "revoked");
    let told = refused(
        owner.refund(bought.id, "r2", &back(1)).await,
        422,
        "exceeds_payment",
    );
    assert!(
        told.detail.contains("19.99 EUR of 19.99 EUR")
            && told.detail.contains("Nothing was changed"),
        "{told:?}"
    );
}

async fn money_for_what_is_gone_stays_with_the_payer(app: &mut TestApp, _: &Provider) {
    let market = app.market(1999).await;
    let buyer = app.party("buyer").await;
    let new = NewPayment {
        order: Some(order(&market.offer)),
        ..NewPayment::default()
    };
    let begun = buyer.client.pay("k", &new).await.unwrap();
    // The price of the same terms is another one by the time the money comes.
    app.offer(&market.owner, &market.dataset, 2500).await;
    refused(buyer.client.pay("k2", &new).await, 409, "not_for_sale");
    app.say_all(&[Names::of(&begun).paid(1999)]).await;
    let paid = buyer.client.payment(begun.id).await.unwrap();
    assert_eq!((paid.state.as_str(), paid.order_id), ("paid", None));
    assert!(paid.note.unwrap().contains("19.99 EUR are in your wallet"));
    assert_eq!(buyer.client.wallet().await.unwrap().balances, [eur(1999)]);
}

async fn a_failed_or_closed_page_charges_nothing(app: &mut TestApp, _: &Provider) {
    let payer = app.party("payer").await;
    let begun = payer.fills("a", 700).await;
    let names = Names::of(&begun);
    app.say_all(&[names.failed("Your card was declined.")])
        .await;
    let seen = payer.client.payment(begun.id).await.unwrap();
    assert_eq!(seen.state, "open");
    assert!(
        seen.note
            .unwrap()
            .contains("Your card was declined. Nothing was charged")
    );
    app.say_all(&[names.page_expired()]).await;
    let seen = payer.client.payment(begun.id).await.unwrap();
    assert_eq!((seen.state.as_str(), &seen.url), ("ended", &None));
    assert_eq!(payer.client.wallet().await.unwrap().balances, []);
    // Money that comes all the same is the payer's.
    app.say_all(&[names.paid(700)]).await;
    assert_eq!(payer.client.wallet().await.unwrap().balances, [eur(700)]);
}

async fn a_message_waits_for_its_payment(app: &mut TestApp, _: &Provider) {
    let operator = app.operator().await;
    let payer = app.party("payer").await;
    let begun = payer.fills("a", 700).await;
    let names = Names::of(&begun);
    app.say_all(&[names.charge_refunded(700, 200)]).await;
    let waiting = operator.client.provider_messages().await.unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!(
        (waiting[0].state.as_str(), waiting[0].direction.as_str()),
        ("parked", "in")
    );
    assert!(
        waiting[0]
            .reason
            .as_ref()
            .unwrap()
            .contains(&names.intent()),
        "{waiting:?}"
    );
    refused(payer.client.provider_messages().await, 404, "not_found");
    refused(
        payer.client.retry_message(waiting[0].id).await,
        404,
        "not_found",
    );
    // Trying again does not help before its time, and harms nothing.
    operator.client.retry_message(waiting[0].id).await.unwrap();
    app.quiet().await;
    assert_eq!(operator.client.provider_messages().await.unwrap().len(), 1);
    let (_, _, page) = app.ask_with(Method::GET, "/metrics", None, None, &[]).await;
    let page = String::from_utf8(page).unwrap();
    assert!(page.contains("granary_inbox{state=\"parked\"} 1"), "{page}");
    assert!(
        page.contains("granary_webhooks_total{answer=\"kept\"} 1"),
        "{page}"
    );
    app.say_all(&[names.paid(700)]).await;
    assert_eq!(operator.client.provider_messages().await.unwrap(), []);
    assert_eq!(payer.client.wallet().await.unwrap().balances, [eur(500)]);
    assert_eq!(
        payer.client.payment(begun.id).await.unwrap().given_back,
        eur(200)
    );
}

async fn a_failed_message_is_told_and_tried_again(app: &mut TestApp, _: &Provider) {
    let market = app.market(600).await;
    let payer = app.party("payer").await;
    let begun = payer.fills("a", 700).await;
    let names = Names::of(&begun);
    app.say_all(&[names.paid(700)]).await;
    payer.buys(&market.offer).await;
    // Given back at the provider, though most of it is spent.
    app.say_all(&[names.charge_refunded(700, 700)]).await;
    let failed = market.operator.client.provider_messages().await.unwrap();
    assert_eq!((failed.len(), failed[0].state.as_str()), (1, "failed"));
    let why = failed[0].reason.as_ref().unwrap();
    assert!(
        why.contains("holds 1.00 EUR") && why.contains("fill the wallet"),
        "{why}"
    );
    app.top_up(&market.operator, &payer, 600).await;
    market
        .operator
        .client
        .retry_message(failed[0].id)
        .await
        .unwrap();
    app.quiet().await;
    assert_eq!(
        market.operator.client.provider_messages().await.unwrap(),
        []
    );
    assert_eq!(payer.client.wallet().await.unwrap().balances, [eur(0)]);
    refused(
        market.operator.client.retry_message(failed[0].id).await,
        404,
        "not_found",
    );
    // A sum that was not asked for is not believed.
    let other = payer.fills("b", 700).await;
    app.say_all(&[Names::of(&other).paid(699)]).await;
    let failed = market.operator.client.provider_messages().await.unwrap();
    assert!(
        failed[0]
            .reason
            .as_ref()
            .unwrap()
            .contains("6.99 EUR were paid")
    );
    assert_eq!(payer.client.payment(other.id).await.unwrap().state, "open");
}

async fn only_signed_messages_are_kept(app: &mut TestApp, _: &Provider) {
    let payer = app.party("payer").await;
    let names = Names::of(&payer.fills("a", 700).await);
    let paid = names.paid(700);
    let now = app.clock.now();
    for (secret, at) in [
        ("whsec_foreign", now),
        (SECRETS[1], now - TimeDelta::seconds(301)),
        (SECRETS[1], now + TimeDelta::seconds(301)),
    ] {
        assert_eq!(app.says_at(&paid, secret, at).await, 400, "{secret} {at}");
    }
    assert_eq!(app.post_webhook(&paid.to_string(), None).await, 400);
    assert_eq!(
        app.post_webhook(&paid.to_string(), Some("t=1,v1=00")).await,
        400
    );
    app.quiet().await;
    assert_eq!(payer.client.wallet().await.unwrap().balances, []);
    // Both secrets hold while one is exchanged for the other; a repeat is answered the same.
    let edge = now - TimeDelta::seconds(300);
    assert_eq!(app.says_at(&paid, SECRETS[0], edge).await, 200);
    for _ in 0..3 {
        assert_eq!(app.says(&paid).await, 200);
    }
    app.quiet().await;
    assert_eq!(payer.client.wallet().await.unwrap().balances, [eur(700)]);
    // What is signed and is not for this node is kept apart.
    let foreign = event(
        "evt_x",
        "customer.created",
        1,
        serde_json::json!({"id": "cus_1"}),
    );
    let mut live = names.paid(700);
    live["id"] = "evt_live".into();
    live["livemode"] = true.into();
    app.say_all(&[foreign, live]).await;
    assert_eq!(payer.client.wallet().await.unwrap().balances, [eur(700)]);
    let nothing = serde_json::json!({"type": "x"});
    assert_eq!(app.says(&nothing).await, 400);
}

async fn a_provider_that_is_away_is_asked_again(app: &mut TestApp, provider: &Provider) {
    let market = app.market(1000).await;
    let buyer = app.party("buyer").await;
    for _ in 0..3 {
        provider.answer_next(503, "");
    }
    let new = NewPayment {
        order: Some(order(&market.offer)),
        ..NewPayment::default()
    };
    refused(
        buyer.client.pay("k", &new).await,
        503,
        "provider_unavailable",
    );
    assert_eq!(provider.asked().len(), 3);
    let begun = buyer.client.pay("k", &new).await.unwrap();
    let keys: Vec<_> = provider
        .asked()
        .into_iter()
        .map(|asked| asked.key)
        .collect();
    assert!(
        keys.iter().all(|key| *key == keys[0] && key.is_some()),
        "one key for one page"
    );
    // What cannot pass is asked once.
    provider.answer_next(400, "");
    let told = refused(buyer.client.pay("k2", &new).await, 409, "provider_refused");
    assert!(
        told.detail.contains("Not now.") && told.detail.contains("Nothing was charged"),
        "{told:?}"
    );
    assert_eq!(provider.asked().len(), 5);

    let names = Names::of(&begun);
    app.say_all(&[names.paid(1000)]).await;
    let id = buyer
        .client
        .payment(begun.id)
        .await
        .unwrap()
        .order_id
        .unwrap();
    // A refund stands at once; the provider is told when it answers again.
    for _ in 0..3 {
        provider.answer_next(500, "");
    }
    let back = NewRefund {
        amount: eur(1000),
        reason: "r".to_owned(),
    };
    market.owner.client.refund(id, "r", &back).await.unwrap();
    wait_for(app, provider, 8).await;
    app.later(TimeDelta::seconds(61));
    app.quiet().await;
    let asked = provider.asked();
    let refunds: Vec<_> = asked[5..]
        .iter()
        .map(|asked| (&asked.line, &asked.key))
        .collect();
    assert_eq!(refunds.len(), 4);
    assert!(refunds.iter().all(|one| *one == refunds[0]), "{refunds:?}");
    // A refusal is told to the operator, who can have it tried again.
    let second = buyer.client.pay("again", &new).await.unwrap();
    app.say_all(&[Names::of(&second).paid(1000)]).await;
    let id = buyer
        .client
        .payment(second.id)
        .await
        .unwrap()
        .order_id
        .unwrap();
    provider.answer_next(402, "");
    market.owner.client.refund(id, "r2", &back).await.unwrap();
    app.quiet().await;
    let left = market.operator.client.provider_messages().await.unwrap();
    assert_eq!(
        (
            left.len(),
            left[0].direction.as_str(),
            left[0].state.as_str()
        ),
        (1, "out", "failed")
    );
    market
        .operator
        .client
        .retry_message(left[0].id)
        .await
        .unwrap();
    app.quiet().await;
    assert_eq!(
        market.operator.client.provider_messages().await.unwrap(),
        []
    );
}

/// Waits until the provider was asked so often, and the node has given up for now.
async fn wait_for(app: &TestApp, provider: &Provider, count: usize) {
    for _ in 0..6_000 {
        let states = jobs::counts(&mut app.ctx.pool.get().unwrap()).unwrap();
        let running = states.iter().any(|(state, _)| state == "running");
        if provider.asked().len() >= count && !running {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the provider was asked {} times", provider.asked().len());
}

async fn a_redirect_is_not_followed(app: &mut TestApp, provider: &Provider) {
    let elsewhere = Provider::start();
    let payer = app.party("payer").await;
    for status in [301, 302, 307, 308] {
        provider.answer_next(
            status,
            &format!("Location: {}/v1/checkout/sessions\r\n", elsewhere.address()),
        );
        let new = NewPayment {
            amount: Some(eur(100)),
            ..NewPayment::default()
        };
        let told = refused(
            payer.client.pay(&format!("k{status}"), &new).await,
            409,
            "provider_refused",
        );
        assert!(told.detail.contains("not followed"), "{told:?}");
    }
    assert_eq!(elsewhere.asked(), []);
}

async fn a_refund_that_the_bank_refuses_lands_in_the_wallet(app: &mut TestApp, _: &Provider) {
    let operator = app.operator().await;
    let payer = app.party("payer").await;
    let begun = payer.fills("a", 700).await;
    let names = Names::of(&begun);
    app.say_all(&[names.paid(700), names.refund("x", 300, "succeeded")])
        .await;
    assert_eq!(payer.client.wallet().await.unwrap().balances, [eur(400)]);
    app.say_all(&[
        names.refund("x", 300, "failed"),
        names.charge_refunded(700, 300),
    ])
    .await;
    assert_eq!(payer.client.wallet().await.unwrap().balances, [eur(700)]);
    assert_eq!(account(&operator, "Assets:PSP").await, 700);
}

async fn a_disputed_wallet_is_held_and_decided(app: &mut TestApp, _: &Provider) {
    let market = app.market(600).await;
    let operator = &market.operator;
    let payer = app.party("payer").await;
    let names = Names::of(&payer.fills("a", 1000).await);
    app.say_all(&[names.paid(1000)]).await;
    payer.buys(&market.offer).await;
    app.say_all(&[names.dispute("a", 1000, "needs_response")])
        .await;
    // What was spent is the node's loss, not the contributors'.
    assert_eq!(payer.client.wallet().await.unwrap().balances, [eur(0)]);
    assert_eq!(account(operator, "Liabilities:DisputeHold").await, -1000);
    assert_eq!(account(operator, "Expenses:DisputeLoss").await, 600);
    assert_eq!(account(operator, "Expenses:DisputeFee").await, 1500);
    app.say_all(&[names.dispute("a", 1000, "won")]).await;
    assert_eq!(payer.client.wallet().await.unwrap().balances, [eur(400)]);
    assert_eq!(account(operator, "Liabilities:DisputeHold").await, 0);
    assert_eq!(account(operator, "Expenses:DisputeLoss").await, 0);

    let names = Names::of(&payer.fills("b", 300).await);
    app.say_all(&[names.paid(300), names.dispute("b", 300, "lost")])
        .await;
    assert_eq!(payer.client.wallet().await.unwrap().balances, [eur(400)]);
    assert_eq!(account(operator, "Liabilities:DisputeHold").await, 0);
    assert_eq!(account(operator, "Assets:PSP").await, 1000 - 2 * 1500);
}

async fn a_disputed_order_is_held_and_decided(app: &mut TestApp, _: &Provider) {
    let market = app.market(1000).await;
    let operator = &market.operator;
    let buyer = app.party("buyer").await;
    let pay = NewPayment {
        order: Some(order(&market.offer)),
        ..NewPayment::default()
    };
    let names = Names::of(&buyer.client.pay("a", &pay).await.unwrap());
    app.say_all(&[names.paid(1000), names.dispute("a", 1000, "needs_response")])
        .await;
    assert_eq!(account(operator, "Liabilities:DisputeHold").await, -1000);
    assert_eq!(account(operator, "Income:PlatformFee").await, 0);
    assert_eq!(account(operator, "Liabilities:Pool").await, 0);
    assert_eq!(account(operator, "Expenses:DisputeLoss").await, 0);
    app.say_all(&[names.dispute("a", 1000, "won")]).await;
    assert_eq!(account(operator, "Liabilities:DisputeHold").await, 0);
    assert_eq!(account(operator, "Income:PlatformFee").await, -100);
    assert_eq!(account(operator, "Liabilities:Pool").await, -900);

    // The end is heard of first; what was opened before it is booked all the same.
    let begun = buyer.client.pay("b", &pay).await.unwrap();
    let names = Names::of(&begun);
    app.say_all(&[names.dispute("b", 1000, "lost"), names.paid(1000)])
        .await;
    app.say_all(&[names.dispute("b", 1000, "needs_response")])
        .await;
    assert_eq!(account(operator, "Liabilities:DisputeHold").await, 0);
    assert_eq!(account(operator, "Income:PlatformFee").await, -100);
    assert_eq!(account(operator, "Liabilities:Pool").await, -900);
    assert_eq!(account(operator, "Assets:PSP").await, 1000 - 2 * 1500);
    let paid = buyer.client.payment(begun.id).await.unwrap();
    let lost = buyer.client.order(paid.order_id.unwrap()).await.unwrap();
    let licence = buyer.client.licence(lost.licence_id).await.unwrap();
    assert_eq!(licence.state, "revoked");
    assert_eq!(operator.client.provider_messages().await.unwrap(), []);
}

async fn a_transfer_is_announced_and_confirmed(app: &mut TestApp, provider: &Provider) {
    let operator = app.operator().await;
    let payer = app.party("payer").await;
    let new = NewPayment {
        amount: Some(eur(2500)),
        order: None,
        way: Some(PayWay::Transfer),
    };
    let begun = payer.client.pay("t", &new).await.unwrap();
    let words = begun.instructions.clone().unwrap();
    assert!(
        words.contains("25.00 EUR")
            && words.contains(&begun.reference)
            && words.contains("IBAN DE02"),
        "{words}"
    );
    assert_eq!((begun.url, provider.asked()), (None, vec![]));
    let top_up = |party: &Person| NewTopUp {
        party: party.handle.clone(),
        amount: eur(2500),
        reference: begun.reference.to_lowercase(),
    };
    let stranger = app.party("stranger").await;
    let wrong = operator.client.top_up("w", &top_up(&stranger)).await;
    refused(wrong, 422, "invalid");
    operator.client.top_up("c", &top_up(&payer)).await.unwrap();
    operator.client.top_up("c", &top_up(&payer)).await.unwrap();
    let paid = payer.client.payment(begun.id).await.unwrap();
    assert_eq!((paid.state.as_str(), paid.instructions), ("paid", None));
    assert_eq!(payer.client.wallet().await.unwrap().balances, [eur(2500)]);
    assert_eq!(account(&operator, "Assets:Bank:main").await, 2500);
}

async fn a_node_without_a_provider_takes_transfers_alone(app: &mut TestApp) {
    let market = app.market(600).await;
    let payer = app.party("payer").await;
    let fill = |way| NewPayment {
        amount: Some(eur(100)),
        order: None,
        way,
    };
    refused(
        payer.client.pay("a", &fill(Some(PayWay::Card))).await,
        409,
        "no_cards",
    );
    let begun = payer.client.pay("b", &fill(None)).await.unwrap();
    assert_eq!((begun.way, begun.url), (PayWay::Transfer, None));
    let direct = NewPayment {
        order: Some(order(&market.offer)),
        ..NewPayment::default()
    };
    refused(payer.client.pay("c", &direct).await, 409, "orders_by_card");
    for wrong in [
        NewPayment::default(),
        NewPayment {
            amount: Some(eur(0)),
            ..NewPayment::default()
        },
    ] {
        refused(payer.client.pay("d", &wrong).await, 422, "invalid");
    }
    let short = payer.client.buy("e", &order(&market.offer)).await;
    let told = refused(short, 402, "insufficient_funds");
    for part in [
        "0.00 EUR",
        "6.00 EUR are missing",
        "Nothing was bought",
        "wallet fill",
    ] {
        assert!(told.detail.contains(part), "{told:?}");
    }
    assert_eq!(app.post_webhook("{}", Some("t=1,v1=00")).await, 404);
}
