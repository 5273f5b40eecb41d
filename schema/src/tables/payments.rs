//! Money on its way in, and messages of and to payment providers.

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    payment (id) {
        id -> Id,
        party_id -> Id,
        idem_key -> Text,
        request_hash -> Binary,
        way -> Text,
        currency -> Text,
        amount -> BigInt,
        wanted -> Nullable<Text>,
        reference -> Text,
        state -> Text,
        session_id -> Nullable<Text>,
        intent_id -> Nullable<Text>,
        charge_id -> Nullable<Text>,
        url -> Nullable<Text>,
        failure -> Nullable<Text>,
        failed_at -> Nullable<Instant>,
        seen_back -> BigInt,
        given_back -> BigInt,
        returned -> BigInt,
        order_id -> Nullable<Id>,
        created_at -> Instant,
        paid_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    provider_object (id) {
        id -> Text,
        kind -> Text,
        payment_id -> Nullable<Id>,
        currency -> Text,
        amount -> BigInt,
        status -> Text,
        standing -> Integer,
        booked -> Text,
        from_wallet -> BigInt,
        created_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    inbox (id) {
        id -> Id,
        source -> Text,
        event_id -> Text,
        kind -> Text,
        payload -> Nullable<Text>,
        state -> Text,
        reason -> Nullable<Text>,
        waits_for -> Nullable<Text>,
        attempts -> Integer,
        received_at -> Instant,
        ended_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    outbox (id) {
        id -> Id,
        kind -> Text,
        payload -> Text,
        state -> Text,
        reason -> Nullable<Text>,
        answer -> Nullable<Text>,
        attempts -> Integer,
        created_at -> Instant,
        ended_at -> Nullable<Instant>,
    }
}
