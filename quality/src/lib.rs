//! How good the rows of a table are, why, and what each contributor's rows weigh.
//!
//! | you have | call | you get |
//! |---|---|---|
//! | a packed contribution and the contract | [`assess`] | report, row marks, cleaned table |
//! | any table that can be read in Arrow batches | [`assess_source`] | the same, in bounded memory |
//! | a table whose cleaned form you do not need | [`inspect`] | report, row marks |
//! | all contributions of a dataset | [`weigh::compose`] | kept rows and weights of a revision |
//! | texts or wide rows | [`near::find`] | pairs that say almost the same, clusters |
//! | two tables | [`contain::share`] of their sketches | how much of one stands in the other |
//! | an earlier table | [`drift::Earlier`] in [`Options::drift`] | what has changed since |
//! | records of persons, firms, places | [`records::Records`] | which are of the same one, and why |
//!
//! A dirty row is a finding in the report, never an error. There is no clock
//! and no randomness here: the same input gives the same bytes on every
//! machine and any number of threads.
//!
//! The report holds counts and row numbers only. What reveals cell values
//! stands in [`Preview`], which belongs into a sealed blob.
//!
//! ```
//! use quality::weigh::{self, Holding, KeyedRow, Repeats};
//! use uuid::Uuid;
//!
//! let (rye, oat) = (KeyedRow { fp: [1; 16], quality: u32::MAX }, KeyedRow { fp: [2; 16], quality: u32::MAX });
//! let (anna, ben) = (Uuid::from_u128(1), Uuid::from_u128(2));
//! let holding = |entity, receipt_no, rows| Holding {
//!     contribution: Uuid::from_u128(100 + u128::from(receipt_no)),
//!     entity,
//!     receipt_no,
//!     first_published: None,
//!     q_hundredths: 10_000,
//!     rows,
//!     tombstone: false,
//!     clusters: None,
//!     judges: false,
//! };
//! let revision = weigh::compose(
//!     &[holding(anna, 1, &[rye, oat]), holding(ben, 2, &[oat])],
//!     Repeats::Facts,
//! )?;
//! let one = u128::from(weigh::ONE);
//! assert_eq!(revision.weights[&anna], one + one / 2); // rye alone, oat by half
//! assert_eq!(revision.weights[&ben], one / 2);
//! assert_eq!(revision.rows_delivered, 2);
//! # Ok::<(), weigh::WeighError>(())
//! ```

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod analysis;
pub mod anchor;
pub mod approve;
mod assess;
mod clean;
pub mod consistency;
pub mod contain;
mod dedup;
pub mod drift;
mod error;
mod input;
pub mod labels;
mod learn;
pub mod near;
mod outlier;
pub mod policy;
pub mod privacy;
mod profile;
pub mod records;
pub mod report;
pub mod schemas;
mod score;
pub mod shapley;
pub mod verdict;
pub mod weigh;

pub use analysis::{Figure, Gate, Section};
pub use assess::{
    Assessment, Inspection, Options, Preview, RowMarks, Sink, Spill, Stage, assess, assess_source,
    cleaned_schema, columns_of, inspect, summarise,
};
pub use consistency::Consistency;
pub use error::AssessError;
pub use input::{Csv, Ipc, Mismatch, Source, mismatches};
pub use policy::{ColumnRule, ColumnType, HeldOut, Policy};
pub use profile::{ColumnPreview, Frequent, Histogram, Lengths};
pub use report::{Report, chart_svg};
pub use score::{Dimension, grade};
