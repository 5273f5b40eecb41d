//! A data engineer with files and no node.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{files, granary, readings};
use crate::tidy::root;

const DIRTY: &str = "\
id,name,price,when,kind
1, Ann ,1.5,2024-01-01,rye
2,Bob,NA,2024-01-02,oat
2,Bob,NA,2024-01-02,oat
3,,-4,2024-01-03,rice
007,Zoë,2.25,2024-01-04,rye
";

const RULES: &str = r#"
license = "CC0-1.0"
[[columns]]
name = "id"
type = "string"
[[columns]]
name = "name"
type = "string"
optional = true
[[columns]]
name = "price"
type = "float64"
optional = true
min = 0
max = 100
[[columns]]
name = "when"
type = "date"
[[columns]]
name = "kind"
type = "string"
domain = ["rye", "oat", "wheat"]
"#;

pub(super) struct Desk {
    folder: TempDir,
}

impl Desk {
    pub(super) fn new() -> Self {
        let desk = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        desk.put("dirty.csv", DIRTY);
        desk.put("rules.toml", RULES);
        desk
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    pub(super) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub(super) fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).unwrap()
    }

    /// `granary assess` in this folder.
    pub(super) fn assess(&self, args: &[&str]) -> Output {
        Command::new(granary())
            .arg("assess")
            .args(args)
            .current_dir(self.folder.path())
            .output()
            .unwrap()
    }

    /// The same; answers exit code and both outputs.
    pub(super) fn says(&self, args: &[&str]) -> (i32, String) {
        let output = self.assess(args);
        let text = [output.stdout, output.stderr].concat();
        (
            output.status.code().unwrap_or(-1),
            String::from_utf8(text).unwrap(),
        )
    }
}

#[test]
fn without_rules_a_file_is_graded_and_nothing_fails() {
    let desk = Desk::new();
    let (code, text) = desk.says(&["dirty.csv"]);
    assert_eq!(code, 0, "{text}");
    for part in [
        "Quality ",
        "grade ",
        "█",
        "completeness",
        "1 rows repeat",
        "name",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    let (code, json) = desk.says(&["dirty.csv", "--json"]);
    assert_eq!(code, 0);
    let report: Value = serde_json::from_str(&json).unwrap();
    let kinds = report["profile"].as_array().unwrap().iter();
    let kinds: Vec<&str> = kinds
        .map(|column| column["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["string", "string", "float64", "date", "string"]);
    assert_eq!(report["duplicates"]["exact_rows"], 1);
    assert_eq!(report["input"]["format"], "csv");
}

#[test]
fn with_rules_the_exit_code_is_the_verdict() {
    let desk = Desk::new();
    let rules = ["dirty.csv", "--rules", "rules.toml"];
    let (code, text) = desk.says(&rules);
    assert_eq!(code, 5, "{text}");
    assert!(text.contains("invalid: 2 of"), "{text}");
    for (more, expected) in [
        (["--fail-on", "invalid > 2"], 0),
        (["--fail-on", "invalid(kind)"], 5),
        (["--fail-on", "none"], 0),
        (["--fail-on", "duplicates > 10%"], 5),
        (["--fail-on", "duplicates > 20%"], 0),
        (["--fail-on", "ugliness"], 2),
        (["--min-score", "99"], 5),
    ] {
        let (code, text) = desk.says(&[&rules[..], &more[..]].concat());
        assert_eq!(code, expected, "{more:?}: {text}");
    }
    desk.put(
        "broken.toml",
        "[[columns]]\nname = \"id\"\ntype = \"text\"\n",
    );
    assert_eq!(desk.says(&["dirty.csv", "--rules", "broken.toml"]).0, 2);
    assert_eq!(desk.says(&["missing.csv"]).0, 1);
}

#[test]
fn inferred_rules_are_kept_by_the_file_they_come_from() {
    let desk = Desk::new();
    desk.put("readings.parquet", files::parquet(&readings(0..500)));
    for file in ["readings.parquet", "dirty.csv"] {
        let output = desk.assess(&[file, "--infer-rules"]);
        assert!(output.status.success());
        desk.put("inferred.toml", output.stdout);
        let (code, text) = desk.says(&[
            file,
            "--rules",
            "inferred.toml",
            "--fail-on",
            "invalid,missing",
        ]);
        assert_eq!(code, 0, "{file}: {text}\n{}", desk.read("inferred.toml"));
    }
}

#[test]
fn every_form_of_report_is_written_and_holds_no_cell() {
    let desk = Desk::new();
    let args = [
        "dirty.csv",
        "--quiet",
        "--report",
        "r.json",
        "--report",
        "r.html",
        "--report",
        "{}.md",
        "--report",
        "r.dqv.jsonld",
        "--report",
        "r.croissant.json",
    ];
    assert_eq!(desk.says(&args), (0, String::new()));
    for (file, part) in [
        ("r.json", "\"schema\":\"granary-quality/1\""),
        ("r.html", "<figcaption>"),
        ("dirty.md", "## Dimensions"),
        ("r.dqv.jsonld", "dqv:QualityMeasurement"),
        ("r.croissant.json", "cr:RecordSet"),
    ] {
        let text = desk.read(file);
        assert!(text.contains(part), "{part} in {file}");
        for cell in ["Zoë", "Bob", "2.25"] {
            assert!(!text.contains(cell), "{cell} in {file}");
        }
    }
    let html = desk.read("r.html");
    assert!(html.matches("<svg").count() <= html.matches("<figcaption>").count());
    // The name of a namespace is no address that anybody fetches.
    let fetched = html.replace("http://www.w3.org/2000/svg", "");
    assert!(!fetched.contains("<script") && !fetched.contains("http"));
    assert!(html.contains("<details>"));
    assert_eq!(desk.json("r.dqv.jsonld")["@type"], "dcat:Distribution");
    desk.says(&["dirty.csv", "--quiet", "--values", "--report", "v.html"]);
    assert!(desk.read("v.html").contains("Zoë"));
    assert_eq!(desk.says(&["dirty.csv", "--report", "r.pdf"]).0, 2);
}

#[test]
fn the_cleaned_table_and_its_original_belong_together() {
    let desk = Desk::new();
    let args = [
        "dirty.csv",
        "--rules",
        "rules.toml",
        "--fail-on",
        "none",
        "--quiet",
        "--clean",
        "clean.parquet",
    ];
    assert_eq!(desk.says(&args), (0, String::new()));
    let (code, text) = desk.says(&[
        "clean.parquet",
        "--json",
        "--rules",
        "rules.toml",
        "--fail-on",
        "none",
    ]);
    assert_eq!(code, 0);
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["cleaning"], serde_json::json!([]));
    assert_eq!(report["rows"], 5);
    let log = desk.json("clean.parquet.changes.json");
    assert_eq!(log["schema"], "granary-changes/1");
    assert!(
        log["steps"]
            .as_array()
            .unwrap()
            .iter()
            .all(|step| step["class"] == "automatic")
    );
    same_after_undo(&desk);
}

/// Undoing gives back a table with the cells of the CSV file.
fn same_after_undo(desk: &Desk) {
    let (code, text) = desk.says(&["clean.parquet", "--undo", "clean.parquet.changes.json"]);
    assert_eq!(code, 0, "{text}");
    let bytes = std::fs::read(desk.path("clean.original.parquet")).unwrap();
    let original = files::rows(&bytes);
    let names: Vec<&str> = original
        .schema_ref()
        .fields()
        .iter()
        .map(|f| f.name().as_str())
        .collect();
    assert_eq!(names, ["id", "name", "price", "when", "kind"]);
    let name = arrow::compute::cast(original.column(1), &arrow::datatypes::DataType::Utf8).unwrap();
    let name = arrow::array::AsArray::as_string::<i32>(&name)
        .iter()
        .flatten()
        .collect::<Vec<_>>();
    assert_eq!(name, [" Ann ", "Bob", "Bob", "", "Zoë"]);
    let mut changed = std::fs::read(desk.path("clean.parquet")).unwrap();
    changed[10] ^= 1;
    desk.put("clean.parquet", changed);
    let (code, text) = desk.says(&["clean.parquet", "--undo", "clean.parquet.changes.json"]);
    assert!(
        code == 5 && text.contains("not the file that was cleaned"),
        "{text}"
    );
}

#[test]
fn what_may_lose_something_needs_a_word_and_can_be_undone() {
    let desk = Desk::new();
    let args = [
        "dirty.csv",
        "--rules",
        "rules.toml",
        "--fail-on",
        "none",
        "--quiet",
        "--clean",
        "clean.parquet",
        "--approve",
        "exact_duplicates,cap:price,drop:kind",
    ];
    assert_eq!(desk.says(&args), (0, String::new()));
    let cleaned = files::rows(&std::fs::read(desk.path("clean.parquet")).unwrap());
    assert_eq!((cleaned.num_rows(), cleaned.num_columns()), (4, 4));
    let log = desk.json("clean.parquet.changes.json");
    let steps = log["steps"].as_array().unwrap().iter();
    let approved: Vec<(&str, u64)> = steps
        .filter(|step| step["class"] == "approved")
        .map(|step| {
            (
                step["rule"].as_str().unwrap(),
                step["count"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(approved, [("cap", 1), ("drop", 5), ("exact_duplicates", 1)]);
    same_after_undo(&desk);
    for bad in ["guess:price", "cap:name", "cap:nothing"] {
        let (code, text) = desk.says(&[
            "dirty.csv",
            "--rules",
            "rules.toml",
            "--clean",
            "x.parquet",
            "--approve",
            bad,
        ]);
        assert_eq!(code, 2, "{bad}: {text}");
    }
}

#[test]
fn a_report_is_proved_by_measuring_again() {
    let desk = Desk::new();
    let made = [
        "dirty.csv",
        "--rules",
        "rules.toml",
        "--fail-on",
        "none",
        "--quiet",
        "--report",
        "r.json",
    ];
    assert_eq!(desk.says(&made).0, 0);
    let (code, text) = desk.says(&["dirty.csv", "--verify", "r.json"]);
    assert!(
        code == 0 && text.contains("byte for byte, not signed"),
        "{text}"
    );
    desk.put("other.csv", DIRTY.replace(",rice\n", ",rye\n"));
    let (code, text) = desk.says(&["other.csv", "--verify", "r.json"]);
    assert!(
        code == 5 && text.contains("another report comes out"),
        "{text}"
    );
    let forged = desk.read("r.json").replace("\"grade\":\"", "\"grade\":\"A");
    desk.put("forged.json", forged);
    assert_eq!(desk.says(&["dirty.csv", "--verify", "forged.json"]).0, 5);
}

#[test]
fn rows_that_stand_elsewhere_are_counted() {
    let desk = Desk::new();
    desk.put("mine.parquet", files::parquet(&readings(0..400)));
    desk.put("theirs.parquet", files::parquet(&readings(300..900)));
    let (code, text) = desk.says(&["mine.parquet", "--against", "theirs.parquet"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("At most 25.00 % of the rows"), "{text}");
}

#[test]
fn damaged_and_hostile_files_are_refused_in_time() {
    let desk = Desk::new();
    let folder = root().join("dataset-core/tests/badparquet");
    let mut refused = 0;
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let name = path.to_string_lossy();
        if !name.contains(".parquet") {
            continue;
        }
        let start = Instant::now();
        let (code, text) = desk.says(&[&name, "--quiet"]);
        assert!(code == 0 || code == 5, "{name}: {code} {text}");
        assert!(start.elapsed() < Duration::from_secs(30), "{name}");
        refused += u32::from(code == 5);
    }
    assert!(refused >= 10, "{refused}");
    desk.put("wide.csv", b"\xff\xfea\0,\0b\0");
    let (code, text) = desk.says(&["wide.csv", "--format", "csv"]);
    assert!(code == 5 && text.contains("UTF-16"), "{code} {text}");
}

#[test]
fn what_does_not_fit_is_spilled_and_changes_nothing() {
    let desk = Desk::new();
    // 300,000 rows: their fingerprints do not fit into one MiB.
    let rows: String = (0..300_000)
        .map(|n| format!("{},{}\n", n % 299_990, n % 7))
        .collect();
    desk.put("long.csv", format!("n,m\n{rows}"));
    let report = |memory: &str, name: &str| {
        let at = ["--as-of", "2024-01-01T00:00:00Z"];
        let args = [
            "long.csv",
            "--quiet",
            "--memory",
            memory,
            "--tmp-dir",
            ".",
            "--report",
            name,
        ];
        assert_eq!(
            desk.says(&[&args[..], &at[..]].concat()),
            (0, String::new())
        );
        desk.read(name)
    };
    assert_eq!(report("512", "a.json"), report("1", "b.json"));
    let left = std::fs::read_dir(desk.folder.path()).unwrap().flatten();
    let left = left.filter(|entry| entry.file_name().to_string_lossy().starts_with(".tmp"));
    assert_eq!(left.count(), 0);
}

#[test]
fn several_files_need_a_place_for_their_names() {
    let desk = Desk::new();
    desk.put("more.csv", DIRTY);
    assert_eq!(
        desk.says(&["dirty.csv", "more.csv", "--report", "r.json"])
            .0,
        2
    );
    assert_eq!(
        desk.says(&["dirty.csv", "more.csv", "--quiet", "--report", "{}.json"])
            .0,
        0
    );
    assert!(Path::exists(&desk.path("more.json")) && Path::exists(&desk.path("dirty.json")));
}

#[test]
fn what_changed_since_an_earlier_file_is_told_and_can_fail() {
    let desk = Desk::new();
    let table = |rows: u32, by: u32| {
        let mut csv = "id,kind,size\n".to_owned();
        for row in 0..rows {
            let kind = ["rye", "oat"][row as usize % 2];
            csv.push_str(&format!("{row},{kind},{}\n", row * 7 % 500 + by));
        }
        csv
    };
    desk.put("april.csv", table(2_000, 0));
    desk.put("may.csv", table(1_800, 0));
    desk.put("june.csv", table(1_800, 400));
    for (file, exit) in [("may.csv", 0), ("june.csv", 5)] {
        let args = [
            file,
            "--key",
            "id",
            "--against",
            "april.csv",
            "--fail-on",
            "drift",
        ];
        let (code, text) = desk.says(&args);
        assert_eq!(code, exit, "{text}");
        assert!(text.contains("Against april.csv (2000 rows)"), "{text}");
    }
    let args = [
        "june.csv",
        "--key",
        "id",
        "--against",
        "april.csv",
        "--report",
        "r.json",
    ];
    let (code, text) = desk.says(&args);
    assert_eq!(
        code, 0,
        "drift fails nothing unless it is asked for: {text}"
    );
    let report = desk.json("r.json");
    let sections = report["sections"].as_array().unwrap();
    let drift = sections.iter().find(|s| s["name"] == "drift").unwrap();
    assert_eq!(drift["rows"][0][0]["text"], "size");
    assert_eq!(drift["rows"][0][1]["text"], "shifted");
    let (code, text) = desk.says(&["june.csv", "--verify", "r.json", "--against", "april.csv"]);
    assert_eq!(code, 0, "{text}");
}

#[test]
fn a_csv_file_with_broken_rows_is_read_and_says_where() {
    let desk = Desk::new();
    desk.put("broken.csv", b"n,t\n1,a\n2\n3,c,d\n4,caf\xe9\n5,e\n");
    let (code, json) = desk.says(&["broken.csv", "--json"]);
    assert_eq!(code, 0, "{json}");
    let report: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["rows"], 5);
    assert_eq!(report["profile"][0]["type"], "int64");
    assert_eq!(report["input"]["encoding"], "UTF-8, but not in 1 rows");
    let losses = report["losses"].as_array().unwrap();
    for (rule, row) in [
        ("too_few_fields", 1),
        ("too_many_fields", 2),
        ("not_utf8", 3),
    ] {
        let loss = losses.iter().find(|loss| loss["rule"] == rule).unwrap();
        assert_eq!(loss["rows"], serde_json::json!([row]), "{rule}");
        assert_eq!(loss["dimension"], "consistency");
    }
    // What was left out could not be given back.
    let (code, text) = desk.says(&["broken.csv", "--clean", "clean.parquet"]);
    assert_eq!(code, 5, "{text}");
    assert!(
        text.contains("more fields than the header (from 0: 2)"),
        "{text}"
    );
    assert!(!desk.path("clean.parquet").exists());
}
