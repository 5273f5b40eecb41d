use std::io::Cursor;

use arrow::array::{ArrayRef, Int64Array, StringArray};
use arrow::ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use arrow::ipc::{CompressionType, MetadataVersion};

use super::*;

const MOST: u64 = 1 << 30;

fn batch(rows: i64) -> RecordBatch {
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows));
    let texts = (0..rows).map(|n| Some(format!("row {}", n % 7)));
    let texts: ArrayRef = Arc::new(texts.collect::<StringArray>());
    RecordBatch::try_from_iter([("n", numbers), ("t", texts)]).expect("equally long")
}

fn file(compression: Option<CompressionType>) -> Vec<u8> {
    let options = IpcWriteOptions::try_new(8, false, MetadataVersion::V5).expect("aligned");
    let options = options
        .try_with_compression(compression)
        .expect("supported");
    let batch = batch(50_000);
    let mut writer =
        FileWriter::try_new_with_options(Vec::new(), &batch.schema(), options).expect("a schema");
    writer.write(&batch).expect("memory");
    writer.write(&batch).expect("memory");
    writer.finish().expect("memory");
    writer.into_inner().expect("memory")
}

fn read(bytes: Vec<u8>) -> Result<u64, AssessError> {
    let mut ipc = Ipc::open(Cursor::new(bytes), MOST, MOST)?;
    let mut rows = 0;
    while let Some(batch) = ipc.next_batch()? {
        assert!(batch.num_rows() <= BATCH_ROWS);
        rows += batch.num_rows() as u64;
    }
    assert_eq!(ipc.rows(), Some(rows));
    ipc.rewind()?;
    assert_eq!(ipc.next_batch()?.is_some(), rows > 0);
    Ok(rows)
}

#[test]
fn files_and_streams_compressed_or_not_are_read() {
    for compression in [
        None,
        Some(CompressionType::ZSTD),
        Some(CompressionType::LZ4_FRAME),
    ] {
        assert_eq!(
            read(file(compression)).ok(),
            Some(100_000),
            "{compression:?}"
        );
    }
    let batch = batch(10);
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).expect("a schema");
    writer.write(&batch).expect("memory");
    let bytes = writer.into_inner().expect("memory");
    assert_eq!(read(bytes).ok(), Some(10));
}

#[test]
fn no_changed_byte_and_no_cut_ends_the_process() {
    let whole = file(Some(CompressionType::ZSTD));
    let mut refusals = 0;
    let heads = 0..2_000.min(whole.len());
    for at in heads {
        for value in [0, 0x7f, 0xff] {
            let mut changed = whole.clone();
            changed[at] = value;
            refusals += u32::from(read(changed).is_err());
        }
    }
    assert!(refusals > 100, "{refusals}");
    for cut in (0..whole.len()).step_by(whole.len() / 97) {
        let _ = read(whole[..cut].to_vec());
    }
    assert!(read(b"ARROW1\0\0".to_vec()).is_err());
    assert!(read(Vec::new()).is_err());
}

#[test]
fn what_unpacks_to_too_much_is_refused() {
    let bytes = file(Some(CompressionType::ZSTD));
    let refused = |most, total| match Ipc::open(Cursor::new(bytes.clone()), most, total) {
        Err(error) => error.to_string(),
        Ok(_) => String::new(),
    };
    assert!(refused(1_000, MOST).contains("a batch unpacks to more than 1000"));
    assert!(refused(MOST, 1_000_000).contains("it unpacks to more than 1000000"));
    assert_eq!(refused(MOST, MOST), "");
}
