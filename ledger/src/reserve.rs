//! Reserves: a part of every credit is held back for some periods, for refunds and disputes
//! that come later.
//!
//! Per contributor and currency, at the end of a period: release what is due, [`due`] of the
//! credit is held, and while the balance is negative reserves are drawn, oldest first. So a
//! negative balance and a reserve never stand side by side (I12).
//!
//! ```
//! use ledger::reserve::{Reserves, due};
//! let mut reserves = Reserves::default();
//! reserves.hold(14, due(1_000, 1_000, 2_500));
//! reserves.hold(15, due(400, 400, 2_500));
//! assert_eq!(reserves.total(), 350);
//! assert_eq!(reserves.draw(-300), 300); // 250 of the older, 50 of the younger
//! assert_eq!((reserves.release(14), reserves.release(15)), (0, 50));
//! ```

use crate::plan::BPS;

/// What is held of a credit: `min(⌊max(0, credit)·bps/10⁴⌋, max(0, available))`, all in
/// minor units. `available` is the balance with the credit and what was released. Rates
/// above 100 % hold all.
pub fn due(credit: i64, available: i64, bps: u32) -> i64 {
    let part = i128::from(credit.max(0)) * i128::from(bps).min(BPS) / BPS;
    // part ≤ credit
    i64::try_from(part).unwrap_or(credit).min(available.max(0))
}

/// What is held of one contributor in one currency, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reserves {
    held: Vec<Held>,
}

/// One period's reserve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Number of the period at whose end it is released ([`crate::period::Period::number`]).
    pub until: u32,
    /// Minor units still held, at least 1.
    pub minor: i64,
}

impl Reserves {
    /// Holds `minor` more; 0 holds nothing.
    ///
    /// # Panics
    /// A negative amount.
    pub fn hold(&mut self, until: u32, minor: i64) {
        assert!(minor >= 0, "a reserve is never negative");
        if minor > 0 {
            self.held.push(Held { until, minor });
        }
    }

    /// Takes out what is due at the end of period `now`; minor units.
    pub fn release(&mut self, now: u32) -> i64 {
        let mut released = 0;
        self.held.retain(|held| {
            let due = held.until <= now;
            released += if due { held.minor } else { 0 };
            !due
        });
        released
    }

    /// Takes out what a balance lacks to 0, at most what is held, oldest first.
    pub fn draw(&mut self, balance: i64) -> i64 {
        let mut lacking = balance.min(0).saturating_neg();
        let before = lacking;
        for held in &mut self.held {
            let part = held.minor.min(lacking);
            held.minor -= part;
            lacking -= part;
        }
        self.held.retain(|held| held.minor > 0);
        before - lacking
    }

    /// Minor units held.
    pub fn total(&self) -> i64 {
        // Every part was taken from one 64-bit balance.
        self.held
            .iter()
            .fold(0, |sum, held| sum.saturating_add(held.minor))
    }

    /// Everything held, oldest first.
    pub fn held(&self) -> &[Held] {
        &self.held
    }
}

impl FromIterator<Held> for Reserves {
    /// From stored rows, oldest first.
    fn from_iter<I: IntoIterator<Item = Held>>(rows: I) -> Reserves {
        Reserves {
            held: rows.into_iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_held_by_hand() {
        for (credit, available, bps, want) in [
            (1_000, 1_000, 1_000, 100),
            (1_009, 1_009, 1_000, 100),
            (1_000, 40, 1_000, 40),
            (1_000, -5, 1_000, 0),
            (-1_000, 500, 1_000, 0),
            (1_000, 1_000, 0, 0),
            (i64::MAX, i64::MAX, 10_000, i64::MAX),
            (i64::MAX, i64::MAX, 20_000, i64::MAX),
        ] {
            assert_eq!(
                due(credit, available, bps),
                want,
                "{credit} {available} {bps}"
            );
        }
    }

    proptest! {
        #[test]
        fn nothing_is_made_or_lost(holds in prop::collection::vec((0u32..20, 0i64..1_000), 0..12),
                                   balance in -4_000i64..100, now in 0u32..25) {
            let mut reserves = Reserves::default();
            holds.iter().for_each(|(until, minor)| reserves.hold(*until, *minor));
            let all: i64 = holds.iter().map(|(_, m)| m).sum();
            prop_assert_eq!(reserves.total(), all);
            let released = reserves.release(now);
            let due: i64 = holds.iter().filter(|(u, _)| *u <= now).map(|(_, m)| m).sum();
            prop_assert_eq!(released, due);
            let drawn = reserves.draw(balance);
            prop_assert_eq!(drawn, (-balance).max(0).min(all - due));
            prop_assert_eq!(reserves.total(), all - released - drawn);
            // I12: with a debt left, nothing is held any more.
            prop_assert!(balance + drawn >= 0 || reserves.held().is_empty());
        }
    }
}
