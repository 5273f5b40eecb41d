//! Contribution weights: gated quotient coverage.
//!
//! Rows of all contributions to a dataset fall into clusters of equal
//! canonical fingerprint. Every cluster has one mass, the best quality any
//! independent holder offers, and the holders share it as the exact Shapley
//! value of the game "best quality of each cluster the coalition holds":
//!
//! ```text
//! holders sorted by quality, q(0) = 0:  s(j) = Σ_{l≤j} (q(l) − q(l−1)) / (m − l + 1)
//! ```
//!
//! Equal copies share equally, a better copy earns more, a sole holder earns
//! its quality. Who copied after he could have read the row through the market
//! earns nothing for it and takes nothing from the others.
//!
//! A share is then multiplied by two factors of the cluster ([`Factors`]):
//!
//! ```text
//! M = Σ s · ρ · u      ρ = n^(α−1) in a declared stratum of n clusters, α = .8; else 1
//!                      u = 1 + ½ clip(φ / mean|φ|, −1, 1), φ = KNN-Shapley; else 1
//! ```
//!
//! # Decisions where the rule leaves room
//! * Time is the ledger's `receipt_no`. A holder is *independent* when its
//!   first commitment to the row is the earliest of all, or not later than the
//!   watermark (`first_published`) of every contribution that holds the row.
//! * An entity holds a row once, however many of its contributions repeat it:
//!   with its earliest receipt and its best quality. The mass is booked to the
//!   contribution that offers this best quality (then the earliest receipt).
//! * A withdrawn contribution (`tombstone`) keeps its priority, so that nobody
//!   else becomes first; it delivers nothing and earns nothing, and the
//!   standing holders share as if it were not there.
//! * Late copies are never delivered. A row whose only standing holders are
//!   late (the first one withdrew) leaves the revision.
//! * Without a key, repeats may be legitimate ([`Repeats::Facts`]) and stay at
//!   the largest multiplicity any one accepted contribution has; with a key
//!   ([`Repeats::Echoes`]) an equal row is kept once. Kept rows are taken from the best quality first, then
//!   the earliest receipt, then file order; a cluster still weighs once.
//! * Rows of quality below .2 are delivered but weigh nothing.
//! * Near duplicates that share a cluster ([`Holding::clusters`]) weigh once, but each different
//!   row is delivered: no row is lost because it resembles another.
//! * What an entity would earn by rows that somebody else claims ([`Clusters::with_claims`]) is
//!   kept apart, by claim; everything else, other holders of these rows included, is paid.
//! * Accounts of one entity are weighed as one; the mass of a row goes to the account whose
//!   contribution offers the best copy.
//!
//! # Numbers
//! Qualities and masses are integers in units of 2⁻³²; sums are `u128`.
//! Divisions round down, so at most one unit per holder and cluster is lost,
//! equally for equal copies. The result does not depend on the order of
//! holdings or rows (ties in row order decide only which of two identical rows
//! is the delivered one). Cost: one sort per contribution, then a merge in
//! O(N log m).

mod cluster;
mod compose;
mod factors;
mod utility;

#[cfg(test)]
mod tests;

pub use cluster::{ClusterShare, Clusters, MAX_HOLDINGS, Representative, quotient};
pub use compose::{
    Claimed, Composition, ContributionWeight, LateRows, compose, compose_clusters, slice_weights,
};
pub use factors::{Factors, STRATUM_ALPHA, utilities};
pub use utility::{Learned, Lesson, MOST_CELLS};

use thiserror::Error;
use uuid::Uuid;

/// 1.0 in the fixed point of qualities and masses.
pub const ONE: u64 = 1 << 32;

/// Rows whose quality is below this (0.2, rounded down) weigh nothing.
pub const QUALITY_FLOOR: u64 = ONE / 5;

/// One row of a contribution: keyed canonical fingerprint and cell share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyedRow {
    /// Canonical fingerprint under the node's key, equal for equal rows.
    pub fp: [u8; 16],
    /// Share of valid, non-missing cells, `u32::MAX` = all of them.
    pub quality: u32,
}

/// One accepted (or withdrawn) contribution to a dataset.
#[derive(Clone, Copy, Debug)]
pub struct Holding<'a> {
    /// The contribution.
    pub contribution: Uuid,
    /// The entity behind the account; linked accounts carry the same one.
    pub entity: Uuid,
    /// Ledger sequence of the commitment, unique per contribution.
    pub receipt_no: u64,
    /// Last receipt number given out when a revision with this contribution
    /// was first published; `None` while none was.
    pub first_published: Option<u64>,
    /// Quality score of the contribution, hundredths, 0..=10000.
    pub q_hundredths: u32,
    /// Rows in file order.
    pub rows: &'a [KeyedRow],
    /// Withdrawn: keeps its priority, delivers nothing, earns nothing.
    pub tombstone: bool,
    /// Cluster of every row, in file order, where near duplicates were looked for: the same id
    /// for rows that are equal or confirmed to be alike at J ≥ .9, in every holding of the
    /// dataset. `None`: rows are alike only when their fingerprints are equal.
    pub clusters: Option<&'a [[u8; 16]]>,
    /// May its held-out rows judge what the rows of others teach? Those of the dataset's owner
    /// may: nobody else chooses by what the others are measured.
    pub judges: bool,
}

impl Holding<'_> {
    /// Quality of a row in units of 2⁻³²: cell share × Q/100.
    pub fn row_quality(&self, row: KeyedRow) -> u64 {
        let share = if row.quality == 0 {
            0
        } else {
            u64::from(row.quality) + 1
        };
        share * u64::from(self.q_hundredths.min(10_000)) / 10_000
    }
}

/// What equal rows of one contribution mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeats {
    /// No key is declared: equal rows may be different facts (two answers to a
    /// survey), so a revision keeps as many as any one contribution has.
    Facts,
    /// A key is declared: an equal row says the same again and is kept once.
    Echoes,
}

/// What stops a composition before it starts.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum WeighError {
    /// Two holdings carry the same contribution id; pass each one once.
    #[error("contribution {0} is given twice; pass every contribution once")]
    ContributionTwice(Uuid),
    /// Receipt numbers order the holders and must differ.
    #[error("receipt number {0} is given twice; every contribution has its own")]
    ReceiptTwice(u64),
    /// There must be one cluster id for each row.
    #[error("contribution {0} has another number of cluster ids than of rows")]
    ClusterIds(Uuid),
    /// There must be one factor for each cluster with standing holders.
    #[error("there is another number of factors than of clusters")]
    Factors,
    /// More rows or holdings than indices of 32 bits can name.
    #[error("{0} is more than a composition can hold; compose fewer or smaller contributions")]
    TooLarge(&'static str),
}
