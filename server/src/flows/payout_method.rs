//! Where a contributor is paid.

use std::io::{Cursor, Read};

use chrono::{DateTime, TimeDelta, Utc};
use dataset_core::seal;
use schema::columns::Key;
use schema::wire::{NewPayoutMethod, PayoutMethodView};
use serde::{Deserialize, Serialize};

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::ports::bank::{BankError, Holder, Iban, iban, text};
use crate::store::payout_methods::{self, MethodRow};

/// What is sealed.
#[derive(Serialize, Deserialize)]
struct Secret {
    name: String,
    iban: String,
    country: String,
    bic: Option<String>,
}

/// Sets the caller's account; the one before it is retired.
///
/// # Errors
/// `invalid` naming the field.
pub async fn set(ctx: &Ctx, who: &Actor, new: NewPayoutMethod) -> Result<PayoutMethodView, Fault> {
    rights::own(who, who.party).manage()?;
    let (secret, iban) = check(new)?;
    let row = MethodRow {
        id: Key(ctx.id()),
        party_id: Key(who.party),
        country: secret.country.clone(),
        hint: iban.hint(),
        sealed: closed(ctx, &serde_json::to_vec(&secret).map_err(Fault::internal)?)?,
        created_at: ctx.now().into(),
        retired_at: None,
    };
    let view = view(ctx, &row);
    ctx.write(move |db| payout_methods::replace(db, &row))
        .await?;
    Ok(view)
}

fn check(new: NewPayoutMethod) -> Result<(Secret, Iban), Fault> {
    let wrong = |field: &'static str| {
        move |error: BankError| match error {
            BankError::Field { problem, .. } => Fault::invalid(field, format!("{problem}.")),
            other => Fault::invalid(field, format!("{other}.")),
        }
    };
    let name = new.name.trim().to_owned();
    let bankable = text::bankable(&name, text::NAME);
    let letters = bankable.chars().filter(char::is_ascii_alphanumeric).count();
    if name.chars().count() > text::NAME || name.contains(char::is_control) || letters == 0 {
        return Err(Fault::invalid(
            "name",
            "Write the name of the account's holder as the bank knows it: 1 to 70 characters.",
        ));
    }
    let iban: Iban = new.iban.parse().map_err(wrong("iban"))?;
    let country = iban::country(&new.country).map_err(wrong("country"))?;
    let bic = match new
        .bic
        .as_deref()
        .map(str::trim)
        .filter(|bic| !bic.is_empty())
    {
        Some(bic) => Some(iban::bic(bic).map_err(wrong("bic"))?),
        None => None,
    };
    let secret = Secret {
        name,
        iban: iban.as_str().to_owned(),
        country,
        bic,
    };
    Ok((secret, iban))
}

/// The caller's account in force.
///
/// # Errors
/// `not_found` while there is none.
pub async fn show(ctx: &Ctx, who: &Actor) -> Result<PayoutMethodView, Fault> {
    rights::own(who, who.party).manage()?;
    let party = Key(who.party);
    let row = ctx
        .read(move |db| payout_methods::current(db, party))
        .await?;
    row.map(|row| view(ctx, &row)).ok_or_else(|| {
        Fault::new(
            crate::error::Kind::Missing,
            "no_payout_method",
            "You have set no account to be paid to yet; what you earn is kept.",
        )
    })
}

/// Takes the caller's account out of force: nothing more is paid to it.
///
/// # Errors
/// `not_found` when there is none.
pub async fn remove(ctx: &Ctx, who: &Actor) -> Result<(), Fault> {
    rights::own(who, who.party).manage()?;
    let (party, now) = (Key(who.party), ctx.now());
    let retired = ctx
        .write(move |db| payout_methods::retire(db, party, now.into()))
        .await?;
    match retired {
        0 => Err(Fault::missing()),
        _ => Ok(()),
    }
}

fn view(ctx: &Ctx, row: &MethodRow) -> PayoutMethodView {
    PayoutMethodView {
        id: row.id.0,
        account: row.hint.clone(),
        country: row.country.clone(),
        created_at: row.created_at.into(),
        usable_from: usable_from(ctx, row),
    }
}

/// From when an account is paid to.
pub(super) fn usable_from(ctx: &Ctx, row: &MethodRow) -> DateTime<Utc> {
    let wait = TimeDelta::days(i64::from(ctx.config.payouts.payout_wait_days));
    let since: DateTime<Utc> = row.created_at.into();
    since.checked_add_signed(wait).unwrap_or(since)
}

/// Opens an account to pay to it.
pub(super) fn holder(ctx: &Ctx, row: &MethodRow) -> Result<Holder, Fault> {
    let secret: Secret =
        serde_json::from_slice(&opened(ctx, &row.sealed)?).map_err(Fault::internal)?;
    Ok(Holder {
        name: secret.name,
        iban: secret.iban.parse().map_err(Fault::internal)?,
        bic: secret.bic,
        country: Some(secret.country),
    })
}

/// Seals bytes to the node's own key.
pub(super) fn closed(ctx: &Ctx, bytes: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut sealed = Vec::new();
    seal::seal(&mut &bytes[..], &mut sealed, &[ctx.keys.recipient()]).map_err(Fault::internal)?;
    Ok(sealed)
}

/// Opens what was sealed to the node's own key.
pub(super) fn opened(ctx: &Ctx, sealed: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    seal::open(Cursor::new(sealed), ctx.keys.identity())
        .map_err(Fault::internal)?
        .read_to_end(&mut bytes)
        .map_err(Fault::internal)?;
    Ok(bytes)
}
