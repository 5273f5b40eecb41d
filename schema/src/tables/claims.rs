//! Claims on rows, and what they held.

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    claim (id) {
        id -> Id,
        dataset_id -> Id,
        claimant_id -> Id,
        evidence_id -> Id,
        reason -> Text,
        state -> Text,
        created_at -> Instant,
        opened_by -> Nullable<Id>,
        opened_at -> Nullable<Instant>,
        decided_by -> Nullable<Id>,
        decided_at -> Nullable<Instant>,
        decided_because -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::Id;

    claim_part (claim_id, contribution_id) {
        claim_id -> Id,
        contribution_id -> Id,
        holder_id -> Id,
        rows -> BigInt,
        rows_blob -> Nullable<Text>,
        suspense_id -> Nullable<Id>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::Id;

    claim_release (entry_id) {
        entry_id -> Id,
        claim_id -> Id,
        contribution_id -> Id,
        party_id -> Id,
        amount -> BigInt,
        period -> Text,
        book -> Text,
        entry_seq -> BigInt,
    }
}

diesel::joinable!(claim_part -> claim (claim_id));
diesel::allow_tables_to_appear_in_same_query!(claim, claim_part);
