//! The whole market turns once, the same on every run and on both databases.

use std::path::PathBuf;
use std::process::Command;

use crate::support::{Database, granary, outside};
use crate::tidy::root;

/// The story of seed 1, letter by letter. Written anew with `GRANARY_BLESS=1`.
fn golden() -> PathBuf {
    root().join("tests/golden/demo.txt")
}

/// The story of a seed; the program ends with 0 only if every step held.
fn story(database: &Database, seed: u64) -> String {
    let mut command = Command::new(granary());
    command
        .args(["demo", "--once", "--seed", &seed.to_string()])
        .env_remove("GRANARY_DATABASE_URL");
    if let Some(url) = database.url() {
        command.args(["--database-url", &url]);
    }
    outside::run(&mut command)
}

#[test]
fn the_story_is_the_same_on_both_databases() {
    let told = story(&Database::sqlite(), 1);
    assert!(told.to_lowercase().contains("trial balance"), "{told}");
    if std::env::var_os("GRANARY_BLESS").is_some() {
        std::fs::create_dir_all(golden().parent().unwrap()).unwrap();
        std::fs::write(golden(), &told).unwrap();
    }
    let kept = std::fs::read_to_string(golden()).unwrap_or_default();
    assert!(
        told == kept,
        "the story changed; run with GRANARY_BLESS=1 and review the difference:\n{told}"
    );
    if let Some(database) = Database::postgres() {
        assert_eq!(story(&database, 1), kept, "PostgreSQL tells another story");
    }
}

#[test]
fn another_seed_tells_another_story_that_balances() {
    let told = story(&Database::sqlite(), 7);
    assert_ne!(told, std::fs::read_to_string(golden()).unwrap_or_default());
}
