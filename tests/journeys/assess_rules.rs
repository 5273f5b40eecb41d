//! Rules that say more than one column can: other files, whole contracts, rows as a whole.

use serde_json::Value;

use super::assess::Desk;

const FLIGHTS: &str = "flight,origin\n1,JFK\n2,LGA\n3,XXX\n4,\n5,EWR\n6,YYY\n";
const AIRPORTS: &str = "faa,name\nEWR,Newark\nJFK,Kennedy\nLGA,La Guardia\n";
const RULES: &str = r#"
license = "CC0-1.0"
[[consistency.reference]]
column = "origin"
file = "airports.csv"
named = "faa"
[[columns]]
name = "flight"
type = "int64"
[[columns]]
name = "origin"
type = "string"
optional = true
"#;

#[test]
fn values_stand_in_another_file() {
    let desk = Desk::new();
    desk.put("flights.csv", FLIGHTS);
    desk.put("airports.csv", AIRPORTS);
    desk.put("f.toml", RULES);
    let args = ["flights.csv", "--rules", "f.toml"];
    let (code, text) = desk.says(&[&args[..], &["--report", "r.json"]].concat());
    assert!(code == 5 && text.contains("consistency: 2 of 6"), "{text}");
    let report = desk.json("r.json");
    let losses = report["losses"].as_array().unwrap();
    let loss = losses
        .iter()
        .find(|loss| loss["dimension"] == "consistency")
        .unwrap();
    assert_eq!(loss["rule"], "reference airports.csv");
    assert_eq!(loss["rows"], serde_json::json!([2, 5]));
    let (code, text) = desk.says(&["flights.csv", "--verify", "r.json"]);
    assert_eq!(code, 0, "{text}");
    // The report says which version it was.
    desk.put("airports.csv", format!("{AIRPORTS}XXX,New\n"));
    let (code, text) = desk.says(&["flights.csv", "--verify", "r.json"]);
    assert!(code == 5 && text.contains("SHA-256 differs"), "{text}");
    let (_, text) = desk.says(&args);
    assert!(text.contains("consistency: 1 of 6"), "{text}");
    std::fs::remove_file(desk.path("airports.csv")).unwrap();
    let (code, text) = desk.says(&args);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("the values of \"origin\" stand in airports.csv"),
        "{text}"
    );
    desk.put("airports.csv", "code\nJFK\n");
    let (code, text) = desk.says(&args);
    assert!(
        code == 2 && text.contains("no column \"faa\" in it, only code"),
        "{text}"
    );
}

#[test]
fn columns_that_were_dropped_added_or_retyped_are_named_at_once() {
    let desk = Desk::new();
    desk.put("rules.csv.toml", RULES.replace("airports.csv", "a.csv"));
    desk.put("a.csv", "faa\nJFK\n");
    desk.put("other.csv", "Flight,orig,origin\n1,JFK,JFK\n");
    let (code, text) = desk.says(&["other.csv", "--rules", "rules.csv.toml"]);
    assert_eq!(code, 5, "{text}");
    assert!(
        text.contains("columns: the file lacks \"flight\""),
        "{text}"
    );
    assert!(
        text.contains("do not declare \"Flight\", \"orig\""),
        "{text}"
    );
    // A typed file whose numbers became texts: every cell can still be read.
    desk.put("t.csv", "n,t\n1,a\n2,b\n");
    let columns = "[[columns]]\nname = \"n\"\ntype = \"string\"\n[[columns]]\nname = \"t\"\ntype = \"string\"\n";
    desk.put("texts.toml", columns);
    let made = desk.says(&[
        "t.csv",
        "--rules",
        "texts.toml",
        "--quiet",
        "--clean",
        "t.parquet",
    ]);
    assert_eq!(made, (0, String::new()));
    desk.put("numbers.toml", columns.replacen("string", "int64", 1));
    let typed = ["t.parquet", "--rules", "numbers.toml", "--quiet"];
    let (code, text) = desk.says(&typed);
    assert_eq!(code, 5, "{text}");
    assert!(
        text.contains("columns: \"n\" is string, declared int64"),
        "{text}"
    );
    let (code, _) = desk.says(&[&typed[..], &["--fail-on", "invalid,missing"]].concat());
    assert_eq!(code, 0, "reading them as numbers loses nothing");
    let csv = desk.says(&["t.csv", "--rules", "numbers.toml", "--quiet"]);
    assert_eq!(csv, (0, String::new()), "a CSV file has no types");
}

#[test]
fn dependencies_keep_to_the_memory_they_get() {
    let desk = Desk::new();
    // 20,000 groups of five rows, each with a value of its own; in one row of 997, and in no
    // group twice, it is another.
    let row = |n: u32| match n % 997 {
        0 => format!("{},wrong\n", n % 20_000),
        _ => format!("{},v{}\n", n % 20_000, n % 20_000),
    };
    let rows: String = (0..100_000).map(row).collect();
    desk.put("long.csv", format!("a,b\n{rows}"));
    let rules = "[consistency]\nfree = [\"b\"]\n[[consistency.depends]]\nfrom = [\"a\"]\nto = \"b\"\n\
                 [[columns]]\nname = \"a\"\ntype = \"int64\"\n[[columns]]\nname = \"b\"\ntype = \"string\"\n";
    desk.put("long.toml", rules);
    let report = |memory: &str| -> Value {
        let args = [
            "long.csv",
            "--rules",
            "long.toml",
            "--fail-on",
            "none",
            "--json",
        ];
        let more = ["--memory", memory, "--as-of", "2024-01-01T00:00:00Z"];
        let (code, text) = desk.says(&[&args[..], &more[..]].concat());
        assert_eq!(code, 0, "{text}");
        serde_json::from_str(&text).unwrap()
    };
    let whole = report("512");
    assert_eq!(whole, report("1"));
    let losses = whole["losses"].as_array().unwrap();
    let loss = losses
        .iter()
        .find(|loss| loss["dimension"] == "consistency")
        .unwrap();
    assert_eq!(loss["count"], 101, "{loss}");
}

#[test]
fn rows_that_are_unusual_as_a_whole_are_named() {
    let desk = Desk::new();
    // Width and height of parcels grow together; one is broad and low.
    let row = |n: u64| {
        let noise = (n * 7_919 % 101) as f64 / 50.0 - 1.0;
        let width = (n * 104_729 % 997) as f64 / 10.0;
        let height = if n == 1_234 {
            12.0
        } else {
            2.0 * width + noise
        };
        let width = if n == 1_234 { 80.0 } else { width };
        format!("{n},{width:.2},{height:.2}\n")
    };
    let rows: String = (0..2_000).map(row).collect();
    desk.put("parcels.csv", format!("id,width,height\n{rows}"));
    let (code, text) = desk.says(&["parcels.csv", "--json", "--key", "id"]);
    assert_eq!(code, 0, "{text}");
    let report: Value = serde_json::from_str(&text).unwrap();
    let sections = report["sections"].as_array().unwrap();
    let found = sections
        .iter()
        .find(|section| section["name"] == "joint_outliers")
        .unwrap();
    assert_eq!(found["rows"].as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found["rows"][0][0]["count"], 1_234);
    assert_eq!(
        found["rows"][0][4]["text"], "no",
        "usual in each column alone"
    );
    assert!(
        found["summary"]
            .as_str()
            .unwrap()
            .starts_with("1 of 2000 rows")
    );
}

#[test]
fn what_is_no_table_is_told_before_it_is_read_as_one() {
    let desk = Desk::new();
    for (name, bytes, what) in [
        ("t.csv", &b"\x1f\x8b\x08\0rest"[..], "gzip"),
        ("t.xlsx", b"PK\x03\x04\0\0", "workbook"),
        ("t.jsonl", b"{\"a\": 1}\n", "JSON"),
        ("t.png", b"\x89PNG\r\n\x1a\n\0\0", "neither Parquet nor CSV"),
    ] {
        desk.put(name, bytes);
        let (code, text) = desk.says(&[name]);
        assert!(code == 5 && text.contains(what), "{name}: {code} {text}");
    }
    desk.put("odd.csv", "{\"a\",b\n1,2\n");
    assert_eq!(desk.says(&["odd.csv", "--format", "csv", "--quiet"]).0, 0);
    let (code, text) = desk.says(&["dirty.csv", "--fail-on", "foo"]);
    assert!(code == 2 && !text.contains("Quality"), "{text}");
}
