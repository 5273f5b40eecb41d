use std::io::Cursor;

use chrono::DateTime;
use proptest::prelude::*;

use super::*;
use crate::{Csv, Options, Policy, Report, assess_source};

fn read(csv: &str, policy: &Policy, earlier: &[Earlier]) -> (Report, Summary) {
    let mut source = Csv::open(Cursor::new(csv.as_bytes().to_vec()), None).expect("a header");
    source.infer().expect("readable");
    let options = Options {
        drift: Some(earlier),
        ..Options::at(DateTime::UNIX_EPOCH)
    };
    let found = assess_source(&mut source, policy, options, None, &mut |_| {}).expect("assessed");
    let summary = found.preview.summary.expect("wanted");
    (found.report, summary)
}

/// A table of `rows` rows: a number, a category, a column with gaps, one that only it has.
fn table(
    rows: u32,
    own: &str,
    number: impl Fn(u32) -> u32,
    kind: impl Fn(u32) -> String,
) -> String {
    let mut csv = format!("x,kind,gaps,{own}\n");
    for row in 0..rows {
        let gap = if row % 4 == 0 { "" } else { "7" };
        csv.push_str(&format!("{},{},{gap},{row}\n", number(row), kind(row)));
    }
    csv
}

fn line<'r>(report: &'r Report, column: &str) -> &'r [Figure] {
    let sections = report.sections.iter().find(|s| s.name == SECTION);
    let mut rows = sections.into_iter().flat_map(|s| &s.rows);
    let found = rows.find(|row| row.first() == Some(&Figure::Text(column.into())));
    found.expect("the column is compared")
}

fn verdict(report: &Report, column: &str) -> String {
    match &line(report, column)[1] {
        Figure::Text(words) => words.clone(),
        other => format!("{other:?}"),
    }
}

#[test]
fn what_moved_is_named_and_what_stayed_is_not() {
    let policy = Policy::default();
    let usual = |row| row * 7_919 % 1_000;
    let kinds = |row: u32| ["rye", "oat", "hay"][row as usize % 3].to_owned();
    let (first, summary) = read(&table(5_000, "old", usual, kinds), &policy, &[]);
    assert!(first.sections.iter().all(|s| s.name != SECTION));
    assert!(first.not_measured.contains(&SECTION.to_owned()));
    let earlier = [Earlier {
        name: "revision 1".into(),
        summary,
    }];
    let other_kinds = |row: u32| match row % 4 {
        0 => "wheat".to_owned(),
        at => ["rye", "oat"][at as usize % 2].to_owned(),
    };
    let (report, _) = read(
        &table(4_000, "new", |row| usual(row) / 2 + 300, other_kinds),
        &policy,
        &earlier,
    );
    assert!(!report.not_measured.contains(&SECTION.to_owned()));
    assert_eq!(verdict(&report, "x"), "shifted");
    assert_eq!(verdict(&report, "kind"), "shifted");
    assert_eq!(verdict(&report, "gaps"), "stable");
    assert_eq!(verdict(&report, "old"), "dropped");
    assert_eq!(verdict(&report, "new"), "added");
    // One text of four is new, in a quarter of the rows; one of three is gone.
    let tail = &line(&report, "kind")[7..];
    assert_eq!(
        tail,
        [Figure::Count(1), Figure::Ppm(250_000), Figure::Count(1)]
    );
    assert_eq!(drifted(&report), Some((3, 5)));
    let page = report.to_html("t", None) + &report.to_markdown("t");
    assert!(page.contains("Kolmogorov") && page.contains("revision 1"));
    for cell in ["wheat", "hay"] {
        let json = report.to_canonical_json().expect("json");
        let json = String::from_utf8(json).expect("text");
        assert!(!json.contains(cell), "a report holds no value: {cell}");
    }
}

#[test]
fn the_same_rows_in_another_order_and_number_do_not_drift() {
    let policy = Policy::default();
    let usual = |row| row * 7_919 % 1_000;
    let kinds = |row: u32| format!("k{}", row * 31 % 40);
    let (_, summary) = read(&table(6_000, "own", usual, kinds), &policy, &[]);
    let earlier = [Earlier {
        name: "before".into(),
        summary,
    }];
    let (report, _) = read(
        &table(
            3_000,
            "own",
            |row| usual(2_999 - row),
            |row| kinds(2_999 - row),
        ),
        &policy,
        &earlier,
    );
    for column in ["x", "kind", "gaps"] {
        assert_eq!(verdict(&report, column), "stable");
    }
    assert_eq!(line(&report, "x")[4], Figure::Millionths(0), "KS");
}

#[test]
fn few_rows_are_no_proof_and_types_are_named() {
    let policy = Policy::default();
    let (_, summary) = read("a,b\n1,x\n2,y\n3,z\n4,x\n", &policy, &[]);
    let earlier = [Earlier {
        name: "before".into(),
        summary,
    }];
    let (report, _) = read("a,b\n4,1\n4,2\n4,3\n", &policy, &earlier);
    assert_eq!(verdict(&report, "a"), "too few rows to say");
    assert_eq!(verdict(&report, "b"), "was string, is int64");
    let names = |report: &Report| {
        report
            .sections
            .iter()
            .find(|s| s.name == SECTION)
            .map(|s| s.summary.clone())
    };
    assert!(names(&report).is_some_and(|words| words.contains("1 of another type")));
}

#[test]
fn a_summary_is_bounded_and_survives_storage() {
    let mut bins = Bins::default();
    let values: Vec<f64> = (0..40_000).map(|i| f64::from(i).sqrt() - 50.0).collect();
    values.chunks(999).for_each(|part| bins.add(part));
    assert!(bins.is_sound() && bins.total() == 40_000);
    let policy = Policy::default();
    let many = |row: u32| format!("text {row}");
    let (_, summary) = read(&table(4_000, "own", |row| row, many), &policy, &[]);
    assert!(summary.is_sound());
    assert_eq!(
        summary.columns[1].texts.as_ref().and_then(Texts::distinct),
        None
    );
    let json = serde_json::to_vec(&summary).expect("json");
    let back: Summary = serde_json::from_slice(&json).expect("what was written");
    assert_eq!(back, summary);
    let mut lying = summary.clone();
    lying.columns[0].missing = u64::MAX;
    assert!(!lying.is_sound());
}

proptest! {
    #[test]
    fn neither_order_nor_parts_change_a_summary(
        values in prop::collection::vec(-1e9f64..1e9, 0..3_000),
        cut in 0usize..3_000,
    ) {
        let cut = cut.min(values.len());
        let mut whole = Bins::default();
        whole.add(&values);
        let (mut first, mut second) = (Bins::default(), Bins::default());
        first.add(&values[..cut]);
        values[cut..].chunks(7).for_each(|part| second.add(part));
        second.merge(&first);
        prop_assert_eq!(&second, &whole);
        let (mut texts, mut parts, mut rest) = (Texts::default(), Texts::default(), Texts::default());
        let key = |value: &f64| u128::from(value.to_bits() % 2_000);
        texts.add(values.iter().map(key));
        parts.add(values[..cut].iter().map(key));
        rest.add(values[cut..].iter().rev().map(key));
        parts.merge(&rest);
        prop_assert_eq!(parts, texts);
    }
}
