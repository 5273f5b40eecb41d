//! Reports that prove what they say: signed, and measured again.

use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use dataset_core::sign::{NodeKey, VerifyKey, jws_key_id};
use quality::{Policy, Report};
use serde::{Deserialize, Serialize};

use super::against::Others;
use super::open;
use crate::cli::args::Assess;
use crate::cli::stop::{Exit, Outcome, Stop};
use crate::cli::{block_on, print_text};
use crate::client::Client;
use crate::keys::QUALITY_REPORT as TYP;

/// A report and its signature over the report's canonical JSON.
#[derive(Serialize, Deserialize)]
struct Signed {
    report: Report,
    public_key: VerifyKey,
    signature: String,
}

/// A report as a file: canonical JSON, or an envelope with a signature.
pub fn json(report: &Report, key: Option<&Path>) -> Outcome<Vec<u8>> {
    let canonical = report.to_canonical_json().map_err(wrong)?;
    let Some(key) = key else {
        return Ok(canonical);
    };
    let key = read_key(key)?;
    let signed = Signed {
        report: report.clone(),
        public_key: *key.verify_key(),
        signature: key.sign_jws(TYP, &canonical),
    };
    let mut bytes = serde_json::to_vec_pretty(&signed).map_err(wrong)?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn read_key(path: &Path) -> Outcome<NodeKey> {
    let bytes = std::fs::read(path).map_err(Stop::file(path))?;
    let der = match std::str::from_utf8(&bytes) {
        Ok(text) if text.contains("-----BEGIN") => {
            let lines = text.lines().filter(|line| !line.starts_with("-----"));
            let body: String = lines.map(str::trim).collect();
            BASE64_STANDARD.decode(body).unwrap_or_default()
        }
        _ => bytes,
    };
    NodeKey::from_pkcs8(&der).map_err(|_| {
        let words =
            "is no Ed25519 key in PKCS#8; make one with `openssl genpkey -algorithm ed25519`";
        Stop::new(Exit::Machine, format!("{}: {words}", path.display()))
    })
}

/// Reads a report file; answers whose signature holds, if there is one.
fn read(path: &Path, expected: &[String]) -> Outcome<(Report, Option<VerifyKey>)> {
    let bytes = std::fs::read(path).map_err(Stop::file(path))?;
    let not_one = |why: String| {
        Stop::new(
            Exit::Wrong,
            format!(
                "{}: not a quality report of this version: {why}",
                path.display()
            ),
        )
    };
    let value: serde_json::Value =
        serde_json::from_slice(&bytes).map_err(|error| not_one(error.to_string()))?;
    if value.get("signature").is_none() {
        if !expected.is_empty() {
            return Err(Stop::new(Exit::Wrong, "the report is not signed"));
        }
        let report = Report::from_json(&bytes).map_err(|error| not_one(error.to_string()))?;
        return Ok((report, None));
    }
    let signed: Signed =
        serde_json::from_value(value).map_err(|error| not_one(error.to_string()))?;
    let key = signer(&signed, expected)?;
    let payload = key
        .verify_jws(TYP, &signed.signature)
        .map_err(|error| Stop::new(Exit::Wrong, format!("{}: {error}", path.display())))?;
    if payload != signed.report.to_canonical_json().map_err(wrong)? {
        let words = "the signature is one of another report";
        return Err(Stop::new(
            Exit::Wrong,
            format!("{}: {words}", path.display()),
        ));
    }
    debug_assert_eq!(jws_key_id(&signed.signature).ok(), Some(key.id()));
    Ok((signed.report, Some(key)))
}

/// The key that has to have signed: of several expected ones that which the signature names.
fn signer(signed: &Signed, expected: &[String]) -> Outcome<VerifyKey> {
    let mut keys = Vec::with_capacity(expected.len());
    for text in expected {
        let key: VerifyKey = text
            .parse()
            .map_err(|error| Stop::new(Exit::Usage, format!("public key {text:?}: {error}")))?;
        keys.push(key);
    }
    let named = jws_key_id(&signed.signature).ok();
    let found = keys.iter().find(|key| Some(key.id()) == named);
    Ok(*found.or(keys.first()).unwrap_or(&signed.public_key))
}

/// Whose signature is asked for: a key, or whatever keys a node says are its own.
fn expected_keys(args: &Assess) -> Outcome<Vec<String>> {
    if let Some(key) = &args.public_key {
        return Ok(vec![key.clone()]);
    }
    let Some(node) = &args.signed_by else {
        return Ok(Vec::new());
    };
    let client = Client::new(node)?;
    let info = block_on(async { Ok(client.node_info().await?) })?;
    let keys = info.verify_keys.into_iter();
    Ok(keys.map(|key| key.public_key).collect())
}

/// Measures a file by the rules and at the moment of its report, and compares the bytes.
pub fn verify(path: &Path, args: &Assess) -> Outcome {
    let [file] = args.files.as_slice() else {
        return Err(Stop::new(Exit::Usage, "a report is about one file"));
    };
    let keys = expected_keys(args)?;
    let (expected, signer) = read(path, &keys)?;
    let found = again(file, args, &expected, path)?;
    let (theirs, ours) = (
        expected.to_canonical_json().map_err(wrong)?,
        found.to_canonical_json().map_err(wrong)?,
    );
    if theirs != ours {
        let mut words = format!("{}: another report comes out", file.display());
        for line in differences(&expected, &found) {
            words.push_str("\n  ");
            words.push_str(&line);
        }
        return Err(Stop::new(Exit::Wrong, words));
    }
    let signer = match signer {
        Some(key) if !keys.is_empty() => format!(", signed with {key} as expected"),
        Some(key) => {
            format!(", signed with {key} (give --node or --public-key to say whose that has to be)")
        }
        None => ", not signed".to_owned(),
    };
    print_text(&format!(
        "{}: the same report comes out, byte for byte{signer}\n",
        file.display()
    ))
}

fn again(file: &Path, args: &Assess, expected: &Report, path: &Path) -> Outcome<Report> {
    let as_of = expected
        .as_of
        .parse()
        .map_err(|_| Stop::new(Exit::Wrong, "the report does not say when it was made"))?;
    let mut policy = match &expected.rules {
        Some(rules) => rules.clone(),
        None => Policy::default(),
    };
    super::rules::references(&mut policy, path, &args.reading)?;
    let mut opened = open::open(file, &args.reading, !policy.is_declared())?;
    let digest = expected.input.as_ref().map(|_| super::Digest::begin(file));
    let others = Others::read(args, &policy)?;
    let as_of = Some(as_of);
    let mut inspection =
        super::assessed_at(file, &mut opened, args, &policy, &others, None, as_of)?;
    others.compare(&mut inspection);
    if let Some(digest) = digest {
        let input = digest.end(file, opened.format, &inspection)?;
        inspection.report.input = Some(input);
    }
    Ok(inspection.report)
}

/// The parts of a report that differ, in words.
fn differences(theirs: &Report, ours: &Report) -> Vec<String> {
    let value = |report: &Report| serde_json::to_value(report).unwrap_or_default();
    let (theirs, ours) = (value(theirs), value(ours));
    let keys = theirs.as_object().into_iter().flatten().map(|(key, _)| key);
    let more = ours.as_object().into_iter().flatten().map(|(key, _)| key);
    let mut keys: Vec<&String> = keys.chain(more).collect();
    keys.sort();
    keys.dedup();
    let short = |value: Option<&serde_json::Value>| {
        let text = value.map_or_else(|| "nothing".to_owned(), ToString::to_string);
        text.chars().take(100).collect::<String>()
    };
    keys.into_iter()
        .filter(|key| theirs.get(key.as_str()) != ours.get(key.as_str()))
        .map(|key| {
            let (said, found) = (short(theirs.get(key)), short(ours.get(key)));
            format!("{key}: the report says {said}, the file {found}")
        })
        .collect()
}

fn wrong(error: impl std::fmt::Display) -> Stop {
    Stop::new(Exit::Machine, error.to_string())
}
