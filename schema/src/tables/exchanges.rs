//! One currency for another.

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    exchange_rate (id) {
        id -> Id,
        give_currency -> Text,
        give_minor -> BigInt,
        get_currency -> Text,
        get_minor -> BigInt,
        set_by -> Id,
        set_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    exchange (id) {
        id -> Id,
        into_id -> Id,
        party_id -> Id,
        rate_id -> Id,
        give_currency -> Text,
        give_minor -> BigInt,
        get_currency -> Text,
        get_minor -> BigInt,
        created_at -> Instant,
    }
}
