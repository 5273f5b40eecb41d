//! Sample documents: a quality report and a signed statement.

use ledger::checkpoint::{Checkpoint, LogKey, origin};
use ledger::entry::{BodyParts, Book, Chain, leaf};
use ledger::lines::SaltedLine;
use ledger::money::Currency;
use ledger::settle::CreditLine;
use ledger::statement::{
    Head, Inputs, LateCopy, Line, LineProof, Lost, Moves, Proof, ProofEntry, Shared, Status, Why,
};
use serde_json::{Value, json};

use super::{at, id};

/// A quality report in its stored form.
pub fn report() -> Value {
    let dimension = |name: &str, weight: u32, ppm: Option<u32>, lost: u32| {
        let mut d = json!({
            "name": name, "iso_25012": "", "gb_t_36344": "", "weight_percent": weight,
            "applicable": ppm.is_some(), "lost_hundredths": lost, "note": "exact only"
        });
        if let Some(ppm) = ppm {
            d["score_ppm"] = json!(ppm);
            d["bad"] = json!(12);
            d["total"] = json!(8000);
        }
        d
    };
    json!({
        "schema": quality::report::SCHEMA, "as_of": "2026-11-24T00:00:00Z", "exactness": "exact",
        "rows": 8000, "columns": 2, "q_hundredths": 9320, "grade": "A",
        "dimensions": [
            dimension("validity", 25, Some(987_600), 310), dimension("completeness", 20, Some(990_000), 200),
            dimension("uniqueness", 20, Some(995_000), 170), dimension("consistency", 15, None, 0),
            dimension("timeliness", 10, None, 0), dimension("documentation", 10, Some(1_000_000), 0)
        ],
        "losses": [{
            "dimension": "validity", "column": "dep_delay", "rule": "above_max", "count": 99, "share_ppm": 12_400,
            "lost_hundredths": 310, "q_if_fixed_hundredths": 9630, "rows": [4, 9]
        }],
        "duplicates": {"exact_rows": 40, "distinct_rows": 7960, "rows": [7], "scope": "exact only"},
        "cleaning": [{"rule": "null_token", "column": "dep_delay", "count": 3, "rows": [1]}],
        "profile": [{
            "name": "dep_delay", "type": "int64", "optional": true, "surrogate": false, "missing": 80,
            "missing_ppm": 10_000, "nulls": 77, "nans": 0, "null_tokens": 3, "blanks": 0, "invalid": 99,
            "distinct": 400, "distinct_exact": true
        }],
        "not_measured": ["near_duplicates", "personal_data"]
    })
}

/// A signed statement file, built and checked by the ledger itself.
pub fn statement_file() -> String {
    let period: ledger::period::Period = "2026-11".parse().expect("a period");
    let head = Head {
        id: id(95),
        number: 1,
        supersedes: None,
        status: Status::Final,
        payee: id(12),
        payee_name: "Harbour Data".into(),
        node: "Granary".into(),
        period,
        currency: Currency::EUR,
        issued_at: at(5),
    };
    let line = line();
    let proof = proof(&head, &line);
    let (moves, payouts) = (Moves::default(), vec![]);
    let inputs = Inputs {
        head,
        opening: 0,
        moves,
        payouts,
        ever_paid: false,
        carry_opening: 0,
        lines: vec![line],
        commissions: vec![],
        claims: vec![],
        proof,
    };
    let statement = inputs.build().expect("it adds up");
    json!({"signature": {"algorithm": "Ed25519", "key": "AAAA", "value": "AAAA"}, "statement": statement}).to_string()
}

/// A log of one settlement of one contributor: both trees are a leaf.
fn proof(head: &Head, own: &Line) -> Proof {
    let book = Book {
        node: id(7),
        currency: head.currency,
    };
    let credit = CreditLine {
        contributor: head.payee,
        share: own.share_ppt,
        credit: own.amount,
        carry_before: own.carry_before,
        carry_after: own.carry_after,
    };
    let secret = [5; 16];
    let salted = SaltedLine::of(&credit, &secret, 0);
    let metadata = [
        ("delta", own.pool_delta.to_string()),
        ("epoch", own.epoch.to_string()),
        ("lines_count", "1".to_owned()),
        ("lines_root", salted.hash().to_string()),
        ("revision", own.revision.to_string()),
    ];
    let (name, period) = (book.to_string(), head.period.to_string());
    let parts = BodyParts {
        id: id(96),
        kind: "settlement",
        book: &name,
        period: &period,
        event_time: at(4),
        source: "sample",
        idem_key: "sample",
        metadata: &metadata.map(|(n, v)| (n.to_owned(), v)).into(),
    };
    let body = parts.body(&secret, std::iter::empty());
    let mut chain = Chain {
        seq: own.entry - 1,
        ..Chain::default()
    };
    let text = leaf(chain.head, own.entry, &secret, &body);
    let link = chain.append(&body, &secret);
    let key = LogKey::new(&origin(book.node), [0; 32]).expect("a name");
    let checkpoint = Checkpoint::new(key.name(), 1, link.leaf_hash);
    let entry = ProofEntry {
        book: name,
        seq: own.entry,
        index: 0,
        leaf: String::from_utf8(text).expect("JSON"),
        leaf_hash: link.leaf_hash,
        path: vec![],
        line: LineProof {
            number: 0,
            salt: salted.salt,
            path: vec![],
        },
    };
    Proof {
        checkpoint: checkpoint.sign(&key, |_| vec![0; 64]),
        entries: vec![entry],
        payouts: vec![],
    }
}

fn line() -> Line {
    let late = LateCopy {
        rows: 500,
        holder_receipt: 3,
        holder_date: at(0).date_naive(),
    };
    Line {
        dataset: id(1),
        dataset_title: "Flights from New York".into(),
        revision: id(50),
        revision_number: 1,
        epoch: 1,
        sales: 1,
        gross: 1990,
        tax: 0,
        fee: 199,
        commission: 0,
        refunds: vec![],
        subscriptions: None,
        pool_delta: 1791,
        weight: 8,
        weight_total: 13,
        share_ppt: 615_384_615_384,
        quality: Some(9320),
        rows: 7000,
        late_copies: vec![late],
        held: vec![],
        why: Some(Why {
            delivered: 8_000,
            unique: 6_000,
            shared: vec![Shared {
                holders: 2,
                rows: 1_000,
            }],
            quality_ppm: 931_400,
            utility_ppm: 1_040_000,
            losses: vec![Lost {
                what: "completeness: missing in dep_time".into(),
                hundredths: 412,
            }],
            inputs: "ad".repeat(32),
        }),
        previous: None,
        amount: 1102,
        carry_before: 0,
        carry_after: 153_846_152_744,
        entry: 10,
    }
}
