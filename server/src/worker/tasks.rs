//! What a child does with a file.

pub(super) mod assess;
pub(super) mod compose;
mod earlier;
pub(super) mod items;
mod near;
pub(super) mod prints;

use std::error::Error;
use std::fs::File;
use std::io::{self, BufWriter, Write};

use dataset_core::error::Coded;
use dataset_core::seal::{Plaintext, Recipient, SealError, Sealer, open_with_file_key};

use super::child::take;
use super::wire::{Finding, KeyText};

/// Why a task ends without its result.
pub(super) enum Stop {
    /// The file is to blame.
    Refused {
        code: String,
        message: String,
        report: Option<serde_json::Value>,
    },
    /// The node's disk or data is.
    Broken { full: bool, message: String },
}

impl Stop {
    /// Something that must hold on a sound node.
    fn broken(message: impl Into<String>) -> Self {
        Self::Broken {
            full: false,
            message: message.into(),
        }
    }

    /// A refusal that has its code.
    fn refused(error: &impl Coded) -> Self {
        Self::Refused {
            code: error.code().to_owned(),
            message: error.to_string(),
            report: None,
        }
    }

    /// A failure to write output: never the file's fault.
    fn output(error: &(dyn Error + 'static)) -> Self {
        let mut next = Some(error);
        let mut full = false;
        while let Some(error) = next {
            if let Some(io) = error.downcast_ref::<io::Error>() {
                full |= matches!(
                    io.kind(),
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
                );
            }
            next = error.source();
        }
        Self::Broken {
            full,
            message: format!("output: {error}"),
        }
    }
}

impl From<Stop> for Finding {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Refused {
                code,
                message,
                report,
            } => Self::Refused {
                code,
                message,
                report,
            },
            Stop::Broken { full, message } => Self::Broken { full, message },
        }
    }
}

/// Something of this node that must hold and does not.
fn broken(error: impl std::fmt::Display) -> Stop {
    Stop::broken(error.to_string())
}

/// Opens a sealed file that a provider sent.
fn open_strange(descriptor: i32, key: &KeyText) -> Result<Plaintext<File>, Stop> {
    let file = take(descriptor).ok_or_else(|| Stop::broken("an input is not there"))?;
    let key = key.key().ok_or_else(|| Stop::broken("a key is none"))?;
    open_with_file_key(file, &key).map_err(|error| match error {
        SealError::Io(error) => Stop::broken(format!("input: {error}")),
        error => Stop::refused(&error),
    })
}

/// Opens a sealed file that this node wrote.
fn open_own(descriptor: i32, key: &KeyText) -> Result<Plaintext<File>, Stop> {
    open_strange(descriptor, key).map_err(|stop| match stop {
        Stop::Refused { code, message, .. } => {
            Stop::broken(format!("own file: {message} ({code})"))
        }
        broken => broken,
    })
}

/// Output that is sealed while it is written.
type SealedOutput = Sealer<BufWriter<File>>;

fn sealed_output(descriptor: i32, recipient: &Recipient) -> Result<SealedOutput, Stop> {
    let file = take(descriptor).ok_or_else(|| Stop::broken("an output is not there"))?;
    Sealer::new(
        BufWriter::with_capacity(256 * 1024, file),
        std::slice::from_ref(recipient),
    )
    .map_err(|error| Stop::output(&error))
}

fn finish(sealer: SealedOutput) -> Result<(), Stop> {
    let mut writer = sealer.finish().map_err(|error| Stop::output(&error))?;
    writer.flush().map_err(|error| Stop::output(&error))
}

/// Seals a whole text or file in memory.
fn seal_whole(descriptor: i32, recipient: &Recipient, bytes: &[u8]) -> Result<(), Stop> {
    let mut output = sealed_output(descriptor, recipient)?;
    output
        .write_all(bytes)
        .map_err(|error| Stop::output(&error))?;
    finish(output)
}

fn recipient(text: &str) -> Result<Recipient, Stop> {
    text.parse()
        .map_err(|_| Stop::broken("the recipient is none"))
}
