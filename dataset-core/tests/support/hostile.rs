//! Builders of hostile files, byte by byte.
//!
//! This file depends on nothing but the standard library, so that other test
//! crates can include it by path. [`Spec::valid`] is a Parquet file that every
//! reader accepts; each hostile file is that file with one thing wrong.
#![allow(dead_code)]

/// A hostile file with the code it has to be refused with.
pub struct Hostile {
    pub name: &'static str,
    pub code: &'static str,
    pub bytes: Vec<u8>,
}

/// Hostile Parquet files: to be sealed validly, and refused with their code.
pub fn parquet_files() -> Vec<Hostile> {
    let hostile = |name, code, bytes| Hostile { name, code, bytes };
    vec![
        hostile("rle-bomb", "parquet_page_too_large", rle_bomb()),
        hostile("list-of-2-31", "parquet_list_too_long", list_of_2_31()),
        hostile("nested-100000", "parquet_too_deep", nested_groups(100_000)),
        hostile(
            "lying-row-count",
            "parquet_row_count_mismatch",
            lying_row_count(),
        ),
        hostile("huge-footer", "parquet_footer_too_large", huge_footer()),
        hostile("external-path", "parquet_external_path", external_path()),
        hostile("overlap", "parquet_overlap", overlapping_chunks()),
    ]
}

/// Hostile seals: uploaded as they are, and refused with their code.
/// `sealed` is a valid sealed file of more than 64 KiB for the receiving node.
pub fn seals(sealed: &[u8]) -> Vec<Hostile> {
    let hostile = |name, code, bytes| Hostile { name, code, bytes };
    vec![
        hostile(
            "header-of-1-mb",
            "seal_header_too_large",
            age_header_of_1_mb(),
        ),
        hostile("scrypt-stanza", "seal_passphrase_refused", scrypt_stanza()),
        hostile(
            "cut-inside-a-chunk",
            "seal_truncated",
            cut_inside_a_chunk(sealed),
        ),
    ]
}

/// 2^31 - 1 values of eight bytes in one run of seven bytes.
pub fn rle_bomb() -> Vec<u8> {
    let values = i64::from(i32::MAX);
    let mut run = vec![1];
    varint(&mut run, (values as u64) << 1);
    run.push(0);
    let mut spec = Spec::valid();
    spec.rows = values;
    spec.groups[0].rows = values;
    let chunk = &mut spec.groups[0].chunks[0];
    chunk.values = values;
    chunk.pages = vec![
        Page::dictionary(1, vec![0; 8]),
        Page::data(values, RLE_DICTIONARY, run),
    ];
    spec.build()
}

/// A schema that claims 2^31 - 1 columns and has one.
pub fn list_of_2_31() -> Vec<u8> {
    let mut spec = Spec::valid();
    spec.claimed_schema_len = Some(i32::MAX as u64);
    spec.build()
}

/// Groups inside groups, with one column in the middle.
pub fn nested_groups(depth: usize) -> Vec<u8> {
    let mut spec = Spec::valid();
    let column = spec.schema.remove(0);
    spec.schema = (0..depth - 1).map(|_| Node::group("g", 1)).collect();
    spec.schema.push(column);
    spec.build()
}

/// The footer claims a row more than the column has.
pub fn lying_row_count() -> Vec<u8> {
    let mut spec = Spec::valid();
    spec.rows += 1;
    spec.groups[0].rows += 1;
    spec.build()
}

/// A footer of 17 MiB.
pub fn huge_footer() -> Vec<u8> {
    let mut spec = Spec::valid();
    spec.footer_padding = 17 * 1024 * 1024;
    spec.build()
}

/// A column whose data is said to be in another file.
pub fn external_path() -> Vec<u8> {
    let mut spec = Spec::valid();
    spec.groups[0].chunks[0].file_path = Some("/etc/passwd".into());
    spec.build()
}

/// Two columns that share their bytes.
pub fn overlapping_chunks() -> Vec<u8> {
    let mut spec = Spec::valid();
    let mut second = spec.schema[0].clone();
    second.name = "b".into();
    spec.schema.push(second);
    spec.root_children = 2;
    let mut chunk = Chunk::plain("b", 3);
    chunk.pages.clear();
    chunk.offset = Some(4);
    chunk.packed = Some(spec.groups[0].chunks[0].pages_len());
    spec.groups[0].chunks.push(chunk);
    spec.build()
}

/// An age header of 1 MB in one stanza.
pub fn age_header_of_1_mb() -> Vec<u8> {
    let line = format!("{}\n", "A".repeat(64));
    let mac = "A".repeat(43);
    let body = line.repeat(16_000);
    format!("age-encryption.org/v1\n-> X25519 AAAA\n{body}\n--- {mac}\n").into_bytes()
}

/// A file sealed with a passphrase, at a work factor of seconds and gigabytes.
pub fn scrypt_stanza() -> Vec<u8> {
    let (salt, key, mac) = ("A".repeat(22), "A".repeat(43), "A".repeat(43));
    let header = format!("age-encryption.org/v1\n-> scrypt {salt} 22\n{key}\n--- {mac}\n");
    let mut bytes = header.into_bytes();
    bytes.resize(bytes.len() + 100, 0);
    bytes
}

/// A sealed file that ends in the middle of a chunk.
pub fn cut_inside_a_chunk(sealed: &[u8]) -> Vec<u8> {
    sealed[..sealed.len() - 1_000].to_vec()
}

pub const BOOLEAN: i64 = 0;
pub const INT32: i64 = 1;
pub const INT64: i64 = 2;
pub const BYTE_ARRAY: i64 = 6;
pub const FIXED_LEN_BYTE_ARRAY: i64 = 7;

pub const REQUIRED: i64 = 0;
pub const OPTIONAL: i64 = 1;
pub const REPEATED: i64 = 2;

pub const PLAIN: i64 = 0;
pub const RLE: i64 = 3;
pub const RLE_DICTIONARY: i64 = 8;

/// A Parquet file to be written as it is said, true or not.
#[derive(Clone)]
pub struct Spec {
    /// The schema below its root, depth first.
    pub schema: Vec<Node>,
    pub root_children: i64,
    /// The length the list of the schema claims instead of its own.
    pub claimed_schema_len: Option<u64>,
    pub rows: i64,
    pub groups: Vec<Group>,
    /// Whether the footer names an encryption algorithm.
    pub encrypted: bool,
    /// Length of a text in the footer that nobody needs.
    pub footer_padding: usize,
}

#[derive(Clone)]
pub struct Node {
    pub name: String,
    pub physical: Option<i64>,
    pub type_length: Option<i64>,
    pub repetition: i64,
    pub children: Option<i64>,
}

#[derive(Clone)]
pub struct Group {
    pub rows: i64,
    pub chunks: Vec<Chunk>,
}

#[derive(Clone)]
pub struct Chunk {
    pub name: String,
    pub physical: i64,
    pub pages: Vec<Page>,
    pub values: i64,
    /// Where it begins, instead of where it really does.
    pub offset: Option<i64>,
    /// Its length, instead of the real one.
    pub packed: Option<i64>,
    /// Its unpacked length, instead of the sum of its pages.
    pub unpacked: Option<i64>,
    pub file_path: Option<String>,
    /// How its pages are said to be packed.
    pub codec: i64,
    /// Least and greatest value and number of nulls, as the footer claims.
    pub statistics: Option<(Vec<u8>, Vec<u8>, i64)>,
    /// Whether it names the metadata of a column key.
    pub encrypted: bool,
}

#[derive(Clone)]
pub struct Page {
    pub kind: i64,
    pub values: i64,
    pub encoding: i64,
    pub body: Vec<u8>,
    /// Its unpacked length, instead of that of the body.
    pub unpacked: Option<i64>,
    /// Its length, instead of that of the body.
    pub packed: Option<i64>,
    /// Numbers of nulls and rows and the length of the levels, for version 2.
    pub v2: Option<(i64, i64, i64)>,
    /// Its checksum, if it has one.
    pub crc: Option<i64>,
}

impl Node {
    pub fn leaf(name: &str, physical: i64) -> Self {
        Self {
            name: name.into(),
            physical: Some(physical),
            type_length: None,
            repetition: REQUIRED,
            children: None,
        }
    }

    pub fn group(name: &str, children: i64) -> Self {
        Self {
            name: name.into(),
            physical: None,
            type_length: None,
            repetition: REQUIRED,
            children: Some(children),
        }
    }

    fn write(&self, out: &mut Struct) {
        out.optional_i32(1, self.physical);
        out.optional_i32(2, self.type_length);
        out.i32(3, self.repetition);
        out.text(4, self.name.as_bytes());
        out.optional_i32(5, self.children);
    }
}

impl Page {
    pub fn data(values: i64, encoding: i64, body: Vec<u8>) -> Self {
        Self {
            kind: 0,
            values,
            encoding,
            body,
            unpacked: None,
            packed: None,
            v2: None,
            crc: None,
        }
    }

    pub fn dictionary(values: i64, body: Vec<u8>) -> Self {
        Self {
            kind: 2,
            ..Self::data(values, PLAIN, body)
        }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let length = self.body.len() as i64;
        let mut header = Struct::new();
        header.i32(1, self.kind);
        header.i32(2, self.unpacked.unwrap_or(length));
        header.i32(3, self.packed.unwrap_or(length));
        header.optional_i32(4, self.crc);
        let mut own = Struct::new();
        own.i32(1, self.values);
        match self.v2 {
            None => {
                own.i32(2, self.encoding);
                if self.kind == 0 {
                    own.i32(3, RLE);
                    own.i32(4, RLE);
                }
            }
            Some((nulls, rows, levels)) => {
                own.i32(2, nulls);
                own.i32(3, rows);
                own.i32(4, self.encoding);
                own.i32(5, levels);
                own.i32(6, 0);
            }
        }
        let field = match (self.kind, self.v2) {
            (_, Some(_)) => 8,
            (2, None) => 7,
            _ => 5,
        };
        header.nested(field, own);
        let mut bytes = header.finish();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

impl Chunk {
    /// A required column of eight-byte integers with these many zeros.
    pub fn plain(name: &str, values: i64) -> Self {
        let body = vec![0; values as usize * 8];
        Self {
            name: name.into(),
            physical: INT64,
            pages: vec![Page::data(values, PLAIN, body)],
            values,
            offset: None,
            packed: None,
            unpacked: None,
            file_path: None,
            codec: 0,
            statistics: None,
            encrypted: false,
        }
    }

    pub fn pages_len(&self) -> i64 {
        self.pages
            .iter()
            .map(|page| page.bytes().len() as i64)
            .sum()
    }

    /// Writes the pages and returns what the footer says about them.
    fn write(&self, file: &mut Vec<u8>) -> Struct {
        let start = self.offset.unwrap_or(file.len() as i64);
        let mut data_offset = start;
        let mut unpacked = 0;
        for page in &self.pages {
            let bytes = page.bytes();
            let header = bytes.len() - page.body.len();
            let length = page.unpacked.unwrap_or(page.body.len() as i64);
            unpacked = length
                .saturating_add(unpacked)
                .saturating_add(header as i64);
            if page.kind == 2 && data_offset == start {
                data_offset = data_offset.wrapping_add(bytes.len() as i64);
            }
            file.extend_from_slice(&bytes);
        }
        let mut meta = Struct::new();
        meta.i32(1, self.physical);
        meta.list(2, 5, vec![zigzag(PLAIN)]);
        meta.list(3, 8, vec![text(self.name.as_bytes())]);
        meta.i32(4, self.codec);
        meta.i64(5, self.values);
        meta.i64(6, self.unpacked.unwrap_or(unpacked));
        meta.i64(7, self.packed.unwrap_or_else(|| self.pages_len()));
        meta.i64(9, data_offset);
        if data_offset != start {
            meta.i64(11, start);
        }
        if let Some((least, greatest, nulls)) = &self.statistics {
            let mut claims = Struct::new();
            claims.i64(3, *nulls);
            claims.text(5, greatest);
            claims.text(6, least);
            meta.nested(12, claims);
        }
        let mut chunk = Struct::new();
        if let Some(path) = &self.file_path {
            chunk.text(1, path.as_bytes());
        }
        chunk.i64(2, start);
        chunk.nested(3, meta);
        if self.encrypted {
            chunk.text(9, b"secret");
        }
        chunk
    }
}

impl Spec {
    /// One required column `a` of three eight-byte integers.
    pub fn valid() -> Self {
        Self {
            schema: vec![Node::leaf("a", INT64)],
            root_children: 1,
            claimed_schema_len: None,
            rows: 3,
            groups: vec![Group {
                rows: 3,
                chunks: vec![Chunk::plain("a", 3)],
            }],
            encrypted: false,
            footer_padding: 0,
        }
    }

    /// These columns of three zeros each.
    pub fn of_names(names: &[String]) -> Self {
        let mut spec = Self::valid();
        spec.schema = names.iter().map(|name| Node::leaf(name, INT64)).collect();
        spec.root_children = names.len() as i64;
        spec.groups[0].chunks = names.iter().map(|name| Chunk::plain(name, 3)).collect();
        spec
    }

    pub fn build(&self) -> Vec<u8> {
        let mut file = b"PAR1".to_vec();
        let groups = self.groups.iter().map(|group| {
            let chunks = group
                .chunks
                .iter()
                .map(|chunk| chunk.write(&mut file).finish());
            let mut out = Struct::new();
            out.list(1, 12, chunks.collect());
            out.i64(2, 0);
            out.i64(3, group.rows);
            out.finish()
        });
        let groups: Vec<_> = groups.collect();
        let footer = self.footer(groups);
        file.extend_from_slice(&footer);
        file.extend_from_slice(&(footer.len() as u32).to_le_bytes());
        file.extend_from_slice(b"PAR1");
        file
    }

    fn footer(&self, groups: Vec<Vec<u8>>) -> Vec<u8> {
        let mut root = Struct::new();
        root.text(4, b"root");
        root.i32(5, self.root_children);
        let mut schema = vec![root.finish()];
        schema.extend(self.schema.iter().map(|node| {
            let mut out = Struct::new();
            node.write(&mut out);
            out.finish()
        }));
        let claimed = self.claimed_schema_len.unwrap_or(schema.len() as u64);
        let mut out = Struct::new();
        out.i32(1, 1);
        out.list_of(2, 12, claimed, schema);
        out.i64(3, self.rows);
        out.list(4, 12, groups);
        if self.footer_padding > 0 {
            out.text(6, &vec![b'x'; self.footer_padding]);
        }
        if self.encrypted {
            out.nested(8, Struct::new());
        }
        out.finish()
    }
}

/// A structure of the Thrift compact protocol being written.
pub struct Struct {
    bytes: Vec<u8>,
    last: i16,
}

impl Struct {
    pub fn new() -> Self {
        Self {
            bytes: Vec::new(),
            last: 0,
        }
    }

    fn field(&mut self, id: i16, kind: u8) {
        assert!(id > self.last && id - self.last < 16);
        self.bytes.push(((id - self.last) as u8) << 4 | kind);
        self.last = id;
    }

    pub fn i32(&mut self, id: i16, value: i64) {
        self.field(id, 5);
        self.bytes.extend(zigzag(value));
    }

    pub fn optional_i32(&mut self, id: i16, value: Option<i64>) {
        if let Some(value) = value {
            self.i32(id, value);
        }
    }

    pub fn i64(&mut self, id: i16, value: i64) {
        self.field(id, 6);
        self.bytes.extend(zigzag(value));
    }

    pub fn text(&mut self, id: i16, value: &[u8]) {
        self.field(id, 8);
        self.bytes.extend(text(value));
    }

    pub fn nested(&mut self, id: i16, value: Self) {
        self.field(id, 12);
        self.bytes.extend(value.finish());
    }

    pub fn list(&mut self, id: i16, kind: u8, items: Vec<Vec<u8>>) {
        self.list_of(id, kind, items.len() as u64, items);
    }

    pub fn list_of(&mut self, id: i16, kind: u8, claimed: u64, items: Vec<Vec<u8>>) {
        self.field(id, 9);
        if claimed < 15 {
            self.bytes.push((claimed as u8) << 4 | kind);
        } else {
            self.bytes.push(0xf0 | kind);
            varint(&mut self.bytes, claimed);
        }
        self.bytes.extend(items.concat());
    }

    pub fn finish(mut self) -> Vec<u8> {
        self.bytes.push(0);
        self.bytes
    }
}

pub fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn zigzag(value: i64) -> Vec<u8> {
    let mut out = Vec::new();
    varint(&mut out, (value << 1 ^ value >> 63) as u64);
    out
}

fn text(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    varint(&mut out, value.len() as u64);
    out.extend_from_slice(value);
    out
}
