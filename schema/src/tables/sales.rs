//! Offers, orders, licences and the use made of them.

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    offer (id) {
        id -> Id,
        dataset_id -> Id,
        terms -> Text,
        terms_digest -> Binary,
        price_minor -> BigInt,
        currency -> Text,
        state -> Text,
        created_at -> Instant,
        retired_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    orders (id) {
        id -> Id,
        buyer_id -> Id,
        offer_id -> Id,
        dataset_id -> Id,
        revision_id -> Id,
        epoch -> Integer,
        licence_id -> Id,
        currency -> Text,
        gross -> BigInt,
        fee -> BigInt,
        tax -> BigInt,
        commission -> BigInt,
        net -> BigInt,
        refunded -> BigInt,
        refunded_fee -> BigInt,
        refunded_tax -> BigInt,
        refunded_commission -> BigInt,
        refunded_net -> BigInt,
        book -> Text,
        entry_seq -> BigInt,
        created_at -> Instant,
        jurisdiction -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    refund (id) {
        id -> Id,
        order_id -> Id,
        period -> Text,
        amount -> BigInt,
        fee -> BigInt,
        tax -> BigInt,
        commission -> BigInt,
        net -> BigInt,
        reason -> Text,
        requested_by -> Id,
        book -> Text,
        entry_seq -> BigInt,
        created_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    licence (id) {
        id -> Id,
        order_id -> Id,
        party_id -> Id,
        dataset_id -> Id,
        revision_id -> Id,
        document -> Text,
        valid_from -> Instant,
        valid_until -> Nullable<Instant>,
        downloads_used -> Integer,
        revoked_at -> Nullable<Instant>,
        revoked_reason -> Nullable<Text>,
        created_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    grants (id) {
        id -> Id,
        licence_id -> Id,
        revision_id -> Id,
        recipient_id -> Nullable<Id>,
        kind -> Text,
        rows -> BigInt,
        created_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    delivery_header (licence_id, revision_id, recipient_id) {
        licence_id -> Id,
        revision_id -> Id,
        recipient_id -> Id,
        header -> Binary,
        etag -> Text,
        created_at -> Instant,
    }
}
