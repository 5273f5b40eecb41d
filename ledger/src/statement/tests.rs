//! A statement by hand, and every way to spoil it.

use super::*;
use crate::checkpoint::{Checkpoint, LogKey, origin};
use crate::entry::{BodyParts, Book, Chain, leaf};
use crate::json::Hash;
use crate::lines::{self, SaltedLine};
use crate::merkle::{ProofError, Tiles, Tree};
use crate::settle::{CreditLine, credit};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::Value;

fn u(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn pair() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap()
}

fn key() -> [u8; 32] {
    pair().public_key().as_ref().try_into().unwrap()
}

fn head() -> Head {
    Head {
        id: u(1),
        number: 1,
        supersedes: None,
        status: Status::Final,
        payee: u(21),
        payee_name: "Ada Ähren".into(),
        node: "mill.example".into(),
        period: "2026-11".parse().unwrap(),
        currency: Currency::EUR,
        issued_at: "2026-12-01T00:00:00Z".parse().unwrap(),
    }
}

fn line(entry: u64, gross: i64, refunds: Vec<RefundLine>, carry_before: i64) -> Line {
    let fee = gross / 10;
    let pool_delta = gross - fee - refunds.iter().map(|r| r.net).sum::<i64>();
    let share_ppt = 333_333_333_333;
    let (amount, carry_after) = credit(carry_before, pool_delta, share_ppt);
    Line {
        dataset: u(40),
        dataset_title: "Flights".into(),
        revision: u(50),
        revision_number: 1,
        epoch: 1,
        sales: 2,
        gross,
        tax: 0,
        fee,
        commission: 0,
        refunds,
        subscriptions: None,
        pool_delta,
        weight: u128::from(u64::MAX),
        weight_total: 3 * u128::from(u64::MAX),
        share_ppt,
        quality: Some(9_512),
        rows: 1_200,
        late_copies: vec![LateCopy {
            rows: 7,
            holder_receipt: 3,
            holder_date: "2026-10-02".parse().unwrap(),
        }],
        held: vec![],
        why: Some(Why {
            delivered: 1_250,
            unique: 900,
            shared: vec![Shared {
                holders: 2,
                rows: 343,
            }],
            quality_ppm: 951_200,
            utility_ppm: 1_000_000,
            losses: vec![Lost {
                what: "completeness: missing in delay".to_owned(),
                hundredths: 212,
            }],
            inputs: "5e".repeat(32),
        }),
        previous: None,
        amount,
        carry_before,
        carry_after,
        entry,
    }
}

fn refunds() -> Vec<RefundLine> {
    let period = "2026-10".parse().unwrap();
    vec![RefundLine {
        period,
        count: 1,
        gross: 500,
        tax: 0,
        fee: 50,
        commission: 0,
        net: 450,
    }]
}

/// Proofs out of the tiles a tree has given.
fn tiles(tree: &mut Tree) -> Tiles<impl FnMut(u8, u64) -> Result<Vec<Hash>, ProofError>> {
    let stored: std::collections::HashMap<(u8, u64), Vec<Hash>> = tree
        .take_tiles()
        .into_iter()
        .map(|t| ((t.level, t.number), t.hashes))
        .collect();
    Tiles::new(move |level, number| Ok(stored.get(&(level, number)).cloned().unwrap_or_default()))
}

/// The settlement behind a line: between two other contributors, with an entry's leaf.
fn settlement(payee: Uuid, own: &Line, chain: &mut Chain, book: &str) -> ProofEntry {
    let secret = [own.entry as u8; 16];
    let credit = |contributor, amount| CreditLine {
        contributor,
        share: own.share_ppt,
        credit: amount,
        carry_before: own.carry_before,
        carry_after: own.carry_after,
    };
    let all = [credit(u(3), 1), credit(payee, own.amount), credit(u(99), 2)];
    let mut tree = lines::tree(&all, &secret);
    let root = tree.root();
    let metadata = [
        ("delta", own.pool_delta.to_string()),
        ("epoch", own.epoch.to_string()),
        ("lines_count", all.len().to_string()),
        ("lines_root", root.to_string()),
        ("revision", own.revision.to_string()),
    ];
    let parts = BodyParts {
        id: u(u128::from(own.entry)),
        kind: "settlement",
        book,
        period: "2026-11",
        event_time: "2026-11-30T10:00:00Z".parse().unwrap(),
        source: "api",
        idem_key: "k",
        metadata: &metadata.map(|(n, v)| (n.to_string(), v)).into(),
    };
    let body = parts.body(&secret, [("a", 1), ("b", -1)].into_iter());
    chain.seq = own.entry - 1;
    let leaf = leaf(chain.head, own.entry, &secret, &body);
    let link = chain.append(&body, &secret);
    ProofEntry {
        book: book.to_string(),
        seq: own.entry,
        index: 0,
        leaf: String::from_utf8(leaf).unwrap(),
        leaf_hash: link.leaf_hash,
        path: vec![],
        line: LineProof {
            number: 1,
            salt: SaltedLine::of(&all[1], &secret, 1).salt,
            path: tiles(&mut tree).prove_inclusion(1, 3).unwrap(),
        },
    }
}

/// A log with an entry for every line, four of others at its head.
pub(crate) fn proof(payee: Uuid, lines: &[Line]) -> Proof {
    let book = Book {
        node: u(7),
        currency: Currency::EUR,
    };
    let (mut tree, mut chain) = (Tree::default(), Chain::default());
    (0..4).for_each(|n| tree.push(Hash([n; 32])));
    let mut entries = Vec::new();
    for line in lines {
        let mut entry = settlement(payee, line, &mut chain, &book.to_string());
        entry.index = tree.size();
        tree.push(entry.leaf_hash);
        entries.push(entry);
    }
    let (size, root) = (tree.size(), tree.root());
    let mut tiles = tiles(&mut tree);
    for entry in &mut entries {
        entry.path = tiles.prove_inclusion(entry.index, size).unwrap();
    }
    let log = LogKey::new(&origin(book.node), key()).unwrap();
    let checkpoint = Checkpoint::new(log.name(), size, root)
        .sign(&log, |bytes| pair().sign(bytes).as_ref().to_vec());
    Proof {
        checkpoint,
        entries,
        payouts: Vec::new(),
    }
}

pub(crate) fn inputs() -> Inputs {
    let first = line(5, 3998, vec![], 250);
    let second = line(9, 100, refunds(), first.carry_after);
    let lines = vec![first, second];
    Inputs {
        head: head(),
        opening: 1_000,
        moves: Moves::default(),
        payouts: vec![],
        ever_paid: false,
        carry_opening: 250,
        proof: proof(u(21), &lines),
        lines,
        commissions: vec![CommissionLine {
            dataset: u(41),
            dataset_title: "Own".into(),
            sales: 1,
            amount: 12,
        }],
        claims: vec![],
    }
}

fn signed(statement: &Statement) -> Vec<u8> {
    statement.sign(&key(), |bytes| pair().sign(bytes).as_ref().to_vec())
}

#[test]
fn figures_by_hand() {
    let s = inputs().build().unwrap();
    // 3998 − 399 = 3599 → third: 1199.67; then 90 − 450 = −360 → −120 and a bit.
    assert_eq!((s.lines[0].pool_delta, s.lines[0].amount), (3599, 1199));
    assert_eq!((s.lines[1].pool_delta, s.lines[1].amount), (-360, -120));
    assert_eq!(s.bridge.earned, 1199 - 120 + 12);
    assert_eq!(s.bridge.closing, 2091);
    assert_eq!(s.bridge.carry_closing, s.lines[1].carry_after);
    assert_eq!(
        s.answer,
        "Earned 10.91 EUR in 2026-11, paid 0.00 EUR, carried 20.91 EUR (no payouts yet: balance held)."
    );
    assert_eq!(s.footer.refunds_net, 450);
    assert_eq!(
        (s.footer.lines, s.footer.sales, s.footer.gross),
        (2, 4, 4098)
    );
}

/// 3599 in the pool: a sixth is held, 599.83, so 599 or 600 by its own residue.
#[test]
fn what_is_held_and_what_a_claim_gave_are_recomputed() {
    let with = |amount: i64, share_ppt: i64, given: i64| {
        let mut inputs = inputs();
        inputs.lines[0].held = vec![Held {
            claim: u(60),
            receipt: 4,
            rows: 600,
            weight: u128::from(u64::MAX) / 2,
            share_ppt,
            amount,
        }];
        inputs.claims = vec![ClaimLine {
            claim: u(61),
            dataset: u(40),
            dataset_title: "Flights".into(),
            amount: given,
            entry: 11,
        }];
        inputs.build()
    };
    let sixth = 166_666_666_666;
    let s = with(599, sixth, 30).unwrap();
    assert_eq!(s.bridge.earned, 1199 - 120 + 12 + 30);
    assert!(verify(&signed(&s), &key()).is_ok());
    assert!(with(600, sixth, -2_000).is_ok());
    for (amount, share) in [(598, sixth), (601, sixth), (599, sixth + 2), (599, -1)] {
        let error = with(amount, share, 30).unwrap_err();
        assert!(error.to_string().contains("held for claim"), "{error}");
    }
    let mut lie = s;
    lie.claims[0].amount = 31;
    let error = verify(&signed(&lie), &key()).unwrap_err();
    assert!(error.to_string().contains("earned"), "{error}");
}

#[test]
fn a_signed_file_verifies_and_reads_back() {
    let statement = inputs().build().unwrap();
    let file = signed(&statement);
    let summary = verify(&file, &key()).unwrap();
    assert_eq!(
        (summary.lines, summary.entries, summary.closing.minor),
        (2, 2, 2091)
    );
    assert_eq!(Statement::read(&file).unwrap(), statement);
    let mut with_newline = file.clone();
    with_newline.push(b'\n');
    assert!(verify(&with_newline, &key()).is_ok());
    // The same statement gives the same bytes.
    assert_eq!(signed(&statement), file);
}

#[test]
fn a_party_without_lines_gets_its_statement_too() {
    let empty = Inputs {
        lines: vec![],
        commissions: vec![],
        proof: Proof::default(),
        ..inputs()
    };
    let s = empty.build().unwrap();
    assert_eq!((s.bridge.earned, s.bridge.closing), (0, 1_000));
    assert!(verify(&signed(&s), &key()).is_ok());
}

fn payout(kind: PayoutKind, gross: i64, withheld: i64) -> PayoutLine {
    PayoutLine {
        payout: u(61),
        kind,
        gross,
        withheld,
        net: gross - withheld,
        entry: 12,
    }
}

#[test]
fn payouts_and_reserves_are_part_of_the_bridge() {
    let moves = Moves {
        released: 30,
        held: 100,
        drawn: 5,
    };
    let with = |payouts: Vec<PayoutLine>, ever_paid| Inputs {
        moves,
        payouts,
        ever_paid,
        ..inputs()
    };
    let one = payout(PayoutKind::Paid, 1_900, 0);
    let s = with(vec![one.clone()], true).build().unwrap();
    assert_eq!(s.bridge.closing, 2091 + 30 - 100 + 5 - 1_900);
    assert_eq!(
        s.answer,
        "Earned 10.91 EUR in 2026-11, paid 19.00 EUR, carried 1.26 EUR."
    );
    assert!(verify(&signed(&s), &key()).is_ok());
    assert!(with(vec![one.clone()], false).build().is_err());
    for wrong in [
        PayoutLine {
            net: 1_899,
            ..one.clone()
        },
        payout(PayoutKind::Paid, 10, -1),
        payout(PayoutKind::Paid, 10, 10),
        payout(PayoutKind::Returned, -10, 0),
    ] {
        let error = with(vec![wrong.clone()], true).build().unwrap_err();
        assert!(
            error.to_string().starts_with("payouts: "),
            "{wrong:?}: {error}"
        );
    }
    let mut forged = s;
    forged.payouts[0].gross += 1;
    forged.payouts[0].net += 1;
    assert!(verify(&signed(&forged), &key()).is_err());
}

#[test]
fn what_came_back_and_what_was_withheld_is_said() {
    let taxed = Inputs {
        payouts: vec![payout(PayoutKind::Paid, 1_000, 150)],
        ever_paid: true,
        ..inputs()
    };
    assert_eq!(
        taxed.build().unwrap().answer,
        "Earned 10.91 EUR in 2026-11, paid 10.00 EUR (of it 1.50 EUR withheld as tax), carried 10.91 EUR."
    );
    let back = Inputs {
        payouts: vec![payout(PayoutKind::Returned, 1_000, 150)],
        ever_paid: true,
        ..inputs()
    };
    let s = back.build().unwrap();
    assert_eq!((s.bridge.paid, s.bridge.closing), (-1_000, 3_091));
    assert_eq!(
        s.answer,
        "Earned 10.91 EUR in 2026-11, 10.00 EUR of a payout came back, carried 30.91 EUR."
    );
    // Without payouts the document is what it always was.
    let plain = String::from_utf8(signed(&inputs().build().unwrap())).unwrap();
    assert!(!plain.contains("payouts\""), "{plain}");
}

#[test]
fn inputs_that_do_not_add_up_are_refused() {
    let spoil = |change: fn(&mut Inputs)| {
        let mut i = inputs();
        change(&mut i);
        i.build().unwrap_err().to_string()
    };
    for (error, words) in [
        (
            spoil(|i| i.lines[1].amount += 1),
            "line 2: amount is -119, recomputed -120",
        ),
        (
            spoil(|i| i.lines[0].fee += 1),
            "line 1: pool_delta is 3599, its sales, refunds and subscriptions give 3598",
        ),
        (
            spoil(|i| i.lines[1].refunds[0].net += 1),
            "line 2: the net of its refunds",
        ),
        (
            spoil(|i| i.lines[1].carry_before += 1),
            "line 2: carry_before",
        ),
        (
            spoil(|i| i.lines[0].carry_after += 1),
            "line 1: carry_after",
        ),
        (spoil(|i| i.lines[0].share_ppt += 2), "line 1: share_ppt"),
        (spoil(|i| i.lines[0].weight_total = 0), "line 1: share_ppt"),
        (spoil(|i| i.carry_opening = 251), "line 1: carry_before"),
        (spoil(|i| i.carry_opening = -1), "line 1: carry_before"),
        (
            spoil(|i| drop(i.proof.entries.pop())),
            "line 2: its entry 9 is not in the proof",
        ),
        (spoil(|i| i.opening = i64::MAX), "64-bit"),
        (spoil(|i| i.commissions[0].amount = i64::MAX), "64-bit"),
    ] {
        assert!(error.contains(words), "{error} should say {words}");
    }
}

/// Changes one value of the file at a JSON pointer; signs it again if asked.
fn tampered(pointer: &str, value: Value, resign: bool) -> StatementError {
    tampered_in(&[(pointer, value)], resign)
}

fn tampered_in(changes: &[(&str, Value)], resign: bool) -> StatementError {
    let mut json: Value = serde_json::from_slice(&signed(&inputs().build().unwrap())).unwrap();
    for (pointer, value) in changes {
        *json.pointer_mut(pointer).unwrap() = value.clone();
    }
    if resign {
        use base64::Engine;
        let bytes = crate::json::canonical(&json["statement"]).unwrap();
        let value = base64::engine::general_purpose::STANDARD.encode(pair().sign(&bytes).as_ref());
        json["signature"]["value"] = value.into();
    }
    verify(&crate::json::canonical(&json).unwrap(), &key()).unwrap_err()
}

#[test]
fn the_first_wrong_line_is_named_whoever_signed_it() {
    let wrong = tampered("/statement/lines/1/amount", 5.into(), true);
    assert!(
        matches!(wrong, StatementError::Line { line: 2, .. }),
        "{wrong}"
    );
    let wrong = tampered("/statement/lines/1/amount", 5.into(), false);
    assert!(matches!(&wrong, StatementError::Tampered(_)), "{wrong}");
    assert!(
        wrong
            .to_string()
            .contains("line 2: amount is 5, recomputed -120"),
        "{wrong}"
    );
    // A text no figure depends on.
    let wrong = tampered("/statement/head/payee_name", "Bo".into(), false);
    assert_eq!(wrong, StatementError::BadSignature);
}

#[test]
fn every_other_figure_is_recomputed() {
    for (pointer, value, words) in [
        ("/statement/bridge/earned", 1.into(), "bridge: earned"),
        ("/statement/bridge/closing", 1.into(), "bridge: closing"),
        ("/statement/bridge/opening", 1.into(), "bridge: closing"),
        (
            "/statement/bridge/carry_closing",
            1.into(),
            "bridge: carry_closing",
        ),
        ("/statement/footer/gross", 1.into(), "footer: totals"),
        ("/statement/footer/lines", 3.into(), "footer: totals"),
        ("/statement/answer", "Rich.".into(), "answer: text"),
        ("/statement/ever_paid", true.into(), "answer: text"),
        ("/statement/exponent", 3.into(), "head: exponent"),
        ("/statement/format", "other/1".into(), "head: format"),
        ("/statement/head/currency", "JPY".into(), "head: exponent"),
        (
            "/statement/lines/0/gross",
            3_999.into(),
            "line 1: pool_delta",
        ),
        (
            "/statement/lines/0/weight",
            Value::from("1"),
            "line 1: share_ppt",
        ),
        ("/signature/key", "AAAA".into(), "another public key"),
        ("/signature/algorithm", "none".into(), "algorithm"),
        (
            "/statement/lines/0/gross",
            1.5.into(),
            "not a statement file",
        ),
        (
            "/statement/lines/0/gross",
            "3998".into(),
            "not a statement file",
        ),
    ] {
        let error = tampered(pointer, value, true).to_string();
        assert!(error.contains(words), "{pointer}: {error}");
    }
}

#[test]
fn only_the_canonical_bytes_count() {
    let file = signed(&inputs().build().unwrap());
    let pretty =
        serde_json::to_vec_pretty(&serde_json::from_slice::<Value>(&file).unwrap()).unwrap();
    assert_eq!(verify(&pretty, &key()), Err(StatementError::NotCanonical));
    assert!(matches!(
        verify(&file[1..], &key()),
        Err(StatementError::Unreadable(_))
    ));
    assert!(matches!(
        verify(b"", &key()),
        Err(StatementError::Unreadable(_))
    ));
    assert_eq!(verify(&file, &[0; 32]), Err(StatementError::OtherKey));
    let extra = String::from_utf8(file).unwrap().replacen(
        "{\"signature\"",
        "{\"extra\":1,\"signature\"",
        1,
    );
    assert!(matches!(
        verify(extra.as_bytes(), &key()),
        Err(StatementError::Unreadable(_))
    ));
}

#[test]
fn amounts_beyond_53_bits_keep_their_value() {
    let opening = i64::MAX - 5_000;
    let s = Inputs {
        opening,
        ..inputs()
    }
    .build()
    .unwrap();
    let file = signed(&s);
    assert!(String::from_utf8_lossy(&file).contains(&format!("\"opening\":\"{opening}\"")));
    assert_eq!(verify(&file, &key()).unwrap().opening.minor, opening);
}

#[test]
fn ten_thousand_lines_are_quick_to_check() {
    let mut lines: Vec<Line> = Vec::new();
    for entry in 1..=10_000 {
        let carry = lines.last().map_or(250, |l| l.carry_after);
        lines.push(line(entry, 1_999, vec![], carry));
    }
    let proof = proof(u(21), &lines);
    let inputs = Inputs {
        lines,
        proof,
        ..inputs()
    };
    let file = signed(&inputs.build().unwrap());
    let summary = verify(&file, &key()).unwrap();
    assert_eq!((summary.lines, summary.entries), (10_000, 10_000));
    assert_eq!(summary.log_size, 10_004);
}

#[test]
fn every_part_of_the_proof_is_checked() {
    let at = |rest: &str| format!("/statement/proof/entries/1/{rest}");
    let other = || Value::from("11".repeat(32));
    for (pointer, value, words) in [
        (at("leaf_hash"), other(), "line 2: its leaf does not have"),
        (at("leaf"), "{}".into(), "line 2: its leaf does not have"),
        (
            at("path/0"),
            other(),
            "line 2: the checkpoint does not hold",
        ),
        (
            at("index"),
            4.into(),
            "line 2: the checkpoint does not hold",
        ),
        (
            at("index"),
            6.into(),
            "line 2: the checkpoint does not hold",
        ),
        (at("seq"), 5.into(), "proof: entry 5 comes twice"),
        (
            at("seq"),
            7.into(),
            "line 2: its entry 9 is not in the proof",
        ),
        (
            at("line/path/1"),
            other(),
            "line 2: its entry does not hold the line",
        ),
        (
            at("line/number"),
            0.into(),
            "line 2: its entry does not hold the line",
        ),
        (
            at("line/salt"),
            "00".into(),
            "line 2: its entry does not hold the line",
        ),
        (at("book"), "n/money/EUR".into(), "proof: bad book"),
        (
            at("book"),
            "00000000-0000-0000-0000-000000000008/money/EUR".into(),
            "proof: 00000000-0000-0000-0000-000000000008/money/EUR is no book of this log",
        ),
        (
            "/statement/proof/checkpoint".into(),
            "".into(),
            "proof: this is not a signed checkpoint",
        ),
        (
            "/statement/lines/1/epoch".into(),
            2.into(),
            "line 2: epoch is 2, its entry states 1",
        ),
        (
            "/statement/lines/0/revision".into(),
            Value::from(u(51).to_string()),
            "line 1: revision is",
        ),
        (
            "/statement/head/period".into(),
            "2026-10".into(),
            "answer: text is",
        ),
        (
            "/statement/head/payee".into(),
            Value::from(u(3).to_string()),
            "line 1: its entry does not hold the line",
        ),
    ] {
        let error = tampered(&pointer, value, true).to_string();
        assert!(error.contains(words), "{pointer}: {error}");
    }
    // Another period, said everywhere: only the entry knows better.
    let text = "Earned 10.91 EUR in 2026-10, paid 0.00 EUR, carried 20.91 EUR \
                (no payouts yet: balance held).";
    let moved = [
        ("/statement/head/period", "2026-10".into()),
        ("/statement/answer", text.into()),
    ];
    let error = tampered_in(&moved, true).to_string();
    assert!(error.contains("its entry is booked in 2026-11"), "{error}");
}

/// A node that signs another root has signed what its statements do not rest on; a
/// checkpoint of somebody else is none of the node's.
#[test]
fn the_checkpoint_must_be_the_nodes_own() {
    let rest = Inputs {
        lines: vec![],
        commissions: vec![],
        ..inputs()
    };
    let with = |checkpoint: String| {
        let proof = Proof {
            checkpoint,
            ..Proof::default()
        };
        let s = Inputs {
            proof,
            ..rest.clone()
        };
        verify(&signed(&s.build().unwrap()), &key())
    };
    let sound = proof(u(21), &[]).checkpoint;
    assert_eq!(with(sound.clone()).unwrap().log_size, 4);
    let forged = with(sound.replacen("\n4\n", "\n5\n", 1)).unwrap_err();
    assert!(forged.to_string().contains("proof: "), "{forged}");
    let log = LogKey::new(&origin(u(7)), key()).unwrap();
    let other = Ed25519KeyPair::from_seed_unchecked(&[8; 32]).unwrap();
    let foreign = Checkpoint::new(log.name(), 4, Hash::ZERO)
        .sign(&log, |bytes| other.sign(bytes).as_ref().to_vec());
    assert!(with(foreign).is_err());
}

/// The file of one contributor says nothing that only another should know.
#[test]
fn the_proof_names_nobody_else() {
    let file = String::from_utf8(signed(&inputs().build().unwrap())).unwrap();
    for other in [u(3), u(99)] {
        assert!(!file.contains(&other.to_string()));
    }
    // Nor can their lines be tried out: their salts are not in it.
    let other = crate::entry::line_salt(&[5; 16], 0);
    assert!(!file.contains(&hex::encode(other)));
    assert!(!file.contains(&hex::encode([5u8; 16])));
    assert!(!file.contains(&hex::encode(crate::entry::postings_salt(&[5; 16]))));
}
