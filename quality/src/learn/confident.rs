//! Labels that the neighbours of a row contradict.
//!
//! Confident learning (C. Northcutt, L. Jiang, I. Chuang, *Confident learning: estimating
//! uncertainty in dataset labels*, Journal of Artificial Intelligence Research 70, 2021) over
//! out-of-sample probabilities: p_j(i) is the share of class j among the nearest other rows of
//! i. The threshold of class j is the mean of p_j over the rows that are labelled j, or ½ where
//! that is more: what most neighbours say is enough. A row counts as j when p_j reaches the
//! threshold, as the likeliest such j when there are several; it is an issue when that is not
//! the class it is labelled as.

use rayon::prelude::*;

use super::Prepared;
use crate::shapley;

/// Neighbours that make the probabilities.
const NEIGHBOURS: usize = 10;

/// Is the label of each training row an issue?
pub(super) fn issues(prepared: &Prepared) -> Vec<bool> {
    let (labels, classes) = (&prepared.train_labels, prepared.labels.len());
    let rows = shapley::Rows::new(prepared.train.view());
    let shares: Vec<Vec<f64>> = (0..labels.len())
        .into_par_iter()
        .map(|row| shares(&rows, labels, row, classes))
        .collect();
    let mut sums = vec![(0.0, 0u64); classes];
    for (share, label) in shares.iter().zip(labels) {
        let own = share.get(*label as usize).copied().unwrap_or(0.0);
        if let Some((sum, count)) = sums.get_mut(*label as usize) {
            *sum += own;
            *count += 1;
        }
    }
    let thresholds: Vec<f64> = sums
        .into_iter()
        .map(|(sum, count)| (sum / count.max(1) as f64).min(0.5))
        .collect();
    let counts_as = |share: &[f64]| {
        let mut best: Option<(usize, f64)> = None;
        for (class, (share, threshold)) in share.iter().zip(&thresholds).enumerate() {
            let reaches = *share > 0.0 && share >= threshold;
            if reaches && best.is_none_or(|(_, most)| *share > most) {
                best = Some((class, *share));
            }
        }
        best.map(|(class, _)| class)
    };
    shares
        .iter()
        .zip(labels)
        .map(|(share, label)| counts_as(share).is_some_and(|class| class != *label as usize))
        .collect()
}

/// Shares of the classes among the nearest other rows.
fn shares(rows: &shapley::Rows, labels: &[u32], row: usize, classes: usize) -> Vec<f64> {
    let mut nearest: Vec<(u64, usize)> = Vec::with_capacity(NEIGHBOURS + 1);
    for (other, distance) in rows.distances(rows.row(row)).enumerate() {
        let place = (distance.abs().to_bits(), other);
        let full = nearest.len() == NEIGHBOURS;
        if other == row || (full && nearest.last().is_some_and(|last| place >= *last)) {
            continue;
        }
        let at = nearest.partition_point(|near| *near < place);
        nearest.insert(at, place);
        nearest.truncate(NEIGHBOURS);
    }
    let mut shares = vec![0.0; classes];
    for (_, other) in &nearest {
        let label = labels.get(*other).map_or(0, |label| *label as usize);
        if let Some(share) = shares.get_mut(label) {
            *share += 1.0 / nearest.len() as f64;
        }
    }
    shares
}
