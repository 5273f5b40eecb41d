//! What Granary stores and sends: the one place where a column or a field can change.
//!
//! - [`tables`]: the tables of both databases, with [`columns`] for their value types;
//! - [`db`]: one handle and one pool for SQLite and PostgreSQL, with the migrations inside;
//! - [`wire`]: the bodies of the JSON API, shared by the server and every client.
//!
//! No rule of the market lives here.

pub mod columns;
pub mod db;
pub mod tables;
pub mod wire;
