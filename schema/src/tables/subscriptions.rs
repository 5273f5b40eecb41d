//! Plans, subscriptions, their terms and what the days of these have earned.

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    subscription_plan (id) {
        id -> Id,
        owner_id -> Id,
        title -> Text,
        billed_every -> Text,
        price_minor -> BigInt,
        currency -> Text,
        terms -> Text,
        terms_digest -> Binary,
        state -> Text,
        created_at -> Instant,
        retired_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    subscription_item (plan_id, dataset_id) {
        plan_id -> Id,
        dataset_id -> Id,
        offer_id -> Id,
        list_minor -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    subscription (id) {
        id -> Id,
        plan_id -> Id,
        party_id -> Id,
        state -> Text,
        anchor -> Instant,
        anchored -> Integer,
        terms_charged -> Integer,
        ends_at -> Instant,
        cancelled_at -> Nullable<Instant>,
        ended_at -> Nullable<Instant>,
        ended_reason -> Nullable<Text>,
        refund_asked_at -> Nullable<Instant>,
        refund_asked_reason -> Nullable<Text>,
        created_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    subscription_term (id) {
        id -> Id,
        subscription_id -> Id,
        number -> Integer,
        starts_at -> Instant,
        ends_at -> Instant,
        days -> Integer,
        currency -> Text,
        gross -> BigInt,
        fee -> BigInt,
        tax -> BigInt,
        net -> BigInt,
        earned_days -> Integer,
        earned -> BigInt,
        earns_next_at -> Nullable<Instant>,
        refunded_fee -> BigInt,
        refunded_tax -> BigInt,
        refunded_net -> BigInt,
        refund_reason -> Nullable<Text>,
        refunded_by -> Nullable<Id>,
        refund_seq -> BigInt,
        points -> BigInt,
        book -> Text,
        entry_seq -> BigInt,
        created_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    subscription_licence (licence_id) {
        licence_id -> Id,
        term_id -> Id,
        dataset_id -> Id,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    subscription_income (id) {
        id -> Id,
        term_id -> Id,
        revision_id -> Id,
        epoch -> Integer,
        basis -> Text,
        days -> Integer,
        used_rows -> BigInt,
        amount -> BigInt,
        period -> Text,
        book -> Text,
        entry_seq -> BigInt,
    }
}
