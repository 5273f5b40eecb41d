//! The bodies of the fuzz targets: everything that reads what a stranger wrote. Each may
//! refuse its input; none may panic, hang, or take memory that a claim asked for.
//!
//! `cargo fuzz run NAME` in `tests/fuzz` searches; the tests replay every corpus.

use std::io::Cursor;

use dataset_core::licence::{LicenceDoc, SignedLicence};
use dataset_core::manifest::Manifest;
use dataset_core::pack::pack;
use dataset_core::preflight::{Limits, preflight as walk};
use dataset_core::seal::{self, Header, Identity};
use dataset_core::sign::NodeKey;

use super::wire::{Frame, read_control};

/// A target and its name, which is also that of its corpus.
pub type Target = (&'static str, fn(&[u8]));

pub const ALL: [Target; 6] = [
    ("preflight", preflight),
    ("seal", seal),
    ("documents", documents),
    ("worker_protocol", worker_protocol),
    ("statement", statement),
    ("replay", replay),
];

/// A provider's Parquet file, to the last value.
pub fn preflight(data: &[u8]) {
    let limits = Limits {
        decoded_len: 32 << 20,
        ..Limits::default()
    };
    let Ok(claims) = walk(&mut Cursor::new(data), &limits) else {
        return;
    };
    assert_eq!(claims.file_len, data.len() as u64);
    let packed = pack(Cursor::new(data.to_vec()), &claims, &limits, Vec::new());
    if let Ok((file, packed)) = packed {
        assert_eq!(packed.rows, claims.rows);
        let again = walk(&mut Cursor::new(&file[..]), &limits);
        assert_eq!(
            again.map(|claims| claims.rows),
            Ok(packed.rows),
            "our own file"
        );
    }
}

/// A sealed file, its header first.
pub fn seal(data: &[u8]) {
    let node = Identity::generate();
    if let Ok(header) = Header::read(&mut &data[..]) {
        assert!(header.payload_offset() <= 16 * 1024 + 64);
        assert!(
            seal::unwrap_file_key(&header, &node).is_err(),
            "not sealed to this key"
        );
    }
    assert!(
        seal::open(Cursor::new(data), &node).is_err(),
        "not sealed to this key"
    );
}

/// Licences and manifests, as JSON and as signed text.
pub fn documents(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let key = NodeKey::from_seed(&[9; 32]);
    let verify = key.verify_key();
    assert!(
        SignedLicence::verify(text, verify).is_err(),
        "not signed by this key"
    );
    assert!(
        Manifest::verify(text, verify).is_err(),
        "not signed by this key"
    );
    if let Ok(doc) = serde_json::from_str::<LicenceDoc>(text)
        && let Ok(signed) = SignedLicence::sign(doc, &key)
    {
        let back = SignedLicence::verify(signed.jws(), verify);
        assert!(
            back.is_ok_and(|back| back == signed),
            "what was signed verifies"
        );
    }
    if let Ok(manifest) = serde_json::from_str::<Manifest>(text)
        && let Ok(signed) = manifest.sign(&key)
    {
        assert!(
            Manifest::verify(&signed, verify).is_ok(),
            "what was signed verifies"
        );
    }
}

/// What a checker process says to its node, and a node to its checker.
pub fn worker_protocol(data: &[u8]) {
    let mut rest = data;
    while let Ok(Some(frame)) = Frame::read(&mut rest) {
        let mut written = Vec::new();
        frame
            .write(&mut written)
            .expect("a frame that was read can be written");
    }
    let _ = read_control::<serde_json::Value>(&mut &data[..]);
}

/// A statement file somebody hands in to be verified.
pub fn statement(data: &[u8]) {
    let _ = ledger::statement::Statement::read(data);
    let summary = ledger::statement::verify(data, &[7; 32]);
    assert!(summary.is_err(), "not signed by this key");
}

/// An auditor's scenario; whatever the events are, the books balance.
pub fn replay(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(out) = ledger::replay::run(text) else {
        return;
    };
    let out: serde_json::Value = serde_json::from_str(&out).expect("the result is JSON");
    for (currency, accounts) in out["accounts"].as_object().expect("accounts by currency") {
        let sum: i128 = accounts
            .as_object()
            .expect("balances by account")
            .values()
            .map(|balance| {
                balance
                    .to_string()
                    .trim_matches('"')
                    .parse::<i128>()
                    .expect("an integer")
            })
            .sum();
        assert_eq!(sum, 0, "the trial balance of {currency}");
    }
}
