//! What a page really unpacks to.
//!
//! Decoders of gzip, Brotli and LZ4 frames write until their input ends: a page of 64 MiB
//! that claims to unpack to a kilobyte can unpack to 64 GiB, all of it in memory. Here the
//! bytes are counted and thrown away, and counting ends one byte behind the claim. The
//! decoders of Snappy, Zstandard and raw LZ4 are given room for the claim and stop there.

use std::io::{self, BufReader, Read};

/// Ways of packing whose decoder stops at no length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    Gzip,
    Brotli,
    /// In its frame format, which a reader tries when a page marked LZ4 is not in Hadoop's.
    Lz4Frame,
}

/// Room of the decoders that want some.
const BUFFER: usize = 32 * 1024;

impl Codec {
    /// By the number of the format, if its decoder is not bounded by itself.
    pub fn unbounded(number: i64) -> Option<Self> {
        match number {
            2 => Some(Self::Gzip),
            4 => Some(Self::Brotli),
            5 => Some(Self::Lz4Frame),
            _ => None,
        }
    }

    /// Whether the input unpacks to at most `claimed` bytes. Input that cannot be unpacked
    /// counts as far as it could be: the decoder will name what is wrong with it.
    ///
    /// # Errors
    /// Those of reading the input.
    pub fn unpacks_within(self, packed: impl Read, claimed: u64) -> io::Result<bool> {
        let mut source = Source {
            inner: BufReader::with_capacity(BUFFER, packed),
            fault: None,
        };
        let within = match self {
            Self::Gzip => count(flate2::bufread::MultiGzDecoder::new(&mut source), claimed),
            Self::Brotli => count(brotli::Decompressor::new(&mut source, BUFFER), claimed),
            Self::Lz4Frame => count(lz4_flex::frame::FrameDecoder::new(&mut source), claimed),
        };
        match source.fault {
            Some(fault) => Err(fault),
            None => Ok(within),
        }
    }
}

/// Whether at most `claimed` bytes come before the end or the first fault.
fn count(mut unpacked: impl Read, claimed: u64) -> bool {
    let mut limited = (&mut unpacked).take(claimed.saturating_add(1));
    let mut buffer = [0; BUFFER];
    let mut found = 0u64;
    loop {
        match limited.read(&mut buffer) {
            Ok(0) | Err(_) => return found <= claimed,
            Ok(length) => found += length as u64,
        }
    }
}

/// Input that remembers why it could not be read, which decoders put into their own words.
struct Source<R> {
    inner: BufReader<R>,
    fault: Option<io::Error>,
}

impl<R> Source<R> {
    fn note<T>(&mut self, error: io::Error) -> io::Result<T> {
        let kind = error.kind();
        self.fault = Some(error);
        Err(kind.into())
    }
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).or_else(|error| self.note(error))
    }
}

impl<R: Read> io::BufRead for Source<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if let Err(error) = self.inner.fill_buf() {
            return self.note(error);
        }
        Ok(self.inner.buffer())
    }

    fn consume(&mut self, amount: usize) {
        self.inner.consume(amount);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn packed(codec: Codec, plain: &[u8]) -> Vec<u8> {
        match codec {
            Codec::Gzip => {
                let mut out = flate2::write::GzEncoder::new(Vec::new(), Default::default());
                out.write_all(plain).unwrap();
                out.finish().unwrap()
            }
            Codec::Brotli => {
                let mut out = Vec::new();
                brotli::CompressorWriter::new(&mut out, 4096, 5, 20)
                    .write_all(plain)
                    .unwrap();
                out
            }
            Codec::Lz4Frame => {
                let mut out = lz4_flex::frame::FrameEncoder::new(Vec::new());
                out.write_all(plain).unwrap();
                out.finish().unwrap()
            }
        }
    }

    const ALL: [Codec; 3] = [Codec::Gzip, Codec::Brotli, Codec::Lz4Frame];

    #[test]
    fn counts_to_the_byte() {
        let plain = vec![7; 1_000_000];
        for codec in ALL {
            let packed = packed(codec, &plain);
            assert!(packed.len() < 20_000, "{codec:?}");
            let within = |claimed| codec.unpacks_within(&packed[..], claimed).unwrap();
            assert!(within(1_000_000), "{codec:?}");
            assert!(!within(999_999), "{codec:?}");
            assert!(!within(0), "{codec:?}");
        }
    }

    #[test]
    fn two_gzip_members_count_together() {
        let mut two = packed(Codec::Gzip, &[1; 500]);
        two.extend(packed(Codec::Gzip, &[2; 500]));
        assert!(Codec::Gzip.unpacks_within(&two[..], 1_000).unwrap());
        assert!(!Codec::Gzip.unpacks_within(&two[..], 999).unwrap());
    }

    #[test]
    fn what_cannot_be_unpacked_is_left_to_the_decoder() {
        for codec in ALL {
            assert!(codec.unpacks_within(&b"no such thing"[..], 100).unwrap());
            assert!(codec.unpacks_within(&b""[..], 0).unwrap());
        }
    }

    #[test]
    fn a_reader_that_fails_is_named() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("the seal is broken"))
            }
        }
        for codec in ALL {
            let error = codec.unpacks_within(Broken, 100).unwrap_err();
            assert_eq!(error.to_string(), "the seal is broken");
        }
    }
}
