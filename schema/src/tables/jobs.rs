//! Work that waits, and answers kept for requests that come twice.

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    job (id) {
        id -> Id,
        kind -> Text,
        payload -> Text,
        state -> Text,
        attempts -> Integer,
        run_at -> Instant,
        locked_until -> Nullable<Instant>,
        locked_by -> Nullable<Text>,
        progress -> Nullable<Text>,
        last_error -> Nullable<Text>,
        created_at -> Instant,
        finished_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    idempotency (party_id, idem_key) {
        party_id -> Id,
        idem_key -> Text,
        request_hash -> Binary,
        status -> Integer,
        response -> Text,
        created_at -> Instant,
    }
}
