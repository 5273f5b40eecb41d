//! Packing and composing real and made-up tables.

use std::{io::Cursor, sync::Arc};

use arrow::{
    array::{
        ArrayRef, AsArray, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array,
        Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray, UInt8Array,
    },
    datatypes::{DataType, Field, Int64Type, Schema},
};
use bytes::Bytes;
use dataset_core::{
    columns::{Column, ColumnKind, Contract},
    digest::Sha256,
    error::Coded,
    pack::{Composed, KeepMask, Packed, Part, WRITER, compose, pack, read_schema},
    preflight::{Limits, Refusal, preflight},
};
use parquet::{
    arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder},
    file::{
        properties::WriterProperties,
        reader::{FileReader, SerializedFileReader},
    },
};

fn pack_bytes(bytes: Vec<u8>, limits: &Limits) -> Result<(Vec<u8>, Packed), Refusal> {
    let claims = preflight(&mut Cursor::new(&bytes), limits)?;
    pack(Cursor::new(bytes), &claims, limits, Vec::new())
}

fn written(batch: &RecordBatch, group_rows: usize) -> Vec<u8> {
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(group_rows))
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

fn read(bytes: Vec<u8>) -> Vec<RecordBatch> {
    ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes))
        .unwrap()
        .with_batch_size(1 << 20)
        .build()
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

/// Rows with every type, and nulls.
fn table(rows: i64) -> RecordBatch {
    let ids = 0..rows;
    let text = |n: i64| (n % 7 != 0).then(|| format!("text {}", n % 50));
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(Int64Array::from_iter_values(ids.clone()))),
        (
            "small",
            Arc::new(UInt8Array::from_iter_values(ids.clone().map(|n| n as u8))),
        ),
        (
            "int",
            Arc::new(
                ids.clone()
                    .map(|n| (n % 3 != 0).then_some(n as i32))
                    .collect::<Int32Array>(),
            ),
        ),
        (
            "float",
            Arc::new(Float64Array::from_iter_values(
                ids.clone().map(|n| n as f64 / 3.0),
            )),
        ),
        (
            "flag",
            Arc::new(
                ids.clone()
                    .map(|n| Some(n % 2 == 0))
                    .collect::<BooleanArray>(),
            ),
        ),
        (
            "text",
            Arc::new(ids.clone().map(text).collect::<StringArray>()),
        ),
        (
            "bytes",
            Arc::new(BinaryArray::from_iter_values(
                ids.clone().map(|n| n.to_be_bytes()),
            )),
        ),
        (
            "day",
            Arc::new(Date32Array::from_iter_values(ids.clone().map(|n| n as i32))),
        ),
        (
            "at",
            Arc::new(TimestampMicrosecondArray::from_iter_values(ids.clone()).with_timezone("UTC")),
        ),
        (
            "price",
            Arc::new(
                Decimal128Array::from_iter_values(ids.map(i128::from))
                    .with_precision_and_scale(12, 2)
                    .unwrap(),
            ),
        ),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

#[test]
fn packing_is_faithful_and_deterministic() {
    let table = table(10_000);
    let input = written(&table, 3_000);
    let (packed, facts) = pack_bytes(input.clone(), &Limits::default()).unwrap();
    assert_eq!((facts.rows, facts.columns), (10_000, 10));
    assert_eq!(facts.file_sha256, Sha256::of(&packed));
    assert_eq!(facts.file_len, packed.len() as u64);
    let again = read(packed.clone());
    assert_eq!(again.len(), 1);
    for (name, column) in table.schema().fields().iter().zip(table.columns()) {
        let other = again[0].column_by_name(name.name()).unwrap();
        assert_eq!(other, column, "{}", name.name());
    }
    assert_eq!(pack_bytes(input, &Limits::default()).unwrap().0, packed);
    // What we wrote passes the same way and comes out the same.
    assert_eq!(
        pack_bytes(packed.clone(), &Limits::default()).unwrap().0,
        packed
    );

    let metadata = SerializedFileReader::new(Bytes::from(packed)).unwrap();
    let metadata = metadata.metadata().file_metadata().clone();
    assert_eq!(metadata.created_by(), Some(WRITER));
    assert!(metadata.key_value_metadata().is_none());
}

#[test]
fn schema_and_rows_are_read_without_packing() {
    let input = written(&table(10), 100);
    let (schema, rows) = read_schema(Cursor::new(input), &Limits::default()).unwrap();
    assert_eq!(rows, 10);
    let contract = dataset_core::columns::infer(&schema).unwrap();
    contract.validate().unwrap();
    let kinds: Vec<_> = contract
        .columns
        .iter()
        .map(|c| c.kind.to_string())
        .collect();
    assert_eq!(
        kinds.join(" "),
        "int64 uint64 int64 float64 bool string binary date timestamp decimal(12,2)"
    );
}

#[test]
fn decoded_bytes_are_counted_and_stopped() {
    let input = written(&table(5_000), 1_000);
    let (_, facts) = pack_bytes(input.clone(), &Limits::default()).unwrap();
    let with = |decoded_len| Limits {
        decoded_len,
        ..Limits::default()
    };
    assert!(pack_bytes(input.clone(), &with(facts.decoded_len)).is_ok());
    let refusal = pack_bytes(input, &with(facts.decoded_len - 1)).unwrap_err();
    assert_eq!(refusal.code(), "parquet_decoded_too_large");
}

#[test]
fn repeated_long_texts_are_a_bomb() {
    // A dictionary turns 2,000 texts of 100 KB into a few kilobytes.
    let long = "x".repeat(100_000);
    let texts = StringArray::from_iter_values((0..2_000).map(|_| &long));
    let table = RecordBatch::try_from_iter([("text", Arc::new(texts) as ArrayRef)]).unwrap();
    let input = written(&table, 10_000);
    assert!(input.len() < 300_000);
    let limits = Limits {
        decoded_len: 50_000_000,
        ..Limits::default()
    };
    let refusal = pack_bytes(input, &limits).unwrap_err();
    assert_eq!(refusal.code(), "parquet_decoded_too_large");
}

#[test]
fn pages_that_hold_less_than_they_claim_are_refused() {
    use crate::hostile::{Chunk, PLAIN, Page, Spec};
    let mut spec = Spec::valid();
    spec.rows = 4;
    spec.groups[0].rows = 4;
    spec.groups[0].chunks[0] = Chunk {
        values: 4,
        pages: vec![Page::data(4, PLAIN, vec![0; 24])],
        ..Chunk::plain("a", 3)
    };
    let refusal = pack_bytes(spec.build(), &Limits::default()).unwrap_err();
    assert!(
        ["parquet_corrupt", "parquet_row_count_mismatch"].contains(&refusal.code()),
        "{refusal}"
    );
}

fn ids(rows: std::ops::Range<i64>) -> Vec<u8> {
    let label = |n: i64| format!("row {n}");
    let table = RecordBatch::try_from_iter([
        (
            "label",
            Arc::new(StringArray::from_iter_values(rows.clone().map(label))) as ArrayRef,
        ),
        (
            "id",
            Arc::new(Int32Array::from_iter_values(rows.map(|n| n as i32))),
        ),
    ])
    .unwrap();
    written(&table, 10)
}

fn id_contract() -> Contract {
    Contract::of_columns(vec![
        Column::new("id", ColumnKind::Int64),
        Column::new("label", ColumnKind::String),
    ])
}

fn compose_ids(parts: Vec<(Vec<u8>, KeepMask)>) -> Result<(Vec<u8>, Composed), Refusal> {
    let parts = parts.into_iter().map(|(bytes, keep)| Part {
        reader: Cursor::new(bytes),
        keep,
    });
    compose(parts, &id_contract(), &Limits::default(), Vec::new())
}

#[test]
fn kept_rows_are_joined_in_order_with_the_contract_s_columns() {
    let odd: Vec<bool> = (0..25).map(|n| n % 2 == 1).collect();
    let none = KeepMask::from_bits(vec![0; 2], 9).unwrap();
    let (file, facts) = compose_ids(vec![
        (ids(0..25), KeepMask::from_bools(&odd)),
        (ids(100..109), none),
        (ids(200..203), KeepMask::all(3)),
    ])
    .unwrap();
    assert_eq!(facts.rows_per_part, [12, 0, 3]);
    assert_eq!((facts.rows, facts.file_sha256), (15, Sha256::of(&file)));
    let batch = &read(file)[0];
    let expected: Vec<i64> = (0..25).filter(|n| n % 2 == 1).chain(200..203).collect();
    assert_eq!(
        batch.column(0).as_primitive::<Int64Type>().values(),
        &expected[..]
    );
    assert_eq!(batch.column(1).as_string::<i32>().value(14), "row 202");
    let fields = |name, kind| Field::new(name, kind, true);
    assert_eq!(
        batch.schema().as_ref(),
        &Schema::new(vec![
            fields("id", DataType::Int64),
            fields("label", DataType::Utf8)
        ])
    );
}

#[test]
fn composing_is_deterministic_and_its_result_passes_again() {
    let parts = || vec![(ids(0..1_000), KeepMask::all(1_000))];
    let (file, _) = compose_ids(parts()).unwrap();
    assert_eq!(compose_ids(parts()).unwrap().0, file);
    let (_, facts) = pack_bytes(file, &Limits::default()).unwrap();
    assert_eq!(facts.rows, 1_000);
    let (empty, facts) = compose_ids(vec![]).unwrap();
    assert_eq!(facts.rows, 0);
    assert_eq!(pack_bytes(empty, &Limits::default()).unwrap().1.rows, 0);
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let short = compose_ids(vec![(ids(0..25), KeepMask::all(24))]).unwrap_err();
    assert_eq!(short.code(), "parquet_row_count_mismatch");
    let other = written(&table(5), 10);
    let lacking = compose_ids(vec![(other, KeepMask::all(5))]).unwrap_err();
    assert!(lacking.to_string().contains("\"label\""), "{lacking}");
    assert!(KeepMask::from_bits(vec![0], 9).is_none());
    let mask = KeepMask::from_bits(vec![0b0000_0101, 0b1111_1111], 9).unwrap();
    assert_eq!((mask.rows(), mask.kept()), (9, 3));
}
