//! The whole market turned once, on real data.
