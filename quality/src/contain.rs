//! How much of one table stands in another, without keeping either.
//!
//! A *sketch* is the k least hashes of a set (bottom-k). Below a bound that both
//! sketches reach, both are complete, so what they share there tells the
//! *containment* |A∩B|/|A|. Containment is what matters: 10,000 rows copied out of
//! a million have Jaccard similarity .01 and containment 1.
//!
//! | sketch | of | finds |
//! |---|---|---|
//! | [`Kind::Rows`] | rows, as the bag of their cells | copies, whatever their columns are called and in which order they stand |
//! | [`Kind::Loose`] | the same, numbers rounded to 3 significant digits and times to the day | copies with jitter |
//! | [`Kind::Key`] | values of the declared key | the same things, described otherwise |
//! | [`Kind::Column`] | values of one column | parts of a table; columns under another name |
//!
//! Cells are compared by their normal form, so an integer equals the same number
//! written as a float; missing cells say nothing, and an empty column more makes
//! no row new.
//!
//! The hashes have no key. Whoever stores or sends them keys them first: rows of
//! few possible values can be found by trying. A keyed hash per entry is all that
//! a comparison needs; the bound may stay as it is, for it says nothing but a
//! count.
//!
//! # Exactness
//! While both sets have at most k members the answer is exact, else it is an
//! estimate from n members with the 95 % margin of a share,
//! [`Share::margin_ppm`]. A set of fewer than [`LEAST_SEEN`] common places is not judged.
//!
//! Where an estimate says that it matters, rows, rounded rows and keys are counted one by
//! one: [`row_bags`] reads what they are compared by out of a cleaned table, and a [`Slice`]
//! counts, in bounded memory whatever the size of the tables. Columns stay estimates.
//!
//! Sources: Broder, *On the resemblance and containment of documents* (1997);
//! Cohen and Kaplan, *Summarizing data using bottom-k sketches* (2007).
//!
//! ```
//! use quality::contain::{Bottom, Kind, Sketch, share};
//!
//! let set = |members: std::ops::Range<u64>| {
//!     let mut bottom = Bottom::new(256);
//!     members.for_each(|member| bottom.add(u128::from(member)));
//!     bottom
//! };
//! let (stolen, all) = (set(0..10_000), set(0..1_000_000));
//! let (own, other) = (Sketch::of(Kind::Rows, &stolen), Sketch::of(Kind::Rows, &all));
//! assert!(share(&own, &other).is_none(), "2 or 3 common places are too few");
//! let other = Sketch::of(Kind::Rows, &set(2_500..20_000));
//! let share = share(&own, &other).expect("enough places");
//! assert!(share.ppm.abs_diff(750_000) < 2 * share.margin_ppm);
//! ```

pub(crate) mod analysis;
mod bags;
mod bottom;
mod counted;
mod loose;
mod sketcher;

#[cfg(test)]
mod counting_tests;
#[cfg(test)]
mod tests;

pub use analysis::{GATE_PPM, Other, SketchSize, against};
pub use bags::{Bags, row_bags};
pub use bottom::Bottom;
pub use counted::{Counted, Slice};
pub use sketcher::{Cells, Sketcher};

use serde::{Deserialize, Serialize};

/// Members of the sketches of rows and keys.
pub const K: usize = 4096;

/// Members of the sketch of one column.
pub const COLUMN_K: usize = 1024;

/// Columns with fewer different values are like many others and are not sketched.
pub const LEAST_DISTINCT: u64 = 64;

/// Columns sketched at most, in contract order.
pub const MOST_COLUMNS: usize = 64;

/// Members of the own set below the common bound, from which on a share is told.
pub const LEAST_SEEN: u64 = 20;

/// What is counted one by one where an estimate is not enough, in the order of [`Bags`].
pub const COUNTED: [Kind; 3] = [Kind::Rows, Kind::Loose, Kind::Key];

/// What a sketch is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Rows.
    Rows,
    /// Rows whose numbers and times are rounded.
    Loose,
    /// Values of the declared key.
    Key,
    /// Values of one column.
    Column,
}

impl Kind {
    /// Name in tables and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rows => "rows",
            Self::Loose => "loose",
            Self::Key => "key",
            Self::Column => "column",
        }
    }
}

/// The least hashes of a set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sketch {
    /// What the set is.
    pub kind: Kind,
    /// The column, of a column's sketch: its place in the contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// Hashes, ascending; they have no key.
    pub hashes: Vec<u64>,
    /// Up to where the sketch knows its set; `None` when it has all of it.
    pub bound: Option<u64>,
}

impl Sketch {
    /// The sketch of a set.
    pub fn of(kind: Kind, bottom: &Bottom) -> Self {
        let (hashes, bound) = bottom.clone().finish();
        Self {
            kind,
            column: None,
            hashes,
            bound,
        }
    }

    /// Number of members of the set, estimated when the sketch has not all.
    pub fn distinct(&self) -> u64 {
        let known = self.hashes.len() as u64;
        match self.bound {
            None => known,
            Some(bound) => {
                let members = u128::from(known.saturating_sub(1)) << 64;
                (members / u128::from(bound.max(1))) as u64
            }
        }
    }

    /// Members up to a bound.
    pub fn below(&self, bound: Option<u64>) -> u64 {
        let known = |bound| self.hashes.partition_point(|hash| *hash <= bound);
        bound.map_or(self.hashes.len(), known) as u64
    }
}

/// Containment of one set in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Parts per million of the own set.
    pub ppm: u32,
    /// Half the width of its 95 % interval, parts per million; 0: exact.
    pub margin_ppm: u32,
}

impl Share {
    /// A share that was counted.
    pub fn counted(shared: u64, all: u64) -> Self {
        let (shared, all) = (u128::from(shared.min(all)), u128::from(all.max(1)));
        Self {
            ppm: u32::try_from((shared * 1_000_000 + all / 2) / all).unwrap_or(1_000_000),
            margin_ppm: 0,
        }
    }

    /// The share that `shared` of the `own` members below `bound`, up to where the
    /// other sketch reaches, make; `None` when they are too few to judge by.
    pub fn measured(own: &Sketch, bound: Option<u64>, shared: u64) -> Option<Self> {
        let seen = own.below(bound);
        let all = own.bound.is_none() && seen == own.hashes.len() as u64;
        if seen == 0 || (seen < LEAST_SEEN && !all) {
            return None;
        }
        let share = (shared.min(seen) as f64) / seen as f64;
        let margin = match own.bound.is_none() && bound.is_none() {
            true => 0.0,
            // Half a member more keeps a share of 0 or 1 from looking certain.
            false => {
                let variance = (share * (1.0 - share)).max(0.5 / seen as f64) / seen as f64;
                1.96 * libm::sqrt(variance)
            }
        };
        Some(Self {
            ppm: libm::round(share * 1e6) as u32,
            margin_ppm: libm::round(margin * 1e6).min(1e6) as u32,
        })
    }
}

/// How much of `own` stands in `other`, where both are at hand.
pub fn share(own: &Sketch, other: &Sketch) -> Option<Share> {
    let (mut left, mut right) = (own.hashes.iter().peekable(), other.hashes.iter().peekable());
    let mut shared = 0;
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        match a.cmp(b) {
            std::cmp::Ordering::Less => drop(left.next()),
            std::cmp::Ordering::Greater => drop(right.next()),
            std::cmp::Ordering::Equal => {
                shared += 1;
                left.next();
                right.next();
            }
        }
    }
    Share::measured(own, other.bound, shared)
}
