//! What rows consist of, in a form that can be kept: so that contributions are compared without
//! opening their files again, and none of them sees another.

use xxhash_rust::xxh3::xxh3_128;

use super::compared::Compared;
use super::items::Items;
use crate::analysis::{Analysis, Found, Rows};
use crate::assess;
use crate::error::AssessError;
use crate::input::Source;
use crate::policy::Policy;

/// Most items of a row that are kept: of a longer one the least hashes, which are a fair sample
/// of it and of every row like it.
pub const MOST_ITEMS: usize = 1 << 16;

/// Rows as sets of 64-bit hashes.
///
/// ```
/// use quality::near::{Clusters, Sets};
/// let mut sets = Sets::default();
/// sets.push(&(0..40).collect::<Vec<u64>>());
/// sets.push(&(1..41).collect::<Vec<u64>>());
/// sets.push(&[]);
/// let mut clusters = Clusters::new();
/// clusters.push(&sets, &[[1; 16], [2; 16], [3; 16]]);
/// let mut hunt = clusters.hunt();
/// while hunt.wants() {
///     hunt.take(0, &sets);
/// }
/// assert_eq!(hunt.ids(), [[1; 16], [1; 16], [3; 16]]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Sets {
    ends: Vec<usize>,
    items: Vec<u64>,
}

impl Sets {
    /// Takes the items of the next row. A row without items is like no other.
    pub fn push(&mut self, items: &[u64]) {
        self.items.extend_from_slice(items);
        self.ends.push(self.items.len());
    }

    /// The items of a row.
    pub fn row(&self, row: usize) -> &[u64] {
        let start = match row.checked_sub(1) {
            Some(before) => self.ends.get(before).copied(),
            None => Some(0),
        };
        let range = start.zip(self.ends.get(row).copied());
        let items = range.and_then(|(start, end)| self.items.get(start..end));
        items.unwrap_or_default()
    }

    /// Forgets all rows and keeps the room.
    pub fn clear(&mut self) {
        self.ends.clear();
        self.items.clear();
    }
}

impl Items for Sets {
    fn rows(&self) -> usize {
        self.ends.len()
    }

    fn read(&self, row: usize, scratch: &mut Vec<u8>, out: &mut Vec<u128>) -> u128 {
        scratch.clear();
        for item in self.row(row) {
            scratch.extend(item.to_le_bytes());
            out.push((*item).into());
        }
        xxh3_128(scratch)
    }
}

/// Reads a cleaned table and hands out what its rows consist of, by the policy's `[near]`
/// section, in file order, some thousand rows at a time; nothing where there is no such section.
/// Items of a row are ascending, at most [`MOST_ITEMS`].
///
/// # Errors
/// [`AssessError`] when the table does not fit the policy.
pub fn row_sets(
    source: &mut dyn Source,
    policy: &Policy,
    take: &mut (dyn FnMut(&Sets) + Send),
) -> Result<(), AssessError> {
    let Some(near) = &policy.near else {
        return Ok(());
    };
    let reader = assess::show(source, policy, |rules| Reader {
        compared: Compared::of(near, policy, rules),
        sets: Sets::default(),
        take,
    })?;
    reader.compared.map(|_| ())
}

struct Reader<'t> {
    compared: Result<Compared, AssessError>,
    sets: Sets,
    take: &'t mut (dyn FnMut(&Sets) + Send),
}

impl Analysis for Reader<'_> {
    fn name(&self) -> &'static str {
        "row_sets"
    }

    fn scan(&mut self, rows: &Rows<'_>) {
        let Ok(compared) = &self.compared else {
            return;
        };
        let sets = &mut self.sets;
        sets.clear();
        compared.with_items(rows, |items| {
            let (mut scratch, mut wide, mut row_items) = (Vec::new(), Vec::new(), Vec::new());
            for row in 0..items.rows() {
                wide.clear();
                items.read(row, &mut scratch, &mut wide);
                row_items.clear();
                row_items.extend(wide.iter().map(|item| *item as u64));
                row_items.sort_unstable();
                row_items.dedup();
                row_items.truncate(MOST_ITEMS);
                sets.push(&row_items);
            }
        });
        (self.take)(sets);
    }

    fn finish(self: Box<Self>) -> Found {
        Found::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Settings, clusters::SAME_ROW_PPM};
    use super::super::{Texts, find};
    use super::*;
    use crate::input::Csv;

    fn lines() -> Vec<String> {
        let word = |row: usize, at: usize| format!("w{}", row * 7919 + at);
        let line = |row: usize| (0..120).map(|at| word(row, at)).collect::<Vec<_>>();
        let mut lines: Vec<Vec<String>> = (0..20).map(line).collect();
        for row in 0..10 {
            let mut copy = line(row);
            // One word changed touches five runs of 116; two far apart ten.
            copy[60] = "else".into();
            if row % 2 == 1 {
                copy[20] = "other".into();
                copy[100] = "third".into();
            }
            lines.push(copy);
        }
        lines.push(vec!["short".into()]);
        lines.iter().map(|words| words.join(" ")).collect()
    }

    #[test]
    fn kept_sets_find_what_texts_find() {
        let lines = lines();
        let texts: Vec<&str> = lines.iter().map(String::as_str).collect();
        let settings = Settings::at(SAME_ROW_PPM);
        let by_text = find(&Texts::from(&texts[..]), settings);
        let csv = format!("n,text\n{}\n", {
            let rows = lines.iter().enumerate();
            rows.map(|(n, line)| format!("{n},{line}"))
                .collect::<Vec<_>>()
                .join("\n")
        });
        let mut source =
            Csv::open(std::io::Cursor::new(csv.into_bytes()), Some(b',')).expect("CSV");
        let policy = Policy::from_toml(
            "[[columns]]\nname = 'n'\ntype = 'int64'\n[[columns]]\nname = 'text'\ntype = 'string'\n[near]\n",
        )
        .expect("rules");
        let mut sets = Sets::default();
        row_sets(&mut source, &policy, &mut |batch| {
            for row in 0..batch.rows() {
                sets.push(batch.row(row));
            }
        })
        .expect("readable");
        let by_set = find(&sets, settings);
        assert_eq!(by_set.cluster, by_text.cluster);
        let near: Vec<u32> = by_set.pairs.iter().map(|pair| pair.a).collect();
        assert_eq!(
            near,
            [0, 2, 4, 6, 8],
            "J = 111/121 is alike, 101/131 is not"
        );
        assert!(sets.row(30).is_empty() && sets.row(31).is_empty());
    }
}
