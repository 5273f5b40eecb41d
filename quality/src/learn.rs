//! Rows as examples for a learner: which cells are features, on what scale, in what order.
//!
//! Numbers, dates, times and truth values are features as they are; texts are features when
//! they take few different values. Key and surrogate columns name rows and teach nothing. Every
//! number is brought to mean 0 and standard deviation 1 over the training rows, a missing one
//! is 0; every category is a pair of coordinates, so that two different ones are at distance 1.
//!
//! Examples are put into an order of their own, by a hash of what they hold: nothing that is
//! computed from them depends on files, on the order of rows or on the node's key.

mod confident;
#[cfg(test)]
mod digits;
pub(crate) mod panel;

use std::collections::HashMap;

use ndarray::Array2;
use xxhash_rust::xxh3::xxh3_128;

use crate::analysis::Rows;
use crate::dedup::{CellKey, NULL_KEY, bool_key, fingerprints, integer_key, text_key};
use crate::policy::{ColumnRule, ColumnType, Policy};

/// Most different values of a text that is a feature.
pub(crate) const CATEGORIES: usize = 32;

/// Features are padded with zeros to a multiple of this.
const LANES: usize = 8;

/// Which columns are what.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    numbers: Vec<usize>,
    categories: Vec<usize>,
    label: Option<usize>,
    held_out: Option<(usize, CellKey)>,
    strata: Vec<usize>,
}

impl Layout {
    pub fn new(policy: &Policy, rules: &[ColumnRule]) -> Self {
        let place = |name: &String| rules.iter().position(|rule| rule.name == *name);
        let label = policy.label.as_ref().and_then(place);
        let held_out = policy.held_out.as_ref().and_then(|rows| {
            let key = match &rows.value {
                serde_json::Value::String(text) => text_key(text.trim()),
                serde_json::Value::Bool(value) => bool_key(*value),
                number => integer_key(i128::from(number.as_i64()?)),
            };
            Some((place(&rows.column)?, key))
        });
        let is_feature = |(at, rule): &(usize, &ColumnRule)| {
            Some(*at) != label
                && held_out.is_none_or(|(column, _)| column != *at)
                && !policy.key.contains(&rule.name)
                && !policy.surrogate.contains(&rule.name)
        };
        let features = |wanted: fn(ColumnType) -> bool| {
            let rules = rules.iter().enumerate().filter(is_feature);
            rules
                .filter(|(_, rule)| wanted(rule.kind))
                .map(|(at, _)| at)
                .collect()
        };
        Self {
            numbers: features(|kind| !matches!(kind, ColumnType::String | ColumnType::Binary)),
            categories: features(|kind| kind == ColumnType::String),
            label,
            held_out,
            strata: policy.strata.iter().filter_map(place).collect(),
        }
    }

    /// The column of the label.
    pub fn label(&self) -> Option<usize> {
        self.label
    }

    /// Normal form of the label of a row; 0 when it has none.
    pub fn label_of(&self, rows: &Rows<'_>, row: usize) -> CellKey {
        let column = self.label.and_then(|at| rows.columns.get(at));
        column.map_or(NULL_KEY, |cells| cells.key(row))
    }

    pub fn is_held_out(&self, rows: &Rows<'_>, row: usize) -> bool {
        self.held_out.is_some_and(|(at, key)| {
            let cells = rows.columns.get(at);
            cells.is_some_and(|cells| cells.key(row) == key)
        })
    }

    /// One number for all the values that name the row's stratum.
    pub fn stratum(&self, rows: &Rows<'_>, row: usize) -> u128 {
        let keys: Vec<[CellKey; 1]> = self
            .strata
            .iter()
            .filter_map(|at| rows.columns.get(*at))
            .map(|cells| [cells.key(row)])
            .collect();
        let columns: Vec<&[CellKey]> = keys.iter().map(<[CellKey; 1]>::as_slice).collect();
        fingerprints(&columns, 1).first().copied().unwrap_or(0)
    }

    /// The row as an example.
    pub fn example(&self, rows: &Rows<'_>, row: usize) -> Example {
        let number = |at: &usize| {
            let cells = rows.columns.get(*at);
            let number = cells.and_then(|cells| cells.number(row));
            number.filter(|number| number.is_finite())
        };
        let category = |at: &usize| rows.columns.get(*at).map_or(NULL_KEY, |c| c.key(row));
        Example {
            numbers: self.numbers.iter().map(number).collect(),
            categories: self.categories.iter().map(category).collect(),
            label: self.label_of(rows, row),
            held_out: self.is_held_out(rows, row),
        }
    }
}

/// A row that a learner learns from or is tried on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Example {
    numbers: Vec<Option<f64>>,
    categories: Vec<CellKey>,
    /// Normal form; 0 = none.
    pub label: CellKey,
    pub held_out: bool,
}

impl Example {
    /// A hash of everything it holds.
    fn print(&self) -> u128 {
        let mut bytes = Vec::with_capacity(16 * (self.numbers.len() + self.categories.len() + 1));
        for number in &self.numbers {
            // −0 and 0 are one number.
            let bits = number.map_or(u64::MAX, |number| (number + 0.0).to_bits());
            bytes.extend(bits.to_le_bytes());
        }
        for key in self.categories.iter().chain([&self.label]) {
            bytes.extend(key.to_le_bytes());
        }
        xxh3_128(&bytes)
    }
}

/// Examples in their own order, on one scale.
pub(crate) struct Prepared {
    /// Training rows × features, features padded with zeros.
    pub train: Array2<f64>,
    pub train_labels: Vec<u32>,
    /// Which example each training row is.
    pub train_rows: Vec<usize>,
    /// Hash of each training row: equal ones stand side by side.
    pub train_prints: Vec<u128>,
    pub test: Array2<f64>,
    pub test_labels: Vec<u32>,
    /// Labels by number, in the order of their normal forms.
    pub labels: Vec<CellKey>,
}

/// Sorts examples into training and test rows (by `tests`), each in their own order; examples
/// without a label are neither.
pub(crate) fn prepare(examples: &[Example], tests: impl Fn(usize) -> bool) -> Prepared {
    let mut order: Vec<(u128, usize)> = examples
        .iter()
        .enumerate()
        .filter(|(_, example)| example.label != NULL_KEY)
        .map(|(at, example)| (example.print(), at))
        .collect();
    order.sort_unstable();
    let (test, train): (Vec<_>, Vec<_>) = order.into_iter().partition(|(_, at)| tests(*at));
    let mut labels: Vec<CellKey> = train
        .iter()
        .chain(&test)
        .filter_map(|(_, at)| examples.get(*at))
        .map(|example| example.label)
        .collect();
    labels.sort_unstable();
    labels.dedup();
    let scale = Scale::of(train.iter().filter_map(|(_, at)| examples.get(*at)));
    let encode =
        |rows: &[(u128, usize)]| scale.encode(rows.iter().filter_map(|r| examples.get(r.1)));
    let number = |rows: &[(u128, usize)]| -> Vec<u32> {
        let rows = rows.iter().filter_map(|(_, at)| examples.get(*at));
        rows.map(|example| labels.binary_search(&example.label).unwrap_or(0) as u32)
            .collect()
    };
    Prepared {
        train: encode(&train),
        train_labels: number(&train),
        test: encode(&test),
        test_labels: number(&test),
        train_rows: train.iter().map(|(_, at)| *at).collect(),
        train_prints: train.iter().map(|(print, _)| *print).collect(),
        labels,
    }
}

/// Means, deviations and categories of the training rows.
struct Scale {
    numbers: Vec<(f64, f64)>,
    /// By column, coordinate of each category; none where there are too many.
    categories: Vec<Option<HashMap<CellKey, usize>>>,
    width: usize,
}

impl Scale {
    fn of<'e>(examples: impl Iterator<Item = &'e Example> + Clone) -> Self {
        let first = examples.clone().next();
        let (numbers, texts) = first.map_or((0, 0), |e| (e.numbers.len(), e.categories.len()));
        let numbers: Vec<(f64, f64)> = (0..numbers)
            .map(|column| moments(examples.clone().filter_map(|e| *e.numbers.get(column)?)))
            .collect();
        let mut width = numbers.len();
        let mut categories = Vec::with_capacity(texts);
        for column in 0..texts {
            let found = distinct(examples.clone().filter_map(|e| e.categories.get(column)));
            categories.push(found.map(|keys| {
                let places = keys.into_iter().zip(width..).collect::<HashMap<_, _>>();
                width += places.len();
                places
            }));
        }
        Self {
            numbers,
            categories,
            width: width.next_multiple_of(LANES).max(LANES),
        }
    }

    fn encode<'e>(&self, examples: impl Iterator<Item = &'e Example> + Clone) -> Array2<f64> {
        let mut matrix = Array2::zeros((examples.clone().count(), self.width));
        for (example, mut row) in examples.zip(matrix.rows_mut()) {
            for ((number, (mean, deviation)), cell) in
                example.numbers.iter().zip(&self.numbers).zip(&mut row)
            {
                *cell = number.map_or(0.0, |number| (number - mean) / deviation);
            }
            for (key, places) in example.categories.iter().zip(&self.categories) {
                let place = places.as_ref().and_then(|places| places.get(key));
                if let Some(cell) = place.and_then(|place| row.get_mut(*place)) {
                    *cell = std::f64::consts::FRAC_1_SQRT_2;
                }
            }
        }
        matrix
    }
}

/// Mean and standard deviation, in the order given; 1 for what does not vary.
fn moments(numbers: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let count = numbers.clone().count().max(1) as f64;
    let mean = numbers.clone().sum::<f64>() / count;
    let square = |number: f64| (number - mean) * (number - mean);
    let variance = numbers.map(square).sum::<f64>() / count;
    let deviation = variance.sqrt();
    let usable = mean.is_finite() && deviation.is_finite() && deviation > 0.0;
    match usable {
        true => (mean, deviation),
        false => (0.0, f64::INFINITY),
    }
}

/// The different values, sorted; none when there are more than [`CATEGORIES`].
fn distinct<'k>(keys: impl Iterator<Item = &'k CellKey>) -> Option<Vec<CellKey>> {
    let mut found = std::collections::BTreeSet::new();
    for key in keys {
        found.insert(*key);
        if found.len() > CATEGORIES {
            return None;
        }
    }
    Some(found.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(numbers: &[Option<f64>], category: u128, label: u128) -> Example {
        Example {
            numbers: numbers.to_vec(),
            categories: vec![category],
            label,
            held_out: false,
        }
    }

    #[test]
    fn examples_have_one_scale_and_an_order_of_their_own() {
        let mut examples = vec![
            example(&[Some(1.0), Some(1e9)], 7, 5),
            example(&[Some(3.0), Some(3e9)], 8, 6),
            example(&[None, Some(2e9)], 7, 5),
            example(&[Some(9.0), Some(2e9)], 9, 0),
        ];
        let one = prepare(&examples, |_| false);
        assert_eq!(one.train.dim(), (3, 8), "one has no label");
        assert_eq!(one.labels, [5, 6]);
        let of = |prepared: &Prepared, at: usize| {
            let row = prepared
                .train_rows
                .iter()
                .position(|row| *row == at)
                .expect("a row");
            prepared.train.row(row).to_vec()
        };
        let (low, high, gap) = (of(&one, 0), of(&one, 1), of(&one, 2));
        assert_eq!((low[0], high[0], gap[0]), (-1.0, 1.0, 0.0));
        let apart: f64 = (2..8)
            .map(|i| (low[i] - high[i]) * (low[i] - high[i]))
            .sum();
        assert!((apart - 1.0).abs() < 1e-12, "different categories");
        examples.reverse();
        let other = prepare(&examples, |_| false);
        assert_eq!(
            (one.train, one.train_labels),
            (other.train, other.train_labels)
        );
    }

    #[test]
    fn what_does_not_vary_or_varies_too_much_is_no_feature() {
        let examples: Vec<Example> = (0..40u8)
            .map(|i| example(&[Some(5.0)], u128::from(i) + 1, 1))
            .collect();
        let prepared = prepare(&examples, |at| at >= 30);
        assert_eq!((prepared.train.nrows(), prepared.test.nrows()), (30, 10));
        assert!(prepared.train.iter().take(1).all(|cell| *cell == 0.0));
        let many = prepare(&examples, |_| false);
        assert!(many.train.iter().all(|cell| *cell == 0.0));
    }
}
