//! Clusters of equal rows over all holdings, in fingerprint order.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

use polars_core::runtime::THREAD_POOL;
use rayon::prelude::*;
use uuid::Uuid;

use super::{Holding, QUALITY_FLOOR, Repeats, WeighError};

/// Most holdings one composition takes.
pub const MAX_HOLDINGS: usize = u32::MAX as usize;

/// Both halves of a fingerprint.
type Fingerprint = (u64, u64);

/// Where the merge stands in one holding: fingerprint, holding, position.
type Head = Reverse<(Fingerprint, usize, usize)>;

/// A row under its fingerprint; 24 bytes, so that five million fit in 120 MB.
#[derive(Clone, Copy)]
struct Entry {
    high: u64,
    low: u64,
    share: u32,
    row: u32,
}

impl Entry {
    fn fingerprint(&self) -> Fingerprint {
        (self.high, self.low)
    }
}

/// The rows of one contribution in one cluster, best quality first.
pub(super) struct Copy {
    /// Position in the slice of holdings.
    pub holding: usize,
    /// Best quality of these rows, units of 2⁻³².
    pub quality: u64,
    /// First and last + 1 position in the sorted entries of the holding.
    range: (usize, usize),
}

/// What one holding earns in a cluster, units of 2⁻³².
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClusterShare {
    /// Position in the slice of holdings.
    pub holding: usize,
    /// The entity that earns.
    pub entity: Uuid,
    /// Quality of its copy before the floor.
    pub quality: u64,
    /// Its share of the mass of the cluster.
    pub mass: u64,
}

/// One cluster: who holds it, who earns what, which rows are delivered.
pub(super) struct Cluster {
    /// Position of the holding with the earliest receipt.
    pub first: usize,
    /// Copies of standing independent holders, best quality then earliest first.
    pub accepted: Vec<Copy>,
    /// Copies of standing late holders.
    pub late: Vec<Copy>,
    /// One entry per standing independent entity.
    pub shares: Vec<ClusterShare>,
}

/// All rows sorted by fingerprint, ready to be merged any number of times.
pub struct Clusters<'a> {
    holdings: &'a [Holding<'a>],
    repeats: Repeats,
    sorted: Vec<Vec<Entry>>,
}

impl<'a> Clusters<'a> {
    /// Checks the holdings and sorts their rows.
    ///
    /// # Errors
    /// [`WeighError`] when ids or receipts repeat or indices would overflow.
    pub fn new(holdings: &'a [Holding<'a>], repeats: Repeats) -> Result<Self, WeighError> {
        check(holdings)?;
        let sorted = THREAD_POOL.install(|| holdings.par_iter().map(sort_rows).collect());
        Ok(Self {
            holdings,
            repeats,
            sorted,
        })
    }

    /// The holdings, in the order given.
    pub fn holdings(&self) -> &'a [Holding<'a>] {
        self.holdings
    }

    /// Calls `visit` with the shares of every cluster that has a standing
    /// independent holder and with the delivered rows (holding, row) of it, in
    /// fingerprint order. Any slice of the revision is priced by adding the
    /// shares of the clusters whose rows it contains.
    pub fn row_weights(&self, mut visit: impl FnMut(&[ClusterShare], &[(usize, usize)])) {
        let mut kept = Vec::new();
        self.for_each(|cluster| {
            kept.clear();
            self.keep(cluster, |holding, row| kept.push((holding, row)));
            if !cluster.shares.is_empty() {
                visit(&cluster.shares, &kept);
            }
        });
    }

    /// Row numbers of a copy, best quality first, then file order.
    pub(super) fn rows_of(&self, copy: &Copy) -> impl Iterator<Item = usize> + '_ {
        self.entries(copy).iter().map(|entry| entry.row as usize)
    }

    /// Number of rows of a copy.
    pub(super) fn count(&self, copy: &Copy) -> usize {
        copy.range.1 - copy.range.0
    }

    /// Names the rows of a cluster that go into the revision.
    pub(super) fn keep(&self, cluster: &Cluster, mut take: impl FnMut(usize, usize)) {
        let copies = &cluster.accepted;
        let most = copies.iter().map(|c| self.count(c)).max().unwrap_or(0);
        let mut wanted = match self.repeats {
            Repeats::Facts => most,
            Repeats::Echoes => most.min(1),
        };
        for copy in copies {
            for row in self.rows_of(copy).take(wanted) {
                take(copy.holding, row);
            }
            wanted -= wanted.min(self.count(copy));
        }
    }

    /// Merges the sorted holdings and hands out every cluster once.
    pub(super) fn for_each(&self, mut visit: impl FnMut(&Cluster)) {
        let mut heads: BinaryHeap<Head> = self
            .sorted
            .iter()
            .enumerate()
            .filter_map(|(h, rows)| Some(Reverse((rows.first()?.fingerprint(), h, 0))))
            .collect();
        let mut copies = Vec::new();
        while let Some(Reverse((fingerprint, holding, start))) = heads.pop() {
            let rows = &self.sorted[holding];
            let run = rows[start..]
                .iter()
                .take_while(|entry| entry.fingerprint() == fingerprint)
                .count();
            let end = start + run;
            copies.push(self.copy(holding, (start, end)));
            if let Some(next) = rows.get(end) {
                heads.push(Reverse((next.fingerprint(), holding, end)));
            }
            let last = heads
                .peek()
                .is_none_or(|Reverse((next, _, _))| *next != fingerprint);
            if last {
                visit(&self.cluster(std::mem::take(&mut copies)));
            }
        }
    }

    fn entries(&self, copy: &Copy) -> &[Entry] {
        &self.sorted[copy.holding][copy.range.0..copy.range.1]
    }

    fn copy(&self, holding: usize, range: (usize, usize)) -> Copy {
        let held = &self.holdings[holding];
        let best = self.sorted[holding][range.0];
        let quality = held.row_quality(super::KeyedRow {
            fp: [0; 16],
            quality: best.share,
        });
        Copy {
            holding,
            quality,
            range,
        }
    }

    /// Sorts copies into accepted and late ones (rule 1) and shares the mass.
    fn cluster(&self, copies: Vec<Copy>) -> Cluster {
        let of = |copy: &Copy| &self.holdings[copy.holding];
        let gate = copies.iter().filter_map(|c| of(c).first_published).min();
        let first = copies
            .iter()
            .min_by_key(|c| of(c).receipt_no)
            .map_or(0, |c| c.holding);
        let first_entity = self.holdings[first].entity;
        let independent = |entity: Uuid| {
            entity == first_entity
                || gate.is_none_or(|gate| {
                    copies
                        .iter()
                        .any(|c| of(c).entity == entity && of(c).receipt_no <= gate)
                })
        };
        let standing_as: Vec<Option<bool>> = copies
            .iter()
            .map(|c| (!of(c).tombstone).then(|| independent(of(c).entity)))
            .collect();
        let (mut accepted, mut late) = (Vec::new(), Vec::new());
        for (copy, standing) in copies.into_iter().zip(standing_as) {
            match standing {
                Some(true) => accepted.push(copy),
                Some(false) => late.push(copy),
                None => {}
            }
        }
        accepted.sort_by_key(|c| (Reverse(c.quality), of(c).receipt_no));
        let shares = self.shares(&accepted);
        Cluster {
            first,
            accepted,
            late,
            shares,
        }
    }

    /// Rules 2 and 3: one holder per entity, then the quotient shares.
    fn shares(&self, accepted: &[Copy]) -> Vec<ClusterShare> {
        let mut shares: Vec<ClusterShare> = Vec::with_capacity(accepted.len());
        for copy in accepted {
            let entity = self.holdings[copy.holding].entity;
            if shares.iter().all(|share| share.entity != entity) {
                shares.push(ClusterShare {
                    holding: copy.holding,
                    entity,
                    quality: copy.quality,
                    mass: 0,
                });
            }
        }
        let (mut below, mut sum) = (0, 0);
        let holders = shares.len() as u64;
        for (position, share) in shares.iter_mut().rev().enumerate() {
            let quality = if share.quality < QUALITY_FLOOR {
                0
            } else {
                share.quality
            };
            sum += (quality - below) / (holders - position as u64);
            below = quality;
            share.mass = sum;
        }
        shares
    }
}

fn check(holdings: &[Holding<'_>]) -> Result<(), WeighError> {
    if holdings.len() > MAX_HOLDINGS {
        return Err(WeighError::TooLarge("the number of contributions"));
    }
    let (mut ids, mut receipts) = (HashSet::new(), HashSet::new());
    for holding in holdings {
        if holding.rows.len() > u32::MAX as usize {
            return Err(WeighError::TooLarge("the number of rows of a contribution"));
        }
        if !ids.insert(holding.contribution) {
            return Err(WeighError::ContributionTwice(holding.contribution));
        }
        if !receipts.insert(holding.receipt_no) {
            return Err(WeighError::ReceiptTwice(holding.receipt_no));
        }
    }
    Ok(())
}

fn sort_rows(holding: &Holding<'_>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = holding
        .rows
        .iter()
        .zip(0u32..)
        .map(|(row, number)| {
            let fingerprint = u128::from_be_bytes(row.fp);
            Entry {
                high: (fingerprint >> 64) as u64,
                low: fingerprint as u64,
                share: row.quality,
                row: number,
            }
        })
        .collect();
    entries.sort_unstable_by_key(|e| (e.high, e.low, Reverse(e.share), e.row));
    entries
}
