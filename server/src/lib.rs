//! The trunk of Granary: composes the four leaves, and holds every effect and entrance.
//!
//! Data flows one way: entrances ([`api`], [`portal`], [`cli`]) call [`flows`]; flows call
//! [`store`], [`blobs`], [`ports`], the [`journal`] and the leaves. Nothing calls back.

pub mod api;
pub mod auth;
pub mod blobs;
pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
pub mod ctx;
pub mod demo;
pub mod error;
pub mod flows;
pub mod jobs;
pub mod journal;
pub mod keys;
pub mod paging;
pub mod portal;
pub mod ports;
pub mod serve;
pub mod signed_url;
pub mod store;
pub mod worker;
