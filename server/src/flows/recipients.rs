//! age keys of a party: deliveries are sealed for them.

use dataset_core::seal::Recipient;
use schema::wire::{NewRecipient, Page, PageQuery, RecipientView};
use uuid::Uuid;

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::paging::Window;
use crate::store::recipients::{self, RecipientRow};

/// Registers an age key; one that is registered already is answered as it is, and one that was
/// retired comes back into use.
///
/// # Errors
/// [`Kind::Invalid`](crate::error::Kind) naming the field.
pub async fn add(ctx: &Ctx, who: &Actor, new: NewRecipient) -> Result<RecipientView, Fault> {
    let key: Recipient = new.recipient.trim().parse().map_err(|_| {
        Fault::invalid(
            "recipient",
            "This is not an age X25519 recipient; `granary keys new` prints one (age1…).",
        )
    })?;
    let label = new.label.trim();
    if label.is_empty() || label.chars().count() > 80 || label.contains(char::is_control) {
        return Err(Fault::invalid(
            "label",
            "Name the key in 1 to 80 characters.",
        ));
    }
    let row = RecipientRow {
        id: ctx.id().into(),
        party_id: who.party.into(),
        age_key: key.to_string(),
        label: label.to_owned(),
        created_at: ctx.now().into(),
        retired_at: None,
    };
    ctx.write(move |db| {
        if let Some(known) = recipients::by_text(db, row.party_id.into(), &row.age_key)? {
            recipients::set_retired(db, known.id.into(), None)?;
            return Ok(known.view());
        }
        recipients::insert(db, &row)?;
        Ok(row.view())
    })
    .await
}

/// The caller's keys that are in use, newest first.
///
/// # Errors
/// `bad_page`.
pub async fn list(ctx: &Ctx, who: &Actor, page: PageQuery) -> Result<Page<RecipientView>, Fault> {
    let (window, party) = (Window::of(&page)?, who.party);
    let rows = ctx
        .read(move |db| recipients::list(db, party, window))
        .await?;
    Ok(window.page(rows, |row| row.id.into(), |row| row.view()))
}

/// Takes a key out of use: nothing new is sealed for it.
///
/// # Errors
/// [`Fault::missing`] for an unknown or foreign one.
pub async fn retire(ctx: &Ctx, who: &Actor, id: Uuid) -> Result<(), Fault> {
    let (who, now) = (who.clone(), ctx.now());
    ctx.write(move |db| {
        let key = recipients::by_id(db, id)?;
        rights::own(&who, key.party_id.into()).manage()?;
        recipients::set_retired(db, id, Some(now))
    })
    .await
}
