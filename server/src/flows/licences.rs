//! Reading licences: what a holder may still do, and the signed document.

use chrono::{DateTime, Utc};
use dataset_core::licence::{LicenceDoc, LicenceState};
use schema::wire::{LicenceView, Page, PageQuery, PartyView};
use uuid::Uuid;

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::paging::Window;
use crate::store::licences::{self, Held};
use crate::store::offers::clause_views;
use crate::store::parties;

/// The caller's licences, newest first.
///
/// # Errors
/// `bad_page`.
pub async fn list(ctx: &Ctx, who: &Actor, page: PageQuery) -> Result<Page<LicenceView>, Fault> {
    let (window, actor, node) = (Window::of(&page)?, who.clone(), ctx.clone());
    ctx.read(move |db| {
        let rows = licences::of_party(db, actor.party, window)?;
        let page = window.page(
            rows,
            |held| held.row.id.into(),
            |held| view(&node, &held, actor.view()),
        );
        let items = page.items.into_iter().collect::<Result<_, _>>()?;
        Ok(Page {
            items,
            next: page.next,
        })
    })
    .await
}

/// One licence, for its holder, the dataset's owner and operators.
///
/// # Errors
/// [`Fault::missing`] for an unknown or foreign one.
pub async fn show(ctx: &Ctx, who: &Actor, id: Uuid) -> Result<LicenceView, Fault> {
    let (who, node) = (who.clone(), ctx.clone());
    ctx.read(move |db| {
        let held = licences::by_id(db, id)?;
        rights::licence(&who, held.row.party_id.into(), held.owner).see()?;
        let holder = parties::by_id(db, held.row.party_id.into())?.view();
        view(&node, &held, holder)
    })
    .await
}

/// A licence as its holder sees it now.
///
/// # Errors
/// When its document does not verify with the node's key.
pub fn view(ctx: &Ctx, held: &Held, holder: PartyView) -> Result<LicenceView, Fault> {
    let row = &held.row;
    let signed = row.signed(ctx.keys.verify_key())?;
    Ok(LicenceView {
        id: row.id.into(),
        order_id: row.order_id.into(),
        subscription_id: held.subscription,
        holder,
        dataset_id: row.dataset_id.into(),
        dataset: held.slug.clone(),
        title: held.title.clone(),
        revision_id: row.revision_id.into(),
        revision: held.number,
        state: standing(signed.doc(), &row.state(), ctx.now()).to_owned(),
        revoked_reason: row.revoked_reason.clone(),
        clauses: clause_views(&signed.doc().terms),
        document: row.document.clone(),
        valid_from: row.valid_from.into(),
        valid_until: row.valid_until.map(Into::into),
        downloads_used: row.downloads_used,
        created_at: row.created_at.into(),
    })
}

/// One word for what the licence is good for at this moment.
fn standing(doc: &LicenceDoc, state: &LicenceState, now: DateTime<Utc>) -> &'static str {
    match state {
        LicenceState::Active { .. } if now < doc.valid_from => "upcoming",
        LicenceState::Active { .. } if doc.valid_until.is_some_and(|until| now >= until) => {
            "expired"
        }
        LicenceState::Active { downloads }
            if doc.terms.download_cap.is_some_and(|cap| *downloads >= cap) =>
        {
            "exhausted"
        }
        other => other.name(),
    }
}
