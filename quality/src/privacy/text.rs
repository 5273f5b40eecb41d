//! What one text could be, decided by its form and by check digits. Nothing here knows the
//! column: see [`super::verdict`] for what a column of such texts is.

use std::net::Ipv6Addr;
use std::sync::LazyLock;

use regex::{Regex, RegexSet};

use super::checksum::{iban, luhn};
use super::hint::Hint;
use super::{national, streets, words};

/// One thing a text can be; a bit of [`Signals::bits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Signal {
    Email,
    /// With a plus and a country code.
    PhoneAbroad,
    /// Grouped like a number within a country.
    PhoneHere,
    /// 7 to 15 digits and nothing but their separators.
    PhoneDigits,
    /// 13 to 19 digits in a run or in groups.
    CardShaped,
    /// The same, of a known issuer and with a right check digit.
    Card,
    Iban,
    IpV4,
    IpV6,
    Mac,
    AwsKey,
    Jwt,
    PrivateKey,
    GitToken,
    ServiceToken,
    /// A long text of high entropy in three classes of characters.
    Random,
    /// Like a password or token: no space, at least 8 characters.
    Opaque,
    /// A day after 1900.
    Day,
    NameShaped,
    CommonName,
    FullName,
    /// Ends with a word for a way.
    Way,
    /// House number and way.
    StreetAddress,
    /// Two coordinates with at least 4 decimals.
    Coordinates,
    /// One such number.
    FineNumber,
    /// 5 to 20 letters and digits, digits among them.
    IdShaped,
}

impl Signal {
    pub const COUNT: usize = Self::IdShaped as usize + 1;
}

/// Everything that one text could be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Signals {
    /// Bits of [`Signal`].
    pub bits: u32,
    /// National numbers it has the form of, bits in the order of [`national::SCHEMES`].
    pub shaped: u32,
    /// The ones it is valid for.
    pub valid: u32,
}

impl Signals {
    pub fn none(&self) -> bool {
        self.bits | self.shaped | self.valid == 0
    }

    /// Of six to eight digits that are no day.
    pub fn of_digits(phone: bool, id: bool) -> Self {
        let mut signals = Self::default();
        signals.set(Signal::PhoneDigits, phone);
        signals.set(Signal::IdShaped, id);
        signals
    }

    fn set(&mut self, signal: Signal, on: bool) {
        self.bits |= u32::from(on) << signal as u8;
    }
}

/// Bytes of a text by class: what can it be at all?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Classes {
    digits: u32,
    letters: u32,
    spaces: u32,
    dots: u32,
    colons: u32,
    dashes: u32,
    ats: u32,
    plus: u32,
    wide: u32,
}

impl Classes {
    /// Bits of one class within a lane.
    const LANE: u32 = 7;
    /// Bytes after which a lane could run over.
    const STRIDE: usize = 127;
    /// One in the lane of the class of every byte; bytes of no class count nowhere.
    const LANES: [u64; 256] = {
        let mut lanes = [0; 256];
        let mut byte = 0;
        while byte < 256 {
            lanes[byte] = match byte as u8 {
                b'0'..=b'9' => 1,
                b'a'..=b'z' | b'A'..=b'Z' => 1 << Self::LANE,
                b' ' => 1 << (2 * Self::LANE),
                b'.' => 1 << (3 * Self::LANE),
                b':' => 1 << (4 * Self::LANE),
                b'-' => 1 << (5 * Self::LANE),
                b'@' => 1 << (6 * Self::LANE),
                b'+' => 1 << (7 * Self::LANE),
                128.. => 1 << (8 * Self::LANE),
                _ => 0,
            };
            byte += 1;
        }
        lanes
    };

    /// All classes are counted at once, in lanes of one word.
    fn of(text: &str) -> Self {
        let mut classes = Self::default();
        for part in text.as_bytes().chunks(Self::STRIDE) {
            let counts = part
                .iter()
                .fold(0, |sum, byte| sum + Self::LANES[usize::from(*byte)]);
            let lane = |place: u32| (counts >> (place * Self::LANE)) as u32 & 127;
            classes.digits += lane(0);
            classes.letters += lane(1);
            classes.spaces += lane(2);
            classes.dots += lane(3);
            classes.colons += lane(4);
            classes.dashes += lane(5);
            classes.ats += lane(6);
            classes.plus += lane(7);
            classes.wide += lane(8);
        }
        classes
    }
}

/// Longest part of a text that is looked at, in bytes.
const LONGEST: usize = 64 << 10;

/// The patterns that may stand anywhere in a text, in the order of [`ANYWHERE`].
static SET: LazyLock<Option<RegexSet>> =
    LazyLock::new(|| RegexSet::new(ANYWHERE.iter().map(|(_, pattern)| narrow(pattern))).ok());

/// Digits and word characters of ASCII only, and whatever lies beyond it as letters: much smaller
/// automata than those of the Unicode classes, and nothing here needs the difference.
pub(super) fn narrow(pattern: &str) -> String {
    pattern
        .replace(r"\p{L}", r"[A-Za-z\u{80}-\u{10FFFF}]")
        .replace(r"\d", "[0-9]")
        .replace(r"\D", "[^0-9]")
        .replace(r"\w", "[0-9A-Za-z_]")
        .replace(r"\W", "[^0-9A-Za-z_]")
        .replace(r"\b", r"(?-u:\b)")
        .replace(r"\s", r"[ \t\r\n]")
}

const ANYWHERE: [(Signal, &str); 10] = [
    (
        Signal::Email,
        r"[\p{L}\d._%+'-]@(?:[\p{L}\d-]+\.)*[\p{L}\d-]*\p{L}[\p{L}\d-]*\.\p{L}\p{L}+(?:$|[^\p{L}\d@])",
    ),
    (
        Signal::PhoneAbroad,
        r"(?:^|[^\w+])\+[1-9]\d{0,2}[ .\-/]?(?:\(0?\)[ ]?)?\(?\d{1,4}\)?(?:[ .\-/]?\d{2,4}){2,4}(?:$|[^\d])",
    ),
    (
        Signal::IpV4,
        r"(?:^|[^\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:$|[^\d.]|\.(?:$|\D))",
    ),
    (
        Signal::Mac,
        r"(?i)(?:^|[^\da-z:-])[\da-f]{2}(?:(?::[\da-f]{2}){5}|(?:-[\da-f]{2}){5})(?:$|[^\da-z:-])",
    ),
    (
        Signal::Mac,
        r"(?i)(?:^|[^\da-z.])[\da-f]{4}\.[\da-f]{4}\.[\da-f]{4}(?:$|[^\da-z.])",
    ),
    (
        Signal::AwsKey,
        r"(?:^|[^A-Z\d])(?:AKIA|ASIA)[A-Z\d]{16}(?:$|[^A-Z\d])",
    ),
    (Signal::Jwt, r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*"),
    (
        Signal::PrivateKey,
        r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----",
    ),
    (
        Signal::GitToken,
        r"(?:^|\W)(?:gh[pousr]_[A-Za-z\d]{36}|github_pat_\w{40,}|glpat-[\w-]{20})",
    ),
    (
        Signal::ServiceToken,
        r"(?:^|\W)(?:xox[abprs]-[\w-]{10,}|[sr]k_(?:live|test)_[A-Za-z\d]{16,}|AIza[\w-]{35}|npm_[A-Za-z\d]{36}|SG\.[\w-]{16,}\.[\w-]{16,}|AGE-SECRET-KEY-1[A-Z\d]{58})",
    ),
];

macro_rules! pattern {
    ($name:ident, $pattern:literal) => {
        static $name: LazyLock<Option<Regex>> =
            LazyLock::new(|| Regex::new(&narrow($pattern)).ok());
    };
}

pattern!(
    CARD,
    r"(?:^|[^\w.+-])(\d(?:[ -]?\d){12,18})(?:$|[^\w.-]|[.](?:$|\D))"
);
pattern!(
    IBAN,
    r"(?:^|[^A-Za-z\d])([A-Z]{2}\d{2}(?: ?[A-Z\d]{4}){2,7}(?: ?[A-Z\d]{1,3})?)(?:$|[^A-Za-z\d])"
);
pattern!(
    PHONE,
    r"^(?:\(?0\d{1,4}\)?[ .\-/]\d{2,8}(?:[ .\-/]?\d{2,5}){0,4}|\(\d{2,5}\)[ .\-/]?\d{2,4}(?:[ .\-/]?\d{2,4}){1,3}|\d{3}[-. ]\d{3}[-. ]\d{4}|1[-. ]\d{3}[-. ]\d{3}[-. ]\d{4})(?: ?(?:x|ext\.?) ?\d{1,5})?$"
);
pattern!(
    PAIR,
    r"^[\[(]?\s*[+-]?\d{1,2}\.\d{4,}\s*[,; ]\s*[+-]?\d{1,3}\.\d{4,}\s*[\])]?$|^(?i:point\s*\(\s*[+-]?\d{1,3}\.\d{4,}\s+[+-]?\d{1,2}\.\d{4,}\s*\))$"
);
pattern!(FINE, r"^[+-]?\d{1,3}\.\d{4,}$");
pattern!(
    DAY,
    r"^(?:(?:19|20)\d\d[-/.]?(?:0[1-9]|1[0-2])[-/.]?(?:0[1-9]|[12]\d|3[01])(?:[T ]00:00.*)?|(?:0?[1-9]|[12]\d|3[01])[-/. ](?:0?[1-9]|1[0-2]|[A-Za-z]{3,9})[-/. ](?:19|20)\d\d|(?:0?[1-9]|1[0-2])[-/.](?:0?[1-9]|[12]\d|3[01])[-/.](?:19|20)\d\d|[A-Za-z]{3,9} \d{1,2},? (?:19|20)\d\d)$"
);

fn matches(pattern: &LazyLock<Option<Regex>>, text: &str) -> bool {
    pattern.as_ref().is_some_and(|regex| regex.is_match(text))
}

/// Everything that a text could be. The hint only decides what is worth looking at.
pub(crate) fn examine(text: &str, hint: &Hint) -> Signals {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = &text[..end];
    let classes = Classes::of(text);
    let mut signals = Signals::default();
    anywhere(text, &classes, &mut signals);
    numbers(text, &classes, hint, &mut signals);
    letters(text, &classes, hint, &mut signals);
    signals
}

/// Patterns that may stand in a sentence.
fn anywhere(text: &str, classes: &Classes, signals: &mut Signals) {
    let Classes {
        digits, letters, ..
    } = *classes;
    let solid = letters + digits;
    if classes.colons >= 2 {
        signals.set(
            Signal::IpV6,
            text.split([' ', ',', '[', ']', '/']).any(is_ip_v6),
        );
    }
    let possible = classes.ats > 0
        || classes.plus > 0 && digits >= 8
        || classes.dots >= 2 && digits >= 4 && solid >= 4
        || classes.colons >= 5
        || classes.dashes >= 5 && solid >= 12
        // A word too long for a language.
        || solid >= 16 && (classes.spaces as usize + 1) * 12 <= text.len();
    if possible && let Some(set) = SET.as_ref() {
        for place in set.matches(text) {
            signals.set(ANYWHERE[place].0, true);
        }
    }
    let street =
        digits >= 1 && letters + classes.wide >= 3 && (classes.spaces >= 1 || classes.wide > 0);
    if street {
        let found = streets::is_address(text, classes.wide == 0);
        signals.set(Signal::StreetAddress, found);
    }
}

/// At least three groups, which sets it apart from `a::b` and from times.
fn is_ip_v6(token: &str) -> bool {
    let groups = token.split(':').filter(|group| !group.is_empty()).count();
    groups >= 3 && token.len() <= 45 && token.parse::<Ipv6Addr>().is_ok()
}

/// What consists of digits and their separators, mostly.
fn numbers(text: &str, classes: &Classes, hint: &Hint, signals: &mut Signals) {
    let Classes {
        digits, letters, ..
    } = *classes;
    if digits >= 13 {
        cards(text, signals);
    }
    if digits >= 10 && letters >= 2 && text.len() >= 15 {
        signals.set(Signal::Iban, has_iban(text));
    }
    if digits < 4 || text.len() > 40 {
        return;
    }
    let trimmed = text.trim();
    if letters + classes.wide == 0 {
        if classes.dots >= 1 && digits >= 5 {
            signals.set(Signal::FineNumber, is_fine(trimmed));
            signals.set(
                Signal::Coordinates,
                classes.dots == 2 && matches(&PAIR, trimmed),
            );
        }
        let separated = |c: char| c.is_ascii_digit() || "+()-./ ".contains(c);
        let sound = (7..=15).contains(&digits) && trimmed.chars().all(separated);
        signals.set(Signal::PhoneDigits, sound);
    } else if digits >= 8 {
        signals.set(
            Signal::Coordinates,
            classes.dots == 2 && matches(&PAIR, trimmed),
        );
    }
    if (9..=15).contains(&digits) && letters <= 3 {
        let day = classes.colons > 0 || matches(&DAY, trimmed);
        signals.set(Signal::PhoneHere, !day && matches(&PHONE, trimmed));
    }
    if hint.birth {
        signals.set(Signal::Day, matches(&DAY, trimmed));
    }
    if hint.id {
        let sound = |c: char| c.is_ascii_alphanumeric() || " -./".contains(c);
        let length = digits + letters;
        signals.set(
            Signal::IdShaped,
            (5..=20).contains(&length) && trimmed.chars().all(sound),
        );
    }
    if (9..=18).contains(&(digits + letters)) {
        (signals.shaped, signals.valid) = national::examine(trimmed);
    }
}

fn is_fine(text: &str) -> bool {
    matches(&FINE, text) && text.parse::<f64>().is_ok_and(|value| value.abs() <= 180.0)
}

/// Runs of 13 to 19 digits; a payment card if the issuer is known and Luhn's digit right.
fn cards(text: &str, signals: &mut Signals) {
    let Some(regex) = CARD.as_ref() else { return };
    for found in regex.captures_iter(text).filter_map(|found| found.get(1)) {
        let digits: Vec<u8> = found.as_str().bytes().filter(u8::is_ascii_digit).collect();
        signals.set(Signal::CardShaped, true);
        if is_issued(&digits) && luhn(&digits) {
            signals.set(Signal::Card, true);
        }
    }
}

/// Does the number begin as those of a card scheme do, and is it as long (ISO/IEC 7812 ranges as
/// the schemes publish them)?
pub(crate) fn is_issued(digits: &[u8]) -> bool {
    let prefix = |length: usize| {
        let first = digits.iter().take(length);
        first.fold(0u32, |sum, byte| {
            sum * 10 + u32::from(byte.wrapping_sub(b'0'))
        })
    };
    match digits.len() {
        13 => prefix(1) == 4,
        14 => matches!(prefix(3), 300..=305) || matches!(prefix(2), 36 | 38),
        15 => matches!(prefix(2), 34 | 37),
        16 => {
            prefix(1) == 4
                || matches!(prefix(2), 51..=55 | 62 | 65 | 35)
                || matches!(prefix(4), 2221..=2720 | 6011)
                || matches!(prefix(3), 644..=649)
        }
        17..=19 => matches!(prefix(2), 62) || matches!(prefix(4), 5018 | 5020 | 5038 | 6304),
        _ => false,
    }
}

fn has_iban(text: &str) -> bool {
    let Some(regex) = IBAN.as_ref() else {
        return false;
    };
    regex
        .captures_iter(text)
        .filter_map(|found| found.get(1))
        .any(|found| {
            let compact: String = found.as_str().chars().filter(|c| *c != ' ').collect();
            // The last group of the pattern may belong to the next word.
            (15..=compact.len()).any(|length| compact.get(..length).is_some_and(iban))
        })
}

/// What consists of words, and what hides no word.
fn letters(text: &str, classes: &Classes, hint: &Hint, signals: &mut Signals) {
    let trimmed = text.trim();
    if classes.digits == 0 && classes.letters + classes.wide >= 2 {
        let spoken = words::examine(trimmed);
        signals.set(Signal::NameShaped, spoken.name_shaped);
        signals.set(Signal::CommonName, spoken.common_name);
        signals.set(Signal::FullName, spoken.full_name);
        signals.set(Signal::Way, spoken.way);
    }
    if classes.spaces == 0 && classes.wide == 0 && trimmed.len() >= 8 {
        signals.set(Signal::Opaque, hint.secret && classes.letters >= 3);
        let mixed = classes.digits >= 3 && classes.letters >= 8;
        signals.set(
            Signal::Random,
            mixed && (24..=512).contains(&trimmed.len()) && is_random(trimmed),
        );
    }
}

/// Upper case, lower case and digits, in the alphabet of base64, with a Shannon entropy of at least 4 bits a
/// character (C. E. Shannon, 1948). Hexadecimal digests and UUIDs have one case only.
fn is_random(text: &str) -> bool {
    let mut counts = [0u32; 128];
    let (mut upper, mut lower) = (0, 0);
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' => upper += 1,
            b'a'..=b'z' => lower += 1,
            b'0'..=b'9' | b'+' | b'/' | b'_' | b'-' | b'=' | b'.' => {}
            _ => return false,
        }
        counts[usize::from(byte & 127)] += 1;
    }
    let length = text.len() as f64;
    let bits: f64 = counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / length)
        .map(|share| -share * libm::log2(share))
        .sum();
    upper >= 4 && lower >= 4 && bits >= 4.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(signal: Signal, text: &str, hint: &Hint) -> bool {
        examine(text, hint).bits >> signal as u8 & 1 == 1
    }

    fn anyhow(signal: Signal, good: &[&str], bad: &[&str]) {
        let hint = Hint {
            birth: true,
            id: true,
            secret: true,
            ..Hint::default()
        };
        for text in good {
            assert!(has(signal, text, &hint), "{signal:?} {text}");
        }
        for text in bad {
            assert!(!has(signal, text, &hint), "{signal:?} not {text}");
        }
    }

    #[test]
    fn every_pattern_compiles() {
        assert!(SET.as_ref().is_some_and(|set| set.len() == ANYWHERE.len()));
        for pattern in [&CARD, &IBAN, &PHONE, &PAIR, &FINE, &DAY] {
            assert!(pattern.is_some());
        }
    }

    #[test]
    fn contacts() {
        anyhow(
            Signal::Email,
            &[
                "a@example.org",
                "Write to Anna.B+x@mail.example.co.uk, please",
                "jürgen@bücher.example",
            ],
            &[
                "a@b",
                "@example.org",
                "react@18.next",
                "user at example.org",
                "a@1.22",
            ],
        );
        anyhow(
            Signal::PhoneAbroad,
            &[
                "+49 30 1234567",
                "call +1 (555) 123-4567 now",
                "+61298765432",
                "+33 1 23 45 67 89",
            ],
            &["2013-01-01T10:00:00+01:00", "+12.5", "1+1=2", "+0123456789"],
        );
        anyhow(
            Signal::PhoneHere,
            &[
                "(02) 9876 5432",
                "020 7946 0958",
                "555-123-4567",
                "0171/1234567",
                "1-800-555-0199",
            ],
            &[
                "2013-01-01",
                "123-45-6789",
                "978-3-16-148410-0",
                "10:15:00",
                "1234567890",
                "12.345.678",
            ],
        );
    }

    #[test]
    fn accounts_and_cards() {
        anyhow(
            Signal::Card,
            &[
                "4111 1111 1111 1111",
                "5500-0000-0000-0004",
                "378282246310005",
                "paid by 4111111111111111.",
            ],
            &[
                "4111111111111112",
                "0.4111111111111111",
                "1385000000000000",
                "a4111111111111111",
            ],
        );
        anyhow(
            Signal::Iban,
            &[
                "DE89 3704 0044 0532 0130 00",
                "GB82WEST12345698765432",
                "to NO9386011117947 today",
            ],
            &["DE89370400440532013001", "EMB-145XR", "FR 2013 0101"],
        );
    }

    #[test]
    fn addresses_of_machines() {
        anyhow(
            Signal::IpV4,
            &["10.0.0.1", "from 192.168.1.77:8080 to", "255.255.255.255"],
            &["256.1.1.1", "1.2.3", "1.2.3.4.5", "12.5"],
        );
        anyhow(
            Signal::IpV6,
            &["2001:db8::8a2e:370:7334", "fe80::1:2"],
            &["05:15:00", "a::b", "::", "1:2"],
        );
        anyhow(
            Signal::Mac,
            &["00:1A:2b:3C:4d:5E", "00-1a-2b-3c-4d-5e", "001a.2b3c.4d5e"],
            &["00:1a:2b", "05:15:00"],
        );
    }

    #[test]
    fn secrets() {
        let token = format!("ghp_{}", "a1B2".repeat(9));
        anyhow(Signal::GitToken, &[&token], &["ghp_short"]);
        anyhow(
            Signal::AwsKey,
            &["AKIAIOSFODNN7EXAMPLE", "key=AKIAIOSFODNN7EXAMPLE;"],
            &["AKIA", "XAKIAIOSFODNN7EXAMPLE"],
        );
        anyhow(
            Signal::Jwt,
            &["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2ln"],
            &["eyJ.eyJ."],
        );
        anyhow(
            Signal::PrivateKey,
            &[
                "-----BEGIN RSA PRIVATE KEY-----\nMII",
                "-----BEGIN PRIVATE KEY-----",
            ],
            &["-----BEGIN PUBLIC KEY-----"],
        );
        anyhow(
            Signal::Random,
            &["wJ4lrXUtnF3MI/K7MDENG/bPxRfiCY9zQp"],
            &[
                "9b74c9897bac770ffc029102a200c5de",
                "0192f3c4-0000-7000-8000-000000000001",
                "TheQuickBrownFoxJumpsOver",
            ],
        );
    }

    #[test]
    fn places_and_days() {
        anyhow(
            Signal::StreetAddress,
            &[
                "12 Wattle Street",
                "221B Baker St, London",
                "Hauptstraße 5",
                "Am Weg 12a",
                "10 rue de la Paix",
                "Via Roma 12",
                "PO Box 77",
            ],
            &["NEW ORLEANS INTL", "Fixed wing multi engine", "St James"],
        );
        anyhow(
            Signal::Coordinates,
            &["52.5200, 13.4050", "POINT(13.40501 52.52002)"],
            &["52.52,13.40", "3.9812", "1.2.3"],
        );
        anyhow(
            Signal::FineNumber,
            &["-33.8688", "151.20931"],
            &["326.5", "999.12345", "3.981"],
        );
        anyhow(
            Signal::Day,
            &[
                "19151111",
                "1990-01-08",
                "8.1.1990",
                "Jan 8, 1990",
                "01/31/1990",
            ],
            &["19159911", "10:15", "5170"],
        );
    }
}
