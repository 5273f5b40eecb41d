//! Classes that are counted part by part, in bounded memory.

use rayon::prelude::*;

use super::Counted;
use crate::profile::SAMPLES;

/// Fewest classes that are held, however little memory there is.
const FEWEST: usize = 1024;

/// The classes whose hashes begin with the same bits.
pub(super) struct Parts {
    /// Most classes held, and most hashes that wait to be counted.
    most: (usize, usize),
    /// Leading bits that tell parts apart, and those of the part being counted.
    bits: u32,
    part: u64,
    /// Is a part being counted, or were all?
    counting: bool,
    /// Hashes and rows of the classes of the part, in order.
    classes: Vec<(u64, u64)>,
    pending: Vec<u64>,
    /// Small classes of the part before, in order, and the first rows of them.
    small: Vec<u64>,
    named: Vec<u64>,
}

impl Parts {
    pub fn new(memory: usize) -> Self {
        // A class takes 16 bytes, twice while others are added, and 8 more when it is small.
        let most = ((memory / 64).max(FEWEST), (memory / 32).max(FEWEST));
        Self {
            most,
            bits: 0,
            part: 0,
            counting: true,
            classes: Vec::new(),
            pending: Vec::new(),
            small: Vec::new(),
            named: Vec::new(),
        }
    }

    pub fn is_done(&self) -> bool {
        !self.counting && self.small.is_empty()
    }

    fn holds(bits: u32, part: u64, hash: u64) -> bool {
        bits == 0 || hash >> (64 - bits) == part
    }

    /// Counts the rows of the part.
    pub fn add(&mut self, hashes: impl Iterator<Item = u64>) {
        if !self.counting {
            return;
        }
        for hash in hashes {
            if Self::holds(self.bits, self.part, hash) {
                self.pending.push(hash);
                if self.pending.len() >= self.most.1 {
                    self.count_pending();
                }
            }
        }
    }

    fn count_pending(&mut self) {
        self.pending.par_sort_unstable();
        let mut known = std::mem::take(&mut self.classes).into_iter().peekable();
        let mut merged = Vec::with_capacity(known.len());
        for class in self.pending.chunk_by(|a, b| a == b) {
            let Some(hash) = class.first() else { continue };
            while let Some(before) = known.next_if(|(other, _)| other < hash) {
                merged.push(before);
            }
            let counted = known.next_if(|(other, _)| other == hash);
            merged.push((
                *hash,
                counted.map_or(0, |(_, rows)| rows) + class.len() as u64,
            ));
        }
        merged.extend(known);
        self.pending.clear();
        self.classes = merged;
        while self.classes.len() > self.most.0 && self.bits < 63 {
            // The other half is a part of its own, of a later pass.
            (self.bits, self.part) = (self.bits + 1, self.part * 2);
            let (bits, part) = (self.bits, self.part);
            self.classes
                .retain(|(hash, _)| Self::holds(bits, part, *hash));
        }
        self.classes.shrink_to_fit();
    }

    /// Names the first rows of small classes of the part before.
    pub fn name(&mut self, rows: impl Iterator<Item = (u64, u64)>) {
        if self.small.is_empty() || self.named.len() >= SAMPLES {
            return;
        }
        let small = rows.filter(|(_, hash)| self.small.binary_search(hash).is_ok());
        let left = SAMPLES - self.named.len();
        self.named.extend(small.map(|(row, _)| row).take(left));
    }

    /// All rows of the part were shown.
    pub fn end_part(&mut self, k: u32, found: &mut Counted) {
        if !self.counting {
            return;
        }
        self.count_pending();
        let small = &mut self.small;
        found.add(std::mem::take(&mut self.classes).into_iter(), k, |hash| {
            small.push(hash)
        });
        self.part += 1;
        self.counting = self.part >> self.bits == 0;
    }

    pub fn end_pass(&mut self, k: u32, found: &mut Counted) {
        found.rows.append(&mut self.named);
        self.small.clear();
        self.end_part(k, found);
    }
}
