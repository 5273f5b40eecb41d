//! Every invariant: one row is changed behind the ledger's back, and the verifier must name
//! the invariant and the row.

use ledger::account::Account;
use schema::columns::Key;
use schema::db::Db;
use uuid::Uuid;

use super::support::{Bed, Kind, kinds, start};
use crate::journal::audit;
use crate::store::statements::{self, StatementRow};

/// A change, the invariant it breaks, and what the finding's row must contain.
struct Corruption {
    sql: String,
    invariant: &'static str,
    row: String,
}

struct Ground {
    bed: Bed,
    first: Uuid,
    order: Uuid,
    statement: Uuid,
}

/// Two sales, a refund, two settlements, a statement: every table has rows.
fn ground(kind: Kind) -> Ground {
    let bed = Bed::new(kind, 1, &[1, 1, 1], 500);
    bed.top_up("t", 0, 9_000).unwrap();
    let order = bed.buy("b1", 0, 1_000).unwrap().one().unwrap();
    bed.settle("s1").unwrap();
    bed.buy("b2", 0, 777).unwrap();
    bed.refund("r", order, 333).unwrap();
    bed.settle("s2").unwrap();
    let first = bed.market.epoch.shares()[0].0;
    let closing = -bed.balance(&Account::available(first).to_string());
    let statement = bed.market.ids.next(start());
    let row = StatementRow {
        id: Key(statement),
        party_id: Key(first),
        period: "2026-11".to_owned(),
        currency: "EUR".to_owned(),
        number: 1,
        opening: 0,
        earned: closing,
        closing,
        document: String::new(),
        signature: String::new(),
        supersedes: None,
        created_at: start().into(),
    };
    statements::insert(&mut bed.scratch.db(), &row).unwrap();
    assert_eq!(bed.scratch.findings(), []);
    Ground {
        bed,
        first,
        order,
        statement,
    }
}

/// A literal of an identifier.
fn id(kind: Kind, id: Uuid) -> String {
    match kind {
        Kind::Sqlite => format!("x'{}'", id.simple()),
        Kind::Postgres => format!("'{id}'"),
    }
}

const JOURNAL_TABLES: [&str; 7] = [
    "entry",
    "posting",
    "epoch",
    "epoch_share",
    "refund",
    "settlement",
    "settlement_line",
];

/// Takes down what keeps the tables whole.
fn disarm(kind: Kind, db: &mut Db) {
    match kind {
        Kind::Sqlite => {
            db.execute("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON")
                .unwrap();
            for table in JOURNAL_TABLES.iter().chain(&["statement"]) {
                for verb in ["update", "delete"] {
                    db.execute(&format!("DROP TRIGGER {table}_no_{verb}"))
                        .unwrap();
                }
            }
        }
        Kind::Postgres => {
            db.execute("SET session_replication_role = replica")
                .unwrap();
            for (table, rule) in [
                ("entry", "entry_source_idem_key_key"),
                ("carry", "carry_residue_check"),
                ("posting", "posting_amount_check"),
                ("epoch_share", "epoch_share_share_check"),
            ] {
                db.execute(&format!("ALTER TABLE {table} DROP CONSTRAINT {rule}"))
                    .unwrap();
            }
        }
    }
}

/// SQLite cannot drop a UNIQUE rule: the table is copied without it.
fn without_unique(kind: Kind) -> &'static str {
    match kind {
        Kind::Sqlite => {
            "CREATE TABLE copy AS SELECT * FROM entry; DROP TABLE entry; \
             ALTER TABLE copy RENAME TO entry; "
        }
        Kind::Postgres => "",
    }
}

fn corruptions(kind: Kind, ground: &Ground) -> Vec<Corruption> {
    let Ground {
        bed,
        first,
        order,
        statement,
    } = ground;
    let revision = bed.market.revision;
    let (contributor, share_of) = (id(kind, *first), id(kind, *first));
    let available = Account::available(*first);
    let wallet = Account::Wallet(bed.market.buyers[0]);
    let case = |sql: String, invariant, row: String| Corruption {
        sql,
        invariant,
        row,
    };
    let entry = |n: i64| format!("entry {n} of ");
    vec![
        case(
            "UPDATE posting SET amount = amount + 1 WHERE book = 'EUR' AND seq = 2 AND line = 1"
                .into(),
            "I1",
            entry(2),
        ),
        case(
            "UPDATE posting SET amount = 0 WHERE book = 'EUR' AND seq = 1".into(),
            "I1",
            entry(1),
        ),
        case(
            "UPDATE posting SET amount = amount + 1 WHERE book = 'EUR' AND seq = 2 AND line = 1"
                .into(),
            "I2",
            "book ".into(),
        ),
        case(
            "DELETE FROM posting WHERE seq = 4; DELETE FROM entry WHERE seq = 4".into(),
            "I3",
            entry(5),
        ),
        case(
            "UPDATE entry SET period = '2026-12' WHERE seq = 3".into(),
            "I3",
            entry(3),
        ),
        case(
            "UPDATE entry SET meta = '{}' WHERE seq = 3".into(),
            "I3",
            entry(3),
        ),
        case(
            "UPDATE entry SET leaf_hash = prev_hash WHERE seq = 2".into(),
            "I3",
            entry(3),
        ),
        case(
            "UPDATE entry SET salt = body_hash WHERE seq = 6".into(),
            "I3",
            entry(6),
        ),
        case(
            format!(
                "{}UPDATE entry SET source = (SELECT source FROM entry e WHERE e.seq = 2), \
                 idem_key = (SELECT idem_key FROM entry e WHERE e.seq = 2) WHERE seq = 4",
                without_unique(kind)
            ),
            "I4",
            entry(4),
        ),
        case(
            "UPDATE entry SET request_hash = body_hash WHERE seq = 2".into(),
            "I4",
            entry(2),
        ),
        case(
            format!("UPDATE epoch_share SET share = share + 1 WHERE party_id = {share_of}"),
            "I5",
            format!("epoch {revision}/1"),
        ),
        case(
            "UPDATE epoch SET digest = (SELECT body_hash FROM entry WHERE seq = 1)".into(),
            "I5",
            format!("epoch {revision}/1"),
        ),
        case(
            "UPDATE pool SET cumulative = cumulative + 1".into(),
            "I6",
            format!("pool {revision}/1/EUR"),
        ),
        case(
            format!("UPDATE carry SET residue = 1000000000000 WHERE party_id = {contributor}"),
            "I7",
            format!("carry {first}/EUR"),
        ),
        case(
            format!("UPDATE carry SET residue = -1 WHERE party_id = {contributor}"),
            "I7",
            format!("carry {first}/EUR"),
        ),
        case(
            format!("UPDATE carry SET residue = residue + 1 WHERE party_id = {contributor}"),
            "I8",
            "Liabilities:Dust".into(),
        ),
        case(
            format!("UPDATE carry SET residue = residue + 1 WHERE party_id = {contributor}"),
            "I9",
            format!("contributor {first}"),
        ),
        case(
            format!(
                "UPDATE settlement_line SET amount = amount + 1 WHERE party_id = {contributor}"
            ),
            "I9",
            format!("/{first}"),
        ),
        case(
            "UPDATE pool SET cumulative = cumulative + 1, settled = settled + 1".into(),
            "I10",
            "currency EUR".into(),
        ),
        case(
            "UPDATE settlement SET dust = dust + 1 WHERE entry_seq = 3".into(),
            "I10",
            "settlement ".into(),
        ),
        case(
            format!(
                "UPDATE orders SET refunded = gross + 1 WHERE id = {}",
                id(kind, *order)
            ),
            "I11",
            format!("order {order}"),
        ),
        case(
            format!(
                "UPDATE orders SET refunded_fee = refunded_fee + 1, refunded_net = refunded_net - 1 WHERE id = {}",
                id(kind, *order)
            ),
            "I11",
            format!("order {order}"),
        ),
        case(
            format!(
                "UPDATE orders SET gross = gross + 1, net = net + 1 WHERE id = {}",
                id(kind, *order)
            ),
            "I11",
            format!("order {order}"),
        ),
        case(
            format!("DELETE FROM refund WHERE order_id = {}", id(kind, *order)),
            "I11",
            format!("order {order}"),
        ),
        case(
            "UPDATE statement SET closing = closing + 1".into(),
            "I13",
            format!("statement {statement}"),
        ),
        case(
            "UPDATE statement SET opening = 1, earned = earned - 1".into(),
            "I13",
            format!("statement {statement}"),
        ),
        case(
            format!("UPDATE account SET balance = balance + 1 WHERE name = '{wallet}'"),
            "I16",
            format!("account {wallet}"),
        ),
        case(
            format!("UPDATE account SET book = 'JPY' WHERE name = '{available}'"),
            "I18",
            entry(3),
        ),
        case(
            format!("UPDATE account SET name = 'Points:Issued' WHERE name = '{available}'"),
            "I18",
            entry(3),
        ),
        case(
            format!(
                "UPDATE posting SET amount = 9223372036854775807 WHERE account_id = (SELECT id FROM account WHERE name = '{available}')"
            ),
            "I19",
            format!("account {available}"),
        ),
        case(
            format!(
                "UPDATE account SET balance = -9223372036854775807 - 1 WHERE name = '{wallet}'"
            ),
            "I19",
            format!("account {wallet}"),
        ),
    ]
}

fn every_corruption_is_named(kind: Kind) {
    let ground = ground(kind);
    let mut db = ground.bed.scratch.db();
    let mut named = std::collections::BTreeSet::new();
    disarm(kind, &mut db);
    for Corruption {
        sql,
        invariant,
        row,
    } in corruptions(kind, &ground)
    {
        db.execute("BEGIN").unwrap();
        db.execute(&sql)
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        let findings = audit::verify(&mut db).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        db.execute("ROLLBACK").unwrap();
        let found = findings
            .iter()
            .any(|f| f.invariant == invariant && f.row.contains(&row));
        assert!(
            found,
            "{kind:?}: after {sql:?} no finding names {invariant} and {row:?}: {findings:#?}"
        );
        named.insert(invariant);
    }
    for n in (1..=11).chain([13, 16, 18, 19]) {
        assert!(
            named.contains(format!("I{n}").as_str()),
            "I{n} has no corruption"
        );
    }
    assert_eq!(audit::verify(&mut db).unwrap(), []);
}

#[test]
fn the_verifier_names_invariant_and_row() {
    kinds().into_iter().for_each(every_corruption_is_named);
}

#[test]
fn journal_tables_refuse_changes() {
    for kind in kinds() {
        let ground = ground(kind);
        let mut db = ground.bed.scratch.db();
        for table in JOURNAL_TABLES.iter().chain(&["statement"]) {
            for sql in [
                format!("DELETE FROM {table}"),
                format!("UPDATE {table} SET {0} = {0}", column(table)),
            ] {
                let refused = db.execute(&sql).unwrap_err().to_string();
                assert!(refused.contains("append-only"), "{sql}: {refused}");
            }
        }
    }
}

fn column(table: &str) -> &'static str {
    match table {
        "entry" | "posting" => "seq",
        "epoch" | "epoch_share" => "revision_id",
        "settlement_line" => "amount",
        _ => "id",
    }
}
