//! What people do, a file per story, on both databases.

mod assess;
mod backup;
mod books;
mod by_hand;
mod cards;
mod consumer;
mod copies;
mod copycat;
mod demo;
mod entities;
mod invitations;
mod large_copies;
mod learning;
mod licences;
mod near_copies;
mod operator;
mod payouts;
mod personal_data;
mod proof;
mod provider;
mod refunds;
mod revision_reports;
mod settlement;
mod statements;
mod tokens;
mod withdrawal;
