//! Functional dependencies.
//!
//! A group of rows that agree in the determining columns is right in its most frequent value
//! (of equally frequent ones, the one with the smaller hash, so that the order of rows does not matter); the
//! others are bad. Their number is the least number of rows that would have to change (the
//! measure g3 of J. Kivinen and H. Mannila, "Approximate inference of functional dependencies from relations", 1995).

use std::collections::HashMap;

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::{Bits, Depends, Names, Rows, Rule};
use crate::dedup::NULL_KEY;
use crate::error::AssessError;

pub(super) fn rule(depends: &Depends, names: &Names<'_>) -> Result<Box<dyn Rule>, AssessError> {
    if depends.from.is_empty() || depends.from.contains(&depends.to) {
        let what = "a dependency needs determining columns, and `to` is none of them";
        return Err(AssessError::Policy(what.to_owned()));
    }
    Ok(Box::new(Dependency {
        name: format!("depends_on {}", depends.from.join(", ")),
        column: depends.to.clone(),
        from: names.find_all(&depends.from)?,
        to: names.find(&depends.to)?.0,
        rows: Vec::new(),
    }))
}

/// Hashes of both sides of every row, 16 bytes a row.
struct Dependency {
    name: String,
    column: String,
    from: Vec<usize>,
    to: usize,
    /// (0, 0) where a cell is missing.
    rows: Vec<(u64, u64)>,
}

/// A group and its values with their counts.
type Group = [(u64, u64)];

fn most_frequent(group: &Group) -> Option<u64> {
    let values = group.chunk_by(|a, b| a == b);
    let counted = values.filter_map(|run| Some((run.len(), run.first()?.1)));
    counted
        .max_by_key(|(count, value)| (*count, std::cmp::Reverse(*value)))
        .map(|(_, value)| value)
}

impl Rule for Dependency {
    fn column(&self) -> Option<String> {
        Some(self.column.clone())
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn scan(&mut self, rows: &Rows<'_>) {
        let Some(to) = rows.columns.get(self.to) else {
            return;
        };
        let mut cells = vec![0u8; self.from.len() * 16];
        for row in 0..rows.len {
            let mut complete = !to.is_missing(row);
            for (cell, column) in cells.chunks_exact_mut(16).zip(&self.from) {
                let key = rows
                    .columns
                    .get(*column)
                    .map_or(NULL_KEY, |column| column.key(row));
                complete &= key != NULL_KEY;
                cell.copy_from_slice(&key.to_le_bytes());
            }
            self.rows.push(match complete {
                true => (xxh3_64(&cells).max(1), xxh3_64(&to.key(row).to_le_bytes())),
                false => (0, 0),
            });
        }
    }

    fn broken(self: Box<Self>) -> Bits {
        let mut sorted: Vec<(u64, u64)> = self
            .rows
            .iter()
            .copied()
            .filter(|(from, _)| *from > 0)
            .collect();
        sorted.par_sort_unstable();
        let groups = sorted.chunk_by(|a, b| a.0 == b.0);
        // Groups of one value need no further look.
        let mixed = groups.filter(|group| group.first() != group.last());
        let right: HashMap<u64, u64> = mixed
            .filter_map(|group| Some((group.first()?.0, most_frequent(group)?)))
            .collect();
        let mut broken = Bits::default();
        for (row, (from, to)) in (0u64..).zip(&self.rows) {
            if right.get(from).is_some_and(|right| right != to) {
                broken.set(row);
            }
        }
        broken
    }
}
