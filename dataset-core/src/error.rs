//! What every error of this crate has in common.
//!
//! Each module has its own error type, because callers do different things with
//! them: a [`Refusal`](crate::preflight::Refusal) ends a contribution, a
//! [`Denial`](crate::licence::Denial) answers a buyer, a
//! [`LifecycleError`](crate::contribution::LifecycleError) is a conflict. All
//! of them have a stable machine-readable code.

/// An error with a stable code that may be stored, sent and compared.
pub trait Coded: std::error::Error {
    /// The code: lower case words joined by `_`, never reworded once released.
    fn code(&self) -> &'static str;
}
