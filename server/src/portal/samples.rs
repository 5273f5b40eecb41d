//! Sample views for the tests of the pages, and what every page must be.

mod books;
mod documents;
mod money_out;
mod subscriptions;
mod taxes;

pub use books::{affecting, correction, dispute, outlook, periods};
pub use documents::{report, statement_file};
pub use money_out::{
    bank_file, claim, entity, operator_change, payout, payout_method, payout_run, reconciliation,
};

pub use subscriptions::{plan, subscription};
pub use taxes::{credit_note, invoice, tax_rates, tax_report};

use askama::Template;
use chrono::{DateTime, Utc};
use schema::wire::*;
use serde_json::json;
use uuid::Uuid;

use super::fail::Wrong;
use super::shell::{Shell, Who};

/// Renders a page and asserts what holds on every one, and that `needles` are there.
pub fn check(page: &impl Template, needles: &[&str]) -> String {
    let html = page.render().expect("the template renders");
    for must in [
        "<!doctype html>",
        "<html lang=\"en\">",
        "<main id=\"main\"",
        "href=\"#main\"",
        "<h1",
        "<title>",
        "<nav aria-label=",
    ] {
        assert!(html.contains(must), "{must} is missing");
    }
    for never in [
        "<script",
        " style=\"",
        "<style",
        "javascript:",
        " onclick",
        "Some(",
        "None<",
    ] {
        assert!(!html.contains(never), "{never} must not be there:\n{html}");
    }
    assert_eq!(html.matches("<h1").count(), 1, "one main heading");
    assert!(html.len() < 50_000, "{} bytes", html.len());
    for needle in needles {
        assert!(html.contains(needle), "{needle} is missing in:\n{html}");
    }
    every_input_has_a_label(&html);
    ids_are_unique(&html);
    html
}

fn every_input_has_a_label(html: &str) {
    for kind in ["<input ", "<textarea ", "<select "] {
        for tag in html
            .split(kind)
            .skip(1)
            .filter_map(|rest| rest.split_once('>'))
            .map(|(tag, _)| tag)
        {
            if tag.contains("type=\"hidden\"") {
                continue;
            }
            let id = tag
                .split("id=\"")
                .nth(1)
                .and_then(|rest| rest.split('"').next())
                .unwrap_or_default();
            assert!(
                html.contains(&format!("for=\"{id}\"")),
                "no label for {tag}"
            );
        }
    }
}

fn ids_are_unique(html: &str) {
    let mut ids: Vec<&str> = html
        .split(" id=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(count, ids.len(), "an id is used twice");
}

/// Nobody is signed in.
pub fn guest() -> Shell {
    Shell {
        node: "Granary".into(),
        ..Shell::default()
    }
}

/// Somebody is.
pub fn member() -> Shell {
    Shell {
        who: Some(Who {
            handle: "bo".into(),
            operator: false,
        }),
        ..guest()
    }
}

/// The operator is.
pub fn operator() -> Shell {
    Shell {
        who: Some(Who {
            handle: "op".into(),
            operator: true,
        }),
        ..guest()
    }
}

/// A form that has to be mended.
pub fn wrong(field: &str, detail: &str) -> Wrong {
    Wrong::of(crate::error::Fault::invalid(field, detail)).expect("can be mended")
}

pub fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

pub fn at(day: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000 + day * 86_400, 0).unwrap_or_default()
}

pub fn eur(minor: i64) -> Amount {
    Amount {
        minor,
        currency: "EUR".into(),
    }
}

pub fn party(name: &str) -> PartyView {
    let handle = name.to_lowercase().replace(' ', "-");
    PartyView {
        id: id(name.len() as u128),
        handle,
        display_name: name.into(),
        email: None,
        operator: false,
    }
}

pub fn clauses() -> Vec<ClauseView> {
    [
        ("window", "Valid for 365 days.", "enforced"),
        ("redistribution", "You do not pass it on.", "traceable"),
        ("purpose", "Research only.", "promised"),
    ]
    .map(|(clause, text, strength)| ClauseView {
        clause: clause.into(),
        text: text.into(),
        strength: strength.into(),
    })
    .to_vec()
}

pub fn offer() -> OfferView {
    OfferView {
        id: id(70),
        dataset_id: id(1),
        price: eur(1990),
        terms: json!({}),
        clauses: clauses(),
        terms_sha256: "ab".repeat(32),
        state: "live".into(),
        created_at: at(1),
    }
}

pub fn revision() -> RevisionView {
    RevisionView {
        id: id(50),
        dataset_id: id(1),
        number: 1,
        state: "published".into(),
        note: "First harvest".into(),
        rows: Some(12_345),
        bytes: Some(1_550_000),
        sha256: Some("cd".repeat(32)),
        grade: Some(9320),
        letter: Some("A".into()),
        manifest: Some("eyJ".into()),
        failure: None,
        created_at: at(1),
        published_at: Some(at(1)),
        personal_data: Some("none".into()),
    }
}

pub fn dataset() -> DatasetView {
    DatasetView {
        id: id(1),
        slug: "flights".into(),
        title: "Flights from New York".into(),
        description: "Every departure of one year.".into(),
        owner: party("Harbour Data"),
        admission: Admission::Open,
        commission_bps: 250,
        contract: Some(json!({
            "columns": [
                {"name": "carrier", "type": "string", "description": "Airline", "domain": ["AA", "UA"]},
                {"name": "dep_delay", "type": "int64", "optional": true, "unit": "min", "min": -120, "max": 2000}
            ],
            "key": ["carrier"], "source": "Bureau", "license": "CC0-1.0", "period_days": null
        })),
        revision: Some(revision()),
        offers: vec![offer()],
        state: "open".into(),
        created_at: at(0),
    }
}

pub fn shares() -> SharesView {
    let line = |name: &str, share| ShareLine {
        party: party(name),
        weight: "123".into(),
        share,
    };
    SharesView {
        revision_id: id(50),
        epoch: 1,
        digest: "ef".repeat(32),
        shares: vec![
            line("Harbour Data", 615_384_615_384),
            line("Mill", 384_615_384_616),
        ],
        parts: vec![PartLine {
            contribution_id: id(30),
            party: party("Mill"),
            receipt_no: 12,
            rows_delivered: 8000,
            rows_kept: 7000,
            rows_unique: 6000,
            rows_shared: 1000,
            rows_late: 500,
            shared: vec![SharedRows {
                holders: 2,
                rows: 1000,
            }],
            mass: "99".into(),
            grade: 9320,
            quality_ppm: 931_400,
            losses: vec![PartLoss {
                dimension: "completeness".into(),
                column: Some("dep_time".into()),
                rule: "missing".into(),
                lost_hundredths: 412,
            }],
            utility_ppm: 1_040_000,
            entity_id: None,
            late_copies: vec![LateCopies {
                holder: party("Harbour Data"),
                contribution_id: id(31),
                receipt_no: 3,
                received_at: at(0),
                rows: 500,
            }],
        }],
        inputs_sha256: Some("ad".repeat(32)),
        learned: Some(LearnedView {
            strata: true,
            train: 7000,
            tests: 400,
            tests_used: 300,
        }),
    }
}

pub fn contribution() -> ContributionView {
    ContributionView {
        id: id(30),
        dataset_id: id(1),
        dataset: "flights".into(),
        party: party("Mill"),
        file_name: "may.parquet".into(),
        state: ContributionState::Accepted,
        stage: None,
        receipt_no: Some(12),
        sealed_sha256: Some("12".repeat(32)),
        sealed_bytes: Some(1_550_000),
        rows: Some(8000),
        grade: Some(9320),
        letter: Some("A".into()),
        verdict: None,
        overlaps: Vec::new(),
        already_here: false,
        created_at: at(0),
        received_at: Some(at(0)),
        decided_at: Some(at(0)),
    }
}

/// What was found of a contribution in another owner's dataset.
pub fn overlap() -> OverlapView {
    OverlapView {
        text: "81 % of this already stands in \u{201c}Orchards\u{201d}, since receipt 3 (counted exactly).".into(),
        dataset: Some("Orchards".into()),
        first_receipt: 3,
        measure: "rows".into(),
        share_ppm: 810_000,
        margin_ppm: 0,
        exact: true,
        columns: Vec::new(),
        gate: true,
        cleared_at: None,
    }
}

pub fn refused() -> ContributionView {
    ContributionView {
        state: ContributionState::Rejected,
        verdict: Some(Verdict {
            code: "missing_column".into(),
            message: "Column dep_delay is missing: add it.".into(),
        }),
        grade: None,
        letter: None,
        ..contribution()
    }
}

pub fn wallet(balance: i64) -> WalletView {
    let movement = WalletMovement {
        entry: "EUR/7".into(),
        kind: "purchase".into(),
        amount: eur(-1990),
        at: at(2),
    };
    WalletView {
        balances: vec![eur(balance)],
        earnings: vec![],
        points: 0,
        movements: vec![movement],
    }
}

pub fn payment() -> PaymentView {
    PaymentView {
        id: id(85),
        way: PayWay::Card,
        state: "open".into(),
        amount: eur(2000),
        given_back: eur(0),
        reference: "GRN-00000-0002N".into(),
        url: Some("https://pay.example/c/1".into()),
        instructions: None,
        offer_id: None,
        order_id: None,
        note: None,
        created_at: at(2),
        paid_at: None,
    }
}

pub fn message() -> MessageView {
    MessageView {
        id: id(86),
        direction: "in".into(),
        name: "evt_1".into(),
        kind: "charge.refunded".into(),
        state: "parked".into(),
        reason: Some("It waits for the payment pi_1".into()),
        attempts: 1,
        at: at(2),
    }
}

pub fn order() -> OrderView {
    OrderView {
        id: id(80),
        buyer: party("Bo Buyer"),
        dataset_id: id(1),
        dataset: "flights".into(),
        revision_id: id(50),
        revision: 1,
        licence_id: id(90),
        gross: eur(1990),
        fee: eur(199),
        tax: eur(0),
        commission: eur(0),
        net: eur(1791),
        refunded: eur(500),
        entry: "EUR/7".into(),
        created_at: at(2),
    }
}

pub fn refund() -> RefundView {
    RefundView {
        id: id(81),
        order_id: id(80),
        amount: eur(500),
        fee: eur(50),
        tax: eur(0),
        commission: eur(0),
        net: eur(450),
        reason: "Wrong month".into(),
        entry: "EUR/8".into(),
        licence_revoked: false,
        created_at: at(3),
    }
}

pub fn licence() -> LicenceView {
    LicenceView {
        id: id(90),
        order_id: id(80),
        subscription_id: None,
        holder: party("Bo Buyer"),
        dataset_id: id(1),
        dataset: "flights".into(),
        title: "Flights from New York".into(),
        revision_id: id(50),
        revision: 1,
        state: "active".into(),
        revoked_reason: None,
        clauses: clauses(),
        document: "eyJhbGciOiJFZERTQSJ9.e30.c2ln".into(),
        valid_from: at(2),
        valid_until: Some(at(367)),
        downloads_used: 1,
        created_at: at(2),
    }
}

pub fn recipient() -> RecipientView {
    RecipientView {
        id: id(60),
        recipient: "age1qqqqqqqqqqqqqqqq".into(),
        label: "laptop".into(),
        created_at: at(0),
    }
}

pub fn token() -> TokenView {
    TokenView {
        id: id(61),
        name: "nightly".into(),
        created_at: at(0),
        expires_at: Some(at(90)),
        revoked_at: None,
        last_used_at: None,
    }
}

pub fn link() -> DownloadUrl {
    DownloadUrl {
        url: "http://n/f/flights-1.parquet.age?sp=r&g=1".into(),
        file_name: "flights-1.parquet.age".into(),
        sealed_bytes: 1_550_200,
        etag: "\"x\"".into(),
        sha256: "cd".repeat(32),
        bytes: 1_550_000,
        manifest: "eyJ".into(),
        expires_at: at(2),
        grant_id: id(91),
    }
}

pub fn split() -> SalePreview {
    SalePreview {
        gross: eur(1990),
        fee: eur(199),
        tax: eur(0),
        commission: eur(0),
        net: eur(1791),
        contributors: vec![PreviewLine {
            party: party("Harbour Data"),
            share: 615_384_615_384,
            minor: 1102,
            residue: 0,
        }],
    }
}

pub fn sale() -> SaleView {
    SaleView {
        order_id: id(80),
        dataset: "flights".into(),
        revision: 1,
        buyer: party("Bo Buyer"),
        gross: eur(1990),
        net: eur(1791),
        refunded: eur(0),
        created_at: at(2),
    }
}

pub fn statement() -> StatementView {
    StatementView {
        id: id(95),
        party: party("Mill"),
        period: "2026-11".into(),
        number: 1,
        opening: eur(0),
        earned: eur(12_050),
        closing: eur(12_050),
        created_at: at(5),
    }
}

pub fn topped() -> TopUpView {
    TopUpView {
        party: party("Bo Buyer"),
        amount: eur(10_000),
        balance: eur(10_000),
        entry: "EUR/9".into(),
    }
}

pub fn settlement() -> SettlementView {
    let pool = PoolSettled {
        revision_id: id(50),
        epoch: 1,
        delta: eur(1791),
        contributors: 2,
        dust: 1,
        entry: "EUR/10".into(),
    };
    SettlementView {
        period: "2026-11".into(),
        pools: vec![pool],
        statements: vec![statement()],
    }
}

pub fn trial_balance() -> TrialBalance {
    let account = |name: &str, balance| AccountBalance {
        account: name.into(),
        balance,
    };
    let accounts = vec![
        account("Assets:Bank:main", 10_000),
        account("Income:PlatformFee", -10_000),
    ];
    TrialBalance {
        books: vec![BookBalance {
            book: "EUR".into(),
            total: 0,
            entries: 9,
            accounts,
        }],
    }
}
