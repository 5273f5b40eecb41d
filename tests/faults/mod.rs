//! What must survive.

mod child;
mod corpus;
mod hidden;
mod hostile;
mod kill;
mod kill_money;
