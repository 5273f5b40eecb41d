//! The whole market turned once, on real data.

mod data;
mod dice;
