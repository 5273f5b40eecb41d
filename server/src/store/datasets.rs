//! Datasets and who was invited to them.

use diesel::dsl::exists;
use diesel::prelude::*;
use schema::columns::{Key, When};
use schema::db::Db;
use schema::on;
use schema::tables::{contribution, dataset, dataset_member, licence, revision};
use schema::wire::Admission;
use uuid::Uuid;

use crate::auth::rights::DatasetFacts;
use crate::error::Fault;

diesel::define_sql_function! {
    /// Lower case.
    fn lower(text: diesel::sql_types::Text) -> diesel::sql_types::Text;
}

/// A dataset as stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = dataset)]
pub struct DatasetRow {
    pub id: Key,
    pub owner_id: Key,
    pub slug: String,
    pub title: String,
    pub description: String,
    pub contract: Option<String>,
    pub admission: String,
    pub commission_bps: i32,
    pub state: String,
    pub created_at: When,
}

impl DatasetRow {
    /// Whether it is on the market.
    #[must_use]
    pub fn open(&self) -> bool {
        self.state == "open"
    }

    /// Who may contribute.
    #[must_use]
    pub fn admission(&self) -> Admission {
        match self.admission.as_str() {
            "open" => Admission::Open,
            "invited" => Admission::Invited,
            _ => Admission::Owner,
        }
    }
}

/// How an admission is stored.
#[must_use]
pub fn admission_name(admission: Admission) -> &'static str {
    match admission {
        Admission::Owner => "owner",
        Admission::Invited => "invited",
        Admission::Open => "open",
    }
}

/// Keeps a new dataset.
///
/// # Errors
/// The database's own.
pub fn insert(db: &mut Db, row: &DatasetRow) -> Result<(), Fault> {
    on!(db, c => diesel::insert_into(dataset::table).values(row).execute(c))?;
    Ok(())
}

/// Whether a slug is taken.
///
/// # Errors
/// The database's own.
pub fn slug_taken(db: &mut Db, slug: &str) -> Result<bool, Fault> {
    let taken = on!(db, c => diesel::select(exists(dataset::table.filter(dataset::slug.eq(slug))))
        .get_result(c))?;
    Ok(taken)
}

/// A dataset by id.
///
/// # Errors
/// [`Fault::missing`] or the database's own.
pub fn by_id(db: &mut Db, id: Uuid) -> Result<DatasetRow, Fault> {
    let row = on!(db, c => dataset::table.find(Key(id)).select(DatasetRow::as_select()).first(c))?;
    Ok(row)
}

/// A dataset by id or slug, as people name it.
///
/// # Errors
/// [`Fault::missing`] or the database's own.
pub fn by_name(db: &mut Db, name: &str) -> Result<DatasetRow, Fault> {
    if let Ok(id) = Uuid::try_parse(name) {
        return by_id(db, id);
    }
    let row = on!(db, c => dataset::table
        .filter(dataset::slug.eq(name))
        .select(DatasetRow::as_select())
        .first(c))?;
    Ok(row)
}

/// A dataset by id, held until the transaction ends: nobody else adds a contribution or a
/// revision to it meanwhile. SQLite has one writer, so there it is a plain read.
///
/// # Errors
/// [`Fault::missing`] or the database's own.
pub fn hold(db: &mut Db, id: Uuid) -> Result<DatasetRow, Fault> {
    if let Db::Pg(c) = db {
        let row = dataset::table
            .find(Key(id))
            .for_update()
            .select(DatasetRow::as_select())
            .first(&mut **c)?;
        return Ok(row);
    }
    by_id(db, id)
}

/// What must be known of a dataset to decide what `who` may do with it.
///
/// # Errors
/// The database's own.
pub fn facts(db: &mut Db, who: Option<Uuid>, row: &DatasetRow) -> Result<DatasetFacts, Fault> {
    let published = on!(db, c => diesel::select(exists(revision::table
            .filter(revision::dataset_id.eq(row.id))
            .filter(revision::state.eq("published"))))
        .get_result(c))?;
    let mut facts = DatasetFacts {
        owner: row.owner_id.0,
        open: row.open(),
        published,
        admission: row.admission(),
        member: false,
        contributor: false,
        holder: false,
    };
    let Some(party) = who.map(Key) else {
        return Ok(facts);
    };
    facts.member = on!(db, c => diesel::select(exists(
            dataset_member::table.find((row.id, party))))
        .get_result(c))?;
    facts.contributor = on!(db, c => diesel::select(exists(contribution::table
            .filter(contribution::dataset_id.eq(row.id))
            .filter(contribution::party_id.eq(party))
            .filter(contribution::state.eq_any(["received", "accepted", "withdrawn"]))))
        .get_result(c))?;
    facts.holder = on!(db, c => diesel::select(exists(licence::table
            .filter(licence::dataset_id.eq(row.id))
            .filter(licence::party_id.eq(party))))
        .get_result(c))?;
    Ok(facts)
}

/// Who is looking through the list of datasets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looker {
    /// Nobody signed in.
    Visitor,
    /// A party.
    Party(Uuid),
    /// An operator, who sees all.
    Operator,
}

/// Datasets of an owner, newest first, withdrawn ones too.
///
/// # Errors
/// The database's own.
pub fn owned(db: &mut Db, owner: Uuid, before: Uuid, limit: i64) -> Result<Vec<DatasetRow>, Fault> {
    let rows = on!(db, c => dataset::table
        .filter(dataset::owner_id.eq(Key(owner)))
        .filter(dataset::id.lt(Key(before)))
        .order(dataset::id.desc())
        .limit(limit)
        .select(DatasetRow::as_select())
        .load(c))?;
    Ok(rows)
}

/// Datasets that the looker may see and that contain `search`, newest first: the same
/// rule as [`facts`] gives for one, as a query.
///
/// # Errors
/// The database's own.
pub fn list(
    db: &mut Db,
    looker: Looker,
    search: Option<&str>,
    before: Uuid,
    limit: i64,
) -> Result<Vec<DatasetRow>, Fault> {
    let pattern = format!(
        "%{}%",
        search
            .unwrap_or_default()
            .to_lowercase()
            .replace(['%', '_', '\\'], " ")
    );
    let (me, all) = match looker {
        Looker::Visitor => (Uuid::nil(), false),
        Looker::Party(party) => (party, false),
        Looker::Operator => (Uuid::nil(), true),
    };
    let me = Key(me);
    let rows = on!(db, c => {
        let published = revision::table
            .filter(revision::state.eq("published"))
            .select(revision::dataset_id);
        let invited = dataset_member::table
            .filter(dataset_member::party_id.eq(me))
            .select(dataset_member::dataset_id);
        let open = dataset::state.eq("open");
        let seen = open
            .and(dataset::id.eq_any(published).or(dataset::admission.eq("open")))
            .or(dataset::owner_id.eq(me))
            .or(open.and(dataset::id.eq_any(invited)));
        let matching = lower(dataset::title).like(&pattern)
            .or(lower(dataset::description).like(&pattern))
            .or(dataset::slug.like(&pattern));
        let mut query = dataset::table.into_boxed().filter(dataset::id.lt(Key(before)));
        if !all {
            query = query.filter(seen);
        }
        if search.is_some() {
            query = query.filter(matching);
        }
        query.order(dataset::id.desc()).limit(limit).select(DatasetRow::as_select()).load(c)
    })?;
    Ok(rows)
}

/// What an owner may change; absent fields stay.
#[derive(Debug, Clone, Default, AsChangeset)]
#[diesel(table_name = dataset)]
pub struct DatasetChange {
    pub title: Option<String>,
    pub description: Option<String>,
    pub admission: Option<String>,
    pub contract: Option<String>,
    pub state: Option<String>,
}

impl DatasetChange {
    /// Whether nothing is to be changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.title.is_none()
            && self.description.is_none()
            && self.admission.is_none()
            && self.contract.is_none()
            && self.state.is_none()
    }
}

/// Changes a dataset.
///
/// # Errors
/// The database's own.
pub fn change(db: &mut Db, id: Uuid, change: &DatasetChange) -> Result<(), Fault> {
    if !change.is_empty() {
        on!(db, c => diesel::update(dataset::table.find(Key(id))).set(change).execute(c))?;
    }
    Ok(())
}

/// Gives a dataset its contract if it has none; answers whether it does have this one now.
///
/// # Errors
/// The database's own.
pub fn settle_contract(db: &mut Db, id: Uuid, contract: &str) -> Result<bool, Fault> {
    on!(db, c => diesel::update(dataset::table.find(Key(id)).filter(dataset::contract.is_null()))
        .set(dataset::contract.eq(contract))
        .execute(c))?;
    Ok(by_id(db, id)?.contract.as_deref() == Some(contract))
}

/// Invites a party; inviting twice is inviting once.
///
/// # Errors
/// The database's own.
pub fn invite(db: &mut Db, id: Uuid, party: Uuid, now: When) -> Result<(), Fault> {
    on!(db, c => diesel::insert_into(dataset_member::table)
        .values((
            dataset_member::dataset_id.eq(Key(id)),
            dataset_member::party_id.eq(Key(party)),
            dataset_member::invited_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(())
}
