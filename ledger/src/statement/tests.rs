//! A statement by hand, and every way to spoil it.

use super::*;
use crate::settle::credit;
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

pub(crate) fn inputs() -> Inputs {
    let first = line(5, 3998, vec![], 250);
    let second = line(9, 100, refunds(), first.carry_after);
    let proof = |seq| ProofEntry {
        book: "n/money/EUR".into(),
        seq,
        leaf_hash: Hash::of(&[&[seq as u8]]),
    };
    Inputs {
        head: head(),
        opening: 1_000,
        moves: Moves::default(),
        payouts: vec![],
        ever_paid: false,
        carry_opening: 250,
        lines: vec![first, second],
        commissions: vec![CommissionLine {
            dataset: u(41),
            dataset_title: "Own".into(),
            sales: 1,
            amount: 12,
        }],
        proof: vec![proof(5), proof(9)],
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
        proof: vec![],
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
            "line 1: pool_delta is 3599, its sales and refunds give 3598",
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
            spoil(|i| drop(i.proof.pop())),
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
    let mut json: Value = serde_json::from_slice(&signed(&inputs().build().unwrap())).unwrap();
    *json.pointer_mut(pointer).unwrap() = value;
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
    for _ in 0..10_000 {
        let carry = lines.last().map_or(250, |l| l.carry_after);
        lines.push(line(5, 1_999, vec![], carry));
    }
    let file = signed(&Inputs { lines, ..inputs() }.build().unwrap());
    assert_eq!(verify(&file, &key()).unwrap().lines, 10_000);
}
