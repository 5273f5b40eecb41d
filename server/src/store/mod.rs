//! The only room that reads and writes the tables; one file per aggregate.

pub mod contributions;
pub mod counters;
pub mod datasets;
pub mod entities;
pub mod grants;
pub mod inbox;
pub mod jobs;
pub mod journal;
pub mod licences;
pub mod links;
pub mod offers;
pub mod orders;
pub mod outbox;
pub mod parties;
pub mod payments;
pub mod periods;
pub mod pools;
pub mod recipients;
pub mod revisions;
pub mod sessions;
pub mod sketches;
pub mod statements;
pub mod throttle;
pub mod tokens;
