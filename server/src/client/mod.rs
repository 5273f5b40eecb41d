//! The typed client of the JSON API, used by the command line and the demo.
//!
//! [`Client`] has one method per route, with the bodies of [`schema::wire`]. The two
//! journeys of a file are built on them: [`upload`] seals on this machine before anything
//! leaves it, [`download`] resumes, opens with the buyer's key and believes only the signed
//! digest.

pub mod download;
mod error;
mod http;
pub mod log;
mod routes;
pub mod upload;
mod wait;

pub use error::ClientError;
pub use http::Client;

/// What a call answers.
pub type Answer<T> = Result<T, ClientError>;
