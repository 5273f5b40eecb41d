//! For every invariant: corrupt exactly one row, see invariant and row named.

use super::*;
use crate::book::Rows;
use crate::book::tests::{journal, purchase, refund, settle, stamp, top_up, u};
use crate::epoch::D;

fn sound() -> Rows {
    let mut j = journal([1, 2, 3]);
    let commands = [
        purchase(7, 1, 1000),
        settle(1),
        purchase(8, 2, 777),
        refund(7, 300),
        settle(1),
        top_up(1, 9),
    ];
    for (n, command) in (1u128..).zip(&commands) {
        j.apply("test", &format!("k{n}"), command, stamp(n))
            .unwrap();
    }
    let mut rows = j.rows();
    let row = |period: &str, opening, earned, closing| StatementRow {
        id: format!("{period}/21"),
        party: u(21),
        currency: "EUR".into(),
        period: period.into(),
        opening,
        earned,
        closing,
        ..StatementRow::default()
    };
    rows.statements = vec![
        row("2026-10", 0, 5, 5),
        row("2026-11", 5, -2, 3),
        row("2026-12", 3, 4, 7),
    ];
    rows
}

/// The findings of one corruption must name `invariant` and a row containing `row`.
fn expect(invariant: &str, row: &str, corrupt: impl FnOnce(&mut Rows)) {
    let mut rows = sound();
    corrupt(&mut rows);
    let findings = rows.findings();
    let named = findings
        .iter()
        .any(|f| f.invariant == invariant && f.row.contains(row));
    assert!(named, "{invariant} {row} missing in {findings:#?}");
}

fn entry(rows: &mut Rows, seq: i64) -> &mut (EntryRow, Vec<PostingRow>) {
    rows.entries.iter_mut().find(|(e, _)| e.seq == seq).unwrap()
}

#[test]
fn a_sound_ledger_has_no_findings() {
    assert_eq!(sound().findings(), []);
}

#[test]
fn i1_i2_an_entry_that_does_not_balance() {
    expect("I1", "entry 2 of", |r| entry(r, 2).1[0].amount += 1);
    expect(
        "I2",
        "book 00000000-0000-0000-0000-000000000009/money/EUR",
        |r| entry(r, 2).1[0].amount += 1,
    );
    expect("I1", "entry 2 of", |r| entry(r, 2).1.clear());
    expect("I1", "entry 4 of", |r| {
        let mut zero = entry(r, 4).1[0].clone();
        zero.amount = 0;
        entry(r, 4).1.push(zero);
    });
}

#[test]
fn i3_numbers_and_hashes() {
    expect("I3", "entry 3 of", |r| {
        r.entries.retain(|(e, _)| e.seq != 2)
    });
    expect("I3", "entry 2 of", |r| {
        r.entries.retain(|(e, _)| e.seq != 1)
    });
    expect("I3", "entry 5 of", |r| entry(r, 5).0.prev_hash[0] ^= 1);
    expect("I3", "entry 5 of", |r| entry(r, 5).0.leaf_hash[31] ^= 1);
    expect("I3", "entry 6 of", |r| entry(r, 5).0.leaf_hash[31] ^= 1);
    expect("I3", "entry 5 of", |r| entry(r, 5).0.body_hash[9] ^= 1);
    expect("I3", "entry 5 of", |r| entry(r, 5).0.salt[0] ^= 1);
    expect("I3", "entry 5 of", |r| entry(r, 5).0.salt.truncate(3));
    expect("I3", "entry 4 of", |r| {
        entry(r, 4).0.period = "2026-12".into()
    });
    expect("I3", "entry 4 of", |r| entry(r, 4).0.metadata = "{}".into());
    expect("I3", "entry 4 of", |r| entry(r, 4).0.metadata = "[]".into());
    // Money moved between two accounts of one entry still balances: only the hash tells.
    expect("I3", "entry 2 of", |r| entry(r, 2).1.swap(1, 2));
}

#[test]
fn i4_a_key_used_twice() {
    expect("I4", "entry 7 of", |r| {
        let key = entry(r, 2).0.idem_key.clone();
        entry(r, 7).0.idem_key = key;
    });
}

#[test]
fn i5_shares_and_digest() {
    expect("I5", "epoch 00000000-0000-0000-0000-000000000032/1", |r| {
        r.epochs[0].1[0].share += 1
    });
    expect("I5", "/2", |r| r.epochs[1].0.digest[0] ^= 1);
    // Moving a share keeps the sum.
    expect("I5", "/1", |r| {
        r.epochs[0].1[0].share -= 1;
        r.epochs[0].1[1].share += 1;
    });
    expect("I5", "/1", |r| drop(r.epochs.remove(0)));
}

#[test]
fn i6_a_pool_that_differs_from_its_account() {
    expect(
        "I6",
        "pool 00000000-0000-0000-0000-000000000032/2/EUR",
        |r| r.pools[1].cumulative += 1,
    );
    expect("I6", "/1/EUR", |r| r.pools[0].settled -= 1);
}

#[test]
fn i7_i8_residues_and_dust() {
    expect(
        "I7",
        "carry 00000000-0000-0000-0000-000000000015/EUR",
        |r| r.carries[0].residue = D,
    );
    expect("I7", "carry", |r| r.carries[1].residue = -1);
    expect("I8", "Liabilities:Dust in EUR", |r| {
        r.carries[0].residue -= 1
    });
    expect("I8", "Liabilities:Dust in EUR", |r| drop(r.carries.pop()));
}

#[test]
fn i9_i10_credits_follow_shares() {
    expect(
        "I9",
        "contributor 00000000-0000-0000-0000-000000000015 in EUR",
        |r| r.carries[0].residue -= 1,
    );
    expect("I9", "contributor", |r| {
        let available = |p: &PostingRow| p.account.ends_with(":Available");
        entry(r, 3)
            .1
            .iter_mut()
            .find(|p| available(p))
            .unwrap()
            .amount -= 1;
    });
    expect("I10", "currency EUR", |r| r.pools[0].settled += 1);
}

#[test]
fn i11_more_back_than_paid() {
    expect("I11", "order 00000000-0000-0000-0000-000000000007", |r| {
        r.orders[0].refunded = 1001
    });
    expect("I11", "order", |r| r.orders[0].refunded += 1);
    expect("I11", "order", |r| r.orders[0].sale.fee += 1);
    expect("I11", "order", |r| {
        r.orders[0].returned.fee += 1;
        r.orders[0].returned.net -= 1;
    });
}

#[test]
fn i13_bridges() {
    expect("I13", "statement 2026-11/21", |r| {
        r.statements[1].earned += 1
    });
    expect("I13", "statement 2026-12/21", |r| {
        r.statements[2].opening += 1
    });
    expect("I13", "statement 2026-12/21", |r| {
        r.statements[2].opening += 1;
        r.statements[2].closing += 1;
    });
    expect("I13", "statement 2026-10/21", |r| {
        r.statements[0].opening = 1;
        r.statements[0].closing = 6;
    });
    // A statement that supersedes another of its period starts where that one did.
    let mut rows = sound();
    let again = StatementRow {
        id: "again".into(),
        ..rows.statements[1].clone()
    };
    rows.statements.insert(2, again);
    assert_eq!(rows.findings(), []);
}

#[test]
fn i16_a_balance_that_differs_from_its_postings() {
    expect("I16", "account Income:PlatformFee of", |r| {
        r.accounts
            .iter_mut()
            .find(|a| a.account == "Income:PlatformFee")
            .unwrap()
            .balance += 1;
    });
    expect("I16", "account Income:PlatformFee of", |r| {
        r.accounts.retain(|a| a.account != "Income:PlatformFee");
    });
}

#[test]
fn i18_mixed_books() {
    expect("I18", "entry 2 of", |r| {
        entry(r, 2).1[0].account = "Points:Issued".into()
    });
    expect("I18", "entry 2 of", |r| {
        entry(r, 2).1[0].account = "Assets:Pocket".into()
    });
    expect("I18", "entry 2 of", |r| {
        entry(r, 2).1[0].account_book = "00000000-0000-0000-0000-000000000009/money/USD".into();
    });
    expect("I18", "entry 2 of", |r| {
        entry(r, 2).0.book = "somewhere".into()
    });
    expect("I18", "entry 2 of", |r| entry(r, 2).0.kind = "gift".into());
}

#[test]
fn i19_beyond_64_bits() {
    expect("I19", "account", |r| r.accounts[0].balance = i64::MIN);
    expect("I19", "account Assets:PSP:test of", |r| {
        let psp = |p: &&mut PostingRow| p.account == "Assets:PSP:test";
        entry(r, 1).1.iter_mut().find(psp).unwrap().amount = i64::MAX;
    });
}

#[test]
fn findings_are_bounded() {
    let mut audit = Audit::default();
    for _ in 0..MAX_FINDINGS + 50 {
        audit.carry(&CarryRow {
            party: u(1),
            currency: "EUR".into(),
            residue: -1,
        });
    }
    let findings = audit.finish();
    assert_eq!(findings.len(), MAX_FINDINGS + 1);
    assert!(findings.last().unwrap().message.contains("more findings"));
}

/// A ledger with an open dispute, a lost one, a reserve, a payout and a closed period.
fn held() -> Rows {
    use crate::book::Command;
    use crate::money::{Currency, Money};
    let mut j = journal([1, 2, 3]);
    let (party, currency) = (u(21), Currency::EUR);
    let open = |dispute, order, amount| Command::DisputeOpen {
        dispute: u(dispute),
        order: u(order),
        amount,
    };
    let commands = [
        purchase(7, 1, 5_000),
        settle(1),
        open(70, 7, 300),
        open(71, 7, 200),
        Command::DisputeLost {
            dispute: u(71),
            by: crate::account::Account::Dust,
        },
        Command::ReserveHold {
            party,
            credit: Money::new(100, currency),
            bps: 1_000,
            periods: 2,
        },
        Command::Payout {
            payout: u(80),
            batch: u(81),
            party,
            currency,
            least: 1,
            withholding_bps: 0,
            jurisdiction: "DE".into(),
        },
        Command::ClosePeriod {
            period: "2026-10".parse().unwrap(),
        },
    ];
    let commands = commands.into_iter().map(|command| match command {
        Command::DisputeLost { dispute, .. } => Command::DisputeLost {
            dispute,
            by: "Assets:PSP:test".parse().unwrap(),
        },
        other => other,
    });
    for (n, command) in (1u128..).zip(commands) {
        j.apply("test", &format!("k{n}"), &command, stamp(n))
            .unwrap();
    }
    let rows = j.rows();
    assert_eq!(rows.findings(), []);
    rows
}

fn expect_held(invariant: &str, row: &str, corrupt: impl FnOnce(&mut Rows)) {
    let mut rows = held();
    corrupt(&mut rows);
    let findings = rows.findings();
    let named = findings
        .iter()
        .any(|f| f.invariant == invariant && f.row.contains(row));
    assert!(named, "{invariant} {row} missing in {findings:#?}");
}

#[test]
fn i11_disputes_that_hold_more_than_there_is() {
    let hold = "account Liabilities:DisputeHold";
    expect_held("I11", hold, |r| r.disputes[0].amount += 1);
    expect_held("I11", hold, |r| r.disputes[0].state = "won".into());
    expect_held("I11", hold, |r| drop(r.disputes.remove(0)));
    expect_held("I11", "dispute 0", |r| r.disputes[1].within = 201);
    expect_held("I11", "dispute 0", |r| r.disputes[1].state = "gone".into());
    expect_held("I11", "order 00000000-0000-0000-0000-000000000007", |r| {
        r.orders[0].refunded = 499
    });
    expect_held("I11", "order nobody's", |r| {
        r.disputes[1].order = Some("nobody's".into())
    });
}

#[test]
fn i12_who_owes_has_no_reserve_and_gets_no_payout() {
    let reserve = "account Liabilities:Contributor:00000000-0000-0000-0000-000000000015:Reserve";
    let owes = |r: &mut Rows, seq: i64| {
        for posting in &mut entry(r, seq).1 {
            if posting.account.ends_with("15:Available") {
                posting.amount += 10_000;
            }
        }
    };
    expect_held("I12", reserve, |r| owes(r, 3));
    expect_held("I12", "entry 8 of", |r| owes(r, 3));
    expect_held("I12", reserve, |r| {
        for posting in &mut entry(r, 7).1 {
            posting.amount = -posting.amount;
        }
    });
    expect_held("I16", reserve, |r| r.reserves[0].left += 1);
    expect_held("I16", reserve, |r| drop(r.reserves.remove(0)));
    expect_held("I16", "reserve of", |r| r.reserves[0].left = -1);
}

#[test]
fn i14_an_entry_in_a_closed_period() {
    expect_held("I14", "entry 8 of", |r| {
        entry(r, 8).0.period = "2026-10".into();
        r.closed[0].last_seq = 7;
    });
    expect_held("I14", "entry 1 of", |r| {
        entry(r, 1).0.period = "2026-10".into();
        r.closed[0].book = "another".into();
    });
}

#[test]
fn i16_a_balance_written_down_on_the_way() {
    let snapshot = "snapshot Income:PlatformFee of";
    expect_held("I16", snapshot, |r| {
        let fee = |s: &&mut SnapshotRow| s.account == "Income:PlatformFee";
        r.snapshots.iter_mut().find(fee).unwrap().balance += 1;
    });
    expect_held("I16", "snapshot of", |r| r.snapshots[0].seq = 99);
}

#[test]
fn i9_a_residue_is_paid_up_once() {
    expect(
        "I9",
        "contributor 00000000-0000-0000-0000-000000000015 in EUR",
        |r| {
            let (row, postings) = entry(r, 6);
            row.kind = "account_closing".into();
            postings[1].account =
                "Liabilities:Contributor:00000000-0000-0000-0000-000000000015:Available".into();
        },
    );
}
