//! Common given names, family names and words for ways, in lower case.

use std::collections::HashSet;
use std::sync::LazyLock;

static GIVEN: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("given_names.txt").split_whitespace().collect());
static FAMILY: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    include_str!("family_names.txt")
        .split_whitespace()
        .collect()
});

/// Longest name looked at, in bytes.
const LONGEST: usize = 60;

/// Words at the end of an English street.
const WAYS: [&str; 34] = [
    "street",
    "st",
    "road",
    "rd",
    "avenue",
    "ave",
    "lane",
    "ln",
    "drive",
    "dr",
    "boulevard",
    "blvd",
    "court",
    "ct",
    "place",
    "pl",
    "terrace",
    "tce",
    "crescent",
    "cres",
    "circuit",
    "cct",
    "close",
    "way",
    "parade",
    "pde",
    "square",
    "highway",
    "hwy",
    "parkway",
    "pkwy",
    "grove",
    "loop",
    "row",
];

/// What the words of a cell say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spoken {
    /// One to four words of letters.
    pub name_shaped: bool,
    /// One word, and it is a common name.
    pub common_name: bool,
    /// Two to four words with a common given name first or last.
    pub full_name: bool,
    /// The last word is one for a way.
    pub way: bool,
}

/// Looks at a cell without digits.
pub(crate) fn examine(text: &str) -> Spoken {
    let mut spoken = Spoken::default();
    if text.len() > LONGEST || text.len() < 2 {
        return spoken;
    }
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower
        .split([' ', ','])
        .filter(|word| !word.is_empty())
        .collect();
    let sound = |word: &&str| {
        word.chars()
            .all(|c| c.is_alphabetic() || matches!(c, '\'' | '’' | '-' | '.'))
    };
    if words.is_empty() || words.len() > 4 || !words.iter().all(sound) {
        return spoken;
    }
    spoken.name_shaped = true;
    let bare = |word: &&str| GIVEN.contains(word.trim_end_matches('.'));
    match words.as_slice() {
        [one] => spoken.common_name = bare(one) || FAMILY.contains(one),
        [first, .., last] => {
            spoken.full_name = bare(first) || lower.contains(',') && bare(last);
            spoken.way = WAYS.contains(&last.trim_end_matches('.'));
        }
        [] => {}
    }
    spoken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_streets_and_other_words_differ() {
        assert!(examine("Maria").common_name && examine("MÜLLER").common_name);
        assert!(examine("John Q. Public").full_name && examine("Public, John").full_name);
        assert!(examine("tullaroop street").way && !examine("street").way);
        for other in [
            "SOUTHWEST AIRLINES",
            "Turkey vulture",
            "AIRBUS INDUSTRIE",
            "Very Good",
        ] {
            let spoken = examine(other);
            assert!(
                spoken.name_shaped && !spoken.full_name && !spoken.way,
                "{other}"
            );
        }
        assert_eq!(examine("x"), Spoken::default());
        assert_eq!(
            examine("a sentence of more than four words"),
            Spoken::default()
        );
    }
}
