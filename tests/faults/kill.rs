//! kill -9 in the middle of everything, again and again: what was acknowledged is kept, each
//! key has one effect, and nothing is half there.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use schema::wire::*;
use server::client::{Answer, Client, ClientError};
use uuid::Uuid;

use crate::support::files::{self, parquet};
use crate::support::market::order;
use crate::support::people::{PASSWORD, account, eur, sign_in};
use crate::support::process::{Home, Process};
use crate::support::{Database, readings};

/// Rounds of a usual run; `GRANARY_FAULT_ROUNDS` asks for more.
const ROUNDS: u64 = 6;
const PRICE: i64 = 100;
const FUNDS: i64 = 1_000_000;

/// Numbers that repeat for a seed.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, end: u64) -> u64 {
        // xorshift64*: good enough to choose a moment.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % end
    }
}

/// What the node has acknowledged so far.
#[derive(Default)]
struct Known {
    /// Receipt number of each contribution.
    receipts: BTreeMap<Uuid, i64>,
    /// Contributions that were announced and perhaps sent.
    begun: Vec<(Uuid, i64)>,
    /// Answer to each key of a purchase.
    orders: BTreeMap<String, OrderView>,
    /// Keys that were sent; each buys at most once.
    keys: Vec<String>,
    /// Answer to each key of a settlement.
    settlements: BTreeMap<String, SettlementView>,
    settlement_keys: Vec<String>,
    verdicts: BTreeMap<Uuid, ContributionView>,
}

struct Market {
    dataset: Uuid,
    offer: OfferView,
}

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let rounds = std::env::var("GRANARY_FAULT_ROUNDS")
        .map_or(ROUNDS, |text| text.parse().expect("a number"));
    for database in Database::all() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(&folder.path().join("home"), database.url());
        tokio::runtime::Runtime::new()
            .unwrap()
            .block_on(rounds_on(&home, folder.path(), rounds));
    }
}

async fn rounds_on(home: &Home, desk: &Path, rounds: u64) {
    let node = home.start();
    let operator = account(&node, "operator", node.operator_token.clone()).await;
    let owner = account(&node, "owner", None).await;
    let dataset = files::published(&owner, &readings(0..40), desk).await;
    let offer = NewOffer {
        price: eur(PRICE),
        template: Some("open".to_owned()),
        terms: None,
        dry_run: false,
    };
    let offer = owner.offer(dataset, &offer).await.unwrap().offer.unwrap();
    account(&node, "buyer", None).await;
    let top_up = NewTopUp {
        party: "buyer".to_owned(),
        amount: eur(FUNDS),
        reference: "t".to_owned(),
    };
    operator.top_up("t", &top_up).await.unwrap();
    let market = Market { dataset, offer };
    let mut known = Known::default();
    let mut node = node;
    for round in 0..rounds {
        // The seed of a round is its number: a failure names it.
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ (round + 1));
        // Wide enough to fall before, into and after each kind of work.
        let moment =
            Duration::from_micros(dice.below(if round % 2 == 0 { 40_000 } else { 600_000 }));
        node = strike(home, node, &market, &mut known, desk, round, moment).await;
        audit(&node, &market, &mut known, round).await;
    }
    node.kill();
}

/// Everything at once, and in the middle of it the end.
async fn strike(
    home: &Home,
    node: Process,
    market: &Market,
    known: &mut Known,
    desk: &Path,
    round: u64,
    moment: Duration,
) -> Process {
    let owner = sign_in(&node, "owner").await;
    let buyer = sign_in(&node, "buyer").await;
    let operator = sign_in(&node, "operator").await;
    let first = 10_000 + 2_000 * round as i64;
    let uploads = (0..2).map(|n| begin(&owner, market.dataset, first + 1_000 * n, desk));
    let uploads = futures_util::future::join_all(uploads).await;
    known
        .begun
        .extend(uploads.iter().map(|(id, from, _)| (*id, *from)));
    let keys: Vec<String> = (0..30).map(|n| format!("buy-{round}-{n}")).collect();
    known.keys.extend(keys.iter().cloned());
    let settlement = format!("settle-{round}");
    known.settlement_keys.push(settlement.clone());

    let sending = futures_util::future::join_all(uploads.into_iter().map(|(id, _, sealed)| {
        let owner = owner.clone();
        tokio::spawn(async move {
            (
                id,
                owner
                    .send_content(id, sealed.len() as u64, sealed.into())
                    .await,
            )
        })
    }));
    let buying = futures_util::future::join_all(keys.into_iter().map(|key| {
        let (buyer, order) = (buyer.clone(), order(&market.offer));
        tokio::spawn(async move { (key.clone(), buyer.buy(&key, &order).await) })
    }));
    let settling = tokio::spawn(async move {
        let answer = operator
            .settle(&settlement, &NewSettlement::default())
            .await;
        (settlement, answer)
    });
    let killing = tokio::spawn(async move {
        tokio::time::sleep(moment).await;
        node.kill();
    });
    let (sent, bought, settled, killed) = tokio::join!(sending, buying, settling, killing);
    killed.unwrap();
    for (id, answer) in sent.into_iter().map(Result::unwrap) {
        if let Some(view) = heard(answer) {
            known.receipts.insert(
                id,
                view.receipt_no
                    .expect("an acknowledged upload has a receipt"),
            );
        }
    }
    for (key, answer) in bought.into_iter().map(Result::unwrap) {
        known.orders.extend(heard(answer).map(|order| (key, order)));
    }
    let (key, answer) = settled.unwrap();
    known
        .settlements
        .extend(heard(answer).map(|settled| (key, settled)));
    home.start()
}

async fn begin(owner: &Client, dataset: Uuid, from: i64, desk: &Path) -> (Uuid, i64, Vec<u8>) {
    let file = parquet(&readings(from..from + 900));
    let path = desk.join(format!("{from}.parquet"));
    std::fs::write(&path, &file).unwrap();
    let digest = dataset_core::digest::Sha256::of(&file).to_string();
    let announced = owner
        .announce(
            dataset,
            &NewContribution {
                file_name: "part.parquet".to_owned(),
                sha256: digest,
            },
        )
        .await
        .unwrap();
    let recipient = owner.node_info().await.unwrap().recipient.parse().unwrap();
    let mut sealed = Vec::new();
    dataset_core::seal::seal(&mut &file[..], &mut sealed, &[recipient]).unwrap();
    (announced.id, from, sealed)
}

/// An answer, or silence; a refusal would be wrong at any moment.
pub(super) fn heard<T>(answer: Answer<T>) -> Option<T> {
    match answer {
        Ok(answer) => Some(answer),
        Err(ClientError::Unreachable { .. } | ClientError::Broken { .. }) => None,
        Err(ClientError::Refused(problem)) if problem.status == 503 => None,
        Err(other) => panic!("refused in the middle of the work: {other:?}"),
    }
}

async fn audit(node: &Process, market: &Market, known: &mut Known, round: u64) {
    let who = SignIn {
        email: "operator@example.org".to_owned(),
        password: PASSWORD.to_owned(),
    };
    let operator = node
        .client()
        .with_token(node.client().sign_in(&who).await.unwrap().token);
    let owner = sign_in(node, "owner").await;
    let buyer = sign_in(node, "buyer").await;
    assert_eq!(operator.ledger_verify().await.unwrap(), [], "round {round}");
    uploads(&owner, known, round).await;

    // What was answered stands; what was not is asked again, and has one effect either way.
    for key in known.keys.clone() {
        let now = buyer.buy(&key, &order(&market.offer)).await.unwrap();
        let before = known.orders.entry(key).or_insert_with(|| now.clone());
        assert_eq!(
            (now.id, &now.entry),
            (before.id, &before.entry),
            "round {round}"
        );
    }
    for key in known.settlement_keys.clone() {
        let now = operator
            .settle(&key, &NewSettlement::default())
            .await
            .unwrap();
        let before = known.settlements.entry(key).or_insert_with(|| now.clone());
        assert_eq!(now.pools, before.pools, "round {round}");
    }
    let orders = buyer.orders().await.unwrap();
    assert_eq!(
        orders.len(),
        known.keys.len(),
        "one order per key, round {round}"
    );
    assert_eq!(
        buyer.licences().await.unwrap().len(),
        orders.len(),
        "one licence per order, round {round}"
    );
    let left = FUNDS - PRICE * orders.len() as i64;
    assert_eq!(
        buyer.wallet().await.unwrap().balances,
        [eur(left)],
        "round {round}"
    );
    assert_eq!(operator.ledger_verify().await.unwrap(), [], "round {round}");
    let balance = operator.trial_balance().await.unwrap();
    assert!(
        balance.books.iter().all(|book| book.total == 0),
        "round {round}: {balance:?}"
    );
}

/// Acknowledged uploads have kept their receipt and come to a verdict; others may be sent again.
async fn uploads(owner: &Client, known: &mut Known, round: u64) {
    for (id, from) in known.begun.clone() {
        let now = owner.contribution(id).await.unwrap();
        if let Some(receipt) = known.receipts.get(&id) {
            assert_eq!(now.receipt_no, Some(*receipt), "round {round}");
        } else if now.state == ContributionState::Awaiting {
            assert_eq!(
                (now.receipt_no, now.sealed_sha256.as_deref()),
                (None, None),
                "half an upload, round {round}"
            );
            let again = parquet(&readings(from..from + 900));
            let recipient = owner.node_info().await.unwrap().recipient.parse().unwrap();
            let mut sealed = Vec::new();
            dataset_core::seal::seal(&mut &again[..], &mut sealed, &[recipient]).unwrap();
            let sent = owner
                .send_content(id, sealed.len() as u64, sealed.into())
                .await
                .unwrap();
            known.receipts.insert(id, sent.receipt_no.unwrap());
        }
        let verdict = owner.wait_for_verdict(id, |_| ()).await.unwrap();
        assert_eq!(
            (verdict.state, verdict.rows),
            (ContributionState::Accepted, Some(900)),
            "round {round}: {verdict:?}"
        );
        let before = known.verdicts.entry(id).or_insert_with(|| verdict.clone());
        assert_eq!(
            (verdict.grade, verdict.decided_at),
            (before.grade, before.decided_at),
            "round {round}"
        );
    }
    let numbers: std::collections::BTreeSet<_> = owner
        .my_contributions()
        .await
        .unwrap()
        .iter()
        .map(|c| c.receipt_no)
        .collect();
    assert_eq!(
        numbers.len(),
        known.begun.len() + 1,
        "receipt numbers are unique, round {round}"
    );
}
