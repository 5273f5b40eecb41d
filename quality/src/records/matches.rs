//! Decisions, entities and explanations.

use rayon::prelude::*;

use super::Records;
use super::block;
use super::compare::{level, level_name, pattern};
use super::em::{self, Model};

/// Two records of one entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    /// The earlier record.
    pub a: u32,
    /// The later record.
    pub b: u32,
    /// Probability that both are of one entity, parts per million.
    pub probability_ppm: u32,
    /// Evidence, thousandths of a bit, prior included.
    pub millibits: i64,
    pattern: u64,
}

/// How a field of two records agrees, and what that says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// The field.
    pub column: String,
    /// How its values agree.
    pub level: &'static str,
    /// Evidence for one entity (negative: against), thousandths of a bit.
    pub millibits: i64,
}

/// Matching records.
#[derive(Clone, Debug)]
pub struct Matches {
    /// Pairs by record numbers.
    pub pairs: Vec<Match>,
    /// Per record: the first record of its entity, itself when it is alone.
    pub entity: Vec<u32>,
    /// Pairs compared.
    pub compared: u64,
    /// Blocking keys used.
    pub keys: u64,
    /// Blocks that were too large, and records in them (once per key).
    pub dropped: (u64, u64),
    /// Rounds of estimation until it settled.
    pub rounds: u64,
    columns: Vec<String>,
    model: Model,
}

impl Matches {
    /// Why a pair matches: the prior, then every field.
    pub fn explain(&self, pair: &Match) -> Vec<Agreement> {
        let fields = self.columns.iter().zip(&self.model.weights).enumerate();
        fields
            .map(|(at, (column, weights))| {
                let level = level(pair.pattern, at);
                Agreement {
                    column: column.clone(),
                    level: level_name(level),
                    millibits: milli(em::weight(weights, level)),
                }
            })
            .collect()
    }

    /// Evidence before any field is looked at, thousandths of a bit.
    pub fn prior_millibits(&self) -> i64 {
        milli(self.model.prior)
    }

    /// Records that are not the first of their entity.
    pub fn redundant(&self) -> u64 {
        let rows = (0u32..).zip(&self.entity);
        rows.filter(|(row, first)| row != *first).count() as u64
    }
}

fn milli(bits: f64) -> i64 {
    libm::round(bits * 1000.0) as i64
}

pub(super) fn run(records: &Records) -> Matches {
    let blocked = block::candidates(records);
    let place = |column: &Option<String>| {
        let column = column.as_ref()?;
        records.rules.place(column).ok()
    };
    let fields = records.rules.fields.iter();
    let swaps: Vec<Option<usize>> = fields.map(|field| place(&field.swap)).collect();
    let patterns: Vec<u64> = blocked
        .pairs
        .par_iter()
        .map(|(a, b)| pattern(records, &swaps, *a, *b))
        .collect();
    let model = em::fit(records, &swaps, &patterns);
    let pairs: Vec<Match> = blocked
        .pairs
        .iter()
        .zip(&patterns)
        .filter_map(|((a, b), pattern)| {
            let bits = model.bits(*pattern);
            let probability_ppm = libm::round(em::probability(bits) * 1e6) as u32;
            (probability_ppm >= records.rules.probability_ppm).then(|| Match {
                a: *a,
                b: *b,
                probability_ppm,
                millibits: milli(bits),
                pattern: *pattern,
            })
        })
        .collect();
    Matches {
        entity: entities(records.rows, &pairs),
        pairs,
        compared: blocked.pairs.len() as u64,
        keys: blocked.keys as u64,
        dropped: blocked.dropped,
        rounds: model.rounds as u64,
        columns: records
            .rules
            .fields
            .iter()
            .map(|f| f.column.clone())
            .collect(),
        model,
    }
}

/// The first record of every record's entity.
fn entities(rows: usize, pairs: &[Match]) -> Vec<u32> {
    let mut forest = crate::near::Forest::new(rows);
    for pair in pairs {
        forest.join(pair.a, pair.b);
    }
    forest.roots()
}
