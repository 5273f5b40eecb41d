//! Sample payouts, bank files and operators.

use schema::wire::*;

use super::{at, eur, id, party};

pub fn payout_method() -> PayoutMethodView {
    PayoutMethodView {
        id: id(60),
        account: "DE… 3000".into(),
        country: "DE".into(),
        created_at: at(1),
        usable_from: at(4),
    }
}

pub fn payout(state: &str) -> PayoutView {
    PayoutView {
        id: id(61),
        batch_id: id(62),
        party: party("Mill"),
        balance: eur(10_000),
        gross: eur(10_000),
        withheld: eur(1_500),
        net: eur(8_500),
        account: Some("DE… 3000".into()),
        state: state.into(),
        reason: "came_back".into(),
        explanation: "It came back (AC04): the money is in the balance again.".into(),
        bank_status: "RJCT".into(),
        entries: vec!["EUR/12".into()],
        changed_at: at(6),
    }
}

pub fn payout_run(state: &str) -> PayoutBatchView {
    let held = PayoutView {
        balance: eur(-70),
        account: None,
        explanation: "More was given back than earned: the balance carries forward.".into(),
        ..payout("held")
    };
    let approved = state == "approved";
    PayoutBatchView {
        id: Some(id(62)),
        state: state.into(),
        execute_on: at(7).date_naive(),
        proposed_by: party("Op One"),
        proposed_at: at(5),
        approved_by: approved.then(|| party("Op Two")),
        approved_at: approved.then(|| at(6)),
        period: approved.then(|| "2026-11".into()),
        file_sha256: approved.then(|| "ab".repeat(32)),
        totals: vec![PayoutTotal {
            payees: 1,
            gross: eur(10_000),
            withheld: eur(1_500),
            net: eur(8_500),
            held_back: 1,
        }],
        lines: vec![payout(if approved { "settled" } else { "proposed" }), held],
    }
}

pub fn bank_file() -> BankFileView {
    BankFileView {
        id: id(63),
        kind: "camt.053".into(),
        message: "C1".into(),
        sha256: "cd".repeat(32),
        imported_by: party("Op One"),
        created_at: at(8),
        repeated: false,
        statements: vec![],
        lines: vec![BankLineView {
            amount: Some(eur(-8_500)),
            booked_on: "2026-03-04".into(),
            reference: "r".into(),
            words: "SEPA".into(),
            outcome: "settled".into(),
            explanation: "Debited: the payout is settled.".into(),
            payout_id: Some(id(61)),
            entry: "EUR/13".into(),
        }],
    }
}

pub fn reconciliation() -> Reconciliation {
    Reconciliation {
        currencies: vec![CurrencyReconciliation {
            in_transit: eur(0),
            in_transit_of_runs: eur(0),
            runs: vec![],
            books: eur(1_500),
            bank: Some(eur(101_500)),
            bank_on: Some(at(8).date_naive()),
            breaks: vec![Break {
                kind: "before_first_statement".into(),
                amount: eur(100_000),
                on: "2026-03-03".into(),
                reference: "2026-42".into(),
                words: "What stood in the account before the first statement.".into(),
            }],
            unexplained: eur(0),
        }],
    }
}

pub fn claim(state: &str) -> ClaimView {
    let opened = state == "open";
    ClaimView {
        id: id(71),
        dataset_id: id(1),
        dataset: "flights".into(),
        state: state.into(),
        claimant: Some(party("Quill")),
        reason: Some("our own survey".into()),
        evidence_receipt: 2,
        evidence_received_at: at(1),
        parts: vec![ClaimPartView {
            contribution_id: id(31),
            holder: Some(party("Harbour Data")),
            receipt_no: 3,
            received_at: at(2),
            rows: 600,
            of_rows: 1_000,
            held: if opened { vec![eur(360)] } else { vec![] },
        }],
        created_at: at(3),
        opened_at: opened.then(|| at(4)),
        decided_at: None,
        decided_because: None,
    }
}

pub fn entity() -> EntityView {
    let member = |name, day| EntityMember {
        party: party(name),
        reason: "same payout account".into(),
        linked_at: at(day),
    };
    EntityView {
        id: id(70),
        members: vec![member("Quill", 1), member("Inkwell", 2)],
    }
}

pub fn operator_change() -> OperatorView {
    OperatorView {
        party: PartyView {
            operator: true,
            ..party("Op Two")
        },
        operator: true,
        changed_by: Some(party("Op One")),
        reason: "holiday cover".into(),
        created_at: at(3),
    }
}
