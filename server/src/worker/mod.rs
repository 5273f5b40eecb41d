//! The child process that opens provider bytes, with limits.
