//! Whole tables: real ones with known duplicates, dirty ones counted by hand.

use std::io::Cursor;

use polars::io::parquet::read::ParquetReader;
use polars::io::parquet::write::{ParquetCompression, ParquetWriter};
use polars::prelude::*;
use proptest::prelude::*;

use super::*;
use crate::policy::{ColumnRule, ColumnType};
use crate::report::Dimension;

const IRIS: &[u8] = include_bytes!("../../tests/data/sk_iris.parquet");
const FAIR: &[u8] = include_bytes!("../../tests/data/sm_fair.parquet");
const DIAMONDS: &[u8] = include_bytes!("../../tests/data/r_diamonds.parquet");
const BIRDSTRIKES: &[u8] = include_bytes!("../../tests/data/vega_birdstrikes.parquet");

fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_750_000_000, 0).expect("a moment in 2025")
}

fn assessed(packed: &[u8], policy: &Policy) -> Assessment {
    let packed = Bytes::copy_from_slice(packed);
    assess(&packed, policy, noon(), &mut |_| {}).expect("the table fits its contract")
}

fn pack(frame: &DataFrame, group: usize, compression: ParquetCompression) -> Vec<u8> {
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes)
        .with_row_group_size(Some(group))
        .with_compression(compression)
        .finish(&mut frame.clone())
        .expect("memory can be written to");
    bytes
}

fn packed(frame: &DataFrame) -> Vec<u8> {
    pack(frame, 1000, ParquetCompression::Snappy)
}

fn rules_of(packed: &'static [u8]) -> Vec<ColumnRule> {
    let source = Packed::open(&Bytes::from_static(packed)).expect("readable");
    let table = Table::of(&source, &Policy::default());
    table.expect("flat columns").rules
}

fn unpack(bytes: &[u8]) -> DataFrame {
    let frame = ParquetReader::new(Cursor::new(bytes)).finish();
    frame.expect("a table just written")
}

fn json(report: &Report) -> String {
    let bytes = report.to_canonical_json().expect("reports are JSON");
    String::from_utf8(bytes).expect("JSON is UTF-8")
}

#[test]
fn duplicates_of_real_tables_are_exact() {
    for (table, rows, duplicates) in [
        (IRIS, 150, 1),
        (FAIR, 6_366, 1_039),
        (DIAMONDS, 53_940, 146),
        (BIRDSTRIKES, 10_000, 24),
    ] {
        let found = assessed(table, &Policy::default());
        assert_eq!(found.report.rows, rows);
        assert_eq!(found.report.duplicates.exact_rows, duplicates);
        assert_eq!(found.rows.fingerprints.len() as u64, rows);
        assert_eq!(unpack(&found.cleaned).height() as u64, rows);
    }
}

#[test]
fn distinct_counts_agree_with_exact_counting() {
    for table in [FAIR, DIAMONDS, BIRDSTRIKES] {
        let report = assessed(table, &Policy::default()).report;
        let frame = unpack(table);
        for column in &report.profile {
            let series = frame.column(&column.name).expect("same columns");
            let values = series.drop_nulls().n_unique().expect("countable") as i64;
            let off = (column.distinct as i64 - values).abs();
            if values < 4_096 {
                assert!(column.distinct_exact && off == 0, "{}", column.name);
            } else {
                assert!(off * 50 <= values, "{}: off by {off}", column.name);
            }
        }
    }
}

fn contract() -> Policy {
    let json = br#"{"columns":[
        {"name":"id","type":"int64","min":1,"max":100,"description":"d","unit":"1","semantic":"s"},
        {"name":"weight","type":"float64","optional":true},
        {"name":"day","type":"date","min":"2020-01-01"},
        {"name":"ok","type":"bool"},
        {"name":"kind","type":"string","domain":["rye","oat","NA"]},
        {"name":"code","type":"string","pattern":"^[A-Z]{2}[0-9]+$"},
        {"name":"row_id","type":"int64"}],
        "surrogate":["row_id"],"license":"CC0-1.0","source":"field","method":"hand"}"#;
    Policy::from_json(json).expect("a valid contract")
}

fn dirty() -> DataFrame {
    df!(
        "code" => ["AB1", " AB1\u{200b}", "x", "N/A", "CD22"],
        "id" => ["1", "1.0", "oops", "500", ""],
        "weight" => ["1.5", "1.50", "NaN", "-", "2e3"],
        "day" => ["2020-02-03", "2020-02-03 00:00:00", "1999-01-01", "03.02.2020", "?"],
        "ok" => ["true", "YES", "0", "n/a", "maybe"],
        "kind" => ["rye", "rye ", "barley", "NA", "oat"],
        "row_id" => [1i32, 2, 3, 4, 5],
    )
    .expect("columns are equally long")
}

#[test]
fn a_dirty_table_is_counted_by_hand() {
    let found = assessed(&packed(&dirty()), &contract());
    let report = &found.report;
    let by_name = |name: &str| {
        let column = report.profile.iter().find(|c| c.name == name);
        column.map(|c| (c.invalid, c.null_tokens, c.blanks, c.distinct))
    };
    assert_eq!(by_name("id"), Some((2, 0, 1, 2)), "oops and 500");
    assert_eq!(by_name("weight"), Some((0, 2, 0, 2)));
    assert_eq!(by_name("day"), Some((2, 1, 0, 2)), "1999 and dotted");
    assert_eq!(by_name("ok"), Some((1, 1, 0, 2)), "maybe");
    assert_eq!(by_name("kind"), Some((1, 0, 0, 4)), "NA is in the domain");
    assert_eq!(by_name("code"), Some((1, 1, 0, 3)), "x");
    assert_eq!(report.duplicates.exact_rows, 1);
    assert_eq!(report.duplicates.rows, [1]);
    let score = |dimension| {
        let found = report.dimensions.iter().find(|d| d.name == dimension);
        found.and_then(|d| d.bad.zip(d.total))
    };
    // 35 cells; missing: id 1, weight 2, day 1, ok 1, code 1
    assert_eq!(score(Dimension::Validity), Some((7, 29)));
    assert_eq!(score(Dimension::Completeness), Some((4, 30)));
    assert_eq!(score(Dimension::Uniqueness), Some((1, 5)));
    assert_eq!(score(Dimension::Timeliness), None);
    // 3 of the table, 2 of each of 7 columns, units of 3 numbers
    assert_eq!(score(Dimension::Documentation), Some((14, 20)));
    let lost: u32 = report.losses.iter().map(|l| l.lost_hundredths).sum();
    assert_eq!(lost + report.q_hundredths, 10_000);
    assert!(
        report
            .losses
            .iter()
            .all(|l| l.q_if_fixed_hundredths >= report.q_hundredths)
    );
    // good cells of six: 6, 6, 1 (ok), 1 (kind), 3 (weight, kind, code)
    let sixths = found
        .rows
        .qualities
        .iter()
        .map(|q| (u64::from(*q) * 6 + 5) / u64::from(u32::MAX));
    assert_eq!(sixths.collect::<Vec<_>>(), [6, 6, 1, 1, 3]);
}

#[test]
fn the_cleaned_table_has_contract_order_and_types() {
    let cleaned = unpack(&assessed(&packed(&dirty()), &contract()).cleaned);
    let expected = df!(
        "id" => [Some(1i64), Some(1), None, Some(500), None],
        "weight" => [Some(1.5), Some(1.5), None, None, Some(2000.0)],
        "ok" => [Some(true), Some(true), Some(false), None, None],
        "kind" => ["rye", "rye", "barley", "NA", "oat"],
        "code" => [Some("AB1"), Some("AB1"), Some("x"), None, Some("CD22")],
        "row_id" => [1i64, 2, 3, 4, 5],
    );
    let days = cleaned.column("day").expect("a column of the contract");
    assert_eq!(days.dtype(), &DataType::Date);
    assert_eq!(days.null_count(), 2);
    let names = cleaned.get_column_names();
    assert_eq!(
        names,
        ["id", "weight", "day", "ok", "kind", "code", "row_id"]
    );
    let others = cleaned.drop("day").expect("it is there");
    assert!(
        others.equals_missing(&expected.expect("equally long")),
        "{others}"
    );
}

#[test]
fn a_disguised_copy_has_the_same_fingerprints() {
    let diamonds = unpack(DIAMONDS).head(Some(3_000));
    let contract = Policy {
        columns: rules_of(DIAMONDS),
        ..Policy::default()
    };
    let original = assessed(&packed(&diamonds), &contract);
    let mut columns = diamonds.columns().to_vec();
    for column in &mut columns {
        let text = column.cast(&DataType::String).expect("all can be text");
        let padded: StringChunked = text
            .str()
            .expect("text")
            .iter()
            .map(|cell| cell.map(|cell| format!(" \u{feff}{cell}\t ")))
            .collect();
        *column = padded.with_name(column.name().clone()).into_column();
    }
    columns.reverse();
    let disguised = DataFrame::new(diamonds.height(), columns).expect("same height");
    let copy = assessed(
        &pack(&disguised, 77, ParquetCompression::Uncompressed),
        &contract,
    );
    assert_eq!(original.rows, copy.rows);
    let again = assessed(&copy.cleaned, &contract);
    assert_eq!(original.rows, again.rows);
    assert_eq!(again.report.cleaning, []);
}

#[test]
fn same_input_same_bytes_in_any_row_groups() {
    let frame = unpack(BIRDSTRIKES);
    let (one, two) = (
        packed(&frame),
        pack(&frame, 333, ParquetCompression::Uncompressed),
    );
    let policy = Policy::default();
    let (a, b, c) = (
        assessed(&one, &policy),
        assessed(&one, &policy),
        assessed(&two, &policy),
    );
    assert_eq!(a.cleaned, b.cleaned);
    assert_eq!(json(&a.report), json(&b.report));
    assert_eq!(json(&a.report), json(&c.report));
    assert_eq!(a.preview, c.preview);
    assert_eq!(a.rows, c.rows);
    let inspected = inspect(&Bytes::from(two), &policy, noon(), &mut |_| {}).expect("readable");
    assert_eq!(json(&a.report), json(&inspected.report));
    let parsed = Report::from_json(json(&a.report).as_bytes()).expect("its own JSON");
    assert_eq!(parsed, a.report);
}

#[test]
fn keys_and_timeliness_count_when_declared() {
    let frame = df!(
        "k" => [1i64, 2, 2, 3],
        "v" => [1i64, 1, 2, 1],
        "at" => ["2025-05-16T12:00:00Z", "2025-01-01", "2999-01-01", "2024-01-01"],
    );
    let mut policy = Policy::from_toml(
        "key = ['k']\nperiod_days = 15\n\
         [[columns]]\nname = 'k'\ntype = 'int64'\n\
         [[columns]]\nname = 'v'\ntype = 'int64'\n\
         [[columns]]\nname = 'at'\ntype = 'timestamp'",
    )
    .expect("valid rules");
    let bytes = packed(&frame.expect("equally long"));
    let report = assessed(&bytes, &policy).report;
    assert_eq!(report.duplicates.exact_rows, 0);
    assert_eq!(report.duplicates.key_repeats, Some(1));
    let timely = report
        .dimensions
        .iter()
        .find(|d| d.name == Dimension::Timeliness);
    // as_of is 2025-06-15T15:06:40Z: 30.1296 days, 1.00864 periods late
    assert_eq!(timely.and_then(|d| d.score_ppm), Some(497_014));
    policy.key.clear();
    let report = assessed(&bytes, &policy).report;
    assert!(report.losses.iter().all(|l| l.rule != "repeated_key"));
}

#[test]
fn tables_that_do_not_fit_are_refused_by_name() {
    let code = |frame: PolarsResult<DataFrame>, policy: &Policy| {
        let frame = frame.expect("equally long");
        let refused = assess(&packed(&frame).into(), policy, noon(), &mut |_| {});
        refused.map_err(|e| (e.code(), e.to_string())).map(|_| ())
    };
    let contract = Policy {
        columns: vec![ColumnRule::bare("a", ColumnType::Int64)],
        ..Policy::default()
    };
    let missing = code(
        df!("b" => [1]),
        &Policy {
            columns: vec![
                ColumnRule::bare("a", ColumnType::Int64),
                ColumnRule::bare("b", ColumnType::Int64),
            ],
            ..Policy::default()
        },
    );
    assert!(matches!(missing, Err(("missing_column", text)) if text.contains("\"a\"")));
    let foreign = code(df!("a" => [1], "b" => [1]), &contract);
    assert!(matches!(foreign, Err(("column_not_in_contract", text)) if text.contains("\"b\"")));
    let nested = df!("a" => [1]).map(|frame| frame.into_struct("a".into()).into_series());
    let nested = nested.and_then(|s| DataFrame::new(1, vec![s.into_column()]));
    let nested = code(nested, &contract);
    assert!(matches!(nested, Err(("unsupported_column_type", text)) if text.contains("\"a\"")));
    let rubbish = Bytes::from_static(b"PAR1 no table PAR1");
    let rubbish = assess(&rubbish, &contract, noon(), &mut |_| {});
    assert_eq!(
        rubbish.map_err(|e| e.code()).map(|_| ()),
        Err("unreadable_table")
    );
}

#[test]
fn missing_optional_columns_are_null() {
    let mut policy = Policy {
        columns: vec![
            ColumnRule::bare("a", ColumnType::Int64),
            ColumnRule::bare("b", ColumnType::Timestamp),
        ],
        ..Policy::default()
    };
    policy.columns[1].optional = true;
    let found = assessed(&packed(&df!("a" => [1, 2]).expect("one column")), &policy);
    assert_eq!(found.report.profile[1].nulls, 2);
    assert_eq!(found.report.profile[1].found, None);
    assert_eq!(unpack(&found.cleaned).width(), 2);
}

#[test]
fn an_empty_table_has_no_quality() {
    let found = assessed(
        &packed(&df!("a" => [1i64]).expect("one").head(Some(0))),
        &Policy::default(),
    );
    assert_eq!((found.report.rows, found.report.q_hundredths), (0, 0));
    assert_eq!(found.report.grade, "E");
    assert_eq!(unpack(&found.cleaned).shape(), (0, 1));
}

#[test]
fn reports_and_charts_hold_no_cell_values() {
    let frame = df!(
        "<script>" => ["canary-one", "canary-two", "canary-two"],
        "n" => [770_001i64, 770_002, 770_002],
    );
    let found = assessed(&packed(&frame.expect("equally long")), &Policy::default());
    let chart = crate::chart_svg(&found.report);
    let public = [
        json(&found.report),
        found.report.render_text(),
        chart.clone(),
    ]
    .concat();
    for value in ["canary", "77000", "385000"] {
        assert!(!public.contains(value), "{value}");
    }
    let preview = serde_json::to_string(&found.preview).expect("JSON");
    assert!(preview.contains("canary-two") && preview.contains("770002"));
    assert!(!chart.contains("<script") && chart.contains("<title") && chart.contains("<desc"));
}

#[test]
fn the_terminal_report_reads_well() {
    let text = assessed(&packed(&dirty()), &contract())
        .report
        .render_text();
    for part in [
        "grade",
        "validity",
        "id: type",
        "rows 2",
        "if fixed",
        "exact only",
        "not applicable",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}

fn cell() -> impl Strategy<Value = Option<String>> {
    let texts = prop::sample::select(vec![
        "1",
        "01",
        "1.0",
        "-1",
        "2.5",
        "1e3",
        "-0.0",
        "18446744073709551615",
        "NA",
        "",
        "  ",
        "x",
        "true",
        "No",
        "2020-01-01",
        "2020-01-01T10:00:00+02:00",
        "10:30",
        "10:30:00.000000001",
        "e\u{301}",
        "\u{e9}",
        "a\u{0}b",
        "ab",
        "\u{200b}",
        "0.10",
        "999999.99",
        "inf",
        "NaN",
    ]);
    let padded = (
        texts,
        prop::sample::select(vec!["", " ", "\u{a0}", "\t", "\u{feff}"]),
    );
    prop_oneof![
        1 => Just(None),
        9 => padded.prop_map(|(text, pad)| Some(format!("{pad}{text}{pad}"))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    /// Whoever buys the cleaned table and sends it in again has the rows of the
    /// original, and cleaning has nothing left to do.
    #[test]
    fn cleaning_is_idempotent_and_keeps_fingerprints(cells in prop::collection::vec(cell(), 1..40)) {
        let kinds = ["bool", "int64", "uint64", "float64", "decimal(8,2)", "string", "date", "time", "timestamp"];
        let columns = kinds.iter().map(|k| ColumnRule::bare(*k, k.parse().expect("a type")));
        let policy = Policy { columns: columns.collect(), ..Policy::default() };
        let columns = kinds.iter().map(|k| Series::new((*k).into(), &cells).into_column());
        let frame = DataFrame::new(cells.len(), columns.collect()).expect("equally long");
        let once = assessed(&packed(&frame), &policy);
        let twice = assessed(&once.cleaned, &policy);
        prop_assert_eq!(&once.rows.fingerprints, &twice.rows.fingerprints);
        prop_assert_eq!(&twice.report.cleaning, &vec![]);
        prop_assert_eq!(&once.cleaned, &twice.cleaned);
        let good = |a: &Assessment| a.report.profile.iter().map(|c| c.distinct).collect::<Vec<_>>();
        prop_assert_eq!(good(&once), good(&twice));
    }
}
