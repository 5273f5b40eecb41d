//! The writer against both databases. PostgreSQL takes part when `TEST_DATABASE_URL` names
//! a server; every test makes its own database there.

mod batches;
mod books;
mod corruption;
mod flows;
mod leaving;
mod log;
mod measured;
mod oracle;
mod story;
mod support;
