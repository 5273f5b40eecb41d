//! The k least hashes of a set that comes in any order, with repeats.

/// Collects the k least hashes.
#[derive(Clone, Debug)]
pub struct Bottom {
    k: usize,
    /// Candidates: the k least so far are among them.
    hashes: Vec<u64>,
    /// The greatest hash that can still matter.
    limit: u64,
    /// Were hashes left out?
    cut: bool,
}

impl Bottom {
    /// An empty set, of which `k` ≥ 1 hashes will be kept.
    pub fn new(k: usize) -> Self {
        Self {
            k: k.max(1),
            hashes: Vec::new(),
            limit: u64::MAX,
            cut: false,
        }
    }

    /// Adds a member by its fingerprint, which need not be well mixed.
    #[inline]
    pub fn add(&mut self, member: u128) {
        let hash = mix(member as u64 ^ mix((member >> 64) as u64));
        if hash > self.limit {
            self.cut = true;
            return;
        }
        self.hashes.push(hash);
        if self.hashes.len() >= self.k.saturating_mul(2).saturating_add(64) {
            self.shrink();
        }
    }

    fn shrink(&mut self) {
        self.hashes.sort_unstable();
        self.hashes.dedup();
        if self.hashes.len() > self.k {
            self.cut = true;
            self.hashes.truncate(self.k);
        }
        if self.hashes.len() == self.k
            && let Some(last) = self.hashes.last()
        {
            self.limit = *last;
        }
    }

    /// The hashes, ascending, and up to where they are complete: `None` when they
    /// are the whole set.
    pub fn finish(mut self) -> (Vec<u64>, Option<u64>) {
        self.shrink();
        let bound = self.hashes.last().copied().filter(|_| self.cut);
        (self.hashes, bound)
    }
}

/// A bijection of 64 bits that spreads every bit over all (splitmix64).
#[inline]
pub(super) fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
