//! Near duplicates as part of an assessment.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::compared::Compared;
use super::{By, Found as Pairs, Hunt, Near};
use crate::analysis::{Analysis, Context, Figure, Found, NearFound, Rows, Section};
use crate::error::AssessError;
use crate::profile::SAMPLES;

/// Pairs named in the report.
const SHOWN: usize = 50;

/// Bytes of an item while it is compared.
const ITEM: usize = 16;

/// Starts looking for near duplicates, where the rules ask for it.
pub(crate) fn start(context: &Context<'_>) -> Result<Option<Box<dyn Analysis>>, AssessError> {
    let Some(rules) = &context.policy.near else {
        return Ok(None);
    };
    Ok(Some(Box::new(Search {
        compared: Compared::of(rules, context.policy, context.rules)?,
        by: rules.by,
        threshold: rules.threshold,
        phase: Mutex::new(Phase::Signing(Near::new(rules.settings()))),
        prints: Vec::new(),
        at_once: (context.memory / 4 / ITEM) as u64,
    })))
}

struct Search {
    compared: Compared,
    by: By,
    threshold: f64,
    phase: Mutex<Phase>,
    /// Fingerprints of whole rows: exact duplicates are counted elsewhere.
    prints: Vec<u128>,
    at_once: u64,
}

enum Phase {
    Signing(Near),
    Hunting(Hunt, bool),
    Done,
}

impl Phase {
    /// Looks for candidates, once all rows are signed; answers whether rows are wanted.
    fn hunt(&mut self, at_once: u64) -> bool {
        if let Self::Signing(_) = self
            && let Self::Signing(near) = std::mem::replace(self, Self::Done)
        {
            let mut hunt = near.hunt().at_once(at_once);
            let wants = hunt.wants();
            *self = Self::Hunting(hunt, wants);
        }
        matches!(self, Self::Hunting(_, true))
    }
}

impl Search {
    fn phase(&self) -> std::sync::MutexGuard<'_, Phase> {
        self.phase
            .lock()
            .unwrap_or_else(|broken| broken.into_inner())
    }
}

impl Analysis for Search {
    fn name(&self) -> &'static str {
        "near_duplicates"
    }

    fn scan(&mut self, rows: &Rows<'_>) {
        self.prints.extend(rows.fingerprints);
        self.compared.with_items(rows, |items| {
            if let Phase::Signing(near) = &mut *self.phase() {
                near.push(&items);
            }
        });
    }

    fn needs_second_pass(&self) -> bool {
        self.phase().hunt(self.at_once)
    }

    fn scan_again(&mut self, rows: &Rows<'_>) {
        let Ok(first) = u32::try_from(rows.first) else {
            return;
        };
        self.compared.with_items(rows, |items| {
            if let Phase::Hunting(hunt, _) = &mut *self.phase() {
                hunt.take(first, &items);
            }
        });
    }

    fn end_of_pass(&mut self) {
        if let Phase::Hunting(hunt, wants) = &mut *self.phase() {
            *wants = hunt.wants();
        }
    }

    fn finish(self: Box<Self>) -> Found {
        let mut phase = self.phase();
        phase.hunt(self.at_once);
        let Phase::Hunting(hunt, _) = std::mem::replace(&mut *phase, Phase::Done) else {
            return Found::default();
        };
        drop(phase);
        let pairs = hunt.finish();
        let near = redundant(&pairs.cluster, &self.prints);
        let scope = self.scope(&pairs);
        Found {
            sections: vec![self.section(&pairs, near.len() as u64, &scope)],
            near: Some(NearFound {
                count: near.len() as u64,
                rows: near.iter().copied().take(SAMPLES).collect(),
                all: near,
                scope,
            }),
            ..Found::default()
        }
    }
}

impl Search {
    fn scope(&self, pairs: &Pairs) -> String {
        let by = match self.by {
            By::Words => "runs of five words",
            By::Cells => "cells",
        };
        let cut = match pairs.cut {
            0 => "",
            _ => "; large crowds were not compared all with all",
        };
        format!(
            "Jaccard similarity of {by} >= {}, verified{cut}",
            self.threshold
        )
    }

    fn section(&self, pairs: &Pairs, near: u64, scope: &str) -> Section {
        let ppm = |pair: &super::Pair| {
            (u64::from(pair.shared) * 1_000_000 / u64::from(pair.together.max(1))) as u32
        };
        let row = |pair: &super::Pair| {
            vec![
                Figure::Count(pair.a.into()),
                Figure::Count(pair.b.into()),
                Figure::Ppm(ppm(pair)),
            ]
        };
        let mut alike: Vec<&super::Pair> = pairs.pairs.iter().collect();
        alike.sort_by_key(|pair| (std::cmp::Reverse(ppm(pair)), pair.a, pair.b));
        let mut clusters: BTreeMap<u32, u64> = BTreeMap::new();
        for first in &pairs.cluster {
            *clusters.entry(*first).or_default() += 1;
        }
        let clusters = clusters.values().filter(|size| **size > 1).count();
        Section {
            name: "near_duplicates".into(),
            title: "Near duplicates".into(),
            summary: format!(
                "{near} rows nearly repeat an earlier row; {clusters} groups, {} pairs of \
                 different content, of which the {} most alike are shown.",
                pairs.pairs.len(),
                pairs.pairs.len().min(SHOWN)
            ),
            method: format!(
                "{scope}. Candidates by minimum hashes in bands; every pair was compared whole. \
                 Rows without enough content to compare: {}. Candidates left out: {}.",
                pairs.short, pairs.cut
            ),
            heads: ["row", "other row", "similarity"]
                .map(String::from)
                .to_vec(),
            rows: alike.into_iter().take(SHOWN).map(row).collect(),
        }
    }
}

/// Rows beyond the first of their cluster that repeat no earlier row wholly, ascending.
fn redundant(cluster: &[u32], prints: &[u128]) -> Vec<u64> {
    let mut order: Vec<u32> = (0u32..).take(prints.len()).collect();
    order.sort_unstable_by_key(|row| (prints.get(*row as usize).copied(), *row));
    let mut repeats = vec![false; prints.len()];
    let print = |row: &u32| prints.get(*row as usize);
    for pair in order.windows(2) {
        if let [before, row] = pair
            && print(before) == print(row)
            && let Some(repeats) = repeats.get_mut(*row as usize)
        {
            *repeats = true;
        }
    }
    let rows = (0u64..).zip(cluster.iter().zip(repeats));
    rows.filter(|(row, (first, repeats))| *row != u64::from(**first) && !repeats)
        .map(|(row, _)| row)
        .collect()
}
