//! `/plans/{id}`, `/subscriptions`, `/operator/subscriptions`, `/datasets/{slug}/plan`:
//! datasets by the month, quarter or year.

use actix_web::web::{Form, Path, Query};
use askama::Template;
use schema::wire::{
    Amount, NewPlan, NewSubscription, NewTermRefund, Page as Listing, PageQuery, PlanView,
    SubscriptionView,
};
use serde::Deserialize;
use uuid::Uuid;

use super::fail::Wrong;
use super::shell::{Page, Shell, Turn, Visit, see_other, show, show_form};
use super::{fail, words};
use crate::error::Fault;
use crate::flows;

#[derive(Template)]
#[template(path = "plan.html")]
struct Plan {
    shell: Shell,
    plan: PlanView,
    key: String,
    wrong: Option<Wrong>,
}

#[derive(Template)]
#[template(path = "subscriptions.html")]
struct Subscriptions {
    shell: Shell,
    list: Listing<SubscriptionView>,
    /// The operator's view: everybody's, with the form that gives unused days back.
    all: bool,
    key: String,
    wrong: Option<Wrong>,
}

#[derive(Template)]
#[template(path = "new_plan.html")]
struct NewPlanPage {
    shell: Shell,
    slug: String,
    typed: Typed,
    wrong: Option<Wrong>,
}

/// The form of a plan.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Typed {
    amount: String,
    currency: String,
    every: String,
    template: String,
    with: String,
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

/// Giving unused days back.
#[derive(Debug, Deserialize)]
pub struct GiveBack {
    key: String,
    reason: String,
}

/// A plan, with the form that subscribes.
pub async fn plan(visit: Visit, id: Path<Uuid>) -> Page {
    let key = visit.form_key().to_string();
    plan_page(&visit, *id, key, None).await
}

async fn plan_page(visit: &Visit, id: Uuid, key: String, wrong: Option<Wrong>) -> Page {
    let page = Plan {
        shell: visit.shell("catalogue"),
        plan: flows::plans::show(&visit.ctx, visit.who.as_ref(), id).await?,
        key,
        wrong,
    };
    show_form(&page, page.wrong.as_ref())
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
        Ok(_) => Ok(see_other("/subscriptions?done=subscribed".to_owned())),
        Err(fault) => plan_page(&visit, *id, form.key, Some(Wrong::of(fault)?)).await,
    }
}

/// The caller's subscriptions.
pub async fn mine(visit: Visit, turn: Query<Turn>) -> Page {
    list(&visit, false, turn.into_inner().into(), None).await
}

/// Everybody's, for operators.
pub async fn everybodys(visit: Visit, turn: Query<Turn>) -> Page {
    list(&visit, true, turn.into_inner().into(), None).await
}

async fn list(visit: &Visit, all: bool, query: PageQuery, wrong: Option<Wrong>) -> Page {
    let list = flows::subscribe::list(&visit.ctx, visit.signed()?, all, query).await?;
    let page = Subscriptions {
        shell: visit.shell(if all { "operator" } else { "licences" }),
        list,
        all,
        key: visit.form_key().to_string(),
        wrong,
    };
    show_form(&page, page.wrong.as_ref())
}

/// Cancels at the end of the paid term.
pub async fn cancel(visit: Visit, id: Path<Uuid>) -> Page {
    change(&visit, *id, true).await
}

/// Takes that back.
pub async fn resume(visit: Visit, id: Path<Uuid>) -> Page {
    change(&visit, *id, false).await
}

async fn change(visit: &Visit, id: Uuid, cancel: bool) -> Page {
    match flows::subscribe::cancel(&visit.ctx, visit.signed()?, id, cancel).await {
        Ok(_) => Ok(see_other("/subscriptions?done=saved".to_owned())),
        Err(fault) => {
            let wrong = Wrong::of(fault)?;
            list(visit, false, super::shell::most(), Some(wrong)).await
        }
    }
}

/// Gives unused days back.
pub async fn give_back(visit: Visit, id: Path<Uuid>, form: Form<GiveBack>) -> Page {
    let (me, form) = (visit.signed()?, form.into_inner());
    let new = NewTermRefund {
        reason: form.reason,
    };
    match flows::subscribe::give_back(&visit.ctx, me, &form.key, *id, new).await {
        Ok(_) => Ok(see_other("/operator/subscriptions?done=days-back".to_owned())),
        Err(fault) => {
            let wrong = Wrong::of(fault)?;
            list(&visit, true, super::shell::most(), Some(wrong)).await
        }
    }
}

/// The form of a new plan.
pub async fn form(visit: Visit, slug: Path<String>) -> Page {
    let me = visit.signed()?;
    let d = flows::datasets::show(&visit.ctx, Some(me), &slug).await?;
    show(&NewPlanPage {
        shell: visit.shell("datasets"),
        slug: d.slug,
        typed: Typed::default(),
        wrong: None,
    })
}

/// Makes a plan.
pub async fn make(visit: Visit, slug: Path<String>, form: Form<Typed>) -> Page {
    let (me, typed) = (visit.signed()?, form.into_inner());
    let made = match wire(&visit, &slug, &typed).await {
        Ok(new) => flows::plans::make(&visit.ctx, me, new).await,
        Err(fault) => Err(fault),
    };
    match made {
        Ok(plan) => Ok(see_other(format!("/plans/{}?done=plan", plan.id))),
        Err(fault) => {
            let page = NewPlanPage {
                shell: visit.shell("datasets"),
                slug: slug.into_inner(),
                typed,
                wrong: Some(Wrong::of(fault)?),
            };
            show_form(&page, page.wrong.as_ref())
        }
    }
}

async fn wire(visit: &Visit, slug: &str, typed: &Typed) -> Result<NewPlan, Fault> {
    let names = typed.with.split([',', ' ']).map(str::trim);
    let mut datasets = Vec::new();
    for name in [slug].into_iter().chain(names.filter(|name| !name.is_empty())) {
        let d = flows::datasets::show(&visit.ctx, visit.who.as_ref(), name).await;
        let d = d.map_err(|_| Fault::invalid("with", format!("There is no dataset {name:?}.")))?;
        datasets.push(d.id);
    }
    Ok(NewPlan {
        datasets,
        title: None,
        every: typed.every.clone(),
        price: words::typed_amount("amount", &typed.amount, &typed.currency)?,
        template: Some(typed.template.clone()),
        terms: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::samples;

    fn amount(minor: i64) -> Amount {
        Amount {
            minor,
            currency: "EUR".to_owned(),
        }
    }

    fn subscription(state: &str) -> SubscriptionView {
        let at = chrono::DateTime::UNIX_EPOCH;
        SubscriptionView {
            id: Uuid::from_u128(1),
            subscriber: samples::dataset().owner,
            plan_id: Uuid::from_u128(2),
            title: "Weather".to_owned(),
            every: "month".to_owned(),
            price: amount(900),
            state: state.to_owned(),
            ends_at: at,
            next_charge_at: (state == "active").then_some(at),
            grace_until: None,
            cancelled_at: None,
            ended_at: None,
            ended_reason: None,
            terms: vec![schema::wire::TermView {
                id: Uuid::from_u128(3),
                number: 1,
                starts_at: at,
                ends_at: at,
                days: 31,
                gross: amount(900),
                fee: amount(90),
                tax: amount(0),
                net: amount(810),
                earned_days: 10,
                earned: amount(261),
                deferred: amount(549),
                refunded: amount(0),
                refund_reason: None,
                entry: "EUR/4".to_owned(),
                licences: vec![Uuid::from_u128(4)],
            }],
            created_at: at,
        }
    }

    fn page(all: bool, items: Vec<SubscriptionView>) -> Subscriptions {
        Subscriptions {
            shell: samples::member(),
            list: Listing { items, next: None },
            all,
            key: "k".to_owned(),
            wrong: None,
        }
    }

    #[test]
    fn a_subscriber_sees_charges_and_cancels() {
        let html = samples::check(
            &page(false, vec![subscription("active")]),
            &["5.49 EUR", "10 of 31", "Cancel at the end", "/licences/"],
        );
        assert!(!html.contains("Give unused days back"));
        let html = samples::check(&page(false, vec![subscription("lapsed")]), &["lapsed"]);
        assert!(!html.contains("Cancel at the end"));
        samples::check(&page(false, vec![]), &["class=\"empty\""]);
    }

    #[test]
    fn an_operator_gives_unused_days_back() {
        samples::check(
            &page(true, vec![subscription("active")]),
            &["Give unused days back", "name=\"reason\""],
        );
    }
}
