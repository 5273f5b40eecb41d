//! What must survive.

mod child;
mod hidden;
mod hostile;
mod kill;
