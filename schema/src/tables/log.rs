//! Tables of the log: places, tiles, checkpoints, and the trees over settlements' lines. They
//! are read by their keys and joined with nothing.

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    log_range (first) {
        first -> BigInt,
        count -> BigInt,
        book -> Text,
        first_seq -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    log_tile (level, number) {
        level -> Integer,
        number -> BigInt,
        hashes -> Binary,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    checkpoint (number) {
        number -> BigInt,
        size -> BigInt,
        root -> Binary,
        note -> Text,
        created_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    settlement_leaf (settlement_id) {
        settlement_id -> Id,
        leaf -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    settlement_tile (settlement_id, level, number) {
        settlement_id -> Id,
        level -> Integer,
        number -> BigInt,
        hashes -> Binary,
    }
}
