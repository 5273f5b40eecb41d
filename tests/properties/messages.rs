//! Whatever order a provider's messages come in, and however often: the end is the same.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use schema::wire::NewPayment;
use serde_json::Value;

use crate::support::cards::{Names, Provider};
use crate::support::market::order;
use crate::support::people::eur;
use crate::support::{Person, TestApp, card_journeys};

/// Orders of a usual run per database; `GRANARY_PROPERTY_CASES` asks for more.
const CASES: u64 = 6;

card_journeys!(
    messages_in_any_order_end_the_same,
    messages_of_an_order_in_any_order_end_the_same,
);

fn cases() -> u64 {
    std::env::var("GRANARY_PROPERTY_CASES").map_or(CASES, |text| text.parse().expect("a number"))
}

/// Everything a provider says of one payment of 20.00 that has a full life.
fn life(names: &Names) -> Vec<Value> {
    vec![
        names.failed("Your card was declined."),
        names.page_completed(2000),
        names.paid(2000),
        names.charged(2000),
        names.refund("a", 500, "succeeded"),
        names.charge_refunded(2000, 500),
        names.refund("b", 300, "pending"),
        names.refund("b", 300, "failed"),
        names.charge_refunded(2000, 800),
        names.dispute("a", 400, "needs_response"),
        names.dispute("a", 400, "won"),
        names.dispute("b", 150, "needs_response"),
        names.dispute("b", 150, "lost"),
        names.payout(1000, "paid"),
    ]
}

/// What a life leaves in every account but the wallets, and in the payer's own wallet.
#[derive(Debug, PartialEq, Eq)]
struct End {
    accounts: Vec<(String, i64)>,
    wallet: i64,
    payment: (String, i64, Option<String>),
}

async fn accounts(operator: &Person) -> Vec<(String, i64)> {
    let balance = operator.client.trial_balance().await.unwrap();
    let accounts = balance.books.into_iter().flat_map(|book| book.accounts);
    let own = accounts.filter(|account| !account.account.contains("Wallet"));
    own.map(|account| (account.account, account.balance))
        .collect()
}

async fn messages_in_any_order_end_the_same(app: &mut TestApp, _: &Provider) {
    let operator = app.operator().await;
    let mut before = Vec::new();
    let mut first: Option<End> = None;
    for case in 0..cases() {
        let payer = app.party(&format!("payer-{case}")).await;
        let begun = payer.fills("a", 2000).await;
        let events = told(life(&Names::of(&begun)), case);
        app.say_all(&events).await;
        let left = operator.client.provider_messages().await.unwrap();
        assert!(left.is_empty(), "case {case}: {left:?}");
        let after = accounts(&operator).await;
        let payment = payer.client.payment(begun.id).await.unwrap();
        let end = End {
            accounts: grown(&before, &after),
            wallet: payer.client.wallet().await.unwrap().balances[0].minor,
            payment: (payment.state, payment.given_back.minor, payment.note),
        };
        before = after;
        match &first {
            None => {
                // 20.00 paid, 5.00 given back, 3.00 given back in vain, 1.50 lost.
                assert_eq!(end.wallet, eur(1350).minor);
                first = Some(end);
            }
            Some(first) => assert_eq!(&end, first, "case {case}: {events:?}"),
        }
        let wrong = app.leftovers();
        assert!(wrong.is_empty(), "case {case}:\n{}", wrong.join("\n"));
    }
}

/// Everything a provider says of an order of 19.99 that was paid by card: given back in parts,
/// of which one does not arrive, disputed twice, once in vain.
fn life_of_an_order(names: &Names) -> Vec<Value> {
    vec![
        names.page_completed(1999),
        names.paid(1999),
        names.charged(1999),
        names.refund("a", 333, "pending"),
        names.refund("a", 333, "succeeded"),
        names.charge_refunded(1999, 333),
        names.refund("b", 250, "succeeded"),
        names.refund("b", 250, "failed"),
        names.charge_refunded(1999, 583),
        names.dispute("a", 416, "needs_response"),
        names.dispute("a", 416, "won"),
        names.dispute("b", 777, "needs_response"),
        names.dispute("b", 777, "lost"),
    ]
}

/// What such a life leaves: accounts without wallets, the buyer's wallet, what was given back,
/// the licence.
type EndOfOrder = (Vec<(String, i64)>, i64, i64, String);

async fn messages_of_an_order_in_any_order_end_the_same(app: &mut TestApp, _: &Provider) {
    let market = app.market(1999).await;
    let mut before = Vec::new();
    let mut first: Option<EndOfOrder> = None;
    for case in 0..cases() {
        let payer = app.party(&format!("payer-{case}")).await;
        let new = NewPayment {
            order: Some(order(&market.offer)),
            ..NewPayment::default()
        };
        let begun = payer.client.pay("a", &new).await.unwrap();
        let events = told(life_of_an_order(&Names::of(&begun)), case);
        app.say_all(&events).await;
        let left = market.operator.client.provider_messages().await.unwrap();
        assert!(left.is_empty(), "case {case}: {left:?}");
        let after = accounts(&market.operator).await;
        let bought = payer.client.orders().await.unwrap().remove(0);
        let licence = payer.client.licence(bought.licence_id).await.unwrap();
        let wallet = payer.client.wallet().await.unwrap().balances[0].minor;
        let grown = grown(&before, &after);
        before = after;
        let end = (grown, wallet, bought.refunded.minor, licence.state);
        match &first {
            None => {
                // 3.33 given back, 2.50 come back to the wallet, 7.77 lost.
                assert_eq!((end.1, end.2), (250, 333 + 250 + 777), "{end:?}");
                first = Some(end);
            }
            Some(first) => assert_eq!(&end, first, "case {case}: {events:?}"),
        }
        let wrong = app.leftovers();
        assert!(wrong.is_empty(), "case {case}:\n{}", wrong.join("\n"));
    }
}

/// By how much each account has grown.
fn grown(before: &[(String, i64)], after: &[(String, i64)]) -> Vec<(String, i64)> {
    let was = |name: &str| {
        before
            .iter()
            .find(|(known, _)| known == name)
            .map_or(0, |(_, sum)| *sum)
    };
    after
        .iter()
        .map(|(name, sum)| (name.clone(), sum - was(name)))
        .filter(|(_, change)| *change != 0)
        .collect()
}

/// The first case in order; the second backwards, children first; the others shuffled, each
/// message up to three times.
fn told(life: Vec<Value>, case: u64) -> Vec<Value> {
    match case {
        0 => life,
        1 => life.into_iter().rev().collect(),
        _ => {
            let thrice: Vec<Value> = life.iter().cycle().take(3 * life.len()).cloned().collect();
            let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[case as u8; 32]);
            let mut runner = TestRunner::new_with_rng(Config::default(), rng);
            let orders = Just(thrice).prop_shuffle();
            orders.new_tree(&mut runner).unwrap().current()
        }
    }
}
