//! The page headers of every column chunk, one after the other.

use std::io::{Read, Seek, SeekFrom};

use super::{
    Limits, Place, Refusal,
    footer::{Chunk, Footer, check_ratio, corrupt, count},
    inflate,
    thrift::{Fault, Reader, wire},
};

/// The longest page header, in bytes; statistics may make it large.
const MAX_HEADER_LEN: u64 = 1024 * 1024;

/// How much is read ahead for the first attempt at a header.
const FIRST_READ: u64 = 8 * 1024;

/// Pages without values that a chunk may have besides those with values.
const SPARE_PAGES: u64 = 16;

/// Walks all pages; returns the sum of their unpacked lengths.
pub(super) fn walk<R: Read + Seek>(
    reader: &mut R,
    footer: &Footer,
    file_len: u64,
    limits: &Limits,
) -> Result<u64, Refusal> {
    let mut window = Window {
        reader,
        bytes: Vec::new(),
        start: 0,
    };
    let mut unpacked = 0u64;
    for chunk in &footer.chunks {
        let rows = footer.row_groups[chunk.group].rows;
        let walked = walk_chunk(&mut window, footer, chunk, rows, limits)?;
        unpacked = unpacked.saturating_add(walked);
        check_ratio(unpacked, file_len, limits)?;
    }
    Ok(unpacked)
}

fn walk_chunk<R: Read + Seek>(
    window: &mut Window<R>,
    footer: &Footer,
    chunk: &Chunk,
    rows: u64,
    limits: &Limits,
) -> Result<u64, Refusal> {
    let place = || footer.place(chunk);
    let mut at = chunk.start;
    let mut unpacked = 0u64;
    let (mut values, mut pages) = (0u64, 0u64);
    while at < chunk.end {
        let (page, header_len) = window.header(at, chunk.end)?;
        let page = page.check(limits, &place)?;
        pages += 1;
        if pages > rows.saturating_add(SPARE_PAGES) {
            return Err(corrupt(format!("{} has more pages than rows", place())));
        }
        match page.content {
            Content::Dictionary if pages > 1 => {
                return Err(corrupt(format!(
                    "{} has a dictionary after its data",
                    place()
                )));
            }
            Content::Data => values = values.saturating_add(page.values),
            Content::Dictionary | Content::Other => {}
        }
        unpacked = unpacked.saturating_add(page.unpacked);
        let body = at.saturating_add(header_len);
        at = body.saturating_add(page.packed);
        if at <= chunk.end {
            window.check_unpacked(body, chunk.codec, &page, &place)?;
        }
    }
    if at != chunk.end {
        return Err(Refusal::Range(place()));
    }
    if values != rows {
        return Err(Refusal::RowCountMismatch {
            place: format!("{} claims", place()),
            claimed: rows,
            found: values,
        });
    }
    Ok(unpacked)
}

enum Content {
    Data,
    Dictionary,
    Other,
}

struct Page {
    content: Content,
    values: u64,
    packed: u64,
    unpacked: u64,
    /// Bytes in front that are never packed: the levels of version 2.
    plain: u64,
    /// Whether what follows them is packed.
    is_packed: bool,
}

/// The numbers of a page header as they stand there.
#[derive(Default)]
struct RawHeader {
    kind: Option<i64>,
    unpacked: Option<i64>,
    packed: Option<i64>,
    data: Option<RawData>,
    dictionary: Option<RawData>,
    data_v2: Option<RawData>,
}

#[derive(Default)]
struct RawData {
    values: i64,
    rows: i64,
    nulls: i64,
    definition_len: i64,
    repetition_len: i64,
    /// Version 2 may say that its values are not packed.
    plain: bool,
}

impl RawHeader {
    fn read(reader: &mut Reader) -> Result<Self, Fault> {
        let mut header = Self::default();
        reader.fields(|reader, id, kind| {
            match id {
                1 => header.kind = Some(reader.integer(kind)?),
                2 => header.unpacked = Some(reader.integer(kind)?),
                3 => header.packed = Some(reader.integer(kind)?),
                5 if kind == wire::STRUCT => header.data = Some(RawData::read(reader, false)?),
                7 if kind == wire::STRUCT => {
                    header.dictionary = Some(RawData::read(reader, false)?);
                }
                8 if kind == wire::STRUCT => header.data_v2 = Some(RawData::read(reader, true)?),
                _ => return Ok::<bool, Fault>(false),
            }
            Ok(true)
        })?;
        Ok(header)
    }

    fn check(self, limits: &Limits, place: &impl Fn() -> Place) -> Result<Page, Refusal> {
        let missing = || corrupt(format!("{}: a page header is not complete", place()));
        let unpacked = count(self.unpacked.ok_or_else(missing)?, "a page's length")?;
        let packed = count(self.packed.ok_or_else(missing)?, "a page's length")?;
        let too_large = |found, limit, unit| {
            Err(Refusal::PageTooLarge {
                place: place(),
                found,
                limit,
                unit,
            })
        };
        if packed.max(unpacked) > limits.page_len {
            return too_large(packed.max(unpacked), limits.page_len, "bytes");
        }
        let (content, data) = match self.kind.ok_or_else(missing)? {
            0 => (Content::Data, self.data),
            1 => (Content::Other, Some(RawData::default())),
            2 => (Content::Dictionary, self.dictionary),
            3 => (Content::Data, self.data_v2),
            _ => return Err(corrupt(format!("{}: a page of unknown kind", place()))),
        };
        let data = data.ok_or_else(missing)?;
        let values = count(data.values, "a page's number of values")?;
        if values > limits.page_values {
            return too_large(values, limits.page_values, "values");
        }
        // Every entry of a dictionary takes at least a byte.
        if matches!(content, Content::Dictionary) && values > unpacked {
            return Err(corrupt(format!(
                "{}: a dictionary claims more entries than it has bytes",
                place()
            )));
        }
        let plain = match self.kind {
            Some(3) => data.check_v2(values, packed.min(unpacked), place)?,
            _ => 0,
        };
        Ok(Page {
            content,
            values,
            packed,
            unpacked,
            plain,
            is_packed: !data.plain,
        })
    }
}

impl RawData {
    /// Reads a page's own header; field 1 is the number of values in all of
    /// them, the others are those of version 2.
    fn read(reader: &mut Reader, v2: bool) -> Result<Self, Fault> {
        let mut data = Self::default();
        reader.fields(|reader, id, kind| {
            match id {
                1 => data.values = reader.integer(kind)?,
                2 if v2 => data.nulls = reader.integer(kind)?,
                3 if v2 => data.rows = reader.integer(kind)?,
                5 if v2 => data.definition_len = reader.integer(kind)?,
                6 if v2 => data.repetition_len = reader.integer(kind)?,
                7 if v2 && kind == wire::FALSE => data.plain = true,
                _ => return Ok::<bool, Fault>(false),
            }
            Ok(true)
        })?;
        Ok(data)
    }

    /// The length of the levels.
    fn check_v2(
        &self,
        values: u64,
        levels_limit: u64,
        place: &impl Fn() -> Place,
    ) -> Result<u64, Refusal> {
        let rows = count(self.rows, "a page's number of rows")?;
        if rows != values {
            return Err(Refusal::RowCountMismatch {
                place: format!("a page of {} claims", place()),
                claimed: rows,
                found: values,
            });
        }
        let nulls = count(self.nulls, "a page's number of nulls")?;
        let levels = count(self.definition_len, "a page's level length")?
            .saturating_add(count(self.repetition_len, "a page's level length")?);
        if nulls > values || levels > levels_limit {
            return Err(corrupt(format!(
                "{}: a page's levels do not fit into it",
                place()
            )));
        }
        Ok(levels)
    }
}

/// The part of the file around the header that is being read.
struct Window<'r, R> {
    reader: &'r mut R,
    bytes: Vec<u8>,
    start: u64,
}

impl<R: Read + Seek> Window<'_, R> {
    /// The page header at this offset, and its length.
    fn header(&mut self, at: u64, end: u64) -> Result<(RawHeader, u64), Refusal> {
        let mut wanted = FIRST_READ;
        loop {
            let have = self.have(at, end);
            let mut reader = Reader::new(have);
            let whole = have.len() as u64 == end - at;
            let enough = have.len() as u64 >= MAX_HEADER_LEN;
            match RawHeader::read(&mut reader) {
                Ok(header) => return Ok((header, reader.position() as u64)),
                // A list that seems too long may only continue behind the window.
                Err(Fault::Truncated | Fault::ListTooLong) if !whole && !enough => {}
                Err(Fault::Truncated) if enough => {
                    return Err(corrupt("a page header is longer than 1 MiB"));
                }
                Err(fault) => return Err(fault.into()),
            }
            self.fill(at, wanted.min(end - at))?;
            wanted = (wanted * 4).min(MAX_HEADER_LEN);
        }
    }

    /// What the window holds from `at` on, but nothing behind `end`.
    fn have(&self, at: u64, end: u64) -> &[u8] {
        let window_end = self.start + self.bytes.len() as u64;
        if at < self.start || at >= window_end {
            return &[];
        }
        let from = (at - self.start) as usize;
        let to = (window_end.min(end) - self.start) as usize;
        &self.bytes[from..to]
    }

    /// A page must not unpack to more than it claims. Only for the ways of packing whose
    /// decoder makes room for whatever comes; the others stop at the claim by themselves.
    fn check_unpacked(
        &mut self,
        body: u64,
        codec: i64,
        page: &Page,
        place: &impl Fn() -> Place,
    ) -> Result<(), Refusal> {
        let Some(codec) = inflate::Codec::unbounded(codec).filter(|_| page.is_packed) else {
            return Ok(());
        };
        let claimed = page.unpacked - page.plain;
        self.reader.seek(SeekFrom::Start(body + page.plain))?;
        let packed = (&mut *self.reader).take(page.packed - page.plain);
        match codec.unpacks_within(packed, claimed)? {
            true => Ok(()),
            false => Err(Refusal::PageLies {
                place: place(),
                claimed,
            }),
        }
    }

    fn fill(&mut self, at: u64, length: u64) -> Result<(), Refusal> {
        self.reader.seek(SeekFrom::Start(at))?;
        self.bytes.clear();
        self.bytes.resize(length as usize, 0);
        self.start = at;
        self.reader.read_exact(&mut self.bytes)?;
        Ok(())
    }
}
