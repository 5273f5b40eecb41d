//! Points are given, used up and lapse in a book of their own.

use schema::wire::*;

use crate::support::people::{eur, refused};
use crate::support::{TestApp, journeys};

journeys!(points_are_counted_and_never_money);

fn some(what: PointsMove, points: i64) -> NewPoints {
    NewPoints {
        party: "buyer".to_owned(),
        what,
        points,
        reason: "found the broken sensor".to_owned(),
    }
}

async fn points_are_counted_and_never_money(app: &mut TestApp) {
    let market = app.market(1000).await;
    let buyer = app.buyer(&market, "buyer", 10_000).await;
    let operator = &market.operator.client;
    let given = operator
        .move_points("a", &some(PointsMove::Issue, 50))
        .await;
    let given = given.unwrap();
    assert_eq!((given.balance, given.entry.as_str()), (50, "PTS/1"));
    let used = operator
        .move_points("b", &some(PointsMove::Redeem, 30))
        .await;
    assert_eq!(used.unwrap().balance, 20);
    let more = some(PointsMove::Expire, 21);
    refused(
        operator.move_points("c", &more).await,
        409,
        "not_enough_points",
    );
    let rest = operator
        .move_points("d", &some(PointsMove::Expire, 20))
        .await;
    assert_eq!(rest.unwrap().balance, 0);
    // The same key for something else, and somebody who is no operator.
    let other = some(PointsMove::Issue, 51);
    refused(
        operator.move_points("a", &other).await,
        409,
        "idempotency_conflict",
    );
    refused(
        buyer.client.move_points("e", &other).await,
        404,
        "not_found",
    );

    let wallet = buyer.client.wallet().await.unwrap();
    assert_eq!((wallet.points, wallet.balances), (0, vec![eur(10_000)]));
    let kinds: Vec<&str> = wallet
        .movements
        .iter()
        .filter(|movement| movement.amount.currency == "PTS")
        .map(|movement| movement.kind.as_str())
        .collect();
    assert_eq!(kinds, ["points_expire", "points_redeem", "points_issue"]);
    let sums = operator.trial_balance().await.unwrap();
    let book = sums.books.iter().find(|book| book.book == "PTS").unwrap();
    let mut accounts: Vec<(&str, i64)> = book
        .accounts
        .iter()
        .map(|one| (one.account.as_str(), one.balance))
        .filter(|(_, balance)| *balance != 0)
        .collect();
    accounts.sort_unstable();
    assert_eq!(
        accounts,
        [
            ("Points:Expired", -20),
            ("Points:Issued", 50),
            ("Points:Redeemed", -30)
        ]
    );
    assert_eq!(operator.ledger_verify().await.unwrap(), []);
}
