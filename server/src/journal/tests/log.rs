//! The log on both databases: it grows by what is new, proves every entry, and neither a
//! changed byte nor a cut end escapes the verifier.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel::sql_types::Text;
use ledger::checkpoint::Checkpoint;
use ledger::json::Hash;
use ledger::merkle::{Tiles, Tree, verify_consistency, verify_inclusion};
use ledger::money::Currency;
use schema::db::Db;
use schema::on;
use schema::wire::LedgerFinding;

use super::corruption::disarm;
use super::support::{Bed, Kind, kinds};
use crate::error::Fault;
use crate::flows::{checkpoint, ledger_verify};
use crate::journal::log;
use crate::keys::NodeKeys;
use crate::store::checkpoints::{self as rows, CheckpointRow};
use crate::store::journal;

/// Signs what the journal is.
pub fn sign(bed: &Bed) -> CheckpointRow {
    let (mut db, now) = (bed.scratch.db(), bed.clock.now());
    db.transaction(|db| checkpoint::sign_with(db, &NodeKeys::seeded(1), now))
        .unwrap()
}

fn verify(db: &mut Db, kept: Option<&str>) -> Vec<LedgerFinding> {
    ledger_verify::against(db, Some(&NodeKeys::seeded(1)), kept).unwrap()
}

fn read(row: &CheckpointRow) -> Checkpoint {
    Checkpoint::read(&row.note).unwrap().0
}

/// Sales in two currencies, a settlement, and a checkpoint after every step.
fn grown(kind: Kind) -> (Bed, Vec<CheckpointRow>) {
    let bed = Bed::new(kind, 1, &[1, 2, 3], 500);
    // The writer has made the books when it has answered once.
    bed.settle("nothing").unwrap();
    let mut signed = vec![sign(&bed)];
    bed.top_up("t", 0, 90_000).unwrap();
    signed.push(sign(&bed));
    for n in 0..5 {
        bed.buy(&format!("b{n}"), 0, 1_000 + n).unwrap();
    }
    let yen = Currency::JPY;
    let top_up = bed
        .market
        .top_up("y", bed.market.buyers[0], 700, yen, bed.clock.now());
    bed.submit(top_up.unwrap()).unwrap();
    signed.push(sign(&bed));
    bed.clock.advance(TimeDelta::hours(1));
    bed.buy("b9", 0, 777).unwrap();
    bed.settle("s").unwrap();
    signed.push(sign(&bed));
    assert_eq!(sign(&bed), signed[3], "nothing new, nothing signed");
    (bed, signed)
}

#[test]
fn the_log_grows_by_what_is_new_and_proves_every_entry() {
    for kind in kinds() {
        let (bed, signed) = grown(kind);
        let mut db = bed.scratch.db();
        let sizes: Vec<i64> = signed.iter().map(|row| row.size).collect();
        assert_eq!(sizes, [0, 1, 7, 9], "{kind:?}");
        let last = read(&signed[3]);
        let mut tiles = Tiles::new(|level, number| {
            let stored = rows::tile(&mut db, i32::from(level), number as i64)?;
            log::hashes(stored)
        });
        for older in &signed {
            let older = read(older);
            let path = tiles.prove_consistency(older.size, last.size).unwrap();
            let (m, n) = (older.size, last.size);
            verify_consistency(m, n, older.root, last.root, &path).unwrap();
        }
        let mut db = bed.scratch.db();
        let mut places = BTreeMap::new();
        for (book, head) in rows::heads(&mut db).unwrap() {
            for seq in 1..=head {
                let (index, path) = log::prove(&mut db, &book, seq, last.size).unwrap();
                let entry = journal::entry_at(&mut db, &book, seq).unwrap().unwrap();
                let leaf = Hash(entry.leaf_hash.as_slice().try_into().unwrap());
                verify_inclusion(leaf, index, last.size, &path, last.root).unwrap();
                places.insert(index, (book.clone(), seq));
            }
        }
        assert_eq!(places.len(), 9);
        assert_eq!((&places[&0].0[..], places[&0].1), ("EUR", 1));
        assert_eq!((&places[&6].0[..], places[&6].1), ("JPY", 1));
        assert_eq!((&places[&7].0[..], places[&7].1), ("EUR", 7));
        for row in &signed {
            assert_eq!(verify(&mut db, Some(&row.note)), [], "{kind:?}");
        }
        assert_eq!(log::waiting(&mut db).unwrap(), 0);
    }
}

/// More entries than a tile, in steps that do not fall on its end.
#[test]
fn tiles_that_were_left_unfinished_are_finished_later() {
    let bed = Bed::new(Kind::Sqlite, 1, &[1], 0);
    let mut tree = Tree::default();
    for n in 0..6 {
        let commands = (0..70).map(|m| {
            let key = format!("{n}-{m}");
            let buyer = bed.market.buyers[0];
            bed.market
                .top_up(&key, buyer, 5, Currency::EUR, bed.clock.now())
                .unwrap()
        });
        for answer in bed.submit_together(commands.collect()) {
            answer.unwrap();
        }
        let row = sign(&bed);
        let mut db = bed.scratch.db();
        for (_, leaf) in rows::leaves(&mut db, "EUR", n * 70, i64::MAX, 100).unwrap() {
            tree.push(Hash(leaf.as_slice().try_into().unwrap()));
        }
        assert_eq!(
            (read(&row).size, read(&row).root),
            (tree.size(), tree.root())
        );
        assert_eq!(verify(&mut db, None), []);
    }
    let mut db = bed.scratch.db();
    let places = rows::tile_places(&mut db).unwrap();
    assert_eq!(places, [(0, 0), (0, 1), (1, 0)]);
}

#[derive(QueryableByName)]
struct Cell {
    #[diesel(sql_type = Text)]
    value: String,
}

/// Every column of `entry` and `posting`; the test fails when one is added and not named here.
const COLUMNS: [(&str, &str); 2] = [
    (
        "entry",
        "book seq id kind period event_time recorded_at source idem_key request_hash meta salt \
         body_hash prev_hash leaf_hash",
    ),
    ("posting", "book seq line account_id amount"),
];

/// Whatever byte of an old row is another one, the verifier names the entry.
#[test]
fn every_byte_of_an_old_entry_and_posting_is_watched() {
    let (bed, _) = grown(Kind::Sqlite);
    let mut db = bed.scratch.db();
    disarm(Kind::Sqlite, &mut db);
    let mut changes = 0;
    for (table, columns) in COLUMNS {
        let sql =
            format!("SELECT group_concat(name, ' ') AS value FROM pragma_table_info('{table}')");
        let known: Vec<Cell> = on!(&mut db, c => diesel::sql_query(sql).load(c)).unwrap();
        assert_eq!(known[0].value, columns);
        for column in columns.split(' ') {
            let place = "seq = 2 AND book = 'EUR'";
            let one = if table == "posting" {
                "AND line = 1"
            } else {
                ""
            };
            let sql = format!(
                "SELECT hex(CAST({column} AS BLOB)) AS value FROM {table} WHERE {place} {one}"
            );
            let cell: Vec<Cell> = on!(&mut db, c => diesel::sql_query(sql).load(c)).unwrap();
            let bytes = hex::decode(&cell[0].value).unwrap();
            let kind = match column {
                "seq" | "line" | "account_id" | "amount" => "INTEGER",
                "book" | "kind" | "period" | "source" | "idem_key" | "meta" => "TEXT",
                "event_time" | "recorded_at" => "TEXT",
                _ => "BLOB",
            };
            for byte in 0..bytes.len() {
                let mut other = bytes.clone();
                other[byte] ^= 1;
                let value = match kind {
                    "BLOB" => format!("x'{}'", hex::encode(&other)),
                    kind => format!("CAST(CAST(x'{}' AS TEXT) AS {kind})", hex::encode(&other)),
                };
                let sql = format!("UPDATE {table} SET {column} = {value} WHERE {place} {one}");
                changes += usize::from(noticed(&mut db, &sql));
            }
        }
        let all = format!("DELETE FROM {table} WHERE seq = 2 AND book = 'EUR'");
        assert!(noticed(&mut db, &all));
    }
    assert!(changes > 500, "only {changes} bytes were changed");
    assert_eq!(verify(&mut db, None), []);
}

/// Makes a change, sees that the verifier names entry 2 or cannot even read it, undoes it.
/// False when the database itself refuses the change.
fn noticed(db: &mut Db, sql: &str) -> bool {
    db.execute("BEGIN").unwrap();
    let made = db.execute(sql).is_ok();
    if made {
        let verified = ledger_verify::against(db, Some(&NodeKeys::seeded(1)), None);
        let named = match &verified {
            Ok(findings) => findings.iter().any(|f| f.row.contains("entry 2 of")),
            // A time or id that is none stops the reader: it says so.
            Err(fault) => std::error::Error::source(fault).is_some(),
        };
        assert!(named, "after {sql}: {verified:#?}");
    }
    db.execute("ROLLBACK").unwrap();
    made
}

/// Somebody with the whole database, who leaves nothing that contradicts itself.
fn cut(kind: Kind, bed: &Bed, signed: &[CheckpointRow]) {
    let mut db = bed.scratch.db();
    disarm(kind, &mut db);
    let kept = signed[1].size;
    for sql in [
        "DELETE FROM settlement_line".to_owned(),
        "DELETE FROM settlement_leaf".to_owned(),
        "DELETE FROM settlement_tile".to_owned(),
        "DELETE FROM settlement".to_owned(),
        "DELETE FROM carry".to_owned(),
        "DELETE FROM pool".to_owned(),
        "DELETE FROM orders".to_owned(),
        "DELETE FROM invoice".to_owned(),
        format!("DELETE FROM posting WHERE seq > {kept} OR book <> 'EUR'"),
        format!("DELETE FROM entry WHERE seq > {kept} OR book <> 'EUR'"),
        format!("DELETE FROM log_range WHERE first >= {kept}"),
        format!("DELETE FROM checkpoint WHERE size > {kept}"),
        "DELETE FROM account WHERE book <> 'EUR'".to_owned(),
        "UPDATE account SET balance = COALESCE((SELECT SUM(amount) FROM posting \
         WHERE account_id = account.id), 0)"
            .to_owned(),
    ] {
        db.execute(&sql)
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    let tiles = db.execute("UPDATE log_tile SET hashes = substr(hashes, 1, 32)");
    tiles.unwrap();
}

#[test]
fn a_checkpoint_kept_outside_catches_a_cut_journal() {
    for kind in kinds() {
        let (bed, signed) = grown(kind);
        cut(kind, &bed, &signed);
        let mut db = bed.scratch.db();
        // By itself the rest is sound, and so is what the oldest checkpoint says.
        assert_eq!(verify(&mut db, None), [], "{kind:?}");
        assert_eq!(verify(&mut db, Some(&signed[1].note)), []);
        let findings = verify(&mut db, Some(&signed[3].note));
        let [finding] = findings.as_slice() else {
            panic!("{findings:?}")
        };
        assert_eq!(finding.invariant, "I17");
        assert_eq!(finding.row, "checkpoint of 9 entries kept outside");
        assert!(
            finding
                .message
                .contains("the journal has 1: the last 8 were cut off")
        );
    }
}

#[test]
fn a_checkpoint_kept_outside_catches_a_rewritten_journal() {
    // The same node, the same keys, another past: everything in it agrees with itself.
    let told = |price: i64| {
        let bed = Bed::new(Kind::Sqlite, 1, &[1, 2], 0);
        bed.top_up("t", 0, 9_000).unwrap();
        sign(&bed);
        bed.buy("b", 0, price).unwrap();
        bed.buy("c", 0, 500).unwrap();
        let row = sign(&bed);
        (bed, row)
    };
    let (_, kept) = told(1_000);
    let (bed, other) = told(1_001);
    assert_ne!(kept.root, other.root);
    let mut db = bed.scratch.db();
    assert_eq!(verify(&mut db, None), []);
    let findings = verify(&mut db, Some(&kept.note));
    let [finding] = findings.as_slice() else {
        panic!("{findings:?}")
    };
    assert_eq!(finding.invariant, "I17");
    assert!(
        finding.message.contains("entry 1 of EUR to entry 3 of EUR"),
        "{finding:?}"
    );
    // A change behind the node's back, all hashes made anew but for the signatures.
    disarm(Kind::Sqlite, &mut db);
    db.execute("UPDATE entry SET leaf_hash = x'00' || substr(leaf_hash, 2) WHERE seq = 2")
        .unwrap();
    let findings = verify(&mut db, Some(&other.note));
    let said = |row: &str, words: &str| {
        findings
            .iter()
            .any(|f| f.invariant == "I17" && f.row.contains(row) && f.message.contains(words))
    };
    assert!(
        said("entry 2 of", "is not leaf 1 of the log"),
        "{findings:#?}"
    );
    for row in ["checkpoint 2", "kept outside"] {
        assert!(
            said(row, "among entry 2 of EUR to entry 3 of EUR"),
            "{findings:#?}"
        );
    }
}

#[test]
fn nothing_is_signed_on_a_damaged_journal() {
    let (bed, _) = grown(Kind::Sqlite);
    let mut db = bed.scratch.db();
    disarm(Kind::Sqlite, &mut db);
    let refused = |db: &mut Db| {
        let now = bed.clock.now();
        let signed: Result<_, Fault> =
            db.transaction(|db| checkpoint::sign_with(db, &NodeKeys::seeded(1), now));
        let fault = signed.unwrap_err();
        std::error::Error::source(&fault).unwrap().to_string()
    };
    bed.buy("new", 0, 10).unwrap();
    bed.buy("newer", 0, 10).unwrap();
    db.execute("DELETE FROM posting WHERE seq = 9; DELETE FROM entry WHERE seq = 9")
        .unwrap();
    assert!(refused(&mut db).contains("I3: entry 9 of EUR is gone"));
    db.execute("UPDATE log_tile SET hashes = substr(hashes, 1, 31)")
        .unwrap();
    assert!(refused(&mut db).contains("I17"));
    db.execute("UPDATE log_tile SET hashes = zeroblob(288)")
        .unwrap();
    assert!(refused(&mut db).contains("have not the root that was signed"));
}

#[test]
fn a_checkpoint_of_another_node_is_refused() {
    let (bed, signed) = grown(Kind::Sqlite);
    let mut db = bed.scratch.db();
    let refused = |db: &mut Db, keys: Option<&NodeKeys>, note: &str| {
        ledger_verify::against(db, keys, Some(note)).unwrap_err()
    };
    let (own, other) = (NodeKeys::seeded(1), NodeKeys::seeded(2));
    for fault in [
        refused(&mut db, Some(&other), &signed[3].note),
        refused(&mut db, Some(&own), "no note"),
        refused(
            &mut db,
            Some(&own),
            &signed[3].note.replace("\n9\n", "\n8\n"),
        ),
        refused(&mut db, None, &signed[3].note),
    ] {
        assert_eq!((fault.code, fault.status()), ("invalid", 422));
    }
    // The stored ones must be the node's own too.
    let findings = ledger_verify::against(&mut db, Some(&other), None).unwrap();
    assert_eq!(findings.len(), 4, "{findings:?}");
    assert!(findings.iter().all(|f| f.invariant == "I17"));
}
