//! Check digits, each by its published rule. All of them take ASCII digits (as bytes `b'0'..=b'9'`)
//! or the characters their standard names, and answer whether the last ones are right.

/// The number behind an ASCII digit.
fn digit(byte: u8) -> Option<u32> {
    byte.is_ascii_digit().then(|| u32::from(byte - b'0'))
}

/// Mod 10 with every second digit doubled, from the right (ISO/IEC 7812-1, annex B). One of ten
/// random numbers passes.
pub(crate) fn luhn(digits: &[u8]) -> bool {
    let mut sum = 0;
    for (place, byte) in digits.iter().rev().enumerate() {
        let Some(mut value) = digit(*byte) else {
            return false;
        };
        if place % 2 == 1 {
            value *= 2;
            if value > 9 {
                value -= 9;
            }
        }
        sum += value;
    }
    !digits.is_empty() && sum % 10 == 0
}

/// Σ weight · digit over as many digits as there are weights; `None` for other characters.
pub(crate) fn weighted(digits: &[u8], weights: &[u32]) -> Option<u32> {
    if digits.len() < weights.len() {
        return None;
    }
    let mut sum = 0;
    for (byte, weight) in digits.iter().zip(weights) {
        sum += digit(*byte)? * weight;
    }
    Some(sum)
}

/// Lengths of IBANs by country (ISO 13616 registry).
const IBAN_LENGTHS: [(&str, usize); 76] = [
    ("AD", 24),
    ("AE", 23),
    ("AL", 28),
    ("AT", 20),
    ("AZ", 28),
    ("BA", 20),
    ("BE", 16),
    ("BG", 22),
    ("BH", 22),
    ("BR", 29),
    ("BY", 28),
    ("CH", 21),
    ("CR", 22),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DK", 18),
    ("DO", 28),
    ("EE", 20),
    ("EG", 29),
    ("ES", 24),
    ("FI", 18),
    ("FO", 18),
    ("FR", 27),
    ("GB", 22),
    ("GE", 22),
    ("GI", 23),
    ("GL", 18),
    ("GR", 27),
    ("GT", 28),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IQ", 23),
    ("IS", 26),
    ("IT", 27),
    ("JO", 30),
    ("KW", 30),
    ("KZ", 20),
    ("LB", 28),
    ("LC", 32),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("LY", 25),
    ("MC", 27),
    ("MD", 24),
    ("ME", 22),
    ("MK", 19),
    ("MR", 27),
    ("MT", 31),
    ("MU", 30),
    ("NL", 18),
    ("NO", 15),
    ("PK", 24),
    ("PL", 28),
    ("PS", 29),
    ("PT", 25),
    ("QA", 29),
    ("RO", 24),
    ("RS", 22),
    ("SA", 24),
    ("SC", 31),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("ST", 25),
    ("SV", 28),
    ("TL", 23),
    ("TN", 24),
    ("TR", 26),
    ("UA", 29),
    ("XK", 20),
];

/// An IBAN without spaces, in capitals: the length of its country, and mod 97 = 1 with the first
/// four characters moved to the end and letters read as 10 to 35 (ISO 13616, ISO 7064 mod 97-10).
pub(crate) fn iban(text: &str) -> bool {
    let bytes = text.as_bytes();
    let known =
        |(country, length): &(&str, usize)| text.starts_with(country) && bytes.len() == *length;
    if bytes.len() < 5 || !IBAN_LENGTHS.iter().any(known) {
        return false;
    }
    let mut rest = 0;
    for byte in bytes[4..].iter().chain(&bytes[..4]) {
        rest = match byte {
            b'0'..=b'9' => rest * 10 + u32::from(byte - b'0'),
            b'A'..=b'Z' => rest * 100 + u32::from(byte - b'A') + 10,
            _ => return false,
        } % 97;
    }
    rest == 1
}

/// A dihedral check digit (J. Verhoeff, "Error detecting decimal codes", 1969).
pub(crate) fn verhoeff(digits: &[u8]) -> bool {
    const MULTIPLY: [[u8; 10]; 10] = [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
        [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
        [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
        [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
        [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
        [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
        [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
        [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
        [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
    ];
    const PERMUTE: [[u8; 10]; 8] = [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        [1, 5, 7, 6, 2, 8, 3, 0, 9, 4],
        [5, 8, 0, 3, 7, 9, 6, 1, 4, 2],
        [8, 9, 1, 6, 0, 4, 3, 5, 2, 7],
        [9, 4, 5, 3, 1, 2, 6, 8, 7, 0],
        [4, 2, 8, 6, 5, 7, 3, 9, 0, 1],
        [2, 7, 9, 3, 8, 0, 6, 4, 1, 5],
        [7, 0, 4, 6, 9, 1, 3, 2, 5, 8],
    ];
    let mut check = 0u8;
    for (place, byte) in digits.iter().rev().enumerate() {
        let Some(value) = digit(*byte) else {
            return false;
        };
        check = MULTIPLY[usize::from(check)][usize::from(PERMUTE[place % 8][value as usize])];
    }
    !digits.is_empty() && check == 0
}

/// ISO/IEC 7064 mod 11,10: the last digit checks the ones before it.
pub(crate) fn mod_11_10(digits: &[u8]) -> bool {
    let Some((last, body)) = digits.split_last() else {
        return false;
    };
    let mut product = 10;
    for byte in body {
        let Some(value) = digit(*byte) else {
            return false;
        };
        let sum = match (value + product) % 10 {
            0 => 10,
            sum => sum,
        };
        product = sum * 2 % 11;
    }
    digit(*last) == Some((11 - product) % 10)
}

/// ISO/IEC 7064 mod 11-2: the last of 18 characters, `X` for ten, checks the ones before it.
pub(crate) fn mod_11_2(text: &[u8]) -> bool {
    let Some((last, body)) = text.split_last() else {
        return false;
    };
    let mut rest = 0;
    for byte in body {
        let Some(value) = digit(*byte) else {
            return false;
        };
        rest = (rest + value) * 2 % 11;
    }
    let check = (12 - rest) % 11;
    match last {
        b'X' | b'x' => check == 10,
        _ => digit(*last) == Some(check),
    }
}

/// The check digit of an EAN-13: weights 1 and 3 in turn, mod 10 (GS1 General Specifications).
pub(crate) fn ean_13(digits: &[u8]) -> bool {
    const WEIGHTS: [u32; 13] = [1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1];
    digits.len() == 13 && weighted(digits, &WEIGHTS).is_some_and(|sum| sum % 10 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every published example passes, and no single changed digit does.
    fn guards(check: impl Fn(&[u8]) -> bool, examples: &[&str]) {
        for example in examples {
            assert!(check(example.as_bytes()), "{example}");
            for place in 0..example.len() {
                let mut bytes = example.as_bytes().to_vec();
                if bytes[place].is_ascii_digit() {
                    bytes[place] = b'0' + (bytes[place] - b'0' + 1) % 10;
                    assert!(!check(&bytes), "{example} with another digit {place}");
                }
            }
        }
        assert!(!check(b"") && !check(b"12a4"));
    }

    #[test]
    fn published_examples_pass_and_one_changed_digit_does_not() {
        guards(
            luhn,
            &["4111111111111111", "378282246310005", "79927398713"],
        );
        guards(verhoeff, &["2363", "123451"]);
        guards(mod_11_10, &["86095742719", "47036892816"]);
        guards(mod_11_2, &["11010519491231002X", "440524188001010014"]);
        guards(ean_13, &["4006381333931", "7569217076985"]);
    }

    #[test]
    fn ibans_have_the_length_of_their_country() {
        for good in [
            "GB82WEST12345698765432",
            "DE89370400440532013000",
            "NO9386011117947",
        ] {
            assert!(iban(good), "{good}");
        }
        for bad in [
            "GB82WEST12345698765433",
            "DE8937040044053201300",
            "XX89370400440532013000",
            "DE89 370400440532013000",
            "DE",
            "",
        ] {
            assert!(!iban(bad), "{bad}");
        }
    }
}
