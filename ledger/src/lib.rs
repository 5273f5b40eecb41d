//! Who is owed what, exactly.
//!
//! Pure integer arithmetic: no clock, no floats, no input or output, no
//! randomness. Times, ids and salts are given by the caller; every sum is checked.
//!
//! | you want to | look at |
//! |---|---|
//! | read or write an amount | [`money`] |
//! | name an account, write a balanced entry, hash it into a chain | [`account`], [`entry`] |
//! | cut a sale, give some of it back | [`plan`], [`refund`] |
//! | turn weights into shares, settle what a pool earned | [`epoch`], [`pool`], [`settle`] |
//! | hold some of a credit back | [`reserve`] |
//! | know which accounts a command touches | [`rules`] |
//! | run a whole ledger in memory | [`book`] |
//! | prove that an entry is in the journal, sign what the journal is | [`merkle`], [`lines`], [`checkpoint`] |
//! | make, sign or check a statement | [`statement`] |
//! | check a stored ledger row by row | [`audit`] |
//! | compare every figure with a second implementation | [`replay`] |
//! | see the whole go wrong in every way, by one number | [`sim`] |
//! | hand the journal to an accountant | [`export`] |
//!
//! One sale of 19.99 EUR, shared by two contributors 1 : 2:
//!
//! ```
//! use ledger::{epoch::Epoch, plan::{FeePlan, split_sale}, pool::Pool, settle::settle_pool};
//! use std::collections::BTreeMap;
//!
//! let legs = split_sale(1999, &FeePlan::default())?;
//! assert_eq!((legs.fee, legs.net), (199, 1800));
//!
//! let mut pool = Pool::default();
//! pool.add(legs.net)?;
//! let epoch = Epoch::freeze(&BTreeMap::from([("ada".to_string(), 1u128), ("bo".to_string(), 2)]))?;
//! let settled = settle_pool(pool.delta()?, &epoch, |_| 0)?;
//! let credits: Vec<i64> = settled.lines.iter().map(|l| l.credit).collect();
//! assert_eq!(credits, [599, 1200]);
//! assert_eq!(settled.dust, 1); // 599.9999… and 1200.0000…: the cent waits as a residue
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod account;
pub mod audit;
pub mod book;
pub mod checkpoint;
pub mod entry;
pub mod epoch;
pub mod export;
pub mod json;
pub mod lines;
pub mod merkle;
pub mod money;
pub mod period;
pub mod plan;
pub mod pool;
pub mod refund;
pub mod replay;
pub mod reserve;
pub mod rules;
pub mod settle;
pub mod sim;
pub mod statement;
pub mod subscription;
pub mod tax;
