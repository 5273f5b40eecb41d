//! Text to typed value. One format per type: what could be read in two ways
//! (1,234 or 03/04/2021) is not guessed.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Timelike};

use crate::policy::ColumnType;

pub(crate) fn boolean(text: &str) -> Option<bool> {
    const TRUE: [&str; 5] = ["true", "t", "yes", "y", "1"];
    const FALSE: [&str; 5] = ["false", "f", "no", "n", "0"];
    let is = |word: &&str| text.eq_ignore_ascii_case(word);
    if TRUE.iter().any(is) {
        Some(true)
    } else if FALSE.iter().any(is) {
        Some(false)
    } else {
        None
    }
}

/// A whole number: `12`, `+12`, `12.0`; not `12.5`.
pub(crate) fn integer(text: &str) -> Option<i128> {
    if let Ok(value) = text.parse() {
        return Some(value);
    }
    let (whole, zeros) = text.split_once('.')?;
    let is_zero = !zeros.is_empty() && zeros.bytes().all(|b| b == b'0');
    is_zero.then(|| whole.parse().ok()).flatten()
}

/// A finite number in decimal or scientific notation.
pub(crate) fn float(text: &str) -> Option<f64> {
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

/// An exact number; more digits after the point than `scale` only as zeros.
pub(crate) fn decimal(text: &str, precision: u8, scale: u8) -> Option<i128> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut value: i128 = 0;
    let mut places = 0;
    for (byte, in_fraction) in whole
        .bytes()
        .map(|b| (b, false))
        .chain(fraction.bytes().map(|b| (b, true)))
    {
        let digit = byte.is_ascii_digit().then(|| i128::from(byte - b'0'))?;
        if in_fraction && places == scale {
            if digit != 0 {
                return None;
            }
            continue;
        }
        places += u8::from(in_fraction);
        value = value.checked_mul(10)?.checked_add(digit)?;
    }
    let value = value.checked_mul(10i128.checked_pow(u32::from(scale - places))?)?;
    let limit = 10i128.checked_pow(u32::from(precision))?;
    (value < limit).then_some(if negative { -value } else { value })
}

/// `YYYY-MM-DD` (or with slashes); an instant at midnight is its day.
pub(crate) fn date(text: &str) -> Option<NaiveDate> {
    let day = text.get(..10)?;
    let rest = text.get(10..)?;
    let is_midnight = rest.is_empty()
        || timestamp(text).is_some_and(|at| at.time().num_seconds_from_midnight() == 0)
            && timestamp(text).is_some_and(|at| at.time().nanosecond() == 0);
    let parsed = NaiveDate::parse_from_str(day, "%Y-%m-%d")
        .or_else(|_| NaiveDate::parse_from_str(day, "%Y/%m/%d"));
    parsed.ok().filter(|_| is_midnight)
}

/// `HH:MM`, `HH:MM:SS` or with a fraction.
pub(crate) fn time(text: &str) -> Option<NaiveTime> {
    NaiveTime::parse_from_str(text, "%H:%M:%S%.f")
        .or_else(|_| NaiveTime::parse_from_str(text, "%H:%M"))
        .ok()
        // chrono reads a 61st second as a leap second
        .filter(|time| time.nanosecond() < 1_000_000_000)
}

/// RFC 3339, or without offset in UTC, or a day alone.
pub(crate) fn timestamp(text: &str) -> Option<NaiveDateTime> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.naive_utc());
    }
    let bare = text.strip_suffix(" UTC").unwrap_or(text);
    [
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%d %H:%M",
    ]
    .iter()
    .find_map(|format| NaiveDateTime::parse_from_str(bare, format).ok())
    .or_else(|| {
        (bare.len() == 10)
            .then(|| NaiveDate::parse_from_str(bare, "%Y-%m-%d").ok())
            .flatten()
            .and_then(|day| day.and_hms_opt(0, 0, 0))
    })
}

/// Does this text read back to the same value, so that nothing is lost when a column is taken
/// for this type? Leading zeros and signs (`007`, `+49`) mean something in codes and telephone
/// numbers; of more than 15 digits only those survive in a double that a program wrote from one.
pub(crate) fn lossless(text: &str, kind: ColumnType) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.is_empty();
    let padded = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
    match kind {
        ColumnType::Bool => text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false"),
        ColumnType::Int64 => plain && !padded && text != "-0" && text.parse::<i64>().is_ok(),
        ColumnType::UInt64 => plain && !padded && text.parse::<u64>().is_ok(),
        ColumnType::Float64 => {
            let starts = digits.starts_with(|c: char| c.is_ascii_digit());
            let significant = digits.bytes().take_while(|b| !matches!(b, b'e' | b'E'));
            let significant = significant.filter(u8::is_ascii_digit).count();
            let short = significant <= SURE_DIGITS;
            let value = float(text).filter(|_| starts && !padded);
            value.is_some_and(|value| short || reads_back(digits, value))
        }
        ColumnType::Date => text.len() == 10 && text.as_bytes()[4] == b'-' && date(text).is_some(),
        ColumnType::Timestamp => {
            let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
            let places = fraction.bytes().take_while(u8::is_ascii_digit).count();
            text.len() > 10 && places <= 6 && timestamp(text).is_some()
        }
        ColumnType::Time => {
            let fraction = text
                .split_once('.')
                .map_or(0, |(_, fraction)| fraction.len());
            text.len() >= 5 && fraction <= 6 && time(text).is_some()
        }
        ColumnType::Decimal { .. } | ColumnType::String | ColumnType::Binary => false,
    }
}

/// Digits that every double keeps.
const SURE_DIGITS: usize = 15;

/// Are the digits the shortest that mean this double, as programs write it?
fn reads_back(digits: &str, value: f64) -> bool {
    let shortest = format!("{:e}", value.abs());
    match (scientific(digits), scientific(&shortest)) {
        (Some(written), Some(shortest)) => written == shortest,
        _ => false,
    }
}

/// Digits without zeros at either end, and the power of ten of the first.
fn scientific(text: &str) -> Option<(String, i32)> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse().ok()?),
        None => (text, 0i32),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let zeros = all.bytes().take_while(|b| *b == b'0').count();
    let first = i32::try_from(whole.len()).ok()? - 1 - i32::try_from(zeros).ok()?;
    let digits = all.trim_matches('0').to_owned();
    Some((digits, exponent.checked_add(first)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers() {
        assert_eq!(integer("12"), Some(12));
        assert_eq!(integer("-12.00"), Some(-12));
        for bad in ["12.5", "1,234", "", "12.", "0x1f", "1 2"] {
            assert_eq!(integer(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_would_lose_something_is_not_taken_for_a_number() {
        let kinds = [ColumnType::Int64, ColumnType::UInt64, ColumnType::Float64];
        for text in [
            "007",
            "+49",
            "-0",
            "0123.5",
            "12345678901234567890123",
            "1e400",
            ".5",
            "",
        ] {
            let taken = kinds.iter().filter(|kind| lossless(text, **kind));
            let taken = taken.filter(|_| text != "-0").count();
            assert_eq!(taken, 0, "{text}");
        }
        assert!(lossless("-12", ColumnType::Int64) && lossless("0", ColumnType::Int64));
        assert!(lossless("18446744073709551615", ColumnType::UInt64));
        assert!(lossless("0.25", ColumnType::Float64) && lossless("-1.5e3", ColumnType::Float64));
        // As other programs write doubles; and digits that no double has.
        for text in [
            "0.1234567890123456",
            "10.123456789012344",
            "-1.2345678901234568e-05",
        ] {
            assert!(lossless(text, ColumnType::Float64), "{text}");
        }
        for text in [
            "0.123456789012345612",
            "10.12345678901234399",
            "9007199254740993.0",
        ] {
            assert!(!lossless(text, ColumnType::Float64), "{text}");
        }
        assert!(lossless("2020-01-31", ColumnType::Date));
        assert!(
            !lossless("2020/01/31", ColumnType::Date),
            "its slashes would be lost"
        );
        assert!(lossless("2020-01-31T10:00:00Z", ColumnType::Timestamp));
        assert!(!lossless(
            "2020-01-31T10:00:00.1234567Z",
            ColumnType::Timestamp
        ));
        assert!(lossless("TRUE", ColumnType::Bool) && !lossless("1", ColumnType::Bool));
    }

    #[test]
    fn decimals() {
        assert_eq!(decimal("1.5", 5, 2), Some(150));
        assert_eq!(decimal("-.05", 5, 2), Some(-5));
        assert_eq!(decimal("1.500", 5, 2), Some(150));
        assert_eq!(decimal("999.99", 5, 2), Some(99_999));
        for bad in ["1.505", "1000.00", "", ".", "-", "1e3", "é"] {
            assert_eq!(decimal(bad, 5, 2), None, "{bad}");
        }
    }

    #[test]
    fn days_and_instants() {
        let day = NaiveDate::from_ymd_opt(2013, 1, 2);
        for good in ["2013-01-02", "2013/01/02", "2013-01-02 00:00:00"] {
            assert_eq!(date(good), day, "{good}");
        }
        for bad in [
            "2013-13-01",
            "02/01/2013",
            "2013-01-02 05:00:00",
            "2013-1-2x",
        ] {
            assert_eq!(date(bad), None, "{bad}");
        }
        let utc = timestamp("2013-01-02T05:00:00Z");
        assert!(utc.is_some());
        for same in [
            "2013-01-02T06:00:00+01:00",
            "2013-01-02 05:00:00",
            "2013-01-02 05:00:00.000000 UTC",
            "2013-01-02 05:00",
        ] {
            assert_eq!(timestamp(same), utc, "{same}");
        }
        assert_eq!(time("05:00"), time("05:00:00.0"));
        assert_eq!(time("25:00"), None);
    }
}
