//! Strata and utilities of clusters, out of the values of their rows.
//!
//! Fingerprints say which rows are equal, not what stands in them. Where the policy declares
//! strata, or a label and held-out rows, the cleaned files are read once more, and of each the
//! rows that stand for a cluster become examples.
//!
//! * Test rows are the held-out rows of who may judge (the dataset's owner): nobody else chooses
//!   what the others are measured by. They train nothing and have u = 1, and so has every row
//!   without a label.
//! * All other rows train, those of late copies excepted, which are no cluster of their own.
//! * Rows alike in features and label teach the same: each of them has the mean of their values.
//! * Cost is bounded: of more test rows than the work allows, the first in the order of a hash of
//!   what they hold are taken; beyond [`MOST_CELLS`] features nothing is measured. Both is said.

use bytes::Bytes;
use ndarray::{Axis, Slice};

use super::{Clusters, Factors, Representative, WeighError, utilities};
use crate::analysis::{Analysis, Found, Rows};
use crate::assess;
use crate::error::AssessError;
use crate::input::{Packed, Source};
use crate::learn::{Example, Layout, prepare};
use crate::policy::Policy;
use crate::shapley::{self, NEIGHBOURS};

/// Most features × training rows, 512 MB of them.
pub const MOST_CELLS: usize = 1 << 26;

/// Most steps: test rows × training rows × (features + what sorting costs).
const MOST_STEPS: usize = 20_000_000_000;

/// Steps of sorting, by row.
const SORTING: usize = 16;

/// What was measured, for the reader of the shares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Learned {
    /// Declared strata were taken into account.
    pub strata: bool,
    /// Rows that trained.
    pub train: u64,
    /// Held-out rows that could judge.
    pub tests: u64,
    /// Those of them that did; 0 = utility was not measured.
    pub tests_used: u64,
}

/// The clusters' representatives on their way to factors: made from clusters and policy, shown
/// the cleaned file of every holding it [`wants`](Self::wants), then turned into [`Factors`].
pub struct Lesson<'a> {
    policy: &'a Policy,
    representatives: Vec<Representative>,
    /// By representative; none until its holding was read.
    examples: Vec<Option<(u128, Example)>>,
}

impl<'a> Lesson<'a> {
    /// `None` when the policy declares neither strata nor a label with held-out rows: then every
    /// factor is 1.
    #[must_use]
    pub fn new(clusters: &Clusters<'_>, policy: &'a Policy) -> Option<Self> {
        if policy.strata.is_empty() && policy.held_out.is_none() {
            return None;
        }
        let representatives = clusters.representatives();
        Some(Self {
            examples: vec![None; representatives.len()],
            policy,
            representatives,
        })
    }

    /// Does a holding have rows that stand for clusters?
    #[must_use]
    pub fn wants(&self, holding: usize) -> bool {
        self.representatives.iter().any(|r| r.holding == holding)
    }

    /// Reads the cleaned file of a holding, a Parquet file of our own writer.
    ///
    /// # Errors
    /// [`AssessError`] when it is not a file of this dataset's contract.
    pub fn read(&mut self, holding: usize, cleaned: &Bytes) -> Result<(), AssessError> {
        self.read_source(holding, &mut Packed::open(cleaned)?)
    }

    fn read_source(&mut self, holding: usize, source: &mut dyn Source) -> Result<(), AssessError> {
        let of = self.representatives.iter().enumerate();
        let mut wanted: Vec<(u64, usize)> = of
            .filter(|(_, r)| r.holding == holding)
            .map(|(cluster, r)| (r.row as u64, cluster))
            .collect();
        wanted.sort_unstable();
        let found = assess::show(source, self.policy, |rules| Collector {
            layout: Layout::new(self.policy, rules),
            wanted,
            next: 0,
            found: Vec::new(),
        })?;
        for (cluster, stratum, example) in found.found {
            if let Some(place) = self.examples.get_mut(cluster) {
                *place = Some((stratum, example));
            }
        }
        Ok(())
    }

    /// The factors of all clusters.
    ///
    /// # Errors
    /// [`WeighError::Factors`] when a holding that was wanted was not read, or has fewer rows
    /// than its marks.
    pub fn factors(self) -> Result<(Factors, Learned), WeighError> {
        let examples: Option<Vec<(u128, Example)>> = self.examples.into_iter().collect();
        let (strata, examples): (Vec<u128>, Vec<Example>) =
            examples.ok_or(WeighError::Factors)?.into_iter().unzip();
        let judged: Vec<bool> = self.representatives.iter().map(|r| r.judged).collect();
        let mut learned = Learned {
            strata: !self.policy.strata.is_empty(),
            ..Learned::default()
        };
        let values = self
            .policy
            .held_out
            .as_ref()
            .and_then(|_| values(&examples, &judged, &mut learned));
        let strata = learned.strata.then_some(strata.as_slice());
        Ok((Factors::new(strata, values), learned))
    }
}

/// Utilities of all examples, or none when nobody can judge.
fn values(examples: &[Example], judged: &[bool], learned: &mut Learned) -> Option<Vec<u64>> {
    let tests = |at: usize| {
        let of = examples.get(at).zip(judged.get(at));
        of.is_some_and(|(example, judged)| example.held_out && *judged)
    };
    let prepared = prepare(examples, tests);
    let (rows, width) = prepared.train.dim();
    learned.train = rows as u64;
    learned.tests = prepared.test.nrows() as u64;
    if rows == 0 || prepared.test.nrows() == 0 || rows * width > MOST_CELLS {
        return None;
    }
    let affordable = (MOST_STEPS / (rows * (width + SORTING))).max(1);
    let used = prepared.test.nrows().min(affordable);
    learned.tests_used = used as u64;
    let values = shapley::knn(
        prepared.train.view(),
        &prepared.train_labels,
        prepared.test.slice_axis(Axis(0), Slice::from(..used)),
        &prepared.test_labels,
        NEIGHBOURS,
    );
    let values = evened(values, &prepared.train_prints);
    let known: Vec<Option<f64>> = values.into_iter().map(Some).collect();
    let mut all = vec![super::ONE; examples.len()];
    for (at, utility) in prepared.train_rows.iter().zip(utilities(&known)) {
        if let Some(place) = all.get_mut(*at) {
            *place = utility;
        }
    }
    Some(all)
}

/// The mean value for rows that hold the same; they stand side by side.
fn evened(mut values: Vec<f64>, prints: &[u128]) -> Vec<f64> {
    let mut first = 0;
    for run in prints.chunk_by(|a, b| a == b) {
        let end = first + run.len();
        if let Some(alike) = values.get_mut(first..end).filter(|alike| alike.len() > 1) {
            let mean = alike.iter().sum::<f64>() / alike.len() as f64;
            alike.fill(mean);
        }
        first = end;
    }
    values
}

/// Takes the rows that stand for clusters.
struct Collector {
    layout: Layout,
    /// Row and cluster, by row.
    wanted: Vec<(u64, usize)>,
    next: usize,
    found: Vec<(usize, u128, Example)>,
}

impl Analysis for Collector {
    fn name(&self) -> &'static str {
        "utility"
    }

    fn scan(&mut self, rows: &Rows<'_>) {
        let end = rows.first + rows.len as u64;
        while let Some((row, cluster)) = self.wanted.get(self.next).filter(|(row, _)| *row < end) {
            let at = (row - rows.first) as usize;
            let example = self.layout.example(rows, at);
            self.found
                .push((*cluster, self.layout.stratum(rows, at), example));
            self.next += 1;
        }
    }

    fn finish(self: Box<Self>) -> Found {
        Found::default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::DateTime;
    use uuid::Uuid;

    use super::super::{Holding, KeyedRow, Repeats, compose_clusters};
    use super::*;
    use crate::assess::{Options, assess_source};
    use crate::input::Csv;

    const RULES: &str = r#"
        label = "grain"
        held_out = { column = "split", value = "test" }
        strata = ["field"]
        [[columns]]
        name = "length"
        type = "float64"
        [[columns]]
        name = "field"
        type = "string"
        [[columns]]
        name = "grain"
        type = "string"
        [[columns]]
        name = "split"
        type = "string"
    "#;

    /// Lengths around 1 are oat and around 9 rye, unless somebody lies.
    fn lines(range: std::ops::Range<u32>, split: &str, lies: bool) -> Vec<String> {
        let line = |n: u32| {
            let (long, field) = (
                n.is_multiple_of(2),
                if n.is_multiple_of(5) {
                    "north"
                } else {
                    "south"
                },
            );
            let grain = if long == lies { "oat" } else { "rye" };
            let length = if long { 9.0 } else { 1.0 } + f64::from(n) / 1_000.0;
            format!("{length},{field},{grain},{split}")
        };
        range.map(line).collect()
    }

    fn source(lines: &[String]) -> Csv<std::io::Cursor<Vec<u8>>> {
        let text = format!("length,field,grain,split\n{}\n", lines.join("\n"));
        Csv::open(std::io::Cursor::new(text.into_bytes()), Some(b',')).expect("CSV")
    }

    fn weighed(files: &[Vec<String>], judge: usize) -> (BTreeMap<Uuid, u128>, Vec<u64>, Learned) {
        let policy = Policy::from_toml(RULES).expect("rules");
        let marks: Vec<Vec<KeyedRow>> = files
            .iter()
            .map(|lines| {
                let options = Options::at(DateTime::UNIX_EPOCH);
                let found = assess_source(&mut source(lines), &policy, options, None, &mut |_| {});
                let prints = found.expect("readable").rows.fingerprints.into_iter();
                let row = |print: u128| KeyedRow {
                    fp: print.to_be_bytes(),
                    quality: u32::MAX,
                };
                prints.map(row).collect()
            })
            .collect();
        let holdings: Vec<Holding<'_>> = marks
            .iter()
            .zip(1u64..)
            .map(|(rows, receipt_no)| Holding {
                contribution: Uuid::from_u128(100 + u128::from(receipt_no)),
                entity: Uuid::from_u128(receipt_no.into()),
                receipt_no,
                first_published: None,
                q_hundredths: 10_000,
                rows,
                tombstone: false,
                clusters: None,
                judges: receipt_no as usize == judge + 1,
            })
            .collect();
        let clusters = Clusters::new(&holdings, Repeats::Facts).expect("holdings");
        let mut lesson = Lesson::new(&clusters, &policy).expect("a label");
        for (at, lines) in files.iter().enumerate() {
            if lesson.wants(at) {
                lesson
                    .read_source(at, &mut source(lines))
                    .expect("readable");
            }
        }
        let (factors, learned) = lesson.factors().expect("all were read");
        let clusters = clusters.with_factors(factors).expect("one for each");
        let found = compose_clusters(&clusters);
        let utilities = found.contributions.iter().map(|c| c.mean_utility_ppm());
        (found.weights, utilities.collect(), learned)
    }

    #[test]
    fn lies_earn_less_and_order_changes_nothing() {
        let mut files = vec![
            lines(0..30, "test", false),
            lines(100..160, "train", false),
            // Nearer to the tests than the truth is.
            lines(40..100, "train", true),
        ];
        let (weights, utilities, learned) = weighed(&files, 0);
        assert_eq!(
            (learned.train, learned.tests, learned.tests_used),
            (120, 30, 30)
        );
        assert_eq!(utilities[0], 1_000_000);
        assert!(
            utilities[1] > 1_000_000 && utilities[2] < 1_000_000,
            "{utilities:?}"
        );
        for lines in &mut files {
            lines.reverse();
            lines.rotate_left(7);
        }
        assert_eq!(weighed(&files, 0).0, weights);
        // Nobody else's held-out rows count: then nothing is measured, and only strata do.
        let (_, unjudged, learned) = weighed(&files, 1);
        assert_eq!((unjudged, learned.tests_used), (vec![1_000_000; 3], 0));
        assert!(learned.strata);
    }

    #[test]
    fn what_was_not_read_is_not_guessed() {
        let policy = Policy::from_toml(RULES).expect("rules");
        let row = KeyedRow {
            fp: [1; 16],
            quality: u32::MAX,
        };
        let holding = Holding {
            contribution: Uuid::from_u128(1),
            entity: Uuid::from_u128(1),
            receipt_no: 1,
            first_published: None,
            q_hundredths: 10_000,
            rows: &[row],
            tombstone: false,
            clusters: None,
            judges: true,
        };
        let holdings = [holding];
        let clusters = Clusters::new(&holdings, Repeats::Facts).expect("one");
        let lesson = Lesson::new(&clusters, &policy).expect("a label");
        assert!(matches!(lesson.factors(), Err(WeighError::Factors)));
    }
}
