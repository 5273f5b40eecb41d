//! Files that others write, reports that others check: pyarrow and the Python jsonschema.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::granary;
use crate::support::outside::{missing, run};

const INSTALL: &str = "pip install pyarrow jsonschema, and GRANARY_TEST_PYTHON set to that python";

/// A Python with these modules, or the reason why the test is not run.
fn python() -> Option<PathBuf> {
    let python = std::env::var_os("GRANARY_TEST_PYTHON").map(PathBuf::from);
    let python = python.unwrap_or_else(|| PathBuf::from("python3"));
    let there = Command::new(&python)
        .args(["-c", "import pyarrow, jsonschema"])
        .output()
        .is_ok_and(|output| output.status.success());
    if !there {
        missing("Python with pyarrow and jsonschema", INSTALL);
        return None;
    }
    Some(python)
}

const WRITE: &str = r#"
import sys, pyarrow as pa, pyarrow.csv, pyarrow.feather, pyarrow.parquet
folder = sys.argv[1]
n = 70000
t = pa.table({
    "id": pa.array(range(n), pa.int64()),
    "zip": pa.array([f"{i % 1000:05d}" for i in range(n)]),
    "price": pa.array([None if i % 10 == 0 else i / 8 for i in range(n)], pa.float64()),
    "ok": pa.array([i % 3 == 0 for i in range(n)]),
})
pa.csv.write_csv(t, f"{folder}/t.csv")
pa.feather.write_feather(t, f"{folder}/lz4.feather")
pa.feather.write_feather(t, f"{folder}/zstd.feather", compression="zstd")
pa.feather.write_feather(t.set_column(1, "zip", t["zip"].dictionary_encode()), f"{folder}/dictionary.arrow", compression="uncompressed")
with pa.ipc.new_stream(f"{folder}/stream.arrows", t.schema) as w: w.write_table(t)
pa.parquet.write_table(t, f"{folder}/t.parquet")
"#;

const VALIDATE: &str = r#"
import sys, json, tomllib, jsonschema
schema, value = sys.argv[1:]
schema = json.load(open(schema))
jsonschema.Draft202012Validator.check_schema(schema)
value = tomllib.load(open(value, "rb")) if value.endswith(".toml") else json.load(open(value))
jsonschema.validate(value, schema, cls=jsonschema.Draft202012Validator)
"#;

fn assess(folder: &Path, args: &[&str]) -> String {
    run(Command::new(granary())
        .arg("assess")
        .args(args)
        .current_dir(folder))
}

#[test]
fn one_table_in_six_formats_has_one_profile() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    run(Command::new(python).args(["-c", WRITE]).arg(folder.path()));
    let files = [
        "t.parquet",
        "t.csv",
        "lz4.feather",
        "zstd.feather",
        "dictionary.arrow",
        "stream.arrows",
    ];
    let profiles = files.map(|file| {
        let report: Value =
            serde_json::from_str(&assess(folder.path(), &[file, "--json"])).unwrap();
        assert_eq!(report["rows"], 70_000, "{file}");
        let columns = report["profile"].as_array().unwrap().iter();
        let facts = columns.map(|c| {
            (
                c["name"].clone(),
                c["type"].clone(),
                c["missing"].clone(),
                c["distinct"].clone(),
            )
        });
        facts.collect::<Vec<_>>()
    });
    for (profile, file) in profiles.iter().zip(files) {
        assert_eq!(*profile, profiles[0], "{file}");
    }
}

#[test]
fn reports_and_rules_are_valid_by_their_published_schemas() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
    put("t.csv", "a,b\n1, x\n2,NA\n2,NA\n,y\n".to_owned());
    put(
        "report.schema.json",
        assess(folder.path(), &["--schema", "report"]),
    );
    put(
        "rules.schema.json",
        assess(folder.path(), &["--schema", "rules"]),
    );
    put(
        "rules.toml",
        assess(folder.path(), &["t.csv", "--infer-rules"]),
    );
    assess(
        folder.path(),
        &[
            "t.csv",
            "--rules",
            "rules.toml",
            "--fail-on",
            "none",
            "--report",
            "report.json",
        ],
    );
    for (schema, value) in [
        ("report.schema.json", "report.json"),
        ("rules.schema.json", "rules.toml"),
    ] {
        let mut check = Command::new(&python);
        run(check
            .args(["-c", VALIDATE, schema, value])
            .current_dir(folder.path()));
    }
}
