//! Object × role: every operation of the API as each of six people meets it.
//!
//! Each request is well-formed but, where it would change something, not acceptable in
//! substance, so that the one who may do it meets a later refusal and the market stays as it is.

use std::collections::BTreeMap;
use std::fmt::Write;

use reqwest::Method;
use schema::wire::*;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::market::wanted;
use crate::support::people::eur;
use crate::support::{Database, Market, Person, TestApp, app, bank, readings};
use crate::tidy::coverage::operations;

/// Read by eye. Columns: nobody, a stranger, a contributor, the buyer, the owner, the operator;
/// `may` where the request would be granted and end what the others are asked about.
const EXPECTED: &str = include_str!("matrix.txt");

struct Scene {
    market: Market,
    people: [Option<Person>; 6],
    /// What stands for `{}` in a path, by operation prefix.
    parts: Parts,
}

struct Parts {
    contribution: Uuid,
    order: Uuid,
    plan: Uuid,
    subscription: Uuid,
    licence: Uuid,
    statement: Uuid,
    recipient: Uuid,
    token: Uuid,
    party: Uuid,
    payment: Uuid,
    claim: Uuid,
    operator: Uuid,
    run: Uuid,
    bank_file: Uuid,
}

#[test]
fn every_operation_answers_each_role_as_reviewed() {
    app::run(Database::sqlite(), async |app| {
        let scene = Scene::set(app).await;
        let mut found = String::new();
        for operation in operations() {
            write!(found, "{operation:<52}").unwrap();
            for who in &scene.people {
                let status = scene.meet(app, &operation, who.as_ref()).await;
                let cell = if status == MAY {
                    "may".to_owned()
                } else {
                    status.to_string()
                };
                write!(found, " {cell}").unwrap();
            }
            found.push('\n');
        }
        let differs = || {
            found
                .lines()
                .filter(|line| !EXPECTED.lines().any(|known| known == *line))
                .collect::<Vec<_>>()
                .join("\n")
        };
        assert!(
            found == EXPECTED,
            "tests/routes/matrix.txt differs in\n{}\n\nall:\n{found}",
            differs()
        );
    });
}

#[test]
fn foreign_and_unknown_are_the_same_answer() {
    app::run(Database::sqlite(), async |app| {
        let scene = Scene::set(app).await;
        let stranger = scene.people[1].as_ref();
        let hidden = EXPECTED
            .lines()
            .filter(|line| line.contains("{}") && line.split_whitespace().nth(3) == Some("404"));
        let mut count = 0;
        for line in hidden {
            let operation = line.split("  ").next().unwrap();
            let foreign = scene
                .send(app, operation, stranger, &scene.path(operation))
                .await;
            let unknown = scene
                .send(app, operation, stranger, &scene.unknown(operation))
                .await;
            assert_eq!(foreign, unknown, "{operation}");
            count += 1;
        }
        // A list of a dataset shows a stranger nobody's contributions.
        let list = "GET /api/v1/datasets/{}/contributions";
        let (_, seen) = scene.send(app, list, stranger, &scene.path(list)).await;
        assert_eq!(seen["items"], json!([]));
        assert!(count > 10, "only {count} operations were compared");
    });
}

impl Scene {
    async fn set(app: &TestApp) -> Self {
        let market = app.market(1000).await;
        let stranger = app.party("stranger").await;
        let contributor = app.party("contributor").await;
        let contribution = app
            .contribute(&contributor, &market.dataset, &readings(500..520))
            .await
            .id;
        let buyer = app.buyer(&market, "buyer", 2000).await;
        let plan = market.plan(1000).await;
        let subscription = buyer
            .client
            .subscribe("sub", &wanted(&plan))
            .await
            .unwrap()
            .id;
        let bought = buyer.buys(&market.offer).await;
        let (_, recipient) = buyer.recipient().await;
        let token = buyer
            .session
            .create_token(&NewToken {
                name: "t".to_owned(),
                days: None,
            })
            .await
            .unwrap()
            .info
            .id;
        let fill = NewPayment {
            amount: Some(eur(100)),
            ..NewPayment::default()
        };
        let payment = buyer.client.pay("fill", &fill).await.unwrap().id;
        let settled = market
            .operator
            .client
            .settle("s", &NewSettlement::default())
            .await
            .unwrap();
        let claim = NewClaim {
            dataset_id: market.dataset.id,
            contributions: vec![],
            evidence: contribution,
            reason: "mine".to_owned(),
        };
        let claim = contributor.client.file_claim(&claim).await.unwrap().id;
        let (run, bank_file) = Self::money_out(&market, &stranger).await;
        let parts = Parts {
            contribution,
            order: bought.id,
            plan: plan.id,
            subscription,
            licence: bought.licence_id,
            statement: settled.statements[0].id,
            recipient,
            token,
            party: stranger.id,
            payment,
            claim,
            operator: market.operator.id,
            run,
            bank_file,
        };
        let people = [
            None,
            Some(stranger),
            Some(contributor),
            Some(buyer),
            Some(app.again("owner").await),
            Some(app.again("operator").await),
        ];
        Self {
            market,
            people,
            parts,
        }
    }

    /// A proposed run of payouts, a file of the bank, a hold, and somebody with an account.
    async fn money_out(market: &Market, stranger: &Person) -> (Uuid, Uuid) {
        let (operator, owner) = (&market.operator.client, &market.owner);
        owner.is_paid_to(bank::FRENCH, "FR").await;
        let hold = NewHold {
            reason: "a question".to_owned(),
        };
        operator
            .hold_payouts(&stranger.handle, &hold)
            .await
            .unwrap();
        let run = operator
            .propose_payouts(&NewPayouts::default())
            .await
            .unwrap();
        let statement = bank::statement("1", 5_000, "2026-03-02", &[]);
        let file = operator.import_bank_file(statement).await.unwrap();
        (run.id.unwrap(), file.id)
    }

    /// The path of an operation, on the objects of the scene.
    fn path(&self, operation: &str) -> String {
        let (_, path) = operation.split_once(' ').unwrap();
        let id = match path.split('/').nth(3).unwrap_or_default() {
            "datasets" => self.market.dataset.id,
            "contributions" => self.parts.contribution,
            "revisions" => self.market.revision.id,
            "orders" => self.parts.order,
            "plans" => self.parts.plan,
            "subscriptions" => self.parts.subscription,
            // An invoice has the identifier of its order.
            "invoices" => self.parts.order,
            "licences" => self.parts.licence,
            "statements" => self.parts.statement,
            "recipients" => self.parts.recipient,
            "tokens" => self.parts.token,
            "payments" => self.parts.payment,
            "claims" => self.parts.claim,
            "admin" if path.contains("/claims/") => self.parts.claim,
            "admin" if path.contains("/payouts/") => self.parts.run,
            "admin" if path.contains("/bank-files/") => self.parts.bank_file,
            "admin" if path.contains("/operators/") => self.parts.operator,
            "admin" => self.parts.party,
            _ => Uuid::nil(),
        };
        path.replace("{}", &id.to_string())
    }

    fn unknown(&self, operation: &str) -> String {
        let (_, path) = operation.split_once(' ').unwrap();
        path.replace("{}", &Uuid::from_u128(77).to_string())
    }

    async fn meet(&self, app: &TestApp, operation: &str, who: Option<&Person>) -> u16 {
        self.send(app, operation, who, &self.path(operation))
            .await
            .0
    }

    /// Status and body; a refusal must be a problem document.
    async fn send(
        &self,
        app: &TestApp,
        operation: &str,
        who: Option<&Person>,
        path: &str,
    ) -> (u16, Value) {
        let method: Method = operation.split(' ').next().unwrap().parse().unwrap();
        let body = self.bodies().remove(operation);
        let token = who.map(|who| who.session_token.as_str());
        let path = if path.ends_with("/ledger/export") {
            format!("{path}?format=hledger")
        } else {
            path.to_owned()
        };
        let headers = [("idempotency-key", "matrix")];
        if ENDS.contains(&operation) && who.is_some_and(|who| self.may_end(operation, who)) {
            // The one who may would end what the others are asked about.
            return (MAY, Value::Null);
        }
        let (status, head, bytes) = app
            .ask_with(method, &path, token, body.as_ref(), &headers)
            .await;
        let mut answer: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        if status.is_client_error() || status.is_server_error() {
            assert_eq!(
                head["content-type"], "application/problem+json",
                "{operation}"
            );
            let problem: Problem = serde_json::from_value(answer.clone())
                .unwrap_or_else(|error| panic!("{operation}: {error}: {answer}"));
            assert_eq!(problem.status, status.as_u16(), "{operation}");
            assert!(
                !problem.code.is_empty()
                    && !problem.detail.is_empty()
                    && problem.request_id.is_some(),
                "{operation}: {problem:?}"
            );
            answer["request_id"] = Value::Null;
        }
        (status.as_u16(), answer)
    }

    /// Bodies that can be read and, where they would change something, cannot be granted.
    fn bodies(&self) -> BTreeMap<&'static str, Value> {
        BTreeMap::from([
            (
                "POST /api/v1/accounts",
                json!({"email": "no address", "display_name": "x", "password": "a long password"}),
            ),
            (
                "POST /api/v1/sessions",
                json!({"email": "nobody@example.org", "password": "wrong password"}),
            ),
            (
                "POST /api/v1/password-resets",
                json!({"token": "gnl_none", "password": "a long password"}),
            ),
            ("POST /api/v1/tokens", json!({"name": ""})),
            (
                "POST /api/v1/recipients",
                json!({"recipient": "no key", "label": "x"}),
            ),
            ("POST /api/v1/datasets", json!({"title": ""})),
            ("PATCH /api/v1/datasets/{}", json!({})),
            (
                "POST /api/v1/datasets/{}/contributions",
                json!({"file_name": "a.parquet", "sha256": "a".repeat(64)}),
            ),
            (
                "PUT /api/v1/contributions/{}/content",
                json!({"not": "sealed"}),
            ),
            ("POST /api/v1/datasets/{}/revisions", json!({})),
            (
                "POST /api/v1/datasets/{}/offers",
                json!({"price": eur(1), "template": "open", "dry_run": true}),
            ),
            (
                "POST /api/v1/orders",
                json!({"offer_id": Uuid::from_u128(5), "terms_sha256": "0".repeat(64), "price": eur(1)}),
            ),
            (
                "POST /api/v1/plans",
                json!({"datasets": [self.market.dataset.id], "every": "week", "price": eur(1), "template": "open"}),
            ),
            (
                "POST /api/v1/subscriptions",
                json!({"plan_id": self.parts.plan, "terms_sha256": "0".repeat(64), "price": eur(1)}),
            ),
            (
                "POST /api/v1/subscriptions/{}/refund-request",
                json!({"reason": ""}),
            ),
            (
                "POST /api/v1/subscriptions/{}/refunds",
                json!({"reason": ""}),
            ),
            (
                "POST /api/v1/orders/{}/refunds",
                json!({"amount": eur(0), "reason": "x"}),
            ),
            ("POST /api/v1/licences/{}/revoke", json!({"reason": "x"})),
            (
                "POST /api/v1/licences/{}/download-urls",
                json!({"recipient_id": self.parts.recipient}),
            ),
            ("POST /api/v1/payments", json!({"amount": eur(0)})),
            ("POST /webhooks/stripe", json!({"id": "evt_1"})),
            (
                "POST /api/v1/contributions/{}/clearance",
                json!({"reason": "both have a licence of the source"}),
            ),
            (
                "POST /api/v1/claims",
                json!({"dataset_id": self.market.dataset.id, "evidence": Uuid::from_u128(5), "reason": ""}),
            ),
            (
                "POST /api/v1/admin/claims/{}/decision",
                json!({"outcome": "holder", "reason": "both were heard"}),
            ),
            (
                "POST /api/v1/admin/top-ups",
                json!({"party": "buyer", "amount": eur(0), "reference": "x"}),
            ),
            (
                "POST /api/v1/admin/exchange-rates",
                json!({"give": eur(0), "get": eur(0)}),
            ),
            (
                "POST /api/v1/exchanges",
                json!({"give": eur(0), "get": eur(0)}),
            ),
            (
                "POST /api/v1/admin/points",
                json!({"party": "buyer", "move": "issue", "points": 0, "reason": "x"}),
            ),
            (
                "POST /api/v1/admin/entities",
                json!({"parties": ["buyer", "owner"], "reason": ""}),
            ),
            (
                "PUT /api/v1/payout-method",
                json!({"name": "x", "iban": "no account", "country": "DE"}),
            ),
            (
                "POST /api/v1/admin/payouts",
                json!({"execute_on": "2020-01-01"}),
            ),
            (
                "PUT /api/v1/billing",
                json!({"name": "x", "address": "x", "jurisdiction": "nowhere"}),
            ),
            (
                "POST /api/v1/admin/tax-rates",
                json!({"jurisdiction": "nowhere", "name": "x", "bps": 1}),
            ),
            ("POST /api/v1/admin/bank-files", json!({"no": "xml"})),
            (
                "POST /api/v1/admin/parties/{}/payout-hold",
                json!({"reason": "x"}),
            ),
            (
                "POST /api/v1/admin/operators",
                json!({"party": "buyer", "reason": "x"}),
            ),
            (
                "POST /api/v1/admin/operators/{}/dismissal",
                json!({"reason": "left the company"}),
            ),
            (
                "POST /api/v1/admin/adjustments",
                json!({"currency": "no money", "lines": [], "reason": "x", "corrects": "EUR/1"}),
            ),
            (
                "POST /api/v1/admin/messages/{}/ignore",
                json!({"reason": "x"}),
            ),
            (
                "POST /api/v1/admin/disputes",
                json!({"order_id": self.parts.order, "amount": eur(0), "reason": "x"}),
            ),
            (
                "POST /api/v1/admin/disputes/{}/verdict",
                json!({"won": true}),
            ),
            (
                "POST /api/v1/admin/settlements",
                json!({"period": "no month"}),
            ),
        ])
    }

    /// Whether a request that ends something would be granted; its journeys show that it is.
    fn may_end(&self, operation: &str, who: &Person) -> bool {
        let [_, _, contributor, buyer, owner, operator] = &self.people;
        let is = |one: &Option<Person>| one.as_ref().is_some_and(|one| one.id == who.id);
        match operation {
            "DELETE /api/v1/sessions" => true,
            "POST /api/v1/licences/{}/revoke"
            | "DELETE /api/v1/datasets/{}"
            | "DELETE /api/v1/plans/{}" => is(owner) || is(operator),
            "POST /api/v1/datasets/{}/revisions" | "DELETE /api/v1/payout-method" => is(owner),
            "DELETE /api/v1/contributions/{}" => is(contributor),
            "DELETE /api/v1/recipients/{}" | "DELETE /api/v1/tokens/{}" => is(buyer),
            _ => false,
        }
    }
}

/// Instead of a status: the request would be granted, and is not sent.
const MAY: u16 = 0;

/// Operations that change for good what the others are asked about.
const ENDS: [&str; 9] = [
    "DELETE /api/v1/plans/{}",
    "DELETE /api/v1/payout-method",
    "POST /api/v1/datasets/{}/revisions",
    "POST /api/v1/licences/{}/revoke",
    "DELETE /api/v1/sessions",
    "DELETE /api/v1/datasets/{}",
    "DELETE /api/v1/contributions/{}",
    "DELETE /api/v1/recipients/{}",
    "DELETE /api/v1/tokens/{}",
];
