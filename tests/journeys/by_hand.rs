//! A sale recomputed with a pencil.

use schema::wire::*;

use crate::support::people::eur;
use crate::support::{TestApp, journeys, readings};

journeys!(three_equal_contributors_share_a_sale);

/// Price 11.13. Fee 10 %, rounded down: 111.3 → 111 cents. Net 1113 − 111 = 1002 cents.
/// Three contributors with equally many equally good rows of their own: the shares of 10^12
/// are 333 333 333 334, 333 333 333 333 and 333 333 333 333.
/// 1002 · 333 333 333 334 = 334 000 000 000 668: 334 cents, 668 parts of 10^12 carried.
/// 1002 · 333 333 333 333 = 333 999 999 999 666: 333 cents, 999 999 999 666 carried, twice.
/// Together 334 + 333 + 333 = 1000 cents; dust 2 cents = 668 + 2 · 999 999 999 666 parts.
async fn three_equal_contributors_share_a_sale(app: &mut TestApp) {
    let operator = app.operator().await;
    let people = [
        app.party("ann").await,
        app.party("bob").await,
        app.party("cem").await,
    ];
    let dataset = app.dataset(&people[0], Admission::Open).await;
    for (who, hours) in people.iter().zip([0..70, 70..140, 140..210]) {
        app.contribute(who, &dataset, &readings(hours)).await;
    }
    let revision = app.publish(&people[0], &dataset).await;
    let shares = app.visitor.shares(revision.id).await.unwrap();
    let mut parts: Vec<i64> = shares.shares.iter().map(|line| line.share).collect();
    parts.sort_unstable();
    assert_eq!(parts, [333_333_333_333, 333_333_333_333, 333_333_333_334]);

    let offer = app.offer(&people[0], &dataset, 1113).await;
    let buyer = app.party("buyer").await;
    app.top_up(&operator, &buyer, 1113).await;
    let sale = buyer.buys(&offer).await;
    assert_eq!((sale.fee, sale.net), (eur(111), eur(1002)));
    let settled = operator
        .client
        .settle("once", &NewSettlement::default())
        .await
        .unwrap();
    let mut earned: Vec<i64> = settled
        .statements
        .iter()
        .map(|statement| statement.earned.minor)
        .collect();
    earned.sort_unstable();
    assert_eq!(earned, [333, 333, 334]);
    assert_eq!(settled.pools[0].dust, 2);

    let balances = operator.client.trial_balance().await.unwrap();
    let [book] = balances.books.as_slice() else {
        panic!("{balances:?}")
    };
    assert_eq!((book.total, book.entries), (0, 3));
    let of = |part: &str| {
        book.accounts
            .iter()
            .filter(|account| account.account.contains(part))
            .map(|account| account.balance)
            .sum::<i64>()
    };
    assert_eq!(
        (
            of("Bank") + of("PSP"),
            of("PlatformFee"),
            of("Contributor"),
            of("Dust")
        ),
        (1113, -111, -1000, -2)
    );
    assert_eq!((of("Wallet"), of("Pool")), (0, 0));
}
