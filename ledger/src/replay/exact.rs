//! Event bodies kept as they are written, to tell a repeat from another body.
//!
//! `serde_json::Value` holds an integer beyond 64 bits as a float, so two different
//! ones may compare equal. Here a number stays the text it is. Only text that
//! `serde_json` has read in full comes here, so its syntax is checked before. Its depth is
//! not: `serde_json` skips members it does not know, however deep they are.

use std::collections::BTreeMap;

/// A value in which nothing is rounded. Members of an object in any order are the same.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Exact<'t> {
    /// The last member of a name counts, as in `serde_json`.
    Object(BTreeMap<String, Exact<'t>>),
    List(Vec<Exact<'t>>),
    Text(String),
    /// A number, `true`, `false` or `null`, letter by letter.
    Word(&'t str),
}

/// As deep as `serde_json` reads what it keeps.
const DEEPEST: usize = 128;

/// The bodies of the top-level list `events`; `None` when the text is no object, or is nested
/// deeper than [`DEEPEST`].
pub(super) fn events(text: &str) -> Option<Vec<Exact<'_>>> {
    let mut reader = Reader {
        rest: text,
        depth: 0,
    };
    match reader.value()? {
        Exact::Object(mut members) => match members.remove("events") {
            Some(Exact::List(events)) => Some(events),
            _ => Some(Vec::new()),
        },
        _ => None,
    }
}

struct Reader<'t> {
    rest: &'t str,
    depth: usize,
}

impl<'t> Reader<'t> {
    fn value(&mut self) -> Option<Exact<'t>> {
        match self.peek()? {
            '{' => {
                let mut members = BTreeMap::new();
                self.each('}', |reader| {
                    let name = reader.text()?;
                    reader.step(':')?;
                    members.insert(name, reader.value()?);
                    Some(())
                })?;
                Some(Exact::Object(members))
            }
            '[' => {
                let mut items = Vec::new();
                self.each(']', |reader| {
                    items.push(reader.value()?);
                    Some(())
                })?;
                Some(Exact::List(items))
            }
            '"' => self.text().map(Exact::Text),
            _ => {
                let ends = |c: char| matches!(c, ',' | '}' | ']') || c.is_ascii_whitespace();
                let end = self.rest.find(ends).unwrap_or(self.rest.len());
                self.cut(end).map(Exact::Word)
            }
        }
    }

    /// Reads an opening bracket, items with commas between them, and `close`.
    fn each(&mut self, close: char, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        self.rest = self.rest.get(1..)?;
        while self.peek()? != close {
            item(self)?;
            if self.peek()? == ',' {
                self.step(',')?;
            }
        }
        self.depth -= 1;
        self.step(close)
    }

    /// A quoted text, decoded.
    fn text(&mut self) -> Option<String> {
        self.peek().filter(|c| *c == '"')?;
        let mut escaped = false;
        let end = self.rest.bytes().skip(1).position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        })?;
        serde_json::from_str(self.cut(end + 2)?).ok()
    }

    fn step(&mut self, sign: char) -> Option<()> {
        self.peek().filter(|c| *c == sign)?;
        self.cut(1).map(|_| ())
    }

    /// The next character that is no space.
    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_ascii_start();
        self.rest.chars().next()
    }

    fn cut(&mut self, end: usize) -> Option<&'t str> {
        let (head, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        Some(head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(a: &str, b: &str) -> bool {
        let bodies = format!(r#"{{"periods": ["events"], "events": [{a} , {b}]}}"#);
        serde_json::from_str::<serde_json::Value>(&bodies).unwrap();
        let read = events(&bodies).unwrap();
        assert_eq!(read.len(), 2, "{bodies}");
        read[0] == read[1]
    }

    #[test]
    fn numbers_differ_as_they_are_written_and_members_in_any_order_do_not() {
        let huge = "1000000000000000000000000000000";
        let next = "1000000000000000000000000000001";
        let gross = |n: &str| format!(r#"{{"gross": {n}}}"#);
        assert!(same(&gross(huge), &gross(huge)));
        assert!(!same(&gross(huge), &gross(next)));
        assert!(!same(&gross(huge), &gross(&format!("-{huge}"))));
        assert!(!same(&gross(huge), &gross(&format!("\"{huge}\""))));
        assert!(!same("1", "1.0"));
        assert!(same(
            r#"{"a": 1, "b": [{}, [ ], null]}"#,
            r#"{"b":[{},[],null],"a":1}"#
        ));
        assert!(!same(r#"[1, 2]"#, r#"[2, 1]"#));
        assert!(!same("true", "false"));
        assert!(same(r#""\u00e9\"\\""#, r#""é\"\\""#));
        assert!(!same(r#""a\\""#, r#""a""#));
        assert!(same(r#"{"a": 1, "a": 2}"#, r#"{"a": 2}"#));
        assert!(!same(r#"{"a": "b"}"#, r#"{"a": "b", "c": "}"}"#));
    }

    #[test]
    fn only_the_outer_list_counts() {
        let text = r#"{"x": {"events": [1]}, "events": [{"id": "[,]"}]}"#;
        assert_eq!(events(text).map(|e| e.len()), Some(1));
        assert_eq!(events(r#"{"periods": []}"#), Some(Vec::new()));
        assert_eq!(events("[]"), None);
    }

    #[test]
    fn nesting_ends_somewhere() {
        let nested = |depth| {
            let (open, close) = ("[".repeat(depth), "]".repeat(depth));
            format!(r#"{{"x": {open}{close}, "periods": [], "events": []}}"#)
        };
        assert_eq!(events(&nested(DEEPEST - 1)), Some(Vec::new()));
        assert_eq!(events(&nested(DEEPEST)), None);
        let refused = super::super::run(&nested(300_000)).unwrap_err();
        assert!(refused.to_string().contains("nested"), "{refused}");
    }
}
