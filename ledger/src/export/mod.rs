//! The journal in other people's formats.

pub mod csv;
pub mod hledger;
pub mod statement;
