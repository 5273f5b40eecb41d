//! What a child says of rows, keyed and sealed before it is kept: neither a stolen disk nor
//! whoever reads the node's files learns which values a row has.

use std::fs::File;
use std::io::{BufWriter, Write};

use dataset_core::seal::Sealer;
use quality::contain::COUNTED;
use quality::near::MOST_ITEMS;
use ring::hmac;

use super::wire::{MARK_LEN, PRINT_LEN};
use crate::blobs::{Staged, storage_fault};
use crate::ctx::Ctx;
use crate::error::Fault;

/// A file that is written sealed to the node.
struct Sealing {
    staged: Staged,
    sealer: Sealer<BufWriter<File>>,
}

impl Sealing {
    fn new(ctx: &Ctx) -> Result<Self, Fault> {
        let staged = ctx.blobs.stage()?;
        let writer = BufWriter::with_capacity(128 * 1024, staged.handle()?);
        let sealer = Sealer::new(writer, &[ctx.keys.recipient()]).map_err(Fault::internal)?;
        Ok(Self { staged, sealer })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.sealer.write_all(bytes).map_err(storage_fault)
    }

    fn finish(self) -> Result<Staged, Fault> {
        let mut writer = self.sealer.finish().map_err(Fault::internal)?;
        writer.flush().map_err(storage_fault)?;
        Ok(self.staged)
    }
}

/// Keys the fingerprints a child sends, and seals them.
pub(super) struct MarkWriter {
    sealing: Sealing,
    key: hmac::Key,
    rows: u64,
}

impl MarkWriter {
    pub fn new(ctx: &Ctx) -> Result<Self, Fault> {
        Ok(Self {
            sealing: Sealing::new(ctx)?,
            key: ctx.keys.fingerprints().clone(),
            rows: 0,
        })
    }

    /// Rows beyond what any file may have are not kept: then no file has as many.
    pub fn write(&mut self, records: &[u8]) -> Result<(), Fault> {
        if self.rows > u64::from(u32::MAX) {
            return Ok(());
        }
        let mut keyed = Vec::with_capacity(records.len());
        for record in records.chunks_exact(MARK_LEN) {
            let (fingerprint, quality) = record.split_at(16);
            let tag = hmac::sign(&self.key, fingerprint);
            keyed.extend(tag.as_ref().iter().take(16));
            keyed.extend(quality);
            self.rows += 1;
        }
        self.sealing.write(&keyed)
    }

    /// The sealed marks, if there is one for each row.
    pub fn finish(self, rows: u64) -> Result<Option<Staged>, Fault> {
        if self.rows != rows {
            return Ok(None);
        }
        self.sealing.finish().map(Some)
    }
}

/// Goes before an item under the key, so that no item is the fingerprint of a row.
const ITEM: &[u8] = b"item";

/// Keys what rows consist of, and seals it.
pub(super) struct ItemWriter {
    sealing: Sealing,
    key: hmac::Key,
    rows: u64,
    bytes: u64,
    /// Bytes of the largest file that is kept.
    most: u64,
    sound: bool,
}

impl ItemWriter {
    pub fn new(ctx: &Ctx) -> Result<Self, Fault> {
        Ok(Self {
            sealing: Sealing::new(ctx)?,
            key: ctx.keys.fingerprints().clone(),
            rows: 0,
            bytes: 0,
            most: ctx.config.max_decoded_bytes,
            sound: true,
        })
    }

    /// Takes whole rows; after the first that is none, nothing is kept.
    pub fn write(&mut self, records: &[u8]) -> Result<(), Fault> {
        self.bytes += records.len() as u64;
        self.sound &= self.bytes <= self.most;
        let mut keyed = Vec::with_capacity(records.len());
        let mut rest = records;
        while self.sound && !rest.is_empty() {
            let row = row(rest);
            self.sound = row.is_some();
            let Some((items, after)) = row else {
                break;
            };
            keyed.extend(((items.len() / 8) as u32).to_le_bytes());
            for item in items.chunks_exact(8) {
                let mut context = hmac::Context::with_key(&self.key);
                context.update(ITEM);
                context.update(item);
                keyed.extend(context.sign().as_ref().iter().take(8));
            }
            rest = after;
            self.rows += 1;
        }
        match self.sound {
            true => self.sealing.write(&keyed),
            false => Ok(()),
        }
    }

    /// The sealed items, if they are those of so many rows.
    pub fn finish(self, rows: u64) -> Result<Option<Staged>, Fault> {
        if !self.sound || self.rows != rows {
            return Ok(None);
        }
        self.sealing.finish().map(Some)
    }
}

/// Goes before an order-free fingerprint under the key, then what it is of.
const PRINT: &[u8] = b"print";

/// Keys the order-free fingerprints of rows, and seals them.
pub(super) struct PrintWriter {
    staged: Staged,
    sealer: Sealer<BufWriter<File>>,
    key: hmac::Key,
    rows: u64,
}

impl PrintWriter {
    pub fn new(ctx: &Ctx) -> Result<Self, Fault> {
        let staged = ctx.blobs.stage()?;
        let writer = BufWriter::with_capacity(128 * 1024, staged.handle()?);
        let sealer = Sealer::new(writer, &[ctx.keys.recipient()]).map_err(Fault::internal)?;
        Ok(Self {
            staged,
            sealer,
            key: ctx.keys.sketches().clone(),
            rows: 0,
        })
    }

    /// Rows beyond what any file may have are not kept: then no file has as many.
    pub fn write(&mut self, records: &[u8]) -> Result<(), Fault> {
        if self.rows > u64::from(u32::MAX) {
            return Ok(());
        }
        let mut keyed = Vec::with_capacity(records.len());
        for record in records.chunks_exact(PRINT_LEN) {
            for (kind, print) in COUNTED.iter().zip(record.chunks_exact(16)) {
                keyed.extend(keyed_print(&self.key, kind.name(), print));
            }
            self.rows += 1;
        }
        self.sealer.write_all(&keyed).map_err(storage_fault)
    }

    /// The sealed fingerprints, if there are those of each row.
    pub fn finish(self, rows: u64) -> Result<Option<Staged>, Fault> {
        if self.rows != rows {
            return Ok(None);
        }
        let mut writer = self.sealer.finish().map_err(Fault::internal)?;
        writer.flush().map_err(storage_fault)?;
        Ok(Some(self.staged))
    }
}

/// Rows, rounded rows and keys do not meet; nothing stays nothing.
fn keyed_print(key: &hmac::Key, kind: &str, print: &[u8]) -> [u8; 16] {
    let mut keyed = [0; 16];
    if print.iter().all(|byte| *byte == 0) {
        return keyed;
    }
    let mut context = hmac::Context::with_key(key);
    context.update(PRINT);
    context.update(kind.as_bytes());
    context.update(print);
    for (byte, of_tag) in keyed.iter_mut().zip(context.sign().as_ref()) {
        *byte = *of_tag;
    }
    keyed
}

/// The items of the first row, and what comes after them.
fn row(records: &[u8]) -> Option<(&[u8], &[u8])> {
    let (count, rest) = records.split_first_chunk::<4>()?;
    let count = u32::from_le_bytes(*count) as usize;
    (count <= MOST_ITEMS).then_some(())?;
    rest.split_at_checked(count * 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_are_keyed_by_what_they_are_of() {
        let key = |secret: u8| hmac::Key::new(hmac::HMAC_SHA256, &[secret; 32]);
        let print = keyed_print(&key(1), "rows", &[7; 16]);
        assert_eq!(print, keyed_print(&key(1), "rows", &[7; 16]));
        assert_ne!(print, keyed_print(&key(1), "loose", &[7; 16]));
        assert_ne!(print, keyed_print(&key(2), "rows", &[7; 16]));
        assert_ne!(print, [7; 16]);
        assert_eq!(keyed_print(&key(1), "key", &[0; 16]), [0; 16]);
    }

    #[test]
    fn rows_are_whole_and_bounded() {
        let two = [2u32.to_le_bytes().as_slice(), &[7; 16], &[0; 4]].concat();
        let (items, rest) = row(&two).expect("a row");
        assert_eq!((items.len(), rest), (16, &[0; 4][..]));
        assert_eq!(row(rest), Some((&[][..], &[][..])));
        assert_eq!(row(&two[..19]), None, "an item is cut");
        assert_eq!(row(&two[..3]), None, "the number is cut");
        let many = [
            (MOST_ITEMS as u32 + 1).to_le_bytes().to_vec(),
            vec![0; 8 * MOST_ITEMS + 8],
        ];
        assert_eq!(row(&many.concat()), None, "more than are kept");
    }
}
