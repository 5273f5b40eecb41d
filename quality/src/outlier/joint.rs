//! Rows whose numbers are usual one by one and unusual together: 160 cm and 120 kg, a tax that
//! does not fit its amount.
//!
//! The distance of a row is that of P. Mahalanobis from where most rows lie ([`super::scatter`]).
//! It is far out when both of two measures say so, as with single columns: beyond what one normal
//! row of ten thousand is, and beyond Tukey's outer fence of all distances. The column named is
//! the one without which the most of the squared distance would be gone.
//!
//! Of a long table every 2nd, 4th, 8th… row is kept, and the report says so. A row that lacks some
//! of the numbers is measured by those it has.

use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;

use super::scatter::{Scatter, normal, robust};
use super::{FENCE, FEWEST, NORMAL_MAD, quantile};
use crate::analysis::{Analysis, Context, Figure, Found, Rows, Section};

/// Rows kept, at most: 16 MiB of the widest table, whatever memory there is, so that the same is
/// found with any.
const KEPT: usize = 1 << 17;
/// Columns looked at together, the first ones of the table.
const WIDEST: usize = 16;
/// Rows that say how most rows scatter.
const FITTED: usize = 4096;
/// Complete rows that a column needs.
const ROWS_PER_COLUMN: usize = 10;
/// The normal quantile that one row of ten thousand exceeds.
const RARE: f64 = 3.719_016_485_455_709;
/// Rows listed.
const LISTED: usize = 20;
/// Largest usual modified z-score of a single column.
const Z: f64 = super::Z;
/// Sets of present columns told apart.
const PATTERNS: usize = 1024;

/// The analysis, when there are two columns of numbers.
pub(crate) fn start(context: &Context<'_>) -> Option<Box<dyn Analysis>> {
    let rules = context.rules.iter().enumerate();
    let numbers = rules.filter(|(_, rule)| rule.kind.is_number());
    let columns: Vec<(usize, String)> = numbers
        .filter(|(_, rule)| !context.policy.key.contains(&rule.name))
        .filter(|(_, rule)| !context.policy.surrogate.contains(&rule.name))
        .map(|(place, rule)| (place, rule.name.clone()))
        .take(WIDEST)
        .collect();
    (columns.len() > 1).then(|| Box::new(Joint::new(columns, KEPT)) as _)
}

struct Joint {
    columns: Vec<(usize, String)>,
    /// Numbers of the kept rows, row by row; what a row lacks is not a number.
    kept: Vec<f64>,
    most: usize,
    /// Every how many-th row is kept; a power of two.
    every: u64,
    seen: u64,
}

impl Joint {
    fn new(columns: Vec<(usize, String)>, most: usize) -> Self {
        Self {
            columns,
            kept: Vec::new(),
            // A power of two: halved, every second row is left.
            most: 1 << most.ilog2(),
            every: 1,
            seen: 0,
        }
    }

    fn add(&mut self, row: impl Iterator<Item = f64>) {
        let width = self.columns.len();
        if self.seen & (self.every - 1) == 0 && self.kept.len() == self.most * width {
            for place in 0..self.most / 2 {
                self.kept
                    .copy_within(2 * place * width..(2 * place + 1) * width, place * width);
            }
            self.kept.truncate(self.most / 2 * width);
            self.every *= 2;
        }
        if self.seen & (self.every - 1) == 0 {
            self.kept.extend(row);
        }
        self.seen += 1;
    }
}

impl Analysis for Joint {
    fn name(&self) -> &'static str {
        "joint_outliers"
    }

    fn scan(&mut self, rows: &Rows<'_>) {
        let columns: Vec<usize> = self.columns.iter().map(|(place, _)| *place).collect();
        for row in 0..rows.len {
            let numbers = columns.iter().map(|place| {
                let cells = rows.columns.get(*place);
                let number = cells.and_then(|cells| cells.number(row));
                number
                    .filter(|number| number.is_finite())
                    .unwrap_or(f64::NAN)
            });
            self.add(numbers);
        }
    }

    fn finish(self: Box<Self>) -> Found {
        Found {
            sections: self.section().into_iter().collect(),
            ..Found::default()
        }
    }
}

/// A row far from where most lie.
#[derive(Clone, Debug, PartialEq)]
struct Far {
    row: u64,
    /// In standard deviations.
    distance: f64,
    /// As a normal quantile: rows that lack different numbers compare by it.
    score: f64,
    column: usize,
    /// Part of the squared distance that would be gone without that column.
    part: f64,
    /// Is it far out in that column by itself?
    alone: bool,
}

/// What was found, and in how many rows it was looked for.
struct Looked {
    columns: Vec<usize>,
    far: Vec<Far>,
    rows: u64,
}

impl Joint {
    fn look(&self) -> Option<Looked> {
        let width = self.columns.len();
        let (columns, scales): (Vec<usize>, Vec<(f64, f64)>) = (0..width)
            .filter_map(|at| Some((at, scale(&self.kept, width, at)?)))
            .unzip();
        if columns.len() < 2 {
            return None;
        }
        let scaled = |row: &[f64]| -> Vec<f64> {
            let cells = columns.iter().zip(&scales);
            let cells = cells.map(|(at, (middle, spread))| {
                row.get(*at).map_or(f64::NAN, |x| (x - middle) / spread)
            });
            cells.collect()
        };
        let rows: Vec<Vec<f64>> = self.kept.par_chunks_exact(width).map(scaled).collect();
        let complete: Vec<&Vec<f64>> = rows
            .iter()
            .filter(|row| row.iter().all(|x| x.is_finite()))
            .collect();
        if complete.len() < (ROWS_PER_COLUMN * columns.len()).max(FEWEST) {
            return None;
        }
        let step = complete.len().div_ceil(FITTED);
        let fitted: Vec<f64> = complete
            .iter()
            .step_by(step)
            .flat_map(|row| row.iter().copied())
            .collect();
        let scatter = robust(&fitted, columns.len())?;
        let scatters = by_pattern(&rows, &scatter);
        let all: Vec<Option<Far>> = rows
            .par_iter()
            .enumerate()
            .map(|(place, row)| distance(row, &scatters, place as u64 * self.every))
            .collect();
        let all: Vec<Far> = all.into_iter().flatten().collect();
        let mut scores: Vec<f64> = all.iter().map(|far| far.score).collect();
        scores.sort_unstable_by(f64::total_cmp);
        let (first, third) = (quantile(&scores, 0.25), quantile(&scores, 0.75));
        let fence = (third + FENCE * (third - first)).max(RARE);
        let looked = all.len() as u64;
        let mut far: Vec<Far> = all.into_iter().filter(|far| far.score > fence).collect();
        far.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.row.cmp(&b.row)));
        Some(Looked {
            columns,
            far,
            rows: looked,
        })
    }

    fn section(&self) -> Option<Section> {
        let looked = self.look()?;
        let name = |at: usize| {
            let column = looked.columns.get(at).and_then(|at| self.columns.get(*at));
            column.map_or(String::new(), |(_, name)| name.clone())
        };
        let millionths = |value: f64| (value * 1e6).round() as i64;
        let lines = looked.far.iter().take(LISTED).map(|far| {
            vec![
                Figure::Count(far.row),
                Figure::Millionths(millionths(far.distance)),
                Figure::Text(name(far.column)),
                Figure::Ppm((far.part * 1e6).round() as u32),
                Figure::Text(if far.alone { "yes" } else { "no" }.to_owned()),
            ]
        });
        let names: Vec<String> = (0..looked.columns.len()).map(name).collect();
        let heads = [
            "row",
            "distance",
            "most by column",
            "its part",
            "far out there alone",
        ];
        Some(Section {
            name: "joint_outliers".to_owned(),
            title: "Unusual combinations".to_owned(),
            summary: self.summary(&looked, &names),
            method: "Mahalanobis distance by the minimum covariance determinant of three quarters of \
                     at most 4,096 complete rows; far out is beyond what one normal row of 10,000 is and beyond \
                     Tukey's outer fence of the distances. The part is what of the squared distance \
                     would be gone without the column. Costs no points."
                .to_owned(),
            heads: heads.map(str::to_owned).to_vec(),
            rows: lines.collect(),
        })
    }

    fn summary(&self, looked: &Looked, names: &[String]) -> String {
        let count = looked.far.len() as u64;
        let together = looked.far.iter().filter(|far| !far.alone).count();
        let names = names.join(", ");
        let mut text = format!(
            "{count} of {} rows are far from the others in {names} taken together; {together} of them are \
             not so in the column that adds most, taken alone.",
            looked.rows
        );
        if self.every > 1 {
            // Normal approximation of the binomial, 95 %.
            let share = count as f64 / looked.rows.max(1) as f64;
            let off = 1.96 * libm::sqrt(share * (1.0 - share) / looked.rows.max(1) as f64);
            text.push_str(&format!(
                " Every {}th row was looked at: {:.3} % ± {:.3} % (95 %) of all.",
                self.every,
                share * 100.0,
                off * 100.0
            ));
        }
        text
    }
}

/// Median and spread of a column; none where most rows lack it or most values are equal.
fn scale(kept: &[f64], width: usize, at: usize) -> Option<(f64, f64)> {
    let values = kept.iter().skip(at).step_by(width).copied();
    let mut there: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    if there.len() < FEWEST || there.len() * 2 < kept.len() / width {
        return None;
    }
    there.sort_unstable_by(f64::total_cmp);
    let middle = quantile(&there, 0.5);
    let mut off: Vec<f64> = there.iter().map(|value| (value - middle).abs()).collect();
    off.sort_unstable_by(f64::total_cmp);
    let spread = quantile(&off, 0.5) / NORMAL_MAD;
    (spread > 0.0 && spread.is_finite()).then_some((middle, spread))
}

/// Which of the columns a row has, one bit each.
fn pattern(row: &[f64]) -> u32 {
    let bits = row.iter().enumerate().filter(|(_, x)| x.is_finite());
    bits.fold(0, |bits, (at, _)| bits | 1 << at)
}

/// The scatter of the columns that rows have, for the most frequent sets of two or more.
fn by_pattern(rows: &[Vec<f64>], scatter: &Scatter) -> HashMap<u32, Scatter> {
    let mut counts: BTreeMap<u32, u64> = BTreeMap::new();
    for row in rows {
        *counts.entry(pattern(row)).or_default() += 1;
    }
    let wide = counts.into_iter().filter(|(bits, _)| bits.count_ones() > 1);
    let mut order: Vec<(u32, u64)> = wide.collect();
    order.sort_by_key(|(bits, count)| (std::cmp::Reverse(*count), *bits));
    let scatters = order.into_iter().take(PATTERNS).filter_map(|(bits, _)| {
        let columns: Vec<usize> = (0..scatter.centre.len())
            .filter(|at| bits >> at & 1 == 1)
            .collect();
        Some((bits, scatter.project(&columns)?))
    });
    scatters.collect()
}

fn distance(row: &[f64], scatters: &HashMap<u32, Scatter>, number: u64) -> Option<Far> {
    let bits = pattern(row);
    let there: Vec<usize> = (0..row.len()).filter(|at| bits >> at & 1 == 1).collect();
    let values: Vec<f64> = row.iter().copied().filter(|x| x.is_finite()).collect();
    let (square, parts) = scatters.get(&bits)?.distance(&values);
    let parts = parts.iter().copied().enumerate();
    let (place, part) = parts.max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))?;
    let column = *there.get(place)?;
    Some(Far {
        row: number,
        distance: square.max(0.0).sqrt(),
        score: normal(square, there.len()),
        column,
        part: if square > 0.0 {
            (part / square).clamp(0.0, 1.0)
        } else {
            0.0
        },
        alone: row.get(column).is_some_and(|x| x.abs() > Z),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Normal numbers: the sum of twelve of a linear congruential generator, less six.
    struct Normal(u64);

    impl Normal {
        fn next(&mut self) -> f64 {
            let mut sum = -6.0;
            for _ in 0..12 {
                self.0 = self
                    .0
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                sum += (self.0 >> 11) as f64 / (1u64 << 53) as f64;
            }
            sum
        }
    }

    fn looked(rows: &[[f64; 3]], most: usize) -> (Joint, Looked) {
        let columns = ["height", "weight", "noise"].map(|name| (0, name.to_owned()));
        let mut joint = Joint::new(columns.to_vec(), most);
        rows.iter().for_each(|row| joint.add(row.iter().copied()));
        let looked = joint.look().expect("columns that vary");
        (joint, looked)
    }

    /// Height and weight go together; noise does not.
    fn people(count: usize) -> Vec<[f64; 3]> {
        let mut normal = Normal(7);
        let person = |_| {
            let size = normal.next();
            [
                170.0 + 10.0 * size,
                70.0 + 12.0 * size + 2.0 * normal.next(),
                normal.next(),
            ]
        };
        (0..count).map(person).collect()
    }

    #[test]
    fn combinations_are_found_that_no_column_shows() {
        let mut rows = people(5_000);
        // Both within two deviations of their columns.
        rows[1234][..2].copy_from_slice(&[155.0, 90.0]);
        rows[77][2] = 40.0;
        let (joint, found) = looked(&rows, KEPT);
        let far: Vec<(u64, usize, bool)> = found
            .far
            .iter()
            .map(|f| (f.row, f.column, f.alone))
            .collect();
        assert_eq!(far.len(), 2, "{:?}", found.far);
        assert_eq!(far[0], (77, 2, true));
        assert_eq!((far[1].0, far[1].2), (1234, false));
        assert!(far[1].1 < 2 && found.far[1].part > 0.9, "{:?}", found.far);
        let section = joint.section().expect("a section");
        assert_eq!(section.rows.len(), 2);
        assert!(
            section.summary.starts_with("2 of 5000 rows"),
            "{}",
            section.summary
        );
        assert!(
            section.summary.contains("1 of them are not"),
            "{}",
            section.summary
        );
    }

    #[test]
    fn a_fifth_of_wrong_rows_does_not_hide_itself() {
        let mut rows = people(2_000);
        for row in rows.iter_mut().step_by(5) {
            row[1] = 70.0 - 12.0 * (row[0] - 170.0) / 10.0 + 60.0;
        }
        let (_, found) = looked(&rows, KEPT);
        let planted = found.far.iter().filter(|far| far.row % 5 == 0).count();
        assert_eq!(planted, found.far.len(), "only those");
        assert!(planted > 360, "{planted} of 400");
    }

    #[test]
    fn gaps_samples_and_sums_do_no_harm() {
        let mut rows = people(5_000);
        // The third is the sum of the others, but in one row.
        rows.iter_mut().for_each(|row| row[2] = row[0] + row[1]);
        rows[4032][2] += 0.5;
        for row in rows.iter_mut().skip(1).step_by(3) {
            row[0] = f64::NAN;
        }
        rows[2] = [f64::NAN, 200.0, f64::NAN];
        let (_, found) = looked(&rows, KEPT);
        assert_eq!(found.rows, 4_999, "one number alone is no combination");
        let far: Vec<u64> = found.far.iter().map(|far| far.row).collect();
        assert_eq!(far, [4032]);
        let (joint, found) = looked(&rows, 1_024);
        assert_eq!(
            (joint.every, found.far.len()),
            (8, 1),
            "4032 is one of every 8th"
        );
        assert!(
            joint
                .section()
                .expect("a section")
                .summary
                .contains("Every 8th row")
        );
        let flat: Vec<[f64; 3]> = people(500)
            .into_iter()
            .map(|[a, ..]| [a, 1.0, 2.0])
            .collect();
        let columns = ["a", "b", "c"].map(|name| (0, name.to_owned())).to_vec();
        let mut joint = Joint::new(columns, KEPT);
        flat.iter().for_each(|row| joint.add(row.iter().copied()));
        assert!(joint.section().is_none(), "one column varies");
    }
}
