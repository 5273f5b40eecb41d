//! Why a contributor weighs what it does in a revision.

use serde::{Deserialize, Serialize};

/// What the own weight of a line was made of. Nothing here is added up by the verifier: the
/// weight is frozen in the epoch, and its inputs are known by their digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Why {
    /// Own rows that were weighed, kept or not.
    pub delivered: u64,
    /// Those of them that nobody else holds.
    pub unique: u64,
    /// Those that others hold independently, by the number of holders.
    pub shared: Vec<Shared>,
    /// Average quality of what was weighed, parts per million.
    pub quality_ppm: u64,
    /// Average utility of it, parts per million; 10⁶ where none was measured.
    pub utility_ppm: u64,
    /// Where most points were lost, three at most.
    pub losses: Vec<Lost>,
    /// SHA-256 of everything that was weighed, hexadecimal.
    pub inputs: String,
}

/// Rows that several independent holders have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shared {
    /// Holders, the payee included.
    pub holders: u32,
    /// Rows.
    pub rows: u64,
}

/// One way in which points were lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lost {
    /// Dimension, column where there is one, and rule.
    pub what: String,
    /// Hundredths of points.
    pub hundredths: u32,
}
