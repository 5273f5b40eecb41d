//! What reveals cell values: extremes, histogram, frequent values.
//!
//! None of this goes into the report; see [`crate::Preview`].

use serde::Serialize;
use serde_json::Value;

use super::distinct::Distinct;
use crate::dedup::CellKey;

/// Numbers kept for a histogram; up to this many it is exact.
const SAMPLE: usize = 8192;
/// Most bins of a histogram.
const BINS: usize = 20;
/// Most frequent values shown.
const TOP: usize = 10;
/// Longest label of a frequent value, in characters.
const LABEL: usize = 80;

/// Cell values of one column, for the eyes of who may see the data.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ColumnPreview {
    /// Column name.
    pub name: String,
    /// Smallest value (numbers, dates, times).
    pub min: Option<Value>,
    /// Largest value.
    pub max: Option<Value>,
    /// Arithmetic mean of a numeric column.
    pub mean: Option<f64>,
    /// Distribution of a numeric column.
    pub histogram: Option<Histogram>,
    /// Most frequent values, when distinct values could be counted exactly.
    pub top: Vec<Frequent>,
}

/// Equal bins between the smallest and the largest value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Histogram {
    /// Lower edge of the first bin.
    pub from: f64,
    /// Upper edge of the last bin.
    pub to: f64,
    /// Values per bin (≤ 20 bins).
    pub counts: Vec<u64>,
    /// Values counted: all of them, or every n-th when `every` > 1.
    pub values: u64,
    /// Every how many-th value was counted.
    pub every: u64,
}

/// A value and how often it occurs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Frequent {
    /// The value as text, cut after 80 characters.
    pub value: String,
    /// Number of cells.
    pub count: u64,
}

/// Systematic sample: every n-th value, n doubling when the sample is full.
pub(crate) struct Sample {
    values: Vec<f64>,
    seen: u64,
    every: u64,
}

impl Sample {
    pub fn new() -> Self {
        Self {
            values: Vec::new(),
            seen: 0,
            every: 1,
        }
    }

    pub fn add(&mut self, value: f64) {
        // `every` is a power of two.
        if self.seen & (self.every - 1) == 0 {
            if self.values.len() == SAMPLE {
                let mut position = 0;
                self.values.retain(|_| {
                    position += 1;
                    position % 2 == 1
                });
                self.every *= 2;
            }
            if self.seen & (self.every - 1) == 0 {
                self.values.push(value);
            }
        }
        self.seen += 1;
    }

    /// Bins between the true extremes.
    pub fn histogram(&self, from: f64, to: f64) -> Option<Histogram> {
        let width = to - from;
        if self.values.is_empty() || !width.is_finite() {
            return None;
        }
        let bins = if width > 0.0 { BINS } else { 1 };
        let mut counts = vec![0; bins];
        for value in &self.values {
            let bin = if width > 0.0 {
                ((value - from) / width * bins as f64) as usize
            } else {
                0
            };
            counts[bin.min(bins - 1)] += 1;
        }
        Some(Histogram {
            from,
            to,
            counts,
            values: self.values.len() as u64,
            every: self.every,
        })
    }
}

/// Distinct values with a label for each exact one.
pub(crate) struct Frequencies {
    pub distinct: Distinct,
    labels: Option<Vec<String>>,
}

impl Frequencies {
    /// `labelled`: keep texts for the list of frequent values.
    pub fn new(labelled: bool) -> Self {
        Self {
            distinct: Distinct::new(),
            labels: labelled.then(Vec::new),
        }
    }

    #[inline]
    pub fn add(&mut self, key: CellKey, label: impl FnOnce() -> String) {
        if self.distinct.add(key)
            && let Some(labels) = &mut self.labels
        {
            labels.push(label().chars().take(LABEL).collect());
        }
    }

    /// Most frequent first; equal counts by value.
    pub fn top(&self) -> Vec<Frequent> {
        let labels = self.labels.iter().flatten();
        let mut top: Vec<Frequent> = labels
            .zip(self.distinct.counts())
            .map(|(value, &count)| Frequent {
                value: value.clone(),
                count,
            })
            .collect();
        top.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
        top.truncate(TOP);
        top
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sample_is_systematic_and_bounded() {
        let mut sample = Sample::new();
        (0..100_000).for_each(|i| sample.add(f64::from(i)));
        assert!(sample.values.len() <= SAMPLE);
        let every = sample.every as f64;
        let regular = sample.values.iter().enumerate();
        assert!(regular.clone().all(|(i, v)| *v == i as f64 * every));
        let histogram = sample.histogram(0.0, 99_999.0).expect("numbers were added");
        assert_eq!(histogram.counts.len(), BINS);
        assert_eq!(histogram.counts.iter().sum::<u64>(), histogram.values);
    }

    #[test]
    fn one_value_is_one_bin() {
        let mut sample = Sample::new();
        sample.add(3.0);
        sample.add(3.0);
        let histogram = sample.histogram(3.0, 3.0).expect("numbers were added");
        assert_eq!(histogram.counts, [2]);
        assert_eq!(histogram.every, 1);
    }
}
