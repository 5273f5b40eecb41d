//! kill -9 in the middle of every verb that moves money: each request that was made has exactly
//! one effect in the end, whether it was answered, lost or cut off, and the sums are those of
//! plain arithmetic.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dataset_core::seal::Identity;
use schema::wire::*;
use serde_json::Value;
use server::client::Client;
use server::clock::Clock;
use uuid::Uuid;

use super::kill::{Dice, heard};
use crate::support::bank::{self, Booked, FRENCH, OURS};
use crate::support::cards::{self, Names, Provider};
use crate::support::files;
use crate::support::market::{by_the_month, order, wanted};
use crate::support::people::{account, eur, sign_in};
use crate::support::process::{Home, Process};
use crate::support::{Database, readings};

/// Rounds of a usual run; `GRANARY_FAULT_ROUNDS` asks for more.
const ROUNDS: u64 = 3;
const PRICE: i64 = 1_000;
const FUNDS: i64 = 10_000_000;
/// What is given back at once, a tenth of the price: fee and net divide without a rest.
const PART: i64 = 100;

/// One request that may be made any number of times.
#[derive(Debug, Clone)]
enum Deed {
    TopUp(String),
    Buy(String),
    Refund(String, Uuid),
    Dispute(String, Uuid),
    Decide(String, Uuid, bool),
    Adjust(String, Uuid),
    Close(String),
    Approve(String, Uuid),
    Bank(Vec<u8>),
    Fill(String),
    Subscribe(String, Box<PlanView>),
    GiveBack(String, Uuid),
    Message(Value),
}

/// Everybody, signed in at the running node.
#[derive(Clone)]
struct People {
    operator: Client,
    deputy: Client,
    owner: Client,
    buyer: Client,
}

impl People {
    async fn of(node: &Process) -> Self {
        Self {
            operator: sign_in(node, "operator").await,
            deputy: sign_in(node, "deputy").await,
            owner: sign_in(node, "owner").await,
            buyer: sign_in(node, "buyer").await,
        }
    }

    /// Makes a request; answers what must be the same whenever it is answered.
    async fn perform(&self, deed: &Deed, offer: &OfferView) -> Option<String> {
        match deed {
            Deed::TopUp(key) => {
                let new = NewTopUp {
                    party: "buyer".to_owned(),
                    amount: eur(500),
                    reference: key.clone(),
                };
                heard(self.operator.top_up(key, &new).await).map(|view| view.entry)
            }
            Deed::Buy(key) => heard(self.buyer.buy(key, &order(offer)).await)
                .map(|view| format!("{} {}", view.id, view.entry)),
            Deed::Refund(key, order) => {
                let new = NewRefund {
                    amount: eur(PART),
                    reason: "a tenth was missing".to_owned(),
                };
                heard(self.owner.refund(*order, key, &new).await)
                    .map(|view| format!("{} {}", view.id, view.entry))
            }
            Deed::Dispute(key, order) => {
                let answer = self.operator.open_dispute(key, &disputed(*order)).await;
                heard(answer).map(|view| view.id.to_string())
            }
            Deed::Decide(key, dispute, won) => {
                let answer = self.operator.decide_dispute(*dispute, key, *won).await;
                heard(answer).map(|view| format!("{} {:?}", view.state, view.decided_at))
            }
            Deed::Adjust(key, id) => {
                heard(self.deputy.approve_adjustment(*id, key).await).map(|view| view.entry)
            }
            Deed::Close(month) => {
                let key = format!("close-{month}");
                let answer = self.operator.close_period(month, &key).await;
                heard(answer).map(|view| format!("{:?}", view.closed_at))
            }
            Deed::Approve(key, run) => {
                let answer = heard(self.deputy.approve_payouts(*run, key).await);
                answer.map(|run| format!("{:?} {}", run.file_sha256, run.lines[0].entries[0]))
            }
            Deed::Bank(file) => {
                let answer = self.operator.import_bank_file(file.clone()).await;
                heard(answer).map(|view| format!("{} {:?}", view.id, view.lines))
            }
            Deed::Fill(key) => {
                let new = NewPayment {
                    amount: Some(eur(700)),
                    ..NewPayment::default()
                };
                heard(self.buyer.pay(key, &new).await).map(|view| view.id.to_string())
            }
            Deed::Subscribe(key, plan) => {
                let answer = self.buyer.subscribe(key, &wanted(plan)).await;
                heard(answer).map(|view| format!("{} {}", view.id, view.terms[0].entry))
            }
            Deed::GiveBack(key, id) => {
                let new = NewTermRefund {
                    reason: "not as described".to_owned(),
                };
                heard(self.owner.refund_subscription(*id, key, &new).await)
                    .map(|view| format!("{} {:?}", view.state, view.terms))
            }
            Deed::Message(event) => {
                let now = Clock::System.now();
                let sent = cards::send(self.operator.node(), event, now).await.ok()?;
                assert!(sent == 200 || sent == 503, "{sent} {event}");
                (sent == 200).then(|| "kept".to_owned())
            }
        }
    }
}

fn disputed(order_id: Uuid) -> NewDispute {
    NewDispute {
        order_id,
        amount: eur(PRICE),
        reason: "the holder does not know us".to_owned(),
    }
}

/// What arithmetic says once every request has its one effect.
#[derive(Default)]
struct Model {
    /// Every request so far with its first answer.
    deeds: Vec<(Deed, Option<String>)>,
    /// Orders from the wallet that were bought while nothing happened.
    calm_orders: i64,
    /// Orders that were paid by card, which later rounds give a part of back.
    card_orders: Vec<Uuid>,
    /// Days of the terms that are given back, of which one is used.
    given_back: Vec<i64>,
    /// What the bank has been told to pay in the round before.
    to_book: Vec<PayoutView>,
    /// Balance of the bank's own statements.
    bank: i64,
    paid: i64,
    approved: i64,
    rounds: i64,
}

impl Model {
    fn count(&self, of: fn(&Deed) -> bool) -> i64 {
        let some = self.deeds.iter().filter(|(deed, _)| of(deed)).count();
        i64::try_from(some).unwrap()
    }
}

#[test]
fn every_verb_of_money_survives_kill_9() {
    let rounds = std::env::var("GRANARY_FAULT_ROUNDS")
        .map_or(ROUNDS, |text| text.parse().expect("a number"));
    for database in Database::all() {
        let folder = tempfile::tempdir().unwrap();
        let provider = Provider::start();
        let mut home = Home::new(&folder.path().join("home"), database.url());
        home.environment = provider.environment();
        home.environment.extend([
            ("GRANARY_BANK_IBAN", OURS.to_owned()),
            ("GRANARY_PAYOUT_WAIT_DAYS", "0".to_owned()),
        ]);
        tokio::runtime::Runtime::new().unwrap().block_on(rounds_on(
            &home,
            folder.path(),
            &provider,
            rounds,
        ));
    }
}

async fn rounds_on(home: &Home, desk: &std::path::Path, provider: &Provider, rounds: u64) {
    let mut node = home.start();
    let offer = begin(&node, desk).await;
    let mut model = Model::default();
    for round in 0..rounds {
        // The seed of a round is its number: a failure names it.
        let mut dice = Dice(0x5851_f42d_4c95_7f2d ^ (round + 1));
        // Wide enough to fall before, into and after the writer's work.
        let moment = Duration::from_micros(dice.below(250_000));
        let people = People::of(&node).await;
        let deeds = prepare(&people, &offer, &mut model, round).await;
        node = strike(home, node, &people, &offer, deeds, &mut model, moment).await;
        audit(&node, provider, &offer, &mut model, round).await;
    }
    node.kill();
}

async fn begin(node: &Process, desk: &std::path::Path) -> OfferView {
    let operator = account(node, "operator", node.operator_token.clone()).await;
    account(node, "deputy", None).await;
    let appointed = NewOperator {
        party: "deputy".to_owned(),
        reason: "payouts need two".to_owned(),
    };
    operator.appoint_operator(&appointed).await.unwrap();
    let owner = account(node, "owner", None).await;
    let method = NewPayoutMethod {
        name: "Owner".to_owned(),
        iban: FRENCH.to_owned(),
        country: "FR".to_owned(),
        bic: None,
    };
    owner.set_payout_method(&method).await.unwrap();
    let dataset = files::published(&owner, &readings(0..40), desk).await;
    let new = NewOffer {
        price: eur(PRICE),
        template: Some("open".to_owned()),
        terms: None,
        dry_run: false,
    };
    account(node, "buyer", None).await;
    let funds = NewTopUp {
        party: "buyer".to_owned(),
        amount: eur(FUNDS),
        reference: "funds".to_owned(),
    };
    operator.top_up("funds", &funds).await.unwrap();
    owner.offer(dataset, &new).await.unwrap().offer.unwrap()
}

/// What the round's requests are about, while nothing disturbs it.
async fn prepare(people: &People, offer: &OfferView, model: &mut Model, round: u64) -> Vec<Deed> {
    let key = |name: &str| format!("{name}-{round}");
    let mut orders = Vec::new();
    for n in 0..4 {
        let name = key(&format!("calm{n}"));
        orders.push(people.buyer.buy(&name, &order(offer)).await.unwrap());
    }
    model.calm_orders += 4;
    let open = async |n: usize| {
        let name = key(&format!("held{n}"));
        let new = disputed(orders[n].id);
        let opened = people.operator.open_dispute(&name, &new).await;
        opened.unwrap().id
    };
    let (won, lost) = (open(2).await, open(3).await);
    let settlement = NewSettlement::default();
    people
        .operator
        .settle(&key("settle"), &settlement)
        .await
        .unwrap();
    let proposed = people
        .operator
        .propose_payouts(&NewPayouts::default())
        .await;
    let correction = NewAdjustment {
        currency: "EUR".to_owned(),
        lines: vec![
            AdjustmentLine {
                account: "Income:PlatformFee".to_owned(),
                minor: 40,
            },
            AdjustmentLine {
                account: "Expenses:DisputeLoss".to_owned(),
                minor: -40,
            },
        ],
        reason: "The fee was agreed to be lower.".to_owned(),
        corrects: orders[0].entry.clone(),
    };
    let correction = people
        .operator
        .propose_adjustment(&correction)
        .await
        .unwrap();
    let (fresh, used) = subscriptions(people, offer, model, round).await;
    let mut deeds = vec![
        Deed::Subscribe(key("term"), Box::new(fresh)),
        Deed::GiveBack(key("days"), used),
        Deed::Dispute(key("dispute"), orders[1].id),
        Deed::Decide(key("won"), won, true),
        Deed::Decide(key("lost"), lost, false),
        Deed::Adjust(key("adjust"), correction.id),
        Deed::Close(format!("{}-{:02}", 2000 + round / 12, 1 + round % 12)),
        Deed::Approve(key("approve"), proposed.unwrap().id.unwrap()),
    ];
    deeds.extend((0..3).map(|n| Deed::TopUp(key(&format!("top{n}")))));
    deeds.extend((0..6).map(|n| Deed::Buy(key(&format!("buy{n}")))));
    deeds.extend((0..4).map(|n| Deed::Refund(key(&format!("part{n}")), orders[0].id)));
    deeds.extend((0..2).map(|n| Deed::Fill(key(&format!("fill{n}")))));
    deeds.extend(model.bank_file(round));
    // Of the latest alone: a tenth a round would be more than an order in the long run.
    let backs = model.card_orders.iter().rev().take(3).enumerate();
    deeds.extend(backs.map(|(n, id)| Deed::Refund(key(&format!("card{n}")), *id)));
    deeds.extend(
        messages(people, offer, round)
            .await
            .into_iter()
            .map(Deed::Message),
    );
    deeds
}

/// A plan that nobody subscribes to yet, and a subscription of which the first day is used.
async fn subscriptions(
    people: &People,
    offer: &OfferView,
    model: &mut Model,
    round: u64,
) -> (PlanView, Uuid) {
    let new = by_the_month(vec![offer.dataset_id], PRICE);
    let used = people.owner.make_plan(&new).await.unwrap();
    let key = format!("used-{round}");
    let made = people.buyer.subscribe(&key, &wanted(&used)).await.unwrap();
    let recipient = NewRecipient {
        recipient: Identity::generate().to_recipient().to_string(),
        label: key,
    };
    let ask = DownloadRequest {
        recipient_id: people.buyer.add_recipient(&recipient).await.unwrap().id,
        revision_id: None,
    };
    let licence = made.terms[0].licences[0];
    people.buyer.download_url(licence, &ask).await.unwrap();
    model.given_back.push(made.terms[0].days.into());
    (people.owner.make_plan(&new).await.unwrap(), made.id)
}

impl Model {
    /// The bank has paid what it was told in the round before.
    fn bank_file(&mut self, round: u64) -> Option<Deed> {
        let lines: Vec<Booked> = self.to_book.iter().map(Booked::debit).collect();
        let sum: i64 = self.to_book.iter().map(|line| line.net.minor).sum();
        if lines.is_empty() {
            return None;
        }
        let day = Clock::System.now().date_naive().to_string();
        let file = bank::statement(&format!("s{round}"), self.bank, &day, &lines);
        self.bank -= sum;
        self.paid += sum;
        self.to_book.clear();
        Some(Deed::Bank(file))
    }
}

/// What the provider says of three payments that were begun just now: one that fills the wallet
/// and is given back in part, one that is disputed and won, one that pays an order.
async fn messages(people: &People, offer: &OfferView, round: u64) -> Vec<Value> {
    let begin = async |name: &str, new: NewPayment| {
        let key = format!("{name}-{round}");
        Names::of(&people.buyer.pay(&key, &new).await.unwrap())
    };
    let fill = |minor| NewPayment {
        amount: Some(eur(minor)),
        ..NewPayment::default()
    };
    let direct = NewPayment {
        order: Some(order(offer)),
        ..NewPayment::default()
    };
    let (filled, held, bought) = (
        begin("wallet", fill(2_000)).await,
        begin("held", fill(1_000)).await,
        begin("direct", direct).await,
    );
    vec![
        filled.charge_refunded(2_000, 500),
        filled.refund("a", 500, "succeeded"),
        filled.paid(2_000),
        filled.page_completed(2_000),
        filled.charged(2_000),
        held.dispute("a", 400, "won"),
        held.dispute("a", 400, "needs_response"),
        held.paid(1_000),
        bought.page_completed(PRICE),
        bought.paid(PRICE),
        bought.charged(PRICE),
    ]
}

/// Everything at once, and in the middle of it the end.
async fn strike(
    home: &Home,
    node: Process,
    people: &People,
    offer: &OfferView,
    deeds: Vec<Deed>,
    model: &mut Model,
    moment: Duration,
) -> Process {
    let working = futures_util::future::join_all(deeds.into_iter().map(|deed| {
        let (people, offer) = (people.clone(), offer.clone());
        tokio::spawn(async move {
            let answer = people.perform(&deed, &offer).await;
            (deed, answer)
        })
    }));
    let killing = tokio::spawn(async move {
        tokio::time::sleep(moment).await;
        node.kill();
    });
    let (worked, killed) = tokio::join!(working, killing);
    killed.unwrap();
    model.deeds.extend(worked.into_iter().map(Result::unwrap));
    model.rounds += 1;
    home.start()
}

async fn audit(
    node: &Process,
    provider: &Provider,
    offer: &OfferView,
    model: &mut Model,
    round: u64,
) {
    let people = People::of(node).await;
    assert_eq!(
        people.operator.ledger_verify().await.unwrap(),
        [],
        "round {round}"
    );
    // What was answered is answered the same; what was not is asked again.
    for (deed, before) in &mut model.deeds {
        let now = people.perform(deed, offer).await;
        assert!(now.is_some(), "round {round}: {deed:?} has no answer");
        if before.is_none() {
            *before = now;
        } else if !matches!(deed, Deed::Bank(_)) {
            assert_eq!(&now, before, "round {round}: {deed:?}");
        }
    }
    quiet(&people.operator).await;
    for payment in people.buyer.payments().await.unwrap() {
        model.card_orders.extend(
            payment
                .order_id
                .filter(|id| !model.card_orders.contains(id)),
        );
    }
    let runs = people.operator.payout_runs().await.unwrap();
    for line in runs.into_iter().flat_map(|run| run.lines) {
        if line.state == "in_transit" && !model.to_book.iter().any(|one| one.id == line.id) {
            model.approved += line.net.minor;
            model.to_book.push(line);
        }
    }
    model.holds(&people, provider, round).await;
    assert_eq!(
        people.operator.ledger_verify().await.unwrap(),
        [],
        "round {round}"
    );
}

/// Waits until every message of and to the provider is worked on.
async fn quiet(operator: &Client) {
    let mut left = Vec::new();
    for _ in 0..1_200 {
        left = operator.provider_messages().await.unwrap();
        if left.is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("messages are still waiting: {left:?}");
}

impl Model {
    async fn holds(&self, people: &People, provider: &Provider, round: u64) {
        let is_card = |id: &Uuid| self.card_orders.contains(id);
        let card_backs = self.deeds.iter().filter(|(deed, _)| match deed {
            Deed::Refund(_, order) => is_card(order),
            _ => false,
        });
        let card_backs = i64::try_from(card_backs.count()).unwrap();
        let backs = self.count(|deed| matches!(deed, Deed::Refund(..)));
        let tops = self.count(|deed| matches!(deed, Deed::TopUp(_)));
        let bought = self.calm_orders + self.count(|deed| matches!(deed, Deed::Buy(_)));
        let (rounds, cards) = (self.rounds, self.rounds);
        let terms = self.count(|deed| matches!(deed, Deed::Subscribe(..)));
        let (mut kept, mut earned) = (0, 0);
        for days in &self.given_back {
            kept += PRICE / days;
            earned += 900 / days;
        }
        // Each round one dispute stays open and one is lost; the third was won.
        let expected = BTreeMap::from([
            (
                "Liabilities:Wallet",
                -(FUNDS + 500 * tops - PRICE * bought
                    + PART * (backs - card_backs)
                    + rounds * (2_000 - 500 + 1_000)
                    - PRICE * terms
                    - kept),
            ),
            (
                "Assets:Bank",
                FUNDS + 500 * tops - PRICE * rounds - self.paid,
            ),
            (
                "Assets:PSP",
                rounds * (2_000 - 500 + 1_000 + PRICE - 2 * 59 - 1_500) - PART * card_backs,
            ),
            ("Liabilities:DisputeHold", -PRICE * rounds),
            (
                "Income:PlatformFee",
                -(100 * (bought + cards) - 10 * backs - 2 * 100 * rounds - 40 * rounds
                    + 100 * terms
                    + kept
                    - earned),
            ),
            ("Liabilities:Deferred", -900 * terms),
            ("Liabilities:PayoutInTransit", -(self.approved - self.paid)),
            ("Expenses:PSPFee", 2 * 59 * rounds),
            ("Expenses:DisputeFee", 1_500 * rounds),
        ]);
        let balance = people.operator.trial_balance().await.unwrap();
        let of = |part: &str| -> i64 {
            let accounts = balance.books.iter().flat_map(|book| &book.accounts);
            let some = accounts.filter(|account| account.account.starts_with(part));
            some.map(|account| account.balance).sum()
        };
        let found: BTreeMap<&str, i64> = expected.keys().map(|part| (*part, of(part))).collect();
        assert_eq!(found, expected, "round {round}");
        assert!(
            balance.books.iter().all(|book| book.total == 0),
            "round {round}"
        );

        let orders = people.buyer.orders().await.unwrap().len();
        assert_eq!(
            orders as i64,
            bought + cards,
            "one order per key, round {round}"
        );
        let licences = people.buyer.licences().await.unwrap().into_iter();
        let (by_term, bought): (Vec<_>, Vec<_>) =
            licences.partition(|licence| licence.subscription_id.is_some());
        assert_eq!(bought.len(), orders, "one licence per order, round {round}");
        let charged = terms + self.given_back.len() as i64;
        assert_eq!(by_term.len() as i64, charged, "one per term, round {round}");
        let disputes = people.operator.disputes().await.unwrap().len() as i64;
        assert_eq!(disputes, 3 * rounds, "one dispute per key, round {round}");
        // The provider hears of each refund to a card under one key, however often it is told.
        let asked = provider.asked().into_iter();
        let told: BTreeSet<_> = asked
            .filter(|asked| asked.line == "POST /v1/refunds")
            .map(|asked| asked.key)
            .collect();
        assert_eq!(told.len() as i64, card_backs, "round {round}");
    }
}
