//! The running look at one column.

use xxhash_rust::xxh3::xxh3_64;

use super::hint::Hint;
use super::national::SCHEMES;
use super::text::{self, Signal, Signals};
use super::{PersonalFinding, verdict};
use crate::analysis::Cells;
use crate::dedup::{NULL_KEY, integer_of};
use crate::policy::ColumnType;
use crate::profile::Finding;

/// Verdicts on recent texts.
const SLOTS: usize = 512;
/// Different values of one kind that are told apart.
const DISTINCT: usize = 8;
/// Smallest whole number that could be a number of a person.
const SMALLEST: u64 = 100_000;
/// Whole numbers below it have no more than eight digits, too few for a card, an account or a
/// number given by a state.
const SHORT: u64 = 100_000_000;
/// Smallest whole number of seven digits, as the shortest phone numbers have.
const PHONE: u64 = 1_000_000;

/// How often a signal was seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub cells: Finding,
    /// Hashes of the first few different values.
    seen: Vec<u64>,
}

impl Tally {
    fn note(&mut self, row: u64, hash: u64) {
        self.cells.note(row);
        if self.seen.len() < DISTINCT && !self.seen.contains(&hash) {
            self.seen.push(hash);
        }
    }

    /// Different values, counted to 8.
    pub fn distinct(&self) -> usize {
        self.seen.len()
    }
}

/// Counts what the cells of a column could be.
pub(crate) struct Watch {
    pub hint: Hint,
    /// Is it a column of text? Numbers are no passwords.
    pub is_text: bool,
    /// Cells with a value.
    pub present: u64,
    pub signals: Vec<Tally>,
    /// Cells that have the form of a national number, and the valid ones among them.
    pub shaped: [u64; SCHEMES.len()],
    pub valid: Vec<Tally>,
    recent: Vec<(u64, Signals)>,
}

impl Watch {
    /// Of the column of this name.
    pub fn new(column: &str) -> Self {
        Self {
            hint: Hint::of(column),
            is_text: false,
            present: 0,
            signals: vec![Tally::default(); Signal::COUNT],
            shaped: [0; SCHEMES.len()],
            valid: vec![Tally::default(); SCHEMES.len()],
            recent: Vec::new(),
        }
    }

    /// Looks at the next cells, of which the first has this row number. Types without personal
    /// data of their own (truth values, times of day, bytes) are only counted.
    pub fn scan(&mut self, kind: ColumnType, cells: &Cells<'_>, first: u64, rows: usize) {
        self.is_text = kind == ColumnType::String;
        let keys = cells.keys().get(..rows).unwrap_or(cells.keys());
        let looked_at = match kind {
            ColumnType::String => true,
            ColumnType::Date | ColumnType::Timestamp => self.hint.birth,
            _ => kind.is_number(),
        };
        if !looked_at {
            let present = keys.iter().filter(|key| **key != NULL_KEY).count();
            self.present += present as u64;
            return;
        }
        let numbered = (first..).zip(keys).enumerate();
        for (at, (row, key)) in numbered.filter(|(_, (_, key))| **key != NULL_KEY) {
            match kind {
                ColumnType::String => match cells.text(at) {
                    Some(text) => self.text(text, row),
                    None => self.present += 1,
                },
                ColumnType::Date | ColumnType::Timestamp => {
                    self.present += 1;
                    self.tally(Signal::Day, row, row);
                }
                _ => match integer_of(*key) {
                    Some(whole) => self.whole(u64::try_from(whole).unwrap_or(0), row),
                    None if self.hint.coordinate => {
                        self.fraction(cells.number(at).unwrap_or(0.0), row);
                    }
                    None => self.present += 1,
                },
            }
        }
    }

    /// What the column holds.
    pub fn findings(&self) -> Vec<PersonalFinding> {
        verdict::of(self)
    }

    pub(super) fn text(&mut self, text: &str, row: u64) {
        self.present += 1;
        if text.len() < 2 {
            return;
        }
        let hash = xxh3_64(text.as_bytes());
        let slot = hash as usize % SLOTS;
        if self.recent.is_empty() {
            self.recent = vec![(0, Signals::default()); SLOTS];
        }
        let signals = match self.recent.get(slot) {
            Some((known, signals)) if *known == hash => *signals,
            _ => {
                let signals = text::examine(text, &self.hint);
                if let Some(entry) = self.recent.get_mut(slot) {
                    *entry = (hash, signals);
                }
                signals
            }
        };
        if !signals.none() {
            self.note(signals, row, hash);
        }
    }

    fn note(&mut self, signals: Signals, row: u64, hash: u64) {
        for place in ones(signals.bits) {
            if let Some(tally) = self.signals.get_mut(place) {
                tally.note(row, hash);
            }
        }
        for place in ones(signals.shaped) {
            if let Some(count) = self.shaped.get_mut(place) {
                *count += 1;
            }
        }
        for place in ones(signals.valid) {
            if let Some(tally) = self.valid.get_mut(place) {
                tally.note(row, hash);
            }
        }
    }

    /// Numbers that are written without letters and separators.
    pub(super) fn whole(&mut self, value: u64, row: u64) {
        if value < SMALLEST {
            self.present += 1;
        } else if value < SHORT && !self.hint.birth {
            self.short(value, row);
        } else {
            self.long(value, row);
        }
    }

    /// What [`text::examine`] says about six to eight digits of no day.
    fn short(&mut self, value: u64, row: u64) {
        self.present += 1;
        let signals = Signals::of_digits(value >= PHONE, self.hint.id);
        if !signals.none() {
            self.note(signals, row, value);
        }
    }

    fn long(&mut self, value: u64, row: u64) {
        let mut buffer = [0u8; 20];
        let mut start = buffer.len();
        let mut rest = value;
        while rest > 0 {
            start -= 1;
            buffer[start] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        match std::str::from_utf8(&buffer[start..]) {
            Ok(text) => self.text(text, row),
            Err(_) => self.present += 1,
        }
    }

    pub(super) fn fraction(&mut self, value: f64, row: u64) {
        self.present += 1;
        let thousandths = value * 1e3;
        let fine = (thousandths - thousandths.round()).abs() > 1e-6;
        if self.hint.coordinate && value.abs() <= 180.0 && fine {
            self.tally(Signal::FineNumber, row, value.to_bits());
        }
    }

    fn tally(&mut self, signal: Signal, row: u64, hash: u64) {
        if let Some(tally) = self.signals.get_mut(signal as usize) {
            tally.note(row, hash);
        }
    }
}

/// Places of the bits that are set.
fn ones(mut bits: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = (bits != 0).then(|| bits.trailing_zeros() as usize);
        bits &= bits.wrapping_sub(1);
        place
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_numbers_are_what_their_digits_are() {
        for column in [
            "c",
            "customer_id",
            "ssn",
            "birth_date",
            "phone",
            "lat",
            "password",
        ] {
            for value in [
                100_000, 999_999, 1_000_000, 4_111_111, 19_900_131, 99_999_999,
            ] {
                let (mut short, mut long) = (Watch::new(column), Watch::new(column));
                short.whole(value, 3);
                long.long(value, 3);
                let counts = |watch: &Watch| -> Vec<u64> {
                    watch
                        .signals
                        .iter()
                        .map(|tally| tally.cells.count)
                        .collect()
                };
                assert_eq!(counts(&short), counts(&long), "{column} {value}");
                assert_eq!((short.shaped, short.present), (long.shaped, long.present));
            }
        }
    }
}
