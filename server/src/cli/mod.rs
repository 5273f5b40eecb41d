//! The command line.

use std::process::ExitCode;

/// Reads the arguments and runs the command.
#[must_use]
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
