//! Parties, the ways they prove who they are, and the settings of the node.

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    node_setting (name) {
        name -> Text,
        value -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    node_counter (name) {
        name -> Text,
        value -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    party (id) {
        id -> Id,
        handle -> Text,
        email -> Text,
        display_name -> Text,
        password_hash -> Text,
        operator -> Bool,
        created_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    session (id) {
        id -> Id,
        party_id -> Id,
        token_hash -> Binary,
        created_at -> Instant,
        expires_at -> Instant,
        revoked_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    api_token (id) {
        id -> Id,
        party_id -> Id,
        name -> Text,
        token_hash -> Binary,
        created_at -> Instant,
        expires_at -> Nullable<Instant>,
        revoked_at -> Nullable<Instant>,
        last_used_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    one_time_link (token_hash) {
        token_hash -> Binary,
        purpose -> Text,
        party_id -> Nullable<Id>,
        created_at -> Instant,
        expires_at -> Instant,
        used_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    sign_in_throttle (name) {
        name -> Text,
        failures -> Integer,
        blocked_until -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    recipient (id) {
        id -> Id,
        party_id -> Id,
        age_key -> Text,
        label -> Text,
        created_at -> Instant,
        retired_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    entity_link (id) {
        id -> Id,
        party_id -> Id,
        entity_id -> Id,
        reason -> Text,
        linked_by -> Id,
        linked_at -> Instant,
        ended_at -> Nullable<Instant>,
        ended_because -> Nullable<Text>,
    }
}
