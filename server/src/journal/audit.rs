//! Reading the whole ledger back, in order: for the verifier and for exports.
//!
//! Rows come in pages, so memory grows with accounts and contributors, not with entries.

mod log;

pub use self::log::Against;

use std::collections::HashMap;

use ledger::audit::{self, Audit};
use ledger::json::Hash;
use ledger::plan::Legs;
use ledger::settle::credit;
use schema::db::Db;
use schema::wire::LedgerFinding;
use uuid::Uuid;

use super::batch::recorded;
use crate::error::Fault;
use crate::store::disputes;
use crate::store::journal::{self as rows, EntryRow, PostingRow};
use crate::store::orders::{self, OrderRow};
use crate::store::payments;
use crate::store::periods;
use crate::store::pools;
use crate::store::reserves;
use crate::store::statements;

/// Rows of one page.
const PAGE: i64 = 2_000;

/// The full name of a book: node, kind and currency.
fn book_name(node: &str, currency: &str) -> String {
    match currency.parse::<ledger::money::Currency>() {
        Ok(known) => format!("{node}/{}/{known}", known.kind()),
        // An unknown one goes to the verifier as it is, which then names it.
        Err(_) => currency.to_owned(),
    }
}

/// Postings of one entry, with account numbers.
pub type Lines = Vec<PostingRow>;

/// Calls `each` with every entry of a book and its postings, in order.
pub fn each_entry(
    db: &mut Db,
    book: &str,
    mut each: impl FnMut(&EntryRow, &Lines) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut after = 0;
    loop {
        let entries = rows::entries_after(db, book, after, PAGE)?;
        let Some(last) = entries.last().map(|entry| entry.seq) else {
            return Ok(());
        };
        let mut postings = Postings::between(book, after, last);
        for entry in &entries {
            let lines = postings.of(db, entry.seq)?;
            each(entry, &lines)?;
        }
        after = last;
    }
}

/// Postings of a range of entries, read page by page.
struct Postings<'a> {
    book: &'a str,
    place: (i64, i32),
    last: i64,
    page: std::collections::VecDeque<PostingRow>,
    ended: bool,
}

impl<'a> Postings<'a> {
    fn between(book: &'a str, after: i64, last: i64) -> Self {
        Self {
            book,
            place: (after, i32::MAX),
            last,
            page: Default::default(),
            ended: false,
        }
    }

    /// The lines of one entry. Entries are asked for in ascending order.
    fn of(&mut self, db: &mut Db, seq: i64) -> Result<Lines, Fault> {
        let mut lines = Vec::new();
        loop {
            if self.page.is_empty() && !self.ended {
                self.fill(db)?;
            }
            match self.page.front() {
                Some(row) if row.seq <= seq => lines.extend(self.page.pop_front()),
                _ => return Ok(lines),
            }
        }
    }

    fn fill(&mut self, db: &mut Db) -> Result<(), Fault> {
        let page = rows::postings_of(db, self.book, self.place, self.last, 8 * PAGE)?;
        match page.last() {
            Some(row) => self.place = (row.seq, row.line),
            None => self.ended = true,
        }
        self.page = page.into();
        Ok(())
    }
}

/// [`verify_against`] nothing but the rows themselves.
///
/// # Errors
/// The database's own.
pub fn verify(db: &mut Db) -> Result<Vec<LedgerFinding>, Fault> {
    verify_against(db, &Against::default())
}

/// Recomputes everything the ledger rests on and answers what is broken, rows named.
/// Reads only; call it on one unchanging state ([`Db::snapshot`]).
///
/// # Errors
/// The database's own.
pub fn verify_against(db: &mut Db, against: &Against) -> Result<Vec<LedgerFinding>, Fault> {
    let mut audit = Audit::default();
    let mut own = Vec::new();
    let node = rows::stored_node_id(db)?.unwrap_or_default();
    write_downs(db, &node, &mut audit)?;
    verify_entries(db, &node, &mut audit, &mut own)?;
    verify_keys(db, &node, &mut audit)?;
    verify_pools(db, &mut audit)?;
    for (party, currency, residue) in pools::all_carries(db)? {
        audit.carry(&audit::CarryRow {
            party: party.0,
            currency,
            residue,
        });
    }
    for account in rows::every_account(db)? {
        audit.account(&audit::AccountRow {
            book: book_name(&node, &account.book),
            account: account.name,
            balance: account.balance,
        });
    }
    for row in payments::booked_disputes(db)? {
        audit.dispute(&audit::DisputeRow {
            id: row.id,
            order: None,
            book: book_name(&node, &row.currency),
            amount: row.amount,
            within: row.from_wallet,
            state: row.booked,
        });
    }
    verify_held(db, &node, &mut audit)?;
    verify_orders(db, &mut audit, &mut own)?;
    for row in statements::bridges(db)? {
        audit.statement(&row);
    }
    verify_settlements(db, &mut own)?;
    super::audit_payouts::verify(db, &mut own)?;
    super::audit_exchange::verify(db, &mut own)?;
    super::audit_claims::verify(db, &mut own)?;
    super::audit_provider::verify(db, &mut own)?;
    super::audit_subscriptions::verify(db, &mut own)?;
    super::audit_invoices::verify(db, &mut own)?;
    log::verify(db, &node, against, &mut own)?;
    let found = audit.finish().into_iter().map(|finding| LedgerFinding {
        invariant: finding.invariant.to_owned(),
        row: finding.row,
        message: finding.message,
    });
    Ok(found.chain(own).collect())
}

pub(super) fn finding(invariant: &str, row: String, message: String) -> LedgerFinding {
    LedgerFinding {
        invariant: invariant.to_owned(),
        row,
        message,
    }
}

/// Closed periods and balances written down, which the entries are held against.
fn write_downs(db: &mut Db, node: &str, audit: &mut Audit) -> Result<(), Fault> {
    if let Some(period) = periods::last_closed(db)? {
        // Also when no book had an entry yet.
        audit.closed(&audit::ClosedRow {
            period,
            book: String::new(),
            last_seq: 0,
        });
    }
    for row in periods::closes(db)? {
        audit.closed(&audit::ClosedRow {
            period: row.period,
            book: book_name(node, &row.book),
            last_seq: row.last_seq,
        });
    }
    for (book, seq, account, balance) in periods::snapshots(db)? {
        audit.snapshot(&audit::SnapshotRow {
            book: book_name(node, &book),
            seq,
            account,
            balance,
        });
    }
    Ok(())
}

/// Disputes and reserves.
fn verify_held(db: &mut Db, node: &str, audit: &mut Audit) -> Result<(), Fault> {
    for row in disputes::all(db)? {
        audit.dispute(&audit::DisputeRow {
            id: row.id.0.to_string(),
            order: row.order_id.map(|id| id.0.to_string()),
            book: book_name(node, &row.book),
            amount: row.amount,
            within: row.of_order,
            state: row.state,
        });
    }
    for row in reserves::standing(db)? {
        audit.reserve(&audit::ReserveRow {
            party: row.party_id.0,
            currency: row.currency,
            left: row.remaining,
        });
    }
    Ok(())
}

fn verify_entries(
    db: &mut Db,
    node: &str,
    audit: &mut Audit,
    own: &mut Vec<LedgerFinding>,
) -> Result<(), Fault> {
    let names = rows::account_names(db)?;
    for book in rows::books(db)? {
        let full = book_name(node, &book);
        let mut books = HashMap::new();
        each_entry(db, &book, |entry, lines| {
            let lines: Vec<audit::PostingRow> = lines
                .iter()
                .map(|line| {
                    let (account_book, account) =
                        names.get(&line.account_id).cloned().unwrap_or_default();
                    let account_book = books
                        .entry(account_book)
                        .or_insert_with_key(|name: &String| book_name(node, name))
                        .clone();
                    audit::PostingRow {
                        line: line.line,
                        account_book,
                        account,
                        amount: line.amount,
                    }
                })
                .collect();
            audit.entry(&entry_row(entry, full.clone()), &lines);
            bound(entry, &full, own);
            Ok(())
        })?;
    }
    Ok(())
}

/// Columns that stand in the body under another name.
fn bound(entry: &EntryRow, book: &str, own: &mut Vec<LedgerFinding>) {
    let meta: serde_json::Value = serde_json::from_str(&entry.meta).unwrap_or_default();
    let stated = |name: &str| meta.get(name).and_then(serde_json::Value::as_str);
    let name = format!("entry {} of {book}", entry.seq);
    let request = <[u8; 32]>::try_from(entry.request_hash.as_slice()).ok();
    let request = request.map(|hash| Hash(hash).to_string());
    if stated("request") != request.as_deref() {
        let message = "its request_hash is not the one its body binds".to_owned();
        own.push(finding("I4", name.clone(), message));
    }
    if stated("recorded_at") != Some(recorded(entry.recorded_at.into()).as_str()) {
        let message = "its recorded_at is not the one its body binds".to_owned();
        own.push(finding("I3", name, message));
    }
}

fn entry_row(row: &EntryRow, book: String) -> audit::EntryRow {
    audit::EntryRow {
        book,
        seq: row.seq,
        id: row.id.0,
        kind: row.kind.clone(),
        period: row.period.clone(),
        event_time: row.event_time.into(),
        source: row.source.clone(),
        idem_key: row.idem_key.clone(),
        metadata: row.meta.clone(),
        salt: row.salt.clone(),
        body_hash: row.body_hash.clone(),
        prev_hash: row.prev_hash.clone(),
        leaf_hash: row.leaf_hash.clone(),
    }
}

fn verify_keys(db: &mut Db, node: &str, audit: &mut Audit) -> Result<(), Fault> {
    let mut after = (String::new(), String::new(), String::new(), 0);
    loop {
        let page = rows::keys_after(db, &after, PAGE)?;
        for (source, key, book, seq) in &page {
            audit.key(source, key, &format!("{seq} of {}", book_name(node, book)));
        }
        match page.into_iter().next_back() {
            Some(last) => after = last,
            None => return Ok(()),
        }
    }
}

fn verify_pools(db: &mut Db, audit: &mut Audit) -> Result<(), Fault> {
    for pool in pools::all(db)? {
        audit.pool(&audit::PoolRow {
            revision: pool.revision_id.0,
            epoch: u32::try_from(pool.epoch).map_err(Fault::internal)?,
            currency: pool.currency,
            cumulative: pool.cumulative,
            settled: pool.settled,
        });
    }
    for (revision, number, digest) in pools::epochs(db)? {
        let shares: Vec<audit::ShareRow> = pools::shares(db, revision.0, number)?
            .into_iter()
            .map(|(party, share)| audit::ShareRow {
                party: party.0,
                share,
            })
            .collect();
        let epoch = u32::try_from(number).map_err(Fault::internal)?;
        audit.epoch(
            &audit::EpochRow {
                revision: revision.0,
                epoch,
                digest,
            },
            &shares,
        );
    }
    Ok(())
}

fn verify_orders(
    db: &mut Db,
    audit: &mut Audit,
    own: &mut Vec<LedgerFinding>,
) -> Result<(), Fault> {
    let mut after = Uuid::nil();
    loop {
        let page = orders::after(db, after, PAGE)?;
        let Some(last) = page.last().map(|row| row.id.0) else {
            break;
        };
        // A free order moves no money and has no entry.
        for row in page.iter().filter(|row| !is_free(row)) {
            audit.order(&audit::OrderRow {
                id: row.id.0.to_string(),
                gross: row.gross,
                sale: Legs {
                    fee: row.fee,
                    tax: row.tax,
                    net: row.net,
                    commission: row.commission,
                },
                refunded: row.refunded,
                returned: Legs {
                    fee: row.refunded_fee,
                    tax: row.refunded_tax,
                    net: row.refunded_net,
                    commission: row.refunded_commission,
                },
            });
        }
        after = last;
    }
    for id in orders::without_payment(db)? {
        own.push(finding(
            "I11",
            format!("order {id}"),
            "no journal entry pays its gross".to_owned(),
        ));
    }
    for id in orders::with_other_refunds(db)? {
        own.push(finding(
            "I11",
            format!("order {id}"),
            "its refunds do not sum to what it says was given back".to_owned(),
        ));
    }
    Ok(())
}

fn is_free(row: &OrderRow) -> bool {
    let figures = [
        row.entry_seq,
        row.gross,
        row.fee,
        row.tax,
        row.commission,
        row.net,
        row.refunded,
        row.refunded_fee,
        row.refunded_tax,
        row.refunded_commission,
        row.refunded_net,
    ];
    figures.iter().all(|figure| *figure == 0)
}

/// The lines behind the statements: each recomputed, each settlement summed (I9, I10).
fn verify_settlements(db: &mut Db, own: &mut Vec<LedgerFinding>) -> Result<(), Fault> {
    for settlement in pools::all_settlements(db)? {
        let mut credited = 0i128;
        let lines = pools::lines(db, settlement.id.0)?;
        log::verify_lines(db, &settlement, &lines, own)?;
        for line in lines {
            credited += i128::from(line.amount);
            let range = 0..ledger::epoch::D;
            let sound = range.contains(&line.carry_before)
                && (0..=ledger::epoch::D).contains(&line.share)
                && credit(line.carry_before, settlement.pool_delta, line.share)
                    == (line.amount, line.carry_after);
            if !sound {
                own.push(finding(
                    "I9",
                    format!("settlement line {}/{}", settlement.id.0, line.party_id.0),
                    "its amount and residue are not delta times share".to_owned(),
                ));
            }
        }
        if credited + i128::from(settlement.dust) != i128::from(settlement.pool_delta) {
            own.push(finding(
                "I10",
                format!("settlement {}", settlement.id.0),
                format!(
                    "its lines sum to {credited} with dust {}, its delta is {}",
                    settlement.dust, settlement.pool_delta
                ),
            ));
        }
    }
    Ok(())
}
