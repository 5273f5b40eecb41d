//! Clusters of near duplicates over all contributions, for their weights.

use std::collections::HashMap;

use rayon::prelude::*;

use super::hunt::{Forest, Hunt};
use super::items::Items;
use super::sketch::{Near, Settings};

/// Similarity from which on two rows weigh as one.
pub const SAME_ROW_PPM: u32 = 900_000;

/// Cluster ids over rows of many contributions, taken in one after the other.
///
/// Rows fall into one cluster when they are equal, or linked by pairs whose similarity of at
/// least [`SAME_ROW_PPM`] was verified. The id of a cluster is the least fingerprint
/// of its rows, so a row that is like no other has its own as id, and ids do not
/// depend on the order of contributions or rows.
///
/// ```
/// use quality::near::{Clusters, Texts};
///
/// let rye = "rye was harvested on the southern field in the second week of august after long rain and stored";
/// let again = format!("{rye} DRY in the old barn by the river where it stays until it is sold at the market in spring");
/// let other = again.replace("DRY", "dry");
/// let oat = "oat grows well on the northern slope of the hill behind the mill";
/// let mut clusters = Clusters::new();
/// clusters.push(&Texts::from(&[again.as_str(), oat][..]), &[[7; 16], [9; 16]]);
/// clusters.push(&Texts::from(&[other.as_str()][..]), &[[3; 16]]);
/// let mut hunt = clusters.hunt();
/// while hunt.wants() {
///     hunt.take(0, &Texts::from(&[again.as_str(), oat][..]));
///     hunt.take(2, &Texts::from(&[other.as_str()][..]));
/// }
/// assert_eq!(hunt.ids(), [[3; 16], [9; 16], [3; 16]]);
/// ```
#[derive(Clone, Debug)]
pub struct Clusters {
    near: Near,
    prints: Vec<[u8; 16]>,
}

impl Default for Clusters {
    fn default() -> Self {
        Self::new()
    }
}

impl Clusters {
    /// No row yet.
    pub fn new() -> Self {
        Self {
            near: Near::new(Settings::at(SAME_ROW_PPM)),
            prints: Vec::new(),
        }
    }

    /// Takes the next rows: what they consist of, and their fingerprints.
    pub fn push(&mut self, items: &impl Items, prints: &[[u8; 16]]) {
        self.near.push(items);
        self.prints.extend(prints);
    }

    /// Looks for candidates among all rows.
    pub fn hunt(self) -> ClusterHunt {
        ClusterHunt {
            hunt: self.near.hunt(),
            prints: self.prints,
        }
    }
}

/// Candidates for clusters, checked while the rows are given once more.
#[derive(Debug)]
pub struct ClusterHunt {
    hunt: Hunt,
    prints: Vec<[u8; 16]>,
}

impl ClusterHunt {
    /// As [`Hunt::wants`].
    pub fn wants(&mut self) -> bool {
        self.hunt.wants()
    }

    /// As [`Hunt::take`]; rows are numbered over all contributions in the order they were pushed.
    pub fn take(&mut self, first: u32, items: &impl Items) {
        self.hunt.take(first, items);
    }

    /// The cluster id of every row, in the order they were pushed.
    pub fn ids(self) -> Vec<[u8; 16]> {
        let cluster = self.hunt.finish().cluster;
        let prints = &self.prints;
        let print = |row: u32| prints.get(row as usize).copied().unwrap_or_default();
        let mut forest = Forest::new(cluster.len());
        for (row, first) in (0u32..).zip(&cluster) {
            forest.join(row, *first);
        }
        let mut order: Vec<u32> = (0u32..).take(cluster.len()).collect();
        order.par_sort_unstable_by_key(|row| (print(*row), *row));
        for equal in order.chunk_by(|a, b| print(*a) == print(*b)) {
            if let Some((first, others)) = equal.split_first() {
                others.iter().for_each(|row| forest.join(*row, *first));
            }
        }
        let roots = forest.roots();
        // In the order of fingerprints, the first row of a cluster has its least one.
        let mut least: HashMap<u32, u32> = HashMap::new();
        for row in &order {
            if let Some(root) = roots.get(*row as usize) {
                least.entry(*root).or_insert(*row);
            }
        }
        let id = |root: &u32| least.get(root).copied().map_or_else(|| print(*root), print);
        roots.iter().map(id).collect()
    }
}
