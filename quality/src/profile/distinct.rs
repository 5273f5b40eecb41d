//! Distinct counts: exact below 4,096 values, HyperLogLog (p = 14) above.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use xxhash_rust::xxh3::xxh3_64;

use crate::dedup::{CellKey, key_hash};

/// Number of distinct values up to which counting is exact (exclusive).
pub(crate) const EXACT_LIMIT: usize = 4096;

const PRECISION: u32 = 14;
const REGISTERS: usize = 1 << PRECISION;
type Registers = [u8; REGISTERS];
/// Largest rank of a hash: leading zeros of the other 50 bits, plus one.
const TOP_RANK: usize = 64 - PRECISION as usize + 1;

/// The key of the map is a hash already.
#[derive(Default)]
pub(crate) struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64(bytes);
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// Counts distinct normal forms of one column.
pub(crate) struct Distinct {
    last: Option<(CellKey, u32)>,
    slots: HashMap<u64, u32, BuildHasherDefault<Identity>>,
    counts: Vec<u64>,
    registers: Option<Box<Registers>>,
}

impl Distinct {
    pub fn new() -> Self {
        Self {
            last: None,
            slots: HashMap::default(),
            counts: Vec::new(),
            registers: None,
        }
    }

    /// Counts one present value; `true` when it is a new exact one.
    #[inline]
    pub fn add(&mut self, key: CellKey) -> bool {
        if let Some(registers) = &mut self.registers {
            note(registers, key_hash(key));
            return false;
        }
        if let Some((last, slot)) = self.last
            && last == key
        {
            if let Some(count) = self.counts.get_mut(slot as usize) {
                *count += 1;
            }
            return false;
        }
        self.add_exact(key, key_hash(key))
    }

    fn add_exact(&mut self, key: CellKey, hash: u64) -> bool {
        if let Some(&slot) = self.slots.get(&hash) {
            self.counts[slot as usize] += 1;
            self.last = Some((key, slot));
            return false;
        }
        let slot = self.counts.len();
        if slot + 1 == EXACT_LIMIT {
            let mut registers = Box::new([0; REGISTERS]);
            for &known in self.slots.keys() {
                note(&mut registers, known);
            }
            note(&mut registers, hash);
            self.registers = Some(registers);
            self.slots = HashMap::default();
            self.counts = Vec::new();
            self.last = None;
            return false;
        }
        self.slots.insert(hash, slot as u32);
        self.counts.push(1);
        self.last = Some((key, slot as u32));
        true
    }

    /// Where the value that was counted last is kept; valid as long as counting is exact.
    pub fn last_slot(&self) -> u32 {
        self.last.map_or(u32::MAX, |(_, slot)| slot)
    }

    /// Counts a value again whose place is known. An estimate does not change by it.
    #[inline]
    pub fn again(&mut self, slot: u32) {
        if let Some(count) = self.counts.get_mut(slot as usize) {
            *count += 1;
        }
    }

    /// Number of distinct values.
    pub fn count(&self) -> u64 {
        match &self.registers {
            Some(registers) => estimate(registers),
            None => self.counts.len() as u64,
        }
    }

    /// Is [`Self::count`] exact?
    pub fn is_exact(&self) -> bool {
        self.registers.is_none()
    }

    /// How often every exact value occurs, by order of first appearance.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }
}

#[inline]
fn note(registers: &mut Registers, hash: u64) {
    // Fourteen bits are always within.
    let seen = &mut registers[(hash >> (64 - PRECISION)) as usize];
    let rank = ((hash << PRECISION) | (1 << (PRECISION - 1))).leading_zeros() as u8 + 1;
    if *seen < rank {
        *seen = rank;
    }
}

/// Ertl's improved raw estimator (O. Ertl, "New cardinality estimation
/// algorithms for HyperLogLog sketches", 2017, algorithm 6): no bias tables,
/// standard error 1.04/√2^14 = 0.81 %. Only additions, products, quotients and
/// square roots: the same bits on every machine.
fn estimate(registers: &Registers) -> u64 {
    let mut ranks = [0u32; TOP_RANK + 1];
    for &rank in registers.iter() {
        ranks[usize::from(rank).min(TOP_RANK)] += 1;
    }
    let m = REGISTERS as f64;
    let mut z = m * tau(1.0 - f64::from(ranks[TOP_RANK]) / m);
    for &count in ranks[1..TOP_RANK].iter().rev() {
        z = 0.5 * (z + f64::from(count));
    }
    z += m * sigma(f64::from(ranks[0]) / m);
    (m * m / (2.0 * std::f64::consts::LN_2 * z)).round() as u64
}

fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}

fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if z == before {
            return z / 3.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dedup::integer_key;

    fn count(values: impl Iterator<Item = i128>) -> Distinct {
        let mut distinct = Distinct::new();
        for value in values {
            distinct.add(integer_key(value));
        }
        distinct
    }

    #[test]
    fn exact_up_to_the_limit() {
        let limit = EXACT_LIMIT as i128;
        let below = count((0..100_000).map(|i| i % (limit - 1)));
        assert!(below.is_exact());
        assert_eq!(below.count(), 4095);
        assert_eq!(below.counts().iter().sum::<u64>(), 100_000);
        assert!(!count(0..limit).is_exact());
    }

    #[test]
    fn estimates_stay_within_two_percent() {
        for n in [
            4_096i128, 5_000, 20_000, 60_000, 150_000, 400_000, 1_000_000,
        ] {
            let found = count((0..n).chain(0..n)).count() as i128;
            assert!((found - n).abs() * 50 <= n, "{n} estimated as {found}");
        }
    }
}
