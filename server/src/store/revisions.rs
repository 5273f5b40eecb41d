//! Revisions: immutable published states of a dataset, what they consist of, who is paid.

use diesel::prelude::*;
use schema::columns::{Key, When};
use schema::db::Db;
use schema::on;
use schema::tables::{epoch, epoch_share, revision, revision_part};
use uuid::Uuid;

use crate::error::Fault;

/// A revision as stored.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = revision)]
pub struct RevisionRow {
    pub id: Key,
    pub dataset_id: Key,
    pub number: i32,
    pub state: String,
    pub note: String,
    pub receipt_mark: Option<i64>,
    pub rows: Option<i64>,
    pub blob: Option<String>,
    pub sealed_size: Option<i64>,
    pub payload_offset: Option<i64>,
    pub payload_digest: Option<Vec<u8>>,
    pub size: Option<i64>,
    pub digest: Option<Vec<u8>>,
    pub grade: Option<i32>,
    pub report: Option<String>,
    pub preview_blob: Option<String>,
    pub manifest: Option<String>,
    pub failure: Option<String>,
    pub created_at: When,
    pub published_at: Option<When>,
    pub personal_data: Option<String>,
}

impl RevisionRow {
    /// Whether it can be bought.
    #[must_use]
    pub fn published(&self) -> bool {
        self.state == "published"
    }
}

/// A revision that was asked for.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = revision)]
pub struct Asked {
    pub id: Key,
    pub dataset_id: Key,
    pub number: i32,
    pub state: &'static str,
    pub note: String,
    pub created_at: When,
}

/// Keeps a revision that is to be composed.
///
/// # Errors
/// The database's own.
pub fn insert(db: &mut Db, row: &Asked) -> Result<(), Fault> {
    on!(db, c => diesel::insert_into(revision::table).values(row).execute(c))?;
    Ok(())
}

/// Asks once more for a revision that failed: numbers of revisions stay dense.
///
/// # Errors
/// The database's own.
pub fn ask_again(db: &mut Db, id: Uuid, note: &str, at: When) -> Result<(), Fault> {
    on!(db, c => diesel::update(revision::table.find(Key(id)).filter(revision::state.eq("failed")))
        .set((
            revision::state.eq("composing"),
            revision::note.eq(note),
            revision::failure.eq(None::<String>),
            revision::created_at.eq(at),
        ))
        .execute(c))?;
    Ok(())
}

/// A revision by id.
///
/// # Errors
/// [`Fault::missing`] or the database's own.
pub fn by_id(db: &mut Db, id: Uuid) -> Result<RevisionRow, Fault> {
    let row =
        on!(db, c => revision::table.find(Key(id)).select(RevisionRow::as_select()).first(c))?;
    Ok(row)
}

/// The latest revision of a dataset in whatever state.
///
/// # Errors
/// The database's own.
pub fn last(db: &mut Db, dataset: Uuid) -> Result<Option<RevisionRow>, Fault> {
    let row = on!(db, c => revision::table
        .filter(revision::dataset_id.eq(Key(dataset)))
        .order(revision::number.desc())
        .select(RevisionRow::as_select())
        .first(c)
        .optional())?;
    Ok(row)
}

/// The current revision of a dataset: the latest published one.
///
/// # Errors
/// The database's own.
pub fn current(db: &mut Db, dataset: Uuid) -> Result<Option<RevisionRow>, Fault> {
    let row = on!(db, c => revision::table
        .filter(revision::dataset_id.eq(Key(dataset)))
        .filter(revision::state.eq("published"))
        .order(revision::number.desc())
        .select(RevisionRow::as_select())
        .first(c)
        .optional())?;
    Ok(row)
}

/// One page of a dataset's revisions, newest first.
///
/// # Errors
/// The database's own.
pub fn list(
    db: &mut Db,
    dataset: Uuid,
    published_only: bool,
    before: Uuid,
    limit: i64,
) -> Result<Vec<RevisionRow>, Fault> {
    let rows = on!(db, c => {
        let mut query = revision::table
            .into_boxed()
            .filter(revision::dataset_id.eq(Key(dataset)))
            .filter(revision::id.lt(Key(before)));
        if published_only {
            query = query.filter(revision::state.eq("published"));
        }
        query.order(revision::id.desc()).limit(limit).select(RevisionRow::as_select()).load(c)
    })?;
    Ok(rows)
}

/// What publishing writes into a revision.
#[derive(Debug, Clone, AsChangeset)]
#[diesel(table_name = revision)]
pub struct Published {
    pub state: &'static str,
    pub receipt_mark: i64,
    pub rows: i64,
    pub blob: String,
    pub sealed_size: i64,
    pub payload_offset: i64,
    pub payload_digest: Vec<u8>,
    pub size: i64,
    pub digest: Vec<u8>,
    pub grade: i32,
    pub report: String,
    pub preview_blob: String,
    pub manifest: String,
    pub published_at: When,
    pub personal_data: String,
}

/// Turns a composing revision into a published one; answers whether it was composing.
///
/// # Errors
/// The database's own.
pub fn publish(db: &mut Db, id: Uuid, published: &Published) -> Result<bool, Fault> {
    let changed = on!(db, c => diesel::update(revision::table
            .find(Key(id))
            .filter(revision::state.eq("composing")))
        .set(published)
        .execute(c))?;
    Ok(changed == 1)
}

/// Turns a composing revision into a failed one; answers whether it was composing.
///
/// # Errors
/// The database's own.
pub fn fail(db: &mut Db, id: Uuid, failure: &str) -> Result<bool, Fault> {
    let changed = on!(db, c => diesel::update(revision::table
            .find(Key(id))
            .filter(revision::state.eq("composing")))
        .set((revision::state.eq("failed"), revision::failure.eq(failure)))
        .execute(c))?;
    Ok(changed == 1)
}

/// What one contribution brought to a revision.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = revision_part)]
pub struct PartRow {
    pub revision_id: Key,
    pub contribution_id: Key,
    pub party_id: Key,
    pub receipt_no: i64,
    pub rows_delivered: i64,
    pub rows_kept: i64,
    pub rows_unique: i64,
    pub rows_shared: i64,
    pub rows_late: i64,
    pub mass: String,
    pub grade: i32,
    pub detail: String,
}

/// Keeps the parts of a revision.
///
/// # Errors
/// The database's own.
pub fn insert_parts(db: &mut Db, parts: &[PartRow]) -> Result<(), Fault> {
    for part in parts {
        on!(db, c => diesel::insert_into(revision_part::table).values(part).execute(c))?;
    }
    Ok(())
}

/// The parts of a revision, by receipt.
///
/// # Errors
/// The database's own.
pub fn parts(db: &mut Db, id: Uuid) -> Result<Vec<PartRow>, Fault> {
    let rows = on!(db, c => revision_part::table
        .filter(revision_part::revision_id.eq(Key(id)))
        .order(revision_part::receipt_no.asc())
        .select(PartRow::as_select())
        .load(c))?;
    Ok(rows)
}

/// Frozen share of one contributor.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = epoch_share)]
pub struct ShareRow {
    pub revision_id: Key,
    pub epoch: i32,
    pub party_id: Key,
    pub weight: String,
    pub share: i64,
}

/// Keeps an epoch with its shares.
///
/// # Errors
/// The database's own.
pub fn insert_epoch(
    db: &mut Db,
    id: Uuid,
    number: i32,
    digest: &[u8],
    at: When,
    shares: &[ShareRow],
) -> Result<(), Fault> {
    on!(db, c => diesel::insert_into(epoch::table)
        .values((
            epoch::revision_id.eq(Key(id)),
            epoch::number.eq(number),
            epoch::digest.eq(digest),
            epoch::frozen_at.eq(at),
        ))
        .execute(c))?;
    for share in shares {
        on!(db, c => diesel::insert_into(epoch_share::table).values(share).execute(c))?;
    }
    Ok(())
}

/// Number, digest and shares of an epoch.
pub type EpochRows = (i32, Vec<u8>, Vec<ShareRow>);

/// One epoch of a revision, if there is such a one.
///
/// # Errors
/// The database's own.
pub fn epoch(db: &mut Db, id: Uuid, number: i32) -> Result<Option<EpochRows>, Fault> {
    let found: Option<Vec<u8>> = on!(db, c => epoch::table
        .find((Key(id), number))
        .select(epoch::digest)
        .first(c)
        .optional())?;
    match found {
        Some(digest) => Ok(Some((number, digest, shares_of(db, id, number)?))),
        None => Ok(None),
    }
}

fn shares_of(db: &mut Db, id: Uuid, number: i32) -> Result<Vec<ShareRow>, Fault> {
    let rows = on!(db, c => epoch_share::table
        .filter(epoch_share::revision_id.eq(Key(id)))
        .filter(epoch_share::epoch.eq(number))
        .order(epoch_share::party_id.asc())
        .select(ShareRow::as_select())
        .load(c))?;
    Ok(rows)
}

/// The latest epoch of a revision, its digest and its shares by party; `None` while nobody
/// has weight.
///
/// # Errors
/// The database's own.
pub fn latest_epoch(db: &mut Db, id: Uuid) -> Result<Option<EpochRows>, Fault> {
    let found: Option<(i32, Vec<u8>)> = on!(db, c => epoch::table
        .filter(epoch::revision_id.eq(Key(id)))
        .order(epoch::number.desc())
        .select((epoch::number, epoch::digest))
        .first(c)
        .optional())?;
    let Some((number, digest)) = found else {
        return Ok(None);
    };
    Ok(Some((number, digest, shares_of(db, id, number)?)))
}

/// Names of all sealed files that revisions refer to.
///
/// # Errors
/// The database's own.
pub fn blobs(db: &mut Db) -> Result<Vec<String>, Fault> {
    let rows: Vec<(Option<String>, Option<String>)> = on!(db, c => revision::table
        .select((revision::blob, revision::preview_blob))
        .load(c))?;
    Ok(rows
        .into_iter()
        .flat_map(|(blob, preview)| [blob, preview])
        .flatten()
        .collect())
}
