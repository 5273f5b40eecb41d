//! Automatic cleaning: lossless, logged, the same every time.
//!
//! Texts are trimmed, brought to NFC and freed of control characters; null
//! tokens and blanks become null; texts are coerced to the declared type. A
//! cell that cannot be one of its type becomes null and counts as invalid.
//! Nothing here drops a row, guesses a value or changes a valid one.

mod parse;
mod scalar;
mod text;
mod value;

pub(crate) use parse::{float, lossless};
pub(crate) use scalar::{Clock, Day, Dec, Instant, Read, Scalar, target_type};
pub(crate) use text::tidy;
pub(crate) use value::{cell_of, key_of, micros, nanos};
