//! `/subscriptions`, `/subscriptions/{id}`, `/operator/subscriptions`: what somebody gets by the
//! month, quarter or year.

use actix_web::web::{Form, Path, Query};
use askama::Template;
use schema::wire::{
    NewTermRefund, Page as Listing, PageQuery, SubscriptionView, TermRefundRequest, TermView,
};
use serde::Deserialize;
use uuid::Uuid;

use super::chart::Strip;
use super::fail::Wrong;
use super::shell::{Page, Shell, Turn, Visit, see_other, show, show_form};
use super::{fail, words};
use crate::error::Fault;
use crate::flows;
use crate::flows::subscribe::Which;

#[derive(Template)]
#[template(path = "subscriptions.html")]
struct Subscriptions {
    shell: Shell,
    list: Listing<SubscriptionView>,
    /// The operator's view: everybody's.
    all: bool,
}

#[derive(Template)]
#[template(path = "subscription.html")]
struct Subscription {
    shell: Shell,
    s: SubscriptionView,
    /// Whether the subscriber looks at it.
    mine: bool,
    /// Whether the viewer may give unused days back.
    may_give: bool,
    key: String,
    reason: String,
    wrong: Option<Wrong>,
}

/// Giving unused days back.
#[derive(Debug, Deserialize)]
pub struct GiveBack {
    key: String,
    reason: String,
}

/// Asking for them.
#[derive(Debug, Deserialize)]
pub struct Ask {
    reason: String,
}

/// Whether it may still be charged.
pub fn runs(s: &SubscriptionView) -> bool {
    ["active", "past_due"].contains(&&*s.state)
}

/// Look and word of how a subscription stands.
pub fn standing(s: &SubscriptionView) -> (&'static str, &'static str) {
    match &*s.state {
        "active" if s.refund_asked_at.is_some() => ("wait", "asked back"),
        "active" if s.cancelled_at.is_some() => ("wait", "cancelled, still paid"),
        "active" => ("good", "active"),
        "past_due" => ("wait", "payment missing"),
        "lapsed" => ("bad", "lapsed"),
        "refunded" => ("plain", "given back"),
        _ => ("plain", "ended"),
    }
}

impl Subscription {
    fn latest(&self) -> Option<&TermView> {
        self.s.terms.first()
    }

    /// Whether there is anything that could go back.
    fn something_unused(&self) -> bool {
        self.s.unused.as_ref().is_some_and(|left| left.minor > 0)
    }

    /// Where the charge of a term is now.
    fn strip(t: &TermView) -> Strip {
        let legs = [
            ("Earned by contributors", &t.earned),
            ("Not earned yet", &t.deferred),
            ("Given back", &t.refunded),
        ];
        Strip::new(
            "Where the charge is now; the table holds the numbers",
            legs.map(|(name, a)| (format!("{name} {}", words::money(a)), a.minor)),
        )
    }
}

/// The caller's subscriptions.
pub async fn mine(visit: Visit, turn: Query<Turn>) -> Page {
    list(&visit, false, turn.into_inner().into()).await
}

/// Everybody's, for operators.
pub async fn everybodys(visit: Visit, turn: Query<Turn>) -> Page {
    list(&visit, true, turn.into_inner().into()).await
}

async fn list(visit: &Visit, all: bool, query: PageQuery) -> Page {
    let which = if all { Which::All } else { Which::Mine };
    show(&Subscriptions {
        list: flows::subscribe::list(&visit.ctx, visit.signed()?, which, query).await?,
        shell: visit.shell(if all { "operator" } else { "licences" }),
        all,
    })
}

/// One subscription, for its subscriber, the plan's owner and operators.
pub async fn page(visit: Visit, id: Path<Uuid>) -> Page {
    let key = visit.form_key().to_string();
    render(&visit, *id, (key, String::new()), None).await
}

async fn render(
    visit: &Visit,
    id: Uuid,
    (key, reason): (String, String),
    wrong: Option<Wrong>,
) -> Page {
    let me = visit.signed()?;
    let s = flows::subscribe::show(&visit.ctx, me, id).await?;
    let mine = s.subscriber.id == me.party;
    let may_give = me.operator || s.owner.id == me.party;
    let place = match (mine, s.owner.id == me.party) {
        (true, _) => "licences",
        (false, true) => "datasets",
        (false, false) => "operator",
    };
    let page = Subscription {
        shell: visit.shell(place),
        s,
        mine,
        may_give,
        key,
        reason,
        wrong,
    };
    show_form(&page, page.wrong.as_ref())
}

/// Goes on after what was done, or shows the page with what has to be mended.
async fn finish(
    visit: &Visit,
    id: Uuid,
    done: Result<SubscriptionView, Fault>,
    said: &str,
    typed: (String, String),
) -> Page {
    match done {
        Ok(_) => Ok(see_other(format!("/subscriptions/{id}?done={said}"))),
        Err(fault) => render(visit, id, typed, Some(Wrong::of(fault)?)).await,
    }
}

/// Cancels at the end of the paid term.
pub async fn cancel(visit: Visit, id: Path<Uuid>) -> Page {
    let done = flows::subscribe::cancel(&visit.ctx, visit.signed()?, *id, true).await;
    let typed = (visit.form_key().to_string(), String::new());
    finish(&visit, *id, done, "cancelled", typed).await
}

/// Takes that back.
pub async fn resume(visit: Visit, id: Path<Uuid>) -> Page {
    let done = flows::subscribe::cancel(&visit.ctx, visit.signed()?, *id, false).await;
    let typed = (visit.form_key().to_string(), String::new());
    finish(&visit, *id, done, "resumed", typed).await
}

/// Asks the provider to give unused days back.
pub async fn ask(visit: Visit, id: Path<Uuid>, form: Form<Ask>) -> Page {
    let reason = form.into_inner().reason;
    let new = TermRefundRequest {
        reason: reason.clone(),
    };
    let done = flows::subscribe::ask_back(&visit.ctx, visit.signed()?, *id, new).await;
    let typed = (visit.form_key().to_string(), reason);
    finish(&visit, *id, done, "asked-back", typed).await
}

/// Gives unused days back.
pub async fn give_back(visit: Visit, id: Path<Uuid>, form: Form<GiveBack>) -> Page {
    let (me, form) = (visit.signed()?, form.into_inner());
    let new = NewTermRefund {
        reason: form.reason.clone(),
    };
    let done = flows::subscribe::give_back(&visit.ctx, me, &form.key, *id, new).await;
    finish(&visit, *id, done, "days-back", (form.key, form.reason)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::samples;

    fn page(state: &str, mine: bool) -> Subscription {
        Subscription {
            shell: samples::member(),
            s: samples::subscription(state),
            mine,
            may_give: !mine,
            key: "k".to_owned(),
            reason: String::new(),
            wrong: None,
        }
    }

    #[test]
    fn a_subscriber_sees_use_money_and_what_cancelling_means() {
        let html = samples::check(
            &page("active", true),
            &[
                "3 of 31 days",
                "12,345 rows",
                "5.49 EUR",
                "6.10 EUR",
                "/cancel",
                "/ask",
                "/licences/",
                "Nothing more is charged",
                "EUR/4",
            ],
        );
        assert!(!html.contains("/refund\""));
        let html = samples::check(&page("lapsed", true), &["lapsed", "Subscribe again"]);
        assert!(!html.contains("/cancel") && !html.contains("/ask"));
    }

    #[test]
    fn a_cancelled_one_can_go_on() {
        let mut page = page("active", true);
        page.s.cancelled_at = Some(samples::at(2));
        page.s.refund_asked_at = Some(samples::at(2));
        page.s.refund_asked_reason = Some("bought twice".to_owned());
        let html = samples::check(&page, &["/resume", "bought twice", "asked back"]);
        assert!(!html.contains("/cancel"));
    }

    #[test]
    fn a_missing_payment_says_until_when_and_where_to_pay() {
        samples::check(
            &page("past_due", true),
            &["payment missing", "/wallet", "is tried again until"],
        );
    }

    #[test]
    fn an_owner_gives_unused_days_back_and_keeps_what_was_typed() {
        let page = Subscription {
            reason: "as asked".to_owned(),
            wrong: Some(samples::wrong("reason", "Say why.")),
            ..page("active", false)
        };
        let html = samples::check(
            &page,
            &[
                "/refund\"",
                "value=\"as asked\"",
                "value=\"k\"",
                "Say why.",
                "Bo Buyer",
            ],
        );
        assert!(!html.contains("/cancel"));
    }

    #[test]
    fn lists_are_told_apart() {
        let list = |state: Option<&str>| Listing {
            items: state.map(samples::subscription).into_iter().collect(),
            next: None,
        };
        let page = |all, state| Subscriptions {
            shell: samples::member(),
            list: list(state),
            all,
        };
        let html = samples::check(&page(false, Some("active")), &["9.00 EUR", "Next charge"]);
        assert!(!html.contains("Bo Buyer"));
        samples::check(&page(true, Some("refunded")), &["Bo Buyer", "given back"]);
        samples::check(&page(false, None), &["class=\"empty\""]);
    }
}
