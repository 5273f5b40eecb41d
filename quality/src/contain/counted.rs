//! Counting what two sets have in common, one by one, in bounded memory.
//!
//! A set too large for memory is counted slice by slice: its files are read once for every
//! slice, and nothing is written.

/// Nobody had it.
const NEVER: u64 = u64::MAX;

/// The members of a set that fall into one slice, and who had them first.
///
/// Members are fingerprints; 0 is none. Moments are any numbers that grow: the first of ours
/// and the first of theirs decide who copied.
///
/// ```
/// use quality::contain::Slice;
///
/// let spread = |member: u128| member << 100;
/// let mut slice = Slice::of(0, 1);
/// (1..=10).for_each(|member| slice.push(spread(member)));
/// slice.close();
/// slice.ours(spread(1), 4);
/// (1..=6).for_each(|member| slice.theirs(spread(member), 5));
/// let counted = slice.take();
/// assert_eq!((counted.members, counted.shared, counted.first), (10, 5, Some(5)));
/// ```
#[derive(Clone, Debug)]
pub struct Slice {
    part: u64,
    parts: u64,
    members: Vec<u128>,
    ours: Vec<u64>,
    theirs: Vec<u64>,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Different members of the own set.
    pub members: u64,
    /// Those that others had before.
    pub shared: u64,
    /// When the first of them had the first of those.
    pub first: Option<u64>,
}

impl Counted {
    /// Of both slices.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            members: self.members + other.members,
            shared: self.shared + other.shared,
            first: self.first.into_iter().chain(other.first).min(),
        }
    }
}

impl Slice {
    /// Slices that a set of so many members is counted in, at most `most` in each, but for what
    /// chance adds.
    pub fn needed(members: u64, most: u64) -> u32 {
        u32::try_from(members.div_ceil(most.max(1)).max(1)).unwrap_or(u32::MAX)
    }

    /// An empty slice, number `part` of `parts`.
    pub fn of(part: u32, parts: u32) -> Self {
        Self {
            part: part.into(),
            parts: parts.max(1).into(),
            members: Vec::new(),
            ours: Vec::new(),
            theirs: Vec::new(),
        }
    }

    fn holds(&self, member: u128) -> bool {
        // Fingerprints are spread evenly: their first 32 bits say which slice.
        member != 0 && (((member >> 96) as u64 * self.parts) >> 32) == self.part
    }

    /// Adds a member of the own set.
    pub fn push(&mut self, member: u128) {
        if self.holds(member) {
            self.members.push(member);
        }
    }

    /// All own members are there.
    pub fn close(&mut self) {
        self.members.sort_unstable();
        self.members.dedup();
        self.ours = vec![NEVER; self.members.len()];
        self.theirs = vec![NEVER; self.members.len()];
    }

    /// Whether it is a member that falls into this slice; all own members are there.
    pub fn has(&self, member: u128) -> bool {
        self.holds(member) && self.members.binary_search(&member).is_ok()
    }

    /// One of ours had it at that moment.
    pub fn ours(&mut self, member: u128, moment: u64) {
        let held = self.holds(member);
        earliest(&self.members, &mut self.ours, held, member, moment);
    }

    /// One of theirs had it at that moment.
    pub fn theirs(&mut self, member: u128, moment: u64) {
        let held = self.holds(member);
        earliest(&self.members, &mut self.theirs, held, member, moment);
    }

    /// What was counted of them; then others may be looked at. What one of ours had before them
    /// is no copy.
    pub fn take(&mut self) -> Counted {
        let mut counted = Counted {
            members: self.members.len() as u64,
            ..Counted::default()
        };
        for (theirs, ours) in self.theirs.iter_mut().zip(&self.ours) {
            if *theirs != NEVER && *ours >= *theirs {
                counted.shared += 1;
                counted.first = counted.first.into_iter().chain([*theirs]).min();
            }
            *theirs = NEVER;
        }
        counted
    }
}

fn earliest(members: &[u128], moments: &mut [u64], held: bool, member: u128, moment: u64) {
    if !held {
        return;
    }
    if let Ok(place) = members.binary_search(&member)
        && let Some(first) = moments.get_mut(place)
    {
        *first = moment.min(*first);
    }
}
