//! Money is changed into another currency by the operators' rate: two entries, one in each book.

use schema::wire::*;
use uuid::Uuid;

use crate::support::people::{eur, refused};
use crate::support::{TestApp, journeys};

journeys!(money_is_changed_by_the_rate_that_was_shown);

fn jpy(minor: i64) -> Amount {
    Amount {
        minor,
        currency: "JPY".to_owned(),
    }
}

async fn money_is_changed_by_the_rate_that_was_shown(app: &mut TestApp) {
    let market = app.market(1000).await;
    let buyer = app.buyer(&market, "buyer", 10_000).await;
    let operator = &market.operator.client;
    let rate = |get| NewExchangeRate {
        give: eur(100),
        get: jpy(get),
    };
    let new = |give, get| NewExchange {
        give: eur(give),
        get: jpy(get),
    };
    let change = |key: &'static str, new: NewExchange| {
        let client = &buyer.client;
        async move { client.change_money(key, &new).await }
    };
    refused(change("a", new(1_999, 3_258)).await, 409, "no_rate");
    refused(
        buyer.client.set_exchange_rate(&rate(163)).await,
        404,
        "not_found",
    );
    operator.set_exchange_rate(&rate(150)).await.unwrap();
    operator.set_exchange_rate(&rate(163)).await.unwrap();
    let rates = buyer.client.exchange_rates().await.unwrap();
    assert_eq!((rates.len(), rates[0].get.clone()), (1, jpy(163)));

    // 19.99 EUR at 163 yen are 3,258.37 yen; the fraction stays with the node.
    refused(change("b", new(1_999, 3_259)).await, 409, "rate_changed");
    refused(
        change("c", new(10_001, 16_301)).await,
        402,
        "insufficient_funds",
    );
    let done = change("d", new(1_999, 3_258)).await.unwrap();
    assert_eq!(
        (done.give.clone(), done.get.clone()),
        (eur(1_999), jpy(3_258))
    );
    assert_eq!(done.entries[1], "JPY/1");
    // A repeat is answered by any rate; another body under the key is not.
    operator.set_exchange_rate(&rate(170)).await.unwrap();
    let again = change("d", new(1_999, 3_258)).await.unwrap();
    assert_eq!(again.id, done.id);
    refused(
        change("d", new(1_998, 3_256)).await,
        409,
        "idempotency_conflict",
    );

    let mut balances = buyer.client.wallet().await.unwrap().balances;
    balances.sort_by(|a, b| a.currency.cmp(&b.currency));
    assert_eq!(balances, [eur(8_001), jpy(3_258)]);
    let sums = operator.trial_balance().await.unwrap();
    let open: Vec<i64> = ["EUR", "JPY"]
        .iter()
        .flat_map(|book| sums.books.iter().filter(move |one| one.book == **book))
        .flat_map(|book| &book.accounts)
        .filter(|one| one.account.starts_with("Liabilities:Node:"))
        .map(|one| one.balance)
        .collect();
    assert_eq!(open, [-1_999, 3_258], "what the node has taken and given");
    assert_eq!(operator.ledger_verify().await.unwrap(), []);
    what_was_changed_by_hand_is_named(app, done.id);
}

fn what_was_changed_by_hand_is_named(app: &TestApp, id: Uuid) {
    let mut db = app.ctx.pool.get().unwrap();
    for table in ["exchange", "exchange_rate"] {
        let of = if db.is_postgres() {
            format!(" ON {table}")
        } else {
            String::new()
        };
        db.execute(&format!("DROP TRIGGER {table}_no_update{of}"))
            .unwrap();
        db.execute(&format!("DROP TRIGGER {table}_no_delete{of}"))
            .unwrap();
    }
    let mut after = |sql: &str| {
        db.execute(sql).unwrap();
        app.leftovers()
    };
    let (rate, row) = (
        "UPDATE exchange_rate SET get_minor = ",
        "UPDATE exchange SET give_minor = ",
    );
    for (broken, mended) in [
        (
            format!("{rate}164 WHERE get_minor = 163"),
            format!("{rate}163 WHERE get_minor = 164"),
        ),
        (
            format!("{row}give_minor - 1"),
            format!("{row}give_minor + 1"),
        ),
    ] {
        let found = after(&broken).join("\n");
        assert!(
            found.contains("Exchange") && found.contains(&id.to_string()),
            "{found}"
        );
        assert_eq!(after(&mended), Vec::<String>::new());
    }
}
