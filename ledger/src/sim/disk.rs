//! Storage with a fence, that can stop at every step of a commit.

use crate::book::Journal;

/// Where a commit stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// Before anything is written.
    Before,
    /// After the entries, before the rest: nothing of it counts.
    Torn,
    /// After the commit, before the answer.
    Unanswered,
    /// Not at all.
    Never,
}

/// How a commit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Commit {
    /// It counts, and the writer knows.
    Done,
    /// The process is gone; whether it counts is for the restart to see.
    Crashed,
    /// Another writer leads: it does not count.
    Fenced,
}

/// What survives.
pub(super) struct Disk {
    committed: Journal,
    before_last: Journal,
    fence: u64,
}

impl Disk {
    pub(super) fn new(journal: Journal) -> Disk {
        Disk {
            committed: journal.clone(),
            before_last: journal,
            fence: 0,
        }
    }

    /// A new leader; every other one is fenced off from now on.
    pub(super) fn lead(&mut self) -> u64 {
        self.fence += 1;
        self.fence
    }

    /// Puts a whole new state in the place of the old one, or nothing of it.
    pub(super) fn commit(&mut self, fence: u64, new: &Journal, stop: Stop) -> Commit {
        if stop == Stop::Before || stop == Stop::Torn {
            return Commit::Crashed;
        }
        if fence != self.fence {
            return Commit::Fenced;
        }
        self.before_last = std::mem::replace(&mut self.committed, new.clone());
        match stop {
            Stop::Unanswered => Commit::Crashed,
            _ => Commit::Done,
        }
    }

    /// What a restart reads.
    pub(super) fn journal(&self) -> &Journal {
        &self.committed
    }

    /// Loses the last commit, to see whether anybody notices.
    #[cfg(test)]
    pub(super) fn forget_last(&mut self) {
        self.committed = self.before_last.clone();
    }
}
