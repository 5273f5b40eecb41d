//! Rates of sales tax, whom invoices are made out to, and the invoices.

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    tax_rate (id) {
        id -> Id,
        jurisdiction -> Text,
        name -> Text,
        bps -> Integer,
        reverse_charge -> Bool,
        valid_from -> Instant,
        valid_until -> Nullable<Instant>,
        made_by -> Id,
        created_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    billing (party_id) {
        party_id -> Id,
        name -> Text,
        address -> Text,
        jurisdiction -> Text,
        tax_id -> Nullable<Text>,
        updated_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::{Id, Instant};

    invoice (id) {
        id -> Id,
        year -> Integer,
        number -> BigInt,
        kind -> Text,
        corrects -> Nullable<Id>,
        order_id -> Id,
        buyer_id -> Id,
        seller -> Text,
        buyer -> Text,
        line -> Text,
        net -> BigInt,
        tax -> BigInt,
        gross -> BigInt,
        jurisdiction -> Text,
        tax_name -> Text,
        tax_bps -> Integer,
        reverse_charge -> Bool,
        book -> Text,
        entry_seq -> BigInt,
        issued_at -> Instant,
    }
}
