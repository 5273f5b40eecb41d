//! Arrow IPC files and streams (Feather version 2 is the former), read in bounded memory.
//!
//! The decoder makes room for whatever a message claims. So each message is walked first: what
//! it says about lengths is compared with the bytes that are really there.

mod walk;

use std::io::{Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

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
    reader: Handle<R>,
    stream: StreamReader<Handle<R>>,
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
        let reader = Handle(Arc::new(Mutex::new(reader)));
        let stream = reader.stream(start)?;
        Ok(Self {
            start,
            schema: stream.schema(),
            stream,
            reader,
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
            let stream = &mut self.stream;
            let next = guarded(|| stream.next().transpose().map_err(refused));
            match next? {
                Some(batch) => self.batch = Some((batch, 0)),
                None => return Ok(None),
            }
        }
    }

    fn rewind(&mut self) -> Result<(), AssessError> {
        self.batch = None;
        self.stream = self.reader.stream(self.start)?;
        Ok(())
    }
}

/// The file, for a stream that does not give it back.
struct Handle<R>(Arc<Mutex<R>>);

impl<R: Read> Read for Handle<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let mut reader = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reader.read(buffer)
    }
}

impl<R: Read + Seek> Handle<R> {
    /// A stream from there.
    fn stream(&self, start: u64) -> Result<StreamReader<Self>, AssessError> {
        let mut reader = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reader.seek(SeekFrom::Start(start)).map_err(broken)?;
        drop(reader);
        let handle = Self(Arc::clone(&self.0));
        guarded(|| StreamReader::try_new(handle, None).map_err(refused))
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
