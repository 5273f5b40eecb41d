//! `/datasets/{slug}/manage`: the owner's page: contributions, revisions, offers, sales.

use actix_web::web::{Form, Path};
use askama::Template;
use schema::wire::{
    Admission, ContributionState, ContributionView, DatasetPatch, DatasetView, NewOffer,
    NewRevision, OfferMade, OfferView, Page as Listing, PageQuery, RevisionView, SalePreview,
    SaleView,
};
use serde::Deserialize;

use super::chart::Strip;
use super::fail::Wrong;
use super::new_dataset::admission;
use super::shell::{Page, Shell, Visit, see_other, show_form};
use super::{fail, words};
use crate::auth::Actor;
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::flows;
use crate::flows::gates::Gates;

#[derive(Template)]
#[template(path = "manage.html")]
struct Manage {
    shell: Shell,
    d: DatasetView,
    facts: Facts,
    state: State,
}

/// What the owner sees beside the dataset itself.
struct Facts {
    contributions: Listing<ContributionView>,
    revisions: Vec<RevisionView>,
    offers: Vec<OfferView>,
    sales: Listing<SaleView>,
    gates: Gates,
}

/// What was typed and what came of it.
#[derive(Default)]
struct State {
    edit: Option<Edit>,
    note: String,
    price: Price,
    split: Option<SalePreview>,
    wrong: Option<Wrong>,
}

/// The form of title, description and admission.
#[derive(Debug, Clone, Deserialize)]
pub struct Edit {
    title: String,
    description: String,
    admission: String,
    #[serde(default)]
    invite: String,
}

/// The form that publishes.
#[derive(Debug, Deserialize)]
pub struct Note {
    #[serde(default)]
    note: String,
}

/// The form that previews an offer or makes it live.
#[derive(Debug, Default, Deserialize)]
pub struct Price {
    amount: String,
    currency: String,
    template: String,
    #[serde(default, rename = "do")]
    action: String,
}

/// Classes of personal data: name and what it means.
const CLASSES: [(&str, &str); 4] = [
    ("none", "none: invented, public or about things"),
    ("pseudonymous", "pseudonymous: names replaced by codes"),
    ("personal", "personal: about persons who can be named"),
    ("sensitive", "sensitive: special category, or secrets"),
];

/// The term templates on offer: name and what it means.
pub(super) const TEMPLATES: [(&str, &str); 4] = [
    ("open", "Open: any use, attribution"),
    ("research", "Research only"),
    ("commercial-internal", "Commercial, inside one organisation"),
    (
        "commercial-training",
        "Commercial, including training of models",
    ),
];

impl Manage {
    fn edited(&self) -> Edit {
        Edit {
            title: self.d.title.clone(),
            description: self.d.description.clone(),
            admission: match self.d.admission {
                Admission::Owner => "owner",
                Admission::Invited => "invited",
                Admission::Open => "open",
            }
            .to_owned(),
            invite: String::new(),
        }
    }

    fn accepted(&self) -> usize {
        let accepted = |c: &&ContributionView| c.state == ContributionState::Accepted;
        self.facts
            .contributions
            .items
            .iter()
            .filter(accepted)
            .count()
    }

    fn strip(split: &SalePreview) -> Strip {
        let legs = [
            ("Contributors", &split.net),
            ("Commission", &split.commission),
            ("Platform fee", &split.fee),
            ("Tax", &split.tax),
        ];
        Strip::new(
            "Where the price goes; the table holds the numbers",
            legs.map(|(n, a)| (format!("{n} {}", words::money(a)), a.minor)),
        )
    }
}

/// The page.
pub async fn page(visit: Visit, slug: Path<String>) -> Page {
    render(&visit, &slug, State::default()).await
}

/// Changes title, description, admission; invites.
pub async fn edit(visit: Visit, slug: Path<String>, form: Form<Edit>) -> Page {
    let (me, form) = (visit.signed()?, form.into_inner());
    let d = flows::datasets::show(&visit.ctx, Some(me), &slug).await?;
    let done = flows::edit_dataset::run(&visit.ctx, me, d.id, form.patch()).await;
    let state = State {
        edit: Some(form),
        ..State::default()
    };
    finish(&visit, &slug, done, "saved", state).await
}

/// Goes on after what was done, or shows the page with what has to be mended.
async fn finish<T>(
    visit: &Visit,
    slug: &str,
    done: Result<T, Fault>,
    said: &str,
    state: State,
) -> Page {
    match done {
        Ok(_) => Ok(see_other(format!("/datasets/{slug}/manage?done={said}"))),
        Err(fault) => {
            let wrong = Some(Wrong::of(fault)?);
            render(visit, slug, State { wrong, ..state }).await
        }
    }
}

impl Edit {
    fn patch(&self) -> DatasetPatch {
        let handles = self
            .invite
            .split([',', ' ', '\n', '\r'])
            .map(str::trim)
            .filter(|h| !h.is_empty());
        DatasetPatch {
            title: Some(self.title.trim().to_owned()),
            description: Some(self.description.trim().to_owned()),
            admission: Some(admission(&self.admission)),
            invite: handles.map(str::to_owned).collect(),
            ..DatasetPatch::default()
        }
    }
}

/// Declares the licence of the source and classes of personal data. Fields are `license` and
/// `personal:` with the name of a column.
pub async fn declare(visit: Visit, slug: Path<String>, form: Form<Vec<(String, String)>>) -> Page {
    let me = visit.signed()?;
    let d = flows::datasets::show(&visit.ctx, Some(me), &slug).await?;
    let patch = declared(form.into_inner());
    let done = flows::edit_dataset::run(&visit.ctx, me, d.id, patch).await;
    finish(&visit, &slug, done, "saved", State::default()).await
}

/// A choice that was not made declares nothing.
fn declared(fields: Vec<(String, String)>) -> DatasetPatch {
    let mut patch = DatasetPatch::default();
    for (name, value) in fields {
        match name.strip_prefix("personal:") {
            Some(column) if !value.is_empty() => {
                patch.personal.insert(column.to_owned(), value);
            }
            None if name == "license" => patch.license = Some(value),
            _ => {}
        }
    }
    patch
}

/// Publishes the accepted contributions as the next revision.
pub async fn publish(visit: Visit, slug: Path<String>, form: Form<Note>) -> Page {
    let (me, note) = (visit.signed()?, form.into_inner().note);
    let d = flows::datasets::show(&visit.ctx, Some(me), &slug).await?;
    let revision = NewRevision { note: note.clone() };
    let done = flows::publish::run(&visit.ctx, me, d.id, revision).await;
    let state = State {
        note,
        ..State::default()
    };
    finish(&visit, &slug, done, "publishing", state).await
}

/// Shows who would get what of a sale, or makes the offer live.
pub async fn offer(visit: Visit, slug: Path<String>, form: Form<Price>) -> Page {
    let price = form.into_inner();
    let made = price.ask(&visit, &slug).await;
    let split = match &made {
        Ok(made) if made.offer.is_none() => Some(made.split.clone()),
        _ => None,
    };
    let preview = split.is_some();
    let state = State {
        price,
        split,
        ..State::default()
    };
    match preview {
        true => render(&visit, &slug, state).await,
        false => finish(&visit, &slug, made, "offer", state).await,
    }
}

impl Price {
    async fn ask(&self, visit: &Visit, slug: &str) -> Result<OfferMade, Fault> {
        let me = visit.signed()?;
        let d = flows::datasets::show(&visit.ctx, Some(me), slug).await?;
        flows::offer::run(&visit.ctx, me, d.id, self.wire()?).await
    }

    fn wire(&self) -> Result<NewOffer, Fault> {
        Ok(NewOffer {
            price: words::typed_amount("amount", &self.amount, &self.currency)?,
            template: Some(self.template.clone()),
            terms: None,
            dry_run: self.action != "live",
        })
    }
}

impl Facts {
    /// Whether there is anything to publish.
    fn accepted(&self) -> bool {
        let mut states = self.contributions.items.iter().map(|c| c.state);
        states.any(|state| state == ContributionState::Accepted)
    }

    async fn load(ctx: &Ctx, me: &Actor, d: &DatasetView) -> Result<Self, Fault> {
        let latest = || PageQuery {
            cursor: None,
            limit: Some(50),
        };
        Ok(Self {
            contributions: flows::contributions::list(ctx, me, d.id, latest()).await?,
            revisions: flows::revisions::list(ctx, Some(me), d.id, latest())
                .await?
                .items,
            offers: flows::offers::list(ctx, Some(me), d.id).await?.items,
            sales: flows::sales::list(ctx, me, d.id, latest()).await?,
            gates: flows::gates::show(ctx, me, d.id).await?,
        })
    }
}

async fn render(visit: &Visit, slug: &str, state: State) -> Page {
    let me = visit.signed()?;
    let d = flows::datasets::show(&visit.ctx, Some(me), slug).await?;
    let facts = Facts::load(&visit.ctx, me, &d).await?;
    let untouched = state.split.is_none() && state.wrong.is_none();
    let composing = facts.revisions.iter().any(|r| r.state == "composing");
    let shell = visit.shell_waiting("datasets", composing && untouched);
    let page = Manage {
        shell,
        d,
        facts,
        state,
    };
    show_form(&page, page.state.wrong.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flows::gates::Declared;
    use crate::portal::samples;

    fn sample(state: State) -> Manage {
        let facts = Facts {
            contributions: Listing {
                items: vec![samples::contribution(), samples::refused()],
                next: None,
            },
            revisions: vec![samples::revision()],
            offers: vec![samples::offer()],
            sales: Listing {
                items: vec![samples::sale()],
                next: None,
            },
            gates: Gates {
                license: None,
                columns: vec![Declared {
                    column: "pilot".to_owned(),
                    class: None,
                    found: vec!["names of persons".to_owned()],
                }],
                closed: Some("The contract does not say under which licence.".to_owned()),
            },
        };
        Manage {
            shell: samples::member(),
            d: samples::dataset(),
            facts,
            state,
        }
    }

    #[test]
    fn shows_contributions_revisions_offers_and_buyers() {
        samples::check(
            &sample(State::default()),
            &[
                "id=\"sales\"",
                "Bo Buyer",
                "name=\"note\"",
                "name=\"amount\"",
                "value=\"preview\"",
                "missing_column",
                "name=\"license\"",
                "name=\"personal:pilot\"",
                "names of persons",
                "under which licence",
            ],
        );
    }

    #[test]
    fn a_preview_shows_the_split_before_anything_goes_live() {
        let price = Price {
            amount: "19.90".into(),
            currency: "EUR".into(),
            template: "research".into(),
            action: "preview".into(),
        };
        let state = State {
            price,
            split: Some(samples::split()),
            ..State::default()
        };
        samples::check(
            &sample(state),
            &[
                "value=\"19.90\"",
                "value=\"live\"",
                "Harbour Data",
                "11.02 EUR",
                "selected",
            ],
        );
    }

    #[test]
    fn only_what_was_chosen_is_declared() {
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let patch = declared(vec![
            field("license", "CC0-1.0"),
            field("personal:a b", "none"),
            field("personal:c", ""),
            field("other", "x"),
        ]);
        assert_eq!(patch.license.as_deref(), Some("CC0-1.0"));
        assert_eq!(patch.personal.len(), 1);
        assert_eq!(patch.personal["a b"], "none");
    }

    #[test]
    fn invitations_are_read_one_by_one() {
        let edit = Edit {
            title: " T ".into(),
            description: String::new(),
            admission: "invited".into(),
            invite: "ann, bo\ncy".into(),
        };
        assert_eq!(edit.patch().invite, ["ann", "bo", "cy"]);
        assert_eq!(edit.patch().title.as_deref(), Some("T"));
    }
}
