//! Small tables that people bring.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use bytes::Bytes;
use dataset_core::seal::Identity;
use indicatif::ProgressBar;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use schema::wire::{
    ContributionState, ContributionView, DownloadRequest, NewDataset, NewRecipient, NewRevision,
};
use serde_json::{Value, json};
use server::client::{Answer, Client, download, upload};
use uuid::Uuid;

/// Rows of the dataset under test, in memory.
pub type Rows = RecordBatch;

/// The agreement on the columns of the dataset under test.
pub fn contract() -> Value {
    json!({
        "columns": [
            {"name": "station", "type": "string", "description": "Name of the weather station"},
            {"name": "hour", "type": "int64", "description": "Hours since the first measurement", "min": 0, "max": 1_000_000},
            {"name": "celsius", "type": "float64", "description": "Air temperature", "unit": "°C", "min": -90, "max": 60},
            {"name": "remark", "type": "string", "optional": true, "description": "What the keeper noted"},
        ],
        "key": ["station", "hour"],
        "source": "Weather stations of the test",
        "method": "Read every hour",
        "license": "CC0-1.0",
    })
}

/// Readings of the hours in a range: the same hour always gives the same row.
pub fn readings(hours: Range<i64>) -> Rows {
    let station = |hour: i64| format!("station-{}", hour % 7);
    let celsius = |hour: i64| ((hour * 37) % 601) as f64 / 10.0 - 20.0;
    let remark = |hour: i64| (hour % 5 == 0).then(|| format!("keeper {} saw frost", hour % 11));
    table(vec![
        (
            "station",
            Arc::new(StringArray::from_iter_values(hours.clone().map(station))),
        ),
        (
            "hour",
            Arc::new(Int64Array::from_iter_values(hours.clone())),
        ),
        (
            "celsius",
            Arc::new(Float64Array::from_iter_values(hours.clone().map(celsius))),
        ),
        (
            "remark",
            Arc::new(StringArray::from_iter(hours.map(remark))),
        ),
    ])
}

/// Readings whose remarks all hold the same words.
pub fn readings_with_remark(hours: Range<i64>, remark: &str) -> Rows {
    let rows = readings(hours);
    let remarks =
        StringArray::from_iter_values((0..rows.num_rows()).map(|at| format!("{remark} {at}")));
    with(&rows, "remark", Arc::new(remarks))
}

/// Lines of a log; no two numbers have the same one.
pub fn lines(numbers: impl Iterator<Item = u32> + Clone) -> Rows {
    let text = |n: u32| format!("line {n} of the log");
    let level = |n: u32| format!("level {}", n % 7);
    let all = numbers.clone().map(text);
    table(vec![
        ("line", Arc::new(StringArray::from_iter_values(all))),
        (
            "level",
            Arc::new(StringArray::from_iter_values(numbers.map(level))),
        ),
    ])
}

/// A table of named columns.
pub fn table(columns: Vec<(&str, ArrayRef)>) -> Rows {
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, cells)| {
            Field::new(
                *name,
                cells.data_type().clone(),
                cells.null_count() > 0 || *cells.data_type() == DataType::Utf8,
            )
        })
        .collect();
    let cells = columns.into_iter().map(|(_, cells)| cells).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), cells).unwrap()
}

/// The same rows with one column of other cells.
pub fn with(rows: &Rows, name: &str, cells: ArrayRef) -> Rows {
    let schema = rows.schema();
    let names = schema.fields().iter().map(|field| field.name().as_str());
    let columns = names.zip(rows.columns()).map(|(known, old)| {
        let new = if known == name {
            cells.clone()
        } else {
            old.clone()
        };
        (known, new)
    });
    table(columns.collect())
}

/// A Parquet file of these rows.
pub fn parquet(rows: &Rows) -> Vec<u8> {
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut file, rows.schema(), None).unwrap();
    writer.write(rows).unwrap();
    writer.close().unwrap();
    file
}

/// All rows of a Parquet file.
pub fn rows(file: &[u8]) -> Rows {
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::copy_from_slice(file)).unwrap();
    let schema = reader.schema().clone();
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    arrow::compute::concat_batches(&schema, &batches).unwrap()
}

/// The whole numbers of a column.
pub fn integers(rows: &Rows, name: &str) -> Vec<i64> {
    let column = rows
        .column_by_name(name)
        .unwrap_or_else(|| panic!("no column {name}"));
    column
        .as_any()
        .downcast_ref::<Int64Array>()
        .unwrap()
        .values()
        .to_vec()
}

/// A dataset with these rows, published, made with a client alone; answers its id.
pub async fn published(owner: &Client, rows: &Rows, desk: &Path) -> Uuid {
    let new = NewDataset {
        title: "Weather".to_owned(),
        description: String::new(),
        slug: None,
        contract: Some(contract()),
        admission: None,
        commission_bps: 0,
    };
    let dataset = owner.create_dataset(&new).await.unwrap();
    let verdict = sent(owner, dataset.id, &parquet(rows), desk).await.unwrap();
    let verdict = owner.wait_for_verdict(verdict.id, |_| ()).await.unwrap();
    assert_eq!(verdict.state, ContributionState::Accepted, "{verdict:?}");
    let asked = owner
        .publish(dataset.id, &NewRevision::default())
        .await
        .unwrap();
    let revision = owner.wait_for_revision(asked.id).await.unwrap();
    assert_eq!(revision.state, "published", "{revision:?}");
    dataset.id
}

/// Seals a file and sends it; the answer is its receipt.
pub async fn sent(
    who: &Client,
    dataset: Uuid,
    file: &[u8],
    desk: &Path,
) -> Answer<ContributionView> {
    let path = tempfile::Builder::new()
        .suffix(".parquet")
        .tempfile_in(desk)
        .unwrap();
    std::fs::write(path.path(), file).unwrap();
    let info = who.node_info().await?;
    let sealed = upload::seal(path.path(), &info, &ProgressBar::hidden())?;
    who.upload(dataset, &sealed, &ProgressBar::hidden()).await
}

/// Downloads with a licence, opens it with a new key, believes only what is signed.
pub async fn downloaded(who: &Client, licence: Uuid, desk: &Path) -> Vec<u8> {
    let identity = Identity::generate();
    let new = NewRecipient {
        recipient: identity.to_recipient().to_string(),
        label: "k".to_owned(),
    };
    let recipient_id = who.add_recipient(&new).await.unwrap().id;
    let ask = DownloadRequest {
        recipient_id,
        revision_id: None,
    };
    let from = who.download_url(licence, &ask).await.unwrap();
    let info = who.node_info().await.unwrap();
    let out = desk.join(format!("{licence}.bought"));
    download::fetch(who, &info, &from, &identity, &out, &ProgressBar::hidden())
        .await
        .unwrap();
    std::fs::read(out).unwrap()
}
