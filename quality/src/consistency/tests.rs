//! Small tables whose bad rows are counted by hand.

use bytes::Bytes;
use chrono::DateTime;
use polars::io::parquet::write::ParquetWriter;
use polars::prelude::*;
use proptest::prelude::*;

use crate::policy::Policy;
use crate::report::{Loss, Report};
use crate::score::Dimension;

fn report(frame: &DataFrame, rules: &str) -> Report {
    reported_in(512 << 20, frame, rules)
}

fn reported_in(memory: usize, frame: &DataFrame, rules: &str) -> Report {
    let policy = Policy::from_toml(rules).expect("valid rules");
    let mut packed = Vec::new();
    let mut frame = frame.clone();
    ParquetWriter::new(&mut packed)
        .finish(&mut frame)
        .expect("memory can be written to");
    let noon = DateTime::from_timestamp(1_750_000_000, 0).expect("a moment in 2025");
    let mut source = crate::input::Packed::open(&Bytes::from(packed)).expect("a Parquet file");
    let options = crate::Options {
        memory,
        ..crate::Options::at(noon)
    };
    let found = crate::assess_source(&mut source, &policy, options, None, &mut |_| {});
    found.expect("the table fits its rules").report
}

fn losses(report: &Report) -> Vec<&Loss> {
    let losses = report.losses.iter();
    losses
        .filter(|loss| loss.dimension == Dimension::Consistency)
        .collect()
}

fn measured(report: &Report) -> (Option<u64>, Option<u64>) {
    let dimension = report
        .dimensions
        .iter()
        .find(|d| d.name == Dimension::Consistency);
    dimension.map_or((None, None), |d| (d.bad, d.total))
}

#[test]
fn a_dependency_loses_the_fewest_rows_that_explain_it() {
    let planes = df!(
        "tail" => [Some("N1"), Some("N1"), Some("N1"), Some("N2"), Some("N2"), None, Some("N3")],
        "maker" => [Some("BOEING"), Some("AIRBUS"), Some("BOEING"), Some("CESSNA"), Some("CESSNA"), Some("X1"), None]
    )
    .expect("equal lengths");
    let found = report(
        &planes,
        "[[consistency.depends]]\nfrom = [\"tail\"]\nto = \"maker\"\n",
    );
    assert_eq!(measured(&found), (Some(1), Some(7)));
    let [loss] = losses(&found)[..] else {
        panic!("{found:?}")
    };
    assert_eq!(
        (loss.rule.as_str(), loss.column.as_deref()),
        ("depends_on tail", Some("maker"))
    );
    assert_eq!((loss.count, loss.rows.as_slice()), (1, &[1u64][..]));
}

#[test]
fn comparisons_sums_tolerances_and_conditions() {
    let sales = df!(
        "net" => [10.0, 10.0, 10.0, 10.0, 10.0],
        "tax" => [Some(2.0), Some(2.0), Some(2.5), None, Some(2.0)],
        "gross" => [12.0, 12.004, 12.0, 99.0, 13.0],
        "state" => ["paid", "paid", "paid", "paid", "open"],
        "sent" => ["2024-01-01", "2024-01-03", "2024-01-01", "2024-01-01", "2024-01-01"],
        "got" => ["2024-01-02", "2024-01-01", "2024-01-02", "2024-01-02", "2024-01-02"]
    )
    .expect("equal lengths");
    let rules = r#"
        columns = [{name="net",type="float64"},{name="tax",type="float64"},{name="gross",type="float64"},
            {name="state",type="string"},{name="sent",type="date"},{name="got",type="date"}]
        [[consistency.check]]
        left = ["net", "tax"]
        op = "="
        right = "gross"
        tolerance = 0.005
        when = { column = "state", op = "=", value = "paid" }
        [[consistency.check]]
        left = "sent"
        op = "<="
        right = "got"
        [[consistency.check]]
        left = "gross"
        op = "<"
        value = 99
    "#;
    let found = report(&sales, rules);
    // Row 2 by the sum, row 1 by the days, row 3 by the fixed value; row 4 is not paid.
    assert_eq!(measured(&found), (Some(3), Some(5)));
    let mut rows: Vec<(&str, &[u64])> = losses(&found)
        .iter()
        .map(|l| (l.rule.as_str(), l.rows.as_slice()))
        .collect();
    rows.sort_unstable();
    assert_eq!(
        rows,
        [
            ("gross < 99", &[3u64][..]),
            ("net + tax = gross ± 0.005 when state = \"paid\"", &[2]),
            ("sent <= got", &[1]),
        ]
    );
}

#[test]
fn a_row_that_breaks_two_rules_is_bad_once_and_fixed_by_neither() {
    let table = df!("a" => [1i64, 5, 5, 1], "b" => [2i64, 2, 9, 0]).expect("equal lengths");
    let rules = "[[consistency.check]]\nleft=\"a\"\nop=\"<=\"\nright=\"b\"\n\
        [[consistency.check]]\nleft=\"a\"\nop=\"<\"\nvalue=5\n";
    let found = report(&table, rules);
    // Rule 1 breaks in rows 1 and 3, rule 2 in rows 1 and 2: three bad rows of four.
    assert_eq!(measured(&found), (Some(3), Some(4)));
    let [first, second] = losses(&found)[..] else {
        panic!("{found:?}")
    };
    assert_eq!((first.count, second.count), (2, 2));
    // Without one rule two bad rows are left: s rises from 1/4 to 2/4, not to 3/4.
    let (alone, both) = (first.q_if_fixed_hundredths, found.q_hundredths);
    let ratio = f64::from(alone) / f64::from(both);
    // All other dimensions are full or measured alike; the weights are .25 + .20 + .20 + .15.
    assert!((ratio - 2f64.powf(0.15 / 0.8)).abs() < 0.001, "{ratio}");
}

#[test]
fn references_and_one_way_of_writing() {
    let table = df!(
        "city" => ["NYC", "NYC", "nyc", "NYC", "New York", "New York", "new_york", "New York"],
        "weight" => ["1 kg", "2 kg", "3 lb", "4 kg", "5 kg", "6kg", "7 kg", "8 kg"],
        "day" => ["2024-01-01", "2024-01-02", "2024-01-03", "01/02/2024", "2024-01-04", "2024-01-05", "2024-01-06", "2024-01-07"],
        "note" => ["café", "cafÃ©", "x", "y", "z", "u", "v", "w"],
        "code" => ["A", "A", "a", "a", "A", "a", "A", "a"]
    )
    .expect("equal lengths");
    let rules = "[[consistency.reference]]\ncolumn = \"city\"\nvalues = [\"NYC\", \"nyc\", \"Oslo\", \"New York\", \"new_york\"]\n";
    let found = report(&table, rules);
    let mut rows: Vec<(&str, &str, &[u64])> = losses(&found)
        .iter()
        .map(|l| {
            (
                l.rule.as_str(),
                l.column.as_deref().unwrap_or(""),
                l.rows.as_slice(),
            )
        })
        .collect();
    rows.sort_unstable();
    assert_eq!(
        rows,
        [
            ("one_date_format", "day", &[3u64][..]),
            ("one_encoding", "note", &[1]),
            ("one_spelling", "city", &[2, 6]),
            ("one_unit", "weight", &[2]),
        ]
    );
    assert_eq!(measured(&found), (Some(4), Some(8)));
    let free = "[consistency]\nfree = [\"city\", \"weight\", \"day\", \"note\"]\n\
        [[consistency.reference]]\ncolumn = \"city\"\nvalues = [\"NYC\"]\n";
    let found = report(&table, free);
    assert_eq!(losses(&found)[0].rule, "reference");
    assert_eq!(measured(&found), (Some(5), Some(8)));
}

#[test]
fn numbers_alone_without_rules_are_not_applicable() {
    let found = report(&df!("a" => [1i64, 2]).expect("one column"), "");
    assert_eq!(measured(&found), (None, None));
    let dimension = found
        .dimensions
        .iter()
        .find(|d| d.name == Dimension::Consistency);
    assert!(!dimension.expect("all six are listed").applicable);
}

#[test]
fn rules_that_cannot_hold_are_refused() {
    let table = df!("a" => [1i64], "t" => ["x"]).expect("equal lengths");
    for rules in [
        "[[consistency.depends]]\nfrom = [\"z\"]\nto = \"a\"",
        "[[consistency.depends]]\nfrom = [\"a\"]\nto = \"a\"",
        "[[consistency.check]]\nleft = \"a\"\nop = \"<\"\nright = \"t\"",
        "[[consistency.check]]\nleft = \"t\"\nop = \"<\"\nvalue = \"b\"",
        "[[consistency.check]]\nleft = \"a\"\nop = \"<\"",
        "[[consistency.check]]\nleft = \"a\"\nop = \"<\"\nvalue = \"b\"",
        "[[consistency.check]]\nleft = \"a\"\nop = \"<\"\nvalue = 1\ntolerance = -1",
        "[[consistency.reference]]\ncolumn = \"a\"\nvalues = [\"x\"]",
        "[consistency]\nfree = [\"z\"]",
        "quasi_identifiers = [\"z\"]",
    ] {
        let policy = Policy::from_toml(rules).expect("the form is right");
        let mut packed = Vec::new();
        ParquetWriter::new(&mut packed)
            .finish(&mut table.clone())
            .expect("memory can be written to");
        let noon = DateTime::from_timestamp(0, 0).expect("a moment");
        let found = crate::inspect(&Bytes::from(packed), &policy, noon, &mut |_| {});
        assert!(
            found.is_err_and(|error| error.code() == "invalid_policy"),
            "{rules}"
        );
    }
}

proptest! {
    /// Brute force: the fewest rows to change so that a group has one value.
    #[test]
    fn dependencies_agree_with_counting(pairs in prop::collection::vec((0i64..4, 0i64..3), 1..60)) {
        let from: Vec<i64> = pairs.iter().map(|(from, _)| *from).collect();
        let to: Vec<i64> = pairs.iter().map(|(_, to)| *to).collect();
        let found = report(
            &df!("from" => from, "to" => to).expect("equal lengths"),
            "[[consistency.depends]]\nfrom = [\"from\"]\nto = \"to\"\n",
        );
        let mut least = 0;
        for group in 0..4 {
            let count = |value| pairs.iter().filter(|pair| **pair == (group, value)).count();
            let counts: Vec<usize> = (0..3).map(count).collect();
            least += counts.iter().sum::<usize>() - counts.iter().max().copied().unwrap_or(0);
        }
        prop_assert_eq!(measured(&found).0, Some(least as u64));
    }
}

#[test]
fn what_is_found_in_a_column_does_not_depend_on_memory() {
    let rows = 0..90_000u32;
    let town = rows.clone().map(|row| match row {
        17 | 80_000 => "new_york",
        _ if row % 7 == 0 => "New York",
        _ => "Paris",
    });
    let weight = rows.clone().map(|row| match row % 30_001 {
        9 => format!("{row} lb"),
        _ => format!("{row} kg"),
    });
    let day = rows.map(|row| match row {
        44_444 => "31.1.2013".to_owned(),
        _ => format!("2013-01-{:02}", row % 28 + 1),
    });
    let table = df!(
        "town" => town.collect::<Vec<_>>(),
        "weight" => weight.collect::<Vec<_>>(),
        "day" => day.collect::<Vec<_>>()
    )
    .expect("equal lengths");
    let expected = report(&table, "");
    assert_eq!(measured(&expected), (Some(6), Some(90_000)));
    assert_eq!(losses(&expected).len(), 3);
    for memory in [0, 300_000, 1 << 20] {
        assert_eq!(reported_in(memory, &table, ""), expected, "{memory}");
    }
}
