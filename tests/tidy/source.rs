//! Just enough reading of Rust to see code without its comments, texts and tests.

use std::path::PathBuf;

use super::{files, name, read};

/// A Rust file of the workspace.
pub struct Source {
    /// Name within the workspace.
    pub name: String,
    /// As it stands.
    pub text: String,
    /// The same lines; comments and the insides of texts are blank.
    pub code: String,
}

impl Source {
    pub fn of(name: &str, text: &str) -> Self {
        Self {
            name: name.to_owned(),
            text: text.to_owned(),
            code: code(text),
        }
    }

    /// Code that ships: [`Self::code`] with the `#[cfg(test)]` items blanked.
    pub fn product(&self) -> String {
        without_tests(&self.code)
    }

    /// Whether the file is in a crate's `src` and not a module of tests.
    pub fn ships(&self) -> bool {
        let parts: Vec<&str> = self.name.split('/').collect();
        let test = |part: &&str| {
            matches!(
                *part,
                "tests" | "tests.rs" | "benches" | "examples" | "fuzz"
            ) || part.ends_with("_test.rs")
        };
        parts.get(1) == Some(&"src") && !parts.iter().any(test)
    }
}

/// Every Rust file of the workspace.
pub fn all() -> Vec<Source> {
    let rust = |file: &PathBuf| file.extension().is_some_and(|end| end == "rs");
    files()
        .iter()
        .filter(|file| rust(file))
        .map(|file| Source::of(&name(file), &read(file)))
        .collect()
}

/// Every Rust file that ships.
pub fn shipped() -> Vec<Source> {
    let all = all();
    let only_tests: Vec<String> = all.iter().flat_map(test_modules).collect();
    let tested = |source: &Source| only_tests.iter().any(|module| within(&source.name, module));
    all.into_iter()
        .filter(|source| source.ships() && !tested(source))
        .collect()
}

/// Whether a file is a module's own or lies in its folder.
pub fn within(file: &str, module: &str) -> bool {
    file.strip_prefix(module)
        .is_some_and(|rest| rest.starts_with('/') || rest == ".rs")
}

/// Modules in files of their own that only tests have, without the `.rs`.
fn test_modules(source: &Source) -> Vec<String> {
    let stem = source.name.trim_end_matches(".rs");
    let parent = ["/mod", "/lib", "/main"]
        .iter()
        .find_map(|end| stem.strip_suffix(end))
        .unwrap_or(stem);
    let items = source.code.split("#[cfg(test)]").skip(1);
    let heads = items.filter_map(|rest| {
        rest.split([';', '{'])
            .next()
            .zip(rest.find([';', '{']).map(|at| &rest[at..=at]))
    });
    let modules = heads
        .filter(|(_, end)| *end == ";")
        .filter_map(|(head, _)| head.split("mod ").nth(1));
    modules
        .map(|name| format!("{parent}/{}", name.trim()))
        .collect()
}

/// Blanks comments and the insides of texts, line for line.
pub fn code(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = skip(&chars, at);
        if end == at {
            out.push(chars[at]);
            at += 1;
        } else {
            out.extend(
                chars[at..end]
                    .iter()
                    .map(|c| if *c == '\n' { '\n' } else { ' ' }),
            );
            at = end;
        }
    }
    out
}

/// Where the comment, text or character that begins at `at` ends; `at` when none does.
fn skip(chars: &[char], at: usize) -> usize {
    let next = chars.get(at + 1).copied();
    match chars[at] {
        '/' if next == Some('/') => chars[at..]
            .iter()
            .position(|c| *c == '\n')
            .map_or(chars.len(), |n| at + n),
        '/' if next == Some('*') => block_comment(chars, at),
        '"' => text_end(chars, at + 1),
        'r' if !within_word(chars, at) => raw_text(chars, at).unwrap_or(at),
        '\'' => character(chars, at),
        _ => at,
    }
}

fn within_word(chars: &[char], at: usize) -> bool {
    at.checked_sub(1)
        .is_some_and(|before| chars[before] != 'b' && is_word(chars[before]))
}

fn block_comment(chars: &[char], from: usize) -> usize {
    let (mut at, mut depth) = (from, 0);
    while at + 1 < chars.len() {
        match (chars[at], chars[at + 1]) {
            ('/', '*') => (depth, at) = (depth + 1, at + 2),
            ('*', '/') => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    chars.len()
}

fn text_end(chars: &[char], mut at: usize) -> usize {
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

fn raw_text(chars: &[char], at: usize) -> Option<usize> {
    let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
    let open = at + 1 + hashes;
    if chars.get(open) != Some(&'"') {
        return None;
    }
    let close: Vec<char> = std::iter::once('"')
        .chain(std::iter::repeat_n('#', hashes))
        .collect();
    let end = chars[open + 1..]
        .windows(close.len())
        .position(|window| window == close)?;
    Some(open + 1 + end + close.len())
}

/// A character ends with a quote; a lifetime does not.
fn character(chars: &[char], at: usize) -> usize {
    match chars.get(at + 1) {
        Some('\\') => chars[at + 3..]
            .iter()
            .position(|c| *c == '\'')
            .map_or(chars.len(), |n| at + 4 + n),
        Some(_) if chars.get(at + 2) == Some(&'\'') => at + 3,
        _ => at,
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Blanks each item behind `#[cfg(test)]`.
fn without_tests(code: &str) -> String {
    let mut rest = code.to_owned();
    while let Some(start) = rest.find("#[cfg(test)]") {
        let tail = &rest[start..];
        let item_end = match (tail.find('{'), tail.find(';')) {
            (Some(open), Some(semicolon)) if semicolon < open => semicolon + 1,
            (Some(open), _) => close(tail, open).unwrap_or(tail.len()),
            (None, semicolon) => semicolon.map_or(tail.len(), |n| n + 1),
        };
        let blank: String = tail[..item_end]
            .chars()
            .map(|c| if c == '\n' { '\n' } else { ' ' })
            .collect();
        rest = format!("{}{blank}{}", &rest[..start], &tail[item_end..]);
    }
    rest
}

/// The end of the braces that open at `open`.
pub fn close(code: &str, open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in code[open..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(open + at + 1);
        }
    }
    None
}

/// Where a word stands by itself.
pub fn word_at<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word)
        .map(|(at, _)| at)
        .filter(move |at| {
            let before = code[..*at].chars().next_back().is_none_or(|c| !is_word(c));
            let after = code[at + word.len()..]
                .chars()
                .next()
                .is_none_or(|c| !is_word(c));
            before && after
        })
}

/// The line number of a byte.
pub fn line(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}

#[test]
fn comments_texts_and_tests_are_not_code() {
    let text = "fn a<'x>() { '\"' ; r#\"} \"# ; b\"{\" } // }\n/* { /* } */ */ const Q: char = '\\'';\n#[cfg(test)]\nmod tests { fn t() { x.unwrap() } }\nfn b() {}";
    let source = Source::of("server/src/x.rs", text);
    assert_eq!(source.code.lines().count(), text.lines().count());
    assert_eq!(
        source.code.matches('{').count(),
        source.code.matches('}').count()
    );
    assert!(source.code.contains("unwrap") && !source.product().contains("unwrap"));
    assert!(source.product().contains("fn b()"));
    assert!(source.ships() && !Source::of("server/src/x/tests.rs", "").ships());
    assert_eq!(
        word_at("restore::x store::y", "store").collect::<Vec<_>>(),
        [11]
    );
}
