//! The footer: schema, row groups and column chunks.

use super::{
    Limits, Place, Refusal,
    thrift::{Reader, wire},
};

/// How the values of a column are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Physical {
    /// One bit.
    Boolean,
    /// Four bytes.
    Int32,
    /// Eight bytes.
    Int64,
    /// Twelve bytes, an old form of time.
    Int96,
    /// Four bytes.
    Float,
    /// Eight bytes.
    Double,
    /// Bytes of any number.
    ByteArray,
    /// Bytes of one number.
    FixedLenByteArray(u32),
}

/// The longest value of a fixed-length column, in bytes.
const MAX_FIXED_LEN: i64 = 64 * 1024;

impl Physical {
    fn new(code: i64, length: Option<i64>) -> Result<Self, Refusal> {
        Ok(match code {
            0 => Self::Boolean,
            1 => Self::Int32,
            2 => Self::Int64,
            3 => Self::Int96,
            4 => Self::Float,
            5 => Self::Double,
            6 => Self::ByteArray,
            7 => match length {
                Some(length @ 1..=MAX_FIXED_LEN) => Self::FixedLenByteArray(length as u32),
                _ => return Err(corrupt("a fixed-length column has no sensible length")),
            },
            _ => return Err(corrupt("a column is of an unknown type")),
        })
    }

    fn code(self) -> i64 {
        match self {
            Self::Boolean => 0,
            Self::Int32 => 1,
            Self::Int64 => 2,
            Self::Int96 => 3,
            Self::Float => 4,
            Self::Double => 5,
            Self::ByteArray => 6,
            Self::FixedLenByteArray(_) => 7,
        }
    }

    /// The least number of bytes that `rows` decoded values take.
    pub fn least_len(self, rows: u64) -> u64 {
        let each = match self {
            Self::Boolean => return rows / 8,
            Self::Int32 | Self::Float | Self::ByteArray => 4,
            Self::Int64 | Self::Double | Self::Int96 => 8,
            Self::FixedLenByteArray(length) => u64::from(length),
        };
        rows.saturating_mul(each)
    }
}

/// A column of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// Its name.
    pub name: String,
    /// How its values are stored.
    pub physical: Physical,
    /// Whether it may hold nulls.
    pub nullable: bool,
}

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
            2 if leaves.is_none() => leaves = Some(schema(reader, kind, limits)?),
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

#[derive(Default)]
struct Element<'a> {
    physical: Option<i64>,
    length: Option<i64>,
    repetition: Option<i64>,
    name: Option<&'a [u8]>,
    children: Option<i64>,
}

fn element<'a>(reader: &mut Reader<'a>) -> Result<Element<'a>, Refusal> {
    let mut element = Element::default();
    reader.fields(|reader, id, kind| {
        match id {
            1 => element.physical = Some(reader.integer(kind)?),
            2 => element.length = Some(reader.integer(kind)?),
            3 => element.repetition = Some(reader.integer(kind)?),
            4 => element.name = Some(reader.binary(kind)?),
            5 => element.children = Some(reader.integer(kind)?),
            _ => return Ok::<bool, Refusal>(false),
        }
        Ok(true)
    })?;
    Ok(element)
}

/// Walks the schema, a tree written root first. The tree is followed with a
/// stack of the children still to come, never by recursion.
fn schema(reader: &mut Reader, kind: u8, limits: &Limits) -> Result<Vec<Leaf>, Refusal> {
    let (element_kind, elements) = reader.list(kind)?;
    if element_kind != wire::STRUCT || elements == 0 {
        return Err(corrupt("the schema is no list of columns"));
    }
    let root = element(reader)?;
    let mut open = vec![count(root.children.unwrap_or(0), "a number of columns")?];
    let mut walk = SchemaWalk::new(limits);
    for _ in 1..elements {
        while open.last() == Some(&0) {
            open.pop();
        }
        let Some(parent) = open.last_mut() else {
            return Err(corrupt("the schema has more columns than its root says"));
        };
        *parent -= 1;
        let depth = open.len();
        if depth > limits.depth {
            return Err(Refusal::TooDeep {
                limit: limits.depth,
            });
        }
        let element = element(reader)?;
        match element.children {
            Some(children) if element.physical.is_none() => {
                open.push(count(children, "a number of columns")?);
                walk.group(&element, depth)?;
            }
            _ => walk.leaf(&element, depth)?,
        }
    }
    if open.iter().any(|left| *left > 0) {
        return Err(corrupt("the schema has fewer columns than its groups say"));
    }
    walk.finish()
}

struct SchemaWalk<'l> {
    limits: &'l Limits,
    leaves: Vec<Leaf>,
    names: std::collections::HashSet<String>,
    top: String,
    count: usize,
    /// Reported last, so that what is beyond a limit is named first.
    unsupported: Option<Refusal>,
}

impl<'l> SchemaWalk<'l> {
    fn new(limits: &'l Limits) -> Self {
        Self {
            limits,
            leaves: Vec::new(),
            names: std::collections::HashSet::new(),
            top: String::new(),
            count: 0,
            unsupported: None,
        }
    }

    /// Checks a name; names at the top have to be unique.
    fn name(&mut self, element: &Element, depth: usize) -> Result<String, Refusal> {
        self.count += 1;
        // Groups count too: each of them costs the readers something.
        if self.count > self.limits.columns {
            return Err(Refusal::TooManyColumns {
                limit: self.limits.columns,
            });
        }
        let bad = |problem| Refusal::BadName {
            index: self.count,
            problem,
        };
        let bytes = element.name.unwrap_or_default();
        if bytes.is_empty() {
            return Err(bad("it is empty"));
        }
        if bytes.len() > self.limits.name_len {
            return Err(bad("it is longer than 256 bytes"));
        }
        let name = std::str::from_utf8(bytes).map_err(|_| bad("it is not UTF-8"))?;
        if name.chars().any(char::is_control) {
            return Err(bad("it has control characters"));
        }
        if depth == 1 {
            if !self.names.insert(name.to_owned()) {
                return Err(bad("another column has the same name"));
            }
            self.top = name.to_owned();
        }
        Ok(name.to_owned())
    }

    fn group(&mut self, element: &Element, depth: usize) -> Result<(), Refusal> {
        self.name(element, depth)?;
        self.refuse("nested");
        Ok(())
    }

    fn leaf(&mut self, element: &Element, depth: usize) -> Result<(), Refusal> {
        let name = self.name(element, depth)?;
        let nullable = match element.repetition {
            Some(0) => false,
            Some(1) => true,
            Some(2) => {
                self.refuse("a list");
                true
            }
            _ => return Err(corrupt("a column is neither required nor optional")),
        };
        let code = element
            .physical
            .ok_or_else(|| corrupt("a column has no type"))?;
        self.leaves.push(Leaf {
            name,
            physical: Physical::new(code, element.length)?,
            nullable,
        });
        Ok(())
    }

    fn refuse(&mut self, found: &str) {
        if self.unsupported.is_none() {
            self.unsupported = Some(Refusal::UnsupportedColumnType {
                column: self.top.clone(),
                found: found.to_owned(),
            });
        }
    }

    fn finish(self) -> Result<Vec<Leaf>, Refusal> {
        match self.unsupported {
            Some(refusal) => Err(refusal),
            None if self.leaves.is_empty() => Err(corrupt("it has no columns")),
            None => Ok(self.leaves),
        }
    }
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
            start,
            end,
            unpacked: count(meta.unpacked, "an unpacked length")?,
        });
    }
    Ok(())
}

#[derive(Default)]
struct ChunkMeta {
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
    let required = [1, 5, 6, 7, 9];
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
