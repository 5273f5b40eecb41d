//! How good the rows of a table are, why, and what each contributor's rows weigh.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod error;
pub mod policy;
pub mod weigh;

pub use error::AssessError;
pub use policy::{ColumnRule, ColumnType, Policy};
