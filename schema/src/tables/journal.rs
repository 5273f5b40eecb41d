//! Entries, postings, pools and what is settled from them.

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    period (name) {
        name -> Text,
        opened_at -> Instant,
        closed_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    entry (book, seq) {
        book -> Text,
        seq -> BigInt,
        id -> Id,
        kind -> Text,
        period -> Text,
        event_time -> Instant,
        recorded_at -> Instant,
        source -> Text,
        idem_key -> Text,
        request_hash -> Binary,
        meta -> Text,
        salt -> Binary,
        body_hash -> Binary,
        prev_hash -> Binary,
        leaf_hash -> Binary,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    account (id) {
        id -> BigInt,
        book -> Text,
        name -> Text,
        balance -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    posting (book, seq, line) {
        book -> Text,
        seq -> BigInt,
        line -> Integer,
        account_id -> BigInt,
        amount -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    epoch (revision_id, number) {
        revision_id -> Id,
        number -> Integer,
        digest -> Binary,
        frozen_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    epoch_share (revision_id, epoch, party_id) {
        revision_id -> Id,
        epoch -> Integer,
        party_id -> Id,
        weight -> Text,
        share -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    pool (revision_id, epoch, currency) {
        revision_id -> Id,
        epoch -> Integer,
        currency -> Text,
        cumulative -> BigInt,
        settled -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    carry (party_id, currency) {
        party_id -> Id,
        currency -> Text,
        residue -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    settlement (id) {
        id -> Id,
        period -> Text,
        currency -> Text,
        revision_id -> Id,
        epoch -> Integer,
        pool_delta -> BigInt,
        dust -> BigInt,
        book -> Text,
        entry_seq -> BigInt,
        created_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    settlement_line (settlement_id, party_id) {
        settlement_id -> Id,
        party_id -> Id,
        share -> BigInt,
        amount -> BigInt,
        carry_before -> BigInt,
        carry_after -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    statement (id) {
        id -> Id,
        party_id -> Id,
        period -> Text,
        currency -> Text,
        number -> Integer,
        opening -> BigInt,
        earned -> BigInt,
        closing -> BigInt,
        document -> Text,
        signature -> Text,
        supersedes -> Nullable<Id>,
        created_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    dispute (id) {
        id -> Id,
        order_id -> Nullable<Id>,
        book -> Text,
        amount -> BigInt,
        of_order -> BigInt,
        state -> Text,
        reason -> Text,
        opened_at -> Instant,
        decided_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    dispute_move (id) {
        id -> Id,
        dispute_id -> Id,
        order_id -> Id,
        period -> Text,
        amount -> BigInt,
        fee -> BigInt,
        tax -> BigInt,
        commission -> BigInt,
        net -> BigInt,
        book -> Text,
        entry_seq -> BigInt,
        created_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    give_back (id) {
        id -> Id,
        order_id -> Id,
        period -> Text,
        amount -> BigInt,
        fee -> BigInt,
        tax -> BigInt,
        commission -> BigInt,
        net -> BigInt,
        book -> Text,
        entry_seq -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    reserve (id) {
        id -> Id,
        party_id -> Id,
        currency -> Text,
        held_in -> Text,
        due_in -> Text,
        amount -> BigInt,
        remaining -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    period_close (period, book) {
        period -> Text,
        book -> Text,
        last_seq -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    balance_snapshot (book, seq, account_id) {
        book -> Text,
        seq -> BigInt,
        account_id -> BigInt,
        balance -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    adjustment (id) {
        id -> Id,
        currency -> Text,
        lines -> Text,
        reason -> Text,
        corrects -> Id,
        proposed_by -> Id,
        proposed_at -> Instant,
        approved_by -> Nullable<Id>,
        approved_at -> Nullable<Instant>,
        entry_seq -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    adjustment_move (adjustment_id, revision_id, epoch) {
        adjustment_id -> Id,
        revision_id -> Id,
        epoch -> Integer,
        period_of -> Text,
        net -> BigInt,
        book -> Text,
        entry_seq -> BigInt,
    }
}
