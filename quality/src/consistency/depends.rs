//! Functional dependencies.
//!
//! A group of rows that agree in the determining columns is right in its most frequent value
//! (of equally frequent ones, the one with the smaller hash, so that the order of rows does not matter); the
//! others are bad. Their number is the least number of rows that would have to change (the
//! measure g3 of J. Kivinen and H. Mannila, "Approximate inference of functional dependencies from relations", 1995).
//!
//! What is hashed of every row is kept while it fits. Beyond that, equal pairs of both sides are
//! counted instead, and where even those are too many, a range of them at a time: the table is
//! read again for the next range, and in the same pass the rows that break the last are marked.
//! What is found is the same in all three ways.

use std::collections::HashMap;

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::{Bits, Depends, Names, Rows, Rule};
use crate::dedup::NULL_KEY;
use crate::error::AssessError;

/// Bytes of a row while all are kept, and of its pair when that changes.
const ROW: usize = 16 + PAIR;
/// Bytes of a counted pair, and of what is right in a group.
const PAIR: usize = 24 + 16;
/// Fewest pairs that are counted at a time.
const FEWEST: usize = 1 << 10;

/// `memory` is what this rule may hold, in bytes.
pub(super) fn rule(
    depends: &Depends,
    names: &Names<'_>,
    memory: usize,
) -> Result<Box<dyn Rule>, AssessError> {
    if depends.from.is_empty() || depends.from.contains(&depends.to) {
        let what = "a dependency needs determining columns, and `to` is none of them";
        return Err(AssessError::Policy(what.to_owned()));
    }
    Ok(Box::new(Dependency {
        name: format!("depends_on {}", depends.from.join(", ")),
        column: depends.to.clone(),
        from: names.find_all(&depends.from)?,
        to: names.find(&depends.to)?.0,
        memory,
        held: Held::Rows(Vec::new()),
        right: HashMap::new(),
        broken: Bits::default(),
    }))
}

struct Dependency {
    name: String,
    column: String,
    from: Vec<usize>,
    to: usize,
    memory: usize,
    held: Held,
    /// Of groups with several values, the value that is right; rows are marked by it in the
    /// pass that comes.
    right: HashMap<u64, u64>,
    broken: Bits,
}

/// What is known about the rows seen.
enum Held {
    /// Hashes of both sides of every row; (0, 0) where a cell is missing.
    Rows(Vec<(u64, u64)>),
    /// Pairs with their counts.
    Pairs(Pairs),
    /// Everything was counted.
    Nothing,
}

/// Counts of the pairs in a range; beyond it they are counted in a later pass.
struct Pairs {
    counts: Vec<(u64, u64, u64)>,
    most: usize,
    first: (u64, u64),
    /// The first pair that is not in the range; none when all that follow are.
    end: Option<(u64, u64)>,
    /// The group that the last range ended in: its best value so far and how many it has.
    open: Option<Group>,
}

#[derive(Clone, Copy)]
struct Group {
    from: u64,
    best: u64,
    count: u64,
    mixed: bool,
}

impl Pairs {
    fn new(most: usize) -> Self {
        Self {
            counts: Vec::new(),
            most: most.max(FEWEST),
            first: (0, 0),
            end: None,
            open: None,
        }
    }

    fn add(&mut self, pair: (u64, u64)) {
        if pair < self.first || self.end.is_some_and(|end| pair >= end) {
            return;
        }
        self.counts.push((pair.0, pair.1, 1));
        if self.counts.len() >= self.most {
            self.merge();
            if self.counts.len() > self.most / 2 {
                // Half of the pairs are left for later; there are at least two.
                let half = self.counts.len() / 2;
                self.end = self.counts.get(half).map(|(from, to, _)| (*from, *to));
                self.counts.truncate(half);
            }
        }
    }

    fn merge(&mut self) {
        self.counts.par_sort_unstable();
        self.counts.dedup_by(|next, kept| {
            let same = (next.0, next.1) == (kept.0, kept.1);
            kept.2 += if same { next.2 } else { 0 };
            same
        });
    }

    /// What is right in the groups of the range that have several values; goes on to the next
    /// range and says whether there is one.
    fn next_range(&mut self, right: &mut HashMap<u64, u64>) -> bool {
        self.merge();
        let mut open = self.open.take();
        let mut close = |group: Option<Group>| {
            if let Some(group) = group.filter(|group| group.mixed) {
                right.insert(group.from, group.best);
            }
        };
        for (from, to, count) in self.counts.drain(..) {
            match &mut open {
                Some(group) if group.from == from => {
                    group.mixed = true;
                    // Values come in ascending order: of equally frequent ones the first stays.
                    if count > group.count {
                        (group.best, group.count) = (to, count);
                    }
                }
                _ => {
                    close(open.take());
                    open = Some(Group {
                        from,
                        best: to,
                        count,
                        mixed: false,
                    });
                }
            }
        }
        match self.end.take() {
            Some(end) => {
                (self.first, self.open) = (end, open);
                true
            }
            None => {
                close(open);
                false
            }
        }
    }
}

/// A group and its values with their counts.
type Values = [(u64, u64)];

fn most_frequent(group: &Values) -> Option<u64> {
    let values = group.chunk_by(|a, b| a == b);
    let counted = values.filter_map(|run| Some((run.len(), run.first()?.1)));
    counted
        .max_by_key(|(count, value)| (*count, std::cmp::Reverse(*value)))
        .map(|(_, value)| value)
}

/// What is right in groups with several values, when all rows are at hand.
fn all_right(rows: &[(u64, u64)]) -> HashMap<u64, u64> {
    let there = rows.iter().copied().filter(|(from, _)| *from > 0);
    let mut sorted: Vec<(u64, u64)> = there.collect();
    sorted.par_sort_unstable();
    let groups = sorted.chunk_by(|a, b| a.0 == b.0);
    // Groups of one value need no further look.
    let mixed = groups.filter(|group| group.first() != group.last());
    mixed
        .filter_map(|group| Some((group.first()?.0, most_frequent(group)?)))
        .collect()
}

impl Dependency {
    /// Hashes of both sides of a row; none where a cell is missing.
    fn pair(&self, rows: &Rows<'_>, row: usize, cells: &mut [u8]) -> Option<(u64, u64)> {
        let to = rows.columns.get(self.to)?;
        if to.is_missing(row) {
            return None;
        }
        for (cell, column) in cells.chunks_exact_mut(16).zip(&self.from) {
            let key = rows.columns.get(*column)?.key(row);
            if key == NULL_KEY {
                return None;
            }
            cell.copy_from_slice(&key.to_le_bytes());
        }
        Some((xxh3_64(cells).max(1), xxh3_64(&to.key(row).to_le_bytes())))
    }

    fn take(&mut self, pair: Option<(u64, u64)>) {
        match &mut self.held {
            Held::Rows(rows) => {
                rows.push(pair.unwrap_or_default());
                if rows.len() * ROW > self.memory && rows.len() > FEWEST {
                    let mut pairs = Pairs::new(self.memory / PAIR);
                    let there = rows.iter().filter(|(from, _)| *from > 0);
                    there.for_each(|pair| pairs.add(*pair));
                    self.held = Held::Pairs(pairs);
                }
            }
            Held::Pairs(pairs) => {
                if let Some(pair) = pair {
                    pairs.add(pair);
                }
            }
            Held::Nothing => {}
        }
    }

    fn pass_ended(&mut self) {
        self.right.clear();
        if let Held::Pairs(pairs) = &mut self.held
            && !pairs.next_range(&mut self.right)
        {
            self.held = Held::Nothing;
        }
    }
}

impl Rule for Dependency {
    fn column(&self) -> Option<String> {
        Some(self.column.clone())
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn scan(&mut self, rows: &Rows<'_>) {
        let mut cells = vec![0u8; self.from.len() * 16];
        for row in 0..rows.len {
            let pair = self.pair(rows, row, &mut cells);
            self.take(pair);
        }
    }

    fn rows_ended(&mut self) {
        self.pass_ended();
    }

    fn needs_second_pass(&self) -> bool {
        !self.right.is_empty() || matches!(self.held, Held::Pairs(_))
    }

    fn scan_again(&mut self, rows: &Rows<'_>) {
        let mut cells = vec![0u8; self.from.len() * 16];
        for row in 0..rows.len {
            let pair = self.pair(rows, row, &mut cells);
            if let Some((from, to)) = pair
                && self.right.get(&from).is_some_and(|right| *right != to)
            {
                self.broken.set(rows.first + row as u64);
            }
            self.take(pair);
        }
    }

    fn end_of_pass(&mut self) {
        self.pass_ended();
    }

    fn broken(mut self: Box<Self>) -> Bits {
        if let Held::Rows(rows) = &self.held {
            let right = all_right(rows);
            for (row, (from, to)) in (0u64..).zip(rows) {
                if right.get(from).is_some_and(|right| right != to) {
                    self.broken.set(row);
                }
            }
        }
        self.broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows that break the dependency, with so much memory, and passes over the table.
    fn broken(rows: &[(u64, u64)], memory: usize) -> (Vec<u64>, u32) {
        let mut rule = Dependency {
            name: String::new(),
            column: String::new(),
            from: Vec::new(),
            to: 0,
            memory,
            held: Held::Rows(Vec::new()),
            right: HashMap::new(),
            broken: Bits::default(),
        };
        rows.iter().for_each(|pair| rule.take(Some(*pair)));
        rule.rows_ended();
        let mut passes = 1;
        while rule.needs_second_pass() {
            for (row, (from, to)) in (0u64..).zip(rows) {
                if rule.right.get(from).is_some_and(|right| right != to) {
                    rule.broken.set(row);
                }
                rule.take(Some((*from, *to)));
                if let Held::Pairs(pairs) = &rule.held {
                    assert!(
                        pairs.counts.len() < pairs.most,
                        "held {}",
                        pairs.counts.len()
                    );
                }
            }
            rule.end_of_pass();
            passes += 1;
        }
        (Box::new(rule).broken().iter().collect(), passes)
    }

    #[test]
    fn little_memory_finds_the_same_in_more_passes() {
        // 30,000 rows in 3,000 groups; every 97th row has another value than its group.
        let few: Vec<(u64, u64)> = (0..30_000u64)
            .map(|n| (n % 3_000 + 1, if n % 97 == 0 { n } else { n % 3_000 }))
            .collect();
        // One group with 20,000 different values, one of them twice; the last group is right.
        let mut wide: Vec<(u64, u64)> = (0..20_000u64).map(|n| (7, n * 31)).collect();
        wide.extend([(7, 31 * 19_999), (9, 1), (9, 1)]);
        // Nothing repeats.
        let keys: Vec<(u64, u64)> = (0..20_000u64).map(|n| (n + 1, n)).collect();
        for rows in [&few, &wide, &keys] {
            let (expected, passes) = broken(rows, 1 << 30);
            assert_eq!(passes, 1);
            let (found, passes) = broken(rows, FEWEST * PAIR);
            assert_eq!(found, expected);
            assert!(passes > 3, "{passes}");
        }
        assert_eq!(broken(&wide, 1 << 30).0.len(), 19_999);
        assert_eq!(broken(&keys, FEWEST * PAIR).0, Vec::<u64>::new());
        assert_eq!(
            broken(&few, 1 << 30).0.len(),
            few.iter().filter(|(f, t)| f - 1 != *t).count()
        );
    }
}
