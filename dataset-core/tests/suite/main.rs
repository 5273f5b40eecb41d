//! Outside test vectors, hostile files, and the limits of the pre-flight.

#[path = "../support/hostile.rs"]
mod hostile;

mod age_testkit;
mod bad_parquet;
mod limits;
mod packing;
