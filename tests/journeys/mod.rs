//! What people do, a file per story, on both databases.

mod assess;
mod backup;
mod books;
mod books_page;
mod by_hand;
mod card_messages;
mod cards;
mod consumer;
mod copies;
mod copycat;
mod demo;
mod entities;
mod invitations;
mod learning;
mod licences;
mod operator;
mod payouts;
mod personal_data;
mod proof;
mod provider;
mod refunds;
mod settlement;
mod statements;
mod tokens;
mod withdrawal;
