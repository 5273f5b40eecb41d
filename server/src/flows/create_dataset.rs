//! A party opens a dataset.

use dataset_core::columns::Contract;
use schema::db::Db;
use schema::wire::{Admission, DatasetView, NewDataset};
use serde_json::Value;
use uuid::Uuid;

use crate::auth::Actor;
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::flows::datasets;
use crate::store::datasets::{self as store, DatasetRow};

/// Fewest and most characters of a title.
const TITLE_CHARS: std::ops::RangeInclusive<usize> = 3..=120;
/// Most characters of a description.
const DESCRIPTION_CHARS: usize = 20_000;
/// Fewest and most characters of a slug.
const SLUG_CHARS: std::ops::RangeInclusive<usize> = 3..=64;
/// Most characters of a slug made from a title, before a number.
const SLUG_BASE: usize = 48;

/// Opens a dataset that belongs to the caller.
///
/// # Errors
/// [`Kind::Invalid`](crate::error::Kind) naming the field, or `slug_taken`.
pub async fn run(ctx: &Ctx, who: &Actor, new: NewDataset) -> Result<DatasetView, Fault> {
    let title = title(&new.title)?;
    let description = description(&new.description)?;
    let slug = new.slug.as_deref().map(slug).transpose()?;
    let contract = new.contract.as_ref().map(contract).transpose()?;
    if new.commission_bps > 10_000 {
        return Err(Fault::invalid(
            "commission_bps",
            "A commission is 0 to 10000 basis points.",
        ));
    }
    let admission = new.admission.unwrap_or(Admission::Owner);
    let (id, now, owner) = (ctx.id(), ctx.now(), who.party);
    ctx.write(move |db| {
        let row = DatasetRow {
            id: id.into(),
            owner_id: owner.into(),
            slug: free_slug(db, slug, &title, id)?,
            title,
            description,
            contract,
            admission: store::admission_name(admission).to_owned(),
            commission_bps: i32::from(new.commission_bps),
            state: "open".to_owned(),
            created_at: now.into(),
        };
        store::insert(db, &row)?;
        datasets::view(db, row)
    })
    .await
}

/// A title as it is kept.
pub(super) fn title(text: &str) -> Result<String, Fault> {
    let title = text.trim();
    if !TITLE_CHARS.contains(&title.chars().count()) || title.chars().any(char::is_control) {
        return Err(Fault::invalid(
            "title",
            "A title has 3 to 120 characters on one line.",
        ));
    }
    Ok(title.to_owned())
}

/// A description as it is kept.
pub(super) fn description(text: &str) -> Result<String, Fault> {
    let text = text.trim();
    let odd = |c: char| c.is_control() && c != '\n' && c != '\r' && c != '\t';
    if text.chars().count() > DESCRIPTION_CHARS || text.chars().any(odd) {
        return Err(Fault::invalid(
            "description",
            "A description has at most 20000 characters.",
        ));
    }
    Ok(text.to_owned())
}

/// A contract in the one form it is kept and hashed in.
pub(super) fn contract(value: &Value) -> Result<String, Fault> {
    let refuse =
        |error: dataset_core::columns::ContractError| Fault::invalid("contract", error.to_string());
    let contract = Contract::from_json(value.to_string().as_bytes()).map_err(refuse)?;
    let json = contract.to_json().map_err(refuse)?;
    quality::Policy::from_json(&json)
        .map_err(|error| Fault::invalid("contract", error.to_string()))?;
    String::from_utf8(json).map_err(Fault::internal)
}

fn slug(text: &str) -> Result<String, Fault> {
    let sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let edge = text.starts_with('-') || text.ends_with('-');
    if !SLUG_CHARS.contains(&text.len())
        || !text.chars().all(sound)
        || edge
        || Uuid::try_parse(text).is_ok()
    {
        return Err(Fault::invalid(
            "slug",
            "A short name has 3 to 64 of the characters a-z, 0-9 and - (not first or last).",
        ));
    }
    Ok(text.to_owned())
}

/// The wished slug if it is free; else one made from the title, with a number where taken.
fn free_slug(db: &mut Db, wished: Option<String>, title: &str, id: Uuid) -> Result<String, Fault> {
    if let Some(slug) = wished {
        if store::slug_taken(db, &slug)? {
            return Err(Fault::conflict(
                "slug_taken",
                "Another dataset has this short name; choose another.",
            )
            .about("slug"));
        }
        return Ok(slug);
    }
    let base = slug_of(title);
    if !store::slug_taken(db, &base)? {
        return Ok(base);
    }
    for number in 2..100 {
        let slug = format!("{base}-{number}");
        if !store::slug_taken(db, &slug)? {
            return Ok(slug);
        }
    }
    Ok(format!("{base}-{}", id.simple()))
}

fn slug_of(title: &str) -> String {
    let mut slug = String::new();
    for c in title.to_lowercase().chars() {
        match c {
            'a'..='z' | '0'..='9' => slug.push(c),
            _ if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            _ => {}
        }
        if slug.len() == SLUG_BASE {
            break;
        }
    }
    let slug = slug.trim_matches('-');
    if slug.len() < *SLUG_CHARS.start() {
        format!("dataset-{slug}").trim_matches('-').to_owned()
    } else {
        slug.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_come_from_titles() {
        for (title, expected) in [
            ("Flights from New York, 2013", "flights-from-new-york-2013"),
            ("  ---  ", "dataset"),
            ("Ünï", "dataset-n"),
            ("数据集", "dataset"),
        ] {
            assert_eq!(slug_of(title), expected);
            assert!(slug(&slug_of(title)).is_ok());
        }
        assert_eq!(slug_of(&"a".repeat(200)).len(), SLUG_BASE);
    }

    #[test]
    fn limits_hold_at_the_limit_and_not_beyond() {
        assert!(title("abc").is_ok() && title(&"x".repeat(120)).is_ok());
        assert!(title("ab").is_err() && title(&"x".repeat(121)).is_err() && title("a\nb").is_err());
        assert!(slug("abc").is_ok() && slug(&"x".repeat(64)).is_ok());
        for wrong in ["ab", "Abc", "-abc", "abc-", "a_c", &"x".repeat(65)] {
            assert!(slug(wrong).is_err(), "{wrong}");
        }
        assert!(
            slug("0192f3c4-0000-7000-8000-000000000001").is_err(),
            "looks like an id"
        );
        assert!(
            description(&"x".repeat(20_000)).is_ok() && description(&"x".repeat(20_001)).is_err()
        );
    }
}
