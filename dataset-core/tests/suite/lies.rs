//! Files that say one thing and hold another, each with its verdict: statistics, checksums,
//! and pages that unpack to more than they claim.

use std::io::{Cursor, Write};

use dataset_core::{
    error::Coded,
    pack::pack,
    preflight::{Limits, preflight},
    seal::{self, Identity},
};

use crate::hostile::{Chunk, PLAIN, Page, Spec};
use crate::memory;

const MIB: usize = 1024 * 1024;
const GZIP: i64 = 2;
const BROTLI: i64 = 4;
const LZ4: i64 = 5;
const ZSTD: i64 = 6;

/// The number of rows, or the code of the refusal; and the most memory it took.
fn judged(file: Vec<u8>) -> (String, usize) {
    let limits = Limits {
        decoded_len: 64 * MIB as u64,
        ..Limits::default()
    };
    memory::peak(|| {
        let claims = preflight(&mut Cursor::new(&file), &limits);
        let packed = claims.and_then(|claims| {
            pack(Cursor::new(file), &claims, &limits, Vec::new()).map(|(_, packed)| packed.rows)
        });
        packed.map_or_else(|refusal| refusal.code().to_owned(), |rows| rows.to_string())
    })
}

fn verdict(file: Vec<u8>) -> String {
    judged(file).0
}

fn of_chunk(change: impl FnOnce(&mut Chunk)) -> Vec<u8> {
    let mut spec = Spec::valid();
    change(&mut spec.groups[0].chunks[0]);
    spec.build()
}

#[test]
fn statistics_may_lie_and_are_not_believed() {
    let file = of_chunk(|chunk| {
        chunk.statistics = Some((vec![0xff; 8], vec![0x80; 8], i64::MAX));
    });
    assert_eq!(verdict(file), "3");
}

#[test]
fn a_wrong_checksum_is_found() {
    assert_eq!(
        verdict(of_chunk(|chunk| chunk.pages[0].crc = Some(12_345))),
        "parquet_corrupt"
    );
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    out.write_all(plain).unwrap();
    out.finish().unwrap()
}

fn brotli(plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    brotli::CompressorWriter::new(&mut out, 64 * 1024, 5, 22)
        .write_all(plain)
        .unwrap();
    out
}

fn lz4(plain: &[u8]) -> Vec<u8> {
    let mut out = lz4_flex::frame::FrameEncoder::new(Vec::new());
    out.write_all(plain).unwrap();
    out.finish().unwrap()
}

fn zstd(plain: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(plain, 3).unwrap()
}

type Pack = fn(&[u8]) -> Vec<u8>;

const CODECS: [(i64, Pack); 4] = [(GZIP, gzip), (BROTLI, brotli), (LZ4, lz4), (ZSTD, zstd)];

/// A column of `values` packed as `body`, which claims to unpack to `claimed` bytes.
fn packed_page(codec: i64, values: i64, body: Vec<u8>, claimed: i64) -> Vec<u8> {
    let mut spec = Spec::valid();
    spec.rows = values;
    spec.groups[0].rows = values;
    let chunk = &mut spec.groups[0].chunks[0];
    chunk.codec = codec;
    chunk.values = values;
    let mut page = Page::data(values, PLAIN, body);
    page.unpacked = Some(claimed);
    chunk.pages = vec![page];
    spec.build()
}

#[test]
fn packed_pages_are_read() {
    for (codec, pack) in CODECS {
        let body = pack(&[0; 8_000]);
        let file = packed_page(codec, 1_000, body, 8_000);
        assert_eq!(verdict(file), "1000", "codec {codec}");
    }
}

#[test]
fn a_page_that_unpacks_to_more_than_it_claims_takes_no_memory() {
    // 128 MiB in a page that claims to be 8 kB.
    let bomb = vec![0; 128 * MIB];
    for (codec, pack) in CODECS {
        let body = pack(&bomb);
        let file = packed_page(codec, 1_000, body, 8_000);
        let length = file.len();
        let (found, peak) = judged(file);
        let expected = match codec {
            ZSTD => "parquet_corrupt",
            _ => "parquet_page_lies",
        };
        assert_eq!(found, expected, "codec {codec}");
        assert!(
            peak < 2 * length + 16 * MIB,
            "codec {codec}: {peak} bytes of memory for a file of {length}"
        );
    }
}

#[test]
fn a_page_may_not_claim_more_than_the_file_can_hold() {
    for (codec, pack) in CODECS {
        let body = pack(&vec![0; 8 * MIB]);
        // Honest, and more than a thousand times the file.
        let values = MIB as i64;
        let file = packed_page(codec, values, body, 8 * MIB as i64);
        let expected = if 8 * MIB > 1_000 * file.len() {
            "parquet_ratio".to_owned()
        } else {
            values.to_string()
        };
        assert_eq!(verdict(file), expected, "codec {codec}");
    }
}

#[test]
fn a_seal_cut_at_every_chunk_is_refused() {
    let node = Identity::generate();
    let mut spec = Spec::valid();
    let rows = 40_000;
    spec.rows = rows;
    spec.groups[0].rows = rows;
    spec.groups[0].chunks[0] = Chunk::plain("a", rows);
    let mut sealed = Vec::new();
    seal::seal(&mut &spec.build()[..], &mut sealed, &[node.to_recipient()]).unwrap();
    let payload = sealed.len() - (sealed.len() - 184) % (64 * 1024 + 16);
    let limits = Limits::default();
    let mut cuts: Vec<usize> = (0..sealed.len()).step_by(64 * 1024).collect();
    cuts.extend((184..payload).step_by(64 * 1024 + 16));
    cuts.extend([1, 100, 183, 184, 185, 200, sealed.len() - 1]);
    assert!(cuts.len() > 12);
    for cut in cuts {
        let part = sealed[..cut].to_vec();
        let refused = match seal::open(Cursor::new(part), &node) {
            Err(error) => error.code().to_owned(),
            Ok(mut plaintext) => match preflight(&mut plaintext, &limits) {
                Err(refusal) => refusal.code().to_owned(),
                Ok(_) => panic!("cut at {cut}: accepted"),
            },
        };
        assert!(refused.starts_with("seal_"), "cut at {cut}: {refused}");
    }
}

#[test]
fn a_flood_of_stanzas_is_refused_at_once() {
    let line = "-> X25519 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n\
                AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n";
    let mac = "A".repeat(43);
    let node = Identity::generate();
    for stanzas in [21, 150, 5_000] {
        let file = format!(
            "age-encryption.org/v1\n{}--- {mac}\n{}",
            line.repeat(stanzas),
            "x".repeat(100)
        );
        let started = std::time::Instant::now();
        let error = seal::open(Cursor::new(file.into_bytes()), &node)
            .err()
            .unwrap();
        assert!(
            ["seal_header_too_large", "seal_too_many_stanzas"].contains(&error.code()),
            "{stanzas}: {}",
            error.code()
        );
        assert!(started.elapsed().as_secs() < 1);
    }
}
