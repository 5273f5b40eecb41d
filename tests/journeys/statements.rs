//! A contributor takes the statement along in every format, and finds nobody else in it.

use bytes::Bytes;
use ledger::statement::Statement;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use reqwest::StatusCode;
use schema::wire::*;

use crate::support::people::eur;
use crate::support::{Person, TestApp, journeys, readings};

journeys!(every_format_says_the_same, nobody_else_is_in_the_file);

/// Operation and what its file begins with.
const FORMATS: [(&str, &str, &[u8]); 5] = [
    ("csv", "GET /api/v1/statements/{}.csv", b"kind,statement,"),
    ("parquet", "GET /api/v1/statements/{}.parquet", b"PAR1"),
    (
        "hledger",
        "GET /api/v1/statements/{}.hledger",
        b"; Granary statement ",
    ),
    (
        "beancount",
        "GET /api/v1/statements/{}.beancount",
        b"option \"title\"",
    ),
    ("pdf", "GET /api/v1/statements/{}.pdf", b"%PDF-1."),
];

async fn document(who: &Person) -> (StatementView, String) {
    let statement = who.client.statements().await.unwrap().remove(0);
    let file = who.client.statement_document(statement.id).await.unwrap();
    (statement, file)
}

/// A Parquet file as text, value by value.
fn values(file: &[u8]) -> String {
    let file = Bytes::copy_from_slice(file);
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let batches: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
    format!("{batches:?}")
}

async fn every_format_says_the_same(app: &mut TestApp) {
    let market = app.market(1999).await;
    let buyer = app.buyer(&market, "buyer", 9_000).await;
    let bought = buyer.buys(&market.offer).await;
    buyer.buys(&market.offer).await;
    let back = NewRefund {
        amount: eur(333),
        reason: "a part".to_owned(),
    };
    market
        .owner
        .client
        .refund(bought.id, "r", &back)
        .await
        .unwrap();
    let settle = NewSettlement::default();
    market.operator.client.settle("s", &settle).await.unwrap();
    let (statement, file) = document(&market.owner).await;
    let read = Statement::read(file.as_bytes()).unwrap();
    let amount = read.lines[0].amount;
    let written = format!("{}.{:02} EUR", amount / 100, amount % 100);
    for (ending, operation, start) in FORMATS {
        let path = format!("/api/v1/statements/{}.{ending}", statement.id);
        let (status, head, bytes) = app
            .ask_with(
                "GET".parse().unwrap(),
                &path,
                Some(&market.owner.token),
                None,
                &[],
            )
            .await;
        assert_eq!(status, StatusCode::OK, "{ending}");
        assert!(bytes.starts_with(start), "{ending}");
        let name = format!("statement-{}-EUR-1.{ending}", statement.period);
        assert!(
            head["content-disposition"]
                .to_str()
                .unwrap()
                .contains(&name)
        );
        let again = market
            .owner
            .client
            .statement_file(statement.id, ending)
            .await;
        assert_eq!(again.unwrap(), bytes, "{ending}");
        let says = match ending {
            "csv" => String::from_utf8(bytes)
                .unwrap()
                .contains(&format!(",{amount},0,")),
            "parquet" => values(&bytes).contains(&amount.to_string()),
            "pdf" => true,
            _ => String::from_utf8(bytes).unwrap().contains(&written),
        };
        assert!(says, "{ending} does not say {written}");
        let (status, _) = app
            .call(operation, &[&statement.id], Some(&buyer.token), None)
            .await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{ending}");
    }
}

async fn nobody_else_is_in_the_file(app: &mut TestApp) {
    let market = app.market(1000).await;
    let dataset = app.dataset(&market.owner, Admission::Open).await;
    let mut people = Vec::new();
    for (n, name) in (0i64..).zip(["adelheid", "bonifaz", "cunigunde"]) {
        let who = app.party(name).await;
        let rows = readings(n * 100..n * 100 + 40 + 7 * n);
        app.contribute(&who, &dataset, &rows).await;
        people.push(who);
    }
    app.publish(&market.owner, &dataset).await;
    let offer = app.offer(&market.owner, &dataset, 98_765).await;
    app.buyer(&market, "buyer", 100_000)
        .await
        .buys(&offer)
        .await;
    let settle = NewSettlement::default();
    market.operator.client.settle("s", &settle).await.unwrap();
    let mut amounts = Vec::new();
    for who in &people {
        amounts.push(document(who).await.0.earned.minor);
    }
    for (place, who) in people.iter().enumerate() {
        let (statement, file) = document(who).await;
        let mut texts = vec![file];
        for (ending, ..) in FORMATS.iter().filter(|(ending, ..)| *ending != "pdf") {
            let bytes = who
                .client
                .statement_file(statement.id, ending)
                .await
                .unwrap();
            texts.push(match *ending {
                "parquet" => values(&bytes),
                _ => String::from_utf8(bytes).unwrap(),
            });
        }
        for (other, amount) in people
            .iter()
            .zip(&amounts)
            .enumerate()
            .filter_map(|(n, one)| (n != place).then_some(one))
        {
            let decimal = format!("{}.{:02}", amount / 100, amount % 100);
            for word in [
                &other.id.to_string(),
                &other.handle,
                &amount.to_string(),
                &decimal,
            ] {
                for text in &texts {
                    assert!(
                        !text.contains(word.as_str()),
                        "{word} in a file of {}",
                        who.handle
                    );
                }
            }
        }
    }
}
