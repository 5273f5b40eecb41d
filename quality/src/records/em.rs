//! What agreement says: probabilities by expectation maximisation.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::Records;
use super::compare::{LEVELS, MISSING, level, pattern};

/// Pairs drawn to count agreement by chance.
const DRAWS: u64 = 20_000;
const MOST_ROUNDS: usize = 100;
/// Change of the prior, relative, at which it has settled.
const SETTLED: f64 = 1e-6;

/// Probability of each level of each field.
type Table = Vec<[f64; LEVELS]>;

/// What was estimated.
#[derive(Clone, Debug)]
pub(super) struct Model {
    /// log₂(m/u) per field and level.
    pub weights: Table,
    /// log₂ of the odds that two records drawn at random match.
    pub prior: f64,
    /// Passes over the patterns.
    pub rounds: usize,
}

impl Model {
    /// Bits for a match: the prior and every field.
    pub fn bits(&self, pattern: u64) -> f64 {
        let fields = self.weights.iter().enumerate();
        self.prior
            + fields
                .map(|(field, weights)| weight(weights, level(pattern, field)))
                .sum::<f64>()
    }
}

pub(super) fn weight(weights: &[f64; LEVELS], level: u64) -> f64 {
    weights.get(level as usize).copied().unwrap_or(0.0)
}

/// Probability of so many bits.
pub(super) fn probability(bits: f64) -> f64 {
    1.0 / (1.0 + libm::exp2(-bits))
}

pub(super) fn fit(records: &Records, swaps: &[Option<usize>], patterns: &[u64]) -> Model {
    let fields = records.fields.len();
    let by_chance = drawn(records, swaps);
    let mut counted: BTreeMap<u64, u64> = BTreeMap::new();
    for pattern in patterns {
        *counted.entry(*pattern).or_default() += 1;
    }
    let rows = records.rows as f64;
    let all_pairs = (rows * (rows - 1.0) / 2.0).max(1.0);
    // To begin with: one match per ten records, fields that mostly agree.
    let mut prior = (rows / 10.0 / all_pairs).clamp(1e-12, 0.5);
    let mut of_matches: Table = vec![[0.0, 0.02, 0.03, 0.05, 0.05, 0.85]; fields];
    let mut model = model(&of_matches, &by_chance, prior);
    for round in 1..=MOST_ROUNDS {
        let mut seen: Table = vec![[0.0; LEVELS]; fields];
        let mut expected = 0.0;
        for (pattern, count) in &counted {
            let share = probability(model.bits(*pattern)) * *count as f64;
            expected += share;
            for (field, seen) in seen.iter_mut().enumerate() {
                if let Some(seen) = seen.get_mut(level(*pattern, field) as usize) {
                    *seen += share;
                }
            }
        }
        of_matches = seen.iter().map(smoothed).collect();
        let next = (expected / all_pairs).clamp(1e-12, 0.5);
        let moved = (next - prior).abs() / prior;
        prior = next;
        model = self::model(&of_matches, &by_chance, prior);
        model.rounds = round;
        if moved < SETTLED {
            break;
        }
    }
    model
}

fn model(of_matches: &Table, by_chance: &Table, prior: f64) -> Model {
    let fields = of_matches.iter().zip(by_chance);
    let weights = fields.map(|(m, u)| {
        let mut weights = [0.0; LEVELS];
        let levels = weights.iter_mut().zip(m.iter().zip(u)).skip(1);
        for (weight, (m, u)) in levels {
            *weight = libm::log2(m / u);
        }
        weights
    });
    Model {
        weights: weights.collect(),
        prior: libm::log2(prior / (1.0 - prior)),
        rounds: 0,
    }
}

/// Shares of the levels among pairs that can be compared. Half a pair is added
/// to each, so that what was never seen is unlikely, not impossible.
fn smoothed(counts: &[f64; LEVELS]) -> [f64; LEVELS] {
    let comparable = counts.iter().skip(1).sum::<f64>() + 0.5 * (LEVELS - 1) as f64;
    let mut shares = counts.map(|count| (count + 0.5) / comparable);
    shares[MISSING as usize] = 0.0;
    shares
}

/// Levels among pairs drawn from all records, in fixed strides. Matches among
/// them are too few to matter.
fn drawn(records: &Records, swaps: &[Option<usize>]) -> Table {
    let rows = records.rows as u64;
    if rows < 2 {
        return vec![smoothed(&[0.0; LEVELS]); records.fields.len()];
    }
    let draws = DRAWS.min(rows * (rows - 1) / 2);
    let patterns: Vec<u64> = (0..draws)
        .into_par_iter()
        .map(|draw| {
            let a = spread(2 * draw) % rows;
            let b = (a + 1 + spread(2 * draw + 1) % (rows - 1)) % rows;
            pattern(records, swaps, a as u32, b as u32)
        })
        .collect();
    let mut counts: Table = vec![[0.0; LEVELS]; records.fields.len()];
    for pattern in patterns {
        for (field, counts) in counts.iter_mut().enumerate() {
            if let Some(count) = counts.get_mut(level(pattern, field) as usize) {
                *count += 1.0;
            }
        }
    }
    counts.iter().map(smoothed).collect()
}

/// Spreads a counter over 64 bits (splitmix64).
fn spread(counter: u64) -> u64 {
    let mut x = counter.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
