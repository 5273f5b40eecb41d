//! subscribe, subscription; offer --every.

use schema::wire::{
    DatasetView, NewPlan, NewSubscription, NewTermRefund, PlanView, SubscriptionView,
    TermRefundRequest,
};
use serde_json::Value;
use uuid::Uuid;

use super::amount::show;
use super::args::{Offer, Subscribe, Subscription, SubscriptionAction};
use super::consume::clauses;
use super::stop::{Exit, Outcome, Stop};
use super::table::Table;
use super::{ask, print_json, print_text, settings};
use crate::client::Client;

/// `granary offer --every`: a plan instead of an offer.
pub async fn offer(
    args: &Offer,
    client: &Client,
    dataset: &DatasetView,
    every: &str,
    terms: Option<Value>,
) -> Outcome {
    let mut datasets = vec![dataset.id];
    for name in &args.with {
        datasets.push(client.dataset(name).await?.id);
    }
    let new = NewPlan {
        datasets,
        title: args.title.clone(),
        every: every.to_owned(),
        price: args.price.amount(),
        template: terms.is_none().then(|| args.template.clone()),
        terms,
    };
    if !args.yes {
        ask::confirm(&format!(
            "Sell {} of your datasets for {} every {every}? Its income goes, day by day, to the \
             contributors of what each subscriber uses.",
            new.datasets.len(),
            show(&new.price)
        ))?;
    }
    let plan = client.make_plan(&new).await?;
    match args.print.json {
        true => print_json(&plan),
        false => print_text(&format!("On sale.\n\n{}", plan_text(&plan))),
    }
}

fn plan_text(plan: &PlanView) -> String {
    let mut table = Table::pairs();
    table.row(["plan".to_owned(), plan.id.to_string()]);
    table.row(["title".to_owned(), plan.title.clone()]);
    table.row([
        "price".to_owned(),
        format!("{} every {}", show(&plan.price), plan.every),
    ]);
    for item in &plan.datasets {
        table.row(["covers".to_owned(), item.dataset.clone()]);
    }
    table.to_string()
}

pub async fn subscribe(args: &Subscribe) -> Outcome {
    let client = settings::party(&args.remote)?;
    let dataset = client.dataset(&args.dataset).await?;
    let plans = client.plans(Some(dataset.id)).await?;
    let plan = choose(&plans, args.plan)?;
    if !args.yes {
        print_text(&format!(
            "{}\n{}\n",
            plan_text(plan),
            clauses(&plan.clauses)
        ))?;
        ask::confirm(&format!(
            "Pay {} now and every {}, until you cancel?",
            show(&plan.price),
            plan.every
        ))?;
    }
    let new = NewSubscription {
        plan_id: plan.id,
        terms_sha256: plan.terms_sha256.clone(),
        price: plan.price.clone(),
    };
    let key = ask::once(args.once.as_deref());
    let made = client.subscribe(&key, &new).await?;
    match args.print.json {
        true => print_json(&made),
        false => print_text(&text(&made)),
    }
}

fn choose(plans: &[PlanView], wanted: Option<Uuid>) -> Outcome<&PlanView> {
    let found = match (wanted, plans) {
        (Some(id), plans) => plans.iter().find(|plan| plan.id == id),
        (None, [only]) => Some(only),
        (None, []) => None,
        (None, several) => {
            let listed: Vec<String> = several
                .iter()
                .map(|plan| {
                    format!(
                        "  --plan {}  {} every {}",
                        plan.id,
                        show(&plan.price),
                        plan.every
                    )
                })
                .collect();
            let words = format!(
                "there are several plans, choose one:\n{}",
                listed.join("\n")
            );
            return Err(Stop::new(Exit::Usage, words));
        }
    };
    found.ok_or_else(|| Stop::new(Exit::Refused, "no plan covers this dataset"))
}

pub async fn subscription(args: Subscription) -> Outcome {
    use SubscriptionAction::{List, Plans, Retire, Run};
    match args.action {
        List {
            sold,
            all,
            print,
            remote,
        } => list(&settings::party(&remote)?, (sold, all), print.json).await,
        Plans {
            dataset,
            mine,
            print,
            remote,
        } => {
            let found = match (mine, dataset) {
                (true, _) => settings::party(&remote)?.my_plans().await?,
                (false, None) => settings::visitor(&remote)?.plans(None).await?,
                (false, Some(name)) => {
                    let client = settings::visitor(&remote)?;
                    client.plans(Some(client.dataset(&name).await?.id)).await?
                }
            };
            plans(&found, print.json)
        }
        Retire { plan, remote } => {
            settings::party(&remote)?.retire_plan(plan).await?;
            print_text("Retired: nobody subscribes any more, running terms end by themselves.\n")
        }
        Run { print, remote } => {
            let done = settings::party(&remote)?.run_subscriptions().await?;
            if print.json {
                return print_json(&done);
            }
            print_text(&format!(
                "{} terms earned, {} renewed, {} past due, {} ended\n",
                done.earned, done.renewed, done.past_due, done.ended
            ))
        }
        other => one(other).await,
    }
}

/// What is done with one subscription.
async fn one(action: SubscriptionAction) -> Outcome {
    use SubscriptionAction::{Ask, Cancel, Refund, Resume, Show};
    let (one, print) = match action {
        Show { id, print, remote } => (settings::party(&remote)?.subscription(id).await?, print),
        Cancel { id, print, remote } => (
            settings::party(&remote)?.cancel_subscription(id).await?,
            print,
        ),
        Resume { id, print, remote } => (
            settings::party(&remote)?.resume_subscription(id).await?,
            print,
        ),
        Ask {
            id,
            reason,
            print,
            remote,
        } => {
            let client = settings::party(&remote)?;
            let new = TermRefundRequest { reason };
            (client.ask_subscription_refund(id, &new).await?, print)
        }
        Refund {
            id,
            reason,
            once,
            print,
            remote,
        } => {
            let key = ask::once(once.as_deref());
            let client = settings::party(&remote)?;
            let done = client
                .refund_subscription(id, &key, &NewTermRefund { reason })
                .await?;
            (done, print)
        }
        _ => return Err(Stop::new(Exit::Usage, "this is no act on one subscription")),
    };
    match print.json {
        true => print_json(&one),
        false => print_text(&text(&one)),
    }
}

async fn list(client: &Client, (sold, all): (bool, bool), json: bool) -> Outcome {
    let found = match (sold, all) {
        (_, true) => client.all_subscriptions().await?,
        (true, false) => client.sold_subscriptions().await?,
        (false, false) => client.subscriptions().await?,
    };
    if json {
        return print_json(&found);
    }
    if found.is_empty() {
        return print_text("No subscription yet.\n");
    }
    let mut table = Table::new(&[
        "subscription",
        "who",
        "state",
        "paid until",
        ">price",
        "every",
        "title",
    ]);
    for one in &found {
        table.row([
            one.id.to_string(),
            one.subscriber.handle.clone(),
            one.state.clone(),
            one.ends_at.format("%Y-%m-%d").to_string(),
            show(&one.price),
            one.every.clone(),
            one.title.clone(),
        ]);
    }
    print_text(&table.to_string())
}

fn plans(found: &[PlanView], json: bool) -> Outcome {
    if json {
        return print_json(&found);
    }
    if found.is_empty() {
        return print_text("Nothing can be subscribed to.\n");
    }
    for plan in found {
        print_text(&format!("{}\n", plan_text(plan)))?;
    }
    Ok(())
}

/// A subscription in words and figures.
fn text(one: &SubscriptionView) -> String {
    let day = |at: chrono::DateTime<chrono::Utc>| at.format("%Y-%m-%d %H:%M").to_string();
    let mut head = Table::pairs();
    head.row(["subscription".to_owned(), one.id.to_string()]);
    head.row([
        "plan".to_owned(),
        format!("{}, {} every {}", one.title, show(&one.price), one.every),
    ]);
    head.row(["state".to_owned(), one.state.clone()]);
    head.row(["paid until".to_owned(), day(one.ends_at)]);
    let lines = [
        ("next charge", one.next_charge_at.map(day)),
        ("tried until", one.grace_until.map(day)),
        ("cancelled", one.cancelled_at.map(day)),
        ("ended", one.ended_at.map(day)),
        ("because", one.ended_reason.clone()),
        ("unused now", one.unused.as_ref().map(show)),
        ("asked back", one.refund_asked_at.map(day)),
        ("asked because", one.refund_asked_reason.clone()),
    ];
    for (name, value) in lines {
        if let Some(value) = value {
            head.row([name.to_owned(), value]);
        }
    }
    let mut terms = Table::new(&[
        ">term",
        "from",
        ">days",
        ">charged",
        ">net",
        ">earned days",
        ">earned",
        ">deferred",
        ">days used",
        ">rows used",
        ">given back",
    ]);
    for term in &one.terms {
        terms.row([
            term.number.to_string(),
            term.starts_at.format("%Y-%m-%d").to_string(),
            term.days.to_string(),
            show(&term.gross),
            show(&term.net),
            term.earned_days.to_string(),
            show(&term.earned),
            show(&term.deferred),
            term.used_days.to_string(),
            term.used_rows.to_string(),
            show(&term.refunded),
        ]);
    }
    let mut licences = String::new();
    for id in one.terms.first().iter().flat_map(|term| &term.licences) {
        licences.push_str(&format!("granary download {id}\n"));
    }
    format!("{head}\n{terms}\n{licences}")
}
