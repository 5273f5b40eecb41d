//! `openssl` verifies the signature of a statement.

use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use schema::wire::NewSettlement;
use serde_json::Value;

use crate::support::outside::{program, run, text};
use crate::support::{Database, TestApp, app};

/// What stands before a raw Ed25519 key in a SubjectPublicKeyInfo (RFC 8410).
pub const SPKI: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

#[test]
fn openssl_verifies_a_statement() {
    if program("openssl", "apt-get install openssl").is_some() {
        app::run(Database::sqlite(), signed);
    }
}

async fn signed(app: &mut TestApp) {
    let market = app.market(1999).await;
    app.buyer(&market, "buyer", 2000)
        .await
        .buys(&market.offer)
        .await;
    let settled = market
        .operator
        .client
        .settle("s", &NewSettlement::default())
        .await
        .unwrap();
    let document = market
        .owner
        .client
        .statement_document(settled.statements[0].id)
        .await
        .unwrap();
    let parsed: Value = serde_json::from_str(&document).unwrap();
    let signature = STANDARD
        .decode(parsed["signature"]["value"].as_str().unwrap())
        .unwrap();
    // The document is canonical: the signed bytes stand in it as they are.
    let (_, statement) = document.trim_end().split_once("\"statement\":").unwrap();
    let statement = statement.strip_suffix('}').unwrap();
    let key = URL_SAFE_NO_PAD
        .decode(&app.info.verify_keys[0].public_key)
        .unwrap();
    let files = ["key.der", "statement", "signature"].map(|name| app.desk(name));
    for (file, bytes) in files.iter().zip([
        [&SPKI[..], &key].concat(),
        statement.as_bytes().to_vec(),
        signature,
    ]) {
        std::fs::write(file, bytes).unwrap();
    }
    let verify = || {
        let mut command = Command::new("openssl");
        command
            .args([
                "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-rawin", "-inkey",
            ])
            .arg(&files[0]);
        command
            .arg("-in")
            .arg(&files[1])
            .arg("-sigfile")
            .arg(&files[2]);
        command
    };
    assert!(run(&mut verify()).contains("Successfully"));
    std::fs::write(&files[1], statement.replacen("1800", "1801", 1)).unwrap();
    let forged = verify().output().unwrap();
    assert!(!forged.status.success(), "{}", text(&forged));
}
