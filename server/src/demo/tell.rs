//! How the story is told: chapters and tables on standard output, progress on standard error.
//!
//! Nothing here prints an identifier, a key, a signature or a digest of sealed bytes: the
//! default story is the same on every run, letter by letter.

use std::fmt::Display;
use std::io::{self, Write};

use chrono::{DateTime, Utc};

use crate::cli::table::Table;
use crate::client::ClientError;
use crate::error::Fault;
use crate::serve::StartError;

const WIDTH: usize = 92;

/// A step of the story that did not hold.
#[derive(Debug)]
pub struct Slip(pub String);

/// What a step answers.
pub type Step<T = ()> = Result<T, Slip>;

macro_rules! slips {
    ($($error:ty),+) => {$(
        impl From<$error> for Slip {
            fn from(error: $error) -> Self {
                Self(error.to_string())
            }
        }
    )+};
}
slips!(
    ClientError,
    Fault,
    StartError,
    io::Error,
    serde_json::Error,
    super::data::DataError,
    dataset_core::licence::LicenceError,
    dataset_core::sign::SignError,
    ledger::statement::StatementError
);

/// Ends the story unless something holds.
pub fn hold(holds: bool, what: impl Display) -> Step {
    if holds { Ok(()) } else { Err(Slip(format!("this does not hold: {what}"))) }
}

/// Ends the story unless two figures are equal.
pub fn equal<T: PartialEq + std::fmt::Debug>(found: T, expected: T, what: impl Display) -> Step {
    if found == expected {
        return Ok(());
    }
    Err(Slip(format!("{what}: found {found:?}, expected {expected:?}")))
}

/// Tells the story.
#[derive(Debug, Default)]
pub struct Teller {
    chapter: u32,
    title: String,
}

impl Teller {
    /// Where the story is, for a message about a slip.
    #[must_use]
    pub fn place(&self) -> String {
        format!("chapter {} ({})", self.chapter, self.title)
    }

    /// The story's own title.
    pub fn open(&self, title: &str) -> Step {
        say(&format!("{title}\n{}\n", "═".repeat(title.chars().count())))
    }

    /// Begins a chapter.
    pub fn chapter(&mut self, title: &str, now: DateTime<Utc>) -> Step {
        self.chapter += 1;
        title.clone_into(&mut self.title);
        let head = format!("{}. {title}", self.chapter);
        let when = now.format("%-d %B %Y").to_string();
        let gap = WIDTH.saturating_sub(head.chars().count() + when.chars().count()).max(2);
        say(&format!("\n{head}{}{when}\n{}\n", " ".repeat(gap), "─".repeat(WIDTH)))
    }

    /// A paragraph, wrapped.
    pub fn text(&self, words: &str) -> Step {
        say(&format!("{}\n", wrapped(words)))
    }

    /// A table, set in, with air around it.
    pub fn table(&self, table: Table) -> Step {
        say(&format!("\n{}\n", table.indented(3)))
    }

    /// Lines that are laid out already.
    pub fn lines(&self, lines: &str) -> Step {
        say(lines)
    }
}

fn say(text: &str) -> Step {
    Ok(io::stdout().lock().write_all(text.as_bytes())?)
}

fn wrapped(words: &str) -> String {
    let (mut text, mut width) = (String::new(), 0);
    for word in words.split_whitespace() {
        let length = word.chars().count();
        if width > 0 && width + 1 + length > WIDTH {
            text.push('\n');
            width = 0;
        } else if width > 0 {
            text.push(' ');
            width += 1;
        }
        text.push_str(word);
        width += length;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_wrapped_at_words() {
        let text = wrapped(&"word ".repeat(40));
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH && !line.ends_with(' ')));
        assert_eq!(text.split_whitespace().count(), 40);
    }

    #[test]
    fn a_slip_says_what_was_found() {
        let Err(Slip(words)) = equal(1, 2, "rows") else { panic!("1 is not 2") };
        assert_eq!(words, "rows: found 1, expected 2");
    }
}
