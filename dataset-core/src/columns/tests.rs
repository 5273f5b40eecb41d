use arrow::datatypes::{DataType, Field, Schema, TimeUnit};

use super::*;

fn schema(columns: &[(&str, DataType)]) -> Schema {
    let field = |(name, kind): &(&str, DataType)| Field::new(*name, kind.clone(), true);
    Schema::new(columns.iter().map(field).collect::<Vec<_>>())
}

fn contract(columns: &[(&str, ColumnKind)]) -> Contract {
    let column = |(name, kind): &(&str, ColumnKind)| Column::new(*name, *kind);
    Contract::of_columns(columns.iter().map(column).collect())
}

const ALL_KINDS: [ColumnKind; 10] = [
    ColumnKind::Bool,
    ColumnKind::Int64,
    ColumnKind::UInt64,
    ColumnKind::Float64,
    ColumnKind::Decimal {
        precision: 38,
        scale: 2,
    },
    ColumnKind::String,
    ColumnKind::Date,
    ColumnKind::Time,
    ColumnKind::Timestamp,
    ColumnKind::Binary,
];

#[test]
fn every_kind_has_a_name_and_an_arrow_type() {
    for kind in ALL_KINDS {
        assert_eq!(kind.to_string().parse::<ColumnKind>().unwrap(), kind);
        assert_eq!(ColumnKind::of_arrow(&kind.to_arrow()), Some(kind));
    }
    for wrong in [
        "",
        "int32",
        "decimal",
        "decimal(39,0)",
        "decimal(2,3)",
        "decimal(0,0)",
    ] {
        assert!(wrong.parse::<ColumnKind>().is_err(), "{wrong}");
    }
}

#[test]
fn widths_and_forms_of_arrow_become_one_kind() {
    let dictionary = DataType::Dictionary(DataType::Int8.into(), DataType::Utf8.into());
    for (arrow, kind) in [
        (DataType::Int8, ColumnKind::Int64),
        (DataType::UInt32, ColumnKind::UInt64),
        (DataType::Float16, ColumnKind::Float64),
        (DataType::LargeUtf8, ColumnKind::String),
        (DataType::Utf8View, ColumnKind::String),
        (dictionary, ColumnKind::String),
        (DataType::Date64, ColumnKind::Date),
        (
            DataType::Timestamp(TimeUnit::Nanosecond, None),
            ColumnKind::Timestamp,
        ),
        (DataType::FixedSizeBinary(16), ColumnKind::Binary),
    ] {
        assert_eq!(ColumnKind::of_arrow(&arrow), Some(kind), "{arrow}");
    }
    let inferred = infer(&schema(&[("a", DataType::Int8), ("b", DataType::Utf8)])).unwrap();
    inferred.validate().unwrap();
    assert_eq!(inferred.columns[0].kind, ColumnKind::Int64);
    assert!(inferred.columns[1].optional);
}

#[test]
fn nested_columns_are_refused_by_name() {
    let list = DataType::new_list(DataType::Int64, true);
    let error = infer(&schema(&[("a", DataType::Int8), ("b", list)])).unwrap_err();
    assert_eq!(
        (error.code(), error.column()),
        ("unsupported_column_type", "b")
    );
    let negative = DataType::Decimal128(5, -2);
    assert!(infer(&schema(&[("a", negative)])).is_err());
}

#[test]
fn order_does_not_matter_and_texts_are_parsed() {
    let mut contract = contract(&[
        ("id", ColumnKind::Int64),
        ("at", ColumnKind::Timestamp),
        ("note", ColumnKind::String),
    ]);
    contract.columns[2].optional = true;
    let file = schema(&[("at", DataType::Utf8), ("id", DataType::Int32)]);
    let mapping = match_columns(&file, &contract).unwrap();
    assert_eq!(
        mapping.sources,
        [
            ColumnSource::Same(1),
            ColumnSource::Parse(0),
            ColumnSource::Absent
        ]
    );
    assert!(!mapping.is_identity());
    let same = schema(&[
        ("id", DataType::Int64),
        ("at", ColumnKind::Timestamp.to_arrow()),
        ("note", DataType::Utf8),
    ]);
    assert!(match_columns(&same, &contract).unwrap().is_identity());
    let float = schema(&[("id", DataType::Float64), ("at", DataType::Date32)]);
    assert_eq!(
        match_columns(&float, &contract).unwrap().sources[..2],
        [ColumnSource::Widen(0), ColumnSource::Widen(1)]
    );
}

#[test]
fn columns_that_do_not_fit_are_refused_by_name() {
    let contract = contract(&[("id", ColumnKind::Int64), ("day", ColumnKind::Date)]);
    let table = [
        (
            schema(&[("id", DataType::Int64)]),
            ("missing_column", "day"),
        ),
        (
            schema(&[("id", DataType::Int64), ("x", DataType::Int64)]),
            ("column_not_in_contract", "x"),
        ),
        (
            schema(&[("id", DataType::Int64), ("id", DataType::Int64)]),
            ("duplicate_column", "id"),
        ),
        (
            schema(&[("id", DataType::Boolean), ("day", DataType::Date32)]),
            ("column_type_mismatch", "id"),
        ),
    ];
    for (file, expected) in table {
        let error = match_columns(&file, &contract).unwrap_err();
        assert_eq!((error.code(), error.column()), expected);
    }
}

#[test]
fn json_is_canonical_and_unknown_fields_are_refused() {
    let json = br#"{"columns":[{"type":"int64","name":"a","min":0,"max":10}],"key":["a"]}"#;
    let contract = Contract::from_json(json).unwrap();
    assert_eq!(
        contract.to_json().unwrap(),
        br#"{"columns":[{"max":10,"min":0,"name":"a","type":"int64"}],"key":["a"]}"#
    );
    let again = Contract::from_json(&contract.to_json().unwrap()).unwrap();
    assert_eq!(again.digest().unwrap(), contract.digest().unwrap());
    let extra = br#"{"columns":[{"type":"int64","name":"a","maxx":10}]}"#;
    assert_eq!(
        Contract::from_json(extra).unwrap_err().code(),
        "contract_not_understood"
    );
}

#[test]
fn every_limit_of_a_contract_holds() {
    let many = |count: usize| {
        let column = |n: usize| Column::new(format!("c{n}"), ColumnKind::Int64);
        Contract::of_columns((0..count).map(column).collect())
    };
    many(MAX_COLUMNS).validate().unwrap();
    assert_eq!(
        many(MAX_COLUMNS + 1).validate().unwrap_err(),
        ContractError::Count(MAX_COLUMNS + 1)
    );
    assert!(many(0).validate().is_err());

    let named = |name: String| Contract::of_columns(vec![Column::new(name, ColumnKind::Bool)]);
    named("n".repeat(MAX_NAME_LEN)).validate().unwrap();
    for wrong in ["n".repeat(MAX_NAME_LEN + 1), String::new(), "a\tb".into()] {
        assert_eq!(
            named(wrong).validate().unwrap_err(),
            ContractError::Name { index: 1 }
        );
    }
}

#[test]
fn contradictions_are_named() {
    type Change = fn(&mut Contract);
    let table: [(Change, &str); 10] = [
        (
            |c| c.columns[1].name = "a".into(),
            "contract_duplicate_column",
        ),
        (|c| c.key = vec!["z".into()], "contract_unknown_column"),
        (
            |c| c.surrogate = vec!["z".into()],
            "contract_unknown_column",
        ),
        (
            |c| c.key = vec!["a".into(), "a".into()],
            "contract_duplicate_column",
        ),
        (
            |c| {
                c.columns[0].min = Some(2.into());
                c.columns[0].max = Some(1.into());
            },
            "contract_bad_column",
        ),
        (
            |c| c.columns[0].domain = Some(vec![]),
            "contract_bad_column",
        ),
        (
            |c| c.columns[0].min = Some(true.into()),
            "contract_bad_column",
        ),
        (
            |c| c.quasi_identifiers = vec!["z".into()],
            "contract_unknown_column",
        ),
        (|c| c.k_anonymity = Some(1), "contract_bad_k"),
        (|c| c.k_anonymity = Some(1_001), "contract_bad_k"),
    ];
    for (change, code) in table {
        let mut contract = contract(&[("a", ColumnKind::Int64), ("b", ColumnKind::Int64)]);
        contract.validate().unwrap();
        change(&mut contract);
        assert_eq!(contract.validate().unwrap_err().code(), code);
    }
}

#[test]
fn the_gravest_declared_class_is_that_of_the_dataset() {
    let mut contract = contract(&[("a", ColumnKind::Int64), ("b", ColumnKind::String)]);
    assert_eq!(contract.personal_class(), PersonalClass::None);
    contract.columns[0].personal = Some(PersonalClass::None);
    contract.columns[1].personal = Some(PersonalClass::Personal);
    contract.k_anonymity = Some(2);
    contract.quasi_identifiers = vec!["a".into()];
    assert_eq!(contract.personal_class(), PersonalClass::Personal);
    let again = Contract::from_json(&contract.to_json().unwrap()).unwrap();
    assert_eq!(again, contract);
}
