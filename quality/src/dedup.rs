//! Canonical normal forms of cells and rows, and exact duplicates.
//!
//! A cell's normal form is 16 bytes: a type tag in the first byte, the value
//! in the others when it fits, else 120 bits of its xxh3-128. A row's
//! fingerprint is the xxh3-128 of its cells' normal forms in contract order,
//! without surrogate columns. It is the fingerprint of the *cleaned* row, so a
//! copy of what we deliver has the fingerprint of the original.
//!
//! The hash has no key: guessable rows can be found by trying. Whoever stores
//! or sends fingerprints keys them first.

mod prints;

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use rayon::prelude::*;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

pub(crate) use prints::Prints;

/// Normal form of a cell.
pub(crate) type CellKey = u128;

/// Normal form of every missing cell: null, NaN, null token, blank, unparseable.
pub(crate) const NULL_KEY: CellKey = 0;

const TAG_SHIFT: u32 = 120;
const PAYLOAD: u128 = (1 << TAG_SHIFT) - 1;
const INLINE_TEXT: usize = 15;

/// First byte of a normal form. Short texts take 0x10..=0x1f by length.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Tag {
    Integer = 1,
    Bool = 2,
    Float = 3,
    Date = 4,
    Timestamp = 5,
    Time = 6,
    Decimal = 7,
    LongDecimal = 8,
    LongText = 9,
    Binary = 10,
    ShortText = 0x10,
}

fn tagged(tag: Tag, payload: u128) -> CellKey {
    (u128::from(tag as u8) << TAG_SHIFT) | (payload & PAYLOAD)
}

pub(crate) fn integer_key(value: i128) -> CellKey {
    tagged(Tag::Integer, value as u128)
}

/// The whole number behind a normal form, if it is one of a whole number.
pub(crate) fn integer_of(key: CellKey) -> Option<i128> {
    const SIGN: u32 = 128 - TAG_SHIFT;
    (key >> TAG_SHIFT == Tag::Integer as u128).then_some(((key << SIGN) as i128) >> SIGN)
}

pub(crate) fn bool_key(value: bool) -> CellKey {
    tagged(Tag::Bool, u128::from(value))
}

/// Whole numbers have the form of the integer, all NaNs one form, −0 that of 0.
pub(crate) fn float_key(value: f64) -> CellKey {
    // 2^63: beyond it a double is whole, but no longer an int64.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if value.abs() < LIMIT && value == value.trunc() {
        return integer_key(value as i128);
    }
    let bits = if value.is_nan() { f64::NAN } else { value }.to_bits();
    tagged(Tag::Float, u128::from(bits))
}

/// Trailing zeros are dropped; a whole number has the form of the integer.
pub(crate) fn decimal_key(mut unscaled: i128, mut scale: u8) -> CellKey {
    while scale > 0 && unscaled % 10 == 0 {
        unscaled /= 10;
        scale -= 1;
    }
    let fits = |bits: u32| (unscaled << (128 - bits)) >> (128 - bits) == unscaled;
    if scale == 0 && fits(TAG_SHIFT) {
        integer_key(unscaled)
    } else if fits(112) {
        let mantissa = unscaled as u128 & ((1 << 112) - 1);
        tagged(Tag::Decimal, (u128::from(scale) << 112) | mantissa)
    } else {
        let mut bytes = [0; 17];
        bytes[..16].copy_from_slice(&unscaled.to_le_bytes());
        bytes[16] = scale;
        tagged(Tag::LongDecimal, xxh3_128(&bytes))
    }
}

pub(crate) fn date_key(days: i32) -> CellKey {
    tagged(Tag::Date, i128::from(days) as u128)
}

pub(crate) fn timestamp_key(micros: i64) -> CellKey {
    tagged(Tag::Timestamp, i128::from(micros) as u128)
}

/// In microseconds, which is what a revision keeps of it.
pub(crate) fn time_key(nanos: i64) -> CellKey {
    tagged(Tag::Time, i128::from(nanos.div_euclid(1000)) as u128)
}

/// Of a text that has been cleaned already.
pub(crate) fn text_key(text: &str) -> CellKey {
    let bytes = text.as_bytes();
    if bytes.len() > INLINE_TEXT {
        return tagged(Tag::LongText, xxh3_128(bytes));
    }
    let mut inline = [0; 16];
    inline[..bytes.len()].copy_from_slice(bytes);
    inline[INLINE_TEXT] = Tag::ShortText as u8 + bytes.len() as u8;
    u128::from_le_bytes(inline)
}

pub(crate) fn binary_key(bytes: &[u8]) -> CellKey {
    tagged(Tag::Binary, xxh3_128(bytes))
}

/// The xxh3-64 of the 16 bytes of a normal form, in line: it is asked for once a cell.
#[inline]
pub(crate) fn key_hash(key: CellKey) -> u64 {
    // Words 3 and 4, 5 and 6 of the default secret, folded.
    const LOW: u64 = 0x1f67_b3b7_a4a4_4072 ^ 0x78e5_c0cc_4ee6_79cb;
    const HIGH: u64 = 0x2172_ffcc_7dd0_5a82 ^ 0x8e24_43f7_7446_08b8;
    let (low, high) = (key as u64 ^ LOW, (key >> 64) as u64 ^ HIGH);
    let product = u128::from(low) * u128::from(high);
    let folded = product as u64 ^ (product >> 64) as u64;
    let sum = 16u64
        .wrapping_add(low.swap_bytes())
        .wrapping_add(high)
        .wrapping_add(folded);
    let mixed = (sum ^ (sum >> 37)).wrapping_mul(0x1656_6791_9e37_79f9);
    mixed ^ (mixed >> 32)
}

/// A hasher for maps whose keys are normal forms.
#[derive(Clone, Default)]
pub(crate) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64(bytes);
    }

    fn write_u128(&mut self, key: CellKey) {
        self.0 = key_hash(key);
    }
}

/// A map from normal forms.
pub(crate) type KeyMap<T> = HashMap<CellKey, T, BuildHasherDefault<KeyHasher>>;
/// A set of normal forms.
pub(crate) type KeySet = HashSet<CellKey, BuildHasherDefault<KeyHasher>>;

/// Fingerprints of rows out of columns of normal forms, all equally long.
pub(crate) fn fingerprints(columns: &[&[CellKey]], rows: usize) -> Vec<u128> {
    const CHUNK: usize = 4096;
    let mut prints = vec![0; rows];
    prints
        .par_chunks_mut(CHUNK)
        .enumerate()
        .for_each(|(chunk, prints)| {
            let mut cells = vec![0; columns.len() * 16];
            for (offset, print) in prints.iter_mut().enumerate() {
                let row = chunk * CHUNK + offset;
                for (cell, column) in cells.chunks_exact_mut(16).zip(columns) {
                    cell.copy_from_slice(&column[row].to_le_bytes());
                }
                *print = xxh3_128(&cells);
            }
        });
    prints
}

/// Rows that repeat an earlier one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Repeats {
    /// Rows minus distinct rows.
    pub count: u64,
    /// First few row numbers of repeats (not of the rows they repeat).
    pub rows: Vec<u64>,
}

/// Exact number of repeats. Fingerprints are sorted in parts by their leading
/// bits, so beyond the fingerprints themselves memory stays bounded (about
/// 32 MB per thread) at any number of rows.
pub(crate) fn repeats(prints: &[u128], samples: usize) -> Repeats {
    const PART: usize = 1 << 20;
    let bits = (prints.len() / PART + 1).next_power_of_two().ilog2();
    let parts: Vec<Vec<(u128, u64)>> = (0..1u64 << bits)
        .into_par_iter()
        .map(|part| repeats_in_part(prints, bits, u128::from(part)))
        .collect();
    // Parts are ranges of leading bits in ascending order: their sequence is sorted.
    let repeated: Vec<(u128, u64)> = parts.into_iter().flatten().collect();
    Repeats {
        count: repeated.iter().map(|(_, count)| count).sum(),
        rows: sample_rows(prints, &repeated, samples),
    }
}

/// Fingerprints that occur again, sorted, with the number of repeats.
fn repeats_in_part(prints: &[u128], bits: u32, part: u128) -> Vec<(u128, u64)> {
    let mut sorted: Vec<u128> = match bits {
        0 => prints.to_vec(),
        _ => prints
            .iter()
            .copied()
            .filter(|print| print >> (128 - bits) == part)
            .collect(),
    };
    sorted.sort_unstable();
    sorted
        .chunk_by(|a, b| a == b)
        .filter(|run| run.len() > 1)
        .filter_map(|run| Some((*run.first()?, run.len() as u64 - 1)))
        .collect()
}

fn sample_rows(prints: &[u128], repeated: &[(u128, u64)], samples: usize) -> Vec<u64> {
    let mut seen = HashSet::new();
    let mut rows = Vec::new();
    if repeated.is_empty() {
        return rows;
    }
    for (row, print) in (0u64..).zip(prints) {
        if rows.len() == samples {
            break;
        }
        let repeats = repeated.binary_search_by_key(print, |(p, _)| *p).is_ok();
        if repeats && !seen.insert(*print) {
            rows.push(row);
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_have_one_form() {
        assert_eq!(float_key(12.0), integer_key(12));
        assert_eq!(decimal_key(1200, 2), integer_key(12));
        assert_eq!(float_key(-0.0), float_key(0.0));
        assert_eq!(float_key(f64::NAN), float_key(-f64::NAN));
        assert_eq!(decimal_key(1250, 3), decimal_key(125, 2));
        assert_ne!(decimal_key(125, 2), decimal_key(125, 1));
        assert_ne!(float_key(0.5), float_key(1.5));
        assert_ne!(decimal_key(i128::MAX, 7), decimal_key(i128::MAX - 1, 7));
        assert_ne!(float_key(f64::INFINITY), float_key(f64::NAN));
    }

    #[test]
    fn whole_numbers_are_read_back() {
        for value in [0, 1, -1, i128::from(i64::MIN), i128::from(u64::MAX)] {
            assert_eq!(integer_of(integer_key(value)), Some(value));
        }
        assert_eq!(integer_of(float_key(12.0)), Some(12));
        assert_eq!(integer_of(float_key(0.5)), None);
        assert_eq!(integer_of(text_key("12")), None);
        assert_eq!(integer_of(NULL_KEY), None);
    }

    #[test]
    fn hashes_of_keys_are_those_of_their_bytes() {
        for key in [
            NULL_KEY,
            integer_key(-5),
            float_key(0.1),
            text_key("C123456"),
            u128::MAX,
        ] {
            assert_eq!(key_hash(key), xxh3_64(&key.to_le_bytes()));
        }
    }

    #[test]
    fn types_do_not_meet() {
        let keys = [
            NULL_KEY,
            integer_key(0),
            bool_key(false),
            date_key(0),
            timestamp_key(0),
            time_key(0),
            text_key(""),
            text_key("0"),
            text_key("a text longer than fifteen bytes"),
            binary_key(b"0"),
        ];
        let distinct: HashSet<_> = keys.iter().collect();
        assert_eq!(distinct.len(), keys.len());
    }

    #[test]
    fn short_texts_are_exact_at_the_limit() {
        assert_ne!(text_key("123456789012345"), text_key("123456789012346"));
        assert_ne!(text_key("1234567890123456"), text_key("123456789012345"));
        assert_ne!(text_key("a"), text_key("a\0"));
    }

    #[test]
    fn repeats_agree_with_a_set_over_many_parts() {
        let rows = 3_000_000u64;
        let prints: Vec<u128> = (0..rows)
            .map(|row| xxh3_128(&(row % 2_999_000).to_le_bytes()))
            .collect();
        let found = repeats(&prints, 3);
        assert_eq!(found.count, 1_000);
        assert_eq!(found.rows, [2_999_000, 2_999_001, 2_999_002]);
        assert_eq!(repeats(&[], 3), Repeats::default());
        assert_eq!(repeats(&[7, 7, 7], 1).rows, [1]);
    }
}
