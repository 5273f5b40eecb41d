//! What the fuzz targets and the replay of their corpora have in common.

#[path = "../../../server/src/worker/wire.rs"]
pub mod wire;

#[path = "../targets.rs"]
pub mod targets;
