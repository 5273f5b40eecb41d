//! Outside test vectors, hostile files, and the limits of the pre-flight.

#[path = "../support/hostile.rs"]
mod hostile;
#[path = "../support/malformed.rs"]
mod malformed;
#[path = "../support/memory.rs"]
mod memory;

mod age_testkit;
mod bad_parquet;
mod fuzzed;
mod lies;
mod limits;
mod packing;
