//! The table of tax rates, and what a sale bears by it.

use chrono::{DateTime, Utc};
use ledger::account::Label;
use ledger::tax::{self, Rate, Treatment};
use schema::columns::Key;
use schema::db::Db;
use schema::wire::{InvoiceParty, NewTaxRate, Page, TaxRateView};
use uuid::Uuid;

use crate::auth::{Actor, rights};
use crate::config::{Config, seller};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::store::parties;
use crate::store::taxes::{self as store, RateRow};

/// Longest name of a tax.
const NAME: usize = 60;

/// What one sale bears, and between whom.
#[derive(Debug, Clone)]
pub(super) struct Due {
    /// The moment whose rate it is.
    pub(super) at: DateTime<Utc>,
    /// The tax.
    pub(super) tax: Treatment,
    /// The node's company.
    pub(super) seller: InvoiceParty,
    /// Who buys.
    pub(super) buyer: InvoiceParty,
}

/// What a purchase bears that this party makes now.
pub(super) fn due(
    db: &mut Db,
    config: &Config,
    buyer: Uuid,
    at: DateTime<Utc>,
) -> Result<Due, Fault> {
    let seller = config.seller.party(&config.name);
    let billing = store::billing_of(db, Key(buyer))?;
    let rate = match &billing {
        Some(row) => store::rate_at(db, &row.jurisdiction, at.into())?,
        None => None,
    };
    let rate = match rate {
        Some(row) => Some(Rate {
            jurisdiction: Label::new(row.jurisdiction).map_err(Fault::internal)?,
            name: row.name,
            bps: u32::try_from(row.bps).map_err(Fault::internal)?,
            reverse_charge: row.reverse_charge,
        }),
        None => None,
    };
    let buyer = match billing {
        Some(row) => InvoiceParty {
            name: row.name,
            address: row.address,
            jurisdiction: row.jurisdiction,
            tax_id: row.tax_id,
        },
        None => InvoiceParty {
            name: parties::by_id(db, buyer)?.display_name,
            address: String::new(),
            jurisdiction: String::new(),
            tax_id: None,
        },
    };
    let own = config.seller.seller_jurisdiction.as_deref();
    let default = config.tax_bps.into();
    let tax = tax::treatment(rate.as_ref(), buyer.tax_id.is_some(), own, default);
    Ok(Due {
        at,
        tax,
        seller,
        buyer,
    })
}

/// Sets the rate of a jurisdiction from now, or from a later moment on. Operators only.
///
/// # Errors
/// `not_found` for others, `invalid` naming the field.
pub async fn add(ctx: &Ctx, who: &Actor, new: NewTaxRate) -> Result<TaxRateView, Fault> {
    rights::node(who).set_taxes()?;
    let now = ctx.now();
    let row = RateRow {
        id: Key(ctx.id()),
        made_by: Key(who.party),
        created_at: now.into(),
        ..checked(&ctx.config, new, now)?
    };
    let id = row.id;
    let rows = ctx
        .write(move |db| {
            store::add_rate(db, &row)?;
            store::rates(db)
        })
        .await?;
    let made = views(&rows, now).into_iter().find(|view| view.id == id.0);
    made.ok_or_else(Fault::missing)
}

fn checked(config: &Config, new: NewTaxRate, now: DateTime<Utc>) -> Result<RateRow, Fault> {
    let jurisdiction = seller::jurisdiction(&new.jurisdiction)
        .map_err(|problem| Fault::invalid("jurisdiction", format!("{problem}.")))?;
    let name = line("name", &new.name, NAME)?;
    // The price holds fee and tax: of a tax of as much again, half the price.
    let (fee, left) = (config.fee_bps, 10_000u16.saturating_sub(config.fee_bps));
    let most = 10_000.min(u32::from(left) * 10_000 / u32::from(fee.max(1)));
    if u32::from(new.bps) > most {
        let words = format!(
            "With the platform fee of {} basis points at most {most} are left for tax.",
            fee
        );
        return Err(Fault::invalid("bps", words));
    }
    if new.reverse_charge {
        match &config.seller.seller_jurisdiction {
            None => {
                return Err(Fault::invalid(
                    "reverse_charge",
                    "Say first where the node itself is taxed (--seller-jurisdiction): the charge \
                     is reversed for businesses elsewhere.",
                ));
            }
            Some(own) if *own == jurisdiction => {
                return Err(Fault::invalid(
                    "reverse_charge",
                    format!("The node itself is taxed in {own}; nothing is reversed there."),
                ));
            }
            Some(_) => {}
        }
    }
    let valid_from = new.valid_from.unwrap_or(now);
    if valid_from < now {
        return Err(Fault::invalid(
            "valid_from",
            "A rate begins now or later: what was sold before has its invoice. Leave it out for now.",
        ));
    }
    if new.valid_until.is_some_and(|end| end <= valid_from) {
        return Err(Fault::invalid("valid_until", "It ends before it begins."));
    }
    Ok(RateRow {
        id: Key(Uuid::nil()),
        jurisdiction,
        name,
        bps: new.bps.into(),
        reverse_charge: new.reverse_charge,
        valid_from: valid_from.into(),
        valid_until: new.valid_until.map(Into::into),
        made_by: Key(Uuid::nil()),
        created_at: now.into(),
    })
}

/// One line of text.
pub(super) fn line(field: &'static str, text: &str, most: usize) -> Result<String, Fault> {
    let text = text.trim().to_owned();
    if !(1..=most).contains(&text.chars().count()) || text.contains(char::is_control) {
        let words = format!("Write 1 to {most} characters on one line.");
        return Err(Fault::invalid(field, words));
    }
    Ok(text)
}

/// The table: by jurisdiction, the rate that comes last first. Operators only.
///
/// # Errors
/// `not_found` for others.
pub async fn list(ctx: &Ctx, who: &Actor) -> Result<Page<TaxRateView>, Fault> {
    rights::node(who).set_taxes()?;
    let rows = ctx.read(store::rates).await?;
    Ok(Page {
        items: views(&rows, ctx.now()),
        next: None,
    })
}

/// Rows as they stand now; `rows` are ordered as the table is.
fn views(rows: &[RateRow], now: DateTime<Utc>) -> Vec<TaxRateView> {
    let mut views: Vec<TaxRateView> = Vec::with_capacity(rows.len());
    for row in rows {
        let from: DateTime<Utc> = row.valid_from.into();
        let ended = row.valid_until.is_some_and(|end| end <= now.into());
        // Of one jurisdiction, the first that has begun is the one that counts.
        let later = views
            .iter()
            .any(|one| one.jurisdiction == row.jurisdiction && one.valid_from <= now);
        let state = match (from > now, later, ended) {
            (true, ..) => "coming",
            (_, true, _) => "superseded",
            (.., true) => "ended",
            _ => "in_force",
        };
        views.push(TaxRateView {
            id: row.id.0,
            jurisdiction: row.jurisdiction.clone(),
            name: row.name.clone(),
            bps: row.bps,
            reverse_charge: row.reverse_charge,
            valid_from: from,
            valid_until: row.valid_until.map(Into::into),
            state: state.to_owned(),
            created_at: row.created_at.into(),
        });
    }
    views
}
