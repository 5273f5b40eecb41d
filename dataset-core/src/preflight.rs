//! A look at a stranger's Parquet file that allocates nothing from what the
//! file claims.
//!
//! Parsers of the format trust it: they make room for a list of two thousand
//! million entries because a number says so, recurse as deep as a schema goes,
//! and read where an offset points. A hundred bytes are enough to end a
//! process. So before any of them sees the file, this walk reads footer and
//! page headers with its own reader, compares every number with the bytes that
//! are really there, and refuses by name what is beyond the [`Limits`].
//!
//! Pages that are packed in a way whose decoder stops at no length (gzip, Brotli,
//! LZ4 frames) are unpacked once into nothing, up to the length they claim. What
//! values decode to is counted by [`pack`](crate::pack) while it decodes.
//!
//! Only flat files pass: nested and repeated columns are refused with
//! `unsupported_column_type`. For them every value is a row, so the numbers of
//! rows in page, column chunk, row group and file have to be equal.

mod footer;
mod inflate;
mod pages;
mod refusal;
mod schema;
mod thrift;

use std::io::{Read, Seek, SeekFrom};

pub use self::{
    footer::RowGroup,
    refusal::{Place, Refusal},
    schema::{Leaf, Physical},
};

/// The limits of a file. The defaults are those of the house; tests and small
/// installations set smaller ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Length of the footer in bytes.
    pub footer_len: u64,
    /// Levels of the schema below its root.
    pub depth: usize,
    /// Number of columns.
    pub columns: usize,
    /// Length of a column's name in bytes.
    pub name_len: usize,
    /// Number of row groups.
    pub row_groups: usize,
    /// Length of a page in bytes, before and after unpacking.
    pub page_len: u64,
    /// Number of values in a page: a page of a few bytes can repeat a value
    /// two thousand million times.
    pub page_values: u64,
    /// How many times its own size a file may unpack to.
    pub ratio: u64,
    /// Number of rows.
    pub rows: u64,
    /// Bytes of all decoded values.
    pub decoded_len: u64,
    /// Bytes of the values that are decoded at a time.
    pub batch_len: u64,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        Self {
            footer_len: 16 * MIB,
            depth: 32,
            columns: crate::columns::MAX_COLUMNS,
            name_len: crate::columns::MAX_NAME_LEN,
            row_groups: 10_000,
            page_len: 64 * MIB,
            page_values: 128 * MIB,
            ratio: 1_000,
            rows: u32::MAX as u64,
            decoded_len: 20 * 1024 * MIB,
            batch_len: 32 * MIB,
        }
    }
}

/// What a file claims, after the claims were found to be possible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preflight {
    /// Length of the file in bytes.
    pub file_len: u64,
    /// Number of rows.
    pub rows: u64,
    /// The columns, in their order.
    pub columns: Vec<Leaf>,
    /// The row groups, in their order.
    pub row_groups: Vec<RowGroup>,
    /// Sum of all pages in bytes, after unpacking.
    pub unpacked_len: u64,
}

const MAGIC: &[u8; 4] = b"PAR1";
const ENCRYPTED_MAGIC: &[u8; 4] = b"PARE";
const TAIL_LEN: u64 = 8;

/// Walks footer and page headers of a Parquet file.
///
/// Memory is bounded by a small multiple of the footer's real length; time is
/// linear in the length of footer and page headers, and of the pages packed with
/// gzip, Brotli or LZ4 frames.
///
/// # Errors
/// A [`Refusal`] that names the limit.
pub fn preflight<R: Read + Seek>(reader: &mut R, limits: &Limits) -> Result<Preflight, Refusal> {
    let file_len = reader.seek(SeekFrom::End(0))?;
    let bytes = read_footer(reader, file_len, limits)?;
    let data_end = file_len - TAIL_LEN - bytes.len() as u64;
    let footer = footer::walk(&bytes, limits)?;
    drop(bytes);
    footer.check_ranges(data_end)?;
    footer.check_unpacked(file_len, limits)?;
    let unpacked_len = pages::walk(reader, &footer, file_len, limits)?;
    footer.check_decoded(limits)?;
    Ok(Preflight {
        file_len,
        rows: footer.rows,
        columns: footer.leaves,
        row_groups: footer.row_groups,
        unpacked_len,
    })
}

/// The bytes of the footer, whose length is checked before room is made.
fn read_footer<R: Read + Seek>(
    reader: &mut R,
    file_len: u64,
    limits: &Limits,
) -> Result<Vec<u8>, Refusal> {
    if file_len < MAGIC.len() as u64 + TAIL_LEN {
        return Err(Refusal::NotParquet);
    }
    let mut head = [0; 4];
    reader.rewind()?;
    reader.read_exact(&mut head)?;
    let mut tail = [0; TAIL_LEN as usize];
    reader.seek(SeekFrom::Start(file_len - TAIL_LEN))?;
    reader.read_exact(&mut tail)?;
    let [l0, l1, l2, l3, end @ ..] = tail;
    if end == *ENCRYPTED_MAGIC || head == *ENCRYPTED_MAGIC {
        return Err(Refusal::Encrypted);
    }
    if head != *MAGIC || end != *MAGIC {
        return Err(Refusal::NotParquet);
    }
    let length = u64::from(u32::from_le_bytes([l0, l1, l2, l3]));
    if length > limits.footer_len {
        return Err(Refusal::FooterTooLarge {
            length,
            limit: limits.footer_len,
        });
    }
    if length > file_len - TAIL_LEN - MAGIC.len() as u64 {
        return Err(Refusal::FooterTruncated {
            length,
            file: file_len,
        });
    }
    let mut bytes = vec![0; length as usize];
    reader.seek(SeekFrom::Start(file_len - TAIL_LEN - length))?;
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}
