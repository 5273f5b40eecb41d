//! The journal in other people's formats.

pub mod hledger;
