//! What other people's programs say about our formats.

mod age;
mod catalogue;
mod hledger;
mod label_studio;
mod merkle;
mod openssl;
mod outliers;
mod pain001;
mod s3;
mod statements;
mod stripe;
mod tables;
