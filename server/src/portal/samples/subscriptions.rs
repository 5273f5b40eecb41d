//! A plan and a subscription.

use schema::wire::*;
use uuid::Uuid;

use super::{at, clauses, eur, id, party};

pub fn plan() -> PlanView {
    let item = |n, slug: &str, title: &str, list| PlanItem {
        dataset_id: id(n),
        dataset: slug.into(),
        title: title.into(),
        list_price: eur(list),
    };
    PlanView {
        id: id(200),
        owner: party("Harbour Data"),
        title: "Flights and weather".into(),
        every: "month".into(),
        price: eur(900),
        datasets: vec![
            item(1, "flights", "Flights from New York", 1990),
            item(2, "weather", "Weather of New York", 0),
        ],
        clauses: clauses(),
        terms_sha256: "ab".repeat(32),
        state: "live".into(),
        subscribers: None,
        created_at: at(1),
    }
}

pub fn subscription(state: &str) -> SubscriptionView {
    let runs = state == "active" || state == "past_due";
    SubscriptionView {
        id: id(201),
        subscriber: party("Bo Buyer"),
        owner: party("Harbour Data"),
        plan_id: id(200),
        title: "Flights and weather".into(),
        every: "month".into(),
        price: eur(900),
        state: state.into(),
        ends_at: at(31),
        next_charge_at: (state == "active").then(|| at(31)),
        grace_until: (state == "past_due").then(|| at(38)),
        cancelled_at: None,
        ended_at: (!runs).then(|| at(31)),
        ended_reason: (!runs).then(|| "Cancelled.".to_owned()),
        unused: runs.then(|| eur(610)),
        refund_asked_at: None,
        refund_asked_reason: None,
        terms: vec![TermView {
            points: 0,
            id: id(202),
            number: 1,
            starts_at: at(0),
            ends_at: at(31),
            days: 31,
            gross: eur(900),
            fee: eur(90),
            tax: eur(0),
            net: eur(810),
            earned_days: 10,
            earned: eur(261),
            deferred: eur(549),
            used_days: 3,
            used_rows: 12_345,
            refunded: eur(0),
            refund_reason: None,
            entry: "EUR/4".into(),
            licences: vec![Uuid::from_u128(90)],
        }],
        created_at: at(0),
    }
}
