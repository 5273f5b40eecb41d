//! What the node sends to a card provider, against the vendor's own mock server: it checks every
//! request by the published description of the API and answers in its shapes.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ledger::money::Money;
use schema::wire::PayWay;
use server::ports::payment::{Ask, Begun, PaymentPort, Stripe, StripeSettings, reference};
use uuid::Uuid;

use crate::support::outside;

const INSTALL: &str = "go install github.com/stripe/stripe-mock@v0.203.0 (and its folder in PATH)";

struct Mock {
    child: Child,
    url: String,
}

impl Drop for Mock {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Mock {
    fn start() -> Option<Self> {
        let program = outside::program("stripe-mock", INSTALL)?;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let child = Command::new(program)
            .args(["-http-addr", &format!("127.0.0.1:{port}")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mock = Self {
            child,
            url: format!("http://127.0.0.1:{port}"),
        };
        let since = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(
                since.elapsed() < Duration::from_secs(60),
                "the mock does not start"
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        Some(mock)
    }
}

fn eur(minor: i64) -> Money {
    Money::new(minor, "EUR".parse().unwrap())
}

#[test]
fn every_request_is_one_the_vendor_describes() {
    let Some(mock) = Mock::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    std::fs::write(&key, "sk_test_123").unwrap();
    let settings = StripeSettings {
        stripe_key_file: Some(key.clone()),
        stripe_url: Some(mock.url.clone()),
        ..StripeSettings::default()
    };
    let stripe = Stripe::open(&settings).unwrap().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(asks(&stripe));
    // A key that the vendor would not take is not taken here either, and is not told.
    std::fs::write(&key, "wrong_key").unwrap();
    let stripe = Stripe::open(&settings).unwrap().unwrap();
    let refused = runtime.block_on(stripe.movement("txn_1")).unwrap_err();
    assert_eq!(refused.code, "provider_refused");
    assert!(!refused.detail.contains("wrong_key"), "{refused}");
}

async fn asks(stripe: &Stripe) {
    let id = Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0001);
    let ask = Ask {
        id,
        money: eur(2000),
        what: "Wallet".to_owned(),
        reference: reference(id),
        back_to: format!("https://granary.example/payments/{id}"),
    };
    assert_eq!(stripe.way(), PayWay::Card);
    let Begun::Page { session, url } = stripe.begin(&ask).await.unwrap() else {
        panic!("a page")
    };
    assert!(session.starts_with("cs_test_"), "{session}");
    assert!(url.starts_with("https://"), "{url}");
    let refund = stripe
        .give_back("refund-1", "pi_123", eur(500))
        .await
        .unwrap();
    assert!(refund.starts_with("re_"), "{refund}");
    let transfer = stripe
        .transfer("payout-1", "acct_123", eur(900))
        .await
        .unwrap();
    assert!(transfer.starts_with("tr_"), "{transfer}");
    let movement = stripe.movement("txn_123").await.unwrap();
    assert_eq!(movement.id, "txn_123");
}
