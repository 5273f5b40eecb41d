//! Sketches of a table, batch after batch.

use xxhash_rust::xxh3::xxh3_128;

use super::bottom::Bottom;
use super::loose::loose;
use super::{COLUMN_K, K, Kind, LEAST_DISTINCT, MOST_COLUMNS, Sketch};
use crate::policy::ColumnType;

/// What a sketcher sees of a batch; columns are in contract order.
pub trait Cells {
    /// Normal form of a cell, 0 when it is missing.
    fn key(&self, column: usize, row: usize) -> u128;
    /// The number behind it, if there is one.
    fn number(&self, column: usize, row: usize) -> Option<f64>;
}

/// Takes a table in and makes its sketches.
#[derive(Clone, Debug)]
pub struct Sketcher {
    kinds: Vec<ColumnType>,
    /// Columns that make a row: all but surrogates.
    content: Vec<usize>,
    key: Vec<usize>,
    rows: Bottom,
    loose: Bottom,
    keys: Bottom,
    columns: Vec<Bottom>,
    /// Keep columns however few values they have?
    every_column: bool,
}

impl Sketcher {
    /// Sketches of the usual sizes, as a node keeps them. `kinds` are the types of
    /// all columns, `content` those that make a row, `key` those of the declared key.
    pub fn new(kinds: &[ColumnType], content: &[usize], key: &[usize]) -> Self {
        Self::sized(kinds, content, key, K, COLUMN_K)
    }

    /// Sketches of at most `k` hashes each, of any column: for tables compared on
    /// the spot, where exactness costs memory and nothing else.
    pub fn exact(kinds: &[ColumnType], content: &[usize], key: &[usize], k: usize) -> Self {
        Self {
            every_column: true,
            ..Self::sized(kinds, content, key, k, k)
        }
    }

    fn sized(
        kinds: &[ColumnType],
        content: &[usize],
        key: &[usize],
        k: usize,
        column_k: usize,
    ) -> Self {
        Self {
            kinds: kinds.to_vec(),
            content: content.to_vec(),
            key: key.to_vec(),
            rows: Bottom::new(k),
            loose: Bottom::new(k),
            keys: Bottom::new(k),
            columns: vec![Bottom::new(column_k); content.len().min(MOST_COLUMNS)],
            every_column: false,
        }
    }

    /// Takes the next `rows` rows.
    pub fn push(&mut self, cells: &impl Cells, rows: usize) {
        let (mut bags, mut loose_bags) = (vec![0u128; rows], vec![0u128; rows]);
        for (at, &column) in self.content.iter().enumerate() {
            let Some(&kind) = self.kinds.get(column) else {
                continue;
            };
            let mut of_column = self.columns.get_mut(at);
            let bags = bags.iter_mut().zip(&mut loose_bags).enumerate();
            for (row, (bag, loose_bag)) in bags {
                let key = cells.key(column, row);
                if key == 0 {
                    continue;
                }
                if let Some(bottom) = &mut of_column {
                    bottom.add(key);
                }
                let cell = spread(key);
                *bag = bag.wrapping_add(cell);
                let changed = loose(kind, key, || cells.number(column, row));
                let loose_cell = if changed == key {
                    cell
                } else {
                    spread(changed)
                };
                *loose_bag = loose_bag.wrapping_add(loose_cell);
            }
        }
        for (bag, loose_bag) in bags.into_iter().zip(loose_bags) {
            // A row without any value is nobody's.
            if bag != 0 {
                self.rows.add(bag);
                self.loose.add(loose_bag);
            }
        }
        self.push_keys(cells, rows);
    }

    fn push_keys(&mut self, cells: &impl Cells, rows: usize) {
        if self.key.is_empty() {
            return;
        }
        for row in 0..rows {
            let keys = self.key.iter().map(|column| cells.key(*column, row));
            let bag = keys.fold(0u128, |bag, key| bag.wrapping_add(spread(key)));
            self.keys.add(bag);
        }
    }

    /// The sketches of what was taken.
    pub fn finish(self) -> Vec<Sketch> {
        let mut sketches = vec![
            Sketch::of(Kind::Rows, &self.rows),
            Sketch::of(Kind::Loose, &self.loose),
        ];
        if !self.key.is_empty() {
            sketches.push(Sketch::of(Kind::Key, &self.keys));
        }
        for (column, bottom) in self.content.iter().zip(&self.columns) {
            let sketch = Sketch::of(Kind::Column, bottom);
            if self.every_column || sketch.distinct() >= LEAST_DISTINCT {
                sketches.push(Sketch {
                    column: u32::try_from(*column).ok(),
                    ..sketch
                });
            }
        }
        sketches
    }
}

/// A normal form as a summand of its row's bag: sums of them tell bags apart.
fn spread(key: u128) -> u128 {
    xxh3_128(&key.to_le_bytes())
}
