//! Damaged and strange files of apache/parquet-testing (see
//! `badparquet/README.md`) and our own hostile ones.

use std::{fs, io::Cursor, path::Path, time::Instant};

use dataset_core::{
    error::Coded,
    pack::pack,
    preflight::{Limits, preflight},
};

use crate::hostile;

/// Small enough that a file of some kilobytes cannot keep a test busy.
fn limits() -> Limits {
    Limits {
        decoded_len: 256 * 1024 * 1024,
        ..Limits::default()
    }
}

/// The number of rows as text, or the code and words of the refusal.
fn outcome(bytes: Vec<u8>) -> (String, String) {
    let result = preflight(&mut Cursor::new(&bytes), &limits()).and_then(|claims| {
        let result = std::panic::catch_unwind(|| {
            pack(Cursor::new(bytes), &claims, &limits(), Vec::new()).map(|(_, packed)| packed.rows)
        });
        result.unwrap_or_else(|_| panic!("the decoder panicked"))
    });
    match result {
        Ok(rows) => (rows.to_string(), String::new()),
        Err(refusal) => (refusal.code().to_owned(), refusal.to_string()),
    }
}

#[test]
fn every_bad_file_is_refused_or_read() {
    let expected = [
        ("ARROW-GH-41317.parquet", "unsupported_column_type"),
        ("ARROW-GH-41321.parquet", "unsupported_column_type"),
        ("ARROW-GH-43605.parquet", "21186"),
        ("ARROW-GH-45185.parquet", "unsupported_column_type"),
        ("ARROW-GH-47662.parquet", "parquet_corrupt"),
        ("ARROW-RS-GH-6229-DICTHEADER.parquet", "parquet_range"),
        ("ARROW-RS-GH-6229-LEVELS.parquet", "unsupported_column_type"),
        ("PARQUET-1481.parquet", "parquet_corrupt"),
        ("datapage_v1-corrupt-checksum.parquet", "parquet_corrupt"),
        ("dict-page-offset-zero.parquet", "parquet_range"),
        (
            "encrypt_columns_and_footer.parquet.encrypted",
            "parquet_encrypted",
        ),
        ("incorrect_map_schema.parquet", "unsupported_column_type"),
        ("large_string_map.brotli.parquet", "unsupported_column_type"),
        ("nation.dict-malformed.parquet", "parquet_range"),
        ("page_v2_empty_compressed.parquet", "10"),
        (
            "rle-dict-uncompressed-corrupt-checksum.parquet",
            "parquet_corrupt",
        ),
        ("uniform_encryption.parquet.encrypted", "parquet_encrypted"),
        ("unknown-logical-type.parquet", "3"),
    ];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/badparquet");
    let files = fs::read_dir(&folder)
        .unwrap()
        .filter(|entry| {
            let name = entry.as_ref().unwrap().file_name();
            name.to_string_lossy().contains(".parquet")
        })
        .count();
    assert_eq!(files, expected.len());
    let mut wrong = Vec::new();
    for (name, expected) in expected {
        let (found, words) = outcome(fs::read(folder.join(name)).unwrap());
        if found != expected {
            wrong.push(format!("{name}: {found}: {words}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn our_hostile_files_are_refused_quickly_with_their_code() {
    assert!(hostile::rle_bomb().len() <= 160);
    for file in hostile::parquet_files() {
        let started = Instant::now();
        let (found, words) = outcome(file.bytes);
        assert_eq!(found, file.code, "{}: {words}", file.name);
        assert!(started.elapsed().as_secs() < 1, "{}", file.name);
    }
}

#[test]
fn hostile_seals_are_refused_with_their_code() {
    use dataset_core::seal::{self, Identity};
    let node = Identity::generate();
    let mut sealed = Vec::new();
    let rows = vec![7; 200_000];
    seal::seal(&mut &rows[..], &mut sealed, &[node.to_recipient()]).unwrap();
    for file in hostile::seals(&sealed) {
        let started = Instant::now();
        let error = seal::open(Cursor::new(file.bytes), &node).err().unwrap();
        assert_eq!(error.code(), file.code, "{}", file.name);
        assert!(started.elapsed().as_secs() < 1, "{}", file.name);
    }
}

#[test]
fn a_damaged_seal_is_named_while_decoding() {
    use dataset_core::seal::{self, Header, Identity};
    let node = Identity::generate();
    let mut spec = hostile::Spec::valid();
    spec.rows = 100_000;
    spec.groups[0].rows = 100_000;
    spec.groups[0].chunks[0] = hostile::Chunk::plain("a", 100_000);
    let mut sealed = Vec::new();
    seal::seal(&mut &spec.build()[..], &mut sealed, &[node.to_recipient()]).unwrap();
    let payload = Header::read(&mut &sealed[..]).unwrap().payload_offset() as usize;
    sealed[payload + 300_000] ^= 1;

    // The page header is in the first chunk and the footer in the last one.
    let mut plaintext = seal::open(Cursor::new(sealed), &node).unwrap();
    let claims = preflight(&mut plaintext, &limits()).unwrap();
    let refusal = pack(plaintext, &claims, &limits(), Vec::new())
        .err()
        .unwrap();
    assert_eq!(refusal.code(), "seal_corrupt");
}
