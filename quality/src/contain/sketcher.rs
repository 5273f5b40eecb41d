//! Sketches of a table, batch after batch.

use super::bags::Bagger;
use super::bottom::Bottom;
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
    bagger: Bagger,
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
            bagger: Bagger::new(kinds, content, key),
            rows: Bottom::new(k),
            loose: Bottom::new(k),
            keys: Bottom::new(k),
            columns: vec![Bottom::new(column_k); content.len().min(MOST_COLUMNS)],
            every_column: false,
        }
    }

    /// Takes the next `rows` rows.
    pub fn push(&mut self, cells: &impl Cells, rows: usize) {
        let of_columns = &mut self.columns;
        let bags = self.bagger.bags(cells, rows, |at, key| {
            if let Some(bottom) = of_columns.get_mut(at) {
                bottom.add(key);
            }
        });
        let keyed = self.bagger.is_keyed();
        for bag in bags {
            // A row without any value is nobody's.
            if bag.rows != 0 {
                self.rows.add(bag.rows);
                self.loose.add(bag.loose);
            }
            if keyed {
                self.keys.add(bag.key);
            }
        }
    }

    /// The sketches of what was taken.
    pub fn finish(self) -> Vec<Sketch> {
        let mut sketches = vec![
            Sketch::of(Kind::Rows, &self.rows),
            Sketch::of(Kind::Loose, &self.loose),
        ];
        if self.bagger.is_keyed() {
            sketches.push(Sketch::of(Kind::Key, &self.keys));
        }
        for (column, bottom) in self.bagger.content().iter().zip(&self.columns) {
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
