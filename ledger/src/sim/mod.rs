//! A seeded world around the ledger: clients, a payment provider, a bank, a clock, storage
//! that fails (LEDGER.md §8). One number decides everything, so a failure can be run again.
//!
//! * **Clients** ask, lose the answer, and ask again under the same key.
//! * The **provider** reports top-ups, disputes and verdicts late, twice, in any order, also
//!   a verdict before its dispute, and now and then not at all until it is asked again.
//! * The **bank** pays or returns payouts, and says so more than once.
//! * The **clock** jumps forwards and back; months are closed while events of them are on
//!   their way.
//! * The **storage** stops at every step of a commit: before it, in the middle of it, after
//!   it but before the answer. A restart sees what was committed and nothing else.
//! * **Two writers** believe to be the leader; the fence lets only one of them commit.
//! * Settlements, refunds and the freezing of new epochs race.
//!
//! The [`auditor`] is a second implementation, fed with acknowledged commands alone. After
//! every restart, and at the end, it recomputes what everybody is owed from first principles;
//! at the end the verifier ([`crate::audit`]) reads every row as well.
//!
//! ```
//! let told = ledger::sim::run(7)?;
//! assert!(told.acknowledged > 0);
//! # Ok::<(), ledger::sim::Failure>(())
//! ```

mod auditor;
mod disk;
mod world;

use auditor::Auditor;
use std::fmt;
use world::World;

/// What happened in one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Told {
    /// Commands that were carried out and answered.
    pub acknowledged: u32,
    /// Answers that were lost and asked for again.
    pub repeated: u32,
    /// Commands that were refused.
    pub refused: u32,
    /// Restarts after a crash.
    pub restarts: u32,
    /// Commits of a writer that was not the leader any more.
    pub fenced: u32,
}

impl Told {
    /// Adds another run's figures.
    pub fn add(&mut self, other: Told) {
        self.acknowledged = self.acknowledged.saturating_add(other.acknowledged);
        self.repeated = self.repeated.saturating_add(other.repeated);
        self.refused = self.refused.saturating_add(other.refused);
        self.restarts = self.restarts.saturating_add(other.restarts);
        self.fenced = self.fenced.saturating_add(other.fenced);
    }
}

/// A run that broke a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Failure {
    /// The number that makes it happen again.
    pub seed: u64,
    /// Which step of the world it was.
    pub step: u32,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure { seed, step, what } = self;
        write!(
            f,
            "step {step}: {what}\nrun it again: granary ledger sim --seed {seed}"
        )
    }
}

/// Steps of a run before everything is brought to rest.
const STEPS: u32 = 48;

/// Runs the world of one seed.
///
/// # Errors
/// The first rule that was broken, with the command that runs it again.
pub fn run(seed: u64) -> Result<Told, Failure> {
    let mut world = World::new(seed);
    for step in 0..STEPS {
        let restarts = world.told.restarts;
        world.step();
        if world.told.restarts != restarts {
            check(&mut world, seed, step)?;
        }
    }
    world.rest();
    check(&mut world, seed, STEPS)?;
    if let Some(finding) = world.disk.journal().rows().findings().first() {
        let what = format!("the verifier: {finding}");
        let step = STEPS;
        return Err(Failure { seed, step, what });
    }
    Ok(world.told)
}

/// Brings in every answer that is still out, then compares.
fn check(world: &mut World, seed: u64, step: u32) -> Result<(), Failure> {
    world.drain();
    let fail = |what| Failure { seed, step, what };
    if let Some(wrong) = world.wrong.take() {
        return Err(fail(wrong));
    }
    let journal = world.disk.journal();
    Auditor::of(&world.acknowledged, &world.epochs)
        .compare(journal)
        .map_err(|what| fail(format!("the auditor: {what}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The gate: ten thousand worlds.
    #[test]
    fn ten_thousand_seeds_keep_every_rule() {
        let halves = [0..5_000u64, 5_000..10_000];
        let told: Vec<Told> = std::thread::scope(|scope| {
            let runs = halves.map(|seeds| scope.spawn(move || many(seeds)));
            runs.into_iter().map(|run| run.join().unwrap()).collect()
        });
        let sum = |figure: fn(&Told) -> u32| told.iter().map(figure).sum::<u32>();
        // The world must be as rough as it says.
        assert!(sum(|t| t.acknowledged) > 100_000, "{told:?}");
        assert!(sum(|t| t.repeated) > 10_000, "{told:?}");
        assert!(sum(|t| t.refused) > 10_000, "{told:?}");
        assert!(sum(|t| t.restarts) > 10_000, "{told:?}");
        assert!(sum(|t| t.fenced) > 1_000, "{told:?}");
    }

    fn many(seeds: std::ops::Range<u64>) -> Told {
        let mut all = Told::default();
        for seed in seeds {
            all.add(run(seed).unwrap_or_else(|failure| panic!("{failure}")));
        }
        all
    }

    #[test]
    fn a_seed_is_the_same_world_again() {
        assert_eq!(run(42), run(42));
    }

    /// The auditor can see: a journal that lost one acknowledged command is noticed.
    #[test]
    fn a_lost_command_is_noticed() {
        let mut noticed = 0;
        for seed in 0..50 {
            let mut world = World::new(seed);
            (0..STEPS).for_each(|_| world.step());
            world.rest();
            world.disk.forget_last();
            let auditor = Auditor::of(&world.acknowledged, &world.epochs);
            noticed += u32::from(auditor.compare(world.disk.journal()).is_err());
        }
        assert!(noticed > 30, "{noticed} of 50");
    }
}
