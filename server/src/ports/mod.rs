//! Where the node meets systems of others: one folder per counterpart. A port knows formats and
//! services, not rules; flows decide what a message means for the books.

pub mod bank;
pub mod payment;
