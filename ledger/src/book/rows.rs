//! The journal as plain rows, the shape the verifier reads from any store.

use super::{Journal, Verdict};
use crate::audit::{
    AccountRow, Audit, CarryRow, ClosedRow, DisputeRow, EntryRow, EpochRow, Finding, OrderRow,
    PoolRow, PostingRow, ReserveRow, ShareRow, SnapshotRow, StatementRow,
};
use crate::json::canonical_plain;
use crate::refund::legs_of_total;

/// Everything the verifier reads, sorted as it wants it.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    /// By (book, seq), with postings by line.
    pub entries: Vec<(EntryRow, Vec<PostingRow>)>,
    /// Pools.
    pub pools: Vec<PoolRow>,
    /// Epochs with shares by party.
    pub epochs: Vec<(EpochRow, Vec<ShareRow>)>,
    /// Residues.
    pub carries: Vec<CarryRow>,
    /// Cached balances.
    pub accounts: Vec<AccountRow>,
    /// Order totals.
    pub orders: Vec<OrderRow>,
    /// Disputes.
    pub disputes: Vec<DisputeRow>,
    /// What is held back.
    pub reserves: Vec<ReserveRow>,
    /// Closed periods.
    pub closed: Vec<ClosedRow>,
    /// Balances written down.
    pub snapshots: Vec<SnapshotRow>,
    /// Statement bridges by (party, currency, period).
    pub statements: Vec<StatementRow>,
}

impl Rows {
    /// Runs the verifier over the rows.
    pub fn findings(&self) -> Vec<Finding> {
        let mut audit = Audit::default();
        let mut keys = Vec::new();
        self.closed.iter().for_each(|row| audit.closed(row));
        self.snapshots.iter().for_each(|row| audit.snapshot(row));
        for (entry, postings) in &self.entries {
            audit.entry(entry, postings);
            keys.push((
                &entry.source,
                &entry.idem_key,
                format!("{} of {}", entry.seq, entry.book),
            ));
        }
        keys.sort();
        keys.iter()
            .for_each(|(source, key, name)| audit.key(source, key, name));
        self.pools.iter().for_each(|row| audit.pool(row));
        self.epochs
            .iter()
            .for_each(|(row, shares)| audit.epoch(row, shares));
        self.carries.iter().for_each(|row| audit.carry(row));
        self.accounts.iter().for_each(|row| audit.account(row));
        self.reserves.iter().for_each(|row| audit.reserve(row));
        self.disputes.iter().for_each(|row| audit.dispute(row));
        self.orders.iter().for_each(|row| audit.order(row));
        self.statements.iter().for_each(|row| audit.statement(row));
        audit.finish()
    }
}

impl Journal {
    /// The whole state as rows (without statements, which are documents).
    pub fn rows(&self) -> Rows {
        let mut entries: Vec<_> = self.entries.iter().map(entry_rows).collect();
        entries.sort_by(|(a, _), (b, _)| (&a.book, a.seq).cmp(&(&b.book, b.seq)));
        let pools = self
            .pools
            .iter()
            .map(|((revision, epoch, currency), pool)| PoolRow {
                revision: *revision,
                epoch: *epoch,
                currency: currency.to_string(),
                cumulative: pool.cumulative,
                settled: pool.settled,
            });
        let epochs = self.epochs.iter().map(|((revision, epoch), frozen)| {
            let shares = frozen.shares().iter();
            let shares = shares.map(|(party, share)| ShareRow {
                party: *party,
                share: *share,
            });
            let digest = frozen.digest().0.to_vec();
            (
                EpochRow {
                    revision: *revision,
                    epoch: *epoch,
                    digest,
                },
                shares.collect(),
            )
        });
        let carries = self
            .carries
            .iter()
            .map(|((party, currency), residue)| CarryRow {
                party: *party,
                currency: currency.to_string(),
                residue: *residue,
            });
        let accounts = self
            .balances
            .iter()
            .map(|((book, account), balance)| AccountRow {
                book: book.to_string(),
                account: account.to_string(),
                balance: *balance,
            });
        let orders = self.orders.iter().map(|(id, order)| OrderRow {
            id: id.to_string(),
            gross: order.legs.total().unwrap_or(0),
            sale: order.legs,
            refunded: order.refunded,
            returned: legs_of_total(order.legs, order.refunded).unwrap_or_default(),
        });
        Rows {
            entries,
            pools: pools.collect(),
            epochs: epochs.collect(),
            carries: carries.collect(),
            accounts: accounts.collect(),
            orders: orders.collect(),
            disputes: self.dispute_rows(),
            reserves: self.reserve_rows(),
            closed: self.closed_rows(),
            snapshots: self.snapshot_rows(),
            statements: Vec::new(),
        }
    }

    fn dispute_rows(&self) -> Vec<DisputeRow> {
        let currency = |order| self.orders.get(order).map(|order| order.currency);
        let rows = self.disputes.iter().filter_map(|(id, dispute)| {
            Some(DisputeRow {
                id: id.to_string(),
                order: Some(dispute.order.to_string()),
                book: self.book(currency(&dispute.order)?).to_string(),
                amount: dispute.amount,
                within: dispute.taken.within,
                state: match dispute.verdict {
                    Verdict::Open => "open",
                    Verdict::Won => "won",
                    Verdict::Lost => "lost",
                }
                .to_string(),
            })
        });
        rows.collect()
    }

    fn reserve_rows(&self) -> Vec<ReserveRow> {
        let held = self.reserves.iter().flat_map(|((party, currency), all)| {
            all.held().iter().map(|held| ReserveRow {
                party: *party,
                currency: currency.to_string(),
                left: held.minor,
            })
        });
        held.collect()
    }

    fn closed_rows(&self) -> Vec<ClosedRow> {
        let rows = self.closed.iter().flat_map(|(period, books)| {
            books.iter().map(|(book, seq)| ClosedRow {
                period: period.to_string(),
                book: book.to_string(),
                last_seq: i64::try_from(*seq).unwrap_or(i64::MAX),
            })
        });
        rows.collect()
    }

    /// Every balance at the end of every closed period, recomputed from the entries.
    fn snapshot_rows(&self) -> Vec<SnapshotRow> {
        let mut rows = Vec::new();
        for (book, last) in self.closed.values().flatten() {
            let mut sums: std::collections::BTreeMap<String, i64> = Default::default();
            let entries = self.entries.iter().filter(|e| e.entry.book == *book);
            for recorded in entries.filter(|e| e.link.seq <= *last) {
                for posting in &recorded.entry.postings {
                    let sum = sums.entry(posting.account.to_string()).or_default();
                    *sum = sum.saturating_add(posting.amount.minor);
                }
            }
            rows.extend(sums.into_iter().map(|(account, balance)| SnapshotRow {
                book: book.to_string(),
                seq: i64::try_from(*last).unwrap_or(i64::MAX),
                account,
                balance,
            }));
        }
        rows
    }
}

fn entry_rows(recorded: &super::Recorded) -> (EntryRow, Vec<PostingRow>) {
    let (entry, link) = (&recorded.entry, &recorded.link);
    let book = entry.book.to_string();
    let postings = entry
        .postings
        .iter()
        .zip(0..)
        .map(|(posting, line)| PostingRow {
            line,
            account_book: book.clone(),
            account: posting.account.to_string(),
            amount: posting.amount.minor,
        });
    let postings = postings.collect();
    let row = EntryRow {
        seq: i64::try_from(link.seq).unwrap_or(i64::MAX),
        id: entry.id,
        kind: entry.kind.to_string(),
        period: entry.period.to_string(),
        event_time: entry.event_time,
        source: entry.source.clone(),
        idem_key: entry.idem_key.clone(),
        metadata: String::from_utf8_lossy(&canonical_plain(&entry.metadata)).into_owned(),
        salt: recorded.salt.to_vec(),
        body_hash: link.body_hash.0.to_vec(),
        prev_hash: link.prev_hash.0.to_vec(),
        leaf_hash: link.leaf_hash.0.to_vec(),
        book,
    };
    (row, postings)
}
