//! Bodies of the JSON API v1, one file per subject.
//!
//! Amounts travel as minor units with their currency, times as RFC 3339 UTC, digests as
//! lower-case hexadecimal, identifiers as UUIDv7. Unknown fields of a request are refused:
//! a misspelt field that is silently dropped costs more than an error.

mod claim;
mod dataset;
mod exchange;
mod market;
mod money;
mod node;
mod party;
mod payment;
mod payout;
mod points;
mod subscription;
mod tax;

pub use claim::*;
pub use dataset::*;
pub use exchange::*;
pub use market::*;
pub use money::*;
pub use node::*;
pub use party::*;
pub use payment::*;
pub use payout::*;
pub use points::*;
pub use subscription::*;
pub use tax::*;
