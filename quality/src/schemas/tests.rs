//! The schemas say what the code writes: nothing else, and nothing less.

use std::collections::BTreeSet;

use chrono::DateTime;
use serde_json::{Value, json};

use super::*;
use crate::analysis::{Figure, Gate, Section};
use crate::policy::Policy;
use crate::report::{Input, Report};
use crate::{Csv, Options, assess_source};

/// Checks a value and notes every property that was seen, by its place in the schema.
struct Check<'a> {
    root: &'a Value,
    seen: BTreeSet<String>,
    faults: Vec<String>,
}

impl Check<'_> {
    fn value(&mut self, value: &Value, schema: &Value, place: &str) {
        if let Some(name) = schema["$ref"].as_str() {
            let name = name.trim_start_matches("#/$defs/");
            let target = self.root["$defs"][name].clone();
            assert!(target.is_object(), "{name} is not defined");
            return self.value(value, &target, name);
        }
        if let Some(forms) = schema["oneOf"].as_array() {
            let fits = |form: &&Value| match form["const"].is_string() {
                true => form["const"] == *value,
                false => value.as_object().is_some_and(|object| {
                    object
                        .keys()
                        .all(|key| form["properties"].get(key).is_some())
                }),
            };
            match forms.iter().find(fits) {
                Some(form) if form["const"].is_null() => self.value(value, form, place),
                Some(_) => {}
                None => self.faults.push(format!("{place}: {value} has no form")),
            }
            return;
        }
        if let Some(known) = schema["enum"].as_array()
            && !known.contains(value)
        {
            self.faults.push(format!("{place}: {value} is not known"));
        }
        if schema.get("const").is_some_and(|only| only != value) {
            self.faults.push(format!("{place}: {value} is another"));
        }
        self.kind(value, schema, place);
        self.object(value, schema, place);
        for item in value.as_array().into_iter().flatten() {
            self.value(item, &schema["items"], place);
        }
    }

    fn kind(&mut self, value: &Value, schema: &Value, place: &str) {
        let fits = |kind: &Value| match kind.as_str() {
            Some("object") => value.is_object(),
            Some("array") => value.is_array(),
            Some("string") => value.is_string(),
            Some("integer") => value.is_i64() || value.is_u64(),
            Some("number") => value.is_number(),
            Some("boolean") => value.is_boolean(),
            _ => false,
        };
        let known = match &schema["type"] {
            Value::Null => true,
            Value::Array(kinds) => kinds.iter().any(fits),
            kind => fits(kind),
        };
        if !known {
            self.faults
                .push(format!("{place}: {value} is no {}", schema["type"]));
        }
    }

    fn object(&mut self, value: &Value, schema: &Value, place: &str) {
        let Some(object) = value.as_object() else {
            return;
        };
        for (key, value) in object {
            match schema["properties"].get(key) {
                Some(inner) => {
                    self.seen.insert(format!("{place}.{key}"));
                    self.value(value, inner, &format!("{place}.{key}"));
                }
                None => self
                    .faults
                    .push(format!("{place}: {key} is not in the schema")),
            }
        }
        for key in schema["required"].as_array().into_iter().flatten() {
            if object.get(key.as_str().unwrap_or_default()).is_none() {
                self.faults.push(format!("{place}: {key} is missing"));
            }
        }
    }
}

/// Every property the schema has, by place.
fn properties(schema: &Value, name: &str, found: &mut BTreeSet<String>) {
    for (key, inner) in schema["properties"].as_object().into_iter().flatten() {
        found.insert(format!("{name}.{key}"));
        properties(inner, &format!("{name}.{key}"), found);
    }
    for form in schema["oneOf"].as_array().into_iter().flatten() {
        properties(form, name, found);
    }
}

fn agree(values: &[Value], schema: &str) {
    let root = parsed(schema);
    let mut check = Check {
        root: &root,
        seen: BTreeSet::new(),
        faults: Vec::new(),
    };
    for value in values {
        check.value(value, &root, "");
    }
    assert_eq!(check.faults, Vec::<String>::new());
    let mut all = BTreeSet::new();
    properties(&root, "", &mut all);
    for (name, part) in root["$defs"].as_object().into_iter().flatten() {
        properties(part, name, &mut all);
    }
    let unseen: Vec<_> = all.difference(&check.seen).collect();
    assert!(unseen.is_empty(), "never written: {unseen:?}");
}

fn policy() -> Policy {
    let toml = r#"
        key = ["a"]
        surrogate = ["b"]
        source = "s"
        method = "m"
        license = "CC0-1.0"
        period_days = 3
        null_tokens = ["NA"]
        label = "a"
        strata = ["b"]
        held_out = { column = "b", value = "x" }
        quasi_identifiers = ["b"]
        k_anonymity = 2
        [near]
        columns = ["b"]
        by = "words"
        [records]
        fields = [{ column = "b", compare = "name", swap = "b" }]
        block = [["b"], ["b:1"], ["b:2"], ["b:3"]]
        [consistency]
        free = ["b"]
        [[consistency.depends]]
        from = ["a"]
        to = "b"
        [[consistency.check]]
        left = ["a", "a"]
        op = ">"
        right = "a"
        tolerance = 0.5
        when = { column = "b", op = "=", value = "x" }
        [[consistency.check]]
        left = "a"
        op = "<="
        value = 5
        [[consistency.reference]]
        column = "b"
        values = ["x", "y"]
        [[consistency.reference]]
        column = "b"
        file = "f.csv"
        named = "c"
        sha256 = "00"
        [checks]
        min_score = 50
        fail_on = ["invalid(a) > 2%", "keys", "drift"]
        [clean]
        approve = ["exact_duplicates", "mask:b=redact"]
        [[columns]]
        name = "a"
        type = "int64"
        optional = true
        description = "d"
        unit = "1"
        semantic = "s"
        min = 1
        max = 2
        domain = [1, 2, 3]
        personal = "none"
        [[columns]]
        name = "b"
        type = "string"
        pattern = "x"
    "#;
    Policy::from_toml(toml).expect("valid rules")
}

fn report() -> Report {
    let text = "a,b\n1, x\n1,y\n9,NA\n,x\n";
    let file = std::io::Cursor::new(text.as_bytes().to_vec());
    let mut csv = Csv::open(file, None).expect("a CSV file");
    let options = Options::at(DateTime::UNIX_EPOCH);
    let mut policy = policy();
    for reference in &mut policy.consistency.reference {
        let mut file = Csv::open(std::io::Cursor::new(b"c\nx\n".to_vec()), None).expect("CSV");
        let kind = Some(crate::ColumnType::String);
        let known = crate::consistency::Values::read(&mut file, "c", kind, None, 1 << 20);
        reference.known = reference.file.as_ref().map(|_| known.expect("one value"));
    }
    let found = assess_source(&mut csv, &policy, options, None, &mut |_| {});
    let mut report = found.expect("readable").report;
    report.duplicates.near_rows = Some(1);
    report.gates.push(Gate {
        name: "g".into(),
        reason: "r".into(),
        columns: vec!["a".into()],
    });
    report.sections.push(Section {
        name: "s".into(),
        title: "t".into(),
        summary: "s".into(),
        method: "m".into(),
        heads: vec!["h".into(); 6],
        rows: vec![vec![
            Figure::Text("t".into()),
            Figure::Count(1),
            Figure::Ppm(2),
            Figure::Millionths(-3),
            Figure::Rows(vec![4]),
            Figure::None,
        ]],
    });
    report.input = Some(Input {
        encoding: Some("UTF-8".into()),
        format: "csv".into(),
        bytes: 1,
        sha256: "0".repeat(64),
    });
    report
}

#[test]
fn reports_and_their_schema_say_the_same() {
    agree(&[serde_json::to_value(report()).expect("JSON")], REPORT);
}

#[test]
fn rules_and_their_schema_say_the_same() {
    agree(&[serde_json::to_value(policy()).expect("JSON")], RULES);
}

#[test]
fn the_check_finds_what_differs() {
    let root = parsed(RULES);
    for bad in [
        json!({"colums": []}),
        json!({"key": "a"}),
        json!({"columns": [{"name": "a"}]}),
    ] {
        let mut check = Check {
            root: &root,
            seen: BTreeSet::new(),
            faults: Vec::new(),
        };
        check.value(&bad, &root, "");
        assert!(!check.faults.is_empty(), "{bad}");
    }
}
