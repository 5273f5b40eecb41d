//! Samples of months, corrections and disputes.

use schema::wire::{AdjustmentLine, AdjustmentView, DisputeView, PeriodView};
use uuid::Uuid;

use super::{at, eur, id};
use crate::flows::dispute::Affecting;
use crate::flows::period::{Outlook, Turnover};

pub fn dispute(state: &str) -> DisputeView {
    DisputeView {
        id: id(120),
        order_id: Some(id(80)),
        amount: eur(1200),
        above: eur(0),
        state: state.into(),
        reason: "The holder does not know us".into(),
        opened_at: at(4),
        decided_at: (state != "open").then(|| at(6)),
    }
}

pub fn affecting() -> Affecting {
    Affecting {
        dataset: "flights".into(),
        title: "Flights from New York".into(),
        revision: 1,
        from_pool: eur(1080),
        state: "open".into(),
        opened_at: at(4),
    }
}

pub fn correction(proposed_by: Uuid) -> AdjustmentView {
    let line = |account: &str, minor| AdjustmentLine {
        account: account.into(),
        minor,
    };
    AdjustmentView {
        id: id(130),
        currency: "EUR".into(),
        lines: vec![
            line("Income:PlatformFee", 40),
            line("Liabilities:Dust", -40),
        ],
        reason: "The fee was agreed to be lower".into(),
        corrects: "EUR/7".into(),
        proposed_by,
        proposed_at: at(4),
        approved_by: None,
        approved_at: None,
        entry: String::new(),
    }
}

pub fn periods() -> Vec<PeriodView> {
    let period = |name: &str, closed: bool| PeriodView {
        name: name.into(),
        opened_at: at(0),
        closed_at: closed.then(|| at(9)),
    };
    vec![
        period("2026-11", false),
        period("2026-10", false),
        period("2026-09", true),
    ]
}

pub fn outlook() -> Vec<Outlook> {
    let turnover = vec![Turnover {
        book: "EUR".into(),
        kind: "purchase".into(),
        entries: 2,
        moved: 3980,
    }];
    vec![
        Outlook {
            name: "2026-10".into(),
            over: true,
            turnover,
        },
        Outlook {
            name: "2026-11".into(),
            over: false,
            turnover: vec![],
        },
    ]
}
