//! Putting terms and a price on a dataset, and showing first who would get what.

use dataset_core::error::Coded;
use dataset_core::licence::{Template, Terms};
use dataset_core::personal::PersonalClass;
use ledger::epoch::D;
use ledger::money::Currency;
use ledger::plan::{Commission, FeePlan, Legs, split_sale};
use schema::db::Db;
use schema::wire::{Amount, NewOffer, OfferMade, PreviewLine, SalePreview};
use uuid::Uuid;

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::{Fault, Kind};
use crate::flows::gates;
use crate::store::datasets::DatasetRow;
use crate::store::offers::{self, OfferRow};
use crate::store::{datasets, parties, revisions};

/// Makes an offer, or with `dry_run` only computes the split of one sale.
///
/// # Errors
/// [`Kind::Invalid`] naming the field (`terms_understate_personal_data` among them), `nothing_published` before the first revision,
/// [`Fault::missing`] for a dataset that is not the caller's.
pub async fn run(ctx: &Ctx, who: &Actor, dataset: Uuid, new: NewOffer) -> Result<OfferMade, Fault> {
    let terms = chosen_terms(&new)?;
    let price = checked_price(&new.price)?;
    let (id, now) = (ctx.id(), ctx.now());
    let (who, plan) = (who.clone(), (ctx.config.fee_bps, ctx.config.tax_bps));
    ctx.write(move |db| {
        let row = datasets::hold(db, dataset)?;
        rights::dataset(&who, &datasets::facts(db, Some(who.party), &row)?).offer()?;
        let split = preview(db, &row, &price, plan)?;
        if new.dry_run {
            return Ok(OfferMade { offer: None, split });
        }
        if !row.open() {
            return Err(Fault::conflict(
                "dataset_withdrawn",
                "This dataset is off the market; nothing can be offered.",
            ));
        }
        let (text, digest) = offers::canonical(&covering(db, dataset, terms)?)?;
        let offer = OfferRow {
            id: id.into(),
            dataset_id: dataset.into(),
            terms: text,
            terms_digest: digest.as_bytes().to_vec(),
            price_minor: price.minor,
            currency: price.currency.clone(),
            state: "live".to_owned(),
            created_at: now.into(),
            retired_at: None,
        };
        offers::publish(db, &offer)?;
        Ok(OfferMade {
            offer: Some(offer.view()?),
            split,
        })
    })
    .await
}

/// Terms given in full, or those of the template.
pub(super) fn chosen_terms(new: &NewOffer) -> Result<Terms, Fault> {
    let terms: Terms = match (&new.terms, &new.template) {
        (Some(terms), _) => serde_json::from_value(terms.clone())
            .map_err(|error| Fault::invalid("terms", error.to_string()))?,
        (None, Some(name)) => Template::by_name(&name.replace('-', "_"))
            .ok_or_else(|| {
                let known: Vec<&str> = Template::ALL
                    .iter()
                    .map(|template| template.name())
                    .collect();
                Fault::invalid(
                    "template",
                    format!(
                        "There is no template {name:?}; choose one of {}.",
                        known.join(", ")
                    ),
                )
            })?
            .terms(),
        (None, None) => {
            return Err(Fault::invalid(
                "template",
                "Name a template or give the terms in full.",
            ));
        }
    };
    terms.validate().map_err(|error| {
        Fault::new(Kind::Invalid, error.code(), error.to_string()).about("terms")
    })?;
    Ok(terms)
}

/// Terms that name the class of personal data in the current revision: the buyer reads it, and
/// graver data is not delivered under them.
pub(super) fn covering(db: &mut Db, dataset: Uuid, mut terms: Terms) -> Result<Terms, Fault> {
    let current = revisions::current(db, dataset)?;
    let class = gates::class(
        current
            .as_ref()
            .and_then(|row| row.personal_data.as_deref()),
    );
    match terms.personal_data {
        None if class > PersonalClass::None => terms.personal_data = Some(class),
        Some(covered) if covered < class => {
            return Err(Fault::new(
                Kind::Invalid,
                "terms_understate_personal_data",
                format!("The current revision holds {class} data; the terms cover {covered} only. Leave the clause \
                         personal_data out, or name at least {class}."),
            )
            .about("terms"));
        }
        _ => {}
    }
    Ok(terms)
}

pub(super) fn checked_price(price: &Amount) -> Result<Amount, Fault> {
    let currency: Currency = price.currency.parse().map_err(|_| {
        Fault::invalid(
            "price",
            "The currency is not an ISO 4217 code this node knows.",
        )
    })?;
    if price.minor < 0 {
        return Err(Fault::invalid("price", "A price is 0 or more."));
    }
    Ok(Amount {
        minor: price.minor,
        currency: currency.code().to_owned(),
    })
}

/// What one sale at `price` would split into, by the shares of the current revision.
fn preview(
    db: &mut Db,
    row: &DatasetRow,
    price: &Amount,
    (fee_bps, tax_bps): (u16, u16),
) -> Result<SalePreview, Fault> {
    let revision = revisions::current(db, row.id.into())?.ok_or_else(|| {
        Fault::conflict(
            "nothing_published",
            "Publish a revision first: an offer needs something to sell.",
        )
    })?;
    let (_, _, shares) = revisions::latest_epoch(db, revision.id.into())?.ok_or_else(|| {
        Fault::conflict(
            "no_weights",
            "No row of the current revision carries weight, so nobody could be paid; publish a better revision first.",
        )
    })?;
    let legs = legs(row, price.minor, fee_bps, tax_bps)?;
    let ids: Vec<Uuid> = shares.iter().map(|line| line.party_id.into()).collect();
    let names = parties::views(db, &ids)?;
    let mut contributors = Vec::with_capacity(shares.len());
    for line in shares {
        // Exact in 128 bits: net < 2^63, share ≤ 10^12.
        let exact = i128::from(legs.net) * i128::from(line.share);
        contributors.push(PreviewLine {
            party: names
                .get(&line.party_id.into())
                .cloned()
                .ok_or_else(Fault::missing)?,
            share: line.share,
            minor: i64::try_from(exact / i128::from(D)).map_err(Fault::internal)?,
            residue: i64::try_from(exact % i128::from(D)).map_err(Fault::internal)?,
        });
    }
    let amount = |minor| Amount {
        minor,
        currency: price.currency.clone(),
    };
    Ok(SalePreview {
        gross: amount(price.minor),
        fee: amount(legs.fee),
        tax: amount(legs.tax),
        commission: amount(legs.commission),
        net: amount(legs.net),
        contributors,
    })
}

/// Legs of a sale; a free one has none.
fn legs(row: &DatasetRow, gross: i64, fee_bps: u16, tax_bps: u16) -> Result<Legs, Fault> {
    if gross == 0 {
        return Ok(Legs::from_array([0; 4]));
    }
    let bps = u32::try_from(row.commission_bps).map_err(Fault::internal)?;
    let plan = FeePlan {
        fee_bps: fee_bps.into(),
        tax_bps: tax_bps.into(),
        commission: (bps > 0).then(|| Commission {
            party: row.owner_id.into(),
            bps,
        }),
    };
    split_sale(gross, &plan).map_err(|error| Fault::invalid("price", error.to_string()))
}
