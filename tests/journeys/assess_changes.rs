//! A provider allows changes that may lose something, and takes them back.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use serde_json::{Value, json};

use super::assess::Desk;
use crate::support::files;

const ORDERS: &str = "\
id;ordered;price;weight;mail;born;class
1;03/04/2021;1.234,50;1200 g;ann@example.org;1969-12-31;a
2;04/04/2021;NA;2 kg;bob@example.org;1980-02-03;b
2;04/04/2021;NA;2 kg;bob@example.org;1980-02-03;b
3;05/04/2021;-7,25;0.5 kg;;1990-05-06;a
4;06/04/2021;99.000,00;3 kg;cy@example.org;1975-01-01;b
5;07/04/2021;10,00;3 kg;cy@example.org;1975-01-01;b
";

const RULES: &str = r#"
license = "CC0-1.0"
label = "class"
[clean]
approve = ["coerce:ordered=%d/%m/%Y", "coerce:price=1.234,5"]
[[columns]]
name = "id"
type = "int64"
[[columns]]
name = "ordered"
type = "date"
[[columns]]
name = "price"
type = "float64"
optional = true
min = 0
max = 5000
[[columns]]
name = "weight"
type = "string"
[[columns]]
name = "mail"
type = "string"
optional = true
[[columns]]
name = "born"
type = "date"
[[columns]]
name = "class"
type = "string"
"#;

const APPROVED: &str = "cap:price,impute:price=median,unit:weight=kg,mask:mail=hash,mask:born=year,\
                        impute:mail=none given,drop:id,exact_duplicates";

fn desk() -> Desk {
    let desk = Desk::new();
    desk.put("orders.csv", ORDERS);
    desk.put("orders.toml", RULES);
    desk.put("key", "sixteen bytes or more");
    desk
}

/// `granary assess orders.csv --clean clean.parquet` with these changes.
fn clean(desk: &Desk, approve: &str) -> (i32, String) {
    let args = ["orders.csv", "--rules", "orders.toml", "--fail-on", "none"];
    let more = ["--quiet", "--clean", "clean.parquet", "--approve", approve];
    let key = ["--mask-key", "key", "--report", "report.json"];
    desk.says(&[&args[..], &more[..], &key[..]].concat())
}

fn table(desk: &Desk, name: &str) -> RecordBatch {
    files::rows(&std::fs::read(desk.path(name)).unwrap())
}

fn texts(table: &RecordBatch, name: &str) -> Vec<String> {
    let column = cast(table.column_by_name(name).unwrap(), &DataType::Utf8).unwrap();
    let cells = column.as_string::<i32>().iter();
    cells.map(|cell| cell.unwrap_or("").to_owned()).collect()
}

#[test]
fn allowed_changes_are_made_logged_and_taken_back() {
    let desk = desk();
    assert_eq!(clean(&desk, APPROVED), (0, String::new()));
    let cleaned = table(&desk, "clean.parquet");
    let names: Vec<&str> = cleaned
        .schema_ref()
        .fields()
        .iter()
        .map(|f| f.name().as_str())
        .collect();
    assert_eq!(
        names,
        ["ordered", "price", "weight", "mail", "born", "class"]
    );
    let days = [
        "2021-04-03",
        "2021-04-04",
        "2021-04-05",
        "2021-04-06",
        "2021-04-07",
    ];
    assert_eq!(texts(&cleaned, "ordered"), days);
    // Capped to 0 and 5000 first; of 0, 10, 1234.5, 5000 the lower middle one is 10.
    assert_eq!(
        texts(&cleaned, "price"),
        ["1234.5", "10.0", "0.0", "5000.0", "10.0"]
    );
    assert_eq!(
        texts(&cleaned, "weight"),
        ["1.2 kg", "2 kg", "0.5 kg", "3 kg", "3 kg"]
    );
    let mail = texts(&cleaned, "mail");
    // printf ann@example.org | openssl dgst -sha256 -hmac 'sixteen bytes or more' | cut -c1-32
    assert_eq!(mail[0], "872189c6998954a492eff40463b0dd23");
    assert!(
        mail[2].len() == 32 && mail[2] != mail[0] && mail[3] == mail[4],
        "{mail:?}"
    );
    let born = [
        "1969-01-01",
        "1980-01-01",
        "1990-01-01",
        "1975-01-01",
        "1975-01-01",
    ];
    assert_eq!(texts(&cleaned, "born"), born);
    assert_eq!(texts(&cleaned, "class"), ["a", "b", "a", "b", "b"]);
    let log = desk.json("clean.parquet.changes.json");
    let approved: Vec<Value> = log["steps"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|step| step["class"] == "approved")
        .map(|step| json!([step["rule"], step["column"], step["count"], step["how"]]))
        .collect();
    let expected = [
        json!(["coerce", "ordered", 6, "%d/%m/%Y"]),
        json!(["coerce", "price", 4, "1.234,5"]),
        json!(["unit", "weight", 1, "to kg"]),
        json!(["cap", "price", 2, "min 0.0, max 5000.0"]),
        json!(["impute", "price", 2, "median 10.0"]),
        json!(["impute", "mail", 1, "none given"]),
        json!(["mask", "mail", 6, "hash"]),
        json!(["mask", "born", 6, "year"]),
        json!(["drop", "id", 6, null]),
        json!(["exact_duplicates", null, 1, null]),
    ];
    assert_eq!(approved, expected);
    taken_back(&desk);
    // The report is about the file as it was, and comes out again.
    let (code, text) = desk.says(&["orders.csv", "--verify", "report.json"]);
    assert_eq!(code, 0, "{text}");
}

/// Undo gives every cell of the CSV file back, blanks included.
fn taken_back(desk: &Desk) {
    let (code, text) = desk.says(&["clean.parquet", "--undo", "clean.parquet.changes.json"]);
    assert_eq!(code, 0, "{text}");
    let original = table(desk, "clean.original.parquet");
    let mut lines = ORDERS
        .lines()
        .map(|line| line.split(';').collect::<Vec<_>>());
    let heads = lines.next().unwrap();
    let rows: Vec<Vec<&str>> = lines.collect();
    for (at, head) in heads.iter().enumerate() {
        let cells: Vec<&str> = rows.iter().map(|row| row[at]).collect();
        assert_eq!(texts(&original, head), cells, "{head}");
    }
}

#[test]
fn typed_columns_come_back_to_the_bit() {
    let desk = Desk::new();
    desk.put(
        "typed.parquet",
        files::parquet(&crate::support::readings(0..3_000)),
    );
    let original = table(&desk, "typed.parquet");
    let (code, rules) = desk.says(&["typed.parquet", "--infer-rules"]);
    assert_eq!(code, 0, "{rules}");
    desk.put("typed.toml", rules);
    let approve = "impute:remark=none,drop:station,mask:station=last4";
    let args = [
        "typed.parquet",
        "--rules",
        "typed.toml",
        "--fail-on",
        "none",
        "--quiet",
    ];
    let more = ["--clean", "clean.parquet", "--approve", approve];
    assert_eq!(
        desk.says(&[&args[..], &more[..]].concat()),
        (0, String::new())
    );
    let (code, text) = desk.says(&["clean.parquet", "--undo", "clean.parquet.changes.json"]);
    assert_eq!(code, 0, "{text}");
    let back = table(&desk, "clean.original.parquet");
    assert_eq!(back.num_columns(), original.num_columns());
    for field in original.schema_ref().fields() {
        let was = original.column_by_name(field.name()).unwrap();
        let is = cast(back.column_by_name(field.name()).unwrap(), was.data_type()).unwrap();
        assert_eq!(was.to_data(), is.to_data(), "{}", field.name());
    }
}

#[test]
fn what_nobody_may_change_and_what_is_not_said_is_refused() {
    let desk = desk();
    for (approve, why) in [
        ("drop:class", "labels are never changed"),
        ("impute:price=plenty", "none of the column's type"),
        ("mask:mail=rot13", "no way to mask"),
        ("near_duplicates", "add [near]"),
        ("coerce:price=1 234,5", "named twice"),
        ("unit:weight=furlong", "no unit that is known"),
    ] {
        let (code, text) = clean(&desk, approve);
        assert!(code == 2 && text.contains(why), "{approve}: {code} {text}");
    }
    let args = [
        "orders.csv",
        "--rules",
        "orders.toml",
        "--clean",
        "x.parquet",
    ];
    let (code, text) = desk.says(&[&args[..], &["--approve", "mask:mail=hash"]].concat());
    assert!(code == 2 && text.contains("--mask-key"), "{text}");
    assert!(!desk.path("x.parquet").exists());
}
