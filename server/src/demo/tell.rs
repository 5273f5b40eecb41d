//! How the story is told: chapters and tables on standard output, progress on standard error.
//!
//! Nothing here prints an identifier, a key, a signature or a digest of sealed bytes: the
//! default story is the same on every run, letter by letter.

use std::cell::Cell;
use std::fmt::Display;
use std::io::{self, Write};

use chrono::{DateTime, Utc};

use crate::cli::table::folded;
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
    if holds {
        Ok(())
    } else {
        Err(Slip(format!("this does not hold: {what}")))
    }
}

/// Ends the story unless two figures are equal.
pub fn equal<T: PartialEq + std::fmt::Debug>(found: T, expected: T, what: impl Display) -> Step {
    if found == expected {
        return Ok(());
    }
    Err(Slip(format!(
        "{what}: found {found:?}, expected {expected:?}"
    )))
}

/// Tells the story.
#[derive(Debug, Default)]
pub struct Teller {
    chapter: u32,
    title: String,
    /// Whether the last line told was an empty one.
    gap: Cell<bool>,
}

impl Teller {
    /// Where the story is, for a message about a slip.
    #[must_use]
    pub fn place(&self) -> String {
        format!("chapter {} ({})", self.chapter, self.title)
    }

    /// The story's own title.
    pub fn open(&self, title: &str) -> Step {
        self.say(&format!("{title}\n{}\n", "═".repeat(title.chars().count())))
    }

    /// Begins a chapter.
    pub fn chapter(&mut self, title: &str, now: DateTime<Utc>) -> Step {
        self.chapter += 1;
        title.clone_into(&mut self.title);
        let head = format!("{}. {title}", self.chapter);
        let when = now.format("%-d %B %Y").to_string();
        let gap = WIDTH
            .saturating_sub(head.chars().count() + when.chars().count())
            .max(2);
        self.air()?;
        self.say(&format!(
            "{head}{}{when}\n{}\n",
            " ".repeat(gap),
            "─".repeat(WIDTH)
        ))
    }

    /// A paragraph, wrapped.
    pub fn text(&self, words: &str) -> Step {
        self.say(&(folded(words, WIDTH).join("\n") + "\n"))
    }

    /// A table, or other lines that are laid out already: set in, with air around them.
    pub fn block(&self, lines: impl Display) -> Step {
        self.air()?;
        for line in lines.to_string().lines() {
            self.say(&format!("{}\n", format!("   {line}").trim_end()))?;
        }
        self.air()
    }

    /// One empty line, not two.
    fn air(&self) -> Step {
        if !self.gap.replace(true) {
            print("\n")?;
        }
        Ok(())
    }

    fn say(&self, text: &str) -> Step {
        self.gap.set(false);
        print(text)
    }
}

fn print(text: &str) -> Step {
    Ok(io::stdout().lock().write_all(text.as_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_says_what_was_found() {
        let Err(Slip(words)) = equal(1, 2, "rows") else {
            panic!("1 is not 2")
        };
        assert_eq!(words, "rows: found 1, expected 2");
    }
}
