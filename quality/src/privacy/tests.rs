//! Recall and precision over labelled columns.

mod made;

use std::collections::BTreeSet;

use super::{PersonalKind, Watch};
use made::Labelled;

/// What was found in a column given as texts; whole numbers come as numbers, as from a file
/// whose columns have types.
fn found(column: &Labelled, typed: bool) -> BTreeSet<PersonalKind> {
    let mut watch = Watch::new(column.name);
    watch.is_text = !typed || column.cells.iter().any(|cell| cell.parse::<f64>().is_err());
    for (row, cell) in (0u64..).zip(&column.cells) {
        match (typed, cell.parse::<u64>(), cell.parse::<f64>()) {
            (true, Ok(whole), _) if !cell.starts_with(['0', '+']) => watch.whole(whole, row),
            (true, Err(_), Ok(number)) => watch.fraction(number, row),
            _ => watch.text(cell, row),
        }
    }
    watch
        .findings()
        .into_iter()
        .map(|finding| finding.kind)
        .collect()
}

/// Right, missed and false findings, with the columns of the last two.
#[derive(Debug, Default)]
struct Score {
    right: usize,
    missed: Vec<String>,
    wrong: Vec<String>,
}

impl Score {
    fn add(&mut self, name: &str, truth: Option<PersonalKind>, found: &BTreeSet<PersonalKind>) {
        for kind in found {
            match Some(*kind) == truth {
                true => self.right += 1,
                false => self.wrong.push(format!("{name}: {kind:?}")),
            }
        }
        if let Some(truth) = truth.filter(|truth| !found.contains(truth)) {
            self.missed.push(format!("{name}: {truth:?}"));
        }
    }

    fn recall(&self) -> f64 {
        self.right as f64 / (self.right + self.missed.len()) as f64
    }

    fn precision(&self) -> f64 {
        self.right as f64 / (self.right + self.wrong.len()) as f64
    }
}

#[test]
fn made_columns_are_told_apart() {
    for typed in [false, true] {
        let mut score = Score::default();
        let columns = [
            made::contacts(),
            made::numbers(),
            made::persons(),
            made::things(),
        ];
        for column in columns.iter().flatten() {
            score.add(column.name, column.truth, &found(column, typed));
        }
        assert!(
            score.recall() >= 0.95,
            "recall {}: {score:?}",
            score.recall()
        );
        assert!(
            score.precision() >= 0.9,
            "precision {}: {score:?}",
            score.precision()
        );
        // As measured when this was written; a change for the worse is to be seen.
        assert_eq!((score.missed.len(), score.wrong.len()), (0, 0), "{score:?}");
    }
}

#[test]
fn one_cell_in_many_is_enough_where_chance_is_out_of_question() {
    let mut watch = Watch::new("remarks");
    watch.is_text = true;
    for row in 0..100_000u64 {
        watch.text(
            if row == 77_777 {
                "ask eve@example.org"
            } else {
                "no remarks"
            },
            row,
        );
    }
    let found = watch.findings();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].kind, found[0].count), (PersonalKind::Email, 1));
    assert_eq!(
        (found[0].rows.as_slice(), found[0].share_ppm),
        (&[77_777u64][..], 10)
    );
}

#[test]
fn a_right_check_digit_among_wrong_ones_is_chance() {
    let mut watch = Watch::new("c");
    for row in 0..1_000u64 {
        watch.whole(4_111_111_111_111_111 + row * 7, row);
    }
    assert!(watch.findings().is_empty(), "{:?}", watch.findings());
}

mod real {
    //! Real tables through a whole assessment.

    use bytes::Bytes;
    use chrono::DateTime;

    use super::super::{PersonalData, PersonalKind, read};
    use super::Score;
    use crate::policy::Policy;

    fn assessed(packed: &'static [u8], policy: &Policy) -> (PersonalData, String) {
        let noon = DateTime::from_timestamp(1_750_000_000, 0).expect("a moment in 2025");
        let found = crate::inspect(&Bytes::from_static(packed), policy, noon, &mut |_| {});
        let report = found.expect("the table can be read").report;
        let json = report.to_canonical_json().expect("reports are JSON");
        let data = read(&report).expect("every report looks for personal data");
        (data, String::from_utf8(json).expect("JSON is UTF-8"))
    }

    const FEBRL: &[u8] = include_bytes!("../../tests/data/febrl1.parquet");

    /// Suburb, postcode and state are no personal data by themselves but quasi-identifiers.
    const TRUTH: [(&str, PersonalKind); 7] = [
        ("given_name", PersonalKind::PersonName),
        ("surname", PersonalKind::PersonName),
        ("street_number", PersonalKind::Address),
        ("address_1", PersonalKind::Address),
        ("address_2", PersonalKind::Address),
        ("date_of_birth", PersonalKind::BirthDate),
        ("soc_sec_id", PersonalKind::NationalId),
    ];

    #[test]
    fn persons_are_found_and_things_are_not() {
        let tables: [(&str, &[u8]); 7] = [
            ("febrl", FEBRL),
            (
                "planes",
                include_bytes!("../../tests/data/nycflights13_planes.parquet"),
            ),
            (
                "flights",
                include_bytes!("../../tests/data/nycflights13_flights_10k.parquet"),
            ),
            (
                "diamonds",
                include_bytes!("../../tests/data/r_diamonds.parquet"),
            ),
            (
                "birdstrikes",
                include_bytes!("../../tests/data/vega_birdstrikes.parquet"),
            ),
            ("iris", include_bytes!("../../tests/data/sk_iris.parquet")),
            ("fair", include_bytes!("../../tests/data/sm_fair.parquet")),
        ];
        let mut score = Score::default();
        for (name, packed) in tables {
            let (data, _) = assessed(packed, &Policy::default());
            for column in &data.columns {
                let kinds = column.found.iter().map(|found| found.kind).collect();
                let truth = TRUTH
                    .iter()
                    .find(|(known, _)| name == "febrl" && *known == column.column);
                score.add(&column.column, truth.map(|(_, kind)| *kind), &kinds);
            }
            if name == "febrl" {
                for (known, kind) in TRUTH {
                    if !data.columns.iter().any(|column| column.column == known) {
                        score.missed.push(format!("{known}: {kind:?}"));
                    }
                }
            }
        }
        assert_eq!(
            (score.right, score.missed.len(), score.wrong.len()),
            (7, 0, 0),
            "{score:?}"
        );
    }

    #[test]
    fn a_report_names_columns_and_rows_and_never_a_value() {
        let (data, json) = assessed(FEBRL, &Policy::default());
        assert!(json.contains("undeclared_personal_data"));
        assert_eq!(data.undeclared().count(), TRUTH.len());
        for value in ["lachlan", "giblin", "19990219", "7364009", "harrington"] {
            assert!(!json.contains(value), "{value}");
        }
    }

    #[test]
    fn declared_columns_open_the_gate_and_small_groups_close_it() {
        let names = [
            "rec_id",
            "given_name",
            "surname",
            "street_number",
            "address_1",
            "address_2",
            "suburb",
            "postcode",
            "state",
            "date_of_birth",
            "soc_sec_id",
        ];
        let columns: Vec<String> = names
            .iter()
            .map(|name| {
                let personal = if TRUTH.iter().any(|(known, _)| known == name) {
                    ",personal=\"personal\""
                } else {
                    ""
                };
                format!("{{name=\"{name}\",type=\"string\",optional=true{personal}}}")
            })
            .collect();
        let rules = |k: u32| {
            let columns = columns.join(",");
            let text = format!(
                "quasi_identifiers = [\"state\"]\nk_anonymity = {k}\ncolumns = [{columns},{{name=\"entity\",type=\"int64\"}}]"
            );
            Policy::from_toml(&text).expect("valid rules")
        };
        let (data, json) = assessed(FEBRL, &rules(2));
        assert_eq!(data.undeclared().count(), 0);
        assert_eq!(data.class(), super::super::PersonalClass::Personal);
        assert!(!json.contains("undeclared_personal_data"));
        let crowd = data.anonymity.expect("quasi-identifiers are declared");
        let (_, json) = assessed(FEBRL, &rules(crowd.smallest_class as u32 + 1));
        assert!(json.contains("\"k_anonymity\""));
        assert!(crowd.classes > 5 && crowd.rows_below_k <= 10, "{crowd:?}");
    }
}
