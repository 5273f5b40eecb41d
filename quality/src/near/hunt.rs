//! From keys to candidates, from candidates to confirmed pairs and clusters.

use std::collections::{HashMap, HashSet};

use rayon::prelude::*;

use super::items::Items;
use super::sketch::{Near, Settings};

/// Items of candidates held at a time (16 bytes each).
pub const ITEMS_AT_ONCE: u64 = 16 << 20;

/// Different rows under one key that are still compared all with all.
pub const CROWD: usize = 256;

/// Neighbours in a larger crowd that a row is compared with, beside the first.
const NEIGHBOURS: usize = 16;

/// Candidates from which on crowds of any size are compared like large ones.
const MANY: usize = 16 << 20;

/// Two rows and how alike they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    /// The earlier row.
    pub a: u32,
    /// The later row.
    pub b: u32,
    /// Different items that both have.
    pub shared: u32,
    /// Different items that at least one has.
    pub together: u32,
}

impl Pair {
    /// Similarity in [0, 1]: shared / together.
    pub fn similarity(&self) -> f64 {
        f64::from(self.shared) / f64::from(self.together.max(1))
    }
}

/// Near duplicates of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Confirmed pairs of rows of different text, by row numbers. For rows of
    /// equal text only the first stands here; [`Found::all_pairs`] has them all.
    pub pairs: Vec<Pair>,
    /// (row, first row with the same text), by row number.
    pub same: Vec<(u32, u32)>,
    /// Per row: the first row of its cluster, itself when it is alone.
    pub cluster: Vec<u32>,
    /// Rows too short to be compared.
    pub short: u64,
    /// Candidates left out: in crowds (counted once per band), or because the table was not
    /// given again.
    pub cut: u64,
}

impl Found {
    /// Rows that are not the first of their cluster.
    pub fn redundant(&self) -> u64 {
        let rows = (0u32..).zip(&self.cluster);
        rows.filter(|(row, first)| row != *first).count() as u64
    }

    /// Every pair, those with and among rows of equal text included: as many
    /// as there are, so they are made while they are visited.
    pub fn all_pairs(&self, mut visit: impl FnMut(Pair)) {
        let mut twins: HashMap<u32, Vec<u32>> = HashMap::new();
        for (row, first) in &self.same {
            twins
                .entry(*first)
                .or_insert_with(|| vec![*first])
                .push(*row);
        }
        let alone = |row: u32| vec![row];
        for pair in &self.pairs {
            let lefts = twins.get(&pair.a).cloned().unwrap_or_else(|| alone(pair.a));
            let rights = twins.get(&pair.b).cloned().unwrap_or_else(|| alone(pair.b));
            for left in &lefts {
                for right in &rights {
                    visit(Pair {
                        a: *left.min(right),
                        b: *left.max(right),
                        ..*pair
                    });
                }
            }
        }
        let mut firsts: Vec<_> = twins.into_iter().collect();
        firsts.sort_unstable();
        for (_, rows) in firsts {
            for (at, a) in rows.iter().enumerate() {
                for b in rows.iter().skip(at + 1) {
                    visit(Pair {
                        a: *a,
                        b: *b,
                        shared: 1,
                        together: 1,
                    });
                }
            }
        }
    }
}

/// Candidates, being checked round by round.
#[derive(Debug)]
pub struct Hunt {
    settings: Settings,
    sizes: Vec<u32>,
    same: Vec<(u32, u32)>,
    /// Candidates by group, so that a row is wanted in few rounds.
    candidates: Vec<(u32, u32)>,
    /// Candidates checked so far, and up to where the round goes.
    done: usize,
    end: usize,
    /// Rows of the round, ascending, and their items, sorted.
    wanted: Vec<u32>,
    sets: Vec<Vec<u128>>,
    found: Vec<Pair>,
    cut: u64,
    at_once: u64,
}

/// Finds near duplicates among rows that are all at hand.
pub fn find(items: &impl Items, settings: Settings) -> Found {
    let mut near = Near::new(settings);
    near.push(items);
    let mut hunt = near.hunt();
    while hunt.wants() {
        hunt.take(0, items);
    }
    hunt.finish()
}

impl Hunt {
    pub(super) fn new(near: Near) -> Self {
        let Near { settings, rows } = near;
        let (firsts, same) = distinct(&rows.prints, &rows.sizes);
        let (mut candidates, cut) = meet(&firsts, &rows.keys, settings.bands);
        let mut groups = Forest::new(rows.sizes.len());
        for (a, b) in &candidates {
            groups.join(*a, *b);
        }
        candidates.par_sort_unstable_by_key(|(a, b)| (groups.root_of(*a), *a, *b));
        Self {
            settings,
            sizes: rows.sizes,
            same,
            candidates,
            done: 0,
            end: 0,
            wanted: Vec::new(),
            sets: Vec::new(),
            found: Vec::new(),
            cut,
            at_once: ITEMS_AT_ONCE,
        }
    }

    /// Holds at most so many items at a time (but at least one pair's).
    #[must_use]
    pub fn at_once(mut self, items: u64) -> Self {
        self.at_once = items;
        self
    }

    /// Settles what was taken in the last pass over the table; answers whether
    /// another pass is needed.
    pub fn wants(&mut self) -> bool {
        self.settle();
        let rest = self.candidates.get(self.done..).unwrap_or_default();
        let mut wanted: HashSet<u32> = HashSet::new();
        let (mut items, mut taken) = (0, 0);
        for (a, b) in rest {
            for row in [a, b] {
                if wanted.insert(*row) {
                    let size = self.sizes.get(*row as usize).copied().unwrap_or(0);
                    items += u64::from(size);
                }
            }
            if items > self.at_once && taken > 0 {
                break;
            }
            taken += 1;
        }
        self.end = self.done + taken;
        let pairs = self.candidates.get(self.done..self.end);
        let rows = pairs.unwrap_or_default().iter().flat_map(|(a, b)| [*a, *b]);
        self.wanted = rows.collect();
        self.wanted.sort_unstable();
        self.wanted.dedup();
        self.sets = vec![Vec::new(); self.wanted.len()];
        taken > 0
    }

    /// Takes what is wanted of a batch of rows, the first of which has this
    /// number in the table.
    pub fn take(&mut self, first: u32, items: &impl Items) {
        let from = self.wanted.partition_point(|row| *row < first);
        let rows = self.wanted.get(from..).unwrap_or_default();
        let sets = self.sets.get_mut(from..).unwrap_or_default();
        let count = items.rows();
        rows.par_iter()
            .zip(sets)
            .for_each_init(Vec::new, |scratch, (row, set)| {
                let at = (row - first) as usize;
                if at < count && set.is_empty() {
                    items.read(at, scratch, set);
                    set.sort_unstable();
                    set.dedup();
                }
            });
    }

    /// Compares the rows that were wanted.
    fn settle(&mut self) {
        let set = |row: &u32| -> &[u128] {
            let at = self.wanted.binary_search(row).ok();
            at.and_then(|at| self.sets.get(at))
                .map_or(&[], Vec::as_slice)
        };
        let threshold = u64::from(self.settings.threshold_ppm);
        let pairs = self.candidates.get(self.done..self.end).unwrap_or_default();
        let confirmed = pairs.par_iter().filter_map(|(a, b)| {
            let (left, right) = (set(a), set(b));
            let shared = shared(left, right);
            let together = left.len() + right.len() - shared;
            let alike = shared as u64 * 1_000_000 >= threshold * together as u64;
            (alike && shared > 0).then_some(Pair {
                a: *a,
                b: *b,
                shared: u32::try_from(shared).ok()?,
                together: u32::try_from(together).ok()?,
            })
        });
        let confirmed: Vec<Pair> = confirmed.collect();
        self.found.extend(confirmed);
        self.done = self.end;
    }

    /// Pairs and clusters of what was checked.
    pub fn finish(mut self) -> Found {
        self.settle();
        self.cut += (self.candidates.len() - self.done) as u64;
        self.found.sort_unstable();
        let mut clusters = Forest::new(self.sizes.len());
        for (row, first) in &self.same {
            clusters.join(*row, *first);
        }
        for pair in &self.found {
            clusters.join(pair.a, pair.b);
        }
        Found {
            cluster: clusters.roots(),
            pairs: self.found,
            same: self.same,
            short: self.sizes.iter().filter(|size| **size == 0).count() as u64,
            cut: self.cut,
        }
    }
}

/// The first rows of every text, and the others with theirs.
fn distinct(prints: &[u128], sizes: &[u32]) -> (Vec<u32>, Vec<(u32, u32)>) {
    let mut order: Vec<u32> = (0u32..)
        .zip(sizes)
        .filter(|(_, size)| **size > 0)
        .map(|(row, _)| row)
        .collect();
    let print = |row: u32| prints.get(row as usize).copied().unwrap_or(0);
    order.par_sort_unstable_by_key(|row| (print(*row), *row));
    let (mut firsts, mut same) = (Vec::new(), Vec::new());
    for twins in order.chunk_by(|a, b| print(*a) == print(*b)) {
        if let Some((first, others)) = twins.split_first() {
            firsts.push(*first);
            same.extend(others.iter().map(|other| (*other, *first)));
        }
    }
    firsts.sort_unstable();
    same.sort_unstable();
    (firsts, same)
}

/// Pairs of rows with an equal key in some band, each once; and how many were
/// left out.
fn meet(rows: &[u32], keys: &[u32], bands: usize) -> (Vec<(u32, u32)>, u64) {
    let (mut met, mut cut): (Vec<(u32, u32)>, u64) = (Vec::new(), 0);
    let mut order: Vec<(u32, u32)> = Vec::with_capacity(rows.len());
    for band in 0..bands {
        order.clear();
        order.extend(rows.iter().filter_map(|row| {
            let key = keys.get(*row as usize * bands + band)?;
            Some((*key, *row))
        }));
        order.par_sort_unstable();
        let crowd = if met.len() < MANY { CROWD } else { NEIGHBOURS };
        for group in order.chunk_by(|a, b| a.0 == b.0) {
            cut += pair_up(group, crowd, &mut met);
        }
        met.par_sort_unstable();
        met.dedup();
    }
    (met, cut)
}

fn pair_up(group: &[(u32, u32)], crowd: usize, met: &mut Vec<(u32, u32)>) -> u64 {
    let size = group.len();
    let reach = if size <= crowd { size } else { NEIGHBOURS };
    let before = met.len();
    for (at, (_, a)) in group.iter().enumerate() {
        let next = group.iter().skip(at + 1).take(reach);
        met.extend(next.map(|(_, b)| (*a, *b)));
        if at > reach
            && let Some((_, first)) = group.first()
        {
            met.push((*first, *a));
        }
    }
    let all = size as u64 * (size as u64 - 1) / 2;
    all - (met.len() - before) as u64
}

/// Number of values in both of two ascending lists without repeats.
fn shared(left: &[u128], right: &[u128]) -> usize {
    let (mut l, mut r, mut both) = (0, 0, 0);
    while let (Some(a), Some(b)) = (left.get(l), right.get(r)) {
        both += usize::from(a == b);
        l += usize::from(a <= b);
        r += usize::from(b <= a);
    }
    both
}

/// Union-find; the root of a tree is its least row.
pub(crate) struct Forest(Vec<u32>);

impl Forest {
    pub fn new(rows: usize) -> Self {
        Self((0..u32::try_from(rows).unwrap_or(u32::MAX)).collect())
    }

    fn parent(&self, row: u32) -> u32 {
        self.0.get(row as usize).copied().unwrap_or(row)
    }

    fn root_of(&self, mut row: u32) -> u32 {
        while self.parent(row) != row {
            row = self.parent(row);
        }
        row
    }

    fn root(&mut self, row: u32) -> u32 {
        let root = self.root_of(row);
        let mut at = row;
        while at != root {
            let next = self.parent(at);
            self.set(at, root);
            at = next;
        }
        root
    }

    pub fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        self.set(a.max(b), a.min(b));
    }

    /// The root of every row.
    pub fn roots(mut self) -> Vec<u32> {
        let rows = 0..u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        rows.map(|row| self.root(row)).collect()
    }

    fn set(&mut self, row: u32, to: u32) {
        if let Some(parent) = self.0.get_mut(row as usize) {
            *parent = to;
        }
    }
}
