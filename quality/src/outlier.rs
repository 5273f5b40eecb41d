//! Values far from the others of their column. They are no fault by themselves, so they cost no
//! points; a reader should look at them.
//!
//! A value is far out when both of two robust measures say so, which skewed columns would
//! otherwise fill:
//!
//! * the modified z-score `0.6745 · |x − median| / MAD` exceeds 3.5 (B. Iglewicz and
//!   D. Hoaglin, "How to detect and handle outliers", 1993), and
//! * it lies beyond Tukey's outer fences, 3 interquartile ranges outside the quartiles
//!   (J. Tukey, "Exploratory data analysis", 1977).
//!
//! Median, MAD and quartiles come from a systematic sample of at most 8,192 values (all, in smaller
//! columns); the values beyond the fences are then counted over all rows, from the 1,024 smallest and
//! the 1,024 largest. More than that on one side is estimated by the sample, and said so.

pub(crate) mod joint;
mod scatter;

use std::cmp::Ordering;

use rayon::prelude::*;

use crate::analysis::{Analysis, Context, Figure, Found, Rows, Section};
use crate::error::AssessError;
use crate::profile::SAMPLES;

/// Values that quartiles are taken of.
const SAMPLE: usize = 8192;
/// Values kept at each end.
const ENDS: usize = 1024;
/// Fewest values that say what is usual.
const FEWEST: usize = 20;
/// Largest usual modified z-score.
const Z: f64 = 3.5;
/// The 0.75 quantile of the normal distribution: MAD of a normal column over its deviation.
const NORMAL_MAD: f64 = 0.6745;
/// Interquartile ranges from a quartile to its outer fence.
const FENCE: f64 = 3.0;

/// The analysis, when there is a column of numbers.
pub(crate) fn start(context: &Context<'_>) -> Result<Option<Box<dyn Analysis>>, AssessError> {
    let rules = context.rules.iter().enumerate();
    let numbers = rules.filter(|(_, rule)| rule.kind.is_number());
    let columns: Vec<Column> = numbers
        .filter(|(_, rule)| !context.policy.key.contains(&rule.name))
        .filter(|(_, rule)| !context.policy.surrogate.contains(&rule.name))
        .map(|(place, rule)| Column::new(place, &rule.name))
        .collect();
    Ok(match columns.is_empty() {
        true => None,
        false => Some(Box::new(Run { columns })),
    })
}

struct Run {
    columns: Vec<Column>,
}

impl Analysis for Run {
    fn name(&self) -> &'static str {
        "outliers"
    }

    fn scan(&mut self, rows: &Rows<'_>) {
        self.columns
            .par_iter_mut()
            .for_each(|column| column.scan(rows));
    }

    fn finish(self: Box<Self>) -> Found {
        let measured = self.columns.len();
        let found = self.columns.into_iter().filter_map(Column::finish);
        let lines: Vec<Vec<Figure>> = found.map(Outliers::line).collect();
        let summary = match lines.len() {
            0 => format!("None of {measured} columns of numbers has values far from the others."),
            some => {
                format!("{some} of {measured} columns of numbers have values far from the others.")
            }
        };
        let heads = ["column", "values", "share", "counted", "first rows"];
        let section = Section {
            name: "outliers".to_owned(),
            title: "Outliers".to_owned(),
            summary,
            method: "Modified z-score above 3.5 and beyond Tukey's outer fences (3 interquartile ranges); median, \
                     MAD and quartiles from a systematic sample of at most 8,192 values. Costs no points."
                .to_owned(),
            heads: heads.map(str::to_owned).to_vec(),
            rows: lines,
        };
        Found {
            sections: vec![section],
            ..Found::default()
        }
    }
}

/// A value and its row; ordered by value, then by row.
#[derive(Clone, Copy, PartialEq)]
struct At(f64, u64);

impl Eq for At {}

impl PartialOrd for At {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for At {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0).then(self.1.cmp(&other.1))
    }
}

/// The [`ENDS`] smallest; of equal ones those that came first. Twice as many are held before the
/// larger half is dropped, so that a column in order costs no more than another.
#[derive(Default)]
struct Ends {
    held: Vec<At>,
    /// What is not smaller is not among them.
    most: Option<At>,
}

impl Ends {
    #[inline]
    fn keep(&mut self, at: At) {
        if self.most.is_none_or(|most| at < most) {
            self.held.push(at);
            if self.held.len() == 2 * ENDS {
                self.trim();
            }
        }
    }

    fn trim(&mut self) {
        if self.held.len() > ENDS {
            let (_, most, _) = self.held.select_nth_unstable(ENDS - 1);
            self.most = Some(*most);
            self.held.truncate(ENDS);
        }
    }

    fn finish(mut self) -> Vec<At> {
        self.trim();
        self.held
    }
}

struct Column {
    name: String,
    place: usize,
    seen: u64,
    /// Every how many-th value is in the sample; a power of two.
    every: u64,
    sample: Vec<f64>,
    low: Ends,
    /// The same of the negated values.
    high: Ends,
}

/// What stands far out in a column.
#[derive(Debug, PartialEq)]
struct Outliers {
    column: String,
    count: u64,
    present: u64,
    exact: bool,
    rows: Vec<u64>,
}

impl Outliers {
    fn line(self) -> Vec<Figure> {
        let ppm = u128::from(self.count) * 1_000_000 / u128::from(self.present.max(1));
        vec![
            Figure::Text(self.column),
            Figure::Count(self.count),
            Figure::Ppm(ppm as u32),
            Figure::Text(if self.exact { "all" } else { "estimated" }.to_owned()),
            Figure::Rows(self.rows),
        ]
    }
}

impl Column {
    fn new(place: usize, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            place,
            seen: 0,
            every: 1,
            sample: Vec::new(),
            low: Ends::default(),
            high: Ends::default(),
        }
    }

    fn scan(&mut self, rows: &Rows<'_>) {
        let Some(cells) = rows.columns.get(self.place) else {
            return;
        };
        cells.each_number(rows.len, |row, value| {
            if value.is_finite() {
                self.add(value, rows.first + row as u64);
            }
        });
    }

    fn add(&mut self, value: f64, row: u64) {
        if self.seen & (self.every - 1) == 0 {
            if self.sample.len() == SAMPLE {
                let mut place = 0;
                self.sample.retain(|_| {
                    place += 1;
                    place % 2 == 1
                });
                self.every *= 2;
            }
            if self.seen & (self.every - 1) == 0 {
                self.sample.push(value);
            }
        }
        self.seen += 1;
        self.low.keep(At(value, row));
        self.high.keep(At(-value, row));
    }

    fn finish(mut self) -> Option<Outliers> {
        if self.sample.len() < FEWEST {
            return None;
        }
        self.sample.sort_unstable_by(f64::total_cmp);
        let (below, above) = fences(&self.sample)?;
        let ends = |ends: Ends| ends.finish().into_iter();
        let low: Vec<At> = ends(self.low).filter(|at| at.0 < below).collect();
        let high: Vec<At> = ends(self.high).filter(|at| -at.0 > above).collect();
        let exact = low.len() < ENDS && high.len() < ENDS;
        let outside = |value: &&f64| **value < below || **value > above;
        let count = match exact {
            true => (low.len() + high.len()) as u64,
            false => self.sample.iter().filter(outside).count() as u64 * self.every,
        };
        let mut rows: Vec<u64> = low.iter().chain(&high).map(|at| at.1).collect();
        rows.sort_unstable();
        rows.truncate(SAMPLES);
        (count > 0).then_some(Outliers {
            column: self.name,
            count,
            present: self.seen,
            exact,
            rows,
        })
    }
}

/// The bounds beyond which a value is far out; none where most values are equal, so that nothing
/// says how far is far.
fn fences(sorted: &[f64]) -> Option<(f64, f64)> {
    let (first, middle, third) = (
        quantile(sorted, 0.25),
        quantile(sorted, 0.5),
        quantile(sorted, 0.75),
    );
    let mut deviations: Vec<f64> = sorted.iter().map(|value| (value - middle).abs()).collect();
    deviations.sort_unstable_by(f64::total_cmp);
    let mad = quantile(&deviations, 0.5);
    let range = third - first;
    if mad <= 0.0 || range <= 0.0 {
        return None;
    }
    let reach = Z * mad / NORMAL_MAD;
    Some((
        (middle - reach).min(first - FENCE * range),
        (middle + reach).max(third + FENCE * range),
    ))
}

/// Linear between neighbours (R. Hyndman and Y. Fan, "Sample quantiles in statistical packages",
/// 1996, type 7).
fn quantile(sorted: &[f64], at: f64) -> f64 {
    let place = (sorted.len().saturating_sub(1)) as f64 * at;
    let (low, part) = (place as usize, place - place.floor());
    let value = |place: usize| sorted.get(place).or(sorted.last()).copied().unwrap_or(0.0);
    value(low) + part * (value(low + 1) - value(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(values: impl IntoIterator<Item = f64>) -> Option<Outliers> {
        let mut column = Column::new(0, "c");
        for (row, value) in (0u64..).zip(values) {
            column.add(value, row);
        }
        column.finish()
    }

    #[test]
    fn quartiles_are_those_of_type_7() {
        let sorted = [1.0, 2.0, 3.0, 4.0];
        assert_eq!(
            (
                quantile(&sorted, 0.25),
                quantile(&sorted, 0.5),
                quantile(&sorted, 0.75)
            ),
            (1.75, 2.5, 3.25)
        );
        assert_eq!(quantile(&[7.0], 0.5), 7.0);
    }

    #[test]
    fn far_values_are_counted_with_their_rows() {
        let mut values: Vec<f64> = (0..100).map(|i| f64::from(i % 10)).collect();
        assert_eq!(found(values.clone()), None);
        values[41] = 1_000.0;
        values[7] = -900.0;
        let seen = found(values).expect("two values are far out");
        assert_eq!((seen.count, seen.exact, seen.rows), (2, true, vec![7, 41]));
        // Most are equal: how far is far?
        assert_eq!(
            found((0..100).map(|i| if i == 3 { 9.0 } else { 0.0 })),
            None
        );
        assert_eq!(found([1.0, 2.0, 900.0]), None);
    }

    #[test]
    fn more_than_the_ends_hold_is_estimated() {
        let values = (0..200_000u32).map(|i| if i % 49 == 48 { 1e6 } else { f64::from(i % 7) });
        let seen = found(values).expect("one of 49 is far out");
        assert!(
            !seen.exact && (3_600..=4_400).contains(&seen.count),
            "{seen:?}"
        );
    }
}
