//! Cells as they look after small changes.

use crate::dedup::{CellKey, NULL_KEY, date_key, float_key};
use crate::policy::ColumnType;

const MICROS_PER_DAY: f64 = 86_400e6;

/// The normal form of a cell whose number is rounded to 3 significant digits, whose
/// time to the day; texts and truth values stay as they are. `number` is the
/// number behind the cell: days of a date, microseconds of a timestamp.
pub(super) fn loose(kind: ColumnType, key: CellKey, number: impl Fn() -> Option<f64>) -> CellKey {
    if key == NULL_KEY {
        return NULL_KEY;
    }
    match kind {
        ColumnType::Int64
        | ColumnType::UInt64
        | ColumnType::Float64
        | ColumnType::Decimal { .. } => number().map_or(key, |n| float_key(rounded(n))),
        ColumnType::Timestamp => number().map_or(key, |micros| {
            date_key(libm::floor(micros / MICROS_PER_DAY) as i32)
        }),
        _ => key,
    }
}

/// A number with its first three significant digits.
fn rounded(number: f64) -> f64 {
    let size = libm::fabs(number);
    if size == 0.0 || !size.is_finite() {
        return number;
    }
    let exponent = libm::floor(libm::log10(size)) as i32 - 2;
    let scale = |x: f64, by: i32| x * libm::pow(10.0, f64::from(by));
    let digits = libm::round(scale(number, -exponent));
    // 9.996 has become 1000 hundredths: the same as 10.0, which has 100 tenths.
    scale(digits, exponent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dedup::{integer_key, timestamp_key};

    #[test]
    fn numbers_keep_three_digits() {
        for (number, expected) in [
            (336_776.0, 337_000.0),
            (-0.012_345, -0.0123),
            (9.996, 10.0),
            (7.0, 7.0),
            (0.0, 0.0),
            (1e300, 1e300),
        ] {
            let off = (rounded(number) - expected).abs();
            assert!(
                off <= expected.abs() * 1e-12,
                "{number}: {}",
                rounded(number)
            );
        }
        assert_eq!(rounded(1234.0), rounded(1230.4), "one form");
        assert!(rounded(f64::INFINITY).is_infinite());
    }

    #[test]
    fn times_keep_their_day_and_texts_stay() {
        let noon = 1_750_000_000_000_000i64;
        let form = |micros: i64| {
            let key = timestamp_key(micros);
            loose(ColumnType::Timestamp, key, || Some(micros as f64))
        };
        assert_eq!(form(noon), form(noon + 3_600_000_000));
        assert_ne!(form(noon), form(noon + 86_400_000_000));
        assert_eq!(form(noon), date_key(20_254));
        assert_eq!(loose(ColumnType::String, 77, || None), 77);
        assert_eq!(loose(ColumnType::Float64, NULL_KEY, || Some(1.0)), NULL_KEY);
        let whole = loose(ColumnType::Int64, integer_key(1234), || Some(1234.0));
        assert_eq!(whole, integer_key(1230));
    }
}
