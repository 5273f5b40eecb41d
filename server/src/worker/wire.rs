//! What node and child say to each other.
//!
//! A frame is one byte of kind, four bytes of length (little endian) and that many bytes:
//! JSON, or for [`Frame::Marks`] records of [`MARK_LEN`] bytes. The node believes nothing a
//! child says: lengths are bounded, codes and messages are cut to their alphabet.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use chrono::{DateTime, Utc};
use quality::contain::Sketch;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

mod weighed;

pub use self::weighed::{ClaimedPart, LatePart, LearnedPart, Weighed, WeighedPart};

/// Longest frame, in bytes.
pub const MAX_FRAME: u32 = 32 * 1024 * 1024;

/// Bytes of one mark: fingerprint of a row (16) and its share of good cells (4, little endian).
pub const MARK_LEN: usize = 20;

/// Bytes of the fingerprints of one row: as it is, rounded, and of its key, 16 bytes each
/// (little endian); 0 where there is nothing to compare.
pub const PRINT_LEN: usize = 48;

/// What the child may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Resident memory in bytes, watched by the node.
    pub memory_bytes: u64,
    /// Wall clock in seconds, watched by the node.
    pub seconds: u64,
    /// Bytes of the largest file it may write.
    pub file_bytes: u64,
    /// Open descriptors.
    pub open_files: u64,
}

/// One limit, and whether this machine enforces it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// What is limited.
    pub name: String,
    /// Whether it is in force.
    pub active: bool,
    /// By what means, to what value.
    pub detail: String,
}

/// A secret of 16 bytes on its way through the control pipe; never shown.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyText(String);

impl KeyText {
    /// Wraps a file key.
    #[must_use]
    pub fn of(key: &dataset_core::seal::FileKey) -> Self {
        Self(hex::encode(key.expose()))
    }

    /// The file key, if the text is one.
    #[must_use]
    pub fn key(&self) -> Option<dataset_core::seal::FileKey> {
        let mut bytes = [0; dataset_core::seal::FileKey::LEN];
        hex::decode_to_slice(&self.0, &mut bytes).ok()?;
        Some(dataset_core::seal::FileKey::from_bytes(&bytes))
    }
}

impl std::fmt::Debug for KeyText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyText(secret)")
    }
}

/// What the child is to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Task {
    /// Open, check, grade and rewrite a provider's file.
    Assess(AssessTask),
    /// Take from one contribution what its rows are compared with others by.
    Items(ItemsTask),
    /// Take from one contribution the order-free fingerprints of its rows.
    Prints(ItemsTask),
    /// Weigh contributions and join their kept rows.
    Compose(ComposeTask),
    /// Try what must not be possible.
    Probe(ProbeTask),
}

/// See [`Task::Assess`]. Input 0 is the sealed file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AssessTask {
    /// Key of the sealed file.
    pub key: KeyText,
    /// Where output is sealed to.
    pub recipient: String,
    /// SHA-256 the provider claimed for the plaintext, hexadecimal.
    pub claimed_sha256: String,
    /// Column contract of the dataset, once it has one.
    pub contract: Option<Value>,
    /// Time that timeliness is measured at.
    pub as_of: DateTime<Utc>,
    /// Most bytes the file may decode to.
    pub max_decoded_bytes: u64,
    /// The dataset's current revision: its preview is input 1.
    #[serde(default)]
    pub earlier: Option<EarlierTask>,
}

/// A revision that is compared with: the sealed preview holds what is remembered of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EarlierTask {
    /// What it is called in the report.
    pub name: String,
    /// Key of its preview.
    pub key: KeyText,
}

/// See [`Task::Items`] and [`Task::Prints`]. Input 0 is the cleaned file: of one contribution,
/// so that none can say anything about another.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ItemsTask {
    /// Key of the cleaned file.
    pub key: KeyText,
    /// Column contract of the dataset.
    pub contract: Value,
    /// Most bytes the file may decode to.
    pub max_decoded_bytes: u64,
}

/// See [`Task::Compose`]. Inputs are the marks of all holdings, then the items of those that
/// have an `items_key`, then the rows of all claims, then the cleaned files of those that have a
/// `part_key`, in the same order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ComposeTask {
    /// Contributions by receipt.
    pub holdings: Vec<HoldingTask>,
    /// Where output is sealed to.
    pub recipient: String,
    /// Column contract of the dataset.
    pub contract: Value,
    /// Time that timeliness is measured at.
    pub as_of: DateTime<Utc>,
    /// Whether the rows are only weighed: then nothing is written.
    pub weigh_only: bool,
    /// Most bytes the parts may decode to.
    pub max_decoded_bytes: u64,
}

/// One contribution to be weighed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HoldingTask {
    /// The contribution.
    pub contribution: Uuid,
    /// Who earns.
    pub party: Uuid,
    /// The person or house behind the party: what several of its parties hold is held once.
    pub entity: Uuid,
    /// Its receipt.
    pub receipt_no: u64,
    /// Last receipt given when it was first published.
    pub published_mark: Option<u64>,
    /// Q in hundredths.
    pub grade: u32,
    /// Whether its held-out rows judge what the rows of others teach.
    pub judges: bool,
    /// Whether it is part of what is weighed; else it keeps its priority and earns nothing.
    pub standing: bool,
    /// Key of its marks.
    pub marks_key: KeyText,
    /// Key of its items, where the contract looks for near duplicates.
    pub items_key: Option<KeyText>,
    /// Claims on rows of it, the one that goes first before the others.
    #[serde(default)]
    pub claims: Vec<ClaimTask>,
    /// Key of its cleaned file; absent where no row of it is read.
    pub part_key: Option<KeyText>,
}

/// What somebody else is paid for rows of a contribution, or what is held until that is decided.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ClaimTask {
    /// Who gets what the rows weigh.
    pub payee: Uuid,
    /// Key of the file that says which rows: one bit each, the lowest of a byte first.
    pub key: KeyText,
}

/// See [`Task::Probe`].
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ProbeTask {
    /// Address to connect to.
    pub connect: Option<String>,
    /// File to open.
    pub open: Option<String>,
    /// Whether to take memory until stopped.
    pub hog: bool,
    /// Whether to work until stopped.
    pub spin: bool,
    /// Whether to abort.
    pub abort: bool,
    /// Whether to panic with a message that must not be seen anywhere.
    pub panic: Option<String>,
}

/// What the child says.
#[derive(Debug, Clone)]
pub enum Frame {
    /// First: the limits it gave itself.
    Limits(Vec<Limit>),
    /// What it is doing.
    Stage(String),
    /// Unkeyed fingerprints of the next rows.
    Marks(Vec<u8>),
    /// What the next rows consist of: of each the number of its items (four bytes, little
    /// endian), then the items, eight bytes each.
    Items(Vec<u8>),
    /// Unkeyed fingerprints of the next rows, order-free: records of [`PRINT_LEN`] bytes.
    Prints(Vec<u8>),
    /// What it found: the last frame.
    Finding(Box<Finding>),
    /// Weights, before any cleaned file is opened.
    Weighed(Box<Weighed>),
}

/// How a task ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Finding {
    /// The file is good.
    Assessed(AssessedFinding),
    /// All items, or all fingerprints, are said: of so many rows.
    Itemised(u64),
    /// The revision is written.
    Composed(ComposedFinding),
    /// The weights are said; nothing was to be written.
    Weighed,
    /// What the child could do that it must not.
    Probed(BTreeMap<String, String>),
    /// The file is refused.
    Refused {
        /// Stable code.
        code: String,
        /// Names limit, row or column.
        message: String,
        /// The report, when it came that far.
        report: Option<Value>,
    },
    /// The node's own disk or data failed, not the file.
    Broken {
        /// Whether the disk is full.
        full: bool,
        /// What failed.
        message: String,
    },
}

/// A good file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AssessedFinding {
    /// Rows.
    pub rows: u64,
    /// Q in hundredths.
    pub grade: u32,
    /// Report: counts and row numbers, no values.
    pub report: Value,
    /// The contract in force, inferred when there was none.
    pub contract: Value,
    /// Sketches of rows, key and columns; their hashes have no key yet.
    pub sketches: Vec<Sketch>,
}

/// A written revision.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ComposedFinding {
    /// Rows.
    pub rows: u64,
    /// Q in hundredths.
    pub grade: u32,
    /// Report: counts and row numbers, no values.
    pub report: Value,
    /// Size of the Parquet file in bytes.
    pub size: u64,
    /// SHA-256 of the Parquet file, hexadecimal.
    pub sha256: String,
}

impl Frame {
    /// Writes the frame.
    ///
    /// # Errors
    /// The writer's, or when the frame is longer than [`MAX_FRAME`].
    pub fn write(&self, writer: &mut impl Write) -> io::Result<()> {
        let (kind, body) = match self {
            Self::Limits(limits) => (b'L', serde_json::to_vec(limits)?),
            Self::Stage(text) => (b'S', text.clone().into_bytes()),
            Self::Marks(bytes) => (b'M', bytes.clone()),
            Self::Items(bytes) => (b'I', bytes.clone()),
            Self::Prints(bytes) => (b'P', bytes.clone()),
            Self::Finding(finding) => (b'F', serde_json::to_vec(finding)?),
            Self::Weighed(weighed) => (b'W', serde_json::to_vec(weighed)?),
        };
        write_frame(writer, kind, &body)
    }

    /// Reads the next frame; `None` at a clean end.
    ///
    /// # Errors
    /// The reader's, or `InvalidData` for anything but a frame.
    pub fn read(reader: &mut impl Read) -> io::Result<Option<Self>> {
        let Some((kind, body)) = read_frame(reader)? else {
            return Ok(None);
        };
        let frame = match kind {
            b'L' => Self::Limits(serde_json::from_slice(&body)?),
            b'S' => Self::Stage(plain(&String::from_utf8_lossy(&body), 200)),
            b'M' if body.len() % MARK_LEN == 0 => Self::Marks(body),
            b'I' => Self::Items(body),
            b'P' if body.len() % PRINT_LEN == 0 => Self::Prints(body),
            b'F' => Self::Finding(serde_json::from_slice(&body)?),
            b'W' => Self::Weighed(serde_json::from_slice(&body)?),
            _ => return Err(io::Error::from(io::ErrorKind::InvalidData)),
        };
        Ok(Some(frame))
    }
}

/// Writes a value as a control frame.
///
/// # Errors
/// The writer's.
pub fn write_control(writer: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    write_frame(writer, b'C', &serde_json::to_vec(value)?)
}

/// Reads a value from a control frame.
///
/// # Errors
/// The reader's, or `InvalidData`.
pub fn read_control<T: for<'de> Deserialize<'de>>(reader: &mut impl Read) -> io::Result<T> {
    match read_frame(reader)? {
        Some((b'C', body)) => Ok(serde_json::from_slice(&body)?),
        _ => Err(io::Error::from(io::ErrorKind::InvalidData)),
    }
}

fn write_frame(writer: &mut impl Write, kind: u8, body: &[u8]) -> io::Result<()> {
    let length = u32::try_from(body.len())
        .ok()
        .filter(|length| *length <= MAX_FRAME);
    let length = length.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    writer.write_all(&[kind])?;
    writer.write_all(&length.to_le_bytes())?;
    writer.write_all(body)?;
    writer.flush()
}

fn read_frame(reader: &mut impl Read) -> io::Result<Option<(u8, Vec<u8>)>> {
    let mut kind = [0; 1];
    if reader.read(&mut kind)? == 0 {
        return Ok(None);
    }
    let mut length = [0; 4];
    reader.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length > MAX_FRAME {
        return Err(io::Error::from(io::ErrorKind::InvalidData));
    }
    // Room grows with what arrives, not with what is claimed.
    let mut body = Vec::new();
    if reader.take(u64::from(length)).read_to_end(&mut body)? < length as usize {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
    }
    Ok(Some((kind[0], body)))
}

/// A code as it may be stored: `[a-z0-9_]`, at most 64 characters.
#[must_use]
pub fn plain_code(code: &str) -> String {
    let kept: String = code
        .chars()
        .filter(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '_')
        .take(64)
        .collect();
    if kept.is_empty() {
        "checker_refused".to_owned()
    } else {
        kept
    }
}

/// A text as it may be stored: without control characters, cut to `limit` characters.
#[must_use]
pub fn plain(text: &str, limit: usize) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(limit)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_back_and_lies_refused() {
        let mut bytes = Vec::new();
        Frame::Stage("opening".into()).write(&mut bytes).unwrap();
        Frame::Marks(vec![7; 2 * MARK_LEN])
            .write(&mut bytes)
            .unwrap();
        let mut reader = &bytes[..];
        assert!(
            matches!(Frame::read(&mut reader), Ok(Some(Frame::Stage(text))) if text == "opening")
        );
        assert!(matches!(Frame::read(&mut reader), Ok(Some(Frame::Marks(m))) if m.len() == 40));
        assert!(matches!(Frame::read(&mut reader), Ok(None)));
        for wrong in [
            &b"M\x03\0\0\0abc"[..],
            b"P\x03\0\0\0abc",
            b"S\xff\xff\xff\xff",
            b"S\x05\0\0\0ab",
            b"X\0\0\0\0",
            b"F\x01\0\0\0{",
        ] {
            assert!(Frame::read(&mut &wrong[..]).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_frame_is_bounded_at_its_limit() {
        assert!(write_frame(&mut io::sink(), b'M', &vec![0; MAX_FRAME as usize]).is_ok());
        assert!(write_frame(&mut io::sink(), b'M', &vec![0; MAX_FRAME as usize + 1]).is_err());
    }

    #[test]
    fn what_is_stored_of_a_childs_words_is_plain() {
        assert_eq!(plain_code("parquet_range"), "parquet_range");
        assert_eq!(plain_code("<script>\n"), "script");
        assert_eq!(plain_code("É"), "checker_refused");
        assert_eq!(plain("a\u{1b}[31mb\n", 4), "a[31");
    }

    #[test]
    fn keys_never_show() {
        let key = KeyText::of(&dataset_core::seal::FileKey::from_bytes(&[0xab; 16]));
        assert_eq!(format!("{key:?}"), "KeyText(secret)");
        assert_eq!(key.key().unwrap().expose(), &[0xab; 16]);
    }
}
