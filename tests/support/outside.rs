//! Programs of others that prove what we say about formats.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// Says that a part was not run; with `GRANARY_TEST_ALL=1` that is a failure.
pub fn missing(name: &str, how: &str) {
    assert!(
        std::env::var("GRANARY_TEST_ALL").is_err(),
        "{name} is missing and GRANARY_TEST_ALL is set; install it with {how}"
    );
    eprintln!("not run: {name} is missing; install it with {how}");
}

/// Finds a program in PATH, or says that its test is not run.
pub fn program(name: &str, how: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file());
    if found.is_none() {
        missing(name, how);
    }
    found
}

/// A Python that can import a module, from `GRANARY_TEST_PYTHON` or `python3`, or says that
/// its test is not run.
pub fn python(module: &str, how: &str) -> Option<PathBuf> {
    let python = std::env::var_os("GRANARY_TEST_PYTHON").unwrap_or_else(|| "python3".into());
    let imported = Command::new(&python)
        .args(["-c", &format!("import {module}")])
        .stdin(Stdio::null())
        .output()
        .is_ok_and(|output| output.status.success());
    if !imported {
        missing(module, how);
    }
    imported.then(|| python.into())
}

/// Runs to the end and answers what was written; fails with it unless the program succeeds.
pub fn run(command: &mut Command) -> String {
    let output = command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}\n{}", text(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Everything a program wrote.
pub fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
