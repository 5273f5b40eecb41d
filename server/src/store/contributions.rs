//! Contributions: one sealed upload by one party to one dataset.

use diesel::prelude::*;
use schema::columns::{Key, When};
use schema::db::Db;
use schema::on;
use schema::tables::contribution;
use schema::wire::ContributionState;
use uuid::Uuid;

use crate::error::Fault;

/// A contribution as stored.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = contribution)]
pub struct ContributionRow {
    pub id: Key,
    pub dataset_id: Key,
    pub party_id: Key,
    pub file_name: String,
    pub claimed_digest: Vec<u8>,
    pub state: String,
    pub receipt_no: Option<i64>,
    pub sealed_blob: Option<String>,
    pub sealed_digest: Option<Vec<u8>>,
    pub sealed_size: Option<i64>,
    pub cleaned_blob: Option<String>,
    pub marks_blob: Option<String>,
    pub preview_blob: Option<String>,
    pub rows: Option<i64>,
    pub grade: Option<i32>,
    pub report: Option<String>,
    pub verdict_code: Option<String>,
    pub verdict_message: Option<String>,
    pub published_mark: Option<i64>,
    pub created_at: When,
    pub received_at: Option<When>,
    pub decided_at: Option<When>,
    pub withdrawn_at: Option<When>,
    pub items_blob: Option<String>,
    pub items_rule: Option<String>,
    pub prints_blob: Option<String>,
    pub prints_rule: Option<String>,
}

impl ContributionRow {
    /// The state, read from its stored name.
    #[must_use]
    pub fn state(&self) -> ContributionState {
        match self.state.as_str() {
            "awaiting" => ContributionState::Awaiting,
            "received" => ContributionState::Received,
            "accepted" => ContributionState::Accepted,
            "withdrawn" => ContributionState::Withdrawn,
            _ => ContributionState::Rejected,
        }
    }
}

/// A contribution that was announced.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = contribution)]
pub struct Announced {
    pub id: Key,
    pub dataset_id: Key,
    pub party_id: Key,
    pub file_name: String,
    pub claimed_digest: Vec<u8>,
    pub state: &'static str,
    pub created_at: When,
}

/// Keeps an announced contribution.
///
/// # Errors
/// The database's own.
pub fn insert(db: &mut Db, row: &Announced) -> Result<(), Fault> {
    on!(db, c => diesel::insert_into(contribution::table).values(row).execute(c))?;
    Ok(())
}

/// A contribution by id.
///
/// # Errors
/// [`Fault::missing`] or the database's own.
pub fn by_id(db: &mut Db, id: Uuid) -> Result<ContributionRow, Fault> {
    let row = on!(db, c => contribution::table
        .find(Key(id))
        .select(ContributionRow::as_select())
        .first(c))?;
    Ok(row)
}

/// A contribution by id, held until the transaction ends.
///
/// # Errors
/// [`Fault::missing`] or the database's own.
pub fn hold(db: &mut Db, id: Uuid) -> Result<ContributionRow, Fault> {
    if let Db::Pg(c) = db {
        let row = contribution::table
            .find(Key(id))
            .for_update()
            .select(ContributionRow::as_select())
            .first(&mut **c)?;
        return Ok(row);
    }
    by_id(db, id)
}

/// The standing contribution (awaiting, received or accepted) of the same file by the same
/// party to the same dataset; the furthest one first.
///
/// # Errors
/// The database's own.
pub fn standing_twin(
    db: &mut Db,
    dataset: Uuid,
    party: Uuid,
    digest: &[u8],
) -> Result<Option<ContributionRow>, Fault> {
    let row = on!(db, c => contribution::table
        .filter(contribution::dataset_id.eq(Key(dataset)))
        .filter(contribution::party_id.eq(Key(party)))
        .filter(contribution::claimed_digest.eq(digest))
        .filter(contribution::state.eq_any(["awaiting", "received", "accepted"]))
        .order((contribution::receipt_no.is_null().asc(), contribution::id.asc()))
        .select(ContributionRow::as_select())
        .first(c)
        .optional())?;
    Ok(row)
}

/// Contributions of a dataset or of a party, newest first.
#[derive(Debug, Clone, Copy)]
pub enum Of {
    /// All to one dataset.
    Dataset(Uuid),
    /// All by one party.
    Party(Uuid),
    /// By one party to one dataset.
    Both(Uuid, Uuid),
}

/// One page of contributions, newest first.
///
/// # Errors
/// The database's own.
pub fn list(db: &mut Db, of: Of, before: Uuid, limit: i64) -> Result<Vec<ContributionRow>, Fault> {
    let (dataset, party) = match of {
        Of::Dataset(dataset) => (Some(dataset), None),
        Of::Party(party) => (None, Some(party)),
        Of::Both(dataset, party) => (Some(dataset), Some(party)),
    };
    let rows = on!(db, c => {
        let mut query = contribution::table.into_boxed().filter(contribution::id.lt(Key(before)));
        if let Some(dataset) = dataset {
            query = query.filter(contribution::dataset_id.eq(Key(dataset)));
        }
        if let Some(party) = party {
            query = query.filter(contribution::party_id.eq(Key(party)));
        }
        query
            .order(contribution::id.desc())
            .limit(limit)
            .select(ContributionRow::as_select())
            .load(c)
    })?;
    Ok(rows)
}

/// Everything that matters for weighing a dataset, by receipt: accepted contributions, and
/// withdrawn ones that had been assessed.
///
/// # Errors
/// The database's own.
pub fn weighed(db: &mut Db, dataset: Uuid) -> Result<Vec<ContributionRow>, Fault> {
    let rows = on!(db, c => contribution::table
        .filter(contribution::dataset_id.eq(Key(dataset)))
        .filter(contribution::state.eq_any(["accepted", "withdrawn"]))
        .filter(contribution::marks_blob.is_not_null())
        .order(contribution::receipt_no.asc())
        .select(ContributionRow::as_select())
        .load(c))?;
    Ok(rows)
}

/// What a party brought to any dataset and was accepted, withdrawn or not, by receipt.
///
/// # Errors
/// The database's own.
pub fn brought(db: &mut Db, party: Uuid) -> Result<Vec<ContributionRow>, Fault> {
    let rows = on!(db, c => contribution::table
        .filter(contribution::party_id.eq(Key(party)))
        .filter(contribution::state.eq_any(["accepted", "withdrawn"]))
        .filter(contribution::marks_blob.is_not_null())
        .order(contribution::receipt_no.asc())
        .select(ContributionRow::as_select())
        .load(c))?;
    Ok(rows)
}

/// The sealed bytes are safe: what [`receive`] writes.
#[derive(Debug, Clone)]
pub struct Receipt {
    pub receipt_no: i64,
    pub blob: String,
    pub digest: Vec<u8>,
    pub size: i64,
    pub at: When,
}

/// Turns an awaiting contribution into a received one; answers whether it was awaiting.
///
/// # Errors
/// The database's own.
pub fn receive(db: &mut Db, id: Uuid, receipt: &Receipt) -> Result<bool, Fault> {
    let changed = on!(db, c => diesel::update(contribution::table
            .find(Key(id))
            .filter(contribution::state.eq("awaiting")))
        .set((
            contribution::state.eq("received"),
            contribution::receipt_no.eq(receipt.receipt_no),
            contribution::sealed_blob.eq(&receipt.blob),
            contribution::sealed_digest.eq(&receipt.digest),
            contribution::sealed_size.eq(receipt.size),
            contribution::received_at.eq(receipt.at),
        ))
        .execute(c))?;
    Ok(changed == 1)
}

/// A good verdict: what [`accept`] writes.
#[derive(Debug, Clone)]
pub struct Accepted {
    pub cleaned_blob: String,
    pub marks_blob: String,
    pub preview_blob: String,
    pub rows: i64,
    pub grade: i32,
    pub report: String,
    pub at: When,
}

/// Turns a received contribution into an accepted one; answers whether it was received.
///
/// # Errors
/// The database's own.
pub fn accept(db: &mut Db, id: Uuid, verdict: &Accepted) -> Result<bool, Fault> {
    let changed = on!(db, c => diesel::update(contribution::table
            .find(Key(id))
            .filter(contribution::state.eq("received")))
        .set((
            contribution::state.eq("accepted"),
            contribution::cleaned_blob.eq(&verdict.cleaned_blob),
            contribution::marks_blob.eq(&verdict.marks_blob),
            contribution::preview_blob.eq(&verdict.preview_blob),
            contribution::rows.eq(verdict.rows),
            contribution::grade.eq(verdict.grade),
            contribution::report.eq(&verdict.report),
            contribution::decided_at.eq(verdict.at),
        ))
        .execute(c))?;
    Ok(changed == 1)
}

/// Turns a received contribution into a rejected one, whose sealed bytes are given up;
/// answers whether it was received.
///
/// # Errors
/// The database's own.
pub fn reject(
    db: &mut Db,
    id: Uuid,
    code: &str,
    message: &str,
    report: Option<&str>,
    at: When,
) -> Result<bool, Fault> {
    let changed = on!(db, c => diesel::update(contribution::table
            .find(Key(id))
            .filter(contribution::state.eq("received")))
        .set((
            contribution::state.eq("rejected"),
            contribution::sealed_blob.eq(None::<String>),
            contribution::verdict_code.eq(code),
            contribution::verdict_message.eq(message),
            contribution::report.eq(report),
            contribution::decided_at.eq(at),
        ))
        .execute(c))?;
    Ok(changed == 1)
}

/// Withdraws a contribution. Its marks stay as a tombstone, so that nobody else becomes the
/// first holder of its rows; sealed and cleaned bytes are given up.
///
/// # Errors
/// The database's own.
pub fn withdraw(db: &mut Db, id: Uuid, at: When) -> Result<(), Fault> {
    on!(db, c => diesel::update(contribution::table.find(Key(id)))
        .set((
            contribution::state.eq("withdrawn"),
            contribution::sealed_blob.eq(None::<String>),
            contribution::cleaned_blob.eq(None::<String>),
            contribution::preview_blob.eq(None::<String>),
            contribution::withdrawn_at.eq(at),
        ))
        .execute(c))?;
    Ok(())
}

/// Keeps what the rows of a contribution consist of, by a rule; answers the file it replaces,
/// or `None` when the contribution does not stand any more.
///
/// # Errors
/// The database's own.
pub fn keep_items(
    db: &mut Db,
    id: Uuid,
    blob: &str,
    rule: &str,
) -> Result<Option<Vec<String>>, Fault> {
    let before = hold(db, id)?;
    if before.state != "accepted" {
        return Ok(None);
    }
    on!(db, c => diesel::update(contribution::table.find(Key(id)))
        .set((
            contribution::items_blob.eq(blob),
            contribution::items_rule.eq(rule),
        ))
        .execute(c))?;
    Ok(Some(before.items_blob.into_iter().collect()))
}

/// Keeps the fingerprints of a contribution's rows, by a rule; answers the file it replaces, or
/// `None` when the contribution does not stand any more.
///
/// # Errors
/// The database's own.
pub fn keep_prints(
    db: &mut Db,
    id: Uuid,
    blob: &str,
    rule: &str,
) -> Result<Option<Option<String>>, Fault> {
    let before = hold(db, id)?;
    if before.state != "accepted" {
        return Ok(None);
    }
    on!(db, c => diesel::update(contribution::table.find(Key(id)))
        .set((
            contribution::prints_blob.eq(blob),
            contribution::prints_rule.eq(rule),
        ))
        .execute(c))?;
    Ok(Some(before.prints_blob))
}

/// Marks contributions as readable through the market from receipt `mark` on, where they
/// were not before.
///
/// # Errors
/// The database's own.
pub fn mark_published(db: &mut Db, ids: &[Uuid], mark: i64) -> Result<(), Fault> {
    for some in ids.chunks(500) {
        let keys: Vec<Key> = some.iter().copied().map(Key).collect();
        on!(db, c => diesel::update(contribution::table
                .filter(contribution::id.eq_any(&keys))
                .filter(contribution::published_mark.is_null()))
            .set(contribution::published_mark.eq(mark))
            .execute(c))?;
    }
    Ok(())
}

/// Names of all sealed files that contributions refer to.
///
/// # Errors
/// The database's own.
pub fn blobs(db: &mut Db) -> Result<Vec<String>, Fault> {
    type Names = (
        Option<String>,
        Option<String>,
        Option<String>,
        Option<String>,
        Option<String>,
        Option<String>,
    );
    let rows: Vec<Names> = on!(db, c => contribution::table
        .select((
            contribution::sealed_blob,
            contribution::cleaned_blob,
            contribution::marks_blob,
            contribution::preview_blob,
            contribution::items_blob,
            contribution::prints_blob,
        ))
        .load(c))?;
    let names = rows.into_iter();
    let names = names.flat_map(|(sealed, cleaned, marks, preview, items, prints)| {
        [sealed, cleaned, marks, preview, items, prints]
    });
    Ok(names.flatten().collect())
}
