//! Why a command ends early, and with which exit code.

use std::fmt;
use std::io;
use std::path::Path;

use crate::client::ClientError;
use crate::error::{Fault, Kind};

/// What a shell script can tell apart; documented in `granary --help`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Something on this machine: a file, a key, the disk.
    Machine = 1,
    /// The arguments do not fit together.
    Usage = 2,
    /// The node refused, or its verdict is a refusal.
    Refused = 3,
    /// There is no valid token.
    SignIn = 4,
    /// A signature, digest, balance or invariant is wrong.
    Wrong = 5,
    /// The node is out of reach or busy; the same command may be repeated.
    Away = 6,
}

/// The end of a command that did not reach its goal.
#[derive(Debug)]
pub struct Stop {
    /// For the shell.
    pub exit: Exit,
    /// For the person.
    pub words: String,
}

/// What a command answers.
pub type Outcome<T = ()> = Result<T, Stop>;

impl Stop {
    /// Ends with these words.
    pub fn new(exit: Exit, words: impl Into<String>) -> Self {
        Self {
            exit,
            words: words.into(),
        }
    }

    /// A failure on a file of this machine.
    pub fn file(path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().display().to_string();
        move |error| Self::new(Exit::Machine, format!("{path}: {error}"))
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl From<ClientError> for Stop {
    fn from(error: ClientError) -> Self {
        let exit = match &error {
            ClientError::Refused(problem) if problem.status == 401 => Exit::SignIn,
            _ if error.is_passing() => Exit::Away,
            ClientError::Refused(_)
            | ClientError::Strange { .. }
            | ClientError::TooLarge { .. } => Exit::Refused,
            ClientError::Address(_) => Exit::Usage,
            ClientError::Unverified(_) => Exit::Wrong,
            _ => Exit::Machine,
        };
        let hint = match error.code() {
            Some("sign_in_failed") => "",
            _ if exit == Exit::SignIn => "; sign in with `granary login`",
            _ => "",
        };
        Self::new(exit, format!("{error}{hint}"))
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        let exit = match fault.kind {
            Kind::Unavailable => Exit::Away,
            Kind::Internal | Kind::Full => Exit::Machine,
            _ => Exit::Refused,
        };
        let mut words = if fault.kind == Kind::Internal {
            String::new()
        } else {
            fault.to_string()
        };
        // On this side of the node the cause is what helps, and nobody else reads it.
        let mut cause = std::error::Error::source(&fault);
        while let Some(inner) = cause {
            if !words.is_empty() {
                words.push_str(": ");
            }
            words.push_str(&inner.to_string());
            cause = inner.source();
        }
        Self::new(exit, words)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::new(Exit::Machine, error.to_string())
    }
}
