//! Every corpus of the fuzz targets through its target, each file as it is and damaged in
//! thousands of ways: on the stable compiler, in every run.

use std::fs;
use std::path::{Path, PathBuf};

use server::worker::wire;

#[path = "../../dataset-core/tests/support/hostile.rs"]
#[allow(clippy::duplicate_mod)]
mod hostile;
#[path = "../../dataset-core/tests/support/malformed.rs"]
mod malformed;
#[path = "../fuzz/targets.rs"]
mod targets;

/// Damaged variants of every file in a usual run; `GRANARY_FUZZ_SEEDS` asks for more.
const VARIANTS: u64 = 40;

fn variants() -> u64 {
    std::env::var("GRANARY_FUZZ_SEEDS").map_or(VARIANTS, |text| text.parse().expect("a number"))
}

/// Where the files of a target's corpus lie: its own, and test vectors from outside.
fn folders(target: &str) -> Vec<PathBuf> {
    let root = crate::tidy::root();
    let own = Path::new("tests/fuzz/corpus").join(target);
    let outside = match target {
        "preflight" => Some("dataset-core/tests/badparquet"),
        "seal" => Some("dataset-core/tests/age-testkit"),
        _ => None,
    };
    let all = outside.map(PathBuf::from).into_iter().chain([own]);
    all.map(|folder| root.join(folder))
        .filter(|folder| folder.is_dir())
        .collect()
}

fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for folder in folders(target) {
        let entries = fs::read_dir(&folder);
        let entries = entries.unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            files.push((name, fs::read(entry.path()).unwrap()));
        }
    }
    files.sort();
    files
}

#[test]
fn every_corpus_is_survived() {
    for (target, run) in targets::ALL {
        let files = corpus(target);
        assert!(!files.is_empty(), "{target} has no corpus");
        for (name, bytes) in files {
            run(&bytes);
            // Large files are slow to walk and no richer in ways to go wrong.
            let variants = if bytes.len() > 50_000 { 2 } else { variants() };
            for seed in 0..variants {
                let damaged = malformed::damaged(&bytes, seed);
                let survived = std::panic::catch_unwind(|| run(&damaged));
                assert!(
                    survived.is_ok(),
                    "{target}: {name} damaged with seed {seed}"
                );
            }
        }
    }
}
