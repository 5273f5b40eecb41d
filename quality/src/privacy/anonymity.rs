//! k-anonymity: how many rows agree in all quasi-identifiers.

use std::collections::HashSet;

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::Anonymity;
use crate::dedup::CellKey;
use crate::profile::SAMPLES;

/// Rows that every class must have unless the contract says otherwise.
pub(crate) const DEFAULT_K: u32 = 5;

/// Hashes of the quasi-identifiers of every row, 8 bytes each. Two classes fall together by
/// chance with a probability of about rows² / 2^65 (3 · 10^-5 at 50 million rows), which can
/// only hide that a class is small.
pub(crate) struct Crowd {
    columns: Vec<String>,
    k: u32,
    rows: Vec<u64>,
}

impl Crowd {
    /// Of these columns; `None` when none are declared.
    pub fn new(columns: &[String], k: Option<u32>) -> Option<Self> {
        (!columns.is_empty()).then(|| Self {
            columns: columns.to_vec(),
            k: k.unwrap_or(DEFAULT_K),
            rows: Vec::new(),
        })
    }

    /// Takes the next rows: normal forms of the quasi-identifiers, column by column. A missing
    /// value is a value like any other.
    pub fn add(&mut self, columns: &[&[CellKey]], rows: usize) {
        let mut cells = vec![0u8; columns.len() * 16];
        for row in 0..rows {
            for (cell, column) in cells.chunks_exact_mut(16).zip(columns) {
                let key = column.get(row).copied().unwrap_or(crate::dedup::NULL_KEY);
                cell.copy_from_slice(&key.to_le_bytes());
            }
            self.rows.push(xxh3_64(&cells));
        }
    }

    /// Counts the classes.
    pub fn finish(self) -> Anonymity {
        let mut sorted = self.rows.clone();
        sorted.par_sort_unstable();
        let (mut classes, mut smallest, mut below) = (0, u64::MAX, 0);
        // Bounded: ten rows lie in at most ten classes, but which come first is not known yet.
        let mut small: HashSet<u64> = HashSet::new();
        for class in sorted.chunk_by(|a, b| a == b) {
            let size = class.len() as u64;
            classes += 1;
            smallest = smallest.min(size);
            if size < u64::from(self.k) {
                below += size;
                small.extend(class.first());
            }
        }
        let numbered = (0u64..).zip(&self.rows);
        let first = numbered
            .filter(|(_, row)| small.contains(row))
            .map(|(at, _)| at);
        Anonymity {
            columns: self.columns,
            k: self.k,
            classes,
            smallest_class: if classes == 0 { 0 } else { smallest },
            rows_below_k: below,
            rows: first.take(SAMPLES).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dedup::integer_key;

    fn classes(values: &[&[i128]], k: u32) -> Anonymity {
        let keys: Vec<Vec<CellKey>> = values
            .iter()
            .map(|column| column.iter().map(|value| integer_key(*value)).collect())
            .collect();
        let columns: Vec<&[CellKey]> = keys.iter().map(Vec::as_slice).collect();
        let names: Vec<String> = (0..values.len()).map(|at| format!("q{at}")).collect();
        let mut crowd = Crowd::new(&names, Some(k)).expect("columns are declared");
        crowd.add(&columns, values[0].len());
        crowd.finish()
    }

    #[test]
    fn classes_are_counted_over_all_columns() {
        let found = classes(&[&[1, 1, 1, 2, 2, 1], &[5, 5, 6, 7, 7, 5]], 2);
        assert_eq!((found.classes, found.smallest_class), (3, 1));
        assert_eq!(
            (found.rows_below_k, found.rows.as_slice()),
            (1, &[2u64][..])
        );
        let found = classes(&[&[1, 1, 1, 2, 2, 1], &[5, 5, 6, 7, 7, 5]], 3);
        assert_eq!(
            (found.rows_below_k, found.rows.as_slice()),
            (3, &[2u64, 3, 4][..])
        );
        let found = classes(&[&[1, 1, 1]], 3);
        assert_eq!((found.rows_below_k, found.smallest_class), (0, 3));
        assert_eq!(classes(&[&[]], 3).smallest_class, 0);
        assert!(Crowd::new(&[], None).is_none());
    }
}
