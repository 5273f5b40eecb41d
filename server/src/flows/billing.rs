//! Whom a party's invoices are made out to.

use schema::columns::Key;
use schema::wire::{BillingView, NewBilling};

use crate::auth::{Actor, rights};
use crate::config::seller;
use crate::ctx::Ctx;
use crate::error::{Fault, Kind};
use crate::flows::taxes::line;
use crate::store::taxes::{self as store, BillingRow};

/// Longest name, and longest line of an address.
const LINE: usize = 120;
/// Most lines of an address.
const LINES: usize = 6;
/// Longest tax id.
const TAX_ID: usize = 30;

/// The caller's billing data.
///
/// # Errors
/// `no_billing` while there are none.
pub async fn show(ctx: &Ctx, who: &Actor) -> Result<BillingView, Fault> {
    find(ctx, who).await?.ok_or_else(|| {
        Fault::new(
            Kind::Missing,
            "no_billing",
            "You have set no billing data yet: invoices bear your name, and the node's default tax.",
        )
    })
}

/// The same, where there are some.
///
/// # Errors
/// The database's own.
pub async fn find(ctx: &Ctx, who: &Actor) -> Result<Option<BillingView>, Fault> {
    rights::own(who, who.party).manage()?;
    let party = Key(who.party);
    let row = ctx.read(move |db| store::billing_of(db, party)).await?;
    Ok(row.map(view))
}

/// Sets it, for invoices from now on.
///
/// # Errors
/// `invalid` naming the field.
pub async fn set(ctx: &Ctx, who: &Actor, new: NewBilling) -> Result<BillingView, Fault> {
    rights::own(who, who.party).manage()?;
    let lines: Vec<&str> = new.address.lines().map(str::trim).collect();
    let lines: Vec<&str> = lines.into_iter().filter(|text| !text.is_empty()).collect();
    if !(1..=LINES).contains(&lines.len()) {
        let words = format!("Write the postal address in 1 to {LINES} lines.");
        return Err(Fault::invalid("address", words));
    }
    for text in &lines {
        line("address", text, LINE)?;
    }
    let tax_id = new.tax_id.as_deref().map(str::trim);
    let tax_id = match tax_id.filter(|text| !text.is_empty()) {
        Some(text) => Some(tax_number(text)?),
        None => None,
    };
    let row = BillingRow {
        party_id: Key(who.party),
        name: line("name", &new.name, LINE)?,
        address: lines.join("\n"),
        jurisdiction: seller::jurisdiction(&new.jurisdiction)
            .map_err(|problem| Fault::invalid("jurisdiction", format!("{problem}.")))?,
        tax_id,
        updated_at: ctx.now().into(),
    };
    ctx.write(move |db| {
        store::set_billing(db, &row)?;
        Ok(view(row))
    })
    .await
}

/// The node cannot ask the authorities; it takes what looks like a number.
fn tax_number(text: &str) -> Result<String, Fault> {
    let id = line("tax_id", text, TAX_ID)?.to_ascii_uppercase();
    let sound = |c: char| c.is_ascii_alphanumeric() || " -./".contains(c);
    if id.chars().all(sound) && id.chars().any(|c| c.is_ascii_digit()) {
        Ok(id)
    } else {
        let words =
            "Write the tax id as it was given to you, such as DE123456789, or leave it out.";
        Err(Fault::invalid("tax_id", words))
    }
}

fn view(row: BillingRow) -> BillingView {
    BillingView {
        name: row.name,
        address: row.address,
        jurisdiction: row.jurisdiction,
        tax_id: row.tax_id,
        updated_at: row.updated_at.into(),
    }
}
