//! One spelling of every category: `NYC` and `nyc`, `New York` and `new_york`.

use std::collections::HashMap;

use super::{Bits, Rows, Rule};
use crate::dedup::CellKey;

/// Most different values of a column of categories.
const MOST: usize = 4096;
/// Longest value that is one, in bytes.
const LONGEST: usize = 64;
/// Stands for a cell without value.
const NONE: u16 = u16::MAX;

pub(super) fn rule(place: usize, column: &str) -> Box<dyn Rule> {
    Box::new(Spelling {
        column: column.to_owned(),
        place,
        known: Some(HashMap::new()),
        values: Vec::new(),
        rows: Vec::new(),
        last: None,
    })
}

/// Which value stands in which row, 2 bytes a row, until there are too many for categories.
struct Spelling {
    column: String,
    place: usize,
    known: Option<HashMap<CellKey, u16>>,
    /// Folded spelling and count of each.
    values: Vec<(String, u64)>,
    rows: Vec<u16>,
    last: Option<(CellKey, u16)>,
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
    fn number(&mut self, key: CellKey, text: &str) -> Option<u16> {
        if let Some((last, number)) = self.last
            && last == key
        {
            return Some(number);
        }
        let known = self.known.as_mut()?;
        let number = match known.get(&key) {
            Some(number) => *number,
            None if known.len() == MOST || text.len() > LONGEST => return None,
            None => {
                let number = known.len() as u16;
                known.insert(key, number);
                self.values.push((fold(text), 0));
                number
            }
        };
        self.last = Some((key, number));
        Some(number)
    }

    fn give_up(&mut self) {
        (self.known, self.values, self.rows) = (None, Vec::new(), Vec::new());
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
        for row in 0..rows.len {
            let Some(text) = column.text(row) else {
                self.rows.push(NONE);
                continue;
            };
            let Some(number) = self.number(column.key(row), text) else {
                return self.give_up();
            };
            self.rows.push(number);
            if let Some((_, count)) = self.values.get_mut(usize::from(number)) {
                *count += 1;
            }
        }
    }

    fn broken(self: Box<Self>) -> Bits {
        let mut broken = Bits::default();
        let present: u64 = self.values.iter().map(|(_, count)| count).sum();
        // Categories repeat.
        if self.known.is_none() || (self.values.len() as u64) * 2 > present {
            return broken;
        }
        let unusual = self.unusual();
        if !unusual.contains(&true) {
            return broken;
        }
        for (row, number) in (0u64..).zip(&self.rows) {
            if unusual.get(usize::from(*number)).copied().unwrap_or(false) {
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
