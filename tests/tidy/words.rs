//! Words that must not stand in the project.

use std::collections::BTreeMap;

use super::source::{all, line, shipped};
use super::{files, name, none, read, root};

/// How often shipped code may still panic on purpose, per file; may only shrink.
const RATCHET: &str = "tests/tidy/panics.txt";

#[test]
fn nothing_is_unfinished_or_switched_off() {
    // Put together here, so that this file does not contain them.
    let words = [
        concat!("to", "do!("),
        concat!("unimple", "mented!("),
        concat!("#[ig", "nore"),
        concat!("FIX", "ME"),
    ];
    let mut findings = Vec::new();
    for source in all() {
        let places = words
            .iter()
            .flat_map(|word| source.code.match_indices(word));
        findings.extend(
            places.map(|(at, word)| format!("{}:{} {word}", source.name, line(&source.code, at))),
        );
    }
    none("finish it or take it out", &findings);
}

#[test]
fn shipped_code_panics_nowhere_new() {
    let mut counts = BTreeMap::new();
    for source in shipped() {
        let code = source.product();
        let count = [
            ".unwrap()",
            ".expect(",
            ".unwrap_err()",
            "panic!(",
            "unreachable!(",
        ]
        .iter()
        .map(|word| code.matches(word).count())
        .sum::<usize>();
        if count > 0 {
            counts.insert(source.name, count);
        }
    }
    let table: String = counts
        .iter()
        .map(|(file, count)| format!("{count} {file}\n"))
        .collect();
    let allowed = read(&root().join(RATCHET));
    assert!(
        table == allowed,
        "{RATCHET} differs. More than before: answer an error instead. Less: write this down, so that it stays:\n{table}"
    );
}

#[test]
fn no_path_of_a_machine_is_written_down() {
    let words = [
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/"),
        concat!("/ho", "me/"),
        concat!("/Us", "ers/"),
        concat!("/tm", "p/target"),
    ];
    let mut findings = Vec::new();
    for file in files() {
        let Ok(text) = std::fs::read_to_string(&file) else {
            continue;
        };
        let places = words.iter().flat_map(|word| text.match_indices(word));
        findings
            .extend(places.map(|(at, word)| format!("{}:{} {word}", name(&file), line(&text, at))));
    }
    none("a path of one machine says nothing on another", &findings);
}

#[test]
fn time_and_identifiers_are_injected() {
    let words = [
        "Utc::now",
        "SystemTime::now",
        "Uuid::now_v7",
        "Uuid::new_v4",
    ];
    let mut findings = Vec::new();
    for source in shipped()
        .iter()
        .filter(|source| source.name != "server/src/clock.rs")
    {
        let code = source.product();
        let places = words.iter().flat_map(|word| code.match_indices(word));
        findings
            .extend(places.map(|(at, word)| format!("{}:{} {word}", source.name, line(&code, at))));
    }
    none("ask Clock and Ids", &findings);
}
