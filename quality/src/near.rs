//! Near duplicates: rows that say almost the same.
//!
//! A row is a set of *items*: the 5-word shingles of a text ([`Texts`]), or the
//! cells of a wide row ([`Cells`]). Two rows are near duplicates when the
//! Jaccard similarity of their sets, |A∩B|/|A∪B|, reaches a threshold.
//!
//! | step | cost | what it does |
//! |---|---|---|
//! | sign | O(n + k log k) per row of n items | k = bands × rows minimum hashes; a 32-bit key per band is kept |
//! | meet | a sort per band | rows with an equal key in any band are candidates |
//! | check | one intersection per candidate | the exact similarity; what is below the threshold is dropped |
//!
//! So a pair that is reported *is* one (precision 1), with its exact
//! similarity. A pair of similarity s is found with probability
//! 1 − (1 − s^rows)^bands: .986 at s = .8 with 18 × 7, more above.
//!
//! Numbers are words like others and are never folded: two invoices that
//! differ in their amounts differ.
//!
//! # Memory
//! 16 + 4 × bands + 8 bytes per row while signing. Items are kept only for
//! candidates, and only as many at a time as [`ITEMS_AT_ONCE`]; the caller
//! gives the rows again when asked ([`Hunt::wants`]), so a table larger than
//! memory is read twice and never held. Rows with equal text are one to the
//! search, and a crowd of more than [`CROWD`] different rows under one key is not
//! compared all with all: [`Found::cut`] says how many pairs that left out.
//!
//! # Sources
//! Minimum hashes and bands: Broder (1997), Leskovec, Rajaraman and Ullman,
//! *Mining of Massive Datasets*, ch. 3. Filling all k places in O(n + k log k):
//! Dahlgaard, Knudsen and Thorup, *Fast similarity sketching* (2017).
//!
//! ```
//! use quality::near::{Settings, Texts, find};
//!
//! let texts = [
//!     "the quick brown fox jumps over the lazy dog and runs far away from the old farm",
//!     "sphinx of black quartz judge my vow before the sun sets",
//!     "The quick brown fox jumps over the lazy dog, and runs far away from the old barn",
//! ];
//! let found = find(&Texts::from(&texts[..]), Settings::at(800_000));
//! let pair = &found.pairs[0];
//! assert_eq!((pair.a, pair.b), (0, 2));
//! assert_eq!((pair.shared, pair.together), (12, 14)); // of 13 shingles each
//! assert_eq!(found.cluster, [0, 1, 0]);
//! ```

pub(crate) mod analysis;
mod clusters;
mod compared;
mod hunt;
mod items;
mod rules;
mod sets;
mod sketch;

#[cfg(test)]
mod tests;

pub use clusters::{ClusterHunt, Clusters, SAME_ROW_PPM};
pub(crate) use hunt::Forest;
pub use hunt::{CROWD, Found, Hunt, ITEMS_AT_ONCE, Pair, find};
pub use items::{Cells, Items, SHINGLE_WORDS, Texts};
pub use rules::{By, NearRules};
pub use sets::{MOST_ITEMS, Sets, row_sets};
pub use sketch::{Near, Settings};
