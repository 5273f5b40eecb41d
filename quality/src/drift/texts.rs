//! Which texts a column has and how often, as hashes.
//!
//! Up to [`MOST_TEXTS`] different texts are counted each. Beyond that the ones with the least
//! hashes are kept, each with its whole count: a sample of the different texts that neither order
//! nor batches change.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::dedup::CellKey;

/// Most texts counted in a column.
pub const MOST_TEXTS: usize = 1024;

/// Counts of texts by their hash. The hashes have no key: keep them sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Texts {
    /// Largest hash that is still counted; all are when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bound: Option<u64>,
    /// Hash and count.
    counts: BTreeMap<u64, u64>,
}

/// Texts of two tables, counted in both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Both {
    /// Whether every text of both is here.
    pub whole: bool,
    /// Earlier and later count of each text, by hash.
    pub counts: Vec<(u64, u64)>,
}

impl Texts {
    /// Counts texts by their normal forms.
    pub(crate) fn add(&mut self, keys: impl Iterator<Item = CellKey>) {
        for key in keys {
            let hash = xxh3_64(&key.to_le_bytes());
            if self.bound.is_none_or(|bound| hash <= bound) {
                *self.counts.entry(hash).or_insert(0) += 1;
                self.shrink();
            }
        }
    }

    /// Adds the counts of another part of the same column.
    pub fn merge(&mut self, other: &Self) {
        for (hash, count) in &other.counts {
            *self.counts.entry(*hash).or_insert(0) += count;
        }
        let bounds = [self.bound, other.bound];
        self.bound = bounds.into_iter().flatten().min();
        if let Some(bound) = self.bound {
            self.counts.retain(|hash, _| *hash <= bound);
        }
        while self.counts.len() > MOST_TEXTS {
            self.shrink();
        }
    }

    /// Number of different texts; none when there are more than were counted.
    pub fn distinct(&self) -> Option<u64> {
        self.bound.is_none().then_some(self.counts.len() as u64)
    }

    /// Whether this can be what [`Texts::add`] made.
    pub fn is_sound(&self) -> bool {
        self.counts.len() <= MOST_TEXTS
            && self
                .counts
                .values()
                .all(|count| *count <= u64::from(u32::MAX))
    }

    pub(super) fn both(&self, later: &Self) -> Both {
        let bound = [self.bound, later.bound].into_iter().flatten().min();
        let mut counts: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
        for (hash, count) in &self.counts {
            counts.entry(*hash).or_default().0 = *count;
        }
        for (hash, count) in &later.counts {
            counts.entry(*hash).or_default().1 = *count;
        }
        counts.retain(|hash, _| bound.is_none_or(|bound| *hash <= bound));
        Both {
            whole: bound.is_none(),
            counts: counts.into_values().collect(),
        }
    }

    /// Gives the largest hash up when there are too many.
    fn shrink(&mut self) {
        if self.counts.len() > MOST_TEXTS {
            self.counts.pop_last();
            self.bound = self.counts.last_key_value().map(|(hash, _)| *hash);
        }
    }
}
