//! FEBRL's invented persons, whose duplicates are known.

use std::collections::BTreeMap;
use std::io::Cursor;

use polars::prelude::{ParquetReader, SerReader};
use proptest::prelude::*;

use super::*;

const FEBRL: &[u8] = include_bytes!("../../tests/data/febrl1.parquet");

fn person() -> Vec<Field> {
    let field = |column: &str, compare, swap: Option<&str>| Field {
        column: column.into(),
        compare,
        swap: swap.map(Into::into),
    };
    vec![
        field("given_name", Compare::Name, Some("surname")),
        field("surname", Compare::Name, Some("given_name")),
        field("street_number", Compare::Code, None),
        field("address_1", Compare::Name, Some("address_2")),
        field("address_2", Compare::Name, Some("address_1")),
        field("suburb", Compare::Name, None),
        field("postcode", Compare::Code, None),
        field("state", Compare::Exact, None),
        field("date_of_birth", Compare::Date, None),
        field("soc_sec_id", Compare::Code, None),
    ]
}

fn rules() -> Rules {
    Rules {
        fields: person(),
        ..Rules::default()
    }
}

/// Values of the fields, and the entity, of every record.
fn febrl() -> (Vec<Vec<Option<String>>>, Vec<i64>) {
    let frame = ParquetReader::new(Cursor::new(FEBRL)).finish();
    let frame = frame.expect("a committed table");
    let column = |name: &str| -> Vec<Option<String>> {
        let column = frame.column(name).and_then(|c| c.str().cloned());
        let column = column.expect("a column of texts");
        column
            .iter()
            .map(|value| value.map(str::to_owned))
            .collect()
    };
    let columns: Vec<_> = person().iter().map(|field| column(&field.column)).collect();
    let rows = (0..frame.height()).map(|row| columns.iter().map(|c| c[row].clone()).collect());
    let entity = frame.column("entity").and_then(|c| c.i64().cloned());
    let entity = entity.expect("a column of numbers");
    (rows.collect(), entity.iter().flatten().collect())
}

fn taken(rules: Rules, rows: &[Vec<Option<String>>]) -> Records {
    let mut records = Records::new(rules).expect("good rules");
    for row in rows {
        let values: Vec<Option<&str>> = row.iter().map(Option::as_deref).collect();
        records.push(&values);
    }
    records
}

/// F1 of pairs, in thousandths.
fn f1(matches: &Matches, entity: &[i64]) -> f64 {
    let mut sizes: BTreeMap<i64, usize> = BTreeMap::new();
    for id in entity {
        *sizes.entry(*id).or_default() += 1;
    }
    let known: usize = sizes.values().map(|size| size * (size - 1) / 2).sum();
    let right = |pair: &&Match| entity[pair.a as usize] == entity[pair.b as usize];
    let right = matches.pairs.iter().filter(right).count();
    2.0 * right as f64 / (matches.pairs.len() + known) as f64
}

#[test]
fn persons_are_matched_without_training() {
    let (rows, entity) = febrl();
    let matches = taken(rules(), &rows).matches();
    let f1 = f1(&matches, &entity);
    assert!(f1 >= 0.998, "{f1}");
    assert!(matches.keys >= 4 && matches.dropped == (0, 0));
    assert!(matches.compared < 20_000, "{}", matches.compared);
    assert_eq!(matches.redundant(), 500);
}

#[test]
fn declared_keys_serve_as_well_and_large_blocks_are_reported() {
    let (rows, entity) = febrl();
    let key = |parts: &[&str]| parts.iter().map(|part| (*part).to_owned()).collect();
    let declared = Rules {
        block: vec![
            key(&["soc_sec_id"]),
            key(&["date_of_birth", "surname:2"]),
            key(&["given_name", "suburb"]),
            key(&["address_1"]),
            key(&["postcode", "surname:1"]),
            key(&["state"]),
        ],
        block_limit: 100,
        ..rules()
    };
    let matches = taken(declared, &rows).matches();
    assert!(f1(&matches, &entity) >= 0.99);
    assert!(
        matches.dropped.0 >= 3 && matches.dropped.1 > 500,
        "{:?}",
        matches.dropped
    );
}

#[test]
fn an_explanation_adds_up() {
    let (rows, _) = febrl();
    let matches = taken(rules(), &rows).matches();
    for pair in &matches.pairs {
        let explained = matches.explain(pair);
        let sum: i64 = explained.iter().map(|field| field.millibits).sum();
        let off = sum + matches.prior_millibits() - pair.millibits;
        assert!(off.abs() <= 6, "rounding of eleven numbers: {off}");
        let evidence = |level| explained.iter().filter(move |f| f.level == level);
        assert!(evidence("equal").all(|field| field.millibits > 0));
        assert!(evidence("missing").all(|field| field.millibits == 0));
    }
}

#[test]
fn rules_that_make_no_sense_are_named() {
    let wrong = |change: fn(&mut Rules)| {
        let mut rules = rules();
        change(&mut rules);
        Records::new(rules).map(|_| ()).expect_err("wrong rules")
    };
    assert_eq!(wrong(|r| r.fields.clear()), RulesError::Fields(0));
    assert_eq!(
        wrong(|r| r.fields[1].column = "given_name".into()),
        RulesError::Twice("given_name".into())
    );
    assert_eq!(
        wrong(|r| r.fields[0].swap = Some("nickname".into())),
        RulesError::Unknown("nickname".into())
    );
    assert_eq!(
        wrong(|r| r.block = vec![vec!["state".into()]]),
        RulesError::Keys(1)
    );
    assert_eq!(
        wrong(|r| r.block = vec![vec!["state:x".into()]; 4]),
        RulesError::Unknown("state:x".into())
    );
}

#[test]
fn an_assessment_names_the_pairs() {
    let rules = toml::to_string(&rules()).expect("TOML");
    let rules = rules.replace("[[fields]]", "[[records.fields]]");
    let rules = format!("[records]\n{rules}");
    let policy = crate::Policy::from_toml(&rules).expect("good rules");
    let file = bytes::Bytes::from_static(FEBRL);
    let moment = chrono::DateTime::from_timestamp(1_750_000_000, 0).expect("a moment");
    let found = crate::inspect(&file, &policy, moment, &mut |_| {}).expect("the table fits");
    let sections = found.report.sections.iter();
    let section = sections.clone().find(|section| section.name == "records");
    let section = section.expect("a section");
    assert!(
        section.summary.starts_with("500 of 1000 records"),
        "{}",
        section.summary
    );
    assert!(section.method.contains("0 blocks"), "{}", section.method);
    assert_eq!(section.rows.len(), 50);
}

#[test]
fn few_records_are_no_trouble() {
    assert!(
        Records::new(rules())
            .expect("good rules")
            .matches()
            .pairs
            .is_empty()
    );
    let one = vec![vec![Some("ada".to_owned())]];
    assert_eq!(taken(rules(), &one).matches().entity, [0]);
    let nothing = vec![vec![None; 10]; 50];
    assert!(taken(rules(), &nothing).matches().pairs.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn the_same_records_give_the_same_matches(first in 0usize..500, count in 100usize..400) {
        let (rows, _) = febrl();
        let rows = &rows[first..first + count];
        let one = taken(rules(), rows).matches();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
        let other = pool.install(|| taken(rules(), rows).matches());
        prop_assert_eq!(&one.pairs, &other.pairs);
        prop_assert_eq!(one.prior_millibits(), other.prior_millibits());
    }
}
