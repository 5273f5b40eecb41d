//! k-anonymity: how many rows agree in all quasi-identifiers.
//!
//! Hashes of the quasi-identifiers of every row are held, 8 bytes each, and sorted at the end.
//! Where they outgrow the memory, only classes are held, with their counts. Where even these do,
//! the classes are counted part by part, by the leading bits of their hashes, and the table is
//! read again for each part; a further time when there are small classes, whose first rows the
//! report names. What is found is the same each way.

mod parts;

use std::collections::HashSet;

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::Anonymity;
use crate::dedup::CellKey;
use crate::profile::SAMPLES;
use parts::Parts;

/// Rows that every class must have unless the contract says otherwise.
pub(crate) const DEFAULT_K: u32 = 5;

/// Two classes fall together by chance with a probability of about rows² / 2^65 (3 · 10^-5 at
/// 50 million rows), which can only hide that a class is small.
pub(crate) struct Crowd {
    columns: Vec<String>,
    k: u32,
    /// Bytes that may be held.
    memory: usize,
    held: Held,
    found: Counted,
}

enum Held {
    /// The hashes of all rows.
    Rows(Vec<u64>),
    Parts(Parts),
}

/// What is known of all classes counted so far.
#[derive(Default)]
struct Counted {
    classes: u64,
    smallest: Option<u64>,
    below: u64,
    rows: Vec<u64>,
}

impl Counted {
    /// Counts classes of so many rows; hands the small ones to `small`.
    fn add(
        &mut self,
        classes: impl Iterator<Item = (u64, u64)>,
        k: u32,
        mut small: impl FnMut(u64),
    ) {
        for (hash, size) in classes {
            self.classes += 1;
            self.smallest = Some(self.smallest.map_or(size, |smallest| smallest.min(size)));
            if size < u64::from(k) {
                self.below += size;
                small(hash);
            }
        }
    }
}

impl Crowd {
    /// Of these columns; `None` when none are declared.
    pub fn new(columns: &[String], k: Option<u32>, memory: usize) -> Option<Self> {
        (!columns.is_empty()).then(|| Self {
            columns: columns.to_vec(),
            k: k.unwrap_or(DEFAULT_K),
            memory,
            held: Held::Rows(Vec::new()),
            found: Counted::default(),
        })
    }

    /// Takes the next rows: normal forms of the quasi-identifiers, column by column. A missing
    /// value is a value like any other.
    pub fn add(&mut self, columns: &[&[CellKey]], rows: usize) {
        let hashes = hashes(columns, rows);
        match &mut self.held {
            Held::Rows(held) => {
                held.extend(hashes);
                // They are sorted in a copy.
                if held.len() * 2 * size_of::<u64>() > self.memory {
                    let mut parts = Parts::new(self.memory);
                    parts.add(std::mem::take(held).into_iter());
                    self.held = Held::Parts(parts);
                }
            }
            Held::Parts(parts) => parts.add(hashes),
        }
    }

    /// All rows were shown once.
    pub fn rows_ended(&mut self) {
        if let Held::Parts(parts) = &mut self.held {
            parts.end_part(self.k, &mut self.found);
        }
    }

    /// Do the rows have to be seen again?
    pub fn needs_second_pass(&self) -> bool {
        matches!(&self.held, Held::Parts(parts) if !parts.is_done())
    }

    /// Takes the next rows of a further pass, of which the first has this number.
    pub fn add_again(&mut self, columns: &[&[CellKey]], rows: usize, first: u64) {
        if let Held::Parts(parts) = &mut self.held {
            parts.name((first..).zip(hashes(columns, rows)));
            parts.add(hashes(columns, rows));
        }
    }

    /// A further pass has ended.
    pub fn end_of_pass(&mut self) {
        if let Held::Parts(parts) = &mut self.held {
            parts.end_pass(self.k, &mut self.found);
        }
    }

    /// Counts the classes.
    pub fn finish(mut self) -> Anonymity {
        if let Held::Rows(rows) = &self.held {
            count(rows, self.k, &mut self.found);
        }
        let mut rows = self.found.rows;
        rows.sort_unstable();
        rows.truncate(SAMPLES);
        Anonymity {
            columns: self.columns,
            k: self.k,
            classes: self.found.classes,
            smallest_class: self.found.smallest.unwrap_or(0),
            rows_below_k: self.found.below,
            rows,
        }
    }
}

fn hashes(columns: &[&[CellKey]], rows: usize) -> impl Iterator<Item = u64> {
    let mut cells = vec![0u8; columns.len() * 16];
    (0..rows).map(move |row| {
        for (cell, column) in cells.chunks_exact_mut(16).zip(columns) {
            let key = column.get(row).copied().unwrap_or(crate::dedup::NULL_KEY);
            cell.copy_from_slice(&key.to_le_bytes());
        }
        xxh3_64(&cells)
    })
}

/// Counts classes of rows that are all in memory.
fn count(rows: &[u64], k: u32, found: &mut Counted) {
    let mut sorted = rows.to_vec();
    sorted.par_sort_unstable();
    let classes = sorted.chunk_by(|a, b| a == b);
    let classes = classes.filter_map(|class| Some((*class.first()?, class.len() as u64)));
    let mut small: HashSet<u64> = HashSet::new();
    found.add(classes, k, |hash| {
        small.insert(hash);
    });
    let numbered = (0u64..).zip(rows);
    let first = numbered.filter(|(_, row)| small.contains(row));
    found.rows = first.map(|(at, _)| at).take(SAMPLES).collect();
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
        let mut crowd = Crowd::new(&names, Some(k), 1 << 20).expect("columns are declared");
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
        assert!(Crowd::new(&[], None, 0).is_none());
    }

    /// The rows batch by batch, as often as they are asked for; answers how often.
    fn shown(keys: &[CellKey], k: u32, memory: usize) -> (Anonymity, usize) {
        let mut crowd = Crowd::new(&["q".to_owned()], Some(k), memory).expect("a column");
        keys.chunks(3_001)
            .for_each(|keys| crowd.add(&[keys], keys.len()));
        crowd.rows_ended();
        let mut passes = 1;
        while crowd.needs_second_pass() {
            for (at, keys) in keys.chunks(999).enumerate() {
                crowd.add_again(&[keys], keys.len(), at as u64 * 999);
            }
            crowd.end_of_pass();
            passes += 1;
        }
        (crowd.finish(), passes)
    }

    #[test]
    fn what_is_found_does_not_depend_on_memory() {
        let rows = 60_000i128;
        // 30,000 classes, the smallest of one row; few classes; none below k.
        let many: Vec<CellKey> = (0..rows)
            .map(|row| integer_key((row * row) % 40_009))
            .collect();
        let few: Vec<CellKey> = (0..rows)
            .map(|row| integer_key(if row % 20_011 == 77 { -row } else { row % 90 }))
            .collect();
        let even: Vec<CellKey> = (0..rows).map(|row| integer_key(row % 100)).collect();
        for (keys, passes) in [(&many, 3..40), (&few, 2..3), (&even, 1..2)] {
            let (expected, once) = shown(keys, 5, 1 << 30);
            assert_eq!(once, 1);
            let (found, again) = shown(keys, 5, 200_000);
            assert_eq!(found, expected);
            assert!(passes.contains(&again), "{again} passes");
        }
    }
}
