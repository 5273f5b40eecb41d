//! The tables of both databases. The only place where a column is named for Rust.
//!
//! Column types are one per concept (`Id`, `Instant`) so that the same query text
//! serves SQLite and PostgreSQL; see [`crate::columns`].

mod log;
mod money_out;
mod payments;

pub use self::payments::*;
pub use log::*;
pub use money_out::*;

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

    dataset (id) {
        id -> Id,
        owner_id -> Id,
        slug -> Text,
        title -> Text,
        description -> Text,
        contract -> Nullable<Text>,
        admission -> Text,
        commission_bps -> Integer,
        state -> Text,
        created_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    dataset_member (dataset_id, party_id) {
        dataset_id -> Id,
        party_id -> Id,
        invited_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    contribution (id) {
        id -> Id,
        dataset_id -> Id,
        party_id -> Id,
        file_name -> Text,
        claimed_digest -> Binary,
        state -> Text,
        receipt_no -> Nullable<BigInt>,
        sealed_blob -> Nullable<Text>,
        sealed_digest -> Nullable<Binary>,
        sealed_size -> Nullable<BigInt>,
        cleaned_blob -> Nullable<Text>,
        marks_blob -> Nullable<Text>,
        preview_blob -> Nullable<Text>,
        rows -> Nullable<BigInt>,
        grade -> Nullable<Integer>,
        report -> Nullable<Text>,
        verdict_code -> Nullable<Text>,
        verdict_message -> Nullable<Text>,
        published_mark -> Nullable<BigInt>,
        created_at -> Instant,
        received_at -> Nullable<Instant>,
        decided_at -> Nullable<Instant>,
        withdrawn_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    revision (id) {
        id -> Id,
        dataset_id -> Id,
        number -> Integer,
        state -> Text,
        note -> Text,
        receipt_mark -> Nullable<BigInt>,
        rows -> Nullable<BigInt>,
        blob -> Nullable<Text>,
        sealed_size -> Nullable<BigInt>,
        payload_offset -> Nullable<BigInt>,
        payload_digest -> Nullable<Binary>,
        size -> Nullable<BigInt>,
        digest -> Nullable<Binary>,
        grade -> Nullable<Integer>,
        report -> Nullable<Text>,
        preview_blob -> Nullable<Text>,
        manifest -> Nullable<Text>,
        failure -> Nullable<Text>,
        created_at -> Instant,
        published_at -> Nullable<Instant>,
        personal_data -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    revision_part (revision_id, contribution_id) {
        revision_id -> Id,
        contribution_id -> Id,
        party_id -> Id,
        receipt_no -> BigInt,
        rows_delivered -> BigInt,
        rows_kept -> BigInt,
        rows_unique -> BigInt,
        rows_shared -> BigInt,
        rows_late -> BigInt,
        mass -> Text,
        grade -> Integer,
        detail -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    sketch (contribution_id, kind, place) {
        contribution_id -> Id,
        kind -> Text,
        place -> Integer,
        members -> BigInt,
        bound -> Nullable<BigInt>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    sketch_entry (hash, dataset_id) {
        hash -> BigInt,
        dataset_id -> Id,
        contribution_id -> Id,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    overlap (contribution_id, dataset_id, measure) {
        contribution_id -> Id,
        dataset_id -> Id,
        measure -> Text,
        share_ppm -> Integer,
        margin_ppm -> Integer,
        first_receipt -> BigInt,
        detail -> Text,
        gate -> Bool,
        cleared_by -> Nullable<Id>,
        cleared_at -> Nullable<Instant>,
        cleared_because -> Nullable<Text>,
    }
}

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

diesel::joinable!(session -> party (party_id));
diesel::joinable!(api_token -> party (party_id));
diesel::joinable!(recipient -> party (party_id));
diesel::joinable!(dataset -> party (owner_id));
diesel::joinable!(contribution -> dataset (dataset_id));
diesel::joinable!(contribution -> party (party_id));
diesel::joinable!(revision -> dataset (dataset_id));
diesel::joinable!(revision_part -> revision (revision_id));
diesel::joinable!(revision_part -> contribution (contribution_id));
diesel::joinable!(revision_part -> party (party_id));
diesel::joinable!(offer -> dataset (dataset_id));
diesel::joinable!(posting -> account (account_id));
diesel::joinable!(epoch_share -> party (party_id));
diesel::joinable!(orders -> dataset (dataset_id));
diesel::joinable!(orders -> party (buyer_id));
diesel::joinable!(orders -> revision (revision_id));
diesel::joinable!(refund -> orders (order_id));
diesel::joinable!(licence -> orders (order_id));
diesel::joinable!(licence -> dataset (dataset_id));
diesel::joinable!(grants -> licence (licence_id));
diesel::joinable!(settlement_line -> settlement (settlement_id));
diesel::joinable!(settlement_line -> party (party_id));
diesel::joinable!(statement -> party (party_id));
diesel::joinable!(give_back -> orders (order_id));
diesel::joinable!(balance_snapshot -> account (account_id));

diesel::allow_tables_to_appear_in_same_query!(
    node_setting,
    node_counter,
    party,
    session,
    api_token,
    one_time_link,
    sign_in_throttle,
    recipient,
    dataset,
    dataset_member,
    contribution,
    revision,
    revision_part,
    sketch,
    sketch_entry,
    overlap,
    offer,
    period,
    entry,
    account,
    posting,
    epoch,
    epoch_share,
    pool,
    carry,
    orders,
    refund,
    licence,
    grants,
    delivery_header,
    settlement,
    settlement_line,
    statement,
    job,
    idempotency,
    entity_link,
    payment,
    provider_object,
    inbox,
    outbox,
    dispute,
    dispute_move,
    give_back,
    reserve,
    period_close,
    balance_snapshot,
    adjustment,
    adjustment_move,
);
