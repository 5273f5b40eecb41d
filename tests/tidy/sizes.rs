//! Files have one subject, functions fit a screen.

use super::none;
use super::source::{Source, all, close, line, shipped, word_at};

const FILE_LINES: usize = 800;
const FUNCTION_LINES: usize = 70;

#[test]
fn no_file_is_longer_than_800_lines() {
    none("too long; one file, one subject", &long_files(&all()));
}

#[test]
fn no_function_is_longer_than_70_lines() {
    let findings: Vec<String> = shipped().iter().flat_map(long_functions).collect();
    none("functions fit a screen", &findings);
}

fn long_files(sources: &[Source]) -> Vec<String> {
    let lines = |source: &Source| source.text.lines().count();
    sources
        .iter()
        .filter(|source| lines(source) > FILE_LINES)
        .map(|source| format!("{}: {} lines", source.name, lines(source)))
        .collect()
}

fn long_functions(source: &Source) -> Vec<String> {
    let code = source.product();
    let mut found = Vec::new();
    for start in word_at(&code, "fn") {
        let Some(end) = body_end(&code, start) else {
            continue;
        };
        let lines = code[start..end].lines().count();
        if lines > FUNCTION_LINES {
            found.push(format!(
                "{}:{} has {lines} lines",
                source.name,
                line(&code, start)
            ));
        }
    }
    found
}

/// The end of a function's body; none for a function type or a declaration.
fn body_end(code: &str, start: usize) -> Option<usize> {
    let name = code[start + 2..].trim_start();
    if !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        return None;
    }
    let head = &code[start..];
    let open = head.find('{')?;
    // A semicolon inside brackets is an array type, not the end of a declaration.
    let mut depth = 0;
    for c in head[..open].chars() {
        match c {
            '[' | '(' => depth += 1,
            ']' | ')' => depth -= 1,
            ';' if depth == 0 => return None,
            _ => {}
        }
    }
    close(code, start + open)
}

#[test]
fn the_check_finds_what_is_too_long() {
    let body = "    step();\n".repeat(70);
    let long = Source::of(
        "server/src/x.rs",
        &format!("fn f(x: [u8; 2]) {{\n{body}}}\nfn ok() {{}}\n"),
    );
    assert_eq!(long_functions(&long), ["server/src/x.rs:1 has 72 lines"]);
    let tested = Source::of(
        "server/src/x.rs",
        &format!("#[cfg(test)]\nmod t {{ fn f() {{\n{body}}} }}\n"),
    );
    assert!(long_functions(&tested).is_empty());
    assert_eq!(
        long_files(&[Source::of("a.rs", &"\n".repeat(801))]),
        ["a.rs: 801 lines"]
    );
}
