//! A reader of the Thrift compact protocol that believes nothing.
//!
//! Generated parsers make room for what a length or a count claims. Here every
//! claim is compared with the bytes that are left, values are borrowed, and
//! whatever is not asked for is skipped with a bounded stack. The work is
//! linear in the bytes read.

/// Why the bytes are not Thrift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The bytes end in the middle of a value.
    Truncated,
    /// A list or map claims more entries than bytes are left.
    ListTooLong,
    /// Structures inside structures beyond any sense.
    TooDeep,
    /// A value that the protocol does not know.
    Bad(&'static str),
}

/// Wire types of the compact protocol.
pub(super) mod wire {
    pub const TRUE: u8 = 1;
    pub const FALSE: u8 = 2;
    pub const I8: u8 = 3;
    pub const I16: u8 = 4;
    pub const I32: u8 = 5;
    pub const I64: u8 = 6;
    pub const DOUBLE: u8 = 7;
    pub const BINARY: u8 = 8;
    pub const LIST: u8 = 9;
    pub const SET: u8 = 10;
    pub const MAP: u8 = 11;
    pub const STRUCT: u8 = 12;
    pub const UUID: u8 = 13;
}

const MAX_SKIP_DEPTH: u32 = 24;
const MAX_VARINT_LEN: usize = 10;

pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bytes read so far.
    pub fn position(&self) -> usize {
        self.at
    }

    fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    fn byte(&mut self) -> Result<u8, Fault> {
        let byte = *self.bytes.get(self.at).ok_or(Fault::Truncated)?;
        self.at += 1;
        Ok(byte)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        if length > self.left() {
            return Err(Fault::Truncated);
        }
        let taken = &self.bytes[self.at..self.at + length];
        self.at += length;
        Ok(taken)
    }

    fn varint(&mut self) -> Result<u64, Fault> {
        let mut value = 0u64;
        for index in 0..MAX_VARINT_LEN {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Fault::Bad("a number is too long"))
    }

    /// An integer of any width.
    pub fn integer(&mut self, kind: u8) -> Result<i64, Fault> {
        match kind {
            wire::I16 | wire::I32 | wire::I64 => {
                let value = self.varint()?;
                Ok((value >> 1) as i64 ^ -((value & 1) as i64))
            }
            wire::I8 => self.byte().map(|byte| i64::from(byte as i8)),
            _ => Err(Fault::Bad("an integer is of another type")),
        }
    }

    /// Bytes or text, borrowed.
    pub fn binary(&mut self, kind: u8) -> Result<&'a [u8], Fault> {
        if kind != wire::BINARY {
            return Err(Fault::Bad("a text is of another type"));
        }
        let length = self.varint()?;
        self.take(usize::try_from(length).map_err(|_| Fault::Truncated)?)
    }

    /// The head of a list: type and number of its elements. Every element takes
    /// at least one byte, so the number is bounded by the bytes left.
    pub fn list(&mut self, kind: u8) -> Result<(u8, usize), Fault> {
        if kind != wire::LIST && kind != wire::SET {
            return Err(Fault::Bad("a list is of another type"));
        }
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => self.varint()?,
            short => u64::from(short),
        };
        self.bounded(count, 1).map(|count| (head & 0x0f, count))
    }

    fn bounded(&self, count: u64, bytes_each: u64) -> Result<usize, Fault> {
        if count.saturating_mul(bytes_each) > self.left() as u64 {
            return Err(Fault::ListTooLong);
        }
        Ok(count as usize)
    }

    /// Reads the fields of a structure. `visit` gets reader, field id and wire
    /// type and says whether it has read the value; otherwise it is skipped.
    pub fn fields<E: From<Fault>>(
        &mut self,
        mut visit: impl FnMut(&mut Self, i64, u8) -> Result<bool, E>,
    ) -> Result<(), E> {
        let mut id = 0;
        while let Some(kind) = self.field(&mut id)? {
            if !visit(self, id, kind)? {
                self.skip(kind, 0)?;
            }
        }
        Ok(())
    }

    /// The head of the next field; none at the end of the structure.
    fn field(&mut self, id: &mut i64) -> Result<Option<u8>, Fault> {
        let head = self.byte()?;
        if head == 0 {
            return Ok(None);
        }
        *id = match head >> 4 {
            0 => self.integer(wire::I16)?,
            delta => id.saturating_add(i64::from(delta)),
        };
        Ok(Some(head & 0x0f))
    }

    fn skip(&mut self, kind: u8, depth: u32) -> Result<(), Fault> {
        if depth > MAX_SKIP_DEPTH {
            return Err(Fault::TooDeep);
        }
        match kind {
            wire::TRUE | wire::FALSE => Ok(()),
            wire::I8 => self.take(1).map(drop),
            wire::I16 | wire::I32 | wire::I64 => self.varint().map(drop),
            wire::DOUBLE => self.take(8).map(drop),
            wire::BINARY => self.binary(kind).map(drop),
            wire::UUID => self.take(16).map(drop),
            wire::LIST | wire::SET => {
                let (element, count) = self.list(kind)?;
                (0..count).try_for_each(|_| self.skip_element(element, depth + 1))
            }
            wire::MAP => self.skip_map(depth + 1),
            wire::STRUCT => {
                let mut id = 0;
                while let Some(kind) = self.field(&mut id)? {
                    self.skip(kind, depth + 1)?;
                }
                Ok(())
            }
            _ => Err(Fault::Bad("a value is of an unknown type")),
        }
    }

    /// Inside lists and maps a boolean takes a byte; as a field it does not.
    fn skip_element(&mut self, kind: u8, depth: u32) -> Result<(), Fault> {
        match kind {
            wire::TRUE | wire::FALSE => self.take(1).map(drop),
            _ => self.skip(kind, depth),
        }
    }

    fn skip_map(&mut self, depth: u32) -> Result<(), Fault> {
        let count = self.varint()?;
        if count == 0 {
            return Ok(());
        }
        let kinds = self.byte()?;
        let count = self.bounded(count, 2)?;
        (0..count).try_for_each(|_| {
            self.skip_element(kinds >> 4, depth)?;
            self.skip_element(kinds & 0x0f, depth)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skip_one(kind: u8, bytes: &[u8]) -> Result<usize, Fault> {
        let mut reader = Reader::new(bytes);
        reader.skip(kind, 0).map(|()| reader.position())
    }

    #[test]
    fn claims_are_compared_with_what_is_left() {
        // A list of 2^31 - 1 one-byte integers in seven bytes.
        let huge = [0xf3, 0xff, 0xff, 0xff, 0xff, 0x07, 0];
        assert_eq!(skip_one(wire::LIST, &huge), Err(Fault::ListTooLong));
        // A map of the same size, and a text of 2^60 bytes.
        let map = [0xff, 0xff, 0xff, 0xff, 0x07, 0x33, 0];
        assert_eq!(skip_one(wire::MAP, &map), Err(Fault::ListTooLong));
        let text = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10, 0];
        assert_eq!(skip_one(wire::BINARY, &text), Err(Fault::Truncated));
        // What fits is passed to the last byte.
        assert_eq!(skip_one(wire::LIST, &[0x33, 1, 2, 3]), Ok(4));
        assert_eq!(skip_one(wire::MAP, &[1, 0x35, 7, 8]), Ok(4));
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| {
            // Lists of one list each, and an empty list in the middle.
            let mut bytes = vec![0x19; depth];
            bytes.push(0x03);
            bytes
        };
        let limit = MAX_SKIP_DEPTH as usize;
        assert_eq!(skip_one(wire::LIST, &nested(limit)), Ok(limit + 1));
        assert_eq!(
            skip_one(wire::LIST, &nested(limit + 1)),
            Err(Fault::TooDeep)
        );
        assert_eq!(
            skip_one(wire::STRUCT, &vec![0x1c; 100_000]),
            Err(Fault::TooDeep)
        );
    }

    #[test]
    fn integers_are_zigzag() {
        for (bytes, value) in [
            (&[0x00][..], 0),
            (&[0x01], -1),
            (&[0x02], 1),
            (
                &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
                i64::MIN,
            ),
        ] {
            assert_eq!(Reader::new(bytes).integer(wire::I64), Ok(value));
        }
        assert!(Reader::new(&[0xff; 11]).integer(wire::I64).is_err());
        assert!(Reader::new(&[0x80]).integer(wire::I64).is_err());
    }
}
