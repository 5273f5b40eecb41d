//! Arrow IPC files and streams (Feather version 2 is the former), read in bounded memory.
//!
//! The decoder makes room for whatever a message claims. So each message is walked first: what
//! it says about lengths is compared with the bytes that are really there.

mod walk;

use std::io::{Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ipc::reader::StreamReader;

use super::Source;
use crate::error::AssessError;

/// Head of the file format; a stream in the other format follows it.
const MAGIC: &[u8; 8] = b"ARROW1\0\0";
/// Rows handed on at a time.
const BATCH_ROWS: usize = 32 * 1024;

/// An Arrow IPC file or stream.
pub struct Ipc<R: Read> {
    reader: Option<StreamReader<R>>,
    start: u64,
    schema: SchemaRef,
    rows: u64,
    /// The batch in hand and how many of its rows were handed on.
    batch: Option<(RecordBatch, usize)>,
}

impl<R: Read + Seek + Send> Ipc<R> {
    /// Walks all messages and reads the schema. `most` bounds the bytes that one message, and
    /// `total` the bytes that all of them may unpack to.
    ///
    /// # Errors
    /// [`AssessError::Refused`] when it is no Arrow file, damaged, or beyond a bound.
    pub fn open(mut reader: R, most: u64, total: u64) -> Result<Self, AssessError> {
        reader.rewind().map_err(broken)?;
        let mut head = [0; MAGIC.len()];
        let start = match reader.read_exact(&mut head) {
            Ok(()) if head == *MAGIC => MAGIC.len() as u64,
            _ => 0,
        };
        reader.seek(SeekFrom::Start(start)).map_err(broken)?;
        let rows = walk::walk(&mut reader, most, total)?;
        reader.seek(SeekFrom::Start(start)).map_err(broken)?;
        let reader = guarded(|| StreamReader::try_new(reader, None).map_err(refused))?;
        Ok(Self {
            start,
            schema: reader.schema(),
            reader: Some(reader),
            rows,
            batch: None,
        })
    }
}

impl<R: Read + Seek + Send> Source for Ipc<R> {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn rows(&self) -> Option<u64> {
        Some(self.rows)
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, AssessError> {
        loop {
            if let Some((batch, done)) = &mut self.batch {
                let length = BATCH_ROWS.min(batch.num_rows() - *done);
                if length > 0 {
                    let part = batch.slice(*done, length);
                    *done += length;
                    return Ok(Some(part));
                }
            }
            let reader = &mut self.reader;
            let next = guarded(|| {
                let next = reader.as_mut().and_then(Iterator::next);
                next.transpose().map_err(refused)
            });
            match next? {
                Some(batch) => self.batch = Some((batch, 0)),
                None => return Ok(None),
            }
        }
    }

    fn rewind(&mut self) -> Result<(), AssessError> {
        self.batch = None;
        let Some(reader) = self.reader.take() else {
            return Err(refused("it cannot be read again"));
        };
        let mut reader = reader.into_inner();
        reader.seek(SeekFrom::Start(self.start)).map_err(broken)?;
        self.reader = Some(StreamReader::try_new(reader, None).map_err(refused)?);
        Ok(())
    }
}

/// The decoder has types it gives up on.
fn guarded<T>(work: impl FnOnce() -> Result<T, AssessError>) -> Result<T, AssessError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(refused("its decoder gave up")))
}

fn refused(error: impl std::fmt::Display) -> AssessError {
    AssessError::Refused {
        code: "unreadable_arrow",
        message: format!("The Arrow file cannot be read: {error}."),
    }
}

fn broken(error: std::io::Error) -> AssessError {
    AssessError::Unreadable(error.to_string())
}

#[cfg(test)]
mod tests;
