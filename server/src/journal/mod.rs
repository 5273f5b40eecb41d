//! The single writer of money: a bounded queue, many commands per commit.

/// Handle of the writer; cheap to clone.
#[derive(Clone)]
pub struct Journal {}
