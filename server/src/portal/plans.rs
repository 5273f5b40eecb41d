//! `/plans/{id}`, `/my/plans`, `/my/plans/new`: datasets by the month, quarter or year, as they
//! are offered.

use actix_web::web::{Form, Path, Query};
use askama::Template;
use schema::wire::{
    Amount, DatasetView, NewPlan, NewSubscription, Page as Listing, PlanQuery, PlanView,
    SubscriptionView, WalletView,
};
use serde::Deserialize;
use uuid::Uuid;

use super::fail::Wrong;
use super::manage::TEMPLATES;
use super::shell::{Page, Shell, Turn, Visit, most, see_other, show, show_form};
use super::{fail, subscriptions, words};
use crate::error::Fault;
use crate::flows;
use crate::flows::subscribe::Which;

#[derive(Template)]
#[template(path = "plan.html")]
struct Plan {
    shell: Shell,
    plan: PlanView,
    /// What the viewer may do with it.
    viewer: Viewer,
    key: String,
    wrong: Option<Wrong>,
}

enum Viewer {
    Guest,
    /// The owner.
    Owner,
    /// Somebody who subscribes already.
    Subscriber(Uuid),
    /// Somebody who may subscribe, and what their wallet holds.
    Customer(Amount),
}

#[derive(Template)]
#[template(path = "my_plans.html")]
struct MyPlans {
    shell: Shell,
    plans: Vec<PlanView>,
    list: Listing<SubscriptionView>,
}

#[derive(Template)]
#[template(path = "new_plan.html")]
struct NewPlanPage {
    shell: Shell,
    choices: Vec<Choice>,
    typed: Typed,
    wrong: Option<Wrong>,
}

/// A dataset of the caller's that a plan may cover, or why it may not.
struct Choice {
    slug: String,
    title: String,
    note: String,
    possible: bool,
}

/// The form of a plan.
#[derive(Debug, Default)]
struct Typed {
    title: String,
    amount: String,
    currency: String,
    every: String,
    template: String,
    datasets: Vec<String>,
}

/// Where the form begins.
#[derive(Debug, Deserialize)]
pub struct Start {
    dataset: Option<String>,
}

/// Accepting a plan. Terms and price repeat what was read.
#[derive(Debug, Deserialize)]
pub struct Accepted {
    key: String,
    terms_sha256: String,
    minor: i64,
    currency: String,
    accept: Option<String>,
}

impl Plan {
    /// What the wallet lacks for the first term.
    fn missing(&self, held: &Amount) -> Option<Amount> {
        let minor = self.plan.price.minor.saturating_sub(held.minor);
        (minor > 0).then(|| Amount {
            minor,
            currency: held.currency.clone(),
        })
    }
}

impl Choice {
    fn of(d: &DatasetView) -> Self {
        let list = words::from_price(&d.offers);
        let (possible, note) = match (&d.revision, d.commission_bps) {
            (None, _) => (false, "nothing is published yet".to_owned()),
            (Some(_), 1..) => (
                false,
                format!(
                    "you take a commission of {}, and a subscription has none",
                    words::bps(&d.commission_bps)
                ),
            ),
            (Some(_), 0) => match list {
                Some(price) => (true, format!("list price {price}")),
                None => (true, "no list price: no part of unused days".to_owned()),
            },
        };
        Self {
            slug: d.slug.clone(),
            title: d.title.clone(),
            note,
            possible,
        }
    }
}

impl Typed {
    fn read(fields: Vec<(String, String)>) -> Self {
        let mut typed = Self::default();
        for (name, value) in fields {
            match &*name {
                "title" => typed.title = value,
                "amount" => typed.amount = value,
                "currency" => typed.currency = value,
                "every" => typed.every = value,
                "template" => typed.template = value,
                "dataset" => typed.datasets.push(value),
                _ => {}
            }
        }
        typed
    }

    fn wire(&self, mine: &[DatasetView]) -> Result<NewPlan, Fault> {
        let chosen = mine.iter().filter(|d| self.datasets.contains(&d.slug));
        let title = self.title.trim();
        Ok(NewPlan {
            datasets: chosen.map(|d| d.id).collect(),
            title: (!title.is_empty()).then(|| title.to_owned()),
            every: self.every.clone(),
            price: words::typed_amount("amount", &self.amount, &self.currency)?,
            template: Some(self.template.clone()),
            terms: None,
        })
    }
}

/// A plan, with the form that subscribes.
pub async fn page(visit: Visit, id: Path<Uuid>) -> Page {
    let key = visit.form_key().to_string();
    render(&visit, *id, key, None).await
}

async fn render(visit: &Visit, id: Uuid, key: String, wrong: Option<Wrong>) -> Page {
    let plan = flows::plans::show(&visit.ctx, visit.who.as_ref(), id).await?;
    let page = Plan {
        shell: visit.shell("catalogue"),
        viewer: viewer(visit, &plan).await?,
        plan,
        key,
        wrong,
    };
    show_form(&page, page.wrong.as_ref())
}

async fn viewer(visit: &Visit, plan: &PlanView) -> Result<Viewer, Fault> {
    let Some(me) = &visit.who else {
        return Ok(Viewer::Guest);
    };
    if me.party == plan.owner.id {
        return Ok(Viewer::Owner);
    }
    let mine = flows::subscribe::list(&visit.ctx, me, Which::Mine, most()).await?;
    let mut running = mine.items.iter().filter(|s| subscriptions::runs(s));
    if let Some(one) = running.find(|s| s.plan_id == plan.id) {
        return Ok(Viewer::Subscriber(one.id));
    }
    let wallet = flows::wallet::show(&visit.ctx, me).await?;
    Ok(Viewer::Customer(held(wallet, &plan.price.currency)))
}

fn held(wallet: WalletView, currency: &str) -> Amount {
    let found = wallet.balances.into_iter().find(|b| b.currency == currency);
    found.unwrap_or_else(|| Amount {
        minor: 0,
        currency: currency.to_owned(),
    })
}

/// Subscribes, from the wallet.
pub async fn subscribe(visit: Visit, id: Path<Uuid>, form: Form<Accepted>) -> Page {
    const UNTICKED: &str = "Tick that you accept the terms; without that nothing is charged.";
    let (me, form) = (visit.signed()?, form.into_inner());
    let new = NewSubscription {
        plan_id: *id,
        terms_sha256: form.terms_sha256,
        price: Amount {
            minor: form.minor,
            currency: form.currency,
        },
    };
    let made = match form.accept {
        Some(_) => flows::subscribe::run(&visit.ctx, me, &form.key, new).await,
        None => Err(Fault::invalid("accept", UNTICKED)),
    };
    match made {
        Ok(made) => Ok(see_other(format!(
            "/subscriptions/{}?done=subscribed",
            made.id
        ))),
        Err(fault) => render(&visit, *id, form.key, Some(Wrong::of(fault)?)).await,
    }
}

/// Takes a plan off the market.
pub async fn retire(visit: Visit, id: Path<Uuid>) -> Page {
    flows::plans::retire(&visit.ctx, visit.signed()?, *id).await?;
    Ok(see_other("/my/plans?done=plan-retired"))
}

/// The caller's plans, and who subscribes to them.
pub async fn mine(visit: Visit, turn: Query<Turn>) -> Page {
    let me = visit.signed()?;
    let query = PlanQuery {
        dataset: None,
        mine: true,
    };
    let plans = flows::plans::list(&visit.ctx, Some(me), query).await?;
    let turn = turn.into_inner().into();
    show(&MyPlans {
        shell: visit.shell("datasets"),
        plans: plans.items,
        list: flows::subscribe::list(&visit.ctx, me, Which::Sold, turn).await?,
    })
}

/// The form of a new plan.
pub async fn form(visit: Visit, start: Query<Start>) -> Page {
    let typed = Typed {
        datasets: start.into_inner().dataset.into_iter().collect(),
        ..Typed::default()
    };
    show_new(&visit, &own(&visit).await?, typed, None)
}

/// Makes a plan.
pub async fn make(visit: Visit, form: Form<Vec<(String, String)>>) -> Page {
    let (me, typed) = (visit.signed()?, Typed::read(form.into_inner()));
    let own = own(&visit).await?;
    let made = match typed.wire(&own) {
        Ok(new) => flows::plans::make(&visit.ctx, me, new).await,
        Err(fault) => Err(fault),
    };
    match made {
        Ok(plan) => Ok(see_other(format!("/plans/{}?done=plan", plan.id))),
        Err(fault) => show_new(&visit, &own, typed, Some(Wrong::of(fault)?)),
    }
}

/// The caller's datasets that are on the market.
async fn own(visit: &Visit) -> Result<Vec<DatasetView>, Fault> {
    let mine = flows::datasets::mine(&visit.ctx, visit.signed()?, most()).await?;
    Ok(mine
        .items
        .into_iter()
        .filter(|d| d.state == "open")
        .collect())
}

fn show_new(visit: &Visit, own: &[DatasetView], typed: Typed, wrong: Option<Wrong>) -> Page {
    let page = NewPlanPage {
        shell: visit.shell("datasets"),
        choices: own.iter().map(Choice::of).collect(),
        typed,
        wrong,
    };
    show_form(&page, page.wrong.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::samples;

    fn sample(viewer: Viewer) -> Plan {
        Plan {
            shell: samples::member(),
            plan: samples::plan(),
            viewer,
            key: "k".to_owned(),
            wrong: None,
        }
    }

    fn eur(minor: i64) -> Amount {
        Amount {
            minor,
            currency: "EUR".to_owned(),
        }
    }

    #[test]
    fn a_plan_is_read_before_it_is_paid() {
        let html = samples::check(
            &sample(Viewer::Customer(eur(5000))),
            &[
                "Weather of New York",
                "mark promised",
                "name=\"terms_sha256\"",
                "name=\"key\" value=\"k\"",
                "name=\"accept\"",
                "Subscribe for 9.00 EUR",
                "until you cancel",
            ],
        );
        assert!(!html.contains("/retire"));
        let html = samples::check(
            &sample(Viewer::Customer(eur(5))),
            &["8.95 EUR are missing", "/wallet"],
        );
        assert!(!html.contains("Subscribe for"));
        samples::check(&sample(Viewer::Guest), &["/sign-in?next=/plans/"]);
    }

    #[test]
    fn nobody_is_offered_what_they_have() {
        let id = Uuid::from_u128(7);
        let html = samples::check(
            &sample(Viewer::Subscriber(id)),
            &["You subscribe to this", &format!("/subscriptions/{id}")],
        );
        assert!(!html.contains("Subscribe for"));
        let html = samples::check(&sample(Viewer::Owner), &["/retire", "/my/plans"]);
        assert!(!html.contains("Subscribe for"));
    }

    #[test]
    fn an_owner_sees_plans_and_subscribers() {
        let plan = PlanView {
            subscribers: Some(2),
            ..samples::plan()
        };
        let mut asked = samples::subscription("active");
        asked.refund_asked_at = Some(samples::at(3));
        let page = MyPlans {
            shell: samples::member(),
            plans: vec![plan],
            list: Listing {
                items: vec![asked],
                next: None,
            },
        };
        samples::check(
            &page,
            &["9.00 EUR", "Bo Buyer", "asked back", "/my/plans/new"],
        );
        let page = MyPlans {
            plans: vec![],
            list: Listing {
                items: vec![],
                next: None,
            },
            ..page
        };
        samples::check(&page, &["class=\"empty\""]);
    }

    #[test]
    fn the_form_offers_what_a_plan_may_cover() {
        let bare = DatasetView {
            revision: None,
            slug: "bare".to_owned(),
            ..samples::dataset()
        };
        let free = DatasetView {
            commission_bps: 0,
            slug: "free".to_owned(),
            ..samples::dataset()
        };
        let own = [samples::dataset(), bare, free];
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let typed = Typed::read(vec![
            field("title", " Both "),
            field("amount", "9"),
            field("currency", "EUR"),
            field("every", "year"),
            field("dataset", "free"),
            field("dataset", "foreign"),
        ]);
        let new = typed.wire(&own).unwrap();
        assert_eq!((new.datasets.len(), new.price), (1, eur(900)));
        assert_eq!(new.title.as_deref(), Some("Both"));
        let page = NewPlanPage {
            shell: samples::member(),
            choices: own.iter().map(Choice::of).collect(),
            typed,
            wrong: Some(samples::wrong("datasets", "Name 1 to 50 datasets.")),
        };
        let html = samples::check(
            &page,
            &[
                "a commission of 2.5 %",
                "nothing is published yet",
                "list price 19.90 EUR",
                "Name 1 to 50 datasets.",
                "<option selected>year",
            ],
        );
        assert_eq!(html.matches(" disabled").count(), 2);
        assert_eq!(html.matches(" checked").count(), 1);
    }
}
