//! Datasets, contributions, revisions and what is known of their overlap.

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
        items_blob -> Nullable<Text>,
        items_rule -> Nullable<Text>,
        prints_blob -> Nullable<Text>,
        prints_rule -> Nullable<Text>,
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
    use crate::columns::Id;

    epoch_part (revision_id, epoch, contribution_id) {
        revision_id -> Id,
        epoch -> Integer,
        contribution_id -> Id,
        rows_unique -> BigInt,
        rows_shared -> BigInt,
        rows_late -> BigInt,
        mass -> Text,
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
