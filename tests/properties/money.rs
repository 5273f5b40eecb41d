//! Random lives of a market: the books always balance, wallets are what arithmetic says, and
//! everything acknowledged is there once.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use schema::wire::*;
use server::client::ClientError;

use crate::support::market::order;
use crate::support::people::eur;
use crate::support::{Market, Person, TestApp, journeys};

/// Lives of a usual run per database; `GRANARY_PROPERTY_CASES` asks for more.
const CASES: u64 = 3;
const BUYERS: usize = 2;
const START: i64 = 5_000;

/// One thing that somebody does.
#[derive(Debug, Clone)]
enum Act {
    Buy {
        who: usize,
        offer: usize,
    },
    /// The same request once more.
    RepeatBuy {
        which: usize,
    },
    Refund {
        which: usize,
        minor: i64,
    },
    TopUp {
        who: usize,
        minor: i64,
    },
    Settle,
    Wait {
        days: i64,
    },
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        5 => (0..BUYERS, 0..3usize).prop_map(|(who, offer)| Act::Buy { who, offer }),
        1 => (0..20usize).prop_map(|which| Act::RepeatBuy { which }),
        3 => (0..20usize, 1..1_500i64).prop_map(|(which, minor)| Act::Refund { which, minor }),
        1 => (0..BUYERS, 1..3_000i64).prop_map(|(who, minor)| Act::TopUp { who, minor }),
        2 => Just(Act::Settle),
        1 => (1..20i64).prop_map(|days| Act::Wait { days }),
    ]
}

journeys!(books_balance_whatever_happens);

/// What arithmetic says, fed with acknowledged answers alone.
struct Model {
    wallets: [i64; BUYERS],
    sales: Vec<(String, usize, usize, OrderView)>,
    refunded: BTreeMap<usize, i64>,
}

async fn books_balance_whatever_happens(app: &mut TestApp) {
    let market = app.market(1999).await;
    let offers = [
        market.offer.clone(),
        app.offer_as(&market.owner, &market.dataset, 7, "open")
            .await,
        app.offer_as(&market.owner, &market.dataset, 333, "research")
            .await,
    ];
    let mut buyers = Vec::new();
    for name in ["b0", "b1"] {
        buyers.push(app.buyer(&market, name, START).await);
    }
    let mut model = Model {
        wallets: [START; BUYERS],
        sales: Vec::new(),
        refunded: BTreeMap::new(),
    };
    let cases = std::env::var("GRANARY_PROPERTY_CASES")
        .map_or(CASES, |text| text.parse().expect("a number"));
    for case in 0..cases {
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[case as u8; 32]);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        let acts = prop::collection::vec(act(), 30)
            .new_tree(&mut runner)
            .unwrap()
            .current();
        for (n, act) in acts.iter().enumerate() {
            let key = format!("k-{case}-{n}");
            perform(app, &market, &offers, &buyers, &mut model, act, &key).await;
        }
        let wrong = app.leftovers();
        assert!(
            wrong.is_empty(),
            "case {case} {acts:?}:\n{}",
            wrong.join("\n")
        );
        for (buyer, wallet) in buyers.iter().zip(model.wallets) {
            assert_eq!(
                buyer.client.wallet().await.unwrap().balances,
                [eur(wallet)],
                "case {case} {acts:?}"
            );
        }
    }
    everything_is_somewhere(app, &market, &model).await;
}

async fn perform(
    app: &TestApp,
    market: &Market,
    offers: &[OfferView],
    buyers: &[Person],
    model: &mut Model,
    act: &Act,
    key: &str,
) {
    match *act {
        Act::Buy { who, offer } => {
            match buyers[who].client.buy(key, &order(&offers[offer])).await {
                Ok(view) => {
                    model.wallets[who] -= view.gross.minor;
                    assert!(model.wallets[who] >= 0);
                    model.sales.push((key.to_owned(), who, offer, view));
                }
                Err(ClientError::Refused(problem)) => {
                    assert_eq!(problem.code, "insufficient_funds");
                    assert!(model.wallets[who] < offers[offer].price.minor);
                }
                Err(other) => panic!("{other:?}"),
            }
        }
        Act::RepeatBuy { which } if !model.sales.is_empty() => {
            let (key, who, offer, view) = &model.sales[which % model.sales.len()];
            let again = buyers[*who]
                .client
                .buy(key, &order(&offers[*offer]))
                .await
                .unwrap();
            assert_eq!(again.id, view.id);
        }
        Act::Refund { which, minor } if !model.sales.is_empty() => {
            let which = which % model.sales.len();
            let (_, who, _, sale) = &model.sales[which];
            let gone = model.refunded.entry(which).or_default();
            let back = NewRefund {
                amount: eur(minor),
                reason: "r".to_owned(),
            };
            match market.owner.client.refund(sale.id, key, &back).await {
                Ok(view) => {
                    *gone += minor;
                    model.wallets[*who] += minor;
                    assert!(*gone <= sale.gross.minor);
                    assert_eq!(
                        view.fee.minor + view.tax.minor + view.commission.minor + view.net.minor,
                        minor
                    );
                }
                Err(ClientError::Refused(problem)) => {
                    assert_eq!(problem.code, "exceeds_payment");
                    assert!(*gone + minor > sale.gross.minor);
                }
                Err(other) => panic!("{other:?}"),
            }
        }
        Act::TopUp { who, minor } => {
            let top_up = NewTopUp {
                party: buyers[who].handle.clone(),
                amount: eur(minor),
                reference: key.to_owned(),
            };
            market.operator.client.top_up(key, &top_up).await.unwrap();
            model.wallets[who] += minor;
        }
        Act::Settle => {
            market
                .operator
                .client
                .settle(key, &NewSettlement::default())
                .await
                .unwrap();
        }
        Act::Wait { days } => app.later(TimeDelta::days(days)),
        Act::RepeatBuy { .. } | Act::Refund { .. } => {}
    }
}

/// After a last settlement the one contributor has every net cent that was not given back.
async fn everything_is_somewhere(app: &TestApp, market: &Market, model: &Model) {
    market
        .operator
        .client
        .settle("last", &NewSettlement::default())
        .await
        .unwrap();
    let balance = market.operator.client.trial_balance().await.unwrap();
    assert!(balance.books.iter().all(|book| book.total == 0));
    let of = |part: &str| {
        let accounts = balance.books.iter().flat_map(|book| &book.accounts);
        accounts
            .filter(|account| account.account.contains(part))
            .map(|account| account.balance)
            .sum::<i64>()
    };
    let sold: i64 = model
        .sales
        .iter()
        .map(|(_, _, _, sale)| sale.gross.minor)
        .sum();
    let back: i64 = model.refunded.values().sum();
    assert_eq!(
        -(of("PlatformFee") + of("Contributor") + of("Dust") + of("Pool")),
        sold - back
    );
    assert_eq!(
        (of("Pool"), of("Dust")),
        (0, 0),
        "one contributor has it all"
    );
    let earned = market.owner.client.wallet().await.unwrap().earnings;
    assert_eq!(
        earned.iter().map(|amount| amount.minor).sum::<i64>(),
        -of("Contributor")
    );
    assert_eq!(app.leftovers(), Vec::<String>::new());
}
