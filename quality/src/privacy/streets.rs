//! House number and way, in the manner of several countries.
//!
//! Most texts with a number in them are no address, and the patterns are slow to say so. Every
//! one of them needs something that is quick to look for: a number at the beginning, one of a few
//! words there, or one of a few endings right before a number. Only texts that have it are
//! matched.

use std::sync::LazyLock;

use regex::RegexSet;

use super::text::narrow;

/// The patterns.
const STREETS: [&str; 5] = [
    r"(?i)^\s*\d{1,5}[a-z]?,?\s+(?:[\p{L}'.-]+\s+){1,4}(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|boulevard|blvd|court|ct|place|pl|terrace|tce|crescent|cres|circuit|cct|close|way|parade|pde|square|highway|hwy|parkway|pkwy|grove)\b",
    r"(?i)\p{L}{2,}\s?(?:straße|strasse|str\.|weg|gasse|allee|platz|damm|ufer|laan|straat|plein|gatan|vägen|gade|vej)\s+\d{1,4}\s?[a-z]?(?:$|\W)",
    r"(?i)^\s*\d{1,4}(?:\s?(?:bis|ter|[a-d]))?,?\s+(?:rue|avenue|boulevard|bd|chemin|impasse|quai|allée|route|cours)\s+\p{L}",
    r"(?i)^\s*(?:via|viale|piazza|corso|calle|avenida|paseo|rua|travessa|ulica|ul\.)\s+\p{L}.*\d{1,4}",
    r"(?i)(?:\bp\.?\s?o\.?\s?box\s+\d+|[路街巷]\d+号)",
];

static SET: LazyLock<Option<RegexSet>> = LazyLock::new(|| RegexSet::new(STREETS.map(narrow)).ok());

/// Longest text that is read as an address, in bytes.
const LONGEST: usize = 200;

/// How texts of the fourth pattern begin.
const BEGINNINGS: [&[u8]; 11] = [
    b"via",
    b"viale",
    b"piazza",
    b"corso",
    b"calle",
    b"avenida",
    b"paseo",
    b"rua",
    b"travessa",
    b"ulica",
    b"ul.",
];

/// What stands before the number in the second and the fifth pattern, in ASCII.
const ENDINGS: [&[u8]; 14] = [
    b"strasse", b"str.", b"weg", b"gasse", b"allee", b"platz", b"damm", b"ufer", b"laan",
    b"straat", b"plein", b"gatan", b"gade", b"vej",
];
const BOX: &[u8] = b"box";

/// Is it the address of a house? `ascii`: has it no other characters?
pub(super) fn is_address(text: &str, ascii: bool) -> bool {
    text.len() <= LONGEST
        && (!ascii || may_be(text.as_bytes()))
        && SET.as_ref().is_some_and(|set| set.is_match(text))
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Has it what at least one pattern needs? Letters beyond ASCII are not looked at.
fn may_be(text: &[u8]) -> bool {
    let start = text.iter().position(|byte| !is_space(*byte));
    let body = text.get(start.unwrap_or(0)..).unwrap_or_default();
    let begins = |word: &&[u8]| {
        let head = body.get(..word.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(word))
    };
    body.first().is_some_and(u8::is_ascii_digit)
        || BEGINNINGS.iter().any(begins)
        || text
            .windows(2)
            .enumerate()
            .any(|(at, pair)| is_space(pair[0]) && pair[1].is_ascii_digit() && is_way(&text[..at]))
}

/// Does what stands before a number end, but for white space, with a word for a way?
fn is_way(before: &[u8]) -> bool {
    let end = before.iter().rposition(|byte| !is_space(*byte));
    let before = before.get(..=end.unwrap_or(0)).unwrap_or_default();
    let ends = |word: &[u8]| {
        let tail = before.len().checked_sub(word.len()).map(|at| &before[at..]);
        tail.is_some_and(|tail| tail.eq_ignore_ascii_case(word))
    };
    match before.last().map(u8::to_ascii_lowercase) {
        Some(b'e' | b'.' | b'g' | b'z' | b'm' | b'r' | b'n' | b't' | b'j') => {
            ENDINGS.iter().any(|word| ends(word))
        }
        Some(b'x') => ends(BOX),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_pattern_compiles() {
        assert!(SET.as_ref().is_some_and(|set| set.len() == STREETS.len()));
    }

    #[test]
    fn one_address_of_each_country_may_be_one() {
        for text in [
            "12 Wattle Street",
            "Hauptstrasse 5",
            "  10 rue de la Paix",
            "VIA Roma 12",
            "write to PO Box 77",
        ] {
            assert!(may_be(text.as_bytes()) && is_address(text, true), "{text}");
        }
        for text in ["order note 12 of batch 5", "NA 1", "at 12:05", "x1"] {
            assert!(!may_be(text.as_bytes()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_matches_may_be_one(
            words in prop::collection::vec("[A-Za-z.]{1,4}|[0-9]{1,5}[a-d]?|[ \t]|,|'|via|VIALE|ul\\.|rua|Corso|str\\.|Weg|GASSE|platz|laan|vej|street|Rd|rue|quai|p\\.?o\\.?|box", 1..6),
            gap in " {0,2}",
        ) {
            let text = words.join(&gap);
            let matched = SET.as_ref().is_some_and(|set| set.is_match(&text));
            prop_assert!(!matched || may_be(text.as_bytes()), "{text:?}");
        }
    }
}
