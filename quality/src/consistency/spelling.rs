//! One spelling of every category: `NYC` and `nyc`, `New York` and `new_york`.

use std::collections::HashMap;

use super::held::{Budget, Held};
use super::{Bits, Rows, Rule};
use crate::analysis::Cells;
use crate::dedup::{CellKey, KeyMap, NULL_KEY};

/// Most different values of a column of categories.
const MOST: usize = 4096;
/// Longest value that is one, in bytes.
const LONGEST: usize = 64;
/// Stands for a cell without value; values are numbered from 1.
const NONE: u16 = 0;

pub(super) fn rule(place: usize, column: &str, budget: &Budget) -> Box<dyn Rule> {
    Box::new(Spelling {
        column: column.to_owned(),
        place,
        known: Some(KeyMap::default()),
        values: vec![(String::new(), 0)],
        rows: Held::new(budget),
        last: (NULL_KEY, NONE),
        again: None,
        done: false,
    })
}

/// Which value stands in which row, until there are too many for categories.
struct Spelling {
    column: String,
    place: usize,
    known: Option<KeyMap<u16>>,
    /// Folded spelling and count of each, by number.
    values: Vec<(String, u64)>,
    rows: Held,
    last: (CellKey, u16),
    /// Which numbers are unusual and the rows that have them, while rows are read again.
    again: Option<(Vec<bool>, Bits)>,
    done: bool,
}

/// Without case, and with every run of blanks, hyphens and underscores as one blank.
fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.trim_end_matches('.').chars() {
        if matches!(c, ' ' | '_' | '-' | '\t' | '\u{a0}') {
            gap = !folded.is_empty();
            continue;
        }
        if std::mem::take(&mut gap) {
            folded.push(' ');
        }
        folded.extend(c.to_lowercase());
    }
    folded
}

impl Spelling {
    /// The number of a value; of one that is new, `None` when it is no category.
    #[inline]
    fn number(&mut self, column: &Cells<'_>, row: usize) -> Option<u16> {
        let key = column.key(row);
        if self.last.0 == key {
            return Some(self.last.1);
        }
        let number = match self.known.as_ref()?.get(&key) {
            Some(number) => *number,
            None => match column.text(row) {
                Some(text) => self.new_number(key, text)?,
                None => return Some(NONE),
            },
        };
        self.last = (key, number);
        Some(number)
    }

    fn new_number(&mut self, key: CellKey, text: &str) -> Option<u16> {
        let known = self.known.as_mut()?;
        if known.len() == MOST || text.len() > LONGEST {
            return None;
        }
        let number = self.values.len() as u16;
        known.insert(key, number);
        self.values.push((fold(text), 0));
        Some(number)
    }

    fn give_up(&mut self) {
        (self.known, self.values) = (None, Vec::new());
        self.rows.clear();
    }

    /// Which numbers are unusual, if any is.
    fn found(&self) -> Option<Vec<bool>> {
        let values = self.values.iter().skip(1);
        let (different, present) = (values.len() as u64, values.map(|(_, count)| count).sum());
        // Categories repeat.
        if self.known.is_none() || different * 2 > present {
            return None;
        }
        Some(self.unusual()).filter(|unusual| unusual.contains(&true))
    }

    /// Numbers of values that are not the usual spelling of theirs. Single characters are codes, in
    /// which case may mean something.
    fn unusual(&self) -> Vec<bool> {
        let mut usual: HashMap<&str, (u64, usize)> = HashMap::new();
        for (number, (folded, count)) in self.values.iter().enumerate() {
            let best = usual.entry(folded).or_insert((*count, number));
            if *count > best.0 {
                *best = (*count, number);
            }
        }
        let values = self.values.iter().enumerate();
        let odd = values.map(|(number, (folded, _))| {
            folded.chars().count() > 1
                && usual
                    .get(folded.as_str())
                    .is_some_and(|best| best.1 != number)
        });
        odd.collect()
    }
}

impl Rule for Spelling {
    fn column(&self) -> Option<String> {
        Some(self.column.clone())
    }

    fn name(&self) -> String {
        "one_spelling".to_owned()
    }

    fn scan(&mut self, rows: &Rows<'_>) {
        let Some(column) = rows.columns.get(self.place) else {
            return;
        };
        if self.known.is_none() {
            return;
        }
        let mut numbers = Vec::with_capacity(rows.len);
        for row in 0..rows.len {
            let Some(number) = self.number(column, row) else {
                return self.give_up();
            };
            numbers.push(number);
            if let Some((_, count)) = self.values.get_mut(usize::from(number)) {
                *count += 1;
            }
        }
        self.rows.extend(&numbers);
    }

    fn rows_ended(&mut self) {
        if self.rows.is_dropped() {
            self.again = self.found().map(|unusual| (unusual, Bits::default()));
        }
    }

    fn needs_second_pass(&self) -> bool {
        !self.done && self.again.is_some()
    }

    fn scan_again(&mut self, rows: &Rows<'_>) {
        let column = rows.columns.get(self.place);
        let Some((column, (unusual, mut broken))) = column.zip(self.again.take()) else {
            return;
        };
        for row in 0..rows.len {
            let number = self.number(column, row).unwrap_or(NONE);
            if unusual.get(usize::from(number)).copied().unwrap_or(false) {
                broken.set(rows.first + row as u64);
            }
        }
        self.again = Some((unusual, broken));
    }

    fn end_of_pass(&mut self) {
        self.done = true;
    }

    fn broken(self: Box<Self>) -> Bits {
        let mut broken = Bits::default();
        if let Some((_, broken)) = self.again {
            return broken;
        }
        let (Some(unusual), Some(numbers)) = (self.found(), self.rows.all()) else {
            return broken;
        };
        for (row, number) in (0u64..).zip(numbers) {
            if unusual.get(usize::from(number)).copied().unwrap_or(false) {
                broken.set(row);
            }
        }
        broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_fold_and_words_stay_apart() {
        assert_eq!(fold("New  York"), fold("new_york"));
        assert_eq!(fold("NYC"), fold("nyc."));
        assert_eq!(fold("-a-"), "a");
        assert_ne!(fold("new york"), fold("newyork"));
    }
}
