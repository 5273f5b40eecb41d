//! Clusters of equal or nearly equal rows over all holdings, in the order of their ids.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashSet};

use polars_core::runtime::THREAD_POOL;
use rayon::prelude::*;
use uuid::Uuid;

use super::{Factors, Holding, QUALITY_FLOOR, Repeats, WeighError};

/// Most holdings one composition takes.
pub const MAX_HOLDINGS: usize = u32::MAX as usize;

/// Both halves of a fingerprint.
type Fingerprint = (u64, u64);

/// Where the merge stands in one holding: fingerprint, holding, position.
type Head = Reverse<(Fingerprint, usize, usize)>;

/// A row under the id of its cluster; 24 bytes, so that five million fit in 120 MB.
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
    /// What the row is worth to who learns from it, see [`Factors`]; [`super::ONE`] where that
    /// was not measured.
    pub utility: u64,
    /// Its share of the mass of the cluster: quality shares × stratum × utility.
    pub mass: u64,
    /// Number of the claim that somebody else makes on the entity's copy: then the mass is not
    /// the entity's.
    pub claim: Option<u32>,
}

/// The row that stands for a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Representative {
    /// Position in the slice of holdings.
    pub holding: usize,
    /// Its row in file order.
    pub row: usize,
    /// Does somebody hold the row whose held-out rows may judge others?
    pub judged: bool,
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
    factors: Factors,
    /// Claimed rows: cluster, entity, claim; sorted.
    claimed: Vec<(u128, Uuid, u32)>,
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
            factors: Factors::default(),
            claimed: Vec::new(),
        })
    }

    /// The same clusters, weighed by these factors: one for each of
    /// [`Self::representatives`], in their order.
    ///
    /// # Errors
    /// [`WeighError::Factors`] when there is another number of them.
    pub fn with_factors(self, factors: Factors) -> Result<Self, WeighError> {
        let clusters = self.representatives().len();
        if factors.fit(clusters) {
            Ok(Self { factors, ..self })
        } else {
            Err(WeighError::Factors)
        }
    }

    /// The same clusters, some of them claimed: number of the claim, position of the holding
    /// it is on, and of its rows those that are claimed. What the entity behind the holding
    /// earns by these rows is kept apart, whichever of its contributions has the best copy. Of
    /// two claims on a row the lower number has it.
    #[must_use]
    pub fn with_claims<R>(self, claims: impl IntoIterator<Item = (u32, usize, R)>) -> Self
    where
        R: IntoIterator<Item = usize>,
    {
        let mut claimed = Vec::new();
        for (number, at, rows) in claims {
            let Some(holding) = self.holdings.get(at) else {
                continue;
            };
            for row in rows {
                let id = match holding.clusters {
                    Some(ids) => ids.get(row).copied(),
                    None => holding.rows.get(row).map(|row| row.fp),
                };
                claimed.extend(id.map(|id| (u128::from_be_bytes(id), holding.entity, number)));
            }
        }
        claimed.sort_unstable();
        claimed.dedup_by_key(|(id, entity, _)| (*id, *entity));
        Self { claimed, ..self }
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

    /// Names the rows of a cluster that go into the revision. Rows that are equal are kept as
    /// often as [`Repeats`] says; near duplicates are different rows, and none of them is lost.
    pub(super) fn keep(&self, cluster: &Cluster, mut take: impl FnMut(usize, usize)) {
        if cluster.accepted.iter().all(|copy| self.uniform(copy)) && self.same_rows(cluster) {
            let runs = cluster.accepted.iter();
            self.keep_equal(
                runs.map(|copy| (copy.holding, self.entries(copy))),
                &mut take,
            );
            return;
        }
        let mut kinds: BTreeMap<[u8; 16], Vec<(usize, Vec<Entry>)>> = BTreeMap::new();
        for copy in &cluster.accepted {
            for entry in self.entries(copy) {
                let runs = kinds
                    .entry(self.print(copy.holding, entry.row))
                    .or_default();
                match runs.last_mut() {
                    Some((holding, run)) if *holding == copy.holding => run.push(*entry),
                    _ => runs.push((copy.holding, vec![*entry])),
                }
            }
        }
        for runs in kinds.values() {
            self.keep_equal(
                runs.iter().map(|(holding, run)| (*holding, run.as_slice())),
                &mut take,
            );
        }
    }

    /// Equal rows, by holding.
    fn keep_equal<'e>(
        &self,
        runs: impl Iterator<Item = (usize, &'e [Entry])> + Clone,
        take: &mut impl FnMut(usize, usize),
    ) {
        let most = runs.clone().map(|(_, run)| run.len()).max().unwrap_or(0);
        let mut wanted = match self.repeats {
            Repeats::Facts => most,
            Repeats::Echoes => most.min(1),
        };
        for (holding, run) in runs {
            for entry in run.iter().take(wanted) {
                take(holding, entry.row as usize);
            }
            wanted -= wanted.min(run.len());
        }
    }

    fn print(&self, holding: usize, row: u32) -> [u8; 16] {
        let rows = self.holdings[holding].rows;
        rows.get(row as usize).map_or([0; 16], |row| row.fp)
    }

    /// Is every row of the copy equal to its first?
    fn uniform(&self, copy: &Copy) -> bool {
        self.holdings[copy.holding].clusters.is_none() || {
            let mut entries = self.entries(copy).iter();
            let first = entries.next().map(|e| self.print(copy.holding, e.row));
            entries.all(|e| Some(self.print(copy.holding, e.row)) == first)
        }
    }

    /// Are the first rows of all accepted copies equal?
    fn same_rows(&self, cluster: &Cluster) -> bool {
        let clustered = |copy: &Copy| self.holdings[copy.holding].clusters.is_some();
        if !cluster.accepted.iter().any(clustered) {
            return true;
        }
        let first = |copy: &Copy| {
            let entry = self.entries(copy).first();
            entry.map(|entry| self.print(copy.holding, entry.row))
        };
        let mut firsts = cluster.accepted.iter().map(first);
        let one = firsts.next();
        firsts.all(|other| Some(other) == one)
    }

    /// The row that stands for each cluster with shares, in the order of [`Self::row_weights`]:
    /// the best of the best standing copy.
    pub fn representatives(&self) -> Vec<Representative> {
        let mut rows = Vec::new();
        self.for_each(|cluster| {
            if let (Some(copy), false) = (cluster.accepted.first(), cluster.shares.is_empty()) {
                rows.push(Representative {
                    holding: copy.holding,
                    row: self.rows_of(copy).next().unwrap_or(0),
                    judged: cluster
                        .accepted
                        .iter()
                        .any(|copy| self.holdings[copy.holding].judges),
                });
            }
        });
        rows
    }

    /// Merges the sorted holdings and hands out every cluster once.
    pub(super) fn for_each(&self, mut visit: impl FnMut(&Cluster)) {
        let mut heads: BinaryHeap<Head> = self
            .sorted
            .iter()
            .enumerate()
            .filter_map(|(h, rows)| Some(Reverse((rows.first()?.fingerprint(), h, 0))))
            .collect();
        let (mut copies, mut number) = (Vec::new(), 0);
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
                let mut cluster = self.cluster(std::mem::take(&mut copies));
                if !cluster.shares.is_empty() {
                    self.apply(number, fingerprint, &mut cluster.shares);
                    number += 1;
                }
                visit(&cluster);
            }
        }
    }

    /// Rules 4 and 5 and claims.
    fn apply(&self, number: usize, (high, low): Fingerprint, shares: &mut [ClusterShare]) {
        let id = (u128::from(high) << 64) | u128::from(low);
        for share in shares {
            share.utility = self.factors.utility(number);
            share.mass = self.factors.times(number, share.mass);
            share.claim = self.claim(id, share.entity);
        }
    }

    fn claim(&self, id: u128, entity: Uuid) -> Option<u32> {
        let of = |(known, holder, _): &(u128, Uuid, u32)| (*known, *holder).cmp(&(id, entity));
        let place = self.claimed.binary_search_by(of).ok()?;
        self.claimed.get(place).map(|(_, _, number)| *number)
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
                    utility: super::ONE,
                    mass: 0,
                    claim: None,
                });
            }
        }
        share_out(&mut shares, |s| s.quality, |share, mass| share.mass = mass);
        shares
    }
}

/// Rule 3: what each holder of a row earns, from their qualities in descending order, both in
/// units of 2⁻³². Every holder gets an equal part of each step of quality that it reaches,
/// together with all who reach it too. Qualities below [`QUALITY_FLOOR`] count as 0; divisions
/// round down.
///
/// ```
/// use quality::weigh::{ONE, quotient};
/// // .8 and .4: both share .4, and the better one has .4 more.
/// let tenths = |n: u64| ONE / 10 * n;
/// assert_eq!(quotient(&[tenths(8), tenths(4)]), [tenths(6), tenths(2)]);
/// ```
#[must_use]
pub fn quotient(best_first: &[u64]) -> Vec<u64> {
    let mut masses = best_first.to_vec();
    share_out(&mut masses, |quality| *quality, |place, mass| *place = mass);
    masses
}

fn share_out<T>(
    best_first: &mut [T],
    quality: impl Fn(&T) -> u64,
    mut earn: impl FnMut(&mut T, u64),
) {
    let (mut below, mut sum) = (0, 0);
    for (place, holder) in best_first.iter_mut().enumerate().rev() {
        let quality = Some(quality(holder)).filter(|quality| *quality >= QUALITY_FLOOR);
        let quality = quality.unwrap_or(0);
        sum += (quality - below) / (place as u64 + 1);
        below = quality;
        earn(holder, sum);
    }
}

fn check(holdings: &[Holding<'_>]) -> Result<(), WeighError> {
    if holdings.len() > MAX_HOLDINGS {
        return Err(WeighError::TooLarge("the number of contributions"));
    }
    let (mut ids, mut receipts) = (HashSet::new(), HashSet::new());
    for holding in holdings {
        if holding
            .clusters
            .is_some_and(|ids| ids.len() != holding.rows.len())
        {
            return Err(WeighError::ClusterIds(holding.contribution));
        }
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
    let ids: Box<dyn Iterator<Item = [u8; 16]>> = match holding.clusters {
        Some(clusters) => Box::new(clusters.iter().copied()),
        None => Box::new(holding.rows.iter().map(|row| row.fp)),
    };
    let mut entries: Vec<Entry> = holding
        .rows
        .iter()
        .zip(ids)
        .zip(0u32..)
        .map(|((row, id), number)| {
            let id = u128::from_be_bytes(id);
            Entry {
                high: (id >> 64) as u64,
                low: id as u64,
                share: row.quality,
                row: number,
            }
        })
        .collect();
    match holding.clusters {
        None => entries.sort_unstable_by_key(|e| (e.high, e.low, Reverse(e.share), e.row)),
        // Near duplicates of equal quality are told apart by what they are, not by their place.
        Some(_) => entries.sort_unstable_by_key(|e| {
            let print = holding.rows[e.row as usize].fp;
            (e.high, e.low, Reverse(e.share), print, e.row)
        }),
    }
    entries
}
