//! JSON Schemas of what others read and write: the report and the rules.

use schemars::{JsonSchema, schema_for};
use serde_json::Value;

use crate::policy::Policy;
use crate::report::{Report, SCHEMA};

/// Version of the form of rules.
pub const RULES_SCHEMA: &str = "granary-rules/1";

/// The schema of a report.
pub fn report() -> Value {
    identified::<Report>(SCHEMA, "Granary quality report")
}

/// The schema of rules, in JSON or TOML.
pub fn rules() -> Value {
    identified::<Policy>(RULES_SCHEMA, "Granary quality rules")
}

fn identified<T: JsonSchema>(version: &str, title: &str) -> Value {
    let mut schema = schema_for!(T).to_value();
    if let Some(object) = schema.as_object_mut() {
        let id = format!("urn:granary:{}", version.replace('/', ":"));
        object.insert("$id".to_owned(), id.into());
        object.insert("title".to_owned(), title.into());
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    fn committed(text: &str, schema: &Value, name: &str) {
        let committed: Value = serde_json::from_str(text).expect("JSON");
        let same = committed == *schema;
        let update = format!("granary assess --schema {name} > schema/json/FILE");
        assert!(
            same,
            "the committed schema is another; write it again: {update}"
        );
    }

    #[test]
    fn the_committed_schemas_are_those_of_the_code() {
        let text = include_str!("../../schema/json/quality-report.schema.json");
        committed(text, &report(), "report");
        let text = include_str!("../../schema/json/rules.schema.json");
        committed(text, &rules(), "rules");
    }
}
