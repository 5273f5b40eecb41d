//! How two values agree.

use std::borrow::Cow;

use super::Records;
use super::rules::Compare;
use super::{NONE, Values, Word};

/// Levels of agreement. A field of a pair takes [`BITS`] bits of its pattern.
pub(super) const LEVELS: usize = 6;
pub(super) const BITS: u32 = 3;

/// No value on one side: says nothing.
pub(super) const MISSING: u64 = 0;
const DIFFERENT: u64 = 1;
const FAR: u64 = 2;
const NEAR: u64 = 3;
const SWAPPED: u64 = 4;
const EQUAL: u64 = 5;

/// Jaro–Winkler similarities of the levels.
const NEARLY: f64 = 0.92;
const SIMILAR: f64 = 0.8;

/// Name of a level, for people.
pub(super) fn level_name(level: u64) -> &'static str {
    match level {
        EQUAL => "equal",
        SWAPPED => "in the other field",
        NEAR => "nearly equal",
        FAR => "similar",
        DIFFERENT => "different",
        _ => "missing",
    }
}

/// Levels of all fields of a pair, [`BITS`] bits each.
pub(super) fn pattern(records: &Records, swaps: &[Option<usize>], a: u32, b: u32) -> u64 {
    let mut pattern = 0;
    for (at, (values, field)) in records.fields.iter().zip(&records.rules.fields).enumerate() {
        let (left, right) = (values.id(a), values.id(b));
        let level = if left == right && left != NONE {
            EQUAL
        } else {
            let here = match left == NONE || right == NONE {
                true => MISSING,
                false => differing(values.word(left), values.word(right), field.compare),
            };
            let other = swaps.get(at).copied().flatten();
            let other = other.and_then(|other| records.fields.get(other));
            match other {
                Some(other) if here < NEAR && swapped(values, other, a, b) => SWAPPED,
                _ => here,
            }
        };
        pattern |= level << (BITS * at as u32);
    }
    pattern
}

/// Level of a field in a pattern.
pub(super) fn level(pattern: u64, field: usize) -> u64 {
    (pattern >> (BITS * field as u32)) & ((1 << BITS) - 1)
}

/// Does the value of one side stand in the other field of the other side?
fn swapped(here: &Values, there: &Values, a: u32, b: u32) -> bool {
    let crossed = |left: &Word, right: &Word| jaro_winkler(left, right, NEARLY) >= NEARLY;
    crossed(here.word(here.id(a)), there.word(there.id(b)))
        || crossed(there.word(there.id(a)), here.word(here.id(b)))
}

fn differing(left: &Word, right: &Word, compare: Compare) -> u64 {
    match compare {
        Compare::Exact => DIFFERENT,
        Compare::Name => match jaro_winkler(left, right, SIMILAR) {
            similarity if similarity >= NEARLY => NEAR,
            similarity if similarity >= SIMILAR => FAR,
            _ => DIFFERENT,
        },
        Compare::Code => match distance(left, right, 2) {
            ..=1 => NEAR,
            2 => FAR,
            _ => DIFFERENT,
        },
        Compare::Date => date(left, right),
    }
}

/// Dates as digits, year first.
fn date(left: &Word, right: &Word) -> u64 {
    let (left, right) = (digits(left), digits(right));
    if distance(&left, &right, 1) <= 1 {
        return NEAR;
    }
    let parts = |date: &Word| -> Option<[u32; 3]> {
        let number = |digits: &[char]| {
            let digits = digits.iter().filter_map(|digit| digit.to_digit(10));
            digits.fold(0, |number, digit| 10 * number + digit)
        };
        let parts = [
            date.chars.get(..4)?,
            date.chars.get(4..6)?,
            date.chars.get(6..)?,
        ];
        Some(parts.map(number))
    };
    let (Some([y1, m1, d1]), Some([y2, m2, d2])) = (parts(&left), parts(&right)) else {
        return DIFFERENT;
    };
    let equal = [y1 == y2, m1 == m2, d1 == d2];
    let exchanged = equal[0] && m1 == d2 && d1 == m2;
    if exchanged || equal.into_iter().filter(|equal| *equal).count() == 2 {
        FAR
    } else {
        DIFFERENT
    }
}

/// The first eight digits, all that tells dates apart.
fn digits(date: &Word) -> Cow<'_, Word> {
    if date.chars.len() <= 8 && date.chars.iter().all(char::is_ascii_digit) {
        return Cow::Borrowed(date);
    }
    let digits = date.chars.iter().filter(|c| c.is_ascii_digit());
    Cow::Owned(Word::of(&digits.take(8).collect::<String>()))
}

/// Jaro–Winkler similarity in [0, 1], 1 for equal texts; may be 0 when it cannot reach
/// `floor`. Texts longer than 64 characters are compared by their first 64.
pub(super) fn jaro_winkler(left: &Word, right: &Word, floor: f64) -> f64 {
    let (l, r) = (cut(&left.chars), cut(&right.chars));
    if l.is_empty() || r.is_empty() {
        return 0.0;
    }
    let prefix = l.iter().zip(r).take(4).take_while(|(a, b)| a == b).count();
    let (n, m) = (l.len() as f64, r.len() as f64);
    let similarity = |common: f64, moved: f64| {
        let jaro = (common / n + common / m + (common - moved) / common) / 3.0;
        jaro + 0.1 * prefix as f64 * (1.0 - jaro)
    };
    // No more can be common than letters that stand anywhere in the other text.
    let most = l.iter().filter(|letter| right.letters & bit(**letter) != 0);
    let most = most.count().min(r.len());
    if most == 0 || similarity(most as f64, 0.0) < floor {
        return 0.0;
    }
    let (mut of_left, mut of_right) = common(l, r);
    let common = f64::from(of_left.count_ones());
    if common == 0.0 || similarity(common, 0.0) < floor {
        return 0.0;
    }
    let mut moved = 0.0;
    while of_left != 0 && of_right != 0 {
        let (i, j) = (of_left.trailing_zeros(), of_right.trailing_zeros());
        moved += if l.get(i as usize) == r.get(j as usize) {
            0.0
        } else {
            0.5
        };
        of_left &= of_left - 1;
        of_right &= of_right - 1;
    }
    similarity(common, moved)
}

/// Places of the letters that both texts have near each other.
fn common(left: &[char], right: &[char]) -> (u64, u64) {
    let reach = (left.len().max(right.len()) / 2).saturating_sub(1);
    let (mut of_left, mut of_right) = (0u64, 0u64);
    for (i, letter) in left.iter().enumerate() {
        let from = i.saturating_sub(reach);
        let window = right.get(from..(i + reach + 1).min(right.len()));
        for (j, other) in (from..).zip(window.unwrap_or_default()) {
            if letter == other && of_right & (1 << j) == 0 {
                of_left |= 1 << i;
                of_right |= 1 << j;
                break;
            }
        }
    }
    (of_left, of_right)
}

fn cut(text: &[char]) -> &[char] {
    text.get(..64).unwrap_or(text)
}

/// A place of 64 for a letter.
pub(super) fn bit(letter: char) -> u64 {
    1 << (letter as u32 % 61)
}

/// Insertions, deletions, substitutions and exchanges of neighbours that lead
/// from one text to the other (optimal string alignment), or `most` + 1. Texts
/// longer than 64 characters are compared by their first 64.
pub(super) fn distance(left: &Word, right: &Word, most: u8) -> u8 {
    let (l, r) = (cut(&left.chars), cut(&right.chars));
    // Every letter that the other text lacks takes a step.
    let lacking = |text: &[char], other: &Word| {
        let foreign = text.iter().filter(|c| other.letters & bit(**c) == 0);
        foreign.count() > usize::from(most)
    };
    if l.len().abs_diff(r.len()) > usize::from(most) || lacking(l, right) || lacking(r, left) {
        return most + 1;
    }
    let (mut before, mut last, mut row) = ([0u8; 65], [0u8; 65], [0u8; 65]);
    for (steps, j) in last.iter_mut().zip(0u8..) {
        *steps = j;
    }
    for (i, a) in l.iter().enumerate() {
        row[0] = i as u8 + 1;
        let mut least_of_row = row[0];
        for (j, b) in r.iter().enumerate() {
            let mut least = (last[j] + u8::from(a != b)).min(last[j + 1].min(row[j]) + 1);
            if i > 0 && j > 0 && *a == r[j - 1] && l[i - 1] == *b {
                least = least.min(before[j - 1] + 1);
            }
            row[j + 1] = least;
            least_of_row = least_of_row.min(least);
        }
        if least_of_row > most {
            return most + 1;
        }
        before = last;
        last = row;
    }
    last[r.len()].min(most + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn similarity(left: &str, right: &str) -> f64 {
        jaro_winkler(&Word::of(left), &Word::of(right), 0.0)
    }

    #[test]
    fn jaro_winkler_of_the_published_examples() {
        // Winkler (1990) and (2006), tables of the comparator, three digits.
        for (left, right, similarity) in [
            ("martha", "marhta", 0.961),
            ("dwayne", "duane", 0.840),
            ("dixon", "dicksonx", 0.813),
            ("jones", "johnson", 0.832),
            ("massey", "massie", 0.933),
            ("abroms", "abrams", 0.922),
        ] {
            let found = self::similarity(left, right);
            assert!((found - similarity).abs() < 6e-4, "{left} {right}: {found}");
            assert_eq!(found, self::similarity(right, left));
            let (left, right) = (Word::of(left), Word::of(right));
            assert_eq!(jaro_winkler(&left, &right, found - 1e-9), found);
            assert!(
                jaro_winkler(&left, &right, 0.999) <= found,
                "at most what it is"
            );
        }
        assert_eq!(similarity("same", "same"), 1.0);
        assert_eq!(similarity("abc", "xyz"), 0.0);
        assert_eq!(similarity("", ""), 0.0);
    }

    #[test]
    fn distances_are_counted_up_to_a_limit() {
        let counted = |a, b| distance(&Word::of(a), &Word::of(b), 2);
        assert_eq!(counted("1451137", "1451137"), 0);
        assert_eq!(counted("4957843", "4975843"), 1, "neighbours exchanged");
        assert_eq!(counted("kitten", "sitten"), 1);
        assert_eq!(counted("ab", "abcd"), 2);
        assert_eq!(counted("kitten", "sitting"), 3, "the limit plus one");
        assert_eq!(counted("abcdef", "uvwxyz"), 3);
    }

    #[test]
    fn dates_agree_by_their_parts() {
        let level = |a, b| date(&Word::of(a), &Word::of(b));
        assert_eq!(level("19420127", "1942-01-27"), NEAR, "as written");
        assert_eq!(level("19420127", "19420172"), NEAR);
        assert_eq!(level("19420112", "19421201"), FAR, "day and month");
        assert_eq!(level("19420127", "19420905"), DIFFERENT);
        assert_eq!(level("19420127", "19550127"), FAR, "same day, other year");
    }
}
