//! What holds whatever people do, in whatever order.

mod messages;
mod money;
mod payouts;
