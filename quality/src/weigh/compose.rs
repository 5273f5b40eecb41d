//! One revision out of all standing contributions.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::cluster::{Cluster, Clusters};
use super::{Holding, Repeats, WeighError};

/// Rows of a contribution that repeat what others had before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LateRows {
    /// Contribution that held the rows first.
    pub contribution: Uuid,
    /// Entity behind it.
    pub entity: Uuid,
    /// Its receipt.
    pub receipt_no: u64,
    /// Number of late rows.
    pub rows: u64,
}

/// What one standing contribution brings into the revision.
///
/// Every row of it is either unique, shared or late:
/// `rows == rows_unique + Σ rows_shared + Σ late.rows`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContributionWeight {
    /// The contribution.
    pub contribution: Uuid,
    /// The entity that earns.
    pub entity: Uuid,
    /// Rows of the contribution.
    pub rows: u64,
    /// Rows of it that the revision delivers.
    pub rows_delivered: u64,
    /// Rows nobody else holds independently.
    pub rows_unique: u64,
    /// Number of independent holders (this one included, ≥ 2) → rows.
    pub rows_shared: BTreeMap<u32, u64>,
    /// Rows copied after publication, by first holder (by receipt).
    pub late: Vec<LateRows>,
    /// Clusters whose mass is booked here.
    pub clusters: u64,
    /// Sum of the qualities of those clusters' copies, units of 2⁻³².
    pub quality: u128,
    /// Sum of the utilities of those clusters, units of 2⁻³²; `clusters` · 2³² where none was
    /// measured.
    pub utility: u128,
    /// Mass earned, units of 2⁻³².
    pub mass: u128,
    /// What is not in `mass`, since others claim it, by the number of the claim.
    pub claimed: BTreeMap<u32, Claimed>,
    /// For every row in file order: does the revision deliver it?
    pub kept: Vec<bool>,
}

/// What a claim takes out of the mass of a contribution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Claimed {
    /// Clusters.
    pub clusters: u64,
    /// Their mass, units of 2⁻³².
    pub mass: u128,
}

impl ContributionWeight {
    /// Average quality of the copies that were weighed, parts per million.
    pub fn mean_quality_ppm(&self) -> u64 {
        self.mean_ppm(self.quality)
    }

    /// Average utility of the clusters that were weighed, parts per million; 10⁶ where none was
    /// measured.
    pub fn mean_utility_ppm(&self) -> u64 {
        self.mean_ppm(self.utility)
    }

    fn mean_ppm(&self, sum: u128) -> u64 {
        match self.clusters {
            0 => 0,
            n => ((sum * 1_000_000 / u128::from(n)) >> 32) as u64,
        }
    }
}

/// Kept rows and weights of a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Composition {
    /// Standing contributions, in the order given; withdrawn ones are absent.
    pub contributions: Vec<ContributionWeight>,
    /// Raw weight per entity, units of 2⁻³². An entity without mass is absent,
    /// so an empty map means that the pool waits: there is nothing to share by.
    pub weights: BTreeMap<Uuid, u128>,
    /// Mass of claimed rows, of all claims: it is in nobody's weight.
    pub suspense: u128,
    /// Rows of the revision.
    pub rows_delivered: u64,
    /// Clusters delivered (different rows).
    pub distinct_rows: u64,
}

/// Decides which rows of which contribution a revision delivers and what each
/// entity weighs; the rule stands at the top of this module.
///
/// # Errors
/// [`WeighError`] when contributions or receipts repeat.
pub fn compose(holdings: &[Holding<'_>], repeats: Repeats) -> Result<Composition, WeighError> {
    Ok(compose_clusters(&Clusters::new(holdings, repeats)?))
}

/// Like [`compose`], of clusters that were given factors or claims.
pub fn compose_clusters(clusters: &Clusters<'_>) -> Composition {
    let mut tally = Tally::new(clusters.holdings());
    clusters.for_each(|cluster| tally.add(clusters, cluster));
    tally.finish()
}

/// Weights of a slice of the revision: of the clusters with at least one
/// delivered row `(holding, row)` that `wanted` names. A cluster weighs once,
/// whatever number of its repeats the slice contains; over all rows the result
/// equals [`Composition::weights`].
pub fn slice_weights(
    clusters: &Clusters<'_>,
    mut wanted: impl FnMut(usize, usize) -> bool,
) -> BTreeMap<Uuid, u128> {
    let mut weights = BTreeMap::new();
    clusters.row_weights(|shares, kept| {
        if kept.iter().any(|&(holding, row)| wanted(holding, row)) {
            for share in shares.iter().filter(|s| s.mass > 0 && s.claim.is_none()) {
                *weights.entry(share.entity).or_default() += u128::from(share.mass);
            }
        }
    });
    weights
}

struct Tally<'a> {
    holdings: &'a [Holding<'a>],
    contributions: Vec<ContributionWeight>,
    /// Per holding: first holder's position → late rows.
    late: Vec<BTreeMap<usize, u64>>,
    distinct_rows: u64,
}

impl<'a> Tally<'a> {
    fn new(holdings: &'a [Holding<'a>]) -> Self {
        let contributions = holdings.iter().map(|holding| ContributionWeight {
            contribution: holding.contribution,
            entity: holding.entity,
            rows: holding.rows.len() as u64,
            rows_delivered: 0,
            rows_unique: 0,
            rows_shared: BTreeMap::new(),
            late: Vec::new(),
            clusters: 0,
            quality: 0,
            utility: 0,
            mass: 0,
            claimed: BTreeMap::new(),
            kept: vec![false; holding.rows.len()],
        });
        Self {
            holdings,
            contributions: contributions.collect(),
            late: vec![BTreeMap::new(); holdings.len()],
            distinct_rows: 0,
        }
    }

    fn add(&mut self, clusters: &Clusters<'_>, cluster: &Cluster) {
        for copy in &cluster.late {
            *self.late[copy.holding].entry(cluster.first).or_default() +=
                clusters.count(copy) as u64;
        }
        let holders = cluster.shares.len() as u32;
        for copy in &cluster.accepted {
            let of = &mut self.contributions[copy.holding];
            let rows = clusters.count(copy) as u64;
            if holders == 1 {
                of.rows_unique += rows;
            } else {
                *of.rows_shared.entry(holders).or_default() += rows;
            }
        }
        for share in &cluster.shares {
            let of = &mut self.contributions[share.holding];
            of.clusters += 1;
            of.quality += u128::from(share.quality);
            of.utility += u128::from(share.utility);
            match share.claim {
                None => of.mass += u128::from(share.mass),
                Some(number) => {
                    let claimed = of.claimed.entry(number).or_default();
                    claimed.clusters += 1;
                    claimed.mass += u128::from(share.mass);
                }
            }
        }
        clusters.keep(cluster, |holding, row| {
            let of = &mut self.contributions[holding];
            of.kept[row] = true;
            of.rows_delivered += 1;
        });
        self.distinct_rows += u64::from(holders > 0);
    }

    fn finish(self) -> Composition {
        let mut weights: BTreeMap<Uuid, u128> = BTreeMap::new();
        let mut contributions = Vec::with_capacity(self.contributions.len());
        for ((mut of, late), holding) in self
            .contributions
            .into_iter()
            .zip(self.late)
            .zip(self.holdings)
        {
            if holding.tombstone {
                continue;
            }
            if of.mass > 0 {
                *weights.entry(of.entity).or_default() += of.mass;
            }
            of.late = late_rows(self.holdings, late);
            contributions.push(of);
        }
        Composition {
            rows_delivered: contributions.iter().map(|c| c.rows_delivered).sum(),
            distinct_rows: self.distinct_rows,
            suspense: contributions
                .iter()
                .flat_map(|of| of.claimed.values())
                .map(|claimed| claimed.mass)
                .sum(),
            contributions,
            weights,
        }
    }
}

fn late_rows(holdings: &[Holding<'_>], late: BTreeMap<usize, u64>) -> Vec<LateRows> {
    let mut rows: Vec<LateRows> = late
        .into_iter()
        .map(|(first, rows)| LateRows {
            contribution: holdings[first].contribution,
            entity: holdings[first].entity,
            receipt_no: holdings[first].receipt_no,
            rows,
        })
        .collect();
    rows.sort_by_key(|row| row.receipt_no);
    rows
}
