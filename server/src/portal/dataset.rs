//! `GET /datasets/{slug}`: everything a buyer must know before deciding.

use actix_web::web::Path;
use askama::Template;
use schema::wire::{
    DatasetView, OfferView, PageQuery, PlanQuery, PlanView, RevisionView, SharesView,
};
use serde::Deserialize;
use serde_json::Value;

use super::chart::{self, Strip};
use super::quality_view::{self as view, Quality};
use super::shell::{Page, Shell, Visit, show};
use super::{why, words};
use crate::auth::Actor;
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::flows;

#[derive(Template)]
#[template(path = "dataset.html")]
struct DatasetPage {
    shell: Shell,
    d: DatasetView,
    mine: bool,
    contract: Contract,
    more: Published,
    plans: Vec<PlanView>,
    node: String,
}

impl DatasetPage {
    fn live(&self) -> Vec<&OfferView> {
        self.d.offers.iter().filter(|o| o.state == "live").collect()
    }
}

/// What is known once a revision is published.
#[derive(Default)]
struct Published {
    quality: Option<Quality>,
    revisions: Vec<RevisionView>,
    shares: Option<SharesView>,
}

impl Published {
    async fn load(ctx: &Ctx, who: Option<&Actor>, d: &DatasetView) -> Result<Self, Fault> {
        let Some(current) = &d.revision else {
            return Ok(Self::default());
        };
        let latest = PageQuery {
            cursor: None,
            limit: Some(20),
        };
        let report = flows::revisions::report(ctx, who, current.id).await?;
        Ok(Self {
            quality: Quality::read(&report),
            revisions: flows::revisions::list(ctx, who, d.id, latest).await?.items,
            shares: Some(flows::revisions::shares(ctx, who, current.id, None).await?),
        })
    }

    fn strip(shares: &SharesView) -> Strip {
        let named = |s: &schema::wire::ShareLine| {
            (
                format!("{} {}", s.party.display_name, words::share(&s.share)),
                s.share,
            )
        };
        Strip::new(
            "Shares of the contributors; the table below holds the numbers",
            shares.shares.iter().map(named),
        )
    }
}

/// The column contract as the page shows it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Contract {
    /// Columns in order.
    pub columns: Vec<Column>,
    /// Columns that name a row.
    pub key: Vec<String>,
    /// Where the data comes from.
    pub source: Option<String>,
    /// How it was gathered.
    pub method: Option<String>,
    /// Licence of the origin.
    pub license: Option<String>,
    /// How often it is renewed.
    pub period_days: Option<i64>,
}

/// One column.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Column {
    name: String,
    r#type: String,
    optional: bool,
    description: Option<String>,
    unit: Option<String>,
    min: Option<Value>,
    max: Option<Value>,
    pattern: Option<String>,
    domain: Option<Vec<Value>>,
    personal: Option<String>,
}

impl Contract {
    /// Reads a stored contract; what cannot be read is shown as not known, never guessed.
    pub fn read(stored: Option<&Value>) -> Self {
        stored
            .and_then(|c| Self::deserialize(c).ok())
            .unwrap_or_default()
    }
}

impl Column {
    /// The declared class of personal data, if it is any.
    fn personal(&self) -> Option<&str> {
        self.personal.as_deref().filter(|class| *class != "none")
    }

    /// The rules on its values in one line.
    fn rules(&self) -> String {
        let plain = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
        let range = match (&self.min, &self.max) {
            (Some(min), Some(max)) => Some(format!("{} to {}", plain(min), plain(max))),
            (Some(min), None) => Some(format!("at least {}", plain(min))),
            (None, Some(max)) => Some(format!("at most {}", plain(max))),
            (None, None) => None,
        };
        let domain = self.domain.as_ref().map(|d| match d.len() {
            0..=6 => format!(
                "one of {}",
                d.iter().map(plain).collect::<Vec<_>>().join(", ")
            ),
            n => format!("one of {n} values"),
        });
        let pattern = self.pattern.as_ref().map(|p| format!("matches {p}"));
        [range, domain, pattern]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join("; ")
    }
}

/// The page of one dataset.
pub async fn page(visit: Visit, slug: Path<String>) -> Page {
    let who = visit.who.as_ref();
    let d = flows::datasets::show(&visit.ctx, who, &slug).await?;
    let more = Published::load(&visit.ctx, who, &d).await?;
    let query = PlanQuery {
        dataset: Some(d.id),
        mine: false,
    };
    let plans = flows::plans::list(&visit.ctx, who, query).await?.items;
    let mine = who.is_some_and(|a| a.party == d.owner.id);
    let contract = Contract::read(d.contract.as_ref());
    let node = visit.ctx.config.public_url();
    show(&DatasetPage {
        node,
        shell: visit.shell("catalogue"),
        d,
        mine,
        contract,
        more,
        plans,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::samples;

    fn sample(d: DatasetView, more: Published) -> DatasetPage {
        let contract = Contract::read(d.contract.as_ref());
        DatasetPage {
            node: "https://granary.example".to_owned(),
            shell: samples::guest(),
            d,
            mine: false,
            contract,
            more,
            plans: vec![samples::plan()],
        }
    }

    #[test]
    fn a_published_dataset_shows_all_a_buyer_must_know() {
        let more = Published {
            quality: Quality::read(&samples::report()),
            revisions: vec![samples::revision()],
            shares: Some(samples::shares()),
        };
        samples::check(
            &sample(samples::dataset(), more),
            &[
                "id=\"quality\"",
                "class=\"granary-quality\"",
                "<details",
                "dep_delay",
                "-120 to 2000",
                "Harbour Data",
                "61.5384 %",
                "/datasets/flights/buy/",
                "mark enforced",
                "download=\"flights-",
                "--node https://granary.example",
                "9.00 EUR <small>every month",
                "/plans/",
                "Validity",
            ],
        );
    }

    #[test]
    fn a_bare_dataset_says_what_will_be_here() {
        let bare = DatasetView {
            revision: None,
            offers: vec![],
            contract: None,
            ..samples::dataset()
        };
        samples::check(
            &sample(bare, Published::default()),
            &["No revision is published yet", "class=\"empty\""],
        );
    }
}
