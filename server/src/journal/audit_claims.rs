//! I21: what is held for a claim goes to whom it was decided for, and nowhere else.

use std::collections::{HashMap, HashSet};

use ledger::account::Account;
use ledger::entry::Kind;
use schema::db::Db;
use schema::wire::LedgerFinding;
use uuid::Uuid;

use super::audit::finding;
use crate::error::Fault;
use crate::store::claims::{self, Held, ReleaseRow};
use crate::store::{journal as rows, payouts, reserves};

/// Holds every release against its claim, and looks for what must not be: a payout or a reserve
/// of an account that holds.
///
/// # Errors
/// The database's own.
pub(super) fn verify(db: &mut Db, own: &mut Vec<LedgerFinding>) -> Result<(), Fault> {
    let held: HashMap<Uuid, Held> = claims::held_by_account(db)?;
    let releases = claims::releases(db)?;
    let entries = rows::count_kind(db, Kind::ClaimRelease.as_str())?;
    if usize::try_from(entries) != Ok(releases.len()) {
        let message = format!(
            "{entries} entries release what was held, and {} are of a claim",
            releases.len()
        );
        own.push(finding("I21", "claim releases".to_owned(), message));
    }
    for release in releases {
        if let Some(message) = wrong(db, &held, &release)? {
            own.push(finding(
                "I21",
                format!("entry {}", release.entry_id.0),
                message,
            ));
        }
    }
    let reserved = reserves::standing(db)?.into_iter();
    let reserved: HashSet<Uuid> = reserved.map(|row| row.party_id.0).collect();
    for account in held.keys() {
        if payouts::listed(db, *account)? || reserved.contains(account) {
            let message = "it holds for a claim, and is paid out or reserved".to_owned();
            own.push(finding("I21", format!("party {account}"), message));
        }
    }
    Ok(())
}

/// Why a release is not what its claim says.
fn wrong(
    db: &mut Db,
    held: &HashMap<Uuid, Held>,
    release: &ReleaseRow,
) -> Result<Option<String>, Fault> {
    let part = |of: &&Held| {
        (of.claim.id, of.part.contribution_id) == (release.claim_id, release.contribution_id)
    };
    let Some(of) = held.values().find(part) else {
        return Ok(Some("no account holds for its claim".to_owned()));
    };
    if of.winner() != Some(release.party_id.0) {
        return Ok(Some("the claim was not decided for who got it".to_owned()));
    }
    for (party, amount) in [
        (of.account, release.amount),
        (release.party_id.0, release.amount.saturating_neg()),
    ] {
        let name = Account::available(party).to_string();
        let posted = rows::posted(db, &release.book, release.entry_seq, &name)?;
        if posted != Some((Kind::ClaimRelease.as_str().to_owned(), amount)) {
            return Ok(Some(format!("it posts {posted:?} to {name}, not {amount}")));
        }
    }
    Ok(None)
}
