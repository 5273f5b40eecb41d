//! Lists come page by page, each item once.

use std::collections::BTreeSet;

use reqwest::Method;
use schema::wire::*;
use serde_json::{Value, json};

use crate::support::people::eur;
use crate::support::{TestApp, journeys};

journeys!(lists_page_by_cursor);

/// All items, one per page.
async fn one_by_one(app: &TestApp, path: &str, token: &str) -> Vec<Value> {
    let (mut items, mut query) = (Vec::new(), "?limit=1".to_owned());
    loop {
        let (status, page) = app
            .ask(Method::GET, &format!("{path}{query}"), Some(token), None)
            .await;
        assert_eq!(status, 200, "{path}: {page}");
        let here = page["items"].as_array().unwrap();
        assert!(here.len() <= 1, "{path}: {page}");
        items.extend(here.iter().cloned());
        match page["next"].as_str() {
            Some(next) => query = format!("?limit=1&cursor={next}"),
            None => return items,
        }
    }
}

async fn lists_page_by_cursor(app: &mut TestApp) {
    let market = app.market(100).await;
    let buyer = app.buyer(&market, "buyer", 1_000).await;
    for n in 0..3 {
        // Some in the same instant, some later.
        app.later(chrono::TimeDelta::seconds(i64::from(n / 2)));
        buyer.buys(&market.offer).await;
        app.dataset(&market.owner, Admission::Open).await;
        buyer
            .session
            .create_token(&NewToken {
                name: format!("t{n}"),
                days: None,
            })
            .await
            .unwrap();
        buyer.recipient().await;
        let back = NewRefund {
            amount: eur(1),
            reason: "r".to_owned(),
        };
        let order = buyer.client.orders().await.unwrap()[0].id;
        market
            .owner
            .client
            .refund(order, &format!("r{n}"), &back)
            .await
            .unwrap();
    }
    let lists = [
        ("/api/v1/orders".to_owned(), &buyer.token, 3),
        ("/api/v1/licences".to_owned(), &buyer.token, 3),
        ("/api/v1/datasets".to_owned(), &market.owner.token, 4),
        (
            format!("/api/v1/datasets/{}/sales", market.dataset.id),
            &market.owner.token,
            3,
        ),
        (
            format!("/api/v1/datasets/{}/revisions", market.dataset.id),
            &market.owner.token,
            1,
        ),
        (
            format!("/api/v1/datasets/{}/contributions", market.dataset.id),
            &market.owner.token,
            1,
        ),
    ];
    for (path, token, count) in lists {
        let items = one_by_one(app, &path, token).await;
        let key = |item: &Value| item.get("id").or(item.get("order_id")).unwrap().to_string();
        let ids: BTreeSet<String> = items.iter().map(key).collect();
        assert_eq!((items.len(), ids.len()), (count, count), "{path}");
        let (_, whole) = app.ask(Method::GET, &path, Some(token), None).await;
        assert_eq!(
            whole["items"],
            json!(items),
            "{path}: the same order whatever the page"
        );
        for wrong in ["limit=0", "limit=201", "cursor=nonsense", "limit=x"] {
            let (status, answer) = app
                .ask(Method::GET, &format!("{path}?{wrong}"), Some(token), None)
                .await;
            assert_eq!(status, 400, "{path}?{wrong}: {answer}");
        }
    }
}
