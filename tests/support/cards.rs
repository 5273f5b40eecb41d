//! A payment provider of the tests: answers what a node asks, and sends it signed messages in
//! the shapes that the public description of the API documents.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use schema::wire::{NewPayment, PayWay, PaymentView};
use serde_json::{Value, json};
use server::config::Config;
use server::ports::payment::{StripeSettings, signature};
use server::store::{inbox, jobs, outbox};
use tempfile::TempDir;
use uuid::Uuid;

use super::people::eur;
use super::{Person, TestApp};

const WEBHOOK: &str = "POST /webhooks/stripe";

/// The secrets of the webhook: an old one and the one in use.
pub const SECRETS: [&str; 2] = ["whsec_old", "whsec_in_use"];

/// One request that the node made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub line: String,
    pub key: Option<String>,
    pub version: Option<String>,
    pub form: Vec<(String, String)>,
}

impl Asked {
    /// A field of the form.
    pub fn field(&self, name: &str) -> &str {
        let found = self.form.iter().find(|(known, _)| known == name);
        &found.unwrap_or_else(|| panic!("no {name} in {self:?}")).1
    }
}

#[derive(Default)]
struct Book {
    asked: Vec<Asked>,
    /// Answers to give instead of the usual ones: status and further header lines.
    instead: VecDeque<(u16, String)>,
}

/// The provider: a server on a port of its own, and the files of its secrets.
pub struct Provider {
    address: String,
    book: Arc<Mutex<Book>>,
    files: TempDir,
}

impl Provider {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let book = Arc::new(Mutex::new(Book::default()));
        let shared = book.clone();
        // Ends with the process: it holds nothing.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let book = shared.clone();
                std::thread::spawn(move || serve(stream, &book));
            }
        });
        let files = TempDir::new().unwrap();
        std::fs::write(files.path().join("key"), "sk_test_of_the_tests\n").unwrap();
        std::fs::write(files.path().join("secrets"), SECRETS.join("\n")).unwrap();
        Self {
            address,
            book,
            files,
        }
    }

    /// Makes a node take cards through this provider.
    pub fn set(&self, config: &mut Config) {
        config.stripe = StripeSettings {
            stripe_key_file: Some(self.files.path().join("key")),
            stripe_webhook_secrets_file: Some(self.files.path().join("secrets")),
            stripe_url: Some(self.address.clone()),
            stripe_version: None,
        };
        config.bank_details = Some("the Mill, IBAN DE02120300000000202051".to_owned());
    }

    /// The same for a node process.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let path = |name: &str| self.files.path().join(name).display().to_string();
        vec![
            ("GRANARY_STRIPE_KEY_FILE", path("key")),
            ("GRANARY_STRIPE_WEBHOOK_SECRETS_FILE", path("secrets")),
            ("GRANARY_STRIPE_URL", self.address.clone()),
        ]
    }

    /// Where it listens.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What the node has asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.book.lock().unwrap().asked.clone()
    }

    /// Answers the next request so.
    pub fn answer_next(&self, status: u16, header: &str) {
        let header = header.to_owned();
        self.book
            .lock()
            .unwrap()
            .instead
            .push_back((status, header));
    }
}

fn serve(stream: TcpStream, book: &Mutex<Book>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    while let Some(asked) = read(&mut reader) {
        let instead = {
            let mut book = book.lock().unwrap();
            book.asked.push(asked.clone());
            book.instead.pop_front()
        };
        let (status, header, body) = match instead {
            Some((status, header)) => (status, header, json!({"error": {"message": "Not now."}})),
            None => (200, String::new(), answer(&asked)),
        };
        let body = body.to_string();
        let head = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{header}\r\n",
            body.len()
        );
        if stream.write_all((head + &body).as_bytes()).is_err() {
            return;
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let (mut key, mut version, mut length) = (None, None, 0);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(": ") else {
            break;
        };
        match name.to_lowercase().as_str() {
            "idempotency-key" => key = Some(value.to_owned()),
            "stripe-version" => version = Some(value.to_owned()),
            "content-length" => length = value.parse().ok()?,
            "authorization" => assert_eq!(value, "Bearer sk_test_of_the_tests"),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let base = reqwest::Url::parse(&format!("http://x/?{}", String::from_utf8(body).ok()?));
    let form = base.ok()?.query_pairs().into_owned().collect();
    let line = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    Some(Asked {
        line,
        key,
        version,
        form,
    })
}

/// The same key gets the same answer.
fn answer(asked: &Asked) -> Value {
    let key = asked.key.clone().unwrap_or_default().replace('-', "");
    match asked.line.as_str() {
        "POST /v1/checkout/sessions" => {
            json!({"id": format!("cs_test_{key}"), "object": "checkout.session",
                "url": format!("https://checkout.example/c/pay/cs_test_{key}")})
        }
        "POST /v1/refunds" => json!({"id": format!("re_{key}"), "object": "refund"}),
        line if line.starts_with("GET /v1/balance_transactions/") => {
            let id = line.rsplit('/').next().unwrap();
            json!({"id": id, "object": "balance_transaction", "fee": 59, "currency": "eur"})
        }
        other => panic!("the node asked {other}"),
    }
}

/// A message: the provider's event around an object.
pub fn event(id: &str, kind: &str, created: i64, object: Value) -> Value {
    json!({"id": id, "object": "event", "api_version": "2024-12-18.acacia", "created": created,
        "livemode": false, "pending_webhooks": 1, "type": kind, "data": {"object": object}})
}

async fn post(
    http: &reqwest::Client,
    node: &str,
    body: &str,
    header: Option<&str>,
) -> reqwest::Result<StatusCode> {
    let (_, path) = WEBHOOK.split_once(' ').unwrap();
    let mut request = http.post(format!("{node}{path}")).body(body.to_owned());
    if let Some(header) = header {
        request = request.header("Stripe-Signature", header);
    }
    Ok(request.send().await?.status())
}

/// Sends a message to a node that may be gone before it has answered.
pub async fn send(node: &str, event: &Value, now: DateTime<Utc>) -> reqwest::Result<StatusCode> {
    let body = event.to_string();
    let header = signature::header(SECRETS[1], body.as_bytes(), now);
    post(&reqwest::Client::new(), node, &body, Some(&header)).await
}

/// What the provider calls the parts of one payment.
#[derive(Debug, Clone)]
pub struct Names {
    pub payment: Uuid,
    pub tail: String,
}

impl Names {
    pub fn of(payment: &PaymentView) -> Self {
        Self {
            payment: payment.id,
            tail: payment.id.simple().to_string(),
        }
    }

    pub fn intent(&self) -> String {
        format!("pi_{}", self.tail)
    }

    pub fn charge(&self) -> String {
        format!("ch_{}", self.tail)
    }

    fn event(&self, name: &str, kind: &str, object: Value) -> Value {
        event(
            &format!("evt_{name}_{}", self.tail),
            kind,
            1_772_438_400,
            object,
        )
    }

    pub fn page_completed(&self, minor: i64) -> Value {
        let object = json!({"id": format!("cs_test_{}", self.tail), "object": "checkout.session",
            "amount_total": minor, "currency": "eur", "client_reference_id": self.payment,
            "metadata": {"granary_payment": self.payment}, "mode": "payment",
            "payment_intent": self.intent(), "payment_status": "paid", "status": "complete"});
        self.event("page", "checkout.session.completed", object)
    }

    pub fn page_expired(&self) -> Value {
        let object = json!({"id": format!("cs_test_{}", self.tail), "object": "checkout.session",
            "metadata": {"granary_payment": self.payment}, "payment_intent": null,
            "payment_status": "unpaid", "status": "expired"});
        self.event("expired", "checkout.session.expired", object)
    }

    pub fn paid(&self, minor: i64) -> Value {
        let object = json!({"id": self.intent(), "object": "payment_intent", "amount": minor,
            "amount_received": minor, "currency": "eur", "latest_charge": self.charge(),
            "metadata": {"granary_payment": self.payment}, "status": "succeeded"});
        self.event("paid", "payment_intent.succeeded", object)
    }

    pub fn failed(&self, words: &str) -> Value {
        let object = json!({"id": self.intent(), "object": "payment_intent", "currency": "eur",
            "last_payment_error": {"code": "card_declined", "message": words},
            "metadata": {"granary_payment": self.payment}, "status": "requires_payment_method"});
        self.event("failed", "payment_intent.payment_failed", object)
    }

    fn charge_object(&self, minor: i64, refunded: i64) -> Value {
        json!({"id": self.charge(), "object": "charge", "amount": minor, "amount_captured": minor,
            "amount_refunded": refunded, "balance_transaction": format!("txn_{}", self.tail),
            "currency": "eur", "metadata": {"granary_payment": self.payment}, "paid": true,
            "payment_intent": self.intent(), "refunded": refunded == minor, "status": "succeeded"})
    }

    pub fn charged(&self, minor: i64) -> Value {
        self.event("charged", "charge.updated", self.charge_object(minor, 0))
    }

    pub fn charge_refunded(&self, minor: i64, total: i64) -> Value {
        let name = format!("back{total}");
        self.event(&name, "charge.refunded", self.charge_object(minor, total))
    }

    pub fn refund(&self, name: &str, minor: i64, status: &str) -> Value {
        let object = json!({"id": format!("re_{name}_{}", self.tail), "object": "refund",
            "amount": minor, "charge": self.charge(), "currency": "eur",
            "payment_intent": self.intent(), "status": status});
        let kind = if status == "failed" {
            "refund.failed"
        } else {
            "refund.created"
        };
        self.event(&format!("re{name}{status}"), kind, object)
    }

    pub fn dispute(&self, name: &str, minor: i64, status: &str) -> Value {
        let kind = match status {
            "needs_response" => "charge.dispute.created",
            _ => "charge.dispute.closed",
        };
        let object = json!({"id": format!("dp_{name}_{}", self.tail), "object": "dispute",
            "amount": minor, "charge": self.charge(), "currency": "eur",
            "payment_intent": self.intent(), "reason": "fraudulent", "status": status,
            "balance_transactions": [{"id": format!("txn_dp_{name}_{}", self.tail),
                "object": "balance_transaction", "amount": -minor, "fee": 1500, "currency": "eur",
                "net": -minor - 1500, "type": "adjustment"}]});
        self.event(&format!("dp{name}{status}"), kind, object)
    }

    pub fn payout(&self, minor: i64, status: &str) -> Value {
        let object = json!({"id": format!("po_{}", self.tail), "object": "payout", "amount": minor,
            "currency": "eur", "status": status});
        self.event(&format!("po{status}"), &format!("payout.{status}"), object)
    }
}

impl TestApp {
    /// Sends a message as the provider does.
    pub async fn says(&self, event: &Value) -> StatusCode {
        self.says_at(event, SECRETS[1], self.clock.now()).await
    }

    /// The same, signed with a secret at a moment.
    pub async fn says_at(&self, event: &Value, secret: &str, at: DateTime<Utc>) -> StatusCode {
        let body = event.to_string();
        let header = signature::header(secret, body.as_bytes(), at);
        self.post_webhook(&body, Some(&header)).await
    }

    pub async fn post_webhook(&self, body: &str, header: Option<&str>) -> StatusCode {
        let sent = post(&self.http, self.visitor.node(), body, header).await;
        sent.unwrap()
    }

    /// Waits until nothing is being worked on; parked and failed messages stay as they are.
    pub async fn quiet(&self) {
        for _ in 0..6_000 {
            let busy = {
                let mut db = self.ctx.pool.get().unwrap();
                let new = |counts: Vec<(String, i64)>, states: &[&str]| -> i64 {
                    let some = counts
                        .iter()
                        .filter(|(state, _)| states.contains(&state.as_str()));
                    some.map(|(_, count)| count).sum()
                };
                new(inbox::counts(&mut db).unwrap(), &["new"])
                    + new(outbox::counts(&mut db).unwrap(), &["new"])
                    + new(jobs::counts(&mut db).unwrap(), &["queued", "running"])
            };
            if busy == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("messages are still being worked on");
    }

    /// Says all of them, each answered, and waits until they are worked on.
    pub async fn say_all(&self, events: &[Value]) {
        for event in events {
            assert_eq!(self.says(event).await, 200, "{event}");
        }
        self.quiet().await;
    }
}

impl Person {
    /// Begins to fill the wallet by card.
    pub async fn fills(&self, key: &str, minor: i64) -> PaymentView {
        let new = NewPayment {
            amount: Some(eur(minor)),
            order: None,
            way: Some(PayWay::Card),
        };
        self.client.pay(key, &new).await.unwrap()
    }
}
