//! Pools: one row per (revision, epoch, currency) that a payment adds its net to,
//! whatever the number of contributors.

use crate::settle::SettleError;

/// Cumulative net of a pool and how much of it is settled, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pool {
    /// Sum of all nets so far: sales minus what was given back.
    pub cumulative: i64,
    /// The part already credited to contributors and dust.
    pub settled: i64,
}

impl Pool {
    /// Adds a sale's net (negative for a refund).
    ///
    /// # Errors
    /// The cumulative net would leave 64 bits (I19).
    pub fn add(&mut self, net: i64) -> Result<(), SettleError> {
        self.cumulative = self
            .cumulative
            .checked_add(net)
            .ok_or(SettleError::Overflow)?;
        Ok(())
    }

    /// What the next settlement moves; 0 when the pool did not move.
    ///
    /// # Errors
    /// The difference leaves 64 bits.
    pub fn delta(&self) -> Result<i64, SettleError> {
        self.cumulative
            .checked_sub(self.settled)
            .ok_or(SettleError::Overflow)
    }

    /// The balance of its account: settled − cumulative (I6).
    ///
    /// # Errors
    /// The difference leaves 64 bits.
    pub fn balance(&self) -> Result<i64, SettleError> {
        self.settled
            .checked_sub(self.cumulative)
            .ok_or(SettleError::Overflow)
    }
}
