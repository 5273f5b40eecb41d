//! JSON Schemas of what others read and write: the report and the rules.

use serde_json::Value;

/// The schema of a report.
pub const REPORT: &str = include_str!("../../schema/json/quality-report.schema.json");

/// The schema of rules, in JSON or TOML.
pub const RULES: &str = include_str!("../../schema/json/rules.schema.json");

/// A schema as JSON.
pub fn parsed(schema: &str) -> Value {
    serde_json::from_str(schema).unwrap_or_default()
}

#[cfg(test)]
mod tests;
