//! Every invariant: one row is changed behind the ledger's back, and the verifier must name
//! the invariant and the row.

use ledger::account::Account;
use schema::columns::Key;
use schema::db::Db;
use uuid::Uuid;

use super::support::{Bed, Kind, kinds, start};
use crate::journal::audit;
use crate::store::statements::{self, StatementRow};
use crate::store::taxes::{self, RateRow};

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
    dispute: Uuid,
    statement: Uuid,
    payout: Uuid,
    batch: Uuid,
}

/// Two sales, a refund, two settlements, a statement: every table has rows.
fn ground(kind: Kind) -> Ground {
    let bed = Bed::new(kind, 1, &[1, 1, 1], 500);
    bed.top_up("t", 0, 9_000).unwrap();
    let order = bed.buy("b1", 0, 1_000).unwrap().one().unwrap();
    bed.settle("s1").unwrap();
    bed.buy("b2", 0, 777).unwrap();
    bed.refund("r", order, 333).unwrap();
    super::log::sign(&bed);
    bed.settle("s2").unwrap();
    super::log::sign(&bed);
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
    let rate = RateRow {
        id: Key(bed.market.ids.next(start())),
        jurisdiction: "DE".to_owned(),
        name: "VAT DE".to_owned(),
        bps: 1_600,
        reverse_charge: false,
        valid_from: start().into(),
        valid_until: None,
        made_by: Key(bed.market.owner),
        created_at: start().into(),
    };
    taxes::add_rate(&mut bed.scratch.db(), &rate).unwrap();
    let open = bed.dispute("d", order, 200).unwrap().one().unwrap();
    let lost = bed.dispute("d2", order, 100).unwrap().one().unwrap();
    bed.decide("l", lost, order, false).unwrap();
    bed.close("c", "2026-10").unwrap();
    bed.buy("b3", 0, 500).unwrap();
    bed.settle_and_hold("s3", 2_500, 2).unwrap();
    let (payout, batch) = bed.pays_out("p", first, 100);
    bed.paid_by_card("c1", 700);
    bed.bank_says(4_711);
    assert_eq!(bed.scratch.findings(), []);
    Ground {
        dispute: open,
        payout,
        batch,
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

const JOURNAL_TABLES: [&str; 18] = [
    "entry",
    "posting",
    "epoch",
    "epoch_share",
    "refund",
    "settlement",
    "settlement_line",
    "settlement_leaf",
    "settlement_tile",
    "log_range",
    "checkpoint",
    "dispute_move",
    "period_close",
    "balance_snapshot",
    "bank_statement",
    "payout_block",
    "invoice",
    "tax_rate",
];

/// Takes down what keeps the tables whole.
pub fn disarm(kind: Kind, db: &mut Db) {
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

/// Invariant, what the finding's row contains, and the change that breaks it. SQLite cannot
/// drop a UNIQUE rule, so `{entry without rules}` copies the table there.
const CORRUPTIONS: &str = "
I1  | entry 2 of                | UPDATE posting SET amount = amount + 1 WHERE seq = 2 AND line = 1
I1  | entry 1 of                | UPDATE posting SET amount = 0 WHERE seq = 1
I2  | book                      | UPDATE posting SET amount = amount + 1 WHERE seq = 2 AND line = 1
I3  | entry 5 of                | DELETE FROM posting WHERE seq = 4; DELETE FROM entry WHERE seq = 4
I3  | entry 3 of                | UPDATE entry SET period = '2026-12' WHERE seq = 3
I3  | entry 3 of                | UPDATE entry SET meta = '{}' WHERE seq = 3
I3  | entry 3 of                | UPDATE entry SET leaf_hash = prev_hash WHERE seq = 2
I3  | entry 6 of                | UPDATE entry SET salt = body_hash WHERE seq = 6
I4  | entry 4 of                | {entry without rules} UPDATE entry SET source = (SELECT source FROM entry e WHERE e.seq = 2), idem_key = (SELECT idem_key FROM entry e WHERE e.seq = 2) WHERE seq = 4
I4  | entry 2 of                | UPDATE entry SET request_hash = body_hash WHERE seq = 2
I5  | epoch {revision}/1        | UPDATE epoch_share SET share = share + 1 WHERE party_id = {first}
I5  | epoch {revision}/1        | UPDATE epoch SET digest = (SELECT body_hash FROM entry WHERE seq = 1)
I6  | pool {revision}/1/EUR     | UPDATE pool SET cumulative = cumulative + 1
I7  | carry {contributor}/EUR   | UPDATE carry SET residue = 1000000000000 WHERE party_id = {first}
I7  | carry {contributor}/EUR   | UPDATE carry SET residue = -1 WHERE party_id = {first}
I8  | Liabilities:Dust          | UPDATE carry SET residue = residue + 1 WHERE party_id = {first}
I9  | contributor {contributor} | UPDATE carry SET residue = residue + 1 WHERE party_id = {first}
I9  | /{contributor}            | UPDATE settlement_line SET amount = amount + 1 WHERE party_id = {first}
I10 | currency EUR              | UPDATE pool SET cumulative = cumulative + 1, settled = settled + 1
I10 | settlement                | UPDATE settlement SET dust = dust + 1 WHERE entry_seq = 3
I11 | order {order}             | UPDATE orders SET refunded = gross + 1 WHERE id = {sale}
I11 | order {order}             | UPDATE orders SET refunded_fee = refunded_fee + 1, refunded_net = refunded_net - 1 WHERE id = {sale}
I11 | order {order}             | UPDATE orders SET gross = gross + 1, net = net + 1 WHERE id = {sale}
I11 | order {order}             | DELETE FROM refund WHERE order_id = {sale}
I11 | Liabilities:DisputeHold   | UPDATE dispute SET amount = amount + 1 WHERE id = {held}
I11 | Liabilities:DisputeHold   | UPDATE dispute SET state = 'won' WHERE id = {held}
I11 | order {order}             | DELETE FROM dispute_move WHERE dispute_id = {held}
I11 | order {order}             | UPDATE dispute SET amount = 2000, of_order = 2000 WHERE id = {held}
I12 | {reserve}                 | UPDATE posting SET amount = amount + 9000 WHERE seq = 3 AND account_id = (SELECT id FROM account WHERE name = '{available}')
I13 | statement {statement}     | UPDATE statement SET closing = closing + 1
I13 | statement {statement}     | UPDATE statement SET opening = 1, earned = earned - 1
I14 | entry 10 of               | UPDATE entry SET period = '2026-10' WHERE seq = 10
I14 | entry 1 of                | DELETE FROM period_close; UPDATE entry SET period = '2026-10' WHERE seq = 1
I15 | bank account of EUR       | UPDATE bank_statement SET closing = closing + 1
I15 | bank account of EUR       | UPDATE account SET balance = balance - 1 WHERE name = 'Assets:Bank:main'
I15 | provider account of EUR   | UPDATE payment SET amount = amount + 1
I15 | provider account of EUR   | UPDATE payment SET state = 'open'
I15 | provider account of EUR   | UPDATE posting SET amount = amount + 1 WHERE account_id = (SELECT id FROM account WHERE name = 'Assets:PSP:stripe')
I16 | snapshot Liabilities:Dust | UPDATE balance_snapshot SET balance = balance + 1 WHERE account_id = (SELECT id FROM account WHERE name = 'Liabilities:Dust')
I16 | {reserve}                 | UPDATE reserve SET remaining = remaining - 1
I16 | {reserve}                 | DELETE FROM reserve
I16 | account {wallet}          | UPDATE account SET balance = balance + 1 WHERE name = '{wallet}'
I17 | checkpoint 1              | UPDATE checkpoint SET root = (SELECT body_hash FROM entry WHERE seq = 1) WHERE number = 1
I17 | checkpoint 2              | UPDATE checkpoint SET note = (SELECT note FROM checkpoint WHERE number = 1) WHERE number = 2
I17 | checkpoint 2              | DELETE FROM checkpoint WHERE number = 1
I17 | checkpoint 2              | DELETE FROM log_range WHERE first = 5
I17 | log range 5               | UPDATE log_range SET first_seq = 2 WHERE first = 5
I17 | tile/0/000                | DELETE FROM log_range WHERE first = 5
I17 | entry 2 of                | UPDATE log_tile SET hashes = (SELECT body_hash FROM entry WHERE seq = 1)
I17 | entry 2 of                | UPDATE entry SET leaf_hash = prev_hash WHERE seq = 2
I17 | entry 6 of                | DELETE FROM posting WHERE seq = 6; DELETE FROM entry WHERE seq = 6
I17 | settlement                | UPDATE settlement_line SET amount = amount + 1 WHERE party_id = {first}
I17 | settlement                | UPDATE settlement_leaf SET leaf = '{}'
I17 | settlement                | DELETE FROM settlement_tile
I18 | entry 3 of                | UPDATE account SET book = 'JPY' WHERE name = '{available}'
I18 | entry 3 of                | UPDATE account SET name = 'Points:Issued' WHERE name = '{available}'
I19 | account {available}       | UPDATE posting SET amount = 9223372036854775807 WHERE account_id = (SELECT id FROM account WHERE name = '{available}')
I19 | account {wallet}          | UPDATE account SET balance = -9223372036854775807 - 1 WHERE name = '{wallet}'
I20 | PayoutInTransit of EUR    | UPDATE payout SET state = 'settled', settled_seq = 1
I20 | payout {payout}           | UPDATE payout SET state = 'settled', settled_seq = 1
I20 | payout {payout}           | UPDATE payout SET gross = gross + 1, net = net + 1
I20 | block 1-EUR of            | UPDATE payout_block SET total = total + 1
I20 | block 1-EUR of            | UPDATE payout_block SET transfers = 2
I20 | payout run {batch}        | DELETE FROM payout_block
I21 | claim releases            | UPDATE entry SET kind = 'claim_release' WHERE seq = 3
I22 | invoice 2026-000003       | DELETE FROM invoice WHERE number = 2
I22 | invoice 2026-000001       | UPDATE invoice SET net = net + 1 WHERE number = 1
I22 | invoice 2025-000002       | UPDATE invoice SET year = 2025 WHERE number = 2
I22 | invoice {order}           | UPDATE invoice SET gross = gross + 1, net = net + 1 WHERE id = {sale}
I22 | invoice {order}           | UPDATE invoice SET tax = tax + 1, net = net - 1 WHERE id = {sale}
I22 | invoice                   | UPDATE invoice SET entry_seq = 99 WHERE number = 3
I22 | invoice                   | UPDATE invoice SET corrects = NULL WHERE number = 3
I22 | invoice                   | UPDATE invoice SET corrects = (SELECT id FROM invoice WHERE number = 2) WHERE number = 4
I22 | entry                     | DELETE FROM invoice WHERE number = 5
I22 | entry                     | DELETE FROM invoice WHERE number = 4; UPDATE invoice SET number = 4 WHERE number = 5
";

/// The corruptions with the ground's own identifiers.
fn corruptions(kind: Kind, ground: &Ground) -> Vec<Corruption> {
    let copied = "CREATE TABLE copy AS SELECT * FROM entry; DROP TABLE entry; \
                  ALTER TABLE copy RENAME TO entry;";
    let buyer = ground.bed.market.buyers[0];
    let names = [
        (
            "{entry without rules}",
            if kind == Kind::Sqlite {
                copied.to_owned()
            } else {
                String::new()
            },
        ),
        ("{revision}", ground.bed.market.revision.to_string()),
        ("{contributor}", ground.first.to_string()),
        ("{first}", id(kind, ground.first)),
        ("{order}", ground.order.to_string()),
        ("{sale}", id(kind, ground.order)),
        ("{statement}", ground.statement.to_string()),
        ("{held}", id(kind, ground.dispute)),
        ("{payout}", ground.payout.to_string()),
        ("{batch}", ground.batch.to_string()),
        ("{reserve}", Account::reserve(ground.first).to_string()),
        ("{available}", Account::available(ground.first).to_string()),
        ("{wallet}", Account::Wallet(buyer).to_string()),
    ];
    let named = |text: &str| {
        names.iter().fold(text.to_owned(), |text, (name, value)| {
            text.replace(name, value)
        })
    };
    CORRUPTIONS
        .lines()
        .filter_map(|line| {
            let mut cells = line.splitn(3, '|').map(str::trim);
            let (invariant, row, sql) = (cells.next()?, cells.next()?, cells.next()?);
            Some(Corruption {
                sql: named(sql),
                invariant,
                row: named(row),
            })
        })
        .collect()
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
    for n in 1..=22 {
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
        "settlement_leaf" | "settlement_tile" => "settlement_id",
        "log_range" => "first",
        "checkpoint" => "number",
        "period_close" => "last_seq",
        "balance_snapshot" => "balance",
        "bank_statement" => "closing",
        "payout_block" => "total",
        _ => "id",
    }
}
