//! Rows as the bags of their cells: what they are compared by, whatever their columns are
//! called and in which order they stand.

use xxhash_rust::xxh3::xxh3_128;

use super::loose::loose;
use super::sketcher::Cells;
use crate::analysis::{Analysis, Found, Rows};
use crate::assess;
use crate::error::AssessError;
use crate::input::Source;
use crate::policy::{ColumnRule, ColumnType, Policy};

/// Unkeyed fingerprints of one row; 0 where there is nothing to compare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bags {
    /// Of its cells.
    pub rows: u128,
    /// Of its cells, numbers and times rounded.
    pub loose: u128,
    /// Of its declared key.
    pub key: u128,
}

/// Makes bags of rows.
#[derive(Clone, Debug)]
pub(super) struct Bagger {
    kinds: Vec<ColumnType>,
    /// Columns that make a row: all but surrogates.
    content: Vec<usize>,
    key: Vec<usize>,
}

impl Bagger {
    pub fn new(kinds: &[ColumnType], content: &[usize], key: &[usize]) -> Self {
        Self {
            kinds: kinds.to_vec(),
            content: content.to_vec(),
            key: key.to_vec(),
        }
    }

    /// For the columns of a contract.
    pub fn of(policy: &Policy, rules: &[ColumnRule]) -> Self {
        let places = |wanted: &dyn Fn(&String) -> bool| -> Vec<usize> {
            let rules = rules.iter().enumerate();
            let rules = rules.filter(|(_, rule)| wanted(&rule.name));
            rules.map(|(place, _)| place).collect()
        };
        Self {
            kinds: rules.iter().map(|rule| rule.kind).collect(),
            content: places(&|name| !policy.surrogate.contains(name)),
            key: places(&|name| policy.key.contains(name)),
        }
    }

    pub fn content(&self) -> &[usize] {
        &self.content
    }

    pub fn is_keyed(&self) -> bool {
        !self.key.is_empty()
    }

    /// The bags of the next rows; `each` sees every cell that is not missing, with the place of
    /// its column among those that make a row.
    pub fn bags(
        &self,
        cells: &impl Cells,
        rows: usize,
        mut each: impl FnMut(usize, u128),
    ) -> Vec<Bags> {
        let mut bags = vec![Bags::default(); rows];
        for (at, &column) in self.content.iter().enumerate() {
            let Some(&kind) = self.kinds.get(column) else {
                continue;
            };
            for (row, bag) in bags.iter_mut().enumerate() {
                let key = cells.key(column, row);
                if key == 0 {
                    continue;
                }
                each(at, key);
                let cell = spread(key);
                bag.rows = bag.rows.wrapping_add(cell);
                let changed = loose(kind, key, || cells.number(column, row));
                let loose_cell = if changed == key {
                    cell
                } else {
                    spread(changed)
                };
                bag.loose = bag.loose.wrapping_add(loose_cell);
            }
        }
        for column in &self.key {
            for (row, bag) in bags.iter_mut().enumerate() {
                bag.key = bag.key.wrapping_add(spread(cells.key(*column, row)));
            }
        }
        bags
    }
}

/// A normal form as a summand of its row's bag: sums of them tell bags apart.
fn spread(key: u128) -> u128 {
    xxh3_128(&key.to_le_bytes())
}

/// Reads a cleaned table and hands out the bags of its rows in file order, some thousand at a
/// time.
///
/// # Errors
/// [`AssessError`] when the table does not fit the policy.
pub fn row_bags(
    source: &mut dyn Source,
    policy: &Policy,
    take: &mut (dyn FnMut(&[Bags]) + Send),
) -> Result<(), AssessError> {
    let reader = assess::show(source, policy, |rules| Reader {
        bagger: Bagger::of(policy, rules),
        take,
    });
    reader.map(|_| ())
}

struct Reader<'t> {
    bagger: Bagger,
    take: &'t mut (dyn FnMut(&[Bags]) + Send),
}

impl Analysis for Reader<'_> {
    fn name(&self) -> &'static str {
        "row_bags"
    }

    fn scan(&mut self, rows: &Rows<'_>) {
        (self.take)(&self.bagger.bags(rows, rows.len, |_, _| {}));
    }

    fn finish(self: Box<Self>) -> Found {
        Found::default()
    }
}
