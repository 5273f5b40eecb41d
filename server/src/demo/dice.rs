//! Chance that repeats: everything random in the story comes from one seed.

use fastrand::Rng;

/// A source of choices, the same for the same seed.
pub struct Dice(Rng);

impl Dice {
    /// Starts from a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Rng::with_seed(seed))
    }

    /// A number from `low` to `high`, both possible.
    pub fn between(&mut self, low: usize, high: usize) -> usize {
        self.0.usize(low..=high)
    }

    /// A number from 0 up to 1, 1 not included.
    pub fn fraction(&mut self) -> f64 {
        self.0.f64()
    }

    /// Puts things into another order.
    pub fn shuffle<T>(&mut self, things: &mut [T]) {
        self.0.shuffle(things);
    }
}
