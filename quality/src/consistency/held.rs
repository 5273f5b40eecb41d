//! A small number for every row, in memory as long as a budget lasts.
//!
//! What is wrong with a row may depend on all rows: which of two spellings is the usual one is
//! known at the end. So what a row says is kept, one or two bytes each. Where that is more than
//! the budget, it is let go, and the table is read again if anything was wrong at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Rows of which numbers are allocated at a time.
const CHUNK: usize = 64 << 10;

/// Bytes that several rules share.
#[derive(Clone)]
pub(super) struct Budget(Arc<AtomicUsize>);

impl Budget {
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(bytes)))
    }

    fn take(&self, bytes: usize) -> bool {
        let order = Ordering::Relaxed;
        let left = |left: usize| left.checked_sub(bytes);
        self.0.fetch_update(order, order, left).is_ok()
    }

    fn give(&self, bytes: usize) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// One number for every row.
pub(super) struct Held {
    budget: Budget,
    /// Bits 0 to 7, in chunks.
    low: Vec<Vec<u8>>,
    /// Bits 8 to 15 of as many rows as there are chunks, since some number first had any.
    high: Vec<Vec<u8>>,
    /// Chunks of `low` without one of `high`.
    without: usize,
    taken: usize,
    dropped: bool,
}

impl Held {
    pub fn new(budget: &Budget) -> Self {
        Self {
            budget: budget.clone(),
            low: Vec::new(),
            high: Vec::new(),
            without: 0,
            taken: 0,
            dropped: false,
        }
    }

    /// Takes the numbers of the next rows.
    pub fn extend(&mut self, numbers: &[u16]) {
        for part in numbers.chunks(CHUNK) {
            let wide = !self.high.is_empty() || part.iter().any(|number| *number > 0xff);
            if self.dropped || !self.take(part.len() * if wide { 2 } else { 1 }) {
                return self.clear();
            }
            self.low
                .push(part.iter().map(|number| *number as u8).collect());
            match wide {
                true => {
                    let high = part.iter().map(|number| (*number >> 8) as u8);
                    self.high.push(high.collect());
                }
                false => self.without += 1,
            }
        }
    }

    fn take(&mut self, bytes: usize) -> bool {
        let enough = self.budget.take(bytes);
        self.taken += if enough { bytes } else { 0 };
        enough
    }

    /// Lets go of everything, for good.
    pub fn clear(&mut self) {
        self.budget.give(std::mem::take(&mut self.taken));
        (self.low, self.high) = (Vec::new(), Vec::new());
        self.dropped = true;
    }

    /// Were they let go?
    pub fn is_dropped(&self) -> bool {
        self.dropped
    }

    /// The numbers of all rows, unless they were let go.
    pub fn all(&self) -> Option<impl Iterator<Item = u16> + '_> {
        let high = |chunk: usize, place: usize| {
            let chunk = chunk.checked_sub(self.without);
            let byte = chunk.and_then(|chunk| self.high.get(chunk)?.get(place));
            u16::from(byte.copied().unwrap_or(0)) << 8
        };
        let numbers = self.low.iter().enumerate().flat_map(move |(chunk, low)| {
            let low = low.iter().enumerate();
            low.map(move |(place, low)| high(chunk, place) | u16::from(*low))
        });
        (!self.dropped).then_some(numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_until_the_budget_is_spent() {
        let budget = Budget::new(300_000);
        let (mut one, mut other) = (Held::new(&budget), Held::new(&budget));
        let numbers: Vec<u16> = (0..150_000u32).map(|row| (row / 100) as u16).collect();
        numbers.chunks(9_000).for_each(|part| one.extend(part));
        assert!(one.all().is_some_and(|all| all.eq(numbers.iter().copied())));
        other.extend(&numbers);
        assert!(other.all().is_none());
        one.clear();
        let mut third = Held::new(&budget);
        third.extend(&numbers);
        assert!(
            third
                .all()
                .is_some_and(|all| all.eq(numbers.iter().copied()))
        );
    }
}
