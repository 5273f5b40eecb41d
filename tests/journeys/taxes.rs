//! Sales tax by jurisdiction, and the invoices it stands on.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use futures_util::future::join_all;
use schema::wire::*;

use crate::support::cards::{Names, Provider};
use crate::support::market::order;
use crate::support::people::{eur, refused};
use crate::support::{Database, Person, TestApp, app, card_journeys, journeys};

journeys!(
    fifty_purchases_at_once_are_numbered_without_a_gap,
    a_free_order_has_no_invoice,
);
card_journeys!(what_the_provider_gives_back_has_its_credit_note);

/// A node of a German company with 7 % where the table says nothing.
fn german(database: Database, story: impl AsyncFnOnce(&mut TestApp)) {
    let settings = |config: &mut server::config::Config| {
        config.tax_bps = 700;
        config.seller.seller_name = Some("Speicher GmbH".to_owned());
        config.seller.seller_address = Some("Hafen 1\\n20457 Hamburg".to_owned());
        config.seller.seller_tax_id = Some("DE111111111".to_owned());
        config.seller.seller_jurisdiction = Some("DE".to_owned());
    };
    app::run_with(database, settings, story);
}

macro_rules! german_journeys {
    ($($story:ident),+ $(,)?) => {$(
        mod $story {
            use crate::support::Database;

            #[test]
            fn on_sqlite() {
                super::german(Database::sqlite(), async |app| super::$story(app).await);
            }

            #[test]
            fn on_postgres() {
                if let Some(database) = Database::postgres() {
                    super::german(database, async |app| super::$story(app).await);
                }
            }
        }
    )+};
}

german_journeys!(
    each_buyer_bears_the_tax_of_their_jurisdiction,
    a_rate_is_superseded_and_ends,
);

fn rate(jurisdiction: &str, name: &str, bps: u16) -> NewTaxRate {
    NewTaxRate {
        jurisdiction: jurisdiction.to_owned(),
        name: name.to_owned(),
        bps,
        reverse_charge: false,
        valid_from: None,
        valid_until: None,
    }
}

fn billing(name: &str, jurisdiction: &str, tax_id: Option<&str>) -> NewBilling {
    NewBilling {
        name: name.to_owned(),
        address: "Rue 1\n75001 Paris".to_owned(),
        jurisdiction: jurisdiction.to_owned(),
        tax_id: tax_id.map(str::to_owned),
    }
}

async fn owed(operator: &Person, jurisdiction: &str) -> i64 {
    let name = format!("Liabilities:Tax:Sales:{jurisdiction}");
    let balance = operator.client.trial_balance().await.unwrap();
    let accounts = balance.books.iter().flat_map(|book| &book.accounts);
    let found = accounts.filter(|account| account.account == name);
    -found.map(|account| account.balance).sum::<i64>()
}

async fn each_buyer_bears_the_tax_of_their_jurisdiction(app: &mut TestApp) {
    let market = app.market(1999).await;
    let operator = &market.operator;
    let french = NewTaxRate {
        reverse_charge: true,
        ..rate("fr", "TVA FR", 2000)
    };
    for new in [&rate("DE", "VAT DE", 1900), &french] {
        operator.client.set_tax_rate(new).await.unwrap();
    }
    refused(
        market.owner.client.set_tax_rate(&french).await,
        404,
        "not_found",
    );

    // 19.99 hold 7 %, 19 %, nothing, 20 % on top of the net: 130.77, 319.16, 0 and 333.16 cents, cut.
    let mut bought = Vec::new();
    for (name, place, tax_id, tax, account) in [
        ("nobody", None, None, 130, "main"),
        ("german", Some("DE"), None, 319, "DE"),
        ("business", Some("FR"), Some("FR12345678901"), 0, "FR"),
        ("private", Some("FR"), None, 333, "FR"),
    ] {
        let buyer = app.buyer(&market, name, 1999).await;
        if let Some(place) = place {
            let new = billing(name, place, tax_id);
            buyer.client.set_billing(&new).await.unwrap();
            let seen = buyer.client.billing().await.unwrap();
            assert_eq!(
                (seen.jurisdiction.as_str(), seen.tax_id.as_deref()),
                (place, tax_id)
            );
        } else {
            refused(buyer.client.billing().await, 404, "no_billing");
        }
        let before = owed(operator, account).await;
        let order = buyer.buys(&market.offer).await;
        assert_eq!(order.tax, eur(tax), "{name}");
        // The fee is of the price; what is left goes to the pool.
        assert_eq!(order.fee, eur(199));
        assert_eq!(order.net, eur(1999 - 199 - tax));
        assert_eq!(owed(operator, account).await, before + tax, "{name}");
        let invoice = buyer.client.invoices().await.unwrap().remove(0);
        assert_eq!(invoice.order_id, order.id);
        assert_eq!((&invoice.tax, &invoice.gross), (&eur(tax), &eur(1999)));
        assert_eq!(invoice.net, eur(1999 - tax));
        assert_eq!(invoice.note.is_some(), name == "business");
        assert_eq!(invoice.entry, order.entry);
        assert_eq!(invoice.seller.name, "Speicher GmbH");
        assert_eq!(invoice.seller.address, "Hafen 1\n20457 Hamburg");
        bought.push((buyer, order, invoice));
    }
    let numbers: Vec<&str> = bought.iter().map(|one| one.2.number.as_str()).collect();
    assert_eq!(
        numbers,
        ["2026-000001", "2026-000002", "2026-000003", "2026-000004"]
    );

    papers(app, &market.owner, operator, &bought).await;
    given_back(&market.owner, operator, &bought[1]).await;
    report(operator).await;
}

type Bought = (Person, OrderView, InvoiceView);

/// Invoices are read by buyer and operator, and stay what they were.
async fn papers(app: &TestApp, owner: &Person, operator: &Person, bought: &[Bought]) {
    let (buyer, _, invoice) = &bought[2];
    for stranger in [owner, &bought[0].0] {
        refused(stranger.client.invoice(invoice.id).await, 404, "not_found");
        refused(
            stranger.client.invoice_pdf(invoice.id).await,
            404,
            "not_found",
        );
    }
    let moved = billing("business moved", "AT", Some("ATU12345678"));
    buyer.client.set_billing(&moved).await.unwrap();
    for reader in [buyer, operator] {
        assert_eq!(&reader.client.invoice(invoice.id).await.unwrap(), invoice);
    }
    assert_eq!(invoice.buyer.name, "business");
    assert_eq!(invoice.buyer.tax_id.as_deref(), Some("FR12345678901"));
    let pdf = buyer.client.invoice_pdf(invoice.id).await.unwrap();
    assert!(pdf.starts_with(b"%PDF-"), "{:?}", &pdf[..8]);
    let (status, document) = app
        .call(
            "GET /api/v1/invoices/{}.json",
            &[&invoice.id],
            Some(&buyer.token),
            None,
        )
        .await;
    assert_eq!(status, 200);
    let document: InvoiceView = serde_json::from_value(document).unwrap();
    assert_eq!(&document, invoice);
    let mut wrong = billing("x", "XX", None);
    assert_eq!(
        refused(buyer.client.set_billing(&wrong).await, 422, "invalid")
            .clause
            .as_deref(),
        Some("jurisdiction")
    );
    wrong = billing("x", "DE", Some("none"));
    assert_eq!(
        refused(buyer.client.set_billing(&wrong).await, 422, "invalid")
            .clause
            .as_deref(),
        Some("tax_id")
    );
}

/// Two parts of 19.99 with 3.19 tax: 10.00 and 9.99.
async fn given_back(owner: &Person, operator: &Person, bought: &Bought) {
    let (buyer, order, invoice) = bought;
    for (key, minor) in [("a", 1), ("b", 999), ("c", 999)] {
        let new = NewRefund {
            amount: eur(minor),
            reason: "as agreed".to_owned(),
        };
        owner.client.refund(order.id, key, &new).await.unwrap();
    }
    let all = buyer.client.invoices().await.unwrap();
    let notes: Vec<&InvoiceView> = all.iter().filter(|one| one.kind == "credit_note").collect();
    assert_eq!(notes.len(), 3);
    for note in &notes {
        let corrects = note.corrects.as_ref().unwrap();
        assert_eq!(
            (corrects.id, &corrects.number),
            (invoice.id, &invoice.number)
        );
        assert_eq!(note.net.minor + note.tax.minor, note.gross.minor);
        assert_eq!(note.buyer, invoice.buyer);
    }
    let sum = |part: fn(&InvoiceView) -> i64| -> i64 { notes.iter().map(|note| part(note)).sum() };
    assert_eq!(sum(|note| note.tax.minor), 319);
    assert_eq!(sum(|note| note.net.minor), 1680);
    assert_eq!(sum(|note| note.gross.minor), 1999);
    assert_eq!(owed(operator, "DE").await, 0);
    let numbers: Vec<&str> = notes
        .iter()
        .rev()
        .map(|note| note.number.as_str())
        .collect();
    assert_eq!(numbers, ["2026-000005", "2026-000006", "2026-000007"]);
}

async fn report(operator: &Person) {
    let report = operator.client.tax_report(None).await.unwrap();
    assert_eq!(report.period, "2026-03");
    let lines: Vec<_> = report
        .lines
        .iter()
        .map(|line| {
            let figures = [
                &line.net,
                &line.collected,
                &line.net_refunded,
                &line.refunded,
            ];
            let bps = if line.reverse_charge { None } else { line.bps };
            (
                line.jurisdiction.as_str(),
                bps,
                (line.sales, line.refunds),
                figures.map(|amount| amount.minor),
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            ("DE", Some(1900), (1, 3), [1680, 319, 1680, 319]),
            ("FR", None, (1, 0), [1999, 0, 0, 0]),
            ("FR", Some(2000), (1, 0), [1666, 333, 0, 0]),
            ("main", Some(700), (1, 0), [1869, 130, 0, 0]),
        ]
    );
    let accounts = report.accounts.iter();
    let accounts: Vec<_> = accounts
        .map(|one| (one.jurisdiction.as_str(), one.moved.minor, one.other.minor))
        .collect();
    assert_eq!(accounts, [("DE", 0, 0), ("FR", 333, 0), ("main", 130, 0)]);
    let csv = operator.client.tax_csv(Some("2026-03")).await.unwrap();
    let lines: Vec<&str> = csv.split("\r\n").collect();
    assert_eq!(
        lines[1],
        "2026-03,DE,EUR,1900,false,1,1680,319,3,1680,319,0"
    );
    assert_eq!(lines[2], "2026-03,FR,EUR,0,true,1,1999,0,0,0,0,0");
    let before = operator.client.tax_report(Some("2026-02")).await.unwrap();
    assert_eq!((before.lines, before.accounts), (vec![], vec![]));
    refused(
        operator.client.tax_report(Some("March")).await,
        422,
        "invalid",
    );
    assert_eq!(operator.client.all_invoices().await.unwrap().len(), 7);
}

async fn a_rate_is_superseded_and_ends(app: &mut TestApp) {
    let market = app.market(1000).await;
    let operator = &market.operator.client;
    let buyer = app.buyer(&market, "buyer", 9000).await;
    let new = billing("Bo", "DE", None);
    buyer.client.set_billing(&new).await.unwrap();
    // Nothing is set for the jurisdiction yet.
    assert_eq!(buyer.buys(&market.offer).await.tax, eur(65));
    let day = TimeDelta::days(1);
    let now = app.clock.now();
    operator
        .set_tax_rate(&rate("DE", "VAT", 1600))
        .await
        .unwrap();
    let tomorrow = NewTaxRate {
        valid_from: Some(now + day),
        valid_until: Some(now + day * 2),
        ..rate("DE", "VAT", 1500)
    };
    operator.set_tax_rate(&tomorrow).await.unwrap();
    assert_eq!(buyer.buys(&market.offer).await.tax, eur(137));
    let states = async || -> Vec<(i32, String)> {
        let rates = operator.tax_rates().await.unwrap();
        rates.into_iter().map(|one| (one.bps, one.state)).collect()
    };
    let known = |list: [(i32, &str); 2]| list.map(|(bps, state)| (bps, state.to_owned()));
    assert_eq!(
        states().await,
        known([(1500, "coming"), (1600, "in_force")])
    );
    app.later(day);
    assert_eq!(buyer.buys(&market.offer).await.tax, eur(130));
    assert_eq!(
        states().await,
        known([(1500, "in_force"), (1600, "superseded")])
    );
    app.later(day);
    assert_eq!(buyer.buys(&market.offer).await.tax, eur(65));
    assert_eq!(
        states().await,
        known([(1500, "ended"), (1600, "superseded")])
    );

    for (new, field) in [
        (
            NewTaxRate {
                valid_from: Some(now),
                ..rate("DE", "VAT", 1)
            },
            "valid_from",
        ),
        (
            NewTaxRate {
                valid_until: Some(now),
                ..rate("DE", "VAT", 1)
            },
            "valid_until",
        ),
        (
            NewTaxRate {
                reverse_charge: true,
                ..rate("DE", "VAT", 1)
            },
            "reverse_charge",
        ),
        (rate("main", "VAT", 1), "jurisdiction"),
        (rate("DE", "", 1), "name"),
        // More than as much again.
        (rate("DE", "VAT", 10_001), "bps"),
    ] {
        let told = refused(operator.set_tax_rate(&new).await, 422, "invalid");
        assert_eq!(told.clause.as_deref(), Some(field));
    }
}

async fn fifty_purchases_at_once_are_numbered_without_a_gap(app: &mut TestApp) {
    let market = app.market(100).await;
    let buyer = app.buyer(&market, "buyer", 4900).await;
    let new = order(&market.offer);
    let keys: Vec<String> = (0..50).map(|n| format!("k{n}")).collect();
    // The money is there for 49 of them: a refusal takes no number.
    let answers = join_all(keys.iter().map(|key| buyer.client.buy(key, &new))).await;
    let made: Vec<OrderView> = answers.into_iter().filter_map(Result::ok).collect();
    assert_eq!(made.len(), 49);
    let back = NewRefund {
        amount: eur(30),
        reason: "as agreed".to_owned(),
    };
    let refunds = made.iter().map(|order| {
        let owner = &market.owner.client;
        owner.refund(order.id, &order.entry, &back)
    });
    for answer in join_all(refunds).await {
        answer.unwrap();
    }
    let all = market.operator.client.all_invoices().await.unwrap();
    let numbers: BTreeSet<String> = all.iter().map(|one| one.number.clone()).collect();
    let dense: BTreeSet<String> = (1..=98).map(|n| format!("2026-{n:06}")).collect();
    assert_eq!((all.len(), numbers), (98, dense));
    // Without a tax in force there is none, and the paper says so.
    assert!(
        all.iter()
            .all(|one| one.tax == eur(0) && one.net == one.gross)
    );
}

async fn a_free_order_has_no_invoice(app: &mut TestApp) {
    let market = app.market(0).await;
    let buyer = app.party("buyer").await;
    buyer.buys(&market.offer).await;
    assert_eq!(buyer.client.invoices().await.unwrap(), []);
}

async fn what_the_provider_gives_back_has_its_credit_note(app: &mut TestApp, _: &Provider) {
    let market = app.market(1999).await;
    let operator = &market.operator;
    operator
        .client
        .set_tax_rate(&rate("DE", "VAT DE", 1900))
        .await
        .unwrap();
    let buyer = app.party("buyer").await;
    let new = billing("Bo", "DE", None);
    buyer.client.set_billing(&new).await.unwrap();
    let new = NewPayment {
        order: Some(order(&market.offer)),
        ..NewPayment::default()
    };
    let begun = buyer.client.pay("k", &new).await.unwrap();
    let names = Names::of(&begun);
    app.say_all(&[names.paid(1999)]).await;
    let invoice = buyer.client.invoices().await.unwrap().remove(0);
    assert_eq!(
        (invoice.number.as_str(), &invoice.tax),
        ("2026-000001", &eur(319))
    );

    // A part through the provider: 5.00 over 1.99 fee, 3.19 tax, 14.81 net.
    app.say_all(&[names.charge_refunded(1999, 500)]).await;
    let note = buyer.client.invoices().await.unwrap().remove(0);
    assert_eq!(note.corrects.as_ref().unwrap().id, invoice.id);
    assert_eq!((&note.gross, &note.tax), (&eur(500), &eur(80)));
    assert_eq!(owed(operator, "DE").await, 319 - 80);
    // A dispute that is open has none yet; lost, it has one over what it took.
    app.say_all(&[names.dispute("a", 400, "needs_response")])
        .await;
    assert_eq!(buyer.client.invoices().await.unwrap().len(), 2);
    app.say_all(&[names.dispute("a", 400, "lost")]).await;
    let all = buyer.client.invoices().await.unwrap();
    assert_eq!(all.len(), 3);
    let lost = &all[0];
    assert_eq!(
        (lost.number.as_str(), &lost.gross),
        ("2026-000003", &eur(400))
    );
    assert_eq!(owed(operator, "DE").await, 319 - 80 - lost.tax.minor);
    // A won one gives everything back, and none is written.
    app.say_all(&[names.dispute("b", 300, "won")]).await;
    assert_eq!(buyer.client.invoices().await.unwrap().len(), 3);
    assert_eq!(owed(operator, "DE").await, 319 - 80 - lost.tax.minor);
}
