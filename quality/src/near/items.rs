//! What a row consists of when rows are compared.

use xxhash_rust::xxh3::xxh3_128;

/// Words of a shingle.
pub const SHINGLE_WORDS: usize = 5;

/// Rows as sets of items. An item is 128 bits of hash, so that different items
/// do not meet by chance in any table that fits on a disk.
pub trait Items: Sync {
    /// Number of rows.
    fn rows(&self) -> usize;

    /// Puts the items of a row into `out`, which is empty; an item may come
    /// more than once. Answers a fingerprint of the row: rows with equal
    /// fingerprints have equal items. A row without items is never compared.
    fn read(&self, row: usize, scratch: &mut Vec<u8>, out: &mut Vec<u128>) -> u128;
}

impl<T: Items + ?Sized> Items for &T {
    fn rows(&self) -> usize {
        (**self).rows()
    }

    fn read(&self, row: usize, scratch: &mut Vec<u8>, out: &mut Vec<u128>) -> u128 {
        (**self).read(row, scratch, out)
    }
}

/// Texts as sets of shingles: [`SHINGLE_WORDS`] words in a row, lower-cased. A
/// word is a run of letters, digits and underscores. Shorter texts and `None`
/// have no shingles.
#[derive(Clone, Debug)]
pub struct Texts<'a>(Vec<Option<&'a str>>);

impl<'a> From<&[&'a str]> for Texts<'a> {
    fn from(texts: &[&'a str]) -> Self {
        Self(texts.iter().copied().map(Some).collect())
    }
}

impl<'a> FromIterator<Option<&'a str>> for Texts<'a> {
    fn from_iter<I: IntoIterator<Item = Option<&'a str>>>(texts: I) -> Self {
        Self(texts.into_iter().collect())
    }
}

impl Items for Texts<'_> {
    fn rows(&self) -> usize {
        self.0.len()
    }

    fn read(&self, row: usize, scratch: &mut Vec<u8>, out: &mut Vec<u128>) -> u128 {
        let Some(text) = self.0.get(row).copied().flatten() else {
            return 0;
        };
        shingles(text, scratch, out);
        xxh3_128(scratch)
    }
}

/// Wide rows as sets of cells: a cell is its column and its normal form, and
/// missing cells are none. With c columns, one differing cell makes the
/// similarity (c − 1)/(c + 1), so this is for rows of ten columns and more.
#[derive(Clone, Debug)]
pub struct Cells<'a>(Vec<&'a [u128]>);

impl<'a> Cells<'a> {
    /// Columns of equal length, a normal form (0: missing) per row each.
    pub fn of(columns: Vec<&'a [u128]>) -> Self {
        Self(columns)
    }
}

impl Items for Cells<'_> {
    fn rows(&self) -> usize {
        self.0.iter().map(|column| column.len()).min().unwrap_or(0)
    }

    fn read(&self, row: usize, scratch: &mut Vec<u8>, out: &mut Vec<u128>) -> u128 {
        scratch.clear();
        for (place, column) in (0u32..).zip(&self.0) {
            let Some(cell) = column.get(row).filter(|cell| **cell != 0) else {
                continue;
            };
            let start = scratch.len();
            scratch.extend(place.to_le_bytes());
            scratch.extend(cell.to_le_bytes());
            out.push(xxh3_128(scratch.get(start..).unwrap_or_default()));
        }
        xxh3_128(scratch)
    }
}

/// Leaves the words in `normal`, lower-cased, a space after each; a shingle is
/// a piece of that.
fn shingles(text: &str, normal: &mut Vec<u8>, out: &mut Vec<u128>) {
    normal.clear();
    normal.reserve(text.len() + 1);
    let mut words = Words {
        starts: [0; SHINGLE_WORDS],
        count: 0,
        inside: false,
    };
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let class = CLASS[usize::from(byte)];
        if class == OTHER {
            let Some(letter) = text.get(at..).and_then(|rest| rest.chars().next()) else {
                break;
            };
            at += letter.len_utf8();
            if letter.is_alphanumeric() {
                words.enter(normal);
                let mut four = [0; 4];
                for lower in letter.to_lowercase() {
                    normal.extend_from_slice(lower.encode_utf8(&mut four).as_bytes());
                }
            } else {
                words.leave(normal, out);
            }
            continue;
        }
        at += 1;
        if class == GAP {
            words.leave(normal, out);
        } else {
            words.enter(normal);
            normal.push(class);
        }
    }
    words.leave(normal, out);
}

struct Words {
    /// Where the last words begin, by number modulo [`SHINGLE_WORDS`].
    starts: [usize; SHINGLE_WORDS],
    count: usize,
    inside: bool,
}

impl Words {
    #[inline]
    fn enter(&mut self, normal: &[u8]) {
        if !self.inside {
            self.inside = true;
            self.starts[self.count % SHINGLE_WORDS] = normal.len();
            self.count += 1;
        }
    }

    #[inline]
    fn leave(&mut self, normal: &mut Vec<u8>, out: &mut Vec<u128>) {
        if !self.inside {
            return;
        }
        self.inside = false;
        if self.count >= SHINGLE_WORDS {
            // The oldest of the last five begins where the next would be put.
            let start = self.starts[self.count % SHINGLE_WORDS];
            out.push(xxh3_128(normal.get(start..).unwrap_or_default()));
        }
        normal.push(b' ');
    }
}

const GAP: u8 = 0;
const OTHER: u8 = 1;

/// Lower case of an ASCII letter or digit, [`GAP`] between words, [`OTHER`]
/// for what needs decoding.
const CLASS: [u8; 256] = {
    let mut table = [OTHER; 256];
    let mut byte = 0;
    while byte < 128 {
        let ascii = byte as u8;
        table[byte] = if ascii.is_ascii_alphanumeric() || ascii == b'_' {
            ascii.to_ascii_lowercase()
        } else {
            GAP
        };
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (String, usize) {
        let (mut normal, mut out) = (Vec::new(), Vec::new());
        shingles(text, &mut normal, &mut out);
        (String::from_utf8(normal).expect("UTF-8"), out.len())
    }

    #[test]
    fn words_are_runs_of_letters_digits_and_underscores() {
        assert_eq!(
            read("Don't  STOP_me-now, 2×3"),
            ("don t stop_me now 2 3 ".into(), 2)
        );
        assert_eq!(read("ÄRGER über Œuvre"), ("ärger über œuvre ".into(), 0));
        assert_eq!(read(" … "), (String::new(), 0));
        assert_eq!(read("one two three four five").1, 1);
    }

    #[test]
    fn a_shingle_is_its_words_and_nothing_else() {
        let items = |text| {
            let (mut normal, mut out) = (Vec::new(), Vec::new());
            shingles(text, &mut normal, &mut out);
            out
        };
        let long = items("a b c d e f g");
        assert_eq!(long.len(), 3);
        assert_eq!(items("B, c; d\ne (f)"), [long[1]]);
        assert_ne!(items("ab c d e f"), items("a bc d e f"));
        assert_ne!(items("pay 10 euro by may"), items("pay 11 euro by may"));
    }

    #[test]
    fn cells_of_other_columns_and_missing_cells_do_not_meet() {
        let (left, right) = ([7u128, 0, 5], [5u128, 0, 7]);
        let cells = Cells::of(vec![&left, &right]);
        let items = |row| {
            let mut out = Vec::new();
            let print = cells.read(row, &mut Vec::new(), &mut out);
            (print, out)
        };
        assert_eq!(cells.rows(), 3);
        assert!(items(0).1.iter().all(|item| !items(2).1.contains(item)));
        assert_ne!(items(0).0, items(2).0);
        assert!(items(1).1.is_empty());
    }
}
