//! A look at every message before anything is made room for.

use std::io::{Read, Seek, SeekFrom};

use arrow::ipc::{self, MessageHeader, root_as_message};

use super::{broken, refused};
use crate::error::AssessError;

/// Longest description of a message.
const META_BYTES: u64 = 16 << 20;
const CONTINUATION: u32 = u32::MAX;
/// Length that stands before a compressed buffer.
const PREFIX: u64 = 8;
/// How many times its own size a buffer may unpack to.
const RATIO: u64 = 1_000;

/// Walks a stream from where the reader stands; answers the number of rows.
pub(super) fn walk<R: Read + Seek>(
    reader: &mut R,
    most: u64,
    total: u64,
) -> Result<u64, AssessError> {
    let mut at = reader.stream_position().map_err(broken)?;
    let end = reader.seek(SeekFrom::End(0)).map_err(broken)?;
    reader.seek(SeekFrom::Start(at)).map_err(broken)?;
    let (mut rows, mut unpacked, mut first) = (0u64, 0u64, true);
    while let Some((meta, begun)) = description(reader, at, end)? {
        let message = root_as_message(&meta).map_err(refused)?;
        let body = u64::try_from(message.bodyLength()).ok();
        let body = body.filter(|length| *length <= end - begun);
        let Some(body) = body else {
            return Err(refused("a message is longer than the file"));
        };
        if first != (message.header_type() == MessageHeader::Schema) {
            return Err(refused("it does not begin with one schema"));
        }
        first = false;
        if let Some(batch) = message.header_as_record_batch() {
            unpacked += check(reader, &batch, begun, body, most)?;
            rows += u64::try_from(batch.length()).unwrap_or(0);
        } else if let Some(values) = message.header_as_dictionary_batch() {
            let Some(batch) = values.data() else {
                return Err(refused("a dictionary has no values"));
            };
            unpacked += check(reader, &batch, begun, body, most)?;
        }
        if unpacked > total {
            return Err(refused(format!("it unpacks to more than {total} bytes")));
        }
        at = begun + body;
    }
    match first {
        true => Err(refused("it has no schema")),
        false => Ok(rows),
    }
}

/// The description of the message at `at`, and where its body begins; none at the end.
fn description<R: Read + Seek>(
    reader: &mut R,
    at: u64,
    end: u64,
) -> Result<Option<(Vec<u8>, u64)>, AssessError> {
    let Some(mut begun) = at.checked_add(4).filter(|begun| *begun <= end) else {
        return Ok(None);
    };
    reader.seek(SeekFrom::Start(at)).map_err(broken)?;
    let mut number = || -> Result<u32, AssessError> {
        let mut bytes = [0; 4];
        reader.read_exact(&mut bytes).map_err(refused)?;
        Ok(u32::from_le_bytes(bytes))
    };
    let mut length = number()?;
    if length == CONTINUATION {
        length = number()?;
        begun += 4;
    }
    if length == 0 {
        return Ok(None);
    }
    let length = u64::from(length);
    if length > META_BYTES || length > end.saturating_sub(begun) {
        return Err(refused(
            "the description of a message is longer than the file",
        ));
    }
    let mut meta = vec![0; length as usize];
    reader.read_exact(&mut meta).map_err(refused)?;
    Ok(Some((meta, begun + length)))
}

/// Compares what a batch claims with its body; answers how much it unpacks to.
fn check<R: Read + Seek>(
    reader: &mut R,
    batch: &ipc::RecordBatch<'_>,
    begun: u64,
    body: u64,
    most: u64,
) -> Result<u64, AssessError> {
    let compressed = batch.compression().is_some();
    let mut unpacked = 0u64;
    for buffer in batch.buffers().iter().flatten() {
        let range = u64::try_from(buffer.offset())
            .ok()
            .zip(u64::try_from(buffer.length()).ok());
        let inside =
            |(from, length): &(u64, u64)| from.checked_add(*length).is_some_and(|to| to <= body);
        let Some((from, length)) = range.filter(inside) else {
            return Err(refused("a buffer lies outside its message"));
        };
        let real = match compressed && length >= PREFIX {
            true => announced(reader, begun + from, length)?,
            false => length,
        };
        unpacked = unpacked.saturating_add(real);
    }
    if unpacked > most {
        return Err(refused(format!(
            "a batch unpacks to more than {most} bytes"
        )));
    }
    // A row takes at least a bit.
    let claimed = [batch.length()].into_iter();
    let nodes = batch
        .nodes()
        .into_iter()
        .flatten()
        .map(|node| node.length());
    let possible = unpacked.saturating_mul(8);
    for rows in claimed.chain(nodes) {
        if u64::try_from(rows).map_or(true, |rows| rows > possible) {
            return Err(refused("a batch claims more rows than it has room for"));
        }
    }
    Ok(unpacked)
}

/// The length a compressed buffer says it unpacks to.
fn announced<R: Read + Seek>(reader: &mut R, at: u64, length: u64) -> Result<u64, AssessError> {
    let mut bytes = [0; PREFIX as usize];
    reader.seek(SeekFrom::Start(at)).map_err(broken)?;
    reader.read_exact(&mut bytes).map_err(refused)?;
    match i64::from_le_bytes(bytes) {
        // As it is.
        -1 => Ok(length),
        size => u64::try_from(size)
            .ok()
            .filter(|size| *size <= length.saturating_mul(RATIO))
            .ok_or_else(|| refused("a buffer unpacks to more than it can")),
    }
}
