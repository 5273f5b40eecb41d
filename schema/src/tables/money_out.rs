//! Payouts, the bank's files, who runs the node.

use super::statement;

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    payout_method (id) {
        id -> Id,
        party_id -> Id,
        country -> Text,
        hint -> Text,
        sealed -> Binary,
        created_at -> Instant,
        retired_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    payout_hold (id) {
        id -> Id,
        party_id -> Id,
        reason -> Text,
        placed_by -> Id,
        created_at -> Instant,
        released_by -> Nullable<Id>,
        released_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    operator_change (id) {
        id -> Id,
        party_id -> Id,
        operator -> Bool,
        changed_by -> Id,
        reason -> Text,
        created_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    payout_batch (id) {
        id -> Id,
        state -> Text,
        execute_on -> Text,
        proposed_by -> Id,
        proposed_at -> Instant,
        approved_by -> Nullable<Id>,
        approved_at -> Nullable<Instant>,
        period -> Nullable<Text>,
        file -> Nullable<Binary>,
        file_digest -> Nullable<Binary>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    payout_block (batch_id, name) {
        batch_id -> Id,
        name -> Text,
        currency -> Text,
        transfers -> Integer,
        total -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    payout (id) {
        id -> Id,
        batch_id -> Id,
        party_id -> Id,
        currency -> Text,
        balance -> BigInt,
        gross -> BigInt,
        withheld -> BigInt,
        net -> BigInt,
        jurisdiction -> Text,
        method_id -> Nullable<Id>,
        state -> Text,
        reason -> Text,
        block -> Text,
        period -> Nullable<Text>,
        entry_seq -> BigInt,
        settled_seq -> BigInt,
        returned_seq -> BigInt,
        returned_period -> Nullable<Text>,
        bank_status -> Text,
        bank_reason -> Text,
        changed_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    bank_file (id) {
        id -> Id,
        digest -> Binary,
        kind -> Text,
        message -> Text,
        imported_by -> Id,
        sealed -> Binary,
        created_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    bank_statement (file_id, number) {
        file_id -> Id,
        number -> Integer,
        name -> Text,
        currency -> Text,
        opening -> BigInt,
        closing -> BigInt,
        opened_on -> Text,
        closed_on -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    bank_line (file_id, line) {
        file_id -> Id,
        line -> Integer,
        statement -> Integer,
        currency -> Text,
        amount -> BigInt,
        booked_on -> Text,
        reference -> Text,
        words -> Text,
        outcome -> Text,
        payout_id -> Nullable<Id>,
        entry_seq -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    statement_move (statement_id) {
        statement_id -> Id,
        released -> BigInt,
        held -> BigInt,
        drawn -> BigInt,
        paid -> BigInt,
    }
}

diesel::joinable!(statement_move -> statement (statement_id));
diesel::allow_tables_to_appear_in_same_query!(statement, statement_move);
