//! Offers: terms and a price on a dataset.

use dataset_core::digest::Sha256;
use dataset_core::licence::Terms;
use diesel::prelude::*;
use schema::columns::{Key, When};
use schema::db::Db;
use schema::on;
use schema::tables::offer;
use schema::wire::{Amount, ClauseView, OfferView};
use uuid::Uuid;

use crate::error::Fault;

/// An offer as stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = offer)]
pub struct OfferRow {
    pub id: Key,
    pub dataset_id: Key,
    pub terms: String,
    pub terms_digest: Vec<u8>,
    pub price_minor: i64,
    pub currency: String,
    pub state: String,
    pub created_at: When,
    pub retired_at: Option<When>,
}

impl OfferRow {
    /// The terms, as they were written when the offer was made.
    ///
    /// # Errors
    /// When the stored text is not that of terms.
    pub fn terms(&self) -> Result<Terms, Fault> {
        serde_json::from_str(&self.terms).map_err(Fault::internal)
    }

    /// The offer as everybody sees it.
    ///
    /// # Errors
    /// When the stored text is not that of terms.
    pub fn view(&self) -> Result<OfferView, Fault> {
        Ok(OfferView {
            id: self.id.into(),
            dataset_id: self.dataset_id.into(),
            price: Amount {
                minor: self.price_minor,
                currency: self.currency.clone(),
            },
            terms: serde_json::from_str(&self.terms).map_err(Fault::internal)?,
            clauses: clause_views(&self.terms()?),
            terms_sha256: hex::encode(&self.terms_digest),
            state: self.state.clone(),
            created_at: self.created_at.into(),
        })
    }
}

/// Terms in plain words, as the API shows them.
#[must_use]
pub fn clause_views(terms: &Terms) -> Vec<ClauseView> {
    let view = |clause: dataset_core::licence::Clause| ClauseView {
        clause: clause.name,
        text: clause.text,
        strength: clause.force.to_string(),
    };
    terms.clauses().into_iter().map(view).collect()
}

/// Canonical text of terms and its digest: what a buyer confirms to have read.
///
/// # Errors
/// When the terms hold a number that JSON cannot carry.
pub fn canonical(terms: &Terms) -> Result<(String, Sha256), Fault> {
    let text = serde_json_canonicalizer::to_string(terms).map_err(Fault::internal)?;
    let digest = Sha256::of(text.as_bytes());
    Ok((text, digest))
}

/// Puts an offer on the market. A live one with the same terms and currency is retired:
/// it was the old price of the same thing.
///
/// # Errors
/// The database's own.
pub fn publish(db: &mut Db, row: &OfferRow) -> Result<(), Fault> {
    on!(db, c => diesel::update(offer::table)
        .filter(offer::dataset_id.eq(row.dataset_id))
        .filter(offer::state.eq("live"))
        .filter(offer::terms_digest.eq(&row.terms_digest))
        .filter(offer::currency.eq(&row.currency))
        .set((offer::state.eq("retired"), offer::retired_at.eq(Some(row.created_at))))
        .execute(c))?;
    on!(db, c => diesel::insert_into(offer::table).values(row).execute(c))?;
    Ok(())
}

/// Live offers of a dataset, cheapest first.
///
/// # Errors
/// The database's own.
pub fn live(db: &mut Db, dataset: Uuid) -> Result<Vec<OfferRow>, Fault> {
    Ok(on!(db, c => offer::table
        .filter(offer::dataset_id.eq(Key(dataset)))
        .filter(offer::state.eq("live"))
        .order((offer::currency.asc(), offer::price_minor.asc(), offer::id.asc()))
        .select(OfferRow::as_select())
        .load(c))?)
}
