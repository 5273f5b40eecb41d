//! Fifty equal requests at once have one effect, for every verb that moves money.

use std::collections::BTreeSet;

use chrono::{Datelike, TimeDelta};
use futures_util::future::join_all;
use schema::wire::*;
use server::client::Answer;
use uuid::Uuid;

use crate::support::bank::{self, Booked, FRENCH, earnings};
use crate::support::cards::{Names, Provider};
use crate::support::market::{order, wanted};
use crate::support::people::eur;
use crate::support::{Market, Person, TestApp, card_journeys, readings};

/// Every request that takes an `Idempotency-Key`, with the function here or in
/// `idempotency.rs` that makes it fifty times.
const COVERED: &str = "
POST /api/v1/admin/adjustments/{id}/approval corrections
POST /api/v1/admin/claims/{id}/decision      claims
POST /api/v1/admin/disputes                  disputes
POST /api/v1/admin/disputes/{id}/verdict     disputes
POST /api/v1/admin/payouts/{id}/approval     payouts
POST /api/v1/admin/periods/{name}/close      months
POST /api/v1/admin/points                    points
POST /api/v1/admin/settlements               idempotency.rs
POST /api/v1/admin/top-ups                   idempotency.rs
POST /api/v1/exchanges                       exchanges
POST /api/v1/orders                          idempotency.rs
POST /api/v1/orders/{id}/refunds             idempotency.rs
POST /api/v1/payments                        cards
POST /api/v1/subscriptions                   subscriptions
POST /api/v1/subscriptions/{id}/refunds      subscriptions
";

card_journeys!(fifty_equal_requests_of_every_verb_have_one_effect);

/// Makes a request fifty times at once; answers the one answer there is.
async fn fifty<T, F>(make: impl Fn() -> F) -> T
where
    T: std::fmt::Debug + PartialEq,
    F: Future<Output = Answer<T>>,
{
    let answers = join_all((0..50).map(|_| make())).await;
    let mut answers = answers.into_iter().map(Result::unwrap);
    let first = answers.next().unwrap();
    assert!(answers.all(|answer| answer == first), "{first:?}");
    first
}

async fn fifty_equal_requests_of_every_verb_have_one_effect(
    app: &mut TestApp,
    provider: &Provider,
) {
    let market = app.market(1000).await;
    let deputy = app.deputy(&market.operator).await;
    market.owner.is_paid_to(FRENCH, "FR").await;
    app.later(TimeDelta::days(4));
    let buyer = app.earned(&market, 3).await;
    claims(app, &market, &buyer).await;
    disputes(&market, &buyer).await;
    corrections(&market, &buyer, &deputy).await;
    payouts(app, &market, &deputy).await;
    subscriptions(app, &market).await;
    cards(app, provider, &market).await;
    points(&market).await;
    exchanges(&market, &buyer).await;
    months(app, &market).await;
    let findings = market.operator.client.ledger_verify().await.unwrap();
    assert_eq!(findings, []);
}

async fn sum(operator: &Person, part: &str) -> i64 {
    let balance = operator.client.trial_balance().await.unwrap();
    let accounts = balance.books.iter().flat_map(|book| &book.accounts);
    let some = accounts.filter(|account| account.account.starts_with(part));
    some.map(|account| account.balance).sum()
}

async fn exchanges(market: &Market, buyer: &Person) {
    let usd = |minor| Amount {
        minor,
        currency: "USD".to_owned(),
    };
    let rate = NewExchangeRate {
        give: eur(100),
        get: usd(108),
    };
    market
        .operator
        .client
        .set_exchange_rate(&rate)
        .await
        .unwrap();
    let funds = NewTopUp {
        party: "buyer".to_owned(),
        amount: eur(10),
        reference: "to be changed".to_owned(),
    };
    market
        .operator
        .client
        .top_up("funds", &funds)
        .await
        .unwrap();
    let new = NewExchange {
        give: eur(10),
        get: usd(10),
    };
    fifty(|| buyer.client.change_money("change", &new)).await;
    let node = "Liabilities:Node:";
    assert_eq!(sum(&market.operator, node).await, 0, "-10 cents, 10 cents");
}

async fn points(market: &Market) {
    let new = NewPoints {
        party: "owner".to_owned(),
        what: PointsMove::Issue,
        points: 7,
        reason: "thanks".to_owned(),
    };
    let given = fifty(|| market.operator.client.move_points("points", &new)).await;
    assert_eq!((given.points, given.balance), (7, 7));
    assert_eq!(sum(&market.operator, "Points:User:").await, -7);
}

/// All rows of the owner are claimed; a sale is held, and passed on once.
async fn claims(app: &TestApp, market: &Market, buyer: &Person) {
    let operator = &market.operator;
    app.settle(market).await;
    let author = app.party("author").await;
    let own = app.dataset(&author, Admission::Owner).await;
    let evidence = app.contribute(&author, &own, &readings(0..100)).await;
    let new = NewClaim {
        dataset_id: market.dataset.id,
        contributions: vec![],
        evidence: evidence.id,
        reason: "our readings".to_owned(),
    };
    let claim = author.client.file_claim(&new).await.unwrap().id;
    let until = async |what: &str, done: &dyn Fn(&ClaimView, i32) -> bool| {
        for _ in 0..200 {
            let found = author.client.claim(claim).await.unwrap();
            let shares = app.visitor.shares(market.revision.id).await.unwrap();
            if done(&found, shares.epoch) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("{what}");
    };
    until("not counted", &|found, _| found.state == "filed").await;
    let opened = fifty(|| operator.client.open_claim(claim)).await;
    assert_eq!(opened.parts[0].rows, 100);
    until("no epoch", &|_, epoch| epoch == 2).await;
    app.top_up(operator, buyer, 1_000).await;
    buyer.buys(&market.offer).await;
    let (earned, before) = (earnings(&market.owner).await, earnings(&author).await);
    let decision = NewDecision {
        outcome: ClaimOutcome::Holder,
        reason: "the owner measured them".to_owned(),
    };
    let decided = fifty(|| operator.client.decide_claim(claim, "yes", &decision)).await;
    assert_eq!(decided.state, "for_holder");
    assert_eq!(earnings(&author).await, before);
    assert_eq!(earnings(&market.owner).await.minor, earned.minor + 900);
    until("no epoch", &|_, epoch| epoch == 3).await;
}

async fn disputes(market: &Market, buyer: &Person) {
    let operator = &market.operator;
    let orders = buyer.client.orders().await.unwrap();
    let new = NewDispute {
        order_id: orders[0].id,
        amount: eur(1000),
        reason: "the holder does not know us".to_owned(),
    };
    let open = fifty(|| operator.client.open_dispute("open", &new)).await;
    assert_eq!(sum(operator, "Liabilities:DisputeHold").await, -1000);
    let lost = fifty(|| operator.client.decide_dispute(open.id, "lost", false)).await;
    assert_eq!(lost.state, "lost");
    assert_eq!(sum(operator, "Liabilities:DisputeHold").await, 0);
    assert_eq!(operator.client.disputes().await.unwrap(), [lost]);
}

async fn corrections(market: &Market, buyer: &Person, deputy: &Person) {
    let operator = &market.operator;
    let before = sum(operator, "Income:PlatformFee").await;
    let line = |account: &str, minor| AdjustmentLine {
        account: account.to_owned(),
        minor,
    };
    let pool = format!("Liabilities:Pool:{}:E1", market.revision.id);
    let new = NewAdjustment {
        currency: "EUR".to_owned(),
        lines: vec![line("Income:PlatformFee", 40), line(&pool, -40)],
        reason: "The fee was agreed to be lower.".to_owned(),
        corrects: buyer.client.orders().await.unwrap()[1].entry.clone(),
    };
    let proposed = operator.client.propose_adjustment(&new).await.unwrap();
    let booked = fifty(|| deputy.client.approve_adjustment(proposed.id, "yes")).await;
    assert_eq!(sum(operator, "Income:PlatformFee").await, before + 40);
    assert_eq!(operator.client.adjustments().await.unwrap(), [booked]);
}

/// A run is approved, and the bank's answers are imported, fifty times each.
async fn payouts(app: &TestApp, market: &Market, deputy: &Person) {
    let operator = &market.operator;
    app.settle(market).await;
    let new = NewPayouts::default();
    let run = operator.client.propose_payouts(&new).await;
    let id = run.unwrap().id.unwrap();
    let run = fifty(|| deputy.client.approve_payouts(id, "pay")).await;
    let paid = run.totals[0].net.minor;
    assert_eq!(sum(operator, "Liabilities:PayoutInTransit").await, -paid);
    assert_eq!(earnings(&market.owner).await, eur(0));
    let held = sum(operator, "Assets:Bank").await;
    let file = bank::statement("s", held, "2026-03-10", &[Booked::debit(&run.lines[0])]);
    let read = join_all((0..50).map(|_| operator.client.import_bank_file(file.clone()))).await;
    let files: BTreeSet<Uuid> = read.into_iter().map(|file| file.unwrap().id).collect();
    assert_eq!(files.len(), 1);
    assert_eq!(sum(operator, "Liabilities:PayoutInTransit").await, 0);
    assert_eq!(sum(operator, "Assets:Bank").await, held - paid);
}

/// A term is charged, the day of it is used, and the others go back, fifty times each.
async fn subscriptions(app: &TestApp, market: &Market) {
    let operator = &market.operator;
    let new = wanted(&market.plan(310).await);
    let reader = app.buyer(market, "reader", 310).await;
    let fees = sum(operator, "Income:PlatformFee").await;
    let made = fifty(|| reader.client.subscribe("month", &new)).await;
    assert_eq!(sum(operator, "Liabilities:Deferred").await, -279);
    assert_eq!(reader.client.wallet().await.unwrap().balances, [eur(0)]);
    assert_eq!(
        reader.client.subscriptions().await.unwrap(),
        std::slice::from_ref(&made)
    );
    let licences = reader.client.licences().await.unwrap();
    assert_eq!(licences.len(), 1);
    app.download(&reader, licences[0].id).await.unwrap();
    let pools = sum(operator, "Liabilities:Pool").await;
    let why = NewTermRefund {
        reason: "not as described".to_owned(),
    };
    let owner = &market.owner.client;
    let back = fifty(|| owner.refund_subscription(made.id, "back", &why)).await;
    let term = &back.terms[0];
    let (kept, earned) = (310 / i64::from(term.days), 279 / i64::from(term.days));
    assert_eq!((term.earned_days, &back.state[..]), (1, "refunded"));
    assert_eq!(term.refunded, eur(310 - kept));
    let held = reader.client.wallet().await.unwrap().balances;
    assert_eq!(held, [eur(310 - kept)]);
    assert_eq!(sum(operator, "Liabilities:Deferred").await, 0);
    let earned_now = pools - sum(operator, "Liabilities:Pool").await;
    assert_eq!(earned_now, earned);
    let fee = fees - sum(operator, "Income:PlatformFee").await;
    assert_eq!(fee, kept - earned);
}

/// A payment is begun, and each message about it is said, fifty times each.
async fn cards(app: &TestApp, provider: &Provider, market: &Market) {
    let payer = app.party("payer").await;
    let new = NewPayment {
        order: Some(order(&market.offer)),
        ..NewPayment::default()
    };
    let begun = join_all((0..50).map(|_| payer.client.pay("pay", &new))).await;
    let ids: BTreeSet<Uuid> = begun.into_iter().map(|view| view.unwrap().id).collect();
    assert_eq!(ids.len(), 1);
    let keys: BTreeSet<_> = provider
        .asked()
        .into_iter()
        .map(|asked| asked.key)
        .collect();
    assert_eq!(keys.len(), 1, "the provider makes one page for one key");
    let payment = payer.client.payments().await.unwrap().remove(0);
    let names = Names::of(&payment);
    let dispute = names.dispute("a", 400, "lost");
    for event in [names.paid(1000), names.charge_refunded(1000, 100), dispute] {
        for status in join_all((0..50).map(|_| app.says(&event))).await {
            assert_eq!(status, 200);
        }
        app.quiet().await;
    }
    assert_eq!(
        sum(&market.operator, "Assets:PSP").await,
        1000 - 100 - 400 - 1500
    );
    let orders = payer.client.orders().await.unwrap();
    assert_eq!((orders.len(), orders[0].refunded.minor), (1, 500));
    assert_eq!(payer.client.licences().await.unwrap().len(), 1);
}

async fn months(app: &TestApp, market: &Market) {
    let month = market.operator.client.periods().await.unwrap().remove(0);
    while app.clock.now().month() == 3 {
        app.later(TimeDelta::days(5));
    }
    let operator = app.again("operator").await;
    let closed = fifty(|| operator.client.close_period(&month.name, "close")).await;
    let periods = operator.client.periods().await.unwrap();
    let closed_now = periods.iter().filter(|one| one.closed_at.is_some());
    assert_eq!(closed_now.collect::<Vec<_>>(), [&closed]);
}

/// A request that takes a key and stands in no list has no test that it has one effect.
#[test]
fn every_request_with_a_key_is_covered() {
    let text = include_str!("../../schema/openapi.json");
    let api: serde_json::Value = serde_json::from_str(text).unwrap();
    let takes_key = |operation: &serde_json::Value| {
        let parameters = operation["parameters"].as_array();
        let mut all = parameters.into_iter().flatten();
        all.any(|one| one["name"] == "Idempotency-Key")
    };
    let mut found = BTreeSet::new();
    for (path, operations) in api["paths"].as_object().unwrap() {
        let operations = operations.as_object().unwrap().iter();
        let with = operations.filter(|(_, operation)| takes_key(operation));
        found.extend(with.map(|(verb, _)| format!("{} {path}", verb.to_uppercase())));
    }
    let covered: BTreeSet<String> = COVERED
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some(format!("{} {}", words.next()?, words.next()?))
        })
        .collect();
    assert_eq!(found, covered);
}
