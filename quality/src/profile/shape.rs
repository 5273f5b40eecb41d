//! Patterns of fixed length over ASCII, without a regular expression at work.
//!
//! Most declared patterns are of codes, `^[A-Z]{2}[0-9]{6}$`, and most cells of such a column
//! are different, so that every one has to be matched. A pattern that is a sequence of sets of
//! characters is as fast as comparing bytes. What this does not understand, in a pattern or in a
//! text, is left to the regular expression, which means the same.

/// A set of ASCII characters.
type Set = u128;

/// Longest text that has a shape.
const LONGEST: usize = 64;

/// One set for each character of the whole text.
pub(super) struct Shape(Vec<Set>);

impl Shape {
    /// The shape of a pattern that has one.
    pub fn of(pattern: &str) -> Option<Self> {
        let body = pattern.strip_prefix('^')?.strip_suffix('$')?;
        let mut rest = body.is_ascii().then_some(body.as_bytes())?;
        let mut sets = Vec::new();
        while let Some((first, after)) = rest.split_first() {
            let set;
            (set, rest) = match first {
                b'[' => class(after)?,
                b'\\' => escaped(after)?,
                b'.' => (!one(b'\n'), after),
                _ => (one(literal(*first)?), after),
            };
            let times;
            (times, rest) = repeated(rest)?;
            if sets.len() + times > LONGEST {
                return None;
            }
            sets.extend(std::iter::repeat_n(set, times));
        }
        Some(Self(sets))
    }

    /// Does the text match? `None` when it has other characters than ASCII.
    #[inline]
    pub fn matches(&self, text: &str) -> Option<bool> {
        let bytes = text.as_bytes();
        if !bytes.is_ascii() {
            return None;
        }
        let fits = |(byte, set): (&u8, &Set)| set >> (byte & 127) & 1 == 1;
        Some(bytes.len() == self.0.len() && bytes.iter().zip(&self.0).all(fits))
    }
}

fn one(byte: u8) -> Set {
    1 << (byte & 127)
}

fn range(from: u8, to: u8) -> Set {
    (from..=to).fold(0, |set, byte| set | one(byte))
}

/// A character that means itself.
fn literal(byte: u8) -> Option<u8> {
    let special = b"\\.+*?()|[]{}^$#&-~".contains(&byte);
    (!special || matches!(byte, b'-' | b'#' | b'&' | b'~')).then_some(byte)
}

/// What stands behind a backslash.
fn escaped(text: &[u8]) -> Option<(Set, &[u8])> {
    let (first, rest) = text.split_first()?;
    let digits = range(b'0', b'9');
    let words = digits | range(b'a', b'z') | range(b'A', b'Z') | one(b'_');
    let set = match first {
        b'd' => digits,
        b'D' => !digits,
        b'w' => words,
        b'W' => !words,
        b'<' | b'>' => return None,
        _ if first.is_ascii_punctuation() => one(*first),
        _ => return None,
    };
    Some((set, rest))
}

/// What stands behind an opening bracket.
fn class(mut text: &[u8]) -> Option<(Set, &[u8])> {
    let negated = text.first() == Some(&b'^');
    if negated {
        text = &text[1..];
    }
    let mut set: Set = 0;
    loop {
        let (first, rest) = text.split_first()?;
        text = match (first, rest) {
            (b']', _) if set != 0 => break,
            // Sets of sets, named classes, and what may mean them.
            (b'[' | b']' | b'&' | b'~' | b'-' | b'^', _) => return None,
            (b'\\', _) => {
                let (more, rest) = escaped(rest)?;
                set |= more;
                if rest.first() == Some(&b'-') && rest.get(1) != Some(&b']') {
                    return None;
                }
                rest
            }
            (_, [b'-', b']', ..]) => {
                set |= one(*first) | one(b'-');
                &rest[1..]
            }
            (_, [b'-', last, rest @ ..]) => {
                if !last.is_ascii_alphanumeric() || last < first {
                    return None;
                }
                set |= range(*first, *last);
                rest
            }
            _ => {
                set |= one(*first);
                rest
            }
        };
    }
    Some((if negated { !set } else { set }, &text[1..]))
}

/// How often: `{n}`, or once.
fn repeated(text: &[u8]) -> Option<(usize, &[u8])> {
    match text.first() {
        Some(b'{') => {
            let end = text.iter().position(|byte| *byte == b'}')?;
            let digits = text.get(1..end)?;
            let number = digits.iter().all(u8::is_ascii_digit);
            let times = std::str::from_utf8(digits).ok().filter(|_| number)?;
            Some((times.parse().ok()?, &text[end + 1..]))
        }
        Some(b'?' | b'*' | b'+') => None,
        _ => Some((1, text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use regex::Regex;

    #[test]
    fn codes_have_a_shape_and_other_patterns_none() {
        for (pattern, good, bad) in [
            ("^C[0-9]{6}$", "C123456", "C12345x"),
            (r"^[A-Z]{2}\d{2}[^a-z]$", "DE89-", "DE89b"),
            (r"^\w.\.[A-Fx-]$", "_a.-", "_aaA"),
        ] {
            let shape = Shape::of(pattern).expect("a shape");
            assert_eq!(
                (shape.matches(good), shape.matches(bad)),
                (Some(true), Some(false))
            );
            assert_eq!(shape.matches("Ä"), None);
        }
        for pattern in [
            "[A-Z]{2}",
            "^a+$",
            "^a{1,2}$",
            "^(a|b)$",
            "^[[:alpha:]]$",
            "^[a&&b]$",
            "^[a-\\d]$",
            "^ä$",
            "^a{99}$",
            "^a|b$",
            "^\\bx$",
            "^a$b$",
        ] {
            assert!(Shape::of(pattern).is_none(), "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn a_shape_means_what_the_pattern_means(
            parts in prop::collection::vec(r"(?:[ab0#&~ -]|\\[dDwW.\-\[&]|\.|\[\^?[a-b][0-1]?-?\]|\[0-9b\]|\[\\d_\])(?:\{[0-3]\})?", 0..4),
            texts in prop::collection::vec("[ab019_.&#~ \n-]{0,5}", 20),
        ) {
            let pattern = format!("^{}$", parts.concat());
            if let (Some(shape), Ok(regex)) = (Shape::of(&pattern), Regex::new(&pattern)) {
                for text in texts {
                    prop_assert_eq!(shape.matches(&text), Some(regex.is_match(&text)), "{} {}", &pattern, &text);
                }
            }
        }
    }
}
