//! How the numbers of a column are spread, in at most [`MOST_BINS`] bins.
//!
//! A bin is a prefix of a double's ordered bits. While a column has few different numbers each
//! has a bin of its own; with more of them the last bit is dropped until they fit, so bins are
//! as narrow as the column allows, everywhere. How many bits are dropped follows from the set of
//! numbers alone: neither order nor batches change it, and summaries of parts can be merged.

use serde::{Deserialize, Serialize};

/// Most bins of a column.
pub const MOST_BINS: usize = 1024;

/// Counts of numbers by the leading bits of their ordered form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bins {
    /// Trailing bits that are not looked at.
    dropped: u32,
    /// Prefix and count, ascending.
    counts: Vec<(u64, u64)>,
}

/// A double's bits, so that larger numbers have larger bits; −0 is 0.
fn ordered(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    match bits >> 63 {
        0 => bits | 1 << 63,
        _ => !bits,
    }
}

impl Bins {
    /// Counts finite numbers.
    pub fn add(&mut self, values: &[f64]) {
        let finite = values.iter().filter(|value| value.is_finite());
        let mut keys: Vec<u64> = finite
            .map(|value| ordered(*value) >> self.dropped)
            .collect();
        keys.sort_unstable();
        let counted = keys.chunk_by(|a, b| a == b);
        let counted = counted.filter_map(|same| Some((*same.first()?, same.len() as u64)));
        self.take(counted.collect());
    }

    /// Adds the counts of another part of the same column.
    pub fn merge(&mut self, other: &Self) {
        let dropped = self.dropped.max(other.dropped);
        self.coarsen(dropped);
        let mut other = other.clone();
        other.coarsen(dropped);
        self.take(other.counts);
    }

    /// How many numbers were counted.
    pub fn total(&self) -> u64 {
        self.counts.iter().map(|(_, count)| count).sum()
    }

    /// Counts of both in common bins, ascending.
    pub fn aligned(&self, other: &Self) -> Vec<(u64, u64)> {
        let dropped = self.dropped.max(other.dropped);
        let (mut own, mut others) = (self.clone(), other.clone());
        own.coarsen(dropped);
        others.coarsen(dropped);
        let own = own.counts.into_iter().map(|(key, n)| (key, n, 0));
        let others = others.counts.into_iter().map(|(key, n)| (key, 0, n));
        let mut all: Vec<(u64, u64, u64)> = own.chain(others).collect();
        all.sort_unstable_by_key(|(key, ..)| *key);
        let bins = all.chunk_by(|a, b| a.0 == b.0);
        bins.map(|same| {
            let add = |(a, b): (u64, u64), bin: &(u64, u64, u64)| (a + bin.1, b + bin.2);
            same.iter().fold((0, 0), add)
        })
        .collect()
    }

    /// Whether this can be what [`Bins::add`] made.
    pub fn is_sound(&self) -> bool {
        self.dropped < 64
            && self.counts.len() <= MOST_BINS
            && self.counts.is_sorted_by(|a, b| a.0 < b.0)
            && self
                .counts
                .iter()
                .all(|(_, count)| *count <= u64::from(u32::MAX))
    }

    fn take(&mut self, counts: Vec<(u64, u64)>) {
        self.counts.extend(counts);
        self.counts.sort_unstable_by_key(|(key, _)| *key);
        self.join();
        while self.counts.len() > MOST_BINS {
            self.coarsen(self.dropped + 1);
        }
    }

    fn coarsen(&mut self, dropped: u32) {
        let by = dropped.saturating_sub(self.dropped);
        self.dropped += by;
        for (key, _) in &mut self.counts {
            *key = key.checked_shr(by).unwrap_or(0);
        }
        self.join();
    }

    /// Adds up neighbours with one key.
    fn join(&mut self) {
        self.counts.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
    }
}
