//! Claims on rows: who says that rows of a contribution are theirs, and who gets what they earn.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use schema::columns::{Key, When};
use schema::db::Db;
use schema::on;
use schema::tables::{claim, claim_part, claim_release};
use uuid::Uuid;

use crate::error::Fault;
use crate::store::contributions::ContributionRow;
use crate::store::parties::{self, PartyRow};

/// The rows are being looked for.
pub const COUNTING: &str = "counting";
/// Waits for an operator.
pub const FILED: &str = "filed";
/// No row of the evidence stands in what is claimed.
pub const NOTHING_SHARED: &str = "nothing_shared";
/// What the rows earn is held.
pub const OPEN: &str = "open";
/// The rows are the holder's.
pub const FOR_HOLDER: &str = "for_holder";
/// The rows are the claimant's.
pub const FOR_CLAIMANT: &str = "for_claimant";
/// The claimant took it back.
pub const WITHDRAWN: &str = "withdrawn";

/// A row of `claim`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = claim)]
#[diesel(treat_none_as_default_value = false)]
pub struct ClaimRow {
    pub id: Key,
    pub dataset_id: Key,
    pub claimant_id: Key,
    pub evidence_id: Key,
    pub reason: String,
    pub state: String,
    pub created_at: When,
    pub opened_by: Option<Key>,
    pub opened_at: Option<When>,
    pub decided_by: Option<Key>,
    pub decided_at: Option<When>,
    pub decided_because: Option<String>,
}

/// A row of `claim_part`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = claim_part)]
#[diesel(treat_none_as_default_value = false)]
pub struct PartRow {
    pub claim_id: Key,
    pub contribution_id: Key,
    /// Whose contribution it is.
    pub holder_id: Key,
    /// Rows of it that stand in the evidence.
    pub rows: i64,
    /// Which, sealed; none when there are none, or they are not looked for yet.
    pub rows_blob: Option<String>,
    /// The account that holds what they earn, once it was opened.
    pub suspense_id: Option<Key>,
}

impl PartRow {
    /// A contribution that somebody claims rows of; of which claim is not said yet.
    #[must_use]
    pub fn of(row: &ContributionRow) -> Self {
        Self {
            claim_id: Key(Uuid::nil()),
            contribution_id: row.id,
            holder_id: row.party_id,
            rows: 0,
            rows_blob: None,
            suspense_id: None,
        }
    }
}

/// A row of `claim_release`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = claim_release)]
#[diesel(treat_none_as_default_value = false)]
pub struct ReleaseRow {
    /// Of the journal.
    pub entry_id: Key,
    pub claim_id: Key,
    pub contribution_id: Key,
    /// Who got it.
    pub party_id: Key,
    /// Minor units; negative when a refund was passed on.
    pub amount: i64,
    pub period: String,
    pub book: String,
    pub entry_seq: i64,
}

/// Keeps a new claim with what it is on.
///
/// # Errors
/// The database's own.
pub fn insert(db: &mut Db, row: &ClaimRow, parts: &[PartRow]) -> Result<(), Fault> {
    on!(db, c => diesel::insert_into(claim::table).values(row).execute(c))?;
    for part in parts {
        let part = PartRow {
            claim_id: row.id,
            ..part.clone()
        };
        on!(db, c => diesel::insert_into(claim_part::table).values(&part).execute(c))?;
    }
    Ok(())
}

/// Claims of a party that are not decided.
///
/// # Errors
/// The database's own.
pub fn waiting_of(db: &mut Db, party: Uuid) -> Result<Vec<ClaimRow>, Fault> {
    Ok(on!(db, c => claim::table
        .filter(claim::claimant_id.eq(Key(party)))
        .filter(claim::state.eq_any([COUNTING, FILED, OPEN]))
        .order(claim::id)
        .select(ClaimRow::as_select())
        .load(c))?)
}

/// A claim.
///
/// # Errors
/// [`Fault::missing`] or the database's own.
pub fn find(db: &mut Db, id: Uuid) -> Result<ClaimRow, Fault> {
    Ok(on!(db, c => claim::table.find(Key(id)).select(ClaimRow::as_select()).first(c))?)
}

/// Claims older than `before`, newest first: all, or those that concern a party, as claimant or
/// as holder of what was opened.
///
/// # Errors
/// The database's own.
pub fn list(
    db: &mut Db,
    party: Option<Uuid>,
    before: Uuid,
    limit: i64,
) -> Result<Vec<ClaimRow>, Fault> {
    let rows = on!(db, c => {
        let mut query = claim::table.into_boxed().filter(claim::id.lt(Key(before)));
        if let Some(party) = party {
            let held = claim_part::table
                .filter(claim_part::holder_id.eq(Key(party)))
                .filter(claim_part::suspense_id.is_not_null())
                .select(claim_part::claim_id);
            query = query.filter(
                claim::claimant_id.eq(Key(party)).or(claim::id.eq_any(held)),
            );
        }
        query
            .order(claim::id.desc())
            .limit(limit)
            .select(ClaimRow::as_select())
            .load(c)
    })?;
    Ok(rows)
}

/// The contributions a claim is on.
///
/// # Errors
/// The database's own.
pub fn parts(db: &mut Db, id: Key) -> Result<Vec<PartRow>, Fault> {
    Ok(on!(db, c => claim_part::table
        .filter(claim_part::claim_id.eq(id))
        .order(claim_part::contribution_id)
        .select(PartRow::as_select())
        .load(c))?)
}

/// What was found of a claim that was being counted; answers whether it still was.
///
/// # Errors
/// The database's own.
pub fn counted(db: &mut Db, id: Key, parts: &[PartRow]) -> Result<bool, Fault> {
    let state = if parts.is_empty() {
        NOTHING_SHARED
    } else {
        FILED
    };
    let changed = on!(db, c => diesel::update(claim::table
            .find(id)
            .filter(claim::state.eq(COUNTING)))
        .set(claim::state.eq(state))
        .execute(c))?;
    if changed == 0 {
        return Ok(false);
    }
    for part in parts {
        on!(db, c => diesel::update(claim_part::table.find((part.claim_id, part.contribution_id)))
            .set((claim_part::rows.eq(part.rows), claim_part::rows_blob.eq(&part.rows_blob)))
            .execute(c))?;
    }
    Ok(true)
}

/// Keeps who opened or decided a claim, and when.
///
/// # Errors
/// The database's own.
pub fn update(db: &mut Db, row: &ClaimRow) -> Result<(), Fault> {
    on!(db, c => diesel::update(claim::table.find(row.id))
        .set((
            claim::state.eq(&row.state),
            claim::opened_by.eq(row.opened_by),
            claim::opened_at.eq(row.opened_at),
            claim::decided_by.eq(row.decided_by),
            claim::decided_at.eq(row.decided_at),
            claim::decided_because.eq(&row.decided_because),
        ))
        .execute(c))?;
    Ok(())
}

/// Gives a part an account that holds what its rows earn. Nobody can sign in to it, and no list
/// of payees has it.
///
/// # Errors
/// The database's own.
pub fn suspend(db: &mut Db, part: &PartRow, id: Uuid, now: When) -> Result<(), Fault> {
    let name = format!("{}{id}", parties::SUSPENSE);
    let account = PartyRow {
        id: Key(id),
        handle: name.clone(),
        email: name,
        display_name: "Held until a claim is decided".to_owned(),
        password_hash: String::new(),
        operator: false,
        created_at: now,
    };
    parties::insert(db, &account)?;
    on!(db, c => diesel::update(claim_part::table.find((part.claim_id, part.contribution_id)))
        .set(claim_part::suspense_id.eq(Key(id)))
        .execute(c))?;
    Ok(())
}

/// Accounts that hold what is claimed, or once was.
///
/// # Errors
/// The database's own.
pub fn suspense(db: &mut Db) -> Result<HashSet<Uuid>, Fault> {
    let rows: Vec<Option<Key>> = on!(db, c => claim_part::table
        .filter(claim_part::suspense_id.is_not_null())
        .select(claim_part::suspense_id)
        .load(c))?;
    Ok(rows.into_iter().flatten().map(|key| key.0).collect())
}

/// A claim that changes who is paid for rows of a contribution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InForce {
    /// The contribution.
    pub contribution: Key,
    /// Who is paid: the account that holds it, or the claimant.
    pub payee: Uuid,
    /// Which rows.
    pub rows_blob: String,
}

/// Claims in force on contributions to a dataset: those decided for the claimant, by decision,
/// then those that are open, by filing.
///
/// # Errors
/// The database's own.
pub fn in_force(db: &mut Db, dataset: Uuid) -> Result<Vec<InForce>, Fault> {
    let mut rows: Vec<(ClaimRow, PartRow)> = on!(db, c => claim::table
        .inner_join(claim_part::table.on(claim_part::claim_id.eq(claim::id)))
        .filter(claim::dataset_id.eq(Key(dataset)))
        .filter(claim::state.eq_any([OPEN, FOR_CLAIMANT]))
        .select((ClaimRow::as_select(), PartRow::as_select()))
        .load(c))?;
    rows.sort_by_key(|(claim, part)| {
        let at: chrono::DateTime<chrono::Utc> = claim.decided_at.unwrap_or(claim.created_at).into();
        (claim.state == OPEN, at, claim.id.0, part.contribution_id.0)
    });
    let one = |(claim, part): (ClaimRow, PartRow)| {
        let payee = match claim.state == OPEN {
            true => part.suspense_id?,
            false => claim.claimant_id,
        };
        Some(InForce {
            contribution: part.contribution_id,
            payee: payee.0,
            rows_blob: part.rows_blob?,
        })
    };
    Ok(rows.into_iter().filter_map(one).collect())
}

/// What an account that holds belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The claim.
    pub claim: ClaimRow,
    /// The contribution it is on.
    pub part: PartRow,
    /// The account.
    pub account: Uuid,
}

impl Held {
    /// Who gets what it holds, once that is decided.
    #[must_use]
    pub fn winner(&self) -> Option<Uuid> {
        match self.claim.state.as_str() {
            FOR_CLAIMANT => Some(self.claim.claimant_id.0),
            FOR_HOLDER | WITHDRAWN => Some(self.part.holder_id.0),
            _ => None,
        }
    }
}

/// Every account that holds what is claimed, or once did, in order.
///
/// # Errors
/// The database's own.
pub fn held(db: &mut Db) -> Result<Vec<Held>, Fault> {
    let rows: Vec<(ClaimRow, PartRow)> = on!(db, c => claim::table
        .inner_join(claim_part::table.on(claim_part::claim_id.eq(claim::id)))
        .filter(claim_part::suspense_id.is_not_null())
        .order(claim_part::suspense_id)
        .select((ClaimRow::as_select(), PartRow::as_select()))
        .load(c))?;
    let one = |(claim, part): (ClaimRow, PartRow)| {
        let account = part.suspense_id?.0;
        Some(Held {
            claim,
            part,
            account,
        })
    };
    Ok(rows.into_iter().filter_map(one).collect())
}

/// [`held`] by account.
///
/// # Errors
/// The database's own.
pub fn held_by_account(db: &mut Db) -> Result<HashMap<Uuid, Held>, Fault> {
    let held = held(db)?.into_iter();
    Ok(held.map(|held| (held.account, held)).collect())
}

/// Writes what was passed on.
///
/// # Errors
/// The database's own.
pub fn insert_releases(db: &mut Db, rows: &[ReleaseRow]) -> Result<(), Fault> {
    for row in rows {
        on!(db, c => diesel::insert_into(claim_release::table).values(row).execute(c))?;
    }
    Ok(())
}

/// What a party got from decided claims in a period, in the order of the journal.
///
/// # Errors
/// The database's own.
pub fn released_to(
    db: &mut Db,
    party: Uuid,
    book: &str,
    period: &str,
) -> Result<Vec<ReleaseRow>, Fault> {
    Ok(on!(db, c => claim_release::table
        .filter(claim_release::party_id.eq(Key(party)))
        .filter(claim_release::book.eq(book).and(claim_release::period.eq(period)))
        .order(claim_release::entry_seq)
        .select(ReleaseRow::as_select())
        .load(c))?)
}

/// Periods in which something was passed on from the accounts of a claim.
///
/// # Errors
/// The database's own.
pub fn booked_in(db: &mut Db, id: Key) -> Result<Vec<String>, Fault> {
    Ok(on!(db, c => claim_release::table
        .filter(claim_release::claim_id.eq(id))
        .select(claim_release::period)
        .distinct()
        .order(claim_release::period)
        .load(c))?)
}

/// Everything that was passed on, for the verifier.
///
/// # Errors
/// The database's own.
pub fn releases(db: &mut Db) -> Result<Vec<ReleaseRow>, Fault> {
    Ok(on!(db, c => claim_release::table
        .order((claim_release::book, claim_release::entry_seq))
        .select(ReleaseRow::as_select())
        .load(c))?)
}

/// Names of all sealed files that claims refer to.
///
/// # Errors
/// The database's own.
pub fn blobs(db: &mut Db) -> Result<Vec<String>, Fault> {
    let names: Vec<Option<String>> =
        on!(db, c => claim_part::table.select(claim_part::rows_blob).load(c))?;
    Ok(names.into_iter().flatten().collect())
}
