//! Lossless cleaning of text.

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// What cleaning changed in one cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    pub control: bool,
    pub nfc: bool,
    pub trim: bool,
}

impl Changes {
    pub fn any(self) -> bool {
        self.control || self.nfc || self.trim
    }
}

/// Removes control characters (tab, line feed and carriage return inside a
/// text stay) and invisible joiners that only serve to hide a copy, brings the
/// text to NFC, trims white space. Cleaning a clean text changes nothing.
pub(crate) fn tidy<'a>(text: &'a str, buffer: &'a mut String) -> (&'a str, Changes) {
    if is_plain(text.as_bytes()) {
        return (text, Changes::default());
    }
    let mut changes = Changes::default();
    let mut owned: Option<String> = None;
    if text.contains(is_noise) {
        changes.control = true;
        owned = Some(text.chars().filter(|c| !is_noise(*c)).collect());
    }
    let current = owned.as_deref().unwrap_or(text);
    if is_nfc_quick(current.chars()) != IsNormalized::Yes {
        let normal: String = current.nfc().collect();
        if normal != current {
            changes.nfc = true;
            owned = Some(normal);
        }
    }
    let current = match owned {
        Some(owned) => {
            *buffer = owned;
            buffer.as_str()
        }
        None => text,
    };
    let trimmed = current.trim();
    changes.trim = trimmed.len() != current.len();
    (trimmed, changes)
}

/// Printable ASCII without white space at the ends: nothing to do.
#[inline]
fn is_plain(bytes: &[u8]) -> bool {
    let ends = |byte: Option<&u8>| byte.is_none_or(|b| *b != b' ');
    let (words, rest) = bytes.as_chunks::<8>();
    words
        .iter()
        .all(|word| are_printable(u64::from_le_bytes(*word)))
        && rest.iter().all(|b| (0x20..0x7f).contains(b))
        && ends(bytes.first())
        && ends(bytes.last())
}

/// Are all eight bytes from 0x20 to 0x7e? Whatever is not leaves a high bit: bytes from 0x80
/// have it, 0x7f gets it when 1 is added, those below 0x20 when 0x20 is taken away.
#[inline]
fn are_printable(word: u64) -> bool {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let above = word | word.wrapping_add(0x0101_0101_0101_0101);
    let below = word.wrapping_sub(0x2020_2020_2020_2020) & !word;
    (above | below) & HIGH == 0
}

fn is_noise(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => false,
        // zero width space, word joiner, byte order mark
        '\u{200b}' | '\u{2060}' | '\u{feff}' => true,
        _ => c.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn clean(text: &str) -> (String, Changes) {
        let mut buffer = String::new();
        let (clean, changes) = tidy(text, &mut buffer);
        (clean.to_owned(), changes)
    }

    #[test]
    fn each_rule_is_named() {
        let named = |text| clean(text).1;
        assert_eq!(clean("plain text").1, Changes::default());
        assert!(named(" padded\u{a0}").trim && clean(" padded\u{a0}").0 == "padded");
        assert!(named("e\u{301}").nfc && clean("e\u{301}").0 == "é");
        assert!(named("a\u{0}b").control && clean("a\u{0}b\u{feff}").0 == "ab");
        assert_eq!(clean("two\nlines").1, Changes::default());
        assert_eq!(clean("\u{200b} x").0, "x");
    }

    #[test]
    fn eight_bytes_are_judged_like_one() {
        for byte in 0..=255u8 {
            let alone = (0x20..0x7f).contains(&byte);
            for at in 0..8 {
                for other in [0x20, 0x7e] {
                    let mut word = [other; 8];
                    word[at] = byte;
                    assert_eq!(
                        are_printable(u64::from_le_bytes(word)),
                        alone,
                        "{byte} at {at}"
                    );
                }
            }
        }
    }

    proptest! {
        #[test]
        fn cleaning_twice_changes_nothing(text in "\\PC*|[ \\x00-\\x20a-e\u{300}\u{301}\u{200b}\u{feff}\u{2000}]{0,12}") {
            let (once, _) = clean(&text);
            let (twice, changes) = clean(&once);
            prop_assert_eq!(once, twice);
            prop_assert!(!changes.any());
        }
    }
}
