//! What shows that the payouts of a statement stand in the journal: each entry, whole.

use ledger::entry::{BodyParts, leaf, postings_salt};
use ledger::json::Hash;
use ledger::statement::{PayoutLine, PayoutProof, ProofPosting};
use schema::db::Db;

use crate::error::Fault;
use crate::journal::log;
use crate::store::checkpoints::CheckpointRow;
use crate::store::journal::{self as rows, EntryRow};

/// Postings of an entry of a payout: three, and room to see that there are no more.
const MOST: i64 = 16;

/// The proof of each payout, in their order. `book` is the full name of the book.
///
/// # Errors
/// An entry is gone, has no place in the log, or the database's own.
pub(super) fn of(
    db: &mut Db,
    book: &str,
    payouts: &[PayoutLine],
    at: &CheckpointRow,
) -> Result<Vec<PayoutProof>, Fault> {
    let own = book.rsplit('/').next().unwrap_or(book);
    let mut proofs = Vec::with_capacity(payouts.len());
    for line in payouts {
        let seq = i64::try_from(line.entry).map_err(Fault::internal)?;
        let row = rows::entry_at(db, own, seq)?
            .ok_or_else(|| Fault::internal(format!("I3: entry {seq} of {own} is gone")))?;
        let size = u64::try_from(at.size).map_err(Fault::internal)?;
        let (index, path) = log::prove(db, own, seq, size)?;
        let postings: Vec<ProofPosting> = rows::named_postings(db, own, seq, MOST)?
            .into_iter()
            .map(|(account, amount)| ProofPosting { account, amount })
            .collect();
        let secret: [u8; 16] = row.salt.as_slice().try_into().map_err(Fault::internal)?;
        proofs.push(PayoutProof {
            book: book.to_owned(),
            seq: line.entry,
            index,
            leaf: text(&row, book, &secret, line.entry, &postings)?,
            leaf_hash: Hash(
                row.leaf_hash
                    .as_slice()
                    .try_into()
                    .map_err(Fault::internal)?,
            ),
            path,
            salt: hex::encode(postings_salt(&secret)),
            postings,
        });
    }
    Ok(proofs)
}

/// The leaf as it was hashed.
fn text(
    row: &EntryRow,
    book: &str,
    secret: &[u8; 16],
    seq: u64,
    postings: &[ProofPosting],
) -> Result<String, Fault> {
    let parts = BodyParts {
        id: row.id.0,
        kind: &row.kind,
        book,
        period: &row.period,
        event_time: row.event_time.into(),
        source: &row.source,
        idem_key: &row.idem_key,
        metadata: &serde_json::from_str(&row.meta).map_err(Fault::internal)?,
    };
    let lines = postings.iter().map(|p| (p.account.as_str(), p.amount));
    let body = parts.body(secret, lines);
    let prev = Hash(
        row.prev_hash
            .as_slice()
            .try_into()
            .map_err(Fault::internal)?,
    );
    String::from_utf8(leaf(prev, seq, secret, &body)).map_err(Fault::internal)
}
