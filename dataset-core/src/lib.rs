//! What a dataset is: how it is sealed, checked, packed, described and licensed.
//!
//! Granary keeps other people's data. This crate holds every rule about that
//! data that needs neither a database nor a network nor a clock:
//!
//! | you want to | use |
//! |---|---|
//! | encrypt to a key, open, or hand a file to another key | [`seal`] |
//! | look at a stranger's Parquet file without trusting it | [`preflight`] |
//! | turn it into a file written by us, or join such files | [`pack`] |
//! | say what the columns of a dataset are | [`columns`] |
//! | sign and verify | [`sign`], [`digest`] |
//! | say what a revision consists of | [`manifest`], [`describe`] |
//! | sell a right and check it at delivery | [`licence`] |
//! | follow the life of a contribution or a revision | [`contribution`], [`revision`] |
//!
//! Three things are absent on purpose. There is no clock: every rule that
//! depends on time takes `now`. There is no randomness of our own: fresh keys,
//! nonces and ephemeral shares come from the system's generator inside the
//! `age` crate, when sealing or generating an identity, and nowhere else. And
//! no provider's bytes are believed: a size, a count or an offset read from a
//! file is compared with what is really there before anything is allocated.
//!
//! # Example: one file from provider to buyer
//!
//! ```
//! use std::io::{Cursor, Read};
//! use dataset_core::seal::{self, Header, Identity};
//!
//! let node = Identity::generate();
//! let buyer = Identity::generate();
//!
//! // The provider seals to the node.
//! let mut sealed = Vec::new();
//! seal::seal(&mut &b"rows"[..], &mut sealed, &[node.to_recipient()])?;
//!
//! // The node hands it on: a new header, and the payload byte for byte.
//! let header = Header::read(&mut &sealed[..])?;
//! let mut handed_on = seal::rewrap(&header, &node, &buyer.to_recipient())?;
//! handed_on.extend_from_slice(&sealed[header.payload_offset() as usize..]);
//!
//! // The buyer opens it.
//! let mut rows = String::new();
//! seal::open(Cursor::new(handed_on), &buyer)?.read_to_string(&mut rows)?;
//! assert_eq!(rows, "rows");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod columns;
pub mod contribution;
pub mod describe;
pub mod digest;
pub mod error;
pub mod id;
pub mod licence;
pub mod manifest;
pub mod pack;
pub mod personal;
pub mod preflight;
pub mod revision;
pub mod seal;
pub mod sign;
