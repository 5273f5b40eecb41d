use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Date32Type, Float64Type, Int64Type};
use chrono::DateTime;

use super::units::{Conversion, rewritten};
use super::*;
use crate::{Csv, Options, Source, assess_source, cleaned_schema};

fn at<'a>() -> Options<'a> {
    Options::at(DateTime::UNIX_EPOCH)
}

/// The cleaned and changed table, and what was done to it.
fn changed(csv: &str, toml: &str, changes: &str) -> Result<(RecordBatch, Vec<Made>), String> {
    let policy = Policy::from_toml(toml).map_err(|e| e.to_string())?;
    let changes = Approved::list(changes)?;
    let mut csv = Csv::open(std::io::Cursor::new(csv.as_bytes().to_vec()), None).expect("CSV");
    let fault = |e: AssessError| e.to_string();
    let mut source = Coerced::new(&mut csv, &changes, &policy).map_err(fault)?;
    let schema = cleaned_schema(&source, &policy).map_err(fault)?;
    let pseudonym: Pseudonym = Box::new(|text| format!("#{}", text.len()));
    let mut edits = Edits::new(&schema, &changes, &policy, Some(pseudonym)).map_err(fault)?;
    let mut look = |batch: RecordBatch| edits.look(&batch, 1 << 20);
    let first = assess_source(&mut source, &policy, at(), Some(&mut look), &mut |_| {});
    let first = first.map_err(fault)?;
    edits.decide().map_err(fault)?;
    if changes.contains(&Approved::ExactDuplicates) {
        let near = match changes.contains(&Approved::NearDuplicates) {
            true => first.near,
            false => Vec::new(),
        };
        edits.keep(kept_rows(&first.rows.fingerprints, &near), near);
    }
    source.rewind().map_err(fault)?;
    let mut batches = Vec::new();
    let mut sink = |batch: RecordBatch| {
        batches.push(edits.apply(&batch)?);
        Ok(())
    };
    assess_source(&mut source, &policy, at(), Some(&mut sink), &mut |_| {}).map_err(fault)?;
    let made = [source.made(), edits.made()].concat();
    let table = concat_batches(&edits.schema(), &batches).expect("one schema");
    Ok((table, made))
}

fn texts(array: &ArrayRef) -> Vec<Option<String>> {
    let array = cast(array, &DataType::Utf8).expect("text");
    let cells = array.as_string::<i32>().iter();
    cells.map(|cell| cell.map(str::to_owned)).collect()
}

fn doubles(table: &RecordBatch, name: &str) -> Vec<Option<f64>> {
    let column = table.column_by_name(name).expect("a column");
    column.as_primitive::<Float64Type>().iter().collect()
}

/// Rule, count, how.
fn said(made: &[Made]) -> Vec<(&str, u64, &str)> {
    let said = made.iter();
    said.map(|made| (made.rule, made.count, made.how.as_deref().unwrap_or("")))
        .collect()
}

const NUMBERS: &str = r#"
[[columns]]
name = "n"
type = "int64"
[[columns]]
name = "x"
type = "float64"
min = 0
max = 100
"#;

#[test]
fn changes_read_back_and_others_are_named() {
    for text in [
        "exact_duplicates",
        "near_duplicates",
        "cap:a b",
        "drop:x",
        "coerce:n=round",
        "coerce:n=1.234,5",
        "coerce:n=1,234.5",
        "coerce:d=%d/%m/%Y",
        "coerce:t=epoch_ms",
        "coerce:f=ja/nein",
        "unit:v=km/h:m/s",
        "unit:w=kg",
        "impute:x=median",
        "impute:x=0.5",
        "impute:x=a=b, c",
        "mask:m=last4",
    ] {
        let read: Approved = text.parse().expect("a change");
        assert_eq!(read.to_string(), text);
    }
    let list = Approved::list("coerce:n=1,234.5,impute:x=a, b,cap:n").expect("three");
    assert_eq!(list.len(), 3);
    for bad in [
        "guess:x",
        "cap",
        "coerce:n",
        "coerce:n=",
        "coerce:d=%Q",
        "unit:v=km:kg",
        "unit:v=furlong",
        "mask:m=rot13",
        "",
    ] {
        assert!(bad.parse::<Approved>().is_err(), "{bad}");
    }
}

#[test]
fn numbers_in_a_form_of_their_own_are_read() {
    let rows = "n;x\n1.234;1.234,50\n2,5;-7,25\n12;1.5\n3,5;12.34,5\n";
    let changes = "coerce:n=round,coerce:x=1.234,5";
    let (table, made) = changed(rows, NUMBERS, changes).expect("changed");
    // `round` reads points alone: 2,5 is none of its numbers. 1.234 is 1.
    let n = table.column(0).as_primitive::<Int64Type>().iter();
    assert_eq!(n.collect::<Vec<_>>(), [Some(1), None, Some(12), None]);
    // 1.5 has no group of three digits: it is what it says. 12.34,5 is nothing.
    let x = doubles(&table, "x");
    assert_eq!(x, [Some(1234.5), Some(-7.25), Some(1.5), None]);
    assert_eq!(
        said(&made),
        [("coerce", 1, "round"), ("coerce", 2, "1.234,5")]
    );
    assert_eq!((&made[0].rows, &made[1].rows), (&vec![0], &vec![0, 1]));
    let halves = changed(
        "n;x\n0.5;1\n1.5;1\n2.5;1\n-2.5;1\n",
        NUMBERS,
        "coerce:n=round",
    );
    let halves = halves.expect("changed").0;
    let halves = halves
        .column(0)
        .as_primitive::<Int64Type>()
        .values()
        .to_vec();
    assert_eq!(halves, [0, 2, 2, -2]);
}

#[test]
fn dates_instants_and_words_in_a_form_of_their_own_are_read() {
    let toml = r#"
        [[columns]]
        name = "d"
        type = "date"
        [[columns]]
        name = "t"
        type = "timestamp"
        [[columns]]
        name = "f"
        type = "bool"
    "#;
    let rows = "d;t;f\n03/04/2021;86400;ja\n2021-05-06;1.5;NEIN\n03/04/21;;x\n";
    let changes = "coerce:d=%d/%m/%Y,coerce:t=epoch,coerce:f=ja/nein";
    let (table, made) = changed(rows, toml, changes).expect("changed");
    let days = texts(table.column(0));
    assert_eq!(
        days,
        [Some("2021-04-03".into()), Some("2021-05-06".into()), None]
    );
    let at = texts(&cast(table.column(1), &DataType::Int64).expect("micros"));
    assert_eq!(at, [Some("86400000000".into()), None, None]);
    let flags = table.column(2).as_boolean().iter();
    assert_eq!(flags.collect::<Vec<_>>(), [Some(true), Some(false), None]);
    assert_eq!(made.iter().map(|m| m.count).collect::<Vec<_>>(), [1, 1, 2]);
}

#[test]
fn missing_cells_become_what_was_asked_for() {
    let rows = "n;x\n1;10\n5;\n2;30\n2;NA\n9;500\n;20\n";
    // Values of x after capping: 10, 30, 100, 20; the lower middle one is 20.
    let (table, made) =
        changed(rows, NUMBERS, "impute:x=median,cap:x,impute:n=mode").expect("changed");
    let x = doubles(&table, "x");
    let filled = [10.0, 20.0, 30.0, 20.0, 100.0, 20.0];
    assert_eq!(x, filled.map(Some));
    let n = table.column(0).as_primitive::<Int64Type>();
    assert_eq!((n.null_count(), n.value(5)), (0, 2));
    let expected = [
        ("cap", 1, "min 0.0, max 100.0"),
        ("impute", 2, "median 20.0"),
        ("impute", 1, "mode 2"),
    ];
    assert_eq!(said(&made), expected);
    assert_eq!(made[1].rows, [1, 3]);
    let (table, made) = changed(rows, NUMBERS, "impute:x=mean,impute:n=-1").expect("changed");
    assert_eq!(doubles(&table, "x")[1], Some(140.0), "560 / 4");
    assert_eq!(
        said(&made),
        [("impute", 2, "mean 140.0"), ("impute", 1, "-1")]
    );
    let empty = changed("n;x\n1;\n2;\n", NUMBERS, "impute:x=median");
    assert!(
        empty
            .expect_err("nothing to take it of")
            .contains("no value")
    );
}

#[test]
fn cells_that_say_less() {
    let toml = r#"
        [[columns]]
        name = "card"
        type = "string"
        [[columns]]
        name = "mail"
        type = "string"
        [[columns]]
        name = "born"
        type = "date"
        [[columns]]
        name = "note"
        type = "string"
    "#;
    let rows = "card;mail;born;note\n4111-1234;a@b.c;1969-12-31;x\n123;;1971-02-03;y\n";
    let changes = "mask:card=last4,mask:mail=hash,mask:born=year,mask:note=redact";
    let (table, made) = changed(rows, toml, changes).expect("changed");
    assert_eq!(
        texts(table.column(0)),
        [Some("*****1234".into()), Some("***".into())]
    );
    assert_eq!(texts(table.column(1)), [Some("#5".into()), None]);
    let days = table
        .column(2)
        .as_primitive::<Date32Type>()
        .values()
        .to_vec();
    assert_eq!(days, [-365, 365], "1969-01-01 and 1971-01-01");
    assert_eq!(texts(table.column(3)), vec![Some("[masked]".to_owned()); 2]);
    assert_eq!(
        made.iter().map(|m| m.count).collect::<Vec<_>>(),
        [2, 1, 2, 2]
    );
}

#[test]
fn units_are_those_of_the_books() {
    for (value, from, to, expected) in [
        (36.0, "km/h", "m/s", 10.0),
        (1.0, "mi", "km", 1.609344),
        (1200.0, "g", "kg", 1.2),
        (212.0, "°F", "°C", 100.0),
        (0.0, "°C", "K", 273.15),
        (32.0, "F", "K", 273.15),
        (1.0, "lb", "kg", 0.45359237),
        (1.0, "acre", "m2", 4046.8564224),
        (1.0, "gal", "l", 3.785411784),
        (1.0, "kn", "km/h", 1.852),
        (2.0, "GiB", "MiB", 2048.0),
    ] {
        let conversion = Conversion::between(from, to).expect("one kind");
        let got = conversion.of(value);
        assert!(
            (got - expected).abs() < 1e-12 * expected.abs().max(1.0),
            "{value} {from}: {got}"
        );
    }
    assert_eq!(
        Conversion::between("g", "kg").map(|c| c.of(1200.0)),
        Some(1.2)
    );
    assert!(Conversion::between("kg", "m").is_none());
    assert_eq!(rewritten("1200 g", "kg").as_deref(), Some("1.2 kg"));
    assert_eq!(rewritten("3 m2", "ha").as_deref(), Some("0.0003 ha"));
    for same in ["1.2 kg", "12", "12 Main", "1,200 g", "12 m", "kg", ""] {
        assert_eq!(rewritten(same, "kg"), None, "{same}");
    }
}

#[test]
fn rows_that_repeat_go_and_are_named() {
    let toml = r#"
        [near]
        threshold = 0.8
        by = "words"
        [[columns]]
        name = "t"
        type = "string"
    "#;
    let long = "rye was harvested on the southern field in the second week of august after long \
                rain and stored dry in the old barn by the river";
    let rows = format!("t\n{long} today\n{long}\nother\n{long}\nother\n");
    let (table, made) = changed(&rows, toml, "near_duplicates,exact_duplicates").expect("changed");
    assert_eq!(table.num_rows(), 2);
    assert_eq!(
        said(&made),
        [("exact_duplicates", 2, ""), ("near_duplicates", 1, "")]
    );
    assert_eq!((&made[0].rows, &made[1].rows), (&vec![3, 4], &vec![1]));
    let alone = changed(&rows, toml, "near_duplicates");
    assert!(
        alone
            .expect_err("equal rows would stay")
            .contains("exact_duplicates")
    );
    let (table, _) = changed(&rows, toml, "exact_duplicates").expect("changed");
    assert_eq!(table.num_rows(), 3);
}

#[test]
fn what_cannot_be_done_is_refused_before_anything_is_read() {
    let toml = format!("label = \"n\"\n{NUMBERS}");
    for (change, why) in [
        ("impute:n=mode", "labels are never changed"),
        ("drop:n", "labels are never changed"),
        ("cap:y", "do not declare"),
        ("coerce:x=round", "no form of float64"),
        ("impute:x=many", "none of the column's type"),
        ("mask:x=redact", "only texts"),
        ("unit:x=kg", "do not say their unit"),
        ("cap:x,cap:x", "named twice"),
        ("near_duplicates", "add [near]"),
    ] {
        let fault = changed("n;x\n1;2\n", &toml, change).expect_err(change);
        assert!(fault.contains(why), "{change}: {fault}");
    }
    let contract = br#"{"clean": {"approve": ["exact_duplicates"]}}"#;
    assert!(
        Policy::from_json(contract).is_err(),
        "a node approves nothing"
    );
}
