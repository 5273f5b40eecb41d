//! Numbers that states give to persons. What has a check digit is checked; what has none
//! is recognised by its form alone.

use super::checksum::{ean_13, luhn, mod_11_2, mod_11_10, verhoeff, weighted};

/// One kind of number.
pub(crate) struct Scheme {
    /// Country and name, as reports say it.
    pub name: &'static str,
    /// Characters without separators.
    pub length: std::ops::RangeInclusive<usize>,
    /// Has it the form? Gets the text as written and without separators, in capitals.
    shape: fn(&str, &[u8]) -> bool,
    /// Is it a valid one, given the form?
    check: fn(&[u8]) -> bool,
    /// Is the form so peculiar that few values are enough?
    pub peculiar: bool,
}

const fn scheme(
    name: &'static str,
    length: std::ops::RangeInclusive<usize>,
    shape: fn(&str, &[u8]) -> bool,
    check: fn(&[u8]) -> bool,
    peculiar: bool,
) -> Scheme {
    Scheme {
        name,
        length,
        shape,
        check,
        peculiar,
    }
}

/// All kinds, in the order in which equal evidence is named.
pub(crate) const SCHEMES: [Scheme; 18] = [
    scheme(
        "it_codice_fiscale",
        16..=16,
        is_codice_fiscale,
        codice_fiscale,
        true,
    ),
    scheme("cn_resident_id", 18..=18, is_resident_id, resident_id, true),
    scheme("fr_nir", 15..=15, is_nir, nir, true),
    scheme("es_dni_nie", 9..=9, is_dni, dni, true),
    scheme("fi_hetu", 10..=11, is_hetu, hetu, true),
    scheme("gb_nino", 9..=9, is_nino, |_| true, true),
    scheme("us_ssn", 9..=9, is_ssn, ssn, true),
    scheme(
        "ch_ahv",
        13..=13,
        |_, d| all_digits(d) && d.starts_with(b"756"),
        ean_13,
        true,
    ),
    scheme("pl_pesel", 11..=11, digits_only, pesel, false),
    scheme(
        "se_personnummer",
        10..=12,
        is_personnummer,
        personnummer,
        false,
    ),
    scheme(
        "be_national_number",
        11..=11,
        digits_only,
        national_number,
        false,
    ),
    scheme(
        "de_tax_id",
        11..=11,
        |_, d| all_digits(d) && d[0] != b'0',
        tax_id,
        false,
    ),
    scheme("br_cpf", 11..=11, digits_only, cpf, false),
    scheme(
        "in_aadhaar",
        12..=12,
        |_, d| all_digits(d) && d[0] >= b'2',
        verhoeff,
        false,
    ),
    scheme("gb_nhs_number", 10..=10, digits_only, nhs, false),
    scheme("nl_bsn", 9..=9, digits_only, bsn, false),
    scheme("au_tfn", 9..=9, digits_only, tfn, false),
    scheme(
        "ca_sin",
        9..=9,
        |_, d| all_digits(d) && !matches!(d[0], b'0' | b'8'),
        luhn,
        false,
    ),
];

/// Which schemes a cell has the form of, and which of these it satisfies: bit sets in the order
/// of [`SCHEMES`].
pub(crate) fn examine(text: &str) -> (u32, u32) {
    let mut compact = [0u8; 18];
    let mut length = 0;
    for byte in text.bytes() {
        match byte {
            b' ' | b'-' | b'.' | b'/' => continue,
            _ if length < compact.len() && byte.is_ascii_alphanumeric() => {
                compact[length] = byte.to_ascii_uppercase();
                length += 1;
            }
            b'+' => continue,
            _ => return (0, 0),
        }
    }
    let compact = &compact[..length];
    let (mut shaped, mut valid) = (0, 0);
    for (place, scheme) in SCHEMES.iter().enumerate() {
        if scheme.length.contains(&length) && (scheme.shape)(text, compact) {
            shaped |= 1 << place;
            valid |= u32::from((scheme.check)(compact)) << place;
        }
    }
    (shaped, valid)
}

fn all_digits(compact: &[u8]) -> bool {
    compact.iter().all(u8::is_ascii_digit)
}

fn digits_only(_: &str, compact: &[u8]) -> bool {
    all_digits(compact)
}

fn number(digits: &[u8]) -> u64 {
    let value = |sum: u64, byte: &u8| sum * 10 + u64::from(byte.wrapping_sub(b'0') % 10);
    digits.iter().fold(0, value)
}

/// Month 1 to 12 and day 1 to 31.
fn is_day(month: u64, day: u64) -> bool {
    (1..=12).contains(&month) && (1..=31).contains(&day)
}

fn fits(compact: &[u8], form: &str) -> bool {
    let one = |(byte, form): (&u8, u8)| match form {
        b'9' => byte.is_ascii_digit(),
        _ => byte.is_ascii_uppercase(),
    };
    compact.len() == form.len() && compact.iter().zip(form.bytes()).all(one)
}

/// Digits may be replaced by letters where names collide (omocodia).
fn is_codice_fiscale(_: &str, compact: &[u8]) -> bool {
    let letters = [0, 1, 2, 3, 4, 5, 8, 11, 15];
    compact.len() == 16
        && letters
            .iter()
            .all(|place| compact[*place].is_ascii_uppercase())
        && compact[9].is_ascii_alphanumeric()
        && b"ABCDEHLMPRST".contains(&compact[8])
}

/// Odd places (from 1) by table, even places by rank, mod 26 (D.M. 23 December 1976).
fn codice_fiscale(compact: &[u8]) -> bool {
    const ODD: [u32; 26] = [
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24,
        23,
    ];
    let mut sum = 0;
    for (place, byte) in compact[..15].iter().enumerate() {
        let rank = match byte {
            b'0'..=b'9' => byte - b'0',
            _ => byte - b'A',
        };
        sum += match place % 2 {
            0 => ODD[usize::from(rank)],
            _ => u32::from(rank),
        };
    }
    u32::from(compact[15] - b'A') == sum % 26
}

fn is_resident_id(_: &str, compact: &[u8]) -> bool {
    all_digits(&compact[..17])
        && (compact[17].is_ascii_digit() || compact[17] == b'X')
        && (1900..2100).contains(&number(&compact[6..10]))
        && is_day(number(&compact[10..12]), number(&compact[12..14]))
}

/// GB 11643-1999.
fn resident_id(compact: &[u8]) -> bool {
    mod_11_2(compact)
}

fn is_nir(_: &str, compact: &[u8]) -> bool {
    let mut digits = compact.to_vec();
    if matches!(digits[6], b'A' | b'B') {
        digits[6] = b'0';
    }
    let month = number(&digits[3..5]);
    all_digits(&digits)
        && matches!(digits[0], b'1' | b'2' | b'3' | b'4' | b'7' | b'8')
        && ((1..=12).contains(&month) || month >= 20)
}

/// Key = 97 − (first 13 digits mod 97); Corsica's 2A counts as 19, 2B as 18 (INSEE).
fn nir(compact: &[u8]) -> bool {
    let mut digits = compact.to_vec();
    match digits[6] {
        b'A' => digits[5..7].copy_from_slice(b"19"),
        b'B' => digits[5..7].copy_from_slice(b"18"),
        _ => {}
    }
    number(&digits[13..]) == 97 - number(&digits[..13]) % 97
}

fn is_dni(_: &str, compact: &[u8]) -> bool {
    fits(compact, "99999999A") || (fits(compact, "A9999999A") && b"XYZ".contains(&compact[0]))
}

/// The letter is the number mod 23; X, Y and Z stand for 0, 1 and 2 (Real Decreto 1553/2005).
fn dni(compact: &[u8]) -> bool {
    const LETTERS: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";
    let first = match compact[0] {
        b'X' => b'0',
        b'Y' => b'1',
        b'Z' => b'2',
        digit => digit,
    };
    let mut digits = compact[..8].to_vec();
    digits[0] = first;
    LETTERS[(number(&digits) % 23) as usize] == compact[8]
}

/// `ddmmyy`, century sign, three digits, check character.
fn is_hetu(text: &str, _: &[u8]) -> bool {
    let bytes = text.trim().as_bytes();
    bytes.len() == 11
        && bytes[..6].iter().all(u8::is_ascii_digit)
        && b"+-ABCDEFUVWXY".contains(&bytes[6])
        && bytes[7..10].iter().all(u8::is_ascii_digit)
        && is_day(number(&bytes[2..4]), number(&bytes[..2]))
}

/// Nine digits mod 31 (Väestörekisterikeskus).
fn hetu(compact: &[u8]) -> bool {
    const SIGNS: &[u8; 31] = b"0123456789ABCDEFHJKLMNPRSTUVWXY";
    let end = compact.len();
    let mut digits = compact[..6].to_vec();
    digits.extend(&compact[end - 4..end - 1]);
    SIGNS[(number(&digits) % 31) as usize] == compact[end - 1]
}

fn is_nino(_: &str, compact: &[u8]) -> bool {
    fits(compact, "AA999999A")
        && !b"DFIQUV".contains(&compact[0])
        && !b"DFIOQUV".contains(&compact[1])
        && b"ABCD".contains(&compact[8])
        && !["BG", "GB", "KN", "NK", "NT", "TN", "ZZ"]
            .contains(&&*String::from_utf8_lossy(&compact[..2]))
}

/// Nine digits in groups of 3, 2 and 4.
fn is_ssn(text: &str, compact: &[u8]) -> bool {
    let groups: Vec<usize> = text.trim().split('-').map(str::len).collect();
    groups == [3, 2, 4] && all_digits(compact)
}

/// No group is zero; areas 666 and 900 on were never given (SSA).
fn ssn(compact: &[u8]) -> bool {
    let area = number(&compact[..3]);
    !matches!(area, 0 | 666 | 900..) && &compact[3..5] != b"00" && &compact[5..] != b"0000"
}

/// Weights 1, 3, 7, 9; the month carries the century in steps of 20.
fn pesel(compact: &[u8]) -> bool {
    const WEIGHTS: [u32; 11] = [1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1];
    is_day(number(&compact[2..4]) % 20, number(&compact[4..6]))
        && weighted(compact, &WEIGHTS).is_some_and(|sum| sum % 10 == 0)
}

fn is_personnummer(_: &str, compact: &[u8]) -> bool {
    all_digits(compact) && matches!(compact.len(), 10 | 12)
}

/// Luhn over the last ten digits; days above 60 are coordination numbers (Skatteverket).
fn personnummer(compact: &[u8]) -> bool {
    let last = &compact[compact.len() - 10..];
    let day = number(&last[4..6]);
    is_day(number(&last[2..4]), if day > 60 { day - 60 } else { day }) && luhn(last)
}

/// 97 − (nine digits mod 97), with a 2 before them for births from 2000 on.
fn national_number(compact: &[u8]) -> bool {
    let (nine, key) = (number(&compact[..9]), number(&compact[9..]));
    let day = is_day(number(&compact[2..4]) % 20, number(&compact[4..6]));
    day && (key == 97 - nine % 97 || key == 97 - (2_000_000_000 + nine) % 97)
}

/// One of the first ten digits occurs two or three times, the last is by mod 11,10 (BZSt).
fn tax_id(compact: &[u8]) -> bool {
    let mut counts = [0u8; 10];
    for byte in &compact[..10] {
        counts[usize::from((byte - b'0') % 10)] += 1;
    }
    let repeated = counts.iter().filter(|count| **count > 1).count();
    let most = counts.iter().max().copied().unwrap_or(0);
    repeated == 1 && most <= 3 && mod_11_10(compact)
}

/// Two check digits mod 11 (Receita Federal); equal digits are not given out.
fn cpf(compact: &[u8]) -> bool {
    let check = |length: usize| {
        let sum: u64 = (0..length)
            .map(|place| number(&compact[place..=place]) * (length + 1 - place) as u64)
            .sum();
        sum * 10 % 11 % 10
    };
    let same = compact.iter().all(|byte| *byte == compact[0]);
    !same && check(9) == number(&compact[9..10]) && check(10) == number(&compact[10..])
}

/// Weights 10 to 2, mod 11; a remainder of 10 is not given out (NHS Data Dictionary).
fn nhs(compact: &[u8]) -> bool {
    const WEIGHTS: [u32; 10] = [10, 9, 8, 7, 6, 5, 4, 3, 2, 1];
    number(compact) > 0 && weighted(compact, &WEIGHTS).is_some_and(|sum| sum % 11 == 0)
}

/// The "eleven test": weights 9 to 2 and −1 (RvIG).
fn bsn(compact: &[u8]) -> bool {
    const WEIGHTS: [u32; 9] = [9, 8, 7, 6, 5, 4, 3, 2, 10];
    number(compact) > 0 && weighted(compact, &WEIGHTS).is_some_and(|sum| sum % 11 == 0)
}

/// Weights 1, 4, 3, 7, 5, 8, 6, 9, 10, mod 11 (ATO).
fn tfn(compact: &[u8]) -> bool {
    const WEIGHTS: [u32; 9] = [1, 4, 3, 7, 5, 8, 6, 9, 10];
    number(compact) > 0 && weighted(compact, &WEIGHTS).is_some_and(|sum| sum % 11 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn valid(text: &str) -> Vec<&'static str> {
        let (_, valid) = examine(text);
        let named =
            |(place, scheme): (usize, &Scheme)| (valid >> place & 1 == 1).then_some(scheme.name);
        SCHEMES.iter().enumerate().filter_map(named).collect()
    }

    #[test]
    fn published_examples_are_recognised() {
        for (text, name) in [
            ("RSSMRA85T10A562S", "it_codice_fiscale"),
            ("11010519491231002X", "cn_resident_id"),
            ("2 55 08 14 168 025 38", "fr_nir"),
            ("12345678Z", "es_dni_nie"),
            ("X1234567L", "es_dni_nie"),
            ("131052-308T", "fi_hetu"),
            ("AB 12 34 56 C", "gb_nino"),
            ("123-45-6789", "us_ssn"),
            ("756.9217.0769.85", "ch_ahv"),
            ("44051401359", "pl_pesel"),
            ("811218-9876", "se_personnummer"),
            ("85.07.30-033.28", "be_national_number"),
            ("86095742719", "de_tax_id"),
            ("111.444.777-35", "br_cpf"),
            ("943 476 5919", "gb_nhs_number"),
            ("111222333", "nl_bsn"),
            ("123456782", "au_tfn"),
            ("046 454 286", "ca_sin"),
        ] {
            let found = valid(text);
            let expected = if name == "ca_sin" {
                found.is_empty()
            } else {
                found.contains(&name)
            };
            assert!(expected, "{text} as {name}: {found:?}");
        }
        assert!(valid("130 692 544").contains(&"ca_sin"));
        assert!(valid("2363 4512 3457").len() <= 1);
    }

    #[test]
    fn what_has_another_form_is_none() {
        for text in [
            "",
            "-",
            "12345678",
            "2013-01-01",
            "N10156",
            "EMB-145XR",
            "123-456-789",
            "é",
        ] {
            assert_eq!(valid(text), Vec::<&str>::new(), "{text}");
        }
        assert!(!valid("123-45-0000").contains(&"us_ssn"));
        assert!(!valid("666-45-6789").contains(&"us_ssn"));
        assert!(!valid("12345678A").contains(&"es_dni_nie"));
    }

    /// A column of running numbers passes no check much more often than by chance.
    #[test]
    fn running_numbers_pass_by_chance_only() {
        for start in [
            100_000_000u64,
            2_300_000_000,
            23_000_000_000,
            230_000_000_000,
        ] {
            let (mut shaped, mut passed) = ([0u32; SCHEMES.len()], [0u32; SCHEMES.len()]);
            for number in start..start + 2_000 {
                let (form, check) = examine(&number.to_string());
                for place in 0..SCHEMES.len() {
                    shaped[place] += form >> place & 1;
                    passed[place] += check >> place & 1;
                }
            }
            for place in 0..SCHEMES.len() {
                assert!(
                    passed[place] * 5 <= shaped[place],
                    "{}",
                    SCHEMES[place].name
                );
            }
        }
    }
}
