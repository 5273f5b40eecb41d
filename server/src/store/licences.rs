//! Licences as they stand, and the headers their deliveries were sealed with.

use dataset_core::licence::{LicenceState, SignedLicence};
use dataset_core::sign::VerifyKey;
use diesel::prelude::*;
use schema::columns::{Key, When};
use schema::db::Db;
use schema::on;
use schema::tables::{
    dataset, delivery_header, licence, revision, subscription_licence, subscription_term,
};
use uuid::Uuid;

use crate::error::Fault;
use crate::paging::Window;

/// A licence as stored.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = licence)]
pub struct LicenceRow {
    pub id: Key,
    pub order_id: Key,
    pub party_id: Key,
    pub dataset_id: Key,
    pub revision_id: Key,
    pub document: String,
    pub valid_from: When,
    pub valid_until: Option<When>,
    pub downloads_used: i32,
    pub revoked_at: Option<When>,
    pub revoked_reason: Option<String>,
    pub created_at: When,
}

/// A licence with what its page names.
#[derive(Debug, Clone)]
pub struct Held {
    /// The licence.
    pub row: LicenceRow,
    /// Slug, title and owner of the dataset.
    pub slug: String,
    /// Title of the dataset.
    pub title: String,
    /// Owner of the dataset.
    pub owner: Uuid,
    /// Number of the revision bought.
    pub number: i32,
    /// The subscription it belongs to.
    pub subscription: Option<Uuid>,
}

impl LicenceRow {
    /// The signed document, verified again: the database is not believed.
    ///
    /// # Errors
    /// When the document does not verify with the node's key.
    pub fn signed(&self, key: &VerifyKey) -> Result<SignedLicence, Fault> {
        SignedLicence::verify(&self.document, key).map_err(Fault::internal)
    }

    /// What happened to it since it was signed.
    #[must_use]
    pub fn state(&self) -> LicenceState {
        let downloads = u32::try_from(self.downloads_used).unwrap_or(u32::MAX);
        match self.revoked_at {
            Some(at) => LicenceState::Revoked {
                downloads,
                at: at.into(),
                reason: self.revoked_reason.clone().unwrap_or_default(),
            },
            None => LicenceState::Active { downloads },
        }
    }
}

macro_rules! held {
    () => {
        licence::table
            .inner_join(dataset::table)
            .inner_join(revision::table.on(revision::id.eq(licence::revision_id)))
            .left_join(
                subscription_licence::table.on(subscription_licence::licence_id.eq(licence::id)),
            )
            .left_join(
                subscription_term::table.on(subscription_term::id
                    .nullable()
                    .eq(subscription_licence::term_id.nullable())),
            )
            .select((
                LicenceRow::as_select(),
                (
                    dataset::slug,
                    dataset::title,
                    dataset::owner_id,
                    revision::number,
                    subscription_term::subscription_id.nullable(),
                ),
            ))
    };
}

type HeldParts = (LicenceRow, (String, String, Key, i32, Option<Key>));

fn held((row, (slug, title, owner, number, subscription)): HeldParts) -> Held {
    Held {
        row,
        slug,
        title,
        owner: owner.into(),
        number,
        subscription: subscription.map(Into::into),
    }
}

/// A licence by id.
///
/// # Errors
/// [`Fault::missing`] or the database's own.
pub fn by_id(db: &mut Db, id: Uuid) -> Result<Held, Fault> {
    let parts: HeldParts = on!(db, c => held!().filter(licence::id.eq(Key(id))).first(c))?;
    Ok(held(parts))
}

/// Licences of a party, newest first.
///
/// # Errors
/// The database's own.
pub fn of_party(db: &mut Db, party: Uuid, window: Window) -> Result<Vec<Held>, Fault> {
    let parts: Vec<HeldParts> = on!(db, c => held!()
        .filter(licence::party_id.eq(Key(party)))
        .filter(licence::id.lt(Key(window.before)))
        .order(licence::id.desc())
        .limit(window.fetch())
        .load(c))?;
    Ok(parts.into_iter().map(held).collect())
}

/// Ends a licence; one that has ended already stays as it is.
///
/// # Errors
/// The database's own.
pub fn revoke(db: &mut Db, id: Uuid, at: When, reason: &str) -> Result<(), Fault> {
    on!(db, c => diesel::update(licence::table.find(Key(id)))
        .filter(licence::revoked_at.is_null())
        .set((licence::revoked_at.eq(Some(at)), licence::revoked_reason.eq(Some(reason))))
        .execute(c))?;
    Ok(())
}

/// Counts one download if nothing happened to the licence since it was read; answers
/// whether it did.
///
/// # Errors
/// The database's own.
pub fn count_download(db: &mut Db, seen: &LicenceRow) -> Result<bool, Fault> {
    let changed = on!(db, c => diesel::update(licence::table.find(seen.id))
        .filter(licence::downloads_used.eq(seen.downloads_used))
        .filter(licence::revoked_at.is_null())
        .set(licence::downloads_used.eq(seen.downloads_used.saturating_add(1)))
        .execute(c))?;
    Ok(changed == 1)
}

/// The re-wrapped age header of one licence, file and recipient.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = delivery_header)]
pub struct HeaderRow {
    pub licence_id: Key,
    pub revision_id: Key,
    pub recipient_id: Key,
    pub header: Vec<u8>,
    pub etag: String,
    pub created_at: When,
}

/// The header kept for a delivery, if it was made before.
///
/// # Errors
/// The database's own.
pub fn header(
    db: &mut Db,
    licence: Key,
    revision: Key,
    recipient: Key,
) -> Result<Option<HeaderRow>, Fault> {
    Ok(on!(db, c => delivery_header::table
        .find((licence, revision, recipient))
        .select(HeaderRow::as_select())
        .first(c)
        .optional())?)
}

/// Keeps a header; the first one made stays.
///
/// # Errors
/// The database's own, also when another request was first.
pub fn keep_header(db: &mut Db, row: &HeaderRow) -> Result<(), Fault> {
    on!(db, c => diesel::insert_into(delivery_header::table).values(row).execute(c))?;
    Ok(())
}
