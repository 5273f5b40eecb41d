//! The age test vectors of C2SP (see `age-testkit.README.md`).
//!
//! We open less than the format allows: binary files whose stanzas are X25519
//! or decoys. Vectors about anything else have to be refused, with the code
//! that says so.

use std::{collections::BTreeMap, fs, io::Cursor, io::Read, path::Path};

use dataset_core::{
    digest::Sha256,
    error::Coded,
    seal::{self, FileKey, Header, Identity, SealError},
};

struct Vector {
    name: String,
    expect: String,
    payload: Option<Sha256>,
    file_key: Option<FileKey>,
    identities: Vec<String>,
    armored: bool,
    passphrase: bool,
    file: Vec<u8>,
}

fn vectors() -> Vec<Vector> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/age-testkit");
    let mut vectors: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            parse(name, &fs::read(entry.path()).unwrap())
        })
        .collect();
    vectors.sort_by(|a, b| a.name.cmp(&b.name));
    vectors
}

fn parse(name: String, bytes: &[u8]) -> Vector {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap();
    let head = std::str::from_utf8(&bytes[..end]).unwrap();
    let mut fields: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in head.lines() {
        let (key, value) = line.split_once(": ").unwrap();
        fields.entry(key).or_default().push(value);
    }
    let one = |key: &str| fields.get(key).map(|values| values[0]);
    let body = &bytes[end + 2..];
    let file = match one("compressed") {
        None => body.to_vec(),
        Some("zlib") => {
            let mut file = Vec::new();
            let mut decoder = flate2::read::ZlibDecoder::new(body);
            decoder.read_to_end(&mut file).unwrap();
            file
        }
        Some(other) => panic!("{name}: {other}"),
    };
    Vector {
        expect: one("expect").unwrap().to_owned(),
        payload: one("payload").map(|hex| hex.parse().unwrap()),
        file_key: one("file key").map(file_key),
        identities: fields
            .get("identity")
            .into_iter()
            .flatten()
            .map(|identity| identity.to_string())
            .collect(),
        armored: one("armored").is_some(),
        passphrase: one("passphrase").is_some(),
        file,
        name,
    }
}

fn file_key(hex: &str) -> FileKey {
    let mut key = [0; FileKey::LEN];
    for (byte, pair) in key.iter_mut().zip(hex.as_bytes().chunks(2)) {
        let digits = std::str::from_utf8(pair).unwrap();
        *byte = u8::from_str_radix(digits, 16).unwrap();
    }
    FileKey::from_bytes(&key)
}

/// The payload's digest as far as it verifies, and the code of the error.
fn outcome(vector: &Vector) -> (Option<Sha256>, &'static str) {
    let identities: Vec<Identity> = vector
        .identities
        .iter()
        .filter_map(|text| text.parse().ok())
        .collect();
    let identities = if identities.is_empty() {
        vec![Identity::generate()]
    } else {
        identities
    };
    let mut code = "no identity";
    for identity in &identities {
        match seal::open(Cursor::new(&vector.file), identity) {
            Ok(mut plaintext) => {
                let mut bytes = Vec::new();
                let read = plaintext.read_to_end(&mut bytes);
                let code = match &read {
                    Ok(_) => "ok",
                    Err(error) => SealError::find(error).unwrap().code(),
                };
                return (Some(Sha256::of(&bytes)), code);
            }
            Err(error) => code = error.code(),
        }
    }
    (None, code)
}

/// What we answer to a vector that the format expects this of.
fn expected_codes(vector: &Vector) -> &'static [&'static str] {
    if vector.armored {
        return &["seal_armored", "seal_not_age"];
    }
    // Stanzas of kinds nobody has defined are ignored by the format and refused
    // by us.
    let other_kinds = [
        "scrypt_uppercase",
        "stanza_empty_body",
        "stanza_empty_last_line",
        "stanza_valid_characters",
        "x25519_lowercase",
    ];
    if other_kinds.contains(&vector.name.as_str()) {
        return &["seal_recipient_unsupported"];
    }
    if vector.passphrase && vector.expect != "header failure" || vector.name == "scrypt_and_x25519"
    {
        return &["seal_passphrase_refused"];
    }
    if vector.name.starts_with("hybrid") && vector.expect != "header failure" {
        return &["seal_recipient_unsupported"];
    }
    match vector.expect.as_str() {
        "success" => &["ok"],
        "no match" => &["seal_wrong_recipient"],
        "HMAC failure" => &["seal_header_corrupt"],
        "header failure" => &[
            "seal_header_corrupt",
            "seal_not_age",
            "seal_truncated",
            "seal_passphrase_refused",
            "seal_recipient_unsupported",
        ],
        "payload failure" => &["seal_truncated", "seal_corrupt"],
        other => panic!("{}: {other}", vector.name),
    }
}

#[test]
fn every_vector_is_answered_as_expected() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 143);
    let mut opened = 0;
    let mut wrong = Vec::new();
    for vector in &vectors {
        let (payload, code) = outcome(vector);
        if !expected_codes(vector).contains(&code) {
            wrong.push(format!("{}: {} gave {code}", vector.name, vector.expect));
        }
        if code == "ok" {
            opened += 1;
            assert_eq!(payload, vector.payload, "{}", vector.name);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(opened, 11, "vectors that open");
}

#[test]
fn what_opens_also_opens_with_its_file_key_and_rewrapped() {
    let buyer = Identity::generate();
    for vector in vectors() {
        let (payload, code) = outcome(&vector);
        if code != "ok" {
            continue;
        }
        let header = Header::read(&mut &vector.file[..]).unwrap();
        let known = vector.file_key.as_ref().unwrap();
        let mut handed_on = seal::header_for(known, &buyer.to_recipient());
        handed_on.extend_from_slice(&vector.file[header.payload_offset() as usize..]);
        for file in [&vector.file, &handed_on] {
            let mut bytes = Vec::new();
            let mut plaintext = seal::open_with_file_key(Cursor::new(file), known).unwrap();
            plaintext.read_to_end(&mut bytes).unwrap();
            assert_eq!(Some(Sha256::of(&bytes)), payload, "{}", vector.name);
        }
        assert!(seal::open(Cursor::new(&handed_on), &buyer).is_ok());
    }
}
