//! Sample rates, invoices and a tax report.

use schema::wire::*;

use super::{at, eur, id, party};

fn side(name: &str) -> InvoiceParty {
    InvoiceParty {
        name: name.into(),
        address: "Weg 1\n10115 Berlin".into(),
        jurisdiction: "DE".into(),
        tax_id: None,
    }
}

pub fn invoice() -> InvoiceView {
    InvoiceView {
        id: id(80),
        number: "2026-000007".into(),
        kind: "invoice".into(),
        corrects: None,
        order_id: id(80),
        party: party("Bo Buyer"),
        seller: side("Granary GmbH"),
        buyer: side("Bo Buyer"),
        lines: vec![],
        net: eur(1673),
        tax: eur(317),
        gross: eur(1990),
        jurisdiction: "DE".into(),
        tax_name: "VAT DE".into(),
        tax_bps: 1900,
        reverse_charge: false,
        note: None,
        entry: "EUR/7".into(),
        issued_at: at(2),
    }
}

pub fn credit_note() -> InvoiceView {
    InvoiceView {
        id: id(81),
        number: "2026-000009".into(),
        kind: "credit_note".into(),
        corrects: Some(InvoiceRef {
            id: id(80),
            number: "2026-000007".into(),
        }),
        net: eur(420),
        tax: eur(80),
        gross: eur(500),
        ..invoice()
    }
}

pub fn tax_rates() -> Vec<TaxRateView> {
    let rate = |n, bps, state: &str| TaxRateView {
        id: id(n),
        jurisdiction: "DE".into(),
        name: "VAT DE".into(),
        bps,
        reverse_charge: n == 200,
        valid_from: at(2),
        valid_until: None,
        state: state.into(),
        created_at: at(2),
    };
    vec![rate(200, 1900, "in_force"), rate(201, 1500, "superseded")]
}

pub fn tax_report() -> TaxReport {
    let line = |reverse_charge| TaxReportLine {
        jurisdiction: "DE".into(),
        bps: Some(1900),
        reverse_charge,
        sales: 3,
        net: eur(5019),
        collected: eur(951),
        refunds: 1,
        net_refunded: eur(420),
        refunded: eur(80),
        owed: eur(871),
    };
    TaxReport {
        period: "2026-11".into(),
        lines: vec![line(false), line(true)],
        accounts: vec![TaxAccountLine {
            jurisdiction: "DE".into(),
            moved: eur(991),
            other: eur(120),
        }],
    }
}
