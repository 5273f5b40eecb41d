//! Quality reports in a few lines: where the points went.
use serde_json::Value;
pub struct Loss;
pub fn losses(_: &Value) -> Vec<Loss> { Vec::new() }
pub fn table(_: &[Loss], _: usize) -> String { String::new() }
