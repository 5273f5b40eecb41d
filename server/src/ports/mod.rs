//! Outside services that have more than one real implementation.

pub mod payment;
