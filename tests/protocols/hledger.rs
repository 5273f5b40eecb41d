//! `hledger` reads the whole journal and finds nothing to complain about.

use std::process::Command;

use chrono::TimeDelta;
use schema::wire::*;

use crate::support::outside::{program, run};
use crate::support::people::eur;
use crate::support::{Database, Market, Person, TestApp, app};

#[test]
fn hledger_checks_the_exported_journal() {
    if program("hledger", "apt-get install hledger").is_some() {
        for database in Database::all() {
            app::run(database, books_of_a_busy_market);
        }
    }
}

/// Points, and money changed from one book into another.
async fn other_books(market: &Market, buyer: &Person) {
    let operator = &market.operator.client;
    let points = NewPoints {
        party: "buyer".to_owned(),
        what: PointsMove::Issue,
        points: 7,
        reason: "thanks".to_owned(),
    };
    operator.move_points("p", &points).await.unwrap();
    let yen = |minor| Amount {
        minor,
        currency: "JPY".to_owned(),
    };
    let rate = NewExchangeRate {
        give: eur(100),
        get: yen(163),
    };
    operator.set_exchange_rate(&rate).await.unwrap();
    let new = NewExchange {
        give: eur(10),
        get: yen(16),
    };
    buyer.client.change_money("c", &new).await.unwrap();
}

async fn books_of_a_busy_market(app: &mut TestApp) {
    let market = app.market(1999).await;
    let buyer = app.buyer(&market, "buyer", 100_000).await;
    let yen = NewTopUp {
        party: "buyer".to_owned(),
        amount: Amount {
            minor: 777,
            currency: "JPY".to_owned(),
        },
        reference: "t".to_owned(),
    };
    market.operator.client.top_up("yen", &yen).await.unwrap();
    other_books(&market, &buyer).await;
    for month in 0..2 {
        for _ in 0..5 {
            buyer.buys(&market.offer).await;
            app.later(TimeDelta::hours(7));
        }
        let bought = buyer.buys(&market.offer).await;
        let back = NewRefund {
            amount: eur(333),
            reason: "a part; \"of\" it\nall".to_owned(),
        };
        market
            .owner
            .client
            .refund(bought.id, &format!("r{month}"), &back)
            .await
            .unwrap();
        market
            .operator
            .client
            .settle(&format!("s{month}"), &NewSettlement::default())
            .await
            .unwrap();
        app.later(TimeDelta::days(31));
    }
    let journal = market
        .operator
        .client
        .ledger_export("hledger")
        .await
        .unwrap();
    assert!(journal.contains("Points:Issued  7 PTS"), "{journal}");
    assert!(journal.contains("-16 JPY"), "{journal}");
    let file = app.desk("books.journal");
    std::fs::write(&file, &journal).unwrap();
    run(Command::new("hledger")
        .arg("-f")
        .arg(&file)
        .args(["check", "--strict"]));
    run(Command::new("hledger").arg("-f").arg(&file).args([
        "check",
        "ordereddates",
        "balancednoautoconversion",
    ]));
    // Its own arithmetic gives the same total of fees.
    let fees = run(Command::new("hledger").arg("-f").arg(&file).args([
        "balance",
        "PlatformFee",
        "--no-total",
        "--format",
        "%(total)",
    ]));
    let balance = market.operator.client.trial_balance().await.unwrap();
    let ours = balance
        .books
        .iter()
        .flat_map(|book| &book.accounts)
        .find(|account| account.account.contains("PlatformFee"))
        .unwrap();
    let digits: String = fees
        .chars()
        .filter(|c| c.is_ascii_digit() || *c == '-')
        .collect();
    assert_eq!(digits.parse::<i64>().unwrap(), ours.balance, "{fees}");
    // One cent moved: it complains.
    let wrong = journal.replacen("19.99", "19.98", 1);
    assert_ne!(wrong, journal);
    std::fs::write(&file, wrong).unwrap();
    assert!(
        !Command::new("hledger")
            .arg("-f")
            .arg(&file)
            .args(["check", "--strict"])
            .output()
            .unwrap()
            .status
            .success()
    );
}
