//! The footer: row groups and column chunks.

use super::{
    Limits, Place, Refusal,
    schema::{self, Leaf},
    thrift::{Reader, wire},
};

/// A row group of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowGroup {
    /// Number of rows.
    pub rows: u64,
}

/// A column chunk: where its pages are.
pub(super) struct Chunk {
    pub group: usize,
    pub column: usize,
    /// How its pages are packed.
    pub codec: i64,
    pub start: u64,
    pub end: u64,
    pub unpacked: u64,
}

pub(super) struct Footer {
    pub rows: u64,
    pub leaves: Vec<Leaf>,
    pub row_groups: Vec<RowGroup>,
    /// In the order of the footer: by row group, then by column.
    pub chunks: Vec<Chunk>,
}

pub(super) fn corrupt(what: impl Into<String>) -> Refusal {
    Refusal::Corrupt(what.into())
}

/// A count or length, which cannot be negative.
pub(super) fn count(value: i64, what: &str) -> Result<u64, Refusal> {
    u64::try_from(value).map_err(|_| corrupt(format!("{what} is negative")))
}

/// Walks the bytes of the footer.
pub(super) fn walk(bytes: &[u8], limits: &Limits) -> Result<Footer, Refusal> {
    let mut reader = Reader::new(bytes);
    let mut rows = None;
    let mut leaves: Option<Vec<Leaf>> = None;
    let mut groups: Option<(Vec<RowGroup>, Vec<Chunk>)> = None;
    reader.fields(|reader, id, kind| {
        match id {
            2 if leaves.is_none() => leaves = Some(schema::walk(reader, kind, limits)?),
            3 => rows = Some(count(reader.integer(kind)?, "the number of rows")?),
            4 if groups.is_none() => {
                let leaves = leaves
                    .as_deref()
                    .ok_or_else(|| corrupt("the row groups come before the schema"))?;
                groups = Some(row_groups(reader, kind, leaves, limits)?);
            }
            2 | 4 => return Err(corrupt("a part of the footer is there twice")),
            8 => return Err(Refusal::Encrypted),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let (Some(rows), Some(leaves), Some((row_groups, chunks))) = (rows, leaves, groups) else {
        return Err(corrupt("a part of the footer is missing"));
    };
    let footer = Footer {
        rows,
        leaves,
        row_groups,
        chunks,
    };
    footer.check_rows(limits)?;
    Ok(footer)
}

fn row_groups(
    reader: &mut Reader,
    kind: u8,
    leaves: &[Leaf],
    limits: &Limits,
) -> Result<(Vec<RowGroup>, Vec<Chunk>), Refusal> {
    let (element, count_of_groups) = reader.list(kind)?;
    if element != wire::STRUCT && count_of_groups > 0 {
        return Err(corrupt("the row groups are no list"));
    }
    if count_of_groups > limits.row_groups {
        return Err(Refusal::TooManyRowGroups {
            limit: limits.row_groups,
        });
    }
    let mut groups = Vec::new();
    let mut chunks = Vec::new();
    for group in 0..count_of_groups {
        let first = chunks.len();
        let mut rows = None;
        let mut values = Vec::new();
        reader.fields(|reader, id, kind| {
            match id {
                1 => columns(reader, kind, group, leaves, &mut chunks, &mut values)?,
                3 => rows = Some(count(reader.integer(kind)?, "the rows of a group")?),
                _ => return Ok::<bool, Refusal>(false),
            }
            Ok(true)
        })?;
        let rows = rows.ok_or_else(|| corrupt("a row group does not say how many rows it has"))?;
        if chunks.len() - first != leaves.len() {
            return Err(corrupt(format!(
                "row group {group} has {} columns, the schema {}",
                chunks.len() - first,
                leaves.len()
            )));
        }
        for (leaf, found) in leaves.iter().zip(values) {
            if found != rows {
                return Err(Refusal::RowCountMismatch {
                    place: format!("row group {group} claims, against column {:?},", leaf.name),
                    claimed: rows,
                    found,
                });
            }
        }
        groups.push(RowGroup { rows });
    }
    Ok((groups, chunks))
}

/// Reads the chunks of a row group; `values` gets their numbers of values.
fn columns(
    reader: &mut Reader,
    kind: u8,
    group: usize,
    leaves: &[Leaf],
    chunks: &mut Vec<Chunk>,
    values: &mut Vec<u64>,
) -> Result<(), Refusal> {
    let (element, count_of_chunks) = reader.list(kind)?;
    if element != wire::STRUCT || count_of_chunks != leaves.len() || !values.is_empty() {
        return Err(corrupt(format!(
            "row group {group} has {count_of_chunks} columns, the schema {}",
            leaves.len()
        )));
    }
    for (column, leaf) in leaves.iter().enumerate() {
        let place = || Place {
            row_group: group,
            column: leaf.name.clone(),
        };
        let mut meta = None;
        reader.fields(|reader, id, kind| {
            match id {
                1 => return Err(Refusal::ExternalPath(place())),
                3 if meta.is_none() && kind == wire::STRUCT => {
                    meta = Some(chunk_meta(reader, leaf)?);
                }
                3 => return Err(corrupt("a column chunk is described twice")),
                8 | 9 => return Err(Refusal::Encrypted),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let meta = meta.ok_or_else(|| corrupt(format!("{} is not described", place())))?;
        let (start, end) = meta.range().ok_or_else(|| Refusal::Range(place()))?;
        values.push(count(meta.values, "a number of values")?);
        chunks.push(Chunk {
            group,
            column,
            codec: meta.codec,
            start,
            end,
            unpacked: count(meta.unpacked, "an unpacked length")?,
        });
    }
    Ok(())
}

#[derive(Default)]
struct ChunkMeta {
    codec: i64,
    values: i64,
    unpacked: i64,
    packed: i64,
    data_page: i64,
    dictionary_page: Option<i64>,
}

impl ChunkMeta {
    /// First byte and the one after the last. The dictionary, if any, comes
    /// first.
    fn range(&self) -> Option<(u64, u64)> {
        let start = self.dictionary_page.unwrap_or(self.data_page);
        let start = u64::try_from(start).ok()?;
        let end = start.checked_add(u64::try_from(self.packed).ok()?)?;
        let data = u64::try_from(self.data_page).ok()?;
        let data_inside = (start..=end).contains(&data);
        data_inside.then_some((start, end))
    }
}

fn chunk_meta(reader: &mut Reader, leaf: &Leaf) -> Result<ChunkMeta, Refusal> {
    let mut meta = ChunkMeta::default();
    let mut seen = 0u32;
    reader.fields(|reader, id, kind| {
        match id {
            1 => {
                if reader.integer(kind)? != leaf.physical.code() {
                    return Err(corrupt(format!(
                        "column {:?} is of another type than its schema",
                        leaf.name
                    )));
                }
            }
            3 => check_path(reader, kind, leaf)?,
            4 => meta.codec = reader.integer(kind)?,
            5 => meta.values = reader.integer(kind)?,
            6 => meta.unpacked = reader.integer(kind)?,
            7 => meta.packed = reader.integer(kind)?,
            9 => meta.data_page = reader.integer(kind)?,
            11 => meta.dictionary_page = Some(reader.integer(kind)?),
            _ => return Ok(false),
        }
        seen |= 1 << id;
        Ok(true)
    })?;
    let required = [1, 4, 5, 6, 7, 9];
    if required.iter().any(|id| seen & (1 << id) == 0) {
        return Err(corrupt(format!(
            "column {:?} lacks a part of its description",
            leaf.name
        )));
    }
    Ok(meta)
}

fn check_path(reader: &mut Reader, kind: u8, leaf: &Leaf) -> Result<(), Refusal> {
    let (element, parts) = reader.list(kind)?;
    if parts != 1 || reader.binary(element)? != leaf.name.as_bytes() {
        return Err(corrupt(format!(
            "the data of column {:?} is named differently",
            leaf.name
        )));
    }
    Ok(())
}

impl Footer {
    pub fn place(&self, chunk: &Chunk) -> Place {
        Place {
            row_group: chunk.group,
            column: self.leaves[chunk.column].name.clone(),
        }
    }

    fn check_rows(&self, limits: &Limits) -> Result<(), Refusal> {
        let found = self
            .row_groups
            .iter()
            .fold(0u64, |sum, group| sum.saturating_add(group.rows));
        let rows = self.rows.max(found);
        if rows > limits.rows {
            return Err(Refusal::TooManyRows {
                rows,
                limit: limits.rows,
            });
        }
        if self.rows != found {
            return Err(Refusal::RowCountMismatch {
                place: "the file claims".into(),
                claimed: self.rows,
                found,
            });
        }
        Ok(())
    }

    /// Every chunk lies between magic and footer, and no two share a byte.
    pub fn check_ranges(&self, data_end: u64) -> Result<(), Refusal> {
        let data_start = super::MAGIC.len() as u64;
        let mut by_start: Vec<&Chunk> = self.chunks.iter().collect();
        by_start.sort_unstable_by_key(|chunk| (chunk.start, chunk.end));
        let mut free_from = data_start;
        for chunk in by_start {
            if chunk.start < data_start || chunk.end > data_end {
                return Err(Refusal::Range(self.place(chunk)));
            }
            if chunk.start < free_from && chunk.end > chunk.start {
                return Err(Refusal::Overlap(self.place(chunk)));
            }
            free_from = free_from.max(chunk.end);
        }
        Ok(())
    }

    /// What the footer says the data unpacks to.
    pub fn check_unpacked(&self, file_len: u64, limits: &Limits) -> Result<(), Refusal> {
        let unpacked = self
            .chunks
            .iter()
            .fold(0u64, |sum, chunk| sum.saturating_add(chunk.unpacked));
        check_ratio(unpacked, file_len, limits)
    }

    /// What so many rows decode to at least, whatever their values.
    pub fn check_decoded(&self, limits: &Limits) -> Result<(), Refusal> {
        let least = self.leaves.iter().fold(0u64, |sum, leaf| {
            sum.saturating_add(leaf.physical.least_len(self.rows))
        });
        if least > limits.decoded_len {
            return Err(Refusal::DecodedTooLarge {
                limit: limits.decoded_len,
            });
        }
        Ok(())
    }
}

pub(super) fn check_ratio(unpacked: u64, file_len: u64, limits: &Limits) -> Result<(), Refusal> {
    if unpacked > file_len.saturating_mul(limits.ratio) {
        return Err(Refusal::Ratio {
            unpacked,
            limit: limits.ratio,
        });
    }
    Ok(())
}
