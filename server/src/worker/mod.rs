//! The child process that opens provider bytes, with limits.
//!
//! A hostile file can end any process that parses it, so the node never does: it starts
//! itself again as `granary worker`, a child with an empty environment and nothing but
//! inherited descriptors, which takes away its own rights (`limits`) before it is given
//! its task. What goes wrong in the child is a verdict about the file, never a dead node.
//!
//! | who | sees |
//! |---|---|
//! | node | age headers, file keys, sealed bytes, counts, keyed fingerprints |
//! | child | one task: payload file keys, the node's *public* recipient, contract, plaintext in memory |
//!
//! | descriptor of the child | is |
//! |---|---|
//! | 3 | control: limits, then the task; stays open, so that the child ends with its node |
//! | 4 | results: frames of [`wire::Frame`] |
//! | 5, 6 | sealed output and sealed preview, temporary files opened by the node |
//! | 7 … | sealed inputs, read only; last the preview of an earlier revision |
//!
//! Absent on purpose: any plaintext on disk, any text of the child's on a terminal or in a
//! log (a panic message could quote a cell), and any second attempt with a file that ended
//! a child.

mod child;
mod limits;
mod node;
mod probe;
mod supervise;
mod tasks;
pub mod wire;
mod writers;

pub use self::child::child_main;
pub use self::node::{
    AssessInput, Assessed, Composed, Earlier, Holding, Outcome, Progress, Refused, assess, compose,
    items, limits_active, prints, probe, weigh,
};

/// First descriptors of the child.
pub(crate) mod fd {
    pub const CONTROL: i32 = 3;
    pub const RESULTS: i32 = 4;
    pub const OUTPUT: i32 = 5;
    pub const PREVIEW: i32 = 6;
    pub const INPUTS: i32 = 7;
}
