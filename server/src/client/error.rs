//! Why a call to a node did not end well, sorted by what the person at the keyboard can do.

use std::io;
use std::path::{Path, PathBuf};

use dataset_core::seal::SealError;
use schema::wire::Problem;

/// Why a call to a node, or the work on this side of it, failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The node answered with a problem document.
    #[error("{}", told(.0))]
    Refused(Box<Problem>),
    /// The node, or something in front of it, answered something else than expected.
    #[error("{what}: {status} without an explanation; is {node} a Granary node?")]
    Strange {
        /// Address of the node.
        node: String,
        /// What was asked.
        what: String,
        /// HTTP status.
        status: u16,
    },
    /// No connection could be made.
    #[error("{node} cannot be reached ({cause}); is the node running, is the address right?")]
    Unreachable {
        /// Address of the node.
        node: String,
        /// Innermost cause.
        cause: String,
    },
    /// The connection broke before the whole answer had come.
    #[error(
        "the connection to {node} broke ({cause}); look at the present state before you repeat it"
    )]
    Broken {
        /// Address of the node.
        node: String,
        /// Innermost cause.
        cause: String,
    },
    /// The address of the node is not a web address.
    #[error("{0:?} is not the address of a node; write it like https://granary.example")]
    Address(String),
    /// A file on this machine cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A file cannot be sealed or opened.
    #[error("{path}: {source}")]
    Seal {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: SealError,
    },
    /// The file is larger than the node takes.
    #[error(
        "{path} has {sealed} bytes when sealed; this node takes at most {limit}: split the file"
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its sealed size.
        sealed: u64,
        /// The node's limit.
        limit: u64,
    },
    /// What arrived is not what was signed.
    #[error("{0}")]
    Unverified(String),
}

impl ClientError {
    /// A failure to read or write a file of this machine.
    pub fn file(path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().to_owned();
        move |source| Self::File { path, source }
    }

    /// A failure to seal or open a file.
    pub fn seal(path: impl AsRef<Path>) -> impl FnOnce(SealError) -> Self {
        let path = path.as_ref().to_owned();
        move |source| Self::Seal { path, source }
    }

    /// The node's stable code, when the node gave one.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(problem) => Some(&problem.code),
            _ => None,
        }
    }

    /// Whether repeating the same call later can help and cannot harm.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Broken { .. } => true,
            Self::Refused(problem) => matches!(problem.status, 429 | 503 | 507),
            Self::Strange { status, .. } => matches!(status, 429 | 502..=504),
            _ => false,
        }
    }

    pub(super) fn transport(node: &str, error: &reqwest::Error) -> Self {
        let (node, cause) = (node.to_owned(), innermost(error));
        if error.is_connect() {
            Self::Unreachable { node, cause }
        } else {
            Self::Broken { node, cause }
        }
    }
}

/// The words of a problem, with what one needs to ask the operator about it.
fn told(problem: &Problem) -> String {
    let mut text = problem.detail.clone();
    if let Some(clause) = &problem.clause {
        text.push_str(&format!(" [{clause}]"));
    }
    text.push_str(&format!(" ({}", problem.code));
    if let Some(id) = &problem.request_id {
        text.push_str(&format!(", request {id}"));
    }
    text.push(')');
    text
}

/// The cause without the URL, which may hold a signature.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    match cause.downcast_ref::<reqwest::Error>() {
        Some(own) if own.is_timeout() => "no answer in time".to_owned(),
        Some(_) => "the transfer failed".to_owned(),
        None => cause.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_told_with_its_clause_code_and_request() {
        let problem = Problem {
            kind: "about:blank".into(),
            title: "Gone".into(),
            status: 410,
            detail: "The licence ended.".into(),
            code: "licence_expired".into(),
            request_id: Some("r1".into()),
            clause: Some("term".into()),
        };
        let error = ClientError::Refused(Box::new(problem));
        assert_eq!(
            error.to_string(),
            "The licence ended. [term] (licence_expired, request r1)"
        );
        assert_eq!(error.code(), Some("licence_expired"));
        assert!(!error.is_passing());
    }
}
