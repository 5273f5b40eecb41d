//! Thousands of malformed files: none ends the decoder, takes much memory, or is believed.

use std::{fs, io::Cursor, path::Path};

use dataset_core::{
    error::Coded,
    pack::pack,
    preflight::{Limits, Refusal, preflight},
};

use crate::{malformed, memory};

/// Seeds of a usual run; `GRANARY_FUZZ_SEEDS` asks for more.
const SEEDS: u64 = 4_000;

const MIB: usize = 1024 * 1024;

fn seeds() -> u64 {
    std::env::var("GRANARY_FUZZ_SEEDS").map_or(SEEDS, |text| text.parse().expect("a number"))
}

fn limits() -> Limits {
    Limits {
        decoded_len: 64 * MIB as u64,
        ..Limits::default()
    }
}

/// Rows of the file, or why it is refused; fails with `name` on a panic or too much memory.
fn judged(name: &str, bytes: &[u8]) -> Result<u64, Refusal> {
    let length = bytes.len();
    let (claims, peak) = memory::peak(|| preflight(&mut Cursor::new(bytes), &limits()));
    assert!(
        peak <= 8 * length + 2 * MIB,
        "{name}: the pre-flight took {peak} bytes for a file of {length}"
    );
    let claims = claims?;
    let owned = bytes.to_vec();
    let (result, peak) = memory::peak(|| {
        std::panic::catch_unwind(|| {
            let packed = pack(Cursor::new(owned), &claims, &limits(), Vec::new());
            packed.map(|(_, packed)| packed.rows)
        })
    });
    assert!(peak <= 200 * MIB, "{name}: decoding took {peak} bytes");
    result.unwrap_or_else(|_| panic!("{name}: the decoder panicked"))
}

#[test]
fn the_rich_file_is_good() {
    let file = malformed::rich().build();
    assert_eq!(judged("rich", &file), Ok(16));
}

#[test]
fn what_a_file_says_about_itself_is_not_believed() {
    let (mut good, mut codes) = (0, std::collections::BTreeMap::new());
    for seed in 0..seeds() {
        match judged(&format!("lying({seed})"), &malformed::lying(seed)) {
            // Statistics, checksums and codecs of nothing may lie without changing a value.
            Ok(rows) => {
                assert_eq!(rows, 16, "lying({seed})");
                good += 1;
            }
            Err(refusal) => *codes.entry(refusal.code()).or_insert(0) += 1,
        }
    }
    assert!(good < seeds() / 2, "{good} of {} were good", seeds());
    for code in [
        "parquet_corrupt",
        "parquet_range",
        "parquet_row_count_mismatch",
        "parquet_page_too_large",
        "parquet_list_too_long",
    ] {
        assert!(codes.contains_key(code), "{code} never came: {codes:?}");
    }
}

#[test]
fn damaged_files_are_refused_or_read() {
    let mut files = vec![("rich".to_owned(), malformed::rich().build())];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/badparquet");
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    found.sort();
    for path in found {
        let bytes = fs::read(&path).unwrap();
        if path.to_string_lossy().contains(".parquet") && bytes.len() < 10_000 {
            files.push((path.file_name().unwrap().to_string_lossy().into(), bytes));
        }
    }
    assert!(files.len() > 10);
    for seed in 0..seeds() {
        let (name, file) = &files[seed as usize % files.len()];
        let bytes = malformed::damaged(file, seed);
        // Whichever it is: no panic, bounded memory.
        let _ = judged(&format!("damaged({name}, {seed})"), &bytes);
    }
}
